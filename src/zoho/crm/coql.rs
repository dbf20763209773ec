//! The text of a COQL query: pure, so that every query that is ever sent can be read in the tests below.
//!
//! Conditions are joined in pairs with parentheses, as the documentation asks; literals are quoted; instants are UTC
//! with whole seconds. Nothing that a person typed gets into a query: names are API names, values are ids and instants.
//! Pages follow each other by key, not by offset, so there is no ceiling and a change while paging loses no row.

use jiff::Timestamp;

use super::Columns;
use crate::domain::ids::{FieldPath, IdError, RecordId};
use crate::zoho::http::iso_8601;

/// Most rows a query returns. Source: the CRM's "COQL limitations" page for v7 and v8, November 2026.
pub const ROWS_MAX: u32 = 2000;
/// Most columns of a query and of Get Records, `Modified_Time` included. Source: as above.
pub const COLUMNS_MAX: usize = 50;

/// Which records are read, in which order, and where the page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the module, by id.
    All {
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
    /// Those that opted out, by id.
    OptedOut {
        /// The yes-or-no field that says so.
        field: FieldPath,
        /// Also those modified since, whatever the field says: who opted in again is among them.
        or_changed_since: Option<Timestamp>,
        /// Last record of the page before.
        after: Option<RecordId>,
    },
}

/// The columns to ask for, `id` first; the names of fields are checked, for they become part of the text.
///
/// # Errors
/// The first field whose name is not an API name.
pub(super) fn selected(columns: &Columns) -> Result<Vec<FieldPath>, (String, IdError)> {
    let path = |name: &str| name.parse().map_err(|error| (name.to_owned(), error));
    let mut names: Vec<FieldPath> = vec![path("id")?, path("Modified_Time")?];
    for field in &columns.fields {
        let name = path(&field.api_name)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The query for one page of at most `limit` rows, which the caller keeps within [`ROWS_MAX`].
pub(super) fn query(module: &str, select: &[FieldPath], scope: &Scope, limit: u32) -> String {
    let select: Vec<&str> = select.iter().map(FieldPath::as_str).collect();
    let select = select.join(", ");
    let condition = condition(scope);
    let order = match scope {
        Scope::All { .. } | Scope::OptedOut { .. } => "id asc",
        Scope::Changed { .. } => "Modified_Time asc, id asc",
    };
    format!("select {select} from {module} where {condition} order by {order} limit {limit}")
}

fn condition(scope: &Scope) -> String {
    match scope {
        Scope::All { after: None } => "id is not null".to_owned(),
        Scope::All { after: Some(id) } => beyond(*id),
        Scope::Changed { since, after: None } => modified(">=", *since),
        Scope::Changed {
            after: Some((at, id)),
            ..
        } => {
            let later = either(&modified(">", *at), &beyond(*id));
            both(&modified(">=", *at), &later)
        }
        Scope::OptedOut {
            field,
            or_changed_since,
            after,
        } => {
            let mut condition = format!("{field} = 'true'");
            if let Some(since) = or_changed_since {
                condition = either(&condition, &modified(">=", *since));
            }
            match after {
                Some(id) => both(&condition, &beyond(*id)),
                None => condition,
            }
        }
    }
}

fn beyond(id: RecordId) -> String {
    format!("id > '{id}'")
}

fn modified(operator: &str, at: Timestamp) -> String {
    format!("Modified_Time {operator} '{}'", iso_8601(at))
}

fn both(left: &str, right: &str) -> String {
    format!("({left} and {right})")
}

fn either(left: &str, right: &str) -> String {
    format!("({left} or {right})")
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
mod tests {
    use super::*;
    use crate::zoho::crm::tests::columns;

    fn text(scope: &Scope) -> String {
        let columns = columns(&["Email", "Modified_Time", "Account_Name.Industry"]);
        let select = selected(&columns).unwrap();
        query("Leads", &select, scope, 2000)
    }

    #[test]
    fn a_query_reads_as_documented() {
        let since = "2026-03-04T08:15:27.9Z".parse().unwrap();
        let at = "2026-03-05T00:00:00Z".parse().unwrap();
        let field: FieldPath = "Email_Opt_Out".parse().unwrap();
        let opted_out = |or_changed_since, after| Scope::OptedOut {
            field: field.clone(),
            or_changed_since,
            after,
        };
        let id = RecordId(77);
        for (scope, want) in [
            (Scope::All { after: None }, "id is not null order by id asc"),
            (Scope::All { after: Some(id) }, "id > '77' order by id asc"),
            (
                Scope::Changed { since, after: None },
                "Modified_Time >= '2026-03-04T08:15:27+00:00' order by Modified_Time asc, id asc",
            ),
            (
                Scope::Changed {
                    since,
                    after: Some((at, id)),
                },
                "(Modified_Time >= '2026-03-05T00:00:00+00:00' and (Modified_Time > '2026-03-05T00:00:00+00:00' or id > '77')) \
                 order by Modified_Time asc, id asc",
            ),
            (
                opted_out(None, None),
                "Email_Opt_Out = 'true' order by id asc",
            ),
            (
                opted_out(Some(since), Some(id)),
                "((Email_Opt_Out = 'true' or Modified_Time >= '2026-03-04T08:15:27+00:00') and id > '77') order by id asc",
            ),
        ] {
            let head = "select id, Modified_Time, Email, Account_Name.Industry from Leads where";
            assert_eq!(text(&scope), format!("{head} {want} limit 2000"));
        }
    }

    #[test]
    fn a_name_that_is_no_api_name_never_gets_into_a_query() {
        for name in ["Email' or 'a' = 'a", "$approval", "a b", ""] {
            assert_eq!(selected(&columns(&[name])).unwrap_err().0, name);
        }
    }

    #[test]
    fn the_price_follows_the_limit() {
        for (limit, want) in [(1, 1), (200, 1), (201, 2), (1000, 2), (1001, 3), (2000, 3)] {
            assert_eq!(credits(limit), want, "{limit}");
        }
    }
}
