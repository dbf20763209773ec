//! Runs that wait for hours: others have their turns, and they go on by themselves.

use tokio::sync::{OwnedMutexGuard, watch};

use super::Current;
use super::clients::AccountClients;
use crate::domain::definition::SyncDefinition;
use crate::run::{self, Ended, Parked, Progress, RunError, Ticket, Wish, recovery};

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
        let mut ended = run::run(base, clients, definition, wish, ticket, progress).await;
        while let Some(parked) = ended.parked.take() {
            drop(turn);
            self.sit_out(definition, &parked, progress).await;
            // What was read for others before is old by now.
            let ticket = account
                .turns
                .ticket(definition.id.clone(), base.clock.now());
            turn = ticket.line_up().await;
            if base.stop.is_cancelled() {
                return (Ended::failed(RunError::Stopped), turn);
            }
            progress.send_replace(Progress::default());
            ended = match recovery::end_outdated(base, definition) {
                Ok(None) => {
                    run::run(base, clients, definition, Wish::Resume, &ticket, progress).await
                }
                Ok(Some(finished)) => Ended::given_up(finished),
                Err(error) => Ended::failed(error),
            };
        }
        (ended, turn)
    }

    /// Waits until a parked run is to go on, or to look after those who opted out meanwhile; or cannot go on by the files
    /// that have taken over; or rosterd is to stop.
    async fn sit_out(
        &self,
        definition: &SyncDefinition,
        parked: &Parked,
        progress: &watch::Sender<Progress>,
    ) {
        let base = &self.base;
        let until = parked.until.to_zoned(base.config.timezone.clone());
        let until = until.strftime("%Y-%m-%d %H:%M %Q").to_string();
        progress.send_replace(Progress::parked(&until, &parked.why));
        let next = definition.schedule.next_after(parked.since);
        let looked_after = next.map_or(parked.until, |next| next.min(parked.until));
        while base.clock.now() < looked_after
            && !base.stop.is_cancelled()
            && recovery::outdated(base, definition).is_none()
        {
            tokio::select! {
                () = base.clock.look_again(looked_after) => {}
                () = base.stop.cancelled() => {}
            }
        }
    }
}
