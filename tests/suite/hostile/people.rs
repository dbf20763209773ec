//! People whose fields mean harm: what leaves arrives as text or is refused, and what is shown commands no terminal.

use serde_json::{Value, json};

use super::rig;
use crate::rig::{NEWSLETTER, Ran, Rig};
use crate::scenarios::ALL_CONTACTS;

/// Texts that mean something to a terminal, a mail server, a spreadsheet or a form.
const TEXTS: [&str; 14] = [
    "Null\0Byte",
    "Head\r\nBcc: all@example.org",
    "Clear\u{1b}[2J\u{1b}]0;title\u{7}",
    "Copy\u{1b}]52;c;cm0gLXJmIC8=\u{7}",
    "Eight\u{9b}31m\u{85}\u{90}q",
    "Turned\u{202e}txt.exe\u{2066}\u{200f}",
    "Unseen\u{200b}\u{feff}\u{ad}\u{e0041}",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "-2+3",
    "x&listkey=3zhospitality&contactinfo={}",
    "\",\"Contact Email\":\"other@example.org",
    "👩‍👩‍👧‍👦 Ω ﷽",
];

/// Whether a character can do anything to a terminal but show.
fn is_harmful(c: char) -> bool {
    let is_invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    c != '\n' && (c.is_control() || is_invisible)
}

/// Nothing that was printed can command a terminal. Between the letters of the last text stand joiners, which belong to it.
pub(super) fn assert_harmless(line: &str, ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let found = text.char_indices().find(|(_, c)| is_harmful(*c));
        if let Some((place, c)) = found {
            let around: String = text[place..].chars().take(60).collect();
            panic!("{line} prints {c:?} before {around:?}");
        }
    }
}

fn address(number: usize) -> String {
    format!("guest-{number}@guests.example")
}

/// A rig with one contact for each text in their names and city, and one whose names have a million letters.
fn hostile() -> Rig {
    let rig = rig();
    for (number, text) in TEXTS.into_iter().enumerate() {
        let email = address(number);
        let contact =
            json!({"First_Name": text, "Last_Name": text, "Mailing_City": text, "Email": email});
        rig.create("Contacts", &contact);
        // Also where an address belongs.
        let email = format!("bad-{number}@x.example{text}");
        rig.create("Contacts", &json!({"Last_Name": text, "Email": email}));
    }
    let long = "x".repeat(1_000_000);
    let contact = json!({"First_Name": long, "Last_Name": long, "Email": "long@guests.example"});
    rig.create("Contacts", &contact);
    rig.pass(60);
    rig
}

#[test]
fn a_field_arrives_as_one_line_of_text_and_adds_no_parameter_and_no_address() {
    let rig = hostile();
    rig.sync(
        "newsletter",
        &format!("{ALL_CONTACTS}\n[map]\n\"City\" = \"Mailing_City\"\n"),
    );
    rig.import("newsletter");
    let members = rig.members(NEWSLETTER, "active");
    for (number, text) in TEXTS.into_iter().enumerate() {
        let member = members.get(&address(number));
        let fields = &member.unwrap_or_else(|| panic!("{text:?}"))["fields"];
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        for label in ["First Name", "Last Name", "City"] {
            assert_eq!(fields[label], line.trim(), "{label} {text:?}");
        }
    }
    let long = &members["long@guests.example"]["fields"]["Last Name"];
    assert!(long.as_str().unwrap().len() <= 100);
    let others = ["other@example.org", "all@example.org"];
    assert!(others.iter().all(|other| !members.contains_key(*other)));
    assert!(!members.keys().any(|member| member.starts_with("bad-")));
    assert_eq!(rig.members("3zhospitality", "active").len(), 0);
}

