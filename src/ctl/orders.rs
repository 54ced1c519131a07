//! OrderService: placing, changing and watching orders.

use std::collections::HashMap;

use clap::{ArgGroup, Args, Subcommand};
use hourbook_api::v1;

use super::show::{self, Column};
use super::values::{self, Micros, Moment, Offer, OrderName, SelfTrade, Side, TimeInForce};
use super::{Failure, Outcome, Paging, Session, pages};

#[derive(Subcommand)]
pub enum Command {
    /// Place an order, such as `place buy 5 GP.CNNX.A.H20261125T08 0.0350`
    Place(Place),
    /// Cancel an order
    Cancel {
        #[command(flatten)]
        order: Named,
    },
    /// Change price, quantity or trigger of an order in one step
    #[command(group(ArgGroup::new("change").args(["price", "quantity", "trigger"]).required(true).multiple(true)))]
    Amend {
        #[command(flatten)]
        order: Named,
        /// New limit, currency per unit-hour
        #[arg(long, allow_negative_numbers = true)]
        price: Option<Micros>,
        /// New order quantity, what is filled already included
        #[arg(long, value_name = "LOTS", allow_negative_numbers = true)]
        quantity: Option<i64>,
        /// New trigger of a waiting stop
        #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
        trigger: Option<Micros>,
    },
    /// Take lots off an order, which keeps its place; by all that is open or more, it is cancelled
    Reduce {
        #[command(flatten)]
        order: Named,
        /// How many
        #[arg(allow_negative_numbers = true)]
        lots: i64,
    },
    /// Cancel all orders of the account, or those of a product or instrument
    MassCancel {
        /// A product or an instrument; everything without one
        #[arg(default_value = "market")]
        scope: values::Scope,
        /// One side only
        #[arg(long)]
        side: Option<Side>,
    },
    /// Replace the account's quote on an instrument: `quote SYMBOL --bid 5@0.0340 --ask 5@0.0360`
    Quote {
        symbol: String,
        /// Lots at a price; left out, that side is withdrawn
        #[arg(long, value_name = "LOTS@PRICE")]
        bid: Option<Offer>,
        /// Lots at a price; left out, that side is withdrawn
        #[arg(long, value_name = "LOTS@PRICE")]
        ask: Option<Offer>,
        /// Refuse a side that would trade at once
        #[arg(long)]
        post_only: bool,
    },
    /// Show one order, live or over
    Order {
        #[command(flatten)]
        order: Named,
    },
    /// List the account's live orders
    Orders {
        /// Those that are over instead, newest first
        #[arg(long)]
        closed: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// List the account's fills, oldest first
    Fills {
        #[command(flatten)]
        paging: Paging,
    },
    /// Follow what happens, until interrupted
    Watch {
        #[command(subcommand)]
        what: Watched,
    },
}

#[derive(Subcommand)]
pub enum Watched {
    /// The account's execution reports
    Executions {
        /// The first number wanted; without one, new ones only
        #[arg(long, value_name = "NUMBER")]
        from: Option<u64>,
    },
}

/// Which order is meant.
#[derive(Args)]
pub struct Named {
    /// The exchange's number of the order, or the client's id of it
    order: OrderName,
    /// Take digits for the client's id too
    #[arg(long)]
    client: bool,
}

impl Named {
    fn wire(self) -> Option<v1::OrderName> {
        self.order.wire(self.client)
    }
}

#[derive(Args)]
pub struct Place {
    side: Side,
    /// Lots
    #[arg(allow_negative_numbers = true)]
    quantity: i64,
    /// Instrument, such as GP.CNNX.A.H20261125T08
    symbol: String,
    /// Worst price, currency per unit-hour
    #[arg(required_unless_present_any = ["market", "trigger"], allow_negative_numbers = true)]
    price: Option<Micros>,
    /// Trade at the best prices there are, within the band
    #[arg(long, conflicts_with_all = ["price", "trigger"])]
    market: bool,
    /// A stop: wait until the last trade reaches this price
    #[arg(long, value_name = "PRICE")]
    trigger: Option<Micros>,
    /// How long it lives
    #[arg(long, value_name = "WORD", conflicts_with_all = ["until", "budget"])]
    tif: Option<TimeInForce>,
    /// Live until a time, such as 2026-11-25T08:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "budget")]
    until: Option<Moment>,
    /// All at once or nothing, for at most (a sale: at least) so much money
    #[arg(long, value_name = "AMOUNT")]
    budget: Option<Micros>,
    /// Lots shown at a time
    #[arg(long, value_name = "LOTS", default_value_t = 0, hide_default_value = true)]
    display: i64,
    /// Least lots to trade at once; with --tif ioc
    #[arg(long, value_name = "LOTS", default_value_t = 0, hide_default_value = true)]
    minimum: i64,
    /// Refuse it if it would trade at once
    #[arg(long)]
    post_only: bool,
    /// What to do on meeting an order of the same participant
    #[arg(long, value_name = "WORD")]
    self_trade: Option<SelfTrade>,
    /// The client's id of the order, and its idempotency key; made up without one
    #[arg(long, value_name = "TEXT")]
    client_id: Option<String>,
}

impl Place {
    fn order(&self) -> v1::NewOrder {
        let order_type = match (self.market, self.trigger, self.price) {
            (true, ..) => v1::OrderType::Market,
            (_, None, _) => v1::OrderType::Limit,
            (_, Some(_), None) => v1::OrderType::Stop,
            (_, Some(_), Some(_)) => v1::OrderType::StopLimit,
        };
        let time_in_force = match (self.tif, self.until, self.budget) {
            (_, Some(_), _) => v1::TimeInForce::Gtd,
            (_, _, Some(_)) => v1::TimeInForce::FokBudget,
            (None | Some(TimeInForce::Gtc), ..) => v1::TimeInForce::Gtc,
            (Some(TimeInForce::Day), ..) => v1::TimeInForce::Day,
            (Some(TimeInForce::Ioc), ..) => v1::TimeInForce::Ioc,
            (Some(TimeInForce::Fok), ..) => v1::TimeInForce::Fok,
        };
        let micros = |price: Option<Micros>| price.map_or(0, |price| price.0);
        v1::NewOrder {
            symbol: self.symbol.clone(),
            side: self.side.wire(),
            order_type: order_type as i32,
            time_in_force: time_in_force as i32,
            expire_time: self.until.map(|until| until.0),
            budget_micros: micros(self.budget),
            price_micros: micros(self.price),
            trigger_price_micros: micros(self.trigger),
            quantity: self.quantity,
            display_quantity: self.display,
            minimum_quantity: self.minimum,
            post_only: self.post_only,
            self_trade_prevention: SelfTrade::wire(self.self_trade),
            ..v1::NewOrder::default()
        }
    }
}

pub async fn run(session: &Session, command: Command) -> Outcome {
    let out = session.out;
    let mut orders = session.client.orders.clone();
    let account_id = session.account().await?;
    match command {
        Command::Place(place) => {
            let client_order_id = match &place.client_id {
                Some(given) => given.clone(),
                None => session.request_id()?,
            };
            let request = v1::PlaceOrderRequest { account_id, client_order_id, order: Some(place.order()) };
            let answer = orders.place_order(request).await?.into_inner();
            out.tell(&answer, |answer| traded(answer.report.as_ref(), &answer.fills, answer.repeated));
            refused(answer.report.as_ref())
        }
        Command::Cancel { order } => {
            let request_id = session.request_id()?;
            let request = v1::CancelOrderRequest { account_id, request_id, order: order.wire() };
            let answer = orders.cancel_order(request).await?.into_inner();
            out.tell(&answer, |answer| traded(answer.report.as_ref(), &[], answer.repeated));
            refused(answer.report.as_ref())
        }
        Command::Amend { order, price, quantity, trigger } => {
            // The contract's zero leaves a field as it is, which nobody means who gives one.
            let zero = [
                ("price", price == Some(Micros(0))),
                ("quantity", quantity == Some(0)),
                ("trigger", trigger == Some(Micros(0))),
            ];
            if let Some((field, _)) = zero.iter().find(|(_, is_zero)| *is_zero) {
                return Err(Failure::said(format!("--{field}: must be above zero; `cancel` ends an order")));
            }
            let amendment = v1::Amendment {
                order: order.wire(),
                price_micros: price.map_or(0, |price| price.0),
                quantity: quantity.unwrap_or(0),
                trigger_price_micros: trigger.map_or(0, |price| price.0),
            };
            let request_id = session.request_id()?;
            let request = v1::AmendOrderRequest { account_id, request_id, amendment: Some(amendment) };
            let answer = orders.amend_order(request).await?.into_inner();
            out.tell(&answer, |answer| traded(answer.report.as_ref(), &answer.fills, answer.repeated));
            refused(answer.report.as_ref())
        }
        Command::Reduce { order, lots } => {
            let request_id = session.request_id()?;
            let request =
                v1::ReduceOrderRequest { account_id, request_id, order: order.wire(), by_quantity: lots };
            let answer = orders.reduce_order(request).await?.into_inner();
            out.tell(&answer, |answer| traded(answer.report.as_ref(), &[], answer.repeated));
            refused(answer.report.as_ref())
        }
        Command::MassCancel { scope, side } => {
            use v1::mass_cancel_scope::Scope as Wire;
            let scope = match scope {
                values::Scope::Market => None,
                values::Scope::Product(product) => Some(Wire::Product(product)),
                values::Scope::Symbol(symbol) => Some(Wire::Symbol(symbol)),
            };
            let scope = v1::MassCancelScope { scope, side: side.map_or(0, Side::wire) };
            let request_id = session.request_id()?;
            let request = v1::MassCancelRequest { account_id, request_id, scope: Some(scope) };
            let answer = orders.mass_cancel(request).await?.into_inner();
            out.tell(&answer, |answer| format!("{} orders cancelled", answer.cancelled_count));
            show::accepted(answer.reject_reason)
        }
        Command::Quote { symbol, bid, ask, post_only } => {
            let micros = |offer: Option<Offer>| offer.map_or(0, |offer| offer.price.0);
            let lots = |offer: Option<Offer>| offer.map_or(0, |offer| offer.quantity);
            let quote = v1::Quote {
                symbol,
                bid_price_micros: micros(bid),
                bid_quantity: lots(bid),
                ask_price_micros: micros(ask),
                ask_quantity: lots(ask),
                ..v1::Quote::default()
            };
            let quotes = v1::QuoteSet { quotes: vec![quote], post_only, self_trade_prevention: 0 };
            let request_id = session.request_id()?;
            let request = v1::MassQuoteRequest { account_id, request_id, quotes: Some(quotes) };
            let answer = orders.mass_quote(request).await?.into_inner();
            out.tell(&answer, |answer| {
                let reports = answer.reports.iter().map(show::report);
                let standing = format!("{} of 2 sides stand", answer.standing_count);
                reports.chain([standing]).collect::<Vec<_>>().join("\n")
            });
            answer.reports.iter().try_for_each(|report| show::accepted(report.reject_reason))
        }
        Command::Order { order } => {
            let request = v1::GetOrderRequest { account_id, order: order.wire() };
            let answer = orders.get_order(request).await?.into_inner();
            out.tell(&answer, |answer| answer.order.as_ref().map(one).unwrap_or_default());
            Ok(())
        }
        Command::Orders { closed, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut orders = orders.clone();
                async move {
                    let request = v1::ListOrdersRequest { account_id, closed, page_size, page_token };
                    let page = orders.list_orders(request).await?.into_inner();
                    Ok((page.orders, page.next_page_token))
                }
            });
            let answer = v1::ListOrdersResponse { orders: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| listed(&answer.orders));
            Ok(())
        }
        Command::Fills { paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut orders = orders.clone();
                async move {
                    let request = v1::ListFillsRequest { account_id, page_size, page_token };
                    let page = orders.list_fills(request).await?.into_inner();
                    Ok((page.fills, page.next_page_token))
                }
            });
            let answer = v1::ListFillsResponse { fills: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| filled(&answer.fills));
            Ok(())
        }
        Command::Watch { what: Watched::Executions { from } } => watch(session, account_id, from).await,
    }
}

