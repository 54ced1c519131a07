//! Stories of one history.

use super::*;
use crate::Error;
use std::fs;
use std::time::Duration;

const ANN: AccountId = AccountId(1);
const BOB: AccountId = AccountId(2);

/// A teller with so many commands, of Ann's and Bob's in turn.
fn told(commands: u64) -> Teller {
    let mut teller = Teller::new(7);
    (0..commands).for_each(|command| teller.command(if command % 2 == 0 { ANN } else { BOB }));
    teller
}

#[test]
fn what_is_recorded_is_seen_at_once_and_on_disk_with_the_next_commit() {
    let directory = tempfile::tempdir().expect("a directory");
    let teller = told(500);
    let history = open(directory.path());
    assert_eq!((history.kept(), history.recorded()), (0, 0));
    teller.show_after(0, &history);
    assert_eq!((history.kept(), history.recorded()), (0, 500));
    assert_eq!(history.reports(ANN, 1, usize::MAX).expect("kept"), teller.reports_of(ANN));
    history.commit().expect("the disk is well");
    assert_eq!((history.kept(), history.recorded()), (500, 500));
    drop(history);

    let history = open(directory.path());
    assert_eq!((history.kept(), history.recorded()), (500, 500));
    assert_eq!(history.reports(BOB, 1, usize::MAX).expect("kept"), teller.reports_of(BOB));
    assert_eq!(history.lines(BOB, 0, usize::MAX).expect("kept"), teller.lines_of(BOB));
}

#[test]
fn a_crash_between_record_and_commit_loses_nothing_that_is_called_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let teller = told(3_000);
    let history = open(directory.path());
    history.record(teller.commands[..1_000].iter().map(|(at, events)| (*at, events.as_slice())));
    history.commit().expect("the disk is well");
    history.record(teller.commands[1_000..2_000].iter().map(|(at, events)| (*at, events.as_slice())));
    drop(history);

    let history = open(directory.path());
    assert_eq!(history.kept(), 1_000);
    let kept: Vec<_> = teller.reports_of(ANN).iter().filter(|(at, _)| at.seq <= 1_000).copied().collect();
    assert_eq!(history.reports(ANN, 1, usize::MAX).expect("kept"), kept);
    teller.show_after(1_000, &history);
    assert_eq!(history.reports(ANN, 1, usize::MAX).expect("kept"), teller.reports_of(ANN));
}

#[test]
fn a_batch_shown_twice_is_seen_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let teller = told(100);
    let history = open(directory.path());
    teller.show_after(0, &history);
    teller.show_after(50, &history);
    history.commit().expect("the disk is well");
    teller.show_after(0, &history);
    assert_eq!(history.reports(ANN, 1, usize::MAX).expect("kept"), teller.reports_of(ANN));
}

#[test]
fn an_instrument_keeps_its_name_across_commits_and_starts() {
    let directory = tempfile::tempdir().expect("a directory");
    let history = open(directory.path());
    let listed = |seq, id, symbol: &str| {
        let symbol: Symbol = symbol.parse().expect("a symbol");
        let event =
            Event::Listed { instrument: InstrumentId(id), product: ProductId(1), symbol, gate: Time(0) };
        history.record([(Stamp { seq, time: Time(0) }, &[event][..])]);
    };
    let (first, second) = ("GP.CNNX.A.H20261124T08", "GP.CNNX.A.H20270124T08");
    listed(1, 7, first);
    assert_eq!(history.name(InstrumentId(7)).expect("well").as_deref(), Some(first));
    assert_eq!(history.name(InstrumentId(8)).expect("well"), None);
    history.commit().expect("the disk is well");
    assert_eq!(history.name(InstrumentId(7)).expect("well").as_deref(), Some(first));
    // The id is another's once its generations have gone round.
    listed(2, 7, second);
    assert_eq!(history.name(InstrumentId(7)).expect("well").as_deref(), Some(second));
    history.commit().expect("the disk is well");
    drop(history);
    let history = open(directory.path());
    assert_eq!(history.name(InstrumentId(7)).expect("well").as_deref(), Some(second));
}

