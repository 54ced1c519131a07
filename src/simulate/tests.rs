//! What is printed, and how mistakes are named. The rules themselves are tests/scenarios, run by tests/it.

use expect_test::{Expect, expect};

use super::scenario::{Contents, parse};
use super::*;

fn check_printed(text: &str, expected: Expect) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let mut out = Vec::new();
    run(file.path(), &mut out).unwrap();
    expected.assert_eq(&String::from_utf8(out).unwrap());
}

fn check_compared(text: &str, expected: Expect) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let mut out = Vec::new();
    super::check(file.path(), &mut out).unwrap();
    expected.assert_eq(&String::from_utf8(out).unwrap());
}

fn check_mistakes(texts: &[&str], expected: Expect) {
    let mut messages = String::new();
    for text in texts {
        let error = match parse("day.jsonl", text) {
            Err(error) => error,
            Ok(Contents::Operations(scenario)) => rehearse(&scenario).err().expect(text),
            Ok(Contents::Scenarios(scenarios)) => {
                let expectations = scenarios.iter().find_map(|scenario| scenario.expectations().err());
                expectations.expect(text)
            }
        };
        messages += &format!("{error}\n");
    }
    expected.assert_eq(&messages);
}

#[test]
fn bare_operations_print_an_event_a_line_and_the_book() {
    check_printed(
        r#"
        {"op":"new","id":"ask","side":"sell","type":"limit","price":101,"qty":3,"participant":"ann"}
        {"op":"new","id":"bid","side":"buy","type":"limit","tif":"gtc","price":102,"qty":5,"participant":"bob","stp":null}

        {"op":"cancel","id":"ask"}
        "#,
        expect![[r#"
            {"event":"trade","maker":"ask","taker":"bid","price":101,"qty":3}
            {"event":"rejected","id":"ask","reason":"unknown_order"}
            {"bids":[[102,2,1]],"asks":[]}
        "#]],
    );
}

#[test]
fn scenarios_print_an_object_each() {
    check_printed(
        r#"
        {"name":"one","ops":[{"op":"new","id":1,"side":"buy","type":"stop","trigger":9,"qty":3,"participant":1},{"op":"amend","id":1,"qty":2}]}
        {"name":"two","ops":[]}
        "#,
        expect![[r#"
            {"name":"one","events":[{"event":"amended","id":1,"price":null,"qty":2}],"final_book":{"bids":[],"asks":[]}}
            {"name":"two","events":[],"final_book":{"bids":[],"asks":[]}}
        "#]],
    );
}

#[test]
fn a_difference_is_shown_from_where_it_begins() {
    let order =
        r#"{"op":"new","id":1,"side":"buy","type":"limit","tif":"ioc","price":9,"qty":3,"participant":1}"#;
    let cancelled = r#"{"event":"cancelled","id":1,"qty":3,"reason":"ioc"}"#;
    let book = r#"{"bids":[],"asks":[]}"#;
    check_compared(
        &format!(
            r#"
            {{"name":"right","ops":[{order}],"expect":[{cancelled}],"final_book":{book}}}
            {{"name":"wrong","ops":[{order},{order}],"expect":[{cancelled}],"final_book":{{"bids":[[9,3,1]],"asks":[]}}}}
            "#
        ),
        expect![[r#"
            wrong (line 3)
              events differ from number 2 on:
              + {"event":"cancelled","id":1,"qty":3,"reason":"ioc"}
              the final book differs:
              - {"bids":[[9,3,1]],"asks":[]}
              + {"bids":[],"asks":[]}
            2 scenarios, 1 mismatches
        "#]],
    );
}

#[test]
fn mistakes_name_file_line_and_field() {
    let new = |rest: &str| format!(r#"{{"op":"new","id":1,"participant":1,"side":"buy"{rest}}}"#);
    let limit = |rest: &str| new(&format!(r#","type":"limit"{rest}"#));
    check_mistakes(
        &[
            "",
            "{\"op\":\"halt\"}\nhalt",
            r#"{"operations":[]}"#,
            r#"[1]"#,
            r#"{"op":"stop"}"#,
            r#"{"op":"cancel"}"#,
            r#"{"op":"cancel","id":{}}"#,
            r#"{"op":"halt"} {"op":"resume"}"#,
            &new(r#","type":"limits""#),
            &limit(r#","price":1"#),
            &limit(r#","price":0,"qty":1"#),
            &limit(r#","price":1.5,"qty":1"#),
            &limit(r#","price":1,"qty":1,"stpp":"none""#),
            &limit(r#","price":1,"qty":1,"tif":"fok_budget""#),
            &limit(r#","price":1,"qty":1,"display":-1"#),
            &limit(r#","price":1,"qty":5000000000"#),
            &limit(r#","price":9000000000000000,"qty":4000000000"#),
            r#"{"name":"a","ops":[{"op":"halt"},{"op":"reduce","id":1}]}"#,
            r#"{"name":"a","ops":[{"op":"halt"},{"op":"reduce","id":1,"by":"two"}]}"#,
            r#"{"name":"a","ops":[]}"#,
            r#"{"name":"a","ops":[],"expect":[]}"#,
        ],
        expect![[r#"
            day.jsonl: holds no scenario
            day.jsonl: line 2: is no JSON: expected value, column 1
            day.jsonl: line 1: is neither a scenario (with `ops`) nor an operation (with `op`)
            day.jsonl: line 1: is neither a scenario (with `ops`) nor an operation (with `op`)
            day.jsonl: line 1: op: unknown variant `stop`, expected one of `new`, `cancel`, `amend`, `reduce`, `mass_cancel`, `kill`, `unkill`, `halt`, `resume`, `expire_day`, `auction_open`, `auction_uncross`, column 12
            day.jsonl: line 1: id: is missing
            day.jsonl: line 1: id: must be a whole number or a text, column 23
            day.jsonl: line 1: holds more than one object
            day.jsonl: line 1: type: unknown variant `limits`, expected one of `limit`, `market`, `stop`, `stop_limit`, column 63
            day.jsonl: line 1: qty: is missing
            day.jsonl: line 1: price: 0 is not above zero
            day.jsonl: line 1: price: invalid type: floating point `1.5`, expected a whole number below 2^63, column 74
            day.jsonl: line 1: stpp: unknown field `stpp`, expected one of `op`, `id`, `participant`, `side`, `type`, `tif`, `price`, `qty`, `display`, `trigger`, `stp`, `post_only`, `budget`, `by`, `ref`, column 87
            day.jsonl: line 1: budget: is missing
            day.jsonl: line 1: display: is negative
            day.jsonl: line 1: qty: is above 4294967295
            day.jsonl: line 1: price: price times quantity is more than the ledger can hold
            day.jsonl: line 1: ops[1].by: is missing
            day.jsonl: line 1: ops[1].by: invalid type: string "two", expected a whole number below 2^63, column 65
            day.jsonl: line 1: expect: is missing: there is nothing to check against
            day.jsonl: line 1: final_book: is missing: there is nothing to check against
        "#]],
    );
}
