//! The answer in one or two sentences: on the list, and by what; or not, and why not.

use jiff::Timestamp;

use super::Telling;
use super::values::shown;
use crate::cli::report::minute;
use crate::domain::changes::{Membership, Removal};
use crate::domain::definition::{Departure, Retrieved, Selection};
use crate::domain::ids::SyncId;
use crate::domain::outcome::{Outcome, Reason};
use crate::run::why::{
    Condition, HeldRemoval, Member, Next, NotSelected, RecordStory, SyncStory, Whereabouts,
};

/// Why the address is on the sync's list, or is not.
pub(super) fn answer(telling: &Telling<'_>, sync: &SyncStory) -> String {
    let words = Words { telling, sync };
    match &sync.member {
        Some(member) if member.state == Membership::Active => words.on_list(member),
        member => words.not_on_list(member.as_ref()),
    }
}

/// What one sync's answer is made of.
pub(super) struct Words<'a> {
    pub(super) telling: &'a Telling<'a>,
    pub(super) sync: &'a SyncStory,
}

impl Words<'_> {
    /// A time, to the minute.
    pub(super) fn at(&self, at: Timestamp) -> String {
        minute(at, self.telling.zone)
    }

    fn record(&self, record: &RecordStory) -> String {
        format!("record {} of {}", record.id, self.sync.definition.module)
    }

    fn on_list(&self, member: &Member) -> String {
        let sync = self.sync;
        let at = self.at(member.since);
        let since = match member.ours {
            true => format!("On the list since {at}"),
            // Who they are that put it there, and when, Campaigns does not tell.
            false => format!("On the list, seen there since {at}"),
        };
        let opts_out = sync.next == Next::TakesOff(Removal::OptedOut);
        if let Some(held) = sync.held.filter(|_| !opts_out) {
            return format!("{since}, {}", self.held(held));
        }
        if let Next::TakesOff(removal) = sync.next {
            let why = self.removal(removal);
            let run = next_run(sync);
            return format!("{since}, and {run} takes it off, because {why}.");
        }
        let id = &sync.definition.id;
        match sync.winner() {
            Some(winner) if member.ours => {
                format!("{since}, because {}.", self.belongs(winner))
            }
            Some(winner) => format!(
                "{since}, where others put it; as {}, its fields are kept up to date. rosterd takes it off only for an opt-out, unless `rosterd adopt {id}` makes it its own.",
                self.belongs(winner)
            ),
            None if sync.claimed && member.ours => {
                format!("{since}, though {}{}.", self.no_record(), self.kept())
            }
            None if member.ours => {
                let why = match self.others() {
                    Some(others) => format!("{others} it there"),
                    None => "rosterd put it there, for another sync, or for a record that is gone, or whose removal was discarded".to_owned(),
                };
                format!("{since}: {why}. {}.", capital(&self.no_record()))
            }
            None => format!(
                "{since}, put there by others: {}. rosterd leaves it alone, unless it opts out in the CRM.",
                self.no_record()
            ),
        }
    }

    fn not_on_list(&self, member: Option<&Member>) -> String {
        let sync = self.sync;
        if let Some(suppressed) = sync.suppressed {
            return format!("Not on the list: {}", self.suppressed(suppressed));
        }
        if let (Next::Sends(outcome), Some(winner)) = (sync.next, sync.winner()) {
            let belongs = self.belongs(winner);
            let again = match outcome {
                Outcome::ReAdded => " again",
                Outcome::New | Outcome::Duplicate { .. } | Outcome::Ignored(_) => "",
            };
            let before = member.map(|member| self.before(member));
            let before = before.map(|before| format!(" ({before})"));
            let before = before.unwrap_or_default();
            let next = match sync.barred.is_none() {
                true => format!("and {} adds it{again}", next_run(sync)),
                false => "but the sync is inactive".to_owned(),
            };
            return format!("Not on the list yet{before}: {belongs}, {next}.");
        }
        match member {
            Some(member) => format!(
                "Not on the list: {}; {}.",
                self.before(member),
                self.no_record()
            ),
            None => format!("Not on the list: {}.", self.no_record()),
        }
    }

    /// Why a contact stays that no record of the sync feeds any more.
    fn kept(&self) -> String {
        let sync = self.sync;
        if let Some(others) = self.others() {
            return format!(": {others} it there");
        }
        if sync.discarded {
            return ": its removal was discarded".to_owned();
        }
        let advanced = &sync.definition.advanced;
        let mut records = sync.records.iter();
        let (rule, departure) = match records.all(|it| it.place == Whereabouts::Gone) {
            true => ("deleted", advanced.deleted),
            false => ("left", advanced.left),
        };
        match departure {
            Departure::Keep => {
                format!(": this sync keeps such contacts (`{rule} = \"keep\"`)")
            }
            Departure::Unsubscribe | Departure::Remove => String::new(),
        }
    }

    /// Who has the contact on the list besides: `sync leads has`.
    fn others(&self) -> Option<String> {
        let others: Vec<&str> = self.sync.claimed_by.iter().map(SyncId::as_str).collect();
        match others.as_slice() {
            [] => None,
            [one] => Some(format!("sync {one} has")),
            [first @ .., last] => Some(format!("syncs {} and {last} have", first.join(", "))),
        }
    }

    /// What becomes of a removal that waits for a person.
    fn held(&self, held: HeldRemoval) -> String {
        let HeldRemoval {
            run,
            removal,
            applies,
        } = held;
        let Some(winner) = self.sync.winner() else {
            let why = self.removal(removal);
            return format!(
                "though {why}: taking it off waits for a person (`rosterd approve {run}`, or `discard`)."
            );
        };
        let takes_back = format!(
            "because {}: {} takes back the removal that waits for a person in run {run}",
            self.belongs(winner),
            next_run(self.sync)
        );
        match applies {
            true => format!(
                "{takes_back}. `rosterd approve {run}` before that would still carry it out, as it goes by what the last run read."
            ),
            false => format!("{takes_back}."),
        }
    }

    /// How a contact that is not on the list came to be so.
    fn before(&self, member: &Member) -> String {
        let at = self.at(member.since);
        let off = |removal| {
            let why = match removal {
                Removal::Gone => "its record was gone",
                Removal::Left => "its record did not belong any more, or had another address",
                Removal::OptedOut => "it had opted out in the CRM",
            };
            format!("rosterd took it off on {at}, because {why}")
        };
        match member.state {
            Membership::TakenOffGone => off(Removal::Gone),
            Membership::TakenOffLeft => off(Removal::Left),
            Membership::TakenOffOptedOut => off(Removal::OptedOut),
            Membership::TakenOffReleased => format!(
                "rosterd took it off on {at} for an opt-out in the CRM, which a person has lifted since with `rosterd release`"
            ),
            Membership::Lost => {
                "it was on it before, and Campaigns does not have it there any more".to_owned()
            }
            Membership::Active => format!("on it since {at}"),
            Membership::Unsubscribed => format!("unsubscribed, as a run found on {at}"),
            Membership::Bounced => format!("bounced, as a run found on {at}"),
            Membership::OptedOutLost => format!(
                "rosterd took it off on {at} for an opt-out in the CRM, and Campaigns does not show that any more"
            ),
        }
    }

    fn removal(&self, removal: Removal) -> String {
        match (removal, self.blocking()) {
            (Removal::OptedOut, Some(opt_out)) => format!(
                "record {} of {} has opted out in the CRM",
                opt_out.record, opt_out.module
            ),
            (Removal::Left, _) if !self.sync.records.is_empty() => self.no_record(),
            (Removal::Left | Removal::Gone | Removal::OptedOut, _) => removal.told().to_owned(),
        }
    }

    /// That a record belongs, as the sync selects.
    fn belongs(&self, record: &RecordStory) -> String {
        let which = self.record(record);
        match &self.sync.definition.selection {
            _ if record.place != Whereabouts::Here => format!("{which} matched when last read"),
            Selection::All => format!("{which} has this address, and the sync takes all"),
            Selection::View(view) => format!("{which} is in the view \"{view}\""),
            Selection::Criteria { .. } => format!("{which} matches"),
        }
    }

    /// Why no record puts the address on the list.
    fn no_record(&self) -> String {
        let sync = self.sync;
        let module = &sync.definition.module;
        let place = |record: &&RecordStory| match record.place {
            Whereabouts::Here => 0,
            Whereabouts::Unread => 1,
            Whereabouts::Readdressed => 2,
            Whereabouts::Gone => 3,
        };
        let Some(record) = sync.records.iter().min_by_key(place) else {
            return match (&sync.problem, sync.is_live) {
                (Some(problem), _) => problem.clone(),
                (None, true) if sync.is_asked => format!("no record of {module} has this address"),
                (None, true) => format!(
                    "no record of {module} that a run has selected has this address, and the CRM cannot be asked for all that may"
                ),
                (None, false) => {
                    format!("no record of {module} that a run has selected has this address")
                }
            };
        };
        let which = self.record(record);
        match record.place {
            Whereabouts::Here => match record.not_selected {
                Some(why) => self.not_selected(record, why),
                None => match &record.outcome {
                    Some((Outcome::Ignored(Reason::Converted), _)) => {
                        format!("{which} is a converted lead, and this sync excludes those")
                    }
                    Some((_, detail)) if !detail.is_empty() => format!("{which}: {detail}"),
                    Some(_) | None => format!("{which} has this address"),
                },
            },
            Whereabouts::Readdressed if record.emptied => format!("{which} has no address now"),
            Whereabouts::Readdressed => format!("{which} has another address now"),
            Whereabouts::Gone if sync.may_be_converted => {
                format!("{which} is not in the CRM any more, or is a converted lead")
            }
            Whereabouts::Gone => format!("{which} is not in the CRM any more"),
            Whereabouts::Unread => format!("{which} had this address when last read"),
        }
    }

    fn not_selected(&self, record: &RecordStory, why: NotSelected) -> String {
        let which = self.record(record);
        match why {
            NotSelected::Criteria => {
                let failing = record.conditions.iter().filter(|it| it.decides);
                let failing: Vec<String> = failing.map(|it| self.condition(it)).collect();
                format!("{which} does not match: {}", failing.join("; "))
            }
            NotSelected::View => match &self.sync.definition.selection {
                Selection::View(view) => format!("{which} is not in the view \"{view}\""),
                Selection::All | Selection::Criteria { .. } => {
                    format!("{which} is not in the view")
                }
            },
            NotSelected::Converted => {
                format!("{which} is a converted lead, and this sync takes those that are open")
            }
            NotSelected::Period => {
                format!(
                    "{which} was created outside the dates that this sync takes (`retrieve.created`)"
                )
            }
            NotSelected::Retrieval => format!(
                "{which} matches, but this sync takes up only {} (`retrieve.records`)",
                match self.sync.definition.retrieval.records {
                    Retrieved::New => "records created since its last run",
                    Retrieved::Modified => "changed records that were created before its last run",
                    Retrieved::NewAndModified => "new and changed ones",
                }
            ),
        }
    }

    fn condition(&self, condition: &Condition) -> String {
        let Condition {
            number,
            words,
            value,
            holds,
            ..
        } = condition;
        let comes_out = match holds {
            true => "true, and must not be",
            false => "false",
        };
        let has = shown(value, self.telling.zone);
        format!("condition {number} ({words}) is {comes_out}, the record has {has}")
    }
}

/// The run that does what is due.
pub(super) fn next_run(sync: &SyncStory) -> &'static str {
    match sync.next_is_full {
        true => "the next run that reads everything",
        false => "the next run",
    }
}

/// A sentence's beginning.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase());
    first.into_iter().flatten().chain(letters).collect()
}
