//! The audit of what a run added: nobody of them is to be among those who left or bounced.
//!
//! The gate rests on a snapshot, and Campaigns may take a contact all the same. So the suppressions are read once more
//! after the last addition. An address that was added and is suppressed now is an alarm: either it was suppressed when it
//! was added, or the person left since. Campaigns says when neither happened, so these two cannot be told apart, and the
//! one that matters decides; but whoever was met clean in between, as a long run reads the suppressions again, left of
//! their own accord. What rosterd had unsubscribed itself, and Campaigns has kept unsubscribed, is no alarm.

use super::changes::Membership;
use super::suppression::Suppression;

/// What was found of an address between its addition and the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Nobody looked.
    Unseen,
    /// It was not among the suppressed.
    Clean,
}

/// What the audit finds of one address that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing against it.
    Clean,
    /// Campaigns kept it unsubscribed, as rosterd had left it.
    Kept,
    /// It is suppressed.
    Alarm(Suppression),
}

/// Judges an address by its state before it was added, what was found of it in between, and its state after the
/// suppressions were read again.
#[must_use]
pub fn find(before: Option<Membership>, between: Between, now: Option<Membership>) -> Finding {
    if between == Between::Clean {
        return Finding::Clean;
    }
    match (before, now) {
        (Some(before), Some(Membership::Unsubscribed)) if before.is_taken_off() => Finding::Kept,
        (_, Some(Membership::Unsubscribed)) => Finding::Alarm(Suppression::DoNotMail),
        (_, Some(Membership::Bounced)) => Finding::Alarm(Suppression::Bounced),
        // Taken off again by rosterd itself, in the same run.
        (
            _,
            Some(
                Membership::TakenOffGone
                | Membership::TakenOffOptedOut
                | Membership::TakenOffLeft
                | Membership::TakenOffReleased,
            ),
        ) => Finding::Clean,
        (_, Some(Membership::Active | Membership::Lost | Membership::OptedOutLost) | None) => {
            Finding::Clean
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_added_and_is_suppressed_is_an_alarm_unless_rosterd_had_done_it() {
        use Membership as M;
        let left = Finding::Alarm(Suppression::DoNotMail);
        let bounced = Finding::Alarm(Suppression::Bounced);
        for (before, now, want) in [
            (None, None, Finding::Clean),
            (None, Some(M::Active), Finding::Clean),
            (None, Some(M::Lost), Finding::Clean),
            (None, Some(M::Unsubscribed), left),
            (None, Some(M::Bounced), bounced),
            (None, Some(M::TakenOffOptedOut), Finding::Clean),
            (Some(M::Lost), Some(M::Unsubscribed), left),
            (Some(M::OptedOutLost), Some(M::Unsubscribed), left),
            (Some(M::TakenOffGone), Some(M::Active), Finding::Clean),
            (Some(M::TakenOffGone), Some(M::Unsubscribed), Finding::Kept),
            (Some(M::TakenOffGone), Some(M::Bounced), bounced),
            (Some(M::TakenOffLeft), Some(M::Unsubscribed), Finding::Kept),
            (
                Some(M::TakenOffReleased),
                Some(M::Unsubscribed),
                Finding::Kept,
            ),
            (
                Some(M::TakenOffOptedOut),
                Some(M::Unsubscribed),
                Finding::Kept,
            ),
        ] {
            assert_eq!(
                find(before, Between::Unseen, now),
                want,
                "{before:?} {now:?}"
            );
            // Whatever happened to whoever was met clean happened afterwards.
            assert_eq!(find(before, Between::Clean, now), Finding::Clean);
        }
    }
}
