//! What has to happen to one address: the decision of a run, as a value.
//!
//! An address, not a record, is the unit of decision: one address is one contact, whatever the number of records.
//! [`decide`] takes all that the ledger knows of an address for one sync and says which outcome each record read has,
//! which record feeds the contact, and which call, if any, is due. It is a pure function of the ledger's state, so an
//! address may be decided again at any time: what is done already comes out as nothing to do.

use jiff::Timestamp;

use super::definition::{Departure, OptedInAgain, WayOff};
use super::ids::RecordId;
use super::outcome::{Outcome, Reason};
use super::screening::Screened;
use super::suppression::Suppression;

/// A record that passed the checks of its own fields and would feed a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The record.
    pub record: RecordId,
    /// `Modified_Time` as last read.
    pub modified_at: Timestamp,
    /// The address as it is sent.
    pub address: String,
    /// Mapped fields by Campaigns label, as last rendered.
    pub fields: Vec<(String, String)>,
}

/// The state of an address on a list, as far as the ledger knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Membership {
    /// Subscribed.
    Active,
    /// Unsubscribed by rosterd, because its record had been deleted.
    TakenOffGone,
    /// Unsubscribed by rosterd, because it had opted out in the CRM.
    TakenOffOptedOut,
    /// Was subscribed, and Campaigns lost it.
    Lost,
    /// Unsubscribed by the person, or held back as do-not-mail.
    Unsubscribed,
    /// Hard-bounced.
    Bounced,
    /// Unsubscribed by rosterd, because its record had left the selection, or the address.
    TakenOffLeft,
    /// Was unsubscribed by rosterd because it had opted out in the CRM, and Campaigns does not show that any more: what
    /// it shows from now on is the person's doing.
    OptedOutLost,
    /// Unsubscribed by rosterd, because it had opted out in the CRM, which a person has lifted since.
    TakenOffReleased,
}

impl Membership {
    /// What it says against adding the address, where those who opt in again are treated as `again` says.
    #[must_use]
    pub fn suppression(self, again: OptedInAgain) -> Option<Suppression> {
        match (self, again) {
            (
                Self::Active
                | Self::TakenOffGone
                | Self::TakenOffLeft
                | Self::TakenOffReleased
                | Self::Lost,
                _,
            )
            | (Self::TakenOffOptedOut | Self::OptedOutLost, OptedInAgain::Add) => None,
            (Self::TakenOffOptedOut | Self::OptedOutLost, OptedInAgain::Ignore) => {
                Some(Suppression::TakenOffOptedOut)
            }
            (Self::Unsubscribed, _) => Some(Suppression::DoNotMail),
            (Self::Bounced, _) => Some(Suppression::Bounced),
        }
    }

    /// How an address stands that is not among those who have left or bounced, though rosterd took it off long enough
    /// ago for Campaigns to show it there.
    #[must_use]
    pub fn not_shown(self) -> Self {
        match self {
            Self::TakenOffGone | Self::TakenOffLeft | Self::TakenOffReleased => Self::Lost,
            Self::TakenOffOptedOut => Self::OptedOutLost,
            Self::Active | Self::Lost | Self::Unsubscribed | Self::Bounced | Self::OptedOutLost => {
                self
            }
        }
    }

    /// Whether rosterd took the address off the list, and Campaigns shows it so.
    #[must_use]
    pub fn is_taken_off(self) -> bool {
        match self {
            Self::TakenOffGone
            | Self::TakenOffOptedOut
            | Self::TakenOffLeft
            | Self::TakenOffReleased => true,
            Self::Active | Self::Lost | Self::Unsubscribed | Self::Bounced | Self::OptedOutLost => {
                false
            }
        }
    }
}

/// A sync's claim on an address for its list: which record feeds it, and what was last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The record that feeds the contact.
    pub winner: RecordId,
    /// Fields as this sync last rendered and sent them; `None` before the first time.
    pub sent: Option<Vec<(String, String)>>,
    /// How Campaigns refused those fields, if it did.
    pub refused: Option<Rejection>,
}

