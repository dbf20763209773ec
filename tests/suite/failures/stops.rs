//! What concerns the account, the credentials or the files ends the run at once, with what to do about it; the next run
//! takes up everybody whom it did not come to, without any change of their records.

use super::*;
use crate::rig::NEWSLETTER;

/// What fails, and how the run ends: the method that is struck, status and body; exit code, kind in the journal, a part
/// of the remedy.
struct Stop {
    method: &'static str,
    answer: (u16, String),
    exit: i32,
    kind: &'static str,
    remedy: &'static str,
}

fn stop(
    method: &'static str,
    answer: (u16, String),
    (exit, kind): (i32, &'static str),
    remedy: &'static str,
) -> Stop {
    Stop {
        method,
        answer,
        exit,
        kind,
        remedy,
    }
}

const CLOSED: (i32, &str) = (1, "account_closed");
const REFUSED: (i32, &str) = (1, "refused");
const CREDENTIALS: (i32, &str) = (77, "credentials_refused");
const CONFIGURATION: (i32, &str) = (78, "configuration");

/// Runs the sync while a call fails for good: it ends so, and is in the journal as such.
fn assert_stops(rig: &Rig, stop: &Stop) {
    let (status, body) = &stop.answer;
    answer(rig, stop.method, Value::Null, (*status, body));
    // Beyond the window in which Zoho counts tokens: each case has its own.
    rig.pass(700);
    rig.forget_calls();
    let ran = rig.run("sync newsletter --json");
    let what = format!("{} {status} {body}", stop.method);
    assert_eq!(ran.code, Some(stop.exit), "{what}: {}", ran.stderr);
    assert!(ran.stderr.contains(stop.remedy), "{what}: {}", ran.stderr);
    let told = rig.events("run.finished").pop().unwrap();
    assert_eq!(told["outcome"], "failed", "{what}");
    assert_eq!(told["error"]["kind"], stop.kind, "{what}");
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains(stop.remedy), "{what}: {message}");
    rig.drop_faults();
}

/// The next run writes all who are left.
fn assert_made_up_for(rig: &Rig, people: usize) {
    rig.pass(700);
    let run = rig.import("newsletter");
    assert_eq!(
        (&run["outcome"], &run["new"]),
        (&json!("completed"), &json!(people))
    );
    assert_eq!(rig.members(NEWSLETTER, "active").len(), people);
}

#[test]
fn what_concerns_the_account_or_the_list_stops_the_writing_at_once() {
    let rig = nobody(IMPATIENT, ONE_BY_ONE);
    let said = |code| (200, error(code));
    let stops = [
        stop("listsubscribe", said("2302"), CLOSED, "enlarge the plan"),
        stop("listsubscribe", said("914"), CLOSED, "enlarge the plan"),
        stop("listsubscribe", said("901"), CLOSED, "not active"),
        stop("listsubscribe", said("902"), CLOSED, "not active"),
        stop(
            "listsubscribe",
            (401, error("1007")),
            CREDENTIALS,
            "rosterd login",
        ),
        stop("listsubscribe", said("1007"), CREDENTIALS, "rosterd login"),
        stop(
            "listsubscribe",
            said("2501"),
            CONFIGURATION,
            "check the list key",
        ),
        stop(
            "listsubscribe",
            said("2701"),
            CONFIGURATION,
            "may not use the list",
        ),
        stop(
            "listsubscribe",
            said("6601"),
            CONFIGURATION,
            "may not use the list",
        ),
        stop(
            "listsubscribe",
            said("1004"),
            CONFIGURATION,
            "`data_center`",
        ),
        stop("listsubscribe", said("4016"), CONFIGURATION, "`topics`"),
        stop("listsubscribe", said("916"), CONFIGURATION, "`map`"),
        stop("listsubscribe", said("903"), REFUSED, "903"),
        stop("listsubscribe", (415, "<html>".to_owned()), REFUSED, "415"),
    ];
    let people = 2 * stops.len();
    fresh(&rig, 0..people);
    for stop in &stops {
        assert_stops(&rig, stop);
        // A token is replaced once, and the call made once more under the new one.
        let is_token = stop.kind == "credentials_refused";
        let calls = rig.calls();
        let calls = calls.methods("campaigns")["listsubscribe"];
        assert_eq!(calls, if is_token { 2 } else { 1 }, "{:?}", stop.answer);
    }
    assert_made_up_for(&rig, people);
}

