//! Every gRPC status is built here: a code, an upper-snake reason, the field at fault, when to try again.

use hourbook_api::convert::{Violation, reason_name};
use hourbook_model::RejectReason;
use hourbook_sequencer::Error;
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

const DOMAIN: &str = "hourbook";

fn build(
    code: Code,
    reason: &str,
    message: impl Into<String>,
    add: impl FnOnce(&mut ErrorDetails),
) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, HashMap::new());
    add(&mut details);
    Status::with_error_details(code, message, details)
}

/// A field is misshapen.
pub fn misshapen(violation: Violation) -> Status {
    let message = violation.to_string();
    build(Code::InvalidArgument, "INVALID_FIELD", message, |details| {
        details
            .set_bad_request(vec![tonic_types::FieldViolation::new(violation.field, violation.description)]);
    })
}

/// No key, an unknown one, or one that was revoked.
pub fn unauthenticated(why: &str) -> Status {
    build(Code::Unauthenticated, "UNAUTHENTICATED", why, |_| {})
}

/// The key's role does not reach so far.
pub fn role_denied(role: &str, rpc: &str) -> Status {
    build(
        Code::PermissionDenied,
        "ROLE_NOT_ALLOWED",
        format!("a key of role {role} may not call {rpc}"),
        |_| {},
    )
}

/// The account in this field is another's, or is none.
pub fn account_denied(field: &str) -> Status {
    let message = format!("{field}: not an account that this key acts for");
    build(Code::PermissionDenied, "ACCOUNT_NOT_YOURS", message, |details| {
        details.set_bad_request(vec![tonic_types::FieldViolation::new(field, "not an account of this key")]);
    })
}

pub fn not_found(what: &str) -> Status {
    build(Code::NotFound, "NOT_FOUND", what, |_| {})
}

/// The parameters do not know what is to be priced.
pub fn not_priced(why: &str) -> Status {
    build(Code::FailedPrecondition, "NOT_PRICED", why, |_| {})
}

/// Pricing's thread is gone.
pub fn pricing_ended() -> Status {
    build(Code::Unavailable, "PRICING_ENDED", "there are no new prices; trading goes on", |_| {})
}

/// Asked for what is no longer kept.
pub fn out_of_range(first: u64) -> Status {
    build(Code::OutOfRange, "BEFORE_FIRST_KEPT", format!("the first number still kept is {first}"), |_| {})
}

/// Asked for what does not exist yet.
pub fn not_given_yet(next: u64) -> Status {
    build(Code::OutOfRange, "BEYOND_NEXT", format!("the next number is {next}"), |_| {})
}

/// History is too far behind to go on from.
pub fn history_behind() -> Status {
    build(Code::Unavailable, "HISTORY_BEHIND", "history is behind: connect again and resume", |details| {
        details.set_retry_info(Some(Duration::from_secs(1)));
    })
}

/// Nobody is there to be told.
pub fn client_gone() -> Status {
    build(Code::Cancelled, "CLIENT_GONE", "the client has gone", |_| {})
}

/// History has no answer.
pub fn of_history(error: hourbook_history::Error) -> Status {
    use hourbook_history::Error;
    match error {
        Error::BeforeFirst { first } => out_of_range(first),
        Error::Stalled { .. } => build(Code::Unavailable, "HISTORY_STALLED", error.to_string(), |_| {}),
        Error::Damaged { .. } | Error::Held { .. } | Error::Io { .. } => fault(&error.to_string()),
    }
}

/// More commands a second than the account may send.
pub fn too_fast(retry_after: Duration) -> Status {
    build(
        Code::ResourceExhausted,
        "RATE_LIMITED",
        "more commands a second than the account's limit",
        |details| {
            details.set_retry_info(Some(retry_after));
        },
    )
}

/// More rows a second than one participant may look at.
pub fn too_many_looks(retry_after: Duration) -> Status {
    let message = "more rows looked at than the participant's allowance";
    build(Code::ResourceExhausted, "RATE_LIMITED", message, |details| {
        details.set_retry_info(Some(retry_after));
    })
}

/// The exchange has as many sessions as it takes.
pub fn too_many_sessions(most: usize) -> Status {
    let message = format!("at most {most} sessions at once over all accounts (limits.sessions)");
    build(Code::ResourceExhausted, "TOO_MANY_STREAMS", message, |_| {})
}

/// The participant has as many calls that last as it may.
pub fn too_many_streams(most: usize) -> Status {
    let message = format!(
        "at most {most} sessions and streams at once for a participant (limits.streams_per_participant)"
    );
    build(Code::ResourceExhausted, "TOO_MANY_STREAMS", message, |_| {})
}

/// The exchange has as many subscriptions to market data as it takes.
pub fn too_many_subscriptions(most: usize) -> Status {
    let message =
        format!("at most {most} subscriptions at once over all participants (limits.subscriptions)");
    build(Code::ResourceExhausted, "TOO_MANY_STREAMS", message, |_| {})
}

