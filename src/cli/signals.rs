//! Being asked to stop: once means after the work in hand, twice means at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook_tokio::Signals;

use super::exit::CliError;

/// Set by SIGTERM or SIGINT. A second one ends the process, even if everything hangs.
#[derive(Debug, Clone)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Takes both signals over from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn register() -> Result<Self, CliError> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal finds the flag down and raises it, the second finds it up.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))
                .and_then(|_| flag::register(signal, Arc::clone(&stop)))
                .map_err(refused)?;
        }
        Ok(Self(stop))
    }

    /// Whether one came.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Waits for SIGTERM or SIGINT. To be called within a runtime; the signals are taken over when it is polled first.
///
/// # Errors
/// When the system refuses.
pub async fn asked_to_stop() -> Result<(), CliError> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(refused)?;
    signals.next().await;
    Ok(())
}

fn refused(source: io::Error) -> CliError {
    CliError::System {
        doing: "watch for signals".to_owned(),
        source,
    }
}
