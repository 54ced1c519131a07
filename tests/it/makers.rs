//! A market maker at an exchange: it keeps a book two-sided, comes back after a restart, and leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use hourbook_api::v1;
use hourbook_maker::{Breach, Config, Depth, Error, Figures, FixedSpread, Limits, Maker, Settings, State};
use hourbook_pricing::Params;

use crate::venue::{CURRENCY, Member, PRODUCT, Venue};

const PRICED: &str = "[pricing]\nreferences = true\n";

/// A maker's member, with money and 100 lots in every hour.
async fn member(venue: &Venue) -> Member {
    let member = venue.member("maker", v1::Role::Maker).await;
    let mut admin = venue.operator().await.admin;
    let deposit = v1::DepositRequest {
        request_id: "money maker".into(),
        account_id: member.account,
        currency: CURRENCY.into(),
        amount_micros: 100_000_000_000,
        reference: String::new(),
    };
    admin.deposit(deposit).await.unwrap();
    let capacity = v1::DeclareCapacityRequest {
        request_id: "hours maker".into(),
        account_id: member.account,
        product: PRODUCT.into(),
        start_time: Some(hourbook_api::convert::timestamp(venue.clock.now().hour().start())),
        hours: 200,
        quantity: 100,
        attestation: "seen".into(),
    };
    admin.declare_capacity(capacity).await.unwrap();
    member
}

fn config(venue: &Venue, member: &Member) -> Config {
    Config {
        address: format!("http://{}", venue.running().address),
        key: member.key.clone(),
        authority: None,
        account: member.account,
        session: "maker".into(),
        patterns: vec![format!("{PRODUCT}.H*")],
        provider: 0,
        params: Arc::new(Params::standard()),
        leash_ppm: 100_000,
        depth: Depth::Levels,
        pace: Duration::from_millis(5),
        settings: Settings {
            limits: Limits { quotes_per_second: 800, ..Limits::default() },
            ..Settings::default()
        },
    }
}

