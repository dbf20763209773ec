//! Log lines: their format, level and destination.
