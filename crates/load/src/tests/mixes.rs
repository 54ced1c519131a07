//! What the mixes ask for, and that they keep the books about as deep as they are.

use crate::requests::{Orders, Quotes, Sweeps};
use crate::{Book, Desk, Mix};
use hourbook_api::v1::{self, trade_entry::Request};

const MIDDLE: i64 = 2_000_000;

fn desk() -> Desk {
    desk_at(1)
}

fn desk_at(books: u32) -> Desk {
    let books = (7..7 + books).map(|instrument| Book { instrument, price: MIDDLE, tick: 100 }).collect();
    Desk { key: String::new(), authority: None, account: 1, books, keeps_reports: true }
}

/// A market that takes everything; every IOC order fills the oldest live order of the other side.
#[derive(Default)]
struct Market {
    live: Vec<(u64, i32, i64)>,
    orders: u64,
    asked: [u32; 4],
}

impl Market {
    fn answer(&mut self, request: &Request) -> Vec<v1::ExecutionReport> {
        let report = v1::ExecutionReport::default();
        match request {
            Request::Place(order) => {
                self.orders += 1;
                let ioc = order.time_in_force == v1::TimeInForce::Ioc as i32;
                self.asked[usize::from(ioc)] += 1;
                let accepted = v1::ExecutionReport {
                    kind: v1::ReportKind::Accepted as i32,
                    order_id: self.orders,
                    side: order.side,
                    time_in_force: order.time_in_force,
                    leaves_quantity: order.quantity,
                    ..report.clone()
                };
                if !ioc {
                    self.live.push((self.orders, order.side, order.price_micros));
                    return vec![accepted];
                }
                let Some(at) = self.live.iter().position(|(_, side, _)| *side != order.side) else {
                    return vec![accepted];
                };
                let (maker, ..) = self.live.remove(at);
                let filled = |order_id| v1::ExecutionReport {
                    kind: v1::ReportKind::Filled as i32,
                    order_id,
                    ..report.clone()
                };
                vec![accepted, filled(maker), filled(self.orders)]
            }
            Request::Cancel(v1::OrderName { name: Some(v1::order_name::Name::OrderId(id)) }) => {
                self.asked[2] += 1;
                let before = self.live.len();
                self.live.retain(|(live, ..)| live != id);
                assert_eq!(self.live.len() + 1, before, "it is told of each fill, and cancels what is live");
                vec![v1::ExecutionReport { kind: v1::ReportKind::Cancelled as i32, order_id: *id, ..report }]
            }
            Request::Amend(amendment) => {
                self.asked[3] += 1;
                let Some(v1::OrderName { name: Some(v1::order_name::Name::OrderId(id)) }) = amendment.order
                else {
                    panic!("it names orders by the exchange's id");
                };
                let (_, side, price) =
                    self.live.iter_mut().find(|(live, ..)| *live == id).expect("it is live");
                *price = amendment.price_micros;
                assert_eq!(*side == v1::Side::Buy as i32, *price < MIDDLE, "it rests on its own side");
                vec![v1::ExecutionReport { kind: v1::ReportKind::Amended as i32, order_id: id, ..report }]
            }
            other => panic!("the mix never asks for {other:?}"),
        }
    }
}

#[test]
fn it_fills_the_book_and_then_keeps_it_as_deep_with_the_mix_it_promises() {
    let (mut mix, mut market) = (Orders::new(&desk(), 200, 7), Market::default());
    while !mix.is_filled() {
        let request = mix.place();
        market.answer(&request).iter().for_each(|report| mix.heard(report));
    }
    market.asked = [0; 4];
    for _ in 0..20_000 {
        let request = mix.draw();
        market.answer(&request).iter().for_each(|report| mix.heard(report));
        assert!((190..=210).contains(&market.live.len()), "{} orders are live", market.live.len());
    }
    let [places, takes, cancels, amends] = market.asked.map(|count| count / 200);
    assert!((7..=11).contains(&places), "{places} % rest");
    assert!((2..=4).contains(&takes), "{takes} % trade");
    assert!((4..=8).contains(&cancels), "{cancels} % cancel");
    assert!((80..=84).contains(&amends), "{amends} % amend");
}

