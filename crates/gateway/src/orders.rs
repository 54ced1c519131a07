//! OrderService: orders by unary calls, and what became of them.

use crate::calls::{caller, place};
use crate::door::Caller;
use crate::{Inside, required, session, status};
use hourbook_api::convert::{self, Violation};
use hourbook_api::v1;
use hourbook_api::v1::order_service_server::OrderService;
use hourbook_exchange::{Exchange, OrderView};
use hourbook_history::History;
use hourbook_model::*;
use hourbook_sequencer::Receipt;
use std::sync::Arc;
use tonic::{Request as Call, Response, Status as Refusal, Streaming};

pub struct Orders(pub Arc<Inside>);

type Answered<T> = Result<Response<T>, Refusal>;

/// What was asked for: it decides what a remembered answer is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Place,
    Cancel,
    Amend,
    Reduce,
}

/// What became of an order in a command.
struct Outcome {
    report: v1::ExecutionReport,
    fills: Vec<v1::Fill>,
    repeated: bool,
}

#[tonic::async_trait]
impl OrderService for Orders {
    async fn place_order(&self, call: Call<v1::PlaceOrderRequest>) -> Answered<v1::PlaceOrderResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let request =
            self.0.acting(&caller, wire.account_id, ("client_order_id", &wire.client_order_id), 1)?;
        let order = required("order", wire.order.as_ref())
            .and_then(|order| within("order", convert::new_order(order, &self.0.directory)))
            .map_err(status::misshapen)?;
        let receipt = self.0.submit(request, PlaceOrder { order }.into()).await?;
        let Outcome { report, fills, repeated } = self.outcome(&caller, receipt, Asked::Place).await?;
        Ok(Response::new(v1::PlaceOrderResponse { report: Some(report), fills, repeated }))
    }

    async fn cancel_order(&self, call: Call<v1::CancelOrderRequest>) -> Answered<v1::CancelOrderResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let request = self.0.acting(&caller, wire.account_id, ("request_id", &wire.request_id), 1)?;
        let order = convert::order_name(wire.order.as_ref()).map_err(status::misshapen)?;
        let receipt = self.0.submit(request, CancelOrder { order }.into()).await?;
        let Outcome { report, repeated, .. } = self.outcome(&caller, receipt, Asked::Cancel).await?;
        Ok(Response::new(v1::CancelOrderResponse { report: Some(report), repeated }))
    }

    async fn amend_order(&self, call: Call<v1::AmendOrderRequest>) -> Answered<v1::AmendOrderResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let request = self.0.acting(&caller, wire.account_id, ("request_id", &wire.request_id), 1)?;
        let amendment = required("amendment", wire.amendment.as_ref())
            .and_then(|amendment| within("amendment", convert::amendment(amendment)))
            .map_err(status::misshapen)?;
        let receipt = self.0.submit(request, AmendOrder { amendment }.into()).await?;
        let Outcome { report, fills, repeated } = self.outcome(&caller, receipt, Asked::Amend).await?;
        Ok(Response::new(v1::AmendOrderResponse { report: Some(report), fills, repeated }))
    }

    async fn reduce_order(&self, call: Call<v1::ReduceOrderRequest>) -> Answered<v1::ReduceOrderResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let request = self.0.acting(&caller, wire.account_id, ("request_id", &wire.request_id), 1)?;
        let reduction =
            convert::reduction(wire.order.as_ref(), wire.by_quantity).map_err(status::misshapen)?;
        let receipt = self.0.submit(request, reduction.into()).await?;
        let Outcome { report, repeated, .. } = self.outcome(&caller, receipt, Asked::Reduce).await?;
        Ok(Response::new(v1::ReduceOrderResponse { report: Some(report), repeated }))
    }

    async fn mass_cancel(&self, call: Call<v1::MassCancelRequest>) -> Answered<v1::MassCancelResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let request = self.0.acting(&caller, wire.account_id, ("request_id", &wire.request_id), 1)?;
        let command = within("scope", convert::mass_cancel(wire.scope.as_ref(), &self.0.directory))
            .map_err(status::misshapen)?;
        let answer = first_use(&self.0.submit(request, command.into()).await?)?;
        Ok(Response::new(v1::MassCancelResponse {
            cancelled_count: answer.number,
            reject_reason: answer.refused.map_or(0, |reason| convert::reject_reason(reason) as i32),
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
        }))
    }

    async fn mass_quote(&self, call: Call<v1::MassQuoteRequest>) -> Answered<v1::MassQuoteResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let count = wire.quotes.as_ref().map_or(0, |set| set.quotes.len());
        let request = self.0.acting(&caller, wire.account_id, ("request_id", &wire.request_id), count)?;
        let most = self.0.limits.batch_commands;
        if count > most {
            let why = format!("must be 1 to {most} quotes");
            return Err(status::misshapen(Violation::new("quotes.quotes", why)));
        }
        let command = required("quotes", wire.quotes.as_ref())
            .and_then(|set| within("quotes", convert::quotes(set, &self.0.directory)))
            .map_err(status::misshapen)?;
        let receipt = self.0.submit(request, command.into()).await?;
        let answer = first_use(&receipt)?;
        if let Some(reason) = answer.refused {
            return Err(status::refused(reason));
        }
        let reports = if answer.repeated { Vec::new() } else { self.own_reports(&receipt) };
        Ok(Response::new(v1::MassQuoteResponse {
            standing_count: answer.number,
            reports,
            repeated: answer.repeated,
        }))
    }

    async fn get_order(&self, call: Call<v1::GetOrderRequest>) -> Answered<v1::GetOrderResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = self.0.account(&caller, wire.account_id)?;
        let name = convert::order_name(wire.order.as_ref()).map_err(status::misshapen)?;
        let (stamp, live) = self
            .0
            .look(&caller, 1, move |exchange| (exchange.stamp(), live(exchange, account, name)))
            .await?;
        let order = match live {
            Some(order) => self.live_order(stamp, &order),
            None => match self.over(&caller, account, name).await? {
                Some((stamp, report)) => self.closed_order(stamp, &report),
                None => {
                    let why = "order: none of this account goes by that name, or it is kept no more";
                    return Err(status::not_found(why));
                }
            },
        };
        Ok(Response::new(v1::GetOrderResponse { order: Some(order) }))
    }

    async fn list_orders(&self, call: Call<v1::ListOrdersRequest>) -> Answered<v1::ListOrdersResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = self.0.account(&caller, wire.account_id)?;
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        if wire.closed {
            return self.list_closed(&caller, account, size, &wire.page_token).await;
        }
        let near = Near::parse(&wire.page_token).map_err(status::misshapen)?;
        let look =
            move |exchange: &Exchange| exchange.orders_of(account, near.found(exchange, account), size + 1);
        let (stamp, mut orders) = self.0.list(&caller, size, look).await?;
        let more = orders.len() > size;
        orders.truncate(size);
        let next_page_token = if more { Near::of(&orders).to_string() } else { String::new() };
        let orders = orders.iter().map(|order| self.live_order(stamp, order)).collect();
        Ok(Response::new(v1::ListOrdersResponse { orders, next_page_token }))
    }

    async fn list_fills(&self, call: Call<v1::ListFillsRequest>) -> Answered<v1::ListFillsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = self.0.account(&caller, wire.account_id)?;
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let after = convert::page_token(&wire.page_token).map_err(status::misshapen)?.unwrap_or(0);
        let part = self.0.search(&caller, size, move |history| history.fills(account, after, size)).await?;
        let next_page_token = part.next.map_or_else(String::new, |next| next.to_string());
        let fills = part.rows.iter().map(|(stamp, report)| self.0.report(*stamp, report)).collect();
        Ok(Response::new(v1::ListFillsResponse { fills, next_page_token }))
    }

    type TradeStream = session::Answers;

    async fn trade(&self, call: Call<Streaming<v1::TradeRequest>>) -> Answered<Self::TradeStream> {
        let caller = caller(&call)?;
        let place = place(&call)?;
        session::trade(Arc::clone(&self.0), caller, place, call.into_inner())
    }

    type StreamExecutionsStream = session::Executions;

    async fn stream_executions(
        &self,
        call: Call<v1::StreamExecutionsRequest>,
    ) -> Answered<Self::StreamExecutionsStream> {
        let caller = caller(&call)?;
        session::stream_executions(Arc::clone(&self.0), caller, call.into_inner()).await
    }
}

