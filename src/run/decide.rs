//! Addresses decided: what is staged becomes outcomes, claims and intents, a step of addresses at a time.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::claims;
use super::witness::{Settled, Witness};
use crate::domain::changes::{
    Action, AddressState, Candidate, Claim, ClaimChange, Decision, Membership, Removal, Rules,
    decide,
};
use crate::domain::ids::{ListKey, RecordId};
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::screening::Screened;
use crate::domain::suppression::Suppression;
use crate::store::StoreError;
use crate::store::format::FormatError;
use crate::store::ledger::rows::{
    AddressKey, CandidateRow, ClaimRow, IgnoredRow, IntentRow, KeptRow, MemberRow, RunRow,
    StagedRow,
};
use crate::store::ledger::{Step, SyncNumbers, keys};

/// Rows looked at in a step; the addresses among them are decided together.
const STEP_ROWS: usize = 500;

/// What a person has to do whom rosterd cannot ask Campaigns about.
const ERASED_ON_LIST: &str = "somebody who was erased has opted out, and is on the list because others put them there: look in Campaigns";

/// What a decision needs besides the ledger.
pub(super) struct Deciding<'a> {
    pub(super) numbers: SyncNumbers,
    /// All lists of the account.
    pub(super) lists: &'a [u32],
    /// Those of them that no active sync looks after any more.
    pub(super) orphans: &'a [(u32, ListKey)],
    /// Active syncs with the same list.
    pub(super) rivals: &'a BTreeSet<u32>,
    /// Whether an unsubscribe counts for the whole organisation.
    pub(super) topics: bool,
    pub(super) rules: Rules,
    /// Whether the gate lets anyone through.
    pub(super) gate_open: bool,
    /// Who is told of each outcome.
    pub(super) witness: Option<&'a Witness>,
}

