//! Nothing that was told is lost, and nothing is told too early.

use super::desk::*;
use crate::*;
use hourbook_journal::{Disk, Local};
use hourbook_model::*;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let place = Place::new();
    let first = place.start();
    assert_eq!(first.recovered.stamp, Stamp::default());
    let hour = first.open_market();
    let sell = first.order(1, "a-1", hour, Side::Sell).wait().unwrap();
    let buy = first.order(2, "b-1", hour, Side::Buy).wait().unwrap();
    assert_eq!(sell.answer.refused, None);
    assert_eq!(buy.answer.cumulative, Quantity(1), "{:?}", buy.answer);
    let (stamp, hash, ended) = first.stop();
    ended.unwrap();

    let second = place.start();
    assert_eq!((second.recovered.stamp, second.recovered.state_hash), (stamp, hash));
    assert_eq!(second.recovered.cut, None);
    // The same request again gives the first answer, and happens no second time.
    let again = second.order(2, "b-1", hour, Side::Buy).wait().unwrap();
    assert!(again.answer.repeated);
    assert_eq!(again.answer.order, buy.answer.order);
    second.stop().2.unwrap();
}

#[test]
fn a_directory_serves_one_sequencer() {
    let place = Place::new();
    let first = place.start();
    let second = place.start_with(|_| {}, vec![]).map(|_| ()).unwrap_err();
    assert!(matches!(second, Fault::Journal(hourbook_journal::Error::Held { .. })), "{second}");
    first.stop().2.unwrap();
}

/// A disk whose syncs wait for a gate, and may fail; files grow as long as there is room.
#[derive(Debug)]
struct Gated {
    /// Syncs that may pass, and how many have come to the gate.
    open: Mutex<u64>,
    came: AtomicU64,
    opened: Condvar,
    fails: AtomicBool,
    room: AtomicI64,
}

impl Gated {
    fn new() -> Arc<Gated> {
        Arc::new(Gated {
            open: Mutex::new(u64::MAX),
            came: AtomicU64::new(0),
            opened: Condvar::new(),
            fails: AtomicBool::new(false),
            room: AtomicI64::new(i64::MAX / 2),
        })
    }

    fn set(&self, open: bool) {
        self.let_pass(if open { u64::MAX } else { 0 });
    }

    /// Closes behind the next so many syncs.
    fn let_pass(&self, syncs: u64) {
        *self.open.lock().unwrap() = syncs;
        self.opened.notify_all();
    }
}

impl Disk for Gated {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let grows = (offset + bytes.len() as u64).saturating_sub(file.metadata()?.len()) as i64;
        // In one step: a write that is refused takes no room from another thread's, not even for a moment.
        let taken = self.room.fetch_update(SeqCst, SeqCst, |room| (grows <= room).then_some(room - grows));
        if taken.is_err() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Local.write(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.came.fetch_add(1, SeqCst);
        let mut open = self.opened.wait_while(self.open.lock().unwrap(), |open| *open == 0).unwrap();
        *open -= u64::from(*open < u64::MAX);
        drop(open);
        match self.fails.load(SeqCst) {
            true => Err(io::Error::other("the disk is on fire")),
            false => Local.sync(file),
        }
    }

    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        self.write(file, &vec![0; bytes as usize], 0)
    }
}

/// Longer than anything here takes that is not waiting for a gate.
const A_WHILE: Duration = Duration::from_millis(100);

