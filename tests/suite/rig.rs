//! The built binary in front of a sandbox, with files in a temporary folder: what all scenarios stand on.
//!
//! The sandbox is served by this process and spoken to through its control interface only, as a person at work in the CRM
//! or in Campaigns would. rosterd is always a child process, so that what is proven is the binary.

pub(crate) mod child;
mod dice;
pub(crate) mod discretion;
mod running;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use child::{Ran, ran};
pub(crate) use dice::Dice;
use discretion::ZSC_KEY;
use jiff::Timestamp;
use rosterd::clock::Clock;
use rosterd::sandbox::{CLIENT_ID, CLIENT_SECRET, Options, REFRESH_TOKEN, Sandbox};
pub(crate) use running::{Running, until};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The list that the sandbox calls "Newsletter".
pub(crate) const NEWSLETTER: &str = "3znewsletter";

/// The list that the sandbox calls "Hospitality".
pub(crate) const HOSPITALITY: &str = "3zhospitality";

/// How a rig is set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// This many Contacts and as many Leads.
    pub(crate) people: usize,
    /// The same seed invents the same people.
    pub(crate) seed: u64,
    /// Further text for `rosterd.toml`, before the accounts.
    pub(crate) settings: &'static str,
    /// Further keys of the account.
    pub(crate) account: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            people: 60,
            seed: 1,
            settings: "[retry]\ngive_up_after = \"1s\"\n",
            account: "pace = \"off\"\n",
        }
    }
}

/// A running sandbox, and a folder with the files of a rosterd that uses it.
pub(crate) struct Rig {
    runtime: Runtime,
    sandbox: Sandbox,
    http: reqwest::Client,
    dir: TempDir,
}

/// The calls that the sandbox has seen since they were last forgotten.
#[derive(Debug)]
pub(crate) struct Calls {
    /// Calls and credits by service and method.
    pub(crate) totals: BTreeMap<(String, String), (u64, u64)>,
    /// The calls themselves, oldest first.
    pub(crate) log: Vec<Value>,
}

impl Rig {
    /// A rig with so many people, and the usual settings.
    pub(crate) fn new(people: usize) -> Self {
        Self::with(&Setup {
            people,
            ..Setup::default()
        })
    }

