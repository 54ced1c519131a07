//! The mix without a server: what it asks for, and that it keeps the book about as deep as it is.

use crate::Desk;
use crate::mix::Mix;
use hourbook_api::v1::{self, trade_entry::Request};

fn desk() -> Desk {
    Desk { key: String::new(), authority: None, account: 1, instrument: 7, price: 2_000_000, tick: 100 }
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
                assert_eq!(*side == v1::Side::Buy as i32, *price < desk().price, "it rests on its own side");
                vec![v1::ExecutionReport { kind: v1::ReportKind::Amended as i32, order_id: id, ..report }]
            }
            other => panic!("the mix never asks for {other:?}"),
        }
    }
}

#[test]
fn it_fills_the_book_and_then_keeps_it_as_deep_with_the_mix_it_promises() {
    let (mut mix, mut market) = (Mix::new(&desk(), 200, 7), Market::default());
    while !mix.is_filled() {
        let request = mix.draw();
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
    let (mut one, mut other) = (Mix::new(&desk(), 50, 3), Mix::new(&desk(), 50, 3));
    let (mut first, mut second) = (Market::default(), Market::default());
    for _ in 0..1_000 {
        let (request, same) = (one.draw(), other.draw());
        assert_eq!(request, same);
        first.answer(&request).iter().for_each(|report| one.heard(report));
        second.answer(&same).iter().for_each(|report| other.heard(report));
    }
}
