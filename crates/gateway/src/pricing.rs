//! PricingService: measurements in, ratings and quotes out.

use crate::accounts::page;
use crate::calls::caller;
use crate::desk::{self, ServiceName};
use crate::quotes::{self, asked, digest_text, ppm, wire_quote};
use crate::{Inside, asked_by, status};
use hourbook_api::convert::{self, Checked, Violation};
use hourbook_api::v1;
use hourbook_api::v1::pricing_service_server::PricingService;
use hourbook_exchange::Exchange;
use hourbook_model::*;
use hourbook_pricing::{Line, MetricKind, Params, Reading, Score};
use rust_decimal::Decimal;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Request as Call, Response, Status as Refusal};

pub struct Prices(pub Arc<Inside>);

type Answered<T> = Result<Response<T>, Refusal>;

/// How long a quote waits for what was just published to be in it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Measurements in one request; what each of them takes of the allowance, in rows.
const MOST_OBSERVATIONS: usize = 1_000;
const ROWS_EACH: usize = 10;
/// Days and metrics of a service, about: what more there is, is paid for afterwards.
const EVIDENCE: usize = 500;

#[tonic::async_trait]
impl PricingService for Prices {
    async fn quote(&self, call: Call<v1::QuoteRequest>) -> Answered<v1::QuoteResponse> {
        caller(&call)?;
        let wire = call.into_inner();
        let asked = asked(&wire).map_err(status::misshapen)?;
        self.catch_up().await?;
        let quoted = self.0.desk.quote(&asked)?;
        let quote = Some(wire_quote(&wire, &asked, &quoted, self.0.desk.digest));
        Ok(Response::new(v1::QuoteResponse { quote }))
    }

    async fn explain(&self, call: Call<v1::ExplainRequest>) -> Answered<v1::ExplainResponse> {
        use v1::explain_request::Subject;
        let caller = caller(&call)?;
        let missing = || Violation::new("subject", "is required: quote or service");
        let subject = call.into_inner().subject.ok_or_else(missing).map_err(status::misshapen)?;
        let mut answer = v1::ExplainResponse::default();
        let service = match subject {
            Subject::Service(wire) => Some(
                service(wire.provider_id, &wire.class)
                    .map_err(|bad| status::misshapen(bad.within("service")))?,
            ),
            Subject::Quote(wire) => {
                let asked = asked(&wire).map_err(|bad| status::misshapen(bad.within("quote")))?;
                self.catch_up().await?;
                let quoted = self.0.desk.explained(&asked)?;
                answer.quote = Some(wire_quote(&wire, &asked, &quoted, self.0.desk.digest));
                answer.fair_terms = quoted.lines.iter().map(fair_term).collect();
                answer.quote_terms = quoted.quote.terms.iter().map(quote_term).collect();
                (asked.provider.0 > 0).then(|| (asked.provider, asked.product.class.clone()))
            }
        };
        if let Some((provider, class)) = service {
            let named = class.clone();
            let look = move |exchange: &Exchange| {
                let known = exchange.participant(provider).is_some();
                let service = exchange.service(provider, &named);
                let observations: Vec<_> = service.into_iter().flat_map(|one| one.observations()).collect();
                (known, exchange.stamp(), observations)
            };
            let (known, stamp, observations) = self.0.look(&caller, EVIDENCE, look).await?;
            self.0.door.settle(&caller, EVIDENCE, observations.len());
            if !known {
                return Err(status::not_found("provider_id: no such participant"));
            }
            let (desk, day) = (Arc::clone(&self.0.desk), desk::day(stamp));
            let scored = tokio::task::spawn_blocking({
                let class = class.clone();
                move || desk.score(&class, &observations, day)
            });
            let scored = scored.await.map_err(|_| status::fault("a score panicked"))?;
            let score = scored.map_err(|error| status::not_priced(&error.to_string()))?;
            answer.score = Some(wire_score(provider, class, &score, day, self.0.desk.digest));
        }
        Ok(Response::new(answer))
    }

