//! How an entry is packed: as what differs from the one before it.
//!
//! Flags first, then only what they do not say, as variable-length integers: a report takes a tenth of its size. The
//! first entry of a run is packed against a blank one, so that a run can be read on its own.

use hourbook_model::*;
use serde::de::DeserializeOwned;

/// Changes whenever what is kept is read differently, or more is kept.
const FORMAT: u64 = 3;

/// What is kept of an account, numbered by account; of an instrument, its id stands for the account.
pub(crate) trait Entry: Copy {
    /// What the first of a run is packed against.
    const BLANK: Self;
    /// Each number is one more than the one before: it need not be packed.
    const GAPLESS: bool;

    fn number(&self) -> u64;
    fn pack(&self, at: Stamp, before: &(Stamp, Self), to: &mut Vec<u8>);
    /// Reads what `pack` wrote; `None` where that makes no sense. `number` is right for what is gapless.
    fn unpack(
        number: u64,
        account: AccountId,
        before: &(Stamp, Self),
        from: &mut &[u8],
    ) -> Option<(Stamp, Self)>;
}

/// The format, and the words that are packed by their place among their like: a digest that tells a file which this
/// program would misread.
pub(crate) fn format() -> u64 {
    let mut digest = FORMAT;
    let mut add = |word: String| {
        for byte in word.bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    (0..=u8::MAX).map_while(word::<RejectReason>).for_each(|reason| add(format!("{reason:?}")));
    (0..=u8::MAX).map_while(word::<CancelReason>).for_each(|reason| add(format!("{reason:?}")));
    (0..=u8::MAX).map_while(word::<EntryKind>).for_each(|kind| add(format!("{kind:?}")));
    digest
}

// --- reports ---

/// The flags of a report, 24 bits; the kind stands in the lowest four.
mod flag {
    pub const SELL: u32 = 1 << 4;
    pub const TYPE: u32 = 5;
    pub const TIME_IN_FORCE: u32 = 7;
    pub const SAME_STAMP: u32 = 1 << 10;
    pub const SAME_SESSION: u32 = 1 << 11;
    pub const SAME_REQUEST: u32 = 1 << 12;
    pub const NEXT_REQUEST: u32 = 1 << 13;
    pub const NO_REQUEST: u32 = SAME_REQUEST | NEXT_REQUEST;
    pub const SAME_INSTRUMENT: u32 = 1 << 14;
    pub const SAME_PRICE: u32 = 1 << 15;
    pub const NO_TRIGGER: u32 = 1 << 16;
    pub const SAME_NAME: u32 = 1 << 17;
    pub const NO_NAME: u32 = 1 << 18;
    pub const NOTHING_FILLED: u32 = 1 << 19;
    pub const REST_OPEN: u32 = 1 << 20;
    pub const SAME_QUANTITY: u32 = 1 << 21;
    pub const SAME_ORDER: u32 = 1 << 22;
}

const ORDER_TYPES: [OrderType; 4] =
    [OrderType::Limit, OrderType::Market, OrderType::Stop, OrderType::StopLimit];
const LIQUIDITIES: [Liquidity; 3] = [Liquidity::Maker, Liquidity::Taker, Liquidity::Auction];

impl Entry for Report {
    const BLANK: Report = Report {
        account: AccountId(0),
        number: 0,
        kind: ReportKind::Accepted,
        order: OrderId::NONE,
        client_id: ClientId::NONE,
        session: SessionId(0),
        request: 0,
        instrument: InstrumentId(0),
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        price: Price(0),
        trigger: Price(0),
        quantity: Quantity(0),
        cumulative: Quantity(0),
        leaves: Quantity(0),
    };
    const GAPLESS: bool = true;

    fn number(&self) -> u64 {
        self.number
    }

    fn pack(&self, at: Stamp, (before_at, before): &(Stamp, Report), to: &mut Vec<u8>) {
        use flag::*;
        let kind = match self.kind {
            ReportKind::Accepted => 0,
            ReportKind::Rejected(_) => 1,
            ReportKind::Filled(_) => 2,
            ReportKind::Cancelled { .. } => 3,
            ReportKind::Amended => 4,
            ReportKind::Reduced => 5,
            ReportKind::Triggered => 6,
            ReportKind::CancelRejected(_) => 7,
            ReportKind::AmendRejected(_) => 8,
            ReportKind::MassCancelled => 9,
            ReportKind::MassCancelRejected(_) => 10,
        };
        let order_type = match self.order_type {
            OrderType::Limit => 0,
            OrderType::Market => 1,
            OrderType::Stop => 2,
            OrderType::StopLimit => 3,
        };
        let time_in_force = match self.time_in_force {
            TimeInForce::Gtc => 0,
            TimeInForce::Day => 1,
            TimeInForce::Gtd(_) => 2,
            TimeInForce::Ioc => 3,
            TimeInForce::Fok => 4,
            TimeInForce::FokBudget(_) => 5,
        };
        let when = |yes: bool, flag: u32| if yes { flag } else { 0 };
        let flags = kind
            | when(self.side == Side::Sell, SELL)
            | order_type << TYPE
            | time_in_force << TIME_IN_FORCE
            | when(at == *before_at, SAME_STAMP)
            | when(self.session == before.session, SAME_SESSION)
            | match self.request {
                0 => NO_REQUEST,
                request if request == before.request => SAME_REQUEST,
                request if request == before.request.wrapping_add(1) => NEXT_REQUEST,
                _ => 0,
            }
            | when(self.instrument == before.instrument, SAME_INSTRUMENT)
            | when(self.price == before.price, SAME_PRICE)
            | when(self.trigger == Price(0), NO_TRIGGER)
            | if self.client_id.is_none() {
                NO_NAME
            } else {
                when(self.client_id == before.client_id, SAME_NAME)
            }
            | when(self.cumulative == Quantity(0), NOTHING_FILLED)
            | when(self.leaves.0 == self.quantity.0.wrapping_sub(self.cumulative.0), REST_OPEN)
            | when(self.quantity == before.quantity, SAME_QUANTITY)
            | when(self.order == before.order, SAME_ORDER);
        let [a, b, c, _] = flags.to_le_bytes();
        to.extend_from_slice(&[a, b, c]);

        let lacks = |flag: u32| flags & flag == 0;
        if lacks(SAME_STAMP) {
            put_stamp(at, *before_at, to);
        }
        if lacks(SAME_SESSION) {
            put(u64::from(self.session.0), to);
        }
        if lacks(NO_REQUEST) {
            put(self.request, to);
        }
        if lacks(SAME_ORDER) {
            put_difference(self.order.slot() as i64, before.order.slot() as i64, to);
            put(u64::from(self.order.generation()), to);
        }
        if lacks(SAME_INSTRUMENT) {
            put(u64::from(self.instrument.0), to);
        }
        if lacks(NO_NAME | SAME_NAME) {
            put_name(self.client_id.as_str(), before.client_id.as_str(), to);
        }
        if lacks(SAME_PRICE) {
            put_difference(self.price.0, before.price.0, to);
        }
        if lacks(NO_TRIGGER) {
            put_difference(self.trigger.0, self.price.0, to);
        }
        if lacks(SAME_QUANTITY) {
            put_signed(self.quantity.0, to);
        }
        if lacks(NOTHING_FILLED) {
            put_signed(self.cumulative.0, to);
        }
        if lacks(REST_OPEN) {
            put_signed(self.leaves.0, to);
        }
        match self.time_in_force {
            TimeInForce::Gtd(Time(value)) | TimeInForce::FokBudget(Money(value)) => put_signed(value, to),
            _ => {}
        }
        match self.kind {
            ReportKind::Rejected(reason)
            | ReportKind::CancelRejected(reason)
            | ReportKind::AmendRejected(reason)
            | ReportKind::MassCancelRejected(reason) => to.push(reason as u8),
            ReportKind::Cancelled { quantity, reason } => {
                to.push(reason as u8);
                put_signed(quantity.0, to);
            }
            ReportKind::Filled(fill) => {
                to.push(match fill.liquidity {
                    Liquidity::Maker => 0,
                    Liquidity::Taker => 1,
                    Liquidity::Auction => 2,
                });
                put(fill.trade.0, to);
                put_difference(fill.price.0, self.price.0, to);
                put_signed(fill.quantity.0, to);
                put_signed(fill.fee.0, to);
            }
            ReportKind::Accepted
            | ReportKind::Amended
            | ReportKind::Reduced
            | ReportKind::Triggered
            | ReportKind::MassCancelled => {}
        }
    }

    fn unpack(
        number: u64,
        account: AccountId,
        (before_at, before): &(Stamp, Report),
        from: &mut &[u8],
    ) -> Option<(Stamp, Report)> {
        use flag::*;
        let flags = u32::from_le_bytes([take_byte(from)?, take_byte(from)?, take_byte(from)?, 0]);
        let has = |flag: u32| flags & flag != 0;
        let at = if has(SAME_STAMP) { *before_at } else { take_stamp(*before_at, from)? };
        let session = if has(SAME_SESSION) { before.session } else { SessionId(take_u32(from)?) };
        let request = match flags & NO_REQUEST {
            NO_REQUEST => 0,
            SAME_REQUEST => before.request,
            NEXT_REQUEST => before.request.wrapping_add(1),
            _ => take(from)?,
        };
        let order = if has(SAME_ORDER) {
            before.order
        } else {
            let slot = take_difference(before.order.slot() as i64, from)?;
            OrderId::new(u32::try_from(slot).ok()?, take_u32(from)?)
        };
        let instrument = if has(SAME_INSTRUMENT) { before.instrument } else { InstrumentId(take_u32(from)?) };
        let client_id = match (has(NO_NAME), has(SAME_NAME)) {
            (true, _) => ClientId::NONE,
            (false, true) => before.client_id,
            (false, false) => take_name(before.client_id.as_str(), from)?,
        };
        let price = if has(SAME_PRICE) { before.price.0 } else { take_difference(before.price.0, from)? };
        let trigger = if has(NO_TRIGGER) { 0 } else { take_difference(price, from)? };
        let quantity = if has(SAME_QUANTITY) { before.quantity.0 } else { take_signed(from)? };
        let cumulative = if has(NOTHING_FILLED) { 0 } else { take_signed(from)? };
        let leaves = if has(REST_OPEN) { quantity.wrapping_sub(cumulative) } else { take_signed(from)? };
        let time_in_force = match flags >> TIME_IN_FORCE & 7 {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Day,
            2 => TimeInForce::Gtd(Time(take_signed(from)?)),
            3 => TimeInForce::Ioc,
            4 => TimeInForce::Fok,
            5 => TimeInForce::FokBudget(Money(take_signed(from)?)),
            _ => return None,
        };
        let kind = match flags & 15 {
            0 => ReportKind::Accepted,
            1 => ReportKind::Rejected(take_word(from)?),
            2 => {
                let liquidity = *LIQUIDITIES.get(usize::from(take_byte(from)?))?;
                ReportKind::Filled(Fill {
                    trade: TradeId(take(from)?),
                    price: Price(take_difference(price, from)?),
                    quantity: Quantity(take_signed(from)?),
                    liquidity,
                    fee: Money(take_signed(from)?),
                })
            }
            3 => {
                let reason = take_word(from)?;
                ReportKind::Cancelled { quantity: Quantity(take_signed(from)?), reason }
            }
            4 => ReportKind::Amended,
            5 => ReportKind::Reduced,
            6 => ReportKind::Triggered,
            7 => ReportKind::CancelRejected(take_word(from)?),
            8 => ReportKind::AmendRejected(take_word(from)?),
            9 => ReportKind::MassCancelled,
            10 => ReportKind::MassCancelRejected(take_word(from)?),
            _ => return None,
        };
        let report = Report {
            account,
            number,
            kind,
            order,
            client_id,
            session,
            request,
            instrument,
            side: if has(SELL) { Side::Sell } else { Side::Buy },
            order_type: ORDER_TYPES[(flags >> TYPE & 3) as usize],
            time_in_force,
            price: Price(price),
            trigger: Price(trigger),
            quantity: Quantity(quantity),
            cumulative: Quantity(cumulative),
            leaves: Quantity(leaves),
        };
        Some((at, report))
    }
}

// --- ledger lines ---

impl Entry for LedgerLine {
    const BLANK: LedgerLine = LedgerLine {
        account: AccountId(0),
        number: 0,
        entry: 0,
        kind: EntryKind::Deposit,
        currency: CurrencyId(0),
        cash: Money(0),
        escrow: Money(0),
        cash_after: Money(0),
        escrow_after: Money(0),
        fee: Money(0),
        instrument: InstrumentId(0),
        trade: TradeId(0),
    };
    const GAPLESS: bool = true;

    fn number(&self) -> u64 {
        self.number
    }

    fn pack(&self, at: Stamp, (before_at, before): &(Stamp, LedgerLine), to: &mut Vec<u8>) {
        let same_stamp = at == *before_at;
        let same_currency = self.currency == before.currency;
        let same_instrument = self.instrument == before.instrument;
        let no_fee = self.fee == Money(0);
        // The balances follow from the line before, as long as that is of the same currency.
        let cash_follows = self.cash_after.0 == before.cash_after.0.wrapping_add(self.cash.0);
        let escrow_follows = self.escrow_after.0 == before.escrow_after.0.wrapping_add(self.escrow.0);
        let flags = [same_stamp, same_currency, same_instrument, no_fee, cash_follows, escrow_follows];
        to.push(flags.iter().enumerate().fold(0, |byte, (bit, flag)| byte | u8::from(*flag) << bit));
        to.push(self.kind as u8);
        if !same_stamp {
            put_stamp(at, *before_at, to);
        }
        if !same_currency {
            put(u64::from(self.currency.0), to);
        }
        if !same_instrument {
            put(u64::from(self.instrument.0), to);
        }
        put_difference(self.entry as i64, before.entry as i64, to);
        put_difference(self.trade.0 as i64, before.trade.0 as i64, to);
        put_signed(self.cash.0, to);
        put_signed(self.escrow.0, to);
        if !no_fee {
            put_signed(self.fee.0, to);
        }
        if !cash_follows {
            put_signed(self.cash_after.0, to);
        }
        if !escrow_follows {
            put_signed(self.escrow_after.0, to);
        }
    }

    fn unpack(
        number: u64,
        account: AccountId,
        (before_at, before): &(Stamp, LedgerLine),
        from: &mut &[u8],
    ) -> Option<(Stamp, LedgerLine)> {
        let flags = take_byte(from)?;
        let [same_stamp, same_currency, same_instrument, no_fee, cash_follows, escrow_follows] =
            std::array::from_fn(|bit| flags >> bit & 1 == 1);
        let kind = take_word(from)?;
        let at = if same_stamp { *before_at } else { take_stamp(*before_at, from)? };
        let currency =
            if same_currency { before.currency } else { CurrencyId(u16::try_from(take(from)?).ok()?) };
        let instrument = if same_instrument { before.instrument } else { InstrumentId(take_u32(from)?) };
        let entry = take_difference(before.entry as i64, from)? as u64;
        let trade = TradeId(take_difference(before.trade.0 as i64, from)? as u64);
        let cash = take_signed(from)?;
        let escrow = take_signed(from)?;
        let fee = if no_fee { 0 } else { take_signed(from)? };
        let cash_after =
            if cash_follows { before.cash_after.0.wrapping_add(cash) } else { take_signed(from)? };
        let escrow_after =
            if escrow_follows { before.escrow_after.0.wrapping_add(escrow) } else { take_signed(from)? };
        let line = LedgerLine {
            account,
            number,
            entry,
            kind,
            currency,
            cash: Money(cash),
            escrow: Money(escrow),
            cash_after: Money(cash_after),
            escrow_after: Money(escrow_after),
            fee: Money(fee),
            instrument,
            trade,
        };
        Some((at, line))
    }
}

// --- marks ---

/// Points at a report that ended an order, or is a fill: what is asked for by other than its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The report's.
    pub number: u64,
    pub ends: bool,
    pub fills: bool,
    /// Digests; 0 is no order, no name.
    pub order: u32,
    pub name: u32,
}

