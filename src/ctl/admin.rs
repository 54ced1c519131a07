//! AdminService: what operators do.

use clap::{ArgGroup, Subcommand};
use hourbook_api::v1;

use super::show::{self, Column};
use super::values::{self, Micros, Moment, Role, Scope};
use super::{Outcome, Paging, Session, pages};

#[derive(Subcommand)]
pub enum Command {
    /// List participants
    Participants {
        #[command(flatten)]
        paging: Paging,
    },
    /// List keys, never the keys themselves
    Keys {
        #[command(flatten)]
        paging: Paging,
    },
    /// Register a participant
    CreateParticipant { name: String },
    /// Open an account of a participant
    CreateAccount { participant: u32, name: String },
    /// Make a key; it is shown this once. `--account` binds it to one account
    IssueKey {
        participant: u32,
        role: Role,
        /// For people
        #[arg(long, default_value = "")]
        label: String,
    },
    /// End a key, and its sessions with it
    RevokeKey {
        #[arg(value_name = "KEY_ID")]
        key_id: u32,
    },
    /// Book money that came in for `--account`
    Deposit {
        #[arg(allow_negative_numbers = true)]
        amount: Micros,
        #[arg(default_value = "CNY")]
        currency: String,
        /// What it is about, for people
        #[arg(long, default_value = "")]
        reference: String,
    },
    /// Book money that went out of `--account`, which its cash less what is held must cover
    Withdraw {
        #[arg(allow_negative_numbers = true)]
        amount: Micros,
        #[arg(default_value = "CNY")]
        currency: String,
        /// What it is about, for people
        #[arg(long, default_value = "")]
        reference: String,
    },
    /// Set what `--account` may sell of a product in each hour of a range
    DeclareCapacity {
        product: String,
        /// Lots in every hour, at least what is sold or held there
        #[arg(allow_negative_numbers = true)]
        lots: i64,
        /// The first hour, such as 2026-11-25T08:00:00Z
        #[arg(long, value_name = "TIME")]
        from: Moment,
        /// How many hours
        #[arg(long)]
        hours: u32,
        /// Who saw the capacity, and how
        #[arg(long, value_name = "TEXT")]
        attestation: String,
    },
    /// Set what `--account` may do at most
    Limits {
        /// Commands a second, entries of a batch counted singly
        #[arg(long, value_name = "NUMBER")]
        commands_per_second: u32,
        /// Live orders
        #[arg(long, value_name = "NUMBER")]
        open_orders: u32,
    },
    /// Set how far the cash of `--account` may go below zero
    #[command(group(ArgGroup::new("line").args(["amount", "unlimited"]).required(true)))]
    Credit {
        amount: Option<Micros>,
        #[arg(long, default_value = "CNY")]
        currency: String,
        /// Refuse nothing for want of cash or hours; for rehearsals only, and for good
        #[arg(long)]
        unlimited: bool,
    },
    /// Set an instrument's fair price, its reference where nothing has traded
    Reference {
        symbol: String,
        #[arg(allow_negative_numbers = true)]
        price: Micros,
    },
    /// Stop trading on the market, a product or an instrument; cancels pass
    Halt {
        scope: Scope,
        /// For people
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let trading go on
    Resume { scope: Scope },
    /// Begin or end a call
    Auction {
        #[command(subcommand)]
        what: Auction,
    },
    /// Cancel everything of `--account` and refuse what comes, until lifted
    Kill {
        /// For people
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Lift the kill switch of `--account`
    Unkill,
    /// Write a snapshot now
    Snapshot,
    /// Refuse new work, finish what is under way, and stop the exchange
    Drain,
}

#[derive(Subcommand)]
pub enum Auction {
    /// Orders only rest from now on
    Open {
        scope: Scope,
        /// Uncross by itself at this time
        #[arg(long, value_name = "TIME")]
        until: Option<Moment>,
    },
    /// One price for everyone who waited, then continuous trading
    Uncross {
        scope: Scope,
        /// Decides between equal prices, instead of the last trade
        #[arg(long, value_name = "PRICE")]
        reference: Option<Micros>,
    },
}

pub async fn run(session: &Session, command: Command) -> Outcome {
    let out = session.out;
    let mut admin = session.client.admin.clone();
    let request_id = session.request_id()?;
    match command {
        Command::Participants { paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut admin = admin.clone();
                async move {
                    let request = v1::ListParticipantsRequest { page_size, page_token };
                    let page = admin.list_participants(request).await?.into_inner();
                    Ok((page.participants, page.next_page_token))
                }
            });
            let answer = v1::ListParticipantsResponse { participants: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| participants(&answer.participants));
        }
        Command::Keys { paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut admin = admin.clone();
                async move {
                    let request = v1::ListKeysRequest { page_size, page_token };
                    let page = admin.list_keys(request).await?.into_inner();
                    Ok((page.keys, page.next_page_token))
                }
            });
            let answer = v1::ListKeysResponse { keys: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| keys(&answer.keys));
        }
        Command::CreateParticipant { name } => {
            let request = v1::CreateParticipantRequest { request_id, name };
            let answer = admin.create_participant(request).await?.into_inner();
            out.tell(&answer, |answer| {
                done(format!("participant {}", answer.participant_id), answer.repeated)
            });
        }
        Command::CreateAccount { participant: participant_id, name } => {
            let request = v1::CreateAccountRequest { request_id, participant_id, name };
            let answer = admin.create_account(request).await?.into_inner();
            out.tell(&answer, |answer| done(format!("account {}", answer.account_id), answer.repeated));
        }
        Command::IssueKey { participant: participant_id, role, label } => {
            let account_id = session.account.unwrap_or(0);
            let role = role.wire();
            let request = v1::IssueKeyRequest { request_id, participant_id, account_id, role, label };
            let answer = admin.issue_key(request).await?.into_inner();
            out.tell(&answer, |answer| format!("key {}, shown this once:\n{}", answer.key_id, answer.key));
        }
        Command::RevokeKey { key_id } => {
            let answer = admin.revoke_key(v1::RevokeKeyRequest { request_id, key_id }).await?.into_inner();
            out.tell(&answer, |answer| done(format!("key {key_id} is over"), answer.repeated));
        }
        Command::Deposit { amount, currency, reference } => {
            let account_id = session.account().await?;
            let amount_micros = amount.0;
            let request = v1::DepositRequest { request_id, account_id, currency, amount_micros, reference };
            let answer = admin.deposit(request).await?.into_inner();
            out.tell(&answer, |answer| done(format!("booked as entry {}", answer.entry_id), answer.repeated));
        }
        Command::Withdraw { amount, currency, reference } => {
            let account_id = session.account().await?;
            let amount_micros = amount.0;
            let request = v1::WithdrawRequest { request_id, account_id, currency, amount_micros, reference };
            let answer = admin.withdraw(request).await?.into_inner();
            out.tell(&answer, |answer| done(format!("booked as entry {}", answer.entry_id), answer.repeated));
        }
        Command::DeclareCapacity { product, lots, from, hours, attestation } => {
            let request = v1::DeclareCapacityRequest {
                request_id,
                account_id: session.account().await?,
                product,
                start_time: Some(from.0),
                hours,
                quantity: lots,
                attestation,
            };
            let answer = admin.declare_capacity(request).await?.into_inner();
            out.tell(&answer, |answer| done("declared".into(), answer.repeated));
        }
        Command::Limits { commands_per_second, open_orders } => {
            let account_id = session.account().await?;
            let open_order_limit = open_orders;
            let request =
                v1::SetLimitsRequest { request_id, account_id, commands_per_second, open_order_limit };
            let answer = admin.set_limits(request).await?.into_inner();
            out.tell(&answer, |answer| done("set".into(), answer.repeated));
        }
        Command::Credit { amount, currency, unlimited } => {
            let account_id = session.account().await?;
            let credit_micros = amount.map_or(0, |amount| amount.0);
            let request = v1::SetCreditRequest { request_id, account_id, currency, credit_micros, unlimited };
            let answer = admin.set_credit(request).await?.into_inner();
            out.tell(&answer, |answer| done("set".into(), answer.repeated));
        }
        Command::Reference { symbol, price } => {
            let request = v1::SetReferenceRequest { request_id, symbol, price_micros: price.0 };
            let answer = admin.set_reference(request).await?.into_inner();
            out.tell(&answer, |answer| done("set".into(), answer.repeated));
        }
        Command::Halt { scope, reason } => {
            let request = v1::HaltRequest { request_id, scope: Some(scope.wire()), reason };
            let answer = admin.halt(request).await?.into_inner();
            out.tell(&answer, |answer| done("halted".into(), answer.repeated));
        }
        Command::Resume { scope } => {
            let request = v1::ResumeRequest { request_id, scope: Some(scope.wire()) };
            let answer = admin.resume(request).await?.into_inner();
            out.tell(&answer, |answer| done("resumed".into(), answer.repeated));
        }
        Command::Auction { what: Auction::Open { scope, until } } => {
            let end_time = until.map(|until| until.0);
            let request = v1::OpenAuctionRequest { request_id, scope: Some(scope.wire()), end_time };
            let answer = admin.open_auction(request).await?.into_inner();
            out.tell(&answer, |answer| {
                done(format!("{} calls began", answer.instrument_count), answer.repeated)
            });
        }
        Command::Auction { what: Auction::Uncross { scope, reference } } => {
            let reference_price_micros = reference.map_or(0, |price| price.0);
            let request =
                v1::UncrossRequest { request_id, scope: Some(scope.wire()), reference_price_micros };
            let answer = admin.uncross(request).await?.into_inner();
            out.tell(&answer, |answer| {
                done(format!("{} calls ended", answer.instrument_count), answer.repeated)
            });
        }
        Command::Kill { reason } => {
            let account_id = session.account().await?;
            let answer = admin.kill(v1::KillRequest { request_id, account_id, reason }).await?.into_inner();
            out.tell(&answer, |answer| {
                done(format!("killed, {} orders cancelled", answer.cancelled_count), answer.repeated)
            });
        }
        Command::Unkill => {
            let account_id = session.account().await?;
            let answer = admin.unkill(v1::UnkillRequest { request_id, account_id }).await?.into_inner();
            out.tell(&answer, |answer| done("lifted".into(), answer.repeated));
        }
        Command::Snapshot => {
            let answer = admin.take_snapshot(v1::TakeSnapshotRequest {}).await?.into_inner();
            out.tell(&answer, |answer| {
                format!("snapshot at number {}, state {}", answer.sequence, answer.state_hash)
            });
        }
        Command::Drain => {
            let answer = admin.drain(v1::DrainRequest {}).await?.into_inner();
            out.tell(&answer, |answer| format!("stops after number {}", answer.sequence));
        }
    }
    Ok(())
}

