//! The edge without a network: who may call what, how refusals look, how lists go on. With one: `served`, `company`,
//! `sessions`, `subscriptions`, `bounds`, `prices`.

mod bounds;
mod company;
mod past;
mod prices;
mod served;
mod sessions;
mod subscriptions;
mod venue;

use crate::calls::LASTING;
use crate::contract;
use crate::directory::{Directory, INSTRUMENT_PARTS, PRODUCT_PARTS, Pattern};
use crate::door::Door;
use crate::orders::Near;
use crate::{CALLS, roles, status};
use expect_test::expect;
use hourbook_api::FILE_DESCRIPTOR_SET;
use hourbook_api::convert::Violation;
use hourbook_model::*;
use http::HeaderMap;
use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use std::collections::BTreeSet;
use std::time::Duration;
use tonic::Status as Refusal;
use tonic_types::StatusExt;

/// A report of an account that stands for any.
pub(crate) fn report(account: u32, number: u64) -> Report {
    Report {
        account: AccountId(account),
        number,
        kind: ReportKind::Accepted,
        order: OrderId(1),
        client_id: ClientId::NONE,
        session: SessionId(0),
        request: 0,
        instrument: InstrumentId(1),
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        price: Price(1),
        trigger: Price(0),
        quantity: Quantity(1),
        cumulative: Quantity(0),
        leaves: Quantity(1),
    }
}

/// Every call of the contract, as `OrderService.PlaceOrder`.
pub fn calls() -> Vec<(String, MethodDescriptorProto)> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = set.file.into_iter().filter(|file| file.package() == "hourbook.v1");
    ours.flat_map(|file| file.service)
        .flat_map(|service| {
            let name = service.name().to_string();
            service.method.into_iter().map(move |method| (format!("{name}.{}", method.name()), method))
        })
        .collect()
}

pub fn path(call: &str) -> String {
    format!("/hourbook.v1.{}", call.replace('.', "/"))
}

#[test]
fn the_table_of_roles_has_every_call_of_the_contract_and_no_other() {
    let contract: BTreeSet<String> = calls().into_iter().map(|(call, _)| call).collect();
    let table: BTreeSet<String> = CALLS.iter().map(|(call, _)| call.to_string()).collect();
    assert_eq!(table, contract);
    assert_eq!(CALLS.len(), table.len(), "no call stands there twice");
    assert!(CALLS.iter().all(|(_, roles)| !roles.is_empty()));
    assert!(!roles::may(Role::Operator, "OrderService.Nothing"));
}

#[test]
fn calls_that_last_are_those_that_stream() {
    let streams = |method: &MethodDescriptorProto| method.server_streaming() || method.client_streaming();
    let streaming: BTreeSet<String> =
        calls().iter().filter(|(_, method)| streams(method)).map(|(call, _)| path(call)).collect();
    let lasting = LASTING.iter().filter(|path| path.starts_with("/hourbook."));
    assert_eq!(lasting.map(ToString::to_string).collect::<BTreeSet<_>>(), streaming);
}

#[test]
fn operators_trade_nothing_and_auditors_change_nothing() {
    for (call, _) in CALLS {
        let changes =
            ["Place", "Cancel", "Amend", "Reduce", "Mass", "Trade", "Create", "Issue", "Set", "Halt", "Kill"];
        let method = call.split_once('.').unwrap().1;
        if changes.iter().any(|verb| method.starts_with(verb)) {
            assert!(!roles::may(Role::Auditor, call), "{call}");
            assert_eq!(roles::may(Role::Operator, call), call.starts_with("AdminService"), "{call}");
        }
    }
}

/// A status in one line: code, reason, fields, delay.
pub fn shown(refusal: &Refusal) -> String {
    let details = refusal.get_error_details();
    let reason = details.error_info().map_or("-", |info| &info.reason);
    let fields = details.bad_request().map_or_else(String::new, |bad| {
        bad.field_violations.iter().map(|violation| format!(" {}", violation.field)).collect()
    });
    let delay = details.retry_info().and_then(|info| info.retry_delay);
    let delay = delay.map_or_else(String::new, |delay| format!(" after {} ms", delay.as_millis()));
    format!("{:?} {reason}{fields}{delay}", refusal.code())
}

