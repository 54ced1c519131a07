//! Segments, the chain over them, snapshots and archives.

use super::rig::*;
use crate::*;
use std::fs;

/// A journal over several segments; gives the number of the last record.
fn long(rig: &Rig) -> u64 {
    let (mut log, _) = rig.open();
    let mut last = 0;
    while !rig.segment(5).exists() || starts(&rig.bytes(5)).len() < 2 {
        append(&mut log, last + 1, 10);
        last += 10;
    }
    last
}

fn snapshot(rig: &Rig, seq: u64, state: &[u8]) {
    Snapshot::write(rig.path(), &Local, 0, seq, 7, state).unwrap();
}

#[test]
fn a_record_rewritten_with_a_good_checksum_breaks_the_chain() {
    let rig = Rig::new();
    long(&rig);
    let checked = verify(&[rig.path()], |_| {}).unwrap();
    assert_eq!(checked.chain.map(|chain| chain.0), Some(4));
    let mut bytes = rig.bytes(2);
    let starts = starts(&bytes);
    let record = &mut bytes[starts[3]..starts[4]];
    record[40] ^= 1;
    let checksum = crc_fast::crc32_iscsi(&record[4..]);
    record[..4].copy_from_slice(&checksum.to_le_bytes());
    rig.put(2, &bytes);
    let error = verify(&[rig.path()], |_| {}).unwrap_err();
    assert!(matches!(&error, Error::Chain { path } if *path == rig.segment(3)), "{error}");
}

#[test]
fn a_link_that_a_crash_lost_is_written_again() {
    let rig = Rig::new();
    let last = long(&rig);
    let before = verify(&[rig.path()], |_| {}).unwrap();
    let good = rig.bytes(5);
    let mut bytes = good.clone();
    bytes[512..576].fill(0);
    rig.put(5, &bytes);
    assert_eq!(verify(&[rig.path()], |_| {}).unwrap(), before);
    assert_eq!(rig.reopen().unwrap(), Opened { last, cut: None });
    assert_eq!(rig.bytes(5), good);
}

#[test]
fn links_that_a_failing_disk_lost_are_written_again_one_by_one() {
    let rig = Rig::new();
    let last_number = long(&rig);
    let good: Vec<Vec<u8>> = (2..=5).map(|index| rig.bytes(index)).collect();
    for (index, bytes) in (2..).zip(&good) {
        let mut bytes = bytes.clone();
        bytes[512..576].fill(0);
        rig.put(index, &bytes);
    }
    assert_eq!(last(&[rig.path()]).unwrap(), last_number);
    let copies = tempfile::TempDir::new().unwrap();
    assert_eq!(copy(rig.path(), &copies.path().join("copy")).unwrap().last, last_number);
    assert_eq!(rig.reopen().unwrap(), Opened { last: last_number, cut: None });
    assert!((2..).zip(&good).all(|(index, bytes)| rig.bytes(index) == *bytes));
}

#[test]
fn a_missing_segment_is_named() {
    let rig = Rig::new();
    long(&rig);
    fs::remove_file(rig.segment(3)).unwrap();
    for error in [rig.reopen().unwrap_err(), rig.numbers(0).unwrap_err()] {
        assert!(matches!(&error, Error::MissingSegment { path } if *path == rig.segment(3)), "{error}");
    }
}

#[test]
fn what_is_no_segment_and_what_is_newer_or_of_another_shard_is_refused() {
    let rig = Rig::new();
    rig.reopen().unwrap();
    let good = rig.bytes(1);
    let mut newer = good.clone();
    newer[8] = 2;
    let checksum = crc_fast::crc32_iscsi(&newer[..60]);
    newer[60..64].copy_from_slice(&checksum.to_le_bytes());
    rig.put(1, &newer);
    assert!(matches!(rig.reopen(), Err(Error::Format { found: 2, .. })));
    rig.put(1, &good[..100]);
    assert!(matches!(rig.reopen(), Err(Error::NotSegment { .. })));
    rig.put(1, &vec![7; good.len()]);
    assert!(matches!(rig.reopen(), Err(Error::NotSegment { .. })));
    rig.put(1, &good);
    let other = Log::open(Config { shard: 3, ..rig.config() }).map(|_| ()).unwrap_err();
    assert!(matches!(other, Error::Shard { expected: 3, found: 0, .. }), "{other}");
}

#[test]
fn snapshots_are_whole_or_refused_and_the_newest_three_are_kept() {
    let rig = Rig::new();
    long(&rig);
    for seq in [10, 20, 30, 40] {
        snapshot(&rig, seq, format!("state at {seq}").as_bytes());
    }
    let listed = Snapshot::list(rig.path()).unwrap();
    assert_eq!(listed.iter().map(|one| one.seq).collect::<Vec<_>>(), [40, 30, 20]);
    assert_eq!(listed[0].load().unwrap(), b"state at 40");
    let good = fs::read(&listed[0].path).unwrap();
    for at in 0..good.len() {
        let mut damaged = good.clone();
        damaged[at] ^= 4;
        fs::write(&listed[0].path, &damaged).unwrap();
        assert!(listed[0].load().is_err(), "byte {at}");
        fs::write(&listed[0].path, &good[..at]).unwrap();
        assert!(listed[0].load().is_err(), "cut at byte {at}");
    }
}

#[test]
fn a_journal_that_ends_before_a_snapshot_has_lost_something() {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    append(&mut log, 1, 1);
    let short = rig.bytes(1);
    append(&mut log, 2, 1);
    drop(log);
    snapshot(&rig, 2, b"state at 2");
    rig.reopen().unwrap();
    rig.put(1, &short);
    assert!(matches!(rig.reopen(), Err(Error::Lost { snapshot: 2, last: 1, .. })));
}

