//! Signals: TERM and INT stop after the work in hand (a second one at once), HUP reloads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook_tokio::Signals;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Set by SIGTERM or SIGINT. A second one ends the process, even if everything hangs.
#[derive(Debug, Clone)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Takes both signals over from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn register() -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal finds the flag down and raises it, the second finds it up.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))?;
            flag::register(signal, Arc::clone(&stop))?;
        }
        Ok(Self(stop))
    }

    /// Whether one came.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Takes the signals over, within a runtime: the first TERM or INT cancels `stop`, a second one ends the process even
/// if everything hangs. With `reload`, each HUP raises its number; signals that come together are one.
///
/// # Errors
/// When the system refuses.
pub fn watch(stop: &CancellationToken, reload: Option<watch::Sender<u64>>) -> io::Result<()> {
    // What it would tell is told by `stop`; it is registered for the second signal.
    StopFlag::register()?;
    let mut wanted = vec![SIGTERM, SIGINT];
    wanted.extend(reload.as_ref().map(|_| SIGHUP));
    let mut signals = Signals::new(wanted)?;
    let stop = stop.clone();
    tokio::spawn(async move {
        while let Some(signal) = signals.next().await {
            match (signal, &reload) {
                (SIGHUP, Some(reload)) => reload.send_modify(|count| *count += 1),
                _ => stop.cancel(),
            }
        }
    });
    Ok(())
}
