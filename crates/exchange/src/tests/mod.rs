//! Stories of a market: commands in, events out. `market` is the one place that touches the API.

mod market;
mod property;
mod quality;
mod rules;
mod state;

use market::Market;

/// Tells a story, line by line, and compares what happened.
fn check(story: &str, expected: expect_test::Expect) {
    check_on(market::product(), story, expected);
}

/// The same on other terms.
fn check_on(product: hourbook_model::Product, story: &str, expected: expect_test::Expect) {
    let mut market = Market::with(product);
    let told = market.tell(story);
    expected.assert_eq(&told);
}
