//! What to quote and when: the maker's decisions, without its connections.
//!
//! Whoever runs it tells it what was heard (instruments, prices, books, reports) and asks it to [decide](Quoter::decide).
//! It has no clock and no I/O: the same words in the same order give the same quotes.
//!
//! Always true: nothing that is sent crosses itself or what others bid and offer; every price is a whole number of ticks
//! above zero; if all that stands or is on its way were filled at once, no limit would be passed.

use crate::figures::{Figures, State};
use crate::holdings::Holdings;
use crate::limits::{Breach, Limits, Rate};
use crate::strategy::Strategy;
use crate::sums::{Share, Sums};
use crate::view::{Fair, Instrument, Level, Quotes, Time, Trade, View, Why, tick_down, tick_up};
use crate::volatility::Volatility;
use hourbook_api::v1::{self, InstrumentStatus as Status, ReportKind, Side};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How a maker quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Lots on either side at most.
    pub size: i64,
    /// A side is sent again when its price is off by more than this, millionths of the price ...
    pub refresh_ppm: u32,
    /// ... or when fewer of its lots are left than this part, in hundredths.
    pub refill_percent: u32,
    /// Quotes are withdrawn so long before the gate.
    pub before_gate: Duration,
    /// Only what begins to be delivered within this is quoted.
    pub horizon: Duration,
    /// The feed and prices may be so old; then everything is cancelled, and nothing quoted until they are not.
    pub stale_after: Duration,
    /// Quotes in one message, 1 to 1,000.
    pub batch: usize,
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            size: 10,
            refresh_ppm: 1_000,
            refill_percent: 50,
            before_gate: Duration::from_secs(60),
            horizon: Duration::from_secs(366 * 24 * 3_600),
            stale_after: Duration::from_secs(10),
            batch: 500,
            limits: Limits::default(),
        }
    }
}

/// Now: by the exchange's clock, and by one that only runs on, for ages and rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub time: Time,
    pub run: Duration,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Replace these quotes, post-only. Then say under which number they were sent.
    Quote(Vec<v1::Quote>),
    /// Cancel everything of the account: what is known is too old.
    CancelAll,
    /// Cancel everything of the account, and end.
    Kill(Breach),
}

/// Instruments looked at in one decision: others wait for the next, and none for ever.
const AT_ONCE: usize = 4_096;
/// Everything is looked at again so often, for time passes.
const RECHECK: Duration = Duration::from_secs(30);
/// After a refusal a side waits so long; when it would have traded, it waits for the book to move, but no less than that.
const PAUSE: Duration = Duration::from_secs(10);
const SHORT_PAUSE: Duration = Duration::from_millis(250);
/// Trades shown to a strategy.
const TRADES: usize = 16;
const MINUTE: Duration = Duration::from_secs(60);

const BUY: usize = 0;
const SELL: usize = 1;

fn index(side: Side) -> usize {
    if side == Side::Buy { BUY } else { SELL }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    order: u64,
    level: Level,
}

/// A quote that was sent and of which nothing was heard yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    number: u64,
    at: Duration,
}

/// An instrument and what is known and wanted of it.
struct Line {
    instrument: Instrument,
    status: Status,
    bids: Vec<Level>,
    asks: Vec<Level>,
    trades: Vec<Trade>,
    standing: [Option<Standing>; 2],
    sent: Option<Sent>,
    /// Lots that may come on either side: what stands, or what is on its way where that is more.
    at_most: [i64; 2],
    paused_until: [Duration; 2],
    why: [Option<Why>; 2],
    waits: bool,
    /// Since when its gate is known to be closed.
    over: Option<Duration>,
    /// What it adds to the sums.
    share: Share,
}

#[derive(Default)]
struct Product {
    fair: Option<Fair>,
    grade: v1::RatingGrade,
    volatility: Volatility,
    lines: BTreeSet<u32>,
    worst: i128,
    /// Kinds of periods that are quoted, by their length in hours: they share the same hours.
    kinds: BTreeMap<u32, u32>,
}