#[test]
fn nobody_hears_of_a_command_or_of_what_it_changed_before_it_is_durable() {
    let place = Place::new();
    let disk = Gated::new();
    let witness = Witness::default();
    let (mounted, subscribed) = (disk.clone(), witness.clone());
    let running = place.start_with(|config| config.disk = mounted, vec![Box::new(subscribed)]).unwrap();
    running.submit(DefineProduct { product: product().into() });
    wait_for(|| place.path().join("0000000002.journal").exists() && place.path().join("reserve").exists());
    disk.set(false);
    let known = running.handle.stats().durable;

    let command = running.handle.submit(Request::default(), CreateParticipant { name: "ann".into() }.into());
    let told = Arc::new(AtomicBool::new(false));
    let read = running.handle.read(|exchange| exchange.stamp().seq);
    let waiter = std::thread::spawn({
        let told = Arc::clone(&told);
        move || {
            let seen = read.wait().unwrap();
            told.store(true, SeqCst);
            seen
        }
    });
    wait_for(|| running.handle.stats().seq > known);
    std::thread::sleep(A_WHILE);
    assert!(!told.load(SeqCst), "a read waits for what it saw");
    assert_eq!(running.handle.stats().durable, known);
    assert!(witness.seen.lock().unwrap().iter().all(|seq| *seq <= known));

    disk.set(true);
    let receipt = command.wait().unwrap();
    assert_eq!(waiter.join().unwrap(), receipt.stamp.seq);
    wait_for(|| witness.seen.lock().unwrap().last() == Some(&receipt.stamp.seq));
    running.stop().2.unwrap();
}

#[test]
fn what_is_durable_does_not_wait_for_the_next_sync() {
    let place = Place::new();
    let disk = Gated::new();
    let mounted = disk.clone();
    let running = place.start_with(|config| config.disk = mounted, vec![]).unwrap();
    wait_for(|| place.path().join("0000000002.journal").exists() && place.path().join("reserve").exists());
    disk.set(false);
    let create = |name: String| (Request::default(), Command::from(CreateParticipant { name }));
    let before = running.handle.stats().seq;
    let came = disk.came.load(SeqCst);
    // The first batch takes so long to apply that its sync begins meanwhile, and waits.
    let first = running.handle.submit_batch((0..2_000).map(|n| create(format!("p{n}"))).collect());
    wait_for(|| running.handle.stats().seq == before + 2_000 && disk.came.load(SeqCst) > came);
    let second = running.handle.submit_batch(vec![create("bob".into())]);
    wait_for(|| running.handle.stats().seq == before + 2_001);
    disk.let_pass(1);
    assert_eq!(first.wait().unwrap().len(), 2_000, "it is told while the second's sync waits");
    assert_eq!(running.handle.stats().durable, before + 2_000);
    disk.set(true);
    second.wait().unwrap();
    running.stop().2.unwrap();
}

#[test]
fn a_failed_sync_stops_everything_and_acknowledges_nothing() {
    let place = Place::new();
    let disk = Gated::new();
    let witness = Witness::default();
    let (mounted, subscribed) = (disk.clone(), witness.clone());
    let running = place.start_with(|config| config.disk = mounted, vec![Box::new(subscribed)]).unwrap();
    let hour = running.open_market();
    wait_for(|| place.path().join("0000000002.journal").exists() && place.path().join("reserve").exists());
    disk.set(false);
    let orders: Vec<_> = (0..50).map(|n| running.order(1, &format!("a-{n}"), hour, Side::Sell)).collect();
    disk.fails.store(true, SeqCst);
    disk.set(true);
    for order in orders {
        assert!(matches!(order.wait(), Err(Error::Stopped { .. })));
    }
    let handle = running.handle.clone();
    let fault = running.fault();
    assert!(matches!(fault, Fault::Sync { .. }), "{fault}");
    assert!(handle.stopped().unwrap().contains("the disk is on fire"));
    let refused = handle.submit(Request::default(), Tick {}.into()).wait().unwrap_err();
    assert!(matches!(refused, Error::Stopped { .. }));
    let durable = handle.stats().durable;
    assert!(witness.seen.lock().unwrap().iter().all(|seq| *seq <= durable));
}

