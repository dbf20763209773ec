//! What is used of the budgets, as plain values to be stored: pacing outlives a restart.
//!
//! A stored slot says when its last call was answered, and a stored window how long it is, not which of the method's
//! windows it was: after the windows were configured otherwise, the calls are counted in the new ones as if each had
//! come with the last of its old slot, which frees none of them early. Of a window longer than all that were stored, the
//! calls before them are not known.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lockout::Lock;
use super::{Pacing, Record, Slot, Used, Window, slot_ms, windows_of};

/// What is used of an account's budgets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacingState {
    /// Each method called so far; a method's state is at most about 3 kB a window.
    pub methods: Vec<MethodState>,
}

/// What is used by one method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodState {
    /// Its name.
    pub method: String,
    /// Its windows.
    pub windows: Vec<WindowState>,
    /// When it was noted that it is locked (milliseconds since the Unix epoch, as all instants here), and for how many
    /// milliseconds.
    pub locked: Option<(i64, u64)>,
}

/// What is used of one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowState {
    /// Length of the window, in milliseconds.
    pub span_ms: i64,
    /// Its slots with calls, oldest first.
    pub slots: Vec<SlotState>,
}

/// The calls of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotState {
    /// When the last of them was answered.
    pub last_ms: i64,
    /// How many they are.
    pub calls: u32,
}

/// Calls that are not answered yet, as they are to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    /// Calls that may still be reserved before the state is stored again; those in flight come on top.
    pub calls: u32,
    /// When the last of all these will have been answered.
    pub until: Timestamp,
}

impl Pacing {
    /// What is used of all budgets. Of a process that may die, what is in flight and what it will reserve before this is
    /// stored again counts as answered as late as may be: `ahead` says that of a method.
    #[must_use]
    pub fn state(&self, ahead: impl Fn(&str) -> Option<Ahead>) -> PacingState {
        let state = |(method, used): (&String, &Used)| {
            let mut used = used.clone();
            if let Some(ahead) = ahead(method) {
                let calls = used.in_flight.saturating_add(ahead.calls);
                for record in used.records.iter_mut().filter(|_| calls > 0) {
                    record.add(ahead.until.as_millisecond(), calls);
                }
            }
            MethodState {
                method: method.clone(),
                windows: used.records.iter().map(Record::state).collect(),
                locked: used.lock.map(|lock| {
                    let lasts = u64::try_from(lock.lasts.as_millis()).unwrap_or(u64::MAX);
                    (lock.noted_at.as_millisecond(), lasts)
                }),
            }
        };
        PacingState {
            methods: self.used.iter().map(state).collect(),
        }
    }

    /// Counts what an earlier process had used, in place of what these budgets have counted for the same methods.
    pub fn restore(&mut self, state: &PacingState, now: Timestamp) {
        for stored in &state.methods {
            let windows = windows_of(&self.windows, &stored.method);
            let records = windows
                .iter()
                .map(|window| restored(window, &stored.windows, now.as_millisecond()))
                .collect();
            let lock = stored.locked.map(|(noted_ms, lasts_ms)| Lock {
                noted_at: Timestamp::from_millisecond(noted_ms).unwrap_or(now),
                lasts: Duration::from_millis(lasts_ms),
            });
            let used = Used {
                records,
                lock,
                ..Used::default()
            };
            self.used.insert(stored.method.clone(), used);
        }
    }
}

impl Record {
    fn state(&self) -> WindowState {
        let plain = |slot: &Slot| SlotState {
            last_ms: slot.last_ms,
            calls: slot.calls,
        };
        WindowState {
            span_ms: self.window.span_ms(),
            slots: self.slots.iter().map(plain).collect(),
        }
    }
}

/// A window with the calls of the stored one that tells most about it: the shortest that is as long or longer, else the
/// longest.
fn restored(window: &Window, stored: &[WindowState], now_ms: i64) -> Record {
    let mut record = Record::new(window);
    let span_ms = window.span_ms();
    let source = stored
        .iter()
        .min_by_key(|state| (state.span_ms < span_ms, state.span_ms.abs_diff(span_ms)));
    let Some(source) = source else {
        return record;
    };
    let mut slots = source.slots.clone();
    slots.sort_by_key(|slot| slot.last_ms);
    for slot in slots {
        record.add(slot.last_ms.min(now_ms), slot.calls);
    }
    record.tidy(now_ms);
    record
}

/// What schema 1 stored: when a slot of a sixtieth of its window began. Its calls came at its end at the latest.
#[must_use]
pub fn slot_of_sixtieth(span_ms: i64, starts_ms: i64, calls: u32) -> SlotState {
    let sixtieth_ms = slot_ms(span_ms).saturating_mul(super::SLOTS / 60);
    SlotState {
        last_ms: starts_ms.saturating_add(sixtieth_ms),
        calls,
    }
}
