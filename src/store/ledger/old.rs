//! Rows that have had another schema: which is written, and what the earlier ones mean now.

use serde::Deserialize;

use super::rows::{AddedRow, HeldRow, PacingRow, ResolvedRow};
use crate::domain::changes::{Membership, Removal};
use crate::domain::outcome::Outcome;
use crate::domain::pacing::{MethodState, PacingState, WindowState, slot_of_sixtieth};
use crate::domain::value::Field;
use crate::store::format::{FormatError, Stored, payload_of};

impl Stored for AddedRow {
    const KIND: u8 = 8;
    const SCHEMA: u8 = 3;

    fn upgrade(schema: u8, payload: &[u8]) -> Result<Self, FormatError> {
        match schema {
            1 => payload_of::<AddedRowV1>(payload).map(Self::from),
            2 => payload_of::<AddedRowV2>(payload).map(Self::from),
            other => Err(FormatError::UnknownSchema(other)),
        }
    }
}

/// Schema 1, which did not know what was before.
#[derive(Debug, Deserialize)]
struct AddedRowV1 {
    record: u64,
    address: String,
    outcome: Outcome,
}

impl From<AddedRowV1> for AddedRow {
    fn from(row: AddedRowV1) -> Self {
        Self {
            record: row.record,
            address: row.address,
            outcome: row.outcome,
            run: 0,
            list: 0,
            before: None,
            met_clean: false,
        }
    }
}

/// Schema 2, when nobody looked between the addition and the audit.
#[derive(Debug, Deserialize)]
struct AddedRowV2 {
    record: u64,
    address: String,
    outcome: Outcome,
    run: u32,
    list: u32,
    before: Option<Membership>,
}

impl From<AddedRowV2> for AddedRow {
    fn from(row: AddedRowV2) -> Self {
        Self {
            record: row.record,
            address: row.address,
            outcome: row.outcome,
            run: row.run,
            list: row.list,
            before: row.before,
            met_clean: false,
        }
    }
}

impl Stored for HeldRow {
    const KIND: u8 = 11;
    const SCHEMA: u8 = 2;

    fn upgrade(schema: u8, payload: &[u8]) -> Result<Self, FormatError> {
        match schema {
            1 => payload_of::<HeldRowV1>(payload).map(Self::from),
            other => Err(FormatError::UnknownSchema(other)),
        }
    }
}

/// Schema 1, when only deleted records made contacts go.
#[derive(Debug, Deserialize)]
struct HeldRowV1 {
    run: u128,
    address: String,
}

impl From<HeldRowV1> for HeldRow {
    fn from(row: HeldRowV1) -> Self {
        Self {
            run: row.run,
            address: row.address,
            removal: Removal::Gone,
        }
    }
}

impl Stored for ResolvedRow {
    const KIND: u8 = 12;
    const SCHEMA: u8 = 2;

    fn upgrade(schema: u8, payload: &[u8]) -> Result<Self, FormatError> {
        match schema {
            1 => payload_of::<ResolvedRowV1>(payload).map(Self::from),
            other => Err(FormatError::UnknownSchema(other)),
        }
    }
}

/// Schema 1, which knew neither related fields nor views.
#[derive(Debug, Deserialize)]
struct ResolvedRowV1 {
    definition: [u8; 16],
    list: String,
    fields: Vec<Field>,
    labels: Vec<(String, Option<u64>)>,
    consent_modules: Vec<String>,
}

impl From<ResolvedRowV1> for ResolvedRow {
    fn from(row: ResolvedRowV1) -> Self {
        Self {
            definition: row.definition,
            list: row.list,
            fields: row.fields,
            labels: row.labels,
            consent_modules: row.consent_modules,
            related: Vec::new(),
            view: None,
            hides_converted: None,
        }
    }
}

impl Stored for PacingRow {
    const KIND: u8 = 15;
    const SCHEMA: u8 = 2;

    fn upgrade(schema: u8, payload: &[u8]) -> Result<Self, FormatError> {
        match schema {
            1 => payload_of::<Vec<MethodV1>>(payload).map(|methods| {
                let methods = methods.into_iter().map(MethodState::from).collect();
                Self(PacingState { methods })
            }),
            other => Err(FormatError::UnknownSchema(other)),
        }
    }
}

/// Schema 1, which knew no locks, and of a slot when it began.
#[derive(Debug, Deserialize)]
struct MethodV1 {
    method: String,
    windows: Vec<WindowV1>,
}

#[derive(Debug, Deserialize)]
struct WindowV1 {
    span_ms: i64,
    /// When each begins, and its calls.
    slots: Vec<(i64, u32)>,
}

impl From<MethodV1> for MethodState {
    fn from(row: MethodV1) -> Self {
        let windows = row.windows.into_iter().map(|window| WindowState {
            span_ms: window.span_ms,
            slots: window
                .slots
                .into_iter()
                .map(|(starts_ms, calls)| slot_of_sixtieth(window.span_ms, starts_ms, calls))
                .collect(),
        });
        Self {
            method: row.method,
            windows: windows.collect(),
            locked: None,
        }
    }
}