impl Mark {
    /// `None` for a report that is neither.
    pub fn of(report: &Report) -> Option<Mark> {
        let fills = matches!(report.kind, ReportKind::Filled(_));
        let ends = match report.kind {
            ReportKind::Filled(_) | ReportKind::Cancelled { .. } => report.leaves == Quantity(0),
            ReportKind::Rejected(_) => true,
            _ => false,
        };
        if !fills && !ends {
            return None;
        }
        // An order refused because its name was taken is not the one that the name finds.
        let nameless = matches!(
            report.kind,
            ReportKind::Rejected(RejectReason::DuplicateClientId | RejectReason::ClientIdReused)
        );
        Some(Mark {
            number: report.number,
            ends,
            fills,
            order: Mark::order(report.order),
            name: if nameless { 0 } else { Mark::name(&report.client_id) },
        })
    }

    pub fn order(id: OrderId) -> u32 {
        if id == OrderId::NONE { 0 } else { mix(0, id.0) as u32 | 1 }
    }

    pub fn name(id: &ClientId) -> u32 {
        if id.is_none() {
            return 0;
        }
        let words = id.as_str().as_bytes().chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        words.fold(0, mix) as u32 | 1
    }
}

/// Kept on disk: never to change without [`FORMAT`].
fn mix(digest: u64, word: u64) -> u64 {
    let product = u128::from(digest ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    product as u64 ^ (product >> 64) as u64
}

impl Entry for Mark {
    const BLANK: Mark = Mark { number: 0, ends: false, fills: false, order: 0, name: 0 };
    const GAPLESS: bool = false;

    fn number(&self) -> u64 {
        self.number
    }

    fn pack(&self, _: Stamp, (_, before): &(Stamp, Mark), to: &mut Vec<u8>) {
        let skipped = self.number.wrapping_sub(before.number);
        put(skipped << 2 | u64::from(self.ends) << 1 | u64::from(self.fills), to);
        to.extend_from_slice(&self.order.to_le_bytes());
        to.extend_from_slice(&self.name.to_le_bytes());
    }

    fn unpack(_: u64, _: AccountId, (at, before): &(Stamp, Mark), from: &mut &[u8]) -> Option<(Stamp, Mark)> {
        let first = take(from)?;
        let (digests, rest) = from.split_first_chunk::<8>()?;
        *from = rest;
        let digests = u64::from_le_bytes(*digests);
        let mark = Mark {
            number: before.number.wrapping_add(first >> 2),
            ends: first & 2 != 0,
            fills: first & 1 != 0,
            order: digests as u32,
            name: (digests >> 32) as u32,
        };
        Some((*at, mark))
    }
}

// --- prints ---

/// A trade as everyone saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    pub id: TradeId,
    pub price: Price,
    pub quantity: Quantity,
    /// The taker's side; in an uncross, the younger order's.
    pub taker_side: Side,
}