impl Deciding<'_> {
    /// Decides the next addresses; says whether there were any.
    pub(super) fn next(&self, step: &mut Step<'_>, run: &mut RunRow) -> Result<bool, StoreError> {
        let rows = step
            .staged
            .under(&keys::number(self.numbers.sync), None, STEP_ROWS)?;
        let addresses: BTreeSet<AddressKey> = rows
            .iter()
            .filter_map(|(key, _)| keys::address_of(key))
            .collect();
        for address in &addresses {
            let own = keys::address(self.numbers.sync, address);
            let mut staged = step.staged.under(&own, None, usize::MAX)?;
            for (key, _) in &staged {
                step.staged.remove(key)?;
            }
            if self.is_decided(step, address, &mut staged)? {
                continue;
            }
            let (state, spellings) = self.state(step, address, &staged)?;
            let decision = decide(&state, self.rules);
            self.apply(step, run, address, &state, &spellings, decision)?;
        }
        Ok(!addresses.is_empty())
    }

    /// Whether a run that was interrupted had decided an address, and learned something since that only touches it. Whose
    /// call is due was counted, and what it was expected to be is what it will be; the gate sees to whoever left
    /// meanwhile. Who has an outcome that leaves them to the next run gets no second one. Who opted out is decided once
    /// more: as the record that was to be sent, where it was to be.
    fn is_decided(
        &self,
        step: &mut Step<'_>,
        address: &AddressKey,
        staged: &mut Vec<(Vec<u8>, StagedRow)>,
    ) -> Result<bool, StoreError> {
        let opted_out = keys::address(self.numbers.account, address);
        let opted_out = step.opt_outs.any(&opted_out)?;
        let key = keys::address(self.numbers.sync, address);
        if let Some(IntentRow::Send {
            record,
            address: spelled,
            ..
        }) = step.intents.get(&key)?
        {
            if opted_out {
                step.intents.remove(&key)?;
                let row = StagedRow::Read {
                    screened: Screened::Passed,
                    address: spelled,
                };
                staged.push((keys::under_address(self.numbers.sync, address, record), row));
            }
            return Ok(!opted_out);
        }
        let is_touched = |(_, row): &(_, StagedRow)| *row == StagedRow::Touched(None);
        let left = keys::under_address(self.numbers.sync, address, 0);
        let is_left = step.deferred.get(&left)?.is_some();
        Ok(is_left && !opted_out && staged.iter().all(is_touched))
    }

    /// All that the ledger knows of an address, and the spellings of the records read.
    pub(super) fn state(
        &self,
        step: &Step<'_>,
        address: &AddressKey,
        staged: &[(Vec<u8>, StagedRow)],
    ) -> Result<(AddressState, Vec<(RecordId, String)>), StoreError> {
        let SyncNumbers {
            account,
            sync,
            list,
        } = self.numbers;
        let (mut read, mut spellings, mut departed) = (Vec::new(), Vec::new(), None);
        for (key, row) in staged {
            match row {
                StagedRow::Read { screened, address } => {
                    let record = RecordId(keys::last_record("staged", key)?);
                    read.push((record, *screened));
                    spellings.push((record, address.clone()));
                }
                StagedRow::Touched(how) => departed = *how,
            }
        }
        let member = step.members.get(&keys::address(list, address))?;
        let elsewhere = claims::elsewhere(step, self.numbers, self.lists, address)?;
        let stands = |membership| elsewhere.iter().any(|(state, _)| *state == membership);
        let suppressed_elsewhere = if self.topics && stands(Membership::Unsubscribed) {
            Some(Suppression::DoNotMail)
        } else {
            stands(Membership::Bounced).then_some(Suppression::Bounced)
        };
        let rivals = self.rivals;
        let mut claimed_by_another =
            claims::claimed_by_another(step, self.numbers, rivals, address)?;
        if self.topics {
            // An unsubscribe here would take the contact off where others want it, too.
            claimed_by_another |=
                claims::is_theirs_elsewhere(step, self.numbers, self.lists, address)?;
        }
        let state = AddressState {
            candidates: candidates(step, sync, address)?,
            read,
            opted_out: step.opt_outs.any(&keys::address(account, address))?,
            erased: step.is_erased(address)?,
            claim: step
                .claims
                .get(&keys::claim(list, address, sync))?
                .map(claim),
            membership: member.as_ref().map(|member| member.state),
            ours: member.as_ref().is_some_and(|member| member.ours),
            tried: step.tried.get(&keys::address(list, address))?.is_some(),
            suppressed_elsewhere,
            on_other_list: stands(Membership::Active),
            claimed_by_another,
            departed,
        };
        Ok((state, spellings))
    }

    fn apply(
        &self,
        step: &mut Step<'_>,
        run: &mut RunRow,
        address: &AddressKey,
        state: &AddressState,
        spellings: &[(RecordId, String)],
        decision: Decision,
    ) -> Result<(), StoreError> {
        run.counts.total += decision.taken_up;
        let spelled = |record: RecordId| {
            let read = spellings
                .iter()
                .find(|(id, _)| *id == record)
                .map(|(_, text)| text);
            let known = || {
                let of = |it: &&Candidate| it.record == record;
                state.candidates.iter().find(of).map(|it| &it.address)
            };
            read.or_else(known).cloned().unwrap_or_default()
        };
        let before = state.claim.as_ref().and_then(|claim| claim.sent.as_deref());
        for (record, outcome, detail) in decision.settled {
            let candidate = state.candidates.iter().find(|it| it.record == record);
            let settled = Settled {
                record,
                address: spelled(record),
                outcome,
                detail,
                fields: candidate.map_or(&[], |it| it.fields.as_slice()),
                before,
            };
            settle(step, run, self.witness, settled)?;
        }
        if state.opted_out {
            self.leave_orphans(step, address)?;
        }
        self.claim(step, run, address, &decision.claim)?;
        match decision.action {
            None => Ok(()),
            Some(Action::Send { winner, expected }) => {
                self.send(step, run, address, winner, expected)
            }
            Some(Action::TakeOff(removal)) => self.take_off(step, run, address, removal),
        }
    }

    fn claim(
        &self,
        step: &mut Step<'_>,
        run: &RunRow,
        address: &AddressKey,
        change: &ClaimChange,
    ) -> Result<(), StoreError> {
        match change {
            ClaimChange::Feed(winner) => {
                // A record feeds it again, so that a removal which waits for a person does not apply any more.
                step.held
                    .remove(&keys::address(self.numbers.sync, address))?;
                claims::feed(step, self.numbers, address, *winner)
            }
            ClaimChange::Leave => Ok(()),
            ClaimChange::Keep => claims::keep(step, self.numbers, address, KeptRow(run.number)),
            ClaimChange::Drop => claims::give_up(step, self.numbers, address),
        }
    }

    fn send(
        &self,
        step: &mut Step<'_>,
        run: &mut RunRow,
        address: &AddressKey,
        winner: Candidate,
        expected: Outcome,
    ) -> Result<(), StoreError> {
        let key = keys::address(self.numbers.sync, address);
        if self.gate_open {
            let intent = IntentRow::Send {
                record: winner.record.0,
                address: winner.address,
                fields: winner.fields,
                expected,
            };
            return step.intents.put(&key, &intent);
        }
        let settled = Settled {
            record: winner.record,
            address: winner.address,
            outcome: Outcome::Ignored(Reason::NotCleared),
            detail: "the list's suppressions could not be read".to_owned(),
            fields: &winner.fields,
            before: None,
        };
        settle(step, run, self.witness, settled)?;
        step.defer(self.numbers.sync, address, None)
    }

    /// An opt-out also counts on lists that a definition named before, and that no sync looks after now.
    fn leave_orphans(&self, step: &mut Step<'_>, address: &AddressKey) -> Result<(), StoreError> {
        for (list, _) in self.orphans {
            let member = step.members.get(&keys::address(*list, address))?;
            let on_list = |it: &MemberRow| it.state == Membership::Active && !it.address.is_empty();
            let tried = step.tried.get(&keys::address(*list, address))?;
            let spelled = member.filter(on_list).map(|member| member.address);
            let Some(spelled) = spelled.or(tried.map(|tried| tried.address)) else {
                continue;
            };
            let intent = IntentRow::TakeOff {
                address: spelled,
                removal: Removal::OptedOut,
            };
            let key = keys::on_other_list(self.numbers.sync, address, *list);
            step.intents.put(&key, &intent)?;
        }
        Ok(())
    }

    fn take_off(
        &self,
        step: &mut Step<'_>,
        run: &mut RunRow,
        address: &AddressKey,
        removal: Removal,
    ) -> Result<(), StoreError> {
        let on_list = keys::address(self.numbers.list, address);
        let tried = step.tried.get(&on_list)?.map(|tried| tried.address);
        let member = step.members.get(&on_list)?.map(|member| member.address);
        let Some(spelled) = tried.or(member) else {
            return Ok(());
        };
        if spelled.is_empty() {
            // Others have put an erased person there, whose address is not known here any more.
            let before = run.not_taken_off.as_ref().map_or(0, |(count, _)| *count);
            run.not_taken_off = Some((before + 1, ERASED_ON_LIST.to_owned()));
            return Ok(());
        }
        let key = keys::address(self.numbers.sync, address);
        let intent = IntentRow::TakeOff {
            address: spelled,
            removal,
        };
        match removal {
            Removal::OptedOut => step.intents.put(&key, &intent),
            Removal::Gone | Removal::Left if self.gate_open => step.removals.put(&key, &intent),
            Removal::Gone | Removal::Left => {
                step.defer(self.numbers.sync, address, Some(removal.departed()))
            }
        }
    }
}

