//! The load generator against a whole exchange: every mix and way is right, and the program as people run it.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hourbook::serve::OPERATOR_KEY;
use hourbook_load::{
    Audit, Customer, Figures, Gallery, Mix, Pace, Plan, Progress, UNREAD, Wanted, Way, set_up,
};
use serde_json::Value;

use crate::venue::{MARKET, PRODUCT, Venue, program};

const SHORT: Duration = Duration::from_millis(100);

/// Two rounds of a mix on two connections, on a book or a few of a small market.
async fn run(venue: &Venue, mix: Mix, way: Way, pace: Pace) -> (Vec<Figures>, Audit) {
    let address = format!("http://{}", venue.running().address);
    let operator = std::fs::read_to_string(venue.data().join(OPERATOR_KEY)).unwrap();
    let wanted = Wanted {
        products: PRODUCT.into(),
        books: mix.books().min(20),
        desks: 2,
        open_orders: 20_000,
        quotes: mix.quotes(),
    };
    let (desks, raised) = set_up(&address, operator.trim(), None, &wanted).await.unwrap();
    assert_eq!(raised.len(), 2, "commands a second and open orders: {raised:?}");
    assert_eq!(desks[0].books.len(), wanted.books);
    let plan = Plan { way, pace, mix, resting: 200, seed: 7, unread: 200 };
    let mut customer = Customer::connect(plan, &address, &desks, Progress::default()).await.unwrap();
    customer.fill().await.unwrap();
    let mut rounds = Vec::new();
    for _ in 0..2 {
        rounds.push(customer.round(Duration::ZERO, SHORT).await.unwrap());
    }
    let audit = customer.end().await.unwrap();
    (rounds, audit)
}

#[tokio::test]
async fn every_mix_is_right_in_every_way() {
    let venue = Venue::open().await;
    let ways = [
        Way::Unary { calls: 4 },
        Way::Session { entries: 1, messages: 16 },
        Way::Session { entries: 10, messages: 4 },
    ];
    for mix in Mix::ALL {
        for way in ways {
            let (rounds, audit) = run(&venue, mix, way, Pace::Full).await;
            for figures in &rounds {
                let told = format!("{mix}, {way:?}: {figures:?}");
                assert!(figures.answered > 0 && figures.errors == 0, "{told}");
                // Orders that were filled on the way may be named once more.
                assert_eq!(figures.rejected_in_all(), figures.missed(), "{told}");
            }
            let told = format!("{mix}, {way:?}: {audit:?}");
            assert_eq!(audit.with_others, 0, "{told}");
            assert!(audit.reports > 0 && audit.cancelled > 0, "{told}");
            // A slow machine may come to few requests in so short a time, and a mix of calls to no trade.
            assert!(audit.trades > 0 || matches!(way, Way::Unary { .. }), "{told}");
            venue.check().await;
        }
    }
}

#[tokio::test]
async fn an_open_loop_asks_at_its_rate() {
    let venue = Venue::open().await;
    for way in [Way::Unary { calls: 64 }, Way::Session { entries: 1, messages: 64 }] {
        let (rounds, _) = run(&venue, Mix::ExchangeCore, way, Pace::PerSecond(300.0)).await;
        for figures in rounds {
            // 30 are due in a round of 100 ms, Poisson.
            let rate = figures.per_second();
            assert!((100.0..900.0).contains(&rate), "{way:?}: {rate} a second");
        }
    }
}

#[tokio::test]
async fn who_reads_is_told_everything_beside_those_who_never_read() {
    let venue = Venue::open().await;
    let address = format!("http://{}", venue.running().address);
    let operator = std::fs::read_to_string(venue.data().join(OPERATOR_KEY)).unwrap();
    let wanted = Wanted { products: PRODUCT.into(), books: 1, desks: 1, open_orders: 20_000, quotes: false };
    let (desks, _) = set_up(&address, operator.trim(), None, &wanted).await.unwrap();
    let gallery = Gallery::open(&address, operator.trim(), &desks[0], 30).await.unwrap();
    let stalled = gallery.stalled(3).await.unwrap();
    let readers = gallery.readers(30).await.unwrap();
    let (way, mix) = (Way::Session { entries: 1, messages: 8 }, Mix::ExchangeCore);
    let plan = Plan { way, pace: Pace::PerSecond(500.0), mix, resting: 100, seed: 7, unread: UNREAD };
    let mut customer = Customer::connect(plan, &address, &desks, Progress::default()).await.unwrap();
    customer.fill().await.unwrap();
    customer.round(Duration::ZERO, SHORT).await.unwrap();
    customer.end().await.unwrap();
    // Each of the orders that filled the book was at least a change of its levels.
    let deadline = Instant::now() + Duration::from_secs(20);
    while readers.updates() < 30 * 100 {
        assert!(Instant::now() < deadline, "only {} updates were read", readers.updates());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    readers.end().await.unwrap();
    stalled.end().await.unwrap();
}

// --- the program ---

/// `hourbook load` in a directory of its own, with a small market.
fn load(directory: &Path, more: &[&str]) -> Command {
    let market = directory.join("market.toml");
    std::fs::write(&market, MARKET).unwrap();
    let mut command = Command::new(program());
    command.args(["load", "--market"]).arg(market).arg("--journal-in").arg(directory).args(more);
    command
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

/// What a directory holds beside the market.
fn left_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("hourbook-load-")).collect()
}

/// Whether some process was started with this directory in its arguments.
fn runs_in(directory: &Path) -> bool {
    let directory = directory.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|arguments| String::from_utf8_lossy(&arguments).contains(&directory))
}

