//! Hosts by data centre: a compiled table, so that a token is only ever sent to a host that is known.
//!
//! The pairs are irregular (Canada's accounts live on `zohocloud.ca`, its API on `zohoapis.ca`), hence a table and no
//! string surgery. Source: the CRM's "Multi DC" page and SDK, and the hosts of Campaigns, read November 2026.

/// The data centres, as `data_center` in the configuration names them.
pub const NAMES: [&str; 8] = ["com", "eu", "in", "com.au", "jp", "ca", "sa", "com.cn"];

/// Name, Accounts, CRM, Campaigns, API console; in the order of [`NAMES`].
const TABLE: [(&str, &str, &str, &str, &str); 8] = [
    (
        "com",
        "https://accounts.zoho.com",
        "https://www.zohoapis.com",
        "https://campaigns.zoho.com",
        "https://api-console.zoho.com",
    ),
    (
        "eu",
        "https://accounts.zoho.eu",
        "https://www.zohoapis.eu",
        "https://campaigns.zoho.eu",
        "https://api-console.zoho.eu",
    ),
    (
        "in",
        "https://accounts.zoho.in",
        "https://www.zohoapis.in",
        "https://campaigns.zoho.in",
        "https://api-console.zoho.in",
    ),
    (
        "com.au",
        "https://accounts.zoho.com.au",
        "https://www.zohoapis.com.au",
        "https://campaigns.zoho.com.au",
        "https://api-console.zoho.com.au",
    ),
    (
        "jp",
        "https://accounts.zoho.jp",
        "https://www.zohoapis.jp",
        "https://campaigns.zoho.jp",
        "https://api-console.zoho.jp",
    ),
    (
        "ca",
        "https://accounts.zohocloud.ca",
        "https://www.zohoapis.ca",
        "https://campaigns.zohocloud.ca",
        "https://api-console.zohocloud.ca",
    ),
    (
        "sa",
        "https://accounts.zoho.sa",
        "https://www.zohoapis.sa",
        "https://campaigns.zoho.sa",
        "https://api-console.zoho.sa",
    ),
    (
        "com.cn",
        "https://accounts.zoho.com.cn",
        "https://www.zohoapis.com.cn",
        "https://campaigns.zoho.com.cn",
        "https://api-console.zoho.com.cn",
    ),
];

/// Where an account's calls go: scheme and host, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    accounts: String,
    crm: String,
    campaigns: String,
    crm_is_fixed: bool,
}

/// Hosts that the configuration names itself (`accounts_url`, `crm_url`, `campaigns_url`): a sandbox, a proxy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overrides<'a> {
    /// Instead of the data centre's Zoho Accounts.
    pub accounts: Option<&'a str>,
    /// Instead of its CRM; the token's `api_domain` is then ignored.
    pub crm: Option<&'a str>,
    /// Instead of its Campaigns.
    pub campaigns: Option<&'a str>,
}

impl Hosts {
    /// The hosts of `data_center`, or those given instead; `None` for a data centre that is not one of [`NAMES`].
    #[must_use]
    pub fn of(data_center: &str, overrides: Overrides<'_>) -> Option<Self> {
        let (_, accounts, crm, campaigns, _) = TABLE.iter().find(|row| row.0 == data_center)?;
        let pick = |given: Option<&str>, usual: &str| {
            let url = given.unwrap_or(usual);
            url.trim_end_matches('/').to_owned()
        };
        Some(Self {
            accounts: pick(overrides.accounts, accounts),
            crm: pick(overrides.crm, crm),
            campaigns: pick(overrides.campaigns, campaigns),
            crm_is_fixed: overrides.crm.is_some(),
        })
    }

    /// Zoho Accounts.
    #[must_use]
    pub fn accounts(&self) -> &str {
        &self.accounts
    }

    /// The CRM, unless the token names another of its hosts.
    #[must_use]
    pub fn crm(&self) -> &str {
        &self.crm
    }

    /// Campaigns.
    #[must_use]
    pub fn campaigns(&self) -> &str {
        &self.campaigns
    }

    /// The CRM host for a token that came with `api_domain`: a host the configuration gave always wins, else the
    /// token's, if the table knows it; `None` if it does not.
    pub(super) fn crm_of(&self, api_domain: Option<&str>) -> Option<String> {
        match api_domain.map(|domain| domain.trim_end_matches('/')) {
            Some(domain) if !self.crm_is_fixed => is_crm(domain).then(|| domain.to_owned()),
            Some(_) | None => Some(self.crm.clone()),
        }
    }
}

/// The API console of a data centre, where people make clients and grant codes.
#[must_use]
pub fn console(data_center: &str) -> Option<&'static str> {
    let row = TABLE.iter().find(|row| row.0 == data_center)?;
    Some(row.4)
}

/// Whether the URL is a CRM API host of some data centre. Sandbox and developer organisations have their own.
fn is_crm(url: &str) -> bool {
    TABLE.iter().any(|(_, _, crm, _, _)| {
        let domain = crm.strip_prefix("https://www.").unwrap_or(crm);
        ["www", "sandbox", "developer"].iter().any(|kind| {
            url.strip_prefix("https://")
                .and_then(|host| host.strip_prefix(kind))
                .and_then(|rest| rest.strip_prefix('.'))
                == Some(domain)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_hosts_over_tls() {
        for name in NAMES {
            let hosts = Hosts::of(name, Overrides::default()).unwrap();
            let console = console(name).unwrap();
            for url in [hosts.accounts(), hosts.crm(), hosts.campaigns(), console] {
                assert!(url.starts_with("https://") && !url.ends_with('/'), "{url}");
            }
            assert_eq!(
                hosts.crm_of(Some(hosts.crm())).as_deref(),
                Some(hosts.crm())
            );
        }
        assert_eq!(Hosts::of("uk", Overrides::default()), None);
    }

    #[test]
    fn a_token_cannot_send_calls_to_an_unknown_host() {
        let hosts = Hosts::of("eu", Overrides::default()).unwrap();
        for (domain, want) in [
            (None, Some("https://www.zohoapis.eu")),
            (
                Some("https://www.zohoapis.com.au/"),
                Some("https://www.zohoapis.com.au"),
            ),
            (
                Some("https://sandbox.zohoapis.eu"),
                Some("https://sandbox.zohoapis.eu"),
            ),
            (Some("http://www.zohoapis.eu"), None),
            (Some("https://www.zohoapis.eu.example.org"), None),
            (Some("https://evil.zohoapis.eu"), None),
            (Some("https://wwwzohoapis.eu"), None),
            (Some("http://127.0.0.1:9"), None),
        ] {
            assert_eq!(hosts.crm_of(domain).as_deref(), want, "{domain:?}");
        }
    }

    #[test]
    fn a_host_from_the_configuration_wins_over_the_tokens() {
        let given = Overrides {
            crm: Some("http://127.0.0.1:8080/"),
            ..Overrides::default()
        };
        let hosts = Hosts::of("com", given).unwrap();
        for domain in [
            None,
            Some("https://www.zohoapis.com"),
            Some("http://elsewhere"),
        ] {
            assert_eq!(
                hosts.crm_of(domain).as_deref(),
                Some("http://127.0.0.1:8080")
            );
        }
        assert_eq!(hosts.accounts(), "https://accounts.zoho.com");
    }
}
