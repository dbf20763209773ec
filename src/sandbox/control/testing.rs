//! A running sandbox and a plain HTTP client for it, for the tests of this half.

use serde_json::Value;

use crate::sandbox::{Options, Sandbox, Shared};

/// The list that tests use when any private one will do.
pub(crate) const LIST: &str = "3znewsletter";

/// A sandbox without CRM records, and a token for it.
pub(crate) struct Bench {
    sandbox: Sandbox,
    client: reqwest::Client,
    token: String,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        // Another test of the same process may have installed it before.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let options = Options {
            empty: true,
            ..Options::default()
        };
        let sandbox = Sandbox::start(&options).await.unwrap();
        let client = reqwest::Client::new();
        let grant = [
            ("grant_type", "refresh_token"),
            ("client_id", "1000.SANDBOX"),
            ("client_secret", "sandbox-secret"),
            ("refresh_token", "1000.sandbox.refresh"),
        ];
        let url = format!("{}/oauth/v2/token", sandbox.url());
        let answer = client.post(url).form(&grant).send().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let token = format!(
            "Zoho-oauthtoken {}",
            answer["access_token"].as_str().unwrap()
        );
        let bench = Self {
            sandbox,
            client,
            token,
        };
        bench.delete("/sandbox/calls").await;
        bench
    }

    pub(crate) fn world(&self) -> Shared {
        self.sandbox.world()
    }

    /// A request with a token, for the test to send as it likes.
    pub(crate) fn request(&self, verb: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.sandbox.url());
        self.client
            .request(verb, url)
            .header("authorization", &self.token)
    }

    /// Calls a Campaigns method with a form.
    pub(crate) async fn call(&self, method: &str, form: &[(&str, &str)]) -> Value {
        let path = format!("/api/v1.1/{method}");
        let request = self.request(reqwest::Method::POST, &path).form(form);
        let answer = request.send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// Subscribes an address to [`LIST`], and answers the code.
    pub(crate) async fn subscribe(&self, address: &str) -> String {
        let contact = serde_json::json!({ "Contact Email": address }).to_string();
        let form = [("listkey", LIST), ("contactinfo", contact.as_str())];
        code(&self.call("json/listsubscribe", &form).await)
    }

    /// Reads from control.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(reqwest::Method::GET, path).send().await;
        serde_json::from_slice(&answer.unwrap().bytes().await.unwrap()).unwrap()
    }

    /// Writes to control; answers the HTTP status and the body.
    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(reqwest::Method::POST, path);
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        (status, body)
    }

    /// Deletes in control.
    pub(crate) async fn delete(&self, path: &str) {
        let answer = self.request(reqwest::Method::DELETE, path).send().await;
        assert!(answer.unwrap().status().is_success(), "{path}");
    }
}

/// The code of an answer, wherever and however it is written.
pub(crate) fn code(answer: &Value) -> String {
    let inner = answer.get("response").unwrap_or(answer);
    match inner.get("code").or_else(|| inner.get("Code")) {
        Some(Value::String(code)) => code.clone(),
        Some(code) => code.to_string(),
        None => format!("none in {answer}"),
    }
}
