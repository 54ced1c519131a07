//! What is appended comes back, in order, from any number on.

use super::rig::*;
use crate::*;

#[test]
fn records_come_back_in_order() {
    let rig = Rig::new();
    let (mut log, opened) = rig.open();
    assert_eq!(opened, Opened::default());
    append(&mut log, 1, 3);
    append(&mut log, 4, 1);
    drop(log);
    assert_eq!(rig.numbers(0).unwrap(), [1, 2, 3, 4]);
    assert_eq!(rig.numbers(2).unwrap(), [3, 4]);
    assert_eq!(rig.numbers(4).unwrap(), [] as [u64; 0]);
    let (_, opened) = rig.open();
    assert_eq!(opened, Opened { last: 4, cut: None });
}

#[test]
fn an_empty_journal_has_no_records() {
    let rig = Rig::new();
    rig.reopen().unwrap();
    assert_eq!(rig.numbers(0).unwrap(), [] as [u64; 0]);
    assert_eq!(rig.reopen().unwrap(), Opened::default());
}

#[test]
fn batches_of_any_size_go_over_segments_and_restarts() {
    let mut random = Random::seeded();
    let rig = Rig::new();
    let mut last = 0;
    for _ in 0..12 {
        let (mut log, opened) = rig.open();
        assert_eq!(opened, Opened { last, cut: None });
        for _ in 0..random.below(12) {
            // Now and then more than a segment holds.
            let count = if random.below(10) == 0 { 400 } else { 1 + random.below(40) };
            append(&mut log, last + 1, count);
            last += count;
        }
        drop(log);
        let after = random.below(last + 1);
        let expected: Vec<u64> = (after + 1..=last).collect();
        assert_eq!(rig.numbers(after).unwrap(), expected);
    }
    let checked = verify(&[rig.path()], |_| {}).unwrap();
    assert_eq!((checked.records, checked.first, checked.last), (last, 1, last));
    assert!(checked.segments > 5, "{checked:?}");
}

#[test]
fn a_journal_is_read_while_it_is_written() {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    append(&mut log, 1, 1);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random::seeded();
            let mut last = 1;
            while last < 30_000 {
                let count = 1 + random.below(50);
                write(&mut log, last + 1, count).unwrap();
                last += count;
                if random.below(8) == 0 {
                    log.syncer().sync().unwrap();
                }
            }
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let mut seen = 0;
        while !done.load(std::sync::atomic::Ordering::SeqCst) {
            let numbers = rig.numbers(seen).unwrap();
            assert!(numbers.iter().copied().eq(seen + 1..=seen + numbers.len() as u64));
            seen += numbers.len() as u64;
        }
    });
}
