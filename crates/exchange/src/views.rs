//! What may be asked of the exchange: orders, books, instruments, balances, positions.
//!
//! These are values, made for the asking. They show the state after the last command applied; whoever
//! asks from outside goes through the sequencer, which answers once that state is durable.

use crate::accounts::{Account, Key, NOBODY, Participant, Session};
use crate::instruments::{Instrument, Listed};
use crate::machine::{Exchange, Lifetime, Marks, OrderRecord};
use crate::quality::Service;
use hourbook_ledger::Position;
use hourbook_model::*;
use std::ops::Bound;

/// A live order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    pub id: OrderId,
    pub client_id: ClientId,
    pub account: AccountId,
    pub session: SessionId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    pub price: Price,
    /// Zero once a stop is triggered.
    pub trigger: Price,
    pub quantity: Quantity,
    pub cumulative: Quantity,
    pub leaves: Quantity,
    /// Lots others see.
    pub displayed: Quantity,
    pub post_only: bool,
    pub quote: bool,
    /// Cash held for a buy; a sell holds its leaves in hours.
    pub hold: Money,
}

/// Orders at one price: displayed lots and how many orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub price: Price,
    pub quantity: Quantity,
    pub orders: u32,
}

/// One order as L3 shows it, without its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookOrder {
    pub order: OrderId,
    pub price: Price,
    pub quantity: Quantity,
}

/// A book, best price first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookView {
    pub instrument: InstrumentId,
    pub status: Status,
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    /// Orders in the order in which they trade; empty unless asked for.
    pub bid_orders: Vec<BookOrder>,
    pub ask_orders: Vec<BookOrder>,
    pub last_trade: Option<Price>,
    pub reference: Option<Price>,
    pub band: Option<(Price, Price)>,
    /// In a call: the price and volume an uncross would have now.
    pub indicative: Option<(Price, Quantity)>,
}

/// Where a book that is looked at in pieces goes on: bids come before asks, best prices first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookMark {
    pub side: Side,
    /// The level that was looked at last; `None` before the first.
    pub behind: Option<Price>,
}

impl BookMark {
    pub const START: BookMark = BookMark { side: Side::Buy, behind: None };
}

/// A piece of a book: the displayed orders of whole levels, in the order in which they trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookPiece {
    pub from: BookMark,
    pub orders: Vec<(Side, BookOrder)>,
    /// Where the next piece begins; `None` when this is the last.
    pub next: Option<BookMark>,
}

/// An instrument with what its product says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentView {
    pub id: InstrumentId,
    pub symbol: Symbol,
    pub product: ProductId,
    pub status: Status,
    pub gate: Time,
    pub tick: Price,
    pub currency: String,
    pub maker_fee_ppm: u32,
    pub taker_fee_ppm: u32,
    pub last_trade: Option<Price>,
    pub reference: Option<Price>,
    pub call_until: Option<Time>,
    pub open_orders: u32,
}

/// An account's money in one currency, micros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    pub currency: String,
    /// Holds included; below zero where a credit line is used.
    pub cash: Money,
    pub held: Money,
    pub escrow: Money,
    /// The credit line; `None` is unlimited.
    pub credit: Option<Money>,
    /// cash + credit - held.
    pub available: Money,
}

/// Net units of an account in an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionView {
    pub instrument: InstrumentId,
    pub symbol: Symbol,
    pub units: i64,
    pub cost: Money,
    pub realised: Money,
    pub fee_due: Money,
}

/// Hours of one account in one product over a range in which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoursView {
    pub from: Hour,
    pub hours: u32,
    pub declared: Quantity,
    /// Not yet sold or held for a sell; hours bought are in it.
    pub available: Quantity,
}

fn some(price: Price) -> Option<Price> {
    (price.0 > 0).then_some(price)
}

