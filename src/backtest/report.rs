//! What came of a backtest: figures, a line of blocks for the terminal, a picture for everybody else.

use std::fmt::Write as _;
use std::io::{self, Write};

use hourbook_maker::{Figures, amount};
use hourbook_model::Time;
use serde_json::{Value, json};

use crate::journal::time;

/// How things stood at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub at: Time,
    pub profit_micros: i128,
    pub net_lot_hours: i128,
}

/// A run and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub strategy: String,
    /// What it traded against, in words.
    pub against: String,
    pub seed: Option<u64>,
    pub from: Time,
    pub to: Time,
    /// Everybody's.
    pub trades: u64,
    /// What fills were better than the fair price of their moment, and what they came to.
    pub captured_micros: i128,
    pub turnover_micros: i128,
    pub accepted: u64,
    pub figures: Figures,
    pub samples: Vec<Sample>,
    /// Of the exchange at the end, where the same run gives the same.
    pub state_hash: Option<String>,
    /// The signal that ended the run early, if one did.
    pub stopped_by: Option<&'static str>,
}

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How wide the line of blocks is.
const WIDTH: usize = 64;

impl Report {
    /// How far the profit fell at most below what it had come to before.
    pub fn drawdown_micros(&self) -> i128 {
        let (mut most, mut down) = (0, 0);
        for sample in &self.samples {
            most = sample.profit_micros.max(most);
            down = (most - sample.profit_micros).max(down);
        }
        down
    }

    /// What fills were better than the fair price, millionths of what they came to.
    pub fn captured_ppm(&self) -> i64 {
        let part = self.captured_micros.saturating_mul(1_000_000).checked_div(self.turnover_micros);
        i64::try_from(part.unwrap_or(0)).unwrap_or(i64::MAX)
    }

    pub fn json(&self) -> Value {
        let mut told = json!({
            "strategy": self.strategy,
            "against": self.against,
            "seed": self.seed,
            "from": time(self.from.0),
            "to": time(self.to.0),
            "drawdown": amount(self.drawdown_micros()),
            "spread_captured": amount(self.captured_micros),
            "spread_captured_ppm": self.captured_ppm(),
            "turnover": amount(self.turnover_micros),
            "trades": self.trades,
            "orders_accepted": self.accepted,
            "state_hash": self.state_hash,
            "stopped_by": self.stopped_by,
        });
        let figures = crate::maker::told(&self.figures);
        if let (Value::Object(told), Value::Object(figures)) = (&mut told, figures) {
            // Ages mean nothing where time is made.
            let shown = figures.into_iter().filter(|(name, _)| !name.ends_with("_age_ms"));
            told.extend(shown);
            if self.is_from_outside() {
                told.insert("quotes".into(), Value::Null);
            }
        }
        told
    }

    /// Whether the strategy came from outside: what it sent is not seen, only what became of it.
    fn is_from_outside(&self) -> bool {
        self.state_hash.is_none()
    }

