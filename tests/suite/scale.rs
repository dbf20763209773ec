//! Memory does not grow with the module: pages stream through a run.

use std::fs;

use serde_json::json;

use crate::rig::{Rig, until};

/// By how much the peak for ten times the records may be above the other.
const GROWTH_KIB_MAX: u64 = 30 << 10;

/// Reads everything and sends few: what is measured is reading.
const FEW: &str = r#"
name = "Few"
module = "Contacts"
list = { name = "Newsletter" }
select.criteria = [{ field = "Last_Name", operator = "is", value = "O'Brien" }]
schedule = { every = "hour" }
"#;

/// The peak memory of an import that reads so many contacts, in KiB.
fn peak_of_reading(records: usize) -> u64 {
    let rig = Rig::new(0);
    rig.post(
        "/crm/generate",
        &json!({ "module": "Contacts", "count": records }),
    );
    rig.sync("few", FEW);
    let mut running = rig.start("sync", "sync few --json");
    // The peak never falls, so the last one that is seen counts.
    let mut peak = 0;
    until("the import ends", || {
        peak = peak.max(running.peak_kib());
        !running.is_running()
    });
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let finished: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let read = finished["total"].as_u64().unwrap() + finished["not_selected"].as_u64().unwrap();
    assert_eq!(read, u64::try_from(records).unwrap());
    assert!(fs::metadata(rig.path("state/ledger.redb")).unwrap().len() > 0);
    peak
}

#[test]
fn peak_memory_of_two_hundred_thousand_records_is_near_that_of_twenty_thousand() {
    let (few, many) = (peak_of_reading(20_000), peak_of_reading(200_000));
    println!("peak memory: {few} KiB for 20,000 records, {many} KiB for 200,000");
    assert!(many < few + GROWTH_KIB_MAX, "{few} KiB, then {many} KiB");
}
