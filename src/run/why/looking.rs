//! What one sync knows of the address, and what it would decide.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use super::known::{Facts, claimed_by, found, numbers, opted_out};
use super::reading::Live;
use super::records::Seen;
use super::staged::{Staged, no_run};
use super::story::{
    By, HeldRemoval, Member, Next, OptOut, Standing, Suppressed, SyncStory, instant,
};
use super::{Inquiry, Planned, Subject};
use crate::domain::activation::Inactivity;
use crate::domain::changes::{
    Action, AddressState, Decision, Membership, Rejection, Removal, decide, suppression, winner,
};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, FieldPath, RecordId};
use crate::domain::outcome::Reason;
use crate::domain::period::Window;
use crate::domain::screening::Screened;
use crate::domain::suppression::Suppression;
use crate::domain::value::Value;
use crate::run::audit;
use crate::run::changes::OVERLAP;
use crate::run::claims;
use crate::run::decide::{Deciding, candidates};
use crate::run::plan::{Source, rules};
use crate::run::resolve::definition_digest;
use crate::run::stage::Staging;
use crate::run::start::{Neighbours, neighbours_in};
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, StagedRow};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::store::state::Checkpoint;

/// One account looked at, with what its CRM has now.
pub(super) struct Looking<'a> {
    pub(super) inquiry: &'a Inquiry<'a>,
    pub(super) subject: &'a Subject,
    /// None where the CRM could not be read.
    pub(super) live: Option<&'a Live>,
}

/// The decision on an address, and what it rests on.
pub(super) struct Decided {
    pub(super) state: AddressState,
    pub(super) decision: Decision,
    /// How it stands on the account's other lists, and since when.
    elsewhere: Vec<(Membership, i64)>,
}

impl Decided {
    fn next(&self) -> Next {
        match &self.decision.action {
            None => Next::Nothing,
            Some(Action::Send { expected, .. }) => Next::Sends(*expected),
            Some(Action::TakeOff(removal)) => Next::TakesOff(*removal),
        }
    }
}