/// A lasting refusal by Campaigns of one contact.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rejection {
    /// What the record counts as.
    pub reason: Reason,
    /// The service's code and text.
    pub detail: String,
}

/// How the last record of an address went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Departed {
    /// Deleted in the CRM.
    Deleted,
    /// No longer selected, or re-addressed.
    Left,
    /// Re-addressed, and opted out under its other address.
    OptedOut,
}

impl Departed {
    /// Why a contact goes whose record departed so.
    #[must_use]
    pub fn removal(self) -> Removal {
        match self {
            Self::Deleted => Removal::Gone,
            Self::Left => Removal::Left,
            Self::OptedOut => Removal::OptedOut,
        }
    }
}

/// All that the ledger knows of one address for one sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressState {
    /// The sync's records with this address that may feed a contact.
    pub candidates: Vec<Candidate>,
    /// Records read in this run that have no outcome yet.
    pub read: Vec<(RecordId, Screened)>,
    /// Whether any record of the account with this address has opted out.
    pub opted_out: bool,
    /// Whether the person was erased. Then no record has an address or fields here.
    pub erased: bool,
    /// The sync's claim.
    pub claim: Option<Claim>,
    /// The address on the sync's list.
    pub membership: Option<Membership>,
    /// Whether rosterd put it there.
    pub ours: bool,
    /// Whether a call of rosterd may have put it there whose answer is not known.
    pub tried: bool,
    /// What another list of the account says against adding it (bounces count for the whole organisation).
    pub suppressed_elsewhere: Option<Suppression>,
    /// Whether it is on another list of the account, and so a contact already.
    pub on_other_list: bool,
    /// Whether another active sync claims it for the same list, with a record of its own; or, where an unsubscribe counts
    /// for all lists, others have put it on one.
    pub claimed_by_another: bool,
    /// How a record of it went away in this run, if one did.
    pub departed: Option<Departed>,
}

/// What a sync wants done in the cases that its definition decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// For records deleted in the CRM.
    pub deleted: Departure,
    /// For contacts whose address opted out in the CRM.
    pub opted_out: WayOff,
    /// For records that left the selection.
    pub left: Departure,
    /// For addresses taken off because of an opt-out that is none any more.
    pub opted_in_again: OptedInAgain,
}

impl Rules {
    /// How a contact is taken off that goes for this reason; `None` where it stays.
    #[must_use]
    pub fn way_off(&self, removal: Removal) -> Option<WayOff> {
        match removal {
            Removal::Gone => self.deleted.way_off(),
            Removal::Left => self.left.way_off(),
            Removal::OptedOut => Some(self.opted_out),
        }
    }
}

/// Why a contact is taken off a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Removal {
    /// Its record was deleted.
    Gone,
    /// It opted out in the CRM.
    OptedOut,
    /// Its record left the selection, or the address.
    Left,
}

impl Removal {
    /// How the record departed. Where the address itself has opted out, that alone decides; where its record did so under
    /// another one, nothing else tells whoever tries again.
    #[must_use]
    pub fn departed(self) -> Departed {
        match self {
            Self::Gone => Departed::Deleted,
            Self::Left => Departed::Left,
            Self::OptedOut => Departed::OptedOut,
        }
    }

    /// How the address stands on the list afterwards.
    #[must_use]
    pub fn leaves(self) -> Membership {
        match self {
            Self::Gone => Membership::TakenOffGone,
            Self::Left => Membership::TakenOffLeft,
            Self::OptedOut => Membership::TakenOffOptedOut,
        }
    }

    /// In words.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Gone => "its record is gone",
            Self::Left => "its record does not belong any more, or has another address",
            Self::OptedOut => "it has opted out in the CRM",
        }
    }
}

/// The call that an address needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send the winner's contact; `expected` is the outcome if Campaigns takes it.
    Send {
        /// The record that feeds it.
        winner: Candidate,
        /// Outcome of that record if the call succeeds.
        expected: Outcome,
    },
    /// Unsubscribe it.
    TakeOff(Removal),
}

