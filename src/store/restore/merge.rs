//! What is taken for true where a backup and the present state differ: the more cautious of the two.
//!
//! `then` is the older of the two and `now` the newer one, whichever of them is the backup.

use crate::domain::activation::Holds;
use crate::domain::changes::Membership;
use crate::store::ledger::rows::{ErasedRow, MemberRow};

/// How an address stands on a list, after a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    /// Its row.
    pub(super) row: MemberRow,
    /// Whether it may be on the list all the same, and is rosterd's own if it is.
    pub(super) may_be_ours: bool,
}

/// How much a standing holds an address back. What people did goes before what rosterd did.
fn caution(state: Membership) -> u8 {
    match state {
        Membership::Unsubscribed => 3,
        Membership::Bounced => 2,
        Membership::TakenOffOptedOut | Membership::OptedOutLost => 1,
        Membership::Active
        | Membership::Lost
        | Membership::TakenOffGone
        | Membership::TakenOffLeft
        | Membership::TakenOffReleased => 0,
    }
}

/// The row that is kept of two for one address and list: the one that holds back more, and else the newer. Where that is
/// wrong, because somebody came back meanwhile, the list shows it when the next run reads it in full.
pub(super) fn member(then: Option<&MemberRow>, now: Option<&MemberRow>) -> Option<Merged> {
    let older = |row: &MemberRow, may_be_ours| Merged {
        row: row.clone(),
        may_be_ours,
    };
    match (then, now) {
        (Some(then), Some(now)) if caution(then.state) > caution(now.state) => {
            let is_ours = now.state == Membership::Active && now.ours;
            Some(older(then, is_ours))
        }
        (_, Some(row)) | (Some(row), None) => Some(older(row, false)),
        (None, None) => None,
    }
}

/// Since when an address has opted out, where both know it.
pub(super) fn since(then: Option<i64>, now: i64) -> i64 {
    then.map_or(now, |then| then.min(now))
}

/// The erasure that is kept: since the first, and what is carried out stays so. The file is to be written anew.
pub(super) fn erased(then: Option<ErasedRow>, now: ErasedRow) -> ErasedRow {
    ErasedRow {
        since: since(then.map(|row| row.since), now.since),
        done: now.done || then.is_some_and(|row| row.done),
        wiped: false,
    }
}

/// What holds a sync: whatever has held it in either, and of what happened to its account the newer.
pub(super) fn holds(then: Holds, now: Holds) -> Holds {
    Holds {
        by_person: then.by_person || now.by_person,
        by_account: now.by_account.or(then.by_account),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::activation::AccountHold;

    fn row(state: Membership, since: i64) -> MemberRow {
        MemberRow {
            address: format!("ann{since}@example.com"),
            state,
            ours: state == Membership::Active,
            since,
            seen: 0,
        }
    }

    #[test]
    fn of_two_standings_the_one_that_holds_back_more_is_kept_and_else_the_newer() {
        use Membership::{
            Active, Bounced, Lost, OptedOutLost, TakenOffGone, TakenOffLeft, TakenOffOptedOut,
            TakenOffReleased, Unsubscribed,
        };
        let (then, now) = (1, 2);
        for (was, is, kept) in [
            // What happened since the older one.
            (Active, Unsubscribed, now),
            (Active, Bounced, now),
            (Active, TakenOffGone, now),
            (Active, TakenOffLeft, now),
            (Active, TakenOffOptedOut, now),
            (Active, Lost, now),
            (TakenOffGone, Unsubscribed, now),
            (TakenOffOptedOut, Unsubscribed, now),
            (Bounced, Unsubscribed, now),
            (Lost, Active, now),
            (TakenOffGone, Active, now),
            (TakenOffLeft, TakenOffOptedOut, now),
            (Active, Active, now),
            // What must not be undone by it.
            (Unsubscribed, Active, then),
            (Unsubscribed, Lost, then),
            (Unsubscribed, TakenOffGone, then),
            (Unsubscribed, Bounced, then),
            (Bounced, Active, then),
            (Bounced, TakenOffLeft, then),
            (TakenOffOptedOut, Active, then),
            (TakenOffOptedOut, TakenOffReleased, then),
            (OptedOutLost, Lost, then),
        ] {
            let (was, is) = (row(was, then), row(is, now));
            let merged = member(Some(&was), Some(&is)).unwrap();
            let told = format!("{:?} then {:?}", was.state, is.state);
            assert_eq!(merged.row.since, kept, "{told}");
            let hides = kept == then && is.state == Active;
            assert_eq!(merged.may_be_ours, hides, "{told}");
        }
        let only = row(Active, then);
        for (was, is) in [(Some(&only), None), (None, Some(&only))] {
            assert_eq!(member(was, is).unwrap().row, only);
        }
        assert_eq!(member(None, None), None);
    }

    #[test]
    fn nothing_that_holds_back_is_lost_on_either_side() {
        let row = |since, done| ErasedRow {
            since,
            done,
            wiped: true,
        };
        for (then, now, since, done) in [
            (None, row(5, true), 5, true),
            (Some(row(3, true)), row(5, false), 3, true),
            (Some(row(7, false)), row(5, false), 5, false),
        ] {
            let kept = erased(then, now);
            assert_eq!((kept.since, kept.done, kept.wiped), (since, done, false));
        }
        let (free, key, person) = (
            Holds::default(),
            Holds {
                by_person: false,
                by_account: Some(AccountHold::KeyChanged),
            },
            Holds {
                by_person: true,
                by_account: None,
            },
        );
        for (then, now, by_person, by_account) in [
            (free, free, false, None),
            (person, free, true, None),
            (free, person, true, None),
            (key, person, true, Some(AccountHold::KeyChanged)),
        ] {
            let kept = holds(then, now);
            assert_eq!((kept.by_person, kept.by_account), (by_person, by_account));
        }
    }
}