#[test]
fn a_full_disk_refuses_new_work_and_takes_cancels_and_reads() {
    let place = Place::new();
    let disk = Gated::new();
    let mounted = disk.clone();
    let small = move |config: &mut Config| {
        config.disk = mounted;
        config.segment_bytes = 64 << 10;
    };
    let running = place.start_with(small, vec![]).unwrap();
    let hour = running.open_market();
    let resting = running.order(1, "resting", hour, Side::Sell).wait().unwrap().answer.order;
    wait_for(|| place.path().join("0000000002.journal").exists() && place.path().join("reserve").exists());
    let room = disk.room.swap(0, SeqCst);

    let mut accepted = 0;
    let refused = loop {
        // A batch is taken whole or not at all.
        let batch =
            (0..50).map(|n| order(1, &format!("{accepted}-{n}"), hour, Side::Sell, 1_000_000)).collect();
        match running.handle.submit_batch(batch).wait() {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, Error::DiskFull);
    assert!(running.handle.stats().disk_full);
    let refused = running.order(2, "b-1", hour, Side::Buy).wait().unwrap_err();
    assert_eq!(refused, Error::DiskFull);

    let request = Request { account: AccountId(1), ..Request::default() };
    let cancel = CancelOrder { order: OrderRef::Id(resting) };
    let cancelled = running.handle.submit(request, cancel.into()).wait().expect("cancels still find room");
    assert_eq!(cancelled.answer.refused, None);
    let (stamp, hash) = running.handle.state_hash().wait().expect("reads need none");
    assert_eq!(stamp.seq, cancelled.stamp.seq);

    disk.room.store(room, SeqCst);
    wait_for(|| running.order(2, "b-2", hour, Side::Buy).wait().is_ok());
    assert!(!running.handle.stats().disk_full);
    let (stamp_at_end, hash_at_end, ended) = running.stop();
    ended.unwrap();
    assert!(stamp_at_end.seq > stamp.seq && hash_at_end != hash);
    let again = place.start();
    assert_eq!((again.recovered.stamp, again.recovered.state_hash), (stamp_at_end, hash_at_end));
    again.stop().2.unwrap();
}

#[test]
fn on_a_full_disk_an_operator_can_stop_the_market_and_a_trader_come_back_to_cancel() {
    let place = Place::new();
    let disk = Gated::new();
    let mounted = disk.clone();
    let small = move |config: &mut Config| {
        config.disk = mounted;
        config.segment_bytes = 16 << 10;
    };
    let running = place.start_with(small, vec![]).unwrap();
    let hour = running.open_market();
    let key = running
        .submit(IssueKey {
            participant: ParticipantId(1),
            account: AccountId(1),
            role: Role::Trader,
            digest: [7; 32],
            label: "lost".into(),
        })
        .answer
        .number;
    disk.room.store(0, SeqCst);
    let fill = |n: u32| running.order(1, &format!("fill-{n}"), hour, Side::Sell).wait();
    let refused = (0..10_000).map(fill).find_map(Result::err).expect("it fills up");
    assert_eq!(refused, Error::DiskFull);

    let by = |account: u32| Request { account: AccountId(account), ..Request::default() };
    let submit = |request, command: Command| running.handle.submit(request, command).wait();
    let name = ClientId::new("desk").unwrap();
    for (request, command) in [
        (by(1), LogOn { name, cancel_on_disconnect: false }.into()),
        (by(1), MassCancel { scope: Scope::Market, side: None }.into()),
        (by(1), LogOff { session: SessionId(1) }.into()),
        (by(0), RevokeKey { key: KeyId(key as u32) }.into()),
        (by(0), Kill { account: AccountId(2), reason: "a drill".into() }.into()),
        (by(0), Halt { scope: Scope::Market, reason: "a drill".into() }.into()),
    ] {
        let answer = submit(request, command).expect("there is room for this").answer;
        assert_eq!(answer.refused, None);
    }
    for command in [
        Command::from(Resume { scope: Scope::Market }),
        Unkill { account: AccountId(2) }.into(),
        Deposit { account: AccountId(1), currency: "CNY".into(), amount: Money(1), reference: "x".into() }
            .into(),
    ] {
        assert_eq!(submit(by(0), command).unwrap_err(), Error::DiskFull);
    }
    running.stop().2.unwrap();
}

#[test]
fn what_the_machine_owes_comes_as_soon_as_there_is_room_and_nobody_has_to_ask() {
    let place = Place::new();
    let disk = Gated::new();
    let small = |config: &mut Config| {
        config.disk = disk.clone();
        config.segment_bytes = 16 << 10;
        config.reserve_bytes = 16 << 10;
    };
    let running = place.start_with(small, vec![]).unwrap();
    let hour = running.open_market();
    let by = |account: u32| Request { account: AccountId(account), ..Request::default() };
    let name = ClientId::new("desk").unwrap();
    running.handle.submit(by(1), LogOn { name, cancel_on_disconnect: false }.into()).wait().unwrap();
    let room = disk.room.swap(0, SeqCst);
    // Cancels of nothing, up to the last byte of the reserve.
    let cancel = || CancelOrder { order: OrderRef::Id(OrderId(u64::MAX)) };
    let mut full = false;
    for n in 0.. {
        full |= running.order(1, &format!("fill-{n}"), hour, Side::Sell).wait().is_err();
        if full && running.handle.submit(by(1), cancel().into()).wait().is_err() {
            break;
        }
    }
    let (before, ..) = running.stop();

    // Killed and started again, with room for nothing: it answers questions, and the session still stands.
    let running = place.start_with(small, vec![]).unwrap();
    let connected = |running: &Running| {
        let connected =
            |exchange: &hourbook_exchange::Exchange| exchange.session(SessionId(1)).unwrap().connected;
        running.handle.read(connected).wait().unwrap()
    };
    assert!(connected(&running));
    place.clock.advance(Duration::from_secs(7_200));
    running.handle.wake();
    let refused = running.handle.submit(by(1), cancel().into()).wait().unwrap_err();
    assert_eq!(refused, Error::DiskFull);
    let stats = running.handle.stats();
    assert_eq!((stats.seq, stats.refused_disk_full), (before.seq, 1), "its own commands are not refusals");

    disk.room.store(room, SeqCst);
    wait_for(|| running.handle.stats().seq >= before.seq + 2);
    assert!(!connected(&running), "the restart is told before anything else");
    wait_for(|| !running.handle.stats().disk_full);
    let (stamp, ..) = running.stop();
    assert_eq!(stamp.time, Time(START).plus_nanos(7_200 * Time::SECOND), "ticks have caught up");
}

#[test]
fn an_unfinished_end_is_cut_and_said() {
    let place = Place::new();
    let first = place.start();
    first.open_market();
    let (stamp, ..) = first.stop();
    let path = place.path().join("0000000001.journal");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let second = place.start();
    assert_eq!(second.recovered.cut.map(|cut| cut.0), Some(second.recovered.stamp.seq + 1));
    assert!(second.recovered.stamp.seq < stamp.seq);
    second.stop().2.unwrap();
    assert_eq!(place.start().recovered.cut, None);
}

#[test]
fn damage_stops_the_start_and_names_the_record() {
    let place = Place::new();
    let first = place.start();
    first.open_market();
    first.stop().2.unwrap();
    let path = place.path().join("0000000001.journal");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096 + 60] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let fault = place.start_with(|_| {}, vec![]).map(|_| ()).unwrap_err();
    let said = fault.to_string();
    assert!(said.contains("record 1 at byte 4096") || said.contains("record 2 at byte"), "{said}");
    assert!(said.contains("0000000001.journal"), "{said}");
}

