//! One record into the ledger: judged, screened, and staged for the decision on its address.

use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::claims;
use super::deals::deals_of;
use super::decide::settle;
use super::plan::{Plan, Selected};
use super::witness::{Settled, Witness};
use crate::domain::address::EmailAddress;
use crate::domain::changes::Departed;
use crate::domain::ids::RecordId;
use crate::domain::mapping::Rendered;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::period::{Known, Window};
use crate::domain::record::Record;
use crate::domain::screening::{Screened, screen};
use crate::domain::value::Value;
use crate::domain::written::Written;
use crate::store::StoreError;
use crate::store::ledger::rows::{
    AddressKey, CandidateRow, KeptRow, Place, RecordRow, RunRow, StagedRow,
};
use crate::store::ledger::{Ledger, Step, SyncNumbers, keys};

/// What staging needs besides the record: the plan, the numbers, and the time.
pub(super) struct Staging<'a> {
    pub(super) plan: &'a Plan,
    pub(super) ledger: &'a Ledger,
    pub(super) numbers: SyncNumbers,
    /// Number of the module whose records these are.
    pub(super) module: u32,
    /// The other syncs of the account, and their lists.
    pub(super) peers: &'a [(u32, u32)],
    /// The stretch of time records are taken from; `None` for a run that takes up everything.
    pub(super) window: Option<Window>,
    /// The cursor that the last completed run left: what was modified since has changed.
    pub(super) cursor: Option<Timestamp>,
    pub(super) now: Timestamp,
    /// Set where an opt-out is read for the first time whose address is not known to be on the list: it may be there all
    /// the same, if others put it there.
    pub(super) unknown_opt_outs: &'a AtomicBool,
    /// Who is told of outcomes that a record's own fields decide.
    pub(super) witness: Option<&'a Witness>,
}

/// A record of the sync's module, as it was met.
pub(super) struct Met<'r> {
    pub(super) record: &'r Record,
    /// Whether it is in the sync's view.
    pub(super) member: bool,
    /// Whether it was asked for by its id, because something else than itself changed.
    pub(super) again: bool,
}