/// What becomes of the sync's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChange {
    /// It stays, or comes to be, with this record as the winner; what was sent is kept.
    Feed(RecordId),
    /// No record of the sync feeds the address any more, and the contact is to be taken off: until that is done, the
    /// claim says whose contact it is.
    Leave,
    /// No record of the sync feeds the address any more, and the contact is kept: the claim is for the day on which its
    /// record is deleted.
    Keep,
    /// No record of the sync feeds the address any more.
    Drop,
}

/// The decision for one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Outcomes that are known without a call, each with the detail for the ignored file.
    pub settled: Vec<(RecordId, Outcome, String)>,
    /// Records that count towards the total besides those read: winners taken up because the former one is gone.
    pub taken_up: u64,
    /// What becomes of the claim.
    pub claim: ClaimChange,
    /// The call that is due.
    pub action: Option<Action>,
}

/// Decides one address. Every record in `state.read`, and a winner taken up besides, gets exactly one outcome: in
/// [`Decision::settled`], or as the `expected` of the action.
#[must_use]
pub fn decide(state: &AddressState, rules: Rules) -> Decision {
    if state.opted_out {
        return opted_out(state);
    }
    let mut settled: Vec<(RecordId, Outcome, String)> = state
        .read
        .iter()
        .filter(|(_, screened)| *screened == Screened::Converted)
        .map(|(record, _)| ignored(*record, Reason::Converted, "a converted lead"))
        .collect();
    let Some(winner) = winner(&state.candidates) else {
        let (claim, removal) = without_records(state, rules);
        return Decision {
            settled,
            taken_up: 0,
            claim,
            action: removal.map(Action::TakeOff),
        };
    };
    let losers = state
        .read
        .iter()
        .filter(|(record, screened)| *screened == Screened::Passed && *record != winner.record);
    settled.extend(losers.map(|(record, _)| {
        let detail = format!("record {} has the same address and wins", winner.record);
        ignored(*record, Reason::FileDuplicate, &detail)
    }));

    let was_read = state
        .read
        .iter()
        .any(|(record, _)| *record == winner.record);
    let due = due(state, winner, rules.opted_in_again);
    let taken_up = !was_read && (due.action.is_some() || former_winner_is_gone(state));
    if was_read || taken_up {
        settled.extend(
            due.settled
                .map(|(outcome, detail)| (winner.record, outcome, detail)),
        );
    }
    Decision {
        settled,
        taken_up: u64::from(taken_up),
        claim: ClaimChange::Feed(winner.record),
        action: due.action,
    }
}

fn ignored(record: RecordId, reason: Reason, detail: &str) -> (RecordId, Outcome, String) {
    (record, Outcome::Ignored(reason), detail.to_owned())
}

/// The record that feeds a contact: latest `Modified_Time`, then lowest id.
#[must_use]
pub fn winner(candidates: &[Candidate]) -> Option<&Candidate> {
    candidates
        .iter()
        .max_by_key(|candidate| (candidate.modified_at, std::cmp::Reverse(candidate.record)))
}

fn opted_out(state: &AddressState) -> Decision {
    let settled = state
        .read
        .iter()
        .map(|(record, _)| {
            ignored(
                *record,
                Reason::OptedOut,
                "the address has opted out in the CRM",
            )
        })
        .collect();
    let on_list = state.membership == Some(Membership::Active) || state.tried;
    let action = on_list.then_some(Action::TakeOff(Removal::OptedOut));
    Decision {
        settled,
        taken_up: 0,
        claim: ClaimChange::Drop,
        action,
    }
}

/// What becomes of claim and contact, now that no record of the sync feeds it. Only a contact that this sync claims,
/// that rosterd put there, and that no other sync claims is taken off, or kept for later.
fn without_records(state: &AddressState, rules: Rules) -> (ClaimChange, Option<Removal>) {
    let ours = state.ours || state.tried;
    let on_list = state.membership == Some(Membership::Active) || state.tried;
    let its_own = state.claim.is_some() && ours && !state.claimed_by_another;
    if !its_own || !on_list {
        return (ClaimChange::Drop, None);
    }
    let removal = state.departed.map(Departed::removal);
    match (removal, removal.and_then(|removal| rules.way_off(removal))) {
        (Some(removal), Some(_)) => (ClaimChange::Leave, Some(removal)),
        // There is no record left that could be deleted.
        (Some(Removal::Gone), None) => (ClaimChange::Drop, None),
        (Some(Removal::Left | Removal::OptedOut) | None, _) => (ClaimChange::Keep, None),
    }
}

