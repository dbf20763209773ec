//! What is struck, write by write: each a command with what was there before it, and how it ends if nothing happens.

use std::sync::OnceLock;

use super::*;
use crate::disk::{self, Strike};
use crate::scenarios::files_with;

/// A command that is struck.
pub(super) struct Scene {
    pub(super) name: &'static str,
    /// What is done before it.
    before: fn(&Rig),
    /// The command.
    line: fn(&Rig) -> String,
    /// So many runs have ended when all is over.
    runs: usize,
    /// What else has to hold then.
    holds: fn(&Rig),
    /// How it ends if nothing happens, and how many changes the disk makes for the command.
    whole: OnceLock<(End, usize)>,
}

/// An address that nobody else has, and the one who gets it.
const PERSON: &str = "person@scenes.example";

/// Room that the journal has when it is about to be rotated.
const JOURNAL_BYTES: usize = 1 << 20;

pub(super) static IMPORT: Scene = Scene {
    name: "import",
    before: |_| {},
    line: sync,
    runs: 2,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static UPDATE: Scene = Scene {
    name: "update",
    before: |rig| {
        import(rig);
        change(rig, 3, 2);
    },
    line: sync,
    runs: 3,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static HOLD: Scene = Scene {
    name: "hold",
    before: to_be_held,
    line: sync,
    runs: 3,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static APPROVE: Scene = Scene {
    name: "approve",
    before: held,
    line: |rig| format!("approve {}", held_run(rig)),
    runs: 3,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static DISCARD: Scene = Scene {
    name: "discard",
    before: held,
    line: |rig| format!("discard {}", held_run(rig)),
    runs: 3,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static ROTATION: Scene = Scene {
    name: "rotation",
    before: |rig| {
        import(rig);
        fill_the_journal(rig);
        change(rig, 1, 1);
    },
    line: sync,
    runs: 3,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static DEACTIVATE: Scene = Scene {
    name: "deactivate",
    before: import,
    line: |_| "deactivate newsletter".to_owned(),
    runs: 1,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static ACTIVATE: Scene = Scene {
    name: "activate",
    before: |rig| {
        import(rig);
        rig.done("deactivate newsletter");
    },
    line: |_| "activate newsletter".to_owned(),
    runs: 2,
    holds: |_| {},
    whole: OnceLock::new(),
};

pub(super) static FORGET: Scene = Scene {
    name: "forget",
    before: |rig| {
        person(rig, "Contacts", false);
        import(rig);
    },
    line: |_| format!("forget {PERSON}"),
    runs: 2,
    holds: |rig| assert_eq!(files_with(rig, &[PERSON]), [""; 0]),
    whole: OnceLock::new(),
};

pub(super) static LIMIT: Scene = Scene {
    name: "limit",
    before: |rig| {
        let limits = "[limits]\nruns_per_day = 2\n[retry]\ngive_up_after = \"1s\"\n";
        rig.settings(limits, "pace = \"off\"\n");
    },
    line: sync,
    runs: 2,
    holds: |rig| {
        let refused = rig.run("sync newsletter");
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
        assert!(refused.stderr.contains("2 of 2"), "{}", refused.stderr);
    },
    whole: OnceLock::new(),
};

pub(super) static RELEASE: Scene = Scene {
    name: "release",
    before: |rig| {
        let lead = person(rig, "Leads", true);
        person(rig, "Contacts", false);
        import(rig);
        rig.delete("Leads", &lead);
        rig.advance(5);
    },
    line: |_| format!("release {PERSON} --reason merged"),
    runs: 2,
    holds: |_| {},
    whole: OnceLock::new(),
};

fn sync(_: &Rig) -> String {
    "sync newsletter".to_owned()
}

fn import(rig: &Rig) {
    rig.import("newsletter");
}

/// A person with a record in a module.
fn person(rig: &Rig, module: &str, has_opted_out: bool) -> String {
    let mut record = json!({
        "Last_Name": "Person", "Email": PERSON, "Email_Opt_Out": has_opted_out,
    });
    if module == "Leads" {
        record["Company"] = json!("Its company");
    }
    let id = rig.create(module, &record);
    rig.advance(5);
    id
}

fn to_be_held(rig: &Rig) {
    import(rig);
    change(rig, 2, 5);
}

fn held(rig: &Rig) {
    to_be_held(rig);
    assert_eq!(rig.run("sync newsletter").code, Some(3));
}

fn held_run(rig: &Rig) -> String {
    let run = &rig.events("run.held")[0]["run"];
    run.as_str().unwrap().to_owned()
}

/// Lines of earlier days, up to where the next one does not fit.
pub(super) fn fill_the_journal(rig: &Rig) {
    let path = rig.path("history/history.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    let line = r#"{"v":1,"at":"2026-01-01T00:00:00.000Z","event":"address.released","account":"main","reason":"long ago"}"#;
    while text.len() < JOURNAL_BYTES - 2 * line.len() {
        text.insert_str(0, &format!("{line}\n"));
    }
    fs::write(path, text).unwrap();
}

impl Scene {
    /// A rig with what is there before it.
    pub(super) fn rig(&self) -> Rig {
        let rig = Rig::with(&Setup {
            people: 24,
            settings: "[safety]\nmin_removals = 3\nmax_removals = 3\n[history]\nrotate_mib = 1\n",
            ..Setup::default()
        });
        rig.sync("newsletter", ALL_CONTACTS);
        (self.before)(&rig);
        rig
    }

    /// How it ends if nothing happens, and how many changes the disk makes for the command.
    pub(super) fn whole(&self) -> &(End, usize) {
        self.whole.get_or_init(|| {
            let rig = self.rig();
            let line = self.line(&rig);
            let ran = disk::run(&rig, &line, Strike::KilledBefore, 0);
            assert!(matches!(ran.code, Some(0 | 3)), "{line}: {}", ran.stderr);
            let changes = disk::changes(&rig);
            (self.end(&rig), changes)
        })
    }

    pub(super) fn line(&self, rig: &Rig) -> String {
        (self.line)(rig)
    }

    /// Does what is left to do, and looks at what has become of it all.
    pub(super) fn over(&self, rig: &Rig, line: &str) -> End {
        let ran = rig.run(line);
        // Who asks for what is done already is told so.
        assert!(
            matches!(ran.code, Some(0 | 2 | 3)),
            "{}: {:?} {}",
            self.name,
            ran.code,
            ran.stderr
        );
        self.end(rig)
    }

    fn end(&self, rig: &Rig) -> End {
        let finished = || {
            let journal = whole_journal(rig);
            let runs = journal
                .iter()
                .filter(|line| line["event"] == "run.finished");
            runs.count()
        };
        while finished() < self.runs {
            let ran = rig.run("sync newsletter");
            assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
        }
        assert_tidy(rig);
        (self.holds)(rig);
        end(rig)
    }
}

/// Nothing lies about that a crash may have left, but for what is pruned a day later.
pub(super) fn assert_tidy(rig: &Rig) {
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(rig.path(folder)).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    };
    for name in names("state") {
        let known = ["lock", "ledger.redb", "state", "state.json", "tokens"];
        // What was being made for the first time is not missed.
        let is_known = known.contains(&name.as_str()) || name.starts_with("state.damaged-");
        assert!(is_known, "{name} in the state");
    }
    for name in names("history") {
        let is_journal = name.starts_with("history.jsonl") && !name.contains("unfinished");
        assert!(is_journal || name == "ignored", "{name} in the history");
    }
}
