//! The target of Zoho Accounts' answers: a token that can be sent, or an error that repeats nothing.

use secrecy::ExposeSecret;

use super::answer::read;
use crate::fuzz::choice;
use crate::zoho::http::Answer;

/// A status and a body.
pub(crate) fn token(bytes: &[u8]) {
    let (status, body) = choice(bytes);
    let answer = Answer {
        status: [200, 400, 429, 500][usize::from(status) % 4],
        body: body.to_vec(),
        ..Answer::default()
    };
    let account = "main".parse().expect("a name");
    match read(&answer, &account) {
        Ok(grant) => {
            let token = grant.access_token.expose_secret();
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        Err(error) => {
            let said = error.to_string();
            assert!(
                !said.contains(|c: char| c == '@' || c.is_control()),
                "{said}"
            );
        }
    }
}