/// Decides what to quote, in one account.
pub struct Quoter {
    settings: Settings,
    strategy: Box<dyn Strategy>,
    lines: BTreeMap<u32, Line>,
    products: BTreeMap<String, Product>,
    holdings: Holdings,
    rate: Rate,
    /// Instruments to look at, each once, oldest first.
    queue: VecDeque<u32>,
    /// Instruments with a side that waits after a refusal, by when it may be sent again.
    later: BTreeSet<(Duration, u32)>,
    checked_all: Duration,
    now: Moment,
    feed_heard: Option<Duration>,
    /// Since when prices may be wrong; `Some(None)` while they hold.
    prices_hold: Option<Option<Duration>>,
    state: State,
    session: u32,
    is_connected: bool,
    answered: u64,
    refusals: VecDeque<Duration>,
    last_refusal: String,
    is_killed_outside: bool,
    sums: Sums,
    figures: Figures,
}

impl Quoter {
    /// Of nothing so far. `session` is the id that reports name it by.
    pub fn new(settings: Settings, strategy: Box<dyn Strategy>, session: u32) -> Quoter {
        Quoter {
            rate: Rate::new(settings.limits.quotes_per_second),
            settings,
            strategy,
            lines: BTreeMap::new(),
            products: BTreeMap::new(),
            holdings: Holdings::default(),
            queue: VecDeque::new(),
            later: BTreeSet::new(),
            checked_all: Duration::ZERO,
            now: Moment::default(),
            feed_heard: None,
            prices_hold: None,
            state: State::Starting,
            session,
            is_connected: true,
            answered: 0,
            refusals: VecDeque::new(),
            last_refusal: String::new(),
            is_killed_outside: false,
            sums: Sums::default(),
            figures: Figures::default(),
        }
    }

    // --- what is heard ---

    /// It is this late now. Time never runs backwards.
    pub fn at(&mut self, now: Moment) {
        let passed = now.run.saturating_sub(self.now.run).as_nanos();
        if self.state == State::Quoting || matches!(self.state, State::Waiting { .. }) {
            self.sums.pass(passed, self.is_connected);
        }
        self.now = Moment { time: self.now.time.max(now.time), run: self.now.run.max(now.run) };
    }

    /// An instrument is listed and to be quoted.
    pub fn list(&mut self, instrument: Instrument, status: Status) {
        if let Some(line) = self.lines.get_mut(&instrument.id) {
            let id = instrument.id;
            return if line.status == status { self.settle(id) } else { self.status(id, status) };
        }
        if is_over(status) {
            return;
        }
        let id = instrument.id;
        if self.figures.currency.is_empty() {
            self.figures.currency = instrument.currency.clone();
        }
        let product = self.products.entry(instrument.product.clone()).or_default();
        product.lines.insert(id);
        *product.kinds.entry(kind(&instrument)).or_default() += 1;
        let line = Line {
            instrument,
            status,
            bids: Vec::new(),
            asks: Vec::new(),
            trades: Vec::new(),
            standing: [None; 2],
            sent: None,
            at_most: [0; 2],
            paused_until: [Duration::ZERO; 2],
            why: [None, None],
            waits: false,
            over: None,
            share: Share::default(),
        };
        self.lines.insert(id, line);
        self.look_at(id);
        self.settle(id);
    }

    /// An instrument is listed no more: its gate has closed, or it is over. An hour's position is delivered or perishes; a
    /// longer period's becomes that of its parts.
    pub fn delist(&mut self, id: u32) {
        self.close(id);
        if let Some(line) = self.lines.get_mut(&id) {
            line.status = Status::Settled;
            line.standing = [None; 2];
            (line.sent, line.at_most) = (None, [0; 2]);
            self.settle(id);
        }
        let Some(line) = self.lines.remove(&id) else { return };
        if let Some(product) = self.products.get_mut(&line.instrument.product) {
            product.lines.remove(&id);
            product.volatility.forget(id);
            let kind = kind(&line.instrument);
            if let Some(count) = product.kinds.get_mut(&kind) {
                *count -= 1;
                if *count == 0 {
                    product.kinds.remove(&kind);
                }
            }
        }
    }

