//! Composition, scheduler, signals.
