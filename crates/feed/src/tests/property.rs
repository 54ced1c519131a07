//! Random days: books rebuilt from deltas, from whatever moment on, are the exchange's own.
//!
//! A failure prints its seed; `HOURBOOK_SEED=n cargo test -p hourbook-feed` runs that one alone.

use super::venue::{ACCOUNTS, Told, Venue, limit};
use crate::*;
use hourbook_exchange::{BookMark, BookOrder, Level};
use hourbook_model::*;
use std::collections::BTreeMap;

const STEPS: usize = 3_000;
const SEEDS: std::ops::Range<u64> = 1..9;

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % end
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn lots(&mut self, from: u64, to: u64) -> Quantity {
        Quantity((from + self.below(to - from + 1)) as i64)
    }

    fn price(&mut self) -> Price {
        Price(1_500 + 100 * self.below(11) as i64)
    }
}

/// What a customer keeps of one instrument, from a snapshot and the deltas after it.
struct Customer {
    sequences: [u64; View::ALL.len()],
    top: Top,
    status: Status,
    indicative: Option<(Price, Quantity)>,
    levels: BTreeMap<(Side, Price), Level>,
    orders: BTreeMap<Side, Vec<BookOrder>>,
}

impl Customer {
    /// Begins now, whenever that is.
    fn begin(feed: &Feed, id: InstrumentId) -> Customer {
        let (listing, book) = (feed.listing(id).unwrap(), feed.book(id).unwrap());
        let levels = |side| book.levels(side).map(move |level| ((side, level.price), level));
        Customer {
            sequences: View::ALL.map(|view| listing.sequence(view)),
            top: book.top(),
            status: listing.status(),
            indicative: listing.indicative(),
            levels: Side::BOTH.into_iter().flat_map(levels).collect(),
            orders: Side::BOTH.into_iter().map(|side| (side, feed.orders(id, side).collect())).collect(),
        }
    }

    fn hear(&mut self, told: &Told) {
        let changed = [
            told.top.is_some(),
            !told.levels.is_empty(),
            !told.orders.is_empty(),
            !told.trades.is_empty(),
            told.status.is_some(),
            told.indicative.is_some(),
        ];
        for (view, changed) in View::ALL.into_iter().zip(changed) {
            let last = &mut self.sequences[view as usize];
            *last += u64::from(changed);
            assert_eq!(*last, told.sequences[view as usize], "{view:?} has no gaps");
        }
        self.top = told.top.unwrap_or(self.top);
        self.status = told.status.unwrap_or(self.status);
        self.indicative = told.indicative.unwrap_or(self.indicative);
        for LevelChange { side, level } in &told.levels {
            let key = (*side, level.price);
            let before =
                if level.orders == 0 { self.levels.remove(&key) } else { self.levels.insert(key, *level) };
            assert_ne!(before, Some(*level), "a change changes something");
        }
        for change in &told.orders {
            self.change(change);
        }
        assert_eq!(self.checksum(), told.checksum, "the checksum is that of the levels");
    }

    fn change(&mut self, change: &BookChange) {
        let BookChange { order, side, joins, price, quantity, .. } = *change;
        let queue = self.orders.get_mut(&side).unwrap();
        let at = queue.iter().position(|known| known.order == order);
        assert!(at.is_some() || joins, "what was not there joins");
        let now = BookOrder { order, price, quantity };
        match at {
            Some(at) if !joins && quantity > Quantity(0) => queue[at] = now,
            Some(at) => drop(queue.remove(at)),
            None => {}
        }
        if joins {
            queue.push(now);
        }
    }

    /// As the documents say, level by level and bit by bit.
    fn checksum(&self) -> u32 {
        let mut sum = 0u32;
        for ((side, _), level) in &self.levels {
            let mut bytes = vec![if *side == Side::Buy { 1 } else { 2 }];
            bytes.extend(level.price.0.to_le_bytes());
            bytes.extend(level.quantity.0.to_le_bytes());
            bytes.extend(level.orders.to_le_bytes());
            let mut crc = u32::MAX;
            for byte in bytes {
                crc ^= u32::from(byte);
                for _ in 0..8 {
                    crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
                }
            }
            sum = sum.wrapping_add(!crc);
        }
        sum
    }

