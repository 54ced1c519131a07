//! Others in a market whose prices follow a series: who wants to buy and sell, and at what price, by seed.
//!
//! List prices are known when they are published: what the strategy knows of a product's price is what the last row says.
//! What hours are worth to others moves on towards the next row meanwhile. So a strategy that stands still is traded against.

use std::path::Path;

use anyhow::{Context, bail};
use hourbook_model::Time;
use jiff::civil::Date;

use crate::demo::dice::Dice;

/// Prices at times, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// In micros of whatever they are in: only their ratios count.
    points: Vec<(Time, i64)>,
}

impl Series {
    /// The rows of a CSV file with a column `date` (as 2026-11-24) and a price in `column`, those of which `filters` hold.
    ///
    /// # Errors
    /// Names line and column of what is no date or price; several rows of one date; fewer than two dates.
    pub fn read(path: &Path, column: &str, filters: &[(String, String)]) -> anyhow::Result<Series> {
        let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
        let header = reader.headers()?.clone();
        let place = |name: &str| {
            let known = header.iter().collect::<Vec<_>>().join(", ");
            let found = header.iter().position(|one| one == name);
            found.with_context(|| format!("{}: there is no column {name}; it has {known}", path.display()))
        };
        let (date, price) = (place("date")?, place(column)?);
        let filters: Vec<(usize, &str)> = filters
            .iter()
            .map(|(name, value)| Ok((place(name)?, value.as_str())))
            .collect::<anyhow::Result<_>>()?;
        let mut points = Vec::new();
        for row in reader.records() {
            let row = row.with_context(|| path.display().to_string())?;
            let line = row.position().map_or(0, |position| position.line());
            if filters.iter().any(|(at, value)| row.get(*at) != Some(value)) {
                continue;
            }
            let (date, price) = (row.get(date).unwrap_or(""), row.get(price).unwrap_or(""));
            // A week without a price is a week that nobody looked.
            if price.is_empty() {
                continue;
            }
            let bad =
                |what: &str, text: &str| format!("{}: line {line}: `{text}` is no {what}", path.display());
            let day: Date = date.parse().map_err(|_| anyhow::anyhow!(bad("date", date)))?;
            let micros = price_micros(price).filter(|price| *price > 0);
            let micros = micros.with_context(|| bad("price above zero", price))?;
            let days = i64::from((day - jiff::civil::date(1970, 1, 1)).get_days());
            points.push((Time(days * Time::DAY), micros));
        }
        points.sort_by_key(|(time, _)| *time);
        if let Some(pair) = points.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let date = crate::journal::time(pair[0].0.0);
            bail!("{}: several rows of {date}; --where COLUMN=VALUE picks one", path.display());
        }
        if points.len() < 2 {
            bail!("{}: fewer than two rows have a price and what --where asks for", path.display());
        }
        Ok(Series { points })
    }

    pub fn first(&self) -> Time {
        self.points[0].0
    }

    pub fn last(&self) -> Time {
        self.points[self.points.len() - 1].0
    }

    /// What was last published at `time`, millionths of what was at `from`.
    pub fn published_ppm(&self, from: Time, time: Time) -> i64 {
        part(self.before(time).1, self.before(from).1)
    }

    /// What hours are worth at `time`, millionths of what was published at `from`.
    pub fn value_ppm(&self, from: Time, time: Time) -> i64 {
        let (since, price) = self.before(time);
        let next = self.points.iter().find(|(at, _)| *at > time).copied().unwrap_or((since, price));
        let (passed, apart) = (i128::from(time.0 - since.0), i128::from((next.0.0 - since.0).max(1)));
        let moved = i128::from(next.1 - price) * passed.clamp(0, apart) / apart;
        part(price + moved as i64, self.before(from).1)
    }

    fn before(&self, time: Time) -> (Time, i64) {
        let later = self.points.partition_point(|(at, _)| *at <= time);
        self.points[later.saturating_sub(1)]
    }
}

/// Prices have more places than micros; what is beyond is rounded off.
fn price_micros(text: &str) -> Option<i64> {
    let price = rust_decimal::Decimal::from_str_exact(text).ok()?;
    i64::try_from((price * rust_decimal::Decimal::from(1_000_000)).round_dp(0)).ok()
}