    /// How an instrument trades now.
    pub fn status(&mut self, id: u32, status: Status) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.status = status;
        if is_over(status) {
            line.over.get_or_insert(self.now.run);
            line.why = [None, None];
            self.close(id);
        }
        self.settle(id);
        self.look_at(id);
    }

    /// Forgets what is over: a while after its gate, so that a report that took another way than the news of it still counts.
    fn forget(&mut self) {
        let since = self.now.run.saturating_sub(RECHECK);
        let is_gone = |line: &&Line| line.over.is_some_and(|over| over <= since);
        let gone: Vec<u32> = self.lines.values().filter(is_gone).map(|line| line.instrument.id).collect();
        gone.into_iter().for_each(|id| self.delist(id));
    }

    /// Everything below the feed's connection is whole as of now.
    pub fn feed_heard(&mut self) {
        self.feed_heard = Some(self.now.run);
    }

    /// The displayed levels of a book, best first; the maker's own are among them.
    pub fn book(&mut self, id: u32, bids: impl Iterator<Item = Level>, asks: impl Iterator<Item = Level>) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.bids.clear();
        line.bids.extend(bids);
        line.asks.clear();
        line.asks.extend(asks);
        let of = |levels: &[Level], side: usize| without(levels, line.standing[side]).first().copied();
        if let (Some(bid), Some(ask)) = (of(&line.bids, BUY), of(&line.asks, SELL))
            && let Some(product) = self.products.get_mut(&line.instrument.product)
        {
            let middle = bid.price_micros + (ask.price_micros - bid.price_micros) / 2;
            product.volatility.saw(id, self.now.time, middle);
        }
        self.look_at(id);
    }

    pub fn traded(&mut self, id: u32, trade: Trade) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.trades.len() == TRADES {
            line.trades.remove(0);
        }
        line.trades.push(trade);
        self.look_at(id);
    }

    /// What a unit-hour of a product is worth; `None` where that is not known.
    pub fn price(&mut self, product: &str, fair: Option<Fair>) {
        let known = self.products.entry(product.to_owned()).or_default();
        if known.fair == fair {
            return;
        }
        known.fair = fair;
        self.look_at_all_of(product);
    }

    /// How the provider is rated in a class.
    pub fn rating(&mut self, class: &str, grade: v1::RatingGrade) {
        let of_class = |product: &&String| product.split('.').next() == Some(class);
        let products: Vec<String> = self.products.keys().filter(of_class).cloned().collect();
        for product in products {
            let known = self.products.get_mut(&product).expect("it was just there");
            if known.grade != grade {
                known.grade = grade;
                self.look_at_all_of(&product);
            }
        }
    }

    /// Prices hold until something else is said.
    pub fn prices_hold(&mut self) {
        self.prices_hold = Some(None);
    }

    /// Nothing is heard of prices from now on.
    pub fn prices_lost(&mut self) {
        if let Some(hold @ None) = &mut self.prices_hold {
            *hold = Some(self.now.run);
        }
    }

    /// The operator's kill switch is on the account.
    pub fn killed(&mut self) {
        self.is_killed_outside = true;
    }

    /// A position from before the maker began, in what it quotes; what is past its gate cannot be traded any more.
    pub fn begin_with(&mut self, id: u32, units: i64, cost_micros: i64) {
        if !self.lines.contains_key(&id) {
            return;
        }
        self.holdings.begin_with(id, units, cost_micros);
        self.settle(id);
    }

    /// What is declared of a product. See [`Holdings::declared`].
    pub fn declared(&mut self, product: &str, ranges: &[v1::CapacityRange], with_available: bool) {
        self.holdings.declared(product, ranges, with_available);
        self.look_at_all_of(product);
    }

    /// Quotes of a decision were sent as this entry of the session.
    pub fn sent(&mut self, number: u64, quotes: &[v1::Quote]) {
        let at = self.now.run;
        for quote in quotes {
            let Some(line) = self.lines.get_mut(&quote.instrument_id) else { continue };
            line.sent = Some(Sent { number, at });
        }
        self.figures.quotes += quotes.len() as u64;
    }

    /// An entry was not done, or nothing is reported of it: `why`, where it was a refusal.
    pub fn not_done(&mut self, number: u64, why: Option<&str>) {
        self.answered = self.answered.max(number);
        let concerned: Vec<u32> = self
            .lines
            .iter()
            .filter(|(_, line)| line.sent.is_some_and(|sent| sent.number == number))
            .map(|(id, _)| *id)
            .collect();
        for id in concerned {
            let pause = self.now.run + SHORT_PAUSE;
            let line = self.lines.get_mut(&id).expect("it was just there");
            line.sent = None;
            line.paused_until = line.paused_until.map(|until| until.max(pause));
            self.settle(id);
            self.look_at(id);
        }
        if let Some(why) = why {
            *self.figures.refused.entry("NOT_SEQUENCED").or_default() += 1;
            self.refusal(why.to_owned());
        }
    }

    /// The session's connection is gone, and the exchange cancels what stood: there is nobody to say anything to.
    pub fn session_lost(&mut self) {
        self.is_connected = false;
    }

    /// It is back; what became of what stood is reported.
    pub fn session_back(&mut self) {
        self.is_connected = true;
    }

    /// The account's next report.
    pub fn reported(&mut self, report: &v1::ExecutionReport) {
        let is_ours = report.session_id == self.session && report.request_number > 0;
        if is_ours {
            self.answered = self.answered.max(report.request_number);
        }
        let is_kill = report.cancel_reason() == v1::CancelReason::Kill;
        if is_kill || report.refused() == Some(v1::RejectReason::Killed) {
            self.is_killed_outside = true;
        }
        let (id, kind, side) = (report.instrument_id, report.kind(), index(report.side()));
        let Some(line) = self.lines.get_mut(&id) else { return };
        if is_ours && line.sent.is_some_and(|sent| sent.number <= report.request_number) {
            line.sent = None;
        }
        let level = Level { price_micros: report.price_micros, lots: report.leaves_quantity };
        let stands = line.standing[side].filter(|standing| standing.order == report.order_id);
        match kind {
            ReportKind::Accepted if is_ours => {
                line.standing[side] = Some(Standing { order: report.order_id, level });
                line.why[side] = None;
            }
            ReportKind::Filled | ReportKind::Cancelled | ReportKind::Reduced | ReportKind::Amended
                if stands.is_some() =>
            {
                let standing = Standing { order: report.order_id, level };
                line.standing[side] = (level.lots > 0).then_some(standing);
            }
            ReportKind::Rejected if is_ours => {
                let would_trade = report.reject_reason() == v1::RejectReason::PostOnly;
                let pause = if would_trade { SHORT_PAUSE } else { PAUSE };
                line.paused_until[side] = self.now.run + pause;
                let reason = report.reject_reason().as_str_name();
                let reason = reason.strip_prefix("REJECT_REASON_").unwrap_or(reason);
                *self.figures.refused.entry(reason).or_default() += 1;
                if !would_trade {
                    let what = format!("{} {:?}: {reason}", line.instrument.symbol, report.side());
                    self.refusal(what);
                }
            }
            _ => {}
        }
        if let (ReportKind::Filled, Some(fill)) = (kind, &report.fill) {
            let line = &self.lines[&id];
            let lot_hours = i128::from(fill.quantity) * i128::from(line.instrument.hours);
            match report.side() {
                Side::Buy => self.figures.bought += lot_hours,
                _ => self.figures.sold += lot_hours,
            }
            self.figures.fills += 1;
            let (price, lots, fee) = (fill.price_micros, fill.quantity, fill.fee_micros);
            self.holdings.fill(&line.instrument, report.side(), price, lots, fee);
            // The hours behind it are those of other periods too.
            let product = line.instrument.product.clone();
            self.look_at_all_of(&product);
        }
        self.settle(id);
        self.look_at(id);
    }

    fn refusal(&mut self, what: String) {
        self.last_refusal = what;
        self.refusals.push_back(self.now.run);
    }

    // --- what is decided ---

    /// What is to be done now.
    pub fn decide(&mut self) -> Vec<Action> {
        if matches!(self.state, State::Killed { .. } | State::Stopped) {
            return Vec::new();
        }
        if let Some(breach) = self.breach() {
            self.state = State::Killed { why: breach.to_string() };
            return vec![Action::Kill(breach)];
        }
        if let Some(why) = self.stale() {
            if self.state == (State::Waiting { why: why.clone() }) {
                return Vec::new();
            }
            // What stands is taken back once, whatever else becomes stale meanwhile.
            let stood = self.state == State::Quoting;
            self.state = State::Waiting { why };
            self.figures.stale_stops += u64::from(stood);
            return if stood && self.is_connected { vec![Action::CancelAll] } else { Vec::new() };
        }
        if self.state != State::Quoting {
            self.state = State::Quoting;
            self.checked_all = Duration::ZERO;
        }
        if self.checked_all.is_zero() || self.now.run.saturating_sub(self.checked_all) >= RECHECK {
            self.checked_all = self.now.run.max(Duration::from_nanos(1));
            self.forget();
            let all: Vec<u32> = self.lines.keys().copied().collect();
            all.into_iter().for_each(|id| self.look_at(id));
        }
        while let Some((_, id)) = self.later.first().copied().filter(|(until, _)| *until <= self.now.run) {
            self.later.pop_first();
            self.look_at(id);
        }
        let waiting = self.queue.len().min(AT_ONCE);
        let mut left = self.rate.take(self.now.run, waiting);
        let mut quotes = Vec::new();
        for _ in 0..waiting {
            if left == 0 {
                break;
            }
            let Some(id) = self.queue.pop_front() else { break };
            if let Some(line) = self.lines.get_mut(&id) {
                line.waits = false;
                if let Some(quote) = self.quote(id) {
                    quotes.push(quote);
                    left -= 1;
                }
            }
        }
        self.rate.give_back(left);
        let batch = self.settings.batch.clamp(1, 1_000);
        quotes.chunks(batch).map(|quotes| Action::Quote(quotes.to_vec())).collect()
    }

    /// Keeps figures of an account that somebody else quotes for; nothing is decided.
    pub fn watch(&mut self) {
        self.state = State::Quoting;
    }

    /// Hours that an instrument is delivered for; 0 of one that is not known.
    pub fn hours_of(&self, id: u32) -> u32 {
        self.lines.get(&id).map_or(0, |line| line.instrument.hours)
    }

    /// It ends in order: nothing is quoted any more.
    pub fn stop(&mut self) {
        if !matches!(self.state, State::Killed { .. }) {
            self.state = State::Stopped;
        }
    }

    /// What is known and may not be trusted any more.
    fn stale(&self) -> Option<String> {
        let most = self.settings.stale_after;
        if !self.is_connected {
            return Some("the session is lost".into());
        }
        match self.feed_heard {
            None => return Some("market data was not heard yet".into()),
            Some(heard) if self.now.run.saturating_sub(heard) > most => {
                return Some("market data is too old".into());
            }
            Some(_) => {}
        }
        match self.prices_hold {
            None => Some("prices were not heard yet".into()),
            Some(Some(lost)) if self.now.run.saturating_sub(lost) > most => Some("prices are too old".into()),
            Some(_) => None,
        }
    }

    fn breach(&mut self) -> Option<Breach> {
        if self.is_killed_outside {
            return Some(Breach::Killed);
        }
        let since = self.now.run.saturating_sub(MINUTE);
        while self.refusals.front().is_some_and(|at| *at < since) {
            self.refusals.pop_front();
        }
        let limits = &self.settings.limits;
        let in_a_minute = self.refusals.len() as u64;
        if in_a_minute > u64::from(limits.refusals_per_minute) {
            let last = self.last_refusal.clone();
            return Some(Breach::Refusals { in_a_minute, limit: limits.refusals_per_minute, last });
        }
        let mut by_product: BTreeMap<&str, i128> = BTreeMap::new();
        let (mut all, mut exposure, mut marked) = (0, 0, 0);
        for (id, position) in self.holdings.positions() {
            let Some(line) = self.lines.get(&id) else { continue };
            if position.units.abs() > limits.position {
                let symbol = line.instrument.symbol.clone();
                return Some(Breach::Position { symbol, units: position.units, limit: limits.position });
            }
            let lot_hours = i128::from(position.units) * i128::from(line.instrument.hours);
            *by_product.entry(&line.instrument.product).or_default() += lot_hours.abs();
            all += lot_hours.abs();
            let worth = lot_hours * i128::from(self.fair_micros(&line.instrument.product));
            exposure += worth.abs();
            marked += worth - position.cost_micros;
        }
        for (product, lot_hours) in by_product {
            if lot_hours > limits.product_lot_hours.into() {
                let limit = limits.product_lot_hours;
                return Some(Breach::ProductLotHours { product: product.into(), lot_hours, limit });
            }
        }
        if all > limits.total_lot_hours.into() {
            return Some(Breach::TotalLotHours { lot_hours: all, limit: limits.total_lot_hours });
        }
        let profit = self.holdings.realised_micros() + marked;
        // A price that has moved since makes the same lots worth more: that is no mistake, and stops what would add to it.
        if exposure > i128::from(limits.exposure_micros) * 5 / 4 {
            return Some(Breach::Exposure { micros: exposure, limit: limits.exposure_micros });
        }
        (profit < -i128::from(limits.loss_micros))
            .then_some(Breach::Loss { micros: profit, limit: limits.loss_micros })
    }

    /// The quote that is to replace what stands of an instrument, if one is.
    fn quote(&mut self, id: u32) -> Option<v1::Quote> {
        let line = &self.lines[&id];
        if let Some(sent) = line.sent {
            // What is not answered for long was lost on the way: cancel-on-disconnect has taken it back.
            let lost = self.now.run.saturating_sub(sent.at) > self.settings.stale_after;
            if !lost && sent.number > self.answered {
                return None;
            }
        }
        if matches!(line.status, Status::Frozen | Status::Halted) || is_over(line.status) {
            return None;
        }
        let wanted = self.wanted(id);
        let line = self.lines.get_mut(&id).expect("it is listed");
        line.sent = None;
        line.why = [wanted.bid.as_ref().err().cloned(), wanted.ask.as_ref().err().cloned()];
        let wanted = [wanted.bid.ok(), wanted.ask.ok()];
        let stands = line.standing.map(|standing| standing.map(|standing| standing.level));
        let mut kept = [BUY, SELL].map(|side| kept(&self.settings, stands[side], wanted[side]));
        if let [Some(bid), Some(ask)] = kept
            && bid.price_micros >= ask.price_micros
        {
            kept = wanted;
        }
        for side in [BUY, SELL] {
            if kept[side] != stands[side] && self.now.run < line.paused_until[side] {
                // A side that was refused waits; what stands of it may only shrink.
                self.later.insert((line.paused_until[side], id));
                kept[side] = stands[side].zip(kept[side]).and_then(|(stands, wanted)| {
                    let lots = stands.lots.min(wanted.lots);
                    (stands.price_micros == wanted.price_micros).then_some(Level { lots, ..stands })
                });
            }
        }
        if kept == stands {
            self.settle(id);
            return None;
        }
        for side in [BUY, SELL] {
            let of = |level: Option<Level>| level.map_or(0, |level| level.lots);
            line.at_most[side] = of(stands[side]).max(of(kept[side]));
        }
        line.sent = Some(Sent { number: u64::MAX, at: self.now.run });
        self.settle(id);
        let [bid, ask] = kept.map(|level| level.map_or((0, 0), |level| (level.price_micros, level.lots)));
        Some(v1::Quote::of(id, bid, ask))
    }

    /// What the strategy wants, as far as it is safe.
    fn wanted(&mut self, id: u32) -> Quotes {
        let Line { instrument, bids, asks, trades, standing, share, .. } = &self.lines[&id];
        let Settings { limits, size, .. } = &self.settings;
        if instrument.gate.since(self.now.time) <= self.settings.before_gate {
            return Quotes::none("the gate is near");
        }
        if instrument.delivery.since(self.now.time) > self.settings.horizon {
            return Quotes::none("delivery is beyond the horizon");
        }
        let Some(product) = self.products.get(&instrument.product) else { return Quotes::none("no price") };
        let Some(fair) = product.fair else { return Quotes::none("pricing knows no fair price") };

        // Lots either way that no limit forbids, whatever else is filled.
        let hours = i128::from(instrument.hours.max(1));
        let left = |limit: i64, worst: i128, own: i128| (i128::from(limit) - (worst - own)).max(0);
        let money = left(limits.exposure_micros, self.sums.worst_micros, share.worst_micros);
        let most = [
            i128::from(limits.position),
            left(limits.product_lot_hours, product.worst, share.worst) / hours,
            left(limits.total_lot_hours, self.sums.worst, share.worst) / hours,
            money / i128::from(fair.price_micros) / hours,
        ];
        let most = most.into_iter().min().and_then(|most| i64::try_from(most).ok()).unwrap_or(i64::MAX / 4);
        let position = self.holdings.position(id).units;
        let room = most.saturating_sub(position).max(0);
        // Hours are those of each kind of period that covers them: each kind has its share.
        let kinds = product.kinds.len().max(1) as i64;
        let sellable = (self.holdings.free(instrument) / kinds).min(most.saturating_add(position)).max(0);

        let bids = without(bids, standing[BUY]);
        let asks = without(asks, standing[SELL]);
        let view = View {
            instrument,
            now: self.now.time,
            fair,
            grade: product.grade,
            bids: &bids,
            asks: &asks,
            trades,
            position,
            sellable,
            room,
            size: *size,
            volatility: product.volatility.now(),
        };
        let mut quotes = self.strategy.quote(&view);
        // From here on the strategy is not trusted.
        let tick = instrument.tick_micros.max(1);
        if let Ok(bid) = &mut quotes.bid {
            let below = asks.first().map_or(i64::MAX, |ask| ask.price_micros - tick);
            bid.price_micros = tick_down(bid.price_micros.min(below), tick);
            bid.lots = bid.lots.min(room).min(*size);
        }
        if let Ok(ask) = &mut quotes.ask {
            let above = bids.first().map_or(i64::MIN, |bid| bid.price_micros.saturating_add(tick));
            ask.price_micros = tick_up(ask.price_micros.max(above), tick);
            ask.lots = ask.lots.min(sellable).min(*size);
        }
        if let (Ok(bid), Ok(ask)) = (&quotes.bid, &quotes.ask)
            && bid.price_micros >= ask.price_micros
        {
            return Quotes::none("the strategy's bid is not below its ask");
        }
        let sound = |side: Result<Level, Why>, none: &'static str| match side {
            Ok(level) if level.price_micros < tick => Err("the price would lie below one tick".into()),
            Ok(level) if level.lots <= 0 => Err(none.into()),
            side => side,
        };
        Quotes {
            bid: sound(quotes.bid, "no room to hold more"),
            ask: sound(quotes.ask, "nothing is held that could be sold"),
        }
    }

    // --- what follows from it ---

    fn look_at(&mut self, id: u32) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if !line.waits {
            line.waits = true;
            self.queue.push_back(id);
        }
    }

    fn look_at_all_of(&mut self, product: &str) {
        let Some(known) = self.products.get(product) else { return };
        let all: Vec<u32> = known.lines.iter().copied().collect();
        for id in all {
            self.settle(id);
            self.look_at(id);
        }
    }

    /// The gate has closed: the position is no longer one that can be traded.
    fn close(&mut self, id: u32) {
        let Some(line) = self.lines.get(&id) else { return };
        let instrument = &line.instrument;
        let part = match instrument.hours {
            1 => None,
            24 => Some(1),
            _ => Some(24),
        };
        let Some(part) = part else {
            let fair = self.fair_micros(&instrument.product);
            return self.holdings.deliver(&line.instrument, fair);
        };
        let end = instrument.delivery.0 + i64::from(instrument.hours) * Time::HOUR;
        let is_part = |other: &&Instrument| {
            let within = other.delivery >= instrument.delivery && other.delivery.0 < end;
            other.hours == part && within
        };
        let product = self.products.get(&instrument.product);
        let siblings = product.into_iter().flat_map(|product| &product.lines);
        let mut parts: Vec<&Instrument> =
            siblings.filter_map(|id| Some(&self.lines.get(id)?.instrument)).filter(is_part).collect();
        parts.sort_by_key(|part| part.delivery);
        self.holdings.cascade(instrument, &parts);
        let parts: Vec<u32> = parts.iter().map(|part| part.id).collect();
        parts.into_iter().for_each(|part| self.settle(part));
    }

    fn fair_micros(&self, product: &str) -> i64 {
        self.products.get(product).and_then(|product| product.fair).map_or(0, |fair| fair.price_micros)
    }

    /// Brings an instrument's share of the sums up to what is known of it.
    fn settle(&mut self, id: u32) {
        let Some(line) = self.lines.get(&id) else { return };
        let fair = self.fair_micros(&line.instrument.product);
        let position = self.holdings.position(id).units;
        let line = self.lines.get_mut(&id).expect("it was just there");
        let stands = line.standing.map(|standing| standing.map(|standing| standing.level));
        if line.sent.is_none() {
            line.at_most = stands.map(|level| level.map_or(0, |level| level.lots));
        }
        let [bid, ask] = line.at_most;
        let worst = (position + bid).abs().max((position - ask).abs()).max(position.abs());
        let worst = i128::from(worst) * i128::from(line.instrument.hours);
        let tradable = matches!(line.status, Status::Continuous | Status::Auction);
        let share = Share::of(tradable, stands, worst, worst * i128::from(fair));
        let before = std::mem::replace(&mut line.share, share);
        self.sums.replace(before, share);
        if let Some(product) = self.products.get_mut(&line.instrument.product) {
            product.worst += share.worst - before.worst;
        }
    }

    /// What came of it so far.
    pub fn figures(&self) -> Figures {
        let mut figures = self.figures.clone();
        figures.state = self.state.clone();
        figures.instruments = self.lines.len() as u64;
        self.sums.tell(self.is_connected, &mut figures);
        for line in self.lines.values() {
            for why in line.why.iter().flatten() {
                *figures.withheld.entry(why.to_string()).or_default() += 1;
            }
        }
        for (id, position) in self.holdings.positions() {
            let Some(line) = self.lines.get(&id) else { continue };
            let lot_hours = i128::from(position.units) * i128::from(line.instrument.hours);
            let worth = lot_hours * i128::from(self.fair_micros(&line.instrument.product));
            figures.net_lot_hours += lot_hours;
            figures.open_lot_hours += lot_hours.abs();
            figures.exposure_micros += worth.abs();
            figures.marked_micros += worth - position.cost_micros;
        }
        figures.realised_micros = self.holdings.realised_micros();
        figures.fees_micros = self.holdings.fees_micros();
        figures.perished_lot_hours = self.holdings.perished();
        figures.feed_age = self.feed_heard.map_or(self.now.run, |heard| self.now.run.saturating_sub(heard));
        figures.pricing_age = match self.prices_hold {
            None => self.now.run,
            Some(None) => Duration::ZERO,
            Some(Some(lost)) => self.now.run.saturating_sub(lost),
        };
        figures
    }

    pub fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// The products that are quoted.
    pub fn products(&self) -> impl Iterator<Item = &str> {
        self.products.iter().filter(|(_, product)| !product.lines.is_empty()).map(|(name, _)| name.as_str())
    }

    pub fn state(&self) -> &State {
        &self.state
    }
}

