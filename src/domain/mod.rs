//! Decisions as values: no I/O, no clock, no async.

pub mod activation;
pub mod address;
pub mod agenda;
pub mod audit;
pub mod changes;
pub mod criteria;
pub mod definition;
pub mod failure;
pub mod filter;
pub mod ids;
pub mod limits;
pub mod mapping;
pub mod nearest;
pub mod operator;
pub mod outcome;
pub mod pacing;
pub mod pattern;
pub mod period;
pub mod record;
pub mod schedule;
pub mod schema;
pub mod screening;
pub mod suppression;
pub mod value;
pub mod walks;
pub mod written;
