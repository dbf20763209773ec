//! What is wrong in the files, where, and what would be right: as data and as text.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::{Deserialize, Serialize};

use crate::domain::escape::escape;

/// One thing that is wrong; as `check --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file as it was reached, or the environment variable.
    pub file: String,
    /// Line, from 1; `None` where there is no place.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// The line itself, for people.
    #[serde(skip)]
    pub excerpt: Option<Excerpt>,
}

/// The line a problem is on, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The line without its end.
    pub line: String,
    /// Byte of the line at which the problem begins.
    pub start: usize,
    /// Byte after its last one.
    pub end: usize,
}

impl Problem {
    /// A problem with a file or variable as a whole.
    #[must_use]
    pub fn without_place(file: &str, message: String, help: Option<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            message: readable(message),
            help: help.map(readable),
            excerpt: None,
        }
    }
}

/// A message is not longer than so many characters, whatever it repeats.
const MESSAGE_MAX: usize = 1000;

/// So many characters of a line are shown before a problem, and as many from where it begins.
const AROUND_MAX: usize = 200;

/// What stands for text that is left out.
const LEFT_OUT: &str = "…";

/// A message with its middle left out, where it is too long to be read.
pub(super) fn readable(message: String) -> String {
    if message.len() <= MESSAGE_MAX {
        return message;
    }
    let half = MESSAGE_MAX / 2;
    let begins = message
        .char_indices()
        .nth(half)
        .map_or(message.len(), |(at, _)| at);
    let ends = message
        .char_indices()
        .nth_back(half)
        .map_or(0, |(at, _)| at);
    match begins < ends {
        true => format!("{}{LEFT_OUT}{}", &message[..begins], &message[ends..]),
        false => message,
    }
}

impl Excerpt {
    /// The same, with what is far from the problem left out of a line that is very long.
    pub(super) fn readable(self) -> Self {
        let (before, behind) = self.line.split_at(self.start);
        let from = before.char_indices().nth_back(AROUND_MAX).map(|(at, _)| at);
        let to = behind
            .char_indices()
            .nth(AROUND_MAX)
            .map(|(at, _)| self.start + at);
        let (first, last) = (from.unwrap_or(0), to.unwrap_or(self.line.len()));
        let lead = if from.is_some() { LEFT_OUT } else { "" };
        let tail = if to.is_some() { LEFT_OUT } else { "" };
        Self {
            start: self.start - first + lead.len(),
            end: self.end.min(last) - first + lead.len(),
            line: format!("{lead}{}{tail}", &self.line[first..last]),
        }
    }

    /// The same line, harmless for a terminal. Tabs stay: they indent, and the renderer widens them.
    fn escaped(&self) -> Self {
        let escape = |part: &str| part.split('\t').map(escape).collect::<Vec<_>>().join("\t");
        let before = escape(&self.line[..self.start]);
        let marked = escape(&self.line[self.start..self.end]);
        let behind = escape(&self.line[self.end..]);
        Self {
            start: before.len(),
            end: before.len() + marked.len(),
            line: before + &marked + &behind,
        }
    }
}

/// Everything that is wrong, in the order of files and places; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has 1 problem"),
            count => write!(f, "the configuration has {count} problems"),
        }
    }
}

impl std::error::Error for Problems {}

/// The problems as people read them, a blank line between two; with terminal colours where asked for.
#[must_use]
pub fn render(problems: &Problems, colour: bool) -> String {
    render_as(&problems.0, Level::ERROR, colour)
}

/// The same for warnings.
#[must_use]
pub fn render_warnings(warnings: &[Problem], colour: bool) -> String {
    render_as(warnings, Level::WARNING, colour)
}

fn render_as(problems: &[Problem], level: Level<'static>, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let texts: Vec<_> = problems
        .iter()
        .map(|problem| render_one(problem, level.clone(), &renderer))
        .collect();
    texts.join("\n")
}

fn render_one(problem: &Problem, level: Level<'static>, renderer: &Renderer) -> String {
    // The renderer spells out some of what commands a terminal, not all of it.
    let message = escape(&problem.message);
    let help = problem.help.as_deref().map(escape);
    let file = escape(&problem.file);
    let title = level.primary_title(message.as_ref());
    let (Some(line), Some(excerpt)) = (problem.line, &problem.excerpt) else {
        let title = renderer.render(&[Group::with_title(title)]);
        return place_only(title.trim_end(), &file, problem.line, help.as_deref());
    };
    let excerpt = excerpt.escaped();
    let annotation = AnnotationKind::Primary
        .span(excerpt.start..excerpt.end)
        .label(help.as_deref());
    let snippet = Snippet::source(excerpt.line.as_str())
        .line_start(line)
        .path(file.as_ref())
        .annotation(annotation);
    reshape(&renderer.render(&[title.element(snippet)]), line)
}

fn place_only(title: &str, file: &str, line: Option<usize>, help: Option<&str>) -> String {
    let mut text = format!("{title}\n  --> {file}");
    if let Some(line) = line {
        text.push_str(&format!(":{line}"));
    }
    text.push('\n');
    if let Some(help) = help {
        text.push_str(&format!("     = {help}\n"));
    }
    text
}