fn is_over(status: Status) -> bool {
    matches!(status, Status::GateClosed | Status::Delivering | Status::Settled)
}

/// Months have lengths of their own, and are one kind.
fn kind(instrument: &Instrument) -> u32 {
    instrument.hours.min(672)
}

/// The side as it is to be: what stands, as long as it is near what is wanted and enough of it is left.
fn kept(settings: &Settings, stands: Option<Level>, wanted: Option<Level>) -> Option<Level> {
    let (Some(stands), Some(wanted)) = (stands, wanted) else { return wanted };
    let apart = i128::from(stands.price_micros.abs_diff(wanted.price_micros));
    let moved = apart * 1_000_000 > i128::from(settings.refresh_ppm) * i128::from(stands.price_micros);
    let filled =
        i128::from(stands.lots) * 100 < i128::from(wanted.lots) * i128::from(settings.refill_percent);
    if moved || filled { Some(wanted) } else { Some(Level { lots: stands.lots.min(wanted.lots), ..stands }) }
}

/// A side of the book without the maker's own lots.
fn without(levels: &[Level], own: Option<Standing>) -> Vec<Level> {
    let others = |level: &Level| {
        let ours = own.filter(|own| own.level.price_micros == level.price_micros);
        let lots = level.lots - ours.map_or(0, |own| own.level.lots);
        (lots > 0).then_some(Level { lots, ..*level })
    };
    levels.iter().filter_map(others).collect()
}
