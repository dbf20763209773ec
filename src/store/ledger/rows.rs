//! The ledger's stored types. Each is frozen once released; instants are milliseconds since the Unix epoch.

use serde::{Deserialize, Serialize};

use crate::domain::changes::{Departed, Membership, Rejection, Removal};
use crate::domain::limits::Trigger;
use crate::domain::outcome::{Counts, Outcome, RunOutcome};
use crate::domain::screening::Screened;
use crate::domain::value::Field;
use crate::store::format::Stored;

/// The numbers under which a sync's rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyncNumbers {
    /// Of the account.
    pub(crate) account: u32,
    /// Of the sync.
    pub(crate) sync: u32,
    /// Of the list within its account.
    pub(crate) list: u32,
}

/// First 16 bytes of the keyed hash of a normalised address.
pub(crate) type AddressKey = [u8; 16];

macro_rules! stored {
    ($name:ident, $kind:literal) => {
        impl Stored for $name {
            const KIND: u8 = $kind;
            const SCHEMA: u8 = 1;
        }
    };
}

/// A record as a sync last read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordRow {
    /// Hash of all columns read.
    pub(crate) fingerprint: [u8; 16],
    /// The run that last read it.
    pub(crate) seen: u32,
    /// Where it stands.
    pub(crate) place: Place,
}
stored!(RecordRow, 1);

/// Where a record stands with a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// Not selected, or selected without a usable address.
    Outside,
    /// Selected, and waiting or deciding under this address.
    Under(AddressKey),
    /// Gone, having stood under this address.
    Gone(AddressKey),
}

/// A record that may feed a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CandidateRow {
    /// `Modified_Time`.
    pub(crate) modified_at: i64,
    /// The address as it is sent.
    pub(crate) address: String,
    /// Mapped fields by label.
    pub(crate) fields: Vec<(String, String)>,
}
stored!(CandidateRow, 2);

/// An opt-out in the CRM: under address, module and record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OptOutRow {
    /// When rosterd first saw it.
    pub(crate) since: i64,
}
stored!(OptOutRow, 3);

/// A sync's claim on an address for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClaimRow {
    /// The record that feeds the contact.
    pub(crate) winner: u64,
    /// Fields as last sent by this sync.
    pub(crate) sent: Option<Vec<(String, String)>>,
    /// How Campaigns refused them.
    pub(crate) refused: Option<Rejection>,
}
stored!(ClaimRow, 4);

/// An address on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    /// The address as Campaigns or the CRM spells it; empty for one that was removed.
    pub(crate) address: String,
    /// Its state.
    pub(crate) state: Membership,
    /// Whether rosterd put it there.
    pub(crate) ours: bool,
    /// Since when it has that state.
    pub(crate) since: i64,
    /// The last reading of the list's active members that met it.
    pub(crate) seen: u32,
}
stored!(MemberRow, 5);

/// Something that makes a sync decide an address: a record that was read, or (record 0) the address itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StagedRow {
    /// A record read in this run that needs an outcome.
    Read {
        /// How it was screened.
        screened: Screened,
        /// Its address as it is sent.
        address: String,
    },
    /// Something about the address changed.
    Touched(Option<Departed>),
}
stored!(StagedRow, 6);

/// A call that was decided and whose outcome is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IntentRow {
    /// Send a contact.
    Send {
        /// The record that feeds it.
        record: u64,
        /// The address as it is sent.
        address: String,
        /// Mapped fields by label.
        fields: Vec<(String, String)>,
        /// What the record counts as if Campaigns takes it.
        expected: Outcome,
    },
    /// Unsubscribe it.
    TakeOff {
        /// The address as the list has it.
        address: String,
        /// Why.
        removal: Removal,
    },
}
stored!(IntentRow, 7);

/// A contact that was added, until it is audited and its arrival checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AddedRow {
    /// The record that feeds it.
    pub(crate) record: u64,
    /// The address as it was sent.
    pub(crate) address: String,
    /// What it was counted as.
    pub(crate) outcome: Outcome,
    /// The number of the run that added it.
    pub(crate) run: u32,
    /// The list it was added to.
    pub(crate) list: u32,
    /// Its state on that list before.
    pub(crate) before: Option<Membership>,
    /// Whether it was looked for among the suppressed since, and not found there.
    pub(crate) met_clean: bool,
}

/// What the audit of a run found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditRow {
    /// Contacts that were added and are suppressed.
    pub(crate) alarms: u64,
}
stored!(AuditRow, 20);

/// A record that a run ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IgnoredRow {
    /// The record.
    pub(crate) record: u64,
    /// Its address as read; empty without one.
    pub(crate) address: String,
    /// Why.
    pub(crate) reason: crate::domain::outcome::Reason,
    /// The reason in words, or the service's code and text.
    pub(crate) detail: String,
}
stored!(IgnoredRow, 9);