impl Staging<'_> {
    /// Stages a record of the sync's module. A record that this run has met already is passed over, and so is one that
    /// reads as it did before and is of the overlap, or was settled by the last run, unless it is looked at again.
    pub(super) fn record(
        &self,
        step: &mut Step<'_>,
        run: &mut RunRow,
        met: &Met<'_>,
    ) -> Result<(), StoreError> {
        let record = met.record;
        let key = keys::record(self.numbers.sync, record.id.0);
        let before = step.records.get(&key)?;
        let fingerprint = fingerprint(record);
        if before
            .as_ref()
            .is_some_and(|row| passed_over(run, row, met, fingerprint))
        {
            return Ok(());
        }
        self.opt_outs(step, record, &self.plan.opt_out_fields)?;
        let place = self.place(step, run, met, before.as_ref())?;
        // Who opts out does so under every address that rosterd has of the record.
        let says_no = |field| *record.get(field) == Value::Bool(true);
        let opted_out = self.plan.opt_out_fields.iter().any(says_no);
        let departed = match opted_out {
            true => Departed::OptedOut,
            false => Departed::Left,
        };
        if let Some(RecordRow {
            place: Place::Under(address),
            ..
        }) = before
            && place.candidate != Some(address)
        {
            let candidate = keys::under_address(self.numbers.sync, &address, record.id.0);
            step.candidates.remove(&candidate)?;
            step.touch(self.numbers.sync, &address, Some(departed))?;
        }
        let read_differently = before.is_some_and(|row| row.fingerprint != fingerprint);
        let since = |cursor| record.modified_at >= Some(cursor);
        if opted_out || (read_differently && self.cursor.is_some_and(since)) {
            self.look_at_kept(step, record.id, place.candidate, departed)?;
        }
        let place = place.place;
        step.records.put(
            &key,
            &RecordRow {
                fingerprint,
                seen: run.number,
                place,
            },
        )
    }

    /// Makes the sync decide the contacts that were kept when this record left them: all of them where it has opted out,
    /// and otherwise, now that it has changed, those whose removal a person discarded. Whom the definition kept stays
    /// then: a rule counts for what goes away from then on.
    fn look_at_kept(
        &self,
        step: &mut Step<'_>,
        record: RecordId,
        fed: Option<AddressKey>,
        departed: Departed,
    ) -> Result<(), StoreError> {
        let which = |row: KeptRow| departed == Departed::OptedOut || row.is_discarded();
        for address in claims::take_kept(step, self.numbers, record, which)? {
            if fed != Some(address) {
                step.touch(self.numbers.sync, &address, Some(departed))?;
            }
        }
        Ok(())
    }

    /// A record of which not everything could be read: its opt-outs count, and otherwise it stays as it was.
    pub(super) fn partial(
        &self,
        step: &mut Step<'_>,
        run: &RunRow,
        record: &Record,
    ) -> Result<(), StoreError> {
        self.opt_outs(step, record, &self.plan.opt_out_fields)?;
        let key = keys::record(self.numbers.sync, record.id.0);
        match step.records.get(&key)? {
            Some(row) => {
                let seen = run.number;
                step.records.put(&key, &RecordRow { seen, ..row })
            }
            None => Ok(()),
        }
    }

    /// Lets a record go that was deleted in the CRM, or that a full read did not meet.
    pub(super) fn gone(
        &self,
        step: &mut Step<'_>,
        record: RecordId,
        row: &RecordRow,
        departed: Departed,
    ) -> Result<(), StoreError> {
        let Place::Under(address) = row.place else {
            return step
                .records
                .remove(&keys::record(self.numbers.sync, record.0));
        };
        let candidate = keys::under_address(self.numbers.sync, &address, record.0);
        step.candidates.remove(&candidate)?;
        step.touch(self.numbers.sync, &address, Some(departed))?;
        let row = RecordRow {
            place: Place::Gone(address),
            ..row.clone()
        };
        step.records
            .put(&keys::record(self.numbers.sync, record.0), &row)
    }

    /// Judges and screens a record, counts what is decided by its own fields, and stages the rest.
    fn place(
        &self,
        step: &mut Step<'_>,
        run: &mut RunRow,
        met: &Met<'_>,
        before: Option<&RecordRow>,
    ) -> Result<Placed, StoreError> {
        let plan = self.plan;
        let converted = plan.is_converted(met.record);
        let Some(record) = self.selected(step, met, converted)? else {
            run.counts.not_selected += 1;
            return Ok(Placed::OUTSIDE);
        };
        let record = &record;
        let email = record.get(plan.mapping.email());
        let excluded = converted && plan.exclude_converted;
        let screened = screen(email, excluded, &plan.roles);
        if !self.takes_up(record, before) {
            run.counts.not_selected += 1;
            return Ok(self.as_before(before, &screened));
        }
        run.counts.total += 1;
        match screened {
            Ok((address, screened)) => self.under(step, record, &address, screened),
            Err((reason, detail)) => {
                let address = match (reason, email) {
                    (Reason::EmptyEmail, _) => String::new(),
                    (_, Value::Text(text)) => self.spelled(step, text)?,
                    _ => String::new(),
                };
                let settled = Settled {
                    record: record.id,
                    address,
                    outcome: Outcome::Ignored(reason),
                    detail,
                    fields: &[],
                    before: None,
                };
                settle(step, run, self.witness, settled)?;
                Ok(Placed::OUTSIDE)
            }
        }
    }

    /// What a record has for an address, unless it is that of an erased person.
    fn spelled(&self, step: &Step<'_>, text: &str) -> Result<String, StoreError> {
        match Written::of(text) {
            Some(whom) => step.spelled(&self.ledger.key_of(&whom), text),
            None => Ok(text.to_owned()),
        }
    }

    /// The record, with the deal that selects it beside it, if it is selected.
    pub(super) fn selected(
        &self,
        step: &Step<'_>,
        met: &Met<'_>,
        converted: bool,
    ) -> Result<Option<Record>, StoreError> {
        let plan = self.plan;
        let in_general = match &plan.selected {
            Selected::All => !converted,
            Selected::View(_) => met.member,
            Selected::Criteria(_) => true,
        };
        if !in_general || !plan.period.has(met.record) {
            return Ok(None);
        }
        let deals = match plan.deals {
            Some(_) => deals_of(step, self.numbers.sync, met.record.id)?,
            None => Vec::new(),
        };
        let mut joined = met.record.clone().joined(deals).into_iter();
        Ok(joined.find(|record| match &plan.selected {
            Selected::Criteria(criteria) => criteria.judge(record, self.now).selected,
            Selected::All | Selected::View(_) => true,
        }))
    }

    /// Whether the run's window has the record, as the sync retrieves them.
    fn takes_up(&self, record: &Record, before: Option<&RecordRow>) -> bool {
        let known = match before.map(|row| row.place) {
            None => Known::No,
            Some(Place::Outside) => Known::Outside,
            Some(Place::Under(_)) => Known::TakenUp,
            // It came back: as good as never seen.
            Some(Place::Gone(_)) => return true,
        };
        self.window
            .is_none_or(|window| self.plan.period.takes_up(record, window, known))
    }

    /// Where a selected record stands that is not taken up: it feeds its contact as it last did, unless that address is
    /// not its own any more, or it may not feed one.
    fn as_before(
        &self,
        before: Option<&RecordRow>,
        screened: &Result<(EmailAddress, Screened), (Reason, String)>,
    ) -> Placed {
        match (before.map(|row| row.place), screened) {
            (Some(Place::Under(under)), Ok((address, Screened::Passed)))
                if self.ledger.key(address) == under =>
            {
                Placed {
                    place: Place::Under(under),
                    candidate: Some(under),
                }
            }
            _ => Placed::OUTSIDE,
        }
    }

    fn under(
        &self,
        step: &mut Step<'_>,
        record: &Record,
        address: &EmailAddress,
        screened: Screened,
    ) -> Result<Placed, StoreError> {
        let key = self.ledger.key(address);
        let under = keys::under_address(self.numbers.sync, &key, record.id.0);
        let sent = step.spelled(&key, address.as_sent())?;
        step.staged.put(
            &under,
            &StagedRow::Read {
                screened,
                address: sent.clone(),
            },
        )?;
        let place = Place::Under(key);
        match screened {
            Screened::Converted => Ok(Placed {
                place,
                candidate: None,
            }),
            Screened::Passed => {
                let plan = self.plan;
                let rendered = match step.is_erased(&key)? {
                    true => Rendered::default(),
                    false => plan.mapping.render(record, &plan.zone, plan.clear_empty),
                };
                let modified_at = record.modified_at.map_or(0, Timestamp::as_millisecond);
                let row = CandidateRow {
                    modified_at,
                    address: sent,
                    fields: rendered.fields,
                };
                step.candidates.put(&under, &row)?;
                Ok(Placed {
                    place,
                    candidate: Some(key),
                })
            }
        }
    }
}

