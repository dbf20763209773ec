//! Addresses of invented people: most are good and their own, some have what addresses in real data have.

use super::super::random::Random;
use super::names::{DOMAINS, ROLES, STUMPS};

/// How many addresses are kept to be given to a second record.
const KEPT_MAX: usize = 500;

/// Gives addresses out, and remembers some to give out again.
#[derive(Debug, Default)]
pub(super) struct Addresses(Vec<String>);

impl Addresses {
    /// The address of a person of these names, who is the `number`th; empty for one without. In a thousand: 40 have none, 50
    /// have one that mail cannot reach, 20 one of a group, 50 somebody else's, 60 their own in capitals or among spaces.
    pub(super) fn next(
        &mut self,
        random: &mut Random,
        first: &str,
        last: &str,
        number: u64,
    ) -> String {
        let good = format!("{first}.{last}{number}@{}", random.pick(&DOMAINS));
        match random.below(1000) {
            0..40 => String::new(),
            40..65 => format!("{first}{number}@{}", random.pick(&STUMPS)),
            65..72 => good.replace('@', " at "),
            72..79 => good.replace('.', ".."),
            79..85 => good.replace('@', ""),
            85..90 => format!("{first} {last}{number}@example.com"),
            90..110 => format!("{}@{last}{}.example", random.pick(&ROLES), number % 50),
            110..160 if !self.0.is_empty() => {
                let same = random.pick(&self.0).clone();
                if random.chance(300) {
                    same.to_uppercase()
                } else {
                    same
                }
            }
            160..200 => capitals(&good),
            200..220 => format!("  {good} "),
            220..225 => format!("{first}.{last}{number}@bücher.example"),
            _ => {
                if self.0.len() < KEPT_MAX {
                    self.0.push(good.clone());
                }
                good
            }
        }
    }
}

/// The address with a capital at the start of every word.
fn capitals(address: &str) -> String {
    let mut start = true;
    let letters = address.chars().map(|letter| {
        let shown = if start {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        start = !letter.is_alphanumeric();
        shown
    });
    letters.collect()
}