#[test]
fn what_was_written_before_the_account_was_full_stays_and_the_next_run_goes_on_from_there() {
    let rig = nobody(IMPATIENT, ONE_BY_ONE);
    fresh(&rig, 0..10);
    let status = json!({"status": 200, "body": error("2302")});
    rig.fault(&json!({"method": "listsubscribe", "after": 4, "what": {"status": status}}));
    rig.advance(60);
    rig.forget_calls();
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    // The others have no outcome yet, and are counted by the run that takes them up.
    assert_eq!(
        (&run["new"], &run["total"]),
        (&json!(4), &json!(4)),
        "{run}"
    );
    assert_eq!(rig.calls().methods("campaigns")["listsubscribe"], 5);
    rig.drop_faults();
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["new"], 6);
    assert_eq!(rig.members(NEWSLETTER, "active").len(), 10);
}

#[test]
fn what_keeps_the_crm_from_being_read_stops_the_run_before_anything_is_written() {
    let rig = nobody(IMPATIENT, ONE_BY_ONE);
    let said = |status, code| (status, crm_error(code));
    let stops = [
        stop(
            "coql",
            said(401, "OAUTH_SCOPE_MISMATCH"),
            CREDENTIALS,
            "ZohoCRM.coql.READ",
        ),
        stop(
            "coql",
            said(403, "NO_PERMISSION"),
            CREDENTIALS,
            "CRM profile",
        ),
        stop(
            "coql",
            said(401, "AUTHENTICATION_FAILURE"),
            CREDENTIALS,
            "`Authorization`",
        ),
        stop(
            "coql",
            said(401, "INVALID_TOKEN"),
            CREDENTIALS,
            "`data_center`",
        ),
        stop(
            "coql",
            said(400, "REQUIRED_PARAM_MISSING"),
            CONFIGURATION,
            "REQUIRED_PARAM_MISSING",
        ),
        stop("coql", said(400, "INVALID_DATA"), REFUSED, "INVALID_DATA"),
        stop("coql", said(400, "SOMETHING_NEW"), REFUSED, "SOMETHING_NEW"),
        stop("coql", (406, "<html>".to_owned()), REFUSED, "406"),
        stop(
            "getlistsubscribers",
            (200, error("2501")),
            CONFIGURATION,
            "check the list key",
        ),
        stop(
            "getlistsubscribers",
            (200, error("901")),
            CLOSED,
            "not active",
        ),
    ];
    fresh(&rig, 0..5);
    for stop in &stops {
        assert_stops(&rig, stop);
        assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    }
    assert_made_up_for(&rig, 5);
}

#[test]
fn a_token_that_accounts_refuses_ends_the_command_with_the_key_to_mend() {
    let rig = nobody(IMPATIENT, USUAL);
    for (status, body, exit, remedy) in [
        (
            200,
            r#"{"error":"invalid_code"}"#,
            77,
            "`accounts.main.refresh_token`",
        ),
        (
            200,
            r#"{"error":"invalid_client"}"#,
            77,
            "`accounts.main.client_id`",
        ),
        (
            400,
            r#"{"error":"invalid_client_secret"}"#,
            77,
            "`accounts.main.client_secret`",
        ),
        (200, r#"{"error":"something_new"}"#, 77, "something_new"),
        (500, r#"{"error":"something_new"}"#, 75, "try again later"),
        (404, "<html>", 75, "`accounts_url`"),
    ] {
        answer(&rig, "token", Value::Null, (status, body));
        // The token has ended by then, and Zoho's window is over.
        rig.pass(4000);
        let ran = rig.run("sync newsletter");
        assert_eq!(ran.code, Some(exit), "{body}: {}", ran.stderr);
        assert!(ran.stderr.contains(remedy), "{body}: {}", ran.stderr);
        rig.drop_faults();
    }
    rig.pass(4000);
    rig.done("sync newsletter");
}

#[test]
fn who_opts_out_goes_from_the_list_although_the_account_is_full() {
    let rig = nobody(IMPATIENT, ONE_BY_ONE);
    let ids = fresh(&rig, 0..10);
    rig.advance(60);
    rig.done("sync newsletter");
    for id in &ids {
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    }
    fresh(&rig, 10..40);
    answer(&rig, "listsubscribe", Value::Null, (200, &error("2302")));
    rig.advance(60);
    let ran = rig.run("sync newsletter");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("enlarge the plan"), "{}", ran.stderr);
    assert_eq!(rig.members(NEWSLETTER, "unsubscribed").len(), 10);
    rig.drop_faults();
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["new"], 30);
}
