//! Calls counted, and faults scripted.
