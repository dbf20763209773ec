//! Decisions by table: what the ledger knows of an address, and what follows.

use super::*;

fn candidate(record: u64, second: i64, name: &str) -> Candidate {
    Candidate {
        record: RecordId(record),
        modified_at: Timestamp::from_second(second).unwrap(),
        address: "ann@example.com".to_owned(),
        fields: vec![("Last Name".to_owned(), name.to_owned())],
    }
}

fn state(candidates: Vec<Candidate>) -> AddressState {
    let read = candidates
        .iter()
        .map(|it| (it.record, Screened::Passed))
        .collect();
    AddressState {
        candidates,
        read,
        opted_out: false,
        erased: false,
        claim: None,
        membership: None,
        ours: true,
        tried: false,
        suppressed_elsewhere: None,
        on_other_list: false,
        claimed_by_another: false,
        departed: None,
    }
}

fn claim(record: u64, name: &str) -> Option<Claim> {
    let sent = Some(candidate(record, 0, name).fields);
    Some(Claim {
        winner: RecordId(record),
        sent,
        refused: None,
    })
}

fn rules(deleted: Departure) -> Rules {
    Rules {
        deleted,
        opted_out: WayOff::Unsubscribe,
        left: Departure::Keep,
        opted_in_again: OptedInAgain::Ignore,
    }
}

fn outcomes(state: &AddressState) -> Vec<(u64, Outcome)> {
    let decision = decide(state, rules(Departure::Keep));
    let mut all: Vec<_> = decision
        .settled
        .iter()
        .map(|(record, outcome, _)| (record.0, *outcome))
        .collect();
    if let Some(Action::Send { winner, expected }) = decision.action {
        all.push((winner.record.0, expected));
    }
    all.sort_by_key(|(record, _)| *record);
    all
}

#[test]
fn the_latest_record_wins_and_of_equals_the_lowest_id() {
    let duplicate = Outcome::Ignored(Reason::FileDuplicate);
    let later = state(vec![candidate(1, 10, "a"), candidate(2, 20, "b")]);
    assert_eq!(outcomes(&later), [(1, duplicate), (2, Outcome::New)]);
    let equal = state(vec![candidate(2, 10, "a"), candidate(1, 10, "b")]);
    assert_eq!(outcomes(&equal), [(1, Outcome::New), (2, duplicate)]);
}

#[test]
fn the_list_decides_what_a_winner_counts_as() {
    use Membership as M;
    let ignored = Outcome::Ignored;
    let updated = Outcome::Duplicate { updated: true };
    let untouched = Outcome::Duplicate { updated: false };
    let cases = [
        (None, None, Outcome::New),
        (Some(M::Active), None, updated),
        (Some(M::Active), claim(1, "old"), updated),
        (Some(M::Active), claim(1, "a"), untouched),
        (Some(M::Lost), claim(1, "a"), Outcome::ReAdded),
        (Some(M::TakenOffGone), None, Outcome::ReAdded),
        (Some(M::TakenOffLeft), None, Outcome::ReAdded),
        (Some(M::TakenOffReleased), None, Outcome::ReAdded),
        (Some(M::TakenOffOptedOut), None, ignored(Reason::DoNotMail)),
        (Some(M::OptedOutLost), None, ignored(Reason::DoNotMail)),
        (
            Some(M::Unsubscribed),
            claim(1, "a"),
            ignored(Reason::DoNotMail),
        ),
        (Some(M::Bounced), claim(1, "old"), ignored(Reason::Bounced)),
    ];
    for (membership, claim, want) in cases {
        let mut state = state(vec![candidate(1, 10, "a")]);
        (state.membership, state.claim) = (membership, claim.clone());
        assert_eq!(outcomes(&state), [(1, want)], "{membership:?} {claim:?}");
    }
}

#[test]
fn an_erased_person_is_never_sent_however_they_stand() {
    use Membership as M;
    for membership in [None, Some(M::Active), Some(M::Lost), Some(M::TakenOffGone)] {
        let mut state = state(vec![candidate(1, 10, "a"), candidate(2, 20, "b")]);
        (state.erased, state.membership) = (true, membership);
        let ignored = Outcome::Ignored;
        let want = [
            (1, ignored(Reason::FileDuplicate)),
            (2, ignored(Reason::DoNotMail)),
        ];
        assert_eq!(outcomes(&state), want, "{membership:?}");
    }
}

