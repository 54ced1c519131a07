//! Journals of earlier versions, which must come to the same state for ever.
//!
//! `GOLDEN=write cargo test -p hourbook-sequencer golden` writes `tests/golden/1` anew. That is right only before
//! a version is released: what stands there afterwards is never changed, and a new version adds a directory.

use super::desk::*;
use crate::*;
use hourbook_model::*;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const VERSION: &str = "1";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

#[test]
fn golden_journals_come_to_the_state_that_they_came_to() {
    if std::env::var_os("GOLDEN").is_some_and(|asked| asked == "write") {
        write(&golden().join(VERSION));
    }
    let mut found = 0;
    for version in fs::read_dir(golden()).unwrap() {
        let version = version.unwrap().path();
        let expected = fs::read_to_string(version.join("expected.txt")).unwrap();
        let told = tell(&version, Start::Nothing);
        assert_eq!(told, expected, "{}: the head of this file says what to do", version.display());
        // Its snapshot, where this version still reads it, or the journal again where it does not.
        let last = |told: &str| told.lines().next_back().unwrap().to_owned();
        assert_eq!(last(&tell(&version, Start::Snapshot)), last(&expected), "{}", version.display());
        hourbook_journal::verify(&[&version], |_| {}).unwrap();
        found += 1;
    }
    assert!(found > 0, "there is no golden journal");
}

/// A line for each command, with the number of its events; then the state.
fn tell(directory: &Path, start: Start) -> String {
    let mut told = String::new();
    let mut events = 0;
    let replayed = replay(directory, start, None, |stamp, of| {
        events += of.len();
        writeln!(told, "{} {} {}", stamp.seq, stamp.time.0, of.len()).unwrap();
    })
    .unwrap();
    let hash: String = replayed.state_hash.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(told, "state {} {hash}", replayed.seq).unwrap();
    told
}

/// Writes a small journal in which every kind of command occurs, over several segments, with a snapshot.
fn write(to: &Path) {
    let place = Place::new();
    let running = place.start_with(|config| config.segment_bytes = 16 << 10, vec![]).unwrap();
    let hour = running.open_market();
    everything(&running, &place, hour);
    let (stamp, ..) = running.stop();
    let running = place.start_with(|config| config.segment_bytes = 16 << 10, vec![]).unwrap();
    assert_eq!(running.recovered.stamp, stamp);
    running.order(1, "after the restart", hour, Side::Sell).wait().unwrap();
    running.stop().2.unwrap();

    let mut kinds = BTreeSet::new();
    events(place.path(), 0, |batch| kinds.extend(batch.entries().iter().map(|entry| entry.command.kind().0)))
        .unwrap();
    for (number, _, name) in Command::KINDS {
        assert!(kinds.contains(number), "{name} does not occur");
    }
    let _ = fs::remove_dir_all(to);
    hourbook_journal::copy(place.path(), to).unwrap();
    fs::remove_file(to.join("lock")).unwrap();
    fs::write(to.join("expected.txt"), tell(to, Start::Nothing)).unwrap();
}

