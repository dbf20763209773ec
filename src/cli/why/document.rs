//! What `why --json` prints.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::Telling;
use super::answer::answer;
use super::unseen::{unasked, unread};
use super::values::json;
use crate::domain::changes::Membership;
use crate::domain::ids::{AccountName, RunId, SyncId};
use crate::domain::outcome::Reason;
use crate::run::why::{
    By, Next, RecordStory, Standing, Suppressed, SyncStory, Whereabouts, instant,
};
use crate::store::ledger::rows::{Asked, ReplyRow, Said};

/// The whole.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    /// The address as it is compared; what is no address as it was asked.
    address: &'a str,
    asked: &'a str,
    spellings: Vec<&'a str>,
    suppressed: Option<SuppressedDocument<'a>>,
    opted_out: Vec<OptOutDocument<'a>>,
    syncs: Vec<SyncDocument<'a>>,
    /// Lists that it is on and that no sync fills any more.
    other_lists: Vec<OtherListDocument<'a>>,
    /// Accounts whose CRM could not be read.
    unread: Vec<UnreadDocument<'a>>,
    /// Modules that could not be asked for all records with the address.
    unasked: Vec<UnaskedDocument<'a>>,
}

#[derive(Serialize)]
struct SuppressedDocument<'a> {
    by: &'static str,
    since: Option<String>,
    detail: Option<&'a str>,
    /// None where every list is meant.
    sync: Option<&'a SyncId>,
}

#[derive(Serialize)]
struct OptOutDocument<'a> {
    account: &'a AccountName,
    module: &'a str,
    record: String,
    since: Option<String>,
    now: &'static str,
}

#[derive(Serialize)]
struct SyncDocument<'a> {
    sync: &'a SyncId,
    account: &'a AccountName,
    answer: String,
    records: Vec<RecordDocument>,
    on_list: bool,
    list: Option<&'a str>,
    standing: Option<&'static str>,
    since: Option<String>,
    /// The end of the last run that looked at the list, unless that failed.
    as_of: Option<String>,
    ours: bool,
    /// Other active syncs that have it on the list.
    claimed_by: &'a [SyncId],
    suppressed: Option<SuppressedDocument<'a>>,
    /// What the next run that decides the address does: `new`, `re_added`, `duplicate`, `deleted`, or nothing.
    next: Option<&'static str>,
    /// Whether that has to be a run that reads everything.
    next_reads_everything: bool,
    held: Option<RunId>,
    last_sent: Option<BTreeMap<&'a str, &'a str>>,
    cut: &'a [String],
    last_reply: Option<ReplyDocument<'a>>,
    last_ignored: Option<IgnoredDocument<'a>>,
    problem: Option<&'a str>,
}

#[derive(Serialize)]
struct RecordDocument {
    id: String,
    selected: Option<bool>,
    conditions: Vec<ConditionDocument>,
    outcome: Option<&'static str>,
    detail: Option<String>,
    wins: bool,
    place: &'static str,
    modified: Option<String>,
}

#[derive(Serialize)]
struct ConditionDocument {
    n: usize,
    field: String,
    /// The record's own value.
    value: Json,
    r#true: bool,
    decides: bool,
    words: String,
}

#[derive(Serialize)]
struct ReplyDocument<'a> {
    at: String,
    asked: &'static str,
    said: &'static str,
    code: Option<&'a str>,
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct IgnoredDocument<'a> {
    run: RunId,
    at: String,
    record: String,
    reason: Reason,
    detail: &'a str,
}

#[derive(Serialize)]
struct OtherListDocument<'a> {
    account: &'a AccountName,
    list: &'a str,
    since: String,
}

#[derive(Serialize)]
struct UnreadDocument<'a> {
    account: &'a AccountName,
    kind: crate::journal::event::ErrorKind,
    message: String,
}

#[derive(Serialize)]
struct UnaskedDocument<'a> {
    account: &'a AccountName,
    module: &'a str,
    message: String,
}

