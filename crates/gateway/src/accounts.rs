//! AccountService: what an account has.

use crate::calls::caller;
use crate::instruments::symbol_token;
use crate::orders::Near;
use crate::{Inside, status};
use hourbook_api::convert;
use hourbook_api::v1;
use hourbook_api::v1::account_service_server::AccountService;
use hourbook_exchange::{AccountView, Exchange};
use hourbook_model::*;
use std::sync::Arc;
use tonic::{Request as Call, Response, Status as Refusal};

pub struct Accounts(pub Arc<Inside>);

type Answered<T> = Result<Response<T>, Refusal>;

/// Positions of an account, and ranges of its hours, about: what more there is, is paid for afterwards.
const POSITIONS: usize = 2_000;
const RANGES: usize = 100;

#[tonic::async_trait]
impl AccountService for Accounts {
    async fn list_accounts(&self, call: Call<v1::ListAccountsRequest>) -> Answered<v1::ListAccountsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let after = convert::page_token(&wire.page_token).map_err(status::misshapen)?.unwrap_or(0);
        let look = move |exchange: &Exchange| {
            let Some(participant) = exchange.participant(caller.participant) else { return Vec::new() };
            let own = participant.accounts.iter().copied();
            // A key of one account sees that one.
            own.filter(|id| caller.account.0 == 0 || *id == caller.account)
                .filter(|id| u64::from(id.0) > after)
                .filter_map(|id| exchange.account(id))
                .take(size + 1)
                .map(wire_account)
                .collect()
        };
        let (_, accounts) = self.0.list(&caller, size, look).await?;
        let (accounts, next_page_token) = page(accounts, size, |account| account.account_id.to_string());
        Ok(Response::new(v1::ListAccountsResponse { accounts, next_page_token }))
    }

    async fn get_balances(&self, call: Call<v1::GetBalancesRequest>) -> Answered<v1::GetBalancesResponse> {
        let caller = caller(&call)?;
        let account = self.0.account(&caller, call.into_inner().account_id)?;
        let look = move |exchange: &Exchange| (exchange.stamp(), exchange.balances(account));
        let (stamp, mut balances) = self.0.look(&caller, 1, look).await?;
        balances.sort_by(|a, b| a.currency.cmp(&b.currency));
        let balances = balances.into_iter().map(|balance| v1::Balance {
            currency: balance.currency,
            cash_micros: balance.cash.0,
            held_micros: balance.held.0,
            escrow_micros: balance.escrow.0,
            credit_micros: balance.credit.map_or(0, |line| line.0),
            unlimited_credit: balance.credit.is_none(),
            available_micros: balance.available.0,
        });
        Ok(Response::new(v1::GetBalancesResponse { balances: balances.collect(), sequence: stamp.seq }))
    }

    async fn list_holds(&self, call: Call<v1::ListHoldsRequest>) -> Answered<v1::ListHoldsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = self.0.account(&caller, wire.account_id)?;
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let near = Near::parse(&wire.page_token).map_err(status::misshapen)?;
        let look =
            move |exchange: &Exchange| exchange.orders_of(account, near.found(exchange, account), size + 1);
        let (_, mut orders) = self.0.list(&caller, size, look).await?;
        let more = orders.len() > size;
        orders.truncate(size);
        let next_page_token = if more { Near::of(&orders).to_string() } else { String::new() };
        let holds = orders.iter().map(|order| v1::Hold {
            order_id: order.id.0,
            client_order_id: order.client_id.as_str().into(),
            symbol: self.0.symbol(order.instrument),
            cash_micros: order.hold.0,
            hours_quantity: if order.side == Side::Sell { order.leaves.0 } else { 0 },
        });
        Ok(Response::new(v1::ListHoldsResponse { holds: holds.collect(), next_page_token }))
    }

    async fn list_positions(
        &self,
        call: Call<v1::ListPositionsRequest>,
    ) -> Answered<v1::ListPositionsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = self.0.account(&caller, wire.account_id)?;
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let after: Option<Symbol> = symbol_token(&wire.page_token).map_err(status::misshapen)?;
        let look = move |exchange: &Exchange| exchange.bare_positions(account);
        let (stamp, bare) = self.0.list(&caller, POSITIONS, look).await?;
        // What was listed by then is in the directory by then.
        self.0.seen(stamp.seq).await;
        let rest = bare.iter().filter_map(|(id, position)| {
            let symbol: Symbol = self.0.directory.symbol(*id)?.parse().ok()?;
            after.as_ref().is_none_or(|after| symbol > *after).then_some((symbol, (id, position)))
        });
        let mut rest: Vec<_> = rest.collect();
        rest.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let positions = rest.iter().take(size + 1).map(|(symbol, (id, position))| v1::Position {
            symbol: symbol.to_string(),
            instrument_id: id.0,
            units: position.units,
            cost_micros: position.cost.0,
            realised_micros: position.realised.0,
            fee_due_micros: position.fee_due.0,
        });
        let positions = positions.collect();
        let (positions, next_page_token) = page(positions, size, |position| position.symbol.clone());
        Ok(Response::new(v1::ListPositionsResponse { positions, next_page_token }))
    }

    async fn list_capacity(&self, call: Call<v1::ListCapacityRequest>) -> Answered<v1::ListCapacityResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = self.0.account(&caller, wire.account_id)?;
        let product =
            convert::product("product", &wire.product, &self.0.directory).map_err(status::misshapen)?;
        if product == ProductId(0) {
            return Err(status::not_found("product: no such product"));
        }
        let look = move |exchange: &Exchange| exchange.hours(account, product);
        let (_, hours) = self.0.list(&caller, RANGES, look).await?;
        let ranges = hours.iter().map(|range| v1::CapacityRange {
            start_time: Some(convert::timestamp(range.from.start())),
            hours: range.hours,
            declared_quantity: range.declared.0,
            available_quantity: range.available.0,
        });
        Ok(Response::new(v1::ListCapacityResponse { ranges: ranges.collect() }))
    }

    async fn list_ledger_entries(
        &self,
        call: Call<v1::ListLedgerEntriesRequest>,
    ) -> Answered<v1::ListLedgerEntriesResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = self.0.account(&caller, wire.account_id)?;
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let after = convert::page_token(&wire.page_token).map_err(status::misshapen)?.unwrap_or(0);
        let lines =
            self.0.ask_history(&caller, size, move |history| history.lines(account, after, size + 1)).await?;
        self.0.door.settle(&caller, size, lines.len());
        let currencies = self.0.look(&caller, 1, |exchange| exchange.currencies().to_vec()).await?;
        let entries = lines.iter().map(|(stamp, line)| wire_line(*stamp, line, &currencies)).collect();
        let (entries, next_page_token) = page(entries, size, |entry| entry.number.to_string());
        Ok(Response::new(v1::ListLedgerEntriesResponse { entries, next_page_token }))
    }
}