/// Waits until the maker stands as it is to.
async fn until(maker: &Maker, what: &str, stands: impl Fn(&Figures) -> bool) -> Figures {
    for _ in 0..1_000 {
        let figures = maker.figures();
        if stands(&figures) {
            return figures;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: {:?}", maker.figures());
}

fn all_two_sided(figures: &Figures) -> bool {
    figures.tradable > 40 && figures.two_sided == figures.tradable
}

fn fixed() -> Box<FixedSpread> {
    Box::new(FixedSpread { half_ppm: 10_000, skew_ppm: 20_000 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_keeps_books_two_sided_and_leaves_nothing_behind() {
    let venue = Venue::with(PRICED).await;
    let member = member(&venue).await;
    let maker = Maker::start(config(&venue, &member), fixed()).await.unwrap();
    let figures = until(&maker, "every hour has both sides", all_two_sided).await;
    assert_eq!(figures.refused_count(), 0);
    assert!(figures.quotes >= figures.tradable);

    // Somebody buys all of an offer: it is filled up, lower than before, and nothing else is sent again.
    let symbol = venue.hour(PRODUCT, 5);
    let before = venue.book(&symbol).await;
    let (bid, ask) = (before.bids[0], before.asks[0]);
    assert!(bid.price_micros > 0 && bid.price_micros < ask.price_micros);
    let buyer = venue.buyer("buyer", 1_000).await;
    buyer.buy(&symbol, ask.quantity, ask.price_micros).await;
    let figures = until(&maker, "the offer is filled up", |figures| {
        figures.fills == 1 && figures.sold == i128::from(ask.quantity) && all_two_sided(figures)
    })
    .await;
    assert_eq!(figures.open_lot_hours, i128::from(ask.quantity));
    let after = venue.book(&symbol).await;
    assert_eq!(after.asks[0].quantity, ask.quantity);
    // It was paid more than what it holds the hours to be worth.
    assert!(figures.realised_micros + figures.marked_micros > 0, "{figures:?}");

    let figures = maker.stop().await.unwrap();
    assert_eq!(figures.state, State::Stopped);
    assert_eq!(figures.standing, 0);
    let after = venue.book(&symbol).await;
    assert!(after.bids.is_empty() && after.asks.is_empty());
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_only_go_wrong_ends_a_maker_at_its_start() {
    let venue = Venue::with(PRICED).await;
    let member = member(&venue).await;
    let refused = async |config: Config| match Maker::start(config, fixed()).await {
        Err(Error::Config(why)) => why,
        other => panic!("{:?}", other.err()),
    };
    let right = config(&venue, &member);
    let nobody = refused(Config { provider: 999, ..right.clone() }).await;
    assert_eq!(nobody, "provider: the exchange knows no participant 999");
    let nervous = Settings { stale_after: Duration::from_secs(9), ..right.settings.clone() };
    let nervous = refused(Config { settings: nervous, ..right.clone() }).await;
    assert!(nervous.starts_with("quoting.stale_after: 9s is to be at least twice"), "{nervous}");
    let nothing = refused(Config { patterns: vec!["FPGA.*".into()], ..right.clone() }).await;
    assert!(nothing.starts_with("patterns: "), "{nothing}");
    Maker::start(right, fixed()).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_comes_back_when_the_exchange_does() {
    let mut venue = Venue::with(PRICED).await;
    let member = member(&venue).await;
    let maker = Maker::start(config(&venue, &member), fixed()).await.unwrap();
    until(&maker, "every hour has both sides", all_two_sided).await;
    venue
        .away(async {
            until(&maker, "it waits", |figures| matches!(figures.state, State::Waiting { .. })).await;
        })
        .await;
    until(&maker, "every hour has both sides again", |figures| {
        figures.state == State::Quoting && all_two_sided(figures)
    })
    .await;
    let symbol = venue.hour(PRODUCT, 5);
    assert_eq!(venue.book(&symbol).await.bids.len(), 1, "what stood before was cancelled");
    maker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_and_a_loss_end_a_maker() {
    let venue = Venue::with(PRICED).await;
    let member = member(&venue).await;
    let mut maker = Maker::start(config(&venue, &member), fixed()).await.unwrap();
    until(&maker, "every hour has both sides", all_two_sided).await;
    let kill =
        v1::KillRequest { request_id: "kill".into(), account_id: member.account, reason: "a test".into() };
    venue.operator().await.admin.kill(kill).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), maker.ended()).await.expect("it ends");
    assert!(matches!(ended, Err(Error::Breach(Breach::Killed))), "{ended:?}");
    let unkill = v1::UnkillRequest { request_id: "unkill".into(), account_id: member.account };
    venue.operator().await.admin.unkill(unkill).await.unwrap();

    // No loss is allowed, and five lots at most.
    let mut strict = config(&venue, &member);
    strict.settings.limits.position = 5;
    strict.settings.limits.loss_micros = 0;
    let mut maker = Maker::start(strict, fixed()).await.unwrap();
    until(&maker, "every hour has both sides", all_two_sided).await;
    let symbol = venue.hour(PRODUCT, 5);
    let (seller, buyer) = (venue.seller("seller", 100).await, venue.buyer("buyer", 1_000).await);
    let bid = venue.book(&symbol).await.bids[0];
    assert_eq!(bid.quantity, 5, "no more than its limit");
    seller.sell(&symbol, 5, bid.price_micros).await;
    until(&maker, "it has bought", |figures| figures.bought == 5).await;
    // Others trade days for less: what an hour is worth falls, and with it what the maker holds.
    for ahead in 0..5 {
        let day = venue.day(PRODUCT, ahead);
        let price = venue.book(&day).await.reference_price_micros * 85 / 100 / 100 * 100;
        seller.sell(&day, 1, price).await;
        buyer.buy(&day, 1, price).await;
    }
    let ended = tokio::time::timeout(Duration::from_secs(20), maker.ended()).await.expect("it ends");
    assert!(matches!(ended, Err(Error::Breach(Breach::Loss { .. }))), "{ended:?}");
    assert!(venue.book(&symbol).await.bids.is_empty(), "everything is cancelled");
}
