//! What pricing promises: stories with their figures, and properties over random inputs.

mod prices;
mod quality;
mod quotes;

use crate::{Params, STANDARD};
use rust_decimal::Decimal;
use std::sync::LazyLock;

static STANDARD_PARAMS: LazyLock<Params> = LazyLock::new(Params::standard);

/// A decimal of so many hundredths, thousandths, ...
fn parts(number: i64, scale: u32) -> Decimal {
    Decimal::new(number, scale)
}

#[test]
fn parameters_are_named_by_their_bytes() {
    let params = &*STANDARD_PARAMS;
    assert_eq!(params.version, "2026-11");
    assert_eq!(params.digest(), *blake3::hash(STANDARD.as_bytes()).as_bytes());
    let changed = STANDARD.replacen("CNY = \"7.12\"", "CNY = \"7.13\"", 1);
    assert_ne!(Params::parse(&changed).unwrap().digest(), params.digest());
}

#[test]
fn a_mistake_in_parameters_is_named() {
    let table = [
        ("CNY = \"7.12\"", "CNY = 7.12", "invalid type: floating point"),
        ("CNY = \"7.12\"", "CNY = \"7,12\"", "\"7,12\" is not a decimal"),
        ("CNY = \"7.12\"", "CNY = \"-1\"", "rates.CNY: -1 is not within"),
        ("CNY = \"7.12\"", "CNY = \"1e400\"", "is not a decimal"),
        ("half_life_days = 30", "half_life_days = 0", "quality.half_life_days"),
        ("half_life_days = 30", "half_life = 30", "unknown field `half_life`"),
        ("margin = \"1\"", "margin = \"-1\"", "rating: the margin"),
        ("AAA = \"95\"", "AAA = \"85\"", "rating: cuts do not rise"),
        ("weight = \"0.4\"", "weight = \"0.5\"", "sum to 1.1 and not to 1"),
        ("usual = \"0.999\"", "usual = \"1\"", "usual is not within"),
        (
            "[\"0.3\", \"0\"], [\"1.3",
            "[\"2.3\", \"0\"], [\"1.3",
            "its scale needs two points or more, rising",
        ),
        ("on = \"whole\"", "on = \"half\"", "no component \"half\""),
        ("key = [\"provider\"]", "key = [\"provider\", \"mood\"]", "no field \"mood\""),
        ("key = [\"provider\"]", "key = []", "has no key"),
        ("base = \"0.01\"", "base = \"0\"", "kinds.cpu.quoting.base"),
        ("quality_slope = \"0.002\"", "quality_slope = \"0.2\"", "kinds.cpu.quality_slope"),
        ("pue = \"1.1\"", "pue = \"0.9\"", "regions.CNNX.pue: 0.9"),
        ("[products.\"GP.CNNX\"]", "[products.\"GPCNNX\"]", "is not CLASS.REGION"),
        ("[products.\"GP.CNNX\"]", "[products.\"GQ.CNNX\"]", "its class or region is not in this file"),
        ("format = 1", "format = 2", "format: 2 is not 1"),
        ("vcpu = \"4\"", "brain = \"4\"", "watts.brain: no such component"),
    ];
    for (from, to, expected) in table {
        assert!(STANDARD.contains(from), "{from}");
        let why = Params::parse(&STANDARD.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(why.contains(expected), "{to}: {why}");
    }
    for text in ["", "\0", "[[[", "format = 1"] {
        assert!(Params::parse(text).is_err(), "{text:?}");
    }
    let why = Params::parse("format = 1\nversion = ").unwrap_err().to_string();
    assert!(why.contains("line 2, column"), "{why}");
}
