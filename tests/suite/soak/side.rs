//! One of the two worlds: a rig, the daemon in it, and how a moment, a day and an evening pass.

mod acts;
mod storm;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::people::ACCOUNTS;
use super::script::{Day, Kind, Standings};
use super::syncs::{self, EVENING, LISTS, LISTS_MADE, MOMENTS, Sync};
use super::trouble::Weather;
use super::{Length, SETTINGS, Verdict, caught};
use crate::rig::{Rig, Running, Setup, counts, until};

/// A world.
pub(super) struct Side {
    pub(super) rig: Rig,
    pub(super) syncs: Vec<Sync>,
    began: Date,
    daemon: Option<Running>,
    /// Daemons started so far.
    daemons: usize,
    /// How much the journal told when this one was started.
    started_at: usize,
    /// None in the undisturbed world.
    pub(super) weather: Option<Weather>,
    /// Moments for which no daemon will be there.
    away: usize,
    /// What fell due while none was there.
    owed: BTreeSet<&'static str>,
    /// The ids of records by person and place, of deals by person, of accounts.
    records: BTreeMap<(usize, usize), String>,
    deals: BTreeMap<usize, String>,
    accounts: Vec<String>,
    /// The journal as far as it has been read, and how many bytes that are.
    pub(super) journal: Vec<Value>,
    heard: usize,
}

impl Side {
    /// A world without people, at ten past midnight of a day.
    pub(super) fn new(began: Date, weather: Option<Weather>) -> Self {
        let rig = Rig::with(&Setup {
            people: 0,
            settings: SETTINGS,
            ..Setup::default()
        });
        rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
        for name in LISTS_MADE {
            rig.act(&json!({"create_list": {"name": name}}));
        }
        let syncs = syncs::all();
        for sync in &syncs {
            rig.sync(sync.id, &sync.text(began));
        }
        let account = |number: usize| {
            let industry =
                json!({"Account_Name": format!("Account {number}"), "Industry": "Media"});
            rig.create("Accounts", &industry)
        };
        let accounts = (0..ACCOUNTS).map(account).collect();
        let side = Self {
            rig,
            syncs,
            began,
            daemon: None,
            daemons: 0,
            started_at: 0,
            weather,
            away: 0,
            owed: BTreeSet::new(),
            records: BTreeMap::new(),
            deals: BTreeMap::new(),
            accounts,
            journal: Vec::new(),
            heard: 0,
        };
        side.set_clocks(syncs::instant(began, (0, 10)));
        for guest in 0..4 {
            let guest = json!({"Name": format!("Guest {guest}"), "Email": format!("guest{guest}@soak.example")});
            side.rig.create("Event_Guests", &guest);
        }
        side
    }

    /// Both clocks show this.
    fn set_clocks(&self, at: Timestamp) {
        let told = self.steps_told();
        let left = at.duration_since(self.rig.now());
        self.set_own_clock(left);
        self.rig.post("/clock", &json!({ "set": at.to_string() }));
        self.until_noticed(left, told);
    }

    /// How many steps of its clock this daemon has told of.
    fn steps_told(&self) -> usize {
        let said = self.daemon.as_ref().map(Running::stderr);
        said.map_or(0, |said| said.matches("the clock was set").count())
    }

    /// Waits until the daemon has noticed a step of its clock: of two that come together it sees the sum.
    fn until_noticed(&self, by: SignedDuration, told: usize) {
        if self.daemon.is_some() && by.abs() > SignedDuration::from_secs(10) {
            let is_told = || self.steps_told() > told;
            until("it notices that its clock was set", is_told);
        }
    }

    /// Moves rosterd's clock, and not that of the services.
    fn set_own_clock(&self, by: SignedDuration) {
        let before = fs::read_to_string(self.rig.path("clock-offset")).unwrap_or_default();
        let before: i64 = before.parse().unwrap_or_default();
        // Never early: what is due at an instant is due then.
        let by = by.as_secs() + i64::from(by.subsec_nanos() > 0);
        let after = (before + by).to_string();
        self.rig.put("clock-offset.new", &after);
        fs::rename(
            self.rig.path("clock-offset.new"),
            self.rig.path("clock-offset"),
        )
        .unwrap();
    }

