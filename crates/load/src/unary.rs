//! One call a request, many at once.

use crate::mix::Mix;
use crate::stage::Stage;
use crate::{Desk, Error, Figures, Plan};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hourbook_api::client::{self, Client};
use hourbook_api::v1::{self, trade_entry::Request};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What became of one call.
struct Answered {
    request: Request,
    sent: Instant,
    report: v1::ExecutionReport,
    fills: usize,
}

pub(crate) async fn run(plan: &Plan, client: &Client, desk: &Desk, calls: usize) -> Result<Figures, Error> {
    let mut mix = Mix::new(desk, plan.resting, plan.seed);
    let mut figures = Figures::new();
    let mut stage = Stage::Filling;
    let unique = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let mut number = 0;
    let mut under_way = FuturesUnordered::new();
    loop {
        while stage.asks() && under_way.len() < calls {
            number += 1;
            under_way.push(call(client.clone(), desk.account, format!("{unique:x}-{number}"), mix.draw()));
        }
        let Some(answered) = under_way.next().await else { break };
        let answered = answered?;
        let now = Instant::now();
        take(&mut mix, &mut figures, &answered, stage.measures())?;
        if stage.measures() {
            figures.answered_after(now - answered.sent);
        }
        stage = stage.after(plan, mix.is_filled(), now, &mut figures);
    }
    figures.requests = number;
    Ok(figures)
}

/// Takes note of an answer, which must be what was asked for.
fn take(mix: &mut Mix, figures: &mut Figures, answered: &Answered, measuring: bool) -> Result<(), Error> {
    let report = &answered.report;
    let counts = u64::from(measuring);
    figures.fills += counts * answered.fills as u64;
    let reason = v1::RejectReason::try_from(report.reject_reason).unwrap_or_default();
    match reason {
        v1::RejectReason::Unspecified => {
            // It was accepted first, and then stood as the report says.
            let accepted = v1::ReportKind::Accepted as i32;
            if matches!(answered.request, Request::Place(_)) && report.kind != accepted {
                mix.heard(&v1::ExecutionReport { kind: accepted, ..report.clone() });
            }
            mix.heard(report);
            Ok(())
        }
        // It was filled meanwhile.
        v1::RejectReason::UnknownOrder => {
            figures.missed += counts;
            mix.missed(&answered.request);
            Ok(())
        }
        reason => Err(Error::Refused { number: report.number, why: reason.as_str_name().into() }),
    }
}

async fn call(client: Client, account_id: u32, id: String, request: Request) -> Result<Answered, Error> {
    let mut orders = client.orders;
    let sent = Instant::now();
    let asked = request.clone();
    let (report, fills, repeated) = match asked {
        Request::Place(order) => {
            let asked = v1::PlaceOrderRequest { account_id, client_order_id: id, order: Some(order) };
            let answer = orders.place_order(asked).await.map_err(client::Error::from)?.into_inner();
            (answer.report, answer.fills.len(), answer.repeated)
        }
        Request::Cancel(order) => {
            let asked = v1::CancelOrderRequest { account_id, request_id: id, order: Some(order) };
            let answer = orders.cancel_order(asked).await.map_err(client::Error::from)?.into_inner();
            (answer.report, 0, answer.repeated)
        }
        Request::Amend(amendment) => {
            let asked = v1::AmendOrderRequest { account_id, request_id: id, amendment: Some(amendment) };
            let answer = orders.amend_order(asked).await.map_err(client::Error::from)?.into_inner();
            (answer.report, answer.fills.len(), answer.repeated)
        }
        _ => unreachable!("the mix draws no other request"),
    };
    match (report, repeated) {
        (Some(report), false) => Ok(Answered { request, sent, report, fills }),
        (_, true) => Err(Error::Ended("a request made once was answered as a repetition".into())),
        (None, _) => Err(Error::Ended("an answer without a report".into())),
    }
}