#[test]
fn closed_orders_and_fills_come_in_pages() {
    let directory = tempfile::tempdir().expect("a directory");
    let teller = told(4_000);
    let history = open(directory.path());
    for (index, part) in teller.commands.chunks(900).enumerate() {
        history.record(part.iter().map(|(at, events)| (*at, events.as_slice())));
        if index < 3 {
            history.commit().expect("the disk is well");
        }
    }
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = history.closed_orders(ANN, before, 7).expect("kept");
        pages.extend(page.rows);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(pages, teller.closed(ANN).collect::<Vec<_>>());

    let mut pages = Vec::new();
    let mut after = Some(0);
    while let Some(from) = after {
        let page = history.fills(ANN, from, 7).expect("kept");
        after = page.next;
        pages.extend(page.rows);
    }
    assert_eq!(pages, teller.fills(ANN).collect::<Vec<_>>());
}

#[test]
fn a_number_that_is_no_longer_kept_is_answered_with_the_first_that_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let teller = told(20_000);
    let history = History::open(directory.path(), Settings { keep: 500, ..settings() }).expect("it opens");
    for part in teller.commands.chunks(500) {
        history.record(part.iter().map(|(at, events)| (*at, events.as_slice())));
        history.commit().expect("the disk is well");
    }
    let all = teller.reports_of(ANN);
    let Err(Error::BeforeFirst { first }) = history.reports(ANN, 1, 10) else { panic!("it was dropped") };
    let last = all.len() as u64;
    assert!(
        (last - 1_500..=last - 499).contains(&first),
        "500 are kept and somewhat more: {first} of {last}"
    );
    assert_eq!(history.reports(ANN, first, usize::MAX).expect("kept"), all[first as usize - 1..]);
    assert!(matches!(history.reports(ANN, first - 1, 10), Err(Error::BeforeFirst { .. })));

    // Other questions begin with the oldest kept.
    let closed = history.closed_orders(ANN, None, usize::MAX).expect("kept").rows;
    let (_, oldest) = closed.last().expect("some");
    assert!(oldest.number >= first && oldest.number <= last - 480);
    assert_eq!(closed, teller.closed(ANN).take(closed.len()).collect::<Vec<_>>());
    let fills = history.fills(ANN, 0, usize::MAX).expect("kept").rows;
    assert!(fills.first().is_some_and(|(_, oldest)| oldest.number >= first));
    let lines = history.lines(ANN, 0, usize::MAX).expect("kept");
    assert!(lines.len() >= 500 && teller.lines_of(ANN).ends_with(&lines));
    assert!(matches!(history.lines(ANN, 1, 1), Err(Error::BeforeFirst { .. })));
    assert_eq!(history.next_report(ANN).expect("known"), last + 1);
}

#[test]
fn an_account_whose_beginning_is_not_in_the_journal_begins_later() {
    let directory = tempfile::tempdir().expect("a directory");
    let teller = told(300);
    let history = open(directory.path());
    teller.show_after(200, &history);
    let first = teller.reports_of(ANN).iter().find(|(at, _)| at.seq > 200).expect("some").1.number;
    assert!(matches!(history.reports(ANN, 1, 1), Err(Error::BeforeFirst { first: told }) if told == first));
    history.commit().expect("the disk is well");
    assert!(matches!(history.reports(ANN, 1, 1), Err(Error::BeforeFirst { first: told }) if told == first));
    assert_eq!(
        history.reports(ANN, first, usize::MAX).expect("kept"),
        teller.reports_of(ANN)[first as usize - 1..]
    );
}

#[test]
fn an_order_refused_because_its_name_is_taken_does_not_hide_the_one_that_has_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let history = open(directory.path());
    let mut teller = Teller::new(3);
    let Event::Reported(some) = teller.report(ANN) else { unreachable!() };
    let name = ClientId::new("mine").expect("a name");
    let filled = Report {
        number: 1,
        client_id: name,
        kind: ReportKind::Cancelled { quantity: Quantity(1), reason: CancelReason::User },
        leaves: Quantity(0),
        ..some
    };
    let refused = |number, reason| Report {
        number,
        client_id: name,
        order: OrderId::NONE,
        kind: ReportKind::Rejected(reason),
        ..some
    };
    let called = |name| history.closed_order(ANN, name, None).expect("kept").rows.pop();
    let found = || called(OrderRef::Client(name)).map(|(_, report)| report.number);
    let at = |seq| Stamp { seq, time: Time(0) };
    history.record([(at(1), [Event::Reported(filled)].as_slice())]);
    history.record([(at(2), [Event::Reported(refused(2, RejectReason::ClientIdReused))].as_slice())]);
    assert_eq!(found(), Some(1));
    history.record([(at(3), [Event::Reported(refused(3, RejectReason::PriceOffTick))].as_slice())]);
    assert_eq!(found(), Some(3));
    assert_eq!(history.closed_orders(ANN, None, 10).expect("kept").rows.len(), 3);
    assert_eq!(called(OrderRef::Client(ClientId::NONE)), None);
    assert_eq!(called(OrderRef::Id(OrderId::NONE)), None);
}

