//! Every stored kind, pinned: the bytes that a released rosterd has written must mean the same for ever.
//!
//! A line of the table is never edited. A new schema gets a line of its own, and the old one stays with the value that
//! its bytes are upgraded to.

use std::fmt::Debug;

use proptest::prelude::*;

use super::format::{FormatError, Stored, decode, encode};
use super::ledger::rows::*;
use super::state::{
    Checkpoint, Counter, Credentials, Handled, LastRun, LedgerMark, Running, Standing, Untold,
    Version,
};
use crate::domain::activation::{AccountHold, Holds, Inactivity};
use crate::domain::changes::{Departed, Membership, Rejection, Removal};
use crate::domain::ids::RunId;
use crate::domain::limits::Trigger;
use crate::domain::outcome::{Counts, IgnoredBy, Outcome, Reason, RunOutcome};
use crate::domain::pacing::{MethodState, PacingState, SlotState, WindowState};
use crate::domain::screening::Screened;
use crate::domain::value::{Field, FieldType, PicklistOption};

/// Decodes bytes as a kind; `None` where they are refused. What is not refused must come back from its own bytes.
type Again = fn(&[u8]) -> Result<Vec<u8>, FormatError>;

/// A value of a kind, as bytes of today, and its pinned bytes.
struct Pin {
    bytes: Vec<u8>,
    hex: &'static str,
    again: Again,
}

fn again<T: Stored + PartialEq + Debug>(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let value: T = decode(bytes)?;
    let bytes = encode(&value)?;
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(&value));
    Ok(bytes)
}

fn pin<T: Stored + PartialEq + Debug>(value: &T, hex: &'static str) -> Pin {
    Pin {
        bytes: encode(value).unwrap(),
        hex,
        again: again::<T>,
    }
}

fn run_row() -> RunRow {
    RunRow {
        run: 1 << 100,
        sync: 2,
        list: 3,
        number: 4,
        settled_by: 3,
        trigger: Trigger::CatchUp,
        full: true,
        from: Some(-5),
        to: None,
        started: 1_763_778_602_000,
        phase: Phase::Reading {
            source: 1,
            position: Position::AfterChange(6, 7),
        },
        counts: Counts {
            total: 8,
            new: 1,
            re_added: 1,
            duplicate: 3,
            updated: 2,
            ignored: 3,
            deleted: 300,
            not_selected: 70_000,
            ignored_by: IgnoredBy::default(),
        },
        cost: CostRow {
            crm_calls: 9,
            crm_credits: 10,
            campaigns_calls: 11,
        },
        ignored_rows: 12,
        arrivals: Some(ArrivalsRow {
            before: 13,
            added: 14,
            removed: 15,
        }),
        held: Some((16, 17)),
        not_taken_off: Some((18, "2103 no".to_owned())),
        finished: Some(FinishedRow {
            outcome: RunOutcome::Held,
            at: 19,
            error: Some(("state".to_owned(), "why".to_owned())),
        }),
    }
}

fn resolved_row() -> ResolvedRow {
    ResolvedRow {
        definition: [20; 16],
        list: "3z".to_owned(),
        fields: vec![Field {
            api_name: "Stage".to_owned(),
            label: "Stage".to_owned(),
            field_type: FieldType::Picklist,
            data_type: "picklist".to_owned(),
            lookup: "Accounts".parse().ok(),
            options: vec![PicklistOption {
                actual: "a".to_owned(),
                label: "b".to_owned(),
            }],
        }],
        labels: vec![("City".to_owned(), Some(50))],
        consent_modules: vec!["Leads".to_owned()],
        related: vec![("Accounts".to_owned(), Vec::new())],
        view: Some(ViewRow {
            id: 21,
            modified_at: Some(-22),
            read: true,
            listed_only: false,
        }),
        hides_converted: Some(true),
    }
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        first_seen: 1,
        definition: [2; 16],
        cursor: Some(3),
        last_full: None,
        completed: 4,
        running: Some(Running {
            run: RunId::from_u128(1 << 100),
            account: "main".parse().unwrap(),
            definition: [5; 16],
            trigger: Trigger::Resync,
            full: true,
            started: 6,
        }),
        last: Some(LastRun {
            run: RunId::from_u128(7),
            outcome: RunOutcome::Failed,
            at: 8,
            error: Some("why".to_owned()),
        }),
        on_list: 9,
        settled_by: 3,
    }
}

fn fields() -> Vec<(String, String)> {
    vec![("Last Name".to_owned(), "Łukasz".to_owned())]
}

