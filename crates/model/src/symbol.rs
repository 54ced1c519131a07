//! Symbols: `GP.CNNX.A.H20261124T08` names a product (class, region, tier) and a delivery period.
//!
//! Periods are UTC. A symbol is at most 32 ASCII characters and matches
//! `^[A-Z0-9]{2,10}\.[A-Z]{2}[A-Z0-9]{1,4}\.[ABC]\.(H\d{8}T\d{2}|D\d{8}|W\d{4}W\d{2}|M\d{6})$`.

use crate::{Hour, Time};
use jiff::civil::{Date, ISOWeekDate, Weekday, date};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a period is cut; the order is that of the cascade, the shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PeriodKind {
    Hour,
    Day,
    Week,
    Month,
}

impl PeriodKind {
    pub const ALL: [PeriodKind; 4] = [PeriodKind::Hour, PeriodKind::Day, PeriodKind::Week, PeriodKind::Month];
}

/// A delivery period: one hour, day, ISO week or month, all UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Period {
    pub kind: PeriodKind,
    /// The first hour delivered.
    pub start: Hour,
    /// How many hours are delivered: 1, 24, 168, or 672 to 744.
    pub hours: u32,
}

/// Why a symbol or a period cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a symbol: {1}")]
pub struct BadSymbol(pub String, pub &'static str);

fn date_of(hour: Hour) -> Date {
    date(1970, 1, 1).saturating_add(jiff::Span::new().days(i64::from(hour.0 / 24)))
}

fn hour_of(day: Date) -> Hour {
    let days = (day - date(1970, 1, 1)).get_days();
    Hour(days.max(0) as u32 * 24)
}

impl Period {
    /// The period of this kind that holds `hour`.
    pub fn holding(kind: PeriodKind, hour: Hour) -> Period {
        match kind {
            PeriodKind::Hour => Period { kind, start: hour, hours: 1 },
            PeriodKind::Day => Period { kind, start: Hour(hour.0 - hour.0 % 24), hours: 24 },
            PeriodKind::Week => {
                // 1970 began on a Thursday, three days after a Monday.
                let since_monday = (hour.0 + 72) % 168;
                Period { kind, start: Hour(hour.0.saturating_sub(since_monday)), hours: 168 }
            }
            PeriodKind::Month => {
                let day = date_of(hour);
                let hours = 24 * day.days_in_month() as u32;
                Period { kind, start: hour_of(day.first_of_month()), hours }
            }
        }
    }

    /// The period of the same kind that follows.
    pub fn next(self) -> Period {
        Period::holding(self.kind, self.end())
    }

    /// The period of the same kind that follows `count` later.
    pub fn after(self, count: u32) -> Period {
        match self.kind {
            PeriodKind::Month => (0..count).fold(self, |period, _| period.next()),
            _ => Period { start: self.start.plus(count * self.hours), ..self },
        }
    }

    /// The first hour after the period.
    pub fn end(self) -> Hour {
        self.start.plus(self.hours)
    }

    pub fn contains(self, hour: Hour) -> bool {
        self.start <= hour && hour < self.end()
    }

    /// What a position becomes at the gate: days for weeks and months, hours for days, nothing for hours.
    pub fn parts(self) -> impl Iterator<Item = Period> {
        let kind = match self.kind {
            PeriodKind::Hour => None,
            PeriodKind::Day => Some((PeriodKind::Hour, 1)),
            PeriodKind::Week | PeriodKind::Month => Some((PeriodKind::Day, 24)),
        };
        kind.into_iter().flat_map(move |(kind, hours)| {
            (0..self.hours / hours).map(move |n| Period { kind, start: self.start.plus(n * hours), hours })
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = date_of(self.start);
        let (year, month, of_month) = (day.year(), day.month(), day.day());
        match self.kind {
            PeriodKind::Hour => write!(f, "H{year:04}{month:02}{of_month:02}T{:02}", self.start.0 % 24),
            PeriodKind::Day => write!(f, "D{year:04}{month:02}{of_month:02}"),
            PeriodKind::Week => {
                let week = day.iso_week_date();
                write!(f, "W{:04}W{:02}", week.year(), week.week())
            }
            PeriodKind::Month => write!(f, "M{year:04}{month:02}"),
        }
    }
}

impl FromStr for Period {
    type Err = BadSymbol;

    fn from_str(text: &str) -> Result<Period, BadSymbol> {
        let bad = |why| BadSymbol(text.chars().take(40).collect(), why);
        let digits = |part: &str, count: usize| {
            (part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<i16>().ok())
                .flatten()
        };
        let day_of = |part: &str| -> Option<Date> {
            if part.len() != 8 || !part.is_ascii() {
                return None;
            }
            Date::new(digits(&part[..4], 4)?, digits(&part[4..6], 2)? as i8, digits(&part[6..], 2)? as i8)
                .ok()
        };
        if !text.is_ascii() || text.is_empty() {
            return Err(bad("the period is missing or not ASCII"));
        }
        let (kind, rest) = text.split_at(1);
        let (kind, day, hour) = match kind {
            "H" => {
                let (day, hour) = rest.split_once('T').ok_or_else(|| bad("an hour reads H20261124T08"))?;
                let hour = digits(hour, 2).filter(|hour| *hour < 24);
                (PeriodKind::Hour, day_of(day), hour.ok_or_else(|| bad("the hour is 00 to 23"))?)
            }
            "D" => (PeriodKind::Day, day_of(rest), 0),
            "W" => {
                let monday = rest.split_once('W').and_then(|(year, week)| {
                    ISOWeekDate::new(digits(year, 4)?, digits(week, 2)? as i8, Weekday::Monday).ok()
                });
                (PeriodKind::Week, monday.map(|monday| monday.date()), 0)
            }
            "M" => (PeriodKind::Month, day_of(&format!("{rest}01")), 0),
            _ => return Err(bad("a period begins with H, D, W or M")),
        };
        let day = day.ok_or_else(|| bad("there is no such date"))?;
        if day < date(1970, 1, 5) {
            return Err(bad("dates begin in 1970"));
        }
        Ok(Period::holding(kind, hour_of(day).plus(hour as u32)))
    }
}

/// Availability a seller promises, the firmest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    A,
    B,
    C,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// CLASS.REGION.TIER, checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProductSymbol {
    pub class: String,
    pub region: String,
    pub tier: Tier,
}

impl fmt::Display for ProductSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.region, self.tier)
    }
}

