//! What reads bytes from elsewhere, as functions that a fuzzer can call; part of tests and of fuzzing alone.
//!
//! A target takes any bytes and panics where a law is broken: that what was read reads the same once it is written
//! anew, that a problem lies within its file, that nothing is kept which must not be. The same functions run in two
//! ways. `cargo test` gives each its committed inputs from `tests/fuzz/corpus` and a fixed number of mutations of
//! them, always the same ones, so that it needs no nightly compiler and no further program. `tests/fuzz` hands them to
//! libFuzzer, for sessions of any length; an input that found something stays in the corpus.

mod domain;
#[cfg(test)]
mod mutations;

use crate::{config, journal, store, zoho};

/// Reads one input, and panics where a law is broken.
pub type Target = fn(&[u8]);

/// The targets by their names, which are also those of their folders in the corpus.
pub const TARGETS: [(&str, Target); 11] = [
    ("address", domain::address),
    ("bulk_rows", zoho::crm::fuzz::bulk_rows),
    ("campaigns_answer", zoho::campaigns::fuzz::answer),
    ("coql_page", zoho::crm::fuzz::coql_page),
    ("crm_answer", zoho::crm::fuzz::answer),
    ("definition", config::fuzz::definition),
    ("journal", journal::fuzz::journal),
    ("pattern", domain::pattern),
    ("settings", config::fuzz::settings),
    ("stored_row", store::fuzz::stored_row),
    ("token", zoho::oauth::fuzz::token),
];

/// The first byte and what follows it; a nought where there is none.
pub(crate) fn choice(bytes: &[u8]) -> (u8, &[u8]) {
    bytes
        .split_first()
        .map_or((0, bytes), |(first, rest)| (*first, rest))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::mutations::Mutations;
    use super::*;

    /// Mutations that each target is given where [`INPUTS`] does not say otherwise.
    const USUAL: usize = 1500;
    /// How many mutations each target is given.
    const INPUTS: &str = "ROSTERD_FUZZ_INPUTS";

    fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        let entries = fs::read_dir(folder.join(name)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let read = |path: PathBuf| {
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        };
        paths.into_iter().map(read).collect()
    }

    /// Writes an input down if the target panics on it: its name goes into the corpus with it.
    struct Told<'a> {
        target: &'static str,
        input: &'a [u8],
    }

    impl Drop for Told<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let input = self.input.escape_ascii();
                eprintln!("{} broke a law on b\"{input}\"", self.target);
            }
        }
    }

    fn run(target: &'static str, read: Target, input: &[u8]) {
        let _told = Told { target, input };
        read(input);
    }

    /// One test per target, so that they run beside each other.
    fn holds(wanted: &str) {
        let inputs = std::env::var(INPUTS).map_or(USUAL, |text| text.parse().unwrap());
        let found = TARGETS.into_iter().find(|(name, _)| *name == wanted);
        let (name, read) = found.unwrap();
        let corpus = corpus(name);
        assert!(corpus.len() > 1, "{name}");
        for (_, input) in &corpus {
            run(name, read, input);
        }
        let seeds = corpus.into_iter().map(|(_, input)| input).collect();
        for input in Mutations::of(seeds).take(inputs) {
            run(name, read, &input);
        }
    }

    macro_rules! each {
        ($($name:ident)*) => {
            $(#[test]
            fn $name() {
                holds(stringify!($name));
            })*

            #[test]
            fn every_target_has_a_test() {
                let tested = [$(stringify!($name)),*];
                assert_eq!(TARGETS.map(|(name, _)| name), tested);
            }
        };
    }

    each!(address bulk_rows campaigns_answer coql_page crm_answer definition journal pattern settings stored_row token);
}
