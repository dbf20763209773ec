//! All targets in one program for libFuzzer; the variable `ROSTERD_FUZZ_TARGET` says which one runs. `tests/fuzz/run`
//! builds and starts it.

#![no_main]

use std::sync::LazyLock;

use rosterd::fuzz::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let names = TARGETS.map(|(name, _)| name).join(", ");
    let wanted = std::env::var("ROSTERD_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.into_iter().find(|(name, _)| *name == wanted);
    found
        .unwrap_or_else(|| panic!("set ROSTERD_FUZZ_TARGET to one of {names}"))
        .1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