#[test]
fn the_same_seed_asks_for_the_same() {
    let (mut one, mut other) = (Orders::new(&desk(), 50, 3), Orders::new(&desk(), 50, 3));
    let (mut first, mut second) = (Market::default(), Market::default());
    for _ in 0..1_000 {
        let (request, same) = (one.draw(), other.draw());
        assert_eq!(request, same);
        first.answer(&request).iter().for_each(|report| one.heard(report));
        second.answer(&same).iter().for_each(|report| other.heard(report));
    }
}

#[test]
fn thin_books_are_all_asked_for() {
    let (mut mix, mut market) = (Orders::new(&desk_at(50), 500, 7), Market::default());
    while !mix.is_filled() {
        let request = mix.place();
        market.answer(&request).iter().for_each(|report| mix.heard(report));
    }
    let mut asked = std::collections::BTreeSet::new();
    for _ in 0..20_000 {
        let request = mix.draw();
        if let Request::Place(order) = &request {
            asked.insert(order.instrument_id);
        }
        market.answer(&request).iter().for_each(|report| mix.heard(report));
    }
    assert_eq!(asked, (7..57).collect());
}

#[test]
fn a_sweep_takes_what_nine_orders_brought() {
    let mut sweeps = Sweeps::new(&desk(), 200, 7);
    // Lots that rest, by side: what is placed rests, and what sweeps goes as far as it can.
    let (mut lots, mut swept, mut placed) = ([0_i64; 2], 0, 0);
    while !sweeps.is_filled() {
        rest(&sweeps.place(), &mut sweeps, &mut lots);
    }
    for _ in 0..20_000 {
        let request = sweeps.draw();
        match &request {
            Request::Place(order) if order.time_in_force == v1::TimeInForce::Ioc as i32 => {
                swept += 1;
                let other = usize::from(order.side == v1::Side::Buy as i32);
                let taken = order.quantity.min(lots[other]);
                lots[other] -= taken;
                // As a call is answered: of orders that were taken nobody is told.
                sweeps.heard(&v1::ExecutionReport {
                    kind: v1::ReportKind::Filled as i32,
                    side: order.side,
                    time_in_force: order.time_in_force,
                    cumulative_quantity: taken,
                    ..v1::ExecutionReport::default()
                });
            }
            _ => {
                placed += 1;
                rest(&request, &mut sweeps, &mut lots);
            }
        }
        // 200 orders of 5.5 lots on two sides.
        assert!(lots.iter().all(|lots| (200..=1_000).contains(lots)), "{lots:?} lots rest");
    }
    assert!((8..=10).contains(&(placed / swept)), "{placed} placed, {swept} swept");
}

fn rest(request: &Request, sweeps: &mut Sweeps, lots: &mut [i64; 2]) {
    let Request::Place(order) = request else { panic!("it places only") };
    lots[usize::from(order.side == v1::Side::Sell as i32)] += order.quantity;
    sweeps.heard(&v1::ExecutionReport {
        kind: v1::ReportKind::Accepted as i32,
        side: order.side,
        leaves_quantity: order.quantity,
        ..v1::ExecutionReport::default()
    });
}

#[test]
fn every_side_of_every_quote_moves() {
    let mut quotes = Quotes::new(&desk_at(25), 7);
    assert_eq!(quotes.answers(), 20);
    let mut last = std::collections::BTreeMap::new();
    for _ in 0..1_000 {
        let Request::Quote(set) = quotes.draw() else { panic!("it quotes only") };
        assert_eq!(set.quotes.len(), 10);
        for quote in set.quotes {
            let sides = (quote.bid_price_micros, quote.ask_price_micros);
            assert!(sides.0 < sides.1 && quote.bid_quantity > 0 && quote.ask_quantity > 0);
            let before = last.insert(quote.instrument_id, sides);
            assert!(before.is_none_or(|before| before.0 != sides.0 && before.1 != sides.1));
        }
    }
    assert!(quotes.is_filled() && last.len() == 25);
}

#[test]
fn a_mix_is_known_by_its_name() {
    for mix in Mix::ALL {
        assert_eq!(mix.name().parse(), Ok(mix));
    }
    assert_eq!(
        "thick".parse::<Mix>(),
        Err("is none of exchange-core, thin, deep, quote-storm, sweep".to_string())
    );
}
