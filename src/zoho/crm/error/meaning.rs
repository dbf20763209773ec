//! What the CRM's codes mean: for the run, and for a person.

use crate::domain::failure::Failure;
use crate::zoho::crm::Method;
use crate::zoho::crm::answer::CREDITS_WAIT;

/// What Bulk Read says where the query is at fault and not the request. Source: the CRM's Bulk Read page for v8, November
/// 2026.
pub(super) const UNSUITED_TO_BULK: [&str; 14] = [
    "FIELD_NOT_AVAILABLE",
    "MODULE_NOT_SUPPORTED",
    "CVID_NOT_SUPPORTED",
    "CRITERIA_LIMIT_EXCEEDED",
    "JOIN_LIMIT_EXCEEDED",
    "VALUE_LIMIT_EXCEEDED_IN_CRITERIA",
    "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
    "AMBIGUOUS_CRITERIA",
    "LIMIT_EXCEEDED",
    "NOT_SUPPORTED",
    // The token has no scope for it, or its user no right: reading page by page needs neither.
    "OAUTH_SCOPE_MISMATCH",
    "NO_PERMISSION",
    // It is not there.
    "INVALID_URL_PATTERN",
    "RESOURCE_NOT_FOUND",
];

/// What a refusal means. Source: the CRM's v8 error tables, November 2026.
pub(in super::super) fn failure(status: u16, code: &str, used_up: bool) -> Option<Failure> {
    Some(match code {
        "INVALID_TOKEN" => Failure::TokenExpired,
        "AUTHENTICATION_FAILURE"
        | "OAUTH_SCOPE_MISMATCH"
        | "NO_PERMISSION"
        | "AUTHORIZATION_FAILED" => Failure::CredentialsRefused,
        "TOO_MANY_REQUESTS" if used_up => Failure::Throttled {
            wait: Some(CREDITS_WAIT),
        },
        "TOO_MANY_REQUESTS" => Failure::Throttled { wait: None },
        "INVALID_MODULE"
        | "INVALID_QUERY"
        | "SYNTAX_ERROR"
        | "NOT_SUPPORTED"
        | "INVALID_URL_PATTERN"
        | "RESOURCE_NOT_FOUND"
        | "REQUIRED_PARAM_MISSING"
        | "EXPECTED_PARAM_MISSING"
        | "LIMIT_EXCEEDED"
        | "INVALID_REQUEST_METHOD"
        | "PATTERN_NOT_MATCHED" => Failure::Configuration,
        _ if UNSUITED_TO_BULK.contains(&code) => Failure::Configuration,
        "INTERNAL_ERROR" | "INTERNAL_SERVER_ERROR" | "BAD_GATEWAY" | "SERVICE_UNAVAILABLE" => {
            Failure::Unreachable
        }
        _ => match status {
            429 | 500.. => return None,
            401 | 403 => Failure::CredentialsRefused,
            _ => Failure::Refused,
        },
    })
}

/// The refusal in words, with what to do about it.
pub(super) fn remedy(method: Method, code: &str, about: Option<&str>, of_view: bool) -> String {
    let scopes = method.scopes().join(" and ");
    let named = about.map(|name| format!(" `{name}`")).unwrap_or_default();
    match code {
        "INVALID_TOKEN" => "a new access token was refused as well (INVALID_TOKEN); check that `data_center` of the account is that of the organisation".to_owned(),
        "AUTHENTICATION_FAILURE" => "it got no usable token (AUTHENTICATION_FAILURE); check that no proxy strips the `Authorization` header".to_owned(),
        "OAUTH_SCOPE_MISMATCH" => format!("a scope is missing (OAUTH_SCOPE_MISMATCH); it needs {scopes}: make a new refresh token with `rosterd login`"),
        "NO_PERMISSION" | "AUTHORIZATION_FAILED" => format!("the token's user lacks a right{named} ({code}); grant it in the user's CRM profile"),
        "INVALID_MODULE" => format!("there is no such module{named} (INVALID_MODULE); use the API name that `Setup > APIs > API names` shows"),
        "INVALID_QUERY" if of_view => format!("a query cannot ask what the custom view{named} asks (INVALID_QUERY); it is read by Get Records instead"),
        "INVALID_QUERY" => format!("the query names something it does not have{named} (INVALID_QUERY); check the field names of the definition"),
        "FIELD_NOT_AVAILABLE" => format!("it cannot read a field{named} in bulk (FIELD_NOT_AVAILABLE); check the field names of the definition"),
        "MODULE_NOT_SUPPORTED" => format!("it cannot read the module{named} in bulk (MODULE_NOT_SUPPORTED)"),
        "CVID_NOT_SUPPORTED" => "it cannot read the custom view in bulk (CVID_NOT_SUPPORTED); views that are shared or of co-owners are such".to_owned(),
        _ if UNSUITED_TO_BULK.contains(&code) && method == Method::BulkCreate => format!("it cannot be asked for in bulk{named} ({code})"),
        "RESOURCE_NOT_FOUND" | "EXPIRED_VALUE" if matches!(method, Method::BulkStatus | Method::BulkRows) => format!("the job is not there any more ({code}); its rows are kept for a day"),
        "TOO_MANY_REQUESTS" => "too many calls, or the day's credits are used up (TOO_MANY_REQUESTS); it will do later".to_owned(),
        _ => format!("{code}{named}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_meaning() {
        let refused = Some(Failure::Refused);
        let credentials = Some(Failure::CredentialsRefused);
        let configuration = Some(Failure::Configuration);
        for (status, code, want) in [
            (401, "INVALID_TOKEN", Some(Failure::TokenExpired)),
            (401, "AUTHENTICATION_FAILURE", credentials.clone()),
            (401, "OAUTH_SCOPE_MISMATCH", credentials.clone()),
            (403, "OAUTH_SCOPE_MISMATCH", credentials.clone()),
            (403, "NO_PERMISSION", credentials.clone()),
            (401, "SOMETHING_NEW", credentials),
            (400, "INVALID_MODULE", configuration.clone()),
            (404, "INVALID_URL_PATTERN", configuration.clone()),
            (400, "LIMIT_EXCEEDED", configuration),
            (400, "EXPIRED_VALUE", refused.clone()),
            (400, "SOMETHING_NEW", refused),
            (500, "INTERNAL_ERROR", Some(Failure::Unreachable)),
            (500, "SOMETHING_NEW", None),
            (
                429,
                "TOO_MANY_REQUESTS",
                Some(Failure::Throttled { wait: None }),
            ),
        ] {
            assert_eq!(failure(status, code, false), want, "{status} {code}");
        }
    }
}
