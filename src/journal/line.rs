//! An event as a line of JSON, and back: one line per event, whatever its texts hold.
//!
//! Reading is tolerant where later versions may add (events, keys, kinds of error) and strict where they may not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bounded;
use super::event::{Event, time};
use crate::domain::escape::escape_json;

/// The version that lines are written in, and the newest that is read.
pub const FORMAT: u32 = 1;

/// One line as written: the version and the time, then the event.
#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    #[serde(with = "time")]
    at: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

/// Renders the line of an event, newline included.
///
/// # Errors
/// None that an [`Event`] can cause; serde's signature asks for it.
pub fn render(at: Timestamp, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    let written = Written {
        v: FORMAT,
        at,
        event,
    };
    let line = serde_json::to_string(&written)?;
    // A terminal may be what it is read on.
    let mut line = escape_json(&line).into_owned().into_bytes();
    line.push(b'\n');
    Ok(line)
}

/// What every line has, whatever its event.
#[derive(Deserialize)]
struct Head {
    v: u32,
    at: Timestamp,
    event: String,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When it happened.
    pub at: Timestamp,
    /// The event; none where a later version wrote one that this one does not know.
    pub event: Option<Event>,
    /// The line as it stands in the file, unknown keys included, without its newline.
    pub text: String,
}

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not JSON, or not the keys and values an event has.
    #[error("not a journal line")]
    Syntax(#[from] serde_json::Error),
    /// Written by a later version.
    #[error("written in format {0}, which needs a newer rosterd")]
    Newer(u32),
    /// Not UTF-8.
    #[error("not UTF-8 text")]
    Encoding,
    /// Longer than any that is written.
    #[error("longer than any line that rosterd writes")]
    TooLong,
}

/// Reads one line, without its newline.
///
/// # Errors
/// See [`LineError`]. An unknown event or key is no error.
pub fn parse(bytes: &[u8]) -> Result<Line, LineError> {
    if bounded::is_too_long(bytes) {
        return Err(LineError::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| LineError::Encoding)?;
    let head: Head = serde_json::from_str(text)?;
    if head.v > FORMAT {
        return Err(LineError::Newer(head.v));
    }
    let event = match Event::NAMES.contains(&head.event.as_str()) {
        true => Some(serde_json::from_str(text)?),
        false => None,
    };
    Ok(Line {
        at: head.at,
        event,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::event::{ErrorKind, RunError};
    use crate::journal::samples;

    #[test]
    fn a_finished_run_is_written_key_by_key_as_promised() {
        let line = render(
            "2026-11-22T02:30:08.4129Z".parse().unwrap(),
            &samples::finished(),
        );
        let promised = concat!(
            r#"{"v":1,"at":"2026-11-22T02:30:08.412Z","event":"run.finished","run":"01JD9Z6M3N2E8QW5RTYVB7K4XC","#,
            r#""sync":"hospitality","account":"main","trigger":"scheduled","outcome":"completed","full":false,"#,
            r#""from":"2026-11-21T02:30:02.000Z","to":"2026-11-22T02:30:02.000Z","total":120,"new":14,"re_added":1,"#,
            r#""duplicate":98,"updated":9,"ignored":7,"deleted":2,"not_selected":31,"ignored_by":{"empty_email":1,"#,
            r#""invalid_pattern":1,"group_email":2,"opted_out":1,"converted":0,"file_duplicate":1,"not_cleared":0,"#,
            r#""do_not_mail":1,"bounced":0,"blocked":0,"other":0},"crm":{"calls":3,"credits":5},"campaigns":{"calls":30},"#,
            r#""elapsed_ms":6210,"error":null}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(line.unwrap()).unwrap(), promised);
    }

    #[test]
    fn every_event_reads_back_from_its_line() {
        assert_eq!(samples::every_event().len(), Event::NAMES.len());
        for (event, name) in samples::every_event().into_iter().zip(Event::NAMES) {
            let at = "2026-11-22T02:30:00Z".parse().unwrap();
            let line = render(at, &event).unwrap();
            let read = parse(line.trim_ascii_end()).unwrap();
            assert!(read.text.contains(&format!("\"event\":\"{name}\"")));
            assert_eq!((read.at, read.event), (at, Some(event)));
        }
    }

    #[test]
    fn what_later_versions_add_does_not_stop_a_reader() {
        for (text, known) in [
            (
                r#"{"v":1,"at":"2026-11-22T02:30:00.000Z","event":"address.merged","reason":"x"}"#,
                false,
            ),
            (
                r#"{"v":1,"at":"2026-11-22T02:30:00.000Z","event":"sync.activated","sync":"a","account":"b","more":[1]}"#,
                true,
            ),
        ] {
            assert_eq!(
                parse(text.as_bytes()).unwrap().event.is_some(),
                known,
                "{text}"
            );
        }
        for text in [
            "",
            "{}",
            r#"{"v":2,"at":"2026-11-22T02:30:00.000Z","event":"sync.activated","sync":"a","account":"b"}"#,
            r#"{"v":1,"at":"2026-11-22T02:30:00.000Z","event":"sync.activated","sync":"A"}"#,
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let kind: ErrorKind = serde_json::from_str("\"invented_later\"").unwrap();
        assert_eq!(kind, ErrorKind::Other);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_line_is_one_line_whatever_the_message(message in ".*") {
            let Event::RunFinished(mut run) = samples::finished() else { unreachable!() };
            run.error = Some(RunError { kind: ErrorKind::Other, message });
            let event = Event::RunFinished(run);
            let line = render(Timestamp::UNIX_EPOCH, &event).unwrap();
            prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            prop_assert_eq!(parse(line.trim_ascii_end()).unwrap().event, Some(event));
        }
    }
}
