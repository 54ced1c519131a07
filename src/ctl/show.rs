//! Answers, told: tables and sentences for people, protobuf's JSON for programs.

use std::fmt;
use std::io::Write;
use std::sync::LazyLock;

use comfy_table::{CellAlignment, Table, presets};
use hourbook_api::client::Error;
use hourbook_api::{FILE_DESCRIPTOR_SET, v1};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;
use tonic::Status;
use tonic_types::StatusExt;

use super::values::{self, Micros};
use super::{Failure, Outcome, reasons};

/// How answers are told.
#[derive(Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// The message itself for programs, what `for_people` makes of it for people.
    pub fn tell<M: Message>(&self, message: &M, for_people: impl FnOnce(&M) -> String) {
        match self.json {
            true => self.say(json(message)),
            false => self.say(for_people(message)),
        }
    }

    /// A line or more on stdout. When whoever reads it has gone, as `head` does, there is nothing left to do; where it cannot be
    /// written, that is said, and by the exit code too.
    pub fn say(&self, text: impl fmt::Display) {
        match writeln!(std::io::stdout(), "{text}") {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => {
                self.note(format_args!("error: done, but it cannot be told on standard output: {error}"));
                std::process::exit(1);
            }
        }
    }

    /// An aside, where it does not disturb what is piped on.
    pub fn note(&self, text: impl fmt::Display) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

static CONTRACT: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the build made the descriptors"));

/// A message of the contract in protobuf's own JSON, which every protobuf library reads: `orderId`, integers of 64 bits as
/// text. Every field is present but messages that are not set.
pub fn json<M: Message>(message: &M) -> Value {
    // Generated types carry the names of the contract's messages.
    let name = std::any::type_name::<M>().rsplit("::").next().unwrap_or_default();
    let descriptor =
        CONTRACT.get_message_by_name(&format!("hourbook.v1.{name}")).expect("a message of the contract");
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .expect("a message reads what it wrote");
    let options = SerializeOptions::new().skip_default_fields(false);
    dynamic.serialize_with_options(serde_json::value::Serializer, &options).expect("messages are JSON")
}

/// How a column stands.
pub enum Column {
    Text(&'static str),
    Number(&'static str),
}

/// Rows under their headings, in aligned columns.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(columns.iter().map(|column| match column {
        Column::Text(name) | Column::Number(name) => name.to_uppercase(),
    }));
    let mut count = 0;
    for row in rows {
        table.add_row(row);
        count += 1;
    }
    for (at, column) in columns.iter().enumerate() {
        if let (Some(shown), Column::Number(_)) = (table.column_mut(at), column) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    match count {
        0 => "none".into(),
        _ => table.trim_fmt(),
    }
}

/// Names and what they stand for, one a line.
pub fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = facts.iter().map(|(name, fact)| format!("{name:width$}  {fact}")).collect();
    lines.join("\n")
}

/// A price, or a dash where there is none.
pub fn price(micros: i64) -> String {
    if micros == 0 { "-".into() } else { Micros(micros).to_string() }
}

/// `SIDE_BUY` as `buy`: the name of an enum's value without the enum's.
macro_rules! word {
    ($type:ident, $value:expr, $prefix:literal) => {
        v1::$type::try_from($value)
            .map_or("?", |value| value.as_str_name())
            .trim_start_matches($prefix)
            .to_lowercase()
    };
}
pub(crate) use word;

pub fn side(side: i32) -> String {
    word!(Side, side, "SIDE_")
}

/// Where a point of a curve has its price from.
pub fn taken_from(price: i32) -> String {
    match v1::CurvePrice::try_from(price) {
        Ok(v1::CurvePrice::Unspecified) => "-".into(),
        _ => word!(CurvePrice, price, "CURVE_PRICE_"),
    }
}

pub fn status(status: i32) -> String {
    word!(InstrumentStatus, status, "INSTRUMENT_STATUS_")
}

/// A refusal's reason, upper-snake, as docs/errors.md lists it.
pub fn reject_reason(reason: i32) -> &'static str {
    let name = v1::RejectReason::try_from(reason).map_or("?", |reason| reason.as_str_name());
    name.trim_start_matches("REJECT_REASON_")
}

/// An order in one line: `sell 10 GP.CNNX.A.H20261125T08 @ 0.052 gtc`.
pub fn order(report: &v1::ExecutionReport) -> String {
    let what = word!(OrderType, report.order_type, "ORDER_TYPE_").replace('_', "-");
    let symbol = if report.symbol.is_empty() { "(no instrument)" } else { &report.symbol };
    let mut text = format!("{} {} {symbol}", side(report.side), report.quantity);
    if report.price_micros > 0 {
        text += &format!(" @ {}", Micros(report.price_micros));
    }
    if what != "limit" {
        text += &format!(" {what}");
    }
    if report.trigger_price_micros > 0 {
        text += &format!(" at {}", Micros(report.trigger_price_micros));
    }
    text + &format!(" {}", word!(TimeInForce, report.time_in_force, "TIME_IN_FORCE_").replace('_', "-"))
}

/// What kind of order it is, and how long it lives: `stop-limit gtc`.
pub fn order_type(report: &v1::ExecutionReport) -> String {
    let kind = word!(OrderType, report.order_type, "ORDER_TYPE_");
    format!("{kind} {}", word!(TimeInForce, report.time_in_force, "TIME_IN_FORCE_")).replace('_', "-")
}

