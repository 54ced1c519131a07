//! Who asks, and how often: owners, repeated requests, sessions and restarts (MARKET 3).

use crate::REMEMBERED_SESSIONS;
use crate::tests::check;
use crate::tests::market::{Market, product};
use expect_test::expect;
use hourbook_model::*;

#[test]
fn only_the_owner_may_cancel_amend_or_reduce() {
    check(
        "
        give ann 100
        buy ann h 2 @ 2.00 as o
        cancel bob o
        reduce bob o 1
        amend bob o 1
        reduce ann o 0
        reduce ann o -5
        reduce ann o 1
        reduce ann o 7
        cancel ann o
        ",
        expect![[r#"
            accepted ann o
            cancel rejected bob UnknownOrder
            cancel rejected bob UnknownOrder
            amend rejected bob UnknownOrder
            cancel rejected ann BadQuantity
            cancel rejected ann BadQuantity
            reduced ann o to 1
            cancelled ann o 1 Reduce
            cancel rejected ann UnknownOrder
        "#]],
    );
}

#[test]
fn a_request_repeated_gets_the_first_answer_and_nothing_happens_twice() {
    check(
        "
        give ann 100
        buy ann h 2 @ 2.00 as o
        buy ann h 2 @ 2.00 as o
        buy ann h 3 @ 2.00 as o
        cancel ann o
        buy ann h 2 @ 2.00 as o
        book h
        ",
        expect![[r#"
            accepted ann o
            repeated: the answer of 6
            rejected ann ClientIdReused
            cancelled ann an order 2 User
            repeated: the answer of 6
            bids [] asks [] Continuous
        "#]],
    );
}

#[test]
fn a_sessions_messages_count_up_and_a_repeated_number_does_nothing() {
    check(
        "
        give ann 100
        logon ann s1
        buy ann h 2 @ 2.00 as o in s1
        buy ann h 2 @ 2.00 as o in s1 again
        buy ann h 3 @ 2.00 as o in s1
        logon ann s1
        logoff ann s1
        buy ann h 3 @ 2.00 as p in s1
        logon ann s1
        cancel ann o in s1
        book h
        ",
        expect![[r#"
            accepted ann o
            repeated: the answer of 8
            rejected ann DuplicateClientId
            refused SessionInUse
            rejected ann UnknownSession
            cancelled ann an order 2 User
            bids [] asks [] Continuous
        "#]],
    );
}

#[test]
fn a_number_far_ahead_is_refused_and_does_not_end_its_session() {
    let mut market = Market::with(product());
    market.tell("give ann 100\nlogon ann s1");
    let message =
        |number: u64| Request { account: AccountId(1), session: SessionId(1), number, ..Request::default() };
    let cancel = MassCancel { scope: Scope::Market, side: None };
    let far = 1 << 32;
    for (number, refused) in [
        (u64::MAX, Some(RejectReason::BadRange)),
        (far + 1, Some(RejectReason::BadRange)),
        (far, None),
        (u64::MAX, Some(RejectReason::BadRange)),
        (far + 1, None),
    ] {
        let answer = market.apply(message(number), cancel.clone());
        assert_eq!((answer.refused, answer.repeated), (refused, false), "{number}");
        let Some(Event::Reported(report)) = market.events.last() else { panic!("{number}: no report") };
        assert_eq!((report.session, report.request), (SessionId(1), number), "its owner is told");
    }
    assert!(market.apply(message(far), cancel).repeated, "the numbers before it have been seen");
}

#[test]
fn of_many_sessions_the_one_that_ended_longest_ago_is_forgotten() {
    let mut market = Market::with(product());
    market.tell("give ann 100\ngive bob 100");
    let by = |account: u32| Request { account: AccountId(account), ..Request::default() };
    let name = |number: usize| ClientId::new(&format!("s{number}")).unwrap();
    let log_on = |market: &mut Market, number: usize| {
        market.apply(by(1), LogOn { name: name(number), cancel_on_disconnect: false })
    };
    let most = REMEMBERED_SESSIONS;
    let mut ids = Vec::new();
    for number in 0..most {
        ids.push(SessionId(log_on(&mut market, number).number as u32));
    }
    // All of them are connected: there is none to forget.
    assert_eq!(log_on(&mut market, most).refused, Some(RejectReason::TooManySessions));
    market.tell("logon bob s1");

    market.apply(
        Request { session: ids[7], number: 5, ..by(1) },
        MassCancel { scope: Scope::Market, side: None },
    );
    for number in [9, 7, 3] {
        market.apply(by(1), LogOff { session: ids[number] });
    }
    // The ninth was the first to end; its successor is another session, though it stands in its place.
    let new = SessionId(log_on(&mut market, most).number as u32);
    assert_eq!(new.slot(), ids[9].slot());
    assert!(market.exchange.session(ids[9]).is_none() && market.exchange.session(new).is_some());
    let late = market.apply(
        Request { session: ids[9], number: 1, ..by(1) },
        MassCancel { scope: Scope::Market, side: None },
    );
    assert_eq!(late.refused, Some(RejectReason::UnknownSession));
    // What is remembered goes on with its numbers.
    assert_eq!(log_on(&mut market, 7).number, u64::from(ids[7].0));
    assert_eq!(market.exchange.session(ids[7]).unwrap().last_number, 5);
    // The ninth's name begins anew, in the place of the third.
    let again = SessionId(log_on(&mut market, 9).number as u32);
    assert_eq!(again.slot(), ids[3].slot());
    assert_eq!(log_on(&mut market, 3).refused, Some(RejectReason::TooManySessions));
}

#[test]
fn the_last_key_of_an_operator_stays() {
    let mut market = Market::with(product());
    market.tell("give ann 1");
    let mut issue = |role, digest| {
        let (participant, account, label) = (ParticipantId(1), AccountId(0), String::new());
        let issued = market
            .apply(Request::default(), IssueKey { participant, account, role, digest: [digest; 32], label });
        KeyId(issued.number as u32)
    };
    let (first, trader, second) =
        (issue(Role::Operator, 1), issue(Role::Trader, 2), issue(Role::Operator, 3));
    let mut revoke = |key| market.apply(Request::default(), RevokeKey { key }).refused;
    assert_eq!(revoke(first), None);
    assert_eq!(revoke(second), Some(RejectReason::LastOperatorKey));
    assert_eq!(revoke(trader), None);
    assert_eq!(revoke(first), None, "what is revoked may be revoked again");
    assert_eq!(revoke(KeyId(9)), Some(RejectReason::UnknownKey));
}

#[test]
fn cancel_on_disconnect_takes_what_the_session_entered() {
    check(
        "
        give ann 100
        logon ann s1 cancel
        logon ann s2
        buy ann h 1 @ 2.00 as mine in s1
        buy ann h 1 @ 2.00 as other in s2
        buy ann h 1 @ 2.00 as unary
        logoff ann s1
        restart
        book h
        ",
        expect![[r#"
            accepted ann mine
            accepted ann other
            accepted ann unary
            cancelled ann mine 1 Disconnect
            bids [2 @ 2.00 (2)] asks [] Continuous
        "#]],
    );
}

#[test]
fn a_restart_ends_sessions_and_cancels_what_they_asked_to_have_cancelled() {
    check(
        "
        give ann 100
        logon ann s1 cancel
        logon ann s2
        buy ann h 1 @ 2.00 as mine in s1
        buy ann h 1 @ 2.00 as other in s2
        restart
        buy ann h 1 @ 2.00 as late in s2
        logon ann s2
        buy ann h 1 @ 2.00 as more in s2
        book h
        ",
        expect![[r#"
            accepted ann mine
            accepted ann other
            cancelled ann mine 1 Disconnect
            rejected ann UnknownSession
            accepted ann more
            bids [2 @ 2.00 (2)] asks [] Continuous
        "#]],
    );
}

#[test]
fn reports_of_what_time_did_name_no_request() {
    check(
        "
        give ann 100
        logon ann s1
        buy ann h 1 @ 2.00 until 60 as gtd in s1
        sleep 61
        buy ann h 1 @ 1.00 as next in s1
        requests ann
        ",
        expect![[r#"
            accepted ann gtd
            cancelled ann gtd 1 Expired
            accepted ann next
            gtd Accepted answers 1:1
            gtd Cancelled { quantity: Quantity(1), reason: Expired } answers 0:0
            next Accepted answers 1:2
        "#]],
    );
}
