//! What a match moves: lots, cash to escrow, hours, positions, fees; and who is told.
//!
//! A buyer pays its amount into escrow and its fee to the house, out of its hold; what the position no
//! longer needs in escrow comes back at once. A seller's fee is due when it is paid. After each fill the
//! hold is no more than the same share of itself as the leaves are, so price improvement comes back with it.

use crate::accounts::{NOBODY, Purse};
use crate::machine::{Exchange, Lifetime, Marks, OrderRecord, Turn};
use hourbook_book::{Match, Pair};
use hourbook_ledger::Posting;
use hourbook_model::*;

impl Exchange {
    /// Settles one step of a taker's way through the book.
    pub(crate) fn settle_match(&mut self, turn: &mut Turn, slot: usize, taker: OrderId, met: &Match) {
        match *met {
            Match::Fill { maker, price, quantity, maker_done, slice } => {
                let trade = self.next_trade();
                let side = self.orders[taker.slot()].side;
                let instrument = self.instruments.at_mut(slot);
                instrument.last_trade = price;
                let (id, maker_ppm, taker_ppm) =
                    (instrument.id, instrument.maker_fee_ppm, instrument.taker_fee_ppm);
                turn.push(Event::Traded(Trade {
                    id: trade,
                    instrument: id,
                    price,
                    quantity,
                    taker_side: side,
                    maker,
                    taker,
                }));
                let (maker_order, taker_order) = ((maker, maker_ppm), (taker, taker_ppm));
                let (maker_fee, taker_fee) = match side {
                    Side::Buy => {
                        let fees =
                            self.move_money(turn, slot, trade, price, quantity, taker_order, maker_order);
                        (fees.seller, fees.buyer)
                    }
                    Side::Sell => {
                        let fees =
                            self.move_money(turn, slot, trade, price, quantity, maker_order, taker_order);
                        (fees.buyer, fees.seller)
                    }
                };
                let fill =
                    |liquidity, fee| ReportKind::Filled(Fill { trade, price, quantity, liquidity, fee });
                self.report(turn, maker, fill(Liquidity::Maker, maker_fee));
                self.report(turn, taker, fill(Liquidity::Taker, taker_fee));
                if slice > Quantity::ZERO {
                    self.show_in_book(turn, maker, slice, true);
                }
                if maker_done {
                    self.close(maker);
                }
            }
            Match::SelfTrade { maker, quantity, removed, taker_lost, slice } => {
                if removed {
                    self.show_in_book(turn, maker, Quantity::ZERO, false);
                    self.end_with(turn, maker, quantity, CancelReason::SelfTrade);
                } else {
                    self.shrink(maker, quantity);
                    self.report(turn, maker, ReportKind::Reduced);
                    // Of a slice that was not used up the rest is shown: nothing has met the maker after that.
                    let joins = slice > Quantity::ZERO;
                    let shown = if joins { slice } else { self.books.displayed(maker) };
                    self.show_in_book(turn, maker, shown, joins);
                }
                if taker_lost > Quantity::ZERO {
                    self.shrink(taker, taker_lost);
                    self.report(turn, taker, ReportKind::Reduced);
                }
            }
        }
    }

    /// Settles one pair of an uncross: nobody is a taker, both pay the maker's fee.
    pub(crate) fn settle_pair(&mut self, turn: &mut Turn, slot: usize, pair: &Pair) {
        let trade = self.next_trade();
        let (price, quantity) = (pair.price, pair.quantity);
        let instrument = self.instruments.at(slot);
        let (id, ppm) = (instrument.id, instrument.maker_fee_ppm);
        let taker_side = self.orders[pair.taker.slot()].side;
        turn.push(Event::Traded(Trade {
            id: trade,
            instrument: id,
            price,
            quantity,
            taker_side,
            maker: pair.maker,
            taker: pair.taker,
        }));
        let (buyer, seller) = match taker_side {
            Side::Buy => (pair.taker, pair.maker),
            Side::Sell => (pair.maker, pair.taker),
        };
        let fees = self.move_money(turn, slot, trade, price, quantity, (buyer, ppm), (seller, ppm));
        for order in [pair.maker, pair.taker] {
            let fee = if order == buyer { fees.buyer } else { fees.seller };
            let fill = Fill { trade, price, quantity, liquidity: Liquidity::Auction, fee };
            self.report(turn, order, ReportKind::Filled(fill));
        }
        let maker = (pair.maker, pair.maker_done, pair.maker_slice);
        let taker = (pair.taker, pair.taker_done, pair.taker_slice);
        for (order, done, slice) in [maker, taker] {
            if slice > Quantity::ZERO {
                self.show_in_book(turn, order, slice, true);
            }
            if done {
                self.close(order);
            }
        }
    }

    fn next_trade(&mut self) -> TradeId {
        self.trades += 1;
        TradeId(self.trades)
    }

