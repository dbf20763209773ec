//! What definitions cost a daemon that has nothing to do: its start, its reloads, its idle time and its memory, with 1
//! and with 1,000 of them.
//!
//! `cargo bench --bench definitions` takes some three minutes; `cargo bench --bench definitions -- 5` looks at five idle
//! seconds instead of sixty. Of what is repeated the median is shown, and the quickest beside it. The sandbox is served
//! by this process, so that the processor time of rosterd is its own.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};
use std::time::Duration;

use jiff::{ToSpan, civil, tz::TimeZone};
use rosterd::clock::Clock;
use rosterd::sandbox::{CLIENT_ID, CLIENT_SECRET, Options, REFRESH_TOKEN, Sandbox};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How many definitions there are, in turn.
const DEFINITIONS: [usize; 2] = [1, 1000];
/// How often what is quick is done.
const REPEATS: usize = 5;
/// How long the daemon is looked at while it idles, unless an argument says otherwise.
const IDLE_SECONDS: u32 = 60;
/// What follows from a start or a reload is over by then.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// Whoever waits longer for the daemon waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.find_map(|argument| argument.parse().ok());
    let seconds = seconds.unwrap_or(IDLE_SECONDS);
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let sandbox = runtime
        .block_on(Sandbox::start(&Options::default()))
        .unwrap();
    let columns = DEFINITIONS.map(|count| World::new(sandbox.url(), count).measure(seconds));

    let [few, many] = DEFINITIONS;
    println!("{:34}{few:>20}{many:>20}", "definitions");
    let [few, many] = columns;
    for ((name, few), (_, many)) in few.iter().zip(many) {
        println!("{name:34}{few:>20}{many:>20}");
    }
}

/// Name and figure of everything that is measured, in the order in which it is shown.
type Column = Vec<(String, String)>;

/// The files of a rosterd, and systemd as it sees it.
struct World {
    dir: TempDir,
    clock: Clock,
    manager: UnixDatagram,
}

impl World {
    fn new(url: &str, count: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let world = Self {
            dir,
            clock: Clock::system(),
            manager,
        };
        world.put("rosterd.toml", &settings(url));
        fs::create_dir(world.dir.path().join("syncs.d")).unwrap();
        for n in 0..count {
            world.definition(n, 0);
        }
        world
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    /// Writes the `n`th definition, as it is after so many edits.
    fn definition(&self, n: usize, edits: usize) {
        let now = self.clock.now().to_zoned(TimeZone::UTC).time();
        let text = definition(n, edits, now);
        self.put(&format!("syncs.d/sync-{n:04}.toml"), &text);
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROSTERD_")) {
            command.env_remove(name);
        }
        for name in ["JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
            command.env_remove(name);
        }
        command
            .arg("--config")
            .arg(self.dir.path().join("rosterd.toml"))
            .arg(line);
        command
    }

    /// Starts the daemon, and says how long it took until it was ready.
    fn start(&self) -> (Child, Duration) {
        let mut command = self.command("daemon");
        command.env("NOTIFY_SOCKET", self.dir.path().join("notify"));
        command.stderr(File::create(self.dir.path().join("log")).unwrap());
        let began = self.clock.steady();
        let child = command.spawn().unwrap();
        let ready = self.until_told("READY=1");
        (child, ready.saturating_sub(began))
    }

    /// Waits until systemd is told this, and says when that was.
    fn until_told(&self, what: &str) -> Duration {
        let mut buffer = [0; 4096];
        loop {
            let length = self.manager.recv(&mut buffer).unwrap();
            let told = str::from_utf8(&buffer[..length]).unwrap();
            if told.lines().any(|line| line == what) {
                return self.clock.steady();
            }
        }
    }

    fn stop(&self, mut child: Child) {
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        // Ten messages that nobody takes off would hold it up.
        self.until_told("STOPPING=1");
        assert!(child.wait().unwrap().success());
    }

    /// Reloads by command. Says how long the command took, and how long the daemon was at it.
    fn reload(&self, expected: &str) -> (Duration, Duration) {
        let mut command = self.command("reload");
        let began = self.clock.steady();
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let reloading = self.until_told("RELOADING=1");
        let reloaded = self.until_told("READY=1");
        assert!(child.wait().unwrap().success());
        let took = self.clock.steady().saturating_sub(began);
        let said = std::io::read_to_string(child.stdout.unwrap()).unwrap();
        assert_eq!(said.trim(), format!("reloaded: {expected}"));
        (took, reloaded.saturating_sub(reloading))
    }

