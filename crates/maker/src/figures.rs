//! What a maker says of itself: for its log, for programs, for Prometheus.

use hourbook_api::client::decimal;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// How a maker stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing was heard yet.
    #[default]
    Starting,
    Quoting,
    /// Nothing is quoted until what it waits for is there.
    Waiting {
        why: String,
    },
    /// A limit was passed: nothing is quoted any more.
    Killed {
        why: String,
    },
    Stopped,
}

impl State {
    pub fn name(&self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Quoting => "quoting",
            State::Waiting { .. } => "waiting",
            State::Killed { .. } => "killed",
            State::Stopped => "stopped",
        }
    }

    /// Why it does not quote; empty where it does.
    pub fn why(&self) -> &str {
        match self {
            State::Waiting { why } | State::Killed { why } => why,
            _ => "",
        }
    }
}

/// A maker's figures at one moment. Amounts are micros of the currency it trades in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub state: State,
    pub currency: String,
    /// Instruments it knows, those that trade, and those with both sides standing.
    pub instruments: u64,
    pub tradable: u64,
    pub two_sided: u64,
    /// Of the time that instruments traded, the part in which both sides stood, millionths.
    pub two_sided_ppm: u64,
    /// The mean distance between the sides while both stood, millionths of the middle.
    pub spread_ppm: u64,
    /// Quotes sent and sides that stand.
    pub quotes: u64,
    pub standing: u64,
    /// Sides that the market refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Instruments or sides that were not wanted, by why; as of now.
    pub withheld: BTreeMap<String, u64>,
    pub fills: u64,
    /// Lot-hours.
    pub bought: i128,
    pub sold: i128,
    /// Open positions: lot-hours bought less sold, and either way.
    pub net_lot_hours: i128,
    pub open_lot_hours: i128,
    pub perished_lot_hours: i128,
    /// Open positions at the fair price, either way.
    pub exposure_micros: i128,
    pub realised_micros: i128,
    /// Open positions at the fair price, less what they cost.
    pub marked_micros: i128,
    pub fees_micros: i128,
    /// Times that everything was cancelled because what is known was too old.
    pub stale_stops: u64,
    /// How long nothing was heard of the feed and of prices.
    pub feed_age: Duration,
    pub pricing_age: Duration,
}

impl Figures {
    pub fn profit_micros(&self) -> i128 {
        self.realised_micros + self.marked_micros
    }

    pub fn refused_count(&self) -> u64 {
        self.refused.values().sum()
    }

    /// In the exposition format of Prometheus.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let mut told = |name: &str, kind: &str, help: &str, values: &[(String, String)]| {
            let _ =
                writeln!(text, "# HELP hourbook_maker_{name} {help}\n# TYPE hourbook_maker_{name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(text, "hourbook_maker_{name}{labels} {value}");
            }
        };
        let one = |value: &dyn std::fmt::Display| vec![(String::new(), value.to_string())];
        let money = |micros: i128| {
            let currency = format!("{{currency=\"{}\"}}", self.currency);
            vec![(currency, amount(micros))]
        };
        let labelled = |label: &str, counts: &mut dyn Iterator<Item = (&str, u64)>| -> Vec<_> {
            let line = |(name, count): (&str, u64)| {
                let name = name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
                (format!("{{{label}=\"{name}\"}}"), count.to_string())
            };
            counts.map(line).collect()
        };
        let ppm = |ppm: u64| vec![(String::new(), decimal(ppm as i64))];
        let state = format!("{{state=\"{}\"}}", self.state.name());
        told("state", "gauge", "1 of the state it is in.", &[(state, "1".into())]);
        told("instruments", "gauge", "Instruments it knows.", &one(&self.instruments));
        told("tradable", "gauge", "Instruments that trade.", &one(&self.tradable));
        told("two_sided", "gauge", "Instruments with both sides standing.", &one(&self.two_sided));
        told(
            "two_sided_ratio",
            "gauge",
            "Part of the trading time with both sides.",
            &ppm(self.two_sided_ppm),
        );
        told("spread_ratio", "gauge", "Mean distance of the sides to their middle.", &ppm(self.spread_ppm));
        told("quotes_total", "counter", "Quotes sent.", &one(&self.quotes));
        told("standing", "gauge", "Sides that stand.", &one(&self.standing));
        let mut refused = self.refused.iter().map(|(name, count)| (*name, *count));
        told("refused_total", "counter", "Sides refused.", &labelled("reason", &mut refused));
        let mut withheld = self.withheld.iter().map(|(name, count)| (name.as_str(), *count));
        told("withheld", "gauge", "Sides not wanted.", &labelled("why", &mut withheld));
        told("fills_total", "counter", "Fills.", &one(&self.fills));
        told("bought_lot_hours_total", "counter", "Lot-hours bought.", &one(&self.bought));
        told("sold_lot_hours_total", "counter", "Lot-hours sold.", &one(&self.sold));
        told("net_lot_hours", "gauge", "Open positions, bought less sold.", &one(&self.net_lot_hours));
        told("open_lot_hours", "gauge", "Open positions, either way.", &one(&self.open_lot_hours));
        told("perished_lot_hours_total", "counter", "Bought, never sold.", &one(&self.perished_lot_hours));
        told("exposure", "gauge", "Open positions at the fair price.", &money(self.exposure_micros));
        told("realised", "gauge", "Profit realised, fees taken off.", &money(self.realised_micros));
        told("marked", "gauge", "Open positions less their cost.", &money(self.marked_micros));
        told("fees", "gauge", "Fees of its fills.", &money(self.fees_micros));
        told("stale_stops_total", "counter", "Times that old data stopped it.", &one(&self.stale_stops));
        let seconds = |age: Duration| one(&format!("{}.{:03}", age.as_secs(), age.subsec_millis()));
        told("feed_age_seconds", "gauge", "Since the feed was heard.", &seconds(self.feed_age));
        told(
            "pricing_age_seconds",
            "gauge",
            "Since prices are not known to hold.",
            &seconds(self.pricing_age),
        );
        text
    }
}

/// Micros as a decimal.
pub fn amount(micros: i128) -> String {
    decimal(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}