/// A long load with an exchange of its own, which has begun.
fn under_way(directory: &Path) -> Child {
    let child = load(directory, &["--seconds", "60", "--baseline"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let has_key = |name: &String| directory.join(name).join("data").join(OPERATOR_KEY).exists();
    while !left_in(directory).iter().any(has_key) {
        assert!(Instant::now() < deadline, "no exchange was started");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(runs_in(directory));
    child
}

#[test]
fn a_comparison_is_one_line_of_json_and_nothing_stays_behind() {
    let directory = tempfile::tempdir().unwrap();
    let plot = directory.path().join("latency.hgrm");
    for way in [["--unary", "8"], ["--window", "16"], ["--batch", "10"]] {
        let Output { status, stdout, stderr } =
            load(directory.path(), &["--baseline", "--json", "--seconds", "0.5", "--mix", "exchange-core"])
                .args(way)
                .arg("--histogram")
                .arg(&plot)
                .output()
                .unwrap();
        let said = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{said}");
        let [line] = &lines(&stdout)[..] else { panic!("one line is told: {stdout:?}") };
        let told: Value = serde_json::from_str(line).unwrap();
        let first: Vec<&str> = line.split('"').skip(1).step_by(2).take(2).collect();
        assert_eq!(first[0], "mode");
        assert_eq!(told["mode"], format!("{}-{}", way[0].trim_start_matches('-'), way[1]));
        let number = |name: &str| told[name].as_f64().unwrap_or_else(|| panic!("{name} in {line}"));
        assert!(number("orders_per_s") > 0.0 && number("baseline_orders_per_s") > 0.0, "{line}");
        let ratio = number("orders_per_s") / number("baseline_orders_per_s");
        assert!((number("ratio") - ratio).abs() < 0.01, "{line}");
        assert!(number("p50_us") <= number("p99_us") && number("p99_us") <= number("p999_us"), "{line}");
        assert_eq!(
            (number("errors"), number("trades_with_others"), number("rounds")),
            (0.0, 0.0, 5.0),
            "{line}"
        );
        assert_eq!(told["limits_raised"]["commands_per_second"]["from"], 1_000, "{line}");
        assert!(said.lines().all(|line| line.starts_with("load: ")), "progress, and no complaint: {said}");
        assert!(std::fs::read_to_string(&plot).unwrap().contains("Percentile"));
    }
    assert_eq!(left_in(directory.path()), [""; 0]);
}

#[test]
fn people_see_a_table() {
    let directory = tempfile::tempdir().unwrap();
    let more =
        ["--baseline", "--seconds", "0.5", "--window", "4", "--mix", "quote-storm", "--connections", "2"];
    let output = load(directory.path(), &more).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for expected in
        ["window-4", "no-op", "orders a second", "p99.9, us", "raised for this: commands_per_second"]
    {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    // On a busy machine the exchange may be the faster one.
    let ratio = told.split_once("ratio ").and_then(|(_, behind)| behind.split_whitespace().next());
    let ratio = ratio.and_then(|ratio| ratio.trim_end_matches([',', '.']).parse::<f64>().ok());
    assert!(ratio.is_some_and(|ratio| ratio > 0.0), "a ratio in {told}");
}

#[test]
fn subscribers_who_never_read_are_measured_in_pairs() {
    let directory = tempfile::tempdir().unwrap();
    let more = ["--subscribers", "20", "--stalled", "2", "--json", "--seconds", "1", "--rate", "300"];
    let output = load(directory.path(), &more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(told["p99_ratio"].as_f64().unwrap() > 0.0, "{told}");
    assert!(told["memory_growth_mib"].is_number() && told["pairs"] == 5, "{told}");
    assert!(told["updates_read_per_s"].as_f64().unwrap() > 0.0, "{told}");

    // Calls, whose answers the sessions between read.
    let more = ["--subscribers", "4", "--stalled", "1", "--json", "--seconds", "1", "--unary", "2"];
    let output = load(directory.path(), &more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(told["mode"] == "unary-2" && told["errors"] == 0, "{told}");
}

#[test]
fn whoever_is_told_to_stop_takes_its_servers_along() {
    let directory = tempfile::tempdir().unwrap();
    for signal in ["-INT", "-TERM"] {
        let mut child = under_way(directory.path());
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ended = child.wait().unwrap();
        assert_eq!((ended.code(), ended.signal()), (Some(1), None));
        assert!(!runs_in(directory.path()), "its exchange ended with it");
        assert_eq!(left_in(directory.path()), [""; 0]);
    }
}

#[test]
fn whoever_is_killed_leaves_no_server_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = under_way(directory.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while runs_in(directory.path()) {
        assert!(Instant::now() < deadline, "its exchange runs on");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Only its journal stays, whole: nobody is left to throw it away.
    let [journal] = &left_in(directory.path())[..] else { panic!("one journal") };
    let data = directory.path().join(journal).join("data");
    let output = Command::new(program()).args(["journal", "verify"]).arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn mistakes_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |more: &[&str], expected: &str| {
        let output = Command::new(program()).arg("load").args(more).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(expected), "{more:?}: {said}");
    };
    refused(&["--mix", "thick"], "is none of exchange-core, thin, deep, quote-storm, sweep");
    refused(&["--unary", "1", "--batch", "2"], "cannot be used with");
    refused(&["--rate", "0"], "1 to 100000000");
    refused(&["--seconds", "never"], "0.1 to 3600");
    refused(&["--address", "http://127.0.0.1:1"], "--key");
    refused(&["--address", "http://127.0.0.1:1", "--key", "hb_1"], "cannot connect");
    refused(&["--stalled", "2"], "--subscribers");
    let output = load(directory.path(), &["--products", "H100X.CNNX.A"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("an hour of `H100X.CNNX.A`"), "{said}");
    assert_eq!(left_in(directory.path()), [""; 0]);
}
