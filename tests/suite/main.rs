//! All tests that use rosterd from outside: its library on real files, its binary against the sandbox.

mod cli;
mod config;
