//! Which syncs are active, and why the others are not.
//!
//! A sync is active if its file says so and nothing holds it: not a person, not a change of the account's service key or
//! organisation. Of those, an account may have as many as its limit allows. Who is active already keeps the place; of the
//! others, those first seen get what is free (of several seen at once, by id).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{AccountName, SyncId};
use super::limits::{Refused, may_activate};

/// Why a sync is not active. Stored by its place in this list: variants are only appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inactivity {
    /// Its file says `active = false`.
    Definition,
    /// A person said so.
    Operator,
    /// Its file went away.
    Removed,
    /// More syncs would be active than the limit allows.
    Limit,
    /// The account's service key changed or went away.
    KeyChanged,
    /// The credentials belong to another organisation than before.
    OrganisationChanged,
    /// It runs once, and has.
    Finished,
    /// What is kept of people was lost, or put back in doubt.
    StateLost,
}

impl Inactivity {
    /// The name in journal and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Operator => "operator",
            Self::Removed => "removed",
            Self::Limit => "limit",
            Self::KeyChanged => "key_changed",
            Self::OrganisationChanged => "organisation_changed",
            Self::Finished => "finished",
            Self::StateLost => "state_lost",
        }
    }

    /// Whether somebody meant it, so that nobody needs to look why.
    #[must_use]
    pub fn is_meant(self) -> bool {
        match self {
            Self::Definition | Self::Operator | Self::Removed | Self::Finished => true,
            Self::Limit | Self::KeyChanged | Self::OrganisationChanged | Self::StateLost => false,
        }
    }

    /// What a person should know of an inactive sync, and do about it.
    #[must_use]
    pub fn remedy(self, sync: &SyncId, account: &AccountName) -> String {
        match self {
            Self::Definition => "set `active = true` in its file".to_owned(),
            Self::Operator => {
                format!("a person deactivated it; `rosterd activate {sync}` undoes that")
            }
            Self::Removed => "its file is gone".to_owned(),
            Self::Limit => {
                "the limit active_syncs leaves no room for it: deactivate another sync or raise `limits.active_syncs`"
                    .to_owned()
            }
            Self::KeyChanged => format!(
                "the service key of account {account} changed: `rosterd activate {sync}`, or `rosterd activate --account {account}`, if that is meant"
            ),
            Self::OrganisationChanged => format!(
                "the credentials of account {account} belong to another organisation than before: mend them, or `rosterd activate --account {account}`, if that is meant"
            ),
            Self::Finished => "it runs once, and has".to_owned(),
            Self::StateLost => format!(
                "who opted out, left or was erased may not be known any more, as the state was lost or put back in doubt: look at `rosterd plan {sync}`, then `rosterd activate {sync}`"
            ),
        }
    }
}

/// What holds a sync, whatever its file says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holds {
    /// A person has deactivated it.
    pub by_person: bool,
    /// What happened to its account, until a person lets it go on.
    pub by_account: Option<AccountHold>,
}

/// What holds all syncs of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountHold {
    /// Its service key changed or went away.
    KeyChanged,
    /// Its credentials belong to another organisation than before.
    OrganisationChanged,
    /// What is kept of its people was lost, or put back in doubt.
    StateLost,
}

impl Holds {
    /// The reason that is told: what happened to the account goes first.
    #[must_use]
    pub fn why(self) -> Option<Inactivity> {
        match self.by_account {
            Some(AccountHold::KeyChanged) => Some(Inactivity::KeyChanged),
            Some(AccountHold::OrganisationChanged) => Some(Inactivity::OrganisationChanged),
            Some(AccountHold::StateLost) => Some(Inactivity::StateLost),
            None => self.by_person.then_some(Inactivity::Operator),
        }
    }
}

fn is_deactivation(why: Inactivity) -> bool {
    matches!(why, Inactivity::Operator | Inactivity::Definition)
}

