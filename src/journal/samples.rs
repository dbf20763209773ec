//! Events for tests.

use jiff::Timestamp;

use super::event::*;
use super::line::render;
use crate::config::settings::History;
use crate::domain::activation::Inactivity;
use crate::domain::ids::RunId;
use crate::domain::limits::Trigger;
use crate::domain::outcome::{Counts, IgnoredBy, RunOutcome};

/// The journal's smallest size, so that tests see it rotate.
pub(crate) fn small() -> History {
    History {
        rotate_mib: 1,
        keep_rotated: 50,
        keep_ignored_days: 90,
    }
}

/// An instant of one's own for each number, in order.
pub(crate) fn at(number: u32) -> Timestamp {
    Timestamp::from_second(1_763_778_608 + i64::from(number)).unwrap()
}

/// The run of a number.
pub(crate) fn run(number: u32) -> RunId {
    RunId::new(1_763_778_608_412 + u64::from(number), 7)
}

/// The event of interface.md, section 3.
pub(crate) fn finished() -> Event {
    Event::RunFinished(Box::new(RunFinished {
        run: "01JD9Z6M3N2E8QW5RTYVB7K4XC".parse().unwrap(),
        sync: "hospitality".parse().unwrap(),
        account: "main".parse().unwrap(),
        trigger: Trigger::Scheduled,
        outcome: RunOutcome::Completed,
        full: false,
        from: Some("2026-11-21T02:30:02Z".parse().unwrap()),
        to: Some("2026-11-22T02:30:02Z".parse().unwrap()),
        counts: Counts {
            total: 120,
            new: 14,
            re_added: 1,
            duplicate: 98,
            updated: 9,
            ignored: 7,
            deleted: 2,
            not_selected: 31,
            ignored_by: IgnoredBy {
                empty_email: 1,
                invalid_pattern: 1,
                group_email: 2,
                opted_out: 1,
                file_duplicate: 1,
                do_not_mail: 1,
                ..IgnoredBy::default()
            },
        },
        crm: CrmCost {
            calls: 3,
            credits: 5,
        },
        campaigns: CampaignsCost { calls: 30 },
        elapsed_ms: 6210,
        error: None,
        audit: None,
    }))
}

/// The end of the run of a number.
pub(crate) fn finished_as(number: u32) -> Event {
    let Event::RunFinished(mut event) = finished() else {
        unreachable!("it is one")
    };
    event.run = run(number);
    Event::RunFinished(event)
}

/// A line of about 200 KiB, of which a handful fill a journal of [`small`] size.
pub(crate) fn big(number: u32) -> Event {
    let Event::RunFinished(mut event) = finished_as(number) else {
        unreachable!("it is one")
    };
    event.error = Some(RunError {
        kind: ErrorKind::Other,
        message: "x".repeat(200 << 10),
    });
    Event::RunFinished(event)
}

/// A line without its newline.
pub(crate) fn line(number: u32) -> String {
    let line = render(at(number), &finished_as(number)).unwrap();
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// One of each, in the order of [`Event::NAMES`].
pub(crate) fn every_event() -> Vec<Event> {
    let (sync, account) = ("hospitality".parse().unwrap(), "main".parse().unwrap());
    let (run, next) = (run(1), Some(at(9)));
    let (sync, account) = (|| Clone::clone(&sync), || Clone::clone(&account));
    vec![
        Event::RunStarted(RunStarted {
            run,
            sync: sync(),
            account: account(),
            trigger: Trigger::Initial,
            full: true,
        }),
        finished(),
        Event::RunHeld(RunHeld {
            run,
            sync: sync(),
            account: account(),
            removals: 40,
            joined_by: None,
            bound: 25,
        }),
        Event::RunApproved(RunApproved {
            run,
            sync: sync(),
            account: account(),
            deleted: 38,
        }),
        Event::RunDiscarded(RunDiscarded {
            run,
            sync: sync(),
            account: account(),
            removals: 40,
        }),
        Event::RunDeferred(RunDeferred {
            sync: sync(),
            account: account(),
            reason: DeferReason::Budget,
            next,
            error: Some(RunError {
                kind: ErrorKind::Throttled,
                message: "later".to_owned(),
            }),
        }),
        Event::RunSkipped(RunSkipped {
            sync: sync(),
            account: account(),
            reason: SkipReason::NotStarted,
            next: None,
            error: Some(RunError {
                kind: ErrorKind::CredentialsRefused,
                message: "no".to_owned(),
            }),
        }),
        Event::RunResumed(RunResumed {
            run,
            sync: sync(),
            account: account(),
        }),
        Event::RunParked(RunParked {
            run,
            sync: sync(),
            account: account(),
            reason: ParkReason::Budget,
            until: at(9),
            waiting: Some(7),
            message: "later".to_owned(),
        }),
        Event::AddressReleased(AddressReleased {
            account: account(),
            reason: "merged into another lead".to_owned(),
        }),
        Event::AddressForgotten(AddressForgotten { unsubscribed: 2 }),
        Event::SyncActivated(SyncActivated {
            sync: sync(),
            account: account(),
        }),
        Event::SyncDeactivated(SyncDeactivated {
            sync: sync(),
            account: account(),
            reason: Inactivity::Limit,
        }),
        Event::AccountKeyChanged(AccountKeyChanged {
            account: account(),
            gone: false,
        }),
        Event::AccountOrganisationChanged(AccountOrganisationChanged {
            account: account(),
            before: "30013".to_owned(),
            now: "30014".to_owned(),
        }),
        Event::ConfigReloaded(ConfigReloaded {
            accounts: 1,
            syncs: 2,
            added: vec![sync()],
            removed: Vec::new(),
            changed: Vec::new(),
            accounts_changed: vec![account()],
            settings_changed: vec!["limits".to_owned()],
        }),
        Event::StateRestored(StateRestored {
            made: at(3),
            version: "0.1.0".to_owned(),
            in_doubt: false,
        }),
    ]
}
