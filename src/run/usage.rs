//! What an account has used of its limits: counters in the store, by day and by month.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::ids::AccountName;
use crate::domain::limits::{Limit, Periods, Usage};
use crate::store::state::Counter;
use crate::store::{Store, StoreError};

/// The counters of an account's limits in the periods of one moment.
pub(super) struct Counters {
    keys: Vec<(Limit, String)>,
}

impl Counters {
    pub(super) fn of(account: &AccountName, now: Timestamp, zone: &TimeZone) -> Self {
        let periods = Periods::of(now, zone);
        let (year, month) = periods.month;
        let day = periods.day.to_string();
        let month = format!("{year:04}-{month:02}");
        let key =
            |limit: Limit, period: &str| (limit, format!("{account}/{}/{period}", limit.name()));
        Self {
            keys: vec![
                key(Limit::RunsPerDay, &day),
                key(Limit::InitiationsPerMonth, &month),
                key(Limit::ResyncsPerDay, &day),
                key(Limit::ResyncsPerMonth, &month),
            ],
        }
    }

    /// What is used, by what `count` says of each counter.
    pub(super) fn usage<E>(&self, count: impl Fn(&str) -> Result<u64, E>) -> Result<Usage, E> {
        let mut usage = Usage::default();
        for (limit, key) in &self.keys {
            let count = count(key)?;
            match limit {
                Limit::RunsPerDay => usage.runs_per_day = count,
                Limit::InitiationsPerMonth => usage.initiations_per_month = count,
                Limit::ResyncsPerDay => usage.resyncs_per_day = count,
                Limit::ResyncsPerMonth => usage.resyncs_per_month = count,
                Limit::ActiveSyncs => {}
            }
        }
        Ok(usage)
    }

    /// The counters of the limits in `by`, one higher each.
    pub(super) fn raised(
        &self,
        store: &Store,
        by: &[Limit],
    ) -> Result<Vec<(String, Counter)>, StoreError> {
        let raised = self.keys.iter().filter(|(limit, _)| by.contains(limit));
        raised
            .map(|(_, key)| Ok((key.clone(), Counter(store.state.counter(key)? + 1))))
            .collect()
    }
}

/// What an account has used of its limits at `now`, by what `count` says of each counter.
pub(crate) fn usage_of(
    account: &AccountName,
    now: Timestamp,
    zone: &TimeZone,
    count: impl Fn(&str) -> u64,
) -> Usage {
    let usage =
        Counters::of(account, now, zone).usage(|key| Ok::<_, std::convert::Infallible>(count(key)));
    match usage {
        Ok(usage) => usage,
        Err(never) => match never {},
    }
}
