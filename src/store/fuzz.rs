//! The target of stored rows: bytes of any kind are refused, or what they mean is stored and read as the same.

use std::fmt::Debug;

use super::format::{FormatError, Stored, decode, encode};
use super::ledger::rows::*;
use super::state::{
    Checkpoint, Counter, Credentials, Handled, LedgerMark, Standing, Untold, Version,
};
use crate::fuzz::choice;

type Again = fn(&[u8]) -> Result<(), FormatError>;

fn again<T: Stored + PartialEq + Debug>(bytes: &[u8]) -> Result<(), FormatError> {
    let value: T = decode(bytes)?;
    let stored = encode(&value).expect("what was stored can be stored");
    assert_eq!(decode::<T>(&stored).as_ref(), Ok(&value));
    Ok(())
}

macro_rules! kinds {
    ($($row:ty),* $(,)?) => {
        &[$((<$row as Stored>::KIND, again::<$row>)),*]
    };
}

/// Every kind that is stored.
const KINDS: &[(u8, Again)] = kinds![
    RecordRow,
    CandidateRow,
    OptOutRow,
    ClaimRow,
    MemberRow,
    StagedRow,
    IntentRow,
    AddedRow,
    IgnoredRow,
    RunRow,
    HeldRow,
    ResolvedRow,
    NumberRow,
    LedgerRow,
    PacingRow,
    DealRow,
    DealContactRow,
    RevisitRow,
    ExpectedRow,
    AuditRow,
    KeptRow,
    ReplyRow,
    ErasedRow,
    TriedRow,
    ApprovedRow,
    Checkpoint,
    Handled,
    Counter,
    Version,
    LedgerMark,
    Standing,
    Credentials,
    Untold,
];

/// A kind, a schema and a payload under a checksum that is right; and the same bytes as they are.
pub(crate) fn stored_row(bytes: &[u8]) {
    let (kind, rest) = choice(bytes);
    let (kind, again) = KINDS[usize::from(kind) % KINDS.len()];
    // What is refused is fine.
    again(rest).ok();
    let mut framed = vec![kind];
    framed.extend_from_slice(rest);
    let checksum = crc32fast::hash(&framed);
    framed.extend_from_slice(&checksum.to_be_bytes());
    let read = again(&framed);
    assert!(!matches!(
        read,
        Err(FormatError::Checksum | FormatError::WrongKind(_))
    ));
}
