//! `rosterd login`: a grant code becomes a refresh token that works, and nothing else does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rosterd::sandbox::{CLIENT_SECRET, REFRESH_TOKEN};
use rosterd::zoho::scopes;
use serde_json::{Value, json};

use crate::rig::child::given;
use crate::rig::{Ran, Rig};

const NEWSLETTER: &str = r#"
name = "Newsletter"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "hour" }
advanced = { deleted = "remove" }
"#;

/// A code as the API console makes it, with what `wish` says.
fn code(rig: &Rig, wish: &Value) -> String {
    let made = rig.post("/accounts/codes", wish);
    made["code"].as_str().unwrap().to_owned()
}

fn login(rig: &Rig, options: &str, code: &str) -> Ran {
    given(
        rig.command(&format!("login main {options}")),
        &format!("{code}\n"),
    )
}

/// Puts `with` in the place of what the account says of its refresh token.
fn keep(rig: &Rig, with: &str) {
    let text = fs::read_to_string(rig.path("rosterd.toml")).unwrap();
    let (before, rest) = text.split_once("client_secret = ").unwrap();
    let (secret, rest) = rest.split_once('\n').unwrap();
    let rest = match rest.split_once('\n') {
        Some((line, rest)) if line.starts_with("refresh_token") => rest,
        Some(_) | None => rest,
    };
    let text = format!("{before}client_secret = {secret}\n{with}\n{rest}");
    rig.put("rosterd.toml", text.replace("\n\n", "\n").as_str());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_grant_code_becomes_a_refresh_token_with_which_all_that_was_asked_for_works() {
    let rig = Rig::new(60);
    keep(&rig, r#"refresh_token = { file = "kept/here/main.token" }"#);
    rig.sync("newsletter", NEWSLETTER);
    assert_eq!(rig.run("sync newsletter").code, Some(78), "no token yet");

    let shown = login(&rig, "", "");
    let list = scopes::needed().join(",");
    assert!(
        shown.stderr.lines().any(|line| line == list),
        "{}",
        shown.stderr
    );
    for said in ["https://api-console.zoho.com,", "Self Client 1000.SANDBOX"] {
        assert!(shown.stderr.contains(said), "{}", shown.stderr);
    }
    assert_eq!(shown.code, Some(2));

    // Nothing beyond what it asked for is granted.
    let wish = json!({ "scopes": scopes::needed() });
    let done = login(&rig, "", &code(&rig, &wish));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    for said in ["Sandbox Ltd, organisation 4876876", "main.token, mode 0600"] {
        assert!(done.stdout.contains(said), "{}", done.stdout);
    }
    let file = rig.path("kept/here/main.token");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "1000.sandbox.refresh.1\n"
    );
    assert_eq!(mode(&file), 0o600);
    assert_eq!(
        (mode(&rig.path("kept")), mode(&rig.path("kept/here"))),
        (0o700, 0o700)
    );
    assert_eq!(names(&rig.path("kept/here")), ["main.token"]);
    assert!(
        !rig.path("state").exists(),
        "the state is nobody's business yet"
    );

    rig.post("/accounts", &json!({ "refresh_token_revoked": true }));
    rig.done("check --online");
    let run = rig.import("newsletter");
    assert!(run["new"].as_u64() > Some(10), "{run}");
    let id = rig.records("Contacts")[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.delete("Contacts", &id);
    rig.pass(600);
    rig.import("newsletter");
}

#[test]
fn a_token_that_is_there_is_replaced_by_one_that_was_tried_and_by_no_other() {
    let rig = Rig::new(20);
    let refused = |what: &str, ran: &Ran, exit: i32, said: &[&str]| {
        assert_eq!(ran.code, Some(exit), "{what}: {}", ran.stderr);
        for said in said {
            assert!(ran.stderr.contains(said), "{what}, {said}: {}", ran.stderr);
        }
        assert_eq!(ran.stdout, "", "{what}");
        let kept = fs::read_to_string(rig.path("secrets/refresh_token")).unwrap();
        assert_eq!(kept, REFRESH_TOKEN, "{what}");
        assert_eq!(
            names(&rig.path("secrets")),
            ["client_secret", "refresh_token", "zsc_key"]
        );
    };
    let plain = json!({});

    refused("empty", &login(&rig, "", ""), 2, &["no grant code"]);
    refused(
        "two words",
        &login(&rig, "", "1000.a 1000.b"),
        2,
        &["one word"],
    );
    let invalid = ["invalid_code", "make a new one"];
    refused("unknown", &login(&rig, "", "1000.other"), 77, &invalid);
    let old = code(&rig, &plain);
    rig.advance(180);
    refused("expired", &login(&rig, "", &old), 77, &invalid);

    let mut command = rig.command("login main");
    command.env("ROSTERD_ACCOUNTS__MAIN__CLIENT_ID", "1000.ELSEWHERE");
    let elsewhere = given(command, &code(&rig, &plain));
    let others = "it is `com`, others are eu, in, com.au, jp, ca, sa, com.cn";
    refused("client", &elsewhere, 77, &["invalid_client)", others]);
    rig.post("/accounts", &json!({ "client_secret": "changed" }));
    let wrong = login(&rig, "", &code(&rig, &plain));
    refused(
        "secret",
        &wrong,
        77,
        &["client secret", "invalid_client_secret"],
    );
    rig.post("/accounts", &json!({ "client_secret": CLIENT_SECRET }));

    let online = code(&rig, &json!({ "refresh_token": false }));
    refused(
        "online",
        &login(&rig, "", &online),
        77,
        &["no refresh token"],
    );
    let mut few = scopes::needed();
    few.retain(|scope| !scope.contains("coql") && !scope.contains("CREATE"));
    let few = code(&rig, &json!({ "scopes": few }));
    let missing = "without ZohoCRM.coql.READ, ZohoCampaigns.contact.CREATE-UPDATE;";
    refused("scopes", &login(&rig, "", &few), 77, &[missing]);
    rig.post("/accounts", &json!({ "reset_throttle": true }));

    let mismatch =
        r#"{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"no","status":"error"}"#;
    let dead = r#"{"status":"error","Code":"1007","message":"Unauthorized request."}"#;
    for (service, status, body, exit, said) in [
        ("crm", 401, mismatch, 77, "ZohoCRM.org.READ"),
        ("campaigns", 401, dead, 77, "code 1007"),
        ("crm", 500, "", 75, "HTTP 500"),
        ("accounts", 500, "", 75, "HTTP 500"),
    ] {
        let what = json!({"status": {"status": status, "body": body}});
        let fresh = code(&rig, &plain);
        rig.fault(&json!({"service": service, "times": 1000, "what": what}));
        refused(service, &login(&rig, "", &fresh), exit, &[said]);
        rig.drop_faults();
        rig.post("/accounts", &json!({ "reset_throttle": true }));
    }

    // Too open a file, which everything else refuses, is just what a new login mends.
    let file = rig.path("secrets/refresh_token");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let fresh = code(&rig, &plain);
    let done = login(&rig, "--quiet", &fresh);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert_eq!(mode(&file), 0o600);
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .starts_with("1000.sandbox.refresh.")
    );
    let used = login(&rig, "", &fresh);
    assert_eq!(used.code, Some(77), "{}", used.stderr);
}

#[test]
fn what_is_wrong_elsewhere_in_the_files_does_not_keep_an_account_from_its_token() {
    let rig = Rig::new(20);
    let text = fs::read_to_string(rig.path("rosterd.toml")).unwrap();
    let others = "[accounts.other]\nclient_id = 5\nrefresh_token = { file = \"none\" }\n";
    rig.put("rosterd.toml", &format!("nonsense = 1\n{text}\n{others}"));
    rig.sync("broken", "name = ");
    rig.post("/crm/settings", &json!({ "organisation": "30014" }));
    let done = login(&rig, "--json", &code(&rig, &json!({})));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let answer: Value = serde_json::from_str(&done.stdout).unwrap();
    let file = rig.path("secrets/refresh_token").canonicalize().unwrap();
    assert_eq!(
        answer,
        json!({"account": "main", "organisation": {"id": "30014", "name": "Sandbox Ltd"},
            "mailing_lists": answer["mailing_lists"], "file": file})
    );

    let own = given(rig.command("login other"), "");
    assert_eq!(own.code, Some(78));
    for said in ["`client_id` must be", "`client_secret` is missing"] {
        assert!(own.stderr.contains(said), "{}", own.stderr);
    }
    assert!(!own.stderr.contains("nonsense"), "{}", own.stderr);
    let nobody = given(rig.command("login nobody"), "");
    assert_eq!(nobody.code, Some(2));
    assert!(
        nobody.stderr.contains("use one of main, other"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn where_a_token_cannot_be_written_it_is_said_what_to_do_instead_before_a_code_is_asked_for() {
    let rig = Rig::new(20);
    for (kept, exit, said) in [
        (
            r#"refresh_token = { env = "MAIN_TOKEN" }"#,
            2,
            "the variable `MAIN_TOKEN`",
        ),
        (
            r#"refresh_token = "1000.x""#,
            2,
            "stands in rosterd.toml itself",
        ),
        ("", 78, "`accounts.main.refresh_token` is missing"),
        (
            r#"refresh_token = { file = "rosterd.toml/token" }"#,
            1,
            "name another file with --to",
        ),
        (
            r#"refresh_token = { credential = "../token" }"#,
            78,
            "not the name of a credential",
        ),
        ("refresh_token = {}", 78, "does not say where the secret is"),
    ] {
        keep(&rig, kept);
        let ran = login(&rig, "", &code(&rig, &json!({})));
        assert_eq!(ran.code, Some(exit), "{kept}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{kept}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("api-console"),
            "{kept}: {}",
            ran.stderr
        );
    }
    assert_eq!(rig.calls().of("accounts").0, 0);

    keep(&rig, r#"refresh_token = { env = "MAIN_TOKEN" }"#);
    let file = rig.path("elsewhere/token");
    let options = format!("--to {}", file.display());
    let done = login(&rig, &options, &code(&rig, &json!({})));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.contains("set the variable `MAIN_TOKEN`"),
        "{}",
        done.stderr
    );
    assert_eq!(mode(&file), 0o600);

    // The file that the shipped unit names.
    keep(
        &rig,
        r#"refresh_token = { credential = "main.refresh_token" }"#,
    );
    let done = login(&rig, "", &code(&rig, &json!({})));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let file = rig.path("secrets/main.refresh_token");
    let unit = format!("LoadCredential=main.refresh_token:{}", file.display());
    assert!(done.stderr.contains(&unit), "{}", done.stderr);
    assert_eq!(mode(&file), 0o600);
    let shipped = include_str!("../../systemd/rosterd.service");
    assert!(
        shipped
            .contains("LoadCredential=main.refresh_token:/etc/rosterd/secrets/main.refresh_token")
    );
}