/// What became of an order, and its fills.
fn traded(report: Option<&v1::ExecutionReport>, fills: &[v1::Fill], repeated: bool) -> String {
    let mut lines: Vec<String> = report.map(show::report).into_iter().collect();
    // One fill is told by the report itself.
    let told = report.is_some_and(|report| report.fill.is_some()) && fills.len() == 1;
    let shown = if told { &[] } else { fills };
    lines.extend(shown.iter().map(|fill| format!("  traded   {}", show::fill(fill))));
    if repeated {
        lines.push("  repeated: this is the first answer to that id; nothing was done now".into());
    }
    lines.join("\n")
}

fn refused(report: Option<&v1::ExecutionReport>) -> Outcome {
    report.map_or(Ok(()), |report| show::accepted(report.reject_reason))
}

fn one(order: &v1::Order) -> String {
    let Some(report) = &order.report else { return String::new() };
    let mut facts = vec![
        ("order", report.order_id.to_string()),
        ("client id", report.client_order_id.clone()),
        ("asked for", show::order(report)),
        ("state", state(order, report)),
        ("filled", report.cumulative_quantity.to_string()),
        ("open", report.leaves_quantity.to_string()),
        ("last change", values::time(report.transaction_time.as_ref())),
    ];
    if order.live {
        facts.push(("displayed", order.displayed_quantity.to_string()));
        facts.push(("cash held", Micros(order.hold_micros).to_string()));
    }
    show::facts(&facts)
}

