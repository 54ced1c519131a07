//! An exchange in this process, served on loopback: one class, one region, two products, time that stands.

use crate::{Gateway, Pricing, Recorder, Settings, Tls, digest_of, server};
use hourbook_api::client::Client;
use hourbook_api::v1;
use hourbook_history::History;
use hourbook_model::*;
use hourbook_pricing::Params;
use hourbook_sequencer::{Clock, Config, Handle, ManualClock, Sequencer};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// 2026-11-24T00:00Z.
pub const START: Time = Time(1_795_478_400 * Time::SECOND);
pub const OPERATOR: &str = "hb_operator";

/// Parameters of one class in one region, with round numbers: GP in Ningxia is 0.1 USD, 0.7 CNY.
pub static PARAMS: LazyLock<Arc<Params>> =
    LazyLock::new(|| Arc::new(Params::parse(include_str!("params.toml")).unwrap()));

pub struct Venue {
    pub address: SocketAddr,
    pub gateway: Gateway,
    pub handle: Handle,
    pub directory: TempDir,
    pub clock: ManualClock,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<()>,
    writer: Option<JoinHandle<()>>,
}

pub fn class() -> Class {
    Class {
        code: "GP".into(),
        title: "General purpose".into(),
        unit: "vCPU".into(),
        vcpu_milli: 1_000,
        memory_gib_milli: 4_500,
        disk_gb_milli: 0,
        network_mbps: 100,
        benchmark: "PassMark single thread".into(),
        benchmark_score: 1_500,
        families: vec!["N4".into(), "SN1".into()],
        assumptions: vec!["network: no source".into()],
    }
}

pub fn region() -> Region {
    Region {
        code: "CNNX".into(),
        title: "Ningxia".into(),
        jurisdiction: "China".into(),
        pue_milli: 1_100,
        power_usd_micros_per_kwh: 45_000,
        cooling: "outside air".into(),
        energy: "wind and sun".into(),
        assumptions: Vec::new(),
    }
}

pub fn product(symbol: &str) -> Product {
    Product {
        symbol: symbol.parse().unwrap(),
        currency: "CNY".into(),
        tick: Price(100),
        tier: TierTerms { availability_ppm: 950_000, notice: 120 * Time::SECOND, penalty_ppm: 250_000 },
        horizon: Horizon { hours: 24, days: 3, weeks: 1, months: 1 },
        gate_hour: 5 * Time::MINUTE,
        gate_longer: 60 * Time::MINUTE,
        auction: Some(AuctionSchedule {
            call: 230 * Time::MINUTE,
            freeze: 239 * Time::MINUTE,
            uncross: 240 * Time::MINUTE,
        }),
        band: Some(Band { order_ppm: 500_000, trade_ppm: 200_000, call: 5 * Time::MINUTE }),
        reference: Some(Price(1_000_000)),
        max_quantity: Quantity(1_000_000),
        max_notional: Money(1_000_000 * MICROS),
        maker_fee_ppm: 200,
        taker_fee_ppm: 500,
    }
}

impl Venue {
    pub async fn open() -> Venue {
        Venue::with(Settings::default(), false).await
    }

    pub async fn with(settings: Settings, tls: bool) -> Venue {
        let pricing = Pricing { params: Arc::clone(&PARAMS), references: false };
        Venue::priced(settings, tls, pricing).await
    }

