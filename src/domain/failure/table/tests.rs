//! The table, answer by answer.

use super::*;

#[test]
fn campaigns_codes_mean_what_their_method_says() {
    let contact = Meaning::Contact;
    for (method, code, want) in [
        ("listsubscribe", "0", Meaning::Done),
        ("listsubscribe", "200", Meaning::Done),
        ("listsubscribe", "2001", contact(Verdict::Passing)),
        ("listsubscribe", "2003", Meaning::AlreadyThere),
        ("listsubscribe", "2004", contact(Verdict::InvalidAddress)),
        ("listsubscribe", "2005", contact(Verdict::RoleAddress)),
        ("listsubscribe", "2002", CONFIGURATION),
        ("listsubscribe", "2501", CONFIGURATION),
        ("listsubscribe", "2302", CLOSED),
        ("listsubscribe", "2502", BUSY),
        ("listsubscribe", "500", UNREACHABLE),
        ("listsubscribe", "409909", THROTTLED),
        ("listsubscribe", "4016", CONFIGURATION),
        ("listsubscribe", "910", CONFIGURATION),
        ("listsubscribe", "992", contact(Verdict::Passing)),
        ("listsubscribe", "1005", contact(Verdict::Other)),
        ("listsubscribe", "903", REFUSED),
        ("listsubscribe", "4711", contact(Verdict::Passing)),
        ("addlistsubscribersinbulk", "2302", CLOSED),
        (
            "addlistsubscribersinbulk",
            "2004",
            contact(Verdict::InvalidAddress),
        ),
        ("addlistsubscribersinbulk", "2003", Meaning::AlreadyThere),
        ("addlistsubscribersinbulk", "2205", CONFIGURATION),
        (
            "addlistsubscribersinbulk",
            "4711",
            contact(Verdict::Passing),
        ),
        ("addlistsubscribersinbulk", "903", REFUSED),
        ("addlistsubscribersinbulk", "2206", CONFIGURATION),
        ("listunsubscribe", "2103", contact(Verdict::NotAContact)),
        ("listunsubscribe", "2101", BUSY),
        ("listunsubscribe", "1001", contact(Verdict::Other)),
        ("listunsubscribe", "2102", CONFIGURATION),
        ("tag/associate", "200", Meaning::Done),
        ("tag/associate", "993", contact(Verdict::NotAContact)),
        ("tag/associate", "9001", Meaning::Nothing),
        ("tag/associate", "1004", REFUSED),
        ("tag/associate", "2101", BUSY),
        ("tag/associate", "9008", REFUSED),
        ("tag/add", "9002", Meaning::AlreadyThere),
        ("tag/add", "2302", CLOSED),
        ("getmailinglists", "2401", Meaning::Nothing),
        ("getmailinglists", "992", Meaning::Nothing),
        ("getmailinglists", "995", CONFIGURATION),
        ("getmailinglists", "2204", CONFIGURATION),
        ("getlistsubscribers", "2502", Meaning::Nothing),
        ("getlistsubscribers", "2203", Meaning::Nothing),
        ("getlistsubscribers", "2201", BUSY),
        ("getlistsubscribers", "6502", Meaning::RangeTooLarge),
        ("getlistsubscribers", "2501", CONFIGURATION),
        ("listsubscriberscount", "2202", CONFIGURATION),
        ("listsubscriberscount", "2502", BUSY),
        ("listsubscriberscount", "2203", REFUSED),
        ("listsubscriberscount", "1007", TOKEN_EXPIRED),
        ("contact/allfields", "1004", CONFIGURATION),
        ("contact/allfields", "916", CONFIGURATION),
        ("contact/allfields", "4711", REFUSED),
    ] {
        let got = meaning(Service::Campaigns, method, 200, Some(code));
        assert_eq!(got, want, "{method} {code}");
    }
}

#[test]
fn under_a_bad_status_campaigns_says_nothing_else() {
    for (status, want) in [
        (202, Meaning::Done),
        (401, TOKEN_EXPIRED),
        (404, UNREACHABLE),
        (408, UNREACHABLE),
        (423, BUSY),
        (429, THROTTLED),
        (500, UNREACHABLE),
        (503, UNREACHABLE),
    ] {
        let got = meaning(Service::Campaigns, "listsubscribe", status, Some("0"));
        assert_eq!(got, want, "{status}");
    }
}

