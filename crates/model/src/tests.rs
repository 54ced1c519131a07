//! Symbols read and print; periods follow the civil calendar; commands survive the journal.

use crate::*;

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

#[test]
fn symbols_read_as_they_print() {
    for text in [
        "GP.CNNX.A.H20261124T08",
        "H100X.CNNX.B.D20261201",
        "CO.CNNM.A.W2026W48",
        "MO.JP13.C.M202612",
        "FPGA.USVA.A.W2026W53",
    ] {
        assert_eq!(text.parse::<Symbol>().unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_symbol_is_refused() {
    for text in [
        "",
        "GP",
        "GP.CNNX.A",
        "gp.CNNX.A.D20261201",
        "G.CNNX.A.D20261201",
        "GP.CN.A.D20261201",
        "GP.CNNINGX.A.D20261201",
        "GP.CNNX.D.D20261201",
        "GP.CNNX.A.D20261301",
        "GP.CNNX.A.D20260230",
        "GP.CNNX.A.H20261124T24",
        "GP.CNNX.A.H20261124",
        "GP.CNNX.A.W2025W53",
        "GP.CNNX.A.M202613",
        "GP.CNNX.A.X20261124",
        "GP.CNNX.A.D2026112é",
        "GP.CNNX.A.D20261201.Z",
        "GP.CNNX.A.D-0261201",
        "GPGPGPGPGPG.CNNX.A.D20261201",
        "GP.CNNX.A.D19690101",
    ] {
        let error = text.parse::<Symbol>().expect_err(text).to_string();
        assert!(
            error.starts_with(&format!("{text:?} is not a symbol")),
            "{error}: all of what was typed is named"
        );
    }
}

#[test]
fn months_and_weeks_fall_into_days_and_days_into_hours() {
    assert_eq!(period("M202602").hours, 672);
    assert_eq!(period("M202802").hours, 696);
    assert_eq!(period("M202612").parts().count(), 31);
    assert_eq!(period("W2026W53").parts().next().unwrap().to_string(), "D20261228");
    assert_eq!(period("D20261201").parts().last().unwrap().to_string(), "H20261201T23");
    assert_eq!(period("H20261201T23").parts().count(), 0);
    assert_eq!(period("M202612").next().to_string(), "M202701");
    assert_eq!(period("W2026W53").next().to_string(), "W2027W01");
}

#[test]
fn commands_survive_the_journal() {
    let request = Request {
        key: KeyId(7),
        session: SessionId(3),
        account: AccountId(9),
        number: 1 << 40,
        client_id: ClientId::new("first order").unwrap(),
    };
    let order = NewOrder {
        instrument: InstrumentId::new(77, 2),
        side: Side::Sell,
        order_type: OrderType::StopLimit,
        time_in_force: TimeInForce::FokBudget(Money(-5)),
        price: Price(1),
        trigger: Price(i64::MAX),
        quantity: Quantity(1_000_000),
        display: Quantity(10),
        minimum: Quantity(0),
        post_only: true,
        self_trade: SelfTrade::Decrement,
    };
    for command in
        [Command::from(PlaceOrder { order }), Tick {}.into(), Restart { version: "0.1".into() }.into()]
    {
        let mut bytes = Vec::new();
        codec::encode(&request, &command, &mut bytes);
        let (kind, version) = command.kind();
        assert_eq!(codec::decode(kind, version, &bytes), Ok((request, command)));
        bytes.push(0);
        assert!(codec::decode(kind, version, &bytes).is_err(), "a longer body is another body");
        assert!(matches!(codec::decode(9_999, 1, &bytes), Err(codec::Error::UnknownKind { .. })));
    }
}

#[test]
fn command_numbers_are_unique() {
    let mut numbers: Vec<u16> = Command::KINDS.iter().map(|kind| kind.0).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), Command::KINDS.len());
}

#[test]
fn amounts_that_do_not_fit_are_none() {
    assert_eq!(Money::of(Price(3), Quantity(4), 24), Some(Money(288)));
    assert_eq!(Money::of(Price(i64::MAX), Quantity(2), 1), None);
    assert_eq!(Money(999).share_ppm(1_500), Money(1));
}

#[test]
fn digests_are_what_they_always_were() {
    // They stand in snapshots, and what was asked under an old program is recognised by a new one.
    for (text, expected) in [
        ("", 0x8420890a_6a8f9143_860ab241_8dede11b),
        ("a", 0xd342f471_bab3f82b_0e5b2170_1ce516ca),
        ("order-1", 0x8056b30a_8654113f_ad82d491_550c8329),
        ("order-12", 0xda0f6b44_94430182_63bd02f0_06b02b09),
        ("order-123", 0x802b3ed3_7ce41a4e_c413a803_453cf246),
        ("0123456789abcdef0123456789abcdef0123", 0x73d4925e_29a3841e_1697641f_5233b614_u128),
    ] {
        assert_eq!(Digest::of(text.as_bytes()), expected, "{text}: {:x}", Digest::of(text.as_bytes()));
        let mut byte_by_byte = Digest::default();
        text.bytes().for_each(|byte| byte_by_byte.push(byte));
        assert_eq!(byte_by_byte.finish(), expected, "{text}");
    }
    let cancel = Command::from(CancelOrder { order: OrderRef::Client(ClientId::new("o-1").unwrap()) });
    let mut bytes = 41_u16.to_le_bytes().to_vec();
    bytes.extend([1, 3, b'o', b'-', b'1']);
    assert_eq!(codec::digest(&cancel), Digest::of(&bytes), "kind and body, as they are journaled");
}

#[test]
fn digests_of_like_texts_differ() {
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..200_000 {
        let digest = Digest::of(format!("order-{number:08}").as_bytes());
        assert!(seen.insert(digest as u64) && seen.insert((digest >> 64) as u64), "{number}");
    }
}