/// A sync that may be active.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its id.
    pub sync: SyncId,
    /// The account whose limit counts.
    pub account: AccountName,
    /// Whether its file says that it is.
    pub is_wanted: bool,
    /// What holds it.
    pub held: Holds,
    /// Whether it was to run once, and has.
    pub is_finished: bool,
    /// Whether it is active already.
    pub was_active: bool,
    /// When it was first seen, in milliseconds since the epoch.
    pub first_seen: i64,
}

/// The syncs that are not active, and why; and how many others each account has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activation {
    inactive: BTreeMap<SyncId, Inactivity>,
    stopped: BTreeSet<SyncId>,
    active: BTreeMap<AccountName, u64>,
    limit: Option<u64>,
}

impl Activation {
    /// Decides which of the candidates are active, where an account may have `limit` of them; `None` is no limit.
    #[must_use]
    pub fn of(candidates: Vec<Candidate>, limit: Option<u64>) -> Self {
        let mut decided = Self {
            limit,
            ..Self::default()
        };
        let mut willing = BTreeSet::new();
        for candidate in candidates {
            let Candidate { sync, account, .. } = candidate;
            if candidate.held.by_account.is_some() {
                decided.stopped.insert(sync.clone());
            }
            let why = match candidate.held.why() {
                _ if !candidate.is_wanted => Inactivity::Definition,
                Some(held) => held,
                None if candidate.is_finished => Inactivity::Finished,
                None => {
                    let rank = (!candidate.was_active, candidate.first_seen);
                    willing.insert((rank, sync, account));
                    continue;
                }
            };
            decided.inactive.insert(sync, why);
        }
        for (_, sync, account) in willing {
            let active = decided.active.entry(account).or_default();
            if limit.is_some_and(|limit| *active >= limit) {
                decided.inactive.insert(sync, Inactivity::Limit);
            } else {
                *active += 1;
            }
        }
        decided
    }

    /// The same, with one sync active in any case.
    #[must_use]
    pub fn with(mut self, sync: &SyncId) -> Self {
        self.inactive.remove(sync);
        self.stopped.remove(sync);
        self
    }

    /// Whether a sync may not even finish what was interrupted, whatever else keeps it inactive: key or organisation are
    /// not the same any more.
    #[must_use]
    pub fn stops_interrupted(&self, sync: &SyncId) -> bool {
        self.stopped.contains(sync)
    }

    /// Why a sync is not active.
    #[must_use]
    pub fn why_not(&self, sync: &SyncId) -> Option<Inactivity> {
        self.inactive.get(sync).copied()
    }

    /// Whether somebody has deactivated a sync, by a command or in its file.
    #[must_use]
    pub fn is_deactivated(&self, sync: &SyncId) -> bool {
        self.why_not(sync).is_some_and(is_deactivation)
    }

    /// The syncs that somebody has deactivated.
    pub fn deactivated(&self) -> impl Iterator<Item = &SyncId> {
        let inactive = self.inactive.iter();
        inactive.filter_map(|(sync, why)| is_deactivation(*why).then_some(sync))
    }

    /// Whether runs of a sync may start, and its records count. One that is finished has done what it was to do, and a
    /// person may have it done again.
    #[must_use]
    pub fn admits(&self, sync: &SyncId) -> bool {
        matches!(self.why_not(sync), None | Some(Inactivity::Finished))
    }

    /// How many syncs of an account are active.
    #[must_use]
    pub fn active(&self, account: &AccountName) -> u64 {
        self.active.get(account).copied().unwrap_or_default()
    }

