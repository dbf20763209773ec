//! The text of a COQL query: pure, so that every query that is ever sent can be read in the tests below.
//!
//! Conditions are joined in pairs with parentheses, as the documentation asks; literals are quoted; instants are UTC
//! with whole seconds. What a person typed gets into a query only as a literal that cannot end early; names are API
//! names. Pages follow each other by key, not by offset, so there is no ceiling and a change while paging loses no row.

mod dialect;
mod layout;

use jiff::Timestamp;

pub(super) use self::dialect::next_second;
pub use self::layout::{COLUMNS_MAX, fits_one_query, pushable};
pub(super) use self::layout::{HEAD, Part, parts, pushable_alone, relations};
use crate::domain::filter::Filter;
use crate::domain::ids::{FieldPath, RecordId};
use crate::zoho::http::iso_8601;

/// Most rows a query returns. Source: the CRM's "COQL limitations" page for v7 and v8, November 2026.
pub const ROWS_MAX: u32 = 2000;
/// Most records that are asked for by their ids at once. Source: values of a list, as above.
pub const IDS_MAX: usize = dialect::LIST_MAX;
/// Most rows that an offset passes over. Source: as above.
pub const OFFSET_MAX: u32 = 100_000;

/// Where a record stands in the order of its scope: its id and, where it came, its time of modification.
pub type Place = (RecordId, Option<Timestamp>);

/// Which records of a module are meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Among {
    /// Those of this custom view; all of the module without one.
    pub view: Option<RecordId>,
    /// Those that this lets through; more may come, see [`pushable`].
    pub filter: Filter,
}

impl Among {
    /// All of the module.
    pub const ALL: Self = Self {
        view: None,
        filter: Filter::EVERYTHING,
    };
}

/// Which records are read, in which order, and where the page begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Scope {
    /// By id.
    ById {
        /// Which records.
        among: Among,
        /// Last record of the page before.
        after: Option<RecordId>,
    },
    /// Those modified at or after an instant, by time of modification, then id.
    Changed {
        /// The instant; whole seconds count.
        since: Timestamp,
        /// Time of modification and id of the last record of the page before.
        after: Option<(Timestamp, RecordId)>,
    },
    /// Those of some records that there are, by id, all on one page.
    Ids {
        /// The records, 1 to 100.
        ids: Vec<RecordId>,
        /// Only those of this custom view.
        view: Option<RecordId>,
    },
    /// Those that belong to some records by a lookup, by id.
    Of {
        /// The lookup.
        lookup: FieldPath,
        /// The records it leads to, 1 to 100.
        ids: Vec<RecordId>,
        /// Last record of the page before.
        after: Option<RecordId>,
    },
}

impl Scope {
    /// The scope of the page behind one that ended with the record at `last`.
    #[must_use]
    pub fn after(&self, last: Place) -> Self {
        let (id, at) = last;
        match self {
            Self::ById { among, .. } => Self::ById {
                among: among.clone(),
                after: Some(id),
            },
            Self::Changed { since, after } => {
                let at = at.or(after.map(|(at, _)| at)).unwrap_or(*since);
                Self::Changed {
                    since: *since,
                    after: Some((at, id)),
                }
            }
            Self::Ids { ids, view } => Self::Ids {
                ids: ids.iter().copied().filter(|other| *other > id).collect(),
                view: *view,
            },
            Self::Of { lookup, ids, .. } => Self::Of {
                lookup: lookup.clone(),
                ids: ids.clone(),
                after: Some(id),
            },
        }
    }

    /// Whether the page that ended at `last` leads on: the page behind it is not the same one again, for ever.
    pub(super) fn leads_on(&self, last: Place) -> bool {
        self.after(last) != *self
    }

    /// The filter of its records.
    pub(super) fn filter(&self) -> &Filter {
        match self {
            Self::ById { among, .. } => &among.filter,
            Self::Changed { .. } | Self::Ids { .. } | Self::Of { .. } => &EVERYTHING,
        }
    }

