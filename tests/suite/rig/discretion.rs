//! What no child of the suite may let out: secrets anywhere, and addresses and names in what is logged or journalled.
//!
//! Every rig plants the same secrets, and the sandbox's people have names that nothing else has. All that a child prints
//! comes through here when it has ended, and every rig's history when the rig goes, so that the promise is tested by
//! whatever the suite does, and by every test to come. What a person typed on the command line may be repeated to them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use rosterd::sandbox::{CLIENT_SECRET, REFRESH_TOKEN};

/// The key that [`super::Rig::settings`] gives an account which has none.
pub(crate) const ZSC_KEY: &str = "1003.sandbox.zsc";

/// What grant codes of the sandbox begin with.
const CODE: &str = "1000.sandbox.code";

/// Access tokens of the sandbox are `1000.`, 32 hexadecimal digits, a dot and 32 more.
const TOKEN: &str = "1000.";
const TOKEN_DIGITS: usize = 32;

/// Names of the sandbox's people that are no words of anything else.
const NAMES: [&str; 8] = [
    "O'Brien",
    "Łukasz",
    "García Márquez",
    "Öztürk",
    "Sørensen",
    "Lindqvist",
    "Katarzyna",
    "Hiroshi",
];

/// The address that messages give as an example; none of the sandbox's people has it.
const EXAMPLE: &str = "ann@example.com";

/// What a text is for, and so what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A result on stdout, or the file of a run's ignored contacts: people may be named, secrets not.
    WhoAsked,
    /// A log, a message or the journal: neither.
    Anybody,
}

/// The words of a command line, which may be repeated to whoever typed them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed(Vec<String>);

impl Typed {
    /// Those of a command.
    pub(crate) fn of(command: &Command) -> Self {
        let text = |word: &OsStr| word.to_string_lossy().into_owned();
        Self(command.get_args().map(text).collect())
    }

    fn has(&self, part: &str) -> bool {
        self.0.iter().any(|word| word.contains(part))
    }
}

/// Fails the test that let something out.
pub(crate) fn assert_discreet(audience: Audience, typed: &Typed, text: &str) {
    if let Some(found) = found(audience, typed, text) {
        panic!("{found} was let out to {audience:?} of {typed:?}:\n{text}");
    }
}

/// Looks through the history that a rig leaves behind; one that was never written holds nothing.
pub(crate) fn assert_history_discreet(history: &Path) {
    for (folder, audience) in [
        (history.to_owned(), Audience::Anybody),
        (history.join("ignored"), Audience::WhoAsked),
    ] {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_file() {
                assert_discreet(audience, &Typed::default(), &text_of(&path));
            }
        }
    }
}

/// The text of a file, unpacked where it is packed. Tests damage files, so it is read as far as it goes.
fn text_of(path: &Path) -> String {
    let mut bytes = Vec::new();
    let mut file = File::open(path).unwrap();
    if path.extension() == Some(OsStr::new("gz")) {
        GzDecoder::new(file).read_to_end(&mut bytes).ok();
    } else {
        file.read_to_end(&mut bytes).unwrap();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a text lets out, if it does.
fn found(audience: Audience, typed: &Typed, text: &str) -> Option<String> {
    let secret = [CLIENT_SECRET, REFRESH_TOKEN, ZSC_KEY, CODE]
        .into_iter()
        .find(|secret| text.contains(secret));
    if let Some(secret) = secret {
        return Some(format!("the secret `{secret}`"));
    }
    if let Some(token) = token(text) {
        return Some(format!("the access token `{token}`"));
    }
    if audience == Audience::WhoAsked {
        return None;
    }
    let name = NAMES.into_iter().find(|name| text.contains(name));
    if let Some(name) = name.filter(|name| !typed.has(name)) {
        return Some(format!("the name `{name}`"));
    }
    let mut addresses = addresses(text);
    let address = addresses.find(|address| *address != EXAMPLE && !typed.has(address))?;
    Some(format!("the address `{address}`"))
}

fn token(text: &str) -> Option<&str> {
    let places = text.match_indices(TOKEN).map(|(place, _)| place);
    places
        .filter_map(|place| text.get(place..place + TOKEN.len() + TOKEN_DIGITS))
        .find(|token| {
            let mut digits = token.bytes().skip(TOKEN.len());
            digits.all(|digit| digit.is_ascii_hexdigit())
        })
}

/// Words with an `@` between letters or digits, whatever else is around them.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || "._%+-'@".contains(c);
    let words = text.split(move |c: char| !is_part(c));
    words.filter(|word| {
        let mut halves = word.split('@');
        let (local, domain) = (halves.next().unwrap_or_default(), halves.next());
        local.ends_with(char::is_alphanumeric)
            && domain.is_some_and(|domain| domain.starts_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(audience: Audience, text: &str) -> bool {
        found(audience, &Typed::default(), text).is_some()
    }

    #[test]
    fn whatever_is_planted_is_found() {
        let token = format!("1000.{}.{}", "0a".repeat(16), "f9".repeat(16));
        for secret in [
            CLIENT_SECRET,
            REFRESH_TOKEN,
            ZSC_KEY,
            "1000.sandbox.code.3",
            &token,
        ] {
            let text = format!("{{\"error\":\"refused: {secret}\"}}");
            assert!(finds(Audience::WhoAsked, &text), "{secret}");
            assert!(finds(Audience::Anybody, &text), "{secret}");
        }
        for person in [
            "ann.lee@example.com",
            "<ted@zylkercom>",
            "x=a@b\n",
            "Ben O'Brien",
            "José@x.example",
        ] {
            assert!(finds(Audience::Anybody, person), "{person}");
            assert!(!finds(Audience::WhoAsked, person), "{person}");
        }
    }

    #[test]
    fn what_is_no_secret_and_nobody_is_passed_over() {
        for text in [
            "@daily",
            "no `@` in it",
            "a @ b",
            "1000.SANDBOX",
            "1000.00",
            "rosterd is running",
        ] {
            assert!(!finds(Audience::Anybody, text), "{text}");
        }
    }

    #[test]
    fn an_address_may_be_repeated_to_whoever_typed_it_and_no_other() {
        let mut command = Command::new("rosterd");
        command.args(["why", "jim@example.com"]);
        let typed = Typed::of(&command);
        let found = |text| found(Audience::Anybody, &typed, text);
        assert_eq!(found("nothing is known of jim@example.com"), None);
        assert!(found("nothing is known of bob@example.com").is_some());
    }
}
