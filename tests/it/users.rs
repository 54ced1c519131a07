//! The program as people run it: served, asked, traded with from a terminal, and stopped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::venue::program;

/// `hourbook serve` over a directory, on a port that it chose.
struct Server {
    child: Child,
    address: String,
    banner: String,
}

impl Server {
    fn start(data: &Path, more: &[&str]) -> Server {
        Server::start_saying(data, more, Stdio::null())
    }

    /// Started with its log going to `log`; its banner is read to the end, and then nobody reads on.
    fn start_saying(data: &Path, more: &[&str], log: Stdio) -> Server {
        Server::start_between(Stdio::null(), data, more, log)
    }

    /// The same with an input.
    fn start_between(input: Stdio, data: &Path, more: &[&str], log: Stdio) -> Server {
        let mut child = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(more)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut banner = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            banner += &format!("{}\n", line.unwrap());
            if banner.contains("Next, in another terminal") {
                break;
            }
        }
        let address = banner.lines().next().unwrap_or_default().rsplit(' ').next().unwrap_or_default();
        let scheme = if more.contains(&"--tls-development") { "https" } else { "http" };
        let address = format!("{scheme}://{address}");
        Server { child, address, banner }
    }

    /// Stopped as a service manager does it; the exit code.
    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ctl(server: &Server, data: &Path, arguments: &[&str]) -> Output {
    Command::new(program())
        .args(["ctl", "--address", &server.address, "--data"])
        .arg(data)
        .args(arguments)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out.into_owned()
}

fn told_json(output: &Output) -> Value {
    serde_json::from_str(&told(output)).unwrap()
}

/// A market small enough to start at once.
fn small_market(directory: &Path) -> String {
    let path = directory.join("market.toml");
    std::fs::write(&path, crate::venue::MARKET).unwrap();
    path.display().to_string()
}

#[test]
fn an_exchange_whose_log_cannot_be_written_goes_on_and_ends_in_order() {
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let unread = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    for log in [full(), unread()] {
        let directory = tempfile::tempdir().unwrap();
        let (market, data) = (small_market(directory.path()), directory.path().join("data"));
        let server = Server::start_saying(&data, &["--market", &market, "--log", "debug"], log);
        told(&ctl(&server, &data, &["status"]));
        told(&ctl(&server, &data, &["snapshot"]));
        assert_eq!(server.terminate(), Some(0), "stopped in order");
    }
    // Where a mistake cannot be told either, the exit code says it.
    let nobody = ["ctl", "--address", "http://127.0.0.1:1", "status"];
    let ended = Command::new(env!("CARGO_BIN_EXE_hourbook")).args(nobody).stderr(full()).status().unwrap();
    assert_eq!(ended.code(), Some(1));
}

