//! The rules of the market as stories: each line of a story is told, and what happened is compared.
//! The words of a story are those of [`Market::tell`](super::market::Market::tell).

mod auctions;
mod cover;
mod gates;
mod many;
mod orders;
mod protection;
mod refusals;
mod requests;

use super::market::product;
use hourbook_model::*;

/// Fees of maker and taker in parts per million.
fn fees(maker_fee_ppm: u32, taker_fee_ppm: u32) -> Product {
    Product { maker_fee_ppm, taker_fee_ppm, ..product() }
}

const BAND: Band = Band { order_ppm: 500_000, trade_ppm: 200_000, call: 5 * Time::MINUTE };

/// Orders within 50 %, trades within 20 % of 2.00.
fn banded() -> Product {
    Product { band: Some(BAND), reference: Some(Price(2 * MICROS)), ..product() }
}

/// Orders within 25 %, trades as far as orders.
fn wide() -> Product {
    Product { band: Some(Band { order_ppm: 250_000, trade_ppm: 250_000, ..BAND }), ..banded() }
}

fn unreferenced() -> Product {
    Product { reference: None, ..banded() }
}

/// Prices are whole micros.
fn fine() -> Product {
    Product { tick: Price(1), ..product() }
}

/// With the daily auction: call at 03:50, frozen from 03:59, uncross at 04:00.
fn daily() -> Product {
    let at = |hour: i64, minute: i64| hour * Time::HOUR + minute * Time::MINUTE;
    Product {
        auction: Some(AuctionSchedule { call: at(3, 50), freeze: at(3, 59), uncross: at(4, 0) }),
        ..product()
    }
}
