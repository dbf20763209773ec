//! What an answer means, row by row: the one table, because the same number has different meanings in different methods.
//!
//! A row names services, methods, statuses and codes, and says what such an answer means. The **first row that fits
//! wins**, so what is special stands above what is general, and the last row fits everything. Methods go by the names
//! of the clients; a test beside each client holds the two against one another.
//!
//! What stands beside a code is no part of the table, and is read where the answer is: a wait that the service asks
//! for, a day's credits that only the wording tells from a busy moment, a block of an address that has no code.
//!
//! Sources, all of November 2026: the error codes of the Campaigns API v1.1 and those that its method pages list; the
//! CRM's v8 error tables and its Bulk Read page; Zoho Accounts' pages on tokens.

use std::ops::RangeInclusive;

use super::Failure;

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Zoho Accounts, which gives tokens.
    Accounts,
    /// The CRM.
    Crm,
    /// Campaigns.
    Campaigns,
}

/// Why Campaigns does not take one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds the address invalid.
    InvalidAddress,
    /// It holds the address to be a group's or a role's.
    RoleAddress,
    /// It has blocked the address; only its support can lift that.
    Blocked,
    /// There is no such contact; nothing to unsubscribe.
    NotAContact,
    /// It could not do it this time; the next run may.
    Passing,
    /// Another reason; code and text are all there is.
    Other,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Done.
    Done,
    /// It was so before.
    AlreadyThere,
    /// There is nothing to list, or nothing further.
    Nothing,
    /// More rows were asked for than it gives in one page.
    RangeTooLarge,
    /// This contact is refused.
    Contact(Verdict),
    /// The call failed.
    Failed(Failure),
}

impl Meaning {
    /// The failure, of an answer that is no success: one that says so all the same contradicts itself, and is nothing
    /// that the service would say.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Done
            | Self::AlreadyThere
            | Self::Nothing
            | Self::RangeTooLarge
            | Self::Contact(_) => Failure::Unreachable,
        }
    }
}

/// The meaning of an answer to a method; `code` is the service's own, and `None` where the answer is not in its
/// language.
#[must_use]
pub fn meaning(service: Service, method: &str, status: u16, code: Option<&str>) -> Meaning {
    let row = TABLE
        .iter()
        .find(|row| row.fits(service, method, status, code));
    row.expect("the last row fits everything").meaning.clone()
}

/// One row; where a list is empty, everything fits.
#[derive(Debug)]
struct Row {
    services: &'static [Service],
    methods: &'static [&'static str],
    statuses: RangeInclusive<u16>,
    codes: Codes,
    meaning: Meaning,
}

/// The codes that fit.
#[derive(Debug)]
enum Codes {
    /// Any, and none.
    Any,
    /// Only none.
    Absent,
    /// These.
    These(&'static [&'static str]),
}

impl Row {
    fn fits(&self, service: Service, method: &str, status: u16, code: Option<&str>) -> bool {
        let of_code = match (&self.codes, code) {
            (Codes::Any, _) | (Codes::Absent, None) => true,
            (Codes::These(these), Some(code)) => these.contains(&code),
            (Codes::Absent, Some(_)) | (Codes::These(_), None) => false,
        };
        of_code
            && (self.services.is_empty() || self.services.contains(&service))
            && (self.methods.is_empty() || self.methods.contains(&method))
            && self.statuses.contains(&status)
    }
}

const fn row(
    services: &'static [Service],
    methods: &'static [&'static str],
    statuses: RangeInclusive<u16>,
    codes: Codes,
    meaning: Meaning,
) -> Row {
    Row {
        services,
        methods,
        statuses,
        codes,
        meaning,
    }
}

const EVERY: &[Service] = &[];
const ACCOUNTS: &[Service] = &[Service::Accounts];
const CRM: &[Service] = &[Service::Crm];
const CAMPAIGNS: &[Service] = &[Service::Campaigns];

const ALL: &[&str] = &[];
const SUBSCRIBE: &[&str] = &["listsubscribe", "addlistsubscribersinbulk"];
const UNSUBSCRIBE: &[&str] = &["listunsubscribe"];
/// The calls that are about contacts, and whose answers can be about one of them.
const CONTACT: &[&str] = &[
    "listsubscribe",
    "addlistsubscribersinbulk",
    "listunsubscribe",
];
const TAG: &[&str] = &["tag/associate"];
const MAKE_TAG: &[&str] = &["tag/add"];
const TAGS: &[&str] = &["tag/associate", "tag/add"];
const LISTS: &[&str] = &["getmailinglists"];
const SUBSCRIBERS: &[&str] = &["getlistsubscribers"];
/// The calls that give rows.
const ROWS: &[&str] = &["getmailinglists", "getlistsubscribers"];

const ANY: RangeInclusive<u16> = 0..=u16::MAX;

