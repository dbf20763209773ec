//! The README says what is shown by which test: each of them has to be there.

use std::fs;
use std::path::Path;

/// All sources of a folder.
fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_tests_that_the_readme_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let mut all = String::new();
    sources(&root.join("tests/suite"), &mut all);
    sources(&root.join("src"), &mut all);
    let table = readme.split_once("| Fault | What is promised | Shown by |");
    let rows = table.unwrap().1.lines().skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 20, "{}", rows.len());
    for row in rows {
        let shown = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<&str> = shown.split('`').filter(|it| it.contains("::")).collect();
        assert!(!named.is_empty(), "no test in: {row}");
        for test in named {
            let name = test.rsplit("::").next().unwrap();
            // A test of its own, or one that a list of scenes makes.
            let is_there =
                all.contains(&format!("fn {name}(")) || all.contains(&format!(" {name}: "));
            assert!(is_there, "there is no test {test}");
        }
    }
}
