//! Many orders at once: mass cancels and mass quotes (MARKET 3).

use crate::tests::check;
use crate::tests::market::{Market, product};
use expect_test::expect;
use hourbook_model::*;

#[test]
fn mass_cancel_takes_a_side_of_an_instrument_a_product_or_all() {
    check(
        "
        give ann 200
        offer ann 5 d
        buy ann h 1 @ 2.00 as h1
        sell ann h 1 @ 3.00 as h2
        buy ann d 1 @ 2.00 as d1
        buy ann h 1 @ 2.50 stop 2.40 as stop
        mass ann h buy
        mass ann product sell
        mass ann nowhere
        mass ann market
        money ann
        ",
        expect![[r#"
            accepted ann h1
            accepted ann h2
            accepted ann d1
            accepted ann stop
            cancelled ann h1 1 Mass
            cancelled ann stop 1 Mass
            mass cancelled ann 2
            cancelled ann h2 1 Mass
            mass cancelled ann 1
            mass cancel rejected ann UnknownInstrument
            cancelled ann d1 1 Mass
            mass cancelled ann 1
            ann has 200.00, held 0.00, escrow 0.00
        "#]],
    );
}

#[test]
fn a_quote_replaces_the_last_one_and_is_never_held_twice() {
    check(
        "
        give ann 10
        offer ann 5 h
        quote ann h 5 @ 2.00 5 @ 2.10
        money ann
        quote ann h 5 @ 1.90 5 @ 2.20
        money ann
        book h
        quote ann h 0 @ 0 5 @ 2.20
        money ann
        book h
        ",
        expect![[r#"
            accepted ann an order
            accepted ann an order
            ann has 10.00, held 10.00, escrow 0.00
            cancelled ann an order 5 Quote
            cancelled ann an order 5 Quote
            accepted ann an order
            accepted ann an order
            ann has 10.00, held 9.50, escrow 0.00
            bids [5 @ 1.90 (1)] asks [5 @ 2.20 (1)] Continuous
            cancelled ann an order 5 Quote
            ann has 10.00, held 0.00, escrow 0.00
            bids [] asks [5 @ 2.20 (1)] Continuous
        "#]],
    );
}

#[test]
fn what_stands_after_a_mass_quote_is_counted_once_however_often_it_is_named() {
    let mut market = Market::with(product());
    market.tell("give ann 100\noffer ann 50 h\noffer ann 50 H20261124T09");
    let (eight, nine) = (market.instrument("h"), market.instrument("H20261124T09"));
    let quote = |instrument, bid: i64, ask: i64| Quote {
        instrument,
        bid_quantity: Quantity(i64::from(bid > 0)),
        bid_price: Price(bid),
        ask_quantity: Quantity(i64::from(ask > 0)),
        ask_price: Price(ask),
    };
    let mut standing = |quotes: Vec<Quote>| {
        let request = Request { account: AccountId(1), ..Request::default() };
        let quotes = MassQuote { quotes, post_only: false, self_trade: SelfTrade::Allow };
        market.apply(request, quotes).number
    };
    let (bid, ask) = (1_000_000, 2_000_000);
    assert_eq!(standing(vec![quote(eight, bid, ask), quote(nine, bid, ask)]), 4);
    assert_eq!(standing(vec![quote(eight, bid, ask), quote(eight, bid, ask)]), 2);
    assert_eq!(standing(vec![quote(eight, bid + 100, ask), quote(nine, bid, 0), quote(eight, 0, ask)]), 2);
    assert_eq!(standing(vec![quote(eight, bid, ask), quote(eight, 0, 0)]), 0);
    assert_eq!(standing(vec![]), 0);
}

#[test]
fn a_quote_at_the_same_price_and_smaller_keeps_its_place() {
    check(
        "
        give ann 10
        give cat 100
        offer ann 5 h
        offer bob 9 h
        quote ann h 5 @ 2.00 5 @ 2.10
        buy cat h 5 @ 2.00 as behind
        quote ann h 3 @ 2.00 5 @ 2.10
        sell bob h 1 @ 2.00 as hit
        quote ann h 4 @ 2.00 5 @ 2.10
        sell bob h 1 @ 2.00 as hit2
        book h
        ",
        expect![[r#"
            accepted ann an order
            accepted ann an order
            accepted cat behind
            reduced ann an order to 3
            accepted bob hit
            trade 1 @ 2.00 maker an order taker hit
            cancelled ann an order 2 Quote
            accepted ann an order
            accepted bob hit2
            trade 1 @ 2.00 maker behind taker hit2
            bids [8 @ 2.00 (2)] asks [5 @ 2.10 (1)] Continuous
        "#]],
    );
}

#[test]
fn a_quote_that_is_refused_leaves_none_of_its_account() {
    check(
        "
        give ann 10
        offer ann 5 h
        quote ann h 5 @ 2.00 5 @ 2.10
        quote ann h 6 @ 2.00 5 @ 2.10
        quote ann h 2 @ 2.00 2 @ 2.00
        book h
        money ann
        quote ann h -1 @ 2.00 2 @ 2.00005
        quote ann nowhere 1 @ 2.00 1 @ 2.10
        book h
        ",
        expect![[r#"
            accepted ann an order
            accepted ann an order
            cancelled ann an order 5 Quote
            rejected ann InsufficientFunds
            cancelled ann an order 5 Quote
            rejected ann BadPrice
            rejected ann BadPrice
            bids [] asks [] Continuous
            ann has 10.00, held 0.00, escrow 0.00
            rejected ann BadQuantity
            rejected ann PriceOffTick
            rejected ann UnknownInstrument
            rejected ann UnknownInstrument
            bids [] asks [] Continuous
        "#]],
    );
}

#[test]
fn quotes_count_towards_the_limit_of_open_orders() {
    check(
        "
        give ann 100
        offer ann 5 h
        limit ann 2
        buy ann h 1 @ 1.00 as one
        quote ann h 1 @ 2.00 1 @ 2.10
        quote ann h 1 @ 2.01 1 @ 2.11
        buy ann h 1 @ 1.00 as two
        buy ann h 1 @ 2.11 ioc as taker
        book h
        ",
        expect![[r#"
            accepted ann one
            accepted ann an order
            rejected ann TooManyOpenOrders
            cancelled ann an order 1 Quote
            accepted ann an order
            rejected ann TooManyOpenOrders
            rejected ann TooManyOpenOrders
            accepted ann taker
            cancelled ann taker 1 Ioc
            bids [1 @ 2.01 (1), 1 @ 1.00 (1)] asks [] Continuous
        "#]],
    );
}