    fn check(&self, venue: &Venue, id: InstrumentId) {
        let all = usize::MAX;
        let book = venue.exchange.book(id, all, all).expect("a book that is told of is listed");
        assert_eq!(self.status, book.status);
        let levels = |of: Side| -> Vec<Level> {
            let side = self.levels.iter().filter(|((side, _), _)| *side == of).map(|(_, level)| *level);
            let best_first = side.collect::<Vec<_>>();
            if of == Side::Buy { best_first.into_iter().rev().collect() } else { best_first }
        };
        assert_eq!((levels(Side::Buy), levels(Side::Sell)), (book.bids.clone(), book.asks.clone()));
        assert_eq!(self.top, Top { bid: book.bids.first().copied(), ask: book.asks.first().copied() });
        for (side, stands) in [(Side::Buy, book.bid_orders), (Side::Sell, book.ask_orders)] {
            let mut orders = self.orders[&side].clone();
            // Market orders come first; who joined a price earlier stands earlier.
            orders.sort_by_key(|order| match side {
                _ if order.price == Price(0) => i64::MIN,
                Side::Buy => -order.price.0,
                Side::Sell => order.price.0,
            });
            assert_eq!(orders, stands, "the orders of a side, in the order in which they trade");
        }
        let feed = venue.feed.book(id).unwrap();
        let both = book.bids.iter().map(|level| (Side::Buy, *level));
        let both = both.chain(book.asks.iter().map(|level| (Side::Sell, *level)));
        assert_eq!(checksum(both), feed.checksum(), "the exchange's own book has that checksum");
    }
}

struct Day {
    chance: Chance,
    venue: Venue,
    /// Books of which pieces are still to be taken, and where the next one begins.
    wanted: BTreeMap<InstrumentId, BookMark>,
    customers: BTreeMap<InstrumentId, Vec<Customer>>,
    seen: Seen,
}

/// That the days had what they are to be about.
#[derive(Debug, Default)]
struct Seen {
    trades: usize,
    slices: usize,
    calls: usize,
    waiting_markets: usize,
    over: usize,
    begun_late: usize,
    in_pieces: usize,
    indicatives: usize,
    forgotten: usize,
}

