//! Stopping, starting and crashing: what was acknowledged is there, and a replay comes to the same state.

use std::process::Command;
use std::time::Duration;

use hourbook_api::v1;
use v1::CancelReason;

use crate::venue::{FREE, Member, PRODUCT, Venue, entry, limit, program};

/// Some of everything: orders that rest, fills, a cancel, a session with an order, a day passed.
async fn bustle(venue: &Venue, ann: &Member, bob: &Member) {
    let symbol = venue.hour(FREE, 30);
    for price in [90_000, 95_000, 100_000] {
        bob.buy(&symbol, 5, price).await;
    }
    ann.sell(&symbol, 7, 95_000).await;
    let order = bob.buy(&venue.day(PRODUCT, 2), 1, 80_000).await.report.unwrap();
    bob.cancel(order.order_id).await;
    venue.pass_to(4, 0).await;
    ann.sell(&venue.hour(FREE, 10), 3, 110_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_nothing_but_ends_the_sessions() {
    let mut venue = Venue::open().await;
    let (mut ann, mut bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 1_000).await);
    bustle(&venue, &ann, &bob).await;
    let symbol = venue.hour(FREE, 5);
    let mut trading = bob
        .trade(v1::Logon { session: "desk".into(), cancel_on_disconnect: true, ..Default::default() })
        .await;
    let request = v1::trade_entry::Request::Place(limit(v1::Side::Buy, &symbol, 1, 100_000));
    trading.session.send(vec![entry(1, request)]).await.unwrap();
    let placed = trading.until(|report| report.request_number == 1).await;
    let (positions, balance) = (bob.positions().await, bob.balance().await);

    venue.restart().await;
    ann.reconnect(&venue).await;
    bob.reconnect(&venue).await;
    let over = bob.order(placed.order_id).await;
    assert!(!over.live, "its session asked for it to go");
    assert_eq!(over.report.unwrap().cancel_reason(), CancelReason::Disconnect);
    assert_eq!(bob.positions().await, positions);
    assert_eq!(bob.balance().await.escrow_micros, balance.escrow_micros);
    assert_eq!(bob.open_orders().await.len(), 2);
    venue.check().await;

    // History is there too: closed orders and fills from before.
    let request = v1::ListFillsRequest { account_id: bob.account, ..Default::default() };
    let fills = bob.client.orders.clone().list_fills(request).await.unwrap().into_inner().fills;
    assert_eq!(fills.len(), 2);
    // And trading goes on: what rests trades.
    let symbol = bob.open_orders().await[0].report.as_ref().unwrap().symbol.clone();
    assert_eq!(ann.sell(&symbol, 1, 90_000).await.fills.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_crash_and_replay_equals_life() {
    let mut venue = Venue::open().await;
    let (mut ann, mut bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 1_000).await);
    bustle(&venue, &ann, &bob).await;
    let before = venue.state().await;
    let orders = bob.open_orders().await;

    venue.crash().await;
    assert_eq!(venue.replayed(before.0).state_hash, before.1, "the journal up to then is whole");
    ann.reconnect(&venue).await;
    bob.reconnect(&venue).await;
    let ids = |orders: &[v1::Order]| -> Vec<u64> {
        orders.iter().filter_map(|order| order.report.as_ref()).map(|report| report.order_id).collect()
    };
    assert_eq!(ids(&bob.open_orders().await), ids(&orders));
    venue.check().await;

    bustle(&venue, &ann, &bob).await;
    let live = venue.state().await;
    let replayed = venue.replayed(live.0);
    assert_eq!((replayed.seq, replayed.state_hash), live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_goes_on_over_a_restart_and_leads_to_the_books_of_the_new_start() {
    const CUTS: u64 = 20;
    let mut venue = Venue::open().await;
    let (mut ann, mut bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 1_000).await);
    bustle(&venue, &ann, &bob).await;

    let mut command = Command::new(program());
    command.args([
        "ctl",
        "--address",
        &format!("http://{}", venue.running().address),
        "--key",
        &bob.key,
        "record",
    ]);
    let file = venue.directory.path().join("hour.feed");
    command.arg(&file).args(["GP.CNNX.*", "--seconds", "12", "--cuts", &CUTS.to_string(), "--json"]);
    let recorded = tokio::task::spawn_blocking(move || command.output().unwrap());
    // Once it has begun.
    while std::fs::metadata(&file).map_or(0, |file| file.len()) == 0 {
        assert!(!recorded.is_finished(), "it records nothing");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let symbol = venue.hour(FREE, 5);
    bob.buy(&symbol, 5, 90_000).await;
    venue.away(tokio::time::sleep(Duration::from_millis(300))).await;
    ann.reconnect(&venue).await;
    bob.reconnect(&venue).await;
    for price in [91_000, 92_000, 93_000] {
        bob.buy(&symbol, 2, price).await;
    }
    ann.sell(&symbol, 3, 92_000).await;

    let recorded = recorded.await.unwrap();
    let (told, said) =
        (String::from_utf8(recorded.stdout).unwrap(), String::from_utf8(recorded.stderr).unwrap());
    assert!(recorded.status.success(), "{told}{said}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["reconnects"], 1, "{told}{said}");
    assert_eq!((&told["differences"], &told["cuts"]), (&0.into(), &CUTS.into()), "{told}{said}");
    let books = told["books_compared"].as_u64().unwrap() + told["over"].as_u64().unwrap();
    assert!(books >= CUTS, "{told}");
    assert!(said.contains("the connection broke behind number") && said.contains("goes on after"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_from_a_snapshot_comes_to_the_same_state() {
    let mut venue = Venue::open().await;
    let (mut ann, mut bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 1_000).await);
    bustle(&venue, &ann, &bob).await;
    let taken =
        venue.operator().await.admin.take_snapshot(v1::TakeSnapshotRequest {}).await.unwrap().into_inner();
    let (seq, hash) = venue.state().await;
    assert_eq!(taken.sequence, seq);
    let hexadecimal: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(taken.state_hash, hexadecimal);

    venue.restart().await;
    assert_eq!(venue.running().recovered.snapshot, seq);
    ann.reconnect(&venue).await;
    bob.reconnect(&venue).await;
    bustle(&venue, &ann, &bob).await;
    let live = venue.state().await;
    assert_eq!(venue.replayed(live.0).state_hash, live.1, "from the first command, without the snapshot");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_market_file_is_not_journaled_again_and_a_changed_one_is() {
    let mut venue = Venue::open().await;
    let first = venue.state().await.0;
    venue.restart().await;
    let again = venue.state().await.0;
    assert!(again <= first + 2, "a restart and a tick: {first} to {again}");

    let file = venue.directory.path().join("market.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(r#"{ reference = "0.1" }"#, r#"{ reference = "0.2" }"#)).unwrap();
    venue.restart().await;
    let symbol = venue.hour(PRODUCT, 3);
    assert_eq!(venue.book(&symbol).await.reference_price_micros, 200_000);
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_file_that_cannot_be_adopted_is_named_and_changes_nothing() {
    let mut venue = Venue::open().await;
    let before = venue.state().await.0;
    venue.stop().await;
    let file = venue.directory.path().join("market.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    // Another cap for the whole, and another currency, which positions do not survive.
    let other = good.replace("currency = \"CNY\"", "currency = \"USD\"");
    assert_ne!(good, other);
    std::fs::write(&file, other).unwrap();
    let told = venue.start_another().await;
    assert!(told.contains("market.toml: products."), "{told}");
    assert!(told.contains(".currency: is CNY since it was first defined"), "{told}");
    std::fs::write(&file, good).unwrap();
    venue.start().await;
    let after = venue.state().await.0;
    assert!(after <= before + 2, "a restart and a tick: {before} to {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_exchange_on_the_same_directory_is_told_who_holds_it() {
    let venue = Venue::open().await;
    let told = venue.start_another().await;
    assert!(told.contains(&std::process::id().to_string()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_drains_it_and_whatever_comes_later_is_refused() {
    let mut venue = Venue::open().await;
    let mut bob = venue.buyer("bob", 100).await;
    let symbol = venue.hour(FREE, 2);
    let placed = bob.buy(&symbol, 1, 100_000).await.report.unwrap();
    let drained = venue.operator().await.admin.drain(v1::DrainRequest {}).await.unwrap().into_inner();
    assert!(drained.sequence >= placed.sequence);
    let request = v1::PlaceOrderRequest {
        account_id: bob.account,
        client_order_id: "late".into(),
        order: Some(limit(v1::Side::Buy, &symbol, 1, 100_000)),
    };
    let refused = bob.client.orders.clone().place_order(request).await.err().unwrap();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused}");
    venue.restart().await;
    bob.reconnect(&venue).await;
    assert!(bob.order(placed.order_id).await.live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_ends_it_with_its_reason_and_nothing_more_is_acknowledged() {
    let mut venue = Venue::open().await;
    let bob = venue.buyer("bob", 100).await;
    let limits = v1::SetLimitsRequest {
        request_id: "limits".into(),
        account_id: bob.account,
        commands_per_second: 1_000_000,
        open_order_limit: 10_000,
    };
    let mut admin = venue.operator().await.admin;
    admin.set_limits(limits).await.unwrap();
    let symbol = venue.hour(FREE, 2);
    let mut trading = bob.trade(v1::Logon { session: "desk".into(), ..Default::default() }).await;
    // The directory is gone; the journal notices when it needs its next file.
    std::fs::remove_dir_all(venue.data()).unwrap();
    let order = v1::NewOrder {
        time_in_force: v1::TimeInForce::Ioc as i32,
        ..limit(v1::Side::Buy, &symbol, 1, 100_000)
    };
    let place = |number| entry(number, v1::trade_entry::Request::Place(order.clone()));
    for batch in 0..200 {
        let entries = (batch * 500 + 1..=batch * 500 + 500).map(place).collect();
        if trading.session.send(entries).await.is_err() {
            break;
        }
        while let Ok(Ok(Some(_))) =
            tokio::time::timeout(Duration::from_millis(20), trading.session.next()).await
        {}
    }
    let told = venue.fault().await;
    assert!(told.contains("a fault stopped the exchange"), "{told}");
    let refused = admin.get_status(v1::GetStatusRequest { state_hash: false }).await.err().unwrap();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused}");
}