    /// A rig as `setup` says, without a sync.
    pub(crate) fn with(setup: &Setup) -> Self {
        // Another test of the same process may have installed it before.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let options = Options {
            people: setup.people,
            seed: setup.seed,
            ..Options::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(&options)).unwrap();
        let rig = Self {
            runtime,
            sandbox,
            http: reqwest::Client::new(),
            dir: tempfile::tempdir().unwrap(),
        };
        rig.settings(setup.settings, setup.account);
        rig
    }

    /// Where the sandbox is.
    pub(crate) fn url(&self) -> &str {
        self.sandbox.url()
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of the folder that only its owner may read.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    /// Writes `rosterd.toml` anew: `settings` stand before the accounts, `account` among the keys of `main`.
    pub(crate) fn settings(&self, settings: &str, account: &str) {
        let url = self.url();
        let timezone = match settings.contains("timezone") {
            true => String::new(),
            false => format!("timezone = \"{}\"", zone_at_noon()),
        };
        let zsc_key = match account.contains("zsc_key") {
            true => "",
            false => "zsc_key = { file = \"secrets/zsc_key\" }",
        };
        let text = format!(
            r#"state_dir = "state"
history_dir = "history"
control = "control.sock"
{timezone}
{settings}
[accounts.main]
client_id = "{CLIENT_ID}"
client_secret = {{ file = "secrets/client_secret" }}
refresh_token = {{ file = "secrets/refresh_token" }}
accounts_url = "{url}"
crm_url = "{url}"
campaigns_url = "{url}"
{zsc_key}
{account}"#
        );
        self.put("secrets/client_secret", CLIENT_SECRET);
        self.put("secrets/refresh_token", REFRESH_TOKEN);
        self.put("secrets/zsc_key", ZSC_KEY);
        self.put("rosterd.toml", &text);
    }

    /// Writes the definition of a sync.
    pub(crate) fn sync(&self, id: &str, text: &str) {
        self.put(&format!("syncs.d/{id}.toml"), text);
    }

    /// The binary with the arguments of `line`, not started yet.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.command_by_the_system_clock("");
        command.arg("--clock-offset").arg(self.path("clock-offset"));
        command.args(line.split_whitespace());
        command
    }

    /// The same, going by the clock of this machine, which has to agree with the sandbox's.
    pub(crate) fn command_by_the_system_clock(&self, line: &str) -> Command {
        let mut command = child::binary();
        command.arg("--config").arg(self.path("rosterd.toml"));
        command.args(line.split_whitespace());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, line: &str) -> Ran {
        ran(self.command(line))
    }

    /// Runs the binary to its end, which has to be a good one, and answers what it printed.
    pub(crate) fn done(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
        ran.stdout
    }

    /// Runs a sync to its end, which has to be a good one, and answers its line in the journal.
    pub(crate) fn import(&self, sync: &str) -> Value {
        let printed = self.done(&format!("sync {sync} --json"));
        serde_json::from_str(&printed).unwrap()
    }

    /// Starts a daemon, and waits until it runs.
    pub(crate) fn daemon(&self) -> Running {
        self.daemon_named("daemon")
    }

    /// The same, whose output goes to `NAME.out` and `NAME.err`.
    pub(crate) fn daemon_named(&self, name: &str) -> Running {
        let daemon = self.start(name, "daemon");
        daemon.until_says("rosterd is running");
        daemon
    }

    /// Starts the binary and leaves it running; what it prints goes to `NAME.out` and `NAME.err` in the folder.
    pub(crate) fn start(&self, name: &str, line: &str) -> Running {
        self.start_command(name, self.command(line))
    }

    /// The same, with its temporary files in this folder.
    pub(crate) fn start_in(&self, name: &str, line: &str, temporary: &Path) -> Running {
        let mut command = self.command(line);
        command.env("TMPDIR", temporary);
        self.start_command(name, command)
    }

    /// Starts what [`Self::command`] made; the output goes where that of [`Self::start`] goes.
    pub(crate) fn start_command(&self, name: &str, command: Command) -> Running {
        let file = |kind: &str| self.path(&format!("{name}.{kind}"));
        Running::of(command, file("out"), file("err"))
    }

    /// The lines of the journal; none where there is no journal yet. A line that is still being written is left out.
    pub(crate) fn journal(&self) -> Vec<Value> {
        json_lines(&self.path("history/history.jsonl"))
    }

    /// The journal's lines of one event, oldest first.
    pub(crate) fn events(&self, event: &str) -> Vec<Value> {
        let mut lines = self.journal();
        lines.retain(|line| line["event"] == event);
        lines
    }

    /// The ignored contacts of a run.
    pub(crate) fn ignored(&self, run: &Value) -> Vec<Value> {
        let run = run["run"].as_str().unwrap();
        json_lines(&self.path(&format!("history/ignored/{run}.jsonl")))
    }

    fn request(&self, verb: reqwest::Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/sandbox{path}", self.url());
        let mut request = self.http.request(verb, url);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let is_success = answer.status().is_success();
            (is_success, answer.bytes().await.unwrap())
        });
        let text = String::from_utf8_lossy(&answer.1);
        assert!(answer.0, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Reads from the sandbox's control interface, `path` being what follows `/sandbox`.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.request(reqwest::Method::GET, path, None)
    }

    /// Writes to it.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.request(reqwest::Method::POST, path, Some(body))
    }

    /// Changes what is there.
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Value {
        self.request(reqwest::Method::PATCH, path, Some(body))
    }

    /// Every record of a module, with every field, converted leads too.
    pub(crate) fn records(&self, module: &str) -> Vec<Value> {
        match self.get(&format!("/crm/records/{module}"))["data"].take() {
            Value::Array(records) => records,
            other => panic!("{other}"),
        }
    }

    /// Adds a record to a module and answers its id.
    pub(crate) fn create(&self, module: &str, record: &Value) -> String {
        let made = self.post(&format!("/crm/records/{module}"), record);
        made["ids"][0].as_str().unwrap().to_owned()
    }

    /// Changes fields of a record.
    pub(crate) fn update(&self, module: &str, id: &str, fields: &Value) {
        self.patch(&format!("/crm/records/{module}/{id}"), fields);
    }

    /// Puts a record into the recycle bin.
    pub(crate) fn delete(&self, module: &str, id: &str) {
        let path = format!("/crm/records/{module}/{id}");
        self.request(reqwest::Method::DELETE, &path, None);
    }

    /// Takes a record out of the recycle bin, and moves its `Modified_Time`.
    pub(crate) fn restore(&self, module: &str, id: &str) {
        let path = format!("/crm/records/{module}/{id}/restore?touch=true");
        self.post(&path, &json!({}));
    }

    /// Converts a lead, and answers the id of the contact it became.
    pub(crate) fn convert(&self, id: &str) -> String {
        let made = self.post(&format!("/crm/records/Leads/{id}/convert"), &json!({}));
        made["contact"].as_str().unwrap().to_owned()
    }

    /// Does in Campaigns what somebody does in its screens.
    pub(crate) fn act(&self, actions: &Value) {
        self.post("/campaigns", actions);
    }

    /// Everybody on a list under a standing (`active`, `unsubscribed`, …), by address.
    pub(crate) fn members(&self, list: &str, standing: &str) -> BTreeMap<String, Value> {
        let mut view = self.get(&format!("/lists/{list}?status={standing}"));
        let Value::Array(contacts) = view["contacts"].take() else {
            panic!("{view}");
        };
        let named = |contact: Value| (contact["address"].as_str().unwrap().to_owned(), contact);
        contacts.into_iter().map(named).collect()
    }

    /// The calls since they were last forgotten.
    pub(crate) fn calls(&self) -> Calls {
        let mut view = self.get("/calls?last=200000");
        let text = |total: &Value, key: &str| total[key].as_str().unwrap().to_owned();
        let number = |total: &Value, key: &str| total[key].as_u64().unwrap();
        let totals = view["totals"].as_array().unwrap().iter();
        Calls {
            totals: totals
                .map(|total| {
                    let name = (text(total, "service"), text(total, "method"));
                    (name, (number(total, "calls"), number(total, "credits")))
                })
                .collect(),
            log: serde_json::from_value(view["log"].take()).unwrap(),
        }
    }

    /// Forgets the calls.
    pub(crate) fn forget_calls(&self) {
        self.request(reqwest::Method::DELETE, "/calls", None);
    }

    /// Scripts a fault.
    pub(crate) fn fault(&self, fault: &Value) {
        self.post("/faults", fault);
    }

    /// Drops all faults.
    pub(crate) fn drop_faults(&self) {
        self.request(reqwest::Method::DELETE, "/faults", None);
    }

    /// Moves the sandbox's clock on, and rosterd's with it.
    pub(crate) fn pass(&self, seconds: i64) {
        let before = fs::read_to_string(self.path("clock-offset")).unwrap_or_default();
        let before: i64 = before.parse().unwrap_or_default();
        // At one stroke: a daemon that met the file empty would be thrown back by all that has passed.
        self.put("clock-offset.new", &(before + seconds).to_string());
        fs::rename(self.path("clock-offset.new"), self.path("clock-offset")).unwrap();
        self.advance(seconds);
    }

    /// How many seconds to pass until rosterd's clock shows so many seconds past the hour, however long all took before.
    pub(crate) fn until_past_the_hour(&self, seconds: i64) -> i64 {
        // An hour where it shows them just now.
        (seconds - self.now().as_second() - 1).rem_euclid(3600) + 1
    }

    /// What rosterd's clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        Clock::moved_by(self.path("clock-offset")).now()
    }

    /// Moves the sandbox's clock on, and not rosterd's.
    pub(crate) fn advance(&self, seconds: i64) {
        self.post("/clock", &json!({ "advance_seconds": seconds }));
    }
}

