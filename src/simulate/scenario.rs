//! Scenarios as they are written, one JSON object a line, and as they are carried out.
//!
//! What is misshapen ends here, in one sentence that names file, line and field. Fields that an operation
//! does not use may be given all the same, and null is as good as absent; an unknown field is an error.

use std::fmt;
use std::path::Path;

use hourbook_model::{Money, OrderType, Price, Quantity, SelfTrade, Side, TimeInForce};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why a file cannot be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{file}: {error}")]
    Unreadable { file: String, error: std::io::Error },
    #[error("{file}: line {line}: {field}: {why}")]
    Field { file: String, line: usize, field: String, why: String },
    #[error("{file}: line {line}: {why}")]
    Line { file: String, line: usize, why: String },
    #[error("{file}: holds no scenario")]
    Empty { file: String },
    #[error("{file}: holds bare operations, and none says what is expected: there is nothing to check")]
    Unchecked { file: String },
}

/// What a file holds.
pub enum Contents {
    /// Bare operations, as one scenario.
    Operations(Scenario),
    Scenarios(Vec<Scenario>),
}

/// Operations in order, and what is expected of them.
pub struct Scenario {
    pub file: String,
    pub line: usize,
    pub name: String,
    pub operations: Vec<(Place, Operation)>,
    expect: Option<Vec<Value>>,
    final_book: Option<Value>,
}

/// Where an operation stands: the line, and within it `ops[3].` or nothing.
#[derive(Clone, Debug)]
pub struct Place {
    pub line: usize,
    pub within: String,
}

/// An id or a participant, as the scenario calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a whole number or a text")]
pub enum Name {
    Number(i64),
    Text(String),
}

/// One operation, its fields checked.
#[derive(Clone, Debug)]
pub enum Operation {
    New {
        id: Name,
        participant: Name,
        order: Order,
    },
    Cancel {
        id: Name,
        participant: Option<Name>,
    },
    Amend {
        id: Name,
        participant: Option<Name>,
        price: Option<Price>,
        /// The new open quantity.
        open: Option<Quantity>,
        trigger: Option<Price>,
    },
    Reduce {
        id: Name,
        participant: Option<Name>,
        by: Quantity,
    },
    MassCancel {
        participant: Name,
        side: Option<Side>,
    },
    Kill {
        participant: Name,
        side: Option<Side>,
    },
    Unkill {
        participant: Name,
    },
    Halt,
    Resume,
    ExpireDay,
    AuctionOpen,
    AuctionUncross {
        reference: Option<Price>,
    },
}

/// A new order, its price and trigger present exactly where its type has them.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    pub price: Option<Price>,
    pub trigger: Option<Price>,
    pub quantity: Quantity,
    pub display: Option<Quantity>,
    pub post_only: bool,
    pub self_trade: SelfTrade,
}

/// What is wrong with one field of an operation.
#[derive(Debug)]
pub struct Violation {
    pub field: &'static str,
    pub why: String,
}

impl Violation {
    pub fn new(field: &'static str, why: impl fmt::Display) -> Violation {
        Violation { field, why: why.to_string() }
    }
}

/// Reads a file of either kind; its first line says which.
pub fn read(path: &Path) -> Result<Contents, Error> {
    let file = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| Error::Unreadable { file: file.clone(), error })?;
    parse(&file, &text)
}

/// Reads the text of a file; `file` is what messages call it.
pub fn parse(file: &str, text: &str) -> Result<Contents, Error> {
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).peekable();
    let Some(&(first, line)) = lines.peek() else { return Err(Error::Empty { file: file.into() }) };
    let top: Value = object(file, first, line)?;
    if top.get("ops").is_some() {
        let scenarios = lines.map(|(line, text)| {
            let written: Written = object(file, line, text)?;
            written.scenario(file, line)
        });
        return scenarios.collect::<Result<_, _>>().map(Contents::Scenarios);
    }
    if top.get("op").is_none() {
        let why = "is neither a scenario (with `ops`) nor an operation (with `op`)".into();
        return Err(Error::Line { file: file.into(), line: first, why });
    }
    let operations = lines.map(|(line, text)| {
        let place = Place { line, within: String::new() };
        let written: WrittenOperation = object(file, line, text)?;
        let operation = written.operation().map_err(|bad| at(file, &place, bad))?;
        Ok((place, operation))
    });
    Ok(Contents::Operations(Scenario {
        file: file.into(),
        line: first,
        name: file.into(),
        operations: operations.collect::<Result<_, _>>()?,
        expect: None,
        final_book: None,
    }))
}

