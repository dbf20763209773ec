//! A sync as its definition file describes it, before the CRM's metadata is known.

use std::time::Duration;

use jiff::{Timestamp, civil};
use rust_decimal::Decimal;

use super::ids::{AccountName, FieldPath, ListKey, ModuleName, SyncId};
pub use super::operator::Operator;
use super::pattern::Pattern;
use super::schedule::Schedule;

const DAY: Duration = Duration::from_secs(86_400);

/// One definition file.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncDefinition {
    /// The file's stem.
    pub id: SyncId,
    /// Name for people.
    pub name: String,
    /// Account it belongs to.
    pub account: AccountName,
    /// Module it reads.
    pub module: ModuleName,
    /// List it fills.
    pub list: ListTarget,
    /// Whether the file wants it active.
    pub active: bool,
    /// Which records belong.
    pub selection: Selection,
    /// Record to contact.
    pub mapping: MappingRules,
    /// When it runs.
    pub schedule: Schedule,
    /// Which of the selected records are taken up.
    pub retrieval: Retrieval,
    /// Longest time between two reads in full; `None` where the file leaves it to what the sync uses.
    pub reconcile_every: Option<Duration>,
    /// The `[advanced]` table.
    pub advanced: Advanced,
}

impl SyncDefinition {
    /// Longest time between two reads in full. Unless the file says it: a day for a sync that uses what change tracking
    /// does not show (parents, views, formulas, relative dates, conversion), a week for any other. Whether it
    /// `uses_formulas`, the metadata tells.
    #[must_use]
    pub fn reconcile_every(&self, uses_formulas: bool) -> Duration {
        let default = if uses_formulas || self.moves_unseen() {
            DAY
        } else {
            7 * DAY
        };
        self.reconcile_every.unwrap_or(default)
    }

    /// The CRM fields that criteria and mapping name, repetitions included.
    pub fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        let conditions = match &self.selection {
            Selection::Criteria { conditions, .. } => conditions.as_slice(),
            Selection::All | Selection::View(_) => &[],
        };
        let mapped = self.mapping.rules.iter();
        let mapped = mapped.filter_map(|(_, field)| field.as_ref());
        conditions
            .iter()
            .map(|condition| &condition.field)
            .chain(mapped)
    }

    /// Whether records may begin or cease to belong, or say something else, without being changed themselves.
    fn moves_unseen(&self) -> bool {
        let converts = self.module.as_str() == "Leads";
        let selection = match &self.selection {
            Selection::All => converts,
            Selection::View(_) => true,
            Selection::Criteria { conditions, .. } => conditions.iter().any(|condition| {
                !condition.field.is_own()
                    || matches!(
                        condition.operator,
                        Operator::InLastDays | Operator::InNextDays
                    )
            }),
        };
        let fields = self.mapping.rules.iter();
        let mut fields = fields.filter_map(|(_, field)| field.as_ref());
        selection || self.advanced.exclude_converted || fields.any(|field| !field.is_own())
    }
}

/// A list by its key, or by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListTarget {
    /// The opaque key.
    Key(ListKey),
    /// The list's name; must be the only one of that name.
    Name(String),
}

/// Which records of the module belong.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// Everything in the module; for Leads, what is not converted.
    All,
    /// The members of a custom view, named by its name or id.
    View(String),
    /// Numbered conditions (the first is 1) joined by a pattern.
    Criteria {
        /// The conditions, in the file's order.
        conditions: Vec<Condition>,
        /// How they are joined.
        pattern: Pattern,
    },
}

/// One numbered condition, not yet checked against the field's type.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Field it looks at.
    pub field: FieldPath,
    /// What it asks.
    pub operator: Operator,
    /// What it compares with: none for `is_empty` and `is_not_empty`, two for `between`, else one or, for `in` and
    /// `not_in` and multi-select `is`, any number.
    pub operands: Vec<Literal>,
}

/// A value as written in a definition.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A string.
    Text(String),
    /// An integer or decimal.
    Number(Decimal),
    /// A boolean.
    Bool(bool),
    /// A TOML local date.
    Date(civil::Date),
    /// A TOML date and time; local ones were read in the configured zone.
    DateTime(Timestamp),
}

/// Which of the selected records a run takes up (the `[retrieve]` table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retrieval {
    /// By when they came to be and changed.
    pub records: Retrieved,
    /// Only those created on this day or later, in the configured zone.
    pub created_from: Option<civil::Date>,
    /// Only those created on this day or earlier.
    pub created_to: Option<civil::Date>,
}

/// Which records a run takes up that does not import everything, by the run's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retrieved {
    /// Created in the window.
    New,
    /// Modified in the window, created before.
    Modified,
    /// Both.
    #[default]
    NewAndModified,
}

/// Which CRM field feeds which Campaigns field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingRules {
    /// The rows of `[map]`, in the file's order: Campaigns label, and the CRM field or `None` for "not at all".
    /// The pre-mapped fields are added when the module's metadata is known.
    pub rules: Vec<(String, Option<FieldPath>)>,
}

/// What happens to a contact whose record is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// The contact stays.
    Keep,
    /// The contact is unsubscribed from the list.
    Unsubscribe,
    /// The same, and it is tagged and forgotten.
    Remove,
}

impl Departure {
    /// How the contact is taken off; `None` where it stays.
    #[must_use]
    pub fn way_off(self) -> Option<WayOff> {
        match self {
            Self::Keep => None,
            Self::Unsubscribe => Some(WayOff::Unsubscribe),
            Self::Remove => Some(WayOff::Remove),
        }
    }
}

/// How a contact is taken off a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOff {
    /// It is unsubscribed.
    Unsubscribe,
    /// It is unsubscribed and tagged, and all is forgotten of it but that and why. Campaigns has no call that takes one
    /// contact off a list.
    Remove,
}

/// What happens to a contact that rosterd took off because it had opted out, when the CRM says that it opted in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptedInAgain {
    /// It stays off.
    Ignore,
    /// It is added again.
    Add,
}

/// The `[advanced]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// For records deleted in the CRM.
    pub deleted: Departure,
    /// For contacts whose address opted out.
    pub opted_out: WayOff,
    /// For records that left the selection, or their address.
    pub left: Departure,
    /// For those that opt in again.
    pub opted_in_again: OptedInAgain,
    /// Field that says a person opted out, beside `Email_Opt_Out`.
    pub opt_out_field: FieldPath,
    /// Leads only: converted leads do not belong.
    pub exclude_converted: bool,
    /// Whether an emptied CRM field empties the contact's field.
    pub clear_empty: bool,
    /// Whether a list that sends confirmation mails is accepted.
    pub allow_signup_form: bool,
}
