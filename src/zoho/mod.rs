//! Zoho's services: one HTTP client for the process, one token per account, one table of hosts.
//!
//! What holds for every call, whatever the service:
//! - It goes to a host of the compiled table or of the configuration, over TLS unless that is a loopback address.
//! - Each request sent is counted in the caller's [`Meter`](meter::Meter), repeats included; renewals of tokens are not.
//! - It is made within the budget of its method ([`pacer`]), which outlives the process; a wait that is too long to be sat
//!   out comes back as an error that says until when.
//! - A failure that passes by itself is tried again until calls have failed for as long as the configuration allows, each
//!   time after a random part of a growing wait; in an outage one caller looks for all of them. A refused token is renewed
//!   once; everything else comes back at once as an error that names the remedy.
//! - No error and no log line carries a token, an address or a body.
//!
//! [`crm`] reads and [`campaigns`] writes; they share what is in this folder and never see each other. The names that
//! the services give to fields and parameters appear in their `wire` files only.

pub mod campaigns;
mod channel;
pub mod crm;
pub mod data_center;
pub mod http;
pub mod meter;
pub mod oauth;
mod outage;
pub mod pacer;
pub mod retry;
pub mod scopes;
#[cfg(test)]
pub(crate) mod testing;

pub use self::channel::Lost;