fn at(file: &str, place: &Place, bad: Violation) -> Error {
    let field = format!("{}{}", place.within, bad.field);
    Error::Field { file: file.into(), line: place.line, field, why: bad.why }
}

/// One line as JSON.
fn object<'a, T: Deserialize<'a>>(file: &str, line: usize, text: &'a str) -> Result<T, Error> {
    let mut document = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut document);
    let value = read.map_err(|error| {
        let field = error.path().to_string();
        // serde_json counts lines of its own, and ours is its first; `i64` is a word of ours.
        let why = error.inner().to_string().replace(" at line 1 column", ", column");
        let why = why.replace("expected i64", "expected a whole number below 2^63");
        let why = if error.inner().is_syntax() { format!("is no JSON: {why}") } else { why };
        let file = file.into();
        if field == "." { Error::Line { file, line, why } } else { Error::Field { file, line, field, why } }
    })?;
    match document.end() {
        Ok(()) => Ok(value),
        Err(_) => Err(Error::Line { file: file.into(), line, why: "holds more than one object".into() }),
    }
}

impl Scenario {
    /// Events and final book as they should be.
    ///
    /// # Errors
    /// Where the scenario says neither.
    pub fn expectations(&self) -> Result<(&[Value], &Value), Error> {
        let missing = |field: &str| Error::Field {
            file: self.file.clone(),
            line: self.line,
            field: field.into(),
            why: "is missing: there is nothing to check against".into(),
        };
        let events = self.expect.as_ref().ok_or_else(|| missing("expect"))?;
        Ok((events, self.final_book.as_ref().ok_or_else(|| missing("final_book"))?))
    }

    /// Why bare operations cannot be checked.
    pub fn bare(&self) -> Error {
        Error::Unchecked { file: self.file.clone() }
    }

    /// What is wrong with a field of an operation of this scenario.
    pub fn error(&self, place: &Place, bad: Violation) -> Error {
        at(&self.file, place, bad)
    }
}

// What may be written.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    ops: Vec<WrittenOperation>,
    expect: Option<Vec<Value>>,
    final_book: Option<Value>,
}