#[test]
fn segments_behind_two_snapshots_go_to_the_archive() {
    let rig = Rig::new();
    let last = long(&rig);
    let archived = tempfile::TempDir::new().unwrap();
    assert!(matches!(archive(rig.path(), archived.path()), Err(Error::Refused(_))));
    let itself = archive(rig.path(), &rig.path().join(".")).unwrap_err().to_string();
    assert!(itself.contains("an archive is another one"), "{itself}");
    snapshot(&rig, last, b"new");
    let third = starts_of(&rig, 3);
    snapshot(&rig, third + 5, b"old");
    let moved = archive(rig.path(), archived.path()).unwrap();
    assert_eq!((moved.segments, moved.last), (2, third - 1));

    let error = rig.numbers(0).unwrap_err();
    assert!(matches!(error, Error::Begins { wanted: 1, first } if first == third), "{error}");
    let rest: Vec<u64> = (third..=last).collect();
    assert_eq!(rig.numbers(third - 1).unwrap(), rest);
    let all: Vec<u64> = (1..=last).collect();
    assert_eq!(numbers(&[rig.path(), archived.path()], 0).unwrap(), all);
    assert_eq!(rig.reopen().unwrap().last, last);
    assert_eq!(verify(&[rig.path(), archived.path()], |_| {}).unwrap().records, last);
    assert_eq!(verify(&[rig.path()], |_| {}).unwrap().first, third);
    assert_eq!(archive(rig.path(), archived.path()).unwrap(), Archived::default());
}

#[test]
fn epochs_never_go_down() {
    let rig = Rig::new();
    let of = |epoch: u32| Config { epoch, ..rig.config() };
    let (mut log, _) = Log::open(of(4)).unwrap();
    append(&mut log, 1, 2);
    drop(log);
    let (mut log, _) = Log::open(of(5)).unwrap();
    append(&mut log, 3, 2);
    drop(log);
    assert_eq!(rig.numbers(0).unwrap(), [1, 2, 3, 4]);
    let older = Log::open(of(4)).map(|_| ()).unwrap_err();
    assert!(matches!(older, Error::Epoch { seq: 5, found: 4, before: 5, .. }), "{older}");

    // Written by someone who did not look.
    let mut bytes = rig.bytes(1);
    let starts = starts(&bytes);
    let record = &mut bytes[starts[3]..starts[4]];
    record[24] = 3;
    let checksum = crc_fast::crc32_iscsi(&record[4..]);
    record[..4].copy_from_slice(&checksum.to_le_bytes());
    rig.put(1, &bytes);
    let error = rig.numbers(0).unwrap_err();
    assert!(matches!(error, Error::Epoch { seq: 4, found: 3, before: 5, .. }), "{error}");
}

#[test]
fn a_journal_that_has_lost_its_beginning_is_not_good_without_a_snapshot_behind_the_gap() {
    let rig = Rig::new();
    let last = long(&rig);
    let second = starts_of(&rig, 2);
    fs::remove_file(rig.segment(1)).unwrap();
    let copies = tempfile::TempDir::new().unwrap();
    let refusals = |to: &str| {
        [verify(&[rig.path()], |_| {}).unwrap_err(), copy(rig.path(), &copies.path().join(to)).unwrap_err()]
    };
    for error in refusals("without") {
        assert!(matches!(error, Error::NoBeginning { first } if first == second), "{error}");
    }
    snapshot(&rig, second - 2, b"one record short");
    for error in refusals("short") {
        assert!(matches!(error, Error::NoBeginning { first } if first == second), "{error}");
    }
    snapshot(&rig, second - 1, b"it goes on from here");
    let checked = verify(&[rig.path()], |_| {}).unwrap();
    assert_eq!((checked.first, checked.last), (second, last));
    copy(rig.path(), &copies.path().join("whole")).unwrap();
}

#[test]
fn a_directory_without_a_segment_is_no_journal() {
    let (rig, copies) = (Rig::new(), tempfile::TempDir::new().unwrap());
    snapshot(&rig, 9, b"a snapshot alone");
    let to = copies.path().join("copy");
    let errors = [
        verify(&[rig.path()], |_| {}).unwrap_err(),
        rig.numbers(0).unwrap_err(),
        copy(rig.path(), &to).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, Error::NoJournal { directory } if directory == rig.path()), "{error}");
    }
    assert!(!to.exists(), "nothing is made of nothing");
}

#[test]
fn a_copy_is_taken_while_the_journal_is_written_and_is_a_journal() {
    let rig = Rig::new();
    let mut written = long(&rig);
    snapshot(&rig, written - 7, b"state");
    let (mut log, _) = rig.open();
    let copies = tempfile::TempDir::new().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                write(&mut log, written + 1, 9).unwrap();
                written += 9;
            }
        });
        let mut before = 0;
        for n in 0..5 {
            let to = copies.path().join(n.to_string());
            let copied = copy(rig.path(), &to).unwrap();
            assert!(copied.last > before && copied.unfinished.is_none(), "{copied:?}");
            assert_eq!(copied.snapshots.len(), 1);
            before = copied.last;
            let config = Config { directory: to.clone(), ..rig.config() };
            assert_eq!(Log::open(config).unwrap().1, Opened { last: before, cut: None });
            let all: Vec<u64> = (1..=before).collect();
            assert_eq!(numbers(&[&to], 0).unwrap(), all);
            assert!(matches!(copy(rig.path(), &to), Err(Error::Refused(_))), "it is not empty");
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    assert_eq!(last(&[rig.path()]).unwrap(), written);
}

/// The number of a segment's first record.
fn starts_of(rig: &Rig, index: u64) -> u64 {
    u64::from_le_bytes(rig.bytes(index)[4_104..4_112].try_into().unwrap())
}