fn former_winner_is_gone(state: &AddressState) -> bool {
    state.claim.as_ref().is_some_and(|claim| {
        !state
            .candidates
            .iter()
            .any(|candidate| candidate.record == claim.winner)
    })
}

/// What the winner is due: an outcome known now, or a call.
struct Due {
    settled: Option<(Outcome, String)>,
    action: Option<Action>,
}

impl Due {
    fn settled(outcome: Outcome, detail: String) -> Self {
        Self {
            settled: Some((outcome, detail)),
            action: None,
        }
    }

    fn send(winner: &Candidate, expected: Outcome) -> Self {
        Self {
            settled: None,
            action: Some(Action::Send {
                winner: winner.clone(),
                expected,
            }),
        }
    }
}

fn due(state: &AddressState, winner: &Candidate, again: OptedInAgain) -> Due {
    let expected = match expected(state, again) {
        Ok(expected) => expected,
        Err(suppression) => {
            let (reason, detail) = held_back(suppression);
            return Due::settled(Outcome::Ignored(reason), detail.to_owned());
        }
    };
    let claim = state.claim.as_ref();
    let unchanged = claim.is_some_and(|claim| claim.sent.as_ref() == Some(&winner.fields));
    // A contact on the list needs no call either when there is nothing to say about it.
    if state.membership == Some(Membership::Active) && (unchanged || winner.fields.is_empty()) {
        return Due::settled(Outcome::Duplicate { updated: false }, String::new());
    }
    match claim.and_then(|claim| claim.refused.as_ref()) {
        Some(rejection) if unchanged => {
            Due::settled(Outcome::Ignored(rejection.reason), rejection.detail.clone())
        }
        Some(_) | None => Due::send(winner, expected),
    }
}

/// The outcome of sending the contact, or what holds it back.
fn expected(state: &AddressState, again: OptedInAgain) -> Result<Outcome, Suppression> {
    if state.erased {
        return Err(Suppression::Erased);
    }
    // Who left this list counts as that also where it has bounced since.
    let left = match state.membership {
        Some(Membership::Unsubscribed) => true,
        Some(Membership::TakenOffOptedOut | Membership::OptedOutLost) => {
            again == OptedInAgain::Ignore
        }
        _ => false,
    };
    if let Some(suppression) = state.suppressed_elsewhere.filter(|_| !left) {
        return Err(suppression);
    }
    let Some(membership) = state.membership else {
        return Ok(match state.on_other_list {
            true => Outcome::Duplicate { updated: true },
            false => Outcome::New,
        });
    };
    match membership.suppression(again) {
        Some(suppression) => Err(suppression),
        None if membership == Membership::Active => Ok(Outcome::Duplicate { updated: true }),
        None => Ok(Outcome::ReAdded),
    }
}

/// What of the Campaigns account holds an address back from a list, whether a record wants it there or not.
#[must_use]
pub fn suppression(state: &AddressState, again: OptedInAgain) -> Option<Suppression> {
    expected(state, again).err()
}

/// What a suppressed record counts as, and why in words.
#[must_use]
pub fn held_back(suppression: Suppression) -> (Reason, &'static str) {
    match suppression {
        Suppression::DoNotMail => (
            Reason::DoNotMail,
            "unsubscribed or do-not-mail in Campaigns",
        ),
        Suppression::TakenOffOptedOut => (
            Reason::DoNotMail,
            "unsubscribed because it had opted out in the CRM",
        ),
        Suppression::Bounced => (Reason::Bounced, "hard-bounced in Campaigns"),
        Suppression::Erased => (Reason::DoNotMail, "erased, and never added again"),
    }
}

#[cfg(test)]
mod tests;