impl Written {
    fn scenario(self, file: &str, line: usize) -> Result<Scenario, Error> {
        let operations = self.ops.into_iter().enumerate().map(|(number, written)| {
            let place = Place { line, within: format!("ops[{number}].") };
            let operation = written.operation().map_err(|bad| at(file, &place, bad))?;
            Ok((place, operation))
        });
        Ok(Scenario {
            file: file.into(),
            line,
            name: self.name.unwrap_or_else(|| format!("line {line}")),
            operations: operations.collect::<Result<_, _>>()?,
            expect: self.expect,
            final_book: self.final_book,
        })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenKind {
    New,
    Cancel,
    Amend,
    Reduce,
    MassCancel,
    Kill,
    Unkill,
    Halt,
    Resume,
    ExpireDay,
    AuctionOpen,
    AuctionUncross,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenSide {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenType {
    Limit,
    Market,
    Stop,
    StopLimit,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenTif {
    #[default]
    Gtc,
    Day,
    Ioc,
    Fok,
    FokBudget,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenStp {
    #[default]
    None,
    CancelNewest,
    CancelOldest,
    CancelBoth,
    Decrement,
}

/// Every field of every operation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOperation {
    op: WrittenKind,
    id: Option<Name>,
    participant: Option<Name>,
    side: Option<WrittenSide>,
    r#type: Option<WrittenType>,
    tif: Option<WrittenTif>,
    price: Option<i64>,
    qty: Option<i64>,
    display: Option<i64>,
    trigger: Option<i64>,
    stp: Option<WrittenStp>,
    post_only: Option<bool>,
    budget: Option<i64>,
    by: Option<i64>,
    r#ref: Option<i64>,
}

/// A field that the operation cannot do without.
fn given<T>(field: &'static str, value: Option<T>) -> Result<T, Violation> {
    value.ok_or_else(|| Violation::new(field, "is missing"))
}

fn above_zero(field: &'static str, value: i64) -> Result<i64, Violation> {
    if value > 0 { Ok(value) } else { Err(Violation::new(field, format_args!("{value} is not above zero"))) }
}

fn price(field: &'static str, value: Option<i64>) -> Result<Option<Price>, Violation> {
    value.map(|value| above_zero(field, value).map(Price)).transpose()
}

impl WrittenOperation {
    fn operation(self) -> Result<Operation, Violation> {
        let side = self.side.map(|side| match side {
            WrittenSide::Buy => Side::Buy,
            WrittenSide::Sell => Side::Sell,
        });
        Ok(match self.op {
            WrittenKind::New => {
                let order = self.order(given("side", side)?)?;
                let id = given("id", self.id)?;
                Operation::New { id, participant: given("participant", self.participant)?, order }
            }
            WrittenKind::Cancel => {
                Operation::Cancel { id: given("id", self.id)?, participant: self.participant }
            }
            WrittenKind::Amend => Operation::Amend {
                id: given("id", self.id)?,
                participant: self.participant,
                price: price("price", self.price)?,
                open: self.qty.map(Quantity),
                trigger: price("trigger", self.trigger)?,
            },
            WrittenKind::Reduce => Operation::Reduce {
                id: given("id", self.id)?,
                participant: self.participant,
                by: Quantity(given("by", self.by)?),
            },
            WrittenKind::MassCancel => {
                Operation::MassCancel { participant: given("participant", self.participant)?, side }
            }
            WrittenKind::Kill => {
                Operation::Kill { participant: given("participant", self.participant)?, side }
            }
            WrittenKind::Unkill => Operation::Unkill { participant: given("participant", self.participant)? },
            WrittenKind::Halt => Operation::Halt,
            WrittenKind::Resume => Operation::Resume,
            WrittenKind::ExpireDay => Operation::ExpireDay,
            WrittenKind::AuctionOpen => Operation::AuctionOpen,
            WrittenKind::AuctionUncross => Operation::AuctionUncross { reference: price("ref", self.r#ref)? },
        })
    }

    fn order(&self, side: Side) -> Result<Order, Violation> {
        let order_type = match given("type", self.r#type)? {
            WrittenType::Limit => OrderType::Limit,
            WrittenType::Market => OrderType::Market,
            WrittenType::Stop => OrderType::Stop,
            WrittenType::StopLimit => OrderType::StopLimit,
        };
        let limited = matches!(order_type, OrderType::Limit | OrderType::StopLimit);
        let stop = matches!(order_type, OrderType::Stop | OrderType::StopLimit);
        let time_in_force = match self.tif.unwrap_or_default() {
            WrittenTif::Day => TimeInForce::Day,
            // A stop waits, whatever it was entered as; what it becomes is its type's.
            _ if stop => TimeInForce::Gtc,
            WrittenTif::Gtc => TimeInForce::Gtc,
            WrittenTif::Ioc => TimeInForce::Ioc,
            WrittenTif::Fok => TimeInForce::Fok,
            WrittenTif::FokBudget => {
                let budget = above_zero("budget", given("budget", self.budget)?)?;
                TimeInForce::FokBudget(Money(budget))
            }
        };
        let needed = |field, asked: bool, value| match asked {
            true => above_zero(field, given(field, value)?).map(|value| Some(Price(value))),
            false => Ok(None),
        };
        let display = match self.display {
            Some(display) if display < 0 => return Err(Violation::new("display", "is negative")),
            display => display.map(Quantity),
        };
        Ok(Order {
            side,
            order_type,
            time_in_force,
            price: needed("price", limited, self.price)?,
            trigger: needed("trigger", stop, self.trigger)?,
            quantity: Quantity(given("qty", self.qty)?),
            display,
            post_only: self.post_only.unwrap_or(false),
            self_trade: match self.stp.unwrap_or_default() {
                WrittenStp::None => SelfTrade::Allow,
                WrittenStp::CancelNewest => SelfTrade::CancelNewest,
                WrittenStp::CancelOldest => SelfTrade::CancelOldest,
                WrittenStp::CancelBoth => SelfTrade::CancelBoth,
                WrittenStp::Decrement => SelfTrade::Decrement,
            },
        })
    }
}
