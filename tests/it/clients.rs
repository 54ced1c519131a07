//! The Rust client, against an exchange whose connections break at every place: nothing is lost, nothing is done twice, and
//! every book is the exchange's own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hourbook_api::client::{
    Advice, Cause, Client, Differs, Error, Event, Feed, LocalBook, News, Rebuilt, Recorded, Recorder,
    Session, SessionOptions, Subscription,
};
use hourbook_api::v1::market_data_service_server::{MarketDataService, MarketDataServiceServer};
use hourbook_api::v1::trade_entry::Request;
use hourbook_api::v1::{self, MarketDataView as View, ReportKind, Side, market_update::Content};
use hourbook_model::InstrumentId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::venue::{FREE, Member, Venue, limit};

const CUTS: u64 = 100;

/// The seed of a run: printed, and taken from the environment.
fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124_u64);
    println!("SEED={seed}");
    seed
}

/// Numbers that look random, and are the same for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % most
    }
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_secs(60), future).await;
    waited.unwrap_or_else(|_| panic!("{what}: nothing within 60 s"))
}

// --- a way to the exchange that breaks ---

/// Stands between a client and the exchange, and cuts each connection after so many bytes, wherever that is.
struct Proxy {
    address: SocketAddr,
    target: Arc<watch::Sender<SocketAddr>>,
    /// Cuts so far, and how many there are to be.
    cuts: Arc<AtomicU64>,
    most: Arc<AtomicU64>,
    /// While it holds, bytes are swallowed and nobody is told.
    is_deaf: Arc<AtomicBool>,
}