    /// Lots, cash, escrow, hours and positions of one fill.
    #[allow(clippy::too_many_arguments)]
    fn move_money(
        &mut self,
        turn: &mut Turn,
        slot: usize,
        trade: TradeId,
        price: Price,
        lots: Quantity,
        (buy, buy_ppm): (OrderId, u32),
        (sell, sell_ppm): (OrderId, u32),
    ) -> Fees {
        let instrument = self.instruments.at(slot);
        let (id, currency, product) = (instrument.id, instrument.currency, instrument.product);
        let range = instrument.period.start..instrument.period.end();
        let amount =
            Money::of(price, lots, instrument.period.hours).expect("checked when the order was accepted");
        let fees = Fees { buyer: amount.share_ppm(buy_ppm), seller: amount.share_ppm(sell_ppm) };

        let released = self.use_hold(buy, lots, amount + fees.buyer);
        self.orders[buy.slot()].cumulative += lots.0 as u32;
        self.orders[sell.slot()].cumulative += lots.0 as u32;
        let buyer = self.orders[buy.slot()].account;
        let seller = self.orders[sell.slot()].account;
        let bought = self.positions.buy(buyer, id, lots, amount);
        let sold = self.positions.sell(seller, id, lots, amount, fees.seller);
        self.hours.give(buyer, product, range, lots);

        let payer = self.purse(buyer, currency);
        let payee = self.purse(seller, currency);
        let house = self.house[usize::from(currency.0)];
        // It pays the amount and gets back what the position does not need: bought.escrow in all.
        let cash = -(fees.buyer + bought.escrow);
        let freed = -sold.escrow;
        let mut lines = [Posting::new(payer.cash, Money(0)); 5];
        lines[0] = Posting::new(payer.cash, cash).releasing(released);
        lines[1] = Posting::new(payer.escrow, bought.escrow);
        let mut count = 2;
        if fees.buyer != Money::ZERO {
            lines[count] = Posting::new(house.fees, fees.buyer);
            count += 1;
        }
        if freed != Money::ZERO {
            lines[count] = Posting::new(payee.cash, freed);
            lines[count + 1] = Posting::new(payee.escrow, -freed);
            count += 2;
        }
        let entry = self.ledger.post(EntryKind::Fill, &lines[..count]);
        let line =
            LedgerLine { instrument: id, trade, ..Self::blank_line(buyer, entry, EntryKind::Fill, currency) };
        self.tell(turn, LedgerLine { cash, escrow: bought.escrow, fee: fees.buyer, ..line });
        if freed != Money::ZERO {
            let kind = EntryKind::EscrowRelease;
            self.tell(turn, LedgerLine { account: seller, kind, cash: freed, escrow: -freed, ..line });
        }
        fees
    }

    /// The part of a buy's hold that goes with `lots` of its leaves, for which it pays `cost`.
    ///
    /// Rounding down per fill adds up to no more than rounding once. Therefore a hold that covers all lots at
    /// the worst price still does after this, whichever of the two is less: what the cost leaves, or the leaves'
    /// share rounded up. An order that spends one sum over different prices keeps what the cost leaves.
    fn use_hold(&mut self, order: OrderId, lots: Quantity, cost: Money) -> Money {
        let record = &mut self.orders[order.slot()];
        let leaves = record.leaves();
        let rest = leaves - lots;
        // What an unlimited account spends is not all held.
        let left = (record.hold - cost).max(Money::ZERO);
        let kept = match () {
            _ if rest == Quantity::ZERO => Money::ZERO,
            _ if record.spends_one_sum() => left,
            _ => left.min(proportion(record.hold, rest, leaves)),
        };
        let released = record.hold - kept;
        record.hold = kept;
        released
    }

    /// Takes lots off an order that lives on, and gives back what they held.
    pub(crate) fn shrink(&mut self, id: OrderId, lots: Quantity) {
        let record = &mut self.orders[id.slot()];
        // On its way through the book an order may spend a whole sum on the lots that are left.
        let kept = if record.spends_one_sum() && !self.books.contains(id) {
            record.hold
        } else {
            proportion(record.hold, record.leaves() - lots, record.leaves())
        };
        let released = record.hold - kept;
        record.hold = kept;
        record.quantity -= lots.0 as u32;
        let OrderRecord { account, instrument, side, .. } = *record;
        self.give_cover(account, instrument, side, released, lots);
    }

    /// Ends an order that has left the book with `left` lots: cover back, report, slot free.
    pub(crate) fn end_with(&mut self, turn: &mut Turn, id: OrderId, left: Quantity, reason: CancelReason) {
        let record = &mut self.orders[id.slot()];
        let hold = std::mem::take(&mut record.hold);
        let OrderRecord { account, instrument, side, .. } = *record;
        let leaves = record.leaves();
        debug_assert_eq!(leaves, left, "the book and the record count the same lots");
        self.give_cover(account, instrument, side, hold, leaves);
        self.report_cancelled(turn, id, left, reason);
        self.close(id);
    }

