//! The beat: one job of tokio-cron-scheduler, every second, that does nothing but wake the planner.
//!
//! The scheduler's own arithmetic is never asked (it freezes zone offsets, and may fall silent after a clock step), so
//! its job is the simplest there is. The vigil tells when it has fallen silent; then it is replaced.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// Enough for any burst of beats after the machine slept.
const CHANNEL_BEATS: usize = 4096;

/// The running beat.
pub(super) struct Beat {
    scheduler: JobScheduler,
    job: uuid::Uuid,
    wake: Arc<Notify>,
}

impl Beat {
    /// Starts beating; each beat wakes `wake`.
    pub(super) async fn start(wake: Arc<Notify>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new_with_channel_size(CHANNEL_BEATS).await?;
        let job = scheduler.add(job(&wake)?).await?;
        scheduler.start().await?;
        Ok(Self {
            scheduler,
            job,
            wake,
        })
    }

    /// Replaces a job that fell silent.
    pub(super) async fn replace(&mut self) -> Result<(), JobSchedulerError> {
        self.scheduler.remove(&self.job).await?;
        self.job = self.scheduler.add(job(&self.wake)?).await?;
        Ok(())
    }

    /// Stops beating.
    pub(super) async fn stop(mut self) -> Result<(), JobSchedulerError> {
        self.scheduler.shutdown().await
    }
}

fn job(wake: &Arc<Notify>) -> Result<Job, JobSchedulerError> {
    let wake = wake.clone();
    Job::new_async("* * * * * *", move |_, _| {
        let wake = wake.clone();
        Box::pin(async move { wake.notify_one() })
    })
}
