//! One TOML file with the place of everything in it.
//!
//! The tree keeps the span of every key and value, so that a problem found long after parsing still points at the
//! characters that caused it. Whatever the parser could not understand is in `broken`; the rest of the file is still
//! there.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::problem::{Excerpt, Problem, readable};
use super::redact;

/// Most syntax errors that are told of a file; the first ones cause the others as a rule.
const ERRORS_MAX: usize = 20;

/// A file's text and its tree.
#[derive(Clone)]
pub(super) struct Document {
    name: String,
    text: String,
    root: Node,
    guarded: bool,
}

/// Shows the file's name alone: its text may hold secrets.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.name).finish()
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    /// Where its key is; the value itself for elements of arrays.
    pub(super) key: Range<usize>,
    /// Where the value is; for tables their header.
    pub(super) span: Range<usize>,
    /// What it says.
    pub(super) content: Content,
}

/// What a value says.
#[derive(Clone)]
pub(super) enum Content {
    Text(String),
    Whole(i128),
    Decimal(f64),
    Flag(bool),
    Moment(String),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl Content {
    /// The kind of value in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Content::Text(_) => "a string",
            Content::Whole(_) => "a whole number",
            Content::Decimal(_) => "a decimal number",
            Content::Flag(_) => "true or false",
            Content::Moment(_) => "a date or time",
            Content::List(_) => "a list",
            Content::Table(_) => "a table",
        }
    }
}

/// Which part of an entry a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    Key,
    Value,
}

impl Document {
    /// Reads `text`, shown under `name`. `guarded` hides values that may be secrets from excerpts.
    /// Beside the document come its syntax errors, in the order of the file.
    pub(super) fn parse(name: String, text: String, guarded: bool) -> (Self, Vec<Problem>) {
        let (table, errors) = DeTable::parse_recoverable(&text);
        let root = Node {
            key: 0..0,
            span: 0..0,
            content: table_content(table.get_ref()),
        };
        let untold = errors.get(ERRORS_MAX).map(|first| {
            let places = errors.len() - ERRORS_MAX;
            (places, first.span().unwrap_or(0..0))
        });
        let errors: Vec<_> = errors
            .iter()
            .take(ERRORS_MAX)
            .map(|error| (error.message().to_owned(), error.span().unwrap_or(0..0)))
            .collect();
        drop(table);
        let document = Self {
            name,
            text,
            root,
            guarded,
        };
        let mut broken: Vec<_> = errors
            .into_iter()
            .map(|(message, span)| {
                let message = message.replace('\n', ", ");
                document.problem_in(span, format!("not valid TOML: {message}"), None)
            })
            .collect();
        if let Some((places, first)) = untold {
            let message =
                format!("not valid TOML in {places} more places, of which this is the first");
            broken.push(document.problem_in(first, message, None));
        }
        (document, broken)
    }

    /// The name it is shown under.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The whole file as a table.
    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// The entry at a path such as `select.criteria[0].field` or `map.Company Name`; keys may have dots in them.
    pub(super) fn find(&self, path: &str) -> Option<&Node> {
        let (node, rest) = self.walk(path);
        rest.is_empty().then_some(node)
    }

    /// The place of an entry, or of the nearest table around it.
    pub(super) fn locate(&self, path: &str, aim: Aim) -> Range<usize> {
        let (node, rest) = self.walk(path);
        match aim {
            Aim::Value if rest.is_empty() => node.span.clone(),
            Aim::Value | Aim::Key => node.key.clone(),
        }
    }

    /// Where byte `offset` of the string at `path` stands, if the string is written without escapes.
    pub(super) fn inside(&self, path: &str, within: Range<usize>) -> Option<Range<usize>> {
        let node = self.find(path)?;
        let Content::Text(content) = &node.content else {
            return None;
        };
        let written = self.text.get(node.span.clone())?;
        let begin = written.find(content.as_str())?;
        let quoted = written.len() - content.len();
        let unescaped = quoted == begin * 2 || written.starts_with("\"\"\"\n");
        let at = |offset: usize| node.span.start + begin + offset.min(content.len());
        unescaped.then(|| at(within.start)..at(within.end))
    }

    /// The path that figment's `steps` name: numbers are places in arrays where the file has one.
    pub(super) fn path_of(&self, steps: &[String]) -> String {
        let mut path = String::new();
        let mut here = Some(&self.root);
        for step in steps {
            let index = step.parse::<usize>().ok();
            match (here.map(|node| &node.content), index) {
                (Some(Content::List(items)), Some(index)) => {
                    path.push_str(&format!("[{index}]"));
                    here = items.get(index);
                }
                (content, _) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(step);
                    here = match content {
                        Some(Content::Table(entries)) => child(entries, step),
                        _ => None,
                    };
                }
            }
        }
        path
    }

    /// A problem at a span of this file.
    pub(super) fn problem_in(
        &self,
        span: Range<usize>,
        message: String,
        help: Option<String>,
    ) -> Problem {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end.max(start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.text[line_start..];
        let line = rest.split('\n').next().unwrap_or(rest);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let excerpt = Excerpt {
            line: if self.guarded {
                redact::line(line)
            } else {
                line.to_owned()
            },
            start: (start - line_start).min(line.len()),
            end: (end - line_start).min(line.len()),
        };
        Problem {
            file: self.name.clone(),
            line: Some(self.text[..start].matches('\n').count() + 1),
            column: Some(self.text[line_start..start].chars().count() + 1),
            message: readable(message),
            help: help.map(readable),
            excerpt: Some(excerpt.readable()),
        }
    }

    fn boundary(&self, offset: usize) -> usize {
        (0..=offset.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0)
    }

    /// The deepest entry on the way to `path`, and what of the path is left.
    fn walk<'p>(&self, path: &'p str) -> (&Node, &'p str) {
        let (mut node, mut rest) = (&self.root, path);
        while !rest.is_empty() {
            let step = match &node.content {
                Content::List(items) => element(items, rest),
                Content::Table(entries) => entry(entries, rest),
                Content::Text(_)
                | Content::Whole(_)
                | Content::Decimal(_)
                | Content::Flag(_)
                | Content::Moment(_) => None,
            };
            match step {
                Some((next, left)) => (node, rest) = (next, left),
                None => break,
            }
        }
        (node, rest)
    }
}