impl Calls {
    /// Calls and credits of one service.
    pub(crate) fn of(&self, service: &str) -> (u64, u64) {
        let totals = self.totals.iter().filter(|(name, _)| name.0 == service);
        totals.fold((0, 0), |sum, (_, total)| (sum.0 + total.0, sum.1 + total.1))
    }

    /// How often a method of a service was called.
    pub(crate) fn of_method(&self, service: &str, method: &str) -> u64 {
        let name = (service.to_owned(), method.to_owned());
        self.totals.get(&name).map_or(0, |(calls, _)| *calls)
    }

    /// The methods of one service that were called, and how often.
    pub(crate) fn methods(&self, service: &str) -> BTreeMap<&str, u64> {
        let totals = self.totals.iter().filter(|(name, _)| name.0 == service);
        totals
            .map(|(name, total)| (name.1.as_str(), total.0))
            .collect()
    }

    /// The addresses that one method was called for, sorted; an address once per call.
    pub(crate) fn addresses(&self, method: &str) -> Vec<String> {
        let calls = self.log.iter().filter(|call| call["method"] == method);
        let addresses = calls.filter_map(|call| call["addresses"].as_array());
        let mut addresses: Vec<String> = addresses
            .flatten()
            .map(|address| address.as_str().unwrap().to_owned())
            .collect();
        addresses.sort();
        addresses
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // A test that fails already has more to say than this.
        if !std::thread::panicking() {
            discretion::assert_history_discreet(&self.path("history"));
        }
    }
}

/// A zone in which it is about noon, so that no test meets the end of a day, and of its limits.
fn zone_at_noon() -> String {
    let hours = Clock::system().now().as_second() / 3600 % 24;
    // The sign is that of POSIX: `Etc/GMT-3` is three hours ahead.
    match 12 - hours {
        0 => "UTC".to_owned(),
        ahead => format!("Etc/GMT{:+}", -ahead),
    }
}

/// What of a run does not depend on when it ran, what it cost and how long it took.
pub(crate) fn counts(run: &Value) -> Value {
    let keys = [
        "sync",
        "account",
        "trigger",
        "outcome",
        "full",
        "total",
        "new",
        "re_added",
        "duplicate",
        "updated",
        "ignored",
        "deleted",
        "not_selected",
        "ignored_by",
        "error",
    ];
    keys.iter().map(|key| (*key, run[*key].clone())).collect()
}

/// The whole lines of a file, each a JSON value; none where there is no file.
fn json_lines(path: &Path) -> Vec<Value> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