fn ledger_pins() -> Vec<Pin> {
    let address = || "ann@example.com".to_owned();
    let detail = || "why".to_owned();
    vec![
        pin(
            &RecordRow {
                fingerprint: [1; 16],
                seen: 300,
                place: Place::Under([2; 16]),
            },
            "010101010101010101010101010101010101fb2c0101020202020202020202020202020202025df146d1",
        ),
        pin(
            &CandidateRow {
                modified_at: 1_763_778_602_000,
                address: address(),
                fields: fields(),
            },
            "0201fd2048cb52350300000f616e6e406578616d706c652e636f6d01094c617374204e616d6507c581756b6173\
             7aaa36c2d9",
        ),
        pin(&OptOutRow { since: -1 }, "030101931b669c"),
        pin(
            &ClaimRow {
                winner: u64::MAX,
                sent: Some(fields()),
                refused: Some(Rejection {
                    reason: Reason::Blocked,
                    detail: detail(),
                }),
            },
            "0401fdffffffffffffffff0101094c617374204e616d6507c581756b61737a0109037768798e20476a",
        ),
        pin(
            &MemberRow {
                address: address(),
                state: Membership::TakenOffOptedOut,
                ours: true,
                since: 3,
                seen: 4,
            },
            "05010f616e6e406578616d706c652e636f6d0201060484968fcc",
        ),
        pin(
            &MemberRow {
                address: String::new(),
                state: Membership::TakenOffLeft,
                ours: true,
                since: 3,
                seen: 0,
            },
            "0501000601060076fbb111",
        ),
        pin(
            &MemberRow {
                address: String::new(),
                state: Membership::OptedOutLost,
                ours: false,
                since: 3,
                seen: 0,
            },
            "05010007000600cf85bc43",
        ),
        pin(
            &MemberRow {
                address: address(),
                state: Membership::TakenOffReleased,
                ours: true,
                since: 3,
                seen: 4,
            },
            "05010f616e6e406578616d706c652e636f6d08010604eb2b6fa8",
        ),
        pin(
            &StagedRow::Read {
                screened: Screened::Converted,
                address: address(),
            },
            "060100010f616e6e406578616d706c652e636f6df0d0f090",
        ),
        pin(
            &StagedRow::Touched(Some(Departed::Left)),
            "06010101019e000e38",
        ),
        pin(
            &IntentRow::Send {
                record: 5,
                address: address(),
                fields: fields(),
                expected: Outcome::Duplicate { updated: true },
            },
            "070100050f616e6e406578616d706c652e636f6d01094c617374204e616d6507c581756b61737a0201a6d539e6",
        ),
        pin(
            &IntentRow::TakeOff {
                address: address(),
                removal: Removal::OptedOut,
            },
            "0701010f616e6e406578616d706c652e636f6d01bed7dae2",
        ),
        pin(
            &IntentRow::TakeOff {
                address: address(),
                removal: Removal::Left,
            },
            "0701010f616e6e406578616d706c652e636f6d0227de8b58",
        ),
        pin(
            &AddedRow {
                record: 6,
                address: address(),
                outcome: Outcome::ReAdded,
                run: 33,
                list: 34,
                before: Some(Membership::Lost),
                met_clean: true,
            },
            "0803060f616e6e406578616d706c652e636f6d012122010301c9f4c901",
        ),
        pin(
            &IgnoredRow {
                record: 7,
                address: address(),
                reason: Reason::Other,
                detail: detail(),
            },
            "0901070f616e6e406578616d706c652e636f6d0a037768799f6bd769",
        ),
        pin(
            &run_row(),
            "0a01fe00000000000000000000000010000000020304030201010900fd2048cb52350300000201020c07080101\
             030203fb2c01fc701101000000000000000000000000090a0b0c010d0e0f01101101120732313033206e6f0102\
             26010573746174650377687938d051a1",
        ),
        pin(
            &RunRow {
                phase: Phase::Reading {
                    source: 2,
                    position: Position::Bulk {
                        job: "5725767000000859031".to_owned(),
                        staged: 29,
                        before: 30,
                    },
                },
                ..run_row()
            },
            "0a01fe00000000000000000000000010000000020304030201010900fd2048cb523503000002020513353732\
             353736373030303030303835393033311d1e080101030203fb2c01fc70110100000000000000000000000009\
             0a0b0c010d0e0f01101101120732313033206e6f01022601057374617465037768791833f429",
        ),
        pin(
            &HeldRow {
                run: 8,
                address: address(),
                removal: Removal::Left,
            },
            "0b02080f616e6e406578616d706c652e636f6d02afbd28f7",
        ),
        pin(
            &resolved_row(),
            "0c021414141414141414141414141414141402337a0105537461676505537461676505087069636b6c697374\
             01084163636f756e74730101610162010443697479013201054c6561647301084163636f756e747300011501\
             2b010001018155ef07",
        ),
        pin(&NumberRow(9), "0d0109975ec3a4"),
        pin(
            &LedgerRow {
                secret: [10; 32],
                last_run: 11,
            },
            "0e010a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0bc4a48696",
        ),
        pin(
            &PacingRow(PacingState {
                methods: vec![MethodState {
                    method: "listsubscribe".to_owned(),
                    windows: vec![WindowState {
                        span_ms: 60_000,
                        slots: vec![SlotState {
                            last_ms: 12,
                            calls: 13,
                        }],
                    }],
                    locked: Some((14, 15)),
                }],
            }),
            "0f02010d6c69737473756273637269626501fcc0d4010001180d011c0f70f87049",
        ),
        pin(
            &DealRow {
                seen: 23,
                modified_at: 24,
                values: vec![
                    ("Stage".to_owned(), StoredValue::Text("Won".to_owned())),
                    ("Amount".to_owned(), StoredValue::Number("12.50".to_owned())),
                    ("Account_Name".to_owned(), StoredValue::Lookup(25, None)),
                    (
                        "Closing_Date".to_owned(),
                        StoredValue::Date("2026-03-04".to_owned()),
                    ),
                    ("Created_Time".to_owned(), StoredValue::DateTime(-26)),
                    ("Open".to_owned(), StoredValue::Bool(true)),
                    ("Tags".to_owned(), StoredValue::Many(vec!["a".to_owned()])),
                    ("Note".to_owned(), StoredValue::Null),
                ],
            },
            "10011730080553746167650103576f6e06416d6f756e74020531322e35300c4163636f756e745f4e616d6506\
             19000c436c6f73696e675f44617465040a323032362d30332d30340c437265617465645f54696d650533044f\
             70656e0301045461677307010161044e6f746500015c6176",
        ),
        pin(&DealContactRow(27), "11011b71dbe8f8"),
        pin(&RevisitRow(31), "12011f74f092b8"),
        pin(&ExpectedRow(28), "13011cec3ba935"),
        pin(&AuditRow { alarms: 35 }, "1401235f12928d"),
        pin(&KeptRow(32), "150120c7d9a900"),
        pin(
            &ReplyRow {
                at: 36,
                asked: Asked::Subscribe,
                said: Said::Refused {
                    code: "2004".to_owned(),
                    text: "no".to_owned(),
                },
            },
            "16014800020432303034026e6f861d2714",
        ),
        pin(
            &ReplyRow {
                at: 36,
                asked: Asked::Unsubscribe,
                said: Said::AlreadyThere,
            },
            "160148010181ab2ff5",
        ),
        pin(
            &ErasedRow {
                since: 33,
                done: true,
                wiped: false,
            },
            "1701420100c65bb305",
        ),
        pin(
            &TriedRow { address: address() },
            "18010f616e6e406578616d706c652e636f6df22d4bc9",
        ),
        pin(&ApprovedRow(34), "19012220cd3148"),
        pin(
            &UntoldRow {
                at: 35,
                event: "{}".to_owned(),
            },
            "1a0146027b7d716bd7dd",
        ),
    ]
}

