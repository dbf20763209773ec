//! A name that does not exist, and those that do: what people are told who asked for it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::nearest::{did_you_mean, nearest};

/// Something that was named and does not exist, and what does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// What kind of thing, e.g. `sync`.
    pub what: Cow<'static, str>,
    /// The name.
    pub asked: String,
    /// The names there are; the last are the newest.
    pub existing: Vec<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 20;
        write!(f, "there is no {} `{}`", self.what, self.asked)?;
        let names = self.existing.iter().map(String::as_str);
        // Ids of runs look alike without being meant.
        let slip = nearest(&self.asked, names).filter(|_| self.what == "sync");
        if let Some(proposal) = did_you_mean(slip) {
            return write!(f, ": {proposal}");
        }
        let older = self.existing.len().saturating_sub(SHOWN_MAX);
        match &self.existing[older..] {
            [] => write!(f, ": there is none yet"),
            shown if older == 0 => write!(f, ": use one of {}", shown.join(", ")),
            shown => write!(
                f,
                ": use one of {} or of {older} before them",
                shown.join(", ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_an_unknown_name_lists_those_that_exist() {
        let many = || (0..25).map(|number| format!("r{number}"));
        for (existing, want) in [
            (vec![], "there is no run `x`: there is none yet"),
            (
                vec!["a".to_owned(), "b".to_owned()],
                "there is no run `x`: use one of a, b",
            ),
        ] {
            let unknown = Unknown {
                what: "run".into(),
                asked: "x".to_owned(),
                existing,
            };
            assert_eq!(unknown.to_string(), want);
        }
        let unknown = Unknown {
            what: "sync".into(),
            asked: "newslettr".to_owned(),
            existing: vec!["hotels".to_owned(), "newsletter".to_owned()],
        };
        assert_eq!(
            unknown.to_string(),
            "there is no sync `newslettr`: did you mean `newsletter`?"
        );
        let unknown = Unknown {
            what: "run".into(),
            asked: "x".to_owned(),
            existing: many().collect(),
        };
        let text = unknown.to_string();
        assert!(text.contains("use one of r5, ") && text.ends_with("r24 or of 5 before them"));
    }
}
