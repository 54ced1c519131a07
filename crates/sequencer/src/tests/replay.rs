//! Recovery equals life: the same commands give the same state, however they were cut into batches.

use super::desk::*;
use crate::log::Log;
use crate::*;
use hourbook_model::*;
use proptest::prelude::*;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// Some of everything that traders do.
fn trade(running: &Running, hour: InstrumentId, from: u32, count: u32) {
    let mut pending = Vec::new();
    for n in from..from + count {
        let side = if n % 2 == 0 { Side::Sell } else { Side::Buy };
        let price = 1_000_000 + 100 * i64::from(n * 7 % 10);
        let (request, command) = order(1 + n % 2, &format!("o-{n}"), hour, side, price);
        pending.push(running.handle.submit(request, command));
        if n % 5 == 0 {
            let request = Request { account: AccountId(1 + n % 2), ..Request::default() };
            let name = ClientId::new(&format!("o-{}", n - n % 3)).unwrap();
            let cancel = CancelOrder { order: OrderRef::Client(name) };
            pending.push(running.handle.submit(request, cancel.into()));
        }
    }
    pending.into_iter().for_each(|order| drop(order.wait().unwrap()));
}

#[test]
fn a_snapshot_and_its_tail_give_what_a_replay_from_nothing_gives() {
    let place = Place::new();
    let running = place.start();
    let hour = running.open_market();
    trade(&running, hour, 0, 100);
    let made = running.handle.snapshot().wait().unwrap();
    trade(&running, hour, 100, 100);
    let second = running.handle.snapshot().wait().unwrap();
    trade(&running, hour, 200, 50);
    let (stamp, hash, ended) = running.stop();
    ended.unwrap();
    assert!(made.stamp.seq < second.stamp.seq && second.stamp.seq < stamp.seq);

    for start in [Start::Nothing, Start::Snapshot] {
        let replayed = replay(place.path(), start, None, |_, _| {}).unwrap();
        assert_eq!((replayed.seq, replayed.state_hash), (stamp.seq, hash), "{start:?}");
    }
    let replayed = replay(place.path(), Start::Nothing, Some(made.stamp.seq), |_, _| {}).unwrap();
    assert_eq!(replayed.state_hash, made.state_hash);

    let again = place.start();
    assert_eq!(again.recovered.snapshot, second.stamp.seq);
    assert_eq!((again.recovered.stamp, again.recovered.state_hash), (stamp, hash));
    again.stop().2.unwrap();

    // Damaged, the newest is passed over; without any, the journal alone is enough.
    let newest = place.path().join(format!("{:020}.snapshot", second.stamp.seq));
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let again = place.start();
    assert_eq!(again.recovered.snapshot, made.stamp.seq);
    let (stamp, hash, _) = again.stop();
    for snapshot in [made.stamp.seq, second.stamp.seq] {
        fs::remove_file(place.path().join(format!("{snapshot:020}.snapshot"))).unwrap();
    }
    let again = place.start();
    assert_eq!(again.recovered.snapshot, 0);
    assert_eq!((again.recovered.stamp, again.recovered.state_hash), (stamp, hash));
    again.stop().2.unwrap();
}

#[test]
fn snapshots_come_by_themselves_after_so_many_commands() {
    let place = Place::new();
    let running = place.start_with(|config| config.snapshot_records = 100, vec![]).unwrap();
    let hour = running.open_market();
    trade(&running, hour, 0, 300);
    wait_for(|| running.handle.stats().snapshots > 0);
    assert!(running.handle.stats().snapshot > 0);
    assert_eq!(running.handle.stats().snapshots_failed, 0);
    running.stop().2.unwrap();
}

#[test]
fn who_kept_a_number_is_shown_exactly_what_came_after_it() {
    let place = Place::new();
    let running = place.start_with(|config| config.snapshot_records = 50, vec![]).unwrap();
    let hour = running.open_market();
    trade(&running, hour, 0, 400);
    let (stamp, ..) = running.stop();
    for kept in [0, 1, 37, 255, 256, 257, stamp.seq - 1, stamp.seq] {
        let witness = Witness { kept: Some(kept), ..Witness::default() };
        let live = Witness::default();
        let shown: Vec<Box<dyn Subscriber>> = vec![Box::new(witness.clone()), Box::new(live.clone())];
        let place_again = copied(&place);
        let running = place_again.start_with(|_| {}, shown).unwrap();
        trade(&running, hour, 1_000, 20);
        let (last, ..) = running.stop();
        let expected: Vec<u64> = (kept + 1..=last.seq).collect();
        assert_eq!(*witness.seen.lock().unwrap(), expected, "kept {kept}");
        assert_eq!(
            live.seen.lock().unwrap().first(),
            Some(&(stamp.seq + 1)),
            "who kept none begins with what is live"
        );
    }
    let ahead = Witness { kept: Some(stamp.seq + 1), ..Witness::default() };
    let fault = place.start_with(|_| {}, vec![Box::new(ahead)]).map(|_| ()).unwrap_err();
    assert!(matches!(fault, Fault::Ahead { .. }), "{fault}");

    let mut seen = Vec::new();
    let end =
        events(place.path(), 100, |batch| seen.extend(batch.entries().iter().map(|entry| entry.stamp.seq)));
    assert_eq!(end.unwrap(), stamp.seq);
    assert!(seen.iter().copied().eq(101..=stamp.seq));
}