/// `live`, or how it ended: `cancelled, day end`.
fn state(order: &v1::Order, report: &v1::ExecutionReport) -> String {
    if order.live {
        return "live".into();
    }
    let mut state = show::word!(ReportKind, report.kind, "REPORT_KIND_");
    if report.cancel_reason != 0 {
        let why = show::word!(CancelReason, report.cancel_reason, "CANCEL_REASON_").replace('_', " ");
        state += &format!(", {why}");
    }
    if report.reject_reason != 0 {
        state += &format!(", {}", show::reject_reason(report.reject_reason));
    }
    state
}

fn listed(orders: &[v1::Order]) -> String {
    use Column::{Number, Text};
    let columns = [
        Number("order"),
        Text("client id"),
        Text("side"),
        Text("symbol"),
        Text("type"),
        Number("price"),
        Number("trigger"),
        Number("quantity"),
        Number("filled"),
        Number("open"),
        Text("state"),
    ];
    let rows = orders.iter().filter_map(|order| {
        let report = order.report.as_ref()?;
        Some(vec![
            report.order_id.to_string(),
            report.client_order_id.clone(),
            show::side(report.side),
            report.symbol.clone(),
            show::order_type(report),
            show::price(report.price_micros),
            show::price(report.trigger_price_micros),
            report.quantity.to_string(),
            report.cumulative_quantity.to_string(),
            report.leaves_quantity.to_string(),
            state(order, report),
        ])
    });
    show::table(&columns, rows)
}

