//! The accounts of `rosterd.toml`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;

use super::quantities::windows;
use super::raw::{Number, RawAccount, RawConfig, TextOr};
use super::report::Report;
use super::secrets::{Keeping, Secrets, keeping, secret};
use super::settings::{Account, Pace};
use crate::domain::ids::AccountName;
use crate::domain::nearest::hint;
use crate::domain::pacing::{Window, beyond_documented};

/// Zoho's data centres, by the ending of their hosts.
const DATA_CENTERS: [&str; 8] = ["com", "eu", "in", "com.au", "jp", "ca", "sa", "com.cn"];

/// The methods whose calls can be paced.
const METHODS: [&str; 10] = [
    "listsubscribe",
    "addlistsubscribersinbulk",
    "listunsubscribe",
    "getlistsubscribers",
    "listsubscriberscount",
    "getmailinglists",
    "contact/allfields",
    "tag/associate",
    "tag/add",
    "contactdonotmail",
];

/// The accounts that are right; what is wrong with the others is in the report.
pub(super) fn accounts(
    raw: &RawConfig,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> BTreeMap<AccountName, Account> {
    if raw.accounts.is_empty() && !report.is_told("accounts") {
        let help = "add a table [accounts.NAME] with client_id, client_secret and refresh_token";
        report.wrong("accounts", "there is no account", help.to_owned());
    }
    let mut accounts = BTreeMap::new();
    for (name, raw) in &raw.accounts {
        let path = format!("accounts.{name}");
        match name.parse::<AccountName>() {
            Ok(name) => {
                if let Some(account) = account(&name, raw, refresh_token, secrets, report) {
                    accounts.insert(name, account);
                }
            }
            Err(error) => {
                let message = format!("`{name}` is not a valid account name");
                report.wrong_key(&path, message, error.to_string());
            }
        }
    }
    accounts
}

/// How an account comes by its refresh token.
type RefreshToken = fn(&str, &RawAccount, &Secrets<'_>, &mut Report<'_>) -> Option<SecretString>;

fn refresh_token(
    path: &str,
    raw: &RawAccount,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> Option<SecretString> {
    secret(path, raw.refresh_token.as_ref(), secrets, report)
}

/// The account that is about to be given a refresh token, with an empty one, and where that is to be kept.
pub(super) fn applicant(
    name: &AccountName,
    raw: &RawAccount,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> Option<(Account, Keeping)> {
    let account = account(
        name,
        raw,
        |_, _, _, _| Some(SecretString::default()),
        secrets,
        report,
    );
    let path = format!("accounts.{name}.refresh_token");
    let keeping = keeping(&path, raw.refresh_token.as_ref(), secrets.base, report);
    Some((account?, keeping?))
}

fn account(
    name: &AccountName,
    raw: &RawAccount,
    refresh_token: RefreshToken,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> Option<Account> {
    let path = |key: &str| format!("accounts.{name}.{key}");
    let data_center = data_center(&path("data_center"), raw.data_center.as_ref(), report);
    let client_id = report.required(&path("client_id"), raw.client_id.as_ref());
    let client_secret = &raw.client_secret;
    let client_secret = secret(
        &path("client_secret"),
        client_secret.as_ref(),
        secrets,
        report,
    );
    let refresh_token = refresh_token(&path("refresh_token"), raw, secrets, report);
    let key = raw.zsc_key.as_ref();
    let zsc_key = key.map(|key| secret(&path("zsc_key"), Some(key), secrets, report));
    let mut at_once = |key: &str, number: &Option<Number>| {
        let number = report.number(&path(key), number.as_ref(), 4, (1, 64));
        usize::try_from(number).unwrap_or(4)
    };
    let crm_concurrency = at_once("crm_concurrency", &raw.crm_concurrency);
    let campaigns_concurrency = at_once("campaigns_concurrency", &raw.campaigns_concurrency);
    let pace = pace(&path("pace"), raw.pace.as_ref(), report);
    let mut host = |key: &str, text: &Option<String>| url(&path(key), text.as_ref(), report);
    let accounts_url = host("accounts_url", &raw.accounts_url);
    let crm_url = host("crm_url", &raw.crm_url);
    let campaigns_url = host("campaigns_url", &raw.campaigns_url);
    Some(Account {
        name: name.clone(),
        data_center,
        client_id: client_id?,
        client_secret: client_secret?,
        refresh_token: refresh_token?,
        zsc_key: match zsc_key {
            Some(key) => Some(key?),
            None => None,
        },
        crm_concurrency,
        campaigns_concurrency,
        topics: raw.topics.as_ref().is_some_and(|flag| flag.0),
        pace,
        accounts_url,
        crm_url,
        campaigns_url,
    })
}

fn data_center(path: &str, text: Option<&String>, report: &mut Report<'_>) -> String {
    let text = text.map_or("com", |text| text.trim());
    if !DATA_CENTERS.contains(&text) {
        // Every ending is near some other, so all are listed.
        let help = format!("use one of {}", DATA_CENTERS.join(", "));
        report.wrong(path, format!("`{text}` is not a data centre"), help);
    }
    text.to_owned()
}

fn pace(
    path: &str,
    raw: Option<&TextOr<BTreeMap<String, String>>>,
    report: &mut Report<'_>,
) -> Pace {
    match raw {
        None => Pace::Documented,
        Some(TextOr::Text(text)) => {
            let choices = [("documented", Pace::Documented), ("off", Pace::Off)];
            report.choice(path, Some(text), Pace::Documented, &choices)
        }
        Some(TextOr::Table(table)) => Pace::Table(pace_table(path, table, report)),
    }
}

fn pace_table(
    path: &str,
    table: &BTreeMap<String, String>,
    report: &mut Report<'_>,
) -> BTreeMap<String, Vec<(u32, Duration)>> {
    let mut paces = BTreeMap::new();
    for (method, text) in table {
        let path = format!("{path}.{method}");
        if !METHODS.contains(&method.as_str()) {
            let help = hint(method, METHODS);
            report.wrong_key(
                &path,
                format!("`{method}` is not a method that is paced"),
                help,
            );
        } else if let Some(windows) = windows(text) {
            let given: Vec<Window> = windows.iter().copied().map(Window::from).collect();
            if let Some(limit) = beyond_documented(method, &given) {
                let (calls, seconds) = (limit.calls, limit.span.as_secs());
                report.warn(
                    &path,
                    format!("this is more than Zoho allows: {calls} calls of {method} in {seconds} s"),
                    "Zoho locks a method that is called more often; name a window for each of its limits, or leave the method out".to_owned(),
                );
            }
            paces.insert(method.clone(), windows);
        } else {
            let help = "use calls per length of time (s, m, h or d, or a number of them), e.g. \"500/m 12500/h 100/5m\"".to_owned();
            report.wrong(&path, format!("`{text}` is not a pace"), help);
        }
    }
    paces
}

/// The address of a host without a trailing slash. Plain http would show tokens to everyone on the way.
fn url(path: &str, text: Option<&String>, report: &mut Report<'_>) -> Option<String> {
    let text = text?.trim().trim_end_matches('/');
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let host = rest.split('/').next().unwrap_or(rest);
    let is_odd = |letter: char| letter.is_whitespace() || matches!(letter, '@' | '?' | '#' | '\\');
    if host.is_empty() || rest.contains(is_odd) || !matches!(scheme, "http" | "https") {
        let help = "use an address such as \"https://www.zohoapis.com\"".to_owned();
        report.wrong(path, "this is not the address of a host", help);
        return None;
    }
    if scheme == "http" && !is_loopback(host) {
        let help = "use https; plain http is for this machine's own addresses only".to_owned();
        report.wrong(path, "tokens would travel in the open", help);
        return None;
    }
    Some(text.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or(bracketed),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost"
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, want) in [
            ("127.0.0.1:8080", true),
            ("127.9.9.9", true),
            ("localhost:1", true),
            ("[::1]:80", true),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), want, "{host}");
        }
    }
}
