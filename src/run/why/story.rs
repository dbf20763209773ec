//! What is known of an address, as values for whoever puts it into words.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::activation::Inactivity;
use crate::domain::changes::{Membership, Rejection, Removal};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, ModuleName, RecordId, RunId, SyncId};
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::value::Value;
use crate::journal::event::ErrorKind;
use crate::run::RunError;
use crate::store::ledger::rows::ReplyRow;

/// All that is known of an address.
#[derive(Default)]
pub(crate) struct Story {
    /// The syncs that have seen it.
    pub(crate) syncs: Vec<SyncStory>,
    /// The syncs that have not.
    pub(crate) others: Vec<SyncStory>,
    /// The records that have opted out with it, of all accounts.
    pub(crate) opt_outs: Vec<OptOut>,
    /// Lists that it is on and that no sync fills any more.
    pub(crate) other_lists: Vec<OtherList>,
    /// The accounts whose CRM could not be read.
    pub(crate) unread: Vec<Unread>,
    /// The modules that could not be asked for all records with the address.
    pub(crate) unasked: Vec<UnaskedModule>,
    /// Its spellings on record.
    pub(crate) spellings: BTreeSet<String>,
    /// That the person was erased; then nothing else is told.
    pub(crate) erased: Option<Erasure>,
}

/// The erasure of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Erasure {
    /// Since when nothing adds the address.
    pub(crate) since: Timestamp,
    /// Whether it was carried out to its end.
    pub(crate) done: bool,
}

impl Story {
    pub(super) fn add(&mut self, sync: SyncStory) {
        let records = sync.records.iter();
        self.spellings
            .extend(records.filter_map(|record| record.spelled.clone()));
        self.spellings.extend(sync.spelled.clone());
        match sync.is_seen() {
            true => self.syncs.push(sync),
            false => self.others.push(sync),
        }
    }
}

/// A list that a definition named before, and none does now.
pub(crate) struct OtherList {
    /// The account.
    pub(crate) account: AccountName,
    /// The list's key.
    pub(crate) list: String,
    /// Since when the address is on it.
    pub(crate) since: Timestamp,
}

/// An account whose CRM could not be read.
pub(crate) struct Unread {
    /// The account.
    pub(crate) account: AccountName,
    /// What is wrong.
    pub(crate) kind: ErrorKind,
    /// The same in words.
    pub(crate) message: String,
}

impl Unread {
    pub(super) fn of(account: &AccountName, error: &RunError) -> Self {
        Self {
            account: account.clone(),
            kind: error.kind(),
            message: error.message(),
        }
    }
}

/// A module that could not be asked for all records with the address.
pub(crate) struct UnaskedModule {
    /// The account.
    pub(crate) account: AccountName,
    /// The module.
    pub(crate) module: ModuleName,
    /// Why not.
    pub(crate) why: Unasked,
}

/// Why a module could not be asked for all records with the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unasked {
    /// The text has a character that no query can name.
    Unsayable,
    /// Too many records have the text in them.
    TooMany,
}

/// A record of the CRM that has opted out, or that rosterd knows to have.
pub(crate) struct OptOut {
    /// The account.
    pub(crate) account: AccountName,
    /// The record's module.
    pub(crate) module: String,
    /// The record.
    pub(crate) record: RecordId,
    /// When a run first saw it; none where no run has yet.
    pub(crate) since: Option<Timestamp>,
    /// What has become of the record.
    pub(crate) now: Standing,
}

/// What has become of a record that opted out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It still has the address, and has opted out.
    OptedOut,
    /// It still has the address, and has opted in again.
    OptedIn,
    /// It has another address.
    Readdressed,
    /// The CRM does not show it any more.
    Gone,
    /// The CRM could not be read, or not been asked for it.
    Unknown,
}

