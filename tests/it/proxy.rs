//! A way to the exchange that breaks where chance says, and what the stories about it share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hourbook_api::client::Client;
use hourbook_api::v1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::venue::{Member, Venue};

pub const CUTS: u64 = 100;

/// The seed of a run: printed, and taken from the environment.
pub fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124_u64);
    println!("SEED={seed}");
    seed
}

/// Numbers that look random, and are the same for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % most
    }
}

pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_secs(60), future).await;
    waited.unwrap_or_else(|_| panic!("{what}: nothing within 60 s"))
}

/// Stands between a client and the exchange, and cuts each connection after so many bytes, wherever that is.
pub struct Proxy {
    pub address: SocketAddr,
    pub target: Arc<watch::Sender<SocketAddr>>,
    /// Cuts so far, and how many there are to be.
    pub cuts: Arc<AtomicU64>,
    pub most: Arc<AtomicU64>,
    /// While it holds, bytes are swallowed and nobody is told.
    pub is_deaf: Arc<AtomicBool>,
}

impl Proxy {
    /// The first `most` connections are cut after a random number of bytes below `bytes`.
    pub async fn before(venue: &Venue, most: u64, bytes: u64, seed: u64) -> Proxy {
        Proxy::to(venue.running().address, most, bytes, seed).await
    }

    /// The same before an exchange at an address.
    pub async fn to(target: SocketAddr, most: u64, bytes: u64, seed: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            address: listener.local_addr().unwrap(),
            target: Arc::new(watch::Sender::new(target)),
            cuts: Arc::default(),
            most: Arc::new(AtomicU64::new(most)),
            is_deaf: Arc::default(),
        };
        let (target, cuts, most) = (proxy.target.clone(), proxy.cuts.clone(), proxy.most.clone());
        let is_deaf = proxy.is_deaf.clone();
        let mut random = Random::new(seed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let budget = 500 + random.below(bytes);
                let (target, cuts, most) = (target.clone(), cuts.clone(), most.clone());
                tokio::spawn(carry(client, target, cuts, most, is_deaf.clone(), budget));
            }
        });
        proxy
    }

    pub async fn client(&self, member: &Member) -> Client {
        Client::connect(&format!("http://{}", self.address), &member.key, None).await.unwrap()
    }

    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }
}

/// Carries bytes both ways until the budget is spent.
async fn carry(
    mut client: TcpStream,
    target: Arc<watch::Sender<SocketAddr>>,
    cuts: Arc<AtomicU64>,
    most: Arc<AtomicU64>,
    is_deaf: Arc<AtomicBool>,
    mut budget: u64,
) {
    let to = *target.borrow();
    let Ok(mut exchange) = TcpStream::connect(to).await else { return };
    let (mut up, mut down) = (vec![0; 4_096], vec![0; 4_096]);
    loop {
        let is_limited = cuts.load(Ordering::SeqCst) < most.load(Ordering::SeqCst);
        let room = if is_limited { budget.clamp(1, 4_096) as usize } else { 4_096 };
        let (count, from_client) = tokio::select! {
            count = client.read(&mut up[..room]) => (count.unwrap_or(0), true),
            count = exchange.read(&mut down[..room]) => (count.unwrap_or(0), false),
        };
        if count == 0 {
            return;
        }
        if is_deaf.load(Ordering::SeqCst) {
            continue;
        }
        let sent = match from_client {
            true => exchange.write_all(&up[..count]).await,
            false => client.write_all(&down[..count]).await,
        };
        budget = budget.saturating_sub(count as u64);
        if sent.is_err() {
            return;
        }
        if is_limited && budget == 0 {
            cuts.fetch_add(1, Ordering::SeqCst);
            // A reset, as from a machine that forgets: what is under way is gone.
            let _ = (client.set_zero_linger(), exchange.set_zero_linger());
            return;
        }
    }
}

/// Lets a member send so many commands a second.
pub async fn allow_more(venue: &Venue, member: &Member, commands_per_second: u32) {
    let account_id = member.account;
    let limits = v1::SetLimitsRequest {
        request_id: format!("limits {account_id}"),
        account_id,
        commands_per_second,
        open_order_limit: 100_000,
    };
    venue.operator().await.admin.set_limits(limits).await.unwrap();
}