impl<'a> Document<'a> {
    /// All that is told.
    pub(super) fn of(telling: &'a Telling<'a>) -> Self {
        let (story, subject) = (telling.story, telling.subject);
        let address = subject.address.as_ref();
        let syncs = story.syncs.iter();
        let of_syncs = syncs
            .clone()
            .filter_map(|sync| Some((sync.suppressed?, sync)));
        let suppressed = of_syncs.min_by_key(|(suppressed, _)| suppressed.by);
        let suppressed = suppressed.map(|(it, sync)| suppressed_of(telling, it, Some(sync)));
        Self {
            address: address.map_or(subject.text.as_str(), |address| address.normal()),
            asked: &subject.text,
            spellings: story.spellings.iter().map(String::as_str).collect(),
            suppressed: erased(telling)
                .or(suppressed)
                .or_else(|| by_itself(telling)),
            opted_out: opted_out(telling),
            syncs: syncs.map(|sync| SyncDocument::of(telling, sync)).collect(),
            other_lists: story
                .other_lists
                .iter()
                .map(|it| OtherListDocument {
                    account: &it.account,
                    list: &it.list,
                    since: rfc_3339(it.since),
                })
                .collect(),
            unread: story
                .unread
                .iter()
                .map(|it| UnreadDocument {
                    account: &it.account,
                    kind: it.kind,
                    message: unread(it),
                })
                .collect(),
            unasked: story
                .unasked
                .iter()
                .map(|it| UnaskedDocument {
                    account: &it.account,
                    module: it.module.as_str(),
                    message: unasked(it),
                })
                .collect(),
        }
    }
}

/// An instant as the journal has it.
fn rfc_3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What holds the address back whatever the lists say, where no sync has seen it.
fn by_itself<'a>(telling: &'a Telling<'a>) -> Option<SuppressedDocument<'a>> {
    let since = |by, since| Suppressed {
        by,
        since,
        elsewhere: false,
    };
    if let Some((reason, _)) = &telling.subject.refused {
        let by = match reason {
            Reason::GroupEmail => By::GroupEmail,
            _ => By::InvalidPattern,
        };
        return Some(suppressed_of(telling, since(by, None), None));
    }
    let opt_outs = telling.story.opt_outs.iter();
    let blocks = opt_outs.filter(|it| it.now != Standing::OptedIn);
    let first = blocks.min_by_key(|it| it.since.unwrap_or(Timestamp::MAX))?;
    Some(suppressed_of(
        telling,
        since(By::OptedOut, first.since),
        None,
    ))
}

fn erased<'a>(telling: &'a Telling<'a>) -> Option<SuppressedDocument<'a>> {
    let erasure = telling.story.erased?;
    let suppressed = Suppressed {
        by: By::Erased,
        since: Some(erasure.since),
        elsewhere: false,
    };
    Some(suppressed_of(telling, suppressed, None))
}

fn suppressed_of<'a>(
    telling: &'a Telling<'a>,
    suppressed: Suppressed,
    sync: Option<&'a SyncStory>,
) -> SuppressedDocument<'a> {
    let detail = match suppressed.by {
        By::InvalidPattern | By::GroupEmail => {
            let refused = telling.subject.refused.as_ref();
            refused.map(|(_, detail)| detail.as_str())
        }
        By::Blocked | By::Refused | By::KeptOff => {
            let refused = sync.and_then(|sync| sync.refused.as_ref());
            refused.map(|refused| refused.detail.as_str())
        }
        By::OptedOut | By::Erased | By::Unsubscribed | By::TakenOffOptedOut | By::Bounced => None,
    };
    let is_of_list = !matches!(
        suppressed.by,
        By::InvalidPattern | By::GroupEmail | By::OptedOut | By::Erased
    );
    SuppressedDocument {
        by: suppressed.by.name(),
        since: suppressed.since.map(rfc_3339),
        detail,
        sync: sync.filter(|_| is_of_list).map(|sync| &sync.definition.id),
    }
}

fn opted_out<'a>(telling: &'a Telling<'a>) -> Vec<OptOutDocument<'a>> {
    let opt_outs = telling.story.opt_outs.iter();
    opt_outs
        .map(|opt_out| OptOutDocument {
            account: &opt_out.account,
            module: &opt_out.module,
            record: opt_out.record.to_string(),
            since: opt_out.since.map(rfc_3339),
            now: match opt_out.now {
                Standing::OptedOut => "opted_out",
                Standing::OptedIn => "opted_in",
                Standing::Readdressed => "readdressed",
                Standing::Gone => "gone",
                Standing::Unknown => "unknown",
            },
        })
        .collect()
}

