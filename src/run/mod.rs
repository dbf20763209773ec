//! One run of one sync: read, decide, write, record; resumable after any step.
