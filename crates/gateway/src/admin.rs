//! AdminService: what operators do.

use crate::accounts::{page, wire_account};
use crate::calls::caller;
use crate::door::{Caller, WHOLE_STATE};
use crate::{Inside, asked_by, digest_of, new_key, status};
use hourbook_api::convert::{self, Checked, Resolve, Violation};
use hourbook_api::v1;
use hourbook_api::v1::admin_service_server::AdminService;
use hourbook_exchange::Exchange;
use hourbook_model::*;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Request as Call, Response, Status as Refusal};

pub struct Admin(pub Arc<Inside>);

type Answered<T> = Result<Response<T>, Refusal>;

/// How long a drain may take before its caller is told so; it goes on all the same.
const DRAIN_PATIENCE: Duration = Duration::from_secs(30);

#[tonic::async_trait]
impl AdminService for Admin {
    async fn create_participant(
        &self,
        call: Call<v1::CreateParticipantRequest>,
    ) -> Answered<v1::CreateParticipantResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let name = convert::text("name", &wire.name, 100, true).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, CreateParticipant { name }).await?;
        Ok(Response::new(v1::CreateParticipantResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            participant_id: answer.number as u32,
        }))
    }

    async fn create_account(
        &self,
        call: Call<v1::CreateAccountRequest>,
    ) -> Answered<v1::CreateAccountResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let participant = participant_id(wire.participant_id).map_err(status::misshapen)?;
        let name = convert::text("name", &wire.name, 100, true).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, CreateAccount { participant, name }).await?;
        Ok(Response::new(v1::CreateAccountResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            account_id: answer.number as u32,
        }))
    }

    async fn issue_key(&self, call: Call<v1::IssueKeyRequest>) -> Answered<v1::IssueKeyResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let participant = participant_id(wire.participant_id).map_err(status::misshapen)?;
        let role = convert::role("role", wire.role).map_err(status::misshapen)?;
        let label = convert::text("label", &wire.label, 100, false).map_err(status::misshapen)?;
        let key = new_key().map_err(|_| status::fault("the system gives no random bytes"))?;
        // The digest is never the same twice, so a repeated request is one with another body: refused.
        let command = IssueKey {
            participant,
            account: AccountId(wire.account_id),
            role,
            digest: digest_of(&key),
            label,
        };
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::IssueKeyResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            key_id: answer.number as u32,
            key,
        }))
    }

    async fn revoke_key(&self, call: Call<v1::RevokeKeyRequest>) -> Answered<v1::RevokeKeyResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let key = KeyId(above_zero("key_id", wire.key_id).map_err(status::misshapen)?);
        let answer = self.operate(&caller, &wire.request_id, RevokeKey { key }).await?;
        Ok(Response::new(v1::RevokeKeyResponse { sequence: answer.stamp.seq, repeated: answer.repeated }))
    }

    async fn deposit(&self, call: Call<v1::DepositRequest>) -> Answered<v1::DepositResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let (account, currency, amount, reference) =
            money(wire.account_id, &wire.currency, wire.amount_micros, &wire.reference)
                .map_err(status::misshapen)?;
        let command = Deposit { account, currency, amount, reference };
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::DepositResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            entry_id: answer.number,
        }))
    }

    async fn withdraw(&self, call: Call<v1::WithdrawRequest>) -> Answered<v1::WithdrawResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let (account, currency, amount, reference) =
            money(wire.account_id, &wire.currency, wire.amount_micros, &wire.reference)
                .map_err(status::misshapen)?;
        let command = Withdraw { account, currency, amount, reference };
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::WithdrawResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            entry_id: answer.number,
        }))
    }

    async fn declare_capacity(
        &self,
        call: Call<v1::DeclareCapacityRequest>,
    ) -> Answered<v1::DeclareCapacityResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let command = convert::capacity(&wire, &self.0.directory).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::DeclareCapacityResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
        }))
    }

    async fn set_limits(&self, call: Call<v1::SetLimitsRequest>) -> Answered<v1::SetLimitsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let command = convert::limits(&wire).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::SetLimitsResponse { sequence: answer.stamp.seq, repeated: answer.repeated }))
    }

    async fn set_credit(&self, call: Call<v1::SetCreditRequest>) -> Answered<v1::SetCreditResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let command = convert::credit(&wire).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::SetCreditResponse { sequence: answer.stamp.seq, repeated: answer.repeated }))
    }

    async fn set_reference(&self, call: Call<v1::SetReferenceRequest>) -> Answered<v1::SetReferenceResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let instrument = symbol("symbol", &wire.symbol, &self.0.directory).map_err(status::misshapen)?;
        let price = convert::amount("price_micros", wire.price_micros).map_err(status::misshapen)?;
        let command = SetReference { instrument, price: Price(price.0), digest: [0; 16] };
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::SetReferenceResponse { sequence: answer.stamp.seq, repeated: answer.repeated }))
    }

    async fn halt(&self, call: Call<v1::HaltRequest>) -> Answered<v1::HaltResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let scope = convert::scope(wire.scope.as_ref(), &self.0.directory).map_err(status::misshapen)?;
        let reason = convert::text("reason", &wire.reason, 200, false).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, Halt { scope, reason }).await?;
        Ok(Response::new(v1::HaltResponse { sequence: answer.stamp.seq, repeated: answer.repeated }))
    }

    async fn resume(&self, call: Call<v1::ResumeRequest>) -> Answered<v1::ResumeResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let scope = convert::scope(wire.scope.as_ref(), &self.0.directory).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, Resume { scope }).await?;
        Ok(Response::new(v1::ResumeResponse { sequence: answer.stamp.seq, repeated: answer.repeated }))
    }

    async fn open_auction(&self, call: Call<v1::OpenAuctionRequest>) -> Answered<v1::OpenAuctionResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let scope = narrow_scope(wire.scope.as_ref(), &self.0.directory).map_err(status::misshapen)?;
        let until = wire.end_time.as_ref().map(|end| convert::time("end_time", end));
        let until = until.transpose().map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, OpenAuction { scope, until }).await?;
        Ok(Response::new(v1::OpenAuctionResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            instrument_count: answer.number,
        }))
    }

    async fn uncross(&self, call: Call<v1::UncrossRequest>) -> Answered<v1::UncrossResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let scope = narrow_scope(wire.scope.as_ref(), &self.0.directory).map_err(status::misshapen)?;
        let reference = match wire.reference_price_micros {
            0 => None,
            micros => Some(convert::amount("reference_price_micros", micros).map_err(status::misshapen)?),
        };
        let command = Uncross { scope, reference: reference.map(|micros| Price(micros.0)) };
        let answer = self.operate(&caller, &wire.request_id, command).await?;
        Ok(Response::new(v1::UncrossResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            instrument_count: answer.number,
        }))
    }

    async fn kill(&self, call: Call<v1::KillRequest>) -> Answered<v1::KillResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = convert::account_id("account_id", wire.account_id).map_err(status::misshapen)?;
        let reason = convert::text("reason", &wire.reason, 200, false).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, Kill { account, reason }).await?;
        Ok(Response::new(v1::KillResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            cancelled_count: answer.number,
        }))
    }

    async fn unkill(&self, call: Call<v1::UnkillRequest>) -> Answered<v1::UnkillResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let account = convert::account_id("account_id", wire.account_id).map_err(status::misshapen)?;
        let answer = self.operate(&caller, &wire.request_id, Unkill { account }).await?;
        Ok(Response::new(v1::UnkillResponse { sequence: answer.stamp.seq, repeated: answer.repeated }))
    }

    async fn list_participants(
        &self,
        call: Call<v1::ListParticipantsRequest>,
    ) -> Answered<v1::ListParticipantsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let (after, size) = turn_to(&wire.page_token, wire.page_size).map_err(status::misshapen)?;
        let look = move |exchange: &Exchange| {
            let rows = (after + 1..).map(ParticipantId).map_while(|id| Some((id, exchange.participant(id)?)));
            rows.take(size + 1)
                .map(|(id, participant)| v1::Participant {
                    participant_id: id.0,
                    name: participant.name.clone(),
                    account_ids: participant.accounts.iter().map(|account| account.0).collect(),
                })
                .collect()
        };
        let (_, participants) = self.0.list(&caller, size, look).await?;
        let (participants, next_page_token) = page(participants, size, |row| row.participant_id.to_string());
        Ok(Response::new(v1::ListParticipantsResponse { participants, next_page_token }))
    }

    async fn list_all_accounts(
        &self,
        call: Call<v1::ListAllAccountsRequest>,
    ) -> Answered<v1::ListAllAccountsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let (after, size) = turn_to(&wire.page_token, wire.page_size).map_err(status::misshapen)?;
        let look = move |exchange: &Exchange| {
            let rows = (after + 1..).map(AccountId).map_while(|id| exchange.account(id));
            rows.take(size + 1).map(wire_account).collect()
        };
        let (_, accounts) = self.0.list(&caller, size, look).await?;
        let (accounts, next_page_token) = page(accounts, size, |row| row.account_id.to_string());
        Ok(Response::new(v1::ListAllAccountsResponse { accounts, next_page_token }))
    }

    async fn list_keys(&self, call: Call<v1::ListKeysRequest>) -> Answered<v1::ListKeysResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let (after, size) = turn_to(&wire.page_token, wire.page_size).map_err(status::misshapen)?;
        let look = move |exchange: &Exchange| {
            exchange.keys().skip(after as usize).take(size + 1).map(|(id, key)| wire_key(id, key)).collect()
        };
        let (_, keys) = self.0.list(&caller, size, look).await?;
        let (keys, next_page_token) = page(keys, size, |row| row.key_id.to_string());
        Ok(Response::new(v1::ListKeysResponse { keys, next_page_token }))
    }

    async fn take_snapshot(&self, call: Call<v1::TakeSnapshotRequest>) -> Answered<v1::TakeSnapshotResponse> {
        caller(&call)?;
        let snapshot = self.0.handle.snapshot().await.map_err(status::unsequenced)?;
        Ok(Response::new(v1::TakeSnapshotResponse {
            sequence: snapshot.stamp.seq,
            state_hash: hexadecimal(snapshot.state_hash),
        }))
    }

    async fn drain(&self, call: Call<v1::DrainRequest>) -> Answered<v1::DrainResponse> {
        let caller = caller(&call)?;
        tracing::info!(key = caller.key.0, "an operator drains the exchange");
        // From here on the server ends; this call is among those that may finish.
        self.0.closing.send_replace(true);
        // Sessions log off first, so that what they asked to have cancelled is.
        until(self.0.drain / 2, || self.0.sessions_now() == 0).await;
        self.0.handle.drain();
        if !until(DRAIN_PATIENCE, || self.0.handle.stopped().is_some()).await {
            return Err(status::draining());
        }
        Ok(Response::new(v1::DrainResponse { sequence: self.0.handle.stats().durable }))
    }

    async fn get_status(&self, call: Call<v1::GetStatusRequest>) -> Answered<v1::GetStatusResponse> {
        let caller = caller(&call)?;
        let hash = call.into_inner().state_hash;
        let look = move |exchange: &Exchange| {
            let amounts = |sums: Vec<(String, Money)>| sums.into_iter().map(|(_, sum)| sum.0).sum::<i64>();
            v1::GetStatusResponse {
                sequence: exchange.stamp().seq,
                time: Some(convert::timestamp(exchange.stamp().time)),
                state_hash: if hash { hexadecimal(exchange.state_hash()) } else { String::new() },
                instrument_count: exchange.instrument_count() as u64,
                open_order_count: exchange.accounts().map(|account| u64::from(account.open_orders())).sum(),
                ledger_sum_micros: amounts(exchange.ledger_sums()),
                fees: exchange.fees().into_iter().map(fee_total).collect(),
                ..v1::GetStatusResponse::default()
            }
        };
        let status = self.0.look(&caller, if hash { WHOLE_STATE } else { 1_000 }, look).await?;
        Ok(Response::new(v1::GetStatusResponse {
            version: self.0.version.clone(),
            durable_sequence: self.0.handle.stats().durable,
            recorded_sequence: self.0.history.recorded(),
            history_fault: self.0.history.stalled().unwrap_or_default().into(),
            ..status
        }))
    }
}

