//! Loading of files and environment: what is accepted, and what is said about what is not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod selecting;
mod shipped;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rosterd::config::settings::Config;
use rosterd::config::{Loaded, Problems, load, render, render_warnings};
use rosterd::domain::definition::{Literal, Selection, SyncDefinition};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use cases::{HEADS, LEADS, MAIN_CASES, SCHEDULES, TABLES};

const MAIN: &str = "[accounts.main]\nclient_id = \"1000.A\"\nclient_secret = \"s\"\nrefresh_token = { env = \"TOKEN\" }\n";
const SYNC: &str = "name = \"N\"\nmodule = \"Contacts\"\nlist = \"3z1f\"\n";
const SELECT: &str = "[select]\nall = true\n";
const SCHEDULE: &str = "[schedule]\nevery = \"once\"\n";

/// A folder with these files, closed to others.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("syncs.d")).unwrap();
    for (name, text) in files {
        write(&folder.path().join(name), text.as_bytes(), 0o600);
    }
    folder
}

fn write(path: &Path, bytes: &[u8], mode: u32) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn load_with(folder: &TempDir, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let others = [
        ("TOKEN", "t"),
        ("ROSTERD_CONFIG", "taken"),
        ("PATH", "/bin"),
    ];
    let variables = others.iter().chain(variables);
    load(
        &folder.path().join("rosterd.toml"),
        variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

/// What is wrong, as a person reads it, file names without their folder.
fn told(folder: &TempDir, variables: &[(&str, &str)]) -> String {
    let problems = load_with(folder, variables).unwrap_err();
    render(&problems, false).replace(&format!("{}/", folder.path().display()), "")
}

/// Problems as `file:line:column message (help)`.
fn lines(folder: &TempDir, variables: &[(&str, &str)]) -> Vec<String> {
    let problems = load_with(folder, variables)
        .err()
        .map(|problems| problems.0);
    let prefix = format!("{}/", folder.path().display());
    let problems = problems.unwrap_or_default().into_iter().map(|problem| {
        let place = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            _ => String::new(),
        };
        let help = problem.help.map(|help| format!(" ({help})"));
        let help = help.unwrap_or_default();
        format!("{}{place} {}{help}", problem.file, problem.message).replace(&prefix, "")
    });
    problems.collect()
}

/// The problems of one definition, without its file's name.
fn sync_lines(text: &str) -> Vec<String> {
    let folder = folder(&[("rosterd.toml", MAIN), ("syncs.d/a.toml", text)]);
    let lines = lines(&folder, &[]).into_iter();
    lines
        .map(|line| line.replace("syncs.d/a.toml:", ""))
        .collect()
}

/// The problems of a `rosterd.toml` that goes on with an account.
fn main_lines(text: &str) -> Vec<String> {
    let folder = folder(&[("rosterd.toml", &format!("{text}\n{MAIN}"))]);
    let lines = lines(&folder, &[]).into_iter();
    lines
        .map(|line| line.replace("rosterd.toml:", ""))
        .collect()
}

fn config_of(text: &str, variables: &[(&str, &str)]) -> Config {
    let folder = folder(&[("rosterd.toml", &format!("{text}\n{MAIN}"))]);
    load_with(&folder, variables).unwrap().config
}

fn sync_of(main: &str, sync: &str) -> SyncDefinition {
    let main = format!("{main}\n{MAIN}");
    let folder = folder(&[("rosterd.toml", &main), ("syncs.d/a.toml", sync)]);
    let loaded = load_with(&folder, &[]).map_err(|problems| render(&problems, false));
    loaded.unwrap().config.syncs.into_values().next().unwrap()
}

fn folder_with_secret() -> TempDir {
    folder(&[("rosterd.toml", &MAIN.replace("\"s\"", "\"hush\""))])
}

#[test]
fn all_problems_of_all_files_are_told_at_once_with_their_places() {
    let folder = folder(&[
        (
            "rosterd.toml",
            "timezone = \"Europe/Berln\"\n[limits]\nruns_per_dy = 5\nresyncs_per_day = true\n[accounts.main]\nclient_id = \"1\"\nclient_secret = \"x\"\nrefresh_tokn = \"hush\"\n",
        ),
        ("syncs.d/broken.toml", "name = \nmodule = \"Leads\"\n"),
        (
            "syncs.d/hotels.toml",
            "name = \"H\"\nmodule = \"Leads\"\naccount = \"mian\"\n[select]\npattern = \"1 adn 2\"\n[[select.criteria]]\nfield = \"Industry\"\noperator = \"iss\"\nvalue = \"x\"\n[[select.criteria]]\nfield = \"City\"\noperator = \"is\"\n[schedule]\nevery = \"day\"\n",
        ),
    ]);
    let told = told(&folder, &[("ROSTERD_LIMITS__RUNS_PER_DAI", "3")]);
    assert_eq!(told, include_str!("../golden/config-problems.txt"));
    assert!(!told.contains("hush"));
}

#[test]
fn what_is_wrong_with_rosterd_toml_is_named_with_the_remedy() {
    for (text, want) in MAIN_CASES {
        assert_eq!(main_lines(text).join("\n"), *want, "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_definition_is_named_with_the_remedy() {
    let heads = HEADS
        .iter()
        .map(|(text, want)| (format!("{text}{SELECT}{SCHEDULE}"), want));
    let tables = TABLES
        .iter()
        .map(|(text, want)| (format!("{SYNC}{text}{SCHEDULE}"), want));
    let schedules = SCHEDULES
        .iter()
        .map(|(text, want)| (format!("{SYNC}{SELECT}{text}"), want));
    let leads = SYNC.replace("Contacts", "Leads");
    let leads = LEADS
        .iter()
        .map(|(text, want)| (format!("{leads}{text}{SCHEDULE}"), want));
    for (text, want) in heads.chain(tables).chain(leads).chain(schedules) {
        assert_eq!(sync_lines(&text).join("\n"), *want, "{text}");
    }
}

#[test]
fn the_environment_overrides_the_file_as_plain_text() {
    let variables = [
        ("ROSTERD_LIMITS__RUNS_PER_DAY", "20"),
        ("ROSTERD_LIMITS__RESYNCS_PER_DAY", "unlimited"),
        ("ROSTERD_SCREENING__GROUP_EMAILS", "team, office"),
        ("ROSTERD_SCREENING__BUILTIN_GROUP_EMAILS", "false"),
        ("ROSTERD_ACCOUNTS__MAIN__CLIENT_ID", "007"),
        ("ROSTERD_ACCOUNTS__EU_SHOP__CLIENT_ID", "2"),
        ("ROSTERD_ACCOUNTS__EU_SHOP__CLIENT_SECRET", "s"),
        ("ROSTERD_ACCOUNTS__EU_SHOP__REFRESH_TOKEN__ENV", "TOKEN"),
    ];
    let config = config_of("[limits]\nruns_per_day = 5", &variables);
    assert_eq!(config.limits.runs_per_day, Some(20));
    assert_eq!(config.limits.resyncs_per_day, None);
    assert_eq!(config.group_emails, ["team", "office"]);
    assert!(!config.builtin_group_emails);
    assert_eq!(config.accounts[&"main".parse().unwrap()].client_id, "007");
    assert_eq!(config.accounts[&"eu-shop".parse().unwrap()].client_id, "2");
}

#[test]
fn a_problem_with_a_variable_names_the_variable_and_shows_no_value() {
    let folder = folder(&[("rosterd.toml", MAIN)]);
    for (name, value, want) in [
        (
            "ROSTERD_LIMIT__RUNS",
            "hush",
            "ROSTERD_LIMIT no setting has this name (did you mean `ROSTERD_LIMITS`?)",
        ),
        (
            "ROSTERD_HISTORY__ROTATE_MIB",
            "0",
            "ROSTERD_HISTORY__ROTATE_MIB 0 is out of range (use a number from 1 to 1000000)",
        ),
        (
            "ROSTERD_LOG",
            "hush",
            "ROSTERD_LOG `log` must be a table, not this text",
        ),
        (
            "ROSTERD_ACCOUNTS__B__CLIENT_ID",
            "1",
            "ROSTERD_ACCOUNTS__B__CLIENT_SECRET `client_secret` is missing (give it as { file = \"…\" }, { env = \"…\" } or { credential = \"…\" })\nROSTERD_ACCOUNTS__B__REFRESH_TOKEN `refresh_token` is missing (give it as { file = \"…\" }, { env = \"…\" } or { credential = \"…\" })",
        ),
    ] {
        assert_eq!(lines(&folder, &[(name, value)]).join("\n"), want, "{name}");
    }
}

#[test]
fn a_secret_open_to_others_is_refused() {
    for (mode, want) in [
        (0o600, ""),
        (0o440, ""),
        (0o640, ""),
        (0o660, "may be written by others than its owner"),
        (0o604, "may be read by others"),
        (0o602, "may be written by others than its owner"),
    ] {
        let main = MAIN.replace("\"s\"", "{ file = \"secret\" }");
        let folder = folder(&[("rosterd.toml", &main)]);
        write(&folder.path().join("secret"), b"hush\n", mode);
        let lines = lines(&folder, &[]).join("\n");
        assert!(lines.contains(want), "{mode:o}: {lines}");
        assert_eq!(lines.is_empty(), want.is_empty(), "{mode:o}: {lines}");
        assert!(!lines.contains("hush"));
    }
    for (mode, is_fine) in [(0o600, true), (0o640, true), (0o644, false)] {
        let folder = folder(&[]);
        write(&folder.path().join("rosterd.toml"), MAIN.as_bytes(), mode);
        let lines = lines(&folder, &[]);
        assert_eq!(lines.is_empty(), is_fine, "{mode:o}: {lines:?}");
    }
}

#[test]
fn secrets_come_from_files_variables_and_credentials_without_their_line_end() {
    let main = MAIN.replace("\"s\"", "{ credential = \"main.secret\" }");
    let folder = folder(&[("rosterd.toml", &main), ("main.secret", "from systemd\n")]);
    let credentials = folder.path().to_str().unwrap();
    let config = load_with(&folder, &[("CREDENTIALS_DIRECTORY", credentials)])
        .unwrap()
        .config;
    let account = &config.accounts[&"main".parse().unwrap()];
    assert_eq!(account.client_secret.expose_secret(), "from systemd");
    assert_eq!(account.refresh_token.expose_secret(), "t");
    assert!(!format!("{config:?}").contains("from systemd"));
    let plain = folder_with_secret();
    let loaded = load_with(&plain, &[]).unwrap();
    assert!(!format!("{loaded:?}").contains("hush"));
}

#[test]
fn a_missing_file_or_folder_names_the_remedy() {
    let empty = tempfile::tempdir().unwrap();
    let lines_of_none = lines(&empty, &[]).join("\n");
    for part in [
        "rosterd.toml",
        "--config",
        "ROSTERD_CONFIG",
        "etc/rosterd.toml",
    ] {
        assert!(lines_of_none.contains(part), "{lines_of_none}");
    }
    write(&empty.path().join("rosterd.toml"), MAIN.as_bytes(), 0o600);
    let no_folder = lines(&empty, &[]).join("\n");
    assert!(
        no_folder.contains("syncs.d of the definitions: No such file"),
        "{no_folder}"
    );
    let no_account = folder(&[("rosterd.toml", "timezone = \"UTC\"\n")]);
    assert!(
        lines(&no_account, &[])
            .join("\n")
            .contains("1:1 there is no account")
    );
}

#[test]
fn a_file_that_is_no_text_or_has_a_bad_name_is_told_beside_the_others() {
    let folder = folder(&[
        ("rosterd.toml", MAIN),
        ("syncs.d/Bad_Name.toml", "name = \"x\"\n"),
        ("syncs.d/.hidden.toml", "?"),
        ("syncs.d/backup.toml~", "?"),
    ]);
    write(
        &folder.path().join("syncs.d/latin.toml"),
        b"name = \"x\"\nmodule = \"\xe9\"\n",
        0o600,
    );
    let lines = lines(&folder, &[]);
    assert!(lines[0].starts_with("syncs.d/Bad_Name.toml `Bad_Name` is not a valid sync id"));
    assert!(
        lines
            .iter()
            .any(|line| line.contains("Bad_Name.toml:1:1 `module` is missing"))
    );
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("syncs.d/latin.toml:2:11 this file is not UTF-8")
    );
}

#[test]
fn several_accounts_must_be_chosen_from() {
    let two = format!("{MAIN}{}", MAIN.replace("main", "shop"));
    let sync = format!("{SYNC}{SELECT}{SCHEDULE}");
    let folder = folder(&[("rosterd.toml", &two), ("syncs.d/a.toml", &sync)]);
    assert_eq!(
        lines(&folder, &[]),
        ["syncs.d/a.toml:1:1 `account` is missing (use one of `main`, `shop`)"]
    );
}

#[test]
fn twins_are_warned_of() {
    let sync = format!("{SYNC}{SELECT}{SCHEDULE}");
    let files = [
        ("rosterd.toml", MAIN),
        ("syncs.d/a.toml", &sync),
        ("syncs.d/b.toml", &sync),
    ];
    let folder = folder(&files);
    let warnings = load_with(&folder, &[]).unwrap().warnings;
    let text = render_warnings(&warnings, false);
    assert_eq!(warnings.len(), 2, "{text}");
    assert!(
        text.contains("b.toml:1:8") && text.contains("b.toml:3:8"),
        "{text}"
    );
}

#[test]
fn what_taking_contacts_off_does_besides_is_warned_of() {
    let warned = |account: &str, advanced: &str| {
        let main = format!("{MAIN}{account}");
        let hourly = SCHEDULE.replace("once", "hour");
        let sync = format!("{SYNC}{SELECT}{hourly}[advanced]\n{advanced}");
        let folder = folder(&[("rosterd.toml", &main), ("syncs.d/a.toml", &sync)]);
        let warnings = load_with(&folder, &[]).unwrap().warnings;
        render_warnings(&warnings, false)
    };
    let (topics, no_topics) = ("topics = true\n", "topics = false\n");
    let keep = "deleted = \"keep\"\nleft = \"keep\"\nopted_out = \"unsubscribe\"\n";
    let unsubscribe = "deleted = \"unsubscribe\"\nleft = \"unsubscribe\"\n";
    for (account, advanced) in [(topics, keep), (topics, ""), (no_topics, unsubscribe)] {
        assert_eq!(warned(account, advanced), "", "{account}{advanced}");
    }
    let text = warned(topics, unsubscribe);
    assert_eq!(
        text.matches("account `main` uses the topic model").count(),
        2,
        "{text}"
    );
    assert!(
        text.contains("a.toml:9:11") && text.contains("a.toml:10:8"),
        "{text}"
    );
    let remove = "deleted = \"remove\"\nopted_out = \"remove\"\nleft = \"remove\"\n";
    let text = warned(no_topics, remove);
    assert_eq!(
        text.matches("tags it `Removed by CRM sync`").count(),
        3,
        "{text}"
    );
    assert!(!text.contains("topic model"), "{text}");
}

#[test]
fn a_pace_beyond_what_zoho_allows_is_warned_of() {
    let warned = |pace: &str| {
        let main = format!("{MAIN}pace = {{ {pace} }}\n");
        let sync = format!("{SYNC}{SELECT}{SCHEDULE}");
        let folder = folder(&[("rosterd.toml", &main), ("syncs.d/a.toml", &sync)]);
        let warnings = load_with(&folder, &[]).unwrap().warnings;
        render_warnings(&warnings, false)
    };
    for within in [
        "listsubscribe = \"500/m 12500/h 75000/d\"",
        "listsubscribe = \"20/d\"",
        "listunsubscribe = \"100/m\"",
        "\"contact/allfields\" = \"100/5m\"",
    ] {
        assert_eq!(warned(within), "", "{within}");
    }
    for (beyond, limit) in [
        (
            "listsubscribe = \"501/m 12500/h 75000/d\"",
            "500 calls of listsubscribe in 60 s",
        ),
        // Its other limits hold as well.
        (
            "listsubscribe = \"400/m\"",
            "12500 calls of listsubscribe in 3600 s",
        ),
        (
            "listunsubscribe = \"101/m\"",
            "500 calls of listunsubscribe in 300 s",
        ),
        // At any time, not only in step with it.
        (
            "\"contact/allfields\" = \"60/4m\"",
            "100 calls of contact/allfields in 300 s",
        ),
    ] {
        let text = warned(beyond);
        assert!(text.contains(limit), "{beyond}: {text}");
    }
}

#[test]
fn a_later_check_points_into_the_definition() {
    let sync = format!("{SYNC}{SELECT}{SCHEDULE}[map]\n\"Co. Name\" = \"Company\"\n");
    let folder = folder(&[("rosterd.toml", MAIN), ("syncs.d/a.toml", &sync)]);
    let sources = load_with(&folder, &[]).unwrap().sources;
    let id = "a".parse().unwrap();
    let at = |problem: rosterd::config::Problem| (problem.line.unwrap(), problem.column.unwrap());
    assert_eq!(
        at(sources.problem(&id, "list", String::new(), None)),
        (3, 8)
    );
    assert_eq!(
        at(sources.problem(&id, "map.Co. Name", String::new(), None)),
        (9, 14)
    );
    assert_eq!(
        at(sources.problem_with_key(&id, "map.Co. Name", String::new(), None)),
        (9, 1)
    );
    assert_eq!(
        at(sources.problem(&id, "advanced.opt_out_field", String::new(), None)),
        (1, 1)
    );
    let main = "main".parse().unwrap();
    assert_eq!(
        at(sources.account_problem(&main, "client_secret", String::new(), None)),
        (3, 17)
    );
}

#[test]
fn relative_dates_are_read_in_full_every_day_and_local_times_in_the_zone() {
    let select = "[[select.criteria]]\nfield = \"Birth\"\noperator = \"in_last_days\"\nvalue = 3\n";
    let sync = sync_of("", &format!("{SYNC}{select}{SCHEDULE}"));
    assert_eq!(sync.reconcile_every(false), Duration::from_secs(86_400));
    let select = "[[select.criteria]]\nfield = \"Created_Time\"\noperator = \"between\"\nvalue = [2026-01-01, 2026-03-04T09:15:27]\n";
    let sync = sync_of(
        "timezone = \"Europe/Berlin\"",
        &format!("{SYNC}{select}{SCHEDULE}"),
    );
    let Selection::Criteria { conditions, .. } = sync.selection else {
        panic!("criteria were given");
    };
    let instant = "2026-03-04T08:15:27Z".parse().unwrap();
    let day = Literal::Date(jiff::civil::date(2026, 1, 1));
    assert_eq!(conditions[0].operands, [day, Literal::DateTime(instant)]);
    assert_eq!(sync.schedule.zone, TimeZone::get("Europe/Berlin").unwrap());
}

proptest! {
    /// However a file is damaged, reading it ends, and what is said about it holds no secret.
    #[test]
    fn no_damage_brings_a_secret_to_light(edits in vec((any::<Index>(), 0_usize..12), 1..4)) {
        const MARKS: [&str; 11] = ["\n", "=", "\"", "'", "[", "{", "#", ".", "\\", "\"\"\"", "ä"];
        let mut text: Vec<String> = format!("timezone = \"UTC\"\n{}", MAIN.replace("\"s\"", "\"hush\""))
            .chars()
            .map(String::from)
            .collect();
        for (place, mark) in edits {
            let at = place.index(text.len());
            // The letters of the secret stay together, or it would not be found.
            let is_secret = text.get(at.saturating_sub(3)..text.len().min(at + 4))
                .is_some_and(|near| near.concat().contains("hush"));
            match MARKS.get(mark) {
                Some(mark) if !is_secret => text.insert(at, (*mark).to_owned()),
                None if !is_secret => drop(text.remove(at)),
                Some(_) | None => {}
            }
        }
        let folder = folder(&[("rosterd.toml", &text.concat())]);
        if let Err(problems) = load_with(&folder, &[]) {
            let told = render(&problems, false);
            prop_assert!(!told.contains("hush"), "{}\n{}", text.concat(), told);
        }
    }
}
