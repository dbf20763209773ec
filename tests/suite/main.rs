//! All tests that use rosterd from outside: its library on real files, its binary against the sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod activation;
mod cleared;
mod cli;
mod config;
mod control;
mod crash;
mod daemon;
mod demo;
mod disk;
mod failures;
mod hostile;
mod limits;
mod login;
mod pace;
mod readme;
mod reload;
mod rig;
mod scale;
mod scenarios;
mod schedule;
mod soak;
mod state;
mod story;
mod systemd;
mod trouble;
mod walk;
