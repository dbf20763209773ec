//! Under which service and method a request is counted.

use super::Service;

/// Service and method of a path; `None` for what belongs to no service.
pub(super) fn name(path: &str) -> Option<(Service, String)> {
    let mut parts = path.trim_matches('/').split('/');
    let (service, method) = match parts.next()? {
        "oauth" => (Service::Accounts, parts.next_back()?.to_owned()),
        "crm" => (
            Service::Crm,
            crm_method(&parts.collect::<Vec<_>>()).to_owned(),
        ),
        "api" => (
            Service::Campaigns,
            campaigns_method(&parts.collect::<Vec<_>>()),
        ),
        _ => return None,
    };
    Some((service, method))
}

/// Of `v8/Leads/deleted` it is `deleted`, of `v8/Leads` it is `records`, of `v8/settings/fields` it is `fields`.
fn crm_method<'a>(parts: &[&'a str]) -> &'a str {
    match parts {
        ["bulk", _, "read"] => "bulk_create",
        ["bulk", _, "read", _] => "bulk_status",
        ["bulk", _, "read", _, "result"] => "bulk_result",
        [_, "settings", kind, ..] => kind,
        [_, alone @ ("coql" | "org" | "users")] => alone,
        [_, _] => "records",
        [_, _, action @ ("deleted" | "search")] => action,
        [_, _, "actions", action] => action,
        [_, _, _] => "record",
        [_, _, _, related, ..] => related,
        [] | [_] => "unknown",
    }
}

/// Of `v1.1/json/listsubscribe` it is `listsubscribe`, of `v1.1/tag/add` it is `tag/add`.
fn campaigns_method(parts: &[&str]) -> String {
    match parts {
        [_, "json" | "xml", rest @ ..] | [_, rest @ ..] => rest.join("/"),
        [] => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_one_name() {
        for (path, want) in [
            ("/oauth/v2/token", Some((Service::Accounts, "token"))),
            (
                "/oauth/v2/token/revoke",
                Some((Service::Accounts, "revoke")),
            ),
            ("/crm/v8/coql", Some((Service::Crm, "coql"))),
            ("/crm/v8/Leads", Some((Service::Crm, "records"))),
            ("/crm/v8/Leads/554", Some((Service::Crm, "record"))),
            ("/crm/v8/Leads/deleted", Some((Service::Crm, "deleted"))),
            ("/crm/v8/Leads/actions/count", Some((Service::Crm, "count"))),
            ("/crm/v8/settings/fields", Some((Service::Crm, "fields"))),
            (
                "/crm/v8/settings/custom_views/1",
                Some((Service::Crm, "custom_views")),
            ),
            ("/crm/v8/org", Some((Service::Crm, "org"))),
            ("/crm/bulk/v8/read", Some((Service::Crm, "bulk_create"))),
            ("/crm/bulk/v8/read/1", Some((Service::Crm, "bulk_status"))),
            (
                "/crm/bulk/v8/read/1/result",
                Some((Service::Crm, "bulk_result")),
            ),
            (
                "/api/v1.1/json/listsubscribe",
                Some((Service::Campaigns, "listsubscribe")),
            ),
            (
                "/api/v1.1/contact/allfields",
                Some((Service::Campaigns, "contact/allfields")),
            ),
            ("/sandbox/calls", None),
            ("/", None),
        ] {
            let want = want.map(|(service, method)| (service, method.to_owned()));
            assert_eq!(name(path), want, "{path}");
        }
    }
}
