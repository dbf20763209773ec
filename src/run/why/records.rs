//! Each record of a sync that has, or had, the address: how its conditions come out and what it counts as.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Subject;
use super::known::Facts;
use super::looking::Decided;
use super::staged::Staged;
use super::story::{Condition, NotSelected, RecordStory, Whereabouts};
use crate::domain::changes::{Action, winner};
use crate::domain::criteria::Criteria;
use crate::domain::criteria::explain::decisive;
use crate::domain::definition::{Selection, SyncDefinition};
use crate::domain::ids::RecordId;
use crate::domain::outcome::Outcome;
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::run::deals::deals_of;
use crate::run::plan::Selected;
use crate::store::StoreError;
use crate::store::ledger::Step;

/// What there is to tell records by.
pub(super) struct Seen<'a> {
    pub(super) subject: &'a Subject,
    /// What the CRM has now; none where it could not be read.
    pub(super) staged: Option<&'a Staged<'a>>,
    pub(super) facts: &'a Facts,
    pub(super) decided: Option<&'a Decided>,
    pub(super) now: Timestamp,
}

impl Seen<'_> {
    /// The records, the one that feeds the contact first, and then by id.
    pub(super) fn records(
        &self,
        step: &Step<'_>,
        definition: &SyncDefinition,
        sync: u32,
    ) -> Result<Vec<RecordStory>, StoreError> {
        let mut ids: BTreeSet<RecordId> = self.facts.records();
        if let Some(staged) = self.staged {
            let email = staged.plan.mapping.email();
            let has = |record: &&Record| self.subject.is_in(record.get(email));
            let with_it = staged.records.values().filter(has);
            ids.extend(with_it.map(|record| record.id));
        }
        let mut records = Vec::new();
        for id in ids {
            let record = self.staged.and_then(|staged| staged.records.get(&id));
            records.push(match (self.staged, record) {
                (Some(staged), Some(record)) => {
                    self.live(step, definition, sync, (staged, record))?
                }
                (Some(_), None) => self.unseen(id, Whereabouts::Gone),
                (None, _) => self.unseen(id, Whereabouts::Unread),
            });
        }
        records.sort_by_key(|record| !record.wins);
        Ok(records)
    }

    /// A record that the CRM has.
    fn live(
        &self,
        step: &Step<'_>,
        definition: &SyncDefinition,
        sync: u32,
        (staged, record): (&Staged<'_>, &Record),
    ) -> Result<RecordStory, StoreError> {
        let email = record.get(staged.plan.mapping.email());
        let has_it = self.subject.is_in(email);
        let selected = staged.selected.get(&record.id);
        let conditions = match (&definition.selection, &staged.plan.selected) {
            (Selection::Criteria { .. }, Selected::Criteria(criteria)) => {
                let judged = match selected {
                    Some(joined) => joined.clone(),
                    None => {
                        let deals = match staged.plan.deals {
                            Some(_) => deals_of(step, sync, record.id)?,
                            None => Vec::new(),
                        };
                        self.nearest(criteria, record.clone().joined(deals), record)
                    }
                };
                self.conditions(definition, criteria, &judged)
            }
            _ => Vec::new(),
        };
        let not_selected = self.not_selected(staged, record);
        Ok(RecordStory {
            id: record.id,
            modified_at: record.modified_at,
            spelled: match email {
                Value::Text(text) if has_it => Some(text.trim().to_owned()),
                _ => None,
            },
            emptied: email.is_blank(),
            place: match has_it {
                true => Whereabouts::Here,
                false => Whereabouts::Readdressed,
            },
            selected: Some(selected.is_some()),
            not_selected,
            conditions,
            outcome: self.outcome(record.id),
            wins: self.wins(record.id),
        })
    }

    /// A record that the CRM has not, or of which nothing could be read.
    fn unseen(&self, id: RecordId, place: Whereabouts) -> RecordStory {
        let mut candidates = self.facts.candidates.iter();
        let known = candidates.find(|candidate| candidate.record == id);
        RecordStory {
            id,
            modified_at: known.map(|candidate| candidate.modified_at),
            spelled: known.map(|candidate| candidate.address.clone()),
            emptied: false,
            place,
            selected: match place {
                Whereabouts::Unread => known.map(|_| true),
                Whereabouts::Here | Whereabouts::Readdressed | Whereabouts::Gone => None,
            },
            not_selected: None,
            conditions: Vec::new(),
            outcome: self.outcome(id),
            wins: self.wins(id),
        }
    }

    fn not_selected(&self, staged: &Staged<'_>, record: &Record) -> Option<NotSelected> {
        let plan = staged.plan;
        if staged.passed.contains(&record.id) {
            // As it did before, it may still feed its contact.
            return (!self.wins(record.id)).then_some(NotSelected::Retrieval);
        }
        if staged.selected.contains_key(&record.id) {
            return None;
        }
        Some(match &plan.selected {
            Selected::All if plan.is_converted(record) => NotSelected::Converted,
            Selected::View(_) if !staged.members.contains(&record.id) => NotSelected::View,
            _ if !plan.period.has(record) => NotSelected::Period,
            Selected::All | Selected::View(_) | Selected::Criteria(_) => NotSelected::Criteria,
        })
    }

    /// The record beside that one of its deals with which most conditions are true, as none selects it.
    fn nearest(&self, criteria: &Criteria, joined: Vec<Record>, record: &Record) -> Record {
        let truths = |record: &Record| {
            let judgement = criteria.judge(record, self.now);
            judgement.conditions.iter().filter(|holds| **holds).count()
        };
        // Of several the last that is met wins, and the deal that was changed last comes first.
        let nearest = joined.into_iter().rev().max_by_key(truths);
        nearest.unwrap_or_else(|| record.clone())
    }

    fn conditions(
        &self,
        definition: &SyncDefinition,
        criteria: &Criteria,
        record: &Record,
    ) -> Vec<Condition> {
        let Selection::Criteria {
            conditions,
            pattern,
        } = &definition.selection
        else {
            return Vec::new();
        };
        let judgement = criteria.judge(record, self.now);
        let decisive = decisive(pattern, &judgement.conditions);
        let asked = conditions.iter().zip(criteria.phrases());
        let found = criteria.columns().zip(judgement.conditions);
        let numbered = (1..).zip(asked.zip(found));
        numbered
            .map(|(number, ((asked, words), (column, holds)))| Condition {
                number,
                field: asked.field.to_string(),
                words: words.to_owned(),
                value: record.get(&column.path).clone(),
                holds,
                decides: decisive.contains(&number),
            })
            .collect()
    }

    fn outcome(&self, id: RecordId) -> Option<(Outcome, String)> {
        let by_itself = self.staged.and_then(|staged| staged.settled.get(&id));
        if let Some(settled) = by_itself {
            return Some(settled.clone());
        }
        let decision = &self.decided?.decision;
        if let Some(Action::Send { winner, expected }) = &decision.action
            && winner.record == id
        {
            return Some((*expected, String::new()));
        }
        let mut settled = decision.settled.iter();
        let settled = settled.find(|(record, _, _)| *record == id)?;
        Some((settled.1, settled.2.clone()))
    }

    fn wins(&self, id: RecordId) -> bool {
        let state = self.decided.map(|decided| &decided.state);
        // Of an address that has opted out, no record feeds a contact.
        let state = state.filter(|state| !state.opted_out);
        let winner = state.and_then(|state| winner(&state.candidates));
        winner.is_some_and(|winner| winner.record == id)
    }
}