impl Exchange {
    /// A live order; `None` for one that is over or never was.
    pub fn order(&self, id: OrderId) -> Option<OrderView> {
        if !self.is_live(id) {
            return None;
        }
        let record = self.orders[id.slot()];
        let expiry = self.expiries.get(&(id.slot() as u32)).map_or(Time(0), |expiry| expiry.0);
        Some(OrderView {
            id,
            client_id: if record.marks.has(Marks::NAMED) {
                self.accounts.name_of(id)
            } else {
                ClientId::NONE
            },
            account: record.account,
            session: record.session,
            instrument: record.instrument,
            side: record.side,
            order_type: record.order_type,
            time_in_force: match record.lifetime {
                Lifetime::Day => TimeInForce::Day,
                Lifetime::Gtd => TimeInForce::Gtd(expiry),
                Lifetime::Ioc => TimeInForce::Ioc,
                _ => TimeInForce::Gtc,
            },
            price: self.books.price(id),
            trigger: self.books.trigger(id),
            quantity: Quantity(i64::from(record.quantity)),
            cumulative: Quantity(i64::from(record.cumulative)),
            leaves: record.leaves(),
            displayed: self.books.displayed(id),
            post_only: record.marks.has(Marks::POST_ONLY),
            quote: record.marks.has(Marks::QUOTE),
            hold: record.hold,
        })
    }

    /// Bytes on the heap for orders and books, room that is not used yet included; names of orders apart.
    pub fn order_bytes(&self) -> usize {
        self.books.bytes() + self.orders.capacity() * size_of::<OrderRecord>()
    }

    /// The live order that an account calls so.
    pub fn order_named(&self, account: AccountId, client_id: &ClientId) -> Option<OrderView> {
        self.order(self.accounts.order_named(account, client_id)?)
    }

    /// Live orders of an account in arrival order, after `after`, at most `limit`. An `after` that is over
    /// begins at the first.
    pub fn orders_of(&self, account: AccountId, after: Option<OrderId>, limit: usize) -> Vec<OrderView> {
        let Some(known) = self.accounts.get(account) else { return Vec::new() };
        let after = after.filter(|id| self.is_live(*id) && self.orders[id.slot()].account == account);
        let mut slot = after.map_or(known.first_order, |id| self.orders[id.slot()].next);
        let mut found = Vec::new();
        while slot != NOBODY && found.len() < limit {
            found.extend(self.order(self.books.id_at(slot as usize)));
            slot = self.orders[slot as usize].next;
        }
        found
    }

