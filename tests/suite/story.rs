//! A daemon that is left running through all that happens to one, and a journal that tells exactly that story.

use std::fs;

use serde_json::{Value, json};

use crate::rig::{Rig, until};

fn guests(schedule: &str) -> String {
    format!(
        "name = \"Guests\"\nmodule = \"Event_Guests\"\nlist = {{ name = \"Event guests\" }}\n\
         select = {{ all = true }}\nschedule = {{ {schedule} }}\n"
    )
}

/// What a line of the journal tells, in a few words.
fn told(line: &Value) -> String {
    let field = |key: &str| match &line[key] {
        Value::Null => String::new(),
        Value::String(text) => format!(" {text}"),
        other => format!(" {other}"),
    };
    let event = line["event"].as_str().unwrap();
    let further = match event {
        "run.started" => field("trigger") + if line["full"] == true { " full" } else { "" },
        "run.finished" => {
            field("outcome")
                + &line["error"]["kind"]
                    .as_str()
                    .map(|kind| format!(" {kind}"))
                    .unwrap_or_default()
        }
        "config.reloaded" => ["added", "changed", "accounts_changed"]
            .iter()
            .filter(|key| line[**key] != json!([]))
            .map(|key| format!(" {key}={}", line[*key]))
            .collect(),
        "account.organisation_changed" => field("now"),
        _ => field("reason"),
    };
    let whom = match line["sync"].is_string() {
        true => field("sync"),
        false => field("account"),
    };
    format!("{event}{whom}{further}")
}

struct Story {
    rig: Rig,
    heard: usize,
}

impl Story {
    /// What the journal tells next is this; a burst of signals may be taken up in one or more reloads.
    fn goes_on(&mut self, lines: &[&str]) {
        let next = |story: &Self| {
            let journal = story.rig.journal();
            let mut next: Vec<String> = journal[story.heard..].iter().map(told).collect();
            next.dedup_by(|this, before| {
                this == "config.reloaded" && before.starts_with("config.reloaded")
            });
            (journal.len(), next)
        };
        until(lines.last().unwrap(), || next(self).1.len() >= lines.len());
        let (length, told) = next(self);
        assert_eq!(told, lines);
        self.heard = length;
    }

    fn goes_on_no_more(&self) {
        let journal = self.rig.journal();
        let rest: Vec<String> = journal[self.heard..].iter().map(told).collect();
        assert!(rest.is_empty(), "{rest:?}");
    }

    fn until_the_next_hour(&self) {
        self.rig.pass(self.rig.until_past_the_hour(1));
    }

    /// Rewrites the file of accounts and limits.
    fn edit(&self, from: &str, to: &str) {
        let settings = fs::read_to_string(self.rig.path("rosterd.toml")).unwrap();
        assert!(settings.contains(from), "{settings}");
        self.rig.put("rosterd.toml", &settings.replace(from, to));
    }
}

