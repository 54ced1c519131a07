//! AccountService: what an account has.

use clap::Subcommand;
use hourbook_api::v1;

use super::show::{self, Column};
use super::values::{self, Micros};
use super::{Outcome, Paging, Session, pages};

#[derive(Subcommand)]
pub enum Command {
    /// List the accounts of this key's participant
    Accounts {
        /// Everybody's accounts; operators and auditors
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the account's money
    Balances,
    /// List what each live order holds
    Holds {
        #[command(flatten)]
        paging: Paging,
    },
    /// List positions
    Positions {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the hours of a product that the account may still sell
    Capacity { product: String },
    /// List the account's ledger, oldest first
    Ledger {
        #[command(flatten)]
        paging: Paging,
    },
}

pub async fn run(session: &Session, command: Command) -> Outcome {
    let out = session.out;
    let mut accounts = session.client.accounts.clone();
    match command {
        Command::Accounts { all: true, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut admin = session.client.admin.clone();
                async move {
                    let request = v1::ListAllAccountsRequest { page_size, page_token };
                    let page = admin.list_all_accounts(request).await?.into_inner();
                    Ok((page.accounts, page.next_page_token))
                }
            });
            let answer = v1::ListAllAccountsResponse { accounts: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| listed(&answer.accounts));
        }
        Command::Accounts { all: false, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut accounts = accounts.clone();
                async move {
                    let request = v1::ListAccountsRequest { page_size, page_token };
                    let page = accounts.list_accounts(request).await?.into_inner();
                    Ok((page.accounts, page.next_page_token))
                }
            });
            let answer = v1::ListAccountsResponse { accounts: rows.await?, ..Default::default() };
            if answer.accounts.is_empty() {
                out.note("this key has none of its own; --all lists everybody's, for operators and auditors");
            }
            out.tell(&answer, |answer| listed(&answer.accounts));
        }
        Command::Balances => {
            let account_id = session.account().await?;
            let answer = accounts.get_balances(v1::GetBalancesRequest { account_id }).await?.into_inner();
            out.tell(&answer, |answer| balances(&answer.balances));
        }
        Command::Holds { paging } => {
            let account_id = session.account().await?;
            let rows = pages(session, paging, |page_size, page_token| {
                let mut accounts = accounts.clone();
                async move {
                    let request = v1::ListHoldsRequest { account_id, page_size, page_token };
                    let page = accounts.list_holds(request).await?.into_inner();
                    Ok((page.holds, page.next_page_token))
                }
            });
            let answer = v1::ListHoldsResponse { holds: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| holds(&answer.holds));
        }
        Command::Positions { paging } => {
            let account_id = session.account().await?;
            let rows = pages(session, paging, |page_size, page_token| {
                let mut accounts = accounts.clone();
                async move {
                    let request = v1::ListPositionsRequest { account_id, page_size, page_token };
                    let page = accounts.list_positions(request).await?.into_inner();
                    Ok((page.positions, page.next_page_token))
                }
            });
            let answer = v1::ListPositionsResponse { positions: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| positions(&answer.positions));
        }
        Command::Capacity { product } => {
            let account_id = session.account().await?;
            let request = v1::ListCapacityRequest { account_id, product };
            let answer = accounts.list_capacity(request).await?.into_inner();
            out.tell(&answer, |answer| capacity(&answer.ranges));
        }
        Command::Ledger { paging } => {
            let account_id = session.account().await?;
            let rows = pages(session, paging, |page_size, page_token| {
                let mut accounts = accounts.clone();
                async move {
                    let request = v1::ListLedgerEntriesRequest { account_id, page_size, page_token };
                    let page = accounts.list_ledger_entries(request).await?.into_inner();
                    Ok((page.entries, page.next_page_token))
                }
            });
            let answer = v1::ListLedgerEntriesResponse { entries: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| ledger(&answer.entries));
        }
    }
    Ok(())
}

fn listed(accounts: &[v1::Account]) -> String {
    use Column::{Number, Text};
    let columns = [
        Number("account"),
        Number("participant"),
        Text("name"),
        Number("orders"),
        Number("most"),
        Number("commands/s"),
        Text("state"),
    ];
    let rows = accounts.iter().map(|one| {
        vec![
            one.account_id.to_string(),
            one.participant_id.to_string(),
            one.name.clone(),
            one.open_order_count.to_string(),
            one.open_order_limit.to_string(),
            one.commands_per_second.to_string(),
            if one.killed { "killed".into() } else { String::new() },
        ]
    });
    show::table(&columns, rows)
}

fn balances(balances: &[v1::Balance]) -> String {
    use Column::{Number, Text};
    let columns = [
        Text("currency"),
        Number("cash"),
        Number("held"),
        Number("escrow"),
        Number("credit"),
        Number("available"),
    ];
    let rows = balances.iter().map(|one| {
        let unlimited = |micros: i64| match one.unlimited_credit {
            true => "unlimited".into(),
            false => Micros(micros).to_string(),
        };
        vec![
            one.currency.clone(),
            Micros(one.cash_micros).to_string(),
            Micros(one.held_micros).to_string(),
            Micros(one.escrow_micros).to_string(),
            unlimited(one.credit_micros),
            unlimited(one.available_micros),
        ]
    });
    show::table(&columns, rows)
}

fn holds(holds: &[v1::Hold]) -> String {
    use Column::{Number, Text};
    let columns = [Number("order"), Text("client id"), Text("symbol"), Number("cash"), Number("lots")];
    let rows = holds.iter().map(|one| {
        vec![
            one.order_id.to_string(),
            one.client_order_id.clone(),
            one.symbol.clone(),
            Micros(one.cash_micros).to_string(),
            one.hours_quantity.to_string(),
        ]
    });
    show::table(&columns, rows)
}

fn positions(positions: &[v1::Position]) -> String {
    use Column::{Number, Text};
    let columns = [Text("symbol"), Number("units"), Number("cost"), Number("realised"), Number("fee due")];
    let rows = positions.iter().map(|one| {
        vec![
            one.symbol.clone(),
            one.units.to_string(),
            Micros(one.cost_micros).to_string(),
            Micros(one.realised_micros).to_string(),
            Micros(one.fee_due_micros).to_string(),
        ]
    });
    show::table(&columns, rows)
}

fn capacity(ranges: &[v1::CapacityRange]) -> String {
    use Column::{Number, Text};
    let columns = [Text("from"), Number("hours"), Number("declared"), Number("available")];
    let rows = ranges.iter().map(|one| {
        vec![
            values::time(one.start_time.as_ref()),
            one.hours.to_string(),
            one.declared_quantity.to_string(),
            one.available_quantity.to_string(),
        ]
    });
    show::table(&columns, rows)
}

fn ledger(entries: &[v1::LedgerEntry]) -> String {
    use Column::{Number, Text};
    let columns = [
        Number("number"),
        Text("time"),
        Text("kind"),
        Text("currency"),
        Number("cash"),
        Number("escrow"),
        Number("fee"),
        Number("cash after"),
        Number("escrow after"),
    ];
    let rows = entries.iter().map(|one| {
        vec![
            one.number.to_string(),
            values::time(one.time.as_ref()),
            show::word!(LedgerEntryKind, one.kind, "LEDGER_ENTRY_KIND_").replace('_', " "),
            one.currency.clone(),
            Micros(one.cash_micros).to_string(),
            Micros(one.escrow_micros).to_string(),
            Micros(one.fee_micros).to_string(),
            Micros(one.cash_after_micros).to_string(),
            Micros(one.escrow_after_micros).to_string(),
        ]
    });
    show::table(&columns, rows)
}