#[test]
fn what_is_shown_stands_in_order_with_what_is_published() {
    let place = Place::new();
    let witness = Witness::default();
    let running = place.start_with(|_| {}, vec![Box::new(witness.clone())]).unwrap();
    let hour = running.open_market();
    let shown = Arc::new(Mutex::new(Vec::new()));
    for round in 0..200 {
        let placed = running.order(1 + round % 2, &format!("o{round}"), hour, Side::Sell);
        let (seen, shown) = (Arc::clone(&witness.seen), Arc::clone(&shown));
        let look = |exchange: &hourbook_exchange::Exchange| exchange.stamp().seq;
        let asked = running.handle.show(look, move |at| {
            // Both on the publishing thread.
            shown.lock().unwrap().push((at, seen.lock().unwrap().last().copied().unwrap_or(0)));
        });
        if round % 3 == 0 {
            placed.wait().unwrap();
            asked.wait().unwrap();
        } else {
            drop((placed, asked));
        }
    }
    wait_for(|| shown.lock().unwrap().len() == 200);
    let seen = witness.seen.lock().unwrap().clone();
    for (at, published) in shown.lock().unwrap().iter() {
        assert!(published <= at, "nothing behind it was published: {published} and {at}");
        let next = seen.iter().find(|seq| **seq > *published);
        assert!(published == at || next.is_some_and(|next| next <= at), "its own batch comes next");
    }
    running.stop().2.unwrap();
}
