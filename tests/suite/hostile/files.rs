//! Files that are none, that have no end, or whose names and content mean harm: refused in words, soon and in little room.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rosterd::sandbox::REFRESH_TOKEN;

use super::people::assert_harmless;
use super::{rig, watched_command};
use crate::rig::child::used;
use crate::rig::{Ran, Rig};
use crate::scenarios::ALL_CONTACTS;

/// What can stand where a file is looked for, and what is said of it.
const STRANGE: [(&str, &str); 6] = [
    ("pipe", "it is a pipe, and no regular file"),
    ("folder", "it is a folder, and no regular file"),
    ("socket", "it is a socket, and no regular file"),
    ("device", "it is a device, and no regular file"),
    ("loop", "ymbolic link"),
    ("GiB", ""),
];

/// Puts something at a path, in the place of what is there; it lasts as long as what is answered.
pub(super) fn put(kind: &str, path: &Path) -> Option<UnixListener> {
    if path.exists() {
        fs::remove_file(path).unwrap();
    }
    match kind {
        "pipe" => used("mkfifo", [path]),
        "folder" => fs::create_dir(path).unwrap(),
        "socket" => return Some(UnixListener::bind(path).unwrap()),
        "device" => symlink("/dev/zero", path).unwrap(),
        "loop" => symlink(path, path).unwrap(),
        // Nothing of it is on the disk.
        _ => {
            used("touch", [path]);
            used("chmod", [Path::new("600"), path]);
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(1 << 30)
                .unwrap();
        }
    }
    None
}

/// Runs a line, which is refused for this reason, and shows nothing harmful.
fn refused(rig: &Rig, line: &str, code: i32, said: &[&str]) -> Ran {
    let ran = watched_command(rig.command(line), rig);
    assert_eq!(ran.code, Some(code), "{line}: {}", ran.stderr);
    for said in said {
        assert!(ran.stderr.contains(said), "{line}: {said}: {}", ran.stderr);
    }
    assert_harmless(line, &ran);
    ran
}

#[test]
fn what_is_no_file_is_refused_wherever_a_file_is_named_and_never_waited_for() {
    for (kind, said) in STRANGE {
        for (name, code, long, lines) in [
            (
                "rosterd.toml",
                78,
                "longer than 4 MiB",
                ["check", "sync newsletter", "state verify", "daemon"].as_slice(),
            ),
            (
                "syncs.d/newsletter.toml",
                78,
                "longer than 4 MiB",
                &["check", "sync newsletter", "daemon"],
            ),
            (
                "secrets/client_secret",
                78,
                "at most 64 KiB",
                &["check", "sync newsletter", "daemon"],
            ),
        ] {
            let rig = rig();
            let path = rig.path(name);
            let _listener = put(kind, &path);
            let said = if kind == "GiB" { long } else { said };
            for line in lines {
                refused(&rig, line, code, &[name, said]);
            }
        }
        let rig = rig();
        rig.import("newsletter");
        let _listener = put(kind, &rig.path("backup"));
        let line = format!("state restore {}", rig.path("backup").display());
        let said = if kind == "GiB" {
            "it is no backup"
        } else {
            said
        };
        refused(&rig, &line, 1, &["backup", said]);
        // And all is as it was.
        assert_eq!(rig.import("newsletter")["full"], false);
    }
}

#[test]
fn a_token_is_not_put_in_the_place_of_what_is_no_file() {
    let rig = rig();
    for (kind, said) in &STRANGE[..4] {
        let path = rig.path(kind);
        let _listener = put(kind, &path);
        let line = format!("login main --to {}", path.display());
        refused(&rig, &line, 1, &[said, "name another file with --to"]);
        assert!(!path.is_file(), "{kind}");
    }
}

#[test]
fn a_clock_that_is_no_file_moves_nothing_and_is_not_waited_for() {
    for (kind, _) in STRANGE {
        let rig = rig();
        let _listener = put(kind, &rig.path("clock-offset"));
        let ran = watched_command(rig.command("check"), &rig);
        assert_eq!(ran.code, Some(0), "{kind}: {}", ran.stderr);
    }
}

/// Texts in the place of a file, with what they are.
fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let many = |text: &str, times: usize| text.repeat(times).into_bytes();
    let with = |before: &str, middle: Vec<u8>, after: &str| {
        [before.as_bytes(), &middle, after.as_bytes()].concat()
    };
    vec![
        ("lists in lists", with("x = ", many("[", 100_000), "")),
        ("tables in tables", with("x = ", many("{a=", 100_000), "")),
        ("a path of keys", with("x", many(".a", 100_000), " = 1")),
        ("a header of keys", with("[x", many(".a", 100_000), "]")),
        ("a header of lists", with("[[x", many(".a", 100_000), "]]")),
        ("many tables", many("[[select.criteria]]\n", 100_000)),
        (
            "many keys",
            (0..100_000)
                .flat_map(|n| format!("k{n} = 1\n").into_bytes())
                .collect(),
        ),
        (
            "one long text",
            with("name = \"", many("x", 4_000_000), "\""),
        ),
        ("one long key", with("\"", many("x", 4_000_000), "\" = 1")),
        ("NULs", many("\0", 100_000)),
        (
            "control bytes in a key",
            b"\"\\u001b[2J\\u009b\" = 1\n\"\\u202e\" = 2".to_vec(),
        ),
        ("control bytes", b"x = \"\x1b[2J\xc2\x9b31m\"".to_vec()),
        ("a line break in a key", b"\"a\\nb\" = 1".to_vec()),
        ("no UTF-8", b"name = \"\xff\xfe\"".to_vec()),
        ("half a letter", b"name = \"\xf0\x9f\x91".to_vec()),
        (
            "numbers beyond measure",
            b"x = 99999999999999999999999999999999999999999".to_vec(),
        ),
        ("a key twice", b"name = \"a\"\nname = \"b\"".to_vec()),
        ("no text", (0..=255).cycle().take(100_000).collect()),
    ]
}

