//! The grant code from standard input: a line, which a terminal does not show.

use std::io::{self, BufRead, IsTerminal, Read};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::sync::oneshot;

use crate::cli::exit::{CliError, Exit};

/// More than any code has.
const BYTES_MAX: u64 = 4096;

/// Reads the code. Given up, it leaves the terminal as it was; the thread that reads ends with the process.
///
/// # Errors
/// There is none, or something that is none.
pub(super) async fn read() -> Result<SecretString, CliError> {
    let _silence = io::stdin().is_terminal().then(Silence::begin);
    let (said, hears) = oneshot::channel();
    thread::spawn(move || said.send(line()));
    let line = hears.await.map_err(io::Error::other);
    code(line.flatten())
}

fn line() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().take(BYTES_MAX).read_line(&mut text)?;
    Ok(text)
}

fn code(line: io::Result<String>) -> Result<SecretString, CliError> {
    let refused = |message: &str| Err(CliError::because(Exit::Usage, message));
    let text = match line {
        Ok(text) => SecretString::from(text.trim()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return refused("what came on standard input is not a grant code, which is one word");
        }
        Err(source) => {
            let doing = "read the grant code from standard input".to_owned();
            return Err(CliError::System { doing, source });
        }
    };
    let word = secrecy::ExposeSecret::expose_secret(&text);
    if word.is_empty() {
        return refused(
            "there was no grant code on standard input; nothing was stored. Make a code in the API console and begin again",
        );
    }
    if !word.chars().all(|letter| letter.is_ascii_graphic()) {
        return refused("what came on standard input is not a grant code, which is one word");
    }
    Ok(text)
}

/// As long as it lives, the terminal does not show what is typed.
struct Silence(Option<Termios>);

impl Silence {
    fn begin() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut silent) = before.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            silent.local_modes.insert(LocalModes::ECHONL);
            // A terminal that does not do it shows a code that is good for minutes, once.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
        Self(before)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // Nothing more can be done about it.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
