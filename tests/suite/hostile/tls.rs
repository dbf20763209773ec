//! HTTPS with somebody else: a certificate for another name, or of nobody we trust, ends the call before a word is said.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::rig;
use crate::rig::{Ran, Rig, ran};

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/hostile/tls");
    folder.join(name)
}

/// What a server was told by one caller: nothing where they did not come to terms.
type Heard = mpsc::Receiver<Vec<u8>>;

/// Serves TLS to one caller with the certificate of a file, and answers where.
fn serving(name: &str) -> (String, Heard) {
    let certificates = CertificateDer::pem_file_iter(file(name)).unwrap();
    let key = PrivateKeyDer::from_pem_file(file(name)).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates.map(Result::unwrap).collect(), key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (heard, hearing) = mpsc::channel();
    std::thread::spawn(move || {
        // Callers try again, so there may be several; who waits is told of each.
        for stream in listener.incoming() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = stream.unwrap();
            let mut stream = rustls::Stream::new(&mut connection, &mut stream);
            let mut bytes = [0; 16384];
            // An error here is a caller who went away.
            let count = stream.read(&mut bytes).unwrap_or(0);
            stream
                .write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
                .ok();
            if heard.send(bytes[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    (url, hearing)
}

/// A run whose service of this key is at a URL, by somebody who trusts the authorities of a file.
fn called(rig: &Rig, key: &str, url: &str, trusted: Option<&str>) -> Ran {
    let mut command = rig.command("sync newsletter");
    command.env(format!("ROSTERD_ACCOUNTS__MAIN__{key}"), url);
    command.env_remove("SSL_CERT_DIR");
    if let Some(trusted) = trusted {
        command.env("SSL_CERT_FILE", file(trusted));
    }
    ran(command)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_service_with_the_right_certificate_is_spoken_to() {
    // Without this the others would prove nothing.
    let (url, heard) = serving("here.pem");
    let ran = called(&rig(), "ACCOUNTS_URL", &url, Some("authority.pem"));
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert!(text(&heard.recv().unwrap()).contains("POST /oauth/v2/token"));
}

#[test]
fn a_certificate_for_another_name_or_of_nobody_we_trust_ends_the_call_before_a_secret_is_said() {
    for (certificate, trusted, said) in [
        ("elsewhere.pem", Some("authority.pem"), "not valid for name"),
        ("here.pem", None, "UnknownIssuer"),
    ] {
        for key in ["ACCOUNTS_URL", "CRM_URL", "CAMPAIGNS_URL"] {
            let (url, heard) = serving(certificate);
            let ran = called(&rig(), key, &url, trusted);
            assert_eq!(ran.code, Some(75), "{certificate} {key}: {}", ran.stderr);
            for part in ["127.0.0.1", "certificate", said] {
                assert!(ran.stderr.contains(part), "no {part}: {}", ran.stderr);
            }
            assert_eq!(text(&heard.recv().unwrap()), "", "{certificate} {key}");
        }
    }
}