/// Which order a report is about: `order 7 (mine-1)`.
fn name(report: &v1::ExecutionReport) -> String {
    match (report.order_id, report.client_order_id.as_str()) {
        (0, "") => "order".into(),
        (0, client) => format!("order ({client})"),
        (id, "") => format!("order {id}"),
        (id, client) => format!("order {id} ({client})"),
    }
}

/// One execution report in one line.
pub fn report(report: &v1::ExecutionReport) -> String {
    use v1::ReportKind as Kind;
    let name = name(report);
    let open = format!("{} filled, {} open", report.cumulative_quantity, report.leaves_quantity);
    let refused = || reject_reason(report.reject_reason);
    match v1::ReportKind::try_from(report.kind).unwrap_or_default() {
        Kind::Unspecified => name,
        Kind::Accepted => format!("accepted   {name}: {}; {open}", order(report)),
        Kind::Rejected => format!("rejected   {name}: {}; {}", order(report), refused()),
        Kind::Filled => {
            format!("filled     {name}: {}; {open}", report.fill.as_ref().map(fill).unwrap_or_default())
        }
        Kind::Cancelled => {
            let why = word!(CancelReason, report.cancel_reason, "CANCEL_REASON_").replace('_', " ");
            format!("cancelled  {name}: {} lots, {why}; {open}", report.cancelled_quantity)
        }
        Kind::Amended => format!("amended    {name}: {}; {open}", order(report)),
        Kind::Reduced => format!("reduced    {name}: {}; {open}", order(report)),
        Kind::Triggered => format!("triggered  {name}: {}", order(report)),
        // Of no order, the report has the request's own id.
        Kind::CancelRejected if report.order_id == 0 => {
            format!("refused    cancel or reduction: {}", refused())
        }
        Kind::AmendRejected if report.order_id == 0 => format!("refused    amendment: {}", refused()),
        Kind::CancelRejected => format!("refused    cancel or reduction of {name}: {}", refused()),
        Kind::AmendRejected => format!("refused    amendment of {name}: {}", refused()),
        Kind::MassCancelled => format!("cancelled  {} orders", report.quantity),
        Kind::MassCancelRejected => format!("refused    mass cancel: {}", refused()),
    }
}

/// A fill in a few words.
pub fn fill(fill: &v1::Fill) -> String {
    let fee = match fill.fee_micros {
        0 => String::new(),
        fee => format!(", fee {}", Micros(fee)),
    };
    let part = word!(Liquidity, fill.liquidity, "LIQUIDITY_");
    format!("{} @ {} as {part}, trade {}{fee}", fill.quantity, Micros(fill.price_micros), fill.trade_id)
}

/// A refusal that came as a report ends the command as a failure.
pub fn accepted(reason: i32) -> Outcome {
    match reason {
        0 => Ok(()),
        reason => Err(Failure::said(explained(reject_reason(reason)))),
    }
}

/// A reason with its meaning and its remedy.
fn explained(reason: &str) -> String {
    match reasons::of(reason) {
        Some((meaning, remedy)) => format!("{reason}: {meaning}\n  What helps: {remedy}."),
        None => reason.into(),
    }
}

/// Why a command came to nothing, with what helps where that is known.
pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Client(Error::Refused(status)) => refusal(status),
        other => other.to_string(),
    }
}

/// The same for a program: what a status says, or the sentence alone.
pub fn failure_json(failure: &Failure) -> serde_json::Value {
    let Failure::Client(Error::Refused(status)) = failure else {
        return serde_json::json!({ "error": { "message": failure.to_string() } });
    };
    let details = status.get_error_details();
    let bad = details.bad_request().into_iter().flat_map(|request| &request.field_violations);
    let fields: Vec<_> = bad
        .map(
            |violation| serde_json::json!({ "field": violation.field, "description": violation.description }),
        )
        .collect();
    let retry = details.retry_info().and_then(|retry| retry.retry_delay);
    serde_json::json!({ "error": {
        "code": format!("{:?}", status.code()),
        "reason": details.error_info().map(|info| info.reason.clone()),
        "message": status.message(),
        "fields": fields,
        "retryAfterSeconds": retry.map(|retry| retry.as_secs_f64()),
    } })
}

fn refusal(status: &Status) -> String {
    let details = status.get_error_details();
    let reason = details.error_info().map_or_else(|| status.code().to_string(), |info| info.reason.clone());
    // The market's refusals carry no words of their own but the page's.
    let own = !status.message().contains("docs/errors.md");
    let mut lines = match reasons::of(&reason) {
        Some((_, remedy)) if own => {
            vec![format!("{reason}: {}", status.message()), format!("  What helps: {remedy}.")]
        }
        Some(_) => vec![explained(&reason)],
        None => vec![format!("{reason}: {}", status.message())],
    };
    if status.message() == "transport error" {
        lines.push("  Where the server has TLS, its address begins with https://.".into());
    }
    for violation in details.bad_request().iter().flat_map(|request| &request.field_violations) {
        let line = format!("  {}: {}", violation.field, violation.description);
        if !lines[0].contains(line.trim()) {
            lines.push(line);
        }
    }
    if let Some(after) = details.retry_info().and_then(|retry| retry.retry_delay) {
        lines.push(format!("  Try again in {after:?}."));
    }
    lines.join("\n")
}

/// When a report happened, and its number.
pub fn numbered(one: &v1::ExecutionReport) -> String {
    format!("{:>6}  {}  {}", one.number, values::time(one.transaction_time.as_ref()), report(one))
}