/// Cuts the row off that only says that there are more; the last one left is where the next page goes on.
pub fn page<T>(mut rows: Vec<T>, size: usize, token: impl Fn(&T) -> String) -> (Vec<T>, String) {
    if rows.len() <= size {
        return (rows, String::new());
    }
    rows.truncate(size);
    let next = rows.last().map_or_else(String::new, token);
    (rows, next)
}

pub fn wire_account(account: AccountView<'_>) -> v1::Account {
    let limits = account.limits();
    v1::Account {
        account_id: account.id.0,
        participant_id: account.participant().0,
        name: account.name.into(),
        killed: account.is_killed(),
        commands_per_second: limits.commands_per_second,
        open_order_limit: limits.open_orders,
        open_order_count: account.open_orders(),
    }
}

fn wire_line(stamp: Stamp, line: &LedgerLine, currencies: &[String]) -> v1::LedgerEntry {
    v1::LedgerEntry {
        number: line.number,
        entry_id: line.entry,
        sequence: stamp.seq,
        time: Some(convert::timestamp(stamp.time)),
        kind: convert::entry_kind(line.kind) as i32,
        currency: currencies.get(usize::from(line.currency.0)).cloned().unwrap_or_default(),
        cash_micros: line.cash.0,
        escrow_micros: line.escrow.0,
        cash_after_micros: line.cash_after.0,
        escrow_after_micros: line.escrow_after.0,
        fee_micros: line.fee.0,
        instrument_id: line.instrument.0,
        trade_id: line.trade.0,
    }
}
