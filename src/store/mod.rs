//! Checkpoints, counters and the ledger.