impl Proxy {
    /// The first `most` connections are cut after a random number of bytes below `bytes`.
    async fn before(venue: &Venue, most: u64, bytes: u64, seed: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            address: listener.local_addr().unwrap(),
            target: Arc::new(watch::Sender::new(venue.running().address)),
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

    async fn client(&self, member: &Member) -> Client {
        Client::connect(&format!("http://{}", self.address), &member.key, None).await.unwrap()
    }

    fn cuts(&self) -> u64 {
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
async fn allow_more(venue: &Venue, member: &Member, commands_per_second: u32) {
    let account_id = member.account;
    let limits = v1::SetLimitsRequest {
        request_id: format!("limits {account_id}"),
        account_id,
        commands_per_second,
        open_order_limit: 100_000,
    };
    venue.operator().await.admin.set_limits(limits).await.unwrap();
}

// --- sessions ---

/// What a session has told, held together as it comes.
#[derive(Default)]
struct Heard {
    reports: Vec<v1::ExecutionReport>,
    answered: BTreeSet<u64>,
    refused: BTreeMap<u64, Cause>,
    reconnects: u64,
    sent_again: usize,
}

impl Heard {
    fn hear(&mut self, event: Event) {
        match event {
            Event::Report { report, answers } => {
                assert_eq!(report.number, self.reports.last().map_or(report.number, |last| last.number + 1));
                if let Some(number) = answers {
                    assert!(self.answered.insert(number), "entry {number} was answered twice");
                }
                self.reports.push(report);
            }
            Event::Refused(refusal) => {
                let before = self.refused.insert(refusal.number, refusal.cause);
                assert_eq!(before, None, "entry {} was refused twice", refusal.number);
            }
            Event::Disconnected { .. } => {}
            Event::Reconnected(back) => {
                assert!(back.is_gapless);
                self.reconnects += 1;
                self.sent_again += back.sent_again;
            }
        }
    }
}

/// The account's reports as drop copy has them, from the first to number `last`.
async fn copied(member: &Member, last: u64) -> Vec<v1::ExecutionReport> {
    let mut copy = member.client.executions(member.account, 1).await.unwrap();
    let mut reports = Vec::new();
    while (reports.len() as u64) < last {
        if let Event::Report { report, .. } = in_time("drop copy", copy.next()).await.unwrap() {
            reports.push(report);
        }
    }
    reports
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cut_at_a_hundred_places_loses_nothing_and_doubles_nothing() {
    const ORDERS: u64 = 3_000;
    let seed = seed();
    let mut random = Random::new(seed);
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 1_000_000).await, venue.buyer("bob", 1_000_000).await);
    let symbol = venue.hour(FREE, 30);
    ann.sell(&symbol, 800, 100_000).await;
    allow_more(&venue, &bob, 5_000).await;
    let proxy = Proxy::before(&venue, CUTS, 12_000, seed).await;

    // The first connection may be cut before it is logged on; a session that never began is tried again by its user.
    let client = loop {
        match Client::connect(&format!("http://{}", proxy.address), &bob.key, None).await {
            Ok(client) => break client,
            Err(error) => assert!(matches!(error.advice(), Advice::Again { .. }), "{error}"),
        }
    };
    let options = SessionOptions { window: 100, ..SessionOptions::new(bob.account, "cut") };
    let Session { mut entries, mut events } = loop {
        match client.session(options.clone()).await {
            Ok(session) => break session,
            Err(error) if error.reason().as_deref() == Some("SESSION_IN_USE") => {}
            Err(error) => assert!(matches!(error.advice(), Advice::Again { .. }), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let symbol_of_orders = symbol.clone();
    let asking = tokio::spawn(async move {
        let (mut placed, mut misshapen) = (BTreeMap::new(), BTreeSet::new());
        let mut number = 0;
        while number < ORDERS {
            let together = 1 + random.below(20);
            let mut batch = Vec::new();
            for _ in 0..together {
                number += 1;
                let id = format!("o{number}");
                let price =
                    if random.below(4) == 0 { 100_000 } else { 90_000 + 100 * random.below(50) as i64 };
                batch.push(match random.below(10) {
                    0 => (id, Request::Place(limit(Side::Buy, &symbol_of_orders, -1, price))),
                    1 => (
                        String::new(),
                        Request::Cancel(format!("o{}", number.saturating_sub(2)).as_str().into()),
                    ),
                    _ => (id, Request::Place(limit(Side::Buy, &symbol_of_orders, 1, price))),
                });
            }
            let kinds: Vec<_> = batch.iter().map(|(id, request)| (id.clone(), request.clone())).collect();
            let numbers = entries.send(batch).await.unwrap();
            for (number, (id, request)) in numbers.zip(kinds) {
                match request {
                    Request::Place(order) if order.quantity < 0 => drop(misshapen.insert(number)),
                    Request::Place(_) => drop(placed.insert(number, id)),
                    _ => {}
                }
            }
        }
        let last = entries.next_number() - 1;
        entries.log_off().await.unwrap();
        (placed, misshapen, last)
    });
    let mut heard = Heard::default();
    while let Some(event) = in_time("a session", events.next()).await.unwrap() {
        heard.hear(event);
    }
    let (placed, misshapen, last) = asking.await.unwrap();
    println!(
        "{} cuts, {} reconnects, {} entries, {} sent again, {} reports, {} refused, {} of them unheard",
        proxy.cuts(),
        heard.reconnects,
        last,
        heard.sent_again,
        heard.reports.len(),
        heard.refused.len(),
        heard.refused.values().filter(|cause| **cause == Cause::Unheard).count()
    );
    assert_eq!(proxy.cuts(), CUTS);
    assert!(heard.sent_again > 0, "a cut that nothing was under way at shows nothing");

    for number in 1..=last {
        let (answered, refused) = (heard.answered.contains(&number), heard.refused.get(&number));
        assert_ne!(answered, refused.is_some(), "entry {number} has one answer: {refused:?}");
        assert_eq!(refused.is_some(), misshapen.contains(&number), "entry {number}: {refused:?}");
        if let Some(Cause::Misshapen { field, .. }) = refused {
            assert_eq!(field, "place.quantity");
        }
    }
    let copied = copied(&bob, heard.reports.last().unwrap().number).await;
    assert_eq!(copied, heard.reports, "0 lost, 0 doubled reports");
    let mut accepted: BTreeMap<&str, u64> = BTreeMap::new();
    for report in copied.iter().filter(|report| report.kind() == ReportKind::Accepted) {
        *accepted.entry(&report.client_order_id).or_default() += 1;
        assert_eq!(placed.get(&report.request_number), Some(&report.client_order_id));
    }
    assert_eq!(accepted.len(), placed.len(), "0 lost orders");
    assert!(accepted.values().all(|count| *count == 1), "0 doubled orders");
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_over_silence_a_restart_and_a_new_process() {
    let mut venue = Venue::with("[limits]\nheartbeat = \"1s\"\nsilence = \"6s\"\n").await;
    let bob = venue.buyer("bob", 1_000).await;
    let symbol = venue.hour(FREE, 30);
    let proxy = Proxy::before(&venue, 0, 1, 1).await;
    let client = proxy.client(&bob).await;
    let options = SessionOptions { cancel_on_disconnect: true, ..SessionOptions::new(bob.account, "desk") };
    let Session { mut entries, mut events } = client.session(options.clone()).await.unwrap();
    let mut heard = Heard::default();
    let order = |price| v1::NewOrder::limit(&symbol, Side::Buy, price, 1);
    assert_eq!(entries.place("first", order(90_000)).await.unwrap(), 1);
    while heard.answered.is_empty() {
        heard.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    // Idle for longer than the silence limit, it lives by its heartbeats.
    assert!(tokio::time::timeout(Duration::from_secs(7), events.next()).await.is_err());

    // A way that swallows everything: what is sent now is sent again.
    proxy.is_deaf.store(true, Ordering::SeqCst);
    entries.place("second", order(91_000)).await.unwrap();
    let gone = in_time("the loss", events.next()).await.unwrap();
    assert!(matches!(gone, Some(Event::Disconnected { .. })), "{gone:?}");
    proxy.is_deaf.store(false, Ordering::SeqCst);
    while heard.answered.len() < 2 {
        heard.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    assert_eq!((heard.reconnects, heard.sent_again), (1, 1));
    let kinds: Vec<_> = heard.reports.iter().map(|one| (one.client_order_id.as_str(), one.kind())).collect();
    let cancelled = ("first", ReportKind::Cancelled);
    assert_eq!(kinds, [("first", ReportKind::Accepted), cancelled, ("second", ReportKind::Accepted)]);

    // The exchange is stopped in order and started again, elsewhere.
    venue.stop().await;
    entries.place("third", order(92_000)).await.unwrap();
    venue.start().await;
    proxy.target.send_replace(venue.running().address);
    while heard.answered.len() < 3 {
        heard.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    entries.log_off().await.unwrap();
    while let Some(event) = in_time("the end", events.next()).await.unwrap() {
        heard.hear(event);
    }
    assert!(entries.place("late", order(93_000)).await.is_err(), "it is over");
    assert!(heard.refused.is_empty(), "{:?}", heard.refused);

    // Another process under the same name goes on with its numbers, and from the report after the last it knows.
    let resume_from = heard.reports[1].number + 1;
    let Session { mut entries, mut events } =
        client.session(SessionOptions { resume_from, ..options }).await.unwrap();
    assert_eq!(entries.place("fourth", order(94_000)).await.unwrap(), 4);
    let mut again = Heard::default();
    while again.answered.is_empty() {
        again.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    assert_eq!(again.reports[..heard.reports.len() - 2], heard.reports[2..]);
    let over = client.session(SessionOptions { resume_from: 1_000, ..SessionOptions::new(bob.account, "x") });
    let error = over.await.err().unwrap();
    assert_eq!((error.reason().as_deref(), error.advice()), (Some("BEYOND_NEXT"), Advice::BeginAnew));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_session_keeps_the_pace_and_lets_go_of_what_is_too_old() {
    const ORDERS: u64 = 3_000;
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000_000).await;
    let symbol = venue.hour(FREE, 30);
    allow_more(&venue, &bob, 500).await;
    let options = SessionOptions {
        stale_after: Some(Duration::from_secs(1)),
        ..SessionOptions::new(bob.account, "fast")
    };
    let Session { mut entries, mut events } = bob.client.session(options).await.unwrap();
    for _ in 0..ORDERS / 100 {
        let order = || (String::new(), Request::Place(limit(Side::Buy, &symbol, 1, 90_000)));
        entries.send((0..100).map(|_| order())).await.unwrap();
    }
    let cancel = entries.mass_cancel(v1::MassCancelScope::default()).await.unwrap();
    entries.log_off().await.unwrap();
    let mut heard = Heard::default();
    while let Some(event) = in_time("an answer", events.next()).await.unwrap() {
        heard.hear(event);
    }
    println!("{} taken, {} too old", heard.answered.len(), heard.refused.len());
    assert_eq!((heard.answered.len() + heard.refused.len()) as u64, ORDERS + 1, "each has one answer");
    assert!(heard.refused.values().all(|cause| *cause == Cause::Stale), "{:?}", heard.refused);
    assert!(heard.answered.contains(&cancel), "what withdraws is never too old");
    assert!(heard.answered.len() >= 500 && !heard.refused.is_empty());
    assert_eq!(heard.reconnects, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_holds_for_calls_and_not_for_what_lasts() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000).await;
    let proxy = Proxy::before(&venue, 0, 1, 1).await;
    let client = proxy.client(&bob).await.with_deadline(Duration::from_secs(3));
    let mut copy = client.executions(bob.account, 0).await.unwrap();
    let request = v1::GetBalancesRequest { account_id: bob.account };
    client.accounts.clone().get_balances(request).await.unwrap();
    proxy.is_deaf.store(true, Ordering::SeqCst);
    let late = in_time("a deadline", client.accounts.clone().get_balances(request)).await.unwrap_err();
    assert!(matches!(late.code(), Code::Cancelled | Code::DeadlineExceeded), "{late}");
    assert_eq!(Error::from(late).advice(), Advice::Again { after: Duration::ZERO });
    proxy.is_deaf.store(false, Ordering::SeqCst);
    // By now drop copy has lasted for longer.
    bob.buy(&venue.hour(FREE, 30), 1, 90_000).await;
    let told = in_time("a report", copy.next()).await.unwrap();
    assert!(matches!(&told, Event::Report { report, .. } if report.number == 1), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_not_sent_again_and_who_gives_up_says_what_is_open() {
    let mut venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000).await;
    let symbol = venue.hour(FREE, 30);
    let proxy = Proxy::before(&venue, 0, 1, 1).await;
    let client = proxy.client(&bob).await;
    let options = SessionOptions {
        stale_after: Some(Duration::from_secs(3)),
        give_up_after: Some(Duration::from_secs(20)),
        ..SessionOptions::new(bob.account, "desk")
    };
    let Session { mut entries, mut events } = client.session(options).await.unwrap();
    let order = |price| v1::NewOrder::limit(&symbol, Side::Buy, price, 1);
    venue.stop().await;
    let gone = in_time("the loss", events.next()).await.unwrap();
    assert!(matches!(gone, Some(Event::Disconnected { .. })), "{gone:?}");
    entries.place("old", order(90_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    venue.start().await;
    proxy.target.send_replace(venue.running().address);
    let back = in_time("the way back", events.next()).await.unwrap();
    assert!(matches!(back, Some(Event::Reconnected(_))), "{back:?}");
    entries.place("new", order(91_000)).await.unwrap();
    match in_time("a refusal", events.next()).await.unwrap() {
        Some(Event::Refused(refusal)) => {
            assert_eq!((refusal.number, refusal.client_order_id.as_str()), (1, "old"));
            assert_eq!(refusal.cause, Cause::Stale);
        }
        other => panic!("{other:?}"),
    }
    let answer = in_time("an answer", events.next()).await.unwrap();
    assert!(matches!(answer, Some(Event::Report { answers: Some(2), .. })), "{answer:?}");

    venue.stop().await;
    assert!(matches!(in_time("the loss", events.next()).await, Ok(Some(Event::Disconnected { .. }))));
    let error = in_time("the end", events.next()).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_) | Error::Refused(_)), "nothing is open: {error}");
    assert!(in_time("after the end", events.next()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn drop_copy_cut_at_a_hundred_places_is_what_the_exchange_tells() {
    let seed = seed();
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000_000).await;
    let symbol = venue.hour(FREE, 30);
    let proxy = Proxy::before(&venue, 0, 2_000, seed).await;
    let client = proxy.client(&bob).await;
    let mut copy = client.executions(bob.account, 1).await.unwrap();
    proxy.most.store(CUTS, Ordering::SeqCst);
    let (mut reports, mut reconnects) = (Vec::new(), 0);
    let mut last = 0;
    while proxy.cuts() < CUTS || reports.len() < last {
        if proxy.cuts() < CUTS && reports.len() >= last {
            for price in 0..10 {
                bob.buy(&symbol, 1, 90_000 + price).await;
            }
            last += 10;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        match in_time("drop copy", copy.next()).await.unwrap() {
            Event::Report { report, answers } => {
                assert_eq!((report.number, answers), (reports.len() as u64 + 1, None));
                reports.push(report);
            }
            Event::Reconnected(back) => {
                assert!(back.is_gapless);
                reconnects += 1;
            }
            Event::Disconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    println!("{} cuts, {reconnects} reconnects, {} reports", proxy.cuts(), reports.len());
    assert_eq!(copied(&bob, last as u64).await, reports);
    assert!(reconnects >= 50, "{reconnects}: some cuts come before a connection has begun");
}

// --- market data ---

/// Trading without a plan in some instruments: orders rest, change, go, and trade.
struct Traders {
    ann: Member,
    bob: Member,
    symbols: Vec<String>,
    random: Random,
    resting: Vec<(bool, u64)>,
}

impl Traders {
    async fn come(venue: &Venue, symbols: &[String], seed: u64) -> Traders {
        let (ann, bob) = (venue.seller("ann", 1_000_000).await, venue.buyer("bob", 100_000_000).await);
        for member in [&ann, &bob] {
            allow_more(venue, member, 1_000_000).await;
        }
        Traders { ann, bob, symbols: symbols.to_vec(), random: Random::new(seed), resting: Vec::new() }
    }

    async fn trade(&mut self, requests: usize) {
        for _ in 0..requests {
            let random = &mut self.random;
            let symbol = &self.symbols[random.below(self.symbols.len() as u64) as usize];
            let sells = random.below(2) == 0;
            let lots = 1 + random.below(5) as i64;
            let step = 100 * random.below(20) as i64;
            let what = random.below(10);
            let member = if sells { &self.ann } else { &self.bob };
            let side = if sells { Side::Sell } else { Side::Buy };
            match what {
                0 | 1 if !self.resting.is_empty() => {
                    let at = random.below(self.resting.len() as u64) as usize;
                    let (sold, order_id) = self.resting.swap_remove(at);
                    let member = if sold { &self.ann } else { &self.bob };
                    member.cancel(order_id).await;
                }
                // It trades with the best.
                2 | 3 => {
                    let price = if sells { 97_000 } else { 103_000 };
                    let order = limit(side, symbol, lots, price);
                    member.place(order.for_time(v1::TimeInForce::Ioc)).await;
                }
                // Hidden lots come to light slice by slice.
                4 => {
                    let price = if sells { 100_000 + step } else { 99_900 - step };
                    let order = v1::NewOrder { display_quantity: 1, ..limit(side, symbol, lots, price) };
                    member.place(order).await;
                }
                _ => {
                    let price = if sells { 100_000 + step } else { 99_900 - step };
                    let placed = member.place(limit(side, symbol, lots, price)).await;
                    self.resting.push((sells, placed.report.unwrap().order_id));
                }
            }
        }
    }
}

/// Everything that a book shows.
type Shown = (Vec<(i64, i64, u32)>, Vec<(u64, i64, i64)>);

fn shown(book: &LocalBook) -> Shown {
    let sides = [Side::Buy, Side::Sell];
    let levels = sides.iter().flat_map(|side| book.levels(*side));
    let orders = sides.iter().flat_map(|side| book.orders(*side));
    (
        levels.map(|level| (level.price_micros, level.quantity, level.orders)).collect(),
        orders.map(|order| (order.order_id, order.price_micros, order.quantity)).collect(),
    )
}

/// The exchange's own book.
async fn own(venue: &Venue, id: u32) -> Shown {
    let read = move |exchange: &hourbook_exchange::Exchange| {
        let book = exchange.book(InstrumentId(id), usize::MAX, usize::MAX).unwrap();
        let levels = book.bids.iter().chain(&book.asks);
        let orders = book.bid_orders.iter().chain(&book.ask_orders);
        (
            levels.map(|level| (level.price.0, level.quantity.0, level.orders)).collect(),
            orders.map(|order| (order.order.0, order.price.0, order.quantity.0)).collect(),
        )
    };
    venue.running().handle.read(read).await.unwrap()
}

/// Reads until all is told that commands up to `sequence` caused, and the feed is whole; the trades on the way.
async fn follow(feed: &mut Feed, sequence: u64, trades: &mut BTreeMap<u32, Vec<u64>>) {
    loop {
        match in_time("market data", feed.next()).await.unwrap() {
            News::Heartbeat { sequence: told }
                if told >= sequence && feed.instruments().all(|one| feed.is_whole(one.id)) =>
            {
                return;
            }
            News::Trades { id, trades: told } => {
                trades.entry(id).or_default().extend(told.iter().map(|trade| trade.trade_id));
            }
            News::TradesMissed { id, commands } => panic!("{commands:?} missed of {id}"),
            News::Differed { id, why } => panic!("instrument {id}: {why}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_cut_at_a_hundred_places_has_the_exchanges_own_books_and_every_trade_once() {
    let seed = seed();
    let venue = Venue::with("[limits]\nheartbeat = \"1s\"\nsilence = \"2s\"\n").await;
    let symbols: Vec<String> = (30..33).map(|ahead| venue.hour(FREE, ahead)).collect();
    let mut traders = Traders::come(&venue, &symbols, seed).await;
    traders.trade(100).await;
    let wanted = |symbols: &[String]| {
        let subscription = Subscription::new().top().levels().orders().trades().statistics();
        let subscription = subscription.candles(v1::CandleInterval::Minute).status().indicative();
        symbols.iter().fold(subscription, |wanted, symbol| wanted.symbol(symbol))
    };
    let proxy = Proxy::before(&venue, 0, 30_000, seed).await;
    let mut feed = proxy.client(&traders.bob).await.feed(wanted(&symbols)).await.unwrap();
    // Another reader over a connection that holds: whatever it is told of trades is what there was.
    let mut calm = traders.ann.client.feed(wanted(&symbols)).await.unwrap();
    let (mut trades, mut calm_trades) = (BTreeMap::new(), BTreeMap::new());
    let start = venue.state().await.0;
    follow(&mut calm, start, &mut calm_trades).await;
    follow(&mut feed, start, &mut trades).await;
    proxy.most.store(CUTS, Ordering::SeqCst);

    let mut compared = 0;
    while proxy.cuts() < CUTS {
        {
            // Both are read while there is trading.
            let reads = async {
                loop {
                    tokio::select! {
                        news = feed.next() => match news.unwrap() {
                            News::Trades { id, trades: told } => {
                                let ids = told.iter().map(|trade| trade.trade_id);
                                trades.entry(id).or_default().extend(ids);
                            }
                            News::TradesMissed { .. } | News::Differed { .. } => panic!("missed or differed"),
                            _ => {}
                        },
                        news = calm.next() => if let News::Trades { id, trades: told } = news.unwrap() {
                            let ids = told.iter().map(|trade| trade.trade_id);
                            calm_trades.entry(id).or_default().extend(ids);
                        },
                    }
                }
            };
            tokio::select! {
                () = reads => {}
                () = traders.trade(400) => {}
            }
        }
        let sequence = venue.state().await.0;
        follow(&mut feed, sequence, &mut trades).await;
        follow(&mut calm, sequence, &mut calm_trades).await;
        for symbol in &symbols {
            let one = feed.by_symbol(symbol).unwrap();
            let own = own(&venue, one.id).await;
            assert_eq!(shown(&one.orders), own, "{symbol}");
            assert_eq!(shown(&one.levels).0, own.0, "{symbol}");
            assert_eq!((one.best_bid(), one.best_ask()), (one.levels.best_bid(), one.levels.best_ask()));
            let other = calm.by_symbol(symbol).unwrap();
            assert_eq!(one.top, other.top);
            assert_eq!(one.statistics, other.statistics);
            assert_eq!(one.status, v1::InstrumentStatus::Continuous);
            assert_eq!(one.indicative, v1::IndicativeUncross::default(), "there is no call");
            let minutes = |one: &hourbook_api::client::Instrument| -> Vec<v1::Candle> {
                one.candles(v1::CandleInterval::Minute).copied().collect()
            };
            assert_eq!(minutes(one), minutes(other));
            compared += 1;
        }
        venue.pass(Duration::from_secs(40)).await;
    }
    assert_eq!(trades, calm_trades, "each trade once and in order");
    println!("{} cuts, {:?}, {compared} books compared: 0 differences", proxy.cuts(), feed.counts());
    assert_eq!(feed.counts().differed, 0);
    assert!(feed.counts().reconnects >= 50 && trades.values().map(Vec::len).sum::<usize>() > 200);
}

/// The books of who begins with `start`, and has what was recorded.
fn rebuilt<'a>(
    start: &[v1::MarketUpdate],
    recorded: impl IntoIterator<Item = &'a v1::MarketUpdate>,
) -> Rebuilt {
    let mut rebuilt = Rebuilt::begin(start, u64::MAX);
    recorded.into_iter().for_each(|update| rebuilt.take(update));
    rebuilt
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_hour_rebuilt_from_any_starting_point_is_the_exchanges_own_book() {
    const STARTS: usize = 100;
    let seed = seed();
    let venue = Venue::with("[limits]\nheartbeat = \"1s\"\n").await;
    let symbols: Vec<String> = (30..32).map(|ahead| venue.hour(FREE, ahead)).collect();
    let mut traders = Traders::come(&venue, &symbols, seed).await;
    let request = v1::SubscribeRequest {
        symbols: symbols.clone(),
        views: vec![View::Levels as i32, View::Orders as i32],
        ..Default::default()
    };
    // One that records all of it, as it comes from the wire.
    let mut stream =
        traders.ann.client.market_data.clone().subscribe(request.clone()).await.unwrap().into_inner();
    let (told, mut recorded_to) = watch::channel(0);
    let file = venue.directory.path().join("hour.feed");
    let mut tape = Recorder::create(&file).unwrap();
    let recorder = tokio::spawn(async move {
        while let Ok(Some(message)) = stream.message().await {
            told.send_replace(message.updates.last().map_or(0, |last| last.sequence));
            tape.write(&message).unwrap();
        }
        tape.end().unwrap()
    });
    // An hour: in each hundredth of it some trading, and a newcomer who is told how the books stand.
    let mut starts: Vec<Vec<v1::MarketUpdate>> = Vec::new();
    for _ in 0..STARTS {
        traders.trade(20).await;
        venue.pass(Duration::from_secs(36)).await;
        let subscribed = traders.bob.client.market_data.clone().subscribe(request.clone()).await;
        let mut newcomer = subscribed.unwrap().into_inner();
        let mut snapshots = Vec::new();
        while snapshots.iter().filter(|update: &&v1::MarketUpdate| update.snapshot).count()
            < 2 * symbols.len()
        {
            let message = in_time("snapshots", newcomer.message()).await.unwrap().unwrap();
            snapshots.extend(message.updates);
        }
        starts.push(snapshots);
    }
    traders.trade(20).await;
    let mut own_books = BTreeMap::new();
    for update in starts[0].iter().filter(|update| update.snapshot) {
        own_books.insert(update.instrument_id, own(&venue, update.instrument_id).await);
    }
    // The end of the exchange is the end of the recording.
    let last = venue.state().await.0;
    in_time("all of it", recorded_to.wait_for(|sequence| *sequence >= last)).await.unwrap();
    let mut venue = venue;
    venue.stop().await;
    let bytes = in_time("the recording", recorder).await.unwrap();
    let recorded: Vec<v1::MarketUpdate> =
        Recorded::open(&file).unwrap().flat_map(|message| message.unwrap().updates).collect();
    let of = |id: u32| recorded.iter().filter(move |update| update.instrument_id == id);

    let (mut changes, mut differences) = (0, 0);
    for (snapshots, (id, own)) in
        starts.iter().flat_map(|start| own_books.iter().map(move |own| (start, own)))
    {
        let snapshots: Vec<_> =
            snapshots.iter().filter(|update| update.instrument_id == *id).cloned().collect();
        let rebuilt = rebuilt(&snapshots, of(*id));
        changes += rebuilt.changes;
        differences += usize::from(!rebuilt.joins());
        differences += rebuilt.differences.len();
        differences +=
            usize::from(shown(&rebuilt.orders) != *own) + usize::from(shown(&rebuilt.levels).0 != own.0);
    }
    println!(
        "{STARTS} starting points, {} recorded, {changes} applied: {differences} differences",
        recorded.len()
    );
    assert_eq!(differences, 0);
    assert!(recorded.len() > 1_000);

    // Where a change is missing, or was altered, that is found; a file that was cut short says so.
    let id = *own_books.keys().next().unwrap();
    let is_change =
        |update: &&v1::MarketUpdate| !update.snapshot && matches!(&update.content, Some(Content::Levels(_)));
    let some = of(id).filter(is_change).nth(5).unwrap().number;
    let is_missing = |update: &&v1::MarketUpdate| is_change(update) && update.number == some;
    let without = rebuilt(&[], of(id).filter(|update| !is_missing(update)));
    assert!(matches!(without.differences[0], Differs::Number { .. }), "{:?}", without.differences);
    let altered: Vec<_> = of(id)
        .cloned()
        .map(|mut update| {
            if let (true, Some(Content::Levels(levels))) = (is_missing(&&update), &mut update.content) {
                levels.bids.iter_mut().chain(&mut levels.asks).for_each(|level| level.quantity += 1);
            }
            update
        })
        .collect();
    let other = rebuilt(&[], &altered);
    assert!(matches!(other.differences[0], Differs::Checksum { .. }), "{:?}", other.differences);
    // Whoever begins before the recording does is told so.
    let later: Vec<_> = of(id).filter(is_change).cloned().collect();
    let own: Vec<_> = starts[0].iter().filter(|update| update.instrument_id == id).cloned().collect();
    assert!(!rebuilt(&own, &later).joins());
    std::fs::File::options().write(true).open(&file).unwrap().set_len(bytes - 1).unwrap();
    assert!(Recorded::open(&file).unwrap().last().unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_brings_what_is_listed_and_takes_what_is_over() {
    let venue = Venue::open().await;
    let ann = venue.seller("ann", 100).await;
    let proxy = Proxy::before(&venue, 0, 2_000, 7).await;
    let subscription = Subscription::new().pattern(format!("{FREE}.H*")).top().levels();
    let mut feed = proxy.client(&ann).await.feed(subscription).await.unwrap();
    let mut listed = BTreeSet::new();
    let mut over = BTreeSet::new();
    while listed.len() < 48 {
        if let News::Listed { id } = in_time("a listing", feed.next()).await.unwrap() {
            listed.insert(id);
        }
    }
    let first = venue.hour(FREE, 0);
    ann.sell(&first, 1, 100_000).await;
    venue.pass(Duration::from_secs(4 * 3_600)).await;
    while over.len() < 2 || listed.len() < 52 {
        match in_time("a change of instruments", feed.next()).await.unwrap() {
            News::Listed { id } => drop(listed.insert(id)),
            News::Over { symbol, .. } => drop(over.insert(symbol)),
            _ => {}
        }
    }
    assert!(over.contains(&first) && feed.by_symbol(&first).is_none(), "{over:?}");
    // A symbol that is over when the connection comes back is over for the feed as well.
    let soon = venue.hour(FREE, 0);
    let subscription = Subscription::new().symbol(&soon).symbol(venue.hour(FREE, 40)).levels();
    let mut two = proxy.client(&ann).await.feed(subscription).await.unwrap();
    while two.instruments().count() < 2 {
        in_time("both", two.next()).await.unwrap();
    }
    proxy.most.store(proxy.cuts() + 2, Ordering::SeqCst);
    venue.pass(Duration::from_secs(4 * 3_600)).await;
    ann.sell(&venue.hour(FREE, 30), 1, 100_000).await;
    loop {
        if let News::Over { symbol, .. } = in_time("the end of one", two.next()).await.unwrap() {
            assert_eq!(symbol, soon);
            break;
        }
    }
}

/// An exchange that tells something wrong the first time that it is asked; and what it was asked.
#[derive(Clone, Default)]
struct Liar(Arc<Mutex<Vec<v1::SubscribeRequest>>>);

#[tonic::async_trait]
impl MarketDataService for Liar {
    type SubscribeStream = ReceiverStream<Result<v1::SubscribeResponse, tonic::Status>>;

    async fn get_book(
        &self,
        _: tonic::Request<v1::GetBookRequest>,
    ) -> Result<tonic::Response<v1::GetBookResponse>, tonic::Status> {
        Err(tonic::Status::unimplemented("nobody asks"))
    }

    async fn list_trades(
        &self,
        _: tonic::Request<v1::ListTradesRequest>,
    ) -> Result<tonic::Response<v1::ListTradesResponse>, tonic::Status> {
        Err(tonic::Status::unimplemented("nobody asks"))
    }

    async fn list_candles(
        &self,
        _: tonic::Request<v1::ListCandlesRequest>,
    ) -> Result<tonic::Response<v1::ListCandlesResponse>, tonic::Status> {
        Err(tonic::Status::unimplemented("nobody asks"))
    }

    async fn list_index(
        &self,
        _: tonic::Request<v1::ListIndexRequest>,
    ) -> Result<tonic::Response<v1::ListIndexResponse>, tonic::Status> {
        Err(tonic::Status::unimplemented("nobody asks"))
    }

    async fn get_forward_curve(
        &self,
        _: tonic::Request<v1::GetForwardCurveRequest>,
    ) -> Result<tonic::Response<v1::GetForwardCurveResponse>, tonic::Status> {
        Err(tonic::Status::unimplemented("nobody asks"))
    }

    async fn subscribe(
        &self,
        request: tonic::Request<v1::SubscribeRequest>,
    ) -> Result<tonic::Response<Self::SubscribeStream>, tonic::Status> {
        let is_first = {
            let mut asked = self.0.lock().unwrap();
            asked.push(request.into_inner());
            asked.len() == 1
        };
        let update = |instrument_id, number, snapshot, content| v1::MarketUpdate {
            instrument_id,
            number,
            snapshot,
            content: Some(content),
            ..Default::default()
        };
        let named = |id: u32| {
            let symbol = format!("GP.CNNX.B.H2026112{id}T08");
            update(id, 0, false, Content::Instrument(v1::MarketInstrument { symbol, epoch: 1 }))
        };
        let book = |checksum| {
            let bids = vec![v1::Level { price_micros: 1_900, quantity: 3, order_count: 1 }];
            Content::Levels(v1::LevelChanges { bids, asks: Vec::new(), checksum })
        };
        const RIGHT: u32 = 0x173b_97a4;
        let updates = match is_first {
            true => vec![
                named(1),
                update(1, 5, true, book(RIGHT)),
                named(2),
                update(2, 5, true, book(RIGHT)),
                update(1, 6, false, book(RIGHT + 1)),
            ],
            false => vec![named(1), update(1, 6, true, book(RIGHT)), named(2)],
        };
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        sender.send(Ok(v1::SubscribeResponse { updates, ..Default::default() })).await.unwrap();
        tokio::spawn(async move {
            sender.closed().await;
        });
        Ok(tonic::Response::new(ReceiverStream::new(receiver)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_that_differs_is_asked_for_again_and_no_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let liar = Liar::default();
    let service = MarketDataServiceServer::new(liar.clone());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming);
    let server = tokio::spawn(server);
    let client = Client::connect(&address, "", None).await.unwrap();
    let mut feed = client.feed(Subscription::new().pattern("GP").levels()).await.unwrap();
    let mut news = Vec::new();
    while !news.iter().any(|one| matches!(one, News::Reconnected { .. }))
        || !feed.is_whole(1)
        || !feed.is_whole(2)
    {
        news.push(in_time("news", feed.next()).await.unwrap());
        if matches!(news.last(), Some(News::Differed { id: 1, .. })) {
            assert!(!feed.is_whole(1) && !feed.get(1).unwrap().levels.is_whole());
        }
    }
    assert_eq!(feed.counts().differed, 1);
    let asked = liar.0.lock().unwrap();
    let resumed: Vec<_> = asked[1].resume.iter().map(|one| (one.instrument_id, one.from_number)).collect();
    assert_eq!(resumed, [(2, 6)], "only the other one goes on where it was");
    server.abort();
}
