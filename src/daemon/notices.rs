//! What systemd is told, where it listens: that rosterd is ready, reloads or stops, what it is doing, and that it lives.
//!
//! That it lives is said from the scheduler's own loop, when a beat has woken it and the store has told what is due. A
//! timer of its own would go on telling so while the loop hangs. What it is doing is put into words only when that
//! may have changed, and sent only when the words have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sd_notify::NotifyState;

use crate::domain::activation::Activation;
use crate::domain::ids::SyncId;
use crate::run::{Base, Wish};

/// It says that it lives this many times in the time after which systemd takes it for dead.
const TIMES_ALIVE: u32 = 3;
/// More runs than this are not named one by one.
const NAMED_MAX: usize = 5;

/// What has been said.
pub(super) struct Notices {
    watchdog: Watchdog,
    said: String,
    /// What the words were made of; none where they have to be found anew.
    seen: Option<Seen>,
    /// Why the files that are in force are not those on the disk.
    refused: Option<String>,
}

/// What `said` was made of.
struct Seen {
    activation: Arc<Activation>,
    running: Vec<SyncId>,
    at: Timestamp,
    next: Option<Timestamp>,
}

impl Notices {
    /// Nothing is said yet.
    pub(super) fn new() -> Self {
        Self {
            watchdog: Watchdog {
                interval: sd_notify::watchdog_enabled().filter(|interval| !interval.is_zero()),
                said_at: None,
            },
            said: String::new(),
            seen: None,
            refused: None,
        }
    }

    /// The first configuration runs.
    pub(super) fn ready(&self) {
        send(&[NotifyState::Ready]);
    }

    /// The files are read anew. systemd wants the time with it, and takes it for the answer to an earlier request
    /// otherwise.
    pub(super) fn reloading(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.say("reloading".to_owned(), &[NotifyState::Reloading, now]),
            Err(error) => untold(&error),
        }
    }

    /// The reload is over; `refused` says in a few words why the old files stay in force.
    pub(super) fn reloaded(&mut self, refused: Option<String>) {
        self.refused = refused;
        self.seen = None;
        send(&[NotifyState::Ready]);
    }

    /// It stops, and so many runs with it.
    pub(super) fn stopping(&mut self, runs: usize) {
        let text = match runs {
            0 => "stopping".to_owned(),
            1 => "stopping: 1 run is brought to an end".to_owned(),
            runs => format!("stopping: {runs} runs are brought to an end"),
        };
        self.say(text, &[NotifyState::Stopping]);
    }

    /// A beat has woken the loop, and the store has told what is due.
    pub(super) fn alive(&mut self, steady: Duration) {
        if self.watchdog.is_due(steady) {
            send(&[NotifyState::Watchdog]);
        }
    }

    /// What it is doing; `busy` are the runs under way. To be called as often as one likes.
    pub(super) fn doing(&mut self, base: &Base, busy: &BTreeMap<SyncId, Wish>) {
        let now = base.clock.now();
        let activation = base.standings.now();
        let is_as_before = self
            .seen
            .as_ref()
            .is_some_and(|seen| seen.holds(&activation, busy.keys(), now));
        if is_as_before {
            return;
        }
        let syncs = base.config.syncs.values();
        let active = syncs.filter(|sync| activation.why_not(&sync.id).is_none());
        let coming = active.clone().map(|sync| {
            let next = sync.schedule.next_after(now);
            next.map(|at| (at, &sync.id))
        });
        let plan = match coming.flatten().min() {
            Some((at, sync)) => Plan::Next(sync, at),
            None if active.count() == 0 => Plan::NoActiveSync,
            None => Plan::Nothing,
        };
        let running: Vec<SyncId> = busy.keys().cloned().collect();
        let refused = self.refused.as_deref();
        let text = sentence(refused, &running, &plan, &base.config.timezone);
        self.seen = Some(Seen {
            activation,
            running,
            at: now,
            next: plan.at(),
        });
        self.say(text, &[]);
    }

    /// Sends what happened, and the words with it where they are others than before.
    fn say(&mut self, text: String, states: &[NotifyState<'_>]) {
        let mut states = states.to_vec();
        if text != self.said {
            states.push(NotifyState::Status(&text));
        }
        if !states.is_empty() {
            send(&states);
        }
        self.said = text;
    }
}

impl Seen {
    /// Whether nothing has happened since that would change the words.
    fn holds<'s>(
        &self,
        activation: &Arc<Activation>,
        running: impl Iterator<Item = &'s SyncId>,
        now: Timestamp,
    ) -> bool {
        // A clock that was set back makes another occurrence the next one.
        let is_next = self.at <= now && self.next.is_none_or(|next| now < next);
        let is_active = Arc::ptr_eq(&self.activation, activation);
        is_next && is_active && self.running.iter().eq(running)
    }
}

/// When it was last said that rosterd lives.
struct Watchdog {
    /// The silence after which systemd takes it for dead; none where it does not watch.
    interval: Option<Duration>,
    said_at: Option<Duration>,
}

