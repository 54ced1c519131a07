//! Quotes: how they are asked for and told, and as a stream: all that were asked for, then each that has moved.
//!
//! Nothing is queued: whoever reads is told how quotes stand when it is ready to hear it, so that a slow reader has the latest and
//! costs no memory. A quote is only made again when something it depends on has changed.

use crate::desk::{self, Asked, Desk, Footing, Quoted};
use crate::door::Caller;
use crate::{Inside, status};
use futures::Stream;
use hourbook_api::convert::{self, Checked, Violation};
use hourbook_api::v1;
use hourbook_model::{BadSymbol, ParticipantId, Symbol};
use hourbook_pricing::{Level, Withheld};
use rust_decimal::{Decimal, RoundingStrategy};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tonic::{Response, Status};

type Told = Result<v1::StreamQuotesResponse, Status>;
pub(crate) type Quotes = Pin<Box<dyn Stream<Item = Told> + Send>>;

/// Quotes of one stream.
const MOST_QUOTES: usize = 100;
const MOST_LOTS: i64 = 1_000_000;
const MOST_HELD: i64 = 1_000_000_000;
/// From one message to the next, at least.
const PAUSE: Duration = Duration::from_millis(100);

/// Quotes, now and whenever they move.
pub(crate) fn stream(
    inside: Arc<Inside>,
    caller: Caller,
    requests: Vec<v1::QuoteRequest>,
) -> Result<Response<Quotes>, Status> {
    if !(1..=MOST_QUOTES).contains(&requests.len()) {
        let why = format!("must be 1 to {MOST_QUOTES} quotes");
        return Err(status::misshapen(Violation::new("quotes", why)));
    }
    inside.door.pay(&caller, requests.len()).map_err(status::too_many_looks)?;
    let moves = inside.desk.moves();
    let mut followed = Vec::new();
    for (at, wire) in requests.into_iter().enumerate() {
        let asked = asked(&wire).map_err(|bad| status::misshapen(bad.within(&format!("quotes[{at}]"))))?;
        // What cannot be quoted is told before anything else.
        inside.desk.quote(&asked)?;
        followed.push(Followed { wire, asked, footing: None, told: v1::PriceQuote::default() });
    }
    let reader = Reader { inside, caller, moves, followed, began: false };
    Ok(Response::new(Box::pin(futures::stream::unfold(Some(reader), Reader::step))))
}

struct Reader {
    inside: Arc<Inside>,
    caller: Caller,
    moves: watch::Receiver<u64>,
    followed: Vec<Followed>,
    began: bool,
}

/// A quote that is followed.
struct Followed {
    wire: v1::QuoteRequest,
    asked: Asked,
    /// What the quote last told depends on.
    footing: Option<Footing>,
    told: v1::PriceQuote,
}

impl Reader {
    async fn step(reader: Option<Reader>) -> Option<(Told, Option<Reader>)> {
        let mut reader = reader?;
        match reader.next().await {
            Ok(quotes) => Some((Ok(v1::StreamQuotesResponse { quotes }), Some(reader))),
            Err(status) => Some((Err(status), None)),
        }
    }

    async fn next(&mut self) -> Result<Vec<v1::PriceQuote>, Status> {
        if self.began {
            tokio::time::sleep(PAUSE).await;
        }
        self.began = true;
        loop {
            if !self.inside.door.is_valid(&self.caller) {
                return Err(status::unauthenticated("the key was revoked"));
            }
            if self.inside.desk.has_ended() {
                return Err(status::pricing_ended());
            }
            // What moves from here on wakes.
            self.moves.borrow_and_update();
            let mut moved = Vec::new();
            for followed in &mut self.followed {
                moved.extend(followed.moved(&self.inside.desk)?);
            }
            if !moved.is_empty() {
                return Ok(moved);
            }
            tokio::select! {
                biased;
                // The desk lives as long as `inside`.
                _ = self.moves.changed() => tokio::time::sleep(PAUSE).await,
                () = self.inside.closed() => return Err(status::draining()),
                // Silence is a time to look at the key again.
                () = tokio::time::sleep(self.inside.heartbeat) => {}
            }
        }
    }
}

