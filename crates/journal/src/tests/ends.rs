//! Every way in which the end of a journal can be broken.

use super::rig::*;
use crate::*;
use std::fs::OpenOptions;

/// A journal of 7 records in batches 1, 2-4, 5, 6, 7, each synced before the next.
fn acknowledged() -> (Rig, Vec<u8>, Vec<usize>) {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    for (from, count) in [(1, 1), (2, 3), (5, 1), (6, 1), (7, 1)] {
        append(&mut log, from, count);
    }
    drop(log);
    let bytes = rig.bytes(1);
    let starts = starts(&bytes);
    (rig, bytes, starts)
}

/// A journal of 4 acknowledged records, then 5-7 as one batch that was not synced.
fn unfinished() -> (Rig, Vec<u8>, Vec<usize>) {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    append(&mut log, 1, 4);
    write(&mut log, 5, 3).unwrap();
    drop(log);
    let bytes = rig.bytes(1);
    let starts = starts(&bytes);
    (rig, bytes, starts)
}

/// After a start the end is as if what was cut had never been there, and stays so.
fn check_that_it_goes_on(rig: &Rig, last: u64) {
    let (mut log, opened) = rig.open();
    assert_eq!(opened, Opened { last, cut: None }, "a second start finds nothing more to cut");
    // Short, so that anything left of a longer batch would stand behind it.
    append(&mut log, last + 1, 1);
    drop(log);
    let all: Vec<u64> = (1..=last + 1).collect();
    assert_eq!(rig.numbers(0).unwrap(), all);
    assert_eq!(rig.reopen().unwrap(), Opened { last: last + 1, cut: None });
    verify(&[rig.path()], |_| {}).unwrap();
}

#[test]
fn a_file_cut_at_any_byte_of_the_last_three_records_keeps_all_before() {
    let (rig, bytes, starts) = acknowledged();
    for length in starts[4]..starts[7] {
        rig.put(1, &bytes);
        OpenOptions::new().write(true).open(rig.segment(1)).unwrap().set_len(length as u64).unwrap();
        let whole = starts.iter().filter(|start| **start <= length).count() as u64 - 1;
        let opened = rig.reopen().unwrap();
        assert_eq!(opened.last, whole, "cut at byte {length}");
        let torn = !starts.contains(&length);
        assert_eq!(
            opened.cut,
            torn.then_some(Cut { first: whole + 1, last: whole + 1 }),
            "cut at byte {length}"
        );
        assert_eq!(rig.bytes(1).len(), bytes.len(), "it has its length again");
        check_that_it_goes_on(&rig, whole);
    }
}

#[test]
fn zeros_from_any_byte_of_the_last_three_records_keep_all_before() {
    let (rig, bytes, starts) = acknowledged();
    for from in starts[4]..starts[7] {
        let mut torn = bytes.clone();
        torn[from..].fill(0);
        rig.put(1, &torn);
        // The end of a record may be zeros anyway: then nothing is torn.
        let whole = (1..starts.len()).filter(|at| torn[..starts[*at]] == bytes[..starts[*at]]).count() as u64;
        assert_eq!(rig.reopen().unwrap().last, whole, "zeros from byte {from}");
        check_that_it_goes_on(&rig, whole);
    }
}

#[test]
fn any_changed_byte_in_what_is_known_to_be_durable_stops_the_start() {
    let (rig, bytes, starts) = acknowledged();
    for at in starts[0]..starts[6] {
        for change in [0xff, 0x01] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            rig.put(1, &damaged);
            let error = rig.reopen().expect_err("something durable is damaged");
            let seq = starts.iter().filter(|start| **start <= at).count() as u64;
            let start = starts[seq as usize - 1] as u64;
            match &error {
                Error::Damaged { path, offset, seq: named, .. } => {
                    assert_eq!((path, *offset, *named), (&rig.segment(1), start, seq), "byte {at}: {error}");
                }
                _ => panic!("byte {at}: {error}"),
            }
            assert_eq!(rig.bytes(1), damaged, "nothing is written where the start stops");
            assert!(rig.numbers(0).is_err() && verify(&[rig.path()], |_| {}).is_err());
        }
    }
}

