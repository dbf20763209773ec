//! What a code means, by method: the one table, because the same number has different meanings in different methods.
//!
//! Source: the error codes of the Campaigns API v1.1 and the codes that its method pages list, November 2026. Messages
//! are not parsed, as they differ by account and language, with one exception: Campaigns blocks addresses (its help
//! page on ignored contacts), and no page has a code for that.

use super::Method;
use crate::domain::failure::Failure;

/// Why Campaigns does not take one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds the address invalid.
    InvalidAddress,
    /// It holds the address to be a group's or a role's.
    RoleAddress,
    /// It has blocked the address; only its support can lift that.
    Blocked,
    /// There is no such contact; nothing to unsubscribe.
    NotAContact,
    /// It could not do it this time; the next run may.
    Passing,
    /// Another reason; code and text are all there is.
    Other,
}

/// What an answer's code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Done.
    Done,
    /// It was so before.
    AlreadyThere,
    /// There is nothing to list, or nothing further.
    Nothing,
    /// More rows were asked for than it gives in one page.
    RangeTooLarge,
    /// This contact is refused.
    Contact(Verdict),
    /// The call failed.
    Failed(Failure),
}

/// The meaning of a code in the answer to a method.
pub(super) fn meaning(method: Method, code: &str) -> Meaning {
    use Method::{Lists, MakeTag, Subscribe, Subscribers, Tag, Unsubscribe};
    match (method, code) {
        (_, "0" | "200") => Meaning::Done,

        (Subscribe, "2001") => Meaning::Contact(Verdict::Passing),
        (Subscribe, "2003") => Meaning::AlreadyThere,
        (Subscribe | Unsubscribe, "2004") => Meaning::Contact(Verdict::InvalidAddress),
        (Subscribe | Unsubscribe, "2005") => Meaning::Contact(Verdict::RoleAddress),
        (Unsubscribe, "2103" | "993") => Meaning::Contact(Verdict::NotAContact),
        // Pattern and type: a field's value that Campaigns does not take for this contact.
        (Subscribe, "1001" | "1005") => Meaning::Contact(Verdict::Other),

        (Tag, "993" | "2103") => Meaning::Contact(Verdict::NotAContact),
        (Tag, "9001") => Meaning::Nothing,
        // Made by somebody else meanwhile; which code says so is not documented.
        (MakeTag, "9002") => Meaning::AlreadyThere,
        // Neither has anything to do with a list.
        (Tag | MakeTag, "404" | "1004" | "6304" | "6601") => Meaning::Failed(Failure::Refused),

        (Lists, "2401" | "2502") => Meaning::Nothing,
        (Subscribers, "2203" | "2502") => Meaning::Nothing,
        (Lists | Subscribers, "6502") => Meaning::RangeTooLarge,

        (_, "401" | "1007") => Meaning::Failed(Failure::TokenExpired),
        (_, "901" | "902" | "914" | "2302") => Meaning::Failed(Failure::AccountClosed),
        (
            _,
            "404" | "995" | "1004" | "2002" | "2102" | "2202" | "2206" | "2401" | "2501" | "2701"
            | "2704" | "2706" | "2707" | "6304" | "6601",
        ) => Meaning::Failed(Failure::Configuration),
        (_, "500" | "2101" | "2104" | "2201" | "2301" | "2402" | "2502" | "2601") => {
            Meaning::Failed(Failure::Unreachable)
        }
        (_, "429") => Meaning::Failed(Failure::Throttled { wait: None }),
        (_, "400" | "903" | "1001" | "1002" | "1003" | "1005" | "1006") => {
            Meaning::Failed(Failure::Refused)
        }

        // What is not known may pass: a person who is tried again costs a call, one who is given up is lost.
        (Subscribe | Unsubscribe, _) => Meaning::Contact(Verdict::Passing),
        (_, _) => Meaning::Failed(Failure::Refused),
    }
}

