//! What is said to people of the CRM's codes, and which of them say that Bulk Read is not the way.
//!
//! What a code means for the run stands in the [table](crate::domain::failure::table).

use crate::zoho::crm::Method;

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
