//! What the account holds: positions with what they cost, and the hours behind them.
//!
//! Always true: cash that came and went is what was realised less what open positions cost, to the micro; hours are
//! declared, bought or sold, and nothing else.

use crate::view::{Instrument, Time};
use hourbook_api::v1::{self, Side};
use std::collections::BTreeMap;

/// Net units of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Lots bought less lots sold.
    pub units: i64,
    /// Paid for the open units, micros; below zero, received for them.
    pub cost_micros: i128,
}

/// Hours of one product: lots declared, and bought less sold, from a first hour on.
#[derive(Clone, Debug, Default)]
struct Hours {
    first: u32,
    lots: Vec<(i64, i64)>,
}

/// Positions and hours of an account, and what came of trading.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    positions: BTreeMap<u32, Position>,
    hours: BTreeMap<String, Hours>,
    realised_micros: i128,
    fees_micros: i128,
    /// Lot-hours that nobody bought before their delivery.
    perished: i128,
}

/// Hours beyond this are no hours of a market.
const MOST_HOURS: usize = 40_000;

impl Hours {
    fn at(&mut self, hour: u32) -> Option<&mut (i64, i64)> {
        if self.lots.is_empty() {
            self.first = hour;
        }
        if hour < self.first {
            let missing = (self.first - hour) as usize;
            if missing + self.lots.len() > MOST_HOURS {
                return None;
            }
            self.lots.splice(0..0, std::iter::repeat_n((0, 0), missing));
            self.first = hour;
        }
        let index = (hour - self.first) as usize;
        if index >= self.lots.len() {
            if index >= MOST_HOURS {
                return None;
            }
            self.lots.resize(index + 1, (0, 0));
        }
        self.lots.get_mut(index)
    }

    fn free(&self, first: u32, hours: u32) -> i64 {
        let of = |hour: u32| {
            let index = hour.checked_sub(self.first).map(|index| index as usize);
            index.and_then(|index| self.lots.get(index)).map_or(0, |(declared, net)| declared + net)
        };
        (first..first.saturating_add(hours)).map(of).min().unwrap_or(0).max(0)
    }
}

impl Holdings {
    /// A position from before the maker began.
    pub fn begin_with(&mut self, instrument: u32, units: i64, cost_micros: i64) {
        if units != 0 {
            self.positions.insert(instrument, Position { units, cost_micros: cost_micros.into() });
        }
    }

    /// What is declared of a product, as it is told; `available` counts for what was bought and sold before, where nothing
    /// is on offer.
    pub fn declared(&mut self, product: &str, ranges: &[v1::CapacityRange], with_available: bool) {
        let hours = self.hours.entry(product.to_owned()).or_default();
        hours.lots.iter_mut().for_each(|(declared, _)| *declared = 0);
        for range in ranges {
            let first = Time::of(range.start_time.as_ref()).hour();
            for hour in first..first.saturating_add(range.hours) {
                let Some((declared, net)) = hours.at(hour) else { break };
                *declared = range.declared_quantity;
                if with_available {
                    *net = range.available_quantity - range.declared_quantity;
                }
            }
        }
    }

    /// Lots that may be sold in every hour of an instrument, if nothing else of them is on offer.
    pub fn free(&self, instrument: &Instrument) -> i64 {
        let hours = self.hours.get(&instrument.product);
        hours.map_or(0, |hours| hours.free(instrument.delivery.hour(), instrument.hours))
    }

    pub fn position(&self, instrument: u32) -> Position {
        self.positions.get(&instrument).copied().unwrap_or_default()
    }

    pub fn positions(&self) -> impl Iterator<Item = (u32, Position)> {
        self.positions.iter().map(|(id, position)| (*id, *position))
    }

    /// Takes a fill in. What closes is realised at the mean cost of what was open.
    pub fn fill(
        &mut self,
        instrument: &Instrument,
        side: Side,
        price_micros: i64,
        lots: i64,
        fee_micros: i64,
    ) {
        let sign: i64 = if side == Side::Buy { 1 } else { -1 };
        let a_lot = i128::from(price_micros) * i128::from(instrument.hours);
        let position = self.positions.entry(instrument.id).or_default();
        let closes = if position.units.signum() == -sign { lots.min(position.units.abs()) } else { 0 };
        if closes > 0 {
            let cost = position.cost_micros * i128::from(closes) / i128::from(position.units.abs());
            position.cost_micros -= cost;
            position.units += sign * closes;
            self.realised_micros += -i128::from(sign) * a_lot * i128::from(closes) - cost;
        }
        let opens = lots - closes;
        position.units += sign * opens;
        position.cost_micros += i128::from(sign) * a_lot * i128::from(opens);
        if position.units == 0 {
            // A last micro that division left with nothing.
            self.realised_micros -= position.cost_micros;
            self.positions.remove(&instrument.id);
        }
        self.realised_micros -= i128::from(fee_micros);
        self.fees_micros += i128::from(fee_micros);
        let hours = self.hours.entry(instrument.product.clone()).or_default();
        let first = instrument.delivery.hour();
        for hour in first..first.saturating_add(instrument.hours) {
            let Some((_, net)) = hours.at(hour) else { break };
            *net += sign * lots;
        }
    }

    /// The gate of a longer period has closed: the position becomes the same position in its parts, each with its share of
    /// the cost.
    pub fn cascade(&mut self, instrument: &Instrument, parts: &[&Instrument]) {
        let Some(position) = self.positions.remove(&instrument.id) else { return };
        let hours: u32 = parts.iter().map(|part| part.hours).sum();
        let mut left = position.cost_micros;
        for (index, part) in parts.iter().enumerate() {
            let share = match index + 1 == parts.len() {
                true => left,
                false => position.cost_micros * i128::from(part.hours) / i128::from(hours.max(1)),
            };
            left -= share;
            let into = self.positions.entry(part.id).or_default();
            into.units += position.units;
            into.cost_micros += share;
            if into.units == 0 {
                self.realised_micros -= into.cost_micros;
                self.positions.remove(&part.id);
            }
        }
        if parts.is_empty() {
            self.positions.insert(instrument.id, position);
        }
    }

    /// The gate of an hour has closed. What was sold is delivered, out of hours that the fair price was their worth; what
    /// was bought and not sold is worth nothing any more.
    pub fn deliver(&mut self, instrument: &Instrument, fair_micros: i64) {
        let Some(position) = self.positions.remove(&instrument.id) else { return };
        let lot_hours = i128::from(position.units) * i128::from(instrument.hours);
        let worth = if lot_hours < 0 { lot_hours * i128::from(fair_micros) } else { 0 };
        self.perished += lot_hours.max(0);
        self.realised_micros += worth - position.cost_micros;
    }

    /// Realised so far, fees taken off.
    pub fn realised_micros(&self) -> i128 {
        self.realised_micros
    }

    pub fn fees_micros(&self) -> i128 {
        self.fees_micros
    }

    pub fn perished(&self) -> i128 {
        self.perished
    }
}