#[test]
fn a_journal_whose_beginning_was_archived_starts_and_shows_what_it_still_holds() {
    let place = Place::new();
    let small = |config: &mut Config| config.segment_bytes = 16 << 10;
    let running = place.start_with(small, vec![]).unwrap();
    let hour = running.open_market();
    let mut made = Vec::new();
    for round in 0..3 {
        trade(&running, hour, round * 300, 300);
        made.push(running.handle.snapshot().wait().unwrap().stamp.seq);
    }
    let (stamp, hash, _) = running.stop();
    let archive = tempfile::TempDir::new().unwrap();
    let moved = hourbook_journal::archive(place.path(), archive.path()).unwrap();
    assert!(moved.last > 0 && moved.last <= made[1]);

    let witness = Witness { kept: Some(0), ..Witness::default() };
    let running = place.start_with(small, vec![Box::new(witness.clone())]).unwrap();
    assert_eq!((running.recovered.stamp, running.recovered.state_hash), (stamp, hash));
    running.stop().2.unwrap();
    let seen = witness.seen.lock().unwrap();
    let begins = made.into_iter().find(|snapshot| *snapshot >= moved.last).unwrap() + 1;
    assert!(seen.iter().copied().eq(begins..begins + seen.len() as u64), "{begins} {:?}", seen.first());

    let fault = replay(place.path(), Start::Nothing, None, |_, _| {}).unwrap_err();
    assert!(fault.to_string().contains("in an archive"), "{fault}");
    let source = Source { directory: place.path(), archive: Some(archive.path()) };
    let replayed = replay(source, Start::Nothing, Some(stamp.seq), |_, _| {}).unwrap();
    assert_eq!(replayed.state_hash, hash);
}

