//! What is coming: the next days played through, occurrence by occurrence, against schedules and limits.
//!
//! It is the daemon's own arithmetic at a clock of thought. What falls due together starts in the order of the syncs; a
//! first run counts as an initiation and is taken to complete; a run that finds no room is deferred to the sync's next
//! occurrence, one that is made once until there is room. Runs by people, and runs that last beyond the next occurrence,
//! cannot be foreseen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::ids::{AccountName, SyncId};
use super::limits::{Limit, LimitValues, Periods, Trigger, Usage, counted, may_start};
use super::schedule::{Schedule, believed};

/// Deferred occurrences in a row that a sync has in full; those behind them, until the limit frees, are only counted.
pub const DEFERRED_LISTED: u32 = 24;

/// How far they are counted.
pub const FURTHER_MAX: usize = 1000;

/// Occurrences that are looked at; a sync that runs every second has more than anybody reads.
pub const COMING_MAX: usize = 5000;

/// An active sync, as far as its coming runs depend on it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The sync.
    pub sync: SyncId,
    /// Its account.
    pub account: AccountName,
    /// Its schedule.
    pub schedule: Schedule,
    /// Up to when its occurrences are handled.
    pub handled: Option<Timestamp>,
    /// Since when its schedule is as it is.
    pub since: Timestamp,
    /// Whether its next run is its first.
    pub is_first: bool,
    /// When it last read everything; `None` where the next run does.
    pub full_at: Option<Timestamp>,
    /// The longest time between two runs that read everything.
    pub reconcile_every: SignedDuration,
}

/// An occurrence to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// When.
    pub at: Timestamp,
    /// Of which sync.
    pub sync: SyncId,
    /// Of which account.
    pub account: AccountName,
    /// As what it runs.
    pub trigger: Trigger,
    /// Whether it reads everything.
    pub is_full: bool,
    /// What the limits do with it.
    pub fate: Fate,
}

/// What the limits do with an occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It runs.
    Runs,
    /// It does not.
    Deferred {
        /// The limit that is used up.
        limit: Limit,
        /// When it frees; `None` for a limit of zero.
        frees_at: Option<Timestamp>,
        /// The sync's next designated time; behind the `further` ones, if there are any.
        next: Option<Timestamp>,
        /// So many more of the sync are deferred behind this one, before the limit frees.
        further: u64,
        /// Whether they are more than were counted.
        further_more: bool,
    },
}

/// How an account's initiations of the present month are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initiations {
    /// Used up to now.
    pub used: u64,
    /// First runs to come.
    pub coming: u64,
    /// How many there are; `None` is unlimited.
    pub limit: Option<u64>,
    /// When the month ends.
    pub resets_at: Timestamp,
}

impl Initiations {
    /// How many are left once those to come are used; `None` is unlimited.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        let limit = self.limit?;
        Some(limit.saturating_sub(self.used + self.coming))
    }

    /// Whether no more than a tenth is left.
    #[must_use]
    pub fn run_low(&self) -> bool {
        let tenth = self.limit.map(|limit| limit.div_ceil(10));
        self.left() <= tenth && self.limit.is_some()
    }
}

/// What is coming.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agenda {
    /// The occurrences, in order.
    pub coming: Vec<Coming>,
    /// The month's initiations of each account.
    pub initiations: BTreeMap<AccountName, Initiations>,
    /// What comes from here on was not looked at, as there is too much; `None` where all was.
    pub cut_at: Option<Timestamp>,
}

/// An account while the days are played through.
struct Tally {
    usage: Usage,
    periods: Periods,
}

/// Plays `subjects`, which are in the order in which they start, from `now` until `until`. `usage` is what the accounts
/// have used now, and `zone` that of the limits.
#[must_use]
pub fn agenda(
    subjects: &[Subject],
    limits: &LimitValues,
    usage: &BTreeMap<AccountName, Usage>,
    (now, until): (Timestamp, Timestamp),
    zone: &TimeZone,
) -> Agenda {
    let month_ends_at = Periods::of(now, zone).month_ends_at;
    let tally = |(account, usage): (&AccountName, &Usage)| {
        let tally = Tally {
            usage: *usage,
            periods: Periods::of(now, zone),
        };
        (account.clone(), tally)
    };
    let mut tallies: BTreeMap<AccountName, Tally> = usage.iter().map(tally).collect();
    let mut players: Vec<Player<'_>> = subjects.iter().map(Player::new).collect();
    let mut queue = BinaryHeap::new();
    for (nth, player) in players.iter_mut().enumerate() {
        if let Some(at) = player.begins(now).filter(|at| *at <= until) {
            queue.push(Reverse((at, nth)));
        }
    }
    let mut agenda = Agenda::default();
    while let Some(Reverse((at, nth))) = queue.pop() {
        if agenda.coming.len() == COMING_MAX {
            agenda.cut_at = Some(at);
            break;
        }
        let player = &mut players[nth];
        let Some(tally) = tallies.get_mut(&player.subject.account) else {
            continue;
        };
        tally.move_to(at, zone);
        let (coming, next) = player.meets(at, (now, until), tally, limits, zone);
        agenda.coming.push(coming);
        if let Some(next) = next.filter(|next| *next <= until) {
            queue.push(Reverse((next, nth)));
        }
    }
    for (account, usage) in usage {
        let starts = |coming: &&Coming| {
            coming.account == *account
                && coming.trigger == Trigger::Initial
                && coming.fate == Fate::Runs
                && coming.at < month_ends_at
        };
        let starting = agenda.coming.iter().filter(starts).count();
        let initiations = Initiations {
            used: usage.initiations_per_month,
            coming: u64::try_from(starting).unwrap_or(u64::MAX),
            limit: limits.initiations_per_month,
            resets_at: month_ends_at,
        };
        agenda.initiations.insert(account.clone(), initiations);
    }
    agenda
}