fn part(price: i64, of: i64) -> i64 {
    (i128::from(price) * 1_000_000 / i128::from(of.max(1))) as i64
}

/// How busy others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// Orders an hour, over all instruments.
    pub orders_per_hour: u32,
    /// How far apart they are about what an hour is worth: standard deviation, millionths.
    pub noise_ppm: u32,
    /// Lots of an order, on average.
    pub lots: i64,
}

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub at: Time,
    pub buys: bool,
    /// What a unit-hour is worth to them, millionths of what it is worth.
    pub worth_ppm: i64,
    pub lots: i64,
    /// They wait for an hour, and others only look.
    pub waits: bool,
    /// Which of the instruments that trade, by a number that is taken modulo how many there are.
    pub which: u64,
}

impl Crowd {
    /// What others want in the hour that begins at `from`, in order.
    pub fn wishes(&self, dice: &mut Dice, from: Time) -> Vec<Wish> {
        let mut wishes: Vec<Wish> = (0..self.orders_per_hour)
            .map(|_| Wish {
                at: from.plus_nanos(dice.number(0, Time::HOUR - 1)),
                buys: dice.happens(500),
                worth_ppm: 1_000_000 + self.noise(dice),
                lots: dice.number(1, (2 * self.lots - 1).max(1)),
                waits: dice.happens(200),
                which: dice.number(0, 1 << 40) as u64,
            })
            .collect();
        wishes.sort_by_key(|wish| wish.at);
        wishes
    }

    /// About normal: the sum of twelve throws.
    fn noise(&self, dice: &mut Dice) -> i64 {
        let sum: i64 = (0..12).map(|_| dice.number(-500_000, 500_000)).sum();
        (sum * i64::from(self.noise_ppm) / 1_000_000).clamp(-900_000, 9_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, filters: &[(&str, &str)]) -> Result<Series, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let filters: Vec<_> =
            filters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let path = format!("{}: ", file.path().display());
        Series::read(file.path(), "price", &filters).map_err(|error| format!("{error:#}").replace(&path, ""))
    }

    #[test]
    fn a_series_is_published_in_steps_and_worth_what_lies_between() {
        let text = "date,type,price\n2026-01-15,a,2.0\n2026-01-01,a,1.0\n2026-01-08,a,\n2026-01-01,b,9\n";
        let series = written(text, &[("type", "a")]).unwrap();
        let (from, half) = (series.first(), series.first().plus_nanos(7 * Time::DAY));
        assert_eq!((series.last().0 - from.0) / Time::DAY, 14);
        assert_eq!((series.published_ppm(from, half), series.value_ppm(from, half)), (1_000_000, 1_500_000));
        let last = series.last();
        assert_eq!((series.published_ppm(from, last), series.value_ppm(from, last)), (2_000_000, 2_000_000));
        assert_eq!(series.value_ppm(from, last.plus_nanos(Time::DAY)), 2_000_000, "it stands from then on");
    }

    #[test]
    fn mistakes_in_a_series_are_named() {
        for (text, said) in [
            ("day,price\n", "there is no column date; it has day, price"),
            ("date,price\n2026-01-01,1\n", "fewer than two rows have a price and what --where asks for"),
            ("date,price\n2026-01-01,1\n2026-01-01,2\n", "several rows of 2026-01-01T00:00:00Z; --where"),
            ("date,price\n2026-01-01,1\n2026-01-02,-2\n", "line 3: `-2` is no price above zero"),
            ("date,price\n01.02.2026,1\n", "line 2: `01.02.2026` is no date"),
        ] {
            let error = written(text, &[]).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_wishes() {
        let crowd = Crowd { orders_per_hour: 50, noise_ppm: 20_000, lots: 3 };
        let of = |seed| crowd.wishes(&mut Dice::of(seed, "crowd"), Time(0));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(
            of(1).is_sorted_by_key(|wish| wish.at) && of(1).iter().all(|wish| (1..=5).contains(&wish.lots))
        );
    }
}