impl Print {
    pub(crate) fn of(trade: &Trade) -> Print {
        let Trade { id, price, quantity, taker_side, .. } = *trade;
        Print { id, price, quantity, taker_side }
    }
}

impl Entry for Print {
    const BLANK: Print =
        Print { id: TradeId(0), price: Price(0), quantity: Quantity(0), taker_side: Side::Buy };
    const GAPLESS: bool = false;

    fn number(&self) -> u64 {
        self.id.0
    }

    fn pack(&self, at: Stamp, (before_at, before): &(Stamp, Print), to: &mut Vec<u8>) {
        let same_stamp = at == *before_at;
        let same_price = self.price == before.price;
        let sold = self.taker_side == Side::Sell;
        to.push(u8::from(same_stamp) | u8::from(same_price) << 1 | u8::from(sold) << 2);
        put(self.id.0.wrapping_sub(before.id.0), to);
        if !same_stamp {
            put_stamp(at, *before_at, to);
        }
        if !same_price {
            put_difference(self.price.0, before.price.0, to);
        }
        put_signed(self.quantity.0, to);
    }

    fn unpack(
        _: u64,
        _: AccountId,
        (before_at, before): &(Stamp, Print),
        from: &mut &[u8],
    ) -> Option<(Stamp, Print)> {
        let flags = take_byte(from)?;
        let id = TradeId(before.id.0.wrapping_add(take(from)?));
        let at = if flags & 1 == 1 { *before_at } else { take_stamp(*before_at, from)? };
        let price = if flags & 2 == 2 { before.price } else { Price(take_difference(before.price.0, from)?) };
        let quantity = Quantity(take_signed(from)?);
        let taker_side = if flags & 4 == 4 { Side::Sell } else { Side::Buy };
        (flags < 8).then_some((at, Print { id, price, quantity, taker_side }))
    }
}

