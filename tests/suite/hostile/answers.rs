//! The answers: too much, too deep, too odd, and to be had elsewhere.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};

/// An answer instead of the one that the service would give.
pub(super) struct Answer {
    pub(super) name: &'static str,
    /// The fault that gives it.
    pub(super) what: Value,
    /// It may say "nothing there" or "nothing changed", which some calls may be told.
    pub(super) is_nothing: bool,
    /// Where it wants to send the caller.
    elsewhere: Option<TcpListener>,
}

impl Answer {
    fn new(name: &'static str, what: Value) -> Self {
        Self {
            name,
            what,
            is_nothing: false,
            elsewhere: None,
        }
    }

    fn of(name: &'static str, body: &str) -> Self {
        let what =
            json!({"status": {"status": 200, "content_type": "application/json", "body": body}});
        Self::new(name, what)
    }

    fn poured(name: &'static str, pour: Value) -> Self {
        Self::new(name, json!({ "pour": pour }))
    }

    fn nothing(name: &'static str, status: u16) -> Self {
        Self {
            is_nothing: true,
            ..Self::new(name, json!({"status": {"status": status}}))
        }
    }

    fn elsewhere(name: &'static str, status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        // Another host to a client, though the same machine.
        let port = listener.local_addr().unwrap().port();
        let headers = json!({"location": format!("http://localhost:{port}/oauth/v2/token")});
        Self {
            elsewhere: Some(listener),
            ..Self::new(
                name,
                json!({"status": {"status": status, "headers": headers}}),
            )
        }
    }

    /// Nobody came to where it sent them, and so no token either.
    pub(super) fn assert_not_followed(&self) {
        if let Some(listener) = &self.elsewhere {
            let nobody = listener.accept().unwrap_err();
            assert_eq!(nobody.kind(), ErrorKind::WouldBlock, "{}", self.name);
        }
    }
}

/// All of them.
pub(super) fn answers() -> Vec<Answer> {
    const GIB: u64 = 1 << 30;
    let long = json!({"x-long": "x".repeat(600_000)});
    vec![
        Answer::poured(
            "a GiB, announced",
            json!({"again": "x", "bytes": GIB, "announced": true}),
        ),
        Answer::poured(
            "a GiB of rows",
            json!({"first": "{\"data\":[", "again": "{},", "bytes": GIB}),
        ),
        Answer::poured("blanks without an end", json!({"again": " "})),
        Answer::poured(
            "a gzip bomb",
            json!({"first": "[", "again": "0,", "gzip": true}),
        ),
        Answer::poured(
            "many small values",
            json!({"first": "{\"code\":\"0\",\"data\":[", "again": "[],", "bytes": 50 << 20}),
        ),
        Answer::poured(
            "a page as a file",
            json!({"again": "x", "bytes": GIB, "content_type": "application/octet-stream"}),
        ),
        Answer::of("lists in lists", &"[".repeat(100_000)),
        Answer::of("objects in objects", &"{\"data\":".repeat(100_000)),
        Answer::of("NULs", &"\0".repeat(5000)),
        Answer::of(
            "half a surrogate",
            r#"{"data":[{"id":"\ud800"}],"info":{"more_records":false},"code":"\udc00","access_token":"\ud800"}"#,
        ),
        Answer::of(
            "keys twice",
            r#"{"data":[{"id":"1"}],"data":[{"id":{}}],"access_token":"a","access_token":"b"}"#,
        ),
        Answer::of(
            "numbers beyond measure",
            r#"{"data":[{"id":18446744073709551616,"zgid":1e999}],"info":{"more_records":1e400},"expires_in":1e99}"#,
        ),
        Answer::of(
            "no number",
            r#"{"data":[{"id":NaN}],"info":{"more_records":Infinity}}"#,
        ),
        Answer::of("null", "null"),
        Answer::of(
            "a token with a line break",
            r#"{"access_token":"a\r\nHost: example.org","code":"\r\n"}"#,
        ),
        Answer::of(
            "an error that commands",
            r#"{"code":"\u001b[2J","message":"\u001b]52;c;eA==\u0007","status":"error"}"#,
        ),
        Answer::elsewhere("a redirect", 302),
        Answer::elsewhere("a redirect that keeps the method", 307),
        Answer::nothing("nothing there", 204),
        Answer::nothing("nothing changed", 304),
        Answer::new(
            "a header of 600 kB",
            json!({"status": {"status": 200, "headers": long}}),
        ),
    ]
}