/// A run, from its start to the moment the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRow {
    /// The ULID as a number.
    pub(crate) run: u128,
    /// Number of its sync.
    pub(crate) sync: u32,
    /// Number of its list.
    pub(crate) list: u32,
    /// The run's number in this ledger, from 1; marks what it has seen.
    pub(crate) number: u32,
    /// The number of the sync's last completed or held run.
    pub(crate) settled_by: u32,
    /// Who or what started it.
    pub(crate) trigger: Trigger,
    /// Whether it reads everything.
    pub(crate) full: bool,
    /// The cursor it starts from.
    pub(crate) from: Option<i64>,
    /// The service's clock at its first request for records.
    pub(crate) to: Option<i64>,
    /// When it started.
    pub(crate) started: i64,
    /// How far it has come.
    pub(crate) phase: Phase,
    /// What it counted.
    pub(crate) counts: Counts,
    /// What it cost.
    pub(crate) cost: CostRow,
    /// Ignored rows written so far.
    pub(crate) ignored_rows: u64,
    /// What the list's count should be at the end.
    pub(crate) arrivals: Option<ArrivalsRow>,
    /// Removals that wait for a person, and the bound they are above.
    pub(crate) held: Option<(u64, u64)>,
    /// Contacts that could not be unsubscribed, and the last refusal.
    pub(crate) not_taken_off: Option<(u64, String)>,
    /// How it ended.
    pub(crate) finished: Option<FinishedRow>,
}
stored!(RunRow, 10);

/// How far a run has come. What comes before a phase is done and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Addresses an earlier, failed run left undecided are taken up.
    CarryOver,
    /// The list's active members are read (full runs).
    Members,
    /// Records are read: from the source of this index, at this position.
    Reading {
        /// Index into the run's sources.
        source: u8,
        /// Where to go on.
        position: Position,
    },
    /// Records that a full read did not meet are let go, after this record.
    Vanished {
        /// The last record looked at.
        after: u64,
    },
    /// Addresses are decided, until none is left.
    Deciding,
    /// Who opted out is taken off; other removals are weighed against the safety bound, and made.
    Removing,
    /// It is checked that what was added is on the list.
    Verifying,
    /// Only the end is to be written down.
    Closing,
    /// All other calls that were decided are made; between removing and verifying.
    Writing,
}

/// Where a walk over records goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Position {
    /// From its beginning.
    Start,
    /// After this record, by id.
    AfterRecord(u64),
    /// After this `Modified_Time` and record.
    AfterChange(i64, u64),
    /// At the page of this token (Get Records); `None` is its first page.
    Token(Option<String>),
    /// At the page of this number.
    Page(u32),
    /// In the rows of this Bulk Read job, so many of which are staged.
    Bulk {
        /// The job.
        job: String,
        /// Rows of it that are staged.
        staged: u64,
        /// Rows of the jobs before it.
        before: u64,
    },
}

/// Calls and credits so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CostRow {
    /// Calls to the CRM.
    pub(crate) crm_calls: u64,
    /// Their credits.
    pub(crate) crm_credits: u64,
    /// Calls to Campaigns.
    pub(crate) campaigns_calls: u64,
}

/// What the list's count of active members was, and by how much the run should have moved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArrivalsRow {
    /// Active members before the first addition.
    pub(crate) before: u64,
    /// Contacts put on the list since.
    pub(crate) added: u64,
    /// Contacts taken off since.
    pub(crate) removed: u64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FinishedRow {
    /// The way it ended.
    pub(crate) outcome: RunOutcome,
    /// When.
    pub(crate) at: i64,
    /// Kind and message of what stopped it.
    pub(crate) error: Option<(String, String)>,
}

/// A removal that waits for a person, under the run that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldRow {
    /// The ULID of the run under which it is held.
    pub(crate) run: u128,
    /// The address as the list has it.
    pub(crate) address: String,
    /// Why the contact is to go.
    pub(crate) removal: Removal,
}

/// What a sync's names stand for at the services, asked for once and kept until the definition changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResolvedRow {
    /// Digest of the definition it was resolved for.
    pub(crate) definition: [u8; 16],
    /// The list's key.
    pub(crate) list: String,
    /// Fields of the sync's module.
    pub(crate) fields: Vec<Field>,
    /// Labels of Campaigns fields and their longest values in characters.
    pub(crate) labels: Vec<(String, Option<u64>)>,
    /// Other modules whose opt-outs count: name, and its e-mail and opt-out field.
    pub(crate) consent_modules: Vec<String>,
    /// Fields of the modules that the definition's paths lead to.
    pub(crate) related: Vec<(String, Vec<Field>)>,
    /// The view that the definition names.
    pub(crate) view: Option<ViewRow>,
    /// Leads: whether COQL leaves converted ones out; `None` while there was none to tell it by.
    pub(crate) hides_converted: Option<bool>,
}