/// The same journal in another directory.
fn copied(place: &Place) -> Place {
    let copy = Place { clock: place.clock.clone(), ..Place::new() };
    for entry in fs::read_dir(place.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[test]
fn a_journal_under_rules_of_a_newer_program_is_refused_and_says_so() {
    let place = Place::new();
    let running = place.start();
    running.open_market();
    let (stamp, ..) = running.stop();
    // What a newer program would have written.
    let (mut log, _) = Log::open(&place.config()).unwrap();
    let at = Stamp { seq: stamp.seq + 1, time: stamp.time };
    let version = hourbook_exchange::RULES + 1;
    log.append(at, &Request::default(), &SetRulesVersion { version }.into());
    log.write().unwrap();
    drop(log);
    let fault = place.start_with(|_| {}, vec![]).map(|_| ()).unwrap_err();
    assert!(matches!(fault, Fault::Rules { seq, found } if (seq, found) == (at.seq, version)), "{fault}");
    let fault = replay(place.path(), Start::Nothing, None, |_, _| {}).unwrap_err();
    assert!(fault.to_string().contains("needs a newer program"), "{fault}");
}

#[test]
#[should_panic = "rules that are not known"]
fn rules_that_are_not_known_are_never_journaled() {
    let place = Place::new();
    let (_, handle, _) = Sequencer::open(place.config(), vec![]).unwrap();
    let version = hourbook_exchange::RULES + 1;
    drop(handle.submit(Request::default(), SetRulesVersion { version }.into()));
}

#[test]
fn a_full_queue_is_an_answer_and_a_drain_finishes_what_waits() {
    let place = Place::new();
    let running = place.start_with(|config| config.queue = 10, vec![]).unwrap();
    // The writer is held up in a read while the queue fills.
    let (enter, entered) = std::sync::mpsc::channel();
    let (leave, left) = std::sync::mpsc::channel::<()>();
    let held = running.handle.read(move |_| {
        enter.send(()).unwrap();
        left.recv().unwrap();
    });
    entered.recv().unwrap();
    let submit = || running.handle.submit(Request::default(), CreateParticipant { name: "x".into() }.into());
    let waiting: Vec<_> = (0..10).map(|_| submit()).collect();
    let refused = submit();
    match refused.refusal() {
        Some(Error::Busy { retry_after }) => assert!(!retry_after.is_zero()),
        other => panic!("{other:?}"),
    }
    let batch: Vec<_> = (0..5_000).map(|_| (Request::default(), Command::from(Tick {}))).collect();
    let too_large = running.handle.submit_batch(batch).wait().unwrap_err();
    assert_eq!(too_large, Error::TooLarge { found: 5_000, most: 4_096 });

    running.handle.drain();
    assert_eq!(submit().wait().unwrap_err(), Error::Draining);
    leave.send(()).unwrap();
    held.wait().unwrap();
    let numbers: Vec<u64> = waiting.into_iter().map(|order| order.wait().unwrap().stamp.seq).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let handle = running.handle.clone();
    running.ends();
    assert_eq!(handle.stopped(), Some("it was drained"));
    assert_eq!(handle.stats().durable, *numbers.last().unwrap());
}

#[test]
fn a_batch_is_whole_and_keeps_its_order() {
    let place = Place::new();
    let running = place.start();
    let hour = running.open_market();
    let batch = (0..100).map(|n| order(1, &format!("o-{n}"), hour, Side::Sell, 1_000_000)).collect();
    let receipts = running.handle.submit_batch(batch).wait().unwrap();
    assert_eq!(receipts.len(), 100);
    let names: Vec<String> = receipts.iter().map(|(entry, _)| entry.request.client_id.to_string()).collect();
    assert!(names.iter().enumerate().all(|(n, name)| *name == format!("o-{n}")));
    assert!(receipts.iter().all(|(entry, events)| entry.answer.refused.is_none() && !events.is_empty()));
    assert!(Arc::ptr_eq(receipts.get(0).unwrap().batch(), receipts.get(99).unwrap().batch()));
    running.stop().2.unwrap();
}

#[test]
fn the_clock_makes_ticks_and_never_runs_backwards() {
    let place = Place::new();
    let running = place.start();
    let hour = running.open_market();
    let before = running.handle.stats();
    place.clock.advance(Duration::from_secs(7_200));
    running.handle.wake();
    wait_for(|| running.handle.stats().seq > before.seq);
    let after = running.order(1, "late", hour, Side::Sell).wait().unwrap();
    assert!(after.stamp.time >= Time(START).plus_nanos(7_200 * Time::SECOND));
    let (stamp, hash, _) = running.stop();

    // A clock that was set back: time stands, and a replay agrees.
    let back = Place { directory: place.directory, clock: ManualClock::at(Time(START)) };
    let running = back.start();
    let same = running.order(1, "later", hour, Side::Sell).wait().unwrap();
    assert_eq!(same.stamp.time, stamp.time);
    assert_eq!(running.recovered.state_hash, hash);
    running.stop().2.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The same commands, submitted one by one or in batches of any size, over any restarts, come to the
    /// same state by way of the same events.
    #[test]
    fn results_do_not_depend_on_where_batches_end(
        cuts in prop::collection::vec(1_usize..40, 1..30),
        restart_after in 0_usize..60,
    ) {
        let commands = |hour| {
            let mut commands = Vec::new();
            for n in 0..60_u32 {
                let side = if n % 3 == 0 { Side::Sell } else { Side::Buy };
                let price = 1_000_000 + 100 * i64::from(n * 7 % 10);
                commands.push(order(1 + n % 2, &format!("o-{n}"), hour, side, price));
            }
            commands
        };
        let run = |cuts: &mut dyn Iterator<Item = usize>| {
            let place = Place::new();
            let mut running = place.start();
            let hour = running.open_market();
            let mut left = commands(hour);
            let mut done = 0;
            while !left.is_empty() {
                let count = cuts.next().unwrap_or(1).min(left.len());
                let batch: Vec<_> = left.drain(..count).collect();
                if done <= restart_after && restart_after < done + count {
                    running.stop().2.unwrap();
                    running = place.start();
                }
                done += count;
                running.handle.submit_batch(batch).wait().unwrap();
            }
            running.stop().2.unwrap();
            let mut events = Vec::new();
            let replayed = replay(place.path(), Start::Nothing, None, |_, of| events.extend_from_slice(of)).unwrap();
            (replayed.state_hash, events)
        };
        // A restart is a command too: the same place in both runs, before the command of that number.
        let whole: Vec<usize> = match restart_after {
            0 => vec![60],
            after => vec![after, 60],
        };
        let mut split: Vec<usize> = Vec::new();
        let mut at = 0;
        for cut in cuts {
            if at < restart_after && at + cut > restart_after {
                split.push(restart_after - at);
                at = restart_after;
            } else {
                split.push(cut);
                at += cut;
            }
        }
        while at < restart_after {
            split.push(1);
            at += 1;
        }
        let (one, other) = (run(&mut whole.into_iter()), run(&mut split.into_iter()));
        prop_assert_eq!(one.0, other.0);
        prop_assert_eq!(one.1, other.1);
    }
}