#[test]
fn the_data_are_their_owners_only() {
    use std::os::unix::fs::MetadataExt;
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    let server = Server::start(&data, &["--market", &market]);
    told(&ctl(&server, &data, &["snapshot"]));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    // Two segments, reserve, lock, snapshot, history, key.
    assert!(files >= 7, "{files} files");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn from_nothing_to_a_first_trade() {
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    let server = Server::start(&data, &["--market", &market]);
    assert!(server.banner.contains("operator.key"), "{}", server.banner);
    let key = data.join("operator.key");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&key).unwrap());
    assert_eq!(mode & 0o777, 0o600, "for its owner only");

    let made = told(&ctl(&server, &data, &["quickstart"]));
    assert!(made.contains("Paste this for a first trade"), "{made}");
    // The lines that a new user would paste, in a shell.
    let pasted: Vec<&str> = made.lines().filter(|line| line.starts_with("  ")).map(str::trim).collect();
    let shell = Command::new("sh").arg("-ec").arg(pasted.join("\n")).output().unwrap();
    let seen = told(&shell);
    assert!(seen.contains("filled") && seen.contains("trade 1"), "{seen}");

    // Run again, it finds what it made.
    let again = told_json(&ctl(&server, &data, &["--json", "quickstart"]));
    assert_eq!(
        (again["buyer"]["accountId"].as_u64(), again["seller"]["accountId"].as_u64()),
        (Some(1), Some(2))
    );
    let buyer = again["buyer"]["key"].as_str().unwrap();
    let positions = told_json(&ctl(&server, &data, &["--json", "--key", buyer, "positions"]));
    assert_eq!(positions["positions"][0]["units"], "10");
    // What was paid is there for everybody: once recorded, as trades, candles, index and curve.
    let symbol = again["symbol"].as_str().unwrap();
    let product = symbol.rsplit_once('.').unwrap().0;
    let deadline = Instant::now() + Duration::from_secs(30);
    let trades = loop {
        let trades = told_json(&ctl(&server, &data, &["--json", "trades", symbol]));
        if trades["trades"].as_array().is_some_and(|trades| !trades.is_empty()) {
            break trades;
        }
        assert!(Instant::now() < deadline, "the trade is not recorded");
    };
    let price = trades["trades"][0]["priceMicros"].as_str().unwrap();
    let candles = told_json(&ctl(&server, &data, &["--json", "candles", symbol, "--every", "1d"]));
    assert_eq!(candles["candles"][0]["closePriceMicros"], price);
    let instrument = told_json(&ctl(&server, &data, &["--json", "instrument", symbol]));
    let begins = instrument["instrument"]["deliveryStartTime"].as_str().unwrap();
    let next: jiff::Timestamp = begins.parse().unwrap();
    let next = (next + jiff::SignedDuration::from_hours(1)).to_string();
    let index = ["--json", "index", product, "--from", begins, "--to", &next];
    let index = told_json(&ctl(&server, &data, &index));
    assert_eq!(
        (&index["hours"][0]["symbol"], &index["hours"][0]["priceMicros"]),
        (&symbol.into(), &price.into())
    );
    let shown = told(&ctl(&server, &data, &["curve", product]));
    let point = shown.lines().find(|line| line.starts_with(symbol)).unwrap_or_else(|| panic!("{shown}"));
    assert!(point.contains("last") || point.contains("mid"), "{point}");
    assert!(told(&ctl(&server, &data, &["trades", symbol])).starts_with("TIME "));
    let none = told(&ctl(&server, &data, &["trades", symbol, "--to", "2020-01-01T00:00:00Z"]));
    assert_eq!(none.trim(), "none");

    let everyone = told_json(&ctl(&server, &data, &["--json", "participants"]));
    assert_eq!(everyone["participants"].as_array().unwrap().len(), 3);

    // What is refused ends with a failure and says what helps.
    let refused = ctl(&server, &data, &["--key", buyer, "place", "buy", "1", symbol, "0.00005"]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && error.contains("PRICE_OFF_TICK") && error.contains("What helps"),
        "{error}"
    );

    let status = told_json(&ctl(&server, &data, &["--json", "status", "--hash"]));
    let fact = |name: &str| status[name].as_str().unwrap().to_string();
    let (sequence, hash) = (fact("sequence"), fact("stateHash"));
    assert_eq!(server.terminate(), Some(0), "SIGTERM ends it in order");

    let replay =
        Command::new(program()).args(["replay", "--json", "--to", &sequence]).arg(&data).output().unwrap();
    assert!(told(&replay).contains(&hash), "replay comes to the state that was live");
}

#[test]
fn an_exchange_that_is_held_by_its_input_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    // A pipe that does not wait is none that has ended.
    let (input, held) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&input, true).unwrap();
    let more = ["--market", &market, "--stop-with-stdin"];
    let mut server = Server::start_between(input.into(), &data, &more, Stdio::null());
    std::thread::sleep(Duration::from_millis(500));
    told(&ctl(&server, &data, &["status"]));
    drop(held);
    assert_eq!(server.child.wait().unwrap().code(), Some(0), "stopped in order");

    // Who lets go and then sends the one signal that everybody sends has not asked twice.
    let (input, held) = std::io::pipe().unwrap();
    let server = Server::start_between(input.into(), &data, &more, Stdio::null());
    drop(held);
    std::thread::sleep(Duration::from_millis(10));
    assert_eq!(server.terminate(), Some(0), "stopped in order");
}

