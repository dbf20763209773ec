//! The files in `systemd`: what systemd's own tools say of them, and that they, the settings and the README agree.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rosterd::cli::exit::Exit;
use tempfile::TempDir;

use crate::rig::child::BINARY;
use crate::rig::{Ran, ran};

/// systemd calls what is at most this well protected, in tenths.
const EXPOSURE_MAX: &str = "15";

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn unit() -> String {
    read("systemd/rosterd.service")
}

/// The values of a key, in their order; commented ones are none.
fn values<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    let of_key = lines.filter(|(name, _)| *name == key);
    of_key.map(|(_, value)| value).collect()
}

/// The value of a key that the unit has once.
fn value<'u>(unit: &'u str, key: &str) -> &'u str {
    match values(unit, key)[..] {
        [value] => value,
        ref other => panic!("{key}: {other:?}"),
    }
}

/// The lines of a fragment, in words.
fn lines(fragment: &str) -> Vec<Vec<&str>> {
    let lines = fragment.lines().filter(|line| !line.starts_with('#'));
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| !words.is_empty()).collect()
}

/// One of systemd's tools, which the tests need as they need a compiler.
fn tool(name: &str, arguments: &[&str]) -> Ran {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .any(|folder| folder.join(name).exists());
    assert!(
        found,
        "`{name}` is not there: these tests need the package systemd (apt-get install systemd)"
    );
    let mut command = Command::new(name);
    command.args(arguments);
    ran(command)
}

/// The unit in a folder of its own, with the binary that was built just now.
fn installed() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rosterd.service");
    let unit = unit();
    assert_eq!(unit.matches("=/usr/bin/rosterd ").count(), 1);
    let unit = unit.replace("/usr/bin/rosterd ", &format!("{BINARY} "));
    fs::write(&path, unit).unwrap();
    (folder, path)
}