    /// Whether one more sync of an account may be active.
    ///
    /// # Errors
    /// The limit of active syncs, if they are as many already.
    pub fn has_room(&self, account: &AccountName) -> Result<(), Refused> {
        may_activate(self.limit, self.active(account))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(sync: &str, first_seen: i64) -> Candidate {
        Candidate {
            sync: sync.parse().unwrap(),
            account: "main".parse().unwrap(),
            is_wanted: true,
            held: Holds::default(),
            is_finished: false,
            was_active: false,
            first_seen,
        }
    }

    fn why(decided: &Activation, sync: &str) -> Option<Inactivity> {
        decided.why_not(&sync.parse().unwrap())
    }

    #[test]
    fn who_is_active_keeps_the_place_and_the_first_seen_get_what_is_free() {
        let kept = |sync, first_seen| Candidate {
            was_active: true,
            ..candidate(sync, first_seen)
        };
        for (candidates, limit, inactive, why) in [
            (
                vec![candidate("a", 1), candidate("b", 1)],
                Some(1),
                "b",
                "seen at once: by id",
            ),
            (
                vec![candidate("a", 2), candidate("b", 1)],
                Some(1),
                "a",
                "seen later",
            ),
            (
                vec![candidate("a", 1), kept("b", 2)],
                Some(1),
                "a",
                "b is active already",
            ),
            (
                vec![kept("a", 2), kept("b", 1)],
                Some(1),
                "a",
                "the limit was lowered",
            ),
            (
                vec![candidate("a", 1), candidate("b", 1)],
                Some(2),
                "",
                "room for both",
            ),
            (
                vec![candidate("a", 1), candidate("b", 1)],
                None,
                "",
                "no limit",
            ),
            (
                vec![candidate("a", 1), candidate("b", 1)],
                Some(0),
                "a b",
                "none at all",
            ),
        ] {
            let decided = Activation::of(candidates, limit);
            let mut limited = vec!["a", "b"];
            limited.retain(|sync| super::tests::why(&decided, sync) == Some(Inactivity::Limit));
            assert_eq!(limited.join(" "), inactive, "{why}");
        }
    }

    #[test]
    fn what_is_held_finished_or_not_wanted_takes_no_place() {
        let off = Candidate {
            is_wanted: false,
            held: Holds {
                by_person: true,
                by_account: None,
            },
            ..candidate("a", 1)
        };
        let held = Candidate {
            held: Holds {
                by_person: true,
                by_account: Some(AccountHold::KeyChanged),
            },
            is_finished: true,
            ..candidate("b", 1)
        };
        let finished = Candidate {
            is_finished: true,
            ..candidate("c", 1)
        };
        let other = Candidate {
            account: "other".parse().unwrap(),
            ..candidate("d", 1)
        };
        let all = vec![off, held, finished, other, candidate("e", 9)];
        let decided = Activation::of(all, Some(1));
        for (sync, want, admits) in [
            ("a", Some(Inactivity::Definition), false),
            ("b", Some(Inactivity::KeyChanged), false),
            ("c", Some(Inactivity::Finished), true),
            ("d", None, true),
            ("e", None, true),
        ] {
            assert_eq!(why(&decided, sync), want, "{sync}");
            assert_eq!(decided.admits(&sync.parse().unwrap()), admits, "{sync}");
        }
        assert!(decided.stops_interrupted(&"b".parse().unwrap()));
        assert!(!decided.stops_interrupted(&"a".parse().unwrap()));
        let main = "main".parse().unwrap();
        assert_eq!(decided.active(&main), 1);
        let told = decided.has_room(&main).unwrap_err().to_string();
        assert!(told.starts_with("active_syncs: 1 of 1 active;"), "{told}");
    }

    proptest! {
        #[test]
        fn no_account_has_more_than_its_limit_and_none_stays_out_for_nothing(
            syncs in proptest::collection::vec((0..3_u8, any::<bool>(), any::<bool>(), 0..4_i64), 0..12),
            limit in proptest::option::of(0..4_u64),
        ) {
            let candidates: Vec<Candidate> = syncs.iter().enumerate().map(|(n, (account, wanted, was_active, seen))| Candidate {
                account: format!("account-{account}").parse().unwrap(),
                is_wanted: *wanted,
                was_active: *was_active,
                ..candidate(&format!("s{n}"), *seen)
            }).collect();
            let decided = Activation::of(candidates.clone(), limit);
            for account in 0..3 {
                let account: AccountName = format!("account-{account}").parse().unwrap();
                let wanted = candidates.iter().filter(|it| it.account == account && it.is_wanted);
                let wanted = u64::try_from(wanted.count()).unwrap();
                prop_assert_eq!(decided.active(&account), wanted.min(limit.unwrap_or(u64::MAX)));
            }
        }
    }
}