impl Day {
    fn new(seed: u64) -> Day {
        Day {
            chance: Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            venue: Venue::keeping(false),
            wanted: BTreeMap::new(),
            customers: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    fn instrument(&mut self) -> InstrumentId {
        // Few of them, so that orders meet.
        let open: Vec<_> =
            self.venue.exchange.instruments().filter(|one| one.gate > self.venue.now).collect();
        open[self.chance.pick(&[0, 1, 8, 9]) % open.len()].id
    }

    fn order(&mut self) -> NewOrder {
        let order_type = self.chance.pick(&[
            OrderType::Limit,
            OrderType::Limit,
            OrderType::Limit,
            OrderType::Limit,
            OrderType::Limit,
            OrderType::Market,
            OrderType::Stop,
            OrderType::StopLimit,
        ]);
        let (instrument, side) = (self.instrument(), self.chance.pick(&Side::BOTH));
        let time_in_force = match self.chance.below(12) {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Day,
            2 => TimeInForce::Gtd(self.venue.now.plus_nanos(self.chance.below(40) as i64 * Time::MINUTE + 1)),
            3 => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        };
        let is_limited = matches!(order_type, OrderType::Limit | OrderType::StopLimit);
        let is_stop = matches!(order_type, OrderType::Stop | OrderType::StopLimit);
        NewOrder {
            order_type,
            time_in_force,
            price: if is_limited { self.chance.price() } else { Price(0) },
            trigger: if is_stop { self.chance.price() } else { Price(0) },
            quantity: self.chance.lots(1, 14),
            display: if self.chance.one_in(3) { self.chance.lots(1, 4) } else { Quantity(0) },
            post_only: self.chance.one_in(14),
            self_trade: self.chance.pick(&[
                SelfTrade::Allow,
                SelfTrade::CancelNewest,
                SelfTrade::CancelOldest,
                SelfTrade::CancelBoth,
                SelfTrade::Decrement,
                SelfTrade::Decrement,
            ]),
            ..limit(instrument, side, 1, 0)
        }
    }

    fn live_order(&mut self, account: u32) -> OrderRef {
        let live = self.venue.exchange.orders_of(AccountId(account), None, 20);
        OrderRef::Id(match live.len() {
            0 => OrderId::NONE,
            count => live[self.chance.below(count as u64) as usize].id,
        })
    }

    fn step(&mut self) {
        let nanos = match self.chance.below(300) {
            0 => Time::DAY,
            1..4 => Time::HOUR,
            4..30 => self.chance.below(10) as i64 * Time::MINUTE,
            _ => self.chance.below(1_000_000) as i64,
        };
        self.venue.now = self.venue.now.plus_nanos(nanos);
        if nanos >= Time::HOUR || self.chance.one_in(3) {
            let told = self.venue.tick();
            self.hear(told);
        }
        let account = 1 + self.chance.below(u64::from(ACCOUNTS)) as u32;
        let (instrument, side) = (self.instrument(), self.chance.pick(&Side::BOTH));
        let scope = Scope::Instrument(instrument);
        let halted = self.chance.pick(&[scope, scope, Scope::Market, Scope::Product(ProductId(1))]);
        let command: Command = match self.chance.below(100) {
            0..50 => PlaceOrder { order: self.order() }.into(),
            50..56 => CancelOrder { order: self.live_order(account) }.into(),
            56..72 => {
                let amendment = Amendment {
                    order: self.live_order(account),
                    instrument: None,
                    price: self.chance.one_in(2).then(|| self.chance.price()),
                    quantity: self.chance.one_in(2).then(|| self.chance.lots(1, 16)),
                    trigger: None,
                };
                AmendOrder { amendment }.into()
            }
            72..78 => ReduceOrder { order: self.live_order(account), by: self.chance.lots(1, 6) }.into(),
            78..88 => {
                let mut quote = || {
                    let bid_price = self.chance.price();
                    Quote {
                        instrument,
                        bid_price,
                        bid_quantity: self.chance.lots(0, 6),
                        ask_price: Price(bid_price.0 + 100 * self.chance.below(3) as i64),
                        ask_quantity: self.chance.lots(0, 6),
                    }
                };
                let quotes = vec![quote(), quote()];
                let self_trade = self.chance.pick(&[SelfTrade::CancelOldest, SelfTrade::Decrement]);
                MassQuote { quotes, post_only: self.chance.one_in(3), self_trade }.into()
            }
            88..91 => {
                let scope = self.chance.pick(&[scope, Scope::Market, Scope::Product(ProductId(1))]);
                MassCancel { scope, side: self.chance.one_in(2).then_some(side) }.into()
            }
            91..93 => OpenAuction { scope, until: None }.into(),
            93..97 => {
                let calls = self.venue.exchange.instruments().filter(|one| one.status == Status::Auction);
                let scope = calls.last().map_or(scope, |one| Scope::Instrument(one.id));
                Uncross { scope, reference: None }.into()
            }
            97 => Kill { account: AccountId(account), reason: String::new() }.into(),
            98 => Halt { scope: halted, reason: String::new() }.into(),
            _ => Resume { scope: halted }.into(),
        };
        let stops_many = matches!(command, Command::Halt(_) | Command::Resume(_));
        let is_kill = matches!(command, Command::Kill(_));
        let operator = matches!(
            command,
            Command::OpenAuction(_)
                | Command::Uncross(_)
                | Command::Kill(_)
                | Command::Halt(_)
                | Command::Resume(_)
        );
        let (_, told) = self.venue.apply(if operator { 0 } else { account }, command);
        self.hear(told);
        if stops_many {
            let told = self.venue.look();
            self.hear(told);
            for scope in [Scope::Market, Scope::Product(ProductId(1))] {
                let (_, told) = self.venue.apply(0, Resume { scope });
                self.hear(told);
            }
            let told = self.venue.look();
            self.hear(told);
        }
        if is_kill {
            let (_, told) = self.venue.apply(0, Unkill { account: AccountId(account) });
            self.hear(told);
        }
        if self.chance.one_in(3) {
            let told = self.venue.look();
            self.seen.indicatives += told.iter().filter(|told| told.indicative.is_some()).count();
            self.hear(told);
            for (id, customers) in &self.customers {
                let Some(book) = self.venue.exchange.book(*id, 0, 0) else { continue };
                // A call that is halted has no uncross.
                let indicative = book.indicative.filter(|_| book.status != Status::Halted);
                assert!(customers.iter().all(|customer| customer.indicative == indicative));
            }
        }
        self.take_pieces();
        if self.chance.one_in(4) {
            self.join(instrument);
        }
        if self.chance.one_in(80) {
            self.customers.remove(&instrument);
            self.wanted.remove(&instrument);
            self.seen.forgotten += usize::from(self.venue.feed.book(instrument).is_some());
            self.venue.feed.forget(instrument);
        }
    }

    /// Takes a piece of some of the books that are asked for, between two commands.
    fn take_pieces(&mut self) {
        for (id, mark) in std::mem::take(&mut self.wanted) {
            let next = match self.chance.below(3) {
                0 => Some(mark),
                _ => {
                    let next = self.venue.take(id, mark, 1 + self.chance.below(2) as usize);
                    self.seen.in_pieces += usize::from(next.is_some_and(|next| next.behind.is_some()));
                    next
                }
            };
            self.wanted.extend(next.map(|next| (id, next)));
        }
    }

    /// Somebody wants to read an instrument from now on: it begins once its book is whole.
    fn join(&mut self, id: InstrumentId) {
        let trading = self.venue.exchange.instrument(id).is_some();
        if self.venue.feed.book(id).is_none() {
            if trading && !self.wanted.contains_key(&id) {
                self.wanted.insert(id, BookMark::START);
            }
            return;
        }
        let late = self.venue.feed.listing(id).filter(|one| trading && one.sequence(View::Orders) > 1);
        self.seen.begun_late += usize::from(late.is_some());
        let customers = self.customers.entry(id).or_default();
        customers.push(Customer::begin(&self.venue.feed, id));
        if customers.len() > 3 {
            customers.remove(0);
        }
    }

    fn hear(&mut self, told: Vec<Told>) {
        for told in &told {
            self.seen.trades += told.trades.len();
            let grew = |change: &BookChange| {
                change.joins && told.trades.iter().any(|trade| trade.maker == change.order)
            };
            self.seen.slices += told.orders.iter().filter(|change| grew(change)).count();
            let waits = |change: &BookChange| change.price == Price(0) && change.quantity > Quantity(0);
            self.seen.waiting_markets += told.orders.iter().filter(|change| waits(change)).count();
            self.seen.over += usize::from(told.is_over);
            for customer in self.customers.entry(told.instrument).or_default() {
                customer.hear(told);
            }
            if told.is_over {
                assert!(self.venue.feed.listing(told.instrument).is_none());
                self.wanted.remove(&told.instrument);
                self.customers.remove(&told.instrument);
            }
        }
        self.seen.calls +=
            self.venue.exchange.instruments().filter(|one| one.status == Status::Auction).count();
    }

    /// Every customer's book is the exchange's.
    fn check(&self, told: Option<&[InstrumentId]>) {
        for (id, customers) in &self.customers {
            if told.is_none_or(|told| told.contains(id)) {
                customers.iter().for_each(|customer| customer.check(&self.venue, *id));
            }
        }
    }
}

/// Says where it happened when a promise does not hold.
struct Trace(u64, usize);

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} failed at step {}: HOURBOOK_SEED={} runs it alone", self.0, self.1, self.0);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever debugs a seed asks for it")]
fn seeds() -> Vec<u64> {
    match std::env::var("HOURBOOK_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => SEEDS.collect(),
    }
}

