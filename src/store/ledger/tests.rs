//! A step is all or nothing, what is damaged is named, and what is kept stays where it was put.

use std::fs;

use tempfile::TempDir;

use super::rows::{NumberRow, OptOutRow, StagedRow};
use super::*;
use crate::domain::changes::Departed;

fn ledger() -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.redb")).unwrap();
    (folder, ledger)
}

fn since(ledger: &Ledger, key: &[u8]) -> Option<i64> {
    let row = ledger.step(|step| step.opt_outs.get(key)).unwrap();
    row.map(|OptOutRow { since }| since)
}

fn put(ledger: &Ledger, key: &[u8], since: i64) {
    ledger
        .step(|step| step.opt_outs.put(key, &OptOutRow { since }))
        .unwrap();
}

#[test]
fn a_step_that_fails_leaves_nothing_of_itself() {
    let (_folder, ledger) = ledger();
    put(&ledger, b"kept", 1);
    let failed: Result<(), StoreError> = ledger.step(|step| {
        step.opt_outs.put(b"new", &OptOutRow { since: 2 })?;
        step.opt_outs.remove(b"kept")?;
        step.number('s', "newsletter")?;
        Err(StoreError::Random)
    });
    assert!(failed.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        ledger.step(|step| -> Result<(), StoreError> {
            step.opt_outs.put(b"new", &OptOutRow { since: 3 })?;
            panic!("in the middle of a step")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(since(&ledger, b"new"), None);
    assert_eq!(since(&ledger, b"kept"), Some(1));
    let names = ledger.step(|step| step.named('s', "")).unwrap();
    assert!(names.is_empty());
}

#[test]
fn what_a_step_put_is_there_when_the_ledger_is_opened_again() {
    let (folder, ledger) = ledger();
    let address: EmailAddress = EmailAddress::parse("ann@example.com").unwrap();
    let (key, mark) = (ledger.key(&address), ledger.mark());
    put(&ledger, &key, 7);
    // Only looked at: nothing to keep, and nothing lost.
    assert_eq!(since(&ledger, &key), Some(7));
    ledger
        .step(|step| step.opt_outs.remove(b"was never there"))
        .unwrap();
    drop(ledger);
    let ledger = Ledger::open(&folder.path().join("ledger.redb")).unwrap();
    assert_eq!(ledger.key(&address), key);
    assert_eq!(ledger.mark(), mark);
    assert_eq!(since(&ledger, &key), Some(7));
    ledger.step(|step| step.opt_outs.remove(&key)).unwrap();
    drop(ledger);
    let ledger = Ledger::open(&folder.path().join("ledger.redb")).unwrap();
    assert_eq!(since(&ledger, &key), None);
}

#[test]
fn two_ledgers_share_neither_keys_nor_marks() {
    let ((_one, one), (_other, other)) = (ledger(), ledger());
    let address = EmailAddress::parse("ann@example.com").unwrap();
    assert_ne!(one.key(&address), other.key(&address));
    assert_ne!(one.mark(), other.mark());
}

#[test]
fn a_damaged_value_names_its_table_and_its_key() {
    let (folder, ledger) = ledger();
    let (table, key) = ("opt_outs", b"\x01\xff");
    put(&ledger, key, 1);
    drop(ledger);
    let path = folder.path().join("ledger.redb");
    let db = Database::create(&path).unwrap();
    let txn = db.begin_write().unwrap();
    let definition: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new(table);
    txn.open_table(definition)
        .unwrap()
        .insert(&key[..], &b"damaged"[..])
        .unwrap();
    txn.commit().unwrap();
    drop(db);
    let ledger = Ledger::open(&path).unwrap();
    let error = ledger.step(|step| step.opt_outs.get(key)).unwrap_err();
    assert_eq!(error.to_string(), "table opt_outs, key 01ff");
    let all = ledger.step(|step| step.opt_outs.under(b"", None, 9));
    assert_eq!(all.unwrap_err().to_string(), "table opt_outs, key 01ff");
}

#[test]
fn a_damaged_file_is_told_with_its_name_and_the_remedy() {
    let (folder, ledger) = ledger();
    put(&ledger, b"kept", 1);
    drop(ledger);
    let path = folder.path().join("ledger.redb");
    let whole = fs::read(&path).unwrap();
    for cut in [100, 4096, whole.len() / 2] {
        fs::write(&path, &whole[..cut]).unwrap();
        let told = Ledger::open(&path).err().unwrap().to_string();
        assert!(told.contains("ledger.redb"), "{cut}: {told}");
        assert!(told.contains("move it away"), "{cut}: {told}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(since(&Ledger::open(&path).unwrap(), b"kept"), Some(1));
}

#[test]
fn a_ledger_is_held_by_one() {
    let (folder, _held) = ledger();
    let second = Ledger::open(&folder.path().join("ledger.redb"));
    assert!(matches!(second, Err(StoreError::Held(_))));
}

#[test]
fn rows_are_met_in_order_once_and_within_their_prefix() {
    let (_folder, ledger) = ledger();
    let number = |number: u32| keys::address(number, &[9; 16]);
    for (sync, since) in [(2, 20), (1, 10), (256, 30)] {
        put(&ledger, &number(sync), since);
    }
    put(&ledger, &keys::address(2, &[10; 16]), 21);
    let sinces = |prefix: &[u8], after: Option<&[u8]>, most| -> Vec<i64> {
        let rows = ledger.step(|step| step.opt_outs.under(prefix, after, most));
        rows.unwrap().iter().map(|(_, row)| row.since).collect()
    };
    assert_eq!(sinces(b"", None, 9), [10, 20, 21, 30]);
    assert_eq!(sinces(&keys::number(2), None, 9), [20, 21]);
    assert_eq!(sinces(&keys::number(2), None, 1), [20]);
    assert_eq!(sinces(&keys::number(2), Some(&number(2)), 9), [21]);
    assert_eq!(sinces(&keys::number(3), None, 9), [0; 0]);
    let any = |number| ledger.step(|step| step.opt_outs.any(&keys::number(number)));
    assert!(any(256).unwrap() && !any(3).unwrap());
}

#[test]
fn a_name_keeps_the_number_it_was_given_first() {
    let (_folder, ledger) = ledger();
    let number = |kind, name: &str| ledger.step(|step| step.number(kind, name)).unwrap();
    assert_eq!(number('s', "one"), 1);
    assert_eq!(number('l', "one"), 2);
    assert_eq!(number('s', "two"), 3);
    assert_eq!(number('s', "one"), 1);
    let under = ledger.step(|step| step.named('s', "t")).unwrap();
    assert_eq!(under, [("wo".to_owned(), 3)]);
    let last = ledger.step(|step| step.names.get(b"")).unwrap();
    assert_eq!(last, Some(NumberRow(3)));
}

#[test]
fn a_departure_is_kept_when_the_address_is_touched_again() {
    let (_folder, ledger) = ledger();
    let touched = |departed| {
        ledger
            .step(|step| -> Result<_, StoreError> {
                step.touch(1, &[5; 16], departed)?;
                step.staged.get(&keys::under_address(1, &[5; 16], 0))
            })
            .unwrap()
    };
    for (departed, want) in [
        (None, None),
        (Some(Departed::Deleted), Some(Departed::Deleted)),
        (None, Some(Departed::Deleted)),
        (Some(Departed::Left), Some(Departed::Left)),
    ] {
        assert_eq!(touched(departed), Some(StagedRow::Touched(want)));
    }
}
