//! The outcomes of a record, the counts of a run, and the sums that must agree.

use serde::{Deserialize, Serialize};

/// Why a selected record was not sent (spec, section 4); the order is the precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No address in the mapped e-mail field.
    EmptyEmail,
    /// Not an address mail can reach.
    InvalidPattern,
    /// A role address.
    GroupEmail,
    /// The address has opted out in the CRM.
    OptedOut,
    /// A converted lead, and the sync excludes them.
    Converted,
    /// Another record of the sync has the same address and wins.
    FileDuplicate,
    /// The suppression gate was closed.
    NotCleared,
    /// Unsubscribed or do-not-mail in Campaigns.
    DoNotMail,
    /// Hard-bounced in Campaigns.
    Bounced,
    /// Refused by Campaigns as blocked.
    Blocked,
    /// Refused by Campaigns for another reason, or accepted but not on the list afterwards.
    Other,
}

impl Reason {
    /// All reasons, in order of precedence.
    pub const ALL: [Self; 11] = [
        Self::EmptyEmail,
        Self::InvalidPattern,
        Self::GroupEmail,
        Self::OptedOut,
        Self::Converted,
        Self::FileDuplicate,
        Self::NotCleared,
        Self::DoNotMail,
        Self::Bounced,
        Self::Blocked,
        Self::Other,
    ];

    /// The name in journal, JSON and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EmptyEmail => "empty_email",
            Self::InvalidPattern => "invalid_pattern",
            Self::GroupEmail => "group_email",
            Self::OptedOut => "opted_out",
            Self::Converted => "converted",
            Self::FileDuplicate => "file_duplicate",
            Self::NotCleared => "not_cleared",
            Self::DoNotMail => "do_not_mail",
            Self::Bounced => "bounced",
            Self::Blocked => "blocked",
            Self::Other => "other",
        }
    }
}

/// What became of one selected record: exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Added now.
    New,
    /// Added again after rosterd or Campaigns had taken it off.
    ReAdded,
    /// Already in the Campaigns account; `updated` if its fields were sent.
    Duplicate {
        /// Whether its fields were sent.
        updated: bool,
    },
    /// Not sent.
    Ignored(Reason),
}

impl Outcome {
    /// The name in JSON and tables; of an ignored record, its reason's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::ReAdded => "re_added",
            Self::Duplicate { .. } => "duplicate",
            Self::Ignored(reason) => reason.name(),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Everything was done.
    Completed,
    /// It stopped before its end, or its sums do not agree; its cursor stays.
    Failed,
    /// Everything was done but removals, which wait for a person.
    Held,
}

impl RunOutcome {
    /// The name in journal, JSON and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }
}

/// How many records a run ignored, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredBy {
    /// See [`Reason::EmptyEmail`].
    pub empty_email: u64,
    /// See [`Reason::InvalidPattern`].
    pub invalid_pattern: u64,
    /// See [`Reason::GroupEmail`].
    pub group_email: u64,
    /// See [`Reason::OptedOut`].
    pub opted_out: u64,
    /// See [`Reason::Converted`].
    pub converted: u64,
    /// See [`Reason::FileDuplicate`].
    pub file_duplicate: u64,
    /// See [`Reason::NotCleared`].
    pub not_cleared: u64,
    /// See [`Reason::DoNotMail`].
    pub do_not_mail: u64,
    /// See [`Reason::Bounced`].
    pub bounced: u64,
    /// See [`Reason::Blocked`].
    pub blocked: u64,
    /// See [`Reason::Other`].
    pub other: u64,
}

impl IgnoredBy {
    /// How many for one reason.
    #[must_use]
    pub fn get(&self, reason: Reason) -> u64 {
        let mut copy = *self;
        *copy.slot(reason)
    }

    /// The sum over all reasons.
    #[must_use]
    pub fn sum(&self) -> u64 {
        Reason::ALL.iter().map(|reason| self.get(*reason)).sum()
    }

    fn slot(&mut self, reason: Reason) -> &mut u64 {
        match reason {
            Reason::EmptyEmail => &mut self.empty_email,
            Reason::InvalidPattern => &mut self.invalid_pattern,
            Reason::GroupEmail => &mut self.group_email,
            Reason::OptedOut => &mut self.opted_out,
            Reason::Converted => &mut self.converted,
            Reason::FileDuplicate => &mut self.file_duplicate,
            Reason::NotCleared => &mut self.not_cleared,
            Reason::DoNotMail => &mut self.do_not_mail,
            Reason::Bounced => &mut self.bounced,
            Reason::Blocked => &mut self.blocked,
            Reason::Other => &mut self.other,
        }
    }
}

