//! The market built in, a small one of somebody's own, and every mistake's message.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use hourbook_model::{Class, Command, Price};

use super::Market;

/// A market as a price list makes one: no band, no auction, its own classes and regions.
const SMALL: &str = r#"
[terms]
currency = "USD"
tick = { vCPU = "0.000001", GPU = "0.0001", FPGA = "0.01" }
horizon = { hours = 48, days = 3, weeks = 0, months = 0 }
auction = "none"
band = "none"
max_quantity = 1_000_000
max_notional = 1_000_000_000
maker_fee = "0 %"
taker_fee = "0.05 %"

[tiers.A]
availability = "99.95 %"
notice = "0s"
penalty = "100 %"
gate_hour = "5m"
gate_longer = "1h"

[tiers.C]
availability = "95%"
notice = "120s"
penalty = "0%"
gate_hour = "1m"
gate_longer = "1h"

[classes.M5]
title = "aws m5"
unit = "vCPU"
vcpu = 1
memory_gib = 4
disk_gb = 0
network_mbps = 100
benchmark = "none"
benchmark_score = 0
families = ["m5"]

[classes.P5]
title = "aws p5"
unit = "GPU"
vcpu = 24
memory_gib = "256.5"
disk_gb = 0
network_mbps = 10_000
benchmark = "none"
benchmark_score = 0
families = ["p5"]

[regions.USE1]
title = "us-east-1"
jurisdiction = "US"
pue = "1.2"
power_usd_per_kwh = "0.08"
cooling = "not known"
energy = "not known"

[products]
"M5.USE1.A" = { reference = "0.048" }
"M5.USE1.C" = {}
"P5.USE1.A" = { tick = "0.05", maker_fee = "0.01 %", band = { order = "50 %", trade = "20 %", call = "5m" } }
"#;

fn check(text: &str, expected: Expect) {
    let outcome = match Market::parse("m.toml", text) {
        Ok(market) => market.to_string(),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&outcome);
}

/// Each mistake replaces one text of the small market by another; the messages come out.
fn check_mistakes(mistakes: &[(&str, &str)], expected: Expect) {
    let mut messages = String::new();
    for (find, replace) in mistakes {
        assert_eq!(SMALL.matches(find).count(), 1, "{find:?} must stand once in the small market");
        let error = Market::parse("m.toml", &SMALL.replace(find, replace)).expect_err(replace);
        messages += &format!("{error}\n");
    }
    expected.assert_eq(&messages);
}

fn classes(market: &Market) -> impl Iterator<Item = &Class> {
    market.commands.iter().filter_map(|command| match command {
        Command::DefineClass(define) => Some(&*define.class),
        _ => None,
    })
}

