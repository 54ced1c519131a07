//! One call a request, many at once.

use crate::customer::{Line, Progress, unique};
use crate::pace::Arrivals;
use crate::session::count_call;
use crate::stage::Stage;
use crate::trades::Trades;
use crate::{Error, Figures};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use hourbook_api::client::{self, Advice, Client, Event, Executions};
use hourbook_api::v1::{self, trade_entry::Request};
use std::sync::Mutex;
use std::time::Instant;
use tonic::{Code, Status};

/// What became of one call.
struct Answered {
    request: Request,
    sent: Instant,
    /// Of a mass quote one for each side, else one; or why there was no room for it.
    reports: Result<Vec<v1::ExecutionReport>, Status>,
    fills: usize,
}

/// Reports that are read between two answers, at most: more than any answer brings.
const AT_ONCE: usize = 128;

/// - `calls`, `unread`: so many under way, and so many reports of them unread, at most
pub(crate) async fn run(
    line: &mut Line,
    (calls, unread): (usize, u64),
    per_second: Option<f64>,
    mut stage: Stage,
    trades: &Mutex<Trades>,
    progress: &Progress,
) -> Result<Figures, Error> {
    let account = line.desk.account;
    let prefix = unique("l");
    let seed = line.seed.wrapping_add(line.rounds << 32);
    let mut arrivals =
        per_second.map(|per_second| Arrivals::begin(Instant::now(), per_second, seed)).transpose()?;
    let mut figures = Figures::new(line.requests.answers());
    let mut number = 0_u64;
    let mut under_way = FuturesUnordered::new();
    let mut copy = None;
    loop {
        while stage.asks() && under_way.len() < calls {
            let sent = match &mut arrivals {
                None => Instant::now(),
                Some(arrivals) => match arrivals.due(Instant::now()) {
                    Some(due) => due,
                    None => break,
                },
            };
            number += 1;
            let id = format!("{prefix}-{number:x}");
            under_way.push(call(line.client.clone(), account, id, line.requests.draw(), sent));
        }
        let answered = match &arrivals {
            Some(arrivals) if stage.asks() && under_way.len() < calls => tokio::select! {
                biased;
                Some(answered) = under_way.next() => Some(answered),
                waited = arrivals.wait() => {
                    waited?;
                    None
                }
            },
            _ => match under_way.next().await {
                Some(answered) => Some(answered),
                None => break,
            },
        };
        let now = Instant::now();
        if let Some(answered) = answered {
            let answered = answered?;
            take(line, &mut figures, &answered, stage.measures())?;
            if stage.measures() && answered.reports.is_ok() {
                figures.answered_after(now.saturating_duration_since(answered.sent));
            }
            progress.add(1);
            copy = read(line, copy, unread, trades).await?;
        }
        stage = stage.after(true, now, &mut figures);
    }
    figures.requests = number;
    Ok(figures)
}