/// A custom view as it was when it was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ViewRow {
    /// Its id.
    pub(crate) id: u64,
    /// When its own definition last changed.
    pub(crate) modified_at: Option<i64>,
    /// Whether all of its members have been read as it was then.
    pub(crate) read: bool,
    /// Whether COQL has refused it, so that its members have to be listed every time.
    pub(crate) listed_only: bool,
}

/// The number a name stands for in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NumberRow(pub(crate) u32);
stored!(NumberRow, 13);

/// The ledger's own facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerRow {
    /// Keys the hash of addresses, so that they cannot be guessed back.
    pub(crate) secret: [u8; 32],
    /// The number of the last run.
    pub(crate) last_run: u32,
}
stored!(LedgerRow, 14);

/// A deal of a contact, as a sync last read it: under contact and deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DealRow {
    /// The run that last read it.
    pub(crate) seen: u32,
    /// `Modified_Time`.
    pub(crate) modified_at: i64,
    /// The columns that criteria and mapping ask for, by their path within the deal.
    pub(crate) values: Vec<(String, StoredValue)>,
}
stored!(DealRow, 16);

/// A field's value in stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredValue {
    /// Nothing.
    Null,
    /// Text.
    Text(String),
    /// A number in plain notation.
    Number(String),
    /// A yes or no.
    Bool(bool),
    /// A day, as `2026-03-04`.
    Date(String),
    /// An instant in milliseconds.
    DateTime(i64),
    /// A related record: id and name.
    Lookup(u64, Option<String>),
    /// The values of a multi-select.
    Many(Vec<String>),
}

/// The contact of a deal, by which the deal's row is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DealContactRow(pub(crate) u64);
stored!(DealContactRow, 17);

/// A record that has to be looked at again, though it did not change itself: the number of the run that found so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RevisitRow(pub(crate) u32);
stored!(RevisitRow, 18);

/// How many rows a sync's last read in full met: by that the next one is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExpectedRow(pub(crate) u64);
stored!(ExpectedRow, 19);

/// A contact that stays though its record does not feed it any more, by sync, record and address: when the record is
/// deleted, it goes by the rule for that. Holds the number of the run that kept it, or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptRow(pub(crate) u32);
stored!(KeptRow, 21);

impl KeptRow {
    /// Kept by a person who discarded the removal, and by no run.
    pub(crate) const DISCARDED: Self = Self(0);

    /// Whether it was kept so.
    pub(crate) fn is_discarded(self) -> bool {
        self == Self::DISCARDED
    }
}

/// What Campaigns last said to a call about a contact, by list, address and sync. Gone with a contact that is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplyRow {
    /// When rosterd stored it.
    pub(crate) at: i64,
    /// What it was asked.
    pub(crate) asked: Asked,
    /// What it said.
    pub(crate) said: Said,
}
stored!(ReplyRow, 22);

/// What Campaigns was asked to do with a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asked {
    /// To put it on the list, or to update it.
    Subscribe,
    /// To take it off.
    Unsubscribe,
}

/// What Campaigns said to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// It did it.
    Accepted,
    /// It was so before.
    AlreadyThere,
    /// It did not.
    Refused {
        /// Its code.
        code: String,
        /// Its words, without addresses.
        text: String,
    },
}

/// A contact that a call may have put on a list, whose answer is not known: under list and address. It counts as being
/// there wherever that takes somebody off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TriedRow {
    /// The address as it was sent.
    pub(crate) address: String,
}
stored!(TriedRow, 24);

/// How many of the removals that a run held were carried out, until the journal has it: under the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApprovedRow(pub(crate) u64);
stored!(ApprovedRow, 25);

/// An event that the journal may not have yet, kept from the step that made it true: by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UntoldRow {
    /// When it happened (milliseconds since the epoch).
    pub(crate) at: i64,
    /// The event as JSON.
    pub(crate) event: String,
}
stored!(UntoldRow, 26);

/// A person who was erased: under the keyed hash of the address, which is all that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasedRow {
    /// Since when nothing adds the address any more.
    pub(crate) since: i64,
    /// Whether the erasure was carried out to its end.
    pub(crate) done: bool,
    /// Whether the ledger's file was written anew since, so that nothing is left in parts of it that are not used.
    pub(crate) wiped: bool,
}
stored!(ErasedRow, 23);

/// What an account has used of its call budgets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PacingRow(pub(crate) crate::domain::pacing::PacingState);