#[test]
fn through_it_all_the_journal_tells_what_happened_and_nothing_else() {
    let rig = Rig::new(10);
    rig.settings(
        "[limits]\nruns_per_day = \"unlimited\"\n[retry]\ngive_up_after = \"1s\"\n",
        "pace = \"off\"\nzsc_key = \"first\"\n",
    );
    rig.sync("hourly", &guests("every = \"hour\""));
    let mut story = Story { rig, heard: 0 };
    story.rig.pass(story.rig.until_past_the_hour(1800));
    let daemon = story.rig.daemon();
    story.until_the_next_hour();
    story.goes_on(&[
        "run.started hourly initial full",
        "run.finished hourly completed",
    ]);

    // Files that are not valid change nothing.
    story.rig.sync("hourly", &guests("every = \"hours\""));
    daemon.signal("HUP");
    until("it is refused", || daemon.stderr().contains("not reloaded"));
    let refused = story.rig.run("reload");
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("hourly.toml:5:"),
        "{}",
        refused.stderr
    );
    story.until_the_next_hour();
    story.goes_on(&[
        "run.started hourly scheduled",
        "run.finished hourly completed",
    ]);
    story.rig.sync("hourly", &guests("every = \"hour\""));

    // Another service key.
    story.edit("zsc_key = \"first\"", "zsc_key = \"second\"");
    story.rig.done("reload");
    story.goes_on(&[
        "account.key_changed main",
        "sync.deactivated hourly key_changed",
        "config.reloaded accounts_changed=[\"main\"]",
    ]);
    story.until_the_next_hour();
    story.rig.done("activate --account main");
    story.goes_on(&["sync.activated hourly"]);
    story.until_the_next_hour();
    story.goes_on(&[
        "run.started hourly scheduled full",
        "run.finished hourly completed",
    ]);

    // Another organisation, behind credentials that have changed too.
    story
        .rig
        .post("/crm/settings", &json!({ "organisation": "30014" }));
    let url = story.rig.url().to_owned();
    let by_name = url.replace("127.0.0.1", "localhost");
    story.edit(
        &format!("crm_url = \"{url}\""),
        &format!("crm_url = \"{by_name}\""),
    );
    daemon.signal("HUP");
    story.goes_on(&[
        "config.reloaded accounts_changed=[\"main\"]",
        "account.organisation_changed main 30014",
        "sync.deactivated hourly organisation_changed",
    ]);
    story.until_the_next_hour();
    story.rig.done("activate hourly");
    story.until_the_next_hour();
    story.goes_on(&[
        "sync.activated hourly",
        "run.started hourly scheduled full",
        "run.finished hourly completed",
    ]);

    // The CRM is away for an hour.
    story
        .rig
        .fault(&json!({"service": "crm", "what": {"status": {"status": 503, "body": ""}}}));
    story.until_the_next_hour();
    story.goes_on(&[
        "run.started hourly scheduled",
        "run.finished hourly failed unreachable",
    ]);
    story.rig.drop_faults();
    story.until_the_next_hour();
    story.goes_on(&[
        "run.started hourly scheduled",
        "run.finished hourly completed",
    ]);

    // The clock jumps over five occurrences: one run makes up for them.
    story.rig.pass(story.rig.until_past_the_hour(1800));
    story.rig.pass(5 * 3600);
    story.goes_on(&[
        "run.skipped hourly missed",
        "run.started hourly catch_up",
        "run.finished hourly completed",
    ]);

    // A storm of signals, and an edit in the middle of it.
    for nth in 0..200 {
        if nth == 100 {
            story.rig.sync("guests", &guests("every = \"once\""));
        }
        daemon.signal("HUP");
    }
    until("the last edit is in force", || {
        story.rig.journal()[story.heard..]
            .iter()
            .any(|line| line["event"] == "sync.deactivated")
    });
    story.rig.done("reload");
    let mut stormy: Vec<String> = story.rig.journal()[story.heard..]
        .iter()
        .map(told)
        .collect();
    let reloads = stormy
        .iter()
        .filter(|told| told.starts_with("config.reloaded"))
        .count();
    assert!((2..=200).contains(&reloads), "{reloads}");
    stormy.retain(|told| told != "config.reloaded");
    assert_eq!(
        stormy,
        [
            "config.reloaded added=[\"guests\"]",
            "run.started guests initial full",
            "run.finished guests completed",
            "sync.deactivated guests finished",
        ]
    );
    story.heard = story.rig.journal().len();

    // It is stopped in the middle of a run, which the next one brings to its end.
    story.rig.create(
        "Event_Guests",
        &json!({"Name": "Late", "Email": "late@example.com"}),
    );
    story
        .rig
        .fault(&json!({"service": "campaigns", "method": "listsubscribe", "what": "hang"}));
    story.until_the_next_hour();
    until("a call hangs", || {
        story
            .rig
            .calls()
            .log
            .iter()
            .any(|call| call["faulted"] == true && call["method"] == "listsubscribe")
    });
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    story.goes_on(&["run.started hourly scheduled"]);
    story.rig.drop_faults();
    let daemon = story.rig.daemon_named("next");
    story.goes_on(&["run.resumed hourly", "run.finished hourly completed"]);
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    story.goes_on_no_more();
}