/// Each kind of command, and what traders do with them.
fn everything(running: &Running, place: &Place, hour: InstrumentId) {
    let market = Scope::Market;
    let by = |account: u32| Request { account: AccountId(account), ..Request::default() };
    let submit = |request: Request, command: Command| running.handle.submit(request, command).wait().unwrap();
    running.submit(SetRulesVersion { version: hourbook_exchange::RULES });
    let class = Class {
        code: "GP".into(),
        title: "general purpose".into(),
        unit: "vCPU".into(),
        vcpu_milli: 1_000,
        memory_gib_milli: 4_000,
        disk_gb_milli: 0,
        network_mbps: 100,
        benchmark: "none".into(),
        benchmark_score: 0,
        families: vec!["n4".into()],
        assumptions: vec!["all of it".into()],
    };
    running.submit(DefineClass { class: class.into() });
    let region = Region {
        code: "CNNX".into(),
        title: "Ningxia".into(),
        jurisdiction: "CN".into(),
        pue_milli: 1_100,
        power_usd_micros_per_kwh: 50_000,
        cooling: "free air".into(),
        energy: "wind".into(),
        assumptions: vec![],
    };
    running.submit(DefineRegion { region: region.into() });
    let auction = AuctionSchedule { call: 4 * Time::HOUR, freeze: 5 * Time::HOUR, uncross: 6 * Time::HOUR };
    let banded = Product {
        symbol: "GP.CNNX.B".parse().unwrap(),
        auction: Some(auction),
        band: Some(Band { order_ppm: 500_000, trade_ppm: 200_000, call: 5 * Time::MINUTE }),
        reference: Some(Price(1_000_000)),
        maker_fee_ppm: 1_000,
        taker_fee_ppm: 2_000,
        ..product()
    };
    running.submit(DefineProduct { product: banded.into() });
    running.submit(AdoptMarket { digest: [7; 32] });
    let late = running.submit(AdvanceTime { to: Time(START).plus_nanos(Time::HOUR) });
    assert_eq!(late.answer.refused, Some(RejectReason::Unsupported));
    running.submit(SetReference { instrument: hour, price: Price(1_000_000), digest: [3; 16] });
    let (provider, class, day) = (ParticipantId(1), "GP".to_owned(), (START / Time::DAY) as u32);
    let sum = DaySum { count: 60_000_000, sum: 59_000_000 };
    let observations =
        vec![Observation { metric: "availability".into(), measure: Measure::Trials, day, sum }];
    running.submit(SubmitObservations { provider, class: class.clone(), observations });
    let standing =
        Standing { score: 934_512, bound: 901_000, evidence: 60_000_000, rating: 7, rated_on: day, tiers: 7 };
    running.submit(SetStanding { provider, class, standing, digest: [4; 16] });
    running.submit(SetFairPrices { prices: vec![(ProductId(1), Price(1_000_000))], digest: [4; 16] });
    running.submit(CreateParticipant { name: "cat".into() });
    running.submit(CreateAccount { participant: ParticipantId(3), name: "cat".into() });
    let label = "trading".to_owned();
    let key = |participant, role| IssueKey {
        participant: ParticipantId(participant),
        account: AccountId(0),
        role,
        digest: [participant as u8; 32],
        label: label.clone(),
    };
    let issued = running.submit(key(3, Role::Provider));
    running.submit(RevokeKey { key: KeyId(issued.answer.number as u32) });
    running.submit(key(1, Role::Trader));
    let limits = Limits { commands_per_second: 50, open_orders: 500 };
    running.submit(SetLimits { account: AccountId(3), limits });
    let (account, currency, reference) = (AccountId(3), || "CNY".to_owned(), || "wire 1".to_owned());
    running.submit(Deposit {
        account,
        currency: currency(),
        amount: Money(500_000_000),
        reference: reference(),
    });
    running.submit(Withdraw {
        account,
        currency: currency(),
        amount: Money(1_000_000),
        reference: reference(),
    });
    let capacity = DeclareCapacity {
        account,
        product: ProductId(1),
        from: Time(START).hour(),
        hours: 100,
        quantity: Quantity(1_000),
        attestation: "seen".into(),
    };
    running.submit(capacity);

    // Resting orders, crossed, changed and taken back.
    for n in 0..120_u32 {
        let side = if n % 3 == 0 { Side::Sell } else { Side::Buy };
        let price = 1_000_000 + 100 * (i64::from(n * 7 % 20) - 10);
        let (request, command) = order(1 + n % 3, &format!("golden-{n}"), hour, side, price);
        submit(request, command);
    }
    let name = |n: u32| OrderRef::Client(ClientId::new(&format!("golden-{n}")).unwrap());
    for n in (0..120).step_by(4) {
        let amendment = Amendment {
            order: name(n),
            instrument: Some(hour),
            price: (n % 8 == 0).then_some(Price(999_000)),
            quantity: Some(Quantity(2)),
            trigger: None,
        };
        submit(by(1 + n % 3), AmendOrder { amendment }.into());
        submit(by(1 + n % 3), ReduceOrder { order: name(n), by: Quantity(1) }.into());
        submit(by(1 + (n + 1) % 3), CancelOrder { order: name(n + 1) }.into());
    }
    let special = |n: usize, order_type, time_in_force, change: fn(&mut NewOrder)| {
        let (request, command) = order(1 + n as u32 % 3, &format!("special-{n}"), hour, Side::Buy, 1_000_500);
        let Command::PlaceOrder(PlaceOrder { mut order }) = command else { unreachable!() };
        (order.order_type, order.time_in_force, order.quantity) = (order_type, time_in_force, Quantity(6));
        change(&mut order);
        submit(request, PlaceOrder { order }.into());
    };
    let until = Time(START).plus_nanos(3 * Time::HOUR);
    special(0, OrderType::Limit, TimeInForce::Ioc, |order| order.minimum = Quantity(2));
    special(1, OrderType::Limit, TimeInForce::Fok, |_| {});
    special(2, OrderType::Limit, TimeInForce::FokBudget(Money(9_000_000)), |_| {});
    special(3, OrderType::Limit, TimeInForce::Gtd(until), |order| order.display = Quantity(2));
    special(4, OrderType::Market, TimeInForce::Ioc, |order| order.price = Price(0));
    special(5, OrderType::Stop, TimeInForce::Gtc, |order| {
        (order.price, order.trigger) = (Price(0), Price(1_000_900));
    });
    special(6, OrderType::StopLimit, TimeInForce::Day, |order| order.trigger = Price(1_000_800));
    special(7, OrderType::Limit, TimeInForce::Gtc, |order| {
        (order.post_only, order.self_trade, order.side) = (true, SelfTrade::CancelBoth, Side::Sell);
    });

    // A session: quotes, a repetition, and its end.
    let name = ClientId::new("desk").unwrap();
    let session = submit(by(2), LogOn { name, cancel_on_disconnect: true }.into()).answer.number as u32;
    let quote = |bid: i64, ask: i64| Quote {
        instrument: hour,
        bid_price: Price(bid),
        bid_quantity: Quantity(3),
        ask_price: Price(ask),
        ask_quantity: Quantity(3),
    };
    for (number, (bid, ask)) in [(1, (999_500, 1_000_700)), (2, (999_600, 1_000_600)), (2, (1, 2))] {
        let request = Request { session: SessionId(session), number, ..by(2) };
        let quotes = vec![quote(bid, ask)];
        submit(request, MassQuote { quotes, post_only: false, self_trade: SelfTrade::CancelOldest }.into());
    }
    submit(by(2), LogOff { session: SessionId(session) }.into());

    // Calls, halts, the kill switch.
    running.submit(OpenAuction { scope: Scope::Instrument(hour), until: None });
    for (account, side, price) in
        [(1, Side::Sell, 999_000), (2, Side::Buy, 1_001_000), (3, Side::Buy, 1_000_000)]
    {
        let (request, command) = order(account, &format!("call-{account}"), hour, side, price);
        submit(request, command);
    }
    running.submit(Uncross { scope: Scope::Instrument(hour), reference: Some(Price(1_000_000)) });
    running.submit(Halt { scope: market, reason: "a drill".into() });
    running.order(1, "halted", hour, Side::Buy).wait().unwrap();
    running.submit(Resume { scope: market });
    running.submit(Kill { account: AccountId(1), reason: "a drill".into() });
    running.order(1, "killed", hour, Side::Buy).wait().unwrap();
    running.submit(Unkill { account: AccountId(1) });
    running.handle.snapshot().wait().unwrap();

    // A day passes: gates, expiries, an auction of the other product, new listings.
    for _ in 0..26 {
        place.clock.advance(Duration::from_secs(3_600));
        running.submit(Tick {});
        running.order(1, "", hour, Side::Sell).wait().unwrap();
    }
    submit(by(2), MassCancel { scope: market, side: Some(Side::Buy) }.into());
    a_pause(running, place);
}