fn filled(fills: &[v1::ExecutionReport]) -> String {
    use Column::{Number, Text};
    let columns = [
        Number("number"),
        Text("time"),
        Number("trade"),
        Number("order"),
        Text("side"),
        Number("quantity"),
        Text("symbol"),
        Number("price"),
        Text("as"),
        Number("fee"),
    ];
    let rows = fills.iter().filter_map(|report| {
        let fill = report.fill.as_ref()?;
        Some(vec![
            report.number.to_string(),
            values::time(report.transaction_time.as_ref()),
            fill.trade_id.to_string(),
            report.order_id.to_string(),
            show::side(report.side),
            fill.quantity.to_string(),
            report.symbol.clone(),
            Micros(fill.price_micros).to_string(),
            show::word!(Liquidity, fill.liquidity, "LIQUIDITY_"),
            Micros(fill.fee_micros).to_string(),
        ])
    });
    show::table(&columns, rows)
}

async fn watch(session: &Session, account_id: u32, from: Option<u64>) -> Outcome {
    let request = v1::StreamExecutionsRequest { account_id, from_number: from.unwrap_or(0) };
    let mut stream = session.client.orders.clone().stream_executions(request).await?.into_inner();
    let mut symbols: HashMap<u32, String> = HashMap::new();
    loop {
        let batch = tokio::select! {
            batch = stream.message() => batch?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        let Some(batch) = batch else { return Err(Failure::said("the exchange ended the stream")) };
        for mut report in batch.reports {
            // Streams leave the symbol out; it is asked for once.
            if report.symbol.is_empty() && report.instrument_id != 0 {
                let id = report.instrument_id;
                if let std::collections::hash_map::Entry::Vacant(unknown) = symbols.entry(id) {
                    unknown.insert(symbol(session, id).await);
                }
                report.symbol.clone_from(&symbols[&id]);
            }
            session.out.tell(&report, show::numbered);
        }
    }
}

/// What an instrument is called; its number where it is not listed any more.
async fn symbol(session: &Session, instrument_id: u32) -> String {
    let request = v1::GetInstrumentRequest { symbol: String::new(), instrument_id };
    let answer = session.client.instruments.clone().get_instrument(request).await;
    let found = answer.ok().and_then(|answer| answer.into_inner().instrument);
    found.map_or_else(|| format!("instrument {instrument_id}"), |instrument| instrument.symbol)
}