/// Where a record came to stand, and the address it may feed.
struct Placed {
    place: Place,
    candidate: Option<AddressKey>,
}

impl Placed {
    const OUTSIDE: Self = Self {
        place: Place::Outside,
        candidate: None,
    };
}

/// Whether a run has nothing to do with a record that it met: it was there before, and reads as it did.
pub(super) fn passed_over(
    run: &RunRow,
    row: &RecordRow,
    met: &Met<'_>,
    fingerprint: [u8; 16],
) -> bool {
    if row.seen == run.number {
        return true;
    }
    if met.again {
        return false;
    }
    let in_overlap = match (run.from, met.record.modified_at) {
        (Some(from), Some(modified_at)) => modified_at.as_millisecond() < from,
        _ => false,
    };
    // A full read also meets what is changed while it reads, which is in the next run's window once more.
    let settled = !run.full && row.seen == run.settled_by;
    let gone = matches!(row.place, Place::Gone(_));
    // What a failed run read and did not settle is taken up without being read again.
    (in_overlap || settled) && !gone && row.fingerprint == fingerprint
}

/// A hash of all that was read of a record.
pub(super) fn fingerprint(record: &Record) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    let mut part = |tag: &str, text: &str| {
        hasher.update(tag.as_bytes());
        hasher.update(&text.len().to_le_bytes());
        hasher.update(text.as_bytes());
    };
    if let Some(modified_at) = record.modified_at {
        part("modified", &modified_at.as_second().to_string());
    }
    for (field, value) in &record.values {
        part("field", field.as_str());
        match value {
            Value::Null => part("null", ""),
            Value::Text(text) => part("text", text),
            Value::Number(number) => part("number", &number.normalize().to_string()),
            Value::Bool(truth) => part("bool", if *truth { "true" } else { "false" }),
            Value::Date(date) => part("date", &date.to_string()),
            Value::DateTime(at) => part("instant", &at.to_string()),
            Value::Lookup { id, name } => {
                part("lookup", &id.to_string());
                part("name", name.as_deref().unwrap_or_default());
            }
            Value::Many(values) => values.iter().for_each(|value| part("one", value)),
        }
    }
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    fingerprint
}