/// How the exchange stands.
pub async fn status(session: &Session, hash: bool) -> Outcome {
    let request = v1::GetStatusRequest { state_hash: hash };
    let answer = session.client.admin.clone().get_status(request).await?.into_inner();
    session.out.tell(&answer, |answer| {
        let fees = answer.fees.iter().map(|fee| format!("{} {}", Micros(fee.amount_micros), fee.currency));
        let mut facts = vec![
            ("version", answer.version.clone()),
            ("number", format!("{}, durable to {}", answer.sequence, answer.durable_sequence)),
            ("history", history(answer)),
            ("time", values::time(answer.time.as_ref())),
            ("instruments", answer.instrument_count.to_string()),
            ("live orders", answer.open_order_count.to_string()),
            ("ledger sum", Micros(answer.ledger_sum_micros).to_string()),
            ("fees taken", fees.collect::<Vec<_>>().join(", ")),
        ];
        if !answer.state_hash.is_empty() {
            facts.push(("state hash", answer.state_hash.clone()));
        }
        show::facts(&facts)
    });
    Ok(())
}

fn history(status: &v1::GetStatusResponse) -> String {
    match status.history_fault.as_str() {
        "" => format!("to {}", status.recorded_sequence),
        why => format!("stalled at {}: {why}; trading goes on without it", status.recorded_sequence),
    }
}

fn done(what: String, repeated: bool) -> String {
    if repeated { format!("{what}; done before, nothing was done now") } else { what }
}

fn participants(participants: &[v1::Participant]) -> String {
    let columns = [Column::Number("participant"), Column::Text("name"), Column::Text("accounts")];
    let rows = participants.iter().map(|one| {
        let accounts: Vec<String> = one.account_ids.iter().map(u32::to_string).collect();
        vec![one.participant_id.to_string(), one.name.clone(), accounts.join(", ")]
    });
    show::table(&columns, rows)
}

fn keys(keys: &[v1::Key]) -> String {
    use Column::{Number, Text};
    let columns =
        [Number("key"), Number("participant"), Text("account"), Text("role"), Text("label"), Text("state")];
    let rows = keys.iter().map(|one| {
        vec![
            one.key_id.to_string(),
            one.participant_id.to_string(),
            if one.account_id == 0 { "all".into() } else { one.account_id.to_string() },
            show::word!(Role, one.role, "ROLE_"),
            one.label.clone(),
            if one.revoked { "revoked".into() } else { String::new() },
        ]
    });
    show::table(&columns, rows)
}
