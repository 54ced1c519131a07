//! Stories of market data: books kept from what is told, resumed, fallen behind, and asked for badly.

use super::served::{HOUR, place, with};
use super::shown;
use super::venue::{Venue, limit, product};
use crate::directory::{INSTRUMENT_PARTS, Pattern};
use crate::door::Caller;
use crate::subscription::{self, Updates};
use crate::{Limits, Settings};
use futures::StreamExt;
use hourbook_api::v1::market_update::Content;
use hourbook_api::v1::{self, MarketDataView as View, Side, SlowReader};
use hourbook_exchange::Level;
use hourbook_feed::checksum;
use hourbook_model::*;
use prost::Message;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tonic::Status as Refusal;

fn views(symbols: &[&str], views: &[View]) -> v1::SubscribeRequest {
    v1::SubscribeRequest {
        symbols: symbols.iter().map(|symbol| symbol.to_string()).collect(),
        views: views.iter().map(|view| *view as i32).collect(),
        ..Default::default()
    }
}

/// One view of one instrument, from a number on.
fn resumed(instrument_id: u32, view: View, epoch: u64, from_number: u64) -> v1::SubscribeRequest {
    let point = v1::ResumePoint { instrument_id, view: view as i32, candle_interval: 0, epoch, from_number };
    v1::SubscribeRequest { resume: vec![point], ..views(&[HOUR], &[view]) }
}

/// A little longer than a view is kept whatever comes.
const KEPT_FOR: Duration = Duration::from_millis(3_100);

/// A reader inside the process: what it has not taken lies with the server.
struct Reader {
    stream: Updates,
    ready: VecDeque<v1::MarketUpdate>,
}

impl Reader {
    fn begin(venue: &Venue, request: &v1::SubscribeRequest) -> Result<Reader, Refusal> {
        let caller = Caller {
            key: KeyId(1),
            participant: ParticipantId(1),
            account: AccountId(0),
            role: Role::Operator,
        };
        let stream = subscription::begin(Arc::clone(&venue.gateway.0), caller, request)?.into_inner();
        Ok(Reader { stream, ready: VecDeque::new() })
    }

    async fn next(&mut self) -> Result<v1::MarketUpdate, Refusal> {
        while self.ready.is_empty() {
            let told = tokio::time::timeout(Duration::from_secs(10), self.stream.next());
            let told = told.await.expect("something is told").expect("a stream ends with a status")?;
            // As a client reads it.
            self.ready = v1::SubscribeResponse::decode(&told.encode_to_vec()[..]).unwrap().updates.into();
        }
        Ok(self.ready.pop_front().unwrap())
    }

    /// The next update that is a change or a snapshot.
    async fn next_told(&mut self) -> Result<v1::MarketUpdate, Refusal> {
        loop {
            let update = self.next().await?;
            if !matches!(update.content, Some(Content::Instrument(_) | Content::Heartbeat(_))) {
                return Ok(update);
            }
        }
    }
}

/// One book, kept from its levels.
#[derive(Default)]
struct Kept {
    levels: BTreeMap<(bool, i64), v1::Level>,
    number: u64,
    is_whole: bool,
}

impl Kept {
    fn hear(&mut self, update: &v1::MarketUpdate) {
        let Some(Content::Levels(levels)) = &update.content else { panic!("{update:?}") };
        if update.snapshot {
            if self.is_whole {
                self.levels.clear();
            }
        } else {
            assert_eq!(update.number, self.number + 1, "changes have no gap");
        }
        self.number = update.number;
        for (is_ask, levels) in [(false, &levels.bids), (true, &levels.asks)] {
            for level in levels {
                let key = (is_ask, level.price_micros);
                match level.quantity {
                    0 => drop(self.levels.remove(&key)),
                    _ => drop(self.levels.insert(key, *level)),
                }
            }
        }
        self.is_whole = !update.incomplete;
        if self.is_whole {
            assert_eq!(self.checksum(), levels.checksum, "{:?}", self.levels);
        }
    }

    fn checksum(&self) -> u32 {
        checksum(self.levels.iter().map(|((is_ask, price), level)| {
            let side = if *is_ask { hourbook_model::Side::Sell } else { hourbook_model::Side::Buy };
            let quantity = Quantity(level.quantity);
            (side, Level { price: Price(*price), quantity, orders: level.order_count })
        }))
    }