#[test]
fn an_exchange_that_is_to_keep_the_cores_awake_does_so_or_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    let request = Path::new("/dev/cpu_dma_latency");
    let holds = |server: &Server| {
        let open = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap();
        open.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok()).any(|file| file == request)
    };
    let server = Server::start(&data, &["--market", &market]);
    assert!(!holds(&server), "what is the whole machine's is left alone unless it is asked for");
    assert_eq!(server.terminate(), Some(0));

    if std::fs::File::options().write(true).open(request).is_ok() {
        let server = Server::start(&data, &["--market", &market, "--awake"]);
        assert!(holds(&server), "the request stands while the exchange runs");
        assert_eq!(server.terminate(), Some(0));
    } else {
        // One that would serve after all ends with its input.
        let serve = ["serve", "--awake", "--stop-with-stdin", "--listen", "127.0.0.1:0", "--data"];
        let refused = Command::new(program()).args(serve).arg(&data).stdin(Stdio::null()).output().unwrap();
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && error.contains("awake: /dev/cpu_dma_latency"), "{error}");
    }
}

#[test]
fn over_tls_with_a_certificate_made_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    let server = Server::start(&data, &["--market", &market, "--tls-development"]);
    let status = told_json(&ctl(&server, &data, &["--json", "status"]));
    assert!(status["instrumentCount"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_provider_is_measured_rated_and_priced_from_a_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    // The parameters that come with this version.
    let server = Server::start(&data, &["--market", &market]);
    let ctl = |arguments: &[&str]| ctl(&server, &data, arguments);
    told(&ctl(&["create-participant", "North"]));
    let key = told_json(&ctl(&["--json", "issue-key", "2", "meter"]));
    let (meter, mut lines) = (key["key"].as_str().unwrap(), String::new());
    for (metric, reading) in [
        ("availability", r#""good":1440,"total":1440"#),
        ("benchmark_share", r#""value":"1.08""#),
        ("latency_ms", r#""value":1.5"#),
    ] {
        let date = &told_json(&ctl(&["--json", "status"]))["time"].as_str().unwrap()[..10].to_owned();
        lines +=
            &format!("{{\"provider\":\"north\",\"metric\":\"{metric}\",\"time\":\"{date}\",{reading}}}\n");
    }
    let file = directory.path().join("readings.jsonl");
    std::fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let observe = ["--key", meter, "--request-id", "day-1", "observe", file, "--provider", "north=2"];
    let taken = told(&ctl(&observe));
    assert!(taken.starts_with("3 of participant 2 in GP: number "), "{taken}");
    assert!(told(&ctl(&observe)).contains(", before"), "nothing counts twice");
    let denied = ctl(&["observe", file, "--provider", "north=2"]);
    assert!(!denied.status.success(), "operators measure nothing");

    let rating = told(&ctl(&["rating", "2", "GP"]));
    assert!(rating.starts_with("PROVIDER  CLASS  RATING"), "{rating}");
    assert_eq!(told_json(&ctl(&["--json", "ratings"]))["ratings"].as_array().unwrap().len(), 1);
    let priced = told(&ctl(&["price", "GP.CNNX.A", "--held", "100", "--capacity", "100", "--provider", "2"]));
    assert!(priced.contains("CNY per unit-hour, sold by participant 2"), "{priced}");
    assert!(priced.contains("bid         withheld: no room"), "{priced}");
    let explained = told(&ctl(&["explain", "GP.CNNX.A", "--provider", "2"]));
    for part in ["tier A", "rate of the currency to USD", "half spread, base", "availability"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    assert!(told(&ctl(&["explain", "GP", "--provider", "2"])).starts_with("score "));
    // Its products' references are fair prices from the start on.
    let product = told_json(&ctl(&["--json", "instruments", "GP.CNNX.B", "--limit", "1"]));
    assert_ne!(product["instruments"][0]["referencePriceMicros"], "0");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn what_keeps_it_from_serving_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let serve = |arguments: &[&str]| {
        let output =
            Command::new(program()).arg("serve").arg("--data").arg(&data).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let open = serve(&["--listen", "0.0.0.0:0"]);
    assert!(open.contains("listen: 0.0.0.0:0 can be reached by others"), "{open}");
    let absent = serve(&["--market", "no-such-file.toml"]);
    assert!(absent.contains("no-such-file.toml"), "{absent}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = serve(&["--listen", &address]);
    assert!(busy.contains(&format!("cannot listen on {address}")), "{busy}");
    let file = directory.path().join("hourbook.toml");
    std::fs::write(&file, "[pricing]\nparams = \"no-such-params.toml\"\n").unwrap();
    let absent = serve(&["--config", file.to_str().unwrap()]);
    assert!(absent.contains("pricing.params: no-such-params.toml"), "{absent}");
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn nobody_there_is_told_with_what_to_do() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = Command::new(program())
        .args(["ctl", "--address", &free.to_string(), "--key", "none", "status"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("hourbook serve"), "{error}");
}

#[test]
fn a_maker_is_run_from_a_file_and_a_signal_ends_it_with_nothing_left() {
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    let server = Server::start(&data, &["--market", &market]);
    let ctl = |arguments: &[&str]| ctl(&server, &data, arguments);
    // An account that may quote: cash for its bids, capacity for its asks.
    let symbol = told_json(&ctl(&["--json", "quickstart"]))["symbol"].as_str().unwrap().to_owned();
    let product = symbol.rsplit_once('.').unwrap().0;
    let instrument = told_json(&ctl(&["--json", "instrument", &symbol]));
    let begins = instrument["instrument"]["deliveryStartTime"].as_str().unwrap();
    let participant =
        told_json(&ctl(&["--json", "create-participant", "Maker"]))["participantId"].to_string();
    let account =
        told_json(&ctl(&["--json", "create-account", &participant, "quotes"]))["accountId"].to_string();
    told(&ctl(&["--account", &account, "deposit", "100000"]));
    let capacity =
        ["declare-capacity", product, "100", "--from", begins, "--hours", "1", "--attestation", "seen"];
    told(&ctl(&[&["--account", &account], &capacity[..]].concat()));
    let issued = ["--json", "--account", &account, "issue-key", &participant, "maker"];
    let key = told_json(&ctl(&issued))["key"].as_str().unwrap().to_owned();

    let (file, key_file) = (directory.path().join("maker.toml"), directory.path().join("maker.key"));
    std::fs::write(&key_file, &key).unwrap();
    let settings = |account: &str| {
        format!(
            "address = {:?}\nkey_file = {key_file:?}\naccount = {account}\npatterns = [{symbol:?}]\nreport = \"1h\"\n\
             [strategy]\nname = \"fixed\"\n",
            server.address
        )
    };
    let maker = |account: &str| {
        std::fs::write(&file, settings(account)).unwrap();
        let mut command = Command::new(program());
        command.args(["maker", "--json", "--config"]).arg(&file);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let child = maker(&account);
    let deadline = Instant::now() + Duration::from_secs(30);
    let sides = || {
        let book = told_json(&ctl(&["--json", "book", &symbol]));
        ["bids", "asks"].map(|side| book[side].as_array().unwrap().len())
    };
    while sides() != [1, 1] {
        assert!(Instant::now() < deadline, "{:?} levels instead of one a side", sides());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let figures = told_json(&child.wait_with_output().unwrap());
    assert!(figures["quotes"].as_u64().is_some_and(|quotes| quotes > 0), "{figures}");
    assert_eq!(sides(), [0, 0], "all of it is cancelled");

    // What it may not do is said, and the exit code says so too.
    let refused = maker("1").wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("account"), "{said}");
}

/// A backtest that serves a market: what it tells a strategy, and a ctl that trades as the strategy.
struct Served {
    child: Child,
    told: Value,
}

impl Served {
    fn start(arguments: &[&str]) -> Served {
        let mut command = Command::new(program());
        command.args(["backtest", "--json", "--serve"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        said.read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line);
        let told = told.unwrap_or_else(|_| {
            std::io::Read::read_to_string(&mut said, &mut line).unwrap();
            panic!("{line}")
        });
        Served { child, told }
    }

    fn ctl(&self, arguments: &[&str]) -> Value {
        let fact = |name: &str| self.told[name].as_str().unwrap();
        let mut command = Command::new(program());
        command.args(["ctl", "--json", "--address", fact("address"), "--key", fact("key")]).args(arguments);
        told_json(&command.output().unwrap())
    }

    /// What came of the run, once it has ended.
    fn report(self) -> Value {
        told_json(&self.child.wait_with_output().unwrap())
    }
}

#[test]
fn a_strategy_from_outside_trades_in_what_was_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let (market, data) = (small_market(directory.path()), directory.path().join("data"));
    let server = Server::start(&data, &["--market", &market]);
    let made = told_json(&ctl(&server, &data, &["--json", "quickstart"]));
    let fact = |name: &str| made[name]["key"].as_str().unwrap().to_owned();
    let (buyer, seller, symbol) = (fact("buyer"), fact("seller"), made["symbol"].as_str().unwrap());
    let place = |server: &Server, key: &str, side: &str, lots: &str, price: &str| {
        let placed =
            told_json(&ctl(server, &data, &["--json", "--key", key, "place", side, lots, symbol, price]));
        placed["report"]["orderId"].as_str().unwrap().to_owned()
    };
    // An offer that is taken back by its number, and, after a new start, one that a buyer meets.
    let offered = place(&server, &seller, "sell", "7", "0.2000");
    told(&ctl(&server, &data, &["--key", &seller, "cancel", &offered]));
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start(&data, &["--market", &market]);
    place(&server, &seller, "sell", "10", "0.2000");
    place(&server, &buyer, "buy", "4", "0.2000");
    assert_eq!(server.terminate(), Some(0));

    let path = data.to_str().unwrap();
    let journal = ["--journal", path, "--pattern", symbol, "--pace-ms", "1"];
    // Who offers far above everybody changes nothing.
    let aside = Served::start(&journal);
    aside.ctl(&["place", "sell", "3", symbol, "0.2100"]);
    let report = aside.report();
    assert_eq!((&report["trades"], &report["fills"]), (&1.into(), &0.into()), "{report}");
    // Who offers for less is met first; what the buyer still wants comes from whom it came from then.
    let better = Served::start(&journal);
    better.ctl(&["place", "sell", "3", symbol, "0.1999"]);
    let report = better.report();
    assert_eq!(report["strategy"], "a strategy from outside");
    assert_eq!(
        (&report["trades"], &report["fills"], &report["sold_lot_hours"], &report["orders_accepted"]),
        (&2.into(), &1.into(), &3.into(), &1.into()),
        "{report}"
    );

    let nothing = Command::new(program())
        .args(["backtest", "--journal"])
        .arg(directory.path())
        .args(["--serve"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&nothing.stderr);
    assert!(!nothing.status.success() && said.contains("holds no journal"), "{said}");
}

#[test]
fn a_strategy_from_outside_trades_in_a_backtest_that_is_served_and_is_reported_on() {
    let directory = tempfile::tempdir().unwrap();
    let series = directory.path().join("spot.csv");
    std::fs::write(&series, "date,price\n2026-11-02,1.00\n2026-11-09,1.10\n").unwrap();
    let path = series.to_str().unwrap();
    let line =
        ["--days", "1", "--step-ms", "3600000", "--pace-ms", "50", "--orders-per-hour", "5", "--series"];
    let served = Served::start(&[&line[..], &[path]].concat());
    // Time stands until the first order comes.
    let product = served.told["product"].as_str().unwrap().to_owned();
    let hours = served.ctl(&["instruments", &format!("{product}.H*"), "--limit", "24"]);
    let hour = &hours["instruments"][23];
    let micros: i64 = hour["referencePriceMicros"].as_str().unwrap().parse().unwrap();
    let price = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let placed = served.ctl(&["place", "sell", "5", hour["symbol"].as_str().unwrap(), &price]);
    assert_eq!(placed["report"]["clientOrderId"].as_str().map(str::is_empty), Some(false), "{placed}");

    let report = served.report();
    assert_eq!(report["strategy"], "a strategy from outside");
    assert_eq!(report["orders_accepted"], 1, "{report}");
    assert_eq!(
        (&report["from"], &report["to"]),
        (&"2026-11-02T00:00:00Z".into(), &"2026-11-03T00:00:00Z".into())
    );

    // Whoever stops it has the report of what it was up to then.
    let served = Served::start(&["--days", "7", "--pace-ms", "50", "--series", path]);
    let hours = served.ctl(&["instruments", &format!("{product}.H*"), "--limit", "24"]);
    served.ctl(&["place", "sell", "5", hours["instruments"][23]["symbol"].as_str().unwrap(), &price]);
    let id = served.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let stopped = served.child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    assert_eq!((stopped.status.code(), &report["stopped_by"]), (Some(1), &"SIGINT".into()), "{report}");
    assert!(report["to"].as_str() < Some("2026-11-09"), "{report}");

    let mut open = Command::new(program());
    open.args(["backtest", "--serve", "--series", path, "--listen", "0.0.0.0:0"]);
    let open = open.output().unwrap();
    let said = String::from_utf8_lossy(&open.stderr);
    assert!(!open.status.success() && said.contains("for this machine only"), "{said}");
}
