//! Rehearsals: time is a command of the journal, and no clock moves it.

use super::desk::*;
use crate::*;
use hourbook_model::*;
use std::time::Duration;

fn at(hours: i64) -> Time {
    Time(START).plus_nanos(hours * Time::HOUR)
}

impl Running {
    fn advance(&self, hours: i64) -> Receipt {
        self.submit(AdvanceTime { to: at(hours) })
    }
}

#[test]
fn in_a_rehearsal_time_is_what_the_journal_says() {
    let place = Place::new();
    let running = place.start();
    assert_eq!(running.advance(1).answer.refused, None);
    let hour = running.open_market();
    // Whatever other clocks say, time stands: nothing is listed, nothing expires.
    place.clock.advance(Duration::from_secs(1_000_000));
    let order = running.order(1, "stands", hour, Side::Buy).wait().unwrap();
    assert_eq!(order.stamp.time, at(1));

    // It goes on by command, never back, and by no more than a year; what is due by then is done.
    let moved = running.advance(3);
    assert_eq!((moved.answer.refused, moved.stamp.time), (None, at(3)));
    for hours in [2, 3 + 24 * 366 + 1, i64::MAX / Time::HOUR / 2] {
        let refused = running.advance(hours);
        assert_eq!((refused.answer.refused, refused.stamp.time), (Some(RejectReason::BadRange), at(3)));
    }
    running.advance(32);
    let status = move |exchange: &hourbook_exchange::Exchange| exchange.instrument(hour).map(|it| it.status);
    wait_for(|| running.handle.read(status).wait().unwrap() == Some(Status::Delivering));

    // A restart finds it as it stood, and so does a replay.
    let (stamp, hash, ended) = running.stop();
    ended.unwrap();
    assert_eq!(stamp.time, at(32));
    let replayed = replay(place.path(), Start::Nothing, None, |_, _| {}).unwrap();
    assert_eq!((replayed.time, replayed.state_hash), (at(32), hash));
    let again = place.start();
    assert_eq!(again.submit(Tick {}).stamp.time, at(32));
    assert_eq!(again.advance(33).stamp.time, at(33));
    again.stop().2.unwrap();
}

#[test]
fn an_exchange_that_has_a_market_never_becomes_a_rehearsal() {
    let place = Place::new();
    let running = place.start();
    // Even where both are on their way at once: what counts is the place in the journal.
    let defined =
        running.handle.submit(Request::default(), DefineProduct { product: product().into() }.into());
    let late = running.handle.submit(Request::default(), AdvanceTime { to: at(5) }.into());
    defined.wait().unwrap();
    let late = late.wait().unwrap();
    assert_eq!((late.answer.refused, late.stamp.time), (Some(RejectReason::Unsupported), at(0)));
    place.clock.advance(Duration::from_secs(3_600));
    assert_eq!(running.submit(Tick {}).stamp.time, at(1));
    running.stop().2.unwrap();

    // Nor does one that has participants.
    let place = Place::new();
    let running = place.start();
    running.submit(CreateParticipant { name: "ann".into() });
    assert_eq!(running.advance(1).answer.refused, Some(RejectReason::Unsupported));
    running.stop().2.unwrap();
}

#[test]
fn the_same_commands_make_the_same_rehearsal_whenever_it_is_held() {
    let hash_of_one_begun = |late: u64| {
        let place = Place::new();
        place.clock.advance(Duration::from_secs(late));
        let running = place.start();
        running.advance(24);
        let hour = running.open_market();
        running.order(1, "", hour, Side::Buy).wait().unwrap();
        running.advance(30);
        wait_for(|| {
            let due = |exchange: &hourbook_exchange::Exchange| {
                exchange.next_due().is_some_and(|due| due <= exchange.stamp().time)
            };
            !running.handle.read(due).wait().unwrap()
        });
        let (_, hash, ended) = running.stop();
        ended.unwrap();
        hash
    };
    assert_eq!(hash_of_one_begun(0), hash_of_one_begun(7_000));
}
