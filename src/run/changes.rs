//! What changed and what was deleted since the last run, always without the selection: a record that stopped matching has
//! to be seen. Runs of an account that fall due together share these reads; see `recent`.

use std::time::Duration;

use jiff::Timestamp;

use super::Run;
use super::error::RunError;
use super::fetch::Page;
use super::push::PAGE_ROWS;
use super::recent::Answer;
use super::resolve;
use crate::domain::filter::Filter;
use crate::domain::ids::RecordId;
use crate::store::ledger::rows::Position;
use crate::zoho::crm::coql::{Scope, fits_one_query};
use crate::zoho::crm::{Columns, RecordPage};

/// How far reads reach back before the cursor: what was written while the last run asked shows up late.
pub(super) const OVERLAP: Duration = Duration::from_secs(300);
impl Run<'_> {
    /// What changed in a module since shortly before the cursor.
    pub(super) async fn changes(
        &self,
        columns: &Columns,
        position: &Position,
        met: u64,
    ) -> Result<Page, RunError> {
        if let Position::Token(token) = position {
            return self.walk(columns, None, token.as_deref()).await;
        }
        let Some(since) = self.since() else {
            return self.by_id(columns, Filter::EVERYTHING, position).await;
        };
        let after = match position {
            Position::AfterChange(at, record) => Timestamp::from_millisecond(*at)
                .ok()
                .map(|at| (at, RecordId(*record))),
            _ => None,
        };
        let scope = Scope::Changed { since, after };
        // Few changes are the rule: a small page first, and larger ones as there turn out to be more.
        let limit = match met {
            0 => PAGE_ROWS[0],
            1..=200 => PAGE_ROWS[1],
            _ => PAGE_ROWS[2],
        };
        let starts = *position == Position::Start;
        let (recent, wished_at) = (self.ticket.recent(), self.ticket.wished_at());
        if let Some(answer) = recent.changes(columns, since, wished_at).filter(|_| starts) {
            let mut records = answer.found;
            records.retain(|record| record.modified_at.is_none_or(|at| at >= since));
            let page = RecordPage {
                records,
                last: None,
                more: false,
                service_time: answer.service_time,
            };
            let page = self.page(columns, page, |_| Position::Start)?;
            return Ok(Page {
                asked_at: Some(answer.asked_at),
                ..page
            });
        }
        let asked_at = self.clock.now();
        let mut wide = self.widened(columns);
        let mut page = self.crm.page(&wide, &scope, limit).await;
        if let Err(error) = &page
            && error.suggests_walking()
            && wide != *columns
        {
            // What another sync names may be gone, which is its own affair.
            wide = columns.clone();
            page = self.crm.page(&wide, &scope, limit).await;
        }
        match page {
            Ok(page) => {
                if starts {
                    recent.begin(Answer {
                        since: Some(since),
                        asked_at,
                        service_time: page.service_time,
                        columns: wide,
                        found: Vec::new(),
                    });
                }
                let all = page.records.clone();
                let page = self.page(columns, page, |(id, at)| match at {
                    Some(at) => Position::AfterChange(at.as_millisecond(), id.0),
                    None => Position::AfterRecord(id.0),
                })?;
                recent.page(&columns.module, &all, page.next.is_none());
                Ok(page)
            }
            Err(error) => self.walk_instead(columns, None, error, position).await,
        }
    }

    /// The columns with those beside them that the other syncs want which wait for their turns, as long as one query
    /// gives them all.
    pub(super) fn widened(&self, columns: &Columns) -> Columns {
        let mut wide = columns.clone();
        for other in self.ticket.others() {
            let Some(definition) = self.config.syncs.get(&other) else {
                continue;
            };
            for theirs in resolve::change_columns(self.base, definition) {
                if theirs.module != wide.module {
                    continue;
                }
                let mut wider = wide.clone();
                for field in theirs.fields {
                    if !wider.fields.contains(&field) {
                        wider.fields.push(field);
                    }
                }
                if fits_one_query(&wider) {
                    wide = wider;
                }
            }
        }
        wide
    }

    pub(super) async fn fetch_deleted(
        &self,
        columns: &Columns,
        position: &Position,
    ) -> Result<Page, RunError> {
        let number = match position {
            Position::Page(number) => *number,
            _ => 1,
        };
        let since = self.since();
        let of_module = Columns {
            module: columns.module.clone(),
            fields: Vec::new(),
        };
        let (recent, wished_at) = (self.ticket.recent(), self.ticket.wished_at());
        let met = |deleted: Vec<(RecordId, Timestamp)>| -> Vec<(RecordId, Timestamp)> {
            let mut deleted = deleted;
            deleted.retain(|(_, at)| since.is_none_or(|since| *at >= since));
            deleted
        };
        if let (1, Some(answer)) = (number, recent.deleted(&of_module, since, wished_at)) {
            return Ok(Page {
                deleted: met(answer.found),
                service_time: Some(answer.service_time),
                asked_at: Some(answer.asked_at),
                ..Page::default()
            });
        }
        let asked_at = self.clock.now();
        let page = self.crm.deleted(&columns.module, since, number).await?;
        let to = self
            .row
            .to
            .and_then(|to| Timestamp::from_millisecond(to).ok());
        if let (1, false, Some(service_time)) = (number, page.more, to) {
            recent.keep_deleted(Answer {
                since,
                asked_at,
                service_time,
                columns: of_module,
                found: page.records.clone(),
            });
        }
        Ok(Page {
            deleted: met(page.records),
            next: page.more.then_some(Position::Page(number + 1)),
            ..Page::default()
        })
    }

    /// Where reads of changes begin: five minutes before the cursor.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.cursor.map(|cursor| cursor - OVERLAP)
    }
}
