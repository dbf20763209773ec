//! Fewer steps that come to the same: what is left of a walk that failed is close to the smallest one that does.

use super::steps::Step;
use super::{Failure, walk};

/// Leaves out as many steps as it can in so many tries, larger parts first, while the walk goes wrong in the same way.
pub(super) fn shrunk(
    mut steps: Vec<Step>,
    mut failure: Failure,
    tries_max: u64,
) -> (Vec<Step>, Failure) {
    let mut part = steps.len() / 2;
    let mut tries = 0;
    while part > 0 {
        let mut from = 0;
        while from < steps.len() && tries < tries_max {
            let mut fewer = steps.clone();
            fewer.drain(from..(from + part).min(steps.len()));
            tries += 1;
            match walk(&fewer) {
                Err(again) if is_same(&again, &failure) => {
                    fewer.truncate(again.step + 1);
                    (steps, failure) = (fewer, again);
                }
                Ok(()) | Err(_) => from += part,
            }
        }
        part /= 2;
    }
    (steps, failure)
}

/// Whether two walks went wrong in the same way, whoever it was about.
fn is_same(one: &Failure, other: &Failure) -> bool {
    let kind = |failure: &Failure| -> String {
        let words = failure.what.split_whitespace();
        let words = words.filter(|word| !word.contains(|it: char| it.is_ascii_digit()));
        words.take(12).collect()
    };
    kind(one) == kind(other)
}
