//! Call budgets per method and window: wait how long.
//!
//! Never more than `calls` calls fall into any stretch of a window's `span`, wherever it begins. A call counts from the
//! moment it is reserved until one span after it was answered, because nobody here knows when in between it reached the
//! service. A window keeps its calls in parts of its span, not one by one, and a part frees a span after its last call;
//! so memory is bounded by the number of methods, and a wait is at most one part longer than it had to be.
//!
//! Exceeding a window locks the method for half an hour, so doubt counts as used: with a clock set back, what was
//! reserved "in the future" counts as reserved now, which never frees a call early and delays none beyond one span.
//! A clock set forward cannot be told from time passing; noticing it is the caller's.

mod forecast;
mod lockout;
mod state;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use lockout::Lock;

pub use forecast::{CALL_TAKES, Forecast};
pub use lockout::{Lockouts, Overload};
pub use state::{Ahead, MethodState, PacingState, SlotState, WindowState, slot_of_sixtieth};

/// From here on a wait is not sat out: the run is parked, and others have its turn. Above the five minutes that most
/// methods' windows have, and not above the shortest lock.
pub const PARKS_FROM: Duration = Duration::from_secs(600);

/// The name under which windows are given for all methods that are not named.
pub const OTHER_METHODS: &str = "*";

/// Parts a window's span is cut into: of a day six minutes, of an hour a quarter of a minute.
const SLOTS: i64 = 240;

/// So many calls in any stretch of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Calls allowed; with none, every reservation is told to wait.
    pub calls: u32,
    /// Length of the stretch, counted in whole milliseconds.
    pub span: Duration,
}

/// So many calls in a stretch.
impl From<(u32, Duration)> for Window {
    fn from((calls, span): (u32, Duration)) -> Self {
        Self { calls, span }
    }
}

impl Window {
    fn new(calls: u32, seconds: u64) -> Self {
        let span = Duration::from_secs(seconds);
        Self { calls, span }
    }

    fn span_ms(&self) -> i64 {
        // A century: long enough for any window, short enough to be added to any instant.
        const SPAN_MAX: i64 = 100 * 366 * 86_400_000;
        i64::try_from(self.span.as_millis()).map_or(SPAN_MAX, |ms| ms.clamp(1, SPAN_MAX))
    }
}

/// The windows Campaigns documents: its API guide, "API limits" (Campaigns reference, section 6, November 2026).
#[must_use]
pub fn documented() -> BTreeMap<String, Vec<Window>> {
    const MINUTE: u64 = 60;
    let table = [
        (
            "listsubscribe",
            vec![
                Window::new(500, MINUTE),
                Window::new(12_500, 60 * MINUTE),
                Window::new(75_000, 24 * 60 * MINUTE),
            ],
        ),
        ("addlistsubscribersinbulk", vec![Window::new(2_000, MINUTE)]),
        ("contact/allfields", vec![Window::new(100, 5 * MINUTE)]),
        ("custom/add", vec![Window::new(100, 5 * MINUTE)]),
        (OTHER_METHODS, vec![Window::new(500, 5 * MINUTE)]),
    ];
    let named = |(method, windows): (&str, _)| (method.to_owned(), windows);
    table.into_iter().map(named).collect()
}

/// The documented limit of a method to which these windows do not keep; none where they keep to all.
#[must_use]
pub fn beyond_documented(method: &str, given: &[Window]) -> Option<Window> {
    let documented = documented();
    let limits = documented
        .get(method)
        .or_else(|| documented.get(OTHER_METHODS));
    let mut limits = limits.into_iter().flatten().copied();
    limits.find(|limit| {
        let most = given.iter().map(|window| {
            let spans = limit
                .span
                .as_millis()
                .div_ceil(window.span.as_millis().max(1));
            spans.saturating_mul(window.calls.into())
        });
        most.min().is_none_or(|most| most > limit.calls.into())
    })
}

/// The budgets of one account, and what is used of them.
#[derive(Debug, Clone)]
pub struct Pacing {
    windows: BTreeMap<String, Vec<Window>>,
    lockouts: Lockouts,
    used: BTreeMap<String, Used>,
}

/// What one method has used.
#[derive(Debug, Clone, Default)]
struct Used {
    /// One for each of its windows.
    records: Vec<Record>,
    /// Calls that are not answered yet; they count in every window.
    in_flight: u32,
    /// Refusals in a row that may mean that the method is locked.
    strikes: u32,
    /// Contacts in a row that were refused for no reason that is known.
    unexplained: u32,
    lock: Option<Lock>,
}

/// The answered calls of one method, as one of its windows sees them.
#[derive(Debug, Clone)]
struct Record {
    window: Window,
    /// Oldest first.
    slots: VecDeque<Slot>,
}

/// Calls of one part of a window.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// When the last of them was answered.
    last_ms: i64,
    calls: u32,
}

impl Pacing {
    /// Budgets of which nothing is used. A method that is not named has the windows of [`OTHER_METHODS`], counted for
    /// itself; without these it is not paced at all.
    #[must_use]
    pub fn new(windows: BTreeMap<String, Vec<Window>>, lockouts: Lockouts) -> Self {
        let used = BTreeMap::new();
        Self {
            windows,
            lockouts,
            used,
        }
    }

