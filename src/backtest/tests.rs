//! Backtests as stories: small series and journals that are made here.

use super::*;
use std::time::Duration;

/// Two weeks in which prices rise by a tenth, and fall by as much.
const SERIES: &str =
    "date,type,price\n2026-01-05,a,1.00\n2026-01-12,a,1.10\n2026-01-19,a,1.00\n2026-01-05,b,7\n";

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &str) -> Arguments {
    let words = std::iter::once("backtest").chain(line.split_whitespace());
    <Line as clap::Parser>::try_parse_from(words).unwrap().arguments
}

fn over(series: &str, line: &str) -> Report {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), series).unwrap();
    over_series(&arguments(&format!("--series {} --where type=a {line}", file.path().display()))).unwrap()
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let refused = |line: &str| {
        let words = std::iter::once("backtest").chain(line.split_whitespace());
        <Line as clap::Parser>::try_parse_from(words).unwrap_err().to_string()
    };
    assert!(refused("").contains("<--journal <DIR>|--series <FILE>>"), "{}", refused(""));
    for (line, named) in [
        ("--journal d --series s", "--series"),
        ("--series s --pattern GP.*", "--pattern"),
        ("--journal d --days 3", "--days"),
        ("--journal d --from 2026-01-01", "--from"),
        ("--journal d --step-ms 50", "--serve"),
        ("--journal d --serve --strategy fixed", "--strategy"),
        ("--series s --serve --loss 3", "--loss"),
    ] {
        assert!(refused(line).contains(named), "{line}: {}", refused(line));
    }
    let chosen = |line: &str| chosen(&arguments(line)).err().map(|error| error.to_string());
    assert_eq!(chosen("--series s --strategy fixed --half-ppm 10"), None);
    assert!(chosen("--series s --strategy fixed --risk 3").unwrap().starts_with("--risk: "));
    assert!(chosen("--series s --skew-ppm 10").unwrap().starts_with("--skew-ppm: "));
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_another() {
    let line = "--days 2 --orders-per-hour 30 --seed";
    let (one, again, other) = (
        over(SERIES, &format!("{line} 7")),
        over(SERIES, &format!("{line} 7")),
        over(SERIES, &format!("{line} 8")),
    );
    // The file has a name of its own each time.
    assert_eq!(
        (&one.figures, &one.samples, &one.state_hash),
        (&again.figures, &again.samples, &again.state_hash)
    );
    assert_ne!(one.state_hash, other.state_hash);
}

#[test]
fn a_maker_is_paid_for_standing_ready_and_loses_to_what_it_does_not_see() {
    // Nothing moves: whoever trades pays the spread.
    let calm = "date,type,price\n2026-01-05,a,1\n2026-01-19,a,1\n";
    let fixed = "--days 2 --strategy fixed --half-ppm 10000 --orders-per-hour 60";
    let report = over(calm, fixed);
    assert!(report.figures.fills > 100, "{}", report.figures.fills);
    assert!((9_000..11_000).contains(&report.captured_ppm()), "{}", report.captured_ppm());
    assert!(report.figures.two_sided_ppm > 990_000, "{}", report.figures.two_sided_ppm);
    assert!((19_000..21_500).contains(&report.figures.spread_ppm), "{}", report.figures.spread_ppm);
    // What perishes costs more than that, to who does not lean away from it as delivery comes near.
    let priced = over(calm, "--days 2 --strategy quality --orders-per-hour 60");
    assert!(
        priced.figures.profit_micros() > 0
            && priced.figures.perished_lot_hours * 10 < report.figures.perished_lot_hours
    );
    // In a market that falls by half in a week the same spread buys what nobody wants any more.
    let falling = "date,type,price\n2026-01-05,a,1\n2026-01-12,a,0.5\n2026-01-19,a,1\n";
    let moving = over(falling, fixed);
    let part = |report: &Report| report.figures.profit_micros() * 1_000_000 / report.turnover_micros.max(1);
    assert!(part(&moving) < part(&report), "{} {}", part(&moving), part(&report));
}

#[test]
fn a_loss_beyond_the_limit_ends_the_run() {
    // Prices halve, and the maker bids where they were.
    let fall = "date,type,price\n2026-01-05,a,1\n2026-01-06,a,0.4\n2026-01-19,a,0.4\n";
    let report =
        over(fall, "--days 5 --strategy fixed --half-ppm 1000 --skew-ppm 0 --orders-per-hour 200 --loss 0");
    assert_eq!(report.figures.state.name(), "killed");
    assert_eq!(report.figures.standing, 0, "everything is cancelled");
    assert!(report.drawdown_micros() > 0);
}

