//! rosterd keeps mailing lists true to a CRM.

pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod journal;
pub mod logging;
pub mod run;
pub mod sandbox;
pub mod store;
pub mod zoho;
