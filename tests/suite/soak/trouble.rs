//! Everything that can go wrong in the disturbed world, dealt so that each of it comes to pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde_json::{Value, json};

use crate::rig::{Dice, Rig};

/// What becomes of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    LostBefore,
    LostAfter,
    FailedAfter,
    ServerError,
    Html,
    Throttled,
    ThrottledFor,
    Truncated,
    Replaced,
    Slow,
    DeadToken,
    TokenRefused,
    TryLater,
    SuppressionsUnread,
}

pub(super) const FAULTS: [Fault; 14] = [
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::FailedAfter,
    Fault::ServerError,
    Fault::Html,
    Fault::Throttled,
    Fault::ThrottledFor,
    Fault::Truncated,
    Fault::Replaced,
    Fault::Slow,
    Fault::DeadToken,
    Fault::TokenRefused,
    Fault::TryLater,
    Fault::SuppressionsUnread,
];

/// What becomes of rosterd and its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Killed while a call hangs.
    Killed,
    /// The same, and only started again at the next moment.
    KilledAndAway,
    /// Told to stop while a call hangs.
    Stopped,
    /// Stopped at rest, and not there for a moment or two.
    Away,
    /// Told to reload while a definition is broken.
    BadFile,
    /// Two runs asked for at once.
    TwoCommands,
    /// Its clock is an hour behind for a while.
    ClockBack,
    /// Its clock is an hour ahead for a while.
    ClockForth,
}

pub(super) const TROUBLES: [Trouble; 8] = [
    Trouble::Killed,
    Trouble::KilledAndAway,
    Trouble::Stopped,
    Trouble::Away,
    Trouble::BadFile,
    Trouble::TwoCommands,
    Trouble::ClockBack,
    Trouble::ClockForth,
];

