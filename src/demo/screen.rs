//! What there is to see of a demo: drawn in place on a terminal; elsewhere a line now and then, and all of it from time to time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use hourbook_exchange::Exchange;
use hourbook_model::{Price, Side, Status, Symbol, Time};

use super::seen::Figures;
use crate::ctl::Micros;

/// Rows of the top of book, and of the last trades.
const TOPS: usize = 6;
const TRADES: usize = 5;
/// Rows that all of it takes, with six ratings.
const WHOLE: usize = 30;
/// Elsewhere than on a terminal it is a line each time, and once in so many all of it.
const WHOLE_EVERY: usize = 10;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The market at one command, as far as it is shown.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    pub listed: usize,
    pub two_sided: usize,
    /// The mean of ask less bid over their middle, ten-thousandths, over what is two-sided.
    pub spread_bp: f64,
    tops: Vec<Top>,
    /// The middle of each hour of the product that is shown.
    curve: Vec<(Symbol, Option<Price>)>,
}

#[derive(Clone, Debug)]
struct Top {
    symbol: Symbol,
    bid: Option<(Price, i64)>,
    ask: Option<(Price, i64)>,
    last: Option<Price>,
}

impl Sight {
    /// Looks at every book's top.
    pub fn of(exchange: &Exchange, shown: &str) -> Sight {
        let mut market = Sight::default();
        let (mut spreads, mut classes) = (0.0, BTreeMap::new());
        for instrument in exchange.instruments() {
            if !matches!(instrument.status, Status::Continuous | Status::Auction | Status::Frozen) {
                continue;
            }
            let Some(book) = exchange.book(instrument.id, 1, 0) else { continue };
            let best =
                |levels: &[hourbook_exchange::Level]| levels.first().map(|it| (it.price, it.quantity.0));
            let (bid, ask) = (best(&book.bids), best(&book.asks));
            market.listed += 1;
            let middle = bid.zip(ask).map(|(bid, ask)| {
                market.two_sided += 1;
                let middle = (bid.0.0 + ask.0.0) / 2;
                spreads += (ask.0.0 - bid.0.0) as f64 * 10_000.0 / middle as f64;
                Price(middle)
            });
            let symbol = instrument.symbol;
            if symbol.period.hours > 1 {
                continue;
            }
            if symbol.product.to_string() == shown {
                market.curve.push((symbol.clone(), middle));
            }
            let class = symbol.product.class.clone();
            classes.entry(class).or_insert(Top { symbol, bid, ask, last: instrument.last_trade });
        }
        market.spread_bp = spreads / (market.two_sided.max(1)) as f64;
        market.tops = classes.into_values().take(TOPS).collect();
        market
    }

    pub fn two_sided_share(&self) -> f64 {
        self.two_sided as f64 / self.listed.max(1) as f64
    }
}

/// What is told of one moment.
pub struct Moment<'a> {
    pub now: Time,
    pub ran: Duration,
    /// How much faster than the clock time has passed so far.
    pub pace: f64,
    pub market: &'a Sight,
    pub figures: &'a Figures,
    pub ratings: &'a [String],
    pub orders_per_second: f64,
    /// Half of the messages, and all but one in a hundred, were answered within this.
    pub p50: Duration,
    pub p99: Duration,
}

/// Where a demo is shown.
pub struct Screen {
    out: Box<dyn Write + Send>,
    in_place: bool,
    /// Lines that stand there and are drawn over.
    lines: usize,
    /// How often it was drawn.
    drawn: usize,
    /// Of the terminal, as it is now.
    rows: fn() -> Option<usize>,
}

impl Screen {
    /// On standard output, or beside it where that is for a program.
    pub fn new(json: bool) -> Screen {
        if json {
            let rows = || rows_of(io::stderr());
            Screen { in_place: io::stderr().is_terminal(), rows, ..Screen::to(io::stderr()) }
        } else {
            let rows = || rows_of(io::stdout());
            Screen { in_place: io::stdout().is_terminal(), rows, ..Screen::to(io::stdout()) }
        }
    }

    /// Lines, to whatever takes them.
    pub fn to(out: impl Write + Send + 'static) -> Screen {
        Screen { out: Box::new(out), in_place: false, lines: 0, drawn: 0, rows: || None }
    }

    pub fn pause(&self) -> Duration {
        if self.in_place { Duration::from_millis(250) } else { Duration::from_secs(1) }
    }

    /// Text that stays.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.lines = 0;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    pub fn draw(&mut self, moment: &Moment) -> io::Result<()> {
        self.drawn += 1;
        if !self.in_place {
            match self.drawn % WHOLE_EVERY {
                1 => writeln!(self.out, "\n{}\n", frame(moment, usize::MAX))?,
                _ => writeln!(self.out, "{}", line(moment))?,
            }
            return self.out.flush();
        }
        // The line below is the cursor's.
        let rows = (self.rows)().unwrap_or(usize::MAX).saturating_sub(1).max(1);
        let frame = frame(moment, rows);
        let mut drawn = String::new();
        if self.lines > 0 {
            let _ = write!(drawn, "\x1b[{}A", self.lines);
        }
        // Nothing wraps: a narrow terminal cuts lines off.
        drawn.push_str("\x1b[?7l");
        for line in frame.lines() {
            let _ = writeln!(drawn, "{line}\x1b[K");
        }
        drawn.push_str("\x1b[?7h");
        self.lines = frame.lines().count();
        self.out.write_all(drawn.as_bytes())?;
        self.out.flush()
    }
}