const UNREACHABLE: Meaning = Meaning::Failed(Failure::Unreachable);
const BUSY: Meaning = Meaning::Failed(Failure::Busy);
const THROTTLED: Meaning = Meaning::Failed(Failure::Throttled { wait: None });
const TOKEN_EXPIRED: Meaning = Meaning::Failed(Failure::TokenExpired);
const CREDENTIALS: Meaning = Meaning::Failed(Failure::CredentialsRefused);
const CONFIGURATION: Meaning = Meaning::Failed(Failure::Configuration);
const CLOSED: Meaning = Meaning::Failed(Failure::AccountClosed);
const REFUSED: Meaning = Meaning::Failed(Failure::Refused);

const INVALID: Meaning = Meaning::Contact(Verdict::InvalidAddress);
const ROLE: Meaning = Meaning::Contact(Verdict::RoleAddress);
const NO_CONTACT: Meaning = Meaning::Contact(Verdict::NotAContact);
const PASSING: Meaning = Meaning::Contact(Verdict::Passing);
const OTHER: Meaning = Meaning::Contact(Verdict::Other);

const fn these(codes: &'static [&'static str]) -> Codes {
    Codes::These(codes)
}

/// The table. Left as it is set: its columns are what makes it one.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    // An answer that is not in the service's language says no more than its status: to slow down, that it is locked, or
    // that the request will not do as it is, which of a contact too large is the contact's and else rosterd's fault.
    row(EVERY,     ALL,         429..=429, Codes::Absent,                              THROTTLED),
    row(EVERY,     ALL,         423..=423, Codes::Absent,                              BUSY),
    row(CAMPAIGNS, CONTACT,     413..=413, Codes::Absent,                              PASSING),
    row(EVERY,     ALL,         405..=406, Codes::Absent,                              REFUSED),
    row(EVERY,     ALL,         413..=415, Codes::Absent,                              REFUSED),
    row(EVERY,     ALL,         ANY,       Codes::Absent,                              UNREACHABLE),

    // Accounts says most of it with HTTP 200. Whatever it is that it refuses, a person has to look.
    row(ACCOUNTS,  ALL,         ANY,       these(&["invalid_code", "invalid_client",
                                                   "invalid_client_secret"]),          CREDENTIALS),
    row(ACCOUNTS,  ALL,         ANY,       these(&["Access Denied"]),                  THROTTLED),
    row(ACCOUNTS,  ALL,         429..=429, Codes::Any,                                 THROTTLED),
    row(ACCOUNTS,  ALL,         500..=599, Codes::Any,                                 UNREACHABLE),
    row(ACCOUNTS,  ALL,         ANY,       Codes::Any,                                 CREDENTIALS),

    // The CRM: its codes are the same in all methods, and say more than the status.
    row(CRM,       ALL,         ANY,       these(&["INVALID_TOKEN"]),                  TOKEN_EXPIRED),
    row(CRM,       ALL,         ANY,       these(&["AUTHENTICATION_FAILURE", "OAUTH_SCOPE_MISMATCH",
                                                   "NO_PERMISSION", "AUTHORIZATION_FAILED"]),
                                                                                       CREDENTIALS),
    row(CRM,       ALL,         ANY,       these(&["TOO_MANY_REQUESTS"]),              THROTTLED),
    row(CRM,       ALL,         ANY,       these(&["INVALID_MODULE", "INVALID_QUERY", "SYNTAX_ERROR",
                                                   "NOT_SUPPORTED", "INVALID_URL_PATTERN", "RESOURCE_NOT_FOUND",
                                                   "REQUIRED_PARAM_MISSING", "EXPECTED_PARAM_MISSING",
                                                   "LIMIT_EXCEEDED", "INVALID_REQUEST_METHOD",
                                                   "PATTERN_NOT_MATCHED"]),            CONFIGURATION),
    // Of Bulk Read, where the query is at fault.
    row(CRM,       ALL,         ANY,       these(&["FIELD_NOT_AVAILABLE", "MODULE_NOT_SUPPORTED",
                                                   "CVID_NOT_SUPPORTED", "CRITERIA_LIMIT_EXCEEDED",
                                                   "JOIN_LIMIT_EXCEEDED", "VALUE_LIMIT_EXCEEDED_IN_CRITERIA",
                                                   "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
                                                   "AMBIGUOUS_CRITERIA"]),             CONFIGURATION),
    row(CRM,       ALL,         ANY,       these(&["INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "BAD_GATEWAY",
                                                   "SERVICE_UNAVAILABLE"]),            UNREACHABLE),
    // A walk or a job begins anew with them, which its own code sees to; a value of a request is rosterd's.
    row(CRM,       ALL,         ANY,       these(&["EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH",
                                                   "PAGINATION_LIMIT_EXCEEDED", "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
                                                   "INVALID_DATA"]),                   REFUSED),
    row(CRM,       ALL,         429..=429, Codes::Any,                                 THROTTLED),
    row(CRM,       ALL,         423..=423, Codes::Any,                                 BUSY),
    row(CRM,       ALL,         408..=408, Codes::Any,                                 UNREACHABLE),
    row(CRM,       ALL,         500..=599, Codes::Any,                                 UNREACHABLE),
    row(CRM,       ALL,         401..=401, Codes::Any,                                 CREDENTIALS),
    row(CRM,       ALL,         403..=403, Codes::Any,                                 CREDENTIALS),

    // Campaigns: an answer under a bad status is not what it says it is. What a locked method answers is not documented.
    row(CAMPAIGNS, ALL,         401..=401, Codes::Any,                                 TOKEN_EXPIRED),
    row(CAMPAIGNS, ALL,         429..=429, Codes::Any,                                 THROTTLED),
    row(CAMPAIGNS, ALL,         423..=423, Codes::Any,                                 BUSY),
    row(CAMPAIGNS, ALL,         408..=408, Codes::Any,                                 UNREACHABLE),
    row(CAMPAIGNS, ALL,         500..=599, Codes::Any,                                 UNREACHABLE),
    row(CAMPAIGNS, ALL,         300..=499, these(&["0", "200"]),                       UNREACHABLE),
    row(CAMPAIGNS, ALL,         ANY,       these(&["0", "200"]),                       Meaning::Done),

    // One contact.
    row(CAMPAIGNS, SUBSCRIBE,   ANY,       these(&["2001"]),                           PASSING),
    row(CAMPAIGNS, SUBSCRIBE,   ANY,       these(&["2003"]),                           Meaning::AlreadyThere),
    row(CAMPAIGNS, CONTACT,     ANY,       these(&["2004"]),                           INVALID),
    row(CAMPAIGNS, CONTACT,     ANY,       these(&["2005"]),                           ROLE),
    row(CAMPAIGNS, UNSUBSCRIBE, ANY,       these(&["993", "2103"]),                    NO_CONTACT),
    // Pattern and type: a value that Campaigns does not take for this contact.
    row(CAMPAIGNS, CONTACT,     ANY,       these(&["1001", "1005"]),                   OTHER),

    row(CAMPAIGNS, TAG,         ANY,       these(&["993", "2103"]),                    NO_CONTACT),
    row(CAMPAIGNS, TAG,         ANY,       these(&["9001"]),                           Meaning::Nothing),
    // Made by somebody else meanwhile; which code says so is not documented.
    row(CAMPAIGNS, MAKE_TAG,    ANY,       these(&["9002"]),                           Meaning::AlreadyThere),
    // Neither has anything to do with a list.
    row(CAMPAIGNS, TAGS,        ANY,       these(&["404", "1004", "6304", "6601", "9001", "9002", "9003", "9004",
                                                   "9005", "9006", "9007", "9008"]),   REFUSED),

    row(CAMPAIGNS, LISTS,       ANY,       these(&["992", "2401", "2502"]),            Meaning::Nothing),
    row(CAMPAIGNS, SUBSCRIBERS, ANY,       these(&["992", "2203", "2502"]),            Meaning::Nothing),
    row(CAMPAIGNS, ROWS,        ANY,       these(&["6502"]),                           Meaning::RangeTooLarge),

    // The account, the list, the moment, the request. Codes of methods that are not called are left out.
    row(CAMPAIGNS, ALL,         ANY,       these(&["401", "1007"]),                    TOKEN_EXPIRED),
    row(CAMPAIGNS, ALL,         ANY,       these(&["901", "902", "914", "2302"]),      CLOSED),
    row(CAMPAIGNS, ALL,         ANY,       these(&["404", "995", "1004", "2002", "2102", "2202", "2204", "2205", "2206",
                                                   "2401", "2501", "2701", "2704", "2706", "2707", "6304", "6601"]),
                                                                                       CONFIGURATION),
    // Fields and topics.
    row(CAMPAIGNS, ALL,         ANY,       these(&["910", "916", "4010", "4011", "4012", "4013", "4014", "4015", "4016",
                                                   "4017", "4018", "4019"]),           CONFIGURATION),
    row(CAMPAIGNS, ALL,         ANY,       these(&["500", "2301"]),                    UNREACHABLE),
    row(CAMPAIGNS, ALL,         ANY,       these(&["2101", "2104", "2201", "2402", "2502", "2601"]),
                                                                                       BUSY),
    // The second is what Zoho's Email API says where a method is locked.
    row(CAMPAIGNS, ALL,         ANY,       these(&["429", "409909"]),                  THROTTLED),
    row(CAMPAIGNS, ALL,         ANY,       these(&["400", "903", "1001", "1002", "1003", "1005", "1006"]),
                                                                                       REFUSED),
    // What is not known may pass: a person who is tried again costs a call, one who is given up is lost.
    row(CAMPAIGNS, CONTACT,     ANY,       Codes::Any,                                 PASSING),

    row(EVERY,     ALL,         ANY,       Codes::Any,                                 REFUSED),
];

/// The names of a service's methods that some row is about.
#[cfg(test)]
pub(crate) fn methods_named(service: Service) -> std::collections::BTreeSet<&'static str> {
    let rows = TABLE.iter().filter(|row| row.services.contains(&service));
    rows.flat_map(|row| row.methods.iter().copied()).collect()
}

#[cfg(test)]
mod tests;