#[test]
fn any_changed_byte_of_the_last_batch_cuts_exactly_that_batch() {
    for (make, kept, record) in
        [(unfinished as fn() -> (Rig, Vec<u8>, Vec<usize>), 4, 4), (acknowledged, 6, 6)]
    {
        let (rig, bytes, starts) = make();
        for at in starts[record]..starts[7] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            rig.put(1, &damaged);
            assert_eq!(rig.numbers(0).unwrap().len() as u64, kept, "a reader sees whole batches only");
            let opened = rig.reopen().unwrap();
            assert_eq!(opened.last, kept, "byte {at}");
            let cut = opened.cut.expect("it says so");
            assert!(cut.first == kept + 1 && cut.last <= 7, "byte {at}: {cut:?}");
            check_that_it_goes_on(&rig, kept);
        }
    }
}

#[test]
fn what_was_not_acknowledged_may_be_missing_in_any_part() {
    // 1 is acknowledged; three batches follow without a sync, and a crash keeps any of their sectors.
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    append(&mut log, 1, 1);
    for from in [2, 22, 42] {
        write(&mut log, from, 20).unwrap();
    }
    drop(log);
    let bytes = rig.bytes(1);
    let starts = starts(&bytes);
    let (from, to) = (starts[1], starts[61]);
    let sectors = (to - from).div_ceil(512);
    let mut random = Random::seeded();
    for _ in 0..500 {
        let mut left = bytes.clone();
        let lost: Vec<bool> = (0..sectors).map(|_| random.below(3) == 0).collect();
        for sector in (0..sectors).filter(|sector| lost[*sector]) {
            left[from + sector * 512..to.min(from + (sector + 1) * 512)].fill(0);
        }
        rig.put(1, &left);
        let whole = [61, 41, 21, 1].into_iter().find(|last| left[..starts[*last]] == bytes[..starts[*last]]);
        let last = whole.unwrap() as u64;
        let opened = rig.reopen().unwrap();
        assert_eq!(opened.last, last, "lost {lost:?}");
        check_that_it_goes_on(&rig, last);
    }
}

#[test]
fn a_batch_without_its_last_record_is_cut_whole() {
    let (rig, bytes, starts) = unfinished();
    let mut torn = bytes.clone();
    torn[starts[6]..].fill(0);
    rig.put(1, &torn);
    assert_eq!(rig.numbers(0).unwrap(), [1, 2, 3, 4]);
    assert_eq!(rig.reopen().unwrap(), Opened { last: 4, cut: Some(Cut { first: 5, last: 6 }) });
    check_that_it_goes_on(&rig, 4);
}

#[test]
fn a_torn_first_batch_of_a_segment_is_cut_and_the_segment_goes_on() {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    let mut last = 0;
    while !rig.segment(2).exists() || starts(&rig.bytes(2)).len() < 2 {
        append(&mut log, last + 1, 10);
        last += 10;
    }
    drop(log);
    let bytes = rig.bytes(2);
    let starts = starts(&bytes);
    for from in [starts[0], starts[0] + 20, starts[3] + 1, starts[9] + 41] {
        for hole in [false, true] {
            let mut torn = bytes.clone();
            match hole {
                false => torn[from..].fill(0),
                true => torn[from..from + 1].fill(0x77),
            }
            rig.put(2, &torn);
            let expected: Vec<u64> = (1..=last - 10).collect();
            assert_eq!(rig.numbers(0).unwrap(), expected);
            assert_eq!(rig.reopen().unwrap().last, last - 10);
            check_that_it_goes_on(&rig, last - 10);
        }
    }
}

#[test]
fn a_torn_end_before_a_segment_that_was_begun_is_damage() {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    let mut last = 0;
    while !rig.segment(2).exists() || starts(&rig.bytes(2)).len() < 2 {
        append(&mut log, last + 1, 10);
        last += 10;
    }
    drop(log);
    let mut bytes = rig.bytes(1);
    let end = *starts(&bytes).last().unwrap();
    bytes[end - 1] ^= 0xff;
    rig.put(1, &bytes);
    assert!(matches!(rig.numbers(0), Err(Error::Damaged { .. })), "{:?}", rig.numbers(0));
    assert!(verify(&[rig.path()], |_| {}).is_err());
}