    pub fn account(&self, id: AccountId) -> Option<AccountView<'_>> {
        let account = self.accounts.get(id)?;
        Some(AccountView { id, account, name: &self.accounts.profile(id).name })
    }

    /// Every account, by number.
    pub fn accounts(&self) -> impl Iterator<Item = AccountView<'_>> {
        self.accounts.all().map(|(id, account)| AccountView {
            id,
            account,
            name: &self.accounts.profile(id).name,
        })
    }

    pub fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.accounts.participant(id)
    }

    pub fn participants(&self) -> impl Iterator<Item = (ParticipantId, &Participant)> {
        (1..).map(ParticipantId).zip(&self.accounts.participants)
    }

    /// Every key ever issued, revoked ones too.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, &Key)> {
        (1..).map(KeyId).zip(&self.accounts.keys)
    }

    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.accounts.session(id)
    }

    pub fn product(&self, id: ProductId) -> Option<&Listed> {
        self.instruments.product(id)
    }

    pub fn product_named(&self, symbol: &ProductSymbol) -> Option<ProductId> {
        self.instruments.product_named(symbol)
    }

    pub fn products(&self) -> impl Iterator<Item = (ProductId, &Listed)> {
        self.instruments.products()
    }

    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.instruments.classes.values()
    }

    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.instruments.regions.values()
    }

    pub fn class(&self, code: &str) -> Option<&Class> {
        self.instruments.classes.get(code)
    }

    pub fn region(&self, code: &str) -> Option<&Region> {
        self.instruments.regions.get(code)
    }

    /// A provider's service in a class; `None` where nothing is known of it.
    pub fn service(&self, provider: ParticipantId, class: &str) -> Option<ServiceView<'_>> {
        self.quality.services.get(&(provider, class.to_owned())).map(ServiceView)
    }

    /// Every service of which something is known, by provider and class, behind `after`.
    pub fn services(
        &self,
        after: Option<&(ParticipantId, String)>,
    ) -> impl Iterator<Item = (ParticipantId, &str, ServiceView<'_>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let services = self.quality.services.range((from, Bound::Unbounded));
        services.map(|((provider, class), service)| (*provider, class.as_str(), ServiceView(service)))
    }

    /// The digest of the market definition that is in force; zeros before the first.
    pub fn adopted_market(&self) -> [u8; 32] {
        self.instruments.adopted
    }

    pub fn rules_version(&self) -> u32 {
        self.rules_version
    }

    pub fn currencies(&self) -> &[String] {
        &self.instruments.currencies
    }

    /// How many instruments are listed.
    pub fn instrument_count(&self) -> usize {
        self.instruments.len()
    }

    pub fn instrument_named(&self, symbol: &Symbol) -> Option<InstrumentId> {
        self.instruments.delivering(self.instruments.product_named(&symbol.product)?, symbol.period)
    }

    pub fn instrument(&self, id: InstrumentId) -> Option<InstrumentView> {
        self.instruments.get(id).map(|instrument| self.show(instrument))
    }

    /// Every instrument, by product, kind of period and start.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentView> + '_ {
        self.instruments.all().map(|instrument| self.show(instrument))
    }

    /// The instruments of one product, by kind of period and start.
    pub fn instruments_of(&self, product: ProductId) -> impl Iterator<Item = InstrumentView> + '_ {
        self.instruments.of_product(product).filter_map(|id| self.instrument(id))
    }

    /// How instruments of one product trade, by kind of period and start, after one of them: at most `limit`, and cheap.
    pub fn statuses_of(
        &self,
        product: ProductId,
        after: Option<Period>,
        limit: usize,
    ) -> Vec<(InstrumentId, Period, Status)> {
        let all = self.instruments.of_product_after(product, after).filter_map(|id| self.instruments.get(id));
        all.take(limit)
            .map(|instrument| (instrument.id, instrument.period, self.instruments.status(instrument)))
            .collect()
    }

    pub fn is_market_halted(&self) -> bool {
        self.instruments.halted
    }

    /// What an uncross of an instrument in a call would do, by the rule of an uncross, and about how many orders that looks
    /// at. `None` when it is not listed.
    pub fn indicative(&self, id: InstrumentId) -> Option<(Option<(Price, Quantity)>, usize)> {
        let instrument = self.instruments.get(id)?;
        if !instrument.in_call() {
            return Some((None, 1));
        }
        let indicative = self.books.indicative(id.slot(), some(instrument.last_trade));
        Some((indicative, instrument.open_orders as usize))
    }

    /// Instruments of one product with their best bid and best ask, by kind of period and start, after one of them: at most
    /// `limit`.
    pub fn tops_of(
        &self,
        product: ProductId,
        after: Option<Period>,
        limit: usize,
    ) -> Vec<(InstrumentView, Option<Price>, Option<Price>)> {
        let all = self.instruments.of_product_after(product, after).filter_map(|id| self.instruments.get(id));
        let best = |id: InstrumentId, side| self.books.best(id.slot(), side);
        all.take(limit)
            .map(|one| (self.show(one), best(one.id, Side::Buy), best(one.id, Side::Sell)))
            .collect()
    }

    fn show(&self, instrument: &Instrument) -> InstrumentView {
        let product = self.instruments.known(instrument.product);
        InstrumentView {
            id: instrument.id,
            symbol: Symbol { product: product.terms.symbol.clone(), period: instrument.period },
            product: instrument.product,
            status: self.instruments.status(instrument),
            gate: instrument.gate,
            tick: instrument.tick,
            currency: product.terms.currency.clone(),
            maker_fee_ppm: instrument.maker_fee_ppm,
            taker_fee_ppm: instrument.taker_fee_ppm,
            last_trade: some(instrument.last_trade),
            reference: self.instruments.reference(instrument),
            call_until: (instrument.call_until.0 > 0).then_some(instrument.call_until),
            open_orders: instrument.open_orders,
        }
    }

    /// The book of an instrument: `depth` levels a side, and at most `orders` single orders a side.
    pub fn book(&self, id: InstrumentId, depth: usize, orders: usize) -> Option<BookView> {
        let instrument = self.instruments.get(id)?;
        let slot = id.slot();
        let levels = |side| -> Vec<Level> {
            self.books
                .levels(slot, side)
                .take(depth)
                .map(|level| Level { price: level.price, quantity: level.quantity, orders: level.orders })
                .collect()
        };
        let single = |side| -> Vec<BookOrder> {
            self.books
                .orders(slot, side)
                .take(orders)
                .map(|order| BookOrder { order: order.id, price: order.price, quantity: order.displayed })
                .collect()
        };
        Some(BookView {
            instrument: id,
            status: self.instruments.status(instrument),
            bids: levels(Side::Buy),
            asks: levels(Side::Sell),
            bid_orders: single(Side::Buy),
            ask_orders: single(Side::Sell),
            last_trade: some(instrument.last_trade),
            reference: self.instruments.reference(instrument),
            band: self.order_band(instrument),
            indicative: self.indicative(id)?.0,
        })
    }

    /// A piece of an instrument's book, of about `room` orders: a level is never cut. Costs what it looks at.
    pub fn book_piece(&self, id: InstrumentId, from: BookMark, room: usize) -> Option<BookPiece> {
        self.instruments.get(id)?;
        let mut piece = BookPiece { from, orders: Vec::new(), next: Some(from) };
        while let Some(at) = piece.next.filter(|_| piece.orders.len() < room) {
            let left = room - piece.orders.len();
            let (orders, more) = self.books.orders_behind(id.slot(), at.side, at.behind, left);
            piece.orders.extend(orders.into_iter().map(|order| {
                (at.side, BookOrder { order: order.id, price: order.price, quantity: order.displayed })
            }));
            piece.next = match at.side {
                side if more.is_some() => Some(BookMark { side, behind: more }),
                Side::Buy => Some(BookMark { side: Side::Sell, behind: None }),
                Side::Sell => None,
            };
        }
        Some(piece)
    }

    /// An account's money, by currency.
    pub fn balances(&self, id: AccountId) -> Vec<Balance> {
        if self.accounts.get(id).is_none() {
            return Vec::new();
        }
        self.accounts
            .purses(id)
            .map(|purse| Balance {
                currency: self.instruments.currencies[usize::from(purse.currency.0)].clone(),
                cash: self.ledger.balance(purse.cash),
                held: self.ledger.held(purse.cash),
                escrow: self.ledger.balance(purse.escrow),
                credit: match self.ledger.account(purse.cash).credit() {
                    Credit::Line(line) => Some(line),
                    Credit::Unlimited => None,
                },
                available: self.ledger.available(purse.cash),
            })
            .collect()
    }

    /// What the house has taken in fees, by currency.
    pub fn fees(&self) -> Vec<(String, Money)> {
        let codes = self.instruments.currencies.iter().cloned();
        codes.zip(self.house.iter().map(|house| self.ledger.balance(house.fees))).collect()
    }

    /// The sum of all ledger accounts, by currency: zero, always.
    pub fn ledger_sums(&self) -> Vec<(String, Money)> {
        let codes = self.instruments.currencies.iter().cloned();
        codes.zip((0..).map(|currency| self.ledger.total(CurrencyId(currency)))).collect()
    }

    /// An account's positions by instrument id, without their names: cheap even where there are thousands.
    pub fn bare_positions(&self, id: AccountId) -> Vec<(InstrumentId, Position)> {
        let mut found = self.positions.of_account(id);
        found.extend(self.unpaired_of(id));
        found
    }

    /// An account's positions, by symbol.
    pub fn positions(&self, id: AccountId) -> Vec<PositionView> {
        let mut found: Vec<PositionView> = self
            .bare_positions(id)
            .into_iter()
            .filter_map(|(instrument, position)| {
                let symbol = self.instrument(instrument)?.symbol;
                let (units, cost) = (position.units, position.cost);
                let (realised, fee_due) = (position.realised, position.fee_due);
                Some(PositionView { instrument, symbol, units, cost, realised, fee_due })
            })
            .collect();
        found.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        found
    }

    /// What a gate that is under way has in hand of an account.
    fn unpaired_of(&self, id: AccountId) -> impl Iterator<Item = (InstrumentId, Position)> {
        let all = self.unpaired.iter().flat_map(|(at, unpaired)| unpaired.all().map(|one| (*at, *one)));
        all.filter(move |(_, (account, _))| *account == id).map(|(at, (_, position))| (at, position))
    }

    /// Hours of an account in a product, in ranges over which neither number changes.
    pub fn hours(&self, account: AccountId, product: ProductId) -> Vec<HoursView> {
        let Some(capacity) = self.hours.get(account, product) else { return Vec::new() };
        let mut edges: Vec<Hour> = [capacity.declared(), capacity.available()]
            .into_iter()
            .flat_map(|axis| axis.segments())
            .flat_map(|(range, _)| [range.start, range.end])
            .collect();
        edges.push(self.stamp.time.hour());
        edges.sort_unstable();
        edges.dedup();
        edges
            .windows(2)
            .filter(|edge| edge[0] >= self.stamp.time.hour())
            .map(|edge| HoursView {
                from: edge[0],
                hours: edge[1].0 - edge[0].0,
                declared: capacity.declared().at(edge[0]),
                available: capacity.available().at(edge[0]),
            })
            .collect()
    }

    /// What must be delivered in an hour, by its instrument.
    pub fn obligations(&self, id: InstrumentId) -> &[Obligation] {
        self.obligations.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// An account, its name, and how it stands.
#[derive(Clone, Copy)]
pub struct AccountView<'a> {
    pub id: AccountId,
    pub name: &'a str,
    account: &'a Account,
}

impl AccountView<'_> {
    pub fn participant(&self) -> ParticipantId {
        self.account.participant
    }

    pub fn is_killed(&self) -> bool {
        self.account.killed
    }

    pub fn limits(&self) -> Limits {
        self.account.limits
    }

    pub fn open_orders(&self) -> u32 {
        self.account.open_orders
    }

    /// The number of its last execution report, and of its last ledger line.
    pub fn last_numbers(&self) -> (u64, u64) {
        (self.account.reports, self.account.lines)
    }
}

/// A provider's service in a class.
#[derive(Clone, Copy)]
pub struct ServiceView<'a>(&'a Service);

impl<'a> ServiceView<'a> {
    /// What counts of its measurements: one a metric and day, in that order.
    pub fn observations(self) -> impl Iterator<Item = Observation> + 'a {
        self.0.evidence.iter().flat_map(|((metric, measure), days)| {
            days.iter().map(|(day, sum)| Observation {
                metric: metric.clone(),
                measure: *measure,
                day: *day,
                sum: *sum,
            })
        })
    }

    /// What pricing found last, and the digest of its parameters.
    pub fn standing(self) -> Option<(Standing, [u8; 16])> {
        self.0.standing.map(|standing| (standing, self.0.digest))
    }
}