impl Admin {
    /// Has an operator's command carried out. What the market refuses is a status here; what is done is seen
    /// by door and directory before it is told.
    async fn operate(
        &self,
        caller: &Caller,
        request_id: &str,
        command: impl Into<Command>,
    ) -> Result<Answer, Refusal> {
        let client_id = convert::client_id("request_id", request_id).map_err(status::misshapen)?;
        let request = Request { client_id, ..asked_by(caller.key) };
        let receipt = self.0.submit(request, command.into()).await?;
        if let Some(reason) = receipt.answer.refused {
            return Err(status::refused(reason));
        }
        self.0.seen(receipt.answer.stamp.seq).await;
        Ok(receipt.answer)
    }
}

/// Waits until it is so; whether it was in time.
async fn until(most: Duration, is_so: impl Fn() -> bool) -> bool {
    let asked = tokio::time::Instant::now();
    while !is_so() {
        if asked.elapsed() > most {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

fn above_zero(field: &str, id: u32) -> Checked<u32> {
    if id == 0 { Err(Violation::new(field, "is required")) } else { Ok(id) }
}

fn participant_id(id: u32) -> Checked<ParticipantId> {
    above_zero("participant_id", id).map(ParticipantId)
}

fn symbol(field: &str, symbol: &str, directory: &impl Resolve) -> Checked<InstrumentId> {
    match symbol {
        "" => Err(Violation::new(field, "is required")),
        symbol => convert::instrument(symbol, 0, directory),
    }
}

/// A product or an instrument.
fn narrow_scope(wire: Option<&v1::Scope>, directory: &impl Resolve) -> Checked<Scope> {
    match convert::scope(wire, directory)? {
        Scope::Market => Err(Violation::new("scope.market", "must not be given here: a product or a symbol")),
        scope => Ok(scope),
    }
}

fn money(
    account: u32,
    currency: &str,
    amount: i64,
    reference: &str,
) -> Checked<(AccountId, String, Money, String)> {
    Ok((
        convert::account_id("account_id", account)?,
        convert::currency("currency", currency)?,
        convert::amount("amount_micros", amount)?,
        convert::text("reference", reference, 200, false)?,
    ))
}

/// The number after which a page begins, and its size.
fn turn_to(token: &str, size: i32) -> Checked<(u32, usize)> {
    let after = convert::page_token(token)?.unwrap_or(0);
    let after = u32::try_from(after).ok().filter(|after| *after < u32::MAX);
    let bad = || Violation::new("page_token", "must be empty or next_page_token of the last answer");
    Ok((after.ok_or_else(bad)?, convert::page_size(size)?))
}

fn wire_key(id: KeyId, key: &hourbook_exchange::Key) -> v1::Key {
    v1::Key {
        key_id: id.0,
        participant_id: key.participant.0,
        account_id: key.account.0,
        role: convert::wire_role(key.role) as i32,
        label: key.label.clone(),
        revoked: key.revoked,
    }
}

fn fee_total((currency, amount): (String, Money)) -> v1::FeeTotal {
    v1::FeeTotal { currency, amount_micros: amount.0 }
}

fn hexadecimal(digest: [u8; 32]) -> String {
    blake3::Hash::from_bytes(digest).to_hex().to_string()
}