    async fn get_rating(&self, call: Call<v1::GetRatingRequest>) -> Answered<v1::GetRatingResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let (provider, class) = service(wire.provider_id, &wire.class).map_err(status::misshapen)?;
        let named = class.clone();
        let look = move |exchange: &Exchange| Some(exchange.service(provider, &named)?.standing());
        let Some(standing) = self.0.look(&caller, 1, look).await? else {
            return Err(status::not_found("nothing was measured of this provider in this class"));
        };
        Ok(Response::new(v1::GetRatingResponse { rating: Some(wire_rating(provider, class, standing)) }))
    }

    async fn list_ratings(&self, call: Call<v1::ListRatingsRequest>) -> Answered<v1::ListRatingsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let only = ParticipantId(wire.provider_id);
        let after = service_token(&wire.page_token).map_err(status::misshapen)?;
        // No class sorts before the empty one.
        let beginning = (only.0 > 0).then(|| (only, String::new()));
        let after = after.max(beginning);
        let look = move |exchange: &Exchange| {
            let services = exchange.services(after.as_ref());
            let services = services.take_while(|(provider, ..)| only.0 == 0 || *provider == only);
            let rating = |(provider, class, service): (_, &str, hourbook_exchange::ServiceView<'_>)| {
                wire_rating(provider, class.to_owned(), service.standing())
            };
            services.take(size + 1).map(rating).collect()
        };
        let (_, ratings) = self.0.list(&caller, size, look).await?;
        let token = |rating: &v1::Rating| format!("{}-{}", rating.provider_id, rating.class);
        let (ratings, next_page_token) = page(ratings, size, token);
        Ok(Response::new(v1::ListRatingsResponse { ratings, next_page_token }))
    }

    async fn submit_observations(
        &self,
        call: Call<v1::SubmitObservationsRequest>,
    ) -> Answered<v1::SubmitObservationsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let client_id = convert::client_id("request_id", &wire.request_id).map_err(status::misshapen)?;
        let (provider, class) = service(wire.provider_id, &wire.class).map_err(status::misshapen)?;
        let observations =
            observations(&self.0.desk.params, &class, &wire.observations).map_err(status::misshapen)?;
        self.0.door.pay(&caller, ROWS_EACH * observations.len()).map_err(status::too_many_looks)?;
        let request = Request { client_id, ..asked_by(caller.key) };
        let command = SubmitObservations { provider, class, observations };
        let answer = self.0.submit(request, command.into()).await?.answer;
        if let Some(reason) = answer.refused {
            return Err(status::refused(reason));
        }
        Ok(Response::new(v1::SubmitObservationsResponse {
            sequence: answer.stamp.seq,
            repeated: answer.repeated,
            observation_count: answer.number as u32,
        }))
    }

    type StreamQuotesStream = quotes::Quotes;

    async fn stream_quotes(&self, call: Call<v1::StreamQuotesRequest>) -> Answered<Self::StreamQuotesStream> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        self.catch_up().await?;
        quotes::stream(Arc::clone(&self.0), caller, wire.quotes)
    }
}

impl Prices {
    /// Waits until what is durable now is in the prices. A desk that lags is not waited for without end: the answer names the
    /// command that it has come to.
    ///
    /// # Errors
    /// UNAVAILABLE when the desk has closed.
    async fn catch_up(&self) -> Result<(), Refusal> {
        self.0.seen(self.0.handle.stats().durable).await;
        self.0.desk.taken_up(PATIENCE).await;
        if self.0.desk.has_ended() { Err(status::pricing_ended()) } else { Ok(()) }
    }
}

// --- what is asked ---

fn service(provider: u32, class: &str) -> Checked<ServiceName> {
    if provider == 0 {
        return Err(Violation::new("provider_id", "is required"));
    }
    match class {
        "" => Err(Violation::new("class", "is required")),
        class if ProductSymbol::is_class(class) => Ok((ParticipantId(provider), class.into())),
        _ => Err(Violation::new("class", "must be 2 to 10 capitals and digits")),
    }
}

/// Where a list of ratings goes on: `provider-class`.
fn service_token(token: &str) -> Checked<Option<ServiceName>> {
    let bad = || Violation::new("page_token", "must be empty or next_page_token of the last answer");
    match token.split_once('-') {
        None if token.is_empty() => Ok(None),
        None => Err(bad()),
        Some((provider, class)) => {
            let provider = provider.parse().map_err(|_| bad())?;
            service(provider, class).map(Some).map_err(|_| bad())
        }
    }
}

fn observations(params: &Params, class: &str, wire: &[v1::Observation]) -> Checked<Vec<Observation>> {
    if !(1..=MOST_OBSERVATIONS).contains(&wire.len()) {
        let why = format!("must be 1 to {MOST_OBSERVATIONS} observations");
        return Err(Violation::new("observations", why));
    }
    let one = |(at, wire)| {
        observation(params, class, wire).map_err(|bad: Violation| bad.within(&format!("observations[{at}]")))
    };
    wire.iter().enumerate().map(one).collect()
}

