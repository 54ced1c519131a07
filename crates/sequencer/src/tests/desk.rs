//! A sequencer on a directory of its own, with a small market on it. The one place that touches the API.

use crate::*;
use hourbook_model::*;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// 2026-11-23T00:00Z.
pub const START: i64 = 1_795_392_000 * Time::SECOND;

/// A directory that outlives the sequencers on it.
pub struct Place {
    pub directory: TempDir,
    pub clock: ManualClock,
}

/// A sequencer that runs.
pub struct Running {
    pub handle: Handle,
    pub recovered: Recovered,
    thread: JoinHandle<Result<(), Fault>>,
}

impl Place {
    pub fn new() -> Place {
        Place { directory: TempDir::new().unwrap(), clock: ManualClock::at(Time(START)) }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self) -> Config {
        Config {
            segment_bytes: 1 << 20,
            reserve_bytes: 64 << 10,
            clock: Clock::Manual(self.clock.clone()),
            ..Config::new(self.path())
        }
    }

    pub fn start(&self) -> Running {
        self.start_with(|_| {}, vec![]).expect("it starts")
    }

    pub fn start_with(
        &self,
        change: impl FnOnce(&mut Config),
        subscribers: Vec<Box<dyn Subscriber>>,
    ) -> Result<Running, Fault> {
        let mut config = self.config();
        change(&mut config);
        let (sequencer, handle, recovered) = Sequencer::open(config, subscribers)?;
        let thread = std::thread::spawn(move || sequencer.run());
        Ok(Running { handle, recovered, thread })
    }
}

impl Running {
    /// Drains it; gives the state's number and hash as it was at the end, and how it ended.
    pub fn stop(self) -> (Stamp, [u8; 32], Result<(), Fault>) {
        let (stamp, hash) = self.handle.state_hash().wait().expect("it still runs");
        self.handle.drain();
        (stamp, hash, self.thread.join().unwrap())
    }

    /// Waits for its end, which a fault has brought about.
    pub fn fault(self) -> Fault {
        self.thread.join().unwrap().expect_err("it was stopped by a fault")
    }

    /// Waits for its end, which a drain has brought about.
    pub fn ends(self) {
        self.thread.join().unwrap().unwrap();
    }

    pub fn submit(&self, command: impl Into<Command>) -> Receipt {
        self.handle.submit(Request::default(), command.into()).wait().expect("it is durable")
    }

    /// Defines the product, and accounts 1 and 2 with unlimited credit.
    pub fn open_market(&self) -> InstrumentId {
        self.submit(DefineProduct { product: product().into() });
        for (name, number) in [("ann", 1), ("bob", 2)] {
            self.submit(CreateParticipant { name: name.into() });
            self.submit(CreateAccount { participant: ParticipantId(number), name: name.into() });
            self.submit(SetCredit {
                account: AccountId(number),
                currency: "CNY".into(),
                credit: Credit::Unlimited,
            });
        }
        let symbol = "GP.CNNX.A.H20261124T08".parse().unwrap();
        self.handle
            .read(move |exchange| exchange.instrument_named(&symbol))
            .wait()
            .unwrap()
            .expect("it is listed")
    }

    /// Has an account order one lot.
    pub fn order(
        &self,
        account: u32,
        client_id: &str,
        instrument: InstrumentId,
        side: Side,
    ) -> Pending<Receipt> {
        let (request, command) = order(account, client_id, instrument, side, 1_000_000);
        self.handle.submit(request, command)
    }
}

/// An order of one lot.
pub fn order(
    account: u32,
    client_id: &str,
    instrument: InstrumentId,
    side: Side,
    price: i64,
) -> (Request, Command) {
    let request = Request {
        account: AccountId(account),
        client_id: ClientId::new(client_id).unwrap(),
        ..Request::default()
    };
    let order = NewOrder {
        instrument,
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        price: Price(price),
        trigger: Price(0),
        quantity: Quantity(1),
        display: Quantity(0),
        minimum: Quantity(0),
        post_only: false,
        self_trade: SelfTrade::Allow,
    };
    (request, PlaceOrder { order }.into())
}

pub fn product() -> Product {
    Product {
        symbol: "GP.CNNX.A".parse().unwrap(),
        currency: "CNY".into(),
        tick: Price(100),
        tier: TierTerms { availability_ppm: 999_500, notice: 0, penalty_ppm: 1_000_000 },
        horizon: Horizon { hours: 48, days: 14, weeks: 3, months: 1 },
        gate_hour: 5 * Time::MINUTE,
        gate_longer: 60 * Time::MINUTE,
        auction: None,
        band: None,
        reference: None,
        max_quantity: Quantity(1_000_000),
        max_notional: Money(1_000_000 * MICROS),
        maker_fee_ppm: 0,
        taker_fee_ppm: 0,
    }
}

/// Writes down the numbers it is shown.
#[derive(Clone, Default)]
pub struct Witness {
    pub kept: Option<u64>,
    pub seen: Arc<Mutex<Vec<u64>>>,
}

impl Subscriber for Witness {
    fn kept(&self) -> Option<u64> {
        self.kept
    }

    fn publish(&mut self, batch: &Arc<Batch>) {
        self.seen.lock().unwrap().extend(batch.entries().iter().map(|entry| entry.stamp.seq));
    }
}

/// Waits until something has come about on another thread.
pub fn wait_for(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}
