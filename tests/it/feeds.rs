//! Market data of the Rust client, over connections that break and from a file: every book is the exchange's own, every trade
//! is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hourbook_api::client::{
    Client, Differs, Feed, LocalBook, News, Rebuilt, Recorded, Recorder, Subscription,
};
use hourbook_api::v1::market_data_service_server::{MarketDataService, MarketDataServiceServer};
use hourbook_api::v1::{self, MarketDataView as View, Side, market_update::Content};
use hourbook_model::InstrumentId;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;

use crate::proxy::{CUTS, Proxy, Random, allow_more, in_time, seed};
use crate::venue::{FREE, Member, Venue, limit};

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
