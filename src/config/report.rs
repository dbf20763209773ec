//! Collects the problems of one file, each with its place, so that all of them are told in one go.

use std::collections::BTreeSet;

use figment::Figment;
use figment::value::Value;

use super::document::{Aim, Document};
use super::layers;
use super::problem::Problem;
use super::raw::Number;
use crate::domain::nearest::hint;

/// Most problems of a file that are told one by one: nobody reads on behind so many.
const PROBLEMS_MAX: usize = 100;

/// The problems of one file, found by key path. One place gets one problem: what follows from it is not told.
pub(super) struct Report<'d> {
    document: &'d Document,
    layers: &'d Figment,
    /// What they come to.
    merged: Option<Value>,
    /// With the key paths they were found at.
    problems: Vec<(String, Problem)>,
    warnings: Vec<Problem>,
    told: BTreeSet<String>,
    /// The first that was found beyond the most that are told, and how many there are.
    untold: Option<(Problem, usize)>,
}

impl<'d> Report<'d> {
    /// A report on `document`, whose values may have been overridden in `layers`.
    pub(super) fn new(document: &'d Document, layers: &'d Figment) -> Self {
        Self {
            document,
            layers,
            merged: layers.find_value("").ok(),
            problems: Vec::new(),
            warnings: Vec::new(),
            told: BTreeSet::new(),
            untold: None,
        }
    }

    /// What was found.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let problems = self.problems.into_iter();
        let mut problems: Vec<_> = problems.map(|(_, problem)| problem).collect();
        if let Some((first, count)) = self.untold {
            let message = format!("{count} more problems, of which this is the first");
            problems.push(Problem { message, ..first });
        }
        problems
    }

    /// What was found at `path`, in it and around it.
    pub(super) fn into_problems_at(mut self, path: &str) -> Vec<Problem> {
        self.problems
            .retain(|(place, _)| place.is_empty() || is_in(place, path) || is_in(path, place));
        self.into_problems()
    }

    /// The file it is about.
    pub(super) fn document(&self) -> &'d Document {
        self.document
    }

    /// Notes that the value at `path` is allowed, and probably not meant.
    pub(super) fn warn(&mut self, path: &str, message: String, help: String) {
        let warning = self.problem(path, Aim::Value, message, Some(help));
        self.warnings.push(warning);
    }

    /// What was warned of until now.
    pub(super) fn take_warnings(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.warnings)
    }

    /// Notes that the value at `path` is wrong; where there is none, that it is missing from the table around it.
    pub(super) fn wrong(
        &mut self,
        path: &str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.note(path, Aim::Value, message.into(), help.into());
    }

    /// Notes that the key at `path` is wrong.
    pub(super) fn wrong_key(
        &mut self,
        path: &str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.note(path, Aim::Key, message.into(), help.into());
    }

    /// Notes that a key is required and missing, unless something in its place is wrong already.
    pub(super) fn missing(&mut self, path: &str, help: impl Into<Option<String>>) {
        let key = path.rsplit('.').next().unwrap_or(path);
        self.wrong(path, format!("`{key}` is missing"), help);
    }

    /// Notes a problem with part of the string at `path`, in bytes of the string.
    pub(super) fn wrong_inside(
        &mut self,
        path: &str,
        within: std::ops::Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        match self.document.inside(path, within) {
            Some(span) if !self.is_full() && self.told.insert(path.to_owned()) => {
                let problem = self.document.problem_in(span, message, help);
                self.problems.push((path.to_owned(), problem));
            }
            Some(_) | None => self.wrong(path, message, help),
        }
    }

    /// Says nothing of `path` from here on: why it is missing has been told elsewhere.
    pub(super) fn excuse(&mut self, path: String) {
        self.told.insert(path);
    }

    /// Whether something at `path`, or in it, has been told already.
    pub(super) fn is_told(&self, path: &str) -> bool {
        self.told.iter().any(|told| is_in(told, path))
    }

    /// Whether the value that counts at `path` was set by an environment variable.
    pub(super) fn is_from_environment(&self, path: &str) -> bool {
        let found = match (&self.merged, path) {
            (merged, "") => merged.as_ref(),
            (merged, path) => merged.as_ref().and_then(|merged| merged.find_ref(path)),
        };
        let metadata = found.and_then(|value| self.layers.get_metadata(value.tag()));
        metadata.is_some_and(layers::is_environment)
    }

    /// Whether as much was found as is told.
    fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    /// A problem at `path` that is not noted.
    fn problem(&self, path: &str, aim: Aim, message: String, help: Option<String>) -> Problem {
        if let Some(path) = self.variable_of(path) {
            return Problem::without_place(&layers::variable(&path), message, help);
        }
        let span = self.document.locate(path, aim);
        self.document.problem_in(span, message, help)
    }

    fn note(&mut self, path: &str, aim: Aim, message: String, help: Option<String>) {
        if self.is_told(path) {
            return;
        }
        if self.is_full() {
            match &mut self.untold {
                Some((_, count)) => *count += 1,
                none @ None => {
                    let first = self.document.locate(path, aim);
                    let first = self.document.problem_in(first, String::new(), None);
                    *none = Some((first, 1));
                }
            }
            return;
        }
        self.told.insert(path.to_owned());
        let problem = self.problem(path, aim, message, help);
        self.problems.push((path.to_owned(), problem));
    }

    /// The key path of the variable to blame for `path`: the value's own, or that of a table which the file lacks.
    fn variable_of(&self, path: &str) -> Option<String> {
        if self.is_from_environment(path) {
            return Some(path.to_owned());
        }
        let mut around = path;
        while self.document.find(around).is_none() {
            (around, _) = around.rsplit_once('.')?;
            if self.is_from_environment(around) {
                return Some(path.to_owned());
            }
        }
        None
    }
}