// --- numbers and names ---

fn put(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Small when the value is near zero, on either side.
fn put_signed(value: i64, to: &mut Vec<u8>) {
    put((value << 1 ^ value >> 63) as u64, to);
}

fn put_difference(value: i64, before: i64, to: &mut Vec<u8>) {
    put_signed(value.wrapping_sub(before), to);
}

fn put_stamp(at: Stamp, before: Stamp, to: &mut Vec<u8>) {
    put(at.seq.wrapping_sub(before.seq), to);
    put_difference(at.time.0, before.time.0, to);
}

/// How much of the beginning is the same, how much follows, and what follows.
fn put_name(name: &str, before: &str, to: &mut Vec<u8>) {
    let (name, before) = (name.as_bytes(), before.as_bytes());
    let same = name.iter().zip(before).take_while(|(a, b)| a == b).count();
    to.push(same as u8);
    to.push((name.len() - same) as u8);
    to.extend_from_slice(&name[same..]);
}

fn take_byte(from: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = from.split_first()?;
    *from = rest;
    Some(*byte)
}

fn take(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = take_byte(from)?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_u32(from: &mut &[u8]) -> Option<u32> {
    u32::try_from(take(from)?).ok()
}

fn take_signed(from: &mut &[u8]) -> Option<i64> {
    let value = take(from)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}

fn take_difference(before: i64, from: &mut &[u8]) -> Option<i64> {
    Some(before.wrapping_add(take_signed(from)?))
}

fn take_stamp(before: Stamp, from: &mut &[u8]) -> Option<Stamp> {
    let seq = before.seq.wrapping_add(take(from)?);
    Some(Stamp { seq, time: Time(take_difference(before.time.0, from)?) })
}

fn take_name(before: &str, from: &mut &[u8]) -> Option<ClientId> {
    let same = before.get(..usize::from(take_byte(from)?))?;
    let length = usize::from(take_byte(from)?);
    let (more, rest) = from.split_at_checked(length)?;
    *from = rest;
    let mut name = String::with_capacity(same.len() + length);
    name.push_str(same);
    name.push_str(std::str::from_utf8(more).ok()?);
    ClientId::new(&name)
}

fn take_word<T: DeserializeOwned>(from: &mut &[u8]) -> Option<T> {
    word(take_byte(from)?)
}

/// The word at this place among its like; postcard knows a word without contents by nothing else.
fn word<T: DeserializeOwned>(place: u8) -> Option<T> {
    postcard::from_bytes(&[place]).ok()
}