/// A sync while the days are played through.
struct Player<'a> {
    subject: &'a Subject,
    is_first: bool,
    full_at: Option<Timestamp>,
    /// Whether the occurrence that comes was missed.
    is_late: bool,
    /// Occurrences that were deferred one after the other.
    deferred: u32,
}

impl<'a> Player<'a> {
    fn new(subject: &'a Subject) -> Self {
        Self {
            subject,
            is_first: subject.is_first,
            full_at: subject.full_at,
            is_late: false,
            deferred: 0,
        }
    }

    /// When it comes first: at once for what is due or made up for, and for what is made once.
    fn begins(&mut self, now: Timestamp) -> Option<Timestamp> {
        let Subject {
            schedule, since, ..
        } = self.subject;
        if schedule.is_once() {
            return self.is_first.then_some(now);
        }
        let handled = self.subject.handled.map(|at| believed(at, now));
        let due = schedule.due(handled, believed(*since, now), now);
        if due.run.is_some() {
            self.is_late = due.late;
            return Some(now);
        }
        // With a clock that was set back, what was handled does not come again.
        schedule.next_after(handled.map_or(now, |handled| handled.max(now)))
    }

    /// An occurrence, and when the sync comes next.
    fn meets(
        &mut self,
        at: Timestamp,
        (now, until): (Timestamp, Timestamp),
        tally: &mut Tally,
        limits: &LimitValues,
        zone: &TimeZone,
    ) -> (Coming, Option<Timestamp>) {
        let subject = self.subject;
        let trigger = match (self.is_first, self.is_late && at == now) {
            (true, _) => Trigger::Initial,
            (false, true) => Trigger::CatchUp,
            (false, false) => Trigger::Scheduled,
        };
        let is_full = self
            .full_at
            .is_none_or(|full_at| at.duration_since(full_at) >= subject.reconcile_every);
        let is_full = is_full || self.is_first;
        let may = may_start(limits, &tally.usage, trigger, self.is_first, at, zone);
        let (fate, next) = match may {
            Ok(()) => {
                for limit in counted(trigger, self.is_first) {
                    raise(&mut tally.usage, limit);
                }
                self.is_first = false;
                self.deferred = 0;
                if is_full {
                    self.full_at = Some(at);
                }
                (Fate::Runs, subject.schedule.next_after(at))
            }
            Err(refused) => {
                let frees_at = refused.frees_at.map(|at| at.timestamp());
                let (next, further, further_more) = self.after_deferral(at, frees_at, until);
                let fate = Fate::Deferred {
                    limit: refused.limit,
                    frees_at,
                    next,
                    further,
                    further_more,
                };
                (fate, next)
            }
        };
        let coming = Coming {
            at,
            sync: subject.sync.clone(),
            account: subject.account.clone(),
            trigger,
            is_full,
            fate,
        };
        (coming, next)
    }

    /// When the sync comes next after a deferral; and how many of its occurrences before that are deferred as well, and
    /// whether that is all of them.
    fn after_deferral(
        &mut self,
        at: Timestamp,
        frees_at: Option<Timestamp>,
        until: Timestamp,
    ) -> (Option<Timestamp>, u64, bool) {
        let schedule = &self.subject.schedule;
        if schedule.is_once() {
            return (frees_at, 0, false);
        }
        self.deferred += 1;
        if self.deferred < DEFERRED_LISTED {
            return (schedule.next_after(at), 0, false);
        }
        // Until it frees, nothing makes room.
        let just_before = |at: Timestamp| at.checked_sub(SignedDuration::from_nanos(1)).ok();
        let last = frees_at.and_then(just_before).unwrap_or(until);
        let further = schedule.occurrences(at, last.min(until));
        let further = further.take(FURTHER_MAX + 1).count();
        let next = frees_at.and_then(|_| schedule.next_after(last));
        self.deferred = 0;
        let counted = u64::try_from(further.min(FURTHER_MAX)).unwrap_or(u64::MAX);
        (next, counted, further > FURTHER_MAX)
    }
}

impl Tally {
    /// A new day and a new month begin with nothing used.
    fn move_to(&mut self, at: Timestamp, zone: &TimeZone) {
        if at < self.periods.day_ends_at {
            return;
        }
        self.usage.runs_per_day = 0;
        self.usage.resyncs_per_day = 0;
        if at >= self.periods.month_ends_at {
            self.usage.initiations_per_month = 0;
            self.usage.resyncs_per_month = 0;
        }
        self.periods = Periods::of(at, zone);
    }
}

fn raise(usage: &mut Usage, limit: Limit) {
    let used = match limit {
        Limit::ActiveSyncs => &mut usage.active_syncs,
        Limit::RunsPerDay => &mut usage.runs_per_day,
        Limit::InitiationsPerMonth => &mut usage.initiations_per_month,
        Limit::ResyncsPerDay => &mut usage.resyncs_per_day,
        Limit::ResyncsPerMonth => &mut usage.resyncs_per_month,
    };
    *used += 1;
}

#[cfg(test)]
mod tests;
