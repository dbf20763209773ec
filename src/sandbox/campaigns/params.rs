//! The parameters of a call, from its query string and its form body.
//!
//! A body of another kind, JSON included, is not read: the real service ignores it, and misses the parameters.

use std::str::FromStr;

use axum::extract::{Form, FromRequest, Query, Request};
use axum::http::header;
use serde_json::Value;

use super::answer::Problem;
use super::field::ADDRESS_LABEL;

/// Names and values, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the parameters of a request; what cannot be decoded counts as not sent.
    pub(crate) async fn read(request: Request) -> Self {
        let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        let mut params = query.map(|Query(params)| params).unwrap_or_default();
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        // Of a GET the extractor would read the query string once more.
        if is_form && request.method() == axum::http::Method::POST {
            let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
            params.extend(form.map(|Form(params)| params).unwrap_or_default());
        }
        Self(params)
    }

    /// A parameter that may be missing or blank.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(value.as_str()).filter(|value| !value.trim().is_empty())
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.get(name).ok_or(Problem::PARAMETER_MISSING)
    }

    /// A number that may be missing.
    pub(crate) fn number<N: FromStr>(&self, name: &str, default: N) -> Result<N, Problem> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => text.trim().parse().map_err(|_| Problem::WRONG_TYPE),
        }
    }

    /// Refuses a parameter that was sent twice.
    pub(crate) fn check_repetition(&self) -> Result<(), Problem> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            if self.0[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::REPEATED_KEY);
            }
        }
        Ok(())
    }

    /// The addresses a call is about, in whichever parameter they are.
    pub(crate) fn addresses(&self) -> Vec<String> {
        if let Some(list) = self.get("emailids") {
            return list
                .split(',')
                .map(|address| address.trim().to_owned())
                .collect();
        }
        let of_contact = self
            .get("contactinfo")
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
            .and_then(|contact| Some(contact.get(ADDRESS_LABEL)?.as_str()?.to_owned()));
        let of_tag = || self.get("lead_email").map(str::to_owned);
        of_contact.or_else(of_tag).into_iter().collect()
    }

    /// The contact in `contactinfo`: its address, and the other values by label.
    ///
    /// # Errors
    /// 903 when it is missing, 2001 when it is not a flat JSON object, 2004 when it has no address.
    pub(crate) fn contact(&self) -> Result<(String, Vec<(String, String)>), Problem> {
        let text = self.required("contactinfo")?;
        let Ok(Value::Object(keys)) = serde_json::from_str(text) else {
            return Err(Problem::MALFORMED);
        };
        let mut address = None;
        let mut values = Vec::new();
        for (label, value) in keys {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Null => continue,
                Value::Array(_) | Value::Object(_) => return Err(Problem::MALFORMED),
            };
            if label == ADDRESS_LABEL {
                address = Some(text);
            } else {
                values.push((label, text));
            }
        }
        Ok((address.ok_or(Problem::INVALID_ADDRESS)?, values))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Params {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        )
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn params(uri: &str, content_type: &str, body: &str) -> Params {
        let request = Request::builder()
            .method("POST")
            .uri(uri)
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()));
        Params::read(request.unwrap()).await
    }

    #[tokio::test]
    async fn parameters_come_from_query_and_form_but_never_from_json() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let read = params("/x?a=1+2", form, "b=%7B%22%C5%81%22%7D").await;
        assert_eq!(
            (read.get("a"), read.get("b")),
            (Some("1 2"), Some("{\"Ł\"}"))
        );
        let json = params("/x", "application/json", "{\"a\":\"1\"}").await;
        assert_eq!(json.required("a"), Err(Problem::PARAMETER_MISSING));
        let twice = params("/x?a=1", form, "a=1").await;
        assert_eq!(twice.check_repetition(), Err(Problem::REPEATED_KEY));
    }

    #[test]
    fn contact_information_is_a_flat_json_object_with_an_address() {
        for (text, want) in [
            ("{Contact Email:ann@example.com}", Err(Problem::MALFORMED)),
            (r#"["Contact Email"]"#, Err(Problem::MALFORMED)),
            (
                r#"{"Contact Email":"a@b.example","X":{}}"#,
                Err(Problem::MALFORMED),
            ),
            (r#"{"First Name":"Ann"}"#, Err(Problem::INVALID_ADDRESS)),
            (
                r#"{"Contact Email":"a@b.example","N":7,"B":true,"Z":null}"#,
                Ok(vec![("B", "true"), ("N", "7")]),
            ),
        ] {
            let read = Params::from([("contactinfo", text)]).contact();
            let want = want.map(|values| {
                let values = values
                    .iter()
                    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
                ("a@b.example".to_owned(), values.collect())
            });
            assert_eq!(read, want, "{text}");
        }
    }
}
