//! The state: each part of it is in its hash, and its bytes bring it back.
//!
//! Structures are taken apart by name and without `..`, so that a new field does not compile until somebody has
//! looked here and altered it too.

use super::market::{Market, START, class, product};
use crate::accounts::{Account, Key, Profile, Purse};
use crate::calendar::Due;
use crate::instruments::{Instrument, Listed, Phase};
use crate::machine::{Exchange, House, Lifetime, Marks, OrderRecord, Unpaired};
use crate::quality::{Quality, Service};
use crate::snapshot;
use hourbook_ledger::{LedgerAccountId, Position};
use hourbook_model::*;

/// A state in which everything occurs: orders of each kind, positions, obligations, sessions, memory.
fn everything() -> Exchange {
    let mut market = Market::with(Product {
        auction: Some(AuctionSchedule {
            call: 4 * Time::HOUR,
            freeze: 5 * Time::HOUR,
            uncross: 6 * Time::HOUR,
        }),
        ..product()
    });
    market.tell(
        "
        give ann 1000
        give cat 1000
        offer bob 50 h
        offer bob 50 H20261123T03
        sell bob H20261123T03 3 @ 1.00 as early
        buy cat H20261123T03 2 @ 1.00 as early2
        wait 10800
        sell bob h 5 @ 2.00 as ask
        buy ann h 2 @ 2.00 as bid
        buy ann h 2 @ 1.00 until 100000 as gtd
        buy ann h 2 @ 1.00 day as day
        buy ann d 6 @ 1.00 show 2 as ice
        buy ann w 1 @ 1.00 stop 2.00 as stop
        quote ann h 1 @ 1.50 0 @ 0
        logon ann s1 cancel
        buy ann h 1 @ 1.00 as named in s1
        call h 3000
        ",
    );
    let operator = Request::default();
    market.apply(operator, DefineClass { class: class().into() });
    let (provider, class) = (ParticipantId(1), "GP".to_string());
    let sum = DaySum { count: 1_000_000, sum: 1 };
    let day = (START / Time::DAY) as u32;
    let observations =
        vec![Observation { metric: "availability".into(), measure: Measure::Trials, day, sum }];
    market.apply(operator, SubmitObservations { provider, class: class.clone(), observations });
    let standing = Standing { score: 2, bound: 1, evidence: 1, rating: 9, rated_on: day, tiers: 7 };
    market.apply(operator, SetStanding { provider, class, standing, digest: [1; 16] });
    market.exchange
}

fn bytes_of(exchange: &Exchange) -> Vec<u8> {
    let mut bytes = Vec::new();
    exchange.encode(&mut bytes);
    bytes
}

type Alter = fn(&mut Exchange);

fn first_order(exchange: &mut Exchange) -> &mut OrderRecord {
    exchange.orders.iter_mut().find(|record| record.account.0 != 0).expect("a live order")
}

fn an_instrument(exchange: &mut Exchange) -> &mut Instrument {
    let id = exchange.instruments.all().next().expect("an instrument").id;
    exchange.instruments.at_mut(id.slot())
}

fn a_product(exchange: &mut Exchange) -> &mut Listed {
    exchange.instruments.known_mut(ProductId(1))
}

fn a_service(exchange: &mut Exchange) -> &mut Service {
    exchange.quality.services.values_mut().next().expect("a service")
}

fn ann(exchange: &mut Exchange) -> &mut Account {
    exchange.accounts.known_mut(AccountId(1))
}

fn profile(exchange: &mut Exchange) -> &mut Profile {
    exchange.accounts.profile_mut(AccountId(1))
}

/// What there is, so that what is new is not forgotten.
#[allow(dead_code, unused_variables, clippy::too_many_arguments)]
fn nothing_is_left_out(
    Exchange {
        stamp: Stamp { seq, time },
        rules_version,
        rehearsal,
        instruments,
        accounts,
        books,
        orders,
        expiries,
        ledger,
        hours,
        positions,
        house,
        agenda,
        unpaired,
        obligations,
        quality: Quality { services },
        trades,
        // Scratch, which no later command sees.
        matches: _,
        subject: _,
    }: Exchange,
    OrderRecord {
        hold,
        account,
        instrument,
        quantity,
        cumulative,
        session,
        previous,
        next,
        order_type,
        lifetime,
        side,
        marks,
    }: OrderRecord,
    Instrument {
        id,
        product,
        currency,
        phase,
        halted,
        period,
        gate,
        tick,
        call_until,
        last_auction,
        last_trade,
        fair,
        maker_fee_ppm,
        taker_fee_ppm,
        open_orders,
    }: Instrument,
    Listed { terms, currency: product_currency, halted: product_halt, fair: product_fair, listed_until }: Listed,
    Service { evidence, standing, digest }: Service,
    Account {
        participant,
        killed,
        unlimited,
        limits,
        open_orders: orders_of_account,
        first_order,
        last_order,
        reports,
        lines,
        ..
    }: Account,
    Profile { name, requests, quotes, sessions }: Profile,
    House { outside, fees, clearing }: House,
    Unpaired { waiting, next: next_to_pair }: Unpaired,
) {
}