#[test]
fn what_is_rare_among_very_many_is_found_in_parts_of_bounded_work() {
    const ORDERS: u64 = 25_000;
    let directory = tempfile::tempdir().expect("a directory");
    let history = open(directory.path());
    let mut teller = Teller::new(3);
    let Event::Reported(some) = teller.report(ANN) else { unreachable!() };
    let fill = Fill {
        trade: TradeId(1),
        price: Price(5),
        quantity: Quantity(1),
        liquidity: Liquidity::Maker,
        fee: Money(0),
    };
    for number in 1..=ORDERS {
        let kind = match number {
            ORDERS => ReportKind::Filled(fill),
            _ => ReportKind::Cancelled { quantity: Quantity(1), reason: CancelReason::User },
        };
        let name = ClientId::new(&format!("order-{number}")).expect("a name");
        let report = Report { number, client_id: name, kind, leaves: Quantity(0), ..some };
        history.record([(Stamp { seq: number, time: Time(0) }, [Event::Reported(report)].as_slice())]);
    }
    history.commit().expect("the disk is well");

    // The oldest of all, and one that never was: each part looks at so many and says where the next begins.
    let search = |name: &str| {
        let name = OrderRef::Client(ClientId::new(name).expect("a name"));
        let (mut parts, mut before) = (Vec::new(), None);
        loop {
            let part = history.closed_order(ANN, name, before).expect("kept");
            parts.push(part.looked_at);
            before = part.next;
            if before.is_none() {
                return (part.rows.first().map(|(_, report)| report.number), parts);
            }
        }
    };
    assert_eq!(search("order-1"), (Some(1), vec![10_000, 10_000, 5_000]));
    assert_eq!(search("never heard of"), (None, vec![10_000, 10_000, 5_000]));
    assert_eq!(search("order-24999"), (Some(24_999), vec![2]));

    // The one fill comes last: pages before it are empty, and none is the end.
    let (mut pages, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = history.fills(ANN, from, 100).expect("kept");
        pages.push(page.rows.iter().map(|(_, report)| report.number).collect::<Vec<_>>());
        after = page.next;
    }
    assert_eq!(pages, [vec![], vec![], vec![ORDERS]]);
}

#[test]
fn a_commit_is_due_after_a_while_or_when_much_waits() {
    let directory = tempfile::tempdir().expect("a directory");
    let while_long =
        Settings { commit_bytes: 10_000, commit_every: Duration::from_secs(3_600), ..settings() };
    let history = History::open(directory.path(), while_long).expect("it opens");
    assert!(history.commit_due_in() > Duration::from_secs(3_500));
    told(2_000).show_after(0, &history);
    assert_eq!(history.commit_due_in(), Duration::ZERO);
    history.commit().expect("the disk is well");
    assert!(history.commit_due_in() > Duration::from_secs(3_500));
}

#[test]
fn when_too_much_waits_nothing_more_is_recorded_and_no_question_hides_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let teller = told(5_000);
    let history =
        History::open(directory.path(), Settings { most_bytes: 20_000, ..settings() }).expect("it opens");
    teller.show_after(0, &history);
    let recorded = history.recorded();
    assert!((1..5_000).contains(&recorded));
    assert_eq!(history.stalled(), Some("commits fail, see the log for why"));
    assert!(
        matches!(history.reports(ANN, 1, 1), Err(Error::Stalled { recorded: told, .. }) if told == recorded)
    );
    history.commit().expect("the disk is well again");
    drop(history);

    let history = open(directory.path());
    assert_eq!(history.kept(), recorded);
    teller.show_after(recorded, &history);
    assert_eq!(history.reports(ANN, 1, usize::MAX).expect("kept"), teller.reports_of(ANN));
}

