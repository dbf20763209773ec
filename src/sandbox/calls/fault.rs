//! Faults: which call they strike, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Service;
use super::pour::Pour;
use crate::sandbox::campaigns::screens::Action;

/// Something that is to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Only calls to this service.
    #[serde(default)]
    pub(crate) service: Option<Service>,
    /// Only calls of this method, by the name under which calls are counted.
    #[serde(default)]
    pub(crate) method: Option<String>,
    /// Lets this many fitting calls pass first.
    #[serde(default)]
    pub(crate) after: u32,
    /// Strikes this often, then is gone; without it, every time.
    #[serde(default)]
    pub(crate) times: Option<u32>,
    pub(crate) what: What,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum What {
    /// The call does nothing, and this is the answer.
    Status {
        /// HTTP status.
        status: u16,
        #[serde(default)]
        body: String,
        #[serde(default = "html")]
        content_type: String,
        /// Further headers, such as `Retry-After`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The call does nothing, and no answer comes for as long as the caller waits.
    Hang,
    /// The call waits until faults are dropped, and is carried out as usual then.
    Wait,
    /// The call does nothing, and the connection breaks.
    Close,
    /// The call is carried out as usual, this much later.
    Delay {
        /// In milliseconds.
        millis: u64,
    },
    /// The call is carried out, but its answer is lost: the connection breaks or, with a status, an empty answer of that status
    /// comes instead.
    AfterEffect {
        #[serde(default)]
        status: Option<u16>,
    },
    /// The call is carried out, and the first half of its answer's body comes as if it were all.
    Truncate,
    /// Nothing goes wrong, but people act in Campaigns right before the call is carried out, or right after it.
    Meanwhile {
        /// What they do first. Whatever of all this cannot be done makes the answer a 500 that says so.
        #[serde(default)]
        before: Vec<Action>,
        /// What they do once the answer is made.
        #[serde(default)]
        after: Vec<Action>,
    },
    /// The call does nothing, and the answer's body is without measure: see [`Pour`].
    Pour(Pour),
    /// The call is carried out, and its answer's body is this.
    Replace {
        /// The new body; status and headers stay.
        body: String,
    },
}

fn html() -> String {
    "text/html".to_owned()
}

/// The fault that strikes this call, if any; counts the call against every fault that comes before.
pub(super) fn next(faults: &mut Vec<Fault>, service: Service, method: &str) -> Option<What> {
    let place = faults.iter_mut().position(|fault| {
        if !fault.fits(service, method) {
            return false;
        }
        let is_due = fault.after == 0;
        fault.after = fault.after.saturating_sub(1);
        is_due
    })?;
    let fault = faults.get_mut(place)?;
    let what = fault.what.clone();
    fault.times = fault.times.map(|times| times.saturating_sub(1));
    if fault.times == Some(0) {
        faults.remove(place);
    }
    Some(what)
}

impl Fault {
    /// The HTTP status this fault would answer with, if it has one of its own.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.what {
            What::Status { status, .. } => Some(*status),
            What::AfterEffect { status } => *status,
            What::Hang
            | What::Wait
            | What::Close
            | What::Delay { .. }
            | What::Truncate
            | What::Meanwhile { .. }
            | What::Pour(_)
            | What::Replace { .. } => None,
        }
    }

    fn fits(&self, service: Service, method: &str) -> bool {
        self.times != Some(0)
            && self.service.is_none_or(|wanted| wanted == service)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hang(method: Option<&str>, after: u32, times: Option<u32>) -> Fault {
        Fault {
            service: None,
            method: method.map(str::to_owned),
            after,
            times,
            what: What::Hang,
        }
    }

    #[test]
    fn a_fault_waits_for_its_turn_strikes_as_often_as_told_and_is_gone() {
        let mut faults = vec![hang(Some("coql"), 2, Some(2))];
        let struck: Vec<bool> = ["coql", "records", "coql", "coql", "coql", "coql"]
            .iter()
            .map(|method| next(&mut faults, Service::Crm, method).is_some())
            .collect();
        assert_eq!(struck, [false, false, false, true, true, false]);
        assert!(faults.is_empty());
    }

    #[test]
    fn a_fault_without_an_end_strikes_every_call_it_fits() {
        let mut faults = vec![Fault {
            service: Some(Service::Campaigns),
            ..hang(None, 0, None)
        }];
        for _ in 0..3 {
            assert!(next(&mut faults, Service::Campaigns, "listsubscribe").is_some());
            assert!(next(&mut faults, Service::Crm, "coql").is_none());
        }
    }
}
