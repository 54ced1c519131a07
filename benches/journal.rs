//! The journal against what the disk gives: batches of records, each durable before the next, beside a bare loop
//! that only checks, writes and syncs the same bytes, in turns. Then with its second thread, and read again.
//!
//! Under `cargo bench` in full, one JSON line a case; under `cargo test` small, to see that it runs. `limit_ratio` is the
//! journal's rate over the bare loop's. Percentiles are of a batch, from its first record to the return of its sync.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hourbook_journal::{Config, Head, Log, Reader, size_of_record};
use tempfile::TempDir;

/// Bytes of an order's body as `Trade` sessions send it.
const BODY: usize = 48;
const RECORD: usize = size_of_record(BODY);
const SEGMENT: u64 = 64 << 20;

struct Case {
    name: &'static str,
    batch: usize,
    batches: usize,
    rounds: usize,
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let size = |full_size: usize, small: usize| if full { full_size } else { small };
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    for case in [
        Case { name: "journal/group-commit", batch: 728, batches: size(800, 4), rounds: size(5, 1) },
        Case { name: "journal/group-commit-1", batch: 1, batches: size(1_000, 4), rounds: size(5, 1) },
        Case { name: "journal/group-commit-4096", batch: 4_096, batches: size(150, 2), rounds: size(5, 1) },
    ] {
        if only.as_ref().is_none_or(|only| case.name.contains(only.as_str())) {
            commit(&case);
        }
    }
    if only.as_ref().is_none_or(|only| "journal/read".contains(only.as_str())) {
        read(size(4_000_000, 10_000) as u64);
    }
}

/// On the disk that the build stands on: the system's temporary directory may be memory.
fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory for the journal")
}

fn open(directory: &Path) -> Log {
    let config = Config { reserve_bytes: 0, ..Config::new(directory) };
    Log::open(config).expect("an empty directory").0
}

fn append(log: &mut Log, seq: &mut u64, records: usize) {
    for _ in 0..records {
        *seq += 1;
        let head = Head { seq: *seq, time: *seq as i64, kind: 40, version: 1 };
        log.append(head, |to| to.extend_from_slice(&[seq.to_le_bytes()[0]; BODY]));
    }
    log.write().expect("there is room");
}

fn commit(case: &Case) {
    let (mut ours, mut bare, mut paired) = (Vec::new(), Vec::new(), Vec::new());
    let mut nanos: Vec<u64> = Vec::new();
    for _ in 0..case.rounds {
        let records = (case.batches * case.batch) as f64;
        ours.push(records / journal(case, &mut nanos).as_secs_f64());
        bare.push(records / limit(case).as_secs_f64());
        paired.push(in_two_threads(case));
    }
    let ratio = median(ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect());
    let (rate, bare, paired) = (median(ours), median(bare), median(paired));
    nanos.sort_unstable();
    let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize];
    println!(
        "{{\"case\":\"{}\",\"ops\":{},\"ns_per_op\":{:.1},\"ops_per_s\":{rate:.0},\"p50_ns\":{},\"p99_ns\":{},\"p999_ns\":{},\
         \"bytes_per_order\":null,\"limit_ratio\":{ratio:.3},\"limit_ops_per_s\":{bare:.0},\"two_threads_ops_per_s\":{paired:.0},\
         \"batch\":{},\"record_bytes\":{RECORD}}}",
        case.name,
        case.batches * case.batch,
        1e9 / rate,
        at(0.5),
        at(0.99),
        at(0.999),
        case.batch,
    );
}

/// Each batch durable before the next begins.
fn journal(case: &Case, nanos: &mut Vec<u64>) -> Duration {
    let directory = directory();
    let mut log = open(directory.path());
    let mut syncer = log.syncer();
    let mut seq = 0;
    settle(directory.path());
    let started = Instant::now();
    for _ in 0..case.batches {
        let begun = Instant::now();
        append(&mut log, &mut seq, case.batch);
        syncer.sync().expect("a good disk");
        nanos.push(begun.elapsed().as_nanos() as u64);
    }
    started.elapsed()
}

/// The same bytes, checked, written and synced, and nothing else.
fn limit(case: &Case) -> Duration {
    let directory = directory();
    let path = directory.path().join("bare");
    let file = File::create(&path).expect("a file");
    let bytes = (case.batches * case.batch * RECORD).next_multiple_of(SEGMENT as usize);
    let zeros = vec![0; 1 << 20];
    for at in (0..bytes).step_by(zeros.len()) {
        file.write_all_at(&zeros, at as u64).expect("there is room");
        file.sync_data().expect("a good disk");
    }
    let mut batch = vec![7_u8; case.batch * RECORD];
    let started = Instant::now();
    for at in 0..case.batches {
        for record in batch.chunks_exact_mut(RECORD) {
            let checksum = crc_fast::crc32_iscsi(&record[4..]);
            record[..4].copy_from_slice(&checksum.to_le_bytes());
        }
        file.write_all_at(&batch, (at * batch.len()) as u64).expect("there is room");
        file.sync_data().expect("a good disk");
    }
    started.elapsed()
}

/// As it is used: one thread writes, another syncs whatever is written. Records a second.
fn in_two_threads(case: &Case) -> f64 {
    let directory = directory();
    let mut log = open(directory.path());
    let mut syncer = log.syncer();
    settle(directory.path());
    let done = AtomicBool::new(false);
    let started = Instant::now();
    let mut seq = 0;
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                syncer.sync().expect("a good disk");
            }
            syncer.sync().expect("a good disk");
        });
        for _ in 0..case.batches {
            append(&mut log, &mut seq, case.batch);
            // The sequencer lets so many batches be on their way.
            while seq - log.durable() > 16 * case.batch as u64 {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Release);
        syncing.join().expect("it does not panic");
    });
    seq as f64 / started.elapsed().as_secs_f64()
}

/// Waits until the next segment is prepared, as it is on a journal that runs.
fn settle(directory: &Path) {
    while !directory.join("0000000002.journal").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Records a second, read in order and checked, out of the page cache.
fn read(records: u64) {
    let directory = directory();
    let mut log = open(directory.path());
    let mut seq = 0;
    while seq < records {
        append(&mut log, &mut seq, 4_096);
    }
    drop(log);
    let mut rates = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let mut reader = Reader::open(&[directory.path()], 0).expect("it was written just now");
        let mut bytes = 0;
        while let Some(record) = reader.read().expect("it is whole") {
            bytes += black_box(record.body).len();
        }
        assert_eq!(bytes as u64, seq * BODY as u64);
        rates.push(seq as f64 / started.elapsed().as_secs_f64());
    }
    let rate = median(rates);
    println!(
        "{{\"case\":\"journal/read\",\"ops\":{seq},\"ns_per_op\":{:.1},\"ops_per_s\":{rate:.0},\"p50_ns\":null,\"p99_ns\":null,\
         \"p999_ns\":null,\"bytes_per_order\":null,\"record_bytes\":{RECORD}}}",
        1e9 / rate
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