/// What a measurement comes to in whole numbers, which is what is journaled.
fn observation(params: &Params, class: &str, wire: &v1::Observation) -> Checked<Observation> {
    use v1::observation::Reading as Wire;
    let metric = &wire.metric;
    if metric.is_empty() {
        return Err(Violation::new("metric", "is required"));
    }
    let at =
        wire.observation_time.as_ref().ok_or_else(|| Violation::new("observation_time", "is required"))?;
    let day = convert::time("observation_time", at)?.day();
    // A class that the parameters do not know is measured ahead of being scored; the market knows whether there is one.
    let known = params.scoring.classes.get(class);
    if let Some(weights) = known
        && !weights.contains_key(metric)
    {
        let names: Vec<&str> = weights.keys().map(String::as_str).collect();
        let why = format!("{class} is measured by {}", names.join(", "));
        return Err(Violation::new("metric", why));
    }
    let of_success = known.and(params.scoring.metrics.get(metric)).map(|one| one.kind == MetricKind::Success);
    let (reading, measure) = match &wire.reading {
        None => return Err(Violation::new("trials", "is required, or value_micros")),
        Some(Wire::Trials(_)) if of_success == Some(false) => {
            return Err(Violation::new("trials", format!("{metric} is a quantity: give value_micros")));
        }
        Some(Wire::ValueMicros(_)) if of_success == Some(true) => {
            return Err(Violation::new("value_micros", format!("{metric} counts successes: give trials")));
        }
        Some(Wire::Trials(trials)) => {
            let v1::Trials { good_micros, total_micros } = *trials;
            if !(1..=DaySum::MOST).contains(&total_micros) {
                let why = format!("must be 1 to {} micros, not {total_micros}", DaySum::MOST);
                return Err(Violation::new("trials.total_micros", why));
            }
            if !(0..=total_micros).contains(&good_micros) {
                return Err(Violation::new("trials.good_micros", "must be 0 to total_micros"));
            }
            let (good, total) = (Decimal::new(good_micros, 6), Decimal::new(total_micros, 6));
            (Reading::Trials { good, total }, Measure::Trials)
        }
        Some(Wire::ValueMicros(micros)) => {
            if !(1..=DaySum::MOST).contains(micros) {
                let why = format!("must be 1 to {} micros, not {micros}", DaySum::MOST);
                return Err(Violation::new("value_micros", why));
            }
            (Reading::Value(Decimal::new(*micros, 6)), Measure::Values)
        }
    };
    let out_of_time = || Violation::new("observation_time", "must be between 1970 and 2199");
    let as_priced = hourbook_pricing::Observation {
        metric: metric.clone(),
        day: i32::try_from(day).map_err(|_| out_of_time())?,
        reading,
    };
    // The readings are within their bounds: only the day can be out of them.
    let sums = as_priced.sums().map_err(|_| out_of_time())?;
    let sum = DaySum { count: sums.count, sum: sums.sum };
    Ok(Observation { metric: metric.clone(), measure, day: day as u32, sum })
}

// --- what is told ---

fn fair_term(line: &Line) -> v1::PriceTerm {
    let kind = if line.money { v1::PriceTermKind::Money } else { v1::PriceTermKind::Factor };
    v1::PriceTerm { term: line.what.clone(), value: line.value.normalize().to_string(), kind: kind as i32 }
}

fn quote_term((what, value): &(&str, Decimal)) -> v1::PriceTerm {
    // Finer than that nobody sees.
    let value = value.round_dp(9).normalize().to_string();
    v1::PriceTerm { term: (*what).into(), value, kind: v1::PriceTermKind::Share as i32 }
}

fn wire_score(
    provider: ParticipantId,
    class: String,
    score: &Score,
    day: i32,
    digest: [u8; 16],
) -> v1::Score {
    let attributes = score.attributes.iter().map(|one| v1::ScoreAttribute {
        metric: one.metric.clone(),
        weight_ppm: ppm(one.weight),
        estimate: one.estimate.normalize().to_string(),
        estimate_bound: one.estimate_bound.normalize().to_string(),
        score_ppm: ppm(one.score / Decimal::ONE_HUNDRED),
        bound_ppm: ppm(one.bound / Decimal::ONE_HUNDRED),
        evidence_micros: desk::micros(one.evidence),
    });
    v1::Score {
        provider_id: provider.0,
        class,
        score_ppm: ppm(score.score / Decimal::ONE_HUNDRED),
        bound_ppm: ppm(score.bound / Decimal::ONE_HUNDRED),
        evidence_micros: desk::micros(score.evidence),
        attributes: attributes.collect(),
        as_of_time: Some(midnight(i64::from(day) + 1)),
        parameters_digest: digest_text(&digest),
    }
}

fn wire_rating(provider: ParticipantId, class: String, standing: Option<(Standing, [u8; 16])>) -> v1::Rating {
    let rating = v1::Rating { provider_id: provider.0, class, ..v1::Rating::default() };
    let Some((standing, digest)) = standing else { return rating };
    let tiers = [(1, "A"), (2, "B"), (4, "C")].into_iter();
    v1::Rating {
        grade: i32::from(standing.rating) + 1,
        score_ppm: standing.score,
        bound_ppm: standing.bound,
        evidence_micros: standing.evidence as i64,
        tiers: tiers.filter(|(bit, _)| standing.tiers & bit != 0).map(|(_, tier)| tier.into()).collect(),
        rated_time: Some(midnight(standing.rated_on.into())),
        parameters_digest: digest_text(&digest),
        ..rating
    }
}

/// The beginning of a day, counted from 1970-01-01.
fn midnight(day: i64) -> prost_types::Timestamp {
    convert::timestamp(Time(day * Time::DAY))
}