    pub async fn priced(settings: Settings, tls: bool, pricing: Pricing) -> Venue {
        let directory = TempDir::new().unwrap();
        let clock = ManualClock::at(START);
        let config = Config {
            clock: Clock::Manual(clock.clone()),
            segment_bytes: 1 << 20,
            reserve_bytes: 0,
            ..Config::new(directory.path().join("journal"))
        };
        let history = History::open(&directory.path().join("history"), Default::default()).unwrap();
        let recorder = Recorder::start(history.clone()).unwrap();
        let (mut sequencer, handle, _) = Sequencer::open(config, vec![Box::new(recorder)]).unwrap();
        let gateway = Gateway::new(sequencer.exchange(), handle.clone(), history, pricing, settings);
        sequencer.subscribe(gateway.subscriber().unwrap());
        let writer = std::thread::spawn(move || sequencer.run().unwrap());

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = tls.then(|| {
            let (certificate, key) = crate::development_certificate(directory.path(), address.ip()).unwrap();
            Tls::from_files(&certificate, &key).unwrap()
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn({
            let gateway = gateway.clone();
            async move {
                let stopped = async { drop(stopped.await) };
                server::serve(&gateway, listener, tls, stopped).await.unwrap();
            }
        });
        let (stop, writer) = (Some(stop), Some(writer));
        let venue = Venue { address, gateway, handle, directory, clock, stop, served, writer };
        venue.define().await;
        venue
    }

    async fn define(&self) {
        self.does(DefineClass { class: class().into() }).await;
        self.does(DefineRegion { region: region().into() }).await;
        for symbol in ["GP.CNNX.A", "GP.CNNX.C"] {
            self.does(DefineProduct { product: product(symbol).into() }).await;
        }
        self.does(CreateParticipant { name: "house".into() }).await;
        let last = self.issue(OPERATOR, ParticipantId(1), AccountId(0), Role::Operator).await;
        self.gateway.0.seen(last).await;
    }

    /// Has a command done, past every gate; its number.
    pub async fn does(&self, command: impl Into<Command>) -> u64 {
        let receipt = self.handle.submit(Request::default(), command.into()).await.unwrap();
        assert_eq!(receipt.answer.refused, None, "{:?}", receipt.command);
        receipt.stamp.seq
    }

    pub async fn issue(&self, key: &str, participant: ParticipantId, account: AccountId, role: Role) -> u64 {
        let digest = digest_of(key);
        let label = format!("{role:?}");
        self.does(IssueKey { participant, account, role, digest, label }).await
    }

    pub async fn client(&self, key: &str) -> Client {
        Client::connect(&format!("http://{}", self.address), key, None).await.unwrap()
    }

    /// A client that speaks no TLS, once it has been answered.
    pub async fn client_plain(&self, key: &str) -> Result<(), tonic::Status> {
        let client = Client::connect(&format!("http://{}", self.address), key, None).await;
        let client = client.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
        client.accounts.clone().list_accounts(v1::ListAccountsRequest::default()).await.map(drop)
    }

    /// A participant with one account, a thousand CNY and capacity, and a key of that role: the account
    /// and the key.
    pub async fn trader(&self, name: &str, role: Role) -> (u32, String) {
        let participant =
            self.handle.submit(Request::default(), CreateParticipant { name: name.into() }.into());
        let participant = ParticipantId(participant.await.unwrap().answer.number as u32);
        let account = CreateAccount { participant, name: name.into() };
        let account =
            self.handle.submit(Request::default(), account.into()).await.unwrap().answer.number as u32;
        let id = AccountId(account);
        let amount = Money(1_000 * MICROS);
        self.does(Deposit { account: id, currency: "CNY".into(), amount, reference: String::new() }).await;
        let product = self.handle.read(|exchange| exchange.products().next().unwrap().0).await.unwrap();
        let (from, hours, quantity) = (START.hour(), 48, Quantity(1_000));
        let attestation = "seen".into();
        self.does(DeclareCapacity { account: id, product, from, hours, quantity, attestation }).await;
        let key = format!("hb_{name}");
        let last = self.issue(&key, participant, AccountId(0), role).await;
        self.gateway.0.seen(last).await;
        (account, key)
    }

    /// Ends it in order, and says whether that came about in time.
    pub async fn close(mut self) -> bool {
        drop(self.stop.take());
        let ended = tokio::time::timeout(Duration::from_secs(20), &mut self.served).await.is_ok();
        self.handle.drain();
        let writer = self.writer.take().unwrap();
        tokio::task::spawn_blocking(move || writer.join().unwrap()).await.unwrap();
        ended
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        // The directory goes when nobody writes there any more.
        self.handle.drain();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// A good-till-cancelled limit order.
pub fn limit(symbol: &str, side: v1::Side, quantity: i64, price_micros: i64) -> v1::NewOrder {
    v1::NewOrder {
        symbol: symbol.into(),
        side: side as i32,
        order_type: v1::OrderType::Limit as i32,
        price_micros,
        quantity,
        ..v1::NewOrder::default()
    }
}