/// What one sync knows of the address.
pub(crate) struct SyncStory {
    /// The sync.
    pub(crate) definition: SyncDefinition,
    /// Why none of its runs may start.
    pub(crate) barred: Option<Inactivity>,
    /// Its list's key, as far as it has been looked up.
    pub(crate) list: Option<String>,
    /// Its records with the address, and those that had it.
    pub(crate) records: Vec<RecordStory>,
    /// The address on its list.
    pub(crate) member: Option<Member>,
    /// The address as the list has it.
    pub(crate) spelled: Option<String>,
    /// What it last sent.
    pub(crate) sent: Option<Vec<(String, String)>>,
    /// Which labels of what the winner renders have been cut.
    pub(crate) cut: Vec<String>,
    /// How Campaigns refused that.
    pub(crate) refused: Option<Rejection>,
    /// What Campaigns last said.
    pub(crate) reply: Option<ReplyRow>,
    /// What holds the address back from the list.
    pub(crate) suppressed: Option<Suppressed>,
    /// What the next run that decides the address does.
    pub(crate) next: Next,
    /// Whether that has to be a read in full, because nothing about the record has changed since the last run.
    pub(crate) next_is_full: bool,
    /// The removal that waits for a person.
    pub(crate) held: Option<HeldRemoval>,
    /// Other active syncs that have the contact on the same list, with records of theirs.
    pub(crate) claimed_by: Vec<SyncId>,
    /// Whether a person has discarded the removal of the contact.
    pub(crate) discarded: bool,
    /// The last run that ended and looked at the list; none before there was one.
    pub(crate) found: Option<Found>,
    /// Whether the address waits to be decided: a run left it to the next one, or it was released.
    pub(crate) left_over: bool,
    /// Whether the sync claims the contact.
    pub(crate) claimed: bool,
    /// Whether the records were read just now.
    pub(crate) is_live: bool,
    /// Whether records that the CRM does not show may be converted leads.
    pub(crate) may_be_converted: bool,
    /// Whether the CRM was asked for all records with the address.
    pub(crate) is_asked: bool,
    /// Why the definition does not fit what the services have.
    pub(crate) problem: Option<String>,
    /// The last run that ignored it.
    pub(crate) ignored: Option<LastIgnored>,
}

impl SyncStory {
    /// Whether the sync has anything to do with the address.
    pub(crate) fn is_seen(&self) -> bool {
        !self.records.is_empty()
            || self.member.is_some()
            || self.claimed
            || self.left_over
            || self.reply.is_some()
            || self.ignored.is_some()
    }

    /// Whether the contact is on the list, as far as rosterd knows.
    pub(crate) fn on_list(&self) -> bool {
        let member = self.member.as_ref();
        member.is_some_and(|member| member.state == Membership::Active)
    }

    /// The record that feeds the contact, or would.
    pub(crate) fn winner(&self) -> Option<&RecordStory> {
        self.records.iter().find(|record| record.wins)
    }
}

/// The address on a list.
pub(crate) struct Member {
    /// How it stands there.
    pub(crate) state: Membership,
    /// Whether rosterd put it there.
    pub(crate) ours: bool,
    /// Since when rosterd knows.
    pub(crate) since: Timestamp,
}

/// A removal that waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldRemoval {
    /// The run under which it is held.
    pub(crate) run: RunId,
    /// Why the contact is to go.
    pub(crate) removal: Removal,
    /// Whether `approve` would carry it out, by what the last run read.
    pub(crate) applies: bool,
}

/// Of when it is how an address stands on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// When the last run of a sync with the list ended.
    pub(crate) ended_at: Timestamp,
    /// Whether that failed, so that it may not have read all.
    pub(crate) failed: bool,
    /// The beginning of the last run that read who is on the list.
    pub(crate) read_in_full_at: Option<Timestamp>,
}

/// What holds an address back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suppressed {
    /// What.
    pub(crate) by: By,
    /// Since when rosterd knows, where it is something that happened.
    pub(crate) since: Option<Timestamp>,
    /// Whether it is not the sync's own list that says so.
    pub(crate) elsewhere: bool,
}

