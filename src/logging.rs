//! Log lines: their format, level and destination.
//!
//! Whatever the filter says, libraries log nothing below `info`: at `debug` and `trace` the HTTP ones show headers, and
//! those hold tokens. Lines go to stderr or to the systemd journal, never to stdout, which belongs to results. Each stays
//! one line and commands no terminal, whatever names and texts from elsewhere are in it; the journal's tools see to that
//! themselves.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use tracing::{Level, Metadata, Subscriber};
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::settings::{Log, LogFormat};
use crate::domain::escape::{escape, escape_json};

/// Level of the commands that are not the daemon, unless [`LEVEL_VARIABLE`] says otherwise.
const COMMAND_LEVEL: &str = "warn";
/// The environment's name for `log.level`.
const LEVEL_VARIABLE: &str = "ROSTERD_LOG__LEVEL";
/// What begins a colour on a terminal.
const COLOUR: &str = "\u{1b}[";
/// What log targets of our own begin with.
const OWN: &str = "rosterd";

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// Neither a level nor filter directives.
    #[error(
        "cannot use `{level}` as log level: use error, warn, info, debug, trace or directives like `rosterd=debug`"
    )]
    Level {
        /// What the settings say.
        level: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// journald was asked for and does not answer.
    #[error(
        "cannot log to journald: set `log.format` to text or json, or start rosterd under systemd"
    )]
    Journald(#[source] io::Error),
    /// Logging was set up before, or is gone.
    #[error("cannot set up logging twice in one process")]
    Twice,
}

/// Changes the level of a process that logs already.
#[derive(Debug, Clone)]
pub struct LoggingHandle(reload::Handle<EnvFilter, Registry>);

impl LoggingHandle {
    /// Takes over a new level; the format stays as it was at the start.
    ///
    /// # Errors
    /// When the level cannot be read; then the old one stays.
    pub fn reload(&self, log: &Log) -> Result<(), LoggingError> {
        let filter = filter(&log.level)?;
        self.0.reload(filter).map_err(|_| LoggingError::Twice)
    }
}

/// The `[log]` table that a command other than the daemon uses: text on stderr, warnings and worse, unless the
/// environment names a level.
#[must_use]
pub fn for_command(environment: &[(String, String)]) -> Log {
    let named = environment.iter().find(|(name, _)| name == LEVEL_VARIABLE);
    Log {
        level: named.map_or(COMMAND_LEVEL, |(_, level)| level).to_owned(),
        format: LogFormat::Text,
    }
}

/// Starts logging for the whole process.
///
/// # Errors
/// See [`LoggingError`].
pub fn init(log: &Log) -> Result<LoggingHandle, LoggingError> {
    let terminal = io::stderr().is_terminal();
    let format = match log.format {
        LogFormat::Auto => choose(stderr_is_journal(), terminal),
        format @ (LogFormat::Journald | LogFormat::Json | LogFormat::Text) => format,
    };
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    Registry::default()
        .with(filter)
        .with(filter_fn(may_be_shown))
        .with(layer(format, terminal, log.format == LogFormat::Auto)?)
        .try_init()
        .map_err(|_| LoggingError::Twice)?;
    Ok(LoggingHandle(handle))
}

/// A level is ours, with warnings of everyone else; anything more is taken as directives.
fn filter(level: &str) -> Result<EnvFilter, LoggingError> {
    let directives = match level.parse::<Level>() {
        Ok(level) if level < Level::WARN => "error".to_owned(),
        Ok(level) => format!("warn,{OWN}={level}"),
        Err(_) => level.to_owned(),
    };
    EnvFilter::try_new(directives).map_err(|source| LoggingError::Level {
        level: level.to_owned(),
        source,
    })
}

fn may_be_shown(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || line.target().starts_with(OWN)
}

fn choose(journal: bool, terminal: bool) -> LogFormat {
    if journal {
        LogFormat::Journald
    } else if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    }
}

/// systemd names the device and inode of the stream it connected; a redirected stderr is another one. This is a fact
/// about the process and no setting, so it is asked here and not in `config`.
fn stderr_is_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(io::stderr())
        .is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}

