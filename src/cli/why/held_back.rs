//! What holds an address back, and what would free it.

use super::Telling;
use super::answer::Words;
use crate::cli::report::minute;
use crate::domain::outcome::Reason;
use crate::run::why::{By, NOT_ARRIVED, OptOut, Standing, Suppressed, Whereabouts};

/// Why nothing is ever sent to a text.
pub(super) fn refused(reason: Reason, detail: &str) -> String {
    match reason {
        Reason::GroupEmail => "it is the address of a role, not of a person".to_owned(),
        _ => format!("it is not an address that mail can reach ({detail})"),
    }
}

/// By which record the address has opted out, and what would free it.
pub(super) fn opted_out(telling: &Telling<'_>, opt_out: &OptOut) -> String {
    let OptOut {
        module,
        record,
        since,
        now,
        ..
    } = opt_out;
    let since = match since {
        Some(since) => format!("rosterd has known since {}", minute(*since, telling.zone)),
        None => "no run has seen it yet".to_owned(),
    };
    let record = format!("record {record} of {module}");
    let lifts = "`rosterd release ADDRESS --reason TEXT` lifts that.";
    match now {
        Standing::OptedOut | Standing::Unknown => format!(
            "{record} has opted out in the CRM ({since}). Only that record frees the address, by opting in again."
        ),
        Standing::OptedIn => format!(
            "{record} had opted out in the CRM ({since}) and has opted in again; the next run frees the address."
        ),
        Standing::Readdressed => format!(
            "{record} has opted out in the CRM ({since}) and has another address now, so that it cannot free this one. {lifts}"
        ),
        Standing::Gone => format!(
            "{record} had opted out in the CRM ({since}) and is not there any more, so that it cannot free the address. {lifts}"
        ),
    }
}

impl Words<'_> {
    /// A record of the sync's account that blocks the address, one that is still there first.
    pub(super) fn blocking(&self) -> Option<&OptOut> {
        let account = &self.sync.definition.account;
        let of_account = self.telling.story.opt_outs.iter();
        let of_account = of_account.filter(|it| it.account == *account);
        let blocks = of_account.filter(|it| it.now != Standing::OptedIn);
        blocks.min_by_key(|it| match it.now {
            Standing::OptedOut | Standing::Unknown => 0,
            Standing::OptedIn | Standing::Readdressed | Standing::Gone => 1,
        })
    }

    /// Why the address is held back from the sync's list, in a sentence without its beginning.
    pub(super) fn suppressed(&self, suppressed: Suppressed) -> String {
        let Suppressed {
            by,
            since,
            elsewhere,
        } = suppressed;
        let since = since.map(|since| self.at(since));
        let on = |since: &Option<String>| match since {
            Some(since) => format!(" on {since}"),
            None => String::new(),
        };
        let known = match &since {
            Some(since) => format!("rosterd has known since {since}"),
            None => "rosterd knows".to_owned(),
        };
        let whole = match elsewhere {
            true => " another list of the account, which counts for this one too",
            false => " this list",
        };
        match by {
            By::InvalidPattern | By::GroupEmail => {
                let held = self.telling.subject.refused.as_ref();
                let held = held.map_or(String::new(), |(reason, it)| refused(*reason, it));
                let carried = self.carried();
                format!("{held}, so nothing is ever sent to it{carried}.")
            }
            By::OptedOut => match self.blocking() {
                Some(opt_out) => opted_out(self.telling, opt_out),
                None => format!("it has opted out in the CRM ({known})."),
            },
            By::Erased => "the person was erased.".to_owned(),
            By::Unsubscribed => format!(
                "the person unsubscribed from{whole} in Campaigns, or was put on do-not-mail there ({known}). rosterd never undoes that."
            ),
            By::TakenOffOptedOut => format!(
                "rosterd took it off{}, because it had opted out in the CRM, and this sync does not add who opts in again (`opted_in_again = \"ignore\"`).",
                on(&since)
            ),
            By::Bounced => format!(
                "mail to it hard-bounced in Campaigns ({known}). rosterd never undoes that."
            ),
            By::KeptOff => format!(
                "Campaigns accepted it{}, and kept it unsubscribed, as rosterd had left it. It is tried again when a mapped field of its record changes. A colleague can subscribe it again in Campaigns, which only the person's consent allows.",
                on(&since)
            ),
            By::Blocked | By::Refused => {
                let detail = self.sync.refused.as_ref().map(|it| it.detail.as_str());
                let detail = detail.unwrap_or_default().trim_end_matches('.');
                let said = match detail == NOT_ARRIVED {
                    true => format!(
                        "Campaigns accepted it{}, but it was not on the list afterwards",
                        on(&since)
                    ),
                    false => format!("Campaigns refused it{}: {detail}", on(&since)),
                };
                format!("{said}. It is tried again when a mapped field of its record changes.")
            }
        }
    }

    /// Which records have a text that is never sent to.
    fn carried(&self) -> String {
        let records = self.sync.records.iter();
        let here: Vec<String> = records
            .filter(|record| record.place == Whereabouts::Here)
            .map(|record| record.id.to_string())
            .collect();
        match here.as_slice() {
            [] => String::new(),
            [one] => format!("; record {one} of {} has it", self.sync.definition.module),
            several => format!(
                "; records {} of {} have it",
                several.join(", "),
                self.sync.definition.module
            ),
        }
    }
}
