//! The examples in the docs of `Cleared` that must not compile, and why they do not: stable rustdoc takes any error for
//! the one it was told of, so that a renamed module would hide a gate with a hole.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use crate::rig::child::{BINARY, tool};

const SOURCE: &str = include_str!("../../src/domain/suppression.rs");

/// The examples with the code of the error they are to end in; without one where they are to compile.
fn examples() -> Vec<(Option<&'static str>, String)> {
    let (mut examples, mut open) = (Vec::new(), None);
    for line in SOURCE.lines() {
        let Some(line) = line.strip_prefix("///") else {
            continue;
        };
        let line = line.strip_prefix(' ').unwrap_or(line);
        match (line.strip_prefix("```"), open.take()) {
            (Some(kind), None) => open = Some((kind.strip_prefix("compile_fail,"), String::new())),
            (Some(_), Some((code, text))) => examples.push((code, text)),
            (None, Some((code, text))) => {
                let line = line.strip_prefix("# ").unwrap_or(line);
                open = Some((code, text + line + "\n"));
            }
            (None, None) => {}
        }
    }
    examples
}

/// The library of a crate that was built last, beside the binary under test.
fn built(deps: &Path, name: &str) -> PathBuf {
    let begins = format!("lib{name}-");
    let built = fs::read_dir(deps).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let file = path.file_name()?.to_str()?;
        (file.starts_with(&begins) && file.ends_with(".rlib")).then_some(path)
    });
    let age = |path: &PathBuf| -> SystemTime { path.metadata().unwrap().modified().unwrap() };
    built.max_by_key(age).unwrap()
}

/// The codes of the errors that a program ends in.
fn errors(program: &str) -> Vec<String> {
    let deps = Path::new(BINARY).with_file_name("deps");
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("example.rs");
    fs::write(&source, format!("fn main() {{\n{program}\n}}")).unwrap();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let mut arguments: Vec<OsString> = vec![
        "--edition=2024".into(),
        "--emit=metadata".into(),
        "--error-format=json".into(),
        "-L".into(),
        format!("dependency={}", deps.display()).into(),
    ];
    for name in ["rosterd", "serde_json"] {
        let library = built(&deps, name);
        arguments.push("--extern".into());
        arguments.push(format!("{name}={}", library.display()).into());
    }
    arguments.extend(["--out-dir".into(), dir.path().into(), source.into()]);
    let (_, told) = tool(&rustc, arguments);
    let lines = told
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|told: &Value| told["level"] == "error" && !told["spans"][0].is_null())
        .map(|told| {
            told["code"]["code"]
                .as_str()
                .unwrap_or(&told.to_string())
                .to_owned()
        })
        .collect()
}

#[test]
fn every_way_to_a_cleared_contact_but_the_gate_ends_in_the_error_it_should() {
    let examples = examples();
    let failing = examples.iter().filter(|(code, _)| code.is_some()).count();
    assert_eq!((examples.len(), failing), (7, 6));
    for (code, program) in examples {
        let want: Vec<&str> = code.into_iter().collect();
        let mut told = errors(&program);
        told.dedup();
        assert_eq!(told, want, "{program}");
    }
}
