//! Runs that wait for hours, before they begin or after: others have their turns, and they go on by themselves.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedMutexGuard, watch};

use super::Current;
use super::clients::AccountClients;
use crate::domain::definition::SyncDefinition;
use crate::journal::event::{DeferReason, Event, ParkReason, RunDeferred, RunError as Journalled};
use crate::run::recovery::{self, Outdated};
use crate::run::{self, Ended, Parked, Progress, RunError, Ticket, Wish};

/// Two times to wait until that are not farther apart are one.
const SAME_WAIT: SignedDuration = SignedDuration::from_mins(1);

impl Current {
    /// Follows a run to its end. While it is parked, others have its turn.
    pub(super) async fn run_parking(
        &self,
        (account, definition): (&AccountClients, &SyncDefinition),
        (ticket, wish): (&Ticket, Wish),
        mut turn: OwnedMutexGuard<()>,
        progress: &watch::Sender<Progress>,
    ) -> (Ended, OwnedMutexGuard<()>) {
        let (base, clients) = (&self.base, &account.clients);
        let before = base.standings.deactivations(&definition.id);
        let mut ended = run::run(base, clients, definition, wish, ticket, progress).await;
        let mut has_begun = false;
        let mut told_until = None;
        while let Some(parked) = ended.parked.take() {
            has_begun |= parked.begun;
            // A person is told at once that nothing can begin, and asks again.
            if !has_begun && matches!(wish, Wish::Person { .. }) {
                break;
            }
            let is_told = told_until
                .is_some_and(|told: Timestamp| parked.until.duration_since(told).abs() < SAME_WAIT);
            if !parked.begun && !is_told {
                if let Err(error) = self.defer_until(definition, wish, &parked) {
                    return (Ended::failed(error), turn);
                }
                told_until = Some(parked.until);
            }
            drop(turn);
            self.sit_out((definition, before), &parked, progress).await;
            // What was read for others before is old by now.
            let ticket = account
                .turns
                .ticket(definition.id.clone(), base.clock.now());
            turn = ticket.line_up().await;
            if base.stop.is_cancelled() {
                return (Ended::failed(RunError::Stopped), turn);
            }
            progress.send_replace(Progress::default());
            ended = match recovery::end_outdated(base, definition, before) {
                Ok(Outdated::No) => {
                    run::run(base, clients, definition, wish, &ticket, progress).await
                }
                Ok(Outdated::Ended(finished)) => Ended::given_up(*finished),
                Ok(Outdated::NotBegun) => Ended::superseded(),
                Err(error) => Ended::failed(error),
            };
        }
        (ended, turn)
    }

    /// Tells of a run that cannot begin yet; the journal only of one of the schedule, as whoever asked for one is told.
    fn defer_until(
        &self,
        definition: &SyncDefinition,
        wish: Wish,
        parked: &Parked,
    ) -> Result<(), RunError> {
        let (until, why) = (parked.until, &parked.why);
        tracing::warn!(sync = %definition.id, %until, "a run cannot begin before {until}: {why}");
        if !matches!(wish, Wish::Schedule { .. }) {
            return Ok(());
        }
        let reason = match parked.reason {
            ParkReason::Budget => DeferReason::Budget,
            ParkReason::Refused => DeferReason::Refused,
        };
        self.base.append(&Event::RunDeferred(RunDeferred {
            sync: definition.id.clone(),
            account: definition.account.clone(),
            reason,
            next: Some(until),
            error: Some(Journalled {
                kind: parked.kind,
                message: why.clone(),
            }),
        }))?;
        Ok(())
    }

    /// Waits until a parked run is to go on, or to look after those who opted out meanwhile; or cannot go on by the files
    /// that have taken over; or rosterd is to stop.
    async fn sit_out(
        &self,
        (definition, before): (&SyncDefinition, u64),
        parked: &Parked,
        progress: &watch::Sender<Progress>,
    ) {
        let base = &self.base;
        let until = parked.until.to_zoned(base.config.timezone.clone());
        let until = until.strftime("%Y-%m-%d %H:%M %Q").to_string();
        progress.send_replace(match parked.begun {
            true => Progress::parked(&until, &parked.why),
            false => Progress::deferred(&until, &parked.why),
        });
        let next = definition.schedule.next_after(parked.since);
        let looked_after = next.map_or(parked.until, |next| next.min(parked.until));
        // A clock that was set back prolongs no wait.
        while (parked.since..looked_after).contains(&base.clock.now())
            && !base.stop.is_cancelled()
            && recovery::outdated(base, definition, before).is_none()
        {
            tokio::select! {
                () = base.clock.look_again(looked_after) => {}
                () = base.stop.cancelled() => {}
            }
        }
    }
}
