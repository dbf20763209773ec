//! The spellings of an address that records may carry, for services that compare with case.

use super::EmailAddress;

/// The spellings of a text that people use, the likeliest first: as it is, all in lower case, with a capital at the start
/// of every word, all in capitals.
#[must_use]
pub fn spellings(text: &str) -> Vec<String> {
    let text = text.trim();
    let capitals = capitalised(text);
    let all = [
        text.to_owned(),
        text.to_lowercase(),
        capitals,
        text.to_uppercase(),
    ];
    distinct(all.into_iter().filter(|spelling| !spelling.is_empty()))
}

impl EmailAddress {
    /// The spellings of the address that records may carry, the likeliest first, an international domain also in its own
    /// letters. No list of spellings is whole: where a service compares without case, any one of them finds all.
    #[must_use]
    pub fn spellings(&self) -> Vec<String> {
        let (local, domain) = (self.local(), self.domain());
        let (letters, _) = idna::domain_to_unicode(domain);
        let names = capitalised(local);
        let mut all = vec![self.sent.clone(), format!("{local}@{domain}")];
        if letters != domain {
            all.extend(spellings(&format!("{local}@{letters}")));
            all.push(format!("{names}@{letters}"));
        }
        all.push(format!("{names}@{domain}"));
        all.push(format!("{names}@{}", begun(domain)));
        all.extend(spellings(&self.sent));
        let local_as_sent = self.sent.get(..self.at).unwrap_or(local);
        all.push(format!("{local_as_sent}@{domain}"));
        all.push(format!("{local}@{}", begun(domain)));
        all.push(format!("{}@{domain}", local.to_ascii_uppercase()));
        distinct(all)
    }
}

/// The text with its first letter in capitals.
fn begun(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase());
    first.into_iter().flatten().chain(letters).collect()
}

/// The text with a capital at the start of every word, and nowhere else.
fn capitalised(text: &str) -> String {
    let mut starts = true;
    let letter = |letter: char| {
        let begins = std::mem::replace(&mut starts, !letter.is_alphanumeric());
        match begins {
            true => letter.to_uppercase().to_string(),
            false => letter.to_lowercase().to_string(),
        }
    };
    text.chars().map(letter).collect()
}

fn distinct(all: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spellings_come_once_and_the_given_one_first() {
        assert_eq!(
            spellings(" jane.Doe@aol "),
            [
                "jane.Doe@aol",
                "jane.doe@aol",
                "Jane.Doe@Aol",
                "JANE.DOE@AOL"
            ]
        );
        assert_eq!(spellings("12@3"), ["12@3"]);
        assert_eq!(spellings(" "), [""; 0]);
    }

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for text in [
            "ann.lee@example.com",
            "ANN.O'BRIEN+x@Example.com",
            "zoe@b\u{fc}cher.example",
            "zoe@xn--bcher-kva.example",
        ] {
            let address = EmailAddress::parse(text).unwrap();
            let spellings = address.spellings();
            assert!(spellings.len() > 4, "{spellings:?}");
            for spelling in &spellings {
                assert_eq!(EmailAddress::parse(spelling).as_ref(), Ok(&address));
            }
            let want = match address.domain().starts_with("xn--") {
                true => ["zoe@b\u{fc}cher.example", "Zoe@b\u{fc}cher.example"],
                false if address.local() == "ann.lee" => {
                    ["Ann.Lee@example.com", "Ann.Lee@Example.com"]
                }
                false => ["ann.o'brien+x@example.com", "ANN.O'BRIEN+X@EXAMPLE.COM"],
            };
            for spelling in want {
                assert!(spellings.contains(&spelling.to_owned()), "{spellings:?}");
            }
        }
    }
}