#[test]
fn a_bounce_on_another_list_counts_unless_the_person_left_this_one() {
    use Membership as M;
    for (membership, reason) in [
        (None, Reason::Bounced),
        (Some(M::Active), Reason::Bounced),
        (Some(M::Lost), Reason::Bounced),
        (Some(M::TakenOffGone), Reason::Bounced),
        (Some(M::Bounced), Reason::Bounced),
        (Some(M::Unsubscribed), Reason::DoNotMail),
        (Some(M::TakenOffOptedOut), Reason::DoNotMail),
        (Some(M::OptedOutLost), Reason::DoNotMail),
    ] {
        let mut state = state(vec![candidate(1, 10, "a")]);
        state.membership = membership;
        state.suppressed_elsewhere = Some(Suppression::Bounced);
        assert_eq!(outcomes(&state), [(1, Outcome::Ignored(reason))]);
    }
}

#[test]
fn who_opts_in_again_is_added_again_only_where_the_sync_says_so() {
    let state = AddressState {
        membership: Some(Membership::TakenOffOptedOut),
        ..state(vec![candidate(1, 10, "a")])
    };
    let adding = Rules {
        opted_in_again: OptedInAgain::Add,
        ..rules(Departure::Keep)
    };
    let expected = |state: &AddressState| match decide(state, adding).action {
        Some(Action::Send { expected, .. }) => Some(expected),
        Some(Action::TakeOff(_)) | None => None,
    };
    assert_eq!(expected(&state), Some(Outcome::ReAdded));
    for membership in [Membership::Unsubscribed, Membership::Bounced] {
        let by_others = AddressState {
            membership: Some(membership),
            ..state.clone()
        };
        assert_eq!(expected(&by_others), None, "{membership:?}");
    }
    let opted_out = AddressState {
        opted_out: true,
        ..state.clone()
    };
    assert_eq!(expected(&opted_out), None);
    assert_eq!(
        outcomes(&state),
        [(1, Outcome::Ignored(Reason::DoNotMail))],
        "where the sync ignores it"
    );
}

#[test]
fn an_opt_out_ignores_every_record_and_takes_the_contact_off_whoever_put_it_there() {
    let mut state = state(vec![candidate(1, 10, "a"), candidate(2, 20, "b")]);
    (state.opted_out, state.ours) = (true, false);
    state.membership = Some(Membership::Active);
    let decision = decide(&state, rules(Departure::Keep));
    assert_eq!(decision.action, Some(Action::TakeOff(Removal::OptedOut)));
    assert_eq!(decision.settled.len(), 2);
    state.membership = Some(Membership::TakenOffOptedOut);
    assert_eq!(decide(&state, rules(Departure::Keep)).action, None);
}

#[test]
fn a_deleted_record_takes_off_only_a_contact_of_our_own_that_nobody_else_claims() {
    let gone = AddressState {
        claim: claim(1, "a"),
        membership: Some(Membership::Active),
        departed: Some(Departed::Deleted),
        ..state(vec![])
    };
    let act = |state: &AddressState, deleted| decide(state, rules(deleted)).action;
    let off = Some(Action::TakeOff(Removal::Gone));
    assert_eq!(act(&gone, Departure::Unsubscribe), off);
    assert_eq!(act(&gone, Departure::Keep), None);
    let foreign = AddressState {
        ours: false,
        ..gone.clone()
    };
    assert_eq!(act(&foreign, Departure::Unsubscribe), None);
    let shared = AddressState {
        claimed_by_another: true,
        ..gone.clone()
    };
    assert_eq!(act(&shared, Departure::Unsubscribe), None);
    let unclaimed = AddressState {
        claim: None,
        ..gone.clone()
    };
    assert_eq!(act(&unclaimed, Departure::Unsubscribe), None);
    assert_eq!(act(&gone, Departure::Remove), off);
    let left = AddressState {
        departed: Some(Departed::Left),
        ..gone
    };
    assert_eq!(act(&left, Departure::Unsubscribe), None);
    for (departure, want) in [
        (Departure::Keep, None),
        (Departure::Unsubscribe, Some(Removal::Left)),
        (Departure::Remove, Some(Removal::Left)),
    ] {
        let rules = Rules {
            left: departure,
            ..rules(Departure::Keep)
        };
        let action = decide(&left, rules).action;
        assert_eq!(action, want.map(Action::TakeOff), "{departure:?}");
    }
}

