//! What commands print: results on stdout, everything else on stderr, colour only on a terminal.
//!
//! Text that comes from a service or a file goes through [`escape`] before a terminal sees it.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::args::Options;
pub use crate::domain::escape::escape;
use crate::domain::escape::escape_json;

/// How to print, decided once per process.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// JSON instead of text.
    pub json: bool,
    /// Results and errors only.
    pub quiet: bool,
    /// Colour on stdout.
    pub colour: bool,
    /// Colour on stderr.
    pub colour_errors: bool,
    /// Columns of the terminal on stdout; none if it is not one.
    pub width: Option<usize>,
}

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// A heading.
    Bold,
    /// Of less interest.
    Dim,
    /// Something is wrong.
    Red,
    /// Someone should look.
    Yellow,
    /// All is well.
    Green,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Red => "\x1b[31m",
            Self::Yellow => "\x1b[33m",
            Self::Green => "\x1b[32m",
        }
    }
}

impl Report {
    /// As the options, the terminal and `NO_COLOR` (any text but none, see no-color.org) say.
    #[must_use]
    pub fn new(options: &Options, no_color: bool) -> Self {
        let plain = options.no_color || no_color;
        Self {
            json: options.json,
            quiet: options.quiet,
            colour: !plain && io::stdout().is_terminal(),
            colour_errors: !plain && io::stderr().is_terminal(),
            width: terminal_width(),
        }
    }

    /// For text that is printed elsewhere.
    #[must_use]
    pub fn coloured(colour: bool) -> Self {
        Self {
            json: false,
            quiet: false,
            colour,
            colour_errors: false,
            width: None,
        }
    }

    /// Prints results, with a newline behind them.
    ///
    /// # Errors
    /// When stdout takes no more.
    pub fn print(&self, text: &str) -> io::Result<()> {
        // What is text is escaped where it is put together, for it may have colours of ours in it.
        let text = match self.json {
            true => escape_json(text),
            false => Cow::Borrowed(text),
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// Prints one JSON document on a line.
    ///
    /// # Errors
    /// When stdout takes no more.
    pub fn print_json(&self, document: &impl Serialize) -> io::Result<()> {
        self.print(&serde_json::to_string(document)?)
    }

    /// Says something beside the results, unless asked to be quiet. A stderr that is closed is nobody's concern.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Warns of something that does not stop the command.
    pub fn warn(&self, text: &str) {
        let label = paint(self.colour_errors, Style::Yellow, "warning");
        let _ = writeln!(io::stderr(), "{label}: {}", escape(text));
    }

    /// Says why the command ended.
    pub fn error(&self, text: &str) {
        let label = paint(self.colour_errors, Style::Red, "error");
        let _ = writeln!(io::stderr(), "{label}: {text}");
    }

    /// Shows problems that are rendered already.
    pub fn problems(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Text for stdout that stands out there.
    #[must_use]
    pub fn paint(&self, style: Style, text: &str) -> String {
        paint(self.colour, style, text)
    }
}

fn paint(colour: bool, style: Style, text: &str) -> String {
    if colour && style != Style::Plain && !text.is_empty() {
        format!("{}{text}\x1b[0m", style.code())
    } else {
        text.to_owned()
    }
}

fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// A number with its thousands apart: `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun, which takes an `s` unless it is one of them.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// How long something took, as exactly as a person cares: `412 ms`, `6.2 s`, `4 m 05 s`, `1 h 04 m`.
#[must_use]
pub fn took(millis: u64) -> String {
    let (seconds, minutes) = (millis / 1000, millis / 60_000);
    match seconds {
        0 => format!("{millis} ms"),
        1..=59 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..=3599 => format!("{minutes} m {:02} s", seconds % 60),
        3600.. => format!("{} h {:02} m", minutes / 60, minutes % 60),
    }
}

/// A time in a zone, to the second.
#[must_use]
pub fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// A time in a zone, to the minute.
#[must_use]
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// A zone's name for people.
#[must_use]
pub fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("local time")
}

/// The instant `millis` before another.
#[must_use]
pub fn before(at: Timestamp, millis: u64) -> Timestamp {
    let span = SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_read_well() {
        for (number, want) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), want);
        }
        for (millis, want) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (6210, "6.2 s"),
            (59_999, "59.9 s"),
            (245_000, "4 m 05 s"),
            (3_899_000, "1 h 04 m"),
            (90_000_000, "25 h 00 m"),
        ] {
            assert_eq!(took(millis), want);
        }
        assert_eq!(counted(1, "sync"), "1 sync");
        assert_eq!(counted(0, "sync"), "0 syncs");
    }

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        assert_eq!(paint(false, Style::Red, "x"), "x");
        assert_eq!(paint(true, Style::Red, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(paint(true, Style::Plain, "x"), "x");
    }
}