fn child<'n>(entries: &'n [(String, Node)], key: &str) -> Option<&'n Node> {
    entries
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, node)| node)
}

fn element<'n, 'p>(items: &'n [Node], path: &'p str) -> Option<(&'n Node, &'p str)> {
    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
    Some((items.get(index.parse::<usize>().ok()?)?, rest))
}

/// The longest key that the path begins with, as a key may itself hold a dot.
fn entry<'n, 'p>(entries: &'n [(String, Node)], path: &'p str) -> Option<(&'n Node, &'p str)> {
    let path = path.strip_prefix('.').unwrap_or(path);
    entries
        .iter()
        .filter_map(|(key, node)| Some((key.len(), node, path.strip_prefix(key.as_str())?)))
        .filter(|(_, _, rest)| rest.is_empty() || rest.starts_with(['.', '[']))
        .max_by_key(|(length, _, _)| *length)
        .map(|(_, node, rest)| (node, rest))
}

/// Entries in the file's order.
fn table_content(table: &DeTable<'_>) -> Content {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let node = Node {
                key: key.span(),
                span: value.span(),
                content: content(value.get_ref()),
            };
            (key.get_ref().to_string(), node)
        })
        .collect();
    entries.sort_by_key(|(_, node)| node.key.start);
    Content::Table(entries)
}

fn content(value: &DeValue<'_>) -> Content {
    match value {
        DeValue::String(text) => Content::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Content::Decimal(f64::INFINITY), Content::Whole),
        DeValue::Float(number) => Content::Decimal(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Content::Flag(*flag),
        DeValue::Datetime(moment) => Content::Moment(moment.to_string()),
        DeValue::Array(items) => Content::List(
            items
                .iter()
                .map(|item| Node {
                    key: item.span(),
                    span: item.span(),
                    content: content(item.get_ref()),
                })
                .collect(),
        ),
        DeValue::Table(table) => table_content(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "name = \"ä\"\n[map]\n\"Co. Name\" = \"Company\"\n[[select.criteria]]\nfield = \"A\"\n";

    fn place(text: &str, path: &str, aim: Aim) -> (usize, usize) {
        let (document, broken) = Document::parse("x.toml".into(), text.into(), false);
        assert_eq!(broken, []);
        let problem = document.problem_in(document.locate(path, aim), String::new(), None);
        (problem.line.unwrap(), problem.column.unwrap())
    }

    #[test]
    fn a_path_leads_to_its_key_its_value_or_the_table_around_it() {
        for (path, aim, want) in [
            ("name", Aim::Key, (1, 1)),
            ("name", Aim::Value, (1, 8)),
            ("map.Co. Name", Aim::Value, (3, 14)),
            ("map.Co. Name", Aim::Key, (3, 1)),
            ("map.Missing", Aim::Value, (2, 2)),
            ("select.criteria[0].field", Aim::Value, (5, 9)),
            ("select.criteria[0].value", Aim::Value, (4, 1)),
            ("nothing", Aim::Value, (1, 1)),
        ] {
            assert_eq!(place(TEXT, path, aim), want, "{path}");
        }
    }

    #[test]
    fn a_place_inside_a_string_is_found_unless_it_has_escapes() {
        for (text, want) in [
            ("p = \"(1 and 2\"", Some(9..12)),
            ("p = '(1 and 2'", Some(9..12)),
            ("p = \"\"\"\n(1 and 2\"\"\"", Some(12..15)),
            ("p = \"\\u0028\\u0031 and 2\"", None),
        ] {
            let (document, _) = Document::parse("x.toml".into(), text.into(), false);
            let Some(Content::Text(_)) = document.find("p").map(|node| node.content.clone()) else {
                panic!("{text}");
            };
            assert_eq!(document.inside("p", 4..7), want, "{text}");
        }
    }

    #[test]
    fn of_a_file_that_is_broken_throughout_the_first_errors_are_told() {
        let text = "= = =\n".repeat(30);
        let (_, broken) = Document::parse("x.toml".into(), text, false);
        assert_eq!(broken.len(), ERRORS_MAX + 1);
        let last = broken.last().unwrap();
        assert!(last.message.contains("more places"), "{}", last.message);
        assert!(last.line > broken[0].line, "{last:?}");
    }

    #[test]
    fn a_broken_file_names_every_error_and_keeps_the_rest() {
        let (document, broken) =
            Document::parse("x.toml".into(), "a = \nb = 2\nb = 3\nc = 4\n".into(), false);
        assert_eq!(
            broken.iter().map(|p| p.line.unwrap()).collect::<Vec<_>>(),
            [1, 3]
        );
        assert!(document.find("c").is_some());
    }
}
