//! What is logged of names and texts from elsewhere, in both formats: lines that are lines, and command nothing.

use serde_json::{Value, json};

use super::people::assert_harmless;
use super::rig;
use crate::rig::until;
use crate::scenarios::ALL_CONTACTS;

/// It ends the line, clears the screen in two ways, and turns the writing round.
const COMMAND: &str = "\r\n2026-01-01 ERROR forged\u{1b}[2J\u{9b}31m\u{202e}";

#[test]
fn in_either_format_a_line_of_the_log_is_one_line_and_commands_nothing() {
    for format in ["text", "json"] {
        let rig = rig();
        let written: String = COMMAND
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        let named = ALL_CONTACTS.replace("\"Newsletter\"\nm", &format!("\"News{written}\"\nm"));
        rig.sync("newsletter", &named);
        let name = format!("Lee{COMMAND}");
        let contact = json!({"First_Name": name, "Last_Name": name, "Email": "ann@guests.example"});
        rig.create("Contacts", &contact);
        let refusal = json!({"code": format!("9999{COMMAND}"), "status": "error",
            "message": format!("no{COMMAND}")});
        let said = json!({"status": {"status": 400, "content_type": "application/json",
            "body": refusal.to_string()}});
        for (service, method) in [
            ("crm", "org"),
            ("crm", "fields"),
            ("campaigns", "getmailinglists"),
            ("campaigns", "listsubscribe"),
            ("campaigns", "tag/associate"),
        ] {
            rig.fault(&json!({"service": service, "method": method, "times": 1, "what": said}));
        }
        let mut command = rig.command("daemon");
        command.env("ROSTERD_LOG__FORMAT", format);
        command.env("ROSTERD_LOG__LEVEL", "debug");
        let daemon = rig.start_command("daemon", command);
        daemon.until_says("rosterd is running");
        for _ in 0..5 {
            assert_harmless("sync", &rig.run("sync newsletter"));
        }
        // What it says of a file that is not valid.
        let bad = named.replace("\"Contacts\"", &format!("\"Contacts{written}\""));
        rig.sync("newsletter", &format!("{bad}\n\"{written}\" = 1\n"));
        daemon.signal("HUP");
        until("the log tells of the reload", || {
            daemon.stderr().contains("unknown key") || daemon.stderr().contains("problem")
        });
        daemon.signal("TERM");
        let ended = daemon.end();
        assert_harmless(format, &ended);
        for line in ended.stderr.lines() {
            match format {
                "json" => {
                    let line: Value = serde_json::from_str(line).unwrap();
                    assert!(line["timestamp"].is_string(), "{line}");
                }
                _ => assert!(
                    line.starts_with("20") && !line.starts_with("2026-01-01"),
                    "{line}"
                ),
            }
        }
    }
}
