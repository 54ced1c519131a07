//! What people type becomes exact numbers or a clear error; every refusal has a remedy; answers as JSON.

use clap::Parser;
use expect_test::{Expect, expect};
use hourbook_api::v1;

use super::values::*;
use super::*;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
}

fn parse(line: &str) -> Result<Arguments, String> {
    Program::try_parse_from(std::iter::once("ctl").chain(line.split_whitespace()))
        .map(|program| program.arguments)
        .map_err(|error| error.to_string())
}

#[test]
fn no_command_has_an_argument_of_the_name_of_one_that_all_take() {
    fn look(command: &clap::Command, global: &[String], looked: &mut u32) {
        *looked += 1;
        let ids = |of: fn(&clap::Arg) -> bool| {
            command.get_arguments().filter(move |one| of(one)).map(|one| one.get_id().to_string())
        };
        for id in ids(|one| !one.is_global_set()) {
            assert!(!global.contains(&id), "{}: {id} is every command's", command.get_name());
        }
        let global: Vec<String> = global.iter().cloned().chain(ids(clap::Arg::is_global_set)).collect();
        command.get_subcommands().for_each(|below| look(below, &global, looked));
    }
    let (program, mut looked) = (<Program as clap::CommandFactory>::command(), 0);
    look(&program, &[], &mut looked);
    assert!(looked > 40, "{looked} commands");
    assert!(parse("revoke-key 7 --key secret").is_ok());
}

#[test]
fn what_is_pasted_finds_the_same_exchange_and_trusts_it() {
    let flags = |line: &str| parse(&format!("status {line}")).unwrap().connection.flags();
    assert_eq!(flags(""), "");
    assert_eq!(flags("--address http://10.0.0.1:7070 --data d"), " --address http://10.0.0.1:7070");
    let address = "--address https://10.0.0.1:7070";
    assert_eq!(flags(&format!("{address} --authority a.pem")), format!(" {address} --authority a.pem"));
    assert_eq!(flags("--address http://[::1]:7070"), " --address 'http://[::1]:7070'");
    assert_eq!(
        flags(&format!("{address} --authority o'neil.pem")),
        format!(r" {address} --authority 'o'\''neil.pem'")
    );
    // Of a server on this machine that made its certificate itself.
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("development-certificate.pem"), "PEM").unwrap();
    let data = data.path().display();
    assert_eq!(flags(&format!("{address} --data {data}")), format!(" {address} --data {data}"));
}

#[test]
fn decimals_become_micros_exactly_or_not_at_all() {
    let micros = |text: &str| text.parse::<Micros>().map(|micros| micros.0);
    assert_eq!(micros("0.035"), Ok(35_000));
    assert_eq!(micros("12"), Ok(12_000_000));
    assert_eq!(micros("0.000001"), Ok(1));
    assert_eq!(micros("1.1000000000"), Ok(1_100_000));
    assert_eq!(micros("9223372036854.775807"), Ok(i64::MAX));
    assert_eq!(micros("0.0000001"), Err("finer than six decimals".into()));
    assert_eq!(micros("9223372036854.775808"), Err("too large".into()));
    for bad in ["", "a", "1,5", "0.1.2", "0.00000000000000000000000000000000001"] {
        assert_eq!(micros(bad), Err("not a decimal such as 0.035".into()), "{bad}");
    }
}

#[test]
fn micros_are_shown_as_decimals_of_two_places_and_more() {
    for (micros, shown) in
        [(0, "0.00"), (35_000, "0.035"), (12_000_000, "12.00"), (-1, "-0.000001"), (1_500_000, "1.50")]
    {
        assert_eq!(Micros(micros).to_string(), shown);
    }
}

#[test]
fn times_scopes_and_offers_are_read_as_people_write_them() {
    let moment: Moment = "2026-11-25T08:00:00Z".parse().unwrap();
    assert_eq!(values::time(Some(&moment.0)), "2026-11-25T08:00:00Z");
    assert_eq!("2026-11-25T09:00:00+01:00".parse::<Moment>().unwrap(), moment);
    assert!("tomorrow".parse::<Moment>().is_err());
    assert_eq!("market".parse(), Ok(Scope::Market));
    assert_eq!("GP.CNNX.A".parse(), Ok(Scope::Product("GP.CNNX.A".into())));
    assert!("GP.CNNX".parse::<Scope>().is_err());
    assert_eq!("5@0.035".parse(), Ok(Offer { quantity: 5, price: Micros(35_000) }));
    assert!("5".parse::<Offer>().is_err());
}

#[test]
fn an_order_is_named_by_its_number_or_by_the_clients_id() {
    use v1::order_name::Name;
    let named = |text: &str, client| {
        text.parse::<OrderName>().unwrap().wire(client).and_then(|name| name.name).unwrap()
    };
    assert_eq!(named("77", false), Name::OrderId(77));
    assert_eq!(named("77", true), Name::ClientOrderId("77".into()));
    assert_eq!(named("mine-1", false), Name::ClientOrderId("mine-1".into()));
}

