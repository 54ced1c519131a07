//! The tools of an operator, on the journal of an exchange that runs: verify, dump, replay, backup, restore, archive.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::venue::{FREE, Venue, program};

fn hourbook(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).output().unwrap()
}

fn told(arguments: &[&str]) -> String {
    let output = hourbook(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

fn told_json(arguments: &[&str]) -> Value {
    serde_json::from_str(&told(arguments)).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = hourbook(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Some orders, and a snapshot.
async fn trade(venue: &Venue, ann: &crate::venue::Member) {
    let symbol = venue.hour(FREE, 5);
    for n in 0..40 {
        ann.buy(&symbol, 1, 50_000 + 100 * n).await;
    }
    venue.running().handle.snapshot().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_in_use_is_verified_dumped_replayed_and_backed_up() {
    let mut venue = Venue::open().await;
    let ann = venue.buyer("ann", 1_000).await;
    trade(&venue, &ann).await;
    let (seq, hash) = venue.state().await;
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let data = venue.data().to_owned();
    let data = text(&data);

    let checked = told_json(&["journal", "verify", "--json", data]);
    assert_eq!((checked["first"].as_u64(), checked["last"].as_u64()), (Some(1), Some(seq)));
    assert_eq!(checked["snapshots"], serde_json::json!([seq]));
    assert!(told(&["journal", "verify", data]).ends_with("all good\n"));

    let dump = told(&["journal", "dump", data]);
    let lines: Vec<Value> = dump.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() as u64, seq);
    assert!(lines.iter().zip(1..).all(|(line, number)| line["seq"] == number));
    let last = lines.last().unwrap();
    assert_eq!((&last["command"], &last["fields"]["order"]["price"]), (&"PlaceOrder".into(), &53_900.into()));
    assert_eq!(last["request"]["account"], ann.account);
    assert_eq!(told(&["journal", "dump", data, "--from", "3", "--to", "5"]).lines().count(), 3);

    for more in [&[][..], &["--from-snapshot"]] {
        let replayed = told_json(&[&["replay", "--json", data], more].concat());
        assert_eq!(
            (replayed["seq"].as_u64(), replayed["state_hash"].as_str()),
            (Some(seq), Some(hash.as_str()))
        );
    }
    assert!(told(&["replay", data, "--to", "3"]).starts_with("sequence    3\n"));
    let error = refused(&["replay", data, "--to", "1000000"]);
    assert!(error.contains(&format!("holds no command 1000000, only up to {seq}")), "{error}");

    let (backup, restored) = (venue.directory.path().join("backup"), venue.directory.path().join("restored"));
    told(&["backup", data, text(&backup)]);
    ann.buy(&venue.hour(FREE, 5), 1, 60_000).await;
    assert!(refused(&["backup", data, text(&backup)]).contains("is not empty"));
    let brought = told_json(&["restore", "--json", text(&backup), text(&restored)]);
    assert_eq!(brought["last"].as_u64(), Some(seq));
    assert_eq!(told_json(&["replay", "--json", text(&restored)])["state_hash"], hash);
    assert!(refused(&["restore", text(&backup), data]).contains("is not empty"));
    assert!(refused(&["journal", "dump", data, "--from", "999999"]).contains("has no command 999999"));
    assert!(
        refused(&["journal", "dump", data, "--from", "5", "--to", "3"]).contains("--to: must be at least 5")
    );
    let nothing = venue.directory.path();
    for arguments in [
        &["backup", text(nothing), text(&nothing.join("copy"))][..],
        &["restore", text(nothing), text(&nothing.join("copy"))],
        &["journal", "verify", text(nothing)],
        &["journal", "dump", text(nothing)],
        &["replay", text(nothing)],
        &["replay", "--from-snapshot", text(nothing)],
    ] {
        assert!(refused(arguments).contains("holds no journal"), "{arguments:?}");
    }
    venue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_named_and_keeps_the_exchange_from_starting() {
    let mut venue = Venue::open().await;
    let ann = venue.buyer("ann", 1_000).await;
    trade(&venue, &ann).await;
    venue.stop().await;
    let segment = venue.data().join("0000000001.journal");
    let good = std::fs::read(&segment).unwrap();
    let mut damaged = good.clone();
    damaged[5_000] ^= 0xff;
    std::fs::write(&segment, &damaged).unwrap();
    let data = venue.data().to_owned();
    for error in [
        refused(&["journal", "verify", text(&data)]),
        refused(&["replay", text(&data)]),
        refused(&["serve", "--listen", "127.0.0.1:0", "--metrics", "none", "--data", text(&data)]),
    ] {
        assert!(error.contains("at byte ") && error.contains("0000000001.journal is damaged"), "{error}");
    }
    assert!(std::fs::read(&segment).unwrap() == damaged, "nothing is written where the start stops");
    std::fs::write(&segment, &good).unwrap();
    venue.start().await;
    venue.check().await;
    venue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_behind_two_snapshots_goes_to_the_archive() {
    let mut venue = Venue::open().await;
    let ann = venue.buyer("ann", 1_000).await;
    let data = venue.data().to_owned();
    let archive = venue.directory.path().join("archive");
    let error = refused(&["journal", "archive", text(&data), "--to", text(&archive)]);
    assert!(error.contains("no two good snapshots"), "{error}");
    trade(&venue, &ann).await;
    trade(&venue, &ann).await;
    let moved = told(&["journal", "archive", text(&data), "--to", text(&archive)]);
    assert!(moved.starts_with("nothing to move"), "{moved}");
    let (seq, hash) = venue.state().await;
    assert_eq!(venue.replayed(seq).state_hash, hash);
    venue.stop().await;
}
