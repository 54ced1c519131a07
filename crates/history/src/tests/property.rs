//! Whatever is recorded, committed, forgotten by a crash and recorded again: every answer is the oracle's.

use super::*;
use proptest::prelude::*;
use std::ops::ControlFlow;

#[derive(Clone, Debug)]
enum Step {
    /// So many commands about one account, shown in one batch.
    Tell {
        account: u32,
        commands: u16,
    },
    /// The last so many are shown once more.
    Repeat(u8),
    Commit,
    /// Ends without a commit; what was not kept is shown again.
    Crash,
    Ask {
        account: u32,
        number: u16,
        limit: u8,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1u32..5, 0u16..20).prop_map(|(account, commands)| Step::Tell { account, commands }),
        1 => (1u32..3, 300u16..900).prop_map(|(account, commands)| Step::Tell { account, commands }),
        1 => any::<u8>().prop_map(Step::Repeat),
        2 => Just(Step::Commit),
        1 => Just(Step::Crash),
        4 => (1u32..6, 0u16..1200, 0u8..40).prop_map(|(account, number, limit)| Step::Ask { account, number, limit }),
    ];
    prop::collection::vec(step, 1..30)
}

fn ask(history: &History, teller: &Teller, account: AccountId, number: u64, limit: usize) {
    let reports = teller.reports_of(account);
    let from = |number: u64| usize::try_from(number.max(1) - 1).expect("small");
    let expected: Vec<_> = reports.iter().skip(from(number)).take(limit).copied().collect();
    assert_eq!(history.reports(account, number, limit).expect("all is kept"), expected);
    assert_eq!(history.next_report(account).expect("it is known"), reports.len() as u64 + 1);

    let lines: Vec<_> = teller.lines_of(account).iter().skip(number as usize).take(limit).copied().collect();
    assert_eq!(history.lines(account, number, limit).expect("all is kept"), lines);

    let instrument = InstrumentId(account.0 % 3 * 1_000_000);
    let prints = teller.prints_of(instrument);
    // From where the number says, and from the time of some trade.
    for (after, from) in [
        (number, Time(0)),
        (0, prints.get(number as usize % prints.len().max(1)).map_or(Time(0), |(at, _)| at.time)),
    ] {
        let expected = prints.iter().filter(|(at, print)| print.id.0 > after && at.time >= from);
        let expected: Vec<_> = expected.take(limit).copied().collect();
        let mut found = Vec::new();
        let seen = history.each_print(instrument, after, from, |at, print| {
            found.extend((found.len() < limit).then_some((at, print)));
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        seen.expect("all is kept");
        assert_eq!(found, expected);
    }

    let fills: Vec<_> =
        teller.fills(account).filter(|(_, report)| report.number > number).take(limit).collect();
    assert_eq!(history.fills(account, number, limit).expect("all is kept").rows, fills);

    let before = (number > 0).then_some(number);
    let closed: Vec<_> = teller
        .closed(account)
        .filter(|(_, report)| before.is_none_or(|before| report.number < before))
        .take(limit)
        .collect();
    assert_eq!(history.closed_orders(account, before, limit).expect("all is kept").rows, closed);

    let found = |name| history.closed_order(account, name, None).expect("all is kept").rows.pop();
    for (_, report) in closed.iter().take(5) {
        let known = teller.closed(account);
        let taken = ReportKind::Rejected(RejectReason::DuplicateClientId);
        if report.order != OrderId::NONE {
            let found = found(OrderRef::Id(report.order));
            assert_eq!(found, teller.closed(account).find(|(_, other)| other.order == report.order));
        }
        if !report.client_id.is_none() {
            let found = found(OrderRef::Client(report.client_id));
            let mut known = known.filter(|(_, other)| other.kind != taken);
            assert_eq!(found, known.find(|(_, other)| other.client_id == report.client_id));
        }
    }
    assert_eq!(found(OrderRef::Id(OrderId::new(1 << 21, 1))), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_the_oracles(seed in any::<u64>(), steps in steps()) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut teller = Teller::new(seed);
        let mut history = open(directory.path());
        for step in steps {
            match step {
                Step::Tell { account, commands } => {
                    let before = teller.at.seq;
                    (0..commands).for_each(|_| teller.command(AccountId(account)));
                    teller.show_after(before, &history);
                }
                Step::Repeat(last) => teller.show_after(teller.at.seq.saturating_sub(u64::from(last)), &history),
                Step::Commit => {
                    history.commit().expect("the disk is well");
                    prop_assert_eq!(history.kept(), teller.at.seq);
                }
                Step::Crash => {
                    let kept = history.kept();
                    drop(history);
                    history = open(directory.path());
                    prop_assert_eq!(history.kept(), kept);
                    prop_assert_eq!(history.recorded(), kept);
                    teller.show_after(kept, &history);
                }
                Step::Ask { account, number, limit } => {
                    ask(&history, &teller, AccountId(account), u64::from(number), usize::from(limit));
                }
            }
            prop_assert_eq!(history.recorded(), teller.at.seq);
        }
        for account in 1..6 {
            ask(&history, &teller, AccountId(account), 0, usize::MAX);
        }
    }
}
