//! Zoho gives ten tokens in ten minutes, and blocks whoever asks on: all commands and restarts together stay below that.

use std::fs;

use super::*;

/// The commands that a person in trouble tries, one after the other.
const COMMANDS: [&str; 3] = ["sync newsletter", "plan newsletter", "check --online"];

/// How often a token was asked for.
fn asked(rig: &Rig) -> u64 {
    let calls = rig.calls();
    calls.methods("accounts").get("token").copied().unwrap_or(0)
}

/// A rig of which every access token is refused, as if the account were another data centre's.
fn refused() -> Rig {
    let rig = nobody(IMPATIENT, USUAL);
    rig.fault(&json!({"service": "crm", "what": {"status": {"status": 401, "body": crm_error("INVALID_TOKEN")}}}));
    rig
}

/// Runs a command, which fails: for the credentials, or for want of a token.
fn fails(rig: &Rig, command: &str) -> bool {
    let ran = rig.run(command);
    let waits = ran
        .stderr
        .contains("gives account `main` no further token until 20");
    let code = if waits { 75 } else { 77 };
    assert_eq!(ran.code, Some(code), "{command}: {}", ran.stderr);
    waits
}

#[test]
fn twelve_commands_whose_tokens_are_refused_ask_for_no_more_than_ten() {
    let rig = refused();
    let waits: Vec<bool> = (0..12)
        .map(|number| fails(&rig, COMMANDS[number % 3]))
        .collect();
    assert!(!waits[0] && waits[11], "{waits:?}");
    let made = asked(&rig);
    assert!((9..=10).contains(&made), "{made}");
    // The window is not over by a clock that is set back.
    let offset = rig.path("clock-offset");
    fs::write(&offset, "-3600").unwrap();
    for command in COMMANDS {
        assert!(fails(&rig, command), "{command}");
    }
    assert_eq!(asked(&rig), made);
    fs::remove_file(&offset).unwrap();
    // Nor by one that is set right again.
    rig.drop_faults();
    assert!(fails(&rig, "sync newsletter"));
    assert_eq!(asked(&rig), made);
    // Once it is over, and the tokens are good again, all is well.
    rig.pass(601);
    rig.done("sync newsletter");
    assert_eq!(asked(&rig), made + 1);
}

#[test]
fn a_daemon_that_is_started_again_and_again_asks_for_no_more_than_ten_tokens() {
    let rig = refused();
    for _ in 0..4 {
        let daemon = rig.daemon();
        daemon.stop();
        fails(&rig, "sync newsletter");
        fails(&rig, "plan newsletter");
    }
    assert!(fails(&rig, "sync newsletter"));
    let made = asked(&rig);
    assert!((9..=10).contains(&made), "{made}");
}

#[test]
fn a_block_that_zoho_pronounced_is_kept_to_by_the_commands_after_it() {
    let rig = nobody(IMPATIENT, USUAL);
    rig.pass(4000);
    rig.forget_calls();
    let denied = r#"{"error":"Access Denied","status":"failure"}"#;
    answer(&rig, "token", Value::Null, (400, denied));
    for command in COMMANDS {
        assert!(fails(&rig, command), "{command}");
    }
    assert_eq!(asked(&rig), 1, "asking on prolongs the block");
    rig.drop_faults();
    rig.pass(601);
    rig.done("sync newsletter");
}
