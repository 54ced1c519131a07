//! The program killed under load, again and again: nothing acknowledged is lost, nothing is done twice.
//!
//! What was acknowledged is written down here, outside of the process that dies. Eight callers place orders one by one and a
//! session streams them; each of them repeats after a restart what it does not know the fate of, under the same id or number.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hourbook_api::client::Client;
use hourbook_api::v1::{self, trade_entry, trade_response::Message};
use hourbook_model::{Command as Wish, PlaceOrder};

use crate::venue::{CURRENCY, FREE, MARKET, entry, kind, limit, program, timestamp};

const KILLS: usize = 20;
const CALLERS: usize = 8;
/// Entries in a message of the session, and how many may be unanswered.
const ENTRIES: u64 = 20;
const WINDOW: u64 = 400;
const SESSION: &str = "streamed";

/// `hourbook serve` over a directory, until it is killed.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(directory: &Path) -> Server {
        let mut child = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics", "none", "--data"])
            .arg(directory.join("data"))
            .arg("--config")
            .arg(directory.join("hourbook.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let banner = lines.next().expect("it says where it serves").unwrap();
        let address = format!("http://{}", banner.rsplit(' ').next().unwrap());
        // It has more to say, and must not find the pipe closed.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address }
    }

    /// SIGKILL: nothing of it is left but what it wrote.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The trader, and what it was told: kept outside of the process that is killed.
struct Ledger {
    key: String,
    account: u32,
    symbol: String,
    /// By client order id: the order's number in the exchange, and that of the command.
    acknowledged: BTreeMap<String, (u64, u64)>,
    /// Sent, and no answer came.
    in_doubt: BTreeSet<String>,
    repeated: usize,
    /// The session's entries: the last one sent, and those answered, with the order.
    sent: u64,
    answered: BTreeMap<u64, u64>,
    session_id: u32,
    /// The number of the account's last report.
    reports: u64,
}

/// What a caller did until the process died: answered, and the one that was not.
type Called = (Vec<(String, v1::ExecutionReport)>, Option<String>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times_under_load_it_loses_nothing_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::write(path.join("market.toml"), MARKET).unwrap();
    let settings = format!(
        "market = \"{}\"\n[journal]\nsegment = \"1 MiB\"\nreserve = \"1 MiB\"\nsnapshot_commands = 1000\n",
        path.join("market.toml").display()
    );
    std::fs::write(path.join("hourbook.toml"), settings).unwrap();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124_u64);
    println!("SEED={seed}");
    let mut random = seed | 1;

    let server = Server::start(path);
    let mut ledger = open_account(&server, path).await;
    let mut server = Some(server);
    for round in 0..KILLS {
        let running = match server.take() {
            Some(running) => running,
            None => Server::start(path),
        };
        ledger.settle_doubts(&running).await;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        ledger.trade_until_killed(running, round, Duration::from_millis(60 + random % 240)).await;
    }

    let running = Server::start(path);
    ledger.settle_doubts(&running).await;
    assert!(ledger.in_doubt.is_empty());
    let mut admin = operator(&running, path).await.admin;
    let status = admin.get_status(v1::GetStatusRequest { state_hash: true }).await.unwrap().into_inner();
    running.kill();
    let counts = ledger.audit(&path.join("data"));
    println!(
        "{KILLS} kills: {} calls and {} entries acknowledged, {} repeated after a kill: {} lost, {} doubled",
        ledger.acknowledged.len(),
        ledger.answered.len(),
        ledger.repeated,
        counts.lost,
        counts.doubled
    );
    assert_eq!((counts.lost, counts.doubled), (0, 0));
    assert!(ledger.acknowledged.len() > KILLS * CALLERS && ledger.answered.len() > KILLS);

    let replay = Command::new(program())
        .args(["replay", "--json", "--to", &status.sequence.to_string()])
        .arg(path.join("data"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&replay.stdout).into_owned();
    assert!(told.contains(&status.state_hash), "{told}{}", String::from_utf8_lossy(&replay.stderr));
    let verify = Command::new(program()).args(["journal", "verify"]).arg(path.join("data")).output().unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}

impl Ledger {
    /// Sends again what has no answer, and hears what it missed.
    async fn settle_doubts(&mut self, server: &Server) {
        let client = Client::connect(&server.address, &self.key, None).await.unwrap();
        for id in std::mem::take(&mut self.in_doubt) {
            let answer = client.orders.clone().place_order(self.request(&id)).await.unwrap().into_inner();
            self.repeated += usize::from(answer.repeated);
            self.acknowledge(id, &answer.report.unwrap());
        }
    }

    async fn trade_until_killed(&mut self, server: Server, round: usize, after: Duration) {
        let client = Client::connect(&server.address, &self.key, None).await.unwrap();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (client, name) = (client.clone(), format!("r{round}-c{caller}"));
                let requests: Vec<_> = (0..5_000).map(|n| self.request(&format!("{name}-{n}"))).collect();
                tokio::spawn(call(client, requests))
            })
            .collect();
        let killed = tokio::spawn(async move {
            tokio::time::sleep(after).await;
            server.kill();
        });
        self.stream(&client).await;
        killed.await.unwrap();
        for caller in callers {
            let (answered, in_doubt) = caller.await.unwrap();
            answered.into_iter().for_each(|(id, report)| self.acknowledge(id, &report));
            self.in_doubt.extend(in_doubt);
        }
    }

    /// The session: takes up where it was, and goes on until the process dies.
    async fn stream(&mut self, client: &Client) {
        let logon = v1::Logon {
            account_id: self.account,
            session: SESSION.into(),
            cancel_on_disconnect: false,
            resume_from_number: self.reports + 1,
        };
        // It may die before the session has begun.
        let Ok((mut session, on)) = client.trade(logon).await else { return };
        assert!(self.session_id == 0 || self.session_id == on.session_id, "a name keeps its session");
        self.session_id = on.session_id;
        assert!(on.last_number <= self.sent, "an entry that was never sent");
        let answered = self.answered.last_key_value().map_or(0, |last| *last.0);
        assert!(on.last_number >= answered, "entry {answered} was answered, and is forgotten");
        let mut next = on.last_number + 1;
        loop {
            while next + ENTRIES <= self.answered.last_key_value().map_or(0, |last| *last.0) + WINDOW {
                let entries = (next..next + ENTRIES)
                    .map(|number| entry(number, trade_entry::Request::Place(self.order(number))))
                    .collect();
                self.sent = self.sent.max(next + ENTRIES - 1);
                next += ENTRIES;
                if session.send(entries).await.is_err() {
                    return;
                }
            }
            match session.next().await {
                Ok(Some(Message::Reports(batch))) => {
                    batch.reports.iter().for_each(|report| self.hear(report))
                }
                Ok(Some(Message::Heartbeat(_))) => {}
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn hear(&mut self, report: &v1::ExecutionReport) {
        assert_eq!(report.number, self.reports + 1, "reports are told once and in order, over every restart");
        self.reports = report.number;
        if report.session_id == self.session_id && kind(report) == v1::ReportKind::Accepted {
            let before = self.answered.insert(report.request_number, report.order_id);
            assert_eq!(before, None, "entry {} was accepted twice", report.request_number);
        }
    }

    fn acknowledge(&mut self, id: String, report: &v1::ExecutionReport) {
        let order = (report.order_id, report.sequence);
        let before = self.acknowledged.insert(id.clone(), order);
        assert_eq!(before, None, "{id} was acknowledged before");
    }

    fn request(&self, id: &str) -> v1::PlaceOrderRequest {
        // Sells meet buys; what the session sends lies deeper, and rests.
        let side = if id.len().is_multiple_of(2) { v1::Side::Buy } else { v1::Side::Sell };
        v1::PlaceOrderRequest {
            account_id: self.account,
            client_order_id: id.into(),
            order: Some(limit(side, &self.symbol, 1, 100_000)),
        }
    }

    fn order(&self, number: u64) -> v1::NewOrder {
        limit(v1::Side::Buy, &self.symbol, 1, 50_000 - 100 * (number % 300) as i64)
    }

    /// Holds what was acknowledged against the journal, command by command.
    fn audit(&self, data: &Path) -> Counts {
        let mut by_id: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
        let mut by_number: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        hourbook_sequencer::events(data, 0, |batch| {
            for entry in batch.entries() {
                if let (Wish::PlaceOrder(PlaceOrder { .. }), None, false) =
                    (&entry.command, entry.answer.refused, entry.answer.repeated)
                {
                    let order = entry.answer.order.0;
                    match entry.request.number {
                        0 => {
                            let made = by_id.entry(entry.request.client_id.to_string()).or_default();
                            made.push((order, entry.stamp.seq));
                        }
                        number => by_number.entry(number).or_default().push(order),
                    }
                }
            }
        })
        .unwrap();
        let lost = self
            .acknowledged
            .iter()
            .filter(|told| by_id.get(told.0).is_none_or(|made| !made.contains(told.1)));
        let missing = self
            .answered
            .iter()
            .filter(|told| by_number.get(told.0).is_none_or(|made| !made.contains(told.1)));
        let doubled = by_id.values().filter(|made| made.len() > 1).count();
        let again = by_number.values().filter(|made| made.len() > 1).count();
        Counts { lost: lost.count() + missing.count(), doubled: doubled + again }
    }
}

struct Counts {
    lost: usize,
    doubled: usize,
}

/// Places orders one after the other until no answer comes.
async fn call(client: Client, requests: Vec<v1::PlaceOrderRequest>) -> Called {
    let mut answered = Vec::new();
    for request in requests {
        let id = request.client_order_id.clone();
        match client.orders.clone().place_order(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                assert!(!answer.repeated, "{id} was never sent before");
                answered.push((id, answer.report.unwrap()));
            }
            Err(_) => return (answered, Some(id)),
        }
    }
    (answered, None)
}

async fn operator(server: &Server, path: &Path) -> Client {
    let key = std::fs::read_to_string(path.join("data").join("operator.key")).unwrap();
    Client::connect(&server.address, key.trim(), None).await.unwrap()
}

/// A trader with cash and hours, and limits that it does not meet.
async fn open_account(server: &Server, path: &Path) -> Ledger {
    let Client { mut admin, mut instruments, .. } = operator(server, path).await;
    let id = |what: &str| what.to_owned();
    let made = v1::CreateParticipantRequest { request_id: id("participant"), name: "ann".into() };
    let participant_id = admin.create_participant(made).await.unwrap().into_inner().participant_id;
    let made = v1::CreateAccountRequest { request_id: id("account"), participant_id, name: "ann".into() };
    let account = admin.create_account(made).await.unwrap().into_inner().account_id;
    let issue = v1::IssueKeyRequest {
        request_id: id("key"),
        participant_id,
        account_id: 0,
        role: v1::Role::Provider as i32,
        label: "ann".into(),
    };
    let key = admin.issue_key(issue).await.unwrap().into_inner().key;
    let deposit = v1::DepositRequest {
        request_id: id("cash"),
        account_id: account,
        currency: CURRENCY.into(),
        amount_micros: 1_000_000_000_000,
        reference: String::new(),
    };
    admin.deposit(deposit).await.unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let capacity = v1::DeclareCapacityRequest {
        request_id: id("hours"),
        account_id: account,
        product: FREE.into(),
        start_time: Some(timestamp(hourbook_model::Time((now / 3_600) * 3_600 * 1_000_000_000))),
        hours: 200,
        quantity: 1_000_000,
        attestation: "seen".into(),
    };
    admin.declare_capacity(capacity).await.unwrap();
    let limits = v1::SetLimitsRequest {
        request_id: id("limits"),
        account_id: account,
        commands_per_second: 10_000_000,
        open_order_limit: 1_000_000,
    };
    admin.set_limits(limits).await.unwrap();
    let listed = v1::ListInstrumentsRequest {
        pattern: format!("{FREE}.H*"),
        page_size: 1_000,
        ..v1::ListInstrumentsRequest::default()
    };
    let listed = instruments.list_instruments(listed).await.unwrap().into_inner().instruments;
    let symbol = listed.last().expect("hours are listed").symbol.clone();
    Ledger {
        key,
        account,
        symbol,
        acknowledged: BTreeMap::new(),
        in_doubt: BTreeSet::new(),
        repeated: 0,
        sent: 0,
        answered: BTreeMap::new(),
        session_id: 0,
        reports: 0,
    }
}
