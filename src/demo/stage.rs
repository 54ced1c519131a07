//! The exchange of a demo: fewer products and a shorter horizon of the market built in, time that the demo moves, and
//! everybody's seat.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hourbook_api::client::Client;
use hourbook_api::v1::{Instrument, InstrumentStatus};
use hourbook_exchange::Exchange;
use hourbook_gateway::Pricing;
use hourbook_model::{
    AccountId, AdvanceTime, Command, CreateAccount, CreateParticipant, DeclareCapacity, Deposit, Horizon,
    Hour, InstrumentId, IssueKey, Limits, Money, ParticipantId, Price, Product, ProductId, Quantity, Request,
    Role, SetLimits, Time,
};
use hourbook_pricing::{Conditions, Params, Tier};
use hourbook_sequencer::{Clock, ManualClock};
use rust_decimal::Decimal;

use super::screen::Sight;
use super::seen::Seen;
use crate::config::{Config, Flags};
use crate::market::Market;
use crate::serve::{self, Opening, Rehearsal, Running};

/// 2026-12-01T02:30:00Z, a Tuesday: an hour and a half before the daily auction.
pub const BEGINS: Time = Time(1_796_092_200 * Time::SECOND);
/// What each product lists: two days of hours, the days that a week falls into, and a week.
pub const HORIZON: Horizon = Horizon { hours: 48, days: 9, weeks: 1, months: 0 };
/// Instruments of one product.
pub const OF_EACH: usize = 58;
/// The product that the curve is shown of.
pub const SHOWN: &str = "GP.CNNX.A";
/// GPUs and FPGAs have a tick of so many micros at least, vCPUs a smaller one.
pub const GPU_TICK: i64 = 10_000;
/// Hours that are allowed to be sold from the beginning on: a year.
pub const HOURS_ALLOWED: u32 = 366 * 24;
/// Levels of a book that are looked at.
const DEPTH: usize = 3;
/// Segments of a journal that nobody will wait for.
const SEGMENT: u64 = 16 << 20;
/// Commands a second that nobody here reaches.
const NO_LIMIT: Limits = Limits { commands_per_second: 10_000_000, open_orders: 1_000_000 };

pub struct Stage {
    pub running: Running,
    pub seen: Arc<Seen>,
    pub products: Vec<Product>,
    pub data: PathBuf,
    seed: u64,
}

/// A participant with one account and a key.
pub struct Seat {
    pub participant: u32,
    pub account: u32,
    pub key: String,
}

impl Stage {
    /// Opens it over a new journal in `data`.
    pub async fn open(
        data: &Path,
        listen: SocketAddr,
        instruments: usize,
        seed: u64,
    ) -> anyhow::Result<Stage> {
        let products = products(instruments);
        let market = Market::built_in().with_products(products.clone());
        let flags = Flags {
            data: Some(data.into()),
            listen: Some(listen),
            metrics: Some("none".into()),
            ..Flags::default()
        };
        let mut config = Config::resolve(&flags)?;
        (config.journal.segment_bytes, config.journal.reserve_bytes) = (SEGMENT, SEGMENT);
        // References stand in the market's definition: what the desk sends would come when its thread gets to it.
        config.pricing.references = false;
        // A program that was stopped for a while goes on where it was.
        config.limits.silence = Duration::from_secs(3_600);
        let seen = Arc::new(Seen::default());
        let opening = Opening {
            market,
            clock: Clock::Manual(ManualClock::at(BEGINS)),
            rehearsal: Some(Rehearsal { begins: BEGINS, operator_key: key_of(seed, "operator") }),
            witness: Some(seen.witness()),
        };
        let running = serve::open(&config, opening).await?;
        Ok(Stage { running, seen, products, data: data.into(), seed })
    }

    /// Moves time to `to`, and waits until everything due by then is done.
    pub async fn advance(&self, to: Time) -> anyhow::Result<()> {
        self.operate(AdvanceTime { to }).await?;
        serve::settle(&self.running.handle).await?;
        Ok(())
    }

    /// Gives somebody a participant, an account and a key, which comes of the seed: so the same seed makes the same
    /// journal. Whoever knows the seed knows the keys, to an exchange on this machine that trades nothing.
    pub async fn seat(&self, name: &str, role: Role) -> anyhow::Result<Seat> {
        let participant = ParticipantId(self.operate(CreateParticipant { name: name.into() }).await? as u32);
        let account = CreateAccount { participant, name: name.into() };
        let account = AccountId(self.operate(account).await? as u32);
        self.operate(SetLimits { account, limits: NO_LIMIT }).await?;
        let key = key_of(self.seed, name);
        let digest = hourbook_gateway::digest_of(&key);
        self.operate(IssueKey { participant, account: AccountId(0), role, digest, label: name.into() })
            .await?;
        Ok(Seat { participant: participant.0, account: account.0, key })
    }

    pub async fn fund(&self, seat: &Seat, amount: Money) -> anyhow::Result<()> {
        let (account, currency) = (AccountId(seat.account), self.products[0].currency.clone());
        self.operate(Deposit { account, currency, amount, reference: "demo".into() }).await?;
        Ok(())
    }

    /// Lets somebody sell so many units of the `product`-th product in each of the hours to come.
    pub async fn allow(&self, seat: &Seat, product: usize, units: i64) -> anyhow::Result<()> {
        let declared = DeclareCapacity {
            account: AccountId(seat.account),
            product: ProductId(product as u32 + 1),
            from: BEGINS.hour(),
            hours: HOURS_ALLOWED,
            quantity: Quantity(units),
            attestation: "made by the demo, seen by nobody".into(),
        };
        self.operate(declared).await?;
        Ok(())
    }

