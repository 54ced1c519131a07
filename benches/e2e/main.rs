//! The exchange end to end, over one connection on loopback, against a server that does nothing: A B A B, medians.
//!
//! Both servers are processes of their own and share the cores with the client, which is a customer like any other: one
//! account, funded, with capacity and without a limit on its rate, in one book of about 1,000 live orders. The mix is
//! exchange-core's: 9 % new orders, 3 % IOC that trade, 6 % cancels, 82 % amendments. Every answer is checked.
//!
//! `unary-256`: 256 calls at once. `stream-1`, `stream-1024`: one `Trade` session, messages of one entry, so many
//! unanswered. `batch-100`: messages of 100 entries, 16 unanswered. `fsync_p50_ns` is a write of 4 KiB over zeros and its
//! fdatasync, on the same disk in the same run. Under `cargo bench` in full, under `cargo test` small, to see that it runs.

use anyhow::ensure;
use hourbook::load::{Server, noop_key};
use hourbook_load::{Customer, Desk, Figures, Mix, Pace, Plan, Progress, UNREAD, Wanted, Way, set_up};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

const CASES: [(&str, Way); 4] = [
    ("unary-256", Way::Unary { calls: 256 }),
    ("stream-1", Way::Session { entries: 1, messages: 1 }),
    ("stream-1024", Way::Session { entries: 1, messages: 1_024 }),
    ("batch-100", Way::Session { entries: 100, messages: 16 }),
];

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// From an empty book to an empty one.
async fn watched(
    plan: Plan,
    (warm_up, measured): (Duration, Duration),
    server: &Server,
    desk: &Desk,
) -> anyhow::Result<Run> {
    let before = server.processor_ticks()?;
    let desks = std::slice::from_ref(desk);
    let mut customer = Customer::connect(plan, &server.address, desks, Progress::default()).await?;
    customer.fill().await?;
    let figures = customer.round(warm_up, measured).await?;
    let ticks = server.processor_ticks()? - before;
    customer.end().await?;
    ensure!(figures.errors == 0 && figures.rejected_in_all() == figures.missed(), "{:?}", figures.rejects);
    Ok(Run { server_ns: ticks as f64 * 1e7 / figures.requests as f64, figures })
}

/// The run whose rate is in the middle.
fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|a, b| a.figures.per_second().total_cmp(&b.figures.per_second()));
    runs.swap_remove(runs.len() / 2)
}

async fn measure(full: bool, only: Option<&str>) -> anyhow::Result<()> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let program = Path::new(env!("CARGO_BIN_EXE_hourbook"));
    let (exchange, operator) = Server::exchange(program, &directory.path().join("data"), None, false)?;
    let products = "GP.CNNX.A".into();
    let wanted = Wanted { products, books: 1, desks: 1, open_orders: 1_000_000, quotes: false };
    let (desks, _) = set_up(&exchange.address, &operator, None, &wanted).await?;
    let desk = &desks[0];
    let noop = Server::noop(program, &[desk.account])?;
    let at_noop = Desk { key: noop_key(desk.account), keeps_reports: false, ..desk.clone() };
    let (rounds, times) = match full {
        true => (5, (Duration::from_millis(500), Duration::from_secs(2))),
        false => (1, (Duration::from_millis(20), Duration::from_millis(100))),
    };
    for (case, way) in CASES {
        if only.is_some_and(|only| !case.contains(only)) {
            continue;
        }
        let (mut ours, mut baseline, mut fsyncs) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 1..=rounds {
            let plan =
                Plan { way, pace: Pace::Full, mix: Mix::ExchangeCore, resting: 1_000, seed, unread: UNREAD };
            fsyncs.push(fsync_p50_ns(directory.path(), if full { 200 } else { 5 })?);
            ours.push(watched(plan, times, &exchange, desk).await?);
            baseline.push(watched(plan, times, &noop, &at_noop).await?);
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
            100.0 * ours.missed() as f64 / ours.answered as f64,
        );
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let full = arguments.iter().any(|argument| argument == "--bench");
    let only = arguments.iter().find(|argument| !argument.starts_with('-')).map(String::as_str);
    // One thread: what the client does not take is the server's.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(full, only))
}