/// Whether `place` is what `path` leads to, or inside it.
fn is_in(place: &str, path: &str) -> bool {
    let rest = place.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Readers of single values: each gives the default where the key is absent or wrong, after noting what is wrong.
impl Report<'_> {
    /// One of a few words.
    pub(super) fn choice<T: Clone>(
        &mut self,
        path: &str,
        text: Option<&String>,
        default: T,
        choices: &[(&str, T)],
    ) -> T {
        let Some(text) = text else { return default };
        if let Some((_, value)) = choices.iter().find(|(name, _)| name == text) {
            return value.clone();
        }
        let key = path.rsplit('.').next().unwrap_or(path);
        let help = hint(text, choices.iter().map(|(name, _)| *name));
        self.wrong(path, format!("`{text}` is not a value of `{key}`"), help);
        default
    }

    /// A text that must be there and say something.
    pub(super) fn required(&mut self, path: &str, text: Option<&String>) -> Option<String> {
        match text.map(|text| text.trim()) {
            Some("") => self.wrong(path, "this is empty", None),
            Some(text) => return Some(text.to_owned()),
            None => self.missing(path, None),
        }
        None
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number(
        &mut self,
        path: &str,
        number: Option<&Number>,
        default: u64,
        (least, most): (u64, u64),
    ) -> u64 {
        match number {
            None => default,
            Some(Number::Whole(number)) => {
                let fits = u64::try_from(*number).ok();
                let fits = fits.filter(|number| (least..=most).contains(number));
                fits.unwrap_or_else(|| {
                    let help = format!("use a number from {least} to {most}");
                    self.wrong(path, format!("{number} is out of range"), help);
                    default
                })
            }
            Some(Number::Text(text)) => {
                self.wrong(path, format!("`{text}` is not a whole number"), None);
                default
            }
        }
    }

    /// A number, or `"unlimited"`, which is `None`.
    pub(super) fn limit(
        &mut self,
        path: &str,
        number: Option<&Number>,
        default: u64,
    ) -> Option<u64> {
        match number {
            Some(Number::Text(text)) if text == "unlimited" => None,
            Some(Number::Text(text)) => {
                let help = hint(text, ["unlimited"])
                    .filter(|help| help.starts_with("did"))
                    .unwrap_or_else(|| "use a number or \"unlimited\"".to_owned());
                self.wrong(path, format!("`{text}` is not a limit"), help);
                Some(default)
            }
            Some(Number::Whole(_)) | None => {
                Some(self.number(path, number, default, (0, u64::from(u32::MAX))))
            }
        }
    }

    /// A length of time such as `"15m"`, from one second to ten years.
    pub(super) fn duration(
        &mut self,
        path: &str,
        text: Option<&String>,
        default: std::time::Duration,
    ) -> std::time::Duration {
        let Some(text) = text else { return default };
        super::quantities::duration(text).unwrap_or_else(|| {
            let help = "use a number with s, m, h or d, e.g. \"15m\"".to_owned();
            self.wrong(path, format!("`{text}` is not a length of time"), help);
            default
        })
    }

    /// An IANA time zone.
    pub(super) fn zone(&mut self, path: &str, name: &str) -> Option<jiff::tz::TimeZone> {
        match jiff::tz::TimeZone::get(name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let names: Vec<_> = jiff::tz::db().available().map(|n| n.to_string()).collect();
                let help = crate::domain::nearest::nearest(name, names.iter().map(String::as_str))
                    .map_or_else(
                        || "use an IANA name such as `Europe/Berlin`".to_owned(),
                        |name| format!("did you mean `{name}`?"),
                    );
                self.wrong(path, format!("`{name}` is not a time zone"), help);
                None
            }
        }
    }
}
