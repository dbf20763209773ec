//! What there is to say where nobody knows the address, or the CRM could not be read.

use jiff::tz::TimeZone;

use super::Telling;
use super::held_back::{opted_out, refused};
use crate::cli::report::minute;
use crate::journal::event::ErrorKind;
use crate::run::why::{OtherList, Unasked, UnaskedModule, Unread};

/// What there is to say where no sync has seen the address; of one that was named, its own answer says it.
pub(super) fn unseen(telling: &Telling<'_>, is_named: bool) -> Vec<String> {
    if !telling.story.syncs.is_empty() || is_named {
        return Vec::new();
    }
    let mut others = telling.story.others.iter();
    let known = match others.all(|sync| sync.is_live && sync.is_asked) {
        true => "No sync has seen this address, and no record that one of them reads has it.",
        false => "No sync has seen this address.",
    };
    let mut sentences = vec![known.to_owned()];
    let refused = telling.subject.refused.as_ref().map(|(reason, detail)| {
        let held = refused(*reason, detail);
        format!("If a record had it, it would be ignored: {held}.")
    });
    sentences.extend(refused);
    for opt_out in &telling.story.opt_outs {
        let opted_out = opted_out(telling, opt_out);
        sentences.push(format!("It would not be added: {opted_out}"));
    }
    for sync in telling.story.others.iter() {
        if let Some(problem) = &sync.problem {
            sentences.push(format!("Not asked for {}: {problem}", sync.definition.id));
        }
    }
    sentences
}

/// That the address is on a list which no sync fills any more.
pub(super) fn other_list(other: &OtherList, zone: &TimeZone) -> String {
    let OtherList {
        account,
        list,
        since,
    } = other;
    let since = minute(*since, zone);
    format!(
        "Also on the list {list} of account {account} since {since}, which no sync fills any more: only an opt-out in the CRM takes it off there."
    )
}

/// That a module could not be asked for all records with the address, and why.
pub(super) fn unasked(unasked: &UnaskedModule) -> String {
    let why = match unasked.why {
        Unasked::Unsayable => {
            "no query can search for a text with one of its characters (such as `%` or `\\`)"
        }
        Unasked::TooMany => "more records than are looked through have this text in theirs",
    };
    format!(
        "The CRM of account {} cannot be asked for all records of {} that may have it: {why}. Those are known that a run has selected.",
        unasked.account, unasked.module
    )
}

/// That an account's records could not be read, and what to do about it.
pub(super) fn unread(unread: &Unread) -> String {
    let Unread {
        account,
        kind,
        message,
    } = unread;
    let remedy = match kind {
        ErrorKind::Unreachable | ErrorKind::Throttled => "Try again in a while.",
        ErrorKind::CredentialsRefused | ErrorKind::AccountClosed => {
            "Mend the credentials, then ask again."
        }
        ErrorKind::Configuration => "`rosterd check --online` tells more.",
        ErrorKind::NotCleared
        | ErrorKind::Refused
        | ErrorKind::ReadCut
        | ErrorKind::SumsDisagree
        | ErrorKind::Audit
        | ErrorKind::Clock
        | ErrorKind::State
        | ErrorKind::Other => "The log may tell more.",
    };
    format!(
        "The CRM of account {account} could not be read, so the present values of its records are not known, and all this is as of the last runs: {message}. {remedy}"
    )
}
