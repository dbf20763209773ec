//! Call budgets per method and window: wait how long.
//!
//! Never more than `calls` reservations fall into any stretch of a window's `span`, wherever it begins. A window keeps
//! its calls in sixtieths of its span, not one by one, and a sixtieth frees only when it lies wholly past; so memory is
//! bounded by the number of methods, and a wait is at most one sixtieth longer than it had to be.
//!
//! Exceeding a window locks the method for half an hour, so doubt counts as used: with a clock set back, what was
//! reserved "in the future" counts as reserved now, which never frees a call early and delays none beyond one span.
//! A clock set forward cannot be told from time passing; noticing it is the caller's.

mod forecast;
mod state;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

pub use forecast::{CALL_TAKES, Forecast};
pub use state::{MethodState, PacingState, SlotState, WindowState};

/// The name under which windows are given for all methods that are not named.
pub const OTHER_METHODS: &str = "*";

/// Parts a window's span is cut into.
const SLOTS: i64 = 60;

/// So many calls in any stretch of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Calls allowed; with none, every reservation is told to wait.
    pub calls: u32,
    /// Length of the stretch, counted in whole milliseconds.
    pub span: Duration,
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

/// The budgets of one account, and what is used of them.
#[derive(Debug, Clone)]
pub struct Pacing {
    windows: BTreeMap<String, Vec<Window>>,
    used: BTreeMap<String, Vec<Record>>,
}

/// The calls of one method, as one of its windows sees them.
#[derive(Debug, Clone)]
struct Record {
    window: Window,
    /// Oldest first.
    slots: VecDeque<Slot>,
}

/// Calls of one sixtieth of a window.
#[derive(Debug, Clone, Copy)]
struct Slot {
    starts_ms: i64,
    calls: u32,
}

impl Pacing {
    /// Budgets of which nothing is used. A method that is not named has the windows of [`OTHER_METHODS`], counted for
    /// itself; without these it is not paced at all.
    #[must_use]
    pub fn new(windows: BTreeMap<String, Vec<Window>>) -> Self {
        let used = BTreeMap::new();
        Self { windows, used }
    }

    /// Reserves one call of `method` at `now`, in all its windows or in none.
    ///
    /// # Errors
    /// How long to wait before asking again; enough, unless others reserve meanwhile.
    pub fn reserve(&mut self, method: &str, now: Timestamp) -> Result<(), Duration> {
        let now_ms = now.as_millisecond();
        let windows = windows_of(&self.windows, method);
        let records = self
            .used
            .entry(method.to_owned())
            .or_insert_with(|| windows.iter().map(Record::new).collect());
        for record in records.iter_mut() {
            record.tidy(now_ms);
        }
        let wait = records
            .iter()
            .filter_map(|record| record.wait(now_ms))
            .max();
        if let Some(wait) = wait {
            return Err(wait);
        }
        for record in records {
            record.add(now_ms, 1);
        }
        Ok(())
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

    fn slot_ms(&self) -> i64 {
        slot_ms(self.window.span_ms())
    }

    /// When the calls of `slot` no longer count: one span after the slot's end.
    fn frees_ms(&self, slot: &Slot) -> i64 {
        slot.starts_ms + self.slot_ms() + self.window.span_ms()
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
        let current_ms = self.slot_of(now_ms);
        let mut moved: u32 = 0;
        while let Some(slot) = self.slots.back().filter(|slot| slot.starts_ms > current_ms) {
            moved = moved.saturating_add(slot.calls);
            self.slots.pop_back();
        }
        if moved > 0 {
            self.add(now_ms, moved);
        }
    }

    fn slot_of(&self, at_ms: i64) -> i64 {
        let slot_ms = self.slot_ms();
        at_ms.div_euclid(slot_ms) * slot_ms
    }

    /// Counts calls at an instant, at or after all instants counted before.
    fn add(&mut self, at_ms: i64, calls: u32) {
        let starts_ms = self.slot_of(at_ms);
        match self.slots.back_mut() {
            Some(slot) if slot.starts_ms >= starts_ms => {
                slot.calls = slot.calls.saturating_add(calls);
            }
            Some(_) | None => self.slots.push_back(Slot { starts_ms, calls }),
        }
    }

    /// How long until one more call fits; `None` if it fits now.
    fn wait(&self, now_ms: i64) -> Option<Duration> {
        let allowed = u64::from(self.window.calls);
        let mut used: u64 = self.slots.iter().map(|slot| u64::from(slot.calls)).sum();
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

/// A sixtieth of a span, rounded up; spans are above zero.
fn slot_ms(span_ms: i64) -> i64 {
    (span_ms - 1) / SLOTS + 1
}

/// A wait of at least a millisecond, so that no caller spins.
fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).map_or(1, |ms| ms.max(1)))
}

#[cfg(test)]
mod tests;