#[test]
fn a_mistyped_command_is_refused_before_anything_is_asked() {
    for line in [
        "place buy 5 GP.CNNX.A.D20261125",
        "place buy 5 GP.CNNX.A.D20261125 0.0000001",
        "place hold 5 GP.CNNX.A.D20261125 0.1",
        "place buy 5 GP.CNNX.A.D20261125 0.1 --market",
        "place buy 5 GP.CNNX.A.D20261125 0.1 --tif ioc --until 2026-11-25T08:00:00Z",
        "amend 7",
        "credit",
        "credit 5 --unlimited",
        "halt everything",
        "price GP.CNNX.A --held 5",
        "observe readings.jsonl --provider north",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    for line in [
        "quickstart",
        "--json place buy 5 GP.CNNX.A.D20261125 0.1 --post-only",
        "place buy 5 GP.CNNX.A.D20261125 --market --account 3",
        "place sell 5 GP.CNNX.A.D20261125 0.09 --trigger 0.1 --tif day",
        "amend 7 --price 0.2",
        "quote GP.CNNX.A.D20261125 --bid 5@0.1",
        "orders --closed --limit 0",
        "watch executions --from 1",
        "auction open GP.CNNX.A --until 2026-11-25T08:00:00Z",
        "deposit 1000 --account 3",
        "price GP.CNNX.A --provider 3 --lots 5 --held 5 --capacity 100",
        "explain GP --provider 3",
        "--request-id x observe readings.jsonl --provider north=3",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn every_reason_of_the_contract_has_its_remedy_on_the_page() {
    let mut missing = Vec::new();
    for number in 1.. {
        let Ok(reason) = v1::RejectReason::try_from(number) else { break };
        let name = show::reject_reason(reason as i32);
        if reasons::of(name).is_none() {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
}

fn check_json<M: prost::Message>(message: &M, expected: Expect) {
    expected.assert_eq(&show::json(message).to_string());
}

#[test]
fn answers_are_json_as_the_contract_writes_them() {
    check_json(
        &v1::GetBookResponse {
            symbol: "GP.CNNX.A.D20261125".into(),
            sequence: 1 << 60,
            time: Some("2026-11-25T08:00:00Z".parse::<Moment>().unwrap().0),
            status: v1::InstrumentStatus::Auction as i32,
            bids: vec![v1::Level { price_micros: 35_000, quantity: 5, order_count: 1 }],
            ..Default::default()
        },
        expect![[
            r#"{"symbol":"GP.CNNX.A.D20261125","instrumentId":0,"sequence":"1152921504606846976","time":"2026-11-25T08:00:00Z","status":"INSTRUMENT_STATUS_AUCTION","bids":[{"priceMicros":"35000","quantity":"5","orderCount":1}],"asks":[],"bidOrders":[],"askOrders":[],"lastTradePriceMicros":"0","referencePriceMicros":"0","bandLowMicros":"0","bandHighMicros":"0","indicativePriceMicros":"0","indicativeQuantity":"0"}"#
        ]],
    );
}

#[test]
fn reports_read_as_sentences() {
    let order = v1::ExecutionReport {
        number: 4,
        order_id: 4_294_967_296,
        client_order_id: "mine-1".into(),
        symbol: "GP.CNNX.A.D20261125".into(),
        side: v1::Side::Buy as i32,
        order_type: v1::OrderType::Limit as i32,
        time_in_force: v1::TimeInForce::Gtc as i32,
        price_micros: 35_000,
        quantity: 5,
        leaves_quantity: 5,
        ..Default::default()
    };
    let fill = v1::Fill {
        trade_id: 9,
        price_micros: 34_900,
        quantity: 2,
        liquidity: v1::Liquidity::Taker as i32,
        fee_micros: 12,
    };
    let kind = |kind: v1::ReportKind| v1::ExecutionReport { kind: kind as i32, ..order.clone() };
    let reports = [
        kind(v1::ReportKind::Accepted),
        v1::ExecutionReport {
            fill: Some(fill),
            cumulative_quantity: 2,
            leaves_quantity: 3,
            ..kind(v1::ReportKind::Filled)
        },
        v1::ExecutionReport {
            cancelled_quantity: 3,
            cancel_reason: v1::CancelReason::DayEnd as i32,
            leaves_quantity: 0,
            ..kind(v1::ReportKind::Cancelled)
        },
        v1::ExecutionReport {
            reject_reason: v1::RejectReason::PriceOutOfBand as i32,
            order_id: 0,
            ..kind(v1::ReportKind::Rejected)
        },
        v1::ExecutionReport {
            order_type: v1::OrderType::StopLimit as i32,
            trigger_price_micros: 40_000,
            ..kind(v1::ReportKind::Amended)
        },
    ];
    let lines: Vec<String> = reports.iter().map(show::report).collect();
    expect![[r#"
        accepted   order 4294967296 (mine-1): buy 5 GP.CNNX.A.D20261125 @ 0.035 gtc; 0 filled, 5 open
        filled     order 4294967296 (mine-1): 2 @ 0.0349 as taker, trade 9, fee 0.000012; 2 filled, 3 open
        cancelled  order 4294967296 (mine-1): 3 lots, day end; 0 filled, 0 open
        rejected   order (mine-1): buy 5 GP.CNNX.A.D20261125 @ 0.035 gtc; PRICE_OUT_OF_BAND
        amended    order 4294967296 (mine-1): buy 5 GP.CNNX.A.D20261125 @ 0.035 stop-limit at 0.04 gtc; 0 filled, 5 open"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_status_is_told_with_its_field_and_what_helps() {
    use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
    let mut details = ErrorDetails::new();
    details.set_error_info("PRICE_OFF_TICK", "hourbook", std::collections::HashMap::new());
    details
        .set_bad_request(vec![FieldViolation::new("order.price_micros", "must be a whole number of ticks")]);
    details.set_retry_info(Some(std::time::Duration::from_secs(5)));
    let status = tonic::Status::with_error_details(tonic::Code::InvalidArgument, "no", details);
    expect![[r#"
        PRICE_OFF_TICK: no
          What helps: round to the product's tick.
          order.price_micros: must be a whole number of ticks
          Try again in 5s."#]]
    .assert_eq(&show::failure(&status.into()));
}