impl Followed {
    /// The quote, where it is not the one last told.
    fn moved(&mut self, desk: &Desk) -> Result<Option<v1::PriceQuote>, Status> {
        let footing = desk.footing(&self.asked);
        if footing.is_some() && footing == self.footing {
            return Ok(None);
        }
        let quoted = desk.quote(&self.asked)?;
        let quote = wire_quote(&self.wire, &self.asked, &quoted, desk.digest);
        self.footing = footing;
        let same =
            quote == v1::PriceQuote { sequence: quote.sequence, time: quote.time, ..self.told.clone() };
        self.told = quote.clone();
        Ok((!same).then_some(quote))
    }
}

// --- as the contract writes them ---

pub(crate) fn asked(wire: &v1::QuoteRequest) -> Checked<Asked> {
    let (product, period) = match (wire.symbol.as_str(), wire.product.as_str()) {
        ("", "") => return Err(Violation::new("symbol", "is required, or product")),
        (symbol, "") => {
            let symbol: Symbol = parsed("symbol", symbol)?;
            (symbol.product, Some(symbol.period))
        }
        ("", product) => (parsed("product", product)?, None),
        _ => return Err(Violation::new("product", "must not be given beside symbol")),
    };
    let lots = |field: &str, lots: i64, most: i64| match lots {
        lots if (0..=most).contains(&lots) => Ok(lots as u64),
        lots => Err(Violation::new(field, format!("must be 0 to {most} lots, not {lots}"))),
    };
    let quantity = lots("quantity", wire.quantity, MOST_LOTS)?.max(1);
    let capacity = lots("capacity_quantity", wire.capacity_quantity, MOST_HELD)?;
    let inventory = lots("inventory_quantity", wire.inventory_quantity, MOST_HELD)?;
    if inventory > capacity {
        return Err(Violation::new("inventory_quantity", "must be at most capacity_quantity"));
    }
    let holding = (capacity > 0).then_some((inventory, capacity));
    Ok(Asked { product, period, provider: ParticipantId(wire.provider_id), quantity, holding })
}

fn parsed<T: std::str::FromStr<Err = BadSymbol>>(field: &str, text: &str) -> Checked<T> {
    text.parse().map_err(|bad: BadSymbol| Violation::new(field, bad.to_string()))
}

pub(crate) fn wire_quote(
    wire: &v1::QuoteRequest,
    asked: &Asked,
    quoted: &Quoted,
    digest: [u8; 16],
) -> v1::PriceQuote {
    let Quoted { stamp, currency, tick, score, hours, fair, quote, .. } = quoted;
    let (bid_price_micros, bid_quantity, bid_withheld) = wire_side(&quote.bid);
    let (ask_price_micros, ask_quantity, ask_withheld) = wire_side(&quote.ask);
    let towards = |price: Decimal, rounding| desk::micros(price.round_dp_with_strategy(6, rounding));
    v1::PriceQuote {
        symbol: wire.symbol.clone(),
        product: asked.product.to_string(),
        provider_id: asked.provider.0,
        currency: currency.clone(),
        tick_micros: tick.0,
        fair_price_micros: desk::micros(quote.fair),
        fair_low_micros: towards(fair.low, RoundingStrategy::ToZero),
        fair_high_micros: towards(fair.high, RoundingStrategy::AwayFromZero),
        bid_price_micros,
        bid_quantity,
        bid_withheld: bid_withheld as i32,
        ask_price_micros,
        ask_quantity,
        ask_withheld: ask_withheld as i32,
        reservation_price_micros: desk::micros(quote.reservation),
        hours_to_delivery: *hours,
        score_ppm: ppm(*score / Decimal::ONE_HUNDRED),
        parameters_digest: digest_text(&digest),
        sequence: stamp.seq,
        time: Some(convert::timestamp(stamp.time)),
    }
}

fn wire_side(side: &Result<Level, Withheld>) -> (i64, i64, v1::WithheldReason) {
    use v1::WithheldReason as Wire;
    match side {
        Ok(level) => (desk::micros(level.price), level.units as i64, Wire::Unspecified),
        Err(Withheld::NoInventory) => (0, 0, Wire::NoInventory),
        Err(Withheld::NoRoom) => (0, 0, Wire::NoRoom),
        Err(Withheld::BelowTick) => (0, 0, Wire::BelowTick),
        Err(Withheld::Delivering) => (0, 0, Wire::Delivering),
    }
}

/// Millionths of a share of one.
pub(crate) fn ppm(share: Decimal) -> u32 {
    u32::try_from(desk::micros(share)).unwrap_or_default()
}

pub(crate) fn digest_text(digest: &[u8; 16]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