#[test]
fn a_journal_is_played_again_with_one_more_in_it() {
    let directory = tempfile::tempdir().unwrap();
    record(directory.path());
    let line = format!("--journal {} --pattern GP.CNNX.A.* --strategy fixed", directory.path().display());
    let (one, again) = (over_journal(&arguments(&line)).unwrap(), over_journal(&arguments(&line)).unwrap());
    assert_eq!(one, again);
    assert!(one.figures.fills > 0, "others trade with it");
    assert!(one.figures.two_sided > 0);
    // Who quotes days changes nothing for those who trade an hour: what was traded then is traded now.
    let like = |pattern: &str| {
        let line = format!("--journal {} --pattern {pattern}", directory.path().display());
        over_journal(&arguments(&line))
    };
    let days = like("GP.CNNX.A.D*").unwrap();
    assert_eq!((days.figures.fills, days.trades), (0, 1));
    let nothing = like("GP.CNNX.B.NONE").err().map(|error| error.to_string());
    assert_eq!(nothing.as_deref(), Some("--pattern: nothing was listed that is like GP.CNNX.B.NONE"));
}

/// A journal in which somebody buys and somebody sells, an order that was made before is cancelled by its number, and a session
/// ends with a process.
fn record(directory: &Path) {
    use hourbook_sequencer::{Clock, Config, ManualClock, Sequencer};
    let begins = Time(20_500 * Time::DAY + 8 * Time::HOUR);
    let clock = ManualClock::at(begins);
    let config = Config {
        clock: Clock::Manual(clock.clone()),
        segment_bytes: 1 << 20,
        reserve_bytes: 1 << 20,
        ..Config::new(directory)
    };
    let (sequencer, handle, _) = Sequencer::open(config, Vec::new()).unwrap();
    let thread = std::thread::spawn(move || sequencer.run());
    let operate = |command: Command| handle.submit(Request::default(), command).wait().unwrap().answer;
    let product = Market::built_in()
        .products()
        .find(|product| product.symbol.to_string() == "GP.CNNX.A")
        .unwrap()
        .clone();
    let product = Product { horizon: HORIZON, auction: None, band: None, ..product };
    Market::built_in()
        .with_products(vec![product])
        .commands
        .into_iter()
        .for_each(|command| assert!(operate(command).refused.is_none()));
    for _ in 0..200 {
        handle.wake();
    }
    let mut accounts = Vec::new();
    for name in ["ann", "bob"] {
        let participant =
            ParticipantId(operate(CreateParticipant { name: name.into() }.into()).number as u32);
        let account =
            AccountId(operate(CreateAccount { participant, name: name.into() }.into()).number as u32);
        operate(SetCredit { account, currency: "CNY".into(), credit: Credit::Unlimited }.into());
        accounts.push(account);
    }
    let instrument = handle
        .read(|exchange| {
            let hour = exchange.instruments().filter(|one| one.symbol.period.hours == 1).nth(10);
            hour.map(|one| one.id)
        })
        .wait()
        .unwrap()
        .expect("hours are listed");
    let place_as = |request: Request, side, price, lots, time_in_force| {
        clock.advance(Duration::from_secs(1));
        let order = NewOrder {
            instrument,
            side,
            order_type: OrderType::Limit,
            time_in_force,
            price: Price(price),
            trigger: Price(0),
            quantity: Quantity(lots),
            display: Quantity(0),
            minimum: Quantity(0),
            post_only: false,
            self_trade: SelfTrade::Allow,
        };
        handle.submit(request, PlaceOrder { order }.into()).wait().unwrap().answer
    };
    let place = |account, side, price, lots, time_in_force| {
        place_as(Request { account, ..Request::default() }, side, price, lots, time_in_force)
    };
    let (ann, bob) = (accounts[0], accounts[1]);
    // They trade with each other far above what pricing knows, then want what nobody offers but the strategy.
    let rests = place(ann, Side::Sell, 9_000_000, 5, TimeInForce::Gtc).order;
    place(bob, Side::Buy, 9_000_000, 2, TimeInForce::Gtc);
    let request = Request { account: ann, ..Request::default() };
    let cancelled = handle.submit(request, CancelOrder { order: OrderRef::Id(rests) }.into()).wait().unwrap();
    assert!(cancelled.answer.refused.is_none());
    // What is offered in a session is gone when another process takes the journal up.
    let logs_on = LogOn { name: ClientId::new("ann").unwrap(), cancel_on_disconnect: true };
    let session = handle.submit(request, logs_on.into()).wait().unwrap().answer.number;
    let in_session = Request { session: SessionId(session as u32), number: 1, ..request };
    assert!(place_as(in_session, Side::Sell, 7_900_000, 5, TimeInForce::Gtc).refused.is_none());
    operate(Restart { version: "another".into() }.into());
    place(bob, Side::Buy, 8_000_000, 3, TimeInForce::Ioc);
    place(bob, Side::Buy, 8_000_000, 3, TimeInForce::Ioc);
    handle.drain();
    thread.join().unwrap().unwrap();
}