/// Leaves out the renderer's empty line and gives line numbers four columns, so that excerpts of one report align.
fn reshape(rendered: &str, line: usize) -> String {
    let digits = line.to_string().len();
    let mut text = String::new();
    for (number, row) in rendered.lines().enumerate() {
        let indent = match number {
            0 => 0,
            1 => 2_usize.saturating_sub(digits),
            2 => continue,
            _ => 4_usize.saturating_sub(digits),
        };
        text.push_str(&" ".repeat(indent));
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize, help: Option<&str>) -> Problem {
        Problem {
            file: "syncs.d/hospitality.toml".into(),
            line: Some(line),
            column: Some(9),
            message: "unknown field `Indutry` of module Leads".into(),
            help: help.map(str::to_owned),
            excerpt: Some(Excerpt {
                line: "field = \"Indutry\"".into(),
                start: 8,
                end: 17,
            }),
        }
    }

    #[test]
    fn a_problem_shows_its_line_with_a_caret_and_the_help() {
        let problems = Problems(vec![
            problem(9, Some("did you mean `Industry`?")),
            problem(120, None),
        ]);
        assert_eq!(
            render(&problems, false),
            "\
error: unknown field `Indutry` of module Leads
  --> syncs.d/hospitality.toml:9:9
   9 | field = \"Indutry\"
     |         ^^^^^^^^^ did you mean `Industry`?

error: unknown field `Indutry` of module Leads
   --> syncs.d/hospitality.toml:120:9
 120 | field = \"Indutry\"
     |         ^^^^^^^^^
"
        );
    }

    #[test]
    fn what_is_very_long_is_shown_by_what_is_around_the_problem() {
        let line = format!("{}ä = 1{}", "x".repeat(5000), "y".repeat(5000));
        let excerpt = Excerpt {
            line,
            start: 5000,
            end: 9000,
        }
        .readable();
        assert!(
            excerpt.line.chars().count() <= 2 * AROUND_MAX + 3,
            "{excerpt:?}"
        );
        assert!(
            excerpt.line[excerpt.start..].starts_with("ä = 1"),
            "{excerpt:?}"
        );
        assert!(excerpt.line.is_char_boundary(excerpt.end), "{excerpt:?}");
        let short = problem(1, None).excerpt.unwrap();
        assert_eq!(short.clone().readable(), short);
        for (length, want) in [
            (999, 999),
            (1000, 1000),
            (1001, 1001),
            (5000, MESSAGE_MAX + 2),
        ] {
            let told = readable("ä".repeat(length / 2) + &"x".repeat(length - length / 2));
            assert_eq!(told.chars().count(), want, "{length}");
        }
    }

    #[test]
    fn a_problem_without_a_place_names_the_file_or_variable() {
        let problem = Problem::without_place(
            "ROSTERD_LIMITS__RUNS_PER_DY",
            "unknown setting".into(),
            Some("did you mean `ROSTERD_LIMITS__RUNS_PER_DAY`?".into()),
        );
        assert_eq!(
            render_warnings(&[problem], false),
            "warning: unknown setting\n  --> ROSTERD_LIMITS__RUNS_PER_DY\n     = did you mean `ROSTERD_LIMITS__RUNS_PER_DAY`?\n"
        );
    }

    #[test]
    fn nothing_in_a_problem_commands_a_terminal() {
        let mut hostile = problem(3, Some("did you mean `\u{1b}]52;c;x\u{7}`?"));
        hostile.file = "syncs.d/\u{1b}[2J\u{202e}.toml".into();
        hostile.message = "unknown field `\u{9b}31m\u{0}`\nerror: x".into();
        hostile.excerpt = Some(Excerpt {
            line: "\t\u{9b} = \"\u{202e}x\u{85}\"".into(),
            start: 1,
            end: 3,
        });
        let bare = Problem::without_place(&hostile.file, hostile.message.clone(), None);
        let shown = render(&Problems(vec![hostile, bare]), false);
        let harmful = |c: char| c != '\n' && crate::domain::escape::is_harmful(c);
        assert!(!shown.contains(harmful), "{shown:?}");
        let carets = format!("|     {} did you mean", "^".repeat("\\u{9b}".len()));
        assert!(shown.contains(&carets), "{shown}");
        assert_eq!(shown.matches("\nerror: ").count(), 1, "{shown}");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let problems = Problems(vec![problem(9, Some("did you mean `Industry`?"))]);
        let coloured = render(&problems, true);
        assert!(coloured.contains('\u{1b}'));
        let mut plain = String::new();
        for (index, part) in coloured.split('\u{1b}').enumerate() {
            let from = if index == 0 {
                0
            } else {
                part.find('m').unwrap() + 1
            };
            plain.push_str(&part[from..]);
        }
        let trimmed = |text: &str| {
            text.lines()
                .map(|l| l.trim_end().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(trimmed(&plain), trimmed(&render(&problems, false)));
    }

    #[test]
    fn json_has_the_five_promised_keys() {
        let json = serde_json::to_value(problem(9, None)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"file": "syncs.d/hospitality.toml", "line": 9, "column": 9,
                "message": "unknown field `Indutry` of module Leads", "help": null})
        );
    }
}