    /// The rows that a page of it may have, where the caller wants `limit`.
    pub(super) fn rows(&self, limit: u32) -> u32 {
        let wanted = match self {
            Self::ById { .. } | Self::Changed { .. } | Self::Of { .. } => limit,
            Self::Ids { ids, .. } => u32::try_from(ids.len()).unwrap_or(ROWS_MAX),
        };
        wanted.clamp(1, ROWS_MAX)
    }

    fn view(&self) -> Option<RecordId> {
        match self {
            Self::ById { among, .. } => among.view,
            Self::Ids { view, .. } => *view,
            Self::Changed { .. } | Self::Of { .. } => None,
        }
    }

    fn order(&self) -> &'static str {
        match self {
            Self::ById { .. } | Self::Ids { .. } | Self::Of { .. } => "id asc",
            Self::Changed { .. } => "Modified_Time asc, id asc",
        }
    }
}

/// The query for one page of at most `limit` rows of `scope`, up to the record at `until`.
pub(super) fn query(
    module: &str,
    part: &Part<'_>,
    scope: &Scope,
    until: Option<Place>,
    limit: u32,
) -> String {
    let select: Vec<&str> = part.select.iter().map(FieldPath::as_str).collect();
    let select = select.join(", ");
    let from = source(module, scope.view());
    let condition = condition(scope, &part.filter, until);
    let order = scope.order();
    format!("select {select} from {from} where {condition} order by {order} limit {limit}")
}

/// The query that gives a row only if there are more than `rows` of them.
pub(super) fn probe(module: &str, among: &Among, rows: u32) -> String {
    let from = source(module, among.view);
    let filter = dialect::text(&pushable_alone(&among.filter));
    let condition = filter.unwrap_or_else(|| ANY.to_owned());
    format!("select id from {from} where {condition} order by id asc limit 1 offset {rows}")
}

static EVERYTHING: Filter = Filter::EVERYTHING;

/// A condition is mandatory.
const ANY: &str = "id is not null";

fn source(module: &str, view: Option<RecordId>) -> String {
    match view {
        Some(view) => format!("{module}#{view}"),
        None => module.to_owned(),
    }
}

fn condition(scope: &Scope, filter: &Filter, until: Option<Place>) -> String {
    let (begins, ends) = match scope {
        Scope::ById { after, .. } => (after.map(beyond), until.map(|(id, _)| up_to(id))),
        Scope::Changed { since, after } => {
            let begins = match after {
                None => modified(">=", *since),
                Some((at, id)) => {
                    let later = pair("or", &modified(">", *at), &beyond(*id));
                    pair("and", &modified(">=", *at), &later)
                }
            };
            let ends = until.and_then(|(id, at)| {
                let then = pair("and", &modified("=", at?), &up_to(id));
                Some(pair("or", &modified("<", at?), &then))
            });
            (Some(begins), ends)
        }
        Scope::Ids { ids, .. } => (Some(dialect::among("id", ids)), None),
        Scope::Of { lookup, ids, after } => {
            let theirs = dialect::among(lookup.as_str(), ids);
            let begins = after.map_or(theirs.clone(), |id| pair("and", &theirs, &beyond(id)));
            (Some(begins), until.map(|(id, _)| up_to(id)))
        }
    };
    let all = [dialect::text(filter), begins, ends].into_iter().flatten();
    dialect::joined("and", all).unwrap_or_else(|| ANY.to_owned())
}

fn beyond(id: RecordId) -> String {
    format!("id > '{id}'")
}

fn up_to(id: RecordId) -> String {
    format!("id <= '{id}'")
}

fn modified(operator: &str, at: Timestamp) -> String {
    format!("Modified_Time {operator} '{}'", iso_8601(at))
}

fn pair(joint: &str, left: &str, right: &str) -> String {
    format!("({left} {joint} {right})")
}

/// What a query costs, by the limit that is written in it. Source: the CRM's "API limits" page, November 2026.
pub(super) fn credits(limit: u32) -> u64 {
    match limit {
        0..=200 => 1,
        201..=1000 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests;