    /// Reads until all is told that commands up to `sequence` caused.
    async fn follow(&mut self, reader: &mut Reader, sequence: u64) {
        loop {
            let update = reader.next_told().await.unwrap();
            self.hear(&update);
            if update.sequence >= sequence && self.is_whole {
                return;
            }
        }
    }
}

async fn rest(venue: &Venue, account: u32, side: hourbook_model::Side, price: i64, lots: i64) -> u64 {
    let instrument = listed(venue, HOUR)[0];
    let order = NewOrder {
        instrument,
        side,
        order_type: OrderType::Limit,
        time_in_force: hourbook_model::TimeInForce::Gtc,
        price: Price(price),
        trigger: Price(0),
        quantity: Quantity(lots),
        display: Quantity(0),
        minimum: Quantity(0),
        post_only: false,
        self_trade: SelfTrade::Allow,
    };
    let request = hourbook_model::Request { account: AccountId(account), ..Default::default() };
    let receipt = venue.handle.submit(request, PlaceOrder { order }.into()).await.unwrap();
    assert_eq!(receipt.answer.refused, None);
    receipt.stamp.seq
}

/// Listed instruments that a pattern names.
fn listed(venue: &Venue, pattern: &str) -> Vec<InstrumentId> {
    let pattern = Pattern::parse("pattern", pattern, INSTRUMENT_PARTS).unwrap();
    venue.gateway.0.directory.instruments(&pattern, None, usize::MAX).into_iter().map(|(id, _)| id).collect()
}

