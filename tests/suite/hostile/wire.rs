//! What is not quite HTTP, sent by hand: each call that meets it fails as a broken connection does.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{assert_recovers, rig, undisturbed};
use crate::rig::ran;

/// Serves the same bytes to everybody until the process ends, and answers where.
fn serving(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let bytes = bytes.clone();
            std::thread::spawn(move || {
                // Whatever is asked, and whether or not it is wanted.
                let mut asked = [0; 65536];
                let _asked = stream.read(&mut asked);
                stream.write_all(&bytes).ok();
            });
        }
    });
    url
}

fn answers() -> Vec<(&'static str, Vec<u8>)> {
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let body = r#"{"data":[],"info":{"more_records":false},"code":"0"}"#;
    let many: String = (0..5000).map(|n| format!("x-{n}: y\r\n")).collect();
    vec![
        (
            "not UTF-8",
            [
                format!("{ok}content-length: 12\r\n\r\n").as_bytes(),
                b"{\"code\":\"\xff\"}",
            ]
            .concat(),
        ),
        (
            "a control byte in a header",
            format!("{ok}x-a: \x01\x02\x1b[2J\r\ncontent-length: 2\r\n\r\n{{}}").into_bytes(),
        ),
        (
            "a NUL in a header",
            format!("{ok}x-a: \0\r\ncontent-length: 2\r\n\r\n{{}}").into_bytes(),
        ),
        (
            "an early answer without an end",
            "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2000).into_bytes(),
        ),
        (
            "two lengths",
            format!("{ok}content-length: 2\r\ncontent-length: 9\r\n\r\n{body}").into_bytes(),
        ),
        (
            "a length below nought",
            format!("{ok}content-length: -1\r\n\r\n{body}").into_bytes(),
        ),
        (
            "a length that never comes",
            format!("{ok}content-length: 99999999999\r\n\r\n{body}").into_bytes(),
        ),
        (
            "a piece beyond measure",
            format!("{ok}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n{body}")
                .into_bytes(),
        ),
        (
            "a status beyond",
            b"HTTP/1.1 999 \x1b[2J\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00".to_vec()),
        ("headers without an end", format!("{ok}{many}").into_bytes()),
        ("nothing", Vec::new()),
        (
            "what is no gzip",
            format!("{ok}content-encoding: gzip\r\ncontent-length: 52\r\n\r\n{body}").into_bytes(),
        ),
        (
            "an upgrade",
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"
                .to_vec(),
        ),
    ]
}

#[test]
fn what_is_not_quite_http_is_a_broken_connection_whichever_service_it_comes_from() {
    let rig = rig();
    for (number, (name, bytes)) in answers().into_iter().enumerate() {
        let url = serving(bytes);
        let services = [
            ("ACCOUNTS_URL", "token"),
            ("CRM_URL", "CRM"),
            ("CAMPAIGNS_URL", "Campaigns"),
        ];
        let (key, said) = services[number % services.len()];
        // A token that is there is not asked for.
        if key == "ACCOUNTS_URL" {
            std::fs::remove_dir_all(rig.path("state/tokens")).ok();
        }
        let mut command = rig.command("sync newsletter");
        command.env(format!("ROSTERD_ACCOUNTS__MAIN__{key}"), url);
        let ran = ran(command);
        assert_eq!(ran.code, Some(75), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{name}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains(|c: char| c.is_control() && c != '\n'),
            "{name}: {:?}",
            ran.stderr
        );
    }
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    let wanted = undisturbed(&self::rig());
    assert_recovers(&rig, &wanted);
}
