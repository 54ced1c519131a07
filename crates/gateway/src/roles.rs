//! Who may call what: one table, read by the services and by the test of every call against every role.

use Role::{Auditor, Maker, Meter, Operator, Provider, Trader};
use hourbook_model::Role;

const TRADING: &[Role] = &[Trader, Maker, Provider];
const QUOTING: &[Role] = &[Maker];
const OWN: &[Role] = &[Trader, Maker, Provider, Operator, Auditor];
const ANYONE: &[Role] = &[Trader, Maker, Provider, Meter, Operator, Auditor];
const OPERATING: &[Role] = &[Operator];
const MEASURING: &[Role] = &[Meter, Auditor];
const WATCHING: &[Role] = &[Operator, Auditor];

/// Every call of every service, and the roles that may make it.
pub const CALLS: &[(&str, &[Role])] = &[
    ("OrderService.PlaceOrder", TRADING),
    ("OrderService.CancelOrder", TRADING),
    ("OrderService.AmendOrder", TRADING),
    ("OrderService.ReduceOrder", TRADING),
    ("OrderService.MassCancel", TRADING),
    ("OrderService.MassQuote", QUOTING),
    ("OrderService.Trade", TRADING),
    ("OrderService.GetOrder", OWN),
    ("OrderService.ListOrders", OWN),
    ("OrderService.ListFills", OWN),
    ("OrderService.StreamExecutions", OWN),
    ("MarketDataService.GetBook", ANYONE),
    ("MarketDataService.Subscribe", ANYONE),
    ("MarketDataService.ListTrades", ANYONE),
    ("MarketDataService.ListCandles", ANYONE),
    ("MarketDataService.ListIndex", ANYONE),
    ("MarketDataService.GetForwardCurve", ANYONE),
    ("InstrumentService.ListProducts", ANYONE),
    ("InstrumentService.GetProduct", ANYONE),
    ("InstrumentService.ListInstruments", ANYONE),
    ("InstrumentService.GetInstrument", ANYONE),
    ("InstrumentService.StreamInstrumentStatus", ANYONE),
    ("InstrumentService.GetContract", ANYONE),
    ("AccountService.ListAccounts", OWN),
    ("AccountService.GetBalances", OWN),
    ("AccountService.ListHolds", OWN),
    ("AccountService.ListPositions", OWN),
    ("AccountService.ListCapacity", OWN),
    ("AccountService.ListLedgerEntries", OWN),
    ("PricingService.Quote", ANYONE),
    ("PricingService.Explain", ANYONE),
    ("PricingService.GetRating", ANYONE),
    ("PricingService.ListRatings", ANYONE),
    ("PricingService.SubmitObservations", MEASURING),
    ("PricingService.StreamQuotes", ANYONE),
    ("AdminService.CreateParticipant", OPERATING),
    ("AdminService.CreateAccount", OPERATING),
    ("AdminService.IssueKey", OPERATING),
    ("AdminService.RevokeKey", OPERATING),
    ("AdminService.Deposit", OPERATING),
    ("AdminService.Withdraw", OPERATING),
    ("AdminService.DeclareCapacity", OPERATING),
    ("AdminService.SetLimits", OPERATING),
    ("AdminService.SetCredit", OPERATING),
    ("AdminService.SetReference", OPERATING),
    ("AdminService.Halt", OPERATING),
    ("AdminService.Resume", OPERATING),
    ("AdminService.OpenAuction", OPERATING),
    ("AdminService.Uncross", OPERATING),
    ("AdminService.Kill", OPERATING),
    ("AdminService.Unkill", OPERATING),
    ("AdminService.ListParticipants", WATCHING),
    ("AdminService.ListAllAccounts", WATCHING),
    ("AdminService.ListKeys", WATCHING),
    ("AdminService.TakeSnapshot", OPERATING),
    ("AdminService.Drain", OPERATING),
    ("AdminService.GetStatus", WATCHING),
];

/// Whether a key of this role may make this call; a call that is not in the table may be made by nobody.
pub fn may(role: Role, call: &str) -> bool {
    CALLS.iter().any(|(known, roles)| *known == call && roles.contains(&role))
}

/// Whether the role sees every account, not only its own.
pub fn sees_all(role: Role) -> bool {
    matches!(role, Operator | Auditor)
}