impl<'a> SyncDocument<'a> {
    fn of(telling: &'a Telling<'a>, sync: &'a SyncStory) -> Self {
        let fields = |sent: &'a Vec<(String, String)>| {
            let sent = sent.iter();
            sent.map(|(label, value)| (label.as_str(), value.as_str()))
                .collect()
        };
        let suppressed = sync.suppressed;
        Self {
            sync: &sync.definition.id,
            account: &sync.definition.account,
            answer: answer(telling, sync),
            records: sync.records.iter().map(RecordDocument::of).collect(),
            on_list: sync.on_list(),
            list: sync.list.as_deref(),
            standing: sync.member.as_ref().map(|it| standing(it.state)),
            since: sync.member.as_ref().map(|it| rfc_3339(it.since)),
            as_of: sync
                .found
                .filter(|found| !found.failed)
                .map(|found| rfc_3339(found.ended_at)),
            ours: sync.member.as_ref().is_some_and(|it| it.ours),
            claimed_by: &sync.claimed_by,
            suppressed: suppressed.map(|it| suppressed_of(telling, it, Some(sync))),
            next: match sync.next {
                Next::Nothing => None,
                Next::Sends(outcome) => Some(outcome.name()),
                Next::TakesOff(_) => Some("deleted"),
            },
            next_reads_everything: sync.next_is_full,
            held: sync.held.map(|held| held.run),
            last_sent: sync.sent.as_ref().map(fields),
            cut: &sync.cut,
            last_reply: sync.reply.as_ref().map(ReplyDocument::of),
            last_ignored: sync.ignored.as_ref().map(|it| IgnoredDocument {
                run: it.run,
                at: rfc_3339(it.at),
                record: it.record.to_string(),
                reason: it.reason,
                detail: &it.detail,
            }),
            problem: sync.problem.as_deref(),
        }
    }
}

/// How an address stands on a list, by name.
fn standing(state: Membership) -> &'static str {
    match state {
        Membership::Active => "active",
        Membership::TakenOffGone => "taken_off_gone",
        Membership::TakenOffOptedOut => "taken_off_opted_out",
        Membership::TakenOffLeft => "taken_off_left",
        Membership::Lost => "lost",
        Membership::Unsubscribed => "unsubscribed",
        Membership::Bounced => "bounced",
        Membership::OptedOutLost => "opted_out_lost",
        Membership::TakenOffReleased => "taken_off_released",
    }
}

impl RecordDocument {
    fn of(record: &RecordStory) -> Self {
        let conditions = record.conditions.iter().map(|condition| ConditionDocument {
            n: condition.number,
            field: condition.field.clone(),
            value: json(&condition.value),
            r#true: condition.holds,
            decides: condition.decides,
            words: condition.words.clone(),
        });
        let (outcome, detail) = match (&record.outcome, record.not_selected) {
            (_, Some(_)) => (Some("not_selected"), None),
            (Some((outcome, detail)), None) => {
                let detail = Some(detail.clone()).filter(|it| !it.is_empty());
                (Some(outcome.name()), detail)
            }
            (None, None) => (None, None),
        };
        Self {
            id: record.id.to_string(),
            selected: record.selected,
            conditions: conditions.collect(),
            outcome,
            detail,
            wins: record.wins,
            place: match record.place {
                Whereabouts::Here => "here",
                Whereabouts::Readdressed => "readdressed",
                Whereabouts::Gone => "gone",
                Whereabouts::Unread => "unread",
            },
            modified: record.modified_at.map(rfc_3339),
        }
    }
}

impl<'a> ReplyDocument<'a> {
    fn of(reply: &'a ReplyRow) -> Self {
        let (said, code, text) = match &reply.said {
            Said::Accepted => ("accepted", None, None),
            Said::AlreadyThere => ("already_there", None, None),
            Said::Refused { code, text } => ("refused", Some(code), Some(text)),
        };
        Self {
            at: rfc_3339(instant(reply.at)),
            asked: match reply.asked {
                Asked::Subscribe => "subscribe",
                Asked::Unsubscribe => "unsubscribe",
            },
            said,
            code: code.map(String::as_str),
            text: text.map(String::as_str),
        }
    }
}
