//! Random sequences of everything there is, in the books and in the oracle side by side.

use super::oracle::{Oracle, Step};
use crate::{Books, Execution, Incoming, Match, Outcome};
use hourbook_model::{OrderId, ParticipantId, Price, Quantity, SelfTrade, Side};
use proptest::prelude::*;
use std::collections::BTreeMap;

const BOOKS: usize = 3;
/// Micros between two prices, in each book.
const TICKS: [i64; BOOKS] = [1, 7, 250_000];

#[derive(Clone, Debug)]
enum Op {
    Place {
        book: usize,
        order: Incoming,
        trigger: Option<i64>,
    },
    Cancel {
        which: usize,
    },
    Reduce {
        which: usize,
        by: i64,
    },
    Amend {
        which: usize,
        lots: i64,
        price: i64,
    },
    Call {
        book: usize,
    },
    Uncross {
        book: usize,
        reference: Option<i64>,
    },
    /// Written, read, and gone on with.
    Reload,
}

fn order() -> impl Strategy<Value = Incoming> {
    let limit = prop_oneof![9 => (90i64..=110).prop_map(|price| Some(Price(price))), 1 => Just(None)];
    let policy = prop_oneof![
        Just(SelfTrade::Allow),
        Just(SelfTrade::CancelNewest),
        Just(SelfTrade::CancelOldest),
        Just(SelfTrade::CancelBoth),
        Just(SelfTrade::Decrement),
    ];
    let execution = prop_oneof![
        8 => Just(Execution::Rest),
        2 => Just(Execution::Ioc),
        1 => Just(Execution::Fok),
        1 => (0i64..3_000).prop_map(Execution::FokBudget),
    ];
    let display = prop_oneof![3 => Just(None), 1 => (1i64..6).prop_map(|lots| Some(Quantity(lots)))];
    let minimum = prop_oneof![8 => Just(0i64), 1 => 1i64..10];
    let bound = prop_oneof![6 => Just(None), 1 => (90i64..=110).prop_map(|price| Some(Price(price)))];
    let affordable = prop_oneof![6 => Just(None), 1 => (0i64..2_000).prop_map(Some)];
    let first = (1u32..4, any::<bool>(), limit, 1i64..25, display);
    (first, policy, execution, minimum, bound, affordable, any::<bool>()).prop_map(
        |(
            (owner, buys, limit, lots, display),
            self_trade,
            execution,
            minimum,
            bound,
            affordable,
            post_only,
        )| {
            let may_stop_short = matches!(execution, Execution::Rest | Execution::Ioc) && minimum == 0;
            Incoming {
                id: OrderId::NONE,
                owner: ParticipantId(owner),
                side: if buys { Side::Buy } else { Side::Sell },
                limit,
                quantity: Quantity(lots),
                display,
                post_only,
                self_trade,
                execution,
                minimum: Quantity(minimum.min(lots)),
                bound,
                affordable: affordable.filter(|_| may_stop_short),
            }
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    let price = 90i64..=110;
    let reference = prop_oneof![Just(None), (90i64..=110).prop_map(Some)];
    prop_oneof![
        24 => (0..BOOKS, order()).prop_map(|(book, order)| Op::Place { book, order, trigger: None }),
        4 => (0..BOOKS, order(), price.clone()).prop_map(|(book, order, trigger)| {
            let execution = if order.limit.is_none() { Execution::Ioc } else { order.execution };
            let execution = if execution == Execution::Ioc { Execution::Ioc } else { Execution::Rest };
            let order = Incoming { execution, minimum: Quantity(0), bound: None, affordable: None, ..order };
            Op::Place { book, order, trigger: Some(trigger) }
        }),
        4 => any::<usize>().prop_map(|which| Op::Cancel { which }),
        3 => (any::<usize>(), 1i64..10).prop_map(|(which, by)| Op::Reduce { which, by }),
        6 => (any::<usize>(), 1i64..25, price).prop_map(|(which, lots, price)| Op::Amend { which, lots, price }),
        1 => (0..BOOKS).prop_map(|book| Op::Call { book }),
        3 => (0..BOOKS, reference).prop_map(|(book, reference)| Op::Uncross { book, reference }),
        1 => Just(Op::Reload),
    ]
}

/// The same order where prices are this many micros apart. A bound, which comes from a band, need not be one of them.
fn on_ticks(order: Incoming, tick: i64) -> Incoming {
    let execution = match order.execution {
        Execution::FokBudget(budget) => Execution::FokBudget(budget * tick),
        other => other,
    };
    Incoming {
        limit: order.limit.map(|price| Price(price.0 * tick)),
        execution,
        bound: order.bound.map(|price| Price(price.0 * tick + tick / 2)),
        affordable: order.affordable.map(|money| money * tick),
        ..order
    }
}

/// The books and the oracle, and which order is which.
#[derive(Default)]
struct Twins {
    books: Books,
    oracles: [Oracle; BOOKS],
    last: [Option<i64>; BOOKS],
    /// Live orders: name, id, book.
    live: Vec<(u64, OrderId, usize)>,
    names: BTreeMap<OrderId, u64>,
}

impl Twins {
    fn apply(&mut self, op: &Op) {
        match op {
            Op::Place { book, order, trigger } => {
                let id = self.books.allocate();
                let name = self.names.len() as u64 + 1;
                assert!(self.names.insert(id, name).is_none(), "no id comes twice");
                self.live.push((name, id, *book));
                let order = Incoming { id, ..on_ticks(*order, TICKS[*book]) };
                match trigger.map(|trigger| trigger * TICKS[*book]) {
                    Some(trigger) => {
                        self.books.rest_stop(*book, order, Price(trigger));
                        self.oracles[*book].rest_stop(name, order, trigger);
                        assert_eq!(self.books.trigger(id), Price(trigger));
                    }
                    None => self.enter(*book, order),
                }
                assert!(!self.books.contains(id) || self.books.price(id) == order.limit.unwrap_or_default());
                self.release(*book);
            }
            Op::Cancel { which } => {
                let Some((name, id, book)) = self.pick(*which) else { return };
                let open = self.oracles[book].open_lots(name);
                self.oracles[book].take(name);
                assert_eq!(self.books.cancel(id), Quantity(open));
                self.over(id);
            }
            Op::Reduce { which, by } => {
                let Some((name, id, book)) = self.pick(*which) else { return };
                if *by < self.oracles[book].open_lots(name) {
                    self.oracles[book].reduce(name, *by);
                    self.books.reduce(id, Quantity(*by));
                }
            }
            Op::Amend { which, lots, price } => self.amend(*which, *lots, *price),
            Op::Call { book } => {
                self.oracles[*book].call = true;
                self.books.set_call(*book, true);
            }
            Op::Uncross { book, reference } => {
                let reference = reference.map(|price| price * TICKS[*book]);
                self.uncross(*book, reference.or(self.last[*book]));
            }
            Op::Reload => {
                let bytes = postcard::to_stdvec(&self.books).unwrap();
                self.books = postcard::from_bytes(&bytes).unwrap();
                assert_eq!(
                    postcard::to_stdvec(&self.books).unwrap(),
                    bytes,
                    "read and written again is the same"
                );
            }
        }
    }

    fn enter(&mut self, book: usize, order: Incoming) {
        let name = self.names[&order.id];
        let (mut steps, mut expected) = (Vec::new(), Vec::new());
        let outcome = self.oracles[book].enter(name, order, &mut expected);
        let entered = self.books.enter(book, &order, &mut steps);
        let steps: Vec<Step> = steps.iter().map(|step| self.told(step)).collect();
        assert_eq!((steps, (entered.outcome, entered.left.0)), (expected.clone(), outcome));
        let over = |step: Step| match step {
            Step::Fill { maker, maker_done: true, .. } | Step::Own { maker, removed: true, .. } => {
                Some(maker)
            }
            _ => None,
        };
        if let Some(Step::Fill { price, .. }) =
            expected.iter().rfind(|step| matches!(step, Step::Fill { .. }))
        {
            self.last[book] = Some(*price);
        }
        for name in expected.into_iter().filter_map(over) {
            let id = self.live.iter().find(|live| live.0 == name).unwrap().1;
            self.over(id);
        }
        if entered.outcome != Outcome::Rested {
            self.over(order.id);
        }
    }

    fn release(&mut self, book: usize) {
        while let (false, Some(last)) = (self.oracles[book].call, self.last[book]) {
            let expected = self.oracles[book].next_triggered(last);
            let next = self.books.next_triggered(book, Price(last));
            let told = next.map(|(order, trigger)| (self.names[&order.id], order, trigger.0));
            assert_eq!(told, expected.map(|stop| (stop.name, stop.terms, stop.trigger)));
            let Some((order, _)) = next else { return };
            self.enter(book, order);
        }
    }

    fn amend(&mut self, which: usize, lots: i64, price: i64) {
        let Some((name, id, book)) = self.pick(which) else { return };
        let price = price * TICKS[book];
        if self.books.price(id) == Price(price) && lots <= self.oracles[book].open_lots(name) {
            let by = self.oracles[book].open_lots(name) - lots;
            self.oracles[book].reduce(name, by);
            self.books.amend_in_place(id, Quantity(lots));
            return;
        }
        let trigger = self.books.trigger(id);
        let order = self.books.take(id);
        let (terms, expected) = self.oracles[book].take(name);
        let kept = |order: Incoming| {
            (order.owner, order.side, order.limit, order.quantity, order.display, order.post_only)
        };
        assert_eq!((kept(order), order.self_trade, trigger.0), (kept(terms), terms.self_trade, expected));
        let order = Incoming { quantity: Quantity(lots), ..order };
        if trigger.0 > 0 {
            self.books.rest_stop(book, order, Price(price));
            self.oracles[book].rest_stop(name, order, price);
        } else {
            self.enter(book, Incoming { limit: Some(Price(price)), ..order });
        }
        self.release(book);
    }

    fn uncross(&mut self, book: usize, reference: Option<i64>) {
        if !self.oracles[book].call {
            return;
        }
        let expected = self.oracles[book].indicative(reference);
        let (mut pairs, mut unfilled) = (Vec::new(), Vec::new());
        let result = self.books.uncross(book, reference.map(Price), &mut pairs, &mut unfilled);
        assert_eq!(result.map(|(price, lots)| (price.0, lots.0)), expected);
        let (expected_pairs, expected_unfilled) = self.oracles[book].uncross(expected);
        let told: Vec<_> = pairs
            .iter()
            .map(|pair| {
                let (maker, taker) = (self.names[&pair.maker], self.names[&pair.taker]);
                (maker, taker, pair.quantity.0, pair.maker_done, pair.taker_done)
            })
            .collect();
        assert_eq!(told, expected_pairs);
        for pair in pairs {
            for (id, done) in [(pair.maker, pair.maker_done), (pair.taker, pair.taker_done)] {
                if done {
                    self.over(id);
                }
            }
        }
        let names: Vec<u64> = unfilled.iter().map(|id| self.names[id]).collect();
        assert_eq!(names, expected_unfilled);
        for id in unfilled {
            self.oracles[book].take(self.names[&id]);
            self.books.cancel(id);
            self.over(id);
        }
        self.oracles[book].call = false;
        self.books.set_call(book, false);
        self.last[book] = expected.map(|(price, _)| price).or(self.last[book]);
        self.release(book);
    }

    fn pick(&self, which: usize) -> Option<(u64, OrderId, usize)> {
        self.live.get(which % self.live.len().max(1)).copied()
    }

    fn over(&mut self, id: OrderId) {
        assert!(!self.books.contains(id));
        self.books.free(id);
        self.live.retain(|live| live.1 != id);
    }

    fn told(&self, step: &Match) -> Step {
        match *step {
            Match::Fill { maker, price, quantity, maker_done, .. } => {
                Step::Fill { maker: self.names[&maker], price: price.0, lots: quantity.0, maker_done }
            }
            Match::SelfTrade { maker, quantity, removed, taker_lost, .. } => {
                Step::Own { maker: self.names[&maker], lots: quantity.0, removed, taker_lost: taker_lost.0 }
            }
        }
    }

    fn compare(&self) {
        self.books.check();
        for (book, oracle) in self.oracles.iter().enumerate() {
            for side in [Side::Buy, Side::Sell] {
                let levels: Vec<_> = self.books.levels(book, side).collect();
                let levels: Vec<_> =
                    levels.iter().map(|level| (level.price.0, level.quantity.0, level.orders)).collect();
                assert_eq!(levels, oracle.levels(side));
                let queue: Vec<_> = self
                    .books
                    .orders(book, side)
                    .map(|order| (self.names[&order.id], order.displayed.0))
                    .collect();
                let expected: Vec<_> =
                    oracle.side(side).iter().map(|order| (order.name, order.shown)).collect();
                assert_eq!(queue, expected);
                assert_eq!(self.books.is_empty(book, side), expected.is_empty());
                assert_eq!(
                    self.books.best(book, side).map(|price| price.0),
                    levels.first().map(|level| level.0)
                );
            }
            let orders: Vec<u64> =
                self.books.orders_by_arrival(book).iter().map(|id| self.names[id]).collect();
            assert_eq!(orders, oracle.by_arrival());
            let indicative = self.books.indicative(book, None).map(|(price, lots)| (price.0, lots.0));
            assert_eq!(indicative, oracle.indicative(None));
        }
        for (name, id, book) in &self.live {
            assert_eq!(self.books.open_lots(*id).0, self.oracles[*book].open_lots(*name));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_do_what_the_oracle_does(ops in prop::collection::vec(op(), 1..120)) {
        let mut twins = Twins::default();
        for (book, tick) in TICKS.into_iter().enumerate() {
            twins.books.open(book, Price(tick));
        }
        for op in &ops {
            twins.apply(op);
            twins.compare();
        }
        // Emptied, the books hold nothing and may be closed.
        while let Some((_, id, _)) = twins.pick(0) {
            twins.books.cancel(id);
            twins.over(id);
        }
        for book in 0..BOOKS {
            prop_assert!(twins.books.first_order(book).is_none());
            twins.books.close(book);
        }
        twins.books.check();
    }
}