impl<'a> Looking<'a> {
    /// The records that have opted out with the address.
    pub(super) fn opt_outs(
        &self,
        step: &mut Step<'_>,
        account: &AccountName,
        planned: &[Planned<'_>],
    ) -> Result<Vec<OptOut>, StoreError> {
        let opt_out = |module: &str, record, since, now| OptOut {
            account: account.clone(),
            module: module.to_owned(),
            record,
            since,
            now,
        };
        let mut found: BTreeMap<(String, RecordId), OptOut> = BTreeMap::new();
        if let Some(key) = self.subject.key(self.inquiry.ledger) {
            for (module, record, since) in opted_out(step, account, &key)? {
                let since = Some(instant(since));
                let known = opt_out(&module, record, since, Standing::Unknown);
                found.insert((module, record), known);
            }
        }
        for (module, records) in self.live.into_iter().flat_map(|live| &live.modules) {
            let of_module = found.values_mut().filter(|it| it.module == module.as_str());
            of_module.for_each(|known| known.now = Standing::Gone);
            let fields = consent_fields(planned, module.as_str());
            for (id, record) in records {
                let says = |truth| {
                    let mut fields = fields.iter();
                    fields.any(|field| *record.get(field) == Value::Bool(truth))
                };
                let has = record.values.values().any(|it| self.subject.is_in(it));
                let now = match (has, says(true), says(false)) {
                    (false, _, _) => Standing::Readdressed,
                    (true, true, _) => Standing::OptedOut,
                    (true, false, true) => Standing::OptedIn,
                    (true, false, false) => Standing::Unknown,
                };
                let key = (module.to_string(), *id);
                match found.get_mut(&key) {
                    Some(known) => known.now = now,
                    None if now == Standing::OptedOut => {
                        found.insert(key, opt_out(module.as_str(), *id, None, now));
                    }
                    None => {}
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// What a sync knows of the address, and what its next run would do.
    pub(super) fn sync(
        &self,
        step: &mut Step<'_>,
        planned: &Planned<'_>,
    ) -> Result<SyncStory, StoreError> {
        let (definition, plan) = (planned.definition, planned.plan.as_ref());
        let checkpoint = self.inquiry.checkpoints.get(&definition.id);
        let checkpoint = checkpoint.cloned().unwrap_or_default();
        let window = self.window(definition, &checkpoint);
        let (numbers, list) = numbers(step, definition, plan)?;
        let key = self.subject.key(self.inquiry.ledger);
        let facts = match &key {
            Some(key) => Facts::of(step, numbers, key)?,
            None => Facts::default(),
        };
        let unheeded = AtomicBool::new(false);
        let staged = match (plan, self.live) {
            (Some(plan), Some(live)) => {
                let staging = Staging {
                    plan,
                    ledger: self.inquiry.ledger,
                    numbers,
                    module: step.number('m', definition.module.as_str())?,
                    window,
                    cursor: checkpoint.cursor.map(instant),
                    now: self.inquiry.now,
                    // Nothing of it is kept for other syncs.
                    peers: &[],
                    unknown_opt_outs: &unheeded,
                    witness: None,
                };
                let run = no_run(step, numbers, definition, &checkpoint)?;
                Some(Staged::of(step, &staging, live, run, (definition, &facts))?)
            }
            (Some(_), None) | (None, _) => None,
        };
        let decided = match &key {
            Some(key) => Some(self.decide(step, definition, numbers, key)?),
            None => None,
        };
        let seen = Seen {
            subject: self.subject,
            staged: staged.as_ref(),
            facts: &facts,
            decided: decided.as_ref(),
            now: self.inquiry.now,
        };
        let records = seen.records(step, definition, numbers.sync)?;
        let suppressed = match &decided {
            Some(decided) => self.suppressed(definition, &facts, decided),
            None => self.unfit(),
        };
        let winner = decided.as_ref().and_then(|it| winner(&it.state.candidates));
        let winner = winner.map(|winner| winner.record);
        let next = decided.as_ref().map_or(Next::Nothing, Decided::next);
        let is_stale = staged
            .as_ref()
            .is_some_and(|staged| is_stale(staged, &facts, (next, winner)));
        // The record that opts in again has changed, so that any run reads it.
        let is_freed = facts.opted_out_since.is_some()
            && decided.as_ref().is_some_and(|it| !it.state.opted_out);
        let claimed_by = match &key {
            Some(key) => claimed_by(step, self.inquiry, definition, (numbers.list, key))?,
            None => Vec::new(),
        };
        let of_list = (&definition.account, list.as_deref());
        let checkpoints = self.inquiry.checkpoints;
        let found = found(step, self.inquiry.config, checkpoints, of_list)?;
        let held = facts.held.map(|(run, removal)| HeldRemoval {
            run,
            removal,
            applies: facts.candidates.is_empty() && claimed_by.is_empty(),
        });
        let member = facts.member;
        let claimed = facts.claim.is_some();
        let (sent, refused) = facts
            .claim
            .map(|it| (it.sent, it.refused))
            .unwrap_or_default();
        Ok(SyncStory {
            definition: definition.clone(),
            barred: self
                .inquiry
                .activation
                .why_not(&definition.id)
                .filter(|why| *why != Inactivity::Finished),
            list,
            cut: cut(staged.as_ref(), winner),
            records,
            spelled: member
                .as_ref()
                .map(|member| member.address.clone())
                .filter(|spelled| !spelled.is_empty()),
            member: member.map(|member| Member {
                state: member.state,
                ours: member.ours,
                since: instant(member.since),
            }),
            sent,
            refused,
            reply: facts.reply,
            suppressed,
            next,
            next_is_full: is_stale && !facts.left_over && !is_freed,
            held,
            claimed_by,
            discarded: facts.discarded,
            found,
            left_over: facts.left_over,
            claimed,
            is_live: staged.is_some(),
            may_be_converted: staged.as_ref().is_some_and(|staged| staged.hides),
            is_asked: self
                .live
                .is_some_and(|live| !live.unasked.contains_key(&definition.module)),
            problem: planned.problem.clone(),
            ignored: None,
        })
    }

    /// The stretch of time that the sync's next run takes records from; none where it imports everything.
    fn window(&self, definition: &SyncDefinition, checkpoint: &Checkpoint) -> Option<Window> {
        let digest = definition_digest(self.inquiry.config, definition);
        let is_known = checkpoint.completed > 0 && checkpoint.definition == digest;
        let from = checkpoint.cursor.filter(|_| is_known).map(instant)?;
        let since = from - OVERLAP;
        Some(Window { from, since })
    }

    /// The decision on the address, each of its records being taken for read.
    fn decide(
        &self,
        step: &mut Step<'_>,
        definition: &SyncDefinition,
        numbers: SyncNumbers,
        key: &AddressKey,
    ) -> Result<Decided, StoreError> {
        for candidate in candidates(step, numbers.sync, key)? {
            let key = keys::under_address(numbers.sync, key, candidate.record.0);
            if step.staged.get(&key)?.is_none() {
                let read = StagedRow::Read {
                    screened: Screened::Passed,
                    address: candidate.address,
                };
                step.staged.put(&key, &read)?;
            }
        }
        let own = keys::address(numbers.sync, key);
        let staged = step.staged.under(&own, None, usize::MAX)?;
        let Neighbours {
            lists,
            orphans,
            rivals,
            ..
        } = neighbours_in(
            step,
            (self.inquiry.config, self.inquiry.activation),
            definition,
        )?;
        let account = self.inquiry.config.accounts.get(&definition.account);
        let rules = rules(definition);
        let deciding = Deciding {
            numbers,
            lists: &lists,
            orphans: &orphans,
            rivals: &rivals,
            topics: account.is_some_and(|account| account.topics),
            rules,
            closed_for: None,
            witness: None,
        };
        let (state, _) = deciding.state(step, key, &staged)?;
        let decision = decide(&state, rules);
        Ok(Decided {
            decision,
            state,
            elsewhere: claims::elsewhere(step, numbers, &lists, key)?,
        })
    }

    /// What holds the address back from the sync's list, the first that applies.
    fn suppressed(
        &self,
        definition: &SyncDefinition,
        facts: &Facts,
        decided: &Decided,
    ) -> Option<Suppressed> {
        let own = |by, since: Option<i64>| Suppressed {
            by,
            since: since.map(instant),
            elsewhere: false,
        };
        if let Some(unfit) = self.unfit() {
            return Some(unfit);
        }
        if decided.state.opted_out {
            return Some(own(By::OptedOut, facts.opted_out_since));
        }
        let again = definition.advanced.opted_in_again;
        let member = facts.member.as_ref();
        if let Some(suppression) = suppression(&decided.state, again) {
            let (by, state) = match suppression {
                // Told before anything is looked at.
                Suppression::Erased => return Some(own(By::Erased, None)),
                Suppression::TakenOffOptedOut => {
                    return Some(own(By::TakenOffOptedOut, member.map(|it| it.since)));
                }
                Suppression::DoNotMail => (By::Unsubscribed, Membership::Unsubscribed),
                Suppression::Bounced => (By::Bounced, Membership::Bounced),
            };
            if let Some(member) = member.filter(|member| member.state == state) {
                return Some(own(by, Some(member.since)));
            }
            let elsewhere = decided.elsewhere.iter().filter(|(it, _)| *it == state);
            let since = elsewhere.map(|(_, since)| *since).min();
            let elsewhere = true;
            return Some(Suppressed {
                elsewhere,
                ..own(by, since)
            });
        }
        let is_refused = |refused: &Rejection| match refused.reason {
            Reason::Blocked => By::Blocked,
            _ if refused.detail == audit::KEPT => By::KeptOff,
            _ => By::Refused,
        };
        let refused = facts.claim.as_ref()?.refused.as_ref()?;
        let is_on_list = decided.state.membership == Some(Membership::Active);
        let is_tried = decided.decision.action.is_some();
        let since = facts.reply.as_ref().map(|reply| reply.at);
        (!is_on_list && !is_tried).then(|| own(is_refused(refused), since))
    }

    /// What holds back a text to which nothing is ever sent.
    fn unfit(&self) -> Option<Suppressed> {
        let (reason, _) = self.subject.refused.as_ref()?;
        let by = match reason {
            Reason::GroupEmail => By::GroupEmail,
            _ => By::InvalidPattern,
        };
        Some(Suppressed {
            by,
            since: None,
            elsewhere: false,
        })
    }
}

/// Whether only a run that reads everything finds out what is due: nothing about the records has changed themselves.
fn is_stale(staged: &Staged<'_>, facts: &Facts, due: (Next, Option<RecordId>)) -> bool {
    match due {
        (Next::Sends(_), Some(winner)) => staged.stale.contains(&winner),
        // A record that is read again takes a removal back.
        (Next::Nothing, Some(winner)) if facts.held.is_some() => staged.stale.contains(&winner),
        (Next::TakesOff(Removal::Left), _) => {
            let left = facts.records();
            left.iter().all(|record| staged.stale.contains(record))
        }
        (Next::Sends(_) | Next::TakesOff(_) | Next::Nothing, _) => false,
    }
}

/// The labels of what a record renders that are cut.
fn cut(staged: Option<&Staged<'_>>, winner: Option<RecordId>) -> Vec<String> {
    let rendered = staged.zip(winner).and_then(|(staged, winner)| {
        let (record, plan) = (staged.selected.get(&winner)?, staged.plan);
        let rendered = plan.mapping.render(record, &plan.zone, plan.clear_empty);
        Some(rendered.cut)
    });
    rendered.unwrap_or_default()
}

/// The fields by which records of a module opt out.
fn consent_fields(planned: &[Planned<'_>], module: &str) -> Vec<FieldPath> {
    let plans = planned.iter().filter_map(|it| it.plan.as_ref());
    let fields = plans.flat_map(|plan| match plan.columns.module.as_str() == module {
        true => plan.opt_out_fields.clone(),
        false => {
            let is_it = |source: &Source| {
                matches!(source, Source::Consent(columns) if columns.module.as_str() == module)
            };
            let consents = plan.sources.iter().any(is_it);
            let fields = plan.consent_fields.iter().filter(|_| consents);
            fields.cloned().collect()
        }
    });
    fields.collect()
}
