//! The smallest venue around one book: numbers of its own for orders, refusals that need no money, stops released.
//!
//! The only place where the stories touch the API of this crate.

use crate::{Books, Execution, Incoming, Match, Outcome};
use hourbook_model::{OrderId, ParticipantId, Price, Quantity, SelfTrade, Side};
use std::collections::BTreeMap;
use std::fmt::Write;

const BOOK: usize = 3;

pub struct Venue {
    pub books: Books,
    ids: BTreeMap<u64, OrderId>,
    last: Option<Price>,
    call: bool,
    said: String,
}

/// Runs a story, one command a line, and compares what happened.
///
///     buy 1 5 @ 100            order 1 buys 5 lots at 100; `@ market` has no limit
///     sell 2 5 @ 99 by 7 ioc   ... of participant 7 (else the order's own number), then any of
///                              ioc fok budget=N post show=N min=N bound=N afford=N stp=newest|oldest|both|decrement
///     stop buy 3 5 at 105      waits for its trigger; `@ 106` makes it a stop-limit order
///     cancel 1, reduce 1 2, amend 1 5 @ 101, trigger 3 106
///     call, uncross [ref]      begins and ends an auction; `indicative` looks
///     book, stops, oldest      prints
pub fn check(story: &str, expected: expect_test::Expect) {
    let mut venue = Venue::new();
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        venue.run(line);
        venue.books.check();
    }
    expected.assert_eq(&venue.said);
}

impl Venue {
    pub fn new() -> Venue {
        let mut books = Books::default();
        books.open(BOOK, Price(1));
        Venue { books, ids: BTreeMap::new(), last: None, call: false, said: String::new() }
    }

