//! `rosterd.toml` and the variables as they are, before anything is made of them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use figment::Figment;

use super::document::Document;
use super::problem::{Problem, Problems};
use super::secrets::Secrets;
use super::{layers, read};

/// What there is to make settings of.
pub(super) struct Opened<'p> {
    path: &'p Path,
    variables: BTreeMap<String, String>,
    /// The file, as far as it can be read.
    pub(super) main: Document,
    /// What keeps the rest of it from being read.
    pub(super) broken: Vec<Problem>,
}

impl<'p> Opened<'p> {
    /// Reads both.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub(super) fn read(
        path: &'p Path,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let text = read::text(path).map_err(|problem| Problems(vec![with_remedy(*problem)]))?;
        let (main, broken) = Document::parse(path.display().to_string(), text, true);
        Ok(Self {
            path,
            variables: environment.collect(),
            main,
            broken,
        })
    }

    /// The variables over the file.
    pub(super) fn layers(&self) -> Figment {
        Figment::from(&self.main).merge(layers::Environment::new(&self.variables))
    }

    /// The folder that relative paths start from.
    pub(super) fn base(&self) -> &'p Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Where secrets come from, if they `are_needed`.
    pub(super) fn secrets(&self, are_needed: bool) -> Secrets<'_> {
        Secrets {
            are_needed,
            base: self.base(),
            is_open: is_open(self.path),
            variables: &self.variables,
        }
    }
}

fn with_remedy(mut problem: Problem) -> Problem {
    if problem.help.is_none() {
        let help = "name the file with --config or ROSTERD_CONFIG, or begin with the example etc/rosterd.toml";
        problem.help = Some(help.to_owned());
    }
    problem
}

/// Whether others may read the file; one whose permissions cannot be read counts as open.
fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |metadata| metadata.permissions().mode() & 0o004 != 0)
}
