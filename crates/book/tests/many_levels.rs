//! A book with a hundred thousand levels, its pages of the size they have in production.

use hourbook_book::{Books, Execution, Incoming, Outcome};
use hourbook_model::{OrderId, ParticipantId, Price, Quantity, SelfTrade, Side};
use std::collections::BTreeMap;

const BOOK: usize = 0;

fn order(id: OrderId, side: Side, price: i64, lots: i64) -> Incoming {
    Incoming {
        id,
        owner: ParticipantId(1),
        side,
        limit: Some(Price(price)),
        quantity: Quantity(lots),
        display: None,
        post_only: false,
        self_trade: SelfTrade::Allow,
        execution: Execution::Rest,
        minimum: Quantity(0),
        bound: None,
        affordable: None,
    }
}

/// A generator of its own, so that the test says the same everywhere.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn levels_far_and_near_come_and_go() {
    let mut books = Books::default();
    books.open(BOOK, Price(1));
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let mut live: BTreeMap<i64, OrderId> = BTreeMap::new();
    for _ in 0..100_000 {
        let price = (random(&mut seed) % 1_000_000) as i64 + 1;
        let id = books.allocate();
        assert_eq!(
            books.enter(BOOK, &order(id, Side::Sell, price, 1), &mut Vec::new()).outcome,
            Outcome::Rested
        );
        if let Some(old) = live.insert(price, id) {
            books.cancel(old);
            books.free(old);
        }
    }
    books.check();
    let bytes = postcard::to_stdvec(&books).unwrap();
    let read: Books = postcard::from_bytes(&bytes).unwrap();
    assert!(postcard::to_stdvec(&read).unwrap() == bytes);

    // Two thirds go, from everywhere.
    let gone: Vec<i64> = live.keys().copied().filter(|price| price % 3 != 0).collect();
    for price in gone {
        let id = live.remove(&price).unwrap();
        books.cancel(id);
        books.free(id);
    }
    books.check();
    let prices: Vec<i64> = books.levels(BOOK, Side::Sell).map(|level| level.price.0).collect();
    assert_eq!(prices, live.keys().copied().collect::<Vec<_>>());

    // One taker sweeps the rest, lowest first.
    let id = books.allocate();
    let mut steps = Vec::new();
    let lots = live.len() as i64 + 1;
    let entered = books.enter(BOOK, &order(id, Side::Buy, 1_000_000, lots), &mut steps);
    assert_eq!((entered.outcome, entered.left), (Outcome::Rested, Quantity(1)));
    assert_eq!(steps.len(), live.len());
    assert!(books.is_empty(BOOK, Side::Sell));
    books.check();
}