/// What holds an address back, the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// It is no address that mail can reach.
    InvalidPattern,
    /// It is a role's.
    GroupEmail,
    /// A record of the CRM has opted out.
    OptedOut,
    /// The person was erased.
    Erased,
    /// The person unsubscribed, or was put on do-not-mail.
    Unsubscribed,
    /// rosterd unsubscribed it for an opt-out that is none any more, and that is not undone.
    TakenOffOptedOut,
    /// It hard-bounced.
    Bounced,
    /// Campaigns blocks it.
    Blocked,
    /// Campaigns refused it for another reason, or it did not arrive.
    Refused,
    /// Campaigns accepted it, and kept it unsubscribed, as rosterd had left it.
    KeptOff,
}

impl By {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InvalidPattern => "invalid_pattern",
            Self::GroupEmail => "group_email",
            Self::OptedOut => "opted_out",
            Self::Erased => "erased",
            Self::Unsubscribed => "campaigns_unsubscribed",
            Self::TakenOffOptedOut => "taken_off_opted_out",
            Self::Bounced => "campaigns_bounced",
            Self::Blocked => "campaigns_blocked",
            Self::Refused => "campaigns_refused",
            Self::KeptOff => "campaigns_kept_unsubscribed",
        }
    }
}

/// What a run does with the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Nothing,
    /// Sends it, which comes out as this if Campaigns takes it.
    Sends(Outcome),
    /// Takes it off the list.
    TakesOff(Removal),
}

/// A record of the sync's module.
pub(crate) struct RecordStory {
    /// The record.
    pub(crate) id: RecordId,
    /// `Modified_Time`, as far as it is known.
    pub(crate) modified_at: Option<Timestamp>,
    /// Its address as it spells it.
    pub(crate) spelled: Option<String>,
    /// Whether it has no address at all any more.
    pub(crate) emptied: bool,
    /// Where it is now.
    pub(crate) place: Whereabouts,
    /// Whether it is selected; none where that is not known.
    pub(crate) selected: Option<bool>,
    /// Why it is not, or not taken up.
    pub(crate) not_selected: Option<NotSelected>,
    /// How each condition of the criteria comes out.
    pub(crate) conditions: Vec<Condition>,
    /// What it counts as in a run that reads it, and why in words.
    pub(crate) outcome: Option<(Outcome, String)>,
    /// Whether it feeds the contact.
    pub(crate) wins: bool,
}

/// Where a record is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// In the CRM, with the address.
    Here,
    /// In the CRM, with another address or none.
    Readdressed,
    /// The CRM does not show it.
    Gone,
    /// The CRM could not be read.
    Unread,
}

/// Why a record does not belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSelected {
    /// The criteria are false for it.
    Criteria,
    /// It is not in the view.
    View,
    /// It is a converted lead.
    Converted,
    /// It was created outside the date range.
    Period,
    /// It is selected, but only new ones, or only changed ones, are taken up.
    Retrieval,
}

/// One condition for one record.
pub(crate) struct Condition {
    /// Its number.
    pub(crate) number: usize,
    /// The field, as the definition spells it.
    pub(crate) field: String,
    /// The condition in words.
    pub(crate) words: String,
    /// The record's own value.
    pub(crate) value: Value,
    /// Whether it is true.
    pub(crate) holds: bool,
    /// Whether it decides how the whole comes out.
    pub(crate) decides: bool,
}

/// How a run ignored the address last.
pub(crate) struct LastIgnored {
    /// The run.
    pub(crate) run: RunId,
    /// When that began.
    pub(crate) at: Timestamp,
    /// The record.
    pub(crate) record: RecordId,
    /// Why.
    pub(crate) reason: Reason,
    /// More precisely.
    pub(crate) detail: String,
}

/// An instant that was stored.
pub(crate) fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MIN)
}

/// The module whose converted records queries may leave out.
pub(super) fn may_hide(module: &ModuleName) -> bool {
    module.as_str() == crate::run::plan::LEADS
}
