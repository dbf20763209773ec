//! What is used of the budgets, as plain values to be stored: pacing outlives a restart.
//!
//! A stored slot says how long its window is, not which of the method's windows it was: after the windows were
//! configured otherwise, the calls are counted in the new ones as if each had come at the end of its old slot, which
//! frees none of them early. Of a window longer than all that were stored, the calls before them are not known.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Pacing, Record, Slot, Window, slot_ms, windows_of};

/// What is used of an account's budgets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacingState {
    /// Each method called so far; a method's state is at most about 1.5 kB a window.
    pub methods: Vec<MethodState>,
}

/// What is used by one method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodState {
    /// Its name.
    pub method: String,
    /// Its windows.
    pub windows: Vec<WindowState>,
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
    /// When the slot begins, in milliseconds since the Unix epoch.
    pub starts_ms: i64,
    /// Calls reserved in it.
    pub calls: u32,
}

impl Pacing {
    /// What is used of all budgets.
    #[must_use]
    pub fn state(&self) -> PacingState {
        let methods = self.used.keys();
        PacingState {
            methods: methods.filter_map(|method| self.state_of(method)).collect(),
        }
    }

    /// What one method has used; `None` before its first call.
    #[must_use]
    pub fn state_of(&self, method: &str) -> Option<MethodState> {
        let records = self.used.get(method)?;
        Some(MethodState {
            method: method.to_owned(),
            windows: records.iter().map(Record::state).collect(),
        })
    }

    /// Counts what an earlier process had used, in place of what these budgets have counted for the same methods.
    pub fn restore(&mut self, state: &PacingState, now: Timestamp) {
        for stored in &state.methods {
            let windows = windows_of(&self.windows, &stored.method);
            let records = windows
                .iter()
                .map(|window| restored(window, &stored.windows, now.as_millisecond()))
                .collect();
            self.used.insert(stored.method.clone(), records);
        }
    }
}

impl Record {
    fn state(&self) -> WindowState {
        let plain = |slot: &Slot| SlotState {
            starts_ms: slot.starts_ms,
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
    slots.sort_by_key(|slot| slot.starts_ms);
    // Only the same span has the same slots; else the last instant a call of the slot can have had.
    let last_ms = if source.span_ms == span_ms {
        0
    } else {
        slot_ms(source.span_ms) - 1
    };
    for slot in slots {
        let at_ms = slot.starts_ms.saturating_add(last_ms).min(now_ms);
        record.add(at_ms, slot.calls);
    }
    record.tidy(now_ms);
    record
}