#[test]
fn a_file_whose_text_means_harm_is_refused_with_its_place_and_in_little_room() {
    let rig = rig();
    let main = fs::read(rig.path("rosterd.toml")).unwrap();
    for (name, text) in texts() {
        for (file, sound) in [
            ("rosterd.toml", main.as_slice()),
            ("syncs.d/newsletter.toml", ALL_CONTACTS.as_bytes()),
        ] {
            // In the place of it, and behind it.
            let behind = [sound, b"\n", &text].concat();
            for (text, line) in [(text.clone(), "check"), (behind, "check --json")] {
                fs::write(rig.path(file), text).unwrap();
                let ran = watched_command(rig.command(line), &rig);
                assert_eq!(ran.code, Some(78), "{name} {file}: {}", ran.stderr);
                let told = format!("{}{}", ran.stdout, ran.stderr);
                assert!(told.contains(file), "{name} {file}: {told}");
                assert!(told.len() < 100_000, "{name} {file}: {} bytes", told.len());
                assert!(!told.contains("panicked"), "{name} {file}: {told}");
                assert_harmless(line, &ran);
            }
            fs::write(rig.path(file), sound).unwrap();
        }
    }
    rig.done("check");
}

#[test]
fn files_whose_names_mean_harm_are_told_of_and_command_nothing() {
    let names: [&[u8]; 7] = [
        b"\xff\xfe.toml",
        b"\x1b[2J.toml",
        "\u{9b}31m\u{202e}.toml".as_bytes(),
        b"a\nb.toml",
        b" .toml",
        b"-rf.toml",
        b"other\x1b]0;x\x07",
    ];
    for name in names {
        let rig = rig();
        let path = rig.path("syncs.d").join(OsStr::from_bytes(name));
        fs::write(path, ALL_CONTACTS).unwrap();
        let is_definition = name.ends_with(b".toml");
        for line in ["check", "check --json", "sync newsletter", "status"] {
            let ran = rig.run(line);
            assert_harmless(line, &ran);
            if is_definition && line != "status" {
                assert_eq!(ran.code, Some(78), "{name:?} {line}: {}", ran.stderr);
            }
        }
    }
}

#[test]
fn settings_with_line_breaks_add_no_header_and_no_parameter() {
    let rig = rig();
    let text = fs::read_to_string(rig.path("rosterd.toml")).unwrap();
    let hostile = "1000.X\\r\\nX-Evil: yes&refresh_token=1000.other";
    let refused_as = |ran: &Ran, codes: &[i32]| {
        let code = ran.code.unwrap();
        assert!(codes.contains(&code), "{code}: {}", ran.stderr);
        assert_harmless("sync newsletter", ran);
    };
    // As a parameter it is one that Accounts does not know.
    let id = text.split_once("client_id = \"").unwrap().1;
    let id = id.split_once('"').unwrap().0;
    rig.put("rosterd.toml", &text.replacen(id, hostile, 1));
    refused_as(&rig.run("sync newsletter"), &[77, 78]);
    rig.put("secrets/refresh_token", "1000.X\r\nX-Evil: yes\n");
    rig.put("rosterd.toml", &text);
    refused_as(&rig.run("sync newsletter"), &[77, 78]);
    rig.put("secrets/refresh_token", REFRESH_TOKEN);
    // As a host, a list or an account it is none.
    for (that, this) in [
        (
            rig.url().to_owned(),
            format!("{}/\\r\\nX-Evil: yes", rig.url()),
        ),
        (
            "[accounts.main]".to_owned(),
            "[accounts.\"main\\r\\nX-Evil: yes\"]".to_owned(),
        ),
    ] {
        rig.put("rosterd.toml", &text.replace(&that, &this));
        refused_as(&rig.run("sync newsletter"), &[78]);
    }
    rig.put("rosterd.toml", &text);
    let calls = rig.calls();
    assert_eq!(calls.of("crm").0 + calls.of("campaigns").0, 0, "{calls:?}");
    let list = "{ name = \"Newsletter\" }";
    let other = "\"3znewsletter&listkey=3zhospitality\"";
    rig.sync("newsletter", &ALL_CONTACTS.replace(list, other));
    refused_as(&rig.run("sync newsletter"), &[78]);
    assert_eq!(rig.calls().of_method("campaigns", "getlistsubscribers"), 0);
}
