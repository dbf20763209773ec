//! The folder of definitions: its files in the order of their names, and what they must not do together.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use figment::Figment;

use super::definition::{Surroundings, definition};
use super::document::Document;
use super::extract::extract;
use super::problem::Problem;
use super::raw::RawSync;
use super::read;
use super::report::Report;
use super::warnings::warnings;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::SyncId;

/// What the folder holds.
#[derive(Default)]
pub(super) struct Syncs {
    pub(super) definitions: BTreeMap<SyncId, SyncDefinition>,
    pub(super) documents: BTreeMap<SyncId, Document>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// The definition files in `folder`, by name, and what else is there; hidden files are neither.
pub(super) fn files(folder: &Path) -> std::io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path
            .file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let is_definition = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        match (is_hidden, is_definition) {
            (true, _) => {}
            (false, true) => files.push(path),
            (false, false) => others.push(path),
        }
    }
    files.sort();
    others.sort();
    Ok((files, others))
}

/// Reads the files one by one, each on its own.
pub(super) fn syncs(files: &[PathBuf], around: &Surroundings) -> Syncs {
    let mut syncs = Syncs::default();
    for path in files {
        one(path, around, &mut syncs);
    }
    syncs.warnings = warnings(&syncs.definitions, &syncs.documents, &around.topics);
    syncs
}

fn one(path: &Path, around: &Surroundings, syncs: &mut Syncs) {
    let shown = path.display().to_string();
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let id = stem.as_deref().unwrap_or("").parse::<SyncId>();
    if let Err(error) = &id {
        let message = format!("`{}` is not a valid sync id", stem.unwrap_or_default());
        let help = format!("rename the file: {error}");
        syncs
            .problems
            .push(Problem::without_place(&shown, message, Some(help)));
    }
    let text = match read::text(path) {
        Ok(text) => text,
        Err(problem) => return syncs.problems.push(*problem),
    };
    let (document, broken) = Document::parse(shown, text, false);
    if broken.is_empty() {
        // A file with a bad name is still read, under a stand-in, so that its other problems show at once.
        let name = id.clone().or_else(|_| "unnamed".parse());
        if let Ok(name) = name {
            let (found, problems) = sync(&name, &document, around);
            syncs.problems.extend(problems);
            if let (Some(found), Ok(id)) = (found, &id) {
                syncs.definitions.insert(id.clone(), found);
            }
        }
    }
    syncs.problems.extend(broken);
    if let Ok(id) = id {
        syncs.documents.insert(id, document);
    }
}

pub(super) fn sync(
    id: &SyncId,
    document: &Document,
    around: &Surroundings,
) -> (Option<SyncDefinition>, Vec<Problem>) {
    let layers = Figment::from(document);
    let mut report = Report::new(document, &layers);
    let raw: RawSync = extract(&layers, &mut report);
    let found = definition(id, &raw, around, &mut report);
    (found, report.into_problems())
}
