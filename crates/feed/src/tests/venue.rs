//! An exchange with a feed behind it: two products, accounts that never lack cover.

use crate::*;
use hourbook_exchange::{BookMark, Exchange};
use hourbook_model::*;

/// 2026-11-23T00:00Z.
pub const START: Time = Time(1_795_392_000 * Time::SECOND);
pub const ACCOUNTS: u32 = 5;

pub struct Venue {
    pub exchange: Exchange,
    pub feed: Feed,
    pub now: Time,
    /// Whether the book of whatever is listed is kept from the beginning.
    pub keeps_all: bool,
}

/// What one command changed of one instrument, kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub instrument: InstrumentId,
    pub top: Option<Top>,
    pub levels: Vec<LevelChange>,
    pub orders: Vec<BookChange>,
    pub trades: Vec<Trade>,
    pub sequences: [u64; View::ALL.len()],
    pub status: Option<Status>,
    pub indicative: Option<Option<(Price, Quantity)>>,
    pub checksum: u32,
    pub is_over: bool,
}

impl Told {
    pub fn of(update: &Update<'_>) -> Told {
        Told {
            instrument: update.instrument,
            top: update.top_changed.then(|| update.listing.top()),
            levels: update.levels.to_vec(),
            orders: update.orders.to_vec(),
            trades: update.trades.to_vec(),
            sequences: View::ALL.map(|view| update.listing.sequence(view)),
            checksum: update.listing.book().map_or(0, Book::checksum),
            status: update.status_changed.then(|| update.listing.status()),
            indicative: update.indicative_changed.then(|| update.listing.indicative()),
            is_over: update.is_over,
        }
    }
}

/// One with a daily auction and a band, one without.
pub fn products() -> [Product; 2] {
    let at = |hour: i64, minute: i64| hour * Time::HOUR + minute * Time::MINUTE;
    let guarded = Product {
        symbol: "GP.CNNX.A".parse().unwrap(),
        currency: "CNY".into(),
        tick: Price(100),
        tier: TierTerms { availability_ppm: 999_500, notice: 0, penalty_ppm: 1_000_000 },
        horizon: Horizon { hours: 5, days: 2, weeks: 1, months: 1 },
        gate_hour: 5 * Time::MINUTE,
        gate_longer: 60 * Time::MINUTE,
        auction: Some(AuctionSchedule { call: at(3, 50), freeze: at(3, 59), uncross: at(4, 0) }),
        band: Some(Band { order_ppm: 500_000, trade_ppm: 200_000, call: 5 * Time::MINUTE }),
        reference: Some(Price(2_000)),
        max_quantity: Quantity(1_000_000),
        max_notional: Money(1_000_000 * MICROS),
        maker_fee_ppm: 0,
        taker_fee_ppm: 0,
    };
    let bare = Product {
        symbol: "CO.CNNM.C".parse().unwrap(),
        tick: Price(1),
        auction: None,
        band: None,
        reference: None,
        ..guarded.clone()
    };
    [guarded, bare]
}

impl Venue {
    /// Every book is kept.
    pub fn new() -> Venue {
        Venue::keeping(true)
    }

    pub fn keeping(keeps_all: bool) -> Venue {
        let (exchange, feed) = (Exchange::new(), Feed::default());
        let mut venue = Venue { exchange, feed, now: START, keeps_all };
        for product in products() {
            venue.apply(0, DefineProduct { product: product.into() });
        }
        for number in 1..=ACCOUNTS {
            // Two accounts of one participant meet each other's orders as their own.
            let participant = ParticipantId(number.min(ACCOUNTS - 1));
            if participant.0 == number {
                venue.apply(0, CreateParticipant { name: format!("participant {number}") });
            }
            venue.apply(0, CreateAccount { participant, name: format!("account {number}") });
            let (account, currency) = (AccountId(number), "CNY".to_string());
            venue.apply(0, SetCredit { account, currency, credit: Credit::Unlimited });
        }
        venue.tick();
        venue
    }

    /// Does what is due.
    pub fn tick(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        while self.exchange.next_due().is_some_and(|due| due <= self.now) {
            told.extend(self.apply(0, Tick {}).1);
        }
        told
    }

    /// One command of an account, now; 0 is the operator.
    pub fn apply(&mut self, account: u32, command: impl Into<Command>) -> (Answer, Vec<Told>) {
        let at = Stamp { seq: self.exchange.stamp().seq + 1, time: self.now };
        let request = Request { account: AccountId(account), ..Request::default() };
        let mut events = Vec::new();
        let answer = self.exchange.apply(at, &request, &command.into(), &mut events);
        let mut told = Vec::new();
        let mut listed = Vec::new();
        self.feed.apply(at, &events, |update| {
            listed.extend(update.is_new.then_some(update.instrument));
            told.push(Told::of(&update));
        });
        // What a tick lists may be over with the same tick.
        listed.retain(|id| self.keeps_all && self.exchange.instrument(*id).is_some());
        listed.into_iter().for_each(|id| self.keep(id));
        (answer, told)
    }

    /// Looks at what an uncross of every instrument would do, and at how those trade whose product was halted.
    pub fn look(&mut self) -> Vec<Told> {
        let all: Vec<_> = self.exchange.instruments().map(|one| (one.id, one.status)).collect();
        let indicatives = all.iter().map(|(id, _)| (*id, self.exchange.indicative(*id).unwrap().0));
        let mut told = Vec::new();
        self.feed.see(all.iter().copied(), indicatives, |update| told.push(Told::of(&update)));
        told
    }

    /// Keeps a book from here on.
    pub fn keep(&mut self, id: InstrumentId) {
        assert_eq!(self.take(id, BookMark::START, usize::MAX), None);
        assert!(self.feed.book(id).is_some());
    }

    /// Takes a piece of a book; where the next one begins.
    pub fn take(&mut self, id: InstrumentId, from: BookMark, room: usize) -> Option<BookMark> {
        self.feed.take(id, &self.exchange.book_piece(id, from, room)?)
    }

    pub fn hour(&self, symbol: &str) -> InstrumentId {
        self.exchange.instrument_named(&symbol.parse().unwrap()).expect("listed")
    }
}

/// A limit order that rests.
pub fn limit(instrument: InstrumentId, side: Side, quantity: i64, price: i64) -> NewOrder {
    NewOrder {
        instrument,
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        price: Price(price),
        trigger: Price(0),
        quantity: Quantity(quantity),
        display: Quantity(0),
        minimum: Quantity(0),
        post_only: false,
        self_trade: SelfTrade::Allow,
    }
}
