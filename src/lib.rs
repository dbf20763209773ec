//! rosterd keeps mailing lists true to a CRM: it reads Zoho CRM on a schedule, decides who belongs on which Zoho
//! Campaigns list, makes it so, and writes down what it did and why.
//!
//! # What is guaranteed
//!
//! The four promises, in this order; where two pull apart, the earlier one wins.
//!
//! 1. **Nobody who opted out is ever put on a list.** The call that adds a contact takes a
//!    [`Cleared`](domain::suppression::Cleared), and only the suppression gate makes one. When in doubt, adding stops
//!    and unsubscribing goes on. Afterwards whoever was added is [audited](domain::audit) against the suppressions.
//! 2. **Nothing is lost or done twice.** A run is a walk through steps, each one transaction of the ledger. Killed
//!    anywhere, it goes on under its id and ends with the counts and the list of a run that was left alone.
//! 3. **Nothing happens unexplained.** Every record read is counted under exactly one
//!    [`Outcome`](domain::outcome::Outcome), and the sums are checked before a run is called completed.
//! 4. **No call is wasted.** What a sync rendered and sent before is not sent again; reads take the path that costs
//!    the fewest credits.
//!
//! # How a run goes
//!
//! A definition file becomes a [`SyncDefinition`](domain::definition::SyncDefinition). The scheduler
//! ([`daemon`]) or a person ([`cli`]) wishes for a run; [`run`] weighs the limits, opens the gate, reads records page
//! by page into the ledger ([`store`]), and decides address by address: an address, not a record, is what becomes a
//! contact, and [`domain::changes::decide`] says, from all that the ledger knows of it, which outcome each record has
//! and which call is due. Intents are stored, called, and their outcomes stored. The end is written to the ledger, the
//! ignored file, the [`journal`] and the checkpoint, in this order, so that each can be made from the one before.
//!
//! A run that would have to wait for hours, because a budget of the services is used up or a method is locked, is parked:
//! others have its turn, and it is resumed as if its process had died ([`domain::pacing`], [`run`]).
//!
//! A plan is the same walk, rehearsed on a copy of the stores by clients that leave the writing out. `why` is a step of
//! it for one address, of which nothing is kept.
//!
//! # Map of modules
//!
//! | Module | What lives there | Depends on |
//! |---|---|---|
//! | [`domain`] | decisions as values: addresses, criteria, mapping, outcomes, schedules, limits, pacing, the gate | nothing |
//! | [`clock`] | the only reader of wall time | nothing |
//! | [`config`] | files and environment to typed settings, every problem with its place | `domain` |
//! | [`zoho`] | clients of Zoho Accounts, CRM and Campaigns; wire formats | `domain`, `clock` |
//! | [`store`] | checkpoints and counters (sled), ledger (redb), one codec | `domain` |
//! | [`journal`] | the import history and the files of ignored contacts | `domain` |
//! | [`run`] | one run of one sync, resumable after any step | all above |
//! | [`daemon`] | composition, scheduler, control socket, reload, signals, status | `run` |
//! | [`cli`] | the commands, one file each | `daemon` |
//! | [`logging`] | log lines: format, level, destination | `config` |
//! | `regular` | files that a person names, or rosterd keeps: regular ones, and nothing that is waited for without end | nothing |
//! | [`sandbox`] | a local stand-in for the services, for tests, the demo and trying things out | words of `domain` |
//!
//! # Invariants
//!
//! - `domain` imports no runtime, HTTP, database or logging crate, touches no file and no variable, and never asks the
//!   time: `now` is an argument.
//! - The services' field names appear only in `wire` files of [`zoho`] and in the [`sandbox`]; stored bytes only in
//!   `store::format`; settings are read from the environment only in [`config`].
//! - The parts are put together in one place, [`daemon::Service`], which the commands share; only `main.rs` ends the
//!   process. The state is locked to one process,
//!   and commands beside a daemon ask it through its control socket.
//! - Addresses, names and tokens never reach a log line or the journal. Results go to stdout, logs to stderr.
//! - Nothing but [`cli`] and tests knows the [`sandbox`].

pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod journal;
pub mod logging;
mod regular;
pub mod run;
pub mod sandbox;
pub mod store;
pub mod zoho;