    /// Reserves one call of `method` at `now`, in all its windows or in none. It is in flight until it is
    /// [settled](Self::settle).
    ///
    /// # Errors
    /// How long to wait before asking again; enough, unless others reserve meanwhile.
    pub fn reserve(&mut self, method: &str, now: Timestamp) -> Result<(), Duration> {
        let locked = self.locked(method, now);
        let used = self.used_by(method);
        let in_flight = used.in_flight;
        let full = used.records.iter_mut().filter_map(|record| {
            record.tidy(now.as_millisecond());
            record.wait(now.as_millisecond(), in_flight)
        });
        // Every record is to be tidied.
        let full = full.fold(None, |longest: Option<Duration>, wait| {
            longest.max(Some(wait))
        });
        if let Some(wait) = locked.max(full) {
            return Err(wait);
        }
        used.in_flight = used.in_flight.saturating_add(1);
        Ok(())
    }

    /// Counts a reserved call as answered, or given up, at `now`.
    pub fn settle(&mut self, method: &str, now: Timestamp) {
        let used = self.used_by(method);
        used.in_flight = used.in_flight.saturating_sub(1);
        for record in &mut used.records {
            record.tidy(now.as_millisecond());
            record.add(now.as_millisecond(), 1);
        }
    }

    /// Gives a reserved call back that was not made.
    pub fn give_back(&mut self, method: &str) {
        let used = self.used_by(method);
        used.in_flight = used.in_flight.saturating_sub(1);
    }

    /// A fortieth of the method's smallest window, and at least one: so many calls may be counted beforehand without
    /// being missed.
    #[must_use]
    pub fn few(&self, method: &str) -> u32 {
        let windows = windows_of(&self.windows, method).iter();
        let smallest = windows.map(|window| window.calls).min();
        smallest.map_or(1, |calls| (calls / 40).max(1))
    }

    fn used_by(&mut self, method: &str) -> &mut Used {
        let windows = &self.windows;
        let fresh = || Used {
            records: windows_of(windows, method)
                .iter()
                .map(Record::new)
                .collect(),
            ..Used::default()
        };
        self.used.entry(method.to_owned()).or_insert_with(fresh)
    }
}

fn windows_of<'a>(windows: &'a BTreeMap<String, Vec<Window>>, method: &str) -> &'a [Window] {
    windows
        .get(method)
        .or_else(|| windows.get(OTHER_METHODS))
        .map_or(&[], Vec::as_slice)
}

impl Record {
    fn new(window: &Window) -> Self {
        Self {
            window: *window,
            slots: VecDeque::new(),
        }
    }

    /// When the calls of `slot` no longer count: when more than one span lies after the last of them, wherever the service
    /// takes its windows to end.
    fn frees_ms(&self, slot: &Slot) -> i64 {
        slot.last_ms.saturating_add(self.window.span_ms() + 1)
    }

    /// Drops what is past, and moves to now what a clock set back left in the future.
    fn tidy(&mut self, now_ms: i64) {
        while self
            .slots
            .front()
            .is_some_and(|slot| self.frees_ms(slot) <= now_ms)
        {
            self.slots.pop_front();
        }
        let mut moved: u32 = 0;
        while let Some(slot) = self.slots.back().filter(|slot| slot.last_ms > now_ms) {
            moved = moved.saturating_add(slot.calls);
            self.slots.pop_back();
        }
        if moved > 0 {
            self.add(now_ms, moved);
        }
    }

    fn slot_of(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(slot_ms(self.window.span_ms()))
    }

    /// Counts calls at an instant, at or after all instants counted before.
    fn add(&mut self, at_ms: i64, calls: u32) {
        let own = self.slot_of(at_ms);
        let last = self.slots.back().map(|slot| self.slot_of(slot.last_ms));
        match self.slots.back_mut() {
            Some(slot) if last >= Some(own) => {
                slot.last_ms = slot.last_ms.max(at_ms);
                slot.calls = slot.calls.saturating_add(calls);
            }
            Some(_) | None => self.slots.push_back(Slot {
                last_ms: at_ms,
                calls,
            }),
        }
    }

    /// How long until one more call fits beside those in flight; `None` if it fits now.
    fn wait(&self, now_ms: i64, in_flight: u32) -> Option<Duration> {
        let allowed = u64::from(self.window.calls);
        let answered: u64 = self.slots.iter().map(|slot| u64::from(slot.calls)).sum();
        let mut used = answered + u64::from(in_flight);
        if used < allowed {
            return None;
        }
        for slot in &self.slots {
            used -= u64::from(slot.calls);
            if used < allowed {
                return Some(millis(self.frees_ms(slot) - now_ms));
            }
        }
        Some(millis(self.window.span_ms()))
    }
}

/// A part of a span, rounded up; spans are above zero.
fn slot_ms(span_ms: i64) -> i64 {
    (span_ms - 1) / SLOTS + 1
}

/// A wait of at least a millisecond, so that no caller spins.
fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).map_or(1, |ms| ms.max(1)))
}

#[cfg(test)]
mod tests;