#[test]
fn a_book_rebuilt_from_deltas_is_the_exchange_s_own() {
    for seed in seeds() {
        let mut trace = Trace(seed, 0);
        let mut day = Day::new(seed);
        for step in 0..STEPS {
            trace.1 = step;
            day.step();
            day.check(None);
        }
        println!("seed {seed}: {:?}", day.seen);
        let Seen { trades, slices, calls, waiting_markets, over, .. } = day.seen;
        let Seen { begun_late, in_pieces, indicatives, forgotten, .. } = day.seen;
        let least = [trades / 50, slices / 5, calls, waiting_markets, over];
        let more = [begun_late / 50, in_pieces, indicatives / 5, forgotten];
        let mut least = least.into_iter().chain(more);
        assert!(least.all(|seen| seen > 0), "the day had what it is to be about: {:?}", day.seen);
    }
}

#[test]
fn a_book_that_is_taken_later_is_the_same_and_says_that_its_numbers_went_on() {
    let mut day = Day::new(77);
    day.venue.keeps_all = true;
    for _ in 0..600 {
        day.step();
    }
    let ids: Vec<_> = day.venue.feed.instruments().collect();
    for id in ids {
        if day.venue.feed.book(id).is_none() {
            continue;
        }
        let mut later = Feed::of(&day.venue.exchange);
        assert_eq!((later.at(), later.books()), (day.venue.exchange.stamp(), 0));
        later.take(id, &day.venue.exchange.book_piece(id, BookMark::START, usize::MAX).unwrap());
        let (old, new) = (day.venue.feed.book(id).unwrap(), later.book(id).unwrap());
        assert_eq!((new.top(), new.checksum()), (old.top(), old.checksum()));
        let numbers = |feed: &Feed| View::ALL.map(|view| feed.listing(id).unwrap().sequence(view));
        assert_eq!(numbers(&later), [1, 1, 1, 0, 0, 0]);
        for side in Side::BOTH {
            assert!(later.orders(id, side).eq(day.venue.feed.orders(id, side)));
        }
        later.forget(id);
        assert!(later.book(id).is_none() && later.books() == 0);
        later.take(id, &day.venue.exchange.book_piece(id, BookMark::START, usize::MAX).unwrap());
        assert_eq!(
            numbers(&later),
            [2, 2, 2, 0, 0, 0],
            "nobody knows what was missed, and a number says that"
        );
    }
}