type Boxed<S> = Box<dyn Layer<S> + Send + Sync>;

fn layer<S>(format: LogFormat, terminal: bool, fall_back: bool) -> Result<Boxed<S>, LoggingError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match format {
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => Ok(Box::new(layer.with_priority_mappings(priorities()))),
            Err(_) if fall_back => Ok(json()),
            Err(error) => Err(LoggingError::Journald(error)),
        },
        LogFormat::Json | LogFormat::Auto => Ok(json()),
        LogFormat::Text => {
            let text = fmt::layer().with_target(false).with_ansi(terminal);
            let line = match terminal {
                true => Line::Coloured,
                false => Line::Plain,
            };
            Ok(Box::new(
                text.with_writer(move || Harmless(line, io::stderr())),
            ))
        }
    }
}

fn json<S>() -> Boxed<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let json = fmt::layer().json().flatten_event(true);
    Box::new(json.with_writer(|| Harmless(Line::Json, io::stderr())))
}

/// What a line of the log is.
#[derive(Debug, Clone, Copy)]
enum Line {
    Plain,
    /// With the library's own colours; it spells out the escapes of what it is given.
    Coloured,
    Json,
}

impl Line {
    /// A line that stays one, and commands no terminal, whatever texts from elsewhere are in it.
    fn harmless(self, line: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => escape(line),
            Self::Coloured if line.contains(COLOUR) => {
                let parts = line.split(COLOUR).map(escape);
                Cow::Owned(parts.collect::<Vec<_>>().join(COLOUR))
            }
            Self::Coloured => escape(line),
            Self::Json => escape_json(line),
        }
    }
}

/// Writes lines that are harmless; each comes whole.
struct Harmless<W>(Line, W);

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let end = &text[line.len()..];
        let harmless = self.0.harmless(line);
        // At one stroke, so that lines of several threads do not mix.
        self.1.write_all(format!("{harmless}{end}").as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

fn priorities() -> PriorityMappings {
    PriorityMappings {
        info: Priority::Informational,
        debug: Priority::Debug,
        ..PriorityMappings::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_follows_where_stderr_goes() {
        for (journal, terminal, want) in [
            (true, false, LogFormat::Journald),
            (true, true, LogFormat::Journald),
            (false, true, LogFormat::Text),
            (false, false, LogFormat::Json),
        ] {
            assert_eq!(choose(journal, terminal), want, "{journal} {terminal}");
        }
    }

    #[test]
    fn a_level_is_ours_and_directives_are_anyones() {
        for (level, want) in [
            ("error", "error"),
            ("info", "rosterd=info,warn"),
            ("DEBUG", "rosterd=debug,warn"),
            ("rosterd::run=trace,info", "rosterd::run=trace,info"),
        ] {
            assert_eq!(filter(level).unwrap().to_string(), want);
        }
        let error = filter("rosterd=loud").unwrap_err().to_string();
        assert!(error.contains("`rosterd=loud`"), "{error}");
    }

    #[test]
    fn a_line_stays_one_and_commands_nothing_but_its_own_colours() {
        for (line, text, want) in [
            (Line::Plain, "a\nb\u{202e}\n", "a\\nb\\u{202e}\n"),
            (
                Line::Coloured,
                "\u{1b}[2ma\u{1b}[0m\r\u{9b}\n",
                "\u{1b}[2ma\u{1b}[0m\\r\\u{9b}\n",
            ),
            (
                Line::Json,
                "{\"a\":\"\u{9b}\u{202e}\"}\n",
                "{\"a\":\"\\u009b\\u202e\"}\n",
            ),
        ] {
            let mut written = Vec::new();
            Harmless(line, &mut written)
                .write_all(text.as_bytes())
                .unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), want, "{line:?}");
        }
    }

    #[test]
    fn commands_warn_unless_the_environment_names_a_level() {
        assert_eq!(for_command(&[]).level, "warn");
        let named = [(LEVEL_VARIABLE.to_owned(), "debug".to_owned())];
        assert_eq!(for_command(&named).level, "debug");
    }
}