/// Reads some of the account's reports where too many wait, which the exchange would keep no more at the end.
async fn read(
    line: &mut Line,
    copy: Option<Executions>,
    most: u64,
    trades: &Mutex<Trades>,
) -> Result<Option<Executions>, Error> {
    let mut copy = match (copy, line.reported) {
        (Some(copy), _) => copy,
        (None, Some(last)) if line.unread() > most && line.desk.keeps_reports => {
            match line.client.executions(line.desk.account, last + 1).await {
                Ok(copy) => copy,
                // Too much was asked for: a little later.
                Err(error) if matches!(error.advice(), Advice::Again { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        _ => return Ok(None),
    };
    for _ in 0..AT_ONCE {
        match copy.next().now_or_never().transpose()? {
            Some(Event::Report { report, .. }) => {
                line.hear(&report, trades)?;
                count_call(line, &report);
            }
            Some(_) => {}
            None => break,
        }
    }
    // To half of that, then it is left alone again.
    Ok(Some(copy).filter(|_| line.unread() > most / 2))
}

/// Takes note of an answer, which must be what was asked for.
fn take(line: &mut Line, figures: &mut Figures, answered: &Answered, measuring: bool) -> Result<(), Error> {
    let Ok(reports) = &answered.reports else {
        figures.errors += 1;
        line.requests.missed(&answered.request);
        return Ok(());
    };
    line.calls += 1;
    line.told = reports.iter().map(|report| report.number).fold(line.told, u64::max);
    figures.fills += if measuring { answered.fills as u64 } else { 0 };
    for report in reports {
        if report.reject_reason == v1::RejectReason::Unspecified as i32 {
            // It was accepted first, and then stood as the report says.
            let accepted = v1::ReportKind::Accepted as i32;
            if matches!(answered.request, Request::Place(_)) && report.kind != accepted {
                line.requests.heard(&v1::ExecutionReport { kind: accepted, ..report.clone() });
            }
            line.requests.heard(report);
            continue;
        }
        line.requests.missed(&answered.request);
        if measuring {
            figures.rejected(report);
        }
    }
    Ok(())
}

async fn call(
    client: Client,
    account_id: u32,
    id: String,
    request: Request,
    sent: Instant,
) -> Result<Answered, Error> {
    let mut orders = client.orders;
    let asked = request.clone();
    let answer = match asked {
        Request::Place(order) => {
            let asked = v1::PlaceOrderRequest { account_id, client_order_id: id, order: Some(order) };
            let answer = orders.place_order(asked).await.map(tonic::Response::into_inner);
            answer.map(|answer| (answer.report.into_iter().collect(), answer.fills.len(), answer.repeated))
        }
        Request::Cancel(order) => {
            let asked = v1::CancelOrderRequest { account_id, request_id: id, order: Some(order) };
            let answer = orders.cancel_order(asked).await.map(tonic::Response::into_inner);
            answer.map(|answer| (answer.report.into_iter().collect(), 0, answer.repeated))
        }
        Request::Amend(amendment) => {
            let asked = v1::AmendOrderRequest { account_id, request_id: id, amendment: Some(amendment) };
            let answer = orders.amend_order(asked).await.map(tonic::Response::into_inner);
            answer.map(|answer| (answer.report.into_iter().collect(), answer.fills.len(), answer.repeated))
        }
        Request::Quote(quotes) => {
            let asked = v1::MassQuoteRequest { account_id, request_id: id, quotes: Some(quotes) };
            let answer = orders.mass_quote(asked).await.map(tonic::Response::into_inner);
            answer.map(|answer| quoted(answer.reports, answer.repeated))
        }
        _ => unreachable!("no mix draws another request"),
    };
    let (reports, fills): (Vec<v1::ExecutionReport>, usize) = match answer {
        Ok((_, _, true)) => {
            return Err(Error::Ended("a request made once was answered as a repetition".into()));
        }
        Ok((reports, ..)) if reports.is_empty() => {
            return Err(Error::Ended("an answer without a report".into()));
        }
        Ok((reports, fills, _)) => (reports, fills),
        Err(status) if status.code() == Code::ResourceExhausted => {
            return Ok(Answered { request, sent, reports: Err(status), fills: 0 });
        }
        Err(status) => return Err(client::Error::from(status).into()),
    };
    Ok(Answered { request, sent, reports: Ok(reports), fills })
}

/// The reports that answer a mass quote; quotes that were replaced and fills come beside them.
fn quoted(reports: Vec<v1::ExecutionReport>, repeated: bool) -> (Vec<v1::ExecutionReport>, usize, bool) {
    use v1::ReportKind::{Accepted, Filled, Rejected};
    let is = |report: &v1::ExecutionReport, kind: v1::ReportKind| report.kind == kind as i32;
    let fills = reports.iter().filter(|report| is(report, Filled)).count();
    let answers = reports.into_iter().filter(|report| is(report, Accepted) || is(report, Rejected));
    (answers.collect(), fills, repeated)
}
