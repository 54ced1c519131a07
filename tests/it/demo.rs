//! `hourbook demo`: a market that makes itself, the same for the same seed, and open to whoever joins.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hourbook::demo::{Plan, Screen, Summary, play};
use hourbook_api::client::Client;
use hourbook_api::v1;
use hourbook_model::Time;
use hourbook_sequencer::{Start, replay};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::proxy::{self, Proxy};
use crate::venue::{limit, program};

/// What is shown, kept.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The word behind another, once it is there.
    async fn word_after(&self, word: &str) -> String {
        for _ in 0..1_000 {
            let text = self.text();
            if let Some((_, rest)) = text.split_once(word) {
                return rest.split_whitespace().next().unwrap_or_default().trim_end_matches(',').to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("`{word}` is never shown: {}", self.text());
    }
}

/// As many turns as are asked for, however long they take.
fn plan(data: &Path, seed: u64, turns: u32) -> Plan {
    Plan {
        turns: Some(turns),
        pace: Duration::ZERO,
        most: None,
        speed: 600,
        seed,
        instruments: 116,
        data: data.into(),
        listen: "127.0.0.1:0".parse().unwrap(),
    }
}

/// One that is played until it is told to stop.
struct Open {
    shown: Shown,
    stop: oneshot::Sender<()>,
    playing: JoinHandle<anyhow::Result<Summary>>,
}

impl Open {
    fn begin(plan: Plan) -> Open {
        let shown = Shown::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let mut screen = Screen::to(shown.clone());
        let plan = Plan { turns: None, ..plan };
        let playing =
            tokio::spawn(async move { play(&plan, &mut screen, async { _ = stopped.await }).await });
        Open { shown, stop, playing }
    }

    /// Where it is, and the key of whoever wants to trade.
    async fn invitation(&self) -> (String, String) {
        (self.shown.word_after(" demo on ").await, self.shown.word_after("--key ").await)
    }

    async fn end(self) -> Summary {
        self.stop.send(()).unwrap();
        self.playing.await.unwrap().unwrap()
    }
}

/// Played alone.
async fn played(seed: u64, turns: u32) -> Summary {
    let place = tempfile::tempdir().unwrap();
    let plan = plan(place.path(), seed, turns);
    let summary = play(&plan, &mut Screen::to(Shown::default()), std::future::pending()).await.unwrap();
    let replayed = replay(place.path(), Start::Nothing, None, |_, _| {}).unwrap();
    assert_eq!(hex(&replayed.state_hash), summary.state_hash, "a replay comes to what was told");
    summary
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_market() {
    let (first, again) = (played(7, 40).await, played(7, 40).await);
    assert_eq!(first.state_hash, again.state_hash);
    assert_eq!((first.orders, first.trades, first.commands), (again.orders, again.trades, again.commands));
    let other = played(8, 40).await;
    assert_ne!(first.state_hash, other.state_hash);
    for summary in [first, other] {
        assert!(summary.two_sided_share >= 0.95, "{summary}");
        assert!(summary.trades > 40, "{summary}");
        assert_eq!(summary.ledger_sum_micros, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_printed_key_joins() {
    let place = tempfile::tempdir().unwrap();
    let demo = Open::begin(plan(place.path(), 1, 0));
    let (address, key) = demo.invitation().await;
    let account = demo.shown.word_after("(account ").await.trim_end_matches(')').parse().unwrap();
    let client = Client::connect(&address, &key, None).await.unwrap();
    let request = v1::ListInstrumentsRequest {
        pattern: "GP.CNNX.A.D*".into(),
        status: v1::InstrumentStatus::Continuous as i32,
        ..Default::default()
    };
    let days = client.instruments.clone().list_instruments(request).await.unwrap().into_inner().instruments;
    let day = days.last().expect("days are listed");
    let best = day.reference_price_micros * 13 / 10;
    let order = v1::PlaceOrderRequest {
        account_id: account,
        client_order_id: "mine".into(),
        order: Some(limit(v1::Side::Buy, &day.symbol, 1, best - best % day.tick_micros)),
    };
    let bought = client.orders.clone().place_order(order).await.unwrap().into_inner();
    assert_eq!(bought.fills.len(), 1, "the makers' ask is there: {bought:?}");

    // Stopped, it ends in order, and what the visitor did is in its journal.
    drop(client);
    let summary = demo.end().await;
    assert_eq!(summary.ledger_sum_micros, 0);
    let replayed = replay(place.path(), Start::Nothing, None, |_, _| {}).unwrap();
    assert_eq!(hex(&replayed.state_hash), summary.state_hash);
    assert_eq!(replayed.time.0 % (60 * Time::SECOND), 0, "time is what the demo made of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_of_it_leads_to_its_own_books_from_any_point() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("demo");
    let demo = Open::begin(Plan { pace: Duration::from_millis(100), ..plan(&data, 3, 0) });
    let (address, key) = demo.invitation().await;

    let file = place.path().join("hour.feed");
    let record = |more: &[&str]| {
        let mut command = Command::new(program());
        command.args(["ctl", "--address", &address, "--key", &key, "record"]).arg(&file).args(more);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let recorded = record(&["*", "--seconds", "4", "--cuts", "40", "--seed", "5", "--json"]).await.unwrap();
    let (told, said) =
        (String::from_utf8(recorded.stdout).unwrap(), String::from_utf8(recorded.stderr).unwrap());
    assert!(recorded.status.success(), "{told}{said}");
    assert!(said.contains("of 4 s"), "{said}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["differences"], &told["cuts"], &told["seed"]),
        (&0.into(), &40.into(), &5.into()),
        "{told}"
    );
    let books = told["books_compared"].as_u64().unwrap() + told["over"].as_u64().unwrap();
    assert!(books > 4 * 40, "a newcomer follows one instrument, and several that have just changed: {told}");
    assert!(told["changes_checked"].as_u64() > Some(80), "{told}");
    assert!(told["market_seconds"].as_f64() > Some(60.0), "{told}");
    assert_eq!(told["bytes"], std::fs::metadata(&file).unwrap().len());

    // Elsewhere than on a terminal, too, all of it is shown.
    let shown = demo.shown.text();
    for part in ["starting: ", "top of book", "last trades", "by hour of delivery", "ratings", "answered in"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    // In sentences for people; what is not listed is refused by name.
    let recorded = record(&["GP.*", "--seconds", "1", "--cuts", "3"]).await.unwrap();
    let told = String::from_utf8(recorded.stdout).unwrap();
    assert!(told.contains("of 3 points") && told.ends_with("0 differences\n"), "{told}");
    let refused = record(&["No.Such", "--seconds", "1"]).await.unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let refused = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.contains("patterns"), "{refused}");

    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_over_a_line_that_breaks_goes_on_and_leads_to_the_same_books() {
    const MOST: u64 = 12;
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("demo");
    let demo = Open::begin(Plan { pace: Duration::from_millis(100), ..plan(&data, 4, 0) });
    let (address, key) = demo.invitation().await;
    let proxy =
        Proxy::to(address.trim_start_matches("http://").parse().unwrap(), 0, 60_000, proxy::seed()).await;

    let mut command = Command::new(program());
    command.args(["ctl", "--address", &format!("http://{}", proxy.address), "--key", &key, "record"]);
    command.arg(place.path().join("hour.feed")).args(["*", "--seconds", "6", "--cuts", "40", "--json"]);
    let recorded = tokio::task::spawn_blocking(move || command.output().unwrap());
    // Once it has begun.
    tokio::time::sleep(Duration::from_secs(2)).await;
    proxy.most.store(MOST, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3)).await;
    proxy.most.store(0, Ordering::SeqCst);
    let recorded = recorded.await.unwrap();
    let (told, said) =
        (String::from_utf8(recorded.stdout).unwrap(), String::from_utf8(recorded.stderr).unwrap());
    assert!(recorded.status.success(), "{told}{said}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(told["changes_checked"].as_u64() > Some(80), "{told}");
    let books = told["books_compared"].as_u64().unwrap() + told["over"].as_u64().unwrap();
    assert!(books > 4 * 40, "a newcomer follows one instrument, and several that have just changed: {told}");
    assert!(proxy.cuts() > 0 && told["reconnects"].as_u64() > Some(0), "{told}{said}");
    assert_eq!((&told["differences"], &told["cuts"]), (&0.into(), &40.into()), "{told}{said}");
    assert!(said.contains("the connection broke behind number") && said.contains("goes on after"), "{said}");

    demo.end().await;
}

#[test]
fn the_program_tells_a_summary_that_its_journal_bears_out() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("demo");
    let demo = |more: &[&str]| {
        Command::new(program()).arg("demo").arg("--data").arg(&data).args(more).output().unwrap()
    };
    let played = demo(&["--seconds", "2", "--instruments", "58", "--json", "--listen", "127.0.0.1:0"]);
    let (told, shown) =
        (String::from_utf8(played.stdout).unwrap(), String::from_utf8(played.stderr).unwrap());
    assert!(played.status.success(), "{shown}");
    assert_eq!(told.lines().count(), 1, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(told["two_sided_share"].as_f64() >= Some(0.95), "{told}");
    assert!(told["volume_by_class"].is_object() && told["mean_spread_bp"].as_f64() > Some(0.0), "{told}");
    assert_eq!(told["ledger_sum_micros"], 0);
    assert_eq!(told["journal_dir"], data.to_str().unwrap());
    assert!(shown.contains("ctl --address http://127.0.0.1:") && shown.contains("two-sided"), "{shown}");

    let replayed = Command::new(program()).args(["replay", "--json"]).arg(&data).output().unwrap();
    let replayed: serde_json::Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!(replayed["state_hash"], told["state_hash"]);

    // What stands somewhere is not written over; keys that a seed gives are for this machine only.
    let refused = String::from_utf8(demo(&[]).stderr).unwrap();
    assert!(refused.contains("holds something already"), "{refused}");
    let data = place.path().join("other");
    let open = Command::new(program())
        .args(["demo", "--listen", "0.0.0.0:0", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(!open.status.success());
    assert!(String::from_utf8(open.stderr).unwrap().contains("--listen: 0.0.0.0:0 can be reached by others"));
    assert!(!data.exists(), "nothing was made");
}
