//! The target of Campaigns' answers: nothing that looks like an address and nothing unreadable is kept of them.

use super::envelope::Envelope;
use super::{CampaignsError, Method, lists, wire};
use crate::fuzz::choice;
use crate::zoho::http::Answer;

/// A method, a status and a body.
pub(crate) fn answer(bytes: &[u8]) {
    let (which, rest) = choice(bytes);
    let (status, body) = choice(rest);
    let method = Method::ALL[usize::from(which) % Method::ALL.len()];
    let answer = Answer {
        status: [200, 200, 200, 401, 404, 429, 500][usize::from(status) % 7],
        body: body.to_vec(),
        ..Answer::default()
    };
    match Envelope::open(method, &answer) {
        Ok(envelope) => {
            assert_keepable(&envelope.code, &envelope.text);
            match method {
                // What does not have the shape is refused.
                Method::Lists => drop(envelope.decode::<wire::Lists>()),
                Method::Subscribers => drop(envelope.decode::<wire::Subscribers>()),
                Method::Count => drop(envelope.decode::<wire::Count>()),
                Method::SubscribeBulk => drop(envelope.decode::<wire::Bulk>()),
                Method::ContactFields => drop(lists::contact_fields(envelope)),
                Method::Subscribe | Method::Unsubscribe | Method::Tag | Method::MakeTag => {}
            }
        }
        Err(error) => {
            if let CampaignsError::Refused { code, text, .. } = &error {
                assert_keepable(code, text);
            }
            assert!(!error.to_string().contains('@'), "{error}");
        }
    }
}

fn assert_keepable(code: &str, text: &str) {
    assert!(!code.is_empty());
    assert!(
        code.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    );
    assert!(!text.contains(|c: char| c == '@' || c.is_control()));
    assert!(text.chars().count() <= 200);
}