fn state_pins() -> Vec<Pin> {
    vec![
        pin(
            &checkpoint(),
            "6401020202020202020202020202020202020201060004011a3030303030313030303030303030303030303030\
             303030303030046d61696e0505050505050505050505050505050504010c011a30303030303030303030303030\
             30303030303030303030303037011001037768790903933bf1dc",
        ),
        pin(
            &Handled {
                last: Some(1),
                since: 2,
                schedule: [3; 16],
            },
            "650101020403030303030303030303030303030303720b7fb2",
        ),
        pin(&Counter(4), "660104ad6d9bd8"),
        pin(&Version(1), "670101dcc50560"),
        pin(
            &LedgerMark([5; 16]),
            "6801050505050505050505050505050505053bc284fb",
        ),
        pin(
            &Standing {
                account: "main".parse().unwrap(),
                first_seen: 1,
                held: Holds {
                    by_person: true,
                    by_account: Some(AccountHold::StateLost),
                },
                inactive: Some(Inactivity::Finished),
            },
            "6902046d61696e0201010201069a3442e2",
        ),
        pin(
            &Credentials {
                key: Some([6; 16]),
                key_gone: true,
                organisation: Some("30014".to_owned()),
                left: Some("30013".to_owned()),
                asked_by: [7; 16],
                asked_at: Some(8),
            },
            "6a010106060606060606060606060606060606010105333030313401053330303133070707070707070707070707070707070110c90436f5",
        ),
        pin(
            &Untold {
                at: 9,
                event: "{}".to_owned(),
            },
            "6b0112027b7df57a914c",
        ),
    ]
}

