//! The files as they are written: every key optional, unknown keys refused, nothing checked yet.

use std::collections::BTreeMap;

use serde::Deserialize;

pub(super) use super::raw_values::{Flag, Literal, Literals, MOMENT, Number, TextOr, Texts};

/// `rosterd.toml`.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawConfig {
    pub(super) timezone: Option<String>,
    pub(super) syncs: Option<String>,
    pub(super) state_dir: Option<String>,
    pub(super) history_dir: Option<String>,
    pub(super) control: Option<String>,
    pub(super) log: RawLog,
    pub(super) http: RawHttp,
    pub(super) history: RawHistory,
    pub(super) limits: RawLimits,
    pub(super) safety: RawSafety,
    pub(super) retry: RawRetry,
    pub(super) screening: RawScreening,
    pub(super) accounts: BTreeMap<String, RawAccount>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawLog {
    pub(super) level: Option<String>,
    pub(super) format: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawHttp {
    pub(super) listen: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawHistory {
    pub(super) rotate_mib: Option<Number>,
    pub(super) keep_rotated: Option<Number>,
    pub(super) keep_ignored_days: Option<Number>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawLimits {
    pub(super) active_syncs: Option<Number>,
    pub(super) runs_per_day: Option<Number>,
    pub(super) initiations_per_month: Option<Number>,
    pub(super) resyncs_per_day: Option<Number>,
    pub(super) resyncs_per_month: Option<Number>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawSafety {
    pub(super) max_removals: Option<Number>,
    pub(super) min_removals: Option<Number>,
    pub(super) suppression_max_age: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawRetry {
    pub(super) give_up_after: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawScreening {
    pub(super) group_emails: Option<Texts>,
    pub(super) builtin_group_emails: Option<Flag>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawAccount {
    pub(super) data_center: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<TextOr<RawSecret>>,
    pub(super) refresh_token: Option<TextOr<RawSecret>>,
    pub(super) zsc_key: Option<TextOr<RawSecret>>,
    pub(super) crm_concurrency: Option<Number>,
    pub(super) campaigns_concurrency: Option<Number>,
    pub(super) topics: Option<Flag>,
    pub(super) pace: Option<TextOr<BTreeMap<String, String>>>,
    pub(super) accounts_url: Option<String>,
    pub(super) crm_url: Option<String>,
    pub(super) campaigns_url: Option<String>,
}

/// Where a secret is kept; exactly one of the three.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawSecret {
    pub(super) file: Option<String>,
    pub(super) env: Option<String>,
    pub(super) credential: Option<String>,
}

/// One file of `syncs.d`.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawSync {
    pub(super) name: Option<String>,
    pub(super) account: Option<String>,
    pub(super) module: Option<String>,
    pub(super) list: Option<TextOr<RawListName>>,
    pub(super) active: Option<Flag>,
    pub(super) select: Option<RawSelect>,
    pub(super) map: BTreeMap<String, String>,
    pub(super) schedule: Option<RawSchedule>,
    pub(super) retrieve: RawRetrieve,
    pub(super) advanced: RawAdvanced,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawListName {
    pub(super) name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawSelect {
    pub(super) all: Option<Flag>,
    pub(super) view: Option<String>,
    pub(super) criteria: Option<Vec<RawCondition>>,
    pub(super) pattern: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawCondition {
    pub(super) field: Option<String>,
    pub(super) operator: Option<String>,
    pub(super) value: Option<Literals>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawSchedule {
    pub(super) every: Option<String>,
    pub(super) at: Option<Literal>,
    pub(super) on: Option<Literals>,
    pub(super) cron: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) catch_up: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawRetrieve {
    pub(super) records: Option<String>,
    pub(super) created: Option<RawCreated>,
    pub(super) reconcile_every: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawCreated {
    pub(super) from: Option<Literal>,
    pub(super) to: Option<Literal>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawAdvanced {
    pub(super) deleted: Option<String>,
    pub(super) opted_out: Option<String>,
    pub(super) left: Option<String>,
    pub(super) opted_in_again: Option<String>,
    pub(super) opt_out_field: Option<String>,
    pub(super) exclude_converted: Option<Flag>,
    pub(super) clear_empty: Option<Flag>,
    pub(super) allow_signup_form: Option<Flag>,
}