#[test]
fn each_code_of_the_crm_has_its_meaning() {
    for (status, code, want) in [
        (401, "INVALID_TOKEN", TOKEN_EXPIRED),
        (401, "AUTHENTICATION_FAILURE", CREDENTIALS),
        (401, "OAUTH_SCOPE_MISMATCH", CREDENTIALS),
        (403, "OAUTH_SCOPE_MISMATCH", CREDENTIALS),
        (403, "NO_PERMISSION", CREDENTIALS),
        (401, "SOMETHING_NEW", CREDENTIALS),
        (400, "INVALID_MODULE", CONFIGURATION),
        (404, "INVALID_URL_PATTERN", CONFIGURATION),
        (400, "LIMIT_EXCEEDED", CONFIGURATION),
        (400, "JOIN_LIMIT_EXCEEDED", CONFIGURATION),
        (400, "EXPIRED_VALUE", REFUSED),
        (400, "SOMETHING_NEW", REFUSED),
        (400, "INVALID_DATA", REFUSED),
        (202, "SOMETHING_NEW", REFUSED),
        (406, "SOMETHING_NEW", REFUSED),
        (413, "SOMETHING_NEW", REFUSED),
        (415, "SOMETHING_NEW", REFUSED),
        (423, "SOMETHING_NEW", BUSY),
        (500, "INTERNAL_ERROR", UNREACHABLE),
        (500, "SOMETHING_NEW", UNREACHABLE),
        (429, "TOO_MANY_REQUESTS", THROTTLED),
        (429, "SOMETHING_NEW", THROTTLED),
    ] {
        let got = meaning(Service::Crm, "coql", status, Some(code));
        assert_eq!(got, want, "{status} {code}");
    }
}

#[test]
fn what_is_not_in_the_services_language_says_nothing_but_to_slow_down() {
    for service in [Service::Accounts, Service::Crm, Service::Campaigns] {
        for (status, want) in [
            (200, UNREACHABLE),
            (401, UNREACHABLE),
            (403, UNREACHABLE),
            (404, UNREACHABLE),
            (406, REFUSED),
            (413, REFUSED),
            (415, REFUSED),
            (423, BUSY),
            (429, THROTTLED),
            (503, UNREACHABLE),
        ] {
            assert_eq!(meaning(service, "any", status, None), want, "{status}");
        }
    }
}

#[test]
fn a_contact_that_is_too_large_for_the_service_is_its_own_fault() {
    for (method, want) in [("listsubscribe", PASSING), ("getlistsubscribers", REFUSED)] {
        assert_eq!(meaning(Service::Campaigns, method, 413, None), want);
    }
}

#[test]
fn what_accounts_refuses_a_person_has_to_look_at() {
    for (status, code, want) in [
        (200, "invalid_code", CREDENTIALS),
        (400, "invalid_client", CREDENTIALS),
        (200, "something_new", CREDENTIALS),
        (400, "Access Denied", THROTTLED),
        (429, "something_new", THROTTLED),
        (500, "something_new", UNREACHABLE),
    ] {
        let got = meaning(Service::Accounts, "token", status, Some(code));
        assert_eq!(got, want, "{status} {code}");
    }
}

#[test]
fn accounts_and_the_crm_know_nothing_but_failures() {
    for row in TABLE {
        let of_campaigns = row.services == CAMPAIGNS;
        let is_failure = matches!(row.meaning, Meaning::Failed(_));
        assert!(of_campaigns || is_failure, "{row:?}");
    }
}

#[test]
fn an_answer_that_contradicts_itself_is_nothing_the_service_would_say() {
    assert_eq!(REFUSED.into_failure(), Failure::Refused);
    for meaning in [Meaning::Done, Meaning::Nothing, PASSING] {
        assert_eq!(meaning.into_failure(), Failure::Unreachable);
    }
}