    /// For people.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Report { figures, .. } = self;
        let percent = |ppm: i64| format!("{:.2} %", ppm as f64 / 10_000.0);
        let currency = &figures.currency;
        writeln!(
            out,
            "{} against {}, {} to {}\n",
            self.strategy,
            self.against,
            day(self.from),
            day(self.to)
        )?;
        writeln!(out, "  {}", self.blocks())?;
        let mut line = |name: &str, value: String| writeln!(out, "  {name:<17}{value}");
        line("profit", format!("{} {currency}", amount(figures.profit_micros())))?;
        line(
            "  realised",
            format!("{}, fees of {} taken off", amount(figures.realised_micros), amount(figures.fees_micros)),
        )?;
        line("  marked", amount(figures.marked_micros))?;
        line("drawdown", amount(self.drawdown_micros()))?;
        line("time two-sided", percent(figures.two_sided_ppm as i64))?;
        line("spread quoted", percent(figures.spread_ppm as i64))?;
        line(
            "spread captured",
            format!(
                "{}, {} of {}",
                amount(self.captured_micros),
                percent(self.captured_ppm()),
                amount(self.turnover_micros)
            ),
        )?;
        line("fills", format!("{} in {} trades of everybody", figures.fills, self.trades))?;
        line(
            "lot-hours",
            format!(
                "{} bought, {} sold, {} perished",
                figures.bought, figures.sold, figures.perished_lot_hours
            ),
        )?;
        match self.is_from_outside() {
            true => {
                line("orders", format!("{} accepted, {} refused", self.accepted, figures.refused_count()))?
            }
            false => {
                line(
                    "quotes",
                    format!("{} sent, {} sides refused", figures.quotes, figures.refused_count()),
                )?;
            }
        }
        if !figures.state.why().is_empty() {
            line("ended", format!("{}: {}", figures.state.name(), figures.state.why()))?;
        }
        if let Some(signal) = self.stopped_by {
            line("stopped", format!("by {signal}: this is of what came before"))?;
        }
        if let Some(hash) = &self.state_hash {
            line("state hash", hash.clone())?;
        }
        Ok(())
    }

    /// The profit in a line of blocks.
    pub fn blocks(&self) -> String {
        let Some((least, most)) = self.range() else { return String::new() };
        let pick = |at: usize| self.samples[at * (self.samples.len() - 1) / (WIDTH - 1)].profit_micros;
        let block = |profit: i128| BLOCKS[((profit - least) * 7 / (most - least).max(1)) as usize];
        (0..WIDTH).map(|at| block(pick(at))).collect()
    }

    fn range(&self) -> Option<(i128, i128)> {
        let profits = self.samples.iter().map(|sample| sample.profit_micros);
        Some((profits.clone().min()?, profits.max()?))
    }

    /// Profit and inventory over time, as SVG.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 480\" font-family=\"sans-serif\" font-size=\"13\">\
             <rect width=\"900\" height=\"480\" fill=\"white\"/>\
             <text x=\"20\" y=\"24\" font-size=\"16\">{} against {}</text>\
             <text x=\"20\" y=\"470\">{}</text><text x=\"880\" y=\"470\" text-anchor=\"end\">{}</text>",
            escaped(&self.strategy),
            escaped(&self.against),
            day(self.from),
            day(self.to)
        );
        let currency = &self.figures.currency;
        let profit: Vec<i128> = self.samples.iter().map(|sample| sample.profit_micros).collect();
        let held: Vec<i128> = self.samples.iter().map(|sample| sample.net_lot_hours).collect();
        let in_money = |micros: i128| format!("{} {currency}", amount(micros));
        self.curve(&mut svg, "profit", &profit, (40, 260), "#1f5fa8", in_money);
        self.curve(&mut svg, "lot-hours held", &held, (300, 440), "#a8541f", |lots| lots.to_string());
        svg.push_str("</svg>\n");
        svg
    }

    fn curve(
        &self,
        svg: &mut String,
        name: &str,
        values: &[i128],
        (top, bottom): (i128, i128),
        colour: &str,
        shown: impl Fn(i128) -> String,
    ) {
        let (Some(least), Some(most)) = (values.iter().min(), values.iter().max()) else { return };
        // The line of nothing is always in the picture.
        let (least, most) = ((*least).min(0), (*most).max(0));
        let range = (most - least).max(1);
        let y = |value: i128| bottom - (value - least) * (bottom - top) / range;
        let span = i128::from((self.to.0 - self.from.0).max(1));
        let x = |at: Time| 20 + i128::from(at.0 - self.from.0) * 860 / span;
        let mut points = String::new();
        for (sample, value) in self.samples.iter().zip(values) {
            let _ = write!(points, "{},{} ", x(sample.at), y(*value));
        }
        let _ = write!(
            svg,
            "<line x1=\"20\" x2=\"880\" y1=\"{zero}\" y2=\"{zero}\" stroke=\"#bbb\"/>\
             <polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{points}\"/>\
             <text x=\"24\" y=\"{}\" fill=\"{colour}\">{name}: {} at most, {} at least</text>",
            top + 10,
            escaped(&shown(most)),
            escaped(&shown(least)),
            zero = y(0),
        );
    }
}

fn day(at: Time) -> String {
    time(at.0).chars().take(16).collect::<String>().replace('T', " ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(profits: &[i128]) -> Report {
        let sample = |(at, profit): (usize, &i128)| Sample {
            at: Time(at as i64 * Time::HOUR),
            profit_micros: *profit,
            net_lot_hours: at as i128 - 2,
        };
        Report {
            strategy: "a & b".into(),
            against: "nobody".into(),
            seed: Some(1),
            from: Time(0),
            to: Time(profits.len() as i64 * Time::HOUR),
            trades: 0,
            captured_micros: 5,
            turnover_micros: 1_000,
            accepted: 0,
            figures: Figures::default(),
            samples: profits.iter().enumerate().map(sample).collect(),
            state_hash: None,
            stopped_by: None,
        }
    }

    #[test]
    fn a_drawdown_is_from_the_highest_before() {
        assert_eq!(report(&[0, 10, 4, 12, 5, 11]).drawdown_micros(), 7);
        assert_eq!(report(&[-3, -1]).drawdown_micros(), 3, "from the beginning, which was nothing");
        assert_eq!(report(&[]).drawdown_micros(), 0);
    }

    #[test]
    fn a_picture_has_both_curves_and_nothing_unescaped() {
        let svg = report(&[0, 10, 4]).svg();
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("a &amp; b") && svg.ends_with("</svg>\n"));
        assert_eq!(report(&[0, 7]).blocks().chars().last(), Some('█'));
        assert_eq!(report(&[]).blocks(), "");
        assert_eq!(report(&[1_000, 5]).captured_ppm(), 5_000);
    }
}