impl Meaning {
    /// The same, read again with the text beside the code: a refusal whose code says no more than that there is one
    /// may say in words that the address is blocked. In another language it stays what it was, and is tried again.
    pub(super) fn with_text(self, text: &str) -> Self {
        match self {
            Self::Contact(Verdict::Passing | Verdict::Other) if says_blocked(text) => {
                Self::Contact(Verdict::Blocked)
            }
            meaning => meaning,
        }
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
        Failure::Unreachable => format!("it asks to try again later (code {code})"),
        Failure::Throttled { .. } => format!("too many calls (code {code}); it will do later"),
        Failure::TokenExpired | Failure::CredentialsRefused => format!(
            "the access token is refused (code {code}); make a new refresh token with `rosterd login`, for the scopes {} \
             and {}, in the data centre of the account",
            Method::Lists.scope(),
            Method::Subscribe.scope()
        ),
        Failure::Configuration => format!(
            "the list does not exist or may not be used by this account (code {code}); check the list key, which the \
             list's Setup page in Campaigns shows"
        ),
        Failure::AccountClosed => format!(
            "the account is inactive or full (code {code}); look at the plan and its number of contacts in Campaigns"
        ),
        Failure::Refused => format!("code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_what_its_method_says() {
        let contact = Meaning::Contact;
        let failed = Meaning::Failed;
        for (method, code, want) in [
            (Method::Subscribe, "0", Meaning::Done),
            (Method::Subscribe, "200", Meaning::Done),
            (Method::Subscribe, "2001", contact(Verdict::Passing)),
            (Method::Subscribe, "2003", Meaning::AlreadyThere),
            (Method::Subscribe, "2004", contact(Verdict::InvalidAddress)),
            (Method::Subscribe, "2005", contact(Verdict::RoleAddress)),
            (Method::Subscribe, "2002", failed(Failure::Configuration)),
            (Method::Subscribe, "2501", failed(Failure::Configuration)),
            (Method::Subscribe, "2302", failed(Failure::AccountClosed)),
            (Method::Subscribe, "2502", failed(Failure::Unreachable)),
            (Method::Subscribe, "1005", contact(Verdict::Other)),
            (Method::Subscribe, "903", failed(Failure::Refused)),
            (Method::Subscribe, "4711", contact(Verdict::Passing)),
            (
                Method::SubscribeBulk,
                "2302",
                failed(Failure::AccountClosed),
            ),
            (Method::SubscribeBulk, "2004", failed(Failure::Refused)),
            (
                Method::SubscribeBulk,
                "2206",
                failed(Failure::Configuration),
            ),
            (Method::Unsubscribe, "2103", contact(Verdict::NotAContact)),
            (Method::Unsubscribe, "2101", failed(Failure::Unreachable)),
            (Method::Unsubscribe, "2102", failed(Failure::Configuration)),
            (Method::Tag, "200", Meaning::Done),
            (Method::Tag, "993", contact(Verdict::NotAContact)),
            (Method::Tag, "9001", Meaning::Nothing),
            (Method::Tag, "1004", failed(Failure::Refused)),
            (Method::Tag, "2101", failed(Failure::Unreachable)),
            (Method::MakeTag, "9002", Meaning::AlreadyThere),
            (Method::MakeTag, "2302", failed(Failure::AccountClosed)),
            (Method::Lists, "2401", Meaning::Nothing),
            (Method::Subscribers, "2502", Meaning::Nothing),
            (Method::Subscribers, "6502", Meaning::RangeTooLarge),
            (Method::Subscribers, "2501", failed(Failure::Configuration)),
            (Method::Count, "2202", failed(Failure::Configuration)),
            (Method::Count, "2502", failed(Failure::Unreachable)),
            (Method::Count, "1007", failed(Failure::TokenExpired)),
            (
                Method::ContactFields,
                "1004",
                failed(Failure::Configuration),
            ),
            (Method::ContactFields, "4711", failed(Failure::Refused)),
        ] {
            assert_eq!(meaning(method, code), want, "{method} {code}");
        }
    }
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
            assert_eq!(passing.clone().with_text(text), *want, "{text}");
            // A code that says what it is needs no words, and other answers are not about a contact.
            for known in [
                Meaning::Done,
                Meaning::AlreadyThere,
                Meaning::Contact(Verdict::InvalidAddress),
                Meaning::Contact(Verdict::NotAContact),
                Meaning::Failed(Failure::Unreachable),
            ] {
                assert_eq!(known.clone().with_text(text), known, "{text}");
            }
        }
    }
}