/// Counts an outcome and, for an ignored record, writes down why. Nothing else counts one.
pub(super) fn settle(
    step: &mut Step<'_>,
    run: &mut RunRow,
    witness: Option<&Witness>,
    settled: Settled<'_>,
) -> Result<(), StoreError> {
    run.counts.add(settled.outcome);
    if let Some(witness) = witness {
        witness.settled(&settled)?;
    }
    match settled.outcome {
        Outcome::Ignored(reason) => step.ignore(
            run,
            &IgnoredRow {
                record: settled.record.0,
                address: settled.address,
                reason,
                detail: settled.detail,
            },
        ),
        Outcome::New | Outcome::ReAdded | Outcome::Duplicate { .. } => Ok(()),
    }
}

/// The sync's records with an address that may feed a contact.
pub(super) fn candidates(
    step: &Step<'_>,
    sync: u32,
    address: &AddressKey,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = step
        .candidates
        .under(&keys::address(sync, address), None, usize::MAX)?;
    let candidate = |(key, row): (Vec<u8>, CandidateRow)| -> Result<Candidate, StoreError> {
        let damaged = || StoreError::value("candidates", &key, FormatError::Payload);
        Ok(Candidate {
            record: RecordId(keys::last_record("candidates", &key)?),
            modified_at: Timestamp::from_millisecond(row.modified_at).map_err(|_| damaged())?,
            address: row.address,
            fields: row.fields,
        })
    };
    rows.into_iter().map(candidate).collect()
}

fn claim(row: ClaimRow) -> Claim {
    Claim {
        winner: RecordId(row.winner),
        sent: row.sent,
        refused: row.refused,
    }
}
