//! A whole exchange in this process: on a port of its own, over a directory of its own, with a clock that stands
//! until it is moved. What `serve` starts is started here, with a market of three products.
//!
//! `Venue::open` begins at [`OPENING`], `with` under other settings; `member` makes a participant with an account, a key and a client;
//! `pass` moves the clock and waits until what was due is done; `restart` ends it in order and starts it
//! again; `crash` starts it again from a copy of what was on the disk at that moment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hourbook::config::{Config, Flags};
use hourbook::serve::{self, Running};
use hourbook_api::client::{Client, TradeStream};
use hourbook_api::v1;
use hourbook_model::{Hour, Period, PeriodKind, Time};
use hourbook_sequencer::{Clock, ManualClock, Replayed, Start, replay};
use tempfile::TempDir;

/// Tuesday, 2026-11-24T08:30:00Z.
pub const OPENING: Time = Time(1_795_509_000 * Time::SECOND);

pub const CURRENCY: &str = "CNY";
/// The product of most stories: firm, with a daily auction and a band around its reference of 0.1000.
pub const PRODUCT: &str = "GP.CNNX.A";
/// The same without auction and band: whatever is asked for may trade.
pub const FREE: &str = "GP.CNNX.B";

pub const MARKET: &str = r#"
[terms]
currency = "CNY"
tick = { vCPU = "0.0001", GPU = "0.01", FPGA = "0.01" }
horizon = { hours = 48, days = 9, weeks = 1, months = 0 }
auction = { call = "03:50", freeze = "03:59", uncross = "04:00" }
band = { order = "50 %", trade = "20 %", call = "5m" }
max_quantity = 1_000_000
max_notional = 100_000_000
maker_fee = "0 %"
taker_fee = "1 %"

[tiers.A]
availability = "99.95 %"
notice = "0s"
penalty = "100 %"
gate_hour = "5m"
gate_longer = "1h"

[tiers.B]
availability = "99.5 %"
notice = "0s"
penalty = "50 %"
gate_hour = "5m"
gate_longer = "1h"

[classes.GP]
title = "general purpose"
unit = "vCPU"
vcpu = 1
memory_gib = 4
disk_gb = 0
network_mbps = 100
benchmark = "none"
benchmark_score = 0
families = ["n4"]

[regions.CNNX]
title = "Ningxia"
jurisdiction = "CN"
pue = "1.1"
power_usd_per_kwh = "0.05"
cooling = "not known"
energy = "not known"

[products]
"GP.CNNX.A" = { reference = "0.1" }
"GP.CNNX.B" = { auction = "none", band = "none", taker_fee = "0 %" }
"#;

/// A running exchange.
pub struct Venue {
    pub directory: TempDir,
    pub clock: ManualClock,
    config: Config,
    running: Option<Running>,
}

/// A participant with one account, and a client under its key.
pub struct Member {
    pub client: Client,
    pub account: u32,
    pub key: String,
    ids: std::sync::atomic::AtomicU64,
}

impl Venue {
    pub async fn open() -> Venue {
        Venue::with("").await
    }

    /// One with these settings, written as in its file.
    pub async fn with(settings: &str) -> Venue {
        let directory = tempfile::tempdir().unwrap();
        let market = directory.path().join("market.toml");
        std::fs::write(&market, MARKET).unwrap();
        let file = directory.path().join("hourbook.toml");
        // Stories reckon with the references of their market, unless they are about prices.
        let unpriced = if settings.contains("[pricing]") { "" } else { "\n[pricing]\nreferences = false\n" };
        std::fs::write(&file, format!("{settings}{unpriced}")).unwrap();
        let flags = Flags {
            config: Some(file),
            data: Some(directory.path().join("data")),
            listen: Some("127.0.0.1:0".parse().unwrap()),
            metrics: Some("none".into()),
            market: Some(market),
            ..Flags::default()
        };
        let mut config = Config::resolve(&flags).unwrap();
        config.journal.segment_bytes = 1 << 20;
        config.journal.reserve_bytes = 1 << 20;
        config.drain = Duration::from_secs(2);
        let clock = ManualClock::at(OPENING);
        let running = serve::start(&config, Clock::Manual(clock.clone())).await.unwrap();
        Venue { directory, clock, config, running: Some(running) }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("between stop and start nothing is asked")
    }

