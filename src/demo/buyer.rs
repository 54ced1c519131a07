//! A buyer of the demo: what it needs has the shape of its day, has to be bought before its hour, and may cost so much
//! and no more.

use std::collections::BTreeMap;

use hourbook_api::v1::{self, ReportKind, trade_entry::Request};
use hourbook_model::{Hour, Product, Time};

use super::dice::Dice;
use super::stage::Listed;
use super::trader::Trader;

/// How much of its day's most a business needs, by its own hour: percent.
const DAY: [i64; 24] =
    [20, 15, 12, 10, 10, 15, 25, 40, 65, 85, 95, 100, 90, 95, 100, 98, 92, 85, 75, 70, 65, 55, 40, 30];
/// Hours ahead of UTC, by the region's country and first letters.
const ZONES: [(&str, i64); 9] = [
    ("CN", 8),
    ("USVA", -5),
    ("USOR", -8),
    ("DE", 1),
    ("IE", 0),
    ("JP", 9),
    ("SG", 8),
    ("GB", 0),
    ("US", -6),
];
/// How far ahead needs are known, hours.
const AHEAD: i64 = 36;
/// Before an hour begins by so much, its need is given up: nanoseconds. Its gate is then near or past.
const TOO_LATE: i64 = 10 * Time::MINUTE;

/// What kind of customer it is.
pub struct Habit {
    pub name: &'static str,
    /// Classes it uses, and the most units of one at once.
    pub classes: &'static [(&'static str, i64)],
    /// Countries it may run in; empty is anywhere.
    pub countries: &'static [&'static str],
    /// New needs in a thousand turns.
    pub needs: i64,
    /// What it pays at most, thousandths of what the product is said to be worth: the least and the most of its limits.
    pub limit: (i64, i64),
    /// Of a thousand needs, those that cannot wait.
    pub urgent: i64,
}

pub struct Buyer {
    trader: Trader,
    dice: Dice,
    habit: &'static Habit,
    /// Places of the products it uses, each with the most units.
    uses: Vec<(usize, i64)>,
    /// By the number of its order.
    needs: BTreeMap<u64, Need>,
    /// Lots it has bought, by instrument: what it may sell again.
    owns: BTreeMap<u32, i64>,
    /// Lots needed so far, and lots bought of them.
    pub wanted: i64,
    pub bought: i64,
}

/// Lots of one instrument that are still to be bought.
struct Need {
    instrument: u32,
    begins: Hour,
    arose: Time,
    /// What it may cost at most, and what is bid for it now.
    limit: i64,
    bid: i64,
    tick: i64,
}

impl Buyer {
    pub fn new(habit: &'static Habit, trader: Trader, products: &[Product], seed: u64) -> Buyer {
        let mut uses = Vec::new();
        for (at, product) in products.iter().enumerate() {
            let symbol = &product.symbol;
            let country = habit.countries.is_empty()
                || habit.countries.iter().any(|country| symbol.region.starts_with(country));
            let class = habit.classes.iter().find(|(class, _)| *class == symbol.class);
            if let (true, Some((_, most))) = (country, class) {
                uses.push((at, *most));
            }
        }
        if uses.is_empty() {
            // A small market has not everything for everyone.
            uses = (0..products.len()).map(|at| (at, 4)).collect();
        }
        let dice = Dice::of(seed, habit.name);
        let (needs, owns) = (BTreeMap::new(), BTreeMap::new());
        Buyer { trader, dice, habit, uses, needs, owns, wanted: 0, bought: 0 }
    }

    pub fn trader(&mut self) -> &mut Trader {
        &mut self.trader
    }

    pub fn into_trader(self) -> Trader {
        self.trader
    }

    /// Hears what it has bought, bids more for what becomes urgent, and asks for what it newly needs.
    pub async fn play(
        &mut self,
        now: Time,
        listed: &BTreeMap<u32, Listed>,
        products: &[Product],
    ) -> anyhow::Result<()> {
        let reports = self.trader.hear().await?;
        reports.iter().for_each(|report| self.heard(report));
        self.owns.retain(|id, _| listed.contains_key(id));
        let mut requests = Vec::new();
        self.press(now, &mut requests);
        for _ in 0..self.habit.needs.div_euclid(1_000) {
            self.need(now, listed, products, &mut requests);
        }
        if self.dice.happens(self.habit.needs % 1_000) {
            self.need(now, listed, products, &mut requests);
        }
        self.sell_again(listed, products, &mut requests);
        if requests.is_empty() {
            return self.trader.stay().await;
        }
        let answers = self.trader.ask(requests).await?;
        answers.iter().for_each(|report| self.heard(report));
        Ok(())
    }

    fn heard(&mut self, report: &v1::ExecutionReport) {
        let sells = report.side == v1::Side::Sell as i32;
        match ReportKind::try_from(report.kind).unwrap_or_default() {
            ReportKind::Filled => {
                let lots = report.fill.as_ref().map_or(0, |fill| fill.quantity);
                *self.owns.entry(report.instrument_id).or_default() += if sells { -lots } else { lots };
                self.bought += if sells { 0 } else { lots };
                if report.leaves_quantity == 0 {
                    self.forget(report);
                }
            }
            ReportKind::Cancelled | ReportKind::Rejected => self.forget(report),
            _ => {}
        }
    }