#[test]
fn the_unit_is_hardened() {
    let (_folder, path) = installed();
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let path = path.to_str().unwrap();
    let arguments = ["security", "--offline=yes", "--no-pager", &threshold, path];
    let rated = tool("systemd-analyze", &arguments);
    assert_eq!(rated.code, Some(0), "{}{}", rated.stdout, rated.stderr);
    let overall = rated
        .stdout
        .split_once("Overall exposure level for rosterd.service: ");
    let (_, overall) = overall.unwrap_or_else(|| panic!("{}", rated.stdout));
    let exposure: f64 = overall.split_whitespace().next().unwrap().parse().unwrap();
    assert!(exposure > 0.0 && exposure <= 1.5, "{overall}");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let (folder, path) = installed();
    let verify = || {
        let arguments = ["verify", "--man=no", path.to_str().unwrap()];
        let verified = tool("systemd-analyze", &arguments);
        assert_eq!(verified.code, Some(0), "{}", verified.stderr);
        // Of units that others have installed here it may say what it likes.
        let own = verified
            .stderr
            .lines()
            .filter(|line| line.contains("rosterd"));
        own.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(verify(), BTreeSet::new());
    let folder = folder.path().join("rosterd.service.d");
    fs::create_dir(&folder).unwrap();
    let drop_in = read("systemd/rosterd.service.d/notify-reload.conf");
    fs::write(folder.join("notify-reload.conf"), drop_in).unwrap();
    let said = verify();
    let version = tool("systemd-analyze", &["--version"]).stdout;
    let version = version.split_whitespace().nth(1).unwrap();
    let version: String = version.chars().take_while(char::is_ascii_digit).collect();
    let knows_the_type = version.parse::<u32>().unwrap() >= 253;
    let is_unknown =
        |line: &String| line.ends_with("Failed to parse service type, ignoring: notify-reload");
    assert_eq!(said.is_empty(), knows_the_type, "{said:?}");
    assert!(said.iter().all(is_unknown), "{said:?}");
}

#[test]
fn the_user_and_the_folders_can_be_made() {
    let root = tempfile::tempdir().unwrap();
    let option = format!("--root={}", root.path().display());
    let put = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let users = put("users.conf", &read("systemd/sysusers.d/rosterd.conf"));
    let made = tool("systemd-sysusers", &[&option, "--dry-run", &users]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    for wanted in ["group 'rosterd'", "user 'rosterd'"] {
        assert!(made.stderr.contains(wanted), "{}", made.stderr);
    }

    // By whoever runs the tests, to whom other owners may be out of reach.
    let own = fs::metadata(root.path()).unwrap();
    let folders = read("systemd/tmpfiles.d/rosterd.conf");
    let owned = lines(&folders).into_iter().map(|line| {
        let (kind, path, mode) = (line[0], line[1], line[2]);
        format!("{kind} {path} {mode} {} {} -\n", own.uid(), own.gid())
    });
    let fragment = put("folders.conf", &owned.collect::<String>());
    let made = tool("systemd-tmpfiles", &["--create", &option, &fragment]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    for line in lines(&folders) {
        let folder = root.path().join(line[1].trim_start_matches('/'));
        let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o7777;
        assert_eq!(format!("{mode:04o}"), line[2], "{}", line[1]);
    }
}

#[test]
fn unit_fragments_and_settings_agree() {
    let unit = unit();
    let (users, folders) = (
        read("systemd/sysusers.d/rosterd.conf"),
        read("systemd/tmpfiles.d/rosterd.conf"),
    );
    let user = lines(&users)[0][1].to_owned();
    assert_eq!(
        (value(&unit, "User"), value(&unit, "Group")),
        (&*user, &*user)
    );
    let folders = lines(&folders);
    let folder = |path: &str| {
        let mut found = folders.iter().filter(|line| line[1] == path);
        let line = found.next().unwrap_or_else(|| panic!("{path}"));
        (line[2].to_owned(), format!("{}:{}", line[3], line[4]))
    };
    let settings = read("etc/rosterd.toml");
    let (own, roots) = (format!("{user}:{user}"), format!("root:{user}"));
    for (key, parent, setting, owner) in [
        ("StateDirectory", "/var/lib", "state_dir   = ", &own),
        ("LogsDirectory", "/var/log", "history_dir = ", &own),
        ("ConfigurationDirectory", "/etc", "", &roots),
    ] {
        let path = format!("{parent}/{}", value(&unit, key));
        let (mode, owned_by) = folder(&path);
        assert_eq!(value(&unit, &format!("{key}Mode")), mode, "{path}");
        assert_eq!(owned_by, *owner, "{path}");
        if !setting.is_empty() {
            assert!(settings.contains(&format!("{setting}\"{path}\"")), "{path}");
        }
    }
    for path in ["/etc/rosterd/syncs.d", "/etc/rosterd/secrets"] {
        assert_eq!(folder(path), folder("/etc/rosterd"));
    }
    let control = format!("control     = \"/run/{}/", value(&unit, "RuntimeDirectory"));
    assert!(settings.contains(&control));
    assert_eq!(value(&unit, "RuntimeDirectoryMode"), "0750");
    // A stop takes 20 seconds at most.
    assert_eq!(value(&unit, "TimeoutStopSec"), "30s");
}

#[test]
fn what_another_start_cannot_change_is_not_started_again() {
    let unit = unit();
    let codes = [Exit::Credentials, Exit::Config].map(|exit| exit.code().to_string());
    assert_eq!(value(&unit, "RestartPreventExitStatus"), codes.join(" "));
    assert_eq!(value(&unit, "Restart"), "on-failure");
    // That holds for the daemon only: a check that ended the start would be repeated.
    assert_eq!(value(&unit, "ExecStartPre"), "-/usr/bin/rosterd check");
    assert_eq!(value(&unit, "ExecStart"), "/usr/bin/rosterd daemon");
}

#[test]
fn a_reload_is_one_signal_whichever_way_it_is_asked_for() {
    let unit = unit();
    assert_eq!(value(&unit, "Type"), "notify");
    assert_eq!(value(&unit, "ExecReload"), "/bin/kill -HUP $MAINPID");
    let drop_in = read("systemd/rosterd.service.d/notify-reload.conf");
    assert_eq!(value(&drop_in, "Type"), "notify-reload");
    assert_eq!(value(&drop_in, "ExecReload"), "");
}

#[test]
fn the_readme_installs_all_that_is_shipped_and_names_the_same_secrets() {
    let readme = read("README.md");
    for file in [
        "systemd/rosterd.service",
        "systemd/rosterd.service.d/notify-reload.conf",
        "systemd/sysusers.d/rosterd.conf",
        "systemd/tmpfiles.d/rosterd.conf",
    ] {
        read(file);
        assert!(readme.contains(file), "{file}");
    }
    assert!(readme.contains("target/release/rosterd /usr/bin/rosterd"));
    let unit = unit();
    let credentials = unit
        .lines()
        .filter_map(|line| line.strip_prefix("#LoadCredential="));
    let mut count = 0;
    for (name, file) in credentials.filter_map(|line| line.split_once(':')) {
        count += 1;
        let key = name.strip_prefix("main.").unwrap();
        assert_eq!(file, format!("/etc/rosterd/secrets/{name}"));
        for text in [&unit, &readme] {
            assert!(
                text.contains(&format!("{{ credential = \"{name}\" }}")),
                "{name}"
            );
        }
        assert!(unit.contains(&format!("{key} = {{ credential = \"{name}\" }}")));
        let in_toml = readme.lines().any(|line| {
            line.starts_with(key) && line.contains(&format!("{{ file = \"secrets/{name}\" }}"))
        });
        assert!(in_toml, "{name}");
    }
    assert_eq!(count, 2);
}