    pub async fn client(&self, key: &str) -> anyhow::Result<Client> {
        Ok(Client::connect(&format!("http://{}", self.running.address), key, None).await?)
    }

    /// Books as they stand, of which anybody may learn the same from market data.
    pub async fn books(&self, of: BTreeSet<InstrumentId>) -> anyhow::Result<Vec<Book>> {
        let look = move |exchange: &Exchange| {
            let shown = |levels: Vec<hourbook_exchange::Level>| {
                let level = |level: hourbook_exchange::Level| hourbook_maker::Level {
                    price_micros: level.price.0,
                    lots: level.quantity.0,
                };
                levels.into_iter().map(level).collect()
            };
            let book = |id: &InstrumentId| {
                let book = exchange.book(*id, DEPTH, 0)?;
                Some(Book { id: id.0, bids: shown(book.bids), asks: shown(book.asks) })
            };
            of.iter().filter_map(book).collect()
        };
        Ok(self.running.handle.read(look).await?)
    }

    /// The tops of all books.
    pub async fn sight(&self) -> anyhow::Result<Sight> {
        Ok(self.running.handle.read(|exchange| Sight::of(exchange, SHOWN)).await?)
    }

    async fn operate(&self, command: impl Into<Command>) -> anyhow::Result<u64> {
        let command = command.into();
        let name = command.name();
        let answer = self.running.handle.submit(Request::default(), command).await?.answer;
        match answer.refused {
            None => Ok(answer.number),
            Some(reason) => bail!("{name} is refused: {reason:?}"),
        }
    }
}

/// A key as the gateway makes them, but of the seed and a name.
pub fn key_of(seed: u64, name: &str) -> String {
    let bits = blake3::Hasher::new_derive_key("hourbook demo 2026-11 keys")
        .update(&seed.to_le_bytes())
        .update(name.as_bytes())
        .finalize();
    format!("hb_{}", bits.to_hex())
}

/// As many products as list about so many instruments, over all classes and regions as evenly as can be.
fn products(instruments: usize) -> Vec<Product> {
    let all: Vec<Product> = Market::built_in().products().cloned().collect();
    let count = (instruments.div_ceil(OF_EACH)).clamp(1, all.len());
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    let mut chosen: Vec<Product> = Vec::new();
    while chosen.len() < count {
        let left = all.iter().filter(|product| chosen.iter().all(|one| one.symbol != product.symbol));
        let used = |name: &str| uses.get(name).copied().unwrap_or(0);
        let next = left.min_by_key(|product| {
            let symbol = &product.symbol;
            let shown = symbol.to_string() != SHOWN;
            (shown, used(&symbol.class) + used(&symbol.region), used(&symbol.class), symbol.clone())
        });
        let next = next.expect("no more are chosen than there are");
        for name in [&next.symbol.class, &next.symbol.region] {
            *uses.entry(name.clone()).or_default() += 1;
        }
        chosen.push(next.clone());
    }
    chosen.sort_by(|one, other| one.symbol.cmp(&other.symbol));
    let params = Pricing::standard().params;
    for product in &mut chosen {
        product.horizon = HORIZON;
        product.reference = fair(&params, product).or(product.reference);
    }
    chosen
}

/// What pricing holds a product to be worth when nobody in particular sells.
fn fair(params: &Params, product: &Product) -> Option<Price> {
    let fair = params.fair_price(&conditions(product, params.cuts.threshold(tier(product)))).ok()?;
    fair.micros(product.tick.0).ok().filter(|micros| *micros > 0).map(Price)
}

/// What a product is priced under, by the lists alone.
pub fn conditions(product: &Product, score: Decimal) -> Conditions<'_> {
    Conditions {
        class: &product.symbol.class,
        region: &product.symbol.region,
        tier: tier(product),
        score,
        currency: &product.currency,
        basis: None,
    }
}

fn tier(product: &Product) -> Tier {
    match product.symbol.tier {
        hourbook_model::Tier::A => Tier::A,
        hourbook_model::Tier::B => Tier::B,
        hourbook_model::Tier::C => Tier::C,
    }
}

/// An instrument that may be traded, as its listing says.
#[derive(Clone, Debug)]
pub struct Listed {
    pub wire: Instrument,
    /// The place of its product in [`Stage::products`].
    pub product: usize,
    pub start: Hour,
}

/// The displayed levels of a book, best first, as market data tells them.
#[derive(Clone, Debug)]
pub struct Book {
    pub id: u32,
    pub bids: Vec<hourbook_maker::Level>,
    pub asks: Vec<hourbook_maker::Level>,
}

/// Everything that trades, as any customer may learn it.
pub async fn listing(client: &Client, products: &[Product]) -> anyhow::Result<BTreeMap<u32, Listed>> {
    let places: BTreeMap<String, usize> =
        products.iter().enumerate().map(|(at, product)| (product.symbol.to_string(), at)).collect();
    let (mut listed, mut page_token) = (BTreeMap::new(), String::new());
    loop {
        let request =
            hourbook_api::v1::ListInstrumentsRequest { page_size: 1_000, page_token, ..Default::default() };
        let page = client.instruments.clone().list_instruments(request).await?.into_inner();
        for wire in page.instruments {
            use InstrumentStatus::{Auction, Continuous, Frozen, Halted};
            if !matches!(wire.status(), Continuous | Auction | Frozen | Halted) {
                continue;
            }
            let start = wire.delivery_start_time.context("an instrument without a start")?;
            let start = Time(start.seconds * Time::SECOND).hour();
            let product = *places.get(&wire.product).context("an instrument of a product that is none")?;
            listed.insert(wire.instrument_id, Listed { wire, product, start });
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(listed);
        }
    }
}