impl ProductSymbol {
    /// Whether `class` may name a class: two to ten capitals and digits.
    pub fn is_class(class: &str) -> bool {
        (2..=10).contains(&class.len())
            && class.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }

    /// Whether `region` may name a region: an ISO country and one to four capitals and digits.
    pub fn is_region(region: &str) -> bool {
        (3..=6).contains(&region.len())
            && region.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
            && region.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }
}

impl FromStr for ProductSymbol {
    type Err = BadSymbol;

    fn from_str(text: &str) -> Result<ProductSymbol, BadSymbol> {
        let bad = |why| BadSymbol(text.chars().take(40).collect(), why);
        let mut parts = text.split('.');
        let (Some(class), Some(region), Some(tier), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad("a product reads CLASS.REGION.TIER, such as GP.CNNX.A"));
        };
        if !ProductSymbol::is_class(class) {
            return Err(bad("a class is two to ten capitals and digits"));
        }
        if !ProductSymbol::is_region(region) {
            return Err(bad("a region is an ISO country and one to four capitals or digits"));
        }
        let tier = match tier {
            "A" => Tier::A,
            "B" => Tier::B,
            "C" => Tier::C,
            _ => return Err(bad("a tier is A, B or C")),
        };
        Ok(ProductSymbol { class: class.into(), region: region.into(), tier })
    }
}

/// The symbol of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Symbol {
    pub product: ProductSymbol,
    pub period: Period,
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.product, self.period)
    }
}

impl FromStr for Symbol {
    type Err = BadSymbol;

    fn from_str(text: &str) -> Result<Symbol, BadSymbol> {
        if text.len() > 32 || !text.is_ascii() {
            return Err(BadSymbol(text.chars().take(40).collect(), "at most 32 ASCII characters"));
        }
        // Whatever part is at fault, the whole is named.
        let bad = |why| BadSymbol(text.into(), why);
        let whole = |BadSymbol(_, why)| bad(why);
        let (product, period) =
            text.rsplit_once('.').filter(|_| text.matches('.').count() == 3).ok_or_else(|| {
                bad("an instrument reads CLASS.REGION.TIER.PERIOD, such as GP.CNNX.A.H20261124T08")
            })?;
        Ok(Symbol { product: product.parse().map_err(whole)?, period: period.parse().map_err(whole)? })
    }
}

impl Time {
    /// The next 00:00 UTC after this moment.
    pub fn next_midnight(self) -> Time {
        Time((self.day() + 1) * Time::DAY)
    }
}