    pub fn data(&self) -> &Path {
        &self.config.data
    }

    pub async fn client(&self, key: &str) -> Client {
        Client::connect(&format!("http://{}", self.running().address), key, None).await.unwrap()
    }

    /// A client under the operator's key that the first start wrote.
    pub async fn operator(&self) -> Client {
        let key = std::fs::read_to_string(self.data().join(serve::OPERATOR_KEY)).unwrap();
        self.client(key.trim()).await
    }

    /// Moves the clock, and waits until whatever is due by then is done.
    pub async fn pass(&self, by: Duration) {
        self.clock.advance(by);
        self.settle().await;
    }

    /// The same up to a time of day, today or tomorrow.
    pub async fn pass_to(&self, hour: i64, minute: i64) {
        let now = self.clock.now();
        let at = Time(now.day() * Time::DAY + hour * Time::HOUR + minute * Time::MINUTE);
        self.clock.set(if at > now { at } else { at.plus_nanos(Time::DAY) });
        self.settle().await;
    }

    async fn settle(&self) {
        let handle = &self.running().handle;
        let now = self.clock.now();
        loop {
            handle.wake();
            let due = handle.read(move |exchange| exchange.next_due().is_some_and(|due| due <= now));
            if !due.await.unwrap() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends it in order.
    pub async fn stop(&mut self) {
        self.running.take().expect("it runs").stop().await.unwrap();
    }

    /// The fault that has stopped it, as `serve` tells it.
    pub async fn fault(&mut self) -> String {
        let running = self.running.as_mut().expect("it runs");
        let ended = tokio::time::timeout(Duration::from_secs(20), running.ended());
        format!("{:#}", ended.await.expect("an end within 20 s").expect_err("a fault, not a drain"))
    }

    pub async fn start(&mut self) {
        let clock = Clock::Manual(self.clock.clone());
        self.running = Some(serve::start(&self.config, clock).await.unwrap());
    }

    /// Ends it, waits for what is to happen meanwhile, and starts it again where it was, for clients that come back by themselves. Somebody else may have its
    /// port for a moment.
    pub async fn away(&mut self, meanwhile: impl Future<Output = ()>) {
        self.config.listen = self.running().address;
        self.stop().await;
        meanwhile.await;
        for _ in 0..100 {
            match serve::start(&self.config, Clock::Manual(self.clock.clone())).await {
                Ok(running) => return self.running = Some(running),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("its port was taken for ten seconds");
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Starts it again from what was on the disk at this moment, as after a power cut; the one that ran is ended, and
    /// what it still writes is lost.
    pub async fn crash(&mut self) {
        let copy = self.directory.path().join("copy");
        std::fs::create_dir(&copy).unwrap();
        for entry in std::fs::read_dir(self.data()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
        // What history had open is not whole in a copy; it is derived.
        let _ = std::fs::remove_file(copy.join("history.redb"));
        self.stop().await;
        std::fs::remove_dir_all(self.data()).unwrap();
        std::fs::rename(&copy, self.data()).unwrap();
        self.start().await;
    }

    /// What a second exchange over the same directory is told.
    pub async fn start_another(&self) -> String {
        let clock = Clock::Manual(self.clock.clone());
        match serve::start(&self.config, clock).await {
            Ok(_) => panic!("one directory is held by one exchange"),
            Err(error) => format!("{error:#}"),
        }
    }

    /// Number and digest of the live state.
    pub async fn state(&self) -> (u64, [u8; 32]) {
        let (stamp, hash) = self.running().handle.state_hash().await.unwrap();
        (stamp.seq, hash)
    }

    /// The journal from its first command, through a machine of its own.
    pub fn replayed(&self, to: u64) -> Replayed {
        replay(self.data(), Start::Nothing, Some(to), |_, _| {}).unwrap()
    }

    /// Holds every promise of the machine against its whole state.
    pub async fn check(&self) {
        self.running().handle.read(|exchange| exchange.check()).await.unwrap();
    }

    // --- members ---

    /// A participant with an account and a key of this role, without money or hours.
    pub async fn member(&self, name: &str, role: v1::Role) -> Member {
        let mut admin = self.operator().await.admin;
        let request_id = |what: &str| format!("{what} {name}");
        let participant = admin
            .create_participant(v1::CreateParticipantRequest {
                request_id: request_id("participant"),
                name: name.into(),
            })
            .await
            .unwrap()
            .into_inner()
            .participant_id;
        let account = admin
            .create_account(v1::CreateAccountRequest {
                request_id: request_id("account"),
                participant_id: participant,
                name: name.into(),
            })
            .await
            .unwrap()
            .into_inner()
            .account_id;
        let key = admin
            .issue_key(v1::IssueKeyRequest {
                request_id: request_id("key"),
                participant_id: participant,
                account_id: 0,
                role: role as i32,
                label: name.into(),
            })
            .await
            .unwrap()
            .into_inner()
            .key;
        let client = self.client(&key).await;
        Member { client, account, key, ids: Default::default() }
    }

    /// A trader with so much money, in whole units of the currency.
    pub async fn buyer(&self, name: &str, money: i64) -> Member {
        let member = self.member(name, v1::Role::Trader).await;
        let deposit = v1::DepositRequest {
            request_id: format!("money {name}"),
            account_id: member.account,
            currency: CURRENCY.into(),
            amount_micros: money * 1_000_000,
            reference: String::new(),
        };
        self.operator().await.admin.deposit(deposit).await.unwrap();
        member
    }

    /// A provider that may sell so many lots of both products in each of the next 200 hours.
    pub async fn seller(&self, name: &str, lots: i64) -> Member {
        let member = self.member(name, v1::Role::Provider).await;
        for product in [PRODUCT, FREE] {
            let capacity = v1::DeclareCapacityRequest {
                request_id: format!("{product} {name}"),
                account_id: member.account,
                product: product.into(),
                start_time: Some(timestamp(self.clock.now().hour().start())),
                hours: 200,
                quantity: lots,
                attestation: "seen".into(),
            };
            self.operator().await.admin.declare_capacity(capacity).await.unwrap();
        }
        member
    }

    /// The symbol of the hour that begins so many hours after the present one's end.
    pub fn hour(&self, product: &str, ahead: u32) -> String {
        let hour = Hour(self.clock.now().hour().0 + 1 + ahead);
        format!("{product}.{}", Period::holding(PeriodKind::Hour, hour))
    }

    /// The symbol of the day that begins so many days after today's end.
    pub fn day(&self, product: &str, ahead: u32) -> String {
        let tomorrow = Hour((self.clock.now().day() as u32 + 1 + ahead) * 24);
        format!("{product}.{}", Period::holding(PeriodKind::Day, tomorrow))
    }

    pub async fn book(&self, symbol: &str) -> v1::GetBookResponse {
        let request = v1::GetBookRequest { symbol: symbol.into(), ..Default::default() };
        self.operator().await.market_data.get_book(request).await.unwrap().into_inner()
    }
}

impl Member {
    /// A client again, after the exchange was started anew.
    pub async fn reconnect(&mut self, venue: &Venue) {
        self.client = venue.client(&self.key).await;
    }

    /// A client id that this member has not used.
    pub fn id(&self) -> String {
        let number = self.ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{}-{number}", self.account)
    }

    pub async fn place(&self, order: v1::NewOrder) -> v1::PlaceOrderResponse {
        let request = v1::PlaceOrderRequest {
            account_id: self.account,
            client_order_id: self.id(),
            order: Some(order),
        };
        self.client.orders.clone().place_order(request).await.unwrap().into_inner()
    }

    pub async fn buy(&self, symbol: &str, lots: i64, price: i64) -> v1::PlaceOrderResponse {
        self.place(limit(v1::Side::Buy, symbol, lots, price)).await
    }

    pub async fn sell(&self, symbol: &str, lots: i64, price: i64) -> v1::PlaceOrderResponse {
        self.place(limit(v1::Side::Sell, symbol, lots, price)).await
    }

    pub async fn cancel(&self, order_id: u64) -> v1::ExecutionReport {
        let request = v1::CancelOrderRequest {
            account_id: self.account,
            request_id: self.id(),
            order: by_id(order_id),
        };
        self.client.orders.clone().cancel_order(request).await.unwrap().into_inner().report.unwrap()
    }

    pub async fn balance(&self) -> v1::Balance {
        let request = v1::GetBalancesRequest { account_id: self.account };
        let answer = self.client.accounts.clone().get_balances(request).await.unwrap().into_inner();
        answer.balances.into_iter().next().unwrap_or_default()
    }

    pub async fn positions(&self) -> Vec<(String, i64)> {
        let request = v1::ListPositionsRequest { account_id: self.account, ..Default::default() };
        let answer = self.client.accounts.clone().list_positions(request).await.unwrap().into_inner();
        answer.positions.into_iter().map(|one| (one.symbol, one.units)).collect()
    }

    pub async fn order(&self, order_id: u64) -> v1::Order {
        let request = v1::GetOrderRequest { account_id: self.account, order: by_id(order_id) };
        self.client.orders.clone().get_order(request).await.unwrap().into_inner().order.unwrap()
    }

    pub async fn open_orders(&self) -> Vec<v1::Order> {
        let request = v1::ListOrdersRequest { account_id: self.account, ..Default::default() };
        self.client.orders.clone().list_orders(request).await.unwrap().into_inner().orders
    }

    /// Logs a session on.
    pub async fn trade(&self, logon: v1::Logon) -> Trading {
        let logon = v1::Logon { account_id: self.account, ..logon };
        let (session, logged_on) = self.client.trade(logon).await.unwrap();
        Trading { session, logged_on, reports: Vec::new() }
    }
}

/// A session that is logged on, and the reports that it has received.
pub struct Trading {
    pub session: TradeStream,
    pub logged_on: v1::LoggedOn,
    pub reports: Vec<v1::ExecutionReport>,
}

impl Trading {
    /// Reads on until a report fits, unless the last one does, and gives it; whatever else is said on the way must be a heartbeat.
    pub async fn until(&mut self, fits: impl Fn(&v1::ExecutionReport) -> bool) -> v1::ExecutionReport {
        use v1::trade_response::Message;
        if let Some(known) = self.reports.last().filter(|report| fits(report)) {
            return known.clone();
        }
        loop {
            match self.next().await {
                Some(Message::Reports(batch)) => {
                    let found = batch.reports.iter().find(|report| fits(report)).cloned();
                    self.reports.extend(batch.reports);
                    if let Some(found) = found {
                        return found;
                    }
                }
                other => panic!("a report was awaited, not {other:?}"),
            }
        }
    }

    /// The next thing said that is no heartbeat.
    pub async fn next(&mut self) -> Option<v1::trade_response::Message> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.session.next());
            match next.await.expect("an answer within 20 s").unwrap() {
                Some(v1::trade_response::Message::Heartbeat(_)) => {}
                other => return other,
            }
        }
    }

    /// The numbers of all reports so far, which must follow one another.
    pub fn numbers(&self) -> Vec<u64> {
        self.reports.iter().map(|report| report.number).collect()
    }
}

// --- messages ---

pub fn timestamp(time: Time) -> prost_types::Timestamp {
    hourbook_api::convert::timestamp(time)
}

/// A limit order; `price` in micros.
pub fn limit(side: v1::Side, symbol: &str, quantity: i64, price: i64) -> v1::NewOrder {
    v1::NewOrder {
        symbol: symbol.into(),
        side: side as i32,
        order_type: v1::OrderType::Limit as i32,
        quantity,
        price_micros: price,
        ..Default::default()
    }
}

pub fn by_id(order_id: u64) -> Option<v1::OrderName> {
    Some(v1::OrderName { name: Some(v1::order_name::Name::OrderId(order_id)) })
}

/// An entry of a session.
pub fn entry(number: u64, request: v1::trade_entry::Request) -> v1::TradeEntry {
    v1::TradeEntry { number, client_order_id: String::new(), request: Some(request) }
}

pub fn kind(report: &v1::ExecutionReport) -> v1::ReportKind {
    v1::ReportKind::try_from(report.kind).unwrap()
}

/// The program, as users run it.
pub fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_hourbook").into()
}