#[test]
fn the_state_hash_changes_with_each_field() {
    let alterations: &[(&str, Alter)] = &[
        ("number", |x| x.stamp.seq += 1),
        ("time", |x| x.stamp.time.0 += 1),
        ("rules version", |x| x.rules_version += 1),
        ("a rehearsal", |x| x.rehearsal = !x.rehearsal),
        ("trades", |x| x.trades += 1),
        ("currencies", |x| x.instruments.currencies.push("USD".into())),
        ("classes", |x| _ = x.instruments.classes.insert("M5".into(), class())),
        ("regions", |x| _ = x.instruments.regions.insert("CNNX".into(), region())),
        ("adopted market", |x| x.instruments.adopted[31] = 1),
        ("market halt", |x| x.instruments.halted = true),
        ("product halt", |x| a_product(x).halted = true),
        ("product fair price", |x| a_product(x).fair.0 += 100),
        ("evidence", |x| a_service(x).evidence.values_mut().for_each(|days| days.clear())),
        ("a standing", |x| a_service(x).standing = None),
        ("a standing's digest", |x| a_service(x).digest[15] ^= 1),
        ("another service", |x| {
            x.quality.services.insert((ParticipantId(1), "M5".into()), Service::default());
        }),
        ("product terms", |x| a_product(x).terms.max_quantity.0 += 1),
        ("product currency", |x| a_product(x).currency.0 += 1),
        ("listed until", |x| a_product(x).listed_until[3].0 += 1),
        ("a new product", |x| _ = x.instruments.define(&other_product())),
        ("an instrument listed", |x| _ = x.instruments.list(ProductId(1), far_period())),
        ("an instrument delisted", |x| {
            let id = an_instrument(x).id;
            x.instruments.delist(id);
        }),
        ("instrument id", |x| an_instrument(x).id.0 ^= 1 << 31),
        ("instrument product", |x| an_instrument(x).product.0 += 1),
        ("instrument currency", |x| an_instrument(x).currency.0 += 1),
        ("instrument phase", |x| an_instrument(x).phase = Phase::Frozen),
        ("instrument halt", |x| an_instrument(x).halted = true),
        ("instrument period", |x| an_instrument(x).period.hours += 1),
        ("gate", |x| an_instrument(x).gate.0 += 1),
        ("tick", |x| an_instrument(x).tick.0 += 1),
        ("call until", |x| an_instrument(x).call_until.0 += 1),
        ("last auction", |x| an_instrument(x).last_auction.0 += 1),
        ("last trade", |x| an_instrument(x).last_trade.0 += 1),
        ("fair price", |x| an_instrument(x).fair.0 += 1),
        ("maker fee", |x| an_instrument(x).maker_fee_ppm += 1),
        ("taker fee", |x| an_instrument(x).taker_fee_ppm += 1),
        ("open orders of an instrument", |x| an_instrument(x).open_orders += 1),
        ("order hold", |x| first_order(x).hold.0 += 1),
        ("order account", |x| first_order(x).account.0 += 1),
        ("order instrument", |x| first_order(x).instrument.0 += 1),
        ("order quantity", |x| first_order(x).quantity += 1),
        ("order cumulative", |x| first_order(x).cumulative += 1),
        ("order session", |x| first_order(x).session.0 += 1),
        ("order previous", |x| first_order(x).previous ^= 1),
        ("order next", |x| first_order(x).next ^= 1),
        ("order type", |x| first_order(x).order_type = OrderType::Market),
        ("order lifetime", |x| first_order(x).lifetime = Lifetime::Fok),
        ("order side", |x| first_order(x).side = first_order(x).side.opposite()),
        ("order marks", |x| first_order(x).marks = Marks::QUOTE.with(Marks::POST_ONLY, true)),
        ("an order record", |x| x.orders.push(OrderRecord::GONE)),
        ("an expiry", |x| _ = x.expiries.insert(77, (Time(1), 1))),
        ("an order's rest", |x| _ = x.books.allocate()),
        ("a book's call", |x| x.books.set_call(0, true)),
        ("a book more", |x| x.books.open(4_000, Price(100))),
        ("a hold", |x| x.ledger.hold(LedgerAccountId(3), Money(1)).unwrap()),
        ("a credit line", |x| x.ledger.set_credit(LedgerAccountId(3), Credit::Line(Money(1)))),
        ("an entry", |x| {
            let line = hourbook_ledger::Posting::new(LedgerAccountId(3), Money(0));
            x.ledger.post(EntryKind::Deposit, &[line]);
        }),
        ("hours", |x| x.hours.give(AccountId(1), ProductId(1), Hour(600_000)..Hour(600_001), Quantity(1))),
        ("the floor of hours", |x| x.hours.forget(Hour(1_000_000))),
        ("a position", |x| {
            x.positions.buy(AccountId(1), InstrumentId(1 << 20), Quantity(1), Money(1));
        }),
        ("house", |x| x.house[0].fees.0 += 1),
        ("house outside", |x| x.house[0].outside.0 += 1),
        ("house clearing", |x| x.house[0].clearing.0 += 1),
        ("the agenda", |x| x.agenda.add(Time(1), Due::Delivery(InstrumentId(1)))),
        ("unpaired positions", |x| {
            x.unpaired
                .entry(InstrumentId(1))
                .or_default()
                .waiting
                .push_back((AccountId(1), Position::default()));
        }),
        ("the next to pair", |x| {
            x.unpaired.entry(InstrumentId(1)).or_default().next = Some((AccountId(1), Position::default()));
        }),
        ("obligations", |x| _ = x.obligations.pop_first().expect("an obligation")),
        ("a participant", |x| x.accounts.participants[0].name.push('x')),
        ("a participant's accounts", |x| x.accounts.participants[0].accounts.push(AccountId(9))),
        ("a key", |x| x.accounts.keys.push(key())),
        ("a session's id", |x| x.accounts.sessions[0].id.0 += 1),
        ("a session's end", |x| x.accounts.sessions[0].ended += 1),
        ("a session's connection", |x| x.accounts.sessions[0].connected = false),
        ("a session's account", |x| x.accounts.sessions[0].account.0 += 1),
        ("a session's name", |x| x.accounts.sessions[0].name = ClientId::NONE),
        ("cancel on disconnect", |x| x.accounts.sessions[0].cancel_on_disconnect = false),
        ("a session's number", |x| x.accounts.sessions[0].last_number += 1),
        ("account's participant", |x| ann(x).participant.0 += 1),
        ("kill switch", |x| ann(x).killed = true),
        ("unlimited", |x| ann(x).unlimited = true),
        ("open-order limit", |x| ann(x).limits.open_orders += 1),
        ("rate limit", |x| ann(x).limits.commands_per_second += 1),
        ("open orders of an account", |x| ann(x).open_orders += 1),
        ("first order", |x| ann(x).first_order += 1),
        ("last order", |x| ann(x).last_order += 1),
        ("reports", |x| ann(x).reports += 1),
        ("lines", |x| ann(x).lines += 1),
        ("a purse", |x| {
            let (cash, escrow) = (LedgerAccountId(3), LedgerAccountId(4));
            x.accounts.add_purse(AccountId(1), Purse { currency: CurrencyId(1), cash, escrow });
        }),
        ("account's name", |x| profile(x).name.push('x')),
        ("remembered requests", |x| _ = profile(x).requests.pop_front().expect("a request")),
        ("quotes", |x| _ = profile(x).quotes.pop_first().expect("a quote")),
        ("sessions of an account", |x| _ = profile(x).sessions.pop_first().expect("a session")),
        ("a name", |x| {
            x.accounts.name_order(AccountId(1), ClientId::new("new").unwrap(), OrderId::new(99, 1))
        }),
        ("a memory", |x| {
            let request = Request {
                account: AccountId(1),
                client_id: ClientId::new("m").unwrap(),
                ..Default::default()
            };
            x.accounts.remember(&request, &Tick {}.into(), x.answer());
        }),
        ("an operator's memory", |x| {
            let request = Request { client_id: ClientId::new("m").unwrap(), ..Default::default() };
            x.accounts.remember(&request, &Tick {}.into(), x.answer());
        }),
    ];
    let exchange = everything();
    let (bytes, hash) = (bytes_of(&exchange), exchange.state_hash());
    let mut hashes = vec![hash];
    for (what, alter) in alterations {
        let mut altered = Exchange::decode(&bytes).expect("its own bytes");
        assert_eq!(altered.state_hash(), hash);
        alter(&mut altered);
        let hash = altered.state_hash();
        assert!(!hashes.contains(&hash), "{what} is in the hash");
        hashes.push(hash);
    }
}

