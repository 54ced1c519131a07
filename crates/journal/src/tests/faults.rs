//! A disk that is full, and one that fails.

use super::rig::*;
use crate::*;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Waits for the thread that makes segments and the reserve.
fn wait_until(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_failed_sync_is_the_end() {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    append(&mut log, 1, 2);
    wait_until(|| rig.segment(2).exists());
    write(&mut log, 3, 1).unwrap();
    rig.disk.sync_fails.store(true, SeqCst);
    let mut syncer = log.syncer();
    assert_eq!(syncer.sync().unwrap_err().to_string(), "the disk is on fire");
    // The disk may be well again: what the kernel dropped is not.
    rig.disk.sync_fails.store(false, SeqCst);
    assert_eq!(syncer.sync().unwrap_err().to_string(), "an earlier sync failed");
    assert_eq!(log.durable(), 2);
    // Nor does the writer go on into another segment.
    let mut next = 4;
    let error = loop {
        match write(&mut log, next, 20) {
            Ok(_) => next += 20,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Full::Failed(Error::Stopped)), "{error:?}");
    assert!(matches!(write(&mut log, next, 1), Err(Full::Failed(Error::Stopped))));
}

#[test]
fn a_failed_write_is_the_end_and_its_half_is_cut() {
    let rig = Rig::new();
    let (mut log, _) = rig.open();
    append(&mut log, 1, 2);
    wait_until(|| rig.segment(2).exists());
    rig.disk.write_fails.store(true, SeqCst);
    let error = write(&mut log, 3, 5).unwrap_err();
    assert!(matches!(error, Full::Failed(Error::Io { .. })), "{error:?}");
    rig.disk.write_fails.store(false, SeqCst);
    assert!(matches!(write(&mut log, 3, 5), Err(Full::Failed(Error::Stopped))));
    drop(log);
    let opened = rig.reopen().unwrap();
    assert_eq!(opened.last, 2);
    assert_eq!(opened.cut.map(|cut| cut.first), Some(3));
}

#[test]
fn a_full_disk_leaves_the_reserve_and_then_nothing_until_there_is_room() {
    let mut rig = Rig::new();
    rig.reserve_bytes = SEGMENT;
    let (mut log, _) = rig.open();
    append(&mut log, 1, 1);
    wait_until(|| rig.segment(2).exists() && rig.path().join("reserve").exists());
    let room = rig.disk.room.swap(0, SeqCst);

    // Two segments are there; then there is room for what only takes back.
    let mut last = 1;
    let refused = loop {
        match write(&mut log, last + 1, 10) {
            Ok(_) => last += 10,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Full::NewWork), "{refused:?}");
    assert!(log.is_full() && !log.has_room_again());
    assert!(rig.segment(2).exists() && !rig.segment(3).exists());

    let refused = loop {
        match write(&mut log, last + 1, 10) {
            Ok(_) => last += 10,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Full::Reserve), "{refused:?}");
    assert!(rig.segment(3).exists() && !rig.path().join("reserve").exists());
    log.syncer().sync().unwrap();

    // Room again: the reserve is taken first, then work goes on.
    rig.disk.room.store(room, SeqCst);
    let started = Instant::now();
    while !log.has_room_again() {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(!log.is_full());
    append(&mut log, last + 1, 10);
    last += 10;
    wait_until(|| rig.path().join("reserve").exists());
    drop(log);
    let all: Vec<u64> = (1..=last).collect();
    assert_eq!(rig.numbers(0).unwrap(), all);
    assert_eq!(rig.reopen().unwrap(), Opened { last, cut: None });
}

#[test]
fn a_start_on_a_full_disk_knows_that_it_stands_in_the_reserve() {
    let mut rig = Rig::new();
    rig.reserve_bytes = SEGMENT;
    let (mut log, _) = rig.open();
    append(&mut log, 1, 1);
    wait_until(|| rig.segment(2).exists());
    let room = rig.disk.room.swap(0, SeqCst);
    let mut last = 1;
    while !rig.segment(3).exists() {
        match write(&mut log, last + 1, 10) {
            Ok(_) => last += 10,
            Err(Full::NewWork) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    drop(log);

    let (mut log, opened) = rig.open();
    assert_eq!(opened.last, last);
    assert!(log.is_full() && !log.has_room_again(), "what was the reserve is not for new work");
    append(&mut log, last + 1, 1);
    drop(log);

    // A next segment alone is not enough: without a reserve a full disk would refuse cancels.
    rig.disk.room.store(SEGMENT as i64, SeqCst);
    rig.reserve_bytes = 4 * SEGMENT;
    let (mut log, _) = rig.open();
    wait_until(|| rig.segment(4).exists());
    assert!(log.is_full() && !log.has_room_again());
    rig.disk.room.store(room, SeqCst);
    let started = Instant::now();
    while !log.has_room_again() {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(rig.path().join("reserve").exists());
}

#[test]
fn a_reserve_too_small_for_a_batch_stays_for_a_smaller_one() {
    let mut rig = Rig::new();
    rig.reserve_bytes = 8 << 10;
    let (mut log, _) = rig.open();
    append(&mut log, 1, 1);
    wait_until(|| rig.segment(2).exists());
    rig.disk.room.store(0, SeqCst);
    let mut last = 1;
    loop {
        match write(&mut log, last + 1, 120) {
            Ok(_) => last += 120,
            Err(Full::NewWork) => {}
            Err(Full::Reserve) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(log.is_full() && !log.has_room_again() && rig.path().join("reserve").exists());
    while !rig.segment(3).exists() {
        write(&mut log, last + 1, 1).unwrap();
        last += 1;
    }
    drop(log);
    assert_eq!(rig.reopen().unwrap().last, last);
}

#[test]
fn a_disk_that_is_full_from_the_first_byte_is_said_to_be() {
    let rig = Rig::new();
    rig.disk.room.store(1_000, SeqCst);
    let error = rig.reopen().unwrap_err();
    assert!(error.is_full_disk(), "{error}");
    rig.disk.room.store(1 << 30, SeqCst);
    rig.reopen().unwrap();
}

#[test]
fn a_directory_is_held_by_one() {
    let rig = Rig::new();
    let (log, _) = rig.open();
    match rig.reopen().unwrap_err() {
        Error::Held { directory, holder } => {
            assert_eq!(directory, rig.path());
            assert_eq!(holder, Some(std::process::id()));
        }
        error => panic!("{error}"),
    }
    drop(log);
    rig.reopen().unwrap();
}