    /// Reads on in the journal.
    pub(super) fn hear(&mut self) {
        let text = fs::read_to_string(self.rig.path("history/history.jsonl")).unwrap_or_default();
        let rest = text.get(self.heard..).unwrap_or_default();
        let whole = rest.rfind('\n').map_or("", |end| &rest[..=end]);
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        self.journal.extend(lines);
        self.heard += whole.len();
    }

    fn start(&mut self) {
        self.hear();
        self.started_at = self.journal.len();
        self.daemons += 1;
        self.daemon = Some(self.rig.daemon_named(&format!("daemon-{}", self.daemons)));
    }

    /// How everybody stands.
    pub(super) fn standings(&self) -> Standings {
        let of = |list: &'static str| {
            let view = self.rig.get(&format!("/lists/{list}"));
            let contacts = view["contacts"].as_array().unwrap().iter();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let stands =
                contacts.map(|contact| (text(&contact["address"]), text(&contact["standing"])));
            (list, stands.collect())
        };
        LISTS.into_iter().map(of).collect()
    }

    /// Lets a day pass, from its first moment to its evening.
    pub(super) fn live(&mut self, date: Date, day: &Day, length: Length) -> Verdict {
        if self.daemon.is_none() {
            self.start();
        }
        if let Some((sync, way)) = day.edit {
            self.syncs[sync].edit(way);
            let sync = &self.syncs[sync];
            self.rig.sync(sync.id, &sync.text(self.began));
            self.rig.done("reload");
        }
        for (number, acts) in day.acts.iter().enumerate() {
            for act in acts {
                self.act(act);
            }
            self.owe(date, Some(number));
            // What falls due at the others is missed, and made up for at the next one.
            if length.moments.contains(&number) {
                self.moment(syncs::instant(date, MOMENTS[number]))?;
            }
        }
        self.evening(date, day.kind)
    }

    /// What is due at a moment, beside what is owed.
    fn owe(&mut self, date: Date, moment: Option<usize>) {
        let began = self.began;
        let due = self
            .syncs
            .iter()
            .filter(|sync| sync.is_due(date, began, moment));
        self.owed.extend(due.map(|sync| sync.id));
        // One that runs once is due until it has.
        let once = self.syncs.iter().filter(|sync| sync.runs_once());
        let is_done = |id: &str| {
            let mut ended = self.journal.iter();
            ended.any(|line| {
                line["event"] == "run.finished"
                    && line["sync"] == id
                    && line["outcome"] == "completed"
            })
        };
        self.owed
            .extend(once.map(|sync| sync.id).filter(|id| !is_done(id)));
    }

    /// A moment comes, with all that goes wrong then, and what is due is done, as far as it can be.
    fn moment(&mut self, at: Timestamp) -> Verdict {
        self.hear();
        let since = self.journal.len();
        let Some(mut weather) = self.weather.take() else {
            self.set_clocks(at);
            self.rest(since);
            return Ok(());
        };
        let passed = caught(|| self.stormy(at, since, &mut weather));
        weather.mend(&self.rig);
        self.weather = Some(weather);
        passed
    }

    /// Waits until what is owed has been tried and nothing is under way.
    fn rest(&mut self, since: usize) {
        until("what is due is done", || {
            self.hear();
            self.is_at_rest(since)
        });
        self.owed.clear();
    }

    fn is_at_rest(&self, since: usize) -> bool {
        self.owed.iter().all(|id| self.is_tried(id, since))
            && self.open().iter().all(|run| self.waits(run))
    }

    /// Whether a sync's occurrence has got its run, or was told not to get one.
    fn is_tried(&self, id: &str, since: usize) -> bool {
        let mut once = self.syncs.iter().filter(|sync| sync.runs_once());
        let is_once = once.any(|sync| sync.id == id);
        self.journal[since..].iter().any(|line| {
            let is_it = match line["event"].as_str().unwrap() {
                "run.started" => true,
                // One that runs once is not due again at once where this fails.
                "run.resumed" => is_once,
                "run.skipped" => line["reason"] != "missed",
                // It begins by itself, once its account has calls again.
                "run.deferred" => true,
                _ => false,
            };
            is_it && line["sync"] == id
        })
    }

    /// The runs that have not ended, by their first lines.
    fn open(&self) -> Vec<&Value> {
        let of = |event: &'static str| {
            self.journal
                .iter()
                .filter(move |line| line["event"] == event)
        };
        let ended: BTreeSet<&str> = of("run.finished")
            .map(|line| line["run"].as_str().unwrap())
            .collect();
        let is_open = |line: &&Value| !ended.contains(line["run"].as_str().unwrap());
        of("run.started").filter(is_open).collect()
    }

    /// Whether a run is parked until a later time than it is.
    fn is_parked(&self, run: &Value) -> bool {
        let mut lines = self.journal.iter().rev();
        let last = lines.find(|line| line["run"] == run["run"]);
        last.filter(|line| line["event"] == "run.parked")
            .is_some_and(|line| {
                let until: Timestamp = line["until"].as_str().unwrap().parse().unwrap();
                until > self.rig.now()
            })
    }

    /// Whether an interrupted run could not be taken up by this daemon, as no call could be made: it waits then.
    fn waits(&self, run: &Value) -> bool {
        if self.is_parked(run) {
            return true;
        }
        let since = &self.journal[self.started_at..];
        let is_here = since.iter().any(|line| line["run"] == run["run"]);
        let said = self
            .daemon
            .as_ref()
            .map_or_else(String::new, Running::stderr);
        let sync = format!("\"sync\":{}", run["sync"]);
        let mut told = said.lines().filter(|line| {
            line.contains("\"level\":\"ERROR\"") || line.contains("a run cannot begin before")
        });
        !is_here && told.any(|line| line.contains(&sync))
    }

    /// Nothing goes wrong any more, what was missed is made up for, and people look after the rest.
    fn evening(&mut self, date: Date, kind: Kind) -> Verdict {
        self.hear();
        let since = self.journal.len();
        self.away = 0;
        self.owe(date, None);
        self.set_clocks(syncs::instant(date, EVENING));
        if self.daemon.is_none() {
            self.start();
        }
        self.rest(since);
        let full = match kind {
            Kind::Hidden => " --full",
            Kind::Plain | Kind::Mass { .. } => "",
        };
        for sync in &self.syncs {
            let line = format!("sync {} --json{full}", sync.id);
            let ran = self.rig.run(&line);
            if !matches!(ran.code, Some(0 | 3)) {
                return Err(format!("{line}: {:?} {}", ran.code, ran.stderr));
            }
        }
        let word = match kind {
            Kind::Mass { is_approved: false } => "discard",
            Kind::Plain | Kind::Hidden | Kind::Mass { is_approved: true } => "approve",
        };
        for run in self.open_holds() {
            let line = format!("{word} {run}");
            let ran = self.rig.run(&line);
            if ran.code != Some(0) {
                return Err(format!("{line}: {:?} {}", ran.code, ran.stderr));
            }
        }
        self.hear();
        Ok(())
    }

    /// What a further run of each sync that reads everything counts.
    pub(super) fn read_all_again(&self) -> Result<Vec<Value>, String> {
        let again = self.syncs.iter().map(|sync| {
            let line = format!("sync {} --full --json", sync.id);
            let ran = self.rig.run(&line);
            match ran.code {
                Some(0) => Ok(counts(&serde_json::from_str(&ran.stdout).unwrap())),
                code => Err(format!("{line}: {code:?} {}", ran.stderr)),
            }
        });
        again.collect()
    }

    /// The runs whose removals wait for a person.
    fn open_holds(&mut self) -> BTreeSet<String> {
        self.hear();
        let runs = |event: &str| -> BTreeSet<String> {
            let lines = self.journal.iter().filter(|line| line["event"] == event);
            lines
                .map(|line| line["run"].as_str().unwrap().to_owned())
                .collect()
        };
        let mut open = runs("run.held");
        for decided in ["run.approved", "run.discarded"] {
            let decided = runs(decided);
            open.retain(|run| !decided.contains(run));
        }
        open
    }

    /// What the daemon and the journal said last, for a failure.
    pub(super) fn told(&self) -> String {
        let last = |text: &str, count: usize| {
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(count)..].join("\n  ")
        };
        let said = self.daemon.as_ref().map(Running::stderr);
        let journal: Vec<String> = self.journal.iter().map(Value::to_string).collect();
        format!(
            "owed: {:?}\n  {}\nthe journal:\n  {}",
            self.owed,
            last(&said.unwrap_or_default(), 40),
            last(&journal.join("\n"), 20)
        )
    }

    /// Stops what runs.
    pub(super) fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop();
        }
    }

    /// What the state says is on the list of each sync, and how much of the day's runs is used.
    pub(super) fn status(&self) -> Value {
        serde_json::from_str(&self.rig.done("status --json")).unwrap()
    }
}
