//! Words: what Campaigns says in them alone, and what is said to people of its codes.
//!
//! What a code means stands in the [table](crate::domain::failure::table). Messages are not parsed, as they differ by
//! account and language, with one exception: Campaigns blocks addresses (its help page on ignored contacts), and no page
//! has a code for that.

use super::Method;
use crate::domain::failure::{Failure, Meaning, Verdict};

/// A meaning, read again with the text beside the code: a refusal whose code says no more than that there is one may say
/// in words that the address is blocked. In another language it stays what it was, and is tried again.
pub(super) fn with_text(meaning: Meaning, text: &str) -> Meaning {
    match meaning {
        Meaning::Contact(Verdict::Passing | Verdict::Other) if says_blocked(text) => {
            Meaning::Contact(Verdict::Blocked)
        }
        meaning => meaning,
    }
}

/// Whether a text says of an address, and not of the caller or for a while, that it is blocked: who is held blocked is
/// not tried again before their fields change.
fn says_blocked(text: &str) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .collect();
    let has = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
    has(&["blocked", "blocklisted", "blacklisted"])
        && has(&[
            "address",
            "contact",
            "email",
            "mail",
            "recipient",
            "subscriber",
        ])
        && !has(&[
            "again",
            "api",
            "call",
            "calls",
            "ip",
            "later",
            "limit",
            "minutes",
            "request",
            "requests",
            "retry",
            "temporarily",
        ])
}

/// What a failed call says to a person, with what to do about it.
pub(super) fn remedy(failure: &Failure, code: &str) -> String {
    match failure {
        Failure::Unreachable => {
            format!("it is out of order (code {code}); trying again later will do")
        }
        Failure::Busy => format!("it asks to try again later (code {code})"),
        Failure::Throttled { .. } => format!("too many calls (code {code}); it will do later"),
        Failure::TokenExpired | Failure::CredentialsRefused => format!(
            "the access token is refused (code {code}); make a new refresh token with `rosterd login`, for the scopes {} \
             and {}, in the data centre of the account",
            Method::Lists.scope(),
            Method::Subscribe.scope()
        ),
        Failure::Configuration => configuration(code),
        Failure::AccountClosed => match code {
            "901" | "902" => format!(
                "the account is not active (code {code}); sign in to Campaigns and look at its plan and at notices"
            ),
            _ => format!(
                "the account has as many contacts as its plan allows (code {code}); enlarge the plan, or delete \
                 contacts in Campaigns"
            ),
        },
        Failure::Refused => format!("code {code}"),
    }
}

/// What is to be changed.
fn configuration(code: &str) -> String {
    match code {
        "404" | "1004" => format!(
            "it has no such method (code {code}); check `data_center` of the account, and `campaigns_url` if that is set"
        ),
        "2701" | "2704" | "2706" | "6304" | "6601" => format!(
            "the user who made the refresh token may not use the list (code {code}); give them the right in Campaigns, \
             or make a new refresh token as another user with `rosterd login`"
        ),
        "910" | "916" => {
            format!("it has other fields of contacts (code {code}); check the labels in `map`")
        }
        code if code.starts_with("40") => format!(
            "topics are not as asked (code {code}); check `topics` of the account, and the list's topics in Campaigns"
        ),
        _ => format!(
            "the list does not exist or may not be used by this account (code {code}); check the list key, which the \
             list's Setup page in Campaigns shows"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_about_the_address_make_a_refusal_a_block() {
        let passing = Meaning::Contact(Verdict::Passing);
        let blocked = Meaning::Contact(Verdict::Blocked);
        for (text, says) in [
            ("This email address is blocked.", true),
            ("Contact … is BLOCKED for your organization", true),
            ("The recipient has been blacklisted", true),
            ("e-mail blocklisted", true),
            ("This contact cannot be added.", false),
            ("Blocked.", false),
            ("", false),
            ("This contact was unblocked", false),
            ("Your IP address is blocked", false),
            ("The API is blocked for this contact's list", false),
            (
                "Adding contacts is blocked for 30 minutes, please try again",
                false,
            ),
            ("Contact … is temporarily blocked", false),
        ] {
            let want = if says { &blocked } else { &passing };
            assert_eq!(with_text(passing.clone(), text), *want, "{text}");
            // A code that says what it is needs no words, and other answers are not about a contact.
            for known in [
                Meaning::Done,
                Meaning::AlreadyThere,
                Meaning::Contact(Verdict::InvalidAddress),
                Meaning::Contact(Verdict::NotAContact),
                Meaning::Failed(Failure::Unreachable),
            ] {
                assert_eq!(with_text(known.clone(), text), known, "{text}");
            }
        }
    }
}