/// A reader of market data left more lying than is kept for it, and chose to be told so.
pub fn subscription_too_slow(most: usize) -> Status {
    let message = format!(
        "more than {most} bytes were not read (limits.subscription_buffer): subscribe again and resume"
    );
    build(Code::ResourceExhausted, "READER_TOO_SLOW", message, |_| {})
}

/// Market data fell behind and began again.
pub fn market_data_restarted() -> Status {
    let message = "market data fell behind and began again: subscribe again";
    build(Code::Unavailable, "MARKET_DATA_RESTARTED", message, |details| {
        details.set_retry_info(Some(Duration::from_secs(1)));
    })
}

/// Market data is told no more.
pub fn market_data_stopped() -> Status {
    build(Code::Unavailable, "MARKET_DATA_STOPPED", "market data is told no more; the log says why", |_| {})
}

/// The connection has as many calls without a key as it may.
pub fn too_many_open(most: usize) -> Status {
    let message = format!("at most {most} calls at once without a key on one connection");
    build(Code::ResourceExhausted, "TOO_MANY_STREAMS", message, |_| {})
}

/// A reader fell too far behind.
pub fn too_slow() -> Status {
    build(
        Code::ResourceExhausted,
        "READER_TOO_SLOW",
        "the reader fell behind: connect again and resume",
        |_| {},
    )
}

pub fn logon_missing() -> Status {
    build(
        Code::FailedPrecondition,
        "LOGON_REQUIRED",
        "the first message of a session must be logon, and only the first",
        |_| {},
    )
}

pub fn silent(most: Duration) -> Status {
    let message = format!("nothing was heard for {} s", most.as_secs_f64());
    build(Code::DeadlineExceeded, "HEARTBEAT_MISSED", message, |_| {})
}

pub fn draining() -> Status {
    build(Code::Unavailable, "DRAINING", "the exchange is being drained", |details| {
        details.set_retry_info(Some(Duration::from_secs(5)));
    })
}

/// A command that is not about an order was refused by the market.
pub fn refused(reason: RejectReason) -> Status {
    use RejectReason::*;
    let code = match reason {
        ClientIdReused | AlreadyDefined | SessionInUse => Code::AlreadyExists,
        UnknownAccount | UnknownParticipant | UnknownKey | UnknownInstrument | UnknownProduct
        | UnknownCurrency | UnknownOrder | UnknownSession | UnknownClass => Code::NotFound,
        BadName | BadAmount | BadRange | BadPrice | BadQuantity | BadExpiry | Unsupported => {
            Code::InvalidArgument
        }
        _ => Code::FailedPrecondition,
    };
    let name = reason_name(reason);
    build(code, name, format!("refused: {name}; docs/errors.md says what to do"), |_| {})
}

/// The sequencer could not take it.
pub fn unsequenced(error: Error) -> Status {
    let message = error.to_string();
    match error {
        Error::Busy { retry_after } => build(Code::ResourceExhausted, "QUEUE_FULL", message, |details| {
            details.set_retry_info(Some(retry_after));
        }),
        Error::TooLarge { .. } => build(Code::InvalidArgument, "BATCH_TOO_LARGE", message, |_| {}),
        Error::DiskFull => build(Code::ResourceExhausted, "DISK_FULL", message, |details| {
            details.set_retry_info(Some(Duration::from_secs(10)));
        }),
        Error::Draining => draining(),
        Error::Stopped { .. } => build(Code::Unavailable, "STOPPED", message, |_| {}),
        Error::Snapshot { .. } => build(Code::Unavailable, "SNAPSHOT_FAILED", message, |_| {}),
    }
}

/// A call whose request or answer did not come about in time.
pub fn too_long(most: Duration) -> Status {
    let message = format!("the call did not come to an answer within {} s", most.as_secs_f64());
    build(Code::DeadlineExceeded, "CALL_TOO_LONG", message, |_| {})
}

/// What the framework refused before a service saw it, in our words: `limit` is the largest message, bytes.
/// A status of ours, which has its details, stays as it is.
pub fn of_framework(refusal: Status, limit: usize) -> Status {
    if !refusal.details().is_empty() {
        return refusal;
    }
    let why = refusal.message();
    match refusal.code() {
        Code::OutOfRange => build(
            Code::ResourceExhausted,
            "MESSAGE_TOO_LARGE",
            format!("a message is at most {limit} bytes"),
            |_| {},
        ),
        Code::Internal => build(
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
            format!("the message cannot be read: {why}"),
            |_| {},
        ),
        Code::Unimplemented => build(
            Code::Unimplemented,
            "UNKNOWN_METHOD",
            match why {
                "" => "no such call, or an encoding that is not spoken here".to_owned(),
                why => format!("no such call, or an encoding that is not spoken here: {why}"),
            },
            |_| {},
        ),
        _ => refusal,
    }
}

/// A fault of ours, told without its insides.
pub fn fault(what: &str) -> Status {
    tracing::error!(what, "a call failed for a reason of ours");
    build(Code::Internal, "INTERNAL", "a fault of the exchange; it is logged", |_| {})
}