impl Watchdog {
    /// Whether it is to be said now; it counts as said then.
    fn is_due(&mut self, steady: Duration) -> bool {
        let is_due = self.interval.is_some_and(|interval| {
            let said_at = self.said_at;
            said_at.is_none_or(|said| steady.saturating_sub(said) >= interval / TIMES_ALIVE)
        });
        if is_due {
            self.said_at = Some(steady);
        }
        is_due
    }
}

/// What is coming.
enum Plan<'s> {
    /// The next occurrence.
    Next(&'s SyncId, Timestamp),
    /// No sync is active.
    NoActiveSync,
    /// Those that are active have no occurrences.
    Nothing,
}

impl Plan<'_> {
    fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Next(_, at) => Some(*at),
            Self::NoActiveSync | Self::Nothing => None,
        }
    }
}

/// What it is doing, in the words that `systemctl status` shows.
fn sentence(refused: Option<&str>, running: &[SyncId], plan: &Plan<'_>, zone: &TimeZone) -> String {
    let named: Vec<&str> = running.iter().take(NAMED_MAX).map(SyncId::as_str).collect();
    let named = named.join(", ");
    let running = match running.len() {
        0 => "idle".to_owned(),
        1..=NAMED_MAX => format!("running {named}"),
        many => format!("running {named} and {} more", many - NAMED_MAX),
    };
    let plan = match plan {
        Plan::Next(sync, at) => {
            let local = at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
            let zone = zone.iana_name().unwrap_or("local time");
            format!("next: {sync} at {local} {zone}")
        }
        Plan::NoActiveSync => "no active sync".to_owned(),
        Plan::Nothing => "nothing is scheduled".to_owned(),
    };
    let doing = format!("{running}; {plan}");
    match refused {
        Some(why) => format!("not reloaded, the old files stay in force: {why}; {doing}"),
        None => doing,
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        untold(&error);
    }
}

fn untold(error: &std::io::Error) {
    let error = error as &dyn std::error::Error;
    tracing::debug!(error, "systemd was not told");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<SyncId> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    #[test]
    fn the_words_say_what_runs_what_is_next_and_that_old_files_are_in_force() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let guests = &ids(&["guests"])[0];
        let next = || Plan::Next(guests, "2026-11-27T01:30:00Z".parse().unwrap());
        let two = Some("2 problems, see the log");
        for (refused, running, plan, want) in [
            (
                None,
                &[][..],
                next(),
                "idle; next: guests at 2026-11-27 02:30 Europe/Berlin",
            ),
            (
                None,
                &["guests", "hotels"],
                next(),
                "running guests, hotels; next: guests at 2026-11-27 02:30 Europe/Berlin",
            ),
            (
                None,
                &["a", "b", "c", "d", "e", "f", "g"],
                Plan::Nothing,
                "running a, b, c, d, e and 2 more; nothing is scheduled",
            ),
            (None, &[], Plan::NoActiveSync, "idle; no active sync"),
            (
                two,
                &["a"],
                Plan::Nothing,
                "not reloaded, the old files stay in force: 2 problems, see the log; running a; nothing is scheduled",
            ),
        ] {
            assert_eq!(sentence(refused, &ids(running), &plan, &zone), want);
        }
    }

    #[test]
    fn words_hold_until_a_run_starts_or_ends_or_the_next_occurrence_has_come() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let activation = Arc::new(Activation::default());
        let seen = |next: Option<i64>| Seen {
            activation: activation.clone(),
            running: ids(&["a", "b"]),
            at: at(100),
            next: next.map(at),
        };
        for (next, running, now, holds) in [
            (Some(200), &["a", "b"][..], 100, true),
            (Some(200), &["a", "b"], 199, true),
            (Some(200), &["a", "b"], 200, false),
            (Some(200), &["a"], 150, false),
            (Some(200), &["a", "c"], 150, false),
            (Some(200), &["a", "b"], 99, false),
            (None, &["a", "b"], 9999, true),
        ] {
            let running = ids(running);
            let held = seen(next).holds(&activation, running.iter(), at(now));
            assert_eq!(held, holds, "{running:?} at {now}, next at {next:?}");
        }
        let other = Arc::new(Activation::default());
        let running = ids(&["a", "b"]);
        assert!(
            !seen(None).holds(&other, running.iter(), at(150)),
            "activated"
        );
    }

    #[test]
    fn that_it_lives_is_said_at_most_every_third_of_the_interval() {
        let millis = Duration::from_millis;
        let said = |interval: Option<u64>| {
            let interval = interval.map(millis);
            let mut watchdog = Watchdog {
                interval,
                said_at: None,
            };
            let beats = (0..=10).map(|beat| beat * 1000);
            let said = beats.filter(|at| watchdog.is_due(millis(*at)));
            said.collect::<Vec<_>>()
        };
        assert_eq!(said(None), [0; 0]);
        assert_eq!(said(Some(12_000)), [0, 4000, 8000]);
        assert_eq!(said(Some(10_000)), [0, 4000, 8000]);
        assert_eq!(said(Some(1)).len(), 11);
    }
}