/// Waits for what must come about.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: it does not come about");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until market data has come so far.
async fn told(venue: &Venue, sequence: u64) {
    until("it is told", || venue.gateway.0.live.at().seq >= sequence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_kept_over_the_wire_from_a_snapshot_in_parts_and_its_changes() {
    let venue = Venue::open().await;
    let (ann, ann_key) = venue.trader("ann", Role::Trader).await;
    let (bob, bob_key) = venue.trader("bob", Role::Provider).await;
    let (buyer, seller) = (venue.client(&ann_key).await, venue.client(&bob_key).await);
    for level in 0..6 {
        place(&seller, bob, &format!("s{level}"), limit(HOUR, Side::Sell, 5, 1_000_000 + 100 * level))
            .await
            .unwrap();
        place(&buyer, ann, &format!("b{level}"), limit(HOUR, Side::Buy, 5, 900_000 + 100 * level))
            .await
            .unwrap();
    }
    let at = venue.handle.read(|exchange| exchange.stamp().seq).await.unwrap();
    told(&venue, at).await;

    let request = views(&[HOUR], &[View::Levels, View::Trades]);
    let mut stream = buyer.market_data.clone().subscribe(request).await.unwrap().into_inner();
    let (mut kept, mut trades, mut parts) = (Kept::default(), Vec::new(), 0);
    let mut placed = false;
    while trades.is_empty() || kept.levels.len() != 11 {
        let response = tokio::time::timeout(Duration::from_secs(10), stream.message()).await;
        for update in response.expect("in time").unwrap().expect("it goes on").updates {
            match &update.content {
                Some(Content::Instrument(instrument)) => assert_eq!(instrument.symbol, HOUR),
                Some(Content::Heartbeat(_)) => {}
                Some(Content::Levels(_)) => {
                    parts += usize::from(update.incomplete);
                    kept.hear(&update);
                }
                Some(Content::Trades(told)) if update.snapshot => assert!(told.trades.is_empty()),
                Some(Content::Trades(told)) => trades.extend(told.trades.clone()),
                other => panic!("{other:?}"),
            }
            if kept.is_whole && !std::mem::replace(&mut placed, true) {
                place(&buyer, ann, "t", limit(HOUR, Side::Buy, 7, 1_000_100)).await.unwrap();
            }
        }
    }
    assert_eq!(parts, 2, "twelve levels in parts of four");
    let trades: Vec<_> =
        trades.iter().map(|trade| (trade.price_micros, trade.quantity, trade.taker_side())).collect();
    assert_eq!(trades, [(1_000_000, 5, Side::Buy), (1_000_100, 2, Side::Buy)]);
    let book = v1::GetBookRequest { symbol: HOUR.into(), depth: 100, ..Default::default() };
    let book = buyer.market_data.clone().get_book(book).await.unwrap().into_inner();
    let asks: Vec<_> =
        kept.levels.iter().filter(|((is_ask, _), _)| *is_ask).map(|(_, level)| *level).collect();
    assert_eq!(asks, book.asks);
    drop((stream, buyer, seller));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_resumes_where_it_stopped_or_begins_anew_where_that_is_kept_no_more() {
    let venue = Venue::open().await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let mut reader = Reader::begin(&venue, &views(&[HOUR], &[View::Levels])).unwrap();
    let announced = reader.next().await.unwrap();
    let Some(Content::Instrument(instrument)) = &announced.content else { panic!("{announced:?}") };
    let (id, epoch) = (announced.instrument_id, instrument.epoch);
    let mut kept = Kept::default();
    let last = rest(&venue, ann, hourbook_model::Side::Buy, 900_000, 1).await;
    kept.follow(&mut reader, last).await;
    drop(reader);

    let mut last = 0;
    for more in 0..100 {
        last = rest(&venue, ann, hourbook_model::Side::Buy, 900_100 + 100 * (more % 7), 1).await;
    }
    told(&venue, last).await;
    let resumed = |epoch, from| resumed(id, View::Levels, epoch, from);
    let mut reader = Reader::begin(&venue, &resumed(epoch, kept.number + 1)).unwrap();
    let first = reader.next_told().await.unwrap();
    assert_eq!((first.snapshot, first.number), (false, kept.number + 1), "it goes on where it stopped");
    kept.hear(&first);
    kept.follow(&mut reader, last).await;
    let now = kept.number;

    for (epoch, from, why) in [
        (epoch + 1, now, "numbers of another epoch mean nothing"),
        (epoch, now + 2, "a number that was not given yet"),
        (epoch, 0, "there is no change 0"),
    ] {
        let mut other = Reader::begin(&venue, &resumed(epoch, from)).unwrap();
        assert!(other.next_told().await.unwrap().snapshot, "{why}");
    }
    let mut next = Reader::begin(&venue, &resumed(epoch, now + 1)).unwrap();
    next.next().await.unwrap();
    for more in 0..300 {
        last = rest(&venue, ann, hourbook_model::Side::Buy, 900_100 + 100 * (more % 7), 1).await;
    }
    told(&venue, last).await;
    let first = next.next_told().await.unwrap();
    assert_eq!((first.snapshot, first.number), (false, now + 1), "nothing was missed, nothing is told twice");
    let mut late = Reader::begin(&venue, &resumed(epoch, now)).unwrap();
    assert!(late.next_told().await.unwrap().snapshot, "300 changes are more than are kept");
    drop((reader, next, late));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_again_and_again_misses_no_trade() {
    let venue = Venue::open().await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let (bob, _) = venue.trader("bob", Role::Provider).await;
    // As long as somebody reads the book, orders count as changes.
    let mut levels = Reader::begin(&venue, &views(&[HOUR], &[View::Levels])).unwrap();
    assert!(levels.next_told().await.unwrap().snapshot);
    let mut reader = Reader::begin(&venue, &views(&[HOUR], &[View::Trades])).unwrap();
    let announced = reader.next().await.unwrap();
    let Some(Content::Instrument(instrument)) = &announced.content else { panic!("{announced:?}") };
    let (id, epoch) = (announced.instrument_id, instrument.epoch);
    let mut number = reader.next_told().await.unwrap().number;
    let trade = async || {
        rest(&venue, bob, hourbook_model::Side::Sell, 901_000, 1).await;
        told(&venue, rest(&venue, ann, hourbook_model::Side::Buy, 901_000, 1).await).await;
    };
    // What came while it was read does not count.
    for _ in 0..200 {
        told(&venue, rest(&venue, ann, hourbook_model::Side::Buy, 900_000, 1).await).await;
    }
    for _ in 0..3 {
        drop(reader);
        trade().await;
        for more in 0..150 {
            rest(&venue, ann, hourbook_model::Side::Buy, 900_100 + 100 * (more % 7), 1).await;
        }
        tokio::time::sleep(KEPT_FOR).await;
        trade().await;
        reader = Reader::begin(&venue, &resumed(id, View::Trades, epoch, number + 1)).unwrap();
        for _ in 0..2 {
            let update = reader.next_told().await.unwrap();
            number += 1;
            assert_eq!((update.snapshot, update.number), (false, number), "less came than is kept");
        }
    }
    drop((reader, levels));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn books_are_kept_of_what_is_read_and_a_while_longer() {
    let venue = Venue::open().await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let live = &venue.gateway.0.live;
    let last = rest(&venue, ann, hourbook_model::Side::Buy, 900_000, 1).await;
    told(&venue, last).await;
    assert_eq!(live.books(), 0, "nobody reads");
    let mut trades = Reader::begin(&venue, &views(&[HOUR], &[View::Trades])).unwrap();
    assert!(trades.next_told().await.unwrap().snapshot);
    assert_eq!(live.books(), 0, "trades need no book");
    let mut reader = Reader::begin(&venue, &views(&[HOUR], &[View::Top, View::Levels])).unwrap();
    let announced = reader.next().await.unwrap();
    let Some(Content::Instrument(instrument)) = &announced.content else { panic!("{announced:?}") };
    let (id, epoch) = (announced.instrument_id, instrument.epoch);
    let before = loop {
        let update = reader.next_told().await.unwrap();
        if let Some(Content::Levels(_)) = update.content {
            break update.number;
        }
    };
    assert_eq!(live.books(), 1);
    drop(reader);
    let change_300_times = async || {
        let bid = |more: i64| rest(&venue, ann, hourbook_model::Side::Buy, 900_100 + 100 * (more % 7), 1);
        let sequences = futures::future::join_all((0..300).map(bid)).await;
        told(&venue, sequences.into_iter().max().unwrap()).await;
    };
    change_300_times().await;
    assert_eq!(live.books(), 1, "who lost a connection may come back");
    tokio::time::sleep(KEPT_FOR).await;
    change_300_times().await;
    assert_eq!(live.books(), 0, "nobody has read it for so long, and so many changes");

    let mut reader = Reader::begin(&venue, &resumed(id, View::Levels, epoch, before + 600)).unwrap();
    let mut kept = Kept::default();
    let last = rest(&venue, ann, hourbook_model::Side::Buy, 900_000, 1).await;
    kept.follow(&mut reader, last).await;
    assert_eq!(kept.levels.len(), 8);
    drop((trades, reader));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_a_busy_book_at_whatever_moment_has_all_of_it() {
    let venue = Arc::new(Venue::open().await);
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    const ORDERS: i64 = 1_500;
    // Deep enough for many pieces.
    let mut begun = 0;
    for level in 0..60 {
        rest(&venue, ann, hourbook_model::Side::Buy, 900_000 + 100 * level, 1).await;
        begun = rest(&venue, ann, hourbook_model::Side::Sell, 1_000_000 + 100 * level, 1).await;
    }
    let orders = tokio::spawn({
        let venue = Arc::clone(&venue);
        async move {
            let mut last = 0;
            for more in 0..ORDERS {
                let (side, price) = match more % 4 {
                    0 => (hourbook_model::Side::Buy, 900_000 + 100 * (more * 7 % 60)),
                    1 => (hourbook_model::Side::Sell, 1_000_000 + 100 * (more * 11 % 60)),
                    2 => (hourbook_model::Side::Buy, 1_000_000 + 100 * (more % 3)),
                    _ => (hourbook_model::Side::Sell, 905_900 - 100 * (more % 3)),
                };
                last = rest(&venue, ann, side, price, 1 + more % 3).await;
            }
            last
        }
    });
    let mut readers = Vec::new();
    while !orders.is_finished() {
        let mut reader = Reader::begin(&venue, &views(&[HOUR], &[View::Levels])).unwrap();
        let mut kept = Kept::default();
        let now = venue.gateway.0.live.at().seq;
        // No further than to the last order.
        kept.follow(&mut reader, (now + 3).min(begun + ORDERS as u64)).await;
        readers.push((reader, kept));
        // Kept no longer, so that the next one begins anew.
        if readers.len() % 2 == 0 {
            let live = &venue.gateway.0.live;
            readers.clear();
            until("it is forgotten", || live.books() == 0 || orders.is_finished()).await;
        }
    }
    let last = orders.await.unwrap();
    let mut reader = Reader::begin(&venue, &views(&[HOUR], &[View::Levels])).unwrap();
    let mut kept = Kept::default();
    let more = rest(&venue, ann, hourbook_model::Side::Buy, 890_000, 1).await;
    assert!(more > last);
    kept.follow(&mut reader, more).await;
    let id = listed(&venue, HOUR)[0];
    let book = venue.handle.read(move |exchange| exchange.book(id, usize::MAX, 0).unwrap()).await.unwrap();
    let all = book.bids.iter().map(|level| (hourbook_model::Side::Buy, *level));
    let all = all.chain(book.asks.iter().map(|level| (hourbook_model::Side::Sell, *level)));
    assert_eq!(checksum(all), kept.checksum());
    drop((reader, readers));
    assert!(Arc::into_inner(venue).unwrap().close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_later_joins_by_itself() {
    let venue = Venue::open().await;
    let request = v1::SubscribeRequest {
        patterns: vec!["GP.CNNX.B".into(), "GP.CNNX.*.W*".into()],
        ..views(&[], &[View::Top])
    };
    let mut reader = Reader::begin(&venue, &request).unwrap();
    let mut joined = Vec::new();
    while joined.len() < listed(&venue, "GP.CNNX.*.W*").len() {
        if let Some(Content::Instrument(instrument)) = reader.next().await.unwrap().content {
            joined.push(instrument.symbol);
        }
    }
    assert!(!joined.is_empty() && joined.iter().all(|symbol| symbol.contains(".W")), "{joined:?}");
    let last = venue.does(DefineProduct { product: product("GP.CNNX.B").into() }).await;
    let last = last.max(venue.does(Tick {}).await);
    told(&venue, last).await;
    let listed = listed(&venue, "GP.CNNX.B");
    assert!(listed.len() > 20, "{}", listed.len());
    let mut later = 0;
    while later < listed.len() {
        if let Some(Content::Instrument(instrument)) = reader.next().await.unwrap().content {
            assert!(instrument.symbol.starts_with("GP.CNNX.B."), "{}", instrument.symbol);
            later += 1;
        }
    }
    drop(reader);
    assert!(venue.close().await);
}

fn small(bytes: usize) -> Settings {
    with(|limits: &mut Limits| limits.subscription_buffer_bytes = bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_closed_or_begins_anew_as_it_chose_and_others_go_on() {
    let venue = Venue::with(small(2_000), false).await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let begin = |slow: SlowReader| {
        let request = v1::SubscribeRequest { slow_reader: slow as i32, ..views(&[HOUR], &[View::Levels]) };
        Reader::begin(&venue, &request).unwrap()
    };
    let (mut closed, mut conflated) = (begin(SlowReader::Close), begin(SlowReader::Conflate));
    let mut quick = begin(SlowReader::Unspecified);
    let mut books = [Kept::default(), Kept::default()];
    for reader in [&mut closed, &mut conflated, &mut quick] {
        let first = reader.next_told().await.unwrap();
        books.iter_mut().for_each(|book| book.hear(&first));
    }
    let mut last = 0;
    for more in 0..200 {
        last = rest(&venue, ann, hourbook_model::Side::Buy, 900_000 + 100 * (more % 7), 1).await;
        books[0].follow(&mut quick, last).await;
    }
    told(&venue, last).await;
    let refused = closed.next_told().await.unwrap_err();
    assert_eq!(shown(&refused), "ResourceExhausted READER_TOO_SLOW");
    assert!(
        refused.message().contains("2000 bytes") && refused.message().contains("limits.subscription_buffer")
    );
    let first = conflated.next_told().await.unwrap();
    assert!(first.snapshot && first.number == books[0].number, "it begins with how the book stands");
    books[1].hear(&first);
    while !books[1].is_whole {
        books[1].hear(&conflated.next_told().await.unwrap());
    }
    assert_eq!(books[1].levels, books[0].levels);
    last = rest(&venue, ann, hourbook_model::Side::Buy, 900_000, 1).await;
    books[1].follow(&mut conflated, last).await;
    drop((closed, conflated, quick));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn market_data_that_fell_behind_begins_again_and_so_do_its_readers() {
    let venue = Venue::open().await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let begin = |slow: SlowReader| {
        let request = v1::SubscribeRequest { slow_reader: slow as i32, ..views(&[HOUR], &[View::Levels]) };
        Reader::begin(&venue, &request).unwrap()
    };
    let (mut closed, mut conflated) = (begin(SlowReader::Close), begin(SlowReader::Conflate));
    for reader in [&mut closed, &mut conflated] {
        assert!(reader.next_told().await.unwrap().snapshot);
    }
    let live = &venue.gateway.0.live;
    let epoch = live.epoch();
    let relieve = live.burden();
    rest(&venue, ann, hourbook_model::Side::Buy, 900_000, 1).await;
    until("another epoch", || live.epoch() != epoch).await;
    relieve();
    assert_eq!(
        shown(&closed.next_told().await.unwrap_err()),
        "Unavailable MARKET_DATA_RESTARTED after 1000 ms"
    );
    let mut kept = Kept { is_whole: true, ..Kept::default() };
    let first = conflated.next_told().await.unwrap();
    assert!(first.snapshot);
    kept.hear(&first);
    let last = rest(&venue, ann, hourbook_model::Side::Buy, 900_100, 1).await;
    kept.follow(&mut conflated, last).await;
    assert_eq!(kept.levels.len(), 2);
    drop((closed, conflated));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_a_halt_are_told_with_what_an_uncross_would_do() {
    let venue = Venue::open().await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let hour = listed(&venue, HOUR)[0];
    let symbols = [HOUR, "GP.CNNX.C.H20261124T08"];
    let mut reader = Reader::begin(&venue, &views(&symbols, &[View::Status, View::Indicative])).unwrap();
    let mut statuses = BTreeMap::new();
    let mut indicatives = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    type Wanted<'a> = &'a dyn Fn(&[v1::InstrumentStatus], &[(i64, i64)]) -> bool;
    let mut next = async |until: Wanted<'_>| loop {
        let update = reader.next_told().await.unwrap();
        let id = update.instrument_id;
        let view = match update.content.as_ref().unwrap() {
            Content::Status(status) => {
                statuses.insert(id, status.status());
                View::Status
            }
            Content::Indicative(one) => {
                indicatives.insert(id, (one.price_micros, one.quantity));
                View::Indicative
            }
            other => panic!("{other:?}"),
        };
        let before = numbers.insert((id, view as i32), update.number);
        assert!(update.snapshot || before == Some(update.number - 1), "changes have no gap");
        let (statuses, indicatives): (Vec<_>, Vec<_>) =
            (statuses.values().copied().collect(), indicatives.values().copied().collect());
        if until(&statuses, &indicatives) {
            break;
        }
    };
    use v1::InstrumentStatus::{Auction, Continuous, Halted};
    next(&|statuses, indicatives| statuses == [Continuous; 2] && indicatives == [(0, 0); 2]).await;
    venue.does(OpenAuction { scope: Scope::Instrument(hour), until: None }).await;
    next(&|statuses, _| statuses.contains(&Auction)).await;
    rest(&venue, ann, hourbook_model::Side::Buy, 1_000_200, 3).await;
    rest(&venue, ann, hourbook_model::Side::Sell, 1_000_000, 2).await;
    next(&|_, indicatives| indicatives.contains(&(1_000_200, 2))).await;
    let book = venue.handle.read(move |exchange| exchange.book(hour, 0, 0).unwrap()).await.unwrap();
    assert_eq!(book.indicative, Some((Price(1_000_200), Quantity(2))), "the exchange's own rule");
    venue.does(Uncross { scope: Scope::Instrument(hour), reference: None }).await;
    next(&|statuses, indicatives| statuses == [Continuous; 2] && indicatives == [(0, 0); 2]).await;

    // A halt of all names none, and yet each is told.
    venue.does(Halt { scope: Scope::Market, reason: String::new() }).await;
    next(&|statuses, _| statuses == [Halted; 2]).await;
    venue.does(Resume { scope: Scope::Market }).await;
    next(&|statuses, _| statuses == [Continuous; 2]).await;
    drop(reader);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_says_that_everything_has_joined_however_busy_it_is() {
    let venue = Venue::open().await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let request = v1::SubscribeRequest { patterns: vec!["GP.*".into()], ..views(&[], &[View::Levels]) };
    let mut reader = Reader::begin(&venue, &request).unwrap();
    // Less than a heartbeat apart, for as long as it takes.
    let busy = async {
        loop {
            rest(&venue, ann, hourbook_model::Side::Buy, 900_000, 1).await;
        }
    };
    let joins = async {
        let mut announced = 0;
        loop {
            match reader.next().await.unwrap().content {
                Some(Content::Instrument(_)) => announced += 1,
                Some(Content::Heartbeat(_)) => return announced,
                _ => {}
            }
        }
    };
    let announced = tokio::select! {
        announced = joins => announced,
        () = busy => unreachable!("it is busy for ever"),
    };
    let listed = venue.handle.read(|exchange| exchange.instrument_count()).await.unwrap();
    assert_eq!(announced, listed, "all of them before it");
    drop(reader);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_has_a_heartbeat_with_the_last_sequence() {
    let venue =
        Venue::with(Settings { heartbeat: Duration::from_millis(30), ..Settings::default() }, false).await;
    let mut reader = Reader::begin(&venue, &views(&[HOUR], &[View::Top])).unwrap();
    reader.next_told().await.unwrap();
    let last = venue.does(Tick {}).await;
    loop {
        let update = reader.next().await.unwrap();
        assert!(matches!(update.content, Some(Content::Heartbeat(_))), "{update:?}");
        if update.sequence >= last {
            break;
        }
    }
    drop(reader);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_are_told_does_not_put_a_heartbeat_off() {
    let heartbeat = Duration::from_millis(400);
    let venue = Venue::with(Settings { heartbeat, ..Settings::default() }, false).await;
    // Nobody trades here, and it stays for days.
    let quiet = v1::SubscribeRequest { patterns: vec!["GP.CNNX.*.W*".into()], ..views(&[], &[View::Top]) };
    let mut reader = Reader::begin(&venue, &quiet).unwrap();
    // The first says that all has joined.
    while !matches!(reader.next().await.unwrap().content, Some(Content::Heartbeat(_))) {}
    let lists = async {
        for _ in 0..40 {
            venue.clock.advance(Duration::from_secs(3_600));
            venue.does(Tick {}).await;
            tokio::time::sleep(heartbeat / 8).await;
        }
    };
    let heard = async {
        loop {
            if let Some(Content::Heartbeat(_)) = reader.next().await.unwrap().content {
                return;
            }
        }
    };
    tokio::select! {
        () = lists => panic!("forty hours were listed, and no heartbeat came"),
        () = heard => {}
    }
    drop(reader);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_badly_is_refused_by_field_and_too_many_by_limit() {
    let venue = Venue::with(with(|limits: &mut Limits| limits.subscriptions = 1), false).await;
    let good = views(&[HOUR], &[View::Top]);
    let point = v1::ResumePoint { view: 9, ..Default::default() };
    let bad = [
        ("symbols", views(&[], &[View::Top])),
        ("symbols[1]", views(&[HOUR, "GP.CNNX.A.H20991124T08"], &[View::Top])),
        ("symbols", views(&[HOUR; 1_001], &[View::Top])),
        ("patterns[0]", v1::SubscribeRequest { patterns: vec!["gp.*".into()], ..good.clone() }),
        ("patterns", v1::SubscribeRequest { patterns: vec!["*".into(); 101], ..good.clone() }),
        ("views", views(&[HOUR], &[])),
        ("views[0]", views(&[HOUR], &[View::Unspecified])),
        ("views[1]", v1::SubscribeRequest { views: vec![1, -1], ..good.clone() }),
        ("candle_intervals", views(&[HOUR], &[View::Candles])),
        ("candle_intervals", v1::SubscribeRequest { candle_intervals: vec![1], ..good.clone() }),
        (
            "candle_intervals[0]",
            v1::SubscribeRequest { candle_intervals: vec![7], ..views(&[HOUR], &[View::Candles]) },
        ),
        ("slow_reader", v1::SubscribeRequest { slow_reader: 3, ..good.clone() }),
        ("resume[0]", v1::SubscribeRequest { resume: vec![point], ..good.clone() }),
        ("resume", v1::SubscribeRequest { resume: vec![point; 10_001], ..good.clone() }),
    ];
    for (field, request) in bad {
        let refused = Reader::begin(&venue, &request).err().expect(field);
        assert_eq!(shown(&refused), format!("InvalidArgument INVALID_FIELD {field}"));
    }
    let first = Reader::begin(&venue, &good).unwrap();
    let refused = Reader::begin(&venue, &good).err().unwrap();
    assert_eq!(shown(&refused), "ResourceExhausted TOO_MANY_STREAMS");
    assert!(refused.message().contains("at most 1 ") && refused.message().contains("limits.subscriptions"));
    drop(first);
    Reader::begin(&venue, &good).expect("a place is free again");
    assert!(venue.close().await);
}