fn rows_of(terminal: impl AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(terminal).ok().map(|size| size.ws_row.into()).filter(|rows| *rows > 0)
}

fn line(moment: &Moment) -> String {
    let Moment { now, market, figures, .. } = moment;
    format!(
        "{}  {} instruments, {:.1} % two-sided, spread {:.0} bp; {} orders, {} trades, {:.0} orders/s, p99 {:.1} ms",
        clock(*now),
        market.listed,
        100.0 * market.two_sided_share(),
        market.spread_bp,
        figures.orders,
        figures.trades,
        moment.orders_per_second,
        moment.p99.as_secs_f64() * 1e3,
    )
}

/// The whole view, in so many rows at most: a low terminal has less of each part, and no more of what is last.
fn frame(moment: &Moment, rows: usize) -> String {
    let Moment { now, ran, pace, market, figures, .. } = moment;
    let (tops, trades) = if rows < WHOLE { (TOPS / 2, TRADES / 2) } else { (TOPS, TRADES) };
    let mut out = Vec::new();
    let mut row = |text: String| out.push(text);
    row(format!("{} UTC, time x{pace:.0}, running {} s", clock(*now), ran.as_secs()));
    row(format!(
        "{} instruments, {:.1} % two-sided, mean spread {:.0} bp",
        market.listed,
        100.0 * market.two_sided_share(),
        market.spread_bp
    ));
    row(format!(
        "{} orders, {} trades, {} auctions; {:.0} orders/s, answered in {:.1} ms (p99 {:.1})",
        figures.orders,
        figures.trades,
        figures.auctions,
        moment.orders_per_second,
        moment.p50.as_secs_f64() * 1e3,
        moment.p99.as_secs_f64() * 1e3
    ));
    row(String::new());
    row(format!("{:<28}{:>20}{:>20}{:>10}", "top of book", "bid", "ask", "last"));
    for top in market.tops.iter().take(tops) {
        let side = |side: Option<(Price, i64)>| {
            side.map_or_else(|| "-".into(), |(price, lots)| format!("{lots} @ {}", Micros(price.0)))
        };
        let last = top.last.map_or_else(|| "-".into(), |price| Micros(price.0).to_string());
        row(format!("{:<28}{:>20}{:>20}{last:>10}", top.symbol, side(top.bid), side(top.ask)));
    }
    row(String::new());
    row("last trades".into());
    for at in 0..trades {
        row(figures.last.get(at).map_or_else(String::new, |(symbol, trade)| {
            let side = if trade.taker_side == Side::Buy { "bought" } else { "sold" };
            format!("{symbol:<28}{:>20}  {side}", format!("{} @ {}", trade.quantity, Micros(trade.price.0)))
        }));
    }
    row(String::new());
    curve(market).into_iter().for_each(&mut row);
    row(String::new());
    row("ratings".into());
    moment.ratings.iter().for_each(|rating| row(rating.clone()));
    out.truncate(rows);
    out.join("\n")
}

/// Prices over delivery hours, as bars between the lowest and the highest.
fn curve(market: &Sight) -> [String; 3] {
    let prices: Vec<i64> = market.curve.iter().filter_map(|(_, price)| Some(price.as_ref()?.0)).collect();
    let (Some(low), Some(high), Some((first, _))) =
        (prices.iter().min(), prices.iter().max(), market.curve.first())
    else {
        return ["no hours trade".into(), String::new(), String::new()];
    };
    let bar = |price: &Option<Price>| match price {
        None => ' ',
        Some(price) => BARS[(7 * (price.0 - low) / (high - low).max(1)) as usize],
    };
    let bars = market.curve.iter().map(|(_, price)| bar(price)).collect();
    // Every sixth hour by its number, under its bar.
    let mut hours = String::new();
    for (at, (symbol, _)) in market.curve.iter().enumerate() {
        let hour = symbol.period.start.0 % 24;
        if hour % 6 == 0 && hours.len() <= at {
            let _ = write!(hours, "{:>at$}{hour:02}", "", at = at - hours.len());
        }
    }
    let head = format!("{} by hour of delivery, {} to {}", first.product, Micros(*low), Micros(*high));
    [head, bars, hours]
}

pub fn clock(time: Time) -> String {
    let text = crate::journal::time(time.0);
    // To the minute: what is shown moves by that.
    text.chars().take(16).map(|one| if one == 'T' { ' ' } else { one }).collect()
}