#[test]
fn a_state_comes_back_from_its_bytes_and_goes_on_alike() {
    let mut exchange = everything();
    let mut restored = Exchange::decode(&bytes_of(&exchange)).unwrap();
    restored.check();
    assert_eq!(bytes_of(&restored), bytes_of(&exchange));
    // Two years of nothing but time, in leaps that leave work over.
    for leap in 0..600 {
        let time = exchange.stamp().time.plus_nanos((leap % 60) * Time::HOUR);
        let at = Stamp { seq: exchange.stamp().seq + 1, time };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        exchange.apply(at, &Request::default(), &Tick {}.into(), &mut left);
        restored.apply(at, &Request::default(), &Tick {}.into(), &mut right);
        assert_eq!(left, right);
        assert_eq!(exchange.state_hash(), restored.state_hash());
    }
    exchange.check();
}

/// A hundred who bought and sold an hour and its day, in lots of all sizes.
fn crowded() -> Market {
    let mut market = Market::with(product());
    for number in 0..50 {
        market.tell(&format!("give buyer{number} 1000\noffer seller{number} 50 d"));
    }
    for number in 0..50 {
        let (lots, other) = (1 + number * 7 % 5, number * 37 % 50);
        market.tell(&format!("sell seller{number} h {lots} @ 1.00\nbuy buyer{other} h {lots} @ 1.00"));
        market.tell(&format!("sell seller{other} d {lots} @ 1.00\nbuy buyer{number} d {lots} @ 1.00"));
    }
    market.events.clear();
    market
}

