//! What a run costs: every request sent to CRM and Campaigns, repeats and metadata included, tokens not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts the requests of one run; shared by the clients that work for it.
#[derive(Debug, Default)]
pub struct Meter {
    crm_calls: AtomicU64,
    crm_credits: AtomicU64,
    campaigns_calls: AtomicU64,
    methods: Mutex<BTreeMap<&'static str, Spent>>,
}

/// What one method was called for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Requests.
    pub calls: u64,
    /// Credits they cost.
    pub credits: u64,
}

/// What was counted at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cost {
    /// Requests sent to the CRM.
    pub crm_calls: u64,
    /// Credits they cost, by the CRM's price list.
    pub crm_credits: u64,
    /// Requests sent to Campaigns.
    pub campaigns_calls: u64,
}

impl Meter {
    /// Counts on from what an interrupted run had spent.
    #[must_use]
    pub fn starting_at(cost: Cost) -> Self {
        Self {
            crm_calls: AtomicU64::new(cost.crm_calls),
            crm_credits: AtomicU64::new(cost.crm_credits),
            campaigns_calls: AtomicU64::new(cost.campaigns_calls),
            methods: Mutex::default(),
        }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn snapshot(&self) -> Cost {
        Cost {
            crm_calls: self.crm_calls.load(Ordering::Relaxed),
            crm_credits: self.crm_credits.load(Ordering::Relaxed),
            campaigns_calls: self.campaigns_calls.load(Ordering::Relaxed),
        }
    }

    /// What was counted of some methods together, by the names of their budgets.
    #[must_use]
    pub fn spent(&self, methods: &[&str]) -> Spent {
        let counted = self.methods();
        let of = methods.iter().filter_map(|method| counted.get(method));
        of.fold(Spent::default(), |sum, one| Spent {
            calls: sum.calls + one.calls,
            credits: sum.credits + one.credits,
        })
    }

    pub(super) fn count(&self, method: &'static str, price: Price) {
        let credits = match price {
            Price::Crm { credits } => {
                self.crm_calls.fetch_add(1, Ordering::Relaxed);
                self.crm_credits.fetch_add(credits, Ordering::Relaxed);
                credits
            }
            Price::Campaigns => {
                self.campaigns_calls.fetch_add(1, Ordering::Relaxed);
                0
            }
        };
        let mut counted = self.methods();
        let spent = counted.entry(method).or_default();
        spent.calls += 1;
        spent.credits += credits;
    }

    fn methods(&self) -> MutexGuard<'_, BTreeMap<&'static str, Spent>> {
        self.methods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one request costs, each time it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Price {
    Crm { credits: u64 },
    Campaigns,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_counts_on_from_where_it_started() {
        let meter = Meter::starting_at(Cost {
            crm_calls: 2,
            crm_credits: 6,
            campaigns_calls: 1,
        });
        meter.count("coql", Price::Crm { credits: 3 });
        meter.count("listsubscribe", Price::Campaigns);
        let want = Cost {
            crm_calls: 3,
            crm_credits: 9,
            campaigns_calls: 2,
        };
        assert_eq!(meter.snapshot(), want);
        let (calls, credits) = (1, 3);
        assert_eq!(meter.spent(&["coql", "records"]), Spent { calls, credits });
    }
}