#[test]
fn nothing_that_is_shown_of_them_commands_a_terminal_or_whoever_reads_the_json() {
    let rig = hostile();
    let command = "\u{1b}[2J\u{9b}31m\u{202e}";
    let escaped: String = command
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let definition = ALL_CONTACTS.replace(
        "name = \"Newsletter\"\nm",
        &format!("name = \"News{escaped}\"\nm"),
    );
    rig.sync(
        "newsletter",
        &format!("{definition}\n[map]\n\"City\" = \"Mailing_City\"\n"),
    );
    // Some are refused by Campaigns, in words of theirs.
    let refusal =
        json!({"code": "2005", "message": format!("no{command} thanks"), "status": "error"});
    let refuse = json!({"status": {"status": 200, "content_type": "application/json", "body": refusal.to_string()}});
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "times": 5, "what": refuse}),
    );
    let mut lines = vec!["sync newsletter".to_owned()];
    rig.act(&json!({"create_list": {"name": format!("List{command}")}}));
    rig.patch(
        "/crm/modules/Leads",
        &json!({"plural_label": format!("Leads{command}")}),
    );
    for line in [
        "status",
        "status newsletter",
        "history",
        "schedule",
        "check",
        "check --online",
        "check --explain newsletter",
        "plan newsletter --people",
    ] {
        lines.push(line.to_owned());
    }
    for number in 0..TEXTS.len() {
        lines.push(format!("why {}", address(number)));
    }
    for line in &lines {
        for form in ["", " --json"] {
            let line = format!("{line}{form}");
            let ran = rig.run(&line);
            assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
            assert_harmless(&line, &ran);
        }
    }
    let run = rig.events("run.finished")[0].clone();
    assert_eq!(
        rig.ignored(&run)
            .iter()
            .filter(|row| row["reason"] == "group_email"
                && row["detail"].to_string().contains("thanks"))
            .count(),
        5
    );
    let id = run["run"].as_str().unwrap();
    for form in ["", " --json"] {
        let line = format!("history --run {id} --ignored{form}");
        let ran = rig.run(&line);
        assert!(ran.stdout.contains("bad-3"), "{}", ran.stdout);
        assert_harmless(&line, &ran);
    }
    // The files themselves, for whoever looks at them with `cat`.
    for file in [
        format!("history/ignored/{id}.jsonl"),
        "history/history.jsonl".to_owned(),
    ] {
        let text = std::fs::read_to_string(rig.path(&file)).unwrap();
        assert!(!text.contains(is_harmful), "{file}");
    }
}

#[test]
fn problems_that_quote_a_file_or_the_services_command_no_terminal() {
    let command = "\\u001b[2J\\u009b31m\\u202e";
    let rig = rig();
    let plain = "\u{1b}]52;c;eA==\u{7}\u{9b}2J";
    rig.act(&json!({"create_list": {"name": format!("Newsletters{plain}")}}));
    rig.patch(
        "/crm/modules/Contacts",
        &json!({"add_view": {"name": format!("All{plain}"), "criteria": null}}),
    );
    for (that, this) in [
        (
            "{ name = \"Newsletter\" }".to_owned(),
            format!("{{ name = \"Newsletter{command}\" }}"),
        ),
        ("\"Contacts\"".to_owned(), format!("\"Contacts{command}\"")),
        (
            "select = { all = true }".to_owned(),
            format!("select = {{ view = \"All{command}\" }}"),
        ),
        (
            "select = { all = true }".to_owned(),
            format!("select = {{ all = true }}\nmap = {{ \"City{command}\" = \"Mailing_City\" }}"),
        ),
        ("\"unsubscribe\"".to_owned(), format!("\"{command}\"")),
        ("\"hour\"".to_owned(), format!("\"{command}\"")),
        (
            "[advanced]".to_owned(),
            format!("[advanced]\n\"{command}\" = 1"),
        ),
        (
            "name = \"Newsletter\"\n".to_owned(),
            format!("name = \"Newsletter\" # {plain}\nx{plain} = \n"),
        ),
    ] {
        assert!(ALL_CONTACTS.contains(&that), "{that}");
        rig.sync("newsletter", &ALL_CONTACTS.replacen(&that, &this, 1));
        for line in [
            "check",
            "check --online",
            "check --online --json",
            "sync newsletter",
            "status",
            "history",
        ] {
            let ran = rig.run(line);
            assert_harmless(line, &ran);
            let is_look = ["status", "history"].contains(&line);
            assert!(
                is_look || line == "check" || ran.code == Some(78),
                "{line} {this}: {}",
                ran.stderr
            );
        }
    }
    let reason = rig.command("release ann.lee@example.com --reason");
    let mut reason = reason;
    reason.arg(format!("because{plain}"));
    assert_harmless("release", &crate::rig::ran(reason));
    assert!(
        rig.journal()
            .iter()
            .all(|line| !line.to_string().contains('\u{1b}')),
        "{:?}",
        Value::from(rig.journal())
    );
}
