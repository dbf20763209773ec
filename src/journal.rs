//! The import history: append-only, one JSON line per event, each exactly once.