/// Runs [`on_a_disk_that_takes_no_more`] in a process whose files may not grow beyond 3 MB.
#[test]
fn a_disk_that_takes_no_more_costs_nothing_that_is_kept() {
    // A limit on the size of files is a whole process': the story runs itself again in one of its own.
    const LIMITED: &str = "HISTORY_TEST_DIRECTORY";
    if let Some(directory) = std::env::var_os(LIMITED) {
        return record_until_the_disk_takes_no_more(Path::new(&directory));
    }
    let directory = tempfile::tempdir().expect("a directory");
    let ours = std::env::current_exe().expect("a test runs");
    let limited = "trap '' XFSZ; ulimit -f 6000; exec \"$0\" --exact \"$1\"";
    let story = concat!(module_path!(), "::a_disk_that_takes_no_more_costs_nothing_that_is_kept");
    let (_crate, story) = story.split_once("::").expect("a story has a module");
    let run = std::process::Command::new("sh")
        .args(["-c", limited])
        .arg(ours)
        .arg(story)
        .env(LIMITED, directory.path())
        .output()
        .expect("there is a shell");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));

    let teller = told(60_000);
    let history = open(directory.path());
    let kept = history.kept();
    assert!(kept > 0 && kept < 60_000);
    let all: Vec<_> = teller.reports_of(ANN).iter().filter(|(at, _)| at.seq <= kept).copied().collect();
    assert_eq!(history.reports(ANN, 1, usize::MAX).expect("kept"), all);
    teller.show_after(kept, &history);
    assert_eq!(history.reports(ANN, 1, usize::MAX).expect("kept"), teller.reports_of(ANN));
}

fn record_until_the_disk_takes_no_more(directory: &Path) {
    let teller = told(60_000);
    let history = open(directory);
    let mut failed = 0;
    for part in teller.commands.chunks(1_000) {
        history.record(part.iter().map(|(at, events)| (*at, events.as_slice())));
        let kept = history.kept();
        match history.commit() {
            Ok(()) => assert_eq!(history.kept(), history.recorded()),
            Err(_) => {
                failed += 1;
                assert_eq!(history.kept(), kept);
                assert!(history.commit_due_in() > Duration::from_secs(1), "it is not tried again at once");
            }
        }
        assert_eq!(history.recorded(), part.last().expect("some").0.seq, "it goes on in memory");
    }
    assert!(failed > 2);
}

#[test]
fn one_history_is_held_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let _held = open(directory.path());
    assert!(matches!(History::open(directory.path(), settings()), Err(Error::Held { .. })));
}

#[test]
fn a_file_that_does_not_fit_is_begun_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.redb");
    let teller = told(2_000);
    let fill = || {
        let history = open(directory.path());
        teller.show_after(history.kept(), &history);
        history.commit().expect("the disk is well");
    };
    type Damage = fn(&mut Vec<u8>);
    let foreign: Damage = |bytes| *bytes = b"not a database, but long enough to be one".repeat(200);
    let halved: Damage = |bytes| bytes.truncate(bytes.len() / 2);
    let cut: Damage = |bytes| bytes.truncate(100);
    let headless: Damage = |bytes| bytes[..64].fill(0xff);
    for damage in [foreign, halved, cut, headless] {
        fill();
        let mut bytes = fs::read(&path).expect("it is there");
        damage(&mut bytes);
        fs::write(&path, bytes).expect("the disk is well");
        let history = open(directory.path());
        assert_eq!(history.kept(), 0);
        drop(history);
    }
}

#[test]
fn a_file_of_another_format_is_begun_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let history = open(directory.path());
    told(10).show_after(0, &history);
    history.commit().expect("the disk is well");
    drop(history);
    let facts = redb::TableDefinition::<&str, u64>::new("facts");
    let database = redb::Database::create(directory.path().join("history.redb")).expect("it opens");
    let writing = database.begin_write().expect("it writes");
    writing.open_table(facts).expect("it is there").insert("format", 0).expect("it writes");
    writing.commit().expect("it writes");
    drop(database);
    assert_eq!(open(directory.path()).kept(), 0);
}

#[test]
fn a_damaged_run_is_told_and_never_read_as_something_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.redb");
    let teller = told(2_000);
    let history = open(directory.path());
    teller.show_after(0, &history);
    history.commit().expect("the disk is well");
    drop(history);

    let mut bytes = fs::read(&path).expect("it is there");
    let name = b"order-3";
    let places: Vec<usize> = bytes
        .windows(name.len())
        .enumerate()
        .filter(|(_, window)| window == name)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[at + 6] = b'9');
    fs::write(&path, bytes).expect("the disk is well");
    let history = open(directory.path());
    assert!(matches!(history.reports(ANN, 1, usize::MAX), Err(Error::Damaged { .. })));
}