impl Orders {
    /// What became of the order of a command: its last report, and the fills it had at once.
    async fn outcome(&self, caller: &Caller, receipt: Receipt, asked: Asked) -> Result<Outcome, Refusal> {
        let answer = first_use(&receipt)?;
        if answer.repeated {
            let report = self.remembered(caller, &receipt.request, &receipt.command, answer, asked).await?;
            return Ok(Outcome { report, fills: Vec::new(), repeated: true });
        }
        let account = receipt.request.account;
        let own: Vec<&Report> = receipt
            .events()
            .iter()
            .filter_map(|event| match event {
                Event::Reported(report) if report.account == account && report.order == answer.order => {
                    Some(report)
                }
                _ => None,
            })
            .collect();
        let Some(last) = own.last() else { return Err(status::fault("a command told nothing of its order")) };
        let fills = own
            .iter()
            // What was due before the command is not its doing.
            .skip_while(|report| !matches!(report.kind, ReportKind::Accepted | ReportKind::Amended))
            .filter_map(|report| match &report.kind {
                ReportKind::Filled(fill) => Some(convert::fill(fill)),
                _ => None,
            });
        Ok(Outcome { fills: fills.collect(), report: self.0.report(receipt.stamp, last), repeated: false })
    }

    /// The first answer to a request that was made before, from what is remembered of it.
    async fn remembered(
        &self,
        caller: &Caller,
        request: &Request,
        command: &Command,
        answer: Answer,
        asked: Asked,
    ) -> Result<v1::ExecutionReport, Refusal> {
        let known = match command {
            Command::PlaceOrder(PlaceOrder { order }) => Some(as_placed(request, order)),
            _ if answer.order == OrderId::NONE => None,
            _ => self.known(caller, request.account, answer.order).await?,
        };
        let kind = match (answer.refused, asked) {
            (Some(reason), Asked::Place) => ReportKind::Rejected(reason),
            (Some(reason), Asked::Amend) => ReportKind::AmendRejected(reason),
            (Some(reason), Asked::Cancel | Asked::Reduce) => ReportKind::CancelRejected(reason),
            (None, Asked::Place) => ReportKind::Accepted,
            (None, Asked::Amend) => ReportKind::Amended,
            (None, Asked::Cancel | Asked::Reduce) => ReportKind::Reduced,
        };
        let told = Report {
            account: request.account,
            number: 0,
            kind,
            order: answer.order,
            client_id: known.map_or(request.client_id, |known| known.client_id),
            session: SessionId(0),
            request: 0,
            instrument: known.map_or(InstrumentId(0), |known| known.instrument),
            side: known.map_or(Side::Buy, |known| known.side),
            order_type: known.map_or(OrderType::Limit, |known| known.order_type),
            time_in_force: known.map_or(TimeInForce::Gtc, |known| known.time_in_force),
            price: answer.price,
            trigger: known.map_or(Price(0), |known| known.trigger),
            quantity: answer.quantity,
            cumulative: answer.cumulative,
            leaves: answer.leaves,
        };
        let mut report = self.0.report(answer.stamp, &told);
        let whole = answer.cumulative == answer.quantity;
        let kind = match (answer.refused, answer.leaves.0) {
            (None, 0) if whole => v1::ReportKind::Filled,
            (None, 0) => v1::ReportKind::Cancelled,
            (None, _) if asked == Asked::Place && answer.cumulative.0 > 0 => v1::ReportKind::Filled,
            _ => return Ok(report),
        };
        report.kind = kind as i32;
        if kind == v1::ReportKind::Cancelled {
            report.cancelled_quantity = (answer.quantity - answer.cumulative).0;
            let reason = match asked {
                // Why an order did not outlive its own command is not remembered.
                Asked::Place => v1::CancelReason::Unspecified,
                Asked::Cancel => v1::CancelReason::User,
                Asked::Amend => v1::CancelReason::Amend,
                Asked::Reduce => v1::CancelReason::Reduce,
            };
            report.cancel_reason = reason as i32;
        }
        Ok(report)
    }

