//! The rosterd binary: prepares the process, parses the command line, and turns the result into an exit code.

use std::process::ExitCode;

use clap::Parser;
use rosterd::cli::{self, args::Cli};
use rosterd::config;

fn main() -> ExitCode {
    // Building an HTTP client panics without a provider. Only an earlier one makes this fail, and there is none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let parsed = match Cli::try_parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version end with 0, wrong usage with 2; a closed pipe changes neither.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    cli::run(parsed, config::environment().collect(), no_color).into()
}