/// What a run counted. `total` is counted when a record is taken up, the rest when its outcome is known, so that the
/// sums are a check and not a definition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Selected records taken up.
    pub total: u64,
    /// Records added now.
    pub new: u64,
    /// Records added again.
    pub re_added: u64,
    /// Records whose contact was in the account already.
    pub duplicate: u64,
    /// The part of `duplicate` whose fields were sent.
    pub updated: u64,
    /// Records not sent.
    pub ignored: u64,
    /// Contacts taken off the list; beside the total.
    pub deleted: u64,
    /// Records read but not selected; beside the total.
    pub not_selected: u64,
    /// The parts of `ignored`.
    pub ignored_by: IgnoredBy,
}

impl Counts {
    /// Counts one record's outcome. `total` is not touched.
    pub fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::New => self.new += 1,
            Outcome::ReAdded => self.re_added += 1,
            Outcome::Duplicate { updated } => {
                self.duplicate += 1;
                self.updated += u64::from(updated);
            }
            Outcome::Ignored(reason) => {
                self.ignored += 1;
                *self.ignored_by.slot(reason) += 1;
            }
        }
    }

    /// Takes back what [`Counts::add`] counted, for an outcome that turned out otherwise.
    pub fn take_back(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::New => self.new -= 1,
            Outcome::ReAdded => self.re_added -= 1,
            Outcome::Duplicate { updated } => {
                self.duplicate -= 1;
                self.updated -= u64::from(updated);
            }
            Outcome::Ignored(reason) => {
                self.ignored -= 1;
                *self.ignored_by.slot(reason) -= 1;
            }
        }
    }

    /// What was counted since the same run had counted `earlier`: of the total, the records that got their outcome since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut rest = *self;
        for (now, before) in [
            (&mut rest.new, earlier.new),
            (&mut rest.re_added, earlier.re_added),
            (&mut rest.duplicate, earlier.duplicate),
            (&mut rest.updated, earlier.updated),
            (&mut rest.ignored, earlier.ignored),
            (&mut rest.deleted, earlier.deleted),
            (&mut rest.not_selected, earlier.not_selected),
        ] {
            *now = now.saturating_sub(before);
        }
        for reason in Reason::ALL {
            let now = rest.ignored_by.slot(reason);
            *now = now.saturating_sub(earlier.ignored_by.get(reason));
        }
        rest.total = rest.settled();
        rest
    }

    /// The records with an outcome.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.new + self.re_added + self.duplicate + self.ignored
    }

    /// Whether every record taken up has exactly one outcome and every ignored one exactly one reason.
    #[must_use]
    pub fn agree(&self) -> bool {
        self.total == self.settled()
            && self.ignored == self.ignored_by.sum()
            && self.updated <= self.duplicate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_counts_once_and_can_be_taken_back() {
        let mut outcomes = vec![
            Outcome::New,
            Outcome::ReAdded,
            Outcome::Duplicate { updated: true },
            Outcome::Duplicate { updated: false },
        ];
        outcomes.extend(Reason::ALL.map(Outcome::Ignored));
        let mut counts = Counts::default();
        for outcome in &outcomes {
            counts.total += 1;
            assert!(!counts.agree());
            counts.add(*outcome);
            assert!(counts.agree(), "{outcome:?}");
        }
        assert_eq!((counts.total, counts.ignored, counts.updated), (15, 11, 1));
        for outcome in outcomes {
            counts.take_back(outcome);
        }
        assert_eq!(
            counts,
            Counts {
                total: 15,
                ..Counts::default()
            }
        );
    }

    #[test]
    fn the_names_are_those_of_the_journal() {
        for reason in Reason::ALL {
            let json = serde_json::to_value(reason).unwrap();
            assert_eq!(json, reason.name());
        }
        let ignored_by = serde_json::to_value(IgnoredBy::default()).unwrap();
        let keys: Vec<_> = Reason::ALL.map(Reason::name).to_vec();
        assert!(keys.iter().all(|key| ignored_by.get(key).is_some()));
    }
}