#[test]
fn the_market_built_in_lists_tens_of_thousands_of_instruments() {
    check(
        super::BUILT_IN,
        expect![[r#"
        classes      12
        regions      10
        products     101
        instruments  41814
        digest       f69eb16dad5f2df229a09f43b6eacd2ed7b2fe1fd137ca08ed1382f78cfbd935
    "#]],
    );
}

#[test]
fn every_family_of_2017_has_one_class() {
    let market = Market::built_in();
    let mut found = String::new();
    for family in [
        "N1", "N2", "XN4", "N4", "MN4", "SN1", "SN2", "N5", "C4", "CM4", "CE4", "C5", "SE1", "I1", "D1",
        "GN4", "GA1", "F1",
    ] {
        let of: Vec<_> = classes(&market)
            .filter(|class| class.families.iter().any(|name| name == family))
            .map(|class| class.code.as_str())
            .collect();
        found += &format!("{family} {}\n", of.join(","));
    }
    expect![[r#"
        N1 GP
        N2 GP
        XN4 GP
        N4 GP
        MN4 GP
        SN1 GP
        SN2 GP
        N5 GP
        C4 CO
        CM4 CO
        CE4 CO
        C5 CO
        SE1 MO
        I1 SO
        D1 SO
        GN4 M40
        GA1 S7150
        F1 FPGA
    "#]]
    .assert_eq(&found);
}

#[test]
fn every_product_of_the_market_built_in_has_a_reference_and_every_class_and_region_a_product() {
    let market = Market::built_in();
    let mut used = BTreeSet::new();
    for product in market.products() {
        assert!(product.reference.is_some(), "{} has no reference", product.symbol);
        used.insert(product.symbol.class.clone());
        used.insert(product.symbol.region.clone());
    }
    for command in &market.commands {
        match command {
            Command::DefineClass(define) => assert!(used.contains(&define.class.code)),
            Command::DefineRegion(define) => assert!(used.contains(&define.region.code)),
            _ => {}
        }
    }
}

#[test]
fn a_product_of_the_market_built_in_reads_as_the_rules_say() {
    let market = Market::built_in();
    let product = market.products().find(|product| product.symbol.to_string() == "GP.CNNX.C");
    expect![[r#"
        Some(
            Product {
                symbol: ProductSymbol {
                    class: "GP",
                    region: "CNNX",
                    tier: C,
                },
                currency: "CNY",
                tick: Price(
                    100,
                ),
                tier: TierTerms {
                    availability_ppm: 950000,
                    notice: 120000000000,
                    penalty_ppm: 0,
                },
                horizon: Horizon {
                    hours: 336,
                    days: 60,
                    weeks: 12,
                    months: 6,
                },
                gate_hour: 60000000000,
                gate_longer: 3600000000000,
                auction: Some(
                    AuctionSchedule {
                        call: 13800000000000,
                        freeze: 14340000000000,
                        uncross: 14400000000000,
                    },
                ),
                band: Some(
                    Band {
                        order_ppm: 500000,
                        trade_ppm: 200000,
                        call: 300000000000,
                    },
                ),
                reference: Some(
                    Price(
                        52800,
                    ),
                ),
                max_quantity: Quantity(
                    1000000,
                ),
                max_notional: Money(
                    100000000000000,
                ),
                maker_fee_ppm: 200,
                taker_fee_ppm: 500,
            },
        )
    "#]]
    .assert_debug_eq(&product);
}

#[test]
fn a_small_market_of_ones_own_is_read_exactly() {
    check(
        SMALL,
        expect![[r#"
        classes      2
        regions      1
        products     3
        instruments  153
        digest       65b02e3eaa53ff7f45680b55ed59ab2ff8f608c7c0df4f133a70eb6ea96bf058
    "#]],
    );
    let market = Market::parse("m.toml", SMALL).unwrap();
    let last = (classes(&market).last(), market.products().last());
    expect![[r#"
        (
            Some(
                Class {
                    code: "P5",
                    title: "aws p5",
                    unit: "GPU",
                    vcpu_milli: 24000,
                    memory_gib_milli: 256500,
                    disk_gb_milli: 0,
                    network_mbps: 10000,
                    benchmark: "none",
                    benchmark_score: 0,
                    families: [
                        "p5",
                    ],
                    assumptions: [],
                },
            ),
            Some(
                Product {
                    symbol: ProductSymbol {
                        class: "P5",
                        region: "USE1",
                        tier: A,
                    },
                    currency: "USD",
                    tick: Price(
                        50000,
                    ),
                    tier: TierTerms {
                        availability_ppm: 999500,
                        notice: 0,
                        penalty_ppm: 1000000,
                    },
                    horizon: Horizon {
                        hours: 48,
                        days: 3,
                        weeks: 0,
                        months: 0,
                    },
                    gate_hour: 300000000000,
                    gate_longer: 3600000000000,
                    auction: None,
                    band: Some(
                        Band {
                            order_ppm: 500000,
                            trade_ppm: 200000,
                            call: 300000000000,
                        },
                    ),
                    reference: None,
                    max_quantity: Quantity(
                        1000000,
                    ),
                    max_notional: Money(
                        1000000000000000,
                    ),
                    maker_fee_ppm: 100,
                    taker_fee_ppm: 500,
                },
            ),
        )
    "#]]
    .assert_debug_eq(&last);
}

#[test]
fn the_digest_is_that_of_the_content_not_of_the_text() {
    let digest = |text: &str| Market::parse("m.toml", text).unwrap().digest;
    let same = [
        ("[terms]", "# a comment\n[terms]"),
        ("\"95%\"", "\"95.00 %\""),
        ("\"0.048\"", "\"0.048000\""),
        ("\"120s\"", "\"2m\""),
        ("\"M5.USE1.C\" = {}", ""),
    ];
    for (n, (find, replace)) in same.into_iter().enumerate() {
        let mut text = SMALL.replace(find, replace);
        if n == 4 {
            text += "\"M5.USE1.C\" = {}\n"; // in another place
        }
        assert_eq!(digest(&text), digest(SMALL), "{replace}");
    }
    for (find, replace) in [("0.048", "0.049"), ("us-east-1", "Virginia"), ("\"1.2\"", "\"1.3\"")] {
        assert_ne!(digest(&SMALL.replace(find, replace)), digest(SMALL), "{replace}");
    }
}

#[test]
fn a_wrong_key_is_named_with_the_keys_there_are() {
    check_mistakes(
        &[
            ("taker_fee = ", "taker_fees = "),
            ("gate_longer = \"1h\"\n\n[tiers.C]", "gate = \"1h\"\n\n[tiers.C]"),
            ("memory_gib = 4", "memory = 4"),
            ("call = \"5m\" }", "calls = \"5m\" }"),
            ("{ reference = ", "{ references = "),
            ("[regions.USE1]", "[region.USE1]"),
            ("[tiers.C]", "[tiers.D]"),
            ("currency = \"USD\"\n", ""),
            ("pue = \"1.2\"\n", ""),
        ],
        expect![[r#"
            m.toml: terms.taker_fees: unknown field `taker_fees`, expected one of `currency`, `tick`, `horizon`, `auction`, `band`, `max_quantity`, `max_notional`, `maker_fee`, `taker_fee`
            m.toml: tiers.A.gate: unknown field `gate`, expected one of `availability`, `notice`, `penalty`, `gate_hour`, `gate_longer`
            m.toml: classes.M5.memory: unknown field `memory`, expected one of `title`, `unit`, `vcpu`, `memory_gib`, `disk_gb`, `network_mbps`, `benchmark`, `benchmark_score`, `families`, `assumptions`
            m.toml: products.P5.USE1.A.band.calls: unknown field `calls`, expected one of `order`, `trade`, `call`
            m.toml: products.M5.USE1.A.references: unknown field `references`, expected one of `reference`, `currency`, `tick`, `horizon`, `gate_hour`, `gate_longer`, `auction`, `band`, `max_quantity`, `max_notional`, `maker_fee`, `taker_fee`
            m.toml: region: unknown field `region`, expected one of `terms`, `tiers`, `classes`, `regions`, `products`
            m.toml: tiers.D: unknown field `D`, expected one of `A`, `B`, `C`
            m.toml: terms: missing field `currency`
            m.toml: regions.USE1: missing field `pue`
        "#]],
    );
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    check_mistakes(
        &[
            ("\"USD\"", "\"usd\""),
            ("\"0.000001\"", "\"0.0000001\""),
            ("\"0.000001\"", "0.000001"),
            ("\"0.000001\"", "\"0\""),
            ("\"0.0001\"", "\"1e-4\""),
            ("hours = 48", "hours = 10_000"),
            ("hours = 48", "hours = -1"),
            ("hours = 48", "hours = \"48\""),
            ("auction = \"none\"", "auction = \"off\""),
            ("auction = \"none\"", "auction = { call = \"24:00\", freeze = \"03:59\", uncross = \"04:00\" }"),
            ("auction = \"none\"", "auction = { call = \"3:50\", freeze = \"03:59\", uncross = \"04:00\" }"),
            ("auction = \"none\"", "auction = true"),
            ("max_quantity = 1_000_000", "max_quantity = 0"),
            ("max_notional = 1_000_000_000", "max_notional = 10_000_000_000_000"),
            ("\"0.05 %\"", "\"0.00005 %\""),
            ("\"0.05 %\"", "0.05"),
            ("\"0.05 %\"", "\"11 %\""),
            ("\"99.95 %\"", "\"100.1 %\""),
            ("\"120s\"", "\"120\""),
            ("\"120s\"", "\"-1s\""),
            ("\"120s\"", "\"1.5m\""),
            ("\"120s\"", "\"25h\""),
            ("unit = \"GPU\"", "unit = \"TPU\""),
            ("\"256.5\"", "\"256.0005\""),
            ("title = \"aws p5\"", "title = \"\""),
            ("[\"p5\"]", "[\"p5\", 6]"),
            ("\"1.2\"", "\"0.9\""),
            ("trade = \"20 %\"", "trade = \"0 %\""),
            ("\"0.048\"", "\"2000000\""),
            ("\"0.048\"", "\"79228162514264337593543950336\""),
        ],
        expect![[r#"
            m.toml: terms.currency: `usd` is not three capitals of ISO 4217, such as CNY
            m.toml: terms.tick.vCPU: `0.0000001` is not a number from 0.000001 to 1000 with at most 6 places; a decimal stands in quotes
            m.toml: terms.tick.vCPU: invalid type: floating point `0.000001`, expected a number from 0.000001 to 1000 with at most 6 places; a decimal stands in quotes
            m.toml: terms.tick.vCPU: `0` is not a number from 0.000001 to 1000 with at most 6 places; a decimal stands in quotes
            m.toml: terms.tick.GPU: `1e-4` is not a number from 0.000001 to 1000 with at most 6 places; a decimal stands in quotes
            m.toml: terms.horizon.hours: `10000` is not a whole number from 0 to 8784
            m.toml: terms.horizon.hours: `-1` is not a whole number from 0 to 8784
            m.toml: terms.horizon.hours: `"48"` is not a whole number from 0 to 8784
            m.toml: terms.auction: `off` is not a table or "none"
            m.toml: terms.auction.call: `24:00` is not a time of day from "00:00" to "23:59", UTC
            m.toml: terms.auction.call: `3:50` is not a time of day from "00:00" to "23:59", UTC
            m.toml: terms.auction: invalid type: boolean `true`, expected a table or "none"
            m.toml: terms.max_quantity: `0` is not a whole number from 1 to 1000000
            m.toml: terms.max_notional: `10000000000000` is not a number from 1 to 1000000000000 with at most 6 places; a decimal stands in quotes
            m.toml: terms.taker_fee: `0.00005 %` is not a percentage from "0 %" to "10 %" with at most 4 places
            m.toml: terms.taker_fee: invalid type: floating point `0.05`, expected a percentage from "0 %" to "10 %" with at most 4 places
            m.toml: terms.taker_fee: `11 %` is not a percentage from "0 %" to "10 %" with at most 4 places
            m.toml: tiers.A.availability: `100.1 %` is not a percentage from "0 %" to "100 %" with at most 4 places
            m.toml: tiers.C.notice: `120` is not a whole number of s, m, h or d from "0s" to "1d"
            m.toml: tiers.C.notice: `-1s` is not a whole number of s, m, h or d from "0s" to "1d"
            m.toml: tiers.C.notice: `1.5m` is not a whole number of s, m, h or d from "0s" to "1d"
            m.toml: tiers.C.notice: `25h` is not a whole number of s, m, h or d from "0s" to "1d"
            m.toml: classes.P5.unit: unknown variant `TPU`, expected one of `vCPU`, `GPU`, `FPGA`
            m.toml: classes.P5.memory_gib: `256.0005` is not a number from 0 to 1000000 with at most 3 places; a decimal stands in quotes
            m.toml: classes.P5.title: `` is not a line of 1 to 120 characters
            m.toml: classes.P5.families[1]: invalid type: integer `6`, expected a line of 1 to 40 characters
            m.toml: regions.USE1.pue: `0.9` is not a number from 1 to 10 with at most 3 places; a decimal stands in quotes
            m.toml: products.P5.USE1.A.band.trade: `0 %` is not a percentage from "1 %" to "1000 %" with at most 4 places
            m.toml: products.M5.USE1.A.reference: `2000000` is not a number from 0.000001 to 1000000 with at most 6 places; a decimal stands in quotes
            m.toml: products.M5.USE1.A.reference: `79228162514264337593543950336` is not a number from 0.000001 to 1000000 with at most 6 places; a decimal stands in quotes
        "#]],
    );
}

#[test]
fn what_does_not_fit_together_is_named() {
    check_mistakes(
        &[
            ("[classes.M5]", "[classes.m5]"),
            ("[regions.USE1]", "[regions.USEAST1]"),
            ("[\"p5\"]", "[\"p4\", \"m5\"]"),
            ("\"95%\"", "\"99.99%\""),
            ("auction = \"none\"", "auction = { call = \"04:00\", freeze = \"03:59\", uncross = \"04:00\" }"),
            ("trade = \"20 %\"", "trade = \"60 %\""),
            ("horizon = { hours = 48", "horizon = { hours = 24"),
            ("weeks = 0", "weeks = 1"),
            ("gate_hour = \"1m\"", "gate_hour = \"2h\""),
            ("\"M5.USE1.C\" = {}", "\"M5.USE1\" = {}"),
            ("\"M5.USE1.C\" = {}", "\"M6.USE1.C\" = {}"),
            ("\"M5.USE1.C\" = {}", "\"M5.USE2.C\" = {}"),
            ("\"M5.USE1.C\" = {}", "\"M5.USE1.B\" = {}"),
            (
                "\"M5.USE1.C\" = {}",
                "\"M5.USE1.C\" = { horizon = { hours = 8, days = 0, weeks = 1, months = 0 } }",
            ),
            ("tick = \"0.05\"", "reference = \"2.00005\""),
            ("tick = \"0.05\"", "tick = \"0.05\", reference = \"2.01\""),
        ],
        expect![[r#"
            m.toml: classes.m5: a class is two to ten capitals and digits
            m.toml: regions.USEAST1: a region is an ISO country and one to four capitals or digits
            m.toml: classes.P5.families[1]: m5 is delivered as M5 already; a family has one class
            m.toml: tiers.C.availability: must not be above that of tier A, which may deliver in its place
            m.toml: terms.auction: call, freeze and uncross must follow one another within a day
            m.toml: products.P5.USE1.A.band.trade: must not be wider than `order`: what is refused cannot trade
            m.toml: terms.horizon.hours: 24 is too few where days are listed: at their gate they become hours, so at least 25
            m.toml: terms.horizon.days: 3 is too few where weeks are listed: at their gate they become days, so at least 8
            m.toml: tiers.C.gate_longer: must not be shorter than gate_hour: a day would close after its first hour
            m.toml: products.M5.USE1: "M5.USE1" is not a symbol: a product reads CLASS.REGION.TIER, such as GP.CNNX.A
            m.toml: products.M6.USE1.C: there is no class M6; define [classes.M6]
            m.toml: products.M5.USE2.C: there is no region USE2; define [regions.USE2]
            m.toml: products.M5.USE1.B: there is no tier B; define [tiers.B]
            m.toml: products.M5.USE1.C.horizon.days: 0 is too few where weeks are listed: at their gate they become days, so at least 8
            m.toml: products.P5.USE1.A.reference: must be a whole number of ticks of 0.0001
            m.toml: products.P5.USE1.A.reference: must be a whole number of ticks of 0.05
        "#]],
    );
}

#[test]
fn a_product_twice_is_refused() {
    check(
        &format!("{SMALL}\"M5.USE1.A\" = {{}}\n"),
        expect![[r#"
            m.toml: line 61, `"M5.USE1.A" = {}`: duplicate key
        "#]],
    );
}

#[test]
fn a_file_that_is_no_toml_is_named_with_its_line() {
    check(
        "[terms]\ncurrency = CNY\n",
        expect![[r#"
            m.toml: line 2, `currency = CNY`: string values must be quoted, expected literal string
        "#]],
    );
    check(
        "",
        expect![[r#"
            m.toml: missing field `terms`
        "#]],
    );
    let missing = Market::load(std::path::Path::new("no/such/market.toml")).unwrap_err();
    expect!["no/such/market.toml: No such file or directory (os error 2)"].assert_eq(&missing.to_string());
}

#[test]
fn more_instruments_than_there_are_slots_are_refused() {
    let mut text = SMALL.replace("hours = 48", "hours = 8_784");
    for n in 0..120 {
        let region = "title = \"r\"\njurisdiction = \"US\"\npue = 1\npower_usd_per_kwh = 0\ncooling = \"c\"\nenergy = \"e\"";
        text = text.replace("[products]", &format!("[regions.US{n}]\n{region}\n\n[products]"));
        text += &format!("\"M5.US{n}.A\" = {{}}\n");
    }
    check(
        &text,
        expect![[r#"
            m.toml: products: they list 1081785 instruments at once; at most 524288 can be: shorten horizons
        "#]],
    );
}

#[test]
fn a_reference_is_a_price_in_micros() {
    let market = Market::parse("m.toml", SMALL).unwrap();
    let references: Vec<_> = market.products().map(|product| product.reference).collect();
    assert_eq!(references, [Some(Price(48_000)), None, None]);
}