#[test]
fn a_gate_with_many_holders_goes_in_slices_and_may_be_left_anywhere() {
    let mut market = crowded();
    market.tell("sleep 82800");
    let (mut slices, mut halfway) = (0, false);
    // The day falls into hours while others trade; then the hour's gate comes.
    for pause in [0, 32_400] {
        market.tell(&format!("sleep {pause}"));
        while market.exchange.next_due().is_some_and(|due| due <= market.now) {
            let mut restored =
                Exchange::decode(&bytes_of(&market.exchange)).expect("a state in the middle of a gate");
            restored.check();
            halfway |= !restored.unpaired.is_empty();
            let at = Stamp { seq: market.exchange.stamp().seq + 1, time: market.now };
            let command: Command = MassCancel { scope: Scope::Market, side: None }.into();
            let request = Request { account: AccountId(1), ..Request::default() };
            let mut events = Vec::new();
            restored.apply(at, &request, &command, &mut events);
            let seen = market.events.len();
            market.apply(request, command);
            assert_eq!(market.events[seen..], events);
            assert_eq!(restored.state_hash(), market.exchange.state_hash());
            assert!(events.len() < 2_000, "a slice of it at a time: {}", events.len());
            slices += 1;
        }
    }
    assert!(slices > 20 && halfway, "in {slices} slices, some in the middle of pairing");

    // Both sides meet in the order of their accounts, as if they had been paired at once.
    let hour = market.instrument("h");
    let pairs: Vec<_> =
        market.exchange.obligations(hour).iter().map(|one| (one.deliverer, one.receiver)).collect();
    assert!(pairs.len() >= 50);
    assert!(pairs.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 <= two[1].1), "{pairs:?}");
}

#[test]
fn what_is_no_state_is_refused() {
    let bytes = bytes_of(&everything());
    assert!(matches!(Exchange::decode(&[]), Err(snapshot::Error::State(_))));
    let other = [&99u32.to_le_bytes(), &bytes[4..]].concat();
    assert!(matches!(Exchange::decode(&other), Err(snapshot::Error::Format { found: 99, .. })));
    for cut in (4..bytes.len()).step_by(97) {
        assert!(Exchange::decode(&bytes[..cut]).is_err(), "cut at {cut} of {}", bytes.len());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(Exchange::decode(&longer).is_err(), "a longer state is another state");
}

fn region() -> Region {
    Region {
        code: "CNNX".into(),
        title: "Ningxia".into(),
        jurisdiction: "CN".into(),
        pue_milli: 1_100,
        power_usd_micros_per_kwh: 50_000,
        cooling: String::new(),
        energy: String::new(),
        assumptions: Vec::new(),
    }
}

fn other_product() -> Product {
    Product { symbol: "CO.CNNX.A".parse().unwrap(), ..product() }
}

fn far_period() -> Period {
    "M203001".parse().unwrap()
}

fn key() -> Key {
    Key {
        participant: ParticipantId(1),
        account: AccountId(0),
        role: Role::Trader,
        digest: [0; 32],
        label: String::new(),
        revoked: false,
    }
}