/// The exchange sleeps for four days. What is due then is more than a tick takes: it is done in slices, between what
/// traders ask for, who never meet what is over.
fn a_pause(running: &Running, place: &Place) {
    let named = |symbol: &str| {
        let symbol = symbol.parse().unwrap();
        running
            .handle
            .read(move |exchange| exchange.instrument_named(&symbol))
            .wait()
            .unwrap()
            .expect("it is listed")
    };
    let (day, hour) = (named("GP.CNNX.A.D20261126"), named("GP.CNNX.A.H20261125T12"));
    for instrument in [day, hour] {
        for (account, side) in [(1, Side::Sell), (2, Side::Buy)] {
            running.order(account, "", instrument, side).wait().unwrap();
        }
    }
    for n in 0..100 {
        let name = format!("day-{n}");
        let (request, command) = order(1 + n % 2, &name, hour, Side::Buy, 900_000 - 100 * i64::from(n));
        let Command::PlaceOrder(PlaceOrder { mut order }) = command else { unreachable!() };
        order.time_in_force = TimeInForce::Day;
        running.handle.submit(request, PlaceOrder { order }.into()).wait().unwrap();
    }
    let before = running.handle.stats().commands;
    place.clock.advance(Duration::from_secs(4 * 86_400));
    let cancels = (0..60).map(|n| {
        let request = Request { account: AccountId(1 + n % 2), ..Request::default() };
        let order = OrderRef::Client(ClientId::new(&format!("day-{n}")).unwrap());
        (request, CancelOrder { order }.into())
    });
    let receipts = running.handle.submit_batch(cancels.collect()).wait().unwrap();
    assert!(receipts.iter().all(|(entry, _)| entry.answer.refused == Some(RejectReason::UnknownOrder)));
    running.order(1, "", named("GP.CNNX.A.D20261201"), Side::Sell).wait().unwrap();
    wait_for(|| {
        let due = running
            .handle
            .read(|exchange| exchange.next_due().is_some_and(|due| due <= exchange.stamp().time));
        !due.wait().unwrap()
    });
    // One tick comes before the batch, the others after it.
    let ticks = running.handle.stats().commands - before - 61;
    assert!(ticks > 3, "a backlog of several ticks was left behind the batch: {ticks}");
}
