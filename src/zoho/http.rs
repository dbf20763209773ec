//! The HTTP client of the process: where a request may go, how long it may take, how large an answer may be.
//!
//! Plain HTTP is spoken to loopback addresses only, redirects are not followed, and every wait and every body has a
//! bound, so that a service that hangs or never stops sending costs a known amount of time and memory. What the
//! answer means is for the callers to say.

mod body;
mod error;
mod message;

use std::time::Duration;

use reqwest::{StatusCode, Url, header};
use secrecy::ExposeSecret;

pub use self::error::TransportError;
use self::message::Body;
pub(super) use self::message::{Answer, Request, iso_8601};

/// Bounds of every request.
#[derive(Debug, Clone, Copy)]
pub struct ClientOptions {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest silence, before the answer and within it.
    pub read_timeout: Duration,
    /// Longest time for a request as a whole.
    pub timeout: Duration,
    /// Largest body of an answer, unpacked.
    pub body_bytes_max: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(300),
            body_bytes_max: 64 << 20,
        }
    }
}

/// The client; clones share its connections. The process needs one.
#[derive(Debug, Clone)]
pub struct Client {
    outside: reqwest::Client,
    /// For loopback addresses: plain HTTP is allowed and no proxy is asked.
    loopback: reqwest::Client,
    options: ClientOptions,
}

