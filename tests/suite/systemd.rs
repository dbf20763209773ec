//! What systemd is told, in its order, and the files that are shipped for it.

mod shipped;

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use crate::rig::{Rig, Setup, until};

/// After this long without a message that is waited for, the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// systemd as a service sees it: a socket to which it tells how it is.
struct Manager {
    socket: PathBuf,
    messages: Receiver<String>,
    listener: Option<JoinHandle<()>>,
}

impl Manager {
    /// Listens in the folder of the rig. The system keeps ten messages, and lets whoever sends an eleventh wait: they
    /// are taken off as they come.
    fn listen(rig: &Rig) -> Self {
        let path = rig.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (taken, messages) = channel();
        let listener = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let length = socket.recv(&mut buffer).unwrap();
                if length == 0 {
                    return;
                }
                let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
                taken.send(message).unwrap();
            }
        });
        Self {
            socket: path,
            messages,
            listener: Some(listener),
        }
    }

    /// The daemon as a service of this manager, which takes it for dead after `watchdog` of silence.
    fn service(&self, rig: &Rig, watchdog: Duration) -> Command {
        let mut command = rig.command("daemon");
        command.env("NOTIFY_SOCKET", &self.socket);
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        command
    }

    /// The next message.
    fn next(&self) -> String {
        let message = self.messages.recv_timeout(PATIENCE);
        let message = message.unwrap_or_else(|_| panic!("waited in vain for a message"));
        assert!(!message.contains('@'), "{message}");
        message
    }

    /// The next message that says more than that the service lives.
    fn next_other(&self) -> String {
        loop {
            let message = self.next();
            if message != "WATCHDOG=1\n" {
                return message;
            }
        }
    }

    /// The words of the next message, which says what the service is doing, and nothing else.
    fn next_status(&self) -> String {
        let message = self.next_other();
        let status = message.strip_prefix("STATUS=");
        let status = status.and_then(|status| status.strip_suffix('\n'));
        let status = status.filter(|status| !status.contains('\n'));
        status.unwrap_or_else(|| panic!("{message:?}")).to_owned()
    }

    /// A reload as it has to be told; answers the time that stands in it.
    fn reload(&self) -> u64 {
        let begun = self.next_other();
        let time = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        let time = time.and_then(|time| time.strip_suffix("\nSTATUS=reloading\n"));
        let time = time.unwrap_or_else(|| panic!("{begun:?}"));
        assert_eq!(self.next_other(), "READY=1\n");
        time.parse().unwrap()
    }

    /// All that was said and not asked for yet.
    fn rest(&self) -> Vec<String> {
        self.messages.try_iter().collect()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let end = UnixDatagram::unbound().unwrap();
        end.send_to(&[], &self.socket).ok();
        if let Some(listener) = self.listener.take() {
            listener.join().ok();
        }
    }
}

const SETTINGS: &str = "timezone = \"Europe/Lisbon\"\n[retry]\ngive_up_after = \"1s\"\n";

fn definition(module: &str, list: &str, schedule: &str) -> String {
    format!(
        "name = \"Some\"\nmodule = \"{module}\"\nlist = {{ name = \"{list}\" }}\nselect = {{ all = true }}\n\
         schedule = {{ {schedule} }}\n"
    )
}

/// Contacts, once and at once; guests, when the year begins.
fn rig() -> Rig {
    let rig = Rig::with(&Setup {
        people: 40,
        settings: SETTINGS,
        ..Setup::default()
    });
    let once = definition("Contacts", "Newsletter", "every = \"once\"");
    rig.sync("newsletter", &once);
    rig.sync("guests", &guests());
    rig
}

fn guests() -> String {
    let yearly = "every = \"cron\", cron = \"0 0 0 1 1 *\"";
    definition("Event_Guests", "Event guests", yearly)
}

fn is_idle_until_new_year(status: &str) -> bool {
    status.starts_with("idle; next: guests at 2")
        && status.ends_with("-01-01 00:00 Europe/Lisbon")
        && status.len() == "idle; next: guests at 2027-01-01 00:00 Europe/Lisbon".len()
}