fn pins() -> Vec<Pin> {
    let mut pins = ledger_pins();
    pins.extend(state_pins());
    pins
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[test]
fn every_kind_is_written_and_read_as_it_was_released() {
    for pin in pins() {
        assert_eq!(hex(&pin.bytes), pin.hex);
        assert_eq!((pin.again)(&unhex(pin.hex)).as_ref(), Ok(&pin.bytes));
    }
}

#[test]
fn every_kind_has_its_pin_and_no_two_share_a_number() {
    let mut kinds: Vec<u8> = pins().iter().map(|pin| pin.bytes[0]).collect();
    // One kind with two forms has two pins.
    kinds.dedup();
    let all: Vec<u8> = (1..=26).chain(100..=107).collect();
    assert_eq!(kinds, all);
}

#[test]
fn every_kind_refuses_the_future_strangers_and_what_is_cut() {
    let seal = |body: &[u8]| [body, &crc32fast::hash(body).to_be_bytes()].concat();
    for pin in pins() {
        let body = &pin.bytes[..pin.bytes.len() - 4];
        let mut newer = body.to_vec();
        newer[1] += 1;
        let refused = (pin.again)(&seal(&newer));
        assert_eq!(refused, Err(FormatError::FromTheFuture(newer[1])));
        let mut stranger = body.to_vec();
        stranger[0] = 200;
        assert_eq!(
            (pin.again)(&seal(&stranger)),
            Err(FormatError::WrongKind(200))
        );
        let cut = seal(&body[..body.len() - 1]);
        assert_eq!((pin.again)(&cut), Err(FormatError::Payload));
        let longer = seal(&[body, &[0]].concat());
        assert_eq!((pin.again)(&longer), Err(FormatError::Payload));
    }
}

proptest! {
    // Bytes that are sound on the outside and wrong within: refused, or a value that comes back as itself.
    #[test]
    fn no_kind_panics_at_other_bytes_and_each_value_comes_back(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let pins = pins();
        let pin = which.get(&pins);
        let mut body = pin.bytes[..pin.bytes.len() - 4].to_vec();
        let payload = body.len() - 2;
        for (at, byte) in changes {
            body[2 + at.index(payload)] = byte;
        }
        let sealed = [&body[..], &crc32fast::hash(&body).to_be_bytes()].concat();
        let _refused_or_back = (pin.again)(&sealed);
    }

    #[test]
    fn random_bytes_are_refused_by_every_kind(bytes: Vec<u8>) {
        for pin in pins() {
            prop_assert!((pin.again)(&bytes).is_err());
        }
    }
}

/// Old schemas: the bytes that were written once, and the value that they mean now.
#[test]
fn every_old_schema_is_read_as_what_it_meant() {
    let resolved: ResolvedRow = decode(&unhex(
        "0c011414141414141414141414141414141402337a0105537461676505537461676505087069636b6c69737401\
         084163636f756e74730101610162010443697479013201054c656164737c72e966",
    ))
    .unwrap();
    let want = ResolvedRow {
        related: Vec::new(),
        view: None,
        hides_converted: None,
        ..resolved_row()
    };
    assert_eq!(resolved, want);
    let address = "ann@example.com".to_owned();
    let added: AddedRow =
        decode(&unhex("0801060f616e6e406578616d706c652e636f6d012366a0a7")).unwrap();
    let want = AddedRow {
        record: 6,
        address: address.clone(),
        outcome: Outcome::ReAdded,
        run: 0,
        list: 0,
        before: None,
        met_clean: false,
    };
    assert_eq!(added, want);
    let added: AddedRow = decode(&unhex(
        "0802060f616e6e406578616d706c652e636f6d01212201036cf01d80",
    ))
    .unwrap();
    let want = AddedRow {
        record: 6,
        address: address.clone(),
        outcome: Outcome::ReAdded,
        run: 33,
        list: 34,
        before: Some(Membership::Lost),
        met_clean: false,
    };
    assert_eq!(added, want);
    let standing: Standing = decode(&unhex("6901046d61696e020101010106efec2e4b")).unwrap();
    let want = Standing {
        account: "main".parse().unwrap(),
        first_seen: 1,
        held: Holds {
            by_person: true,
            by_account: Some(AccountHold::OrganisationChanged),
        },
        inactive: Some(Inactivity::Finished),
    };
    assert_eq!(standing, want);
    let held: HeldRow = decode(&unhex("0b01080f616e6e406578616d706c652e636f6d52df16ef")).unwrap();
    let want = HeldRow {
        run: 8,
        address,
        removal: Removal::Gone,
    };
    assert_eq!(held, want);
    let pacing: PacingRow = decode(&unhex(
        "0f01010d6c69737473756273637269626501fcc0d4010001180d92699c19",
    ))
    .unwrap();
    let slot = SlotState {
        last_ms: 1_012,
        calls: 13,
    };
    let window = WindowState {
        span_ms: 60_000,
        slots: vec![slot],
    };
    let method = MethodState {
        method: "listsubscribe".to_owned(),
        windows: vec![window],
        locked: None,
    };
    let methods = vec![method];
    assert_eq!(pacing, PacingRow(PacingState { methods }));
}
