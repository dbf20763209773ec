//! Which methods there are, and how a request finds its own.

use axum::extract::{Request, State};
use axum::http::{Method as Verb, StatusCode};
use axum::response::Response;

use super::answer::{Format, Problem, Success, respond};
use super::params::Params;
use super::policy::LockedAnswer;
use super::{Call, Campaigns, labels, reading, writing};
use crate::sandbox::{Shared, lock};

/// Which verbs a method takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verbs {
    Post,
    GetOrPost,
}

/// How a caller asks for JSON; XML is what comes otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// With `json/` before the name.
    Path,
    /// With this parameter.
    Parameter(&'static str),
    /// The method knows nothing else.
    Always,
}

type Run = fn(&mut Campaigns, &Call) -> Result<Success, Problem>;

/// One method of the API.
struct Method {
    name: &'static str,
    scope: &'static str,
    verbs: Verbs,
    asks: Asks,
    run: Run,
}

const RESFMT: Asks = Asks::Parameter("resfmt");
const TYPE: Asks = Asks::Parameter("type");

const METHODS: &[Method] = &[
    method(
        "listsubscribe",
        "UPDATE",
        Verbs::Post,
        Asks::Path,
        writing::listsubscribe,
    ),
    method(
        "listunsubscribe",
        "UPDATE",
        Verbs::Post,
        Asks::Path,
        writing::listunsubscribe,
    ),
    method(
        "contactdonotmail",
        "UPDATE",
        Verbs::Post,
        Asks::Path,
        writing::contactdonotmail,
    ),
    method(
        "addlistsubscribersinbulk",
        "CREATE",
        Verbs::Post,
        RESFMT,
        writing::bulk,
    ),
    method(
        "addlistandcontacts",
        "CREATE",
        Verbs::Post,
        RESFMT,
        writing::addlistandcontacts,
    ),
    method(
        "deletemailinglist",
        "DELETE",
        Verbs::GetOrPost,
        RESFMT,
        writing::deletemailinglist,
    ),
    method(
        "getmailinglists",
        "READ",
        Verbs::GetOrPost,
        RESFMT,
        reading::getmailinglists,
    ),
    method(
        "getlistsubscribers",
        "READ",
        Verbs::GetOrPost,
        RESFMT,
        reading::getlistsubscribers,
    ),
    method(
        "listsubscriberscount",
        "READ",
        Verbs::GetOrPost,
        RESFMT,
        reading::listsubscriberscount,
    ),
    method(
        "getlistadvanceddetails",
        "READ",
        Verbs::GetOrPost,
        RESFMT,
        reading::getlistadvanceddetails,
    ),
    method(
        "topics",
        "READ",
        Verbs::GetOrPost,
        Asks::Always,
        reading::topics,
    ),
    method(
        "contact/allfields",
        "READ",
        Verbs::GetOrPost,
        TYPE,
        labels::allfields,
    ),
    method(
        "custom/add",
        "CREATE",
        Verbs::Post,
        TYPE,
        labels::custom_add,
    ),
    method(
        "tag/add",
        "CREATE",
        Verbs::GetOrPost,
        RESFMT,
        labels::tag_add,
    ),
    method(
        "tag/delete",
        "DELETE",
        Verbs::GetOrPost,
        RESFMT,
        labels::tag_delete,
    ),
    method(
        "tag/getalltags",
        "READ",
        Verbs::GetOrPost,
        RESFMT,
        labels::tag_getalltags,
    ),
    method(
        "tag/associate",
        "UPDATE",
        Verbs::GetOrPost,
        RESFMT,
        labels::tag_associate,
    ),
    method(
        "tag/deassociate",
        "UPDATE",
        Verbs::GetOrPost,
        RESFMT,
        labels::tag_deassociate,
    ),
];

const fn method(
    name: &'static str,
    scope: &'static str,
    verbs: Verbs,
    asks: Asks,
    run: Run,
) -> Method {
    Method {
        name,
        scope,
        verbs,
        asks,
        run,
    }
}

/// Whom a call was about; goes with the answer for the call log to take off.
#[derive(Debug, Clone)]
pub(crate) struct Wrote {
    pub(crate) list: Option<String>,
    pub(crate) addresses: Vec<String>,
}

/// Answers one request.
pub(super) async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let uri = request.uri().path().to_owned();
    let path = uri.strip_prefix("/api/v1.1/").unwrap_or_default();
    let Some(method) = find(path, request.method()) else {
        let format = if path.starts_with("json/") {
            Format::Json
        } else {
            Format::Xml
        };
        return respond(Err(Problem::WRONG_URL), StatusCode::OK, &uri, format);
    };
    let headers = request.headers().clone();
    let params = Params::read(request).await;
    let format = method.format(&params);
    let mut world = lock(&shared);
    let now = world.clock.now();
    let scope = format!("ZohoCampaigns.contact.{}", method.scope);
    if world.accounts.check(&headers, &scope, now).is_err() {
        return respond(
            Err(Problem::UNAUTHORIZED),
            StatusCode::UNAUTHORIZED,
            &uri,
            format,
        );
    }
    let campaigns = &mut world.campaigns;
    let share = campaigns.policy.subscribes_share;
    if campaigns.policy.rate_limits && !campaigns.limiter.allow(method.name, share, now) {
        let (status, code) = match campaigns.policy.locked_answer {
            LockedAnswer::Code(code) => (StatusCode::OK, code),
            LockedAnswer::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, 429),
        };
        return respond(Err(Problem::locked(code)), status, &uri, format);
    }
    let outcome = params.check_repetition().and_then(|()| {
        (method.run)(
            campaigns,
            &Call {
                params: &params,
                now,
            },
        )
    });
    let mut response = respond(outcome, StatusCode::OK, &uri, format);
    let list = params.get("listkey").map(str::to_owned);
    let addresses = params.addresses();
    response.extensions_mut().insert(Wrote { list, addresses });
    response
}

/// The method of a path below `/api/v1.1/`; names are case sensitive.
fn find(path: &str, verb: &Verb) -> Option<&'static Method> {
    let in_json = path.strip_prefix("json/");
    let name = in_json.unwrap_or(path);
    let method = METHODS.iter().find(|method| method.name == name)?;
    let right_path = (method.asks == Asks::Path) == in_json.is_some();
    let right_verb = match method.verbs {
        Verbs::Post => verb == Verb::POST,
        Verbs::GetOrPost => verb == Verb::GET || verb == Verb::POST,
    };
    (right_path && right_verb).then_some(method)
}

impl Method {
    fn format(&self, params: &Params) -> Format {
        let is_json = match self.asks {
            Asks::Path | Asks::Always => true,
            Asks::Parameter(name) => params
                .get(name)
                .is_some_and(|format| format.eq_ignore_ascii_case("json")),
        };
        if is_json { Format::Json } else { Format::Xml }
    }
}
