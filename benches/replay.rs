//! Replay: a journal of mixed commands, read, checked, decoded and applied, from nothing to its end.
//!
//! One instrument with about 1,000 live orders: 9 % new orders, 3 % IOC, 6 % cancels and 82 % moves, by two accounts with
//! orders named as clients name them. Written by the sequencer itself beforehand. Under `cargo bench` in full, under
//! `cargo test` small; the state hash at the end is the live one's, or it panics. `cpu_ns_per_op` is what the thread was given
//! of a processor, which others on the machine do not change.

use std::path::Path;
use std::thread;

use hourbook_model::*;
use hourbook_sequencer::{Clock, Config, ManualClock, Sequencer, Start, replay};

/// 2026-11-23T00:00Z.
const START: i64 = 1_795_392_000 * Time::SECOND;
const MID: i64 = 1_000_000;
const TICK: i64 = 100;
const LIVE: usize = 1_000;

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (commands, rounds) = if full { (2_000_000, 5) } else { (4_000, 1) };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory for the journal");
    let live = write(directory.path(), commands);
    let (mut rates, mut processor) = (Vec::new(), Vec::new());
    let mut applied = 0;
    for _ in 0..rounds {
        let before = on_processor();
        let replayed =
            replay(directory.path(), Start::Nothing, None, |_, _| {}).expect("it was written just now");
        assert_eq!(replayed.state_hash, live, "replay gives the live state");
        applied = replayed.commands;
        processor.push((on_processor() - before) as f64 / applied as f64);
        rates.push(replayed.commands as f64 / replayed.seconds);
    }
    let (rate, processor) = (median(rates), median(processor));
    println!(
        "{{\"case\":\"replay\",\"ops\":{applied},\"ns_per_op\":{:.1},\"ops_per_s\":{rate:.0},\"p50_ns\":null,\"p99_ns\":null,\
         \"p999_ns\":null,\"bytes_per_order\":null,\"cpu_ns_per_op\":{processor:.1}}}",
        1e9 / rate
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds that this thread has had of a processor; 0 where the system does not tell.
fn on_processor() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// Writes the journal; gives the live state's hash.
fn write(directory: &Path, commands: usize) -> [u8; 32] {
    let config = Config {
        clock: Clock::Manual(ManualClock::at(Time(START))),
        snapshot_records: 0,
        snapshot_bytes: 0,
        reserve_bytes: 0,
        ..Config::new(directory)
    };
    let (sequencer, handle, _) = Sequencer::open(config, vec![]).expect("an empty directory");
    let thread = thread::spawn(move || sequencer.run());
    let submit = |request: Request, command: Command| {
        let receipt = handle.submit(request, command).wait().expect("the sequencer runs");
        assert_eq!(receipt.answer.refused, None, "{:?}", receipt.command);
    };
    submit(Request::default(), DefineProduct { product: product().into() }.into());
    for (name, number) in [("ann", 1), ("bob", 2)] {
        submit(Request::default(), CreateParticipant { name: name.into() }.into());
        let participant = ParticipantId(number);
        submit(Request::default(), CreateAccount { participant, name: name.into() }.into());
        let account = AccountId(number);
        let credit = SetCredit { account, currency: "CNY".into(), credit: Credit::Unlimited };
        submit(Request::default(), credit.into());
    }
    let symbol = "GP.CNNX.A.H20261124T08".parse().expect("a symbol");
    let instrument = handle.read(move |exchange| exchange.instrument_named(&symbol)).wait().expect("it runs");
    let mut mix =
        Mix { random: Random(0x9e37_79b9_7f4a_7c15), instrument: instrument.expect("listed"), named: 0 };
    let mut live: Vec<(AccountId, OrderId)> = Vec::new();
    let mut done = 0;
    while done < commands {
        let batch: Vec<_> = (0..1_000).map(|_| mix.next(&live)).collect();
        let receipts = handle.submit_batch(batch).wait().expect("the sequencer runs");
        for (entry, _) in receipts.iter() {
            let order = (entry.request.account, entry.answer.order);
            match &entry.command {
                Command::PlaceOrder(_) if entry.answer.leaves > Quantity(0) => live.push(order),
                // Filled, or cancelled: it is drawn no more.
                Command::AmendOrder(AmendOrder { amendment: Amendment { order: OrderRef::Id(id), .. } })
                    if entry.answer.refused.is_some() || entry.answer.leaves == Quantity(0) =>
                {
                    live.retain(|known| known.1 != *id);
                }
                Command::CancelOrder(CancelOrder { order: OrderRef::Id(id) }) => {
                    live.retain(|known| known.1 != *id);
                }
                _ => {}
            }
            done += 1;
        }
    }
    let (_, hash) = handle.state_hash().wait().expect("the sequencer runs");
    handle.drain();
    thread.join().expect("it does not panic").expect("a good disk");
    hash
}

struct Mix {
    random: Random,
    instrument: InstrumentId,
    named: u64,
}

impl Mix {
    fn next(&mut self, live: &[(AccountId, OrderId)]) -> (Request, Command) {
        let mut kind = self.random.below(100);
        // The number of live orders stays where it is.
        if kind < 18 && !(9..12).contains(&kind) && live.len().abs_diff(LIVE) > LIVE / 50 {
            kind = if live.len() < LIVE { 0 } else { 12 };
        }
        if live.len() < LIVE / 2 {
            kind = 0;
        }
        let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let quantity = Quantity(1 + self.random.below(10) as i64);
        match kind {
            0..9 => {
                let price = self.random.price(side);
                self.place(side, price, quantity, TimeInForce::Gtc)
            }
            9..12 => self.place(
                side,
                MID + if side == Side::Buy { 600 * TICK } else { -600 * TICK },
                quantity,
                TimeInForce::Ioc,
            ),
            _ => {
                let (account, order) = live[self.random.below(live.len())];
                let request = Request { account, ..Request::default() };
                let order = OrderRef::Id(order);
                if kind < 18 {
                    return (request, CancelOrder { order }.into());
                }
                // Half of them to the other side of the middle, where some trade.
                let price = self.random.price(side);
                let amendment = Amendment {
                    order,
                    instrument: None,
                    price: Some(Price(price)),
                    quantity: None,
                    trigger: None,
                };
                (request, AmendOrder { amendment }.into())
            }
        }
    }

    fn place(
        &mut self,
        side: Side,
        price: i64,
        quantity: Quantity,
        time_in_force: TimeInForce,
    ) -> (Request, Command) {
        let price = Price(price);
        self.named += 1;
        let request = Request {
            account: AccountId(1 + (self.named % 2) as u32),
            client_id: ClientId::new(&format!("order-{:08}", self.named)).expect("short and printable"),
            ..Request::default()
        };
        let order = NewOrder {
            instrument: self.instrument,
            side,
            order_type: OrderType::Limit,
            time_in_force,
            price,
            trigger: Price(0),
            quantity,
            display: Quantity(0),
            minimum: Quantity(0),
            post_only: false,
            self_trade: SelfTrade::Allow,
        };
        (request, PlaceOrder { order }.into())
    }
}

fn product() -> Product {
    Product {
        symbol: "GP.CNNX.A".parse().expect("a symbol"),
        currency: "CNY".into(),
        tick: Price(TICK),
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

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)) * end as u128) >> 64) as usize
    }

    /// Within 500 ticks of the middle, most of them near.
    fn price(&mut self, side: Side) -> i64 {
        let unit = self.below(1 << 20) as f64 / (1 << 20) as f64;
        let distance = TICK * (1 + (unit * unit * 500.0) as i64);
        if side == Side::Buy { MID - distance } else { MID + distance }
    }
}