    fn forget(&mut self, report: &v1::ExecutionReport) {
        if let Ok(number) = report.client_order_id.parse() {
            self.needs.remove(&number);
        }
    }

    /// Bids more for what has less time left; at the end all that it may cost.
    fn press(&mut self, now: Time, requests: &mut Vec<Request>) {
        for (number, need) in &mut self.needs {
            let bid = need.price(now);
            if bid <= need.bid {
                continue;
            }
            need.bid = bid;
            let name = v1::order_name::Name::ClientOrderId(number.to_string());
            requests.push(Request::Amend(v1::Amendment {
                order: Some(v1::OrderName { name: Some(name) }),
                price_micros: bid,
                ..Default::default()
            }));
        }
    }

    /// Something is needed: units of one product in a few hours that follow one another, or for a day or a week.
    fn need(
        &mut self,
        now: Time,
        listed: &BTreeMap<u32, Listed>,
        products: &[Product],
        requests: &mut Vec<Request>,
    ) {
        let dice = &mut self.dice;
        let (at, most) = *dice.pick(&self.uses);
        let product = &products[at];
        let Some(reference) = product.reference else { return };
        let lots = dice.number(1, most);
        let limit = reference.0 * dice.number(self.habit.limit.0, self.habit.limit.1) / 1_000;
        let limit = limit - limit % product.tick.0;
        let urgent = dice.happens(self.habit.urgent);
        let hours = match dice.number(0, 99) {
            0..2 => 168,
            2..8 => 24,
            _ => 1,
        };
        let first = now.hour().plus(dice.number(1, AHEAD) as u32);
        let last = first.plus(dice.number(1, 4) as u32);
        // At night less is needed, and so more seldom.
        let busy = DAY[(i64::from(first.0) + zone(&product.symbol.region)).rem_euclid(24) as usize];
        if hours == 1 && dice.number(0, 99) >= busy {
            return;
        }
        let wanted = listed.iter().filter(|(_, one)| {
            let is_of = one.product == at && one.wire.hours == hours;
            is_of && if hours == 1 { one.start >= first && one.start < last } else { one.start >= first }
        });
        let take = if hours == 1 { usize::MAX } else { 1 };
        for (id, one) in wanted.take(take) {
            if one.start.start().plus_nanos(-TOO_LATE) <= now || limit <= 0 {
                continue;
            }
            let arose = if urgent { Time(0) } else { now };
            let mut need =
                Need { instrument: *id, begins: one.start, arose, limit, bid: 0, tick: product.tick.0 };
            need.bid = need.price(now);
            let number = self.trader.next_number() + requests.len() as u64;
            requests.push(order(&need, v1::Side::Buy, need.bid, lots, v1::TimeInForce::Gtc));
            self.wanted += lots;
            self.needs.insert(number, need);
        }
    }

    /// Plans change: now and then something that was bought is sold to whoever bids for it.
    fn sell_again(
        &mut self,
        listed: &BTreeMap<u32, Listed>,
        products: &[Product],
        requests: &mut Vec<Request>,
    ) {
        if self.owns.is_empty() || !self.dice.happens(60) {
            return;
        }
        let owned: Vec<(u32, i64)> = self.owns.iter().map(|(id, lots)| (*id, *lots)).collect();
        let (id, lots) = *self.dice.pick(&owned);
        let Some(one) = listed.get(&id).filter(|_| lots > 0) else { return };
        let product = &products[one.product];
        let Some(reference) = product.reference else { return };
        let least = reference.0 * 85 / 100;
        let (tick, begins) = (product.tick.0, one.start);
        let sold = Need { instrument: id, begins, arose: Time(0), limit: 0, bid: 0, tick };
        let lots = self.dice.number(1, lots);
        requests.push(order(&sold, v1::Side::Sell, least - least % tick, lots, v1::TimeInForce::Ioc));
    }
}

impl Need {
    /// What is bid for it now: nine tenths of the limit at first, all of it when half of the time is over.
    fn price(&self, now: Time) -> i64 {
        let end = self.begins.start().plus_nanos(-TOO_LATE);
        let (gone, whole) = (now.0 - self.arose.0, (end.0 - self.arose.0).max(1));
        // In five steps, so that an order is not moved for every turn.
        let step = (10 * i128::from(gone) / i128::from(whole)).clamp(0, 5) as i64;
        let price = self.limit * (450 + 10 * step) / 500;
        price - price % self.tick
    }
}

fn order(need: &Need, side: v1::Side, price: i64, lots: i64, time_in_force: v1::TimeInForce) -> Request {
    Request::Place(v1::NewOrder {
        instrument_id: need.instrument,
        side: side as i32,
        order_type: v1::OrderType::Limit as i32,
        time_in_force: time_in_force as i32,
        price_micros: price,
        quantity: lots,
        ..Default::default()
    })
}

/// How far a region's clocks are ahead of UTC, hours.
fn zone(region: &str) -> i64 {
    ZONES.iter().find(|(name, _)| region.starts_with(name)).map_or(0, |(_, ahead)| *ahead)
}
