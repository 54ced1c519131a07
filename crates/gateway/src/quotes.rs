//! Quotes as a stream: all that were asked for, then each that has moved.
//!
//! Nothing is queued: whoever reads is told how quotes stand when it is ready to hear it, so that a slow reader has the latest and
//! costs no memory. A quote is only made again when something it depends on has changed.

use crate::desk::{Asked, Desk, Footing};
use crate::door::Caller;
use crate::pricing::{asked, wire_quote};
use crate::{Inside, status};
use futures::Stream;
use hourbook_api::convert::Violation;
use hourbook_api::v1;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tonic::{Response, Status};

type Told = Result<v1::StreamQuotesResponse, Status>;
pub(crate) type Quotes = Pin<Box<dyn Stream<Item = Told> + Send>>;

/// Quotes of one stream.
const MOST_QUOTES: usize = 100;
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