    /// What never changes of an order of the account, live or over.
    async fn known(
        &self,
        caller: &Caller,
        account: AccountId,
        id: OrderId,
    ) -> Result<Option<Report>, Refusal> {
        let name = OrderRef::Id(id);
        match self.0.look(caller, 1, move |exchange| live(exchange, account, name)).await? {
            Some(order) => Ok(Some(as_report(&order))),
            None => Ok(self.over(caller, account, name).await?.map(|(_, report)| report)),
        }
    }

    /// All that a command told its own account.
    fn own_reports(&self, receipt: &Receipt) -> Vec<v1::ExecutionReport> {
        let account = receipt.request.account;
        let own = receipt.events().iter().filter_map(|event| match event {
            Event::Reported(report) if report.account == account => Some(report),
            _ => None,
        });
        own.map(|report| self.0.report(receipt.stamp, report)).collect()
    }

    fn live_order(&self, stamp: Stamp, order: &OrderView) -> v1::Order {
        v1::Order {
            report: Some(self.0.report(stamp, &as_report(order))),
            live: true,
            // A stop that waits is seen by nobody.
            displayed_quantity: if order.trigger.0 > 0 { 0 } else { order.displayed.0 },
            hold_micros: order.hold.0,
            post_only: order.post_only,
            quote: order.quote,
        }
    }