    fn measure(&self, idle_seconds: u32) -> Column {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..REPEATS {
            for folder in ["state", "history"] {
                fs::remove_dir_all(self.dir.path().join(folder)).ok();
            }
            for starts in [&mut first, &mut second] {
                let (daemon, took) = self.start();
                starts.push(took);
                std::thread::sleep(SETTLED_AFTER);
                self.stop(daemon);
            }
        }
        let (daemon, _) = self.start();
        std::thread::sleep(SETTLED_AFTER);
        let as_before = (0..REPEATS).map(|_| self.reload("nothing changed"));
        let (as_before, as_before_daemon) = as_before.unzip();
        let changed = (1..=REPEATS).map(|edits| {
            self.definition(0, edits);
            self.reload("changed: sync-0000")
        });
        let (changed, changed_daemon) = changed.unzip();
        std::thread::sleep(SETTLED_AFTER);
        let (began, before) = (self.clock.steady(), cpu_millis(&daemon));
        std::thread::sleep(Duration::from_secs(idle_seconds.into()));
        let spent = f64::from(cpu_millis(&daemon) - before);
        let passed = self.clock.steady().saturating_sub(began).as_secs_f64();
        let resident = resident_mib(&daemon);
        self.stop(daemon);
        assert_eq!(self.runs(), 0, "a run fell due while nothing was to do");
        let row = |name: &str, figure: String| (name.to_owned(), figure);
        vec![
            row("start to READY, no state yet", shown(first)),
            row("start to READY", shown(second)),
            row("`reload`, nothing changed", shown(as_before)),
            row("  the daemon's part", shown(as_before_daemon)),
            row("`reload`, one file changed", shown(changed)),
            row("  the daemon's part", shown(changed_daemon)),
            row(
                "idle, processor time per second",
                format!("{:.2} ms", spent / passed),
            ),
            row(
                "idle, of one core",
                format!("{:.3} %", spent / passed / 10.0),
            ),
            row("resident memory", format!("{resident:.1} MiB")),
        ]
    }

    /// How many runs the journal tells of.
    fn runs(&self) -> usize {
        let journal = fs::read_to_string(self.dir.path().join("history/history.jsonl")).unwrap();
        journal.matches("\"event\":\"run.").count()
    }
}

/// The median, and the quickest.
fn shown(mut took: Vec<Duration>) -> String {
    took.sort();
    let millis = |took: Duration| took.as_secs_f64() * 1000.0;
    let (median, quickest) = (millis(took[took.len() / 2]), millis(took[0]));
    format!("{median:.0} ms ({quickest:.0})")
}

/// The processor time of a process up to now, in milliseconds.
fn cpu_millis(child: &Child) -> u32 {
    /// Of processor time in `/proc`, on every Linux.
    const TICK_MILLIS: u32 = 10;
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    // Behind the name, which may have blanks in it; proc(5) numbers the fields from 1, and what follows from 3.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<u32>().unwrap();
    (ticks(14) + ticks(15)) * TICK_MILLIS
}

fn resident_mib(child: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<f64>().unwrap() / 1024.0
}

fn settings(url: &str) -> String {
    format!(
        r#"timezone = "Europe/Lisbon"
state_dir = "state"
history_dir = "history"
control = "control.sock"

[limits]
active_syncs = "unlimited"
runs_per_day = "unlimited"
initiations_per_month = "unlimited"

[accounts.main]
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
refresh_token = "{REFRESH_TOKEN}"
accounts_url = "{url}"
crm_url = "{url}"
campaigns_url = "{url}"
pace = "off"
"#
    )
}

/// A definition of some size that is not due within half an hour of `now` (UTC).
fn definition(n: usize, edits: usize, now: civil::Time) -> String {
    let later = now.wrapping_add(30.minutes());
    let (hour, minute) = ((now.hour() + 12) % 24, later.minute());
    let schedule = match n % 5 {
        0 => format!("every = \"day\"\nat = \"{hour:02}:{minute:02}\""),
        1 => format!(
            "every = \"week\"\non = [\"monday\", \"thursday\"]\nat = \"{hour:02}:{minute:02}\""
        ),
        2 => format!("every = \"hour\"\nat = \":{minute:02}\""),
        3 => format!("every = \"cron\"\ncron = \"0 {minute} {hour} * * MON-FRI\""),
        _ => format!("every = \"cron\"\ncron = \"0 {minute} */2 * * *\""),
    };
    format!(
        r#"name = "Businesses of kind {n}"
module = "Leads"
list = {{ name = "List {n}" }}

[select]
pattern = "((1 and 2) and (3 or 4))"
criteria = [
  {{ field = "Industry", operator = "is", value = "Hospitality" }},
  {{ field = "City", operator = "starts_with", value = "A{n}" }},
  {{ field = "Annual_Revenue", operator = ">", value = {revenue} }},
  {{ field = "No_of_Employees", operator = ">", value = 2000 }},
]

[map]
"Company Name" = "Company"
"City" = "City"
"Phone" = "Phone"

[schedule]
{schedule}
timezone = "UTC"

[advanced]
deleted = "unsubscribe"
"#,
        revenue = 5_000_000 + edits
    )
}
