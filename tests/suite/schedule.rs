//! Schedules through the built binary: what a daemon does when clocks are set, machines sleep and definitions change, and
//! what `schedule` tells of the coming days.
//!
//! The clock is moved by whole days and hours, and all that is looked at is what the journal has by then, so that it does
//! not matter how long anything takes.

mod clocks;
mod coming;