/// Bodies that are not what was asked for, of the CRM and of Campaigns.
const REPLACED: [[&str; 5]; 2] = [
    [
        "{}",
        "[]",
        "null",
        r#"{"data":[]}"#,
        r#"{"data":[],"info":{"more_records":true}}"#,
    ],
    ["{}", "[]", "null", r#"{"status":"error"}"#, "OK"],
];
/// Codes by which Campaigns says that it will do later, whatever the method.
const TRY_LATER: [&str; 5] = ["500", "2101", "2201", "2301", "2402"];
/// As often as it is called at a moment.
const ALWAYS: usize = 1000;

/// What is dealt, and what has come to pass.
#[derive(Debug)]
pub(super) struct Weather {
    dice: Dice,
    pub(super) struck: BTreeMap<String, u64>,
    /// What went wrong last, in words.
    pub(super) told: Vec<String>,
    /// Faults of calls that are out.
    out: Vec<(Fault, Value)>,
}

impl Weather {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x50AC),
            struck: BTreeMap::new(),
            told: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.dice.roll(sides)
    }

    fn has_struck(&self, kind: &impl Debug) -> bool {
        self.struck.contains_key(&format!("{kind:?}"))
    }

    /// One of these kinds: of those that never came to pass, as long as there are any, and of all of them then.
    fn deal<T: Copy + Debug>(&mut self, kinds: &[T]) -> T {
        let never = kinds.iter().filter(|kind| !self.has_struck(kind));
        let never: Vec<T> = never.copied().collect();
        match never.is_empty() {
            true => kinds[self.dice.roll(kinds.len())],
            false => never[self.dice.roll(never.len())],
        }
    }

    /// What becomes of rosterd at a moment; nothing now and then, once everything did.
    pub(super) fn trouble(&mut self) -> Option<Trouble> {
        let has_all = TROUBLES.iter().all(|kind| self.has_struck(kind));
        let is_quiet = has_all && self.dice.roll(4) == 0;
        (!is_quiet).then(|| self.deal(&TROUBLES))
    }

    /// It came to pass.
    pub(super) fn note(&mut self, kind: impl Debug, told: &str) {
        let kind = format!("{kind:?}");
        self.told.push(format!("{kind} {told}"));
        *self.struck.entry(kind).or_default() += 1;
    }

    /// Lets some calls fail in some ways.
    pub(super) fn break_calls(&mut self, rig: &Rig) {
        let mut kinds: Vec<Fault> = Vec::new();
        let count = match FAULTS.iter().all(|kind| self.has_struck(kind)) {
            true => 1 + self.dice.roll(3),
            false => 3,
        };
        for _ in 0..count {
            let kind = self.deal(&FAULTS);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        for kind in kinds {
            let fault = self.scripted(kind);
            if kind == Fault::TokenRefused {
                rig.post("/accounts", &json!({"revoke_access_tokens": true}));
            }
            rig.fault(&fault);
            self.out.push((kind, fault));
        }
    }

    /// A fault of this kind, of calls drawn at random.
    fn scripted(&mut self, kind: Fault) -> Value {
        let to = self.dice.roll(2);
        let json = |status: u16, body: Value| json!({"status": {"status": status, "content_type": "application/json", "body": body.to_string()}});
        let pick = self.dice.roll(5);
        let what = match kind {
            Fault::LostBefore => json!("close"),
            Fault::LostAfter => json!({"after_effect": {}}),
            Fault::FailedAfter => json!({"after_effect": {"status": 502}}),
            Fault::ServerError => json!({"status": {"status": 500 + pick}}),
            Fault::Html => json!({"status": {"status": 200, "body": "<html>Just a moment</html>"}}),
            Fault::Throttled => json!({"status": {"status": 429}}),
            Fault::ThrottledFor => {
                let headers = json!({"Retry-After": (["0", "1", "30", "600", "86400"][pick])});
                json!({"status": {"status": 429, "headers": headers}})
            }
            Fault::Truncated => json!("truncate"),
            Fault::Replaced => json!({"replace": {"body": (REPLACED[to][pick])}}),
            Fault::Slow => json!({"delay": {"millis": 100 * (1 + pick)}}),
            Fault::DeadToken if to == 0 => json(
                401,
                json!({"code": "INVALID_TOKEN", "status": "error", "message": "dead"}),
            ),
            Fault::DeadToken => json(
                200,
                json!({"code": "1007", "status": "error", "message": "dead"}),
            ),
            Fault::TokenRefused => json(
                400,
                json!({"error": (["invalid_code", "invalid_client", "Access Denied", "odd", "server_error"][pick])}),
            ),
            Fault::TryLater => json(
                200,
                json!({"code": TRY_LATER[pick], "status": "error", "message": "Please try again later."}),
            ),
            Fault::SuppressionsUnread => json!({"status": {"status": 503}}),
        };
        let times = [ALWAYS, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1][self.dice.roll(12)];
        match kind {
            Fault::TokenRefused => {
                json!({"service": "accounts", "method": "token", "times": 1 + pick % 2, "what": what})
            }
            Fault::SuppressionsUnread => {
                json!({"service": "campaigns", "method": "getlistsubscribers", "times": 2 + pick, "what": what})
            }
            _ => {
                let is_crm = to == 0 && kind != Fault::TryLater;
                let (service, after) = match is_crm {
                    true => ("crm", self.dice.roll(5)),
                    false => ("campaigns", self.dice.roll(12)),
                };
                json!({"service": service, "after": after, "times": times, "what": what})
            }
        }
    }

    /// A call that hangs, once.
    pub(super) fn hang(&mut self, rig: &Rig) {
        let after = self.dice.roll(16);
        rig.fault(&json!({"after": after, "times": 1, "what": "hang"}));
        self.told.push(format!("the call after {after} hangs"));
    }

    /// Whether the hanging call has come.
    pub(super) fn hangs(rig: &Rig) -> bool {
        let faults = rig.get("/faults");
        let mut faults = faults["faults"].as_array().unwrap().iter();
        !faults.any(|fault| fault["what"] == "hang")
    }

    /// Drops all faults, and notes which have struck.
    pub(super) fn mend(&mut self, rig: &Rig) {
        let left = rig.get("/faults");
        rig.drop_faults();
        let left = left["faults"].as_array().unwrap();
        for (kind, fault) in std::mem::take(&mut self.out) {
            let key = |fault: &Value| ["service", "method", "times"].map(|key| fault[key].clone());
            let is_left =
                |left: &Value| key(left) == key(&fault) && is_within(&fault["what"], &left["what"]);
            if !left.iter().any(is_left) {
                self.note(kind, &fault.to_string());
            }
        }
    }
}

/// The kinds that are not among these.
pub(super) fn missed(struck: &BTreeSet<String>) -> Vec<String> {
    let faults = FAULTS.iter().map(|kind| format!("{kind:?}"));
    let troubles = TROUBLES.iter().map(|kind| format!("{kind:?}"));
    let all = faults.chain(troubles);
    all.filter(|kind| !struck.contains(kind)).collect()
}

/// Whether a value has all that another one says.
fn is_within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|it| is_within(value, it))),
        (part, whole) => part == whole,
    }
}
