//! Nanoseconds a fair price, on one core: every instrument's, each under a score and a basis of its own, as after a change
//! of parameters or of everybody's rating.
//!
//! Under `cargo bench` 60,000, one JSON line; under `cargo test` few, to see that it runs. The median run counts.
#![allow(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use hourbook_pricing::{Basis, Conditions, Params, Tier};
use rust_decimal::Decimal;
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    if only.is_none_or(|only| "pricing/fair-60k".contains(&only)) {
        fair(if full { 60_000 } else { 600 }, if full { 11 } else { 1 });
    }
}

fn fair(instruments: usize, runs: usize) {
    let params = Params::standard();
    let mut products = Vec::new();
    for (class, _) in params.classes() {
        for region in params.priced_regions(class) {
            products.extend(Tier::ALL.map(|tier| (class, region, tier)));
        }
    }
    let bases: Vec<Basis> = (0..products.len())
        .map(|at| {
            let mut basis = Basis::new(Decimal::TWO).expect("it is in range");
            basis
                .observe(Decimal::new(900 + at as i64, 3), Decimal::ONE, Decimal::ONE)
                .expect("it is in range");
            basis
        })
        .collect();
    let scores: Vec<Decimal> =
        (0..instruments).map(|at| Decimal::new((at * 7_919 % 1_000_000) as i64, 4)).collect();
    let mut nanos: Vec<u128> = (0..runs)
        .map(|_| {
            let started = Instant::now();
            for (at, score) in scores.iter().enumerate() {
                let (class, region, tier) = products[at % products.len()];
                let basis = Some(&bases[at % products.len()]);
                let conditions = Conditions { class, region, tier, score: *score, currency: "CNY", basis };
                let fair = params.fair_price(&conditions).expect("every product has a price");
                black_box(fair.micros(100).expect("it is a small price"));
            }
            started.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    let total = nanos[nanos.len() / 2];
    let each = total as f64 / instruments as f64;
    println!(
        "{{\"case\":\"pricing/fair-60k\",\"ops\":{instruments},\"ns_per_op\":{each:.1},\"ops_per_s\":{:.0},\"p50_ns\":null,\
         \"p99_ns\":null,\"p999_ns\":null,\"bytes_per_order\":null,\"total_ms\":{:.1},\"products\":{}}}",
        1e9 / each,
        total as f64 / 1e6,
        products.len(),
    );
}
