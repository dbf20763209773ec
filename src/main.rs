//! The rosterd binary: prepares the process, parses the command line, and turns the result into an exit code.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rosterd::cli::{self, args::Cli};
use rosterd::config;
use signal_hook::consts::SIGXFSZ;

fn main() -> ExitCode {
    // Building an HTTP client panics without a provider. Only an earlier one makes this fail, and there is none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // The system would end a process that writes beyond the limit of a file's size. With this the write fails, and says so.
    let told = signal_hook::flag::register(SIGXFSZ, Arc::default());
    if let Err(error) = told {
        eprintln!(
            "warning: a file at its largest size allowed will end rosterd without a word: {error}"
        );
    }
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