#[test]
fn systemd_is_told_what_happens_in_the_order_in_which_it_does() {
    let rig = rig();
    let manager = Manager::listen(&rig);
    let daemon = rig.start_command("daemon", manager.service(&rig, Duration::from_millis(1500)));
    assert_eq!(manager.next(), "READY=1\n");
    let idle = manager.next_status();
    assert!(is_idle_until_new_year(&idle), "{idle}");
    // The first beat starts the run.
    assert_eq!(manager.next(), "WATCHDOG=1\n");
    assert_eq!(
        manager.next_status(),
        idle.replace("idle", "running newsletter")
    );
    assert_eq!(manager.next_status(), idle);
    for _ in 0..3 {
        assert_eq!(manager.next(), "WATCHDOG=1\n");
    }

    rig.sync("guests", &guests().replace("Some", "Guests of the fair"));
    daemon.signal("HUP");
    let first = manager.reload();
    assert_eq!(manager.next_status(), idle);

    let two_slips = guests()
        .replace("module", "modul")
        .replace("name = \"Some", "nam = \"Some");
    rig.sync("guests", &two_slips);
    daemon.signal("HUP");
    let second = manager.reload();
    let refused = manager.next_status();
    let why = "not reloaded, the old files stay in force: 2 problems, see the log; ";
    assert_eq!(refused, format!("{why}{idle}"), "{}", daemon.stderr());
    assert_eq!(manager.next(), "WATCHDOG=1\n");

    rig.sync(
        "guests",
        &guests().replace("schedule", "active = false\nschedule"),
    );
    daemon.signal("HUP");
    let third = manager.reload();
    assert_eq!(manager.next_status(), "idle; no active sync");
    assert!(first < second && second < third, "{first} {second} {third}");

    daemon.signal("TERM");
    assert_eq!(manager.next_other(), "STOPPING=1\nSTATUS=stopping\n");
    assert_eq!(daemon.end().code, Some(0));
    assert_eq!(manager.rest(), [""; 0]);
}

#[test]
fn systemd_is_told_how_many_runs_a_stop_brings_to_an_end() {
    let rig = rig();
    rig.fault(&json!({"service": "crm", "method": "coql", "what": "hang"}));
    let manager = Manager::listen(&rig);
    let daemon = rig.start_command("daemon", manager.service(&rig, Duration::from_secs(60)));
    until("a call hangs", || {
        rig.calls().log.iter().any(|call| call["faulted"] == true)
    });
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    let said = manager.rest();
    let last = said.last().unwrap();
    let one = "STOPPING=1\nSTATUS=stopping: 1 run is brought to an end\n";
    assert_eq!(last, one, "{said:?}");
    // A third of the minute has not passed since the first.
    let alive = said.iter().filter(|message| *message == "WATCHDOG=1\n");
    assert_eq!(alive.count(), 1, "{said:?}");
}

#[test]
fn a_daemon_that_is_not_watched_sends_no_sign_of_life() {
    // Nobody watches, or what is watched is another process.
    for (watchdog, watched) in [(Duration::ZERO, None), (Duration::from_secs(3), Some("1"))] {
        let rig = rig();
        let manager = Manager::listen(&rig);
        let mut command = manager.service(&rig, watchdog);
        command.envs(watched.map(|id| ("WATCHDOG_PID", id)));
        let daemon = rig.start_command("daemon", command);
        let mut said = vec![manager.next()];
        while said.iter().filter(|it| it.contains("idle")).count() < 2 {
            said.push(manager.next());
        }
        daemon.signal("TERM");
        assert_eq!(daemon.end().code, Some(0));
        said.extend(manager.rest());
        // A beat has started the run.
        assert!(said[2].contains("running newsletter"), "{said:?}");
        assert_eq!(said.iter().find(|it| it.contains("WATCHDOG")), None);
    }
}

#[test]
fn files_that_are_not_valid_end_check_and_daemon_with_78_and_readiness_is_not_told() {
    let rig = rig();
    rig.sync("guests", &guests().replace("module", "modul"));
    let manager = Manager::listen(&rig);
    let daemon = rig.start_command("daemon", manager.service(&rig, Duration::from_secs(3)));
    let ended = daemon.end();
    assert_eq!(ended.code, Some(78), "{}", ended.stderr);
    assert!(ended.stderr.contains("modul"), "{}", ended.stderr);
    assert_eq!(manager.rest(), [""; 0]);
    assert_eq!(rig.run("check").code, Some(78));
}
