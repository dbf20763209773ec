//! What is asked of the records of a read in full, and how many of them at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Run;
use super::plan::Selected;
use crate::domain::filter::{Filter, Leaf, Test};
use crate::domain::ids::FieldPath;
use crate::domain::value::FieldType;

/// What "shortly before" is: the overlap, and more than the two clocks may differ by.
const JUST_NOW: Duration = Duration::from_secs(3600);
/// Rows of a query by what it costs: a LIMIT up to the first is one credit, up to the second two, up to the third three.
/// Source: CRM, COQL limits (v8), read November 2026.
pub(super) const PAGE_ROWS: [u32; 3] = [200, 1000, 2000];
/// The field that tells when a record was last changed.
pub(super) const MODIFIED_FIELD: &str = "Modified_Time";

impl Run<'_> {
    /// What is asked of the records of a read in full: the selection and the date range as far as they can be pushed, or
    /// an opt-out, or a change since the last run, whoever it was that opted in again.
    pub(super) fn pushed(&self) -> Filter {
        if self.unpushed.load(Ordering::Relaxed) {
            return Filter::EVERYTHING;
        }
        let selection = match &self.plan.selected {
            Selected::Criteria(criteria) => criteria.filter(self.clock.now()),
            // The members of a view are its own; opt-outs of others are read apart.
            Selected::View(_) => return Filter::EVERYTHING,
            Selected::All => Filter::EVERYTHING,
        };
        let selection = Filter::all([selection, self.plan.period.filter()]);
        let opted_out = self.opted_out_or_changed(&self.plan.opt_out_fields);
        Filter::any([selection, opted_out, self.just_written()])
    }

    /// What was written shortly before the run, where the next one takes for new what it meets for the first time.
    pub(super) fn just_written(&self) -> Filter {
        if !self.plan.period.tells_new_ones() {
            return Filter::Any(Vec::new());
        }
        let test = Test::Instants(Some(self.clock.now() - JUST_NOW), None);
        leaf(MODIFIED_FIELD, FieldType::DateTime, test)
    }

    /// Those that opted out, and those changed since the last run: who opted in again is among them.
    pub(super) fn opted_out_or_changed(&self, fields: &[FieldPath]) -> Filter {
        let opted_out = fields
            .iter()
            .map(|field| leaf(field.as_str(), FieldType::Bool, Test::Truth(true)));
        let changed = self.since().map(|since| {
            let test = Test::Instants(Some(since), None);
            leaf(MODIFIED_FIELD, FieldType::DateTime, test)
        });
        Filter::any(opted_out.chain(changed))
    }

    /// Rows to ask for when so many have been met: no more than are expected still, as fewer cost less.
    pub(super) fn planned_rows(&self, met: u64) -> u32 {
        let [few, some, most] = PAGE_ROWS;
        let left = match self.expected {
            None => return most,
            Some(expected) if met < expected => expected - met,
            // A module that has grown, by a little as a rule.
            Some(expected) if met < expected + u64::from(few) => 1,
            Some(_) => return most,
        };
        [few, some]
            .into_iter()
            .find(|rows| left <= u64::from(*rows))
            .unwrap_or(most)
    }
}

/// A test of one of the module's own fields; everything where the name is none.
pub(super) fn leaf(field: &str, field_type: FieldType, test: Test) -> Filter {
    match field.parse() {
        Ok(field) => Filter::Leaf(Leaf {
            field,
            field_type,
            test,
        }),
        Err(_) => Filter::EVERYTHING,
    }
}