/// The client could not be made; usually the system's root certificates are missing.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot set up the HTTP client; check that the system's root certificates (ca-certificates) are installed"
)]
pub struct ClientError(#[source] reqwest::Error);

impl Client {
    /// A client with these bounds. The process's rustls provider must have been installed before.
    ///
    /// # Errors
    /// The TLS configuration of the system cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("rosterd/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect_timeout)
                .read_timeout(options.read_timeout)
                .timeout(options.timeout)
                .redirect(reqwest::redirect::Policy::none())
        };
        Ok(Self {
            outside: builder().https_only(true).build().map_err(ClientError)?,
            loopback: builder().no_proxy().build().map_err(ClientError)?,
            options,
        })
    }

    /// Sends one request and reads the whole answer, whatever its status.
    pub(super) async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        let url = Url::parse(&request.url).map_err(|_| TransportError::Url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = self.for_url(&url, &host)?;
        let mut builder = client.request(request.method.clone(), url);
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        if let Some(since) = request.modified_since {
            builder = builder.header(header::IF_MODIFIED_SINCE, iso_8601(since));
        }
        if let Some(token) = &request.token {
            let value = format!("Zoho-oauthtoken {}", token.expose_secret());
            builder = builder.header(header::AUTHORIZATION, value);
        }
        builder = match &request.body {
            Body::None => builder,
            Body::Form(pairs) => builder.form(pairs),
            Body::Json(json) => builder.json(json),
        };
        if request.download.is_some() {
            builder = builder.timeout(body::DOWNLOAD_TIME_MAX);
        }
        let sent = builder.send().await;
        let mut response = sent.map_err(|error| self.lost(&host, error))?;
        if response.status() == StatusCode::NOT_MODIFIED && request.modified_since.is_none() {
            return Err(TransportError::Unchanged { host });
        }
        let mut answer = Answer::of(response.status().as_u16(), response.headers());
        match request.download.as_ref().filter(|_| answer.is_download()) {
            Some(download) => {
                self.save(&host, &mut response, download).await?;
                answer.in_file = true;
            }
            None => answer.body = self.read(&host, &mut response).await?,
        }
        Ok(answer)
    }

    fn for_url(&self, url: &Url, host: &str) -> Result<&reqwest::Client, TransportError> {
        if is_loopback(url) {
            Ok(&self.loopback)
        } else if url.scheme() == "https" {
            Ok(&self.outside)
        } else {
            Err(TransportError::Plain {
                host: host.to_owned(),
            })
        }
    }

    fn lost(&self, host: &str, error: reqwest::Error) -> TransportError {
        let host = host.to_owned();
        // Without its URL: a list key or a page token may be in it.
        let source = error.without_url();
        if source.is_connect() {
            TransportError::Connect { host, source }
        } else if source.is_timeout() {
            let seconds = self.options.read_timeout.as_secs();
            TransportError::Silent { host, seconds }
        } else {
            TransportError::Broken { host, source }
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback_ip = |ip: std::net::IpAddr| ip.is_loopback();
    bare == "localhost" || bare.parse().is_ok_and(is_loopback_ip)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::domain::failure::Failure;
    use crate::zoho::testing::{Canned, Server, client};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_loopback_addresses_may_be_called_without_tls() {
        crate::zoho::testing::install_tls();
        let client = Client::new(ClientOptions::default()).unwrap();
        for (url, allowed) in [
            ("https://www.zohoapis.eu/crm", true),
            ("http://127.0.0.1:8080/crm", true),
            ("http://[::1]:8080/crm", true),
            ("http://localhost/crm", true),
            ("http://www.zohoapis.eu/crm", false),
            ("http://localhost.example.org/", false),
            ("http://10.0.0.1/", false),
            ("ftp://www.zohoapis.eu/", false),
        ] {
            let url = Url::parse(url).unwrap();
            let host = url.host_str().unwrap().to_owned();
            assert_eq!(client.for_url(&url, &host).is_ok(), allowed, "{url}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_read_with_its_headers() {
        let server = Server::start(vec![
            Canned::json(200, r#"{"a":1}"#)
                .header("date", "Sun, 22 Nov 2026 02:30:08 GMT")
                .header("retry-after", "3"),
        ])
        .await;
        let request = Request::form(format!("{}/x", server.url()), vec![("k", "a b&c".into())]);
        let answer = client().send(&request).await.unwrap();
        assert_eq!(
            (answer.status, answer.media_type.as_str()),
            (200, "application/json")
        );
        assert_eq!(answer.service_time, Some(at("2026-11-22T02:30:08Z")));
        assert_eq!(answer.retry_after, Some(Duration::from_secs(3)));
        assert_eq!(answer.body, br#"{"a":1}"#);
        let seen = server.seen();
        assert_eq!(seen[0].form("k").as_deref(), Some("a b&c"));
        assert!(seen[0].header("user-agent").starts_with("rosterd/"));
    }

    #[tokio::test]
    async fn a_body_beyond_the_bound_is_not_kept() {
        let server = Server::start(vec![Canned::json(200, &"x".repeat(2 << 20))]).await;
        crate::zoho::testing::install_tls();
        let client = Client::new(ClientOptions {
            body_bytes_max: 1 << 20,
            ..ClientOptions::default()
        })
        .unwrap();
        let request = Request::get(server.url().to_owned(), vec![]);
        let error = client.send(&request).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the answer of 127.0.0.1 is larger than 1 MiB"
        );
    }

    #[tokio::test]
    async fn a_body_of_more_values_than_it_may_have_is_not_decoded() {
        let server = Server::start(vec![
            Canned::json(200, &format!("[0{}]", ",0".repeat(1_999_998))),
            Canned::json(200, &format!("[0{}]", ",0".repeat(2_000_000))),
        ])
        .await;
        let request = Request::get(server.url().to_owned(), vec![]);
        assert!(client().send(&request).await.is_ok());
        let error = client().send(&request).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the answer of 127.0.0.1 has more than 2000000 values in it"
        );
        assert_eq!(error.failure(), Failure::Refused);
    }

    #[tokio::test]
    async fn an_answer_that_comes_byte_by_byte_is_given_up_after_the_time_of_a_whole_one() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let dripping = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
            stream.write_all(head).await.unwrap();
            // Ends when the client has gone.
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        crate::zoho::testing::install_tls();
        let client = Client::new(ClientOptions {
            read_timeout: Duration::from_secs(60),
            timeout: Duration::from_millis(300),
            ..ClientOptions::default()
        })
        .unwrap();
        let error = client.send(&Request::get(url, vec![])).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Unreachable, "{error}");
        dripping.await.unwrap();
    }

    #[tokio::test]
    async fn a_service_that_hangs_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        crate::zoho::testing::install_tls();
        let client = Client::new(ClientOptions {
            read_timeout: Duration::from_millis(50),
            ..ClientOptions::default()
        })
        .unwrap();
        let error = client.send(&Request::get(url, vec![])).await.unwrap_err();
        assert!(matches!(error, TransportError::Silent { .. }), "{error}");
        assert_eq!(error.failure(), Failure::Unreachable);
        drop(listener);
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let redirect = Canned::json(302, "").header("location", "http://127.0.0.1:1/");
        let server = Server::start(vec![redirect]).await;
        let answer = client()
            .send(&Request::get(server.url().to_owned(), vec![]))
            .await
            .unwrap();
        assert_eq!(answer.status, 302);
    }
}