    pub fn run(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["buy" | "sell", ..] => self.place(&words, None),
            ["stop", _, _, _, "at", trigger, ref rest @ ..] => {
                let order = [&words[1..4], if rest.is_empty() { &["@", "market"] } else { rest }].concat();
                self.place(&order, Some(price(trigger)));
            }
            ["cancel", order] => {
                if let Some(id) = self.find(order) {
                    let left = self.books.cancel(id);
                    self.over(number(order) as u64, left, "User");
                }
            }
            ["reduce", order, by] => self.reduce(order, number(by)),
            ["amend", order, lots, "@", limit] => self.amend(order, number(lots), price(limit)),
            ["trigger", order, trigger] => {
                if let Some(id) = self.find(order) {
                    let incoming = self.books.take(id);
                    self.books.rest_stop(BOOK, incoming, price(trigger));
                    self.release();
                }
            }
            ["call"] => {
                self.call = true;
                self.books.set_call(BOOK, true);
            }
            ["indicative"] => {
                let found = self.books.indicative(BOOK, self.last);
                let found = found.map(|(price, lots)| format!("{lots} @ {price}"));
                self.say(format!("indicative {}", found.as_deref().unwrap_or("nothing")));
            }
            ["uncross", ref reference @ ..] => self.uncross(reference.first().map(|text| price(text))),
            ["book"] => self.print_book(),
            ["stops"] => self.print_stops(),
            ["oldest"] => {
                let orders: Vec<u64> =
                    self.books.orders_by_arrival(BOOK).iter().map(|id| self.name(*id)).collect();
                self.say(format!("oldest first {orders:?}"));
            }
            _ => panic!("not a command: {line}"),
        }
    }

    fn place(&mut self, words: &[&str], trigger: Option<Price>) {
        let [side, order, lots, "@", limit, ref terms @ ..] = words[..] else {
            panic!("not an order: {words:?}")
        };
        let name = number(order) as u64;
        let mut owner = ParticipantId(name as u32);
        let mut incoming = Incoming {
            id: OrderId::NONE,
            owner,
            side: if side == "buy" { Side::Buy } else { Side::Sell },
            limit: (limit != "market").then(|| price(limit)),
            quantity: Quantity(number(lots)),
            display: None,
            post_only: false,
            self_trade: SelfTrade::Allow,
            execution: Execution::Rest,
            minimum: Quantity(0),
            bound: None,
            affordable: None,
        };
        if trigger.is_some() && incoming.limit.is_none() {
            incoming.execution = Execution::Ioc;
        }
        let mut terms = terms.iter();
        while let Some(term) = terms.next() {
            match term.split_once('=').unwrap_or((term, "")) {
                ("by", _) => owner = ParticipantId(number(terms.next().expect("by whom")) as u32),
                ("ioc", _) => incoming.execution = Execution::Ioc,
                ("fok", _) => incoming.execution = Execution::Fok,
                ("budget", sum) => incoming.execution = Execution::FokBudget(number(sum)),
                ("post", _) => incoming.post_only = true,
                ("show", lots) => incoming.display = Some(Quantity(number(lots))),
                ("min", lots) => incoming.minimum = Quantity(number(lots)),
                ("bound", limit) => incoming.bound = Some(price(limit)),
                ("afford", sum) => incoming.affordable = Some(number(sum)),
                ("stp", "newest") => incoming.self_trade = SelfTrade::CancelNewest,
                ("stp", "oldest") => incoming.self_trade = SelfTrade::CancelOldest,
                ("stp", "both") => incoming.self_trade = SelfTrade::CancelBoth,
                ("stp", "decrement") => incoming.self_trade = SelfTrade::Decrement,
                other => panic!("not a term: {other:?}"),
            }
        }
        incoming.owner = owner;
        let meets = incoming.limit.is_some_and(|limit| self.books.would_trade(BOOK, incoming.side, limit));
        if trigger.is_none() && !self.call && incoming.post_only && meets {
            return self.say(format!("rejected {name}: post_only"));
        }
        incoming.id = self.books.allocate();
        self.ids.insert(name, incoming.id);
        match trigger {
            Some(trigger) => self.books.rest_stop(BOOK, incoming, trigger),
            None => self.enter(incoming),
        }
        self.release();
    }

    fn enter(&mut self, incoming: Incoming) {
        let taker = self.name(incoming.id);
        let mut steps = Vec::new();
        let entered = self.books.enter(BOOK, &incoming, &mut steps);
        for step in steps {
            match step {
                Match::Fill { maker, price, quantity, maker_done, .. } => {
                    self.last = Some(price);
                    let done = if maker_done { ", done" } else { "" };
                    let maker_name = self.name(maker);
                    self.say(format!("fill {quantity} @ {price} maker {maker_name} taker {taker}{done}"));
                    if maker_done {
                        self.books.free(maker);
                    }
                }
                Match::SelfTrade { maker, quantity, removed, taker_lost, .. } => {
                    let name = self.name(maker);
                    if removed {
                        self.over(name, quantity, "SelfTrade");
                    } else {
                        self.say(format!("own {name} loses {quantity}"));
                    }
                    if taker_lost.0 > 0 {
                        self.say(format!("taker {taker} loses {taker_lost}"));
                    }
                }
            }
        }
        match entered.outcome {
            Outcome::Filled => self.books.free(incoming.id),
            Outcome::Rested => {}
            Outcome::Cancelled(why) => self.over(taker, entered.left, &format!("{why:?}")),
        }
    }

    fn release(&mut self) {
        while let (false, Some(last)) = (self.call, self.last) {
            let Some((incoming, trigger)) = self.books.next_triggered(BOOK, last) else { return };
            self.say(format!("triggered {} at {trigger}", self.name(incoming.id)));
            self.enter(incoming);
        }
    }

    fn reduce(&mut self, order: &str, by: i64) {
        let Some(id) = self.find(order) else { return };
        if Quantity(by) < self.books.open_lots(id) {
            self.books.reduce(id, Quantity(by));
        } else {
            let left = self.books.cancel(id);
            self.over(number(order) as u64, left, "Reduce");
        }
    }

    fn amend(&mut self, order: &str, lots: i64, limit: Price) {
        let Some(id) = self.find(order) else { return };
        let (old, lots) = (self.books.price(id), Quantity(lots));
        if limit == old && lots <= self.books.open_lots(id) {
            self.books.amend_in_place(id, lots);
            return self.say(format!("amended {order} {lots} @ {limit} in place"));
        }
        let trigger = self.books.trigger(id);
        let mut incoming = self.books.take(id);
        if incoming.post_only && self.books.would_trade(BOOK, incoming.side, limit) {
            panic!("a story amends a post-only order into the other side");
        }
        incoming.quantity = lots;
        incoming.limit = Some(limit);
        self.say(format!("amended {order} {lots} @ {limit}"));
        if trigger.0 > 0 {
            self.books.rest_stop(BOOK, incoming, trigger)
        } else {
            self.enter(incoming)
        }
        self.release();
    }

    fn uncross(&mut self, reference: Option<Price>) {
        let (mut pairs, mut unfilled) = (Vec::new(), Vec::new());
        let result = self.books.uncross(BOOK, reference.or(self.last), &mut pairs, &mut unfilled);
        if let Some((price, lots)) = result {
            self.say(format!("uncrossed {lots} @ {price}"));
            self.last = Some(price);
        }
        for pair in pairs {
            let (maker, taker) = (self.name(pair.maker), self.name(pair.taker));
            self.say(format!("fill {} @ {} maker {maker} taker {taker}", pair.quantity, pair.price));
            for (id, done) in [(pair.maker, pair.maker_done), (pair.taker, pair.taker_done)] {
                if done {
                    self.books.free(id);
                }
            }
        }
        for id in unfilled {
            let left = self.books.cancel(id);
            self.over(self.name(id), left, "AuctionEnd");
        }
        self.call = false;
        self.books.set_call(BOOK, false);
        self.release();
    }

    fn print_book(&mut self) {
        for (word, side) in [("bids", Side::Buy), ("asks", Side::Sell)] {
            let mut line = String::from(word);
            for level in self.books.levels(BOOK, side) {
                let _ = write!(line, "  {} @ {} x{}", level.quantity, level.price, level.orders);
            }
            let queue: Vec<u64> = self.books.orders(BOOK, side).map(|order| self.name(order.id)).collect();
            self.say(format!("{line}  {queue:?}"));
        }
    }

    fn print_stops(&mut self) {
        let waiting: Vec<_> = self.ids.iter().filter(|(_, id)| self.books.trigger(**id).0 > 0).collect();
        let told: Vec<String> =
            waiting.into_iter().map(|(name, id)| format!("{name} at {}", self.books.trigger(*id))).collect();
        self.say(format!("stops {told:?}"));
    }

    /// A live order, or a word that there is none.
    fn find(&mut self, order: &str) -> Option<OrderId> {
        let id = self.ids.get(&(number(order) as u64)).copied().filter(|id| self.books.contains(*id));
        if id.is_none() {
            self.say(format!("unknown {order}"));
        }
        id
    }

    fn over(&mut self, name: u64, left: Quantity, why: &str) {
        self.say(format!("cancelled {name} {left} {why}"));
        self.books.free(self.ids[&name]);
    }

    fn name(&self, id: OrderId) -> u64 {
        *self.ids.iter().find(|(_, known)| **known == id).expect("an order of the story").0
    }

    fn say(&mut self, what: String) {
        self.said += &what;
        self.said.push('\n');
    }
}

fn number(text: &str) -> i64 {
    text.parse().expect("a number")
}

fn price(text: &str) -> Price {
    Price(number(text))
}