    /// The order is over: off its account's list, its name and its slot free.
    pub(crate) fn close(&mut self, id: OrderId) {
        let record = self.orders[id.slot()];
        debug_assert_eq!(record.hold, Money::ZERO, "what is over holds nothing");
        if self.subject.0 == id {
            self.subject.1 = record;
        }
        if record.marks.has(Marks::LINKED) {
            self.unlink(id);
            self.instruments.at_mut(record.instrument.slot()).open_orders -= 1;
        }
        if record.marks.has(Marks::NAMED) {
            self.accounts.forget_order(record.account, id);
        }
        if matches!(record.lifetime, Lifetime::Day | Lifetime::Gtd) {
            self.drop_expiry(id, record.instrument);
        }
        if record.marks.has(Marks::QUOTE) {
            let quotes = &mut self.accounts.profile_mut(record.account).quotes;
            if quotes.get(&(record.instrument, record.side)) == Some(&id) {
                quotes.remove(&(record.instrument, record.side));
            }
        }
        self.orders[id.slot()] = OrderRecord::GONE;
        self.books.free(id);
    }

    /// Hangs an order on the end of its account's list.
    pub(crate) fn link(&mut self, id: OrderId) {
        let slot = id.slot() as u32;
        let record = &mut self.orders[id.slot()];
        record.marks = record.marks.with(Marks::LINKED, true);
        let account = self.accounts.known_mut(record.account);
        record.previous = account.last_order;
        record.next = NOBODY;
        let previous = std::mem::replace(&mut account.last_order, slot);
        account.open_orders += 1;
        if previous == NOBODY {
            account.first_order = slot;
        } else {
            self.orders[previous as usize].next = slot;
        }
    }

    fn unlink(&mut self, id: OrderId) {
        let OrderRecord { account, previous, next, .. } = self.orders[id.slot()];
        let account = self.accounts.known_mut(account);
        account.open_orders -= 1;
        if previous == NOBODY {
            account.first_order = next;
        } else {
            self.orders[previous as usize].next = next;
        }
        if next == NOBODY {
            account.last_order = previous;
        } else {
            self.orders[next as usize].previous = previous;
        }
    }

    /// An account's ledger accounts in a currency, opened at first use.
    pub(crate) fn purse(&mut self, account: AccountId, currency: CurrencyId) -> Purse {
        if let Some(purse) = self.accounts.purse(account, currency) {
            return purse;
        }
        use hourbook_ledger::{AccountKind, Owner};
        let owner = Owner::Account(account);
        let cash = self.ledger.open(owner, currency, AccountKind::Cash);
        let escrow = self.ledger.open(owner, currency, AccountKind::Escrow);
        if self.accounts.known(account).unlimited {
            self.ledger.set_credit(cash, Credit::Unlimited);
        }
        let purse = Purse { currency, cash, escrow };
        self.accounts.add_purse(account, purse);
        purse
    }

    /// Tells an account of a line of its ledger; number and balances are filled in here.
    pub(crate) fn tell(&mut self, turn: &mut Turn, line: LedgerLine) {
        let purse = self.purse(line.account, line.currency);
        let account = self.accounts.known_mut(line.account);
        account.lines += 1;
        turn.push(Event::Posted(LedgerLine {
            number: account.lines,
            cash_after: self.ledger.balance(purse.cash),
            escrow_after: self.ledger.balance(purse.escrow),
            ..line
        }));
    }

    /// A line of an account's ledger that moves nothing yet.
    pub(crate) fn blank_line(
        account: AccountId,
        entry: u64,
        kind: EntryKind,
        currency: CurrencyId,
    ) -> LedgerLine {
        LedgerLine {
            account,
            number: 0,
            entry,
            kind,
            currency,
            cash: Money::ZERO,
            escrow: Money::ZERO,
            cash_after: Money::ZERO,
            escrow_after: Money::ZERO,
            fee: Money::ZERO,
            instrument: InstrumentId(0),
            trade: TradeId(0),
        }
    }
}

/// What both sides of a fill pay.
#[derive(Clone, Copy)]
struct Fees {
    buyer: Money,
    seller: Money,
}

/// `money` x `part` / `whole`, rounded up; nothing is negative and part is at most whole.
pub(crate) fn proportion(money: Money, part: Quantity, whole: Quantity) -> Money {
    match money.0.checked_mul(part.0) {
        // In u64 a division takes half the time.
        Some(product) => Money((product as u64).div_ceil(whole.0 as u64) as i64),
        None => {
            let product = i128::from(money.0) * i128::from(part.0);
            Money(((product + i128::from(whole.0) - 1) / i128::from(whole.0)) as i64)
        }
    }
}