#[test]
fn whom_a_call_may_have_put_on_the_list_goes_as_if_it_were_there_and_is_sent_as_if_it_were_not() {
    let maybe = AddressState {
        claim: claim(1, "a"),
        membership: None,
        ours: false,
        tried: true,
        ..state(vec![])
    };
    let act = |state: &AddressState| decide(state, rules(Departure::Unsubscribe)).action;
    let gone = AddressState {
        departed: Some(Departed::Deleted),
        ..maybe.clone()
    };
    assert_eq!(act(&gone), Some(Action::TakeOff(Removal::Gone)));
    let opted_out = AddressState {
        opted_out: true,
        ..maybe.clone()
    };
    assert_eq!(act(&opted_out), Some(Action::TakeOff(Removal::OptedOut)));
    let wanted = AddressState {
        candidates: vec![candidate(1, 10, "a")],
        ..maybe
    };
    let expected = match act(&wanted) {
        Some(Action::Send { expected, .. }) => Some(expected),
        Some(Action::TakeOff(_)) | None => None,
    };
    assert_eq!(expected, Some(Outcome::New));
}

#[test]
fn who_opted_out_under_another_address_goes_whatever_is_done_with_those_who_left() {
    let kept = AddressState {
        claim: claim(1, "a"),
        membership: Some(Membership::Active),
        departed: Some(Departed::OptedOut),
        ..state(vec![])
    };
    let act = |state: &AddressState| decide(state, rules(Departure::Keep)).action;
    assert_eq!(act(&kept), Some(Action::TakeOff(Removal::OptedOut)));
    let shared = AddressState {
        claimed_by_another: true,
        ..kept
    };
    assert_eq!(act(&shared), None);
}

#[test]
fn a_claim_outlives_its_record_only_for_a_contact_that_may_still_be_taken_off() {
    let kept = AddressState {
        claim: claim(1, "a"),
        membership: Some(Membership::Active),
        departed: Some(Departed::Left),
        ..state(vec![])
    };
    let change = |state: &AddressState, deleted| decide(state, rules(deleted)).claim;
    let with = |departed| AddressState {
        departed,
        ..kept.clone()
    };
    assert_eq!(change(&kept, Departure::Unsubscribe), ClaimChange::Keep);
    assert_eq!(change(&with(None), Departure::Keep), ClaimChange::Keep);
    let deleted = with(Some(Departed::Deleted));
    assert_eq!(change(&deleted, Departure::Unsubscribe), ClaimChange::Leave);
    assert_eq!(change(&deleted, Departure::Keep), ClaimChange::Drop);
    for lost in [
        AddressState {
            ours: false,
            ..kept.clone()
        },
        AddressState {
            claimed_by_another: true,
            ..kept.clone()
        },
        AddressState {
            membership: Some(Membership::Unsubscribed),
            ..kept.clone()
        },
    ] {
        assert_eq!(change(&lost, Departure::Unsubscribe), ClaimChange::Drop);
    }
}

#[test]
fn the_next_record_takes_over_when_the_winner_is_gone_and_counts() {
    let mut state = state(vec![candidate(2, 10, "b")]);
    state.read.clear();
    (state.claim, state.membership) = (claim(1, "a"), Some(Membership::Active));
    let decision = decide(&state, rules(Departure::Unsubscribe));
    assert_eq!(
        (decision.taken_up, decision.claim),
        (1, ClaimChange::Feed(RecordId(2)))
    );
    assert_eq!(
        outcomes(&state),
        [(2, Outcome::Duplicate { updated: true })]
    );
    state.claim = claim(1, "b");
    assert_eq!(
        outcomes(&state),
        [(2, Outcome::Duplicate { updated: false })]
    );
    state.claim = claim(2, "b");
    assert_eq!(
        outcomes(&state),
        [],
        "a winner that was not read and stays is not counted"
    );
}

#[test]
fn what_campaigns_refused_is_tried_again_only_with_other_fields() {
    let mut state = state(vec![candidate(1, 10, "a")]);
    let rejection = Rejection {
        reason: Reason::GroupEmail,
        detail: "2005".to_owned(),
    };
    state.claim = claim(1, "a").map(|it| Claim {
        refused: Some(rejection),
        ..it
    });
    assert_eq!(
        outcomes(&state),
        [(1, Outcome::Ignored(Reason::GroupEmail))]
    );
    let there = AddressState {
        membership: Some(Membership::Active),
        ..state.clone()
    };
    let untouched = Outcome::Duplicate { updated: false };
    assert_eq!(outcomes(&there), [(1, untouched)], "it arrived after all");
    state.candidates[0].fields[0].1 = "b".to_owned();
    assert_eq!(outcomes(&state), [(1, Outcome::New)]);
}

#[test]
fn a_contact_without_fields_costs_a_call_only_to_get_on_the_list() {
    let mut state = state(vec![candidate(1, 10, "a")]);
    state.candidates[0].fields.clear();
    assert_eq!(outcomes(&state), [(1, Outcome::New)]);
    state.membership = Some(Membership::Active);
    assert_eq!(
        outcomes(&state),
        [(1, Outcome::Duplicate { updated: false })]
    );
}