#[test]
fn statuses_carry_reason_field_and_delay() {
    use hourbook_sequencer::Error;
    let second = Duration::from_secs(1);
    let shown: Vec<String> = [
        status::misshapen(Violation::new("order.quantity", "must be above zero")),
        status::unauthenticated("no key"),
        status::role_denied("meter", "OrderService.PlaceOrder"),
        status::account_denied("logon.account_id"),
        status::not_found("order"),
        status::out_of_range(17),
        status::too_fast(second),
        status::too_slow(),
        status::draining(),
        status::refused(RejectReason::ClientIdReused),
        status::refused(RejectReason::UnknownAccount),
        status::refused(RejectReason::InsufficientFunds),
        status::unsequenced(Error::Busy { retry_after: second }),
        status::unsequenced(Error::DiskFull),
        status::unsequenced(Error::Stopped { reason: "the disk is gone".into() }),
        status::too_long(second),
        status::of_framework(Refusal::out_of_range("too large"), 100),
        status::of_framework(Refusal::internal("bad wire type"), 100),
        status::of_framework(Refusal::unimplemented(""), 100),
        status::fault("a secret"),
    ]
    .iter()
    .map(shown)
    .collect();
    expect![[r#"
        InvalidArgument INVALID_FIELD order.quantity
        Unauthenticated UNAUTHENTICATED
        PermissionDenied ROLE_NOT_ALLOWED
        PermissionDenied ACCOUNT_NOT_YOURS logon.account_id
        NotFound NOT_FOUND
        OutOfRange BEFORE_FIRST_KEPT
        ResourceExhausted RATE_LIMITED after 1000 ms
        ResourceExhausted READER_TOO_SLOW
        Unavailable DRAINING after 5000 ms
        AlreadyExists CLIENT_ID_REUSED
        NotFound UNKNOWN_ACCOUNT
        FailedPrecondition INSUFFICIENT_FUNDS
        ResourceExhausted QUEUE_FULL after 1000 ms
        ResourceExhausted DISK_FULL after 10000 ms
        Unavailable STOPPED
        DeadlineExceeded CALL_TOO_LONG
        ResourceExhausted MESSAGE_TOO_LARGE
        InvalidArgument MALFORMED_MESSAGE
        Unimplemented UNKNOWN_METHOD
        Internal INTERNAL"#]]
    .assert_eq(&shown.join("\n"));
    assert!(!status::fault("a secret").message().contains("secret"));
}

#[test]
fn patterns_name_parts_wholes_and_beginnings() {
    let hour = "GP.CNNX.A.H20261124T08";
    for (pattern, matches) in [
        ("", true),
        ("GP.CNNX.A.H20261124T08", true),
        ("GP.*", true),
        ("GP", true),
        ("*.CNNX", true),
        ("*.*.A", true),
        ("GP.CNNX.*", true),
        ("GP.CNNX.A.H2026*", true),
        ("GP.CN*.A.H*", true),
        ("GP.CNNX.A.D*", false),
        ("G.*", false),
        ("*.*.B", false),
        ("CO.CNNX.A.H20261124T08", false),
    ] {
        assert_eq!(
            Pattern::parse("pattern", pattern, INSTRUMENT_PARTS).unwrap().matches(hour),
            matches,
            "{pattern}"
        );
    }
    for bad in ["gp.*", "GP..A", "GP.*X", "*GP", "GP.CNNX.A.H1.X", "GP.CNNX.A;", ".", "ü", &"X".repeat(41)] {
        assert_eq!(Pattern::parse("pattern", bad, INSTRUMENT_PARTS).unwrap_err().field, "pattern", "{bad}");
    }
    assert!(Pattern::parse("pattern", "GP.CNNX.A.H*", PRODUCT_PARTS).is_err(), "a product has three parts");
}

#[test]
fn a_token_of_live_orders_names_the_end_of_its_page() {
    assert_eq!(Near::parse("").unwrap().to_string(), "");
    assert_eq!(Near::parse("100000002-100000001").unwrap().to_string(), "100000002-100000001");
    let long = ["1"; 9].join("-");
    for bad in ["x", "1-", "-", "11112222333344445", "1,2", long.as_str()] {
        assert_eq!(Near::parse(bad).err().map(|bad| bad.field).as_deref(), Some("page_token"), "{bad}");
    }
}

fn bearing(header: &str) -> HeaderMap {
    let mut metadata = HeaderMap::new();
    metadata.insert("authorization", header.parse().unwrap());
    metadata
}

#[test]
fn a_key_opens_the_door_until_it_is_revoked_and_only_for_its_own() {
    let door = Door::default();
    let key = crate::new_key().unwrap();
    assert_eq!(key.len(), 67);
    assert_ne!(key, crate::new_key().unwrap());
    let (ann, bob) = (ParticipantId(1), ParticipantId(2));
    for (account, participant) in [(1, ann), (2, bob), (3, ann)] {
        door.saw(&Event::AccountCreated { account: AccountId(account), participant, name: "x".into() });
    }
    let issued = |id, key: &str, account, role| Event::KeyIssued {
        key: KeyId(id),
        participant: ann,
        account: AccountId(account),
        role,
        digest: crate::digest_of(key),
        label: String::new(),
    };
    door.saw(&issued(1, &key, 0, Role::Trader));
    let allowed = |call: &str| *CALLS.iter().find(|(known, _)| *known == call).unwrap();
    let call = allowed("OrderService.PlaceOrder");
    let may = |caller: &_, account| door.account(caller, "account_id", AccountId(account)).is_ok();
    let refused = |metadata| shown(&door.caller(&metadata, call).unwrap_err());
    assert_eq!(refused(HeaderMap::new()), "Unauthenticated UNAUTHENTICATED");
    assert_eq!(refused(bearing("Bearer hb_nobody")), "Unauthenticated UNAUTHENTICATED");
    assert_eq!(refused(bearing(&format!("Basic {key}"))), "Unauthenticated UNAUTHENTICATED");

    let caller = door.caller(&bearing(&format!("Bearer {key}")), call).unwrap();
    let denied = door.caller(&bearing(&format!("Bearer {key}")), allowed("AdminService.Halt")).unwrap_err();
    assert_eq!(shown(&denied), "PermissionDenied ROLE_NOT_ALLOWED");
    assert!(may(&caller, 1) && may(&caller, 3));
    for other in [2, 4] {
        // Another's account looks like none at all.
        let denied = door.account(&caller, "account_id", AccountId(other)).unwrap_err();
        assert_eq!(shown(&denied), "PermissionDenied ACCOUNT_NOT_YOURS account_id");
    }

    let (narrow, auditor) = (crate::new_key().unwrap(), crate::new_key().unwrap());
    door.saw(&issued(2, &narrow, 1, Role::Trader));
    let narrow = door.caller(&bearing(&format!("Bearer {narrow}")), call).unwrap();
    assert!(may(&narrow, 1) && !may(&narrow, 3));
    door.saw(&issued(3, &auditor, 0, Role::Auditor));
    let auditor =
        door.caller(&bearing(&format!("Bearer {auditor}")), allowed("AccountService.GetBalances")).unwrap();
    assert!(may(&auditor, 2) && !may(&auditor, 4));
    let denied = door.account(&auditor, "account_id", AccountId(4)).unwrap_err();
    assert_eq!(shown(&denied), "NotFound NOT_FOUND", "who sees all is told that there is none");

    door.saw(&Event::KeyRevoked { key: KeyId(1) });
    assert!(!door.is_valid(&caller) && door.is_valid(&narrow));
    assert_eq!(refused(bearing(&format!("Bearer {key}"))), "Unauthenticated UNAUTHENTICATED");
}

#[test]
fn an_account_has_a_second_of_commands_at_once_and_then_waits() {
    let door = Door::default();
    let account = AccountId(1);
    door.saw(&Event::AccountCreated { account, participant: ParticipantId(1), name: "x".into() });
    assert_eq!(door.pace(account, 600), Ok(()));
    assert_eq!(door.pace(account, 400), Ok(()));
    let wait = door.pace(account, 1_000).unwrap_err();
    assert!(wait > Duration::from_millis(500) && wait <= Duration::from_secs(1), "{wait:?}");
    let limits = Limits { commands_per_second: 5_000, open_orders: 1 };
    door.saw(&Event::LimitsSet { account, limits });
    assert_eq!(door.pace(account, 5_000), Ok(()));
    assert!(door.pace(account, 1_000).is_err());
}

#[test]
fn what_is_listed_no_more_is_forgotten_in_its_turn() {
    const NAMES: u32 = 100_000;
    let directory = Directory::default();
    let product: ProductSymbol = "GP.CNNX.A".parse().unwrap();
    directory.saw(&Event::ProductDefined { product: ProductId(1), symbol: product.clone() });
    let hour = |number: u32| Symbol {
        product: product.clone(),
        period: Period { kind: PeriodKind::Hour, start: Hour(400_000 + number), hours: 1 },
    };
    for number in 1..=NAMES + 1 {
        let instrument = InstrumentId(number);
        let listed = Event::Listed { instrument, product: ProductId(1), symbol: hour(number), gate: Time(0) };
        directory.saw(&listed);
        directory.saw(&Event::StatusChanged { instrument, status: Status::Settled });
    }
    let known = |number| directory.symbol(InstrumentId(number));
    assert_eq!(directory.count(ProductId(1)), 0);
    assert_eq!(known(1), None, "the first of all");
    assert_eq!(known(2).as_deref(), Some(hour(2).to_string().as_str()));
    // What history remembers of it takes the place of the next.
    directory.remember(InstrumentId(1), "GP.CNNX.A.H20150818T17");
    assert_eq!(known(1).as_deref(), Some("GP.CNNX.A.H20150818T17"));
    assert_eq!(known(2), None);
}

#[test]
fn a_contract_is_a_page_to_read() {
    let product = venue::product("GP.CNNX.C");
    let text = contract::text(&product, Some(&venue::class()), Some(&venue::region()));
    expect![[r#"
        CONTRACT GP.CNNX.C
        General purpose; Ningxia; tier C

        One unit
          One vCPU for one hour.
          It carries 1 vCPU, 4.5 GiB of memory, 0 GB of local disk.
          Network: at least 100 Mbit/s a unit.
          Benchmark: PassMark single thread, at least 1500.
          Families that deliver it: N4, SN1.

        Where
          Ningxia. Jurisdiction: China.
          Power usage effectiveness 1.1; electricity 0.045 USD per kWh.
          Cooling: outside air. Energy: wind and sun.

        Tier C
          Interruptible after 2 min of notice.
          Available for at least 95 % of each delivered hour.
          Hours of a better tier may be delivered in place of a worse one, never the other way.

        Delivery periods
          An hour, a day, an ISO week or a month, all UTC; every unit is delivered in every hour of it.
          Listed ahead: hours 24, days 3, weeks 1, months 1.
          Trading ends 5 min before an hour, 60 min before a longer period: its gate closure.
          At its gate a month or a week becomes the same position in each of its days, a day in each of its hours.

        Price and size
          CNY per unit-hour, for every period; amount = price x lots x hours.
          Tick 0.0001 CNY. Lot: one unit for each hour of the period.
          One order: at most 1000000 lots and 1000000 CNY.

        Trading
          Around the clock, price before time, at the resting order's price.
          Daily auction of the next day's hours and day, UTC: call 03:50, nothing taken back from 03:59, uncross 04:00.
          Orders more than 50 % from the reference are refused.
          Where a taker would trade more than 20 % from it, its rest is cancelled and a call of 5 min begins.
          Reference: the last auction, else the last trade, else the fair price, else 1 CNY.

        Fees
          Maker 0.02 %, taker 0.05 % of the amount of each fill, rounded down; in an auction both pay the maker's.
          A buyer pays at once, a seller out of what it is paid.

        Settlement
          The clearing account stands between buyer and seller. A buyer's payment is kept in escrow until delivery.
          After gate closure each hour's positions are obligations; each delivered hour is paid by what was delivered of it.

        Non-delivery
          The buyer gets the price of what was not delivered back, and the cost of cover above it.
          The seller pays a penalty of 25 % of that price after valid notice, ten times the value at most. No claim is needed.

        Assumed, not sourced
          - network: no source
    "#]].assert_eq(&text);
}
