//! Targets of the files: any text is either right as a whole, or every problem lies within it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use figment::Figment;
use jiff::tz::TimeZone;

use super::definition::Surroundings;
use super::document::Document;
use super::extract::extract;
use super::problem::{Problem, Problems, render};
use super::raw::RawConfig;
use super::report::Report;
use super::secrets::Secrets;
use super::{accounts, general, layers, syncs, unsupported};

/// A definition of `syncs.d`.
pub(crate) fn definition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (document, broken) = Document::parse("syncs.d/x.toml".to_owned(), text.to_owned(), false);
    if !broken.is_empty() {
        return assert_placed(text, broken);
    }
    let around = Surroundings {
        accounts: Some(BTreeSet::from(["main".parse().expect("a name")])),
        topics: BTreeSet::new(),
        zone: TimeZone::UTC,
    };
    let id = "x".parse().expect("an id");
    let (found, problems) = syncs::sync(&id, &document, &around);
    // An unknown key is told beside what else the file means.
    assert!(found.is_some() || !problems.is_empty());
    let (again, same) = syncs::sync(&id, &document, &around);
    assert_eq!((again, &same), (found, &problems));
    assert_placed(text, problems);
}

/// A `rosterd.toml`.
pub(crate) fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (document, broken) = Document::parse("rosterd.toml".to_owned(), text.to_owned(), true);
    if !broken.is_empty() {
        return assert_placed(text, broken);
    }
    let variables = BTreeMap::new();
    let layers = Figment::from(&document).merge(layers::Environment::new(&variables));
    let mut report = Report::new(&document, &layers);
    let raw: RawConfig = extract(&layers, &mut report);
    let base = Path::new("/nonexistent");
    general::general(&raw, base, &mut report);
    // Secrets are left where they are: a fuzzer must not open files.
    let secrets = Secrets {
        base,
        is_open: false,
        are_needed: false,
        variables: &variables,
    };
    accounts::accounts(&raw, &secrets, &mut report);
    unsupported::config(&raw, &mut report);
    assert_placed(text, report.into_problems());
}

/// Every problem is on a line that there is, at a column of it, and can be shown.
fn assert_placed(text: &str, problems: Vec<Problem>) {
    for problem in &problems {
        assert!(!problem.message.is_empty());
        let (Some(line), Some(column)) = (problem.line, problem.column) else {
            continue;
        };
        let there = text.split('\n').nth(line - 1).expect("a line of the file");
        assert!(column <= there.chars().count() + 1, "{problem:?}");
        let excerpt = problem.excerpt.as_ref().expect("a place has its line");
        assert!(excerpt.line.get(excerpt.start..excerpt.end).is_some());
    }
    if !problems.is_empty() {
        let shown = render(&Problems(problems), false);
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{shown:?}"
        );
    }
}
