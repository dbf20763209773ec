//! A scripted HTTP server on a loopback port, for the tests of this folder.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use secrecy::SecretString;

use super::data_center::{Hosts, Overrides};
use super::http::{Client, ClientOptions};
use super::oauth::{Credentials, Tokens};
use super::retry::Retry;
use crate::clock::Clock;

/// One answer, given once, in turn.
pub(crate) struct Canned {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Canned {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json;charset=UTF-8".into())],
            body: body.into(),
        }
    }

    pub(crate) fn html(status: u16) -> Self {
        Self {
            status,
            headers: vec![("content-type", "text/html".into())],
            body: "<html>sorry, ada@example.org</html>".into(),
        }
    }

    pub(crate) fn zip(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/zip".into())],
            body,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
    headers: HeaderMap,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    pub(crate) fn form(&self, name: &str) -> Option<String> {
        pair(&self.body, name)
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        pair(&self.query, name)
    }
}

fn pair(encoded: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://x/?{encoded}")).unwrap();
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Canned>,
    tokens: VecDeque<Canned>,
    seen: Vec<Seen>,
    tokens_made: usize,
}

/// The server. Token requests are answered by a fresh token unless scripted, and are kept apart from the others.
pub(crate) struct Server {
    url: String,
    script: Arc<Mutex<Script>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(answers: Vec<Canned>) -> Self {
        let script = Arc::new(Mutex::new(Script {
            answers: answers.into(),
            ..Script::default()
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, task }
    }

    pub(crate) fn token_answers(&self, answers: Vec<Canned>) {
        self.script.lock().unwrap().tokens = answers.into();
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    pub(crate) fn tokens_made(&self) -> usize {
        self.script.lock().unwrap().tokens_made
    }

    pub(crate) fn hosts(&self) -> Hosts {
        let url = Some(self.url());
        let overrides = Overrides {
            accounts: url,
            crm: url,
            campaigns: url,
        };
        Hosts::of("com", overrides).unwrap()
    }

    pub(crate) fn tokens(&self, file: std::path::PathBuf, clock: Clock) -> Arc<Tokens> {
        Arc::new(Tokens::new(
            client(),
            self.hosts(),
            "main".parse().unwrap(),
            credentials("1000.refresh"),
            file,
            clock,
        ))
    }
}

pub(crate) fn credentials(refresh_token: &str) -> Credentials {
    Credentials {
        client_id: "1000.ID".into(),
        client_secret: SecretString::from("s3cret"),
        refresh_token: SecretString::from(refresh_token.to_owned()),
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut script = script.lock().unwrap();
    let canned = if uri.path() == "/oauth/v2/token" {
        script.tokens_made += 1;
        let fresh = format!(
            r#"{{"access_token":"1000.access.{}","expires_in":3600,"token_type":"Bearer"}}"#,
            script.tokens_made
        );
        let scripted = script.tokens.pop_front();
        scripted.unwrap_or_else(|| Canned::json(200, &fresh))
    } else {
        script.seen.push(Seen {
            method: method.to_string(),
            path: uri.path().into(),
            query: uri.query().unwrap_or_default().into(),
            body: String::from_utf8(body.to_vec()).unwrap(),
            headers,
        });
        let next = script.answers.pop_front();
        next.expect("more calls than the test scripted answers for")
    };
    let mut response = Response::builder().status(canned.status);
    for (name, value) in canned.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(canned.body)).unwrap()
}

/// Installs the TLS provider, unless another test has.
pub(crate) fn install_tls() {
    let installed = rustls::crypto::ring::default_provider().install_default();
    drop(installed);
}

pub(crate) fn client() -> Client {
    install_tls();
    Client::new(ClientOptions::default()).unwrap()
}

/// Tries again at once; patient enough for a slow machine.
pub(crate) fn hasty() -> Retry {
    Retry {
        give_up_after: Duration::from_secs(60),
        first_delay: Duration::from_millis(1),
    }
}

/// Does not try again.
pub(crate) fn impatient() -> Retry {
    Retry {
        give_up_after: Duration::ZERO,
        ..hasty()
    }
}
