//! `hourbook ctl`: the exchange from a terminal, over the published contract, like any other customer.
//!
//! - `values`: prices, amounts, times and scopes, as people type and read them
//! - `connection`: where the exchange is, and under which key it is asked
//! - `show`: tables for people, JSON for programs; `reasons`: what a refusal means and what helps
//! - `orders`, `market`, `accounts`, `pricing`, `admin`: one file per service; `paid`: trades, candles, index and curve
//! - `quickstart`: from nothing to a first trade; `record`: market data in a file, and books built again from it
//!
//! Always true: no price or amount is ever a float; whatever was refused ends with a non-zero exit code.

mod accounts;
mod admin;
mod connection;
mod market;
mod orders;
mod paid;
mod pricing;
mod quickstart;
mod reasons;
mod record;
mod show;
mod values;

pub(crate) use values::Micros;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use hourbook_api::client::{Client, Error};
use hourbook_api::v1;
use tonic::Status;

use connection::Connection;
use show::Output;

const REQUEST: &str = "Request";

/// What every command of `ctl` takes.
#[derive(Args)]
pub struct Arguments {
    /// Account to act for; may be left out where the key has only one
    #[arg(long, global = true, value_name = "ID", env = "HOURBOOK_ACCOUNT", help_heading = REQUEST)]
    account: Option<u32>,
    /// Idempotency key, 1 to 36 characters: repeating a request under it does nothing twice
    #[arg(long, global = true, value_name = "TEXT", help_heading = REQUEST)]
    request_id: Option<String>,
    /// Print the answer as JSON: protobuf's, where it is a message of the contract; what fails too, on standard error
    #[arg(long, global = true, help_heading = REQUEST)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a funded buyer and a seller with capacity, and show a first trade to paste
    Quickstart,
    /// Say how the exchange stands
    Status {
        /// Compute the state hash too
        #[arg(long)]
        hash: bool,
    },
    #[command(flatten)]
    Orders(orders::Command),
    #[command(flatten)]
    Market(market::Command),
    #[command(flatten)]
    Paid(paid::Command),
    /// Record market data, and show that its books can be built again from any point of it
    Record(record::Command),
    #[command(flatten)]
    Accounts(accounts::Command),
    #[command(flatten)]
    Pricing(pricing::Command),
    #[command(flatten)]
    Admin(admin::Command),
}

/// One command on its way: the connection, and how its answer is to be told.
struct Session {
    client: Client,
    account: Option<u32>,
    request_id: Option<String>,
    out: Output,
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Client(#[from] Error),
    /// Said on the spot, before anything was asked or after it was refused.
    #[error("{0}")]
    Said(String),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Client(status.into())
    }
}

impl Failure {
    fn said(text: impl Into<String>) -> Failure {
        Failure::Said(text.into())
    }
}

type Outcome<T = ()> = Result<T, Failure>;

/// Runs one command against a running exchange; mistakes and refusals are told on stderr.
pub fn run(arguments: Arguments) -> ExitCode {
    let json = arguments.json;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(command(arguments)),
        Err(error) => Err(Failure::said(error.to_string())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where nobody can be told, the exit code still says it.
            let _ = match json {
                true => writeln!(std::io::stderr(), "{}", show::failure_json(&failure)),
                false => writeln!(std::io::stderr(), "error: {}", show::failure(&failure)),
            };
            ExitCode::FAILURE
        }
    }
}

async fn command(arguments: Arguments) -> Outcome {
    let Arguments { connection, account, request_id, json, command } = arguments;
    let client = connection.open().await?;
    let session = Session { client, account, request_id, out: Output { json } };
    match command {
        Command::Quickstart => quickstart::run(&session, &connection).await,
        Command::Status { hash } => admin::status(&session, hash).await,
        Command::Orders(command) => orders::run(&session, command).await,
        Command::Market(command) => market::run(&session, command).await,
        Command::Paid(command) => paid::run(&session, command).await,
        Command::Record(command) => record::run(&session, command).await,
        Command::Accounts(command) => accounts::run(&session, command).await,
        Command::Pricing(command) => pricing::run(&session, command).await,
        Command::Admin(command) => admin::run(&session, command).await,
    }
}

impl Session {
    /// The account that was named, or the only one of the key.
    async fn account(&self) -> Outcome<u32> {
        if let Some(account) = self.account {
            return Ok(account);
        }
        let request = v1::ListAccountsRequest { page_size: 10, page_token: String::new() };
        let own = self.client.accounts.clone().list_accounts(request).await?.into_inner().accounts;
        match own.as_slice() {
            [only] => Ok(only.account_id),
            [] => Err(Failure::said("this key has no account of its own: give --account ID")),
            several => {
                let names: Vec<String> =
                    several.iter().map(|one| format!("{} {}", one.account_id, one.name)).collect();
                Err(Failure::said(format!(
                    "this key has several accounts: give --account ID ({})",
                    names.join(", ")
                )))
            }
        }
    }

    /// The idempotency key that was given, or a new one.
    fn request_id(&self) -> Outcome<String> {
        match &self.request_id {
            Some(given) => Ok(given.clone()),
            None => values::new_id(),
        }
    }
}

/// How much of a list is wanted.
#[derive(Args, Clone, Copy)]
struct Paging {
    /// Rows at most; 0 shows all
    #[arg(long, value_name = "ROWS", default_value_t = 100)]
    limit: usize,
}

/// Largest page the exchange gives.
const PAGE: usize = 1_000;

/// Fetches page after page, until there are no more or the limit is reached. `page` is asked with a size and a
/// token, and gives rows and the next token.
async fn pages<T, F>(
    session: &Session,
    paging: Paging,
    mut page: impl FnMut(i32, String) -> F,
) -> Outcome<Vec<T>>
where
    F: Future<Output = Result<(Vec<T>, String), Status>>,
{
    let limit = if paging.limit == 0 { usize::MAX } else { paging.limit };
    let (mut rows, mut token) = (Vec::new(), String::new());
    loop {
        let size = (limit - rows.len()).min(PAGE) as i32;
        let (more, next) = page(size, token).await?;
        rows.extend(more);
        if next.is_empty() {
            return Ok(rows);
        }
        if rows.len() >= limit {
            session.out.note(format_args!("the first {} rows; --limit 0 shows all", rows.len()));
            return Ok(rows);
        }
        token = next;
    }
}
