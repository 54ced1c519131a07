//! Every rule of matching as scenarios, through the program as users run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn scenarios(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(file)
}

fn simulate(arguments: &[&str], file: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_hourbook");
    Command::new(program).arg("simulate").args(arguments).arg(file).output().unwrap()
}

#[test]
fn the_examples_come_out_as_they_say() {
    let output = simulate(&["--check"], &scenarios("examples.jsonl"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "15 scenarios, 0 mismatches\n");
    assert!(output.status.success());
}

#[test]
fn every_rule_comes_out_as_reasoned_by_hand() {
    let output = simulate(&["--check"], &scenarios("rules.jsonl"));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.ends_with(" scenarios, 0 mismatches\n"), "{shown}");
}

#[test]
fn a_difference_ends_the_program_with_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wrong.jsonl");
    std::fs::write(
        &file,
        r#"{"name":"wrong","ops":[],"expect":[],"final_book":{"bids":[[1,1,1]],"asks":[]}}"#,
    )
    .unwrap();
    let output = simulate(&["--check"], &file);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("1 scenarios, 1 mismatches\n"));
}

#[test]
fn a_bad_line_is_named_with_its_field() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("day.jsonl");
    std::fs::write(&file, "{\"op\":\"halt\"}\n{\"op\":\"reduce\",\"id\":1}\n").unwrap();
    let output = simulate(&[], &file);
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told, format!("hourbook: {}: line 2: by: is missing\n", file.display()));
}
