//! The exchange end to end, over one connection on loopback, against a server that does nothing: A B A B, medians.
//!
//! Both servers are processes of their own and share the cores with the client, which is a customer like any other: one
//! account, funded, with capacity and without a limit on its rate, in one book of about 1,000 live orders. The mix is
//! exchange-core's: 9 % new orders, 3 % IOC that trade, 6 % cancels, 82 % amendments. Every answer is checked.
//!
//! `unary-256`: 256 calls at once. `stream-1`, `stream-1024`: one `Trade` session, messages of one entry, so many
//! unanswered. `batch-100`: messages of 100 entries, 16 unanswered. `fsync_p50_ns` is a write of 4 KiB over zeros and its
//! fdatasync, on the same disk in the same run. Under `cargo bench` in full, under `cargo test` small, to see that it runs.

mod noop;

use anyhow::Context;
use hourbook::serve::OPERATOR_KEY;
use hourbook_load::{Desk, Figures, Plan, Way, run, set_up};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "hb_0000000000000000000000000000000000000000000000000000000000000000";

const CASES: [(&str, Way); 4] = [
    ("unary-256", Way::Unary { calls: 256 }),
    ("stream-1", Way::Session { entries: 1, messages: 1 }),
    ("stream-1024", Way::Session { entries: 1, messages: 1_024 }),
    ("batch-100", Way::Session { entries: 100, messages: 16 }),
];

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A server in a process of its own, which ends with this one.
struct Server {
    child: Child,
    address: String,
    /// What more it says has somewhere to go.
    _says: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server whose first line ends with its address.
    fn start(command: &mut Command) -> anyhow::Result<Server> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut says = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        says.read_line(&mut line)?;
        let address = line.split_whitespace().last().context("the server ended before it served")?;
        Ok(Server { address: format!("http://{address}"), child, _says: says })
    }

    /// `hourbook serve` with its defaults and a new journal, and its operator's key.
    fn exchange(data: &Path) -> anyhow::Result<(Server, String)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hourbook"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics", "none", "--log", "warn", "--data"]);
        let server = Server::start(command.arg(data))?;
        let key = std::fs::read_to_string(data.join(OPERATOR_KEY))?;
        Ok((server, key.trim().into()))
    }

    /// Processor time that it has taken, in hundredths of a second.
    fn processor_ticks(&self) -> anyhow::Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Behind the name, which stands in brackets: user and system time are the 12th and 13th.
        let (_, fields) = stat.rsplit_once(')').context("no process like ours")?;
        let fields = fields.split_whitespace().skip(11).take(2);
        fields.map(|ticks| ticks.parse::<u64>().context("no number")).sum()
    }

    fn noop(account: u32) -> anyhow::Result<Server> {
        Server::start(Command::new(std::env::current_exe()?).args(["--noop", &account.to_string()]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server that does nothing, until whoever started it is gone.
fn serve_noop(account: &str) -> anyhow::Result<()> {
    std::thread::spawn(|| {
        // Ends when the other end of the pipe does.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let told = |address| {
        println!("serves on {address}");
        std::io::stdout().flush().expect("somebody listens");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(noop::serve(KEY, account.parse()?, told))
}

/// Nanoseconds that a write of 4 KiB over zeros takes to be durable, the median.
fn fsync_p50_ns(directory: &Path, times: usize) -> anyhow::Result<u64> {
    let path = directory.join("fsync");
    std::fs::write(&path, vec![0; 4 << 20])?;
    let file = std::fs::OpenOptions::new().write(true).open(&path)?;
    file.sync_all()?;
    let block = [1; 4096];
    let mut took = Vec::with_capacity(times);
    for at in 0..times {
        let begun = Instant::now();
        file.write_all_at(&block, (at % 1_024 * block.len()) as u64)?;
        file.sync_data()?;
        took.push(begun.elapsed().as_nanos() as u64);
    }
    std::fs::remove_file(&path)?;
    took.sort_unstable();
    Ok(took[times / 2])
}

/// A run, and the nanoseconds of processor time that the server took for each request.
struct Run {
    figures: Figures,
    server_ns: f64,
}

async fn watched(plan: &Plan, server: &Server, desk: &Desk) -> anyhow::Result<Run> {
    let before = server.processor_ticks()?;
    let figures = run(plan, &server.address, desk).await?;
    let ticks = server.processor_ticks()? - before;
    Ok(Run { server_ns: ticks as f64 * 1e7 / figures.requests as f64, figures })
}

/// The run whose rate is in the middle.
fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|a, b| a.figures.per_second().total_cmp(&b.figures.per_second()));
    runs.swap_remove(runs.len() / 2)
}

async fn measure(full: bool, only: Option<&str>) -> anyhow::Result<()> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (exchange, operator) = Server::exchange(&directory.path().join("data"))?;
    let desk = set_up(&exchange.address, &operator, None, "GP.CNNX.A").await?;
    let noop = Server::noop(desk.account)?;
    let at_noop = Desk { key: KEY.into(), ..desk.clone() };
    let (rounds, warm_up, measured) = match full {
        true => (5, Duration::from_millis(500), Duration::from_secs(2)),
        false => (1, Duration::from_millis(20), Duration::from_millis(100)),
    };
    for (case, way) in CASES {
        if only.is_some_and(|only| !case.contains(only)) {
            continue;
        }
        let (mut ours, mut baseline, mut fsyncs) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 1..=rounds {
            let plan = Plan { way, resting: 1_000, warm_up, measured, seed };
            fsyncs.push(fsync_p50_ns(directory.path(), if full { 200 } else { 5 })?);
            ours.push(watched(&plan, &exchange, &desk).await?);
            baseline.push(watched(&plan, &noop, &at_noop).await?);
        }
        fsyncs.sort_unstable();
        let (Run { figures: ours, server_ns }, baseline) = (median(ours), median(baseline));
        println!(
            "{{\"case\":\"e2e/{case}\",\"ops\":{},\"ns_per_op\":{:.1},\"ops_per_s\":{:.0},\"p50_ns\":{},\"p99_ns\":{},\
             \"p999_ns\":{},\"bytes_per_order\":null,\"baseline_ops_per_s\":{:.0},\"ratio\":{:.3},\"baseline_p50_ns\":{},\
             \"fsync_p50_ns\":{},\"server_ns_per_op\":{server_ns:.0},\"baseline_server_ns_per_op\":{:.0},\
             \"fills_per_100\":{:.1},\"missed_per_100\":{:.2},\"rounds\":{rounds}}}",
            ours.answered,
            1e9 / ours.per_second(),
            ours.per_second(),
            ours.quantile_ns(0.5),
            ours.quantile_ns(0.99),
            ours.quantile_ns(0.999),
            baseline.figures.per_second(),
            ours.per_second() / baseline.figures.per_second(),
            baseline.figures.quantile_ns(0.5),
            fsyncs[fsyncs.len() / 2],
            baseline.server_ns,
            100.0 * ours.fills as f64 / ours.answered as f64,
            100.0 * ours.missed as f64 / ours.answered as f64,
        );
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, account] = &arguments[..]
        && mode == "--noop"
    {
        return serve_noop(account);
    }
    let full = arguments.iter().any(|argument| argument == "--bench");
    let only = arguments.iter().find(|argument| !argument.starts_with('-')).map(String::as_str);
    // One thread: what the client does not take is the server's.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(full, only))
}