    /// An order that is over, by what was last reported of it.
    fn closed_order(&self, stamp: Stamp, report: &Report) -> v1::Order {
        v1::Order { report: Some(self.0.report(stamp, report)), ..v1::Order::default() }
    }

    /// What was last reported of an order that is over. It is searched for in parts, each of which is paid for; where
    /// that is more than may be had at once, the search goes on as the allowance grows.
    async fn over(
        &self,
        caller: &Caller,
        account: AccountId,
        name: OrderRef,
    ) -> Result<Option<(Stamp, Report)>, Refusal> {
        let mut before = None;
        loop {
            let ask = move |history: &History| history.closed_order(account, name, before);
            let mut part = self.0.search(caller, 1, ask).await?;
            let found = part.rows.pop();
            before = part.next;
            if found.is_some() || before.is_none() {
                return Ok(found);
            }
            self.0.room_to_search(caller, 1).await;
        }
    }

    async fn list_closed(
        &self,
        caller: &Caller,
        account: AccountId,
        size: usize,
        token: &str,
    ) -> Answered<v1::ListOrdersResponse> {
        let before = convert::page_token(token).map_err(status::misshapen)?;
        let part =
            self.0.search(caller, size, move |history| history.closed_orders(account, before, size)).await?;
        let next_page_token = part.next.map_or_else(String::new, |next| next.to_string());
        let orders = part.rows.iter().map(|(stamp, report)| self.closed_order(*stamp, report)).collect();
        Ok(Response::new(v1::ListOrdersResponse { orders, next_page_token }))
    }
}

/// The answer, unless its id came before with another body: that is no report, but a refusal.
fn first_use(receipt: &Receipt) -> Result<Answer, Refusal> {
    match receipt.answer.refused {
        Some(reason @ RejectReason::ClientIdReused) => Err(status::refused(reason)),
        _ => Ok(receipt.answer),
    }
}

fn within<T>(outer: &str, checked: convert::Checked<T>) -> convert::Checked<T> {
    checked.map_err(|bad| bad.within(outer))
}

/// The live order that an account calls so.
fn live(exchange: &Exchange, account: AccountId, name: OrderRef) -> Option<OrderView> {
    match name {
        OrderRef::Id(id) => exchange.order(id).filter(|order| order.account == account),
        OrderRef::Client(name) => exchange.order_named(account, &name),
    }
}

/// A live order's present state in the form of a report; no report has its number.
fn as_report(order: &OrderView) -> Report {
    Report {
        account: order.account,
        number: 0,
        kind: ReportKind::Accepted,
        order: order.id,
        client_id: order.client_id,
        session: order.session,
        request: 0,
        instrument: order.instrument,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        price: order.price,
        trigger: order.trigger,
        quantity: order.quantity,
        cumulative: order.cumulative,
        leaves: order.leaves,
    }
}

/// A new order as its request has it.
fn as_placed(request: &Request, order: &NewOrder) -> Report {
    Report {
        account: request.account,
        number: 0,
        kind: ReportKind::Accepted,
        order: OrderId::NONE,
        client_id: request.client_id,
        session: SessionId(0),
        request: 0,
        instrument: order.instrument,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        price: order.price,
        trigger: order.trigger,
        quantity: order.quantity,
        cumulative: Quantity(0),
        leaves: order.quantity,
    }
}

/// Where a list of live orders goes on: after the last order of the page that still lives. Should none of
/// these live, it begins anew, so that an order may be seen twice but none is missed.
pub struct Near(Vec<OrderId>);

/// Orders that a page's token names.
const NEAR: usize = 8;

impl Near {
    /// The end of a page.
    pub fn of(page: &[OrderView]) -> Near {
        Near(page.iter().rev().take(NEAR).map(|order| order.id).collect())
    }

    pub fn parse(token: &str) -> convert::Checked<Near> {
        if token.is_empty() {
            return Ok(Near(Vec::new()));
        }
        let ids: Vec<_> = token.split('-').take(NEAR + 1).map(|id| u64::from_str_radix(id, 16)).collect();
        match ids.into_iter().map(|id| id.map(OrderId)).collect::<Result<Vec<_>, _>>() {
            Ok(ids) if ids.len() <= NEAR => Ok(Near(ids)),
            _ => Err(Violation::new("page_token", "must be empty or next_page_token of the last answer")),
        }
    }

    pub fn found(&self, exchange: &Exchange, account: AccountId) -> Option<OrderId> {
        self.0.iter().copied().find(|id| exchange.order(*id).is_some_and(|order| order.account == account))
    }
}

impl std::fmt::Display for Near {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<String> = self.0.iter().map(|id| format!("{:x}", id.0)).collect();
        f.write_str(&ids.join("-"))
    }
}
