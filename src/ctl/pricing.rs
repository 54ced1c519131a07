//! PricingService: what hours are worth, how providers are rated, and measurements of their service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Subcommand};
use hourbook_api::v1;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::show::{self, Column};
use super::values::{self, Micros, Moment};
use super::{Failure, Outcome, Paging, Session, pages};

#[derive(Subcommand)]
pub enum Command {
    /// Show what an instrument or a product is held to be worth, with two sides about it
    Price(Target),
    /// Show what a price was made of, or with a class in its place the score of `--provider`
    Explain(Target),
    /// Show how a provider is rated in a class
    Rating { provider: u32, class: String },
    /// List ratings
    Ratings {
        /// Those of one participant
        #[arg(long, value_name = "ID", default_value_t = 0)]
        provider: u32,
        #[command(flatten)]
        paging: Paging,
    },
    /// Submit measurements: lines of JSON, as `hourbook-pricing score --observations` reads them
    Observe {
        file: PathBuf,
        /// Participant that the file calls by a name that is no number; may be given several times
        #[arg(long, value_name = "NAME=ID")]
        provider: Vec<Named>,
        /// Class of lines that name none
        #[arg(long, default_value = "GP")]
        class: String,
    },
}

/// What is to be priced, and for whom.
#[derive(Args)]
pub struct Target {
    /// An instrument such as GP.CNNX.A.H20261125T08, or a product such as GP.CNNX.A
    target: String,
    /// Participant that sells; without one, anybody whose service just reaches the tier
    #[arg(long, value_name = "ID", default_value_t = 0)]
    provider: u32,
    /// Lots on a side at most
    #[arg(long, default_value_t = 1)]
    lots: i64,
    /// Lots held and not sold, which move the quote
    #[arg(long, value_name = "LOTS", default_value_t = 0, requires = "capacity")]
    held: i64,
    /// Most lots to hold
    #[arg(long, value_name = "LOTS", default_value_t = 0)]
    capacity: i64,
}

/// A participant that a file calls by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    name: String,
    id: u32,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Named, String> {
        let (name, id) = text.rsplit_once('=').ok_or("not a name and an id, such as north=3")?;
        let id = id.parse().map_err(|_| format!("`{id}` is not the id of a participant"))?;
        Ok(Named { name: name.into(), id })
    }
}

/// Measurements in one request.
const AT_ONCE: usize = 1_000;

pub async fn run(session: &Session, command: Command) -> Outcome {
    use v1::explain_request::Subject;
    let out = session.out;
    let mut pricing = session.client.pricing.clone();
    match command {
        Command::Price(target) => {
            let answer = pricing.quote(target.quote()).await?.into_inner();
            out.tell(&answer, |answer| answer.quote.as_ref().map(price).unwrap_or_default());
        }
        Command::Explain(target) => {
            let subject = match target.target.contains('.') {
                true => Subject::Quote(target.quote()),
                false => Subject::Service(v1::Service { provider_id: target.provider, class: target.target }),
            };
            let request = v1::ExplainRequest { subject: Some(subject) };
            let answer = pricing.explain(request).await?.into_inner();
            out.tell(&answer, explanation);
        }
        Command::Rating { provider, class } => {
            let request = v1::GetRatingRequest { provider_id: provider, class };
            let answer = pricing.get_rating(request).await?.into_inner();
            out.tell(&answer, |answer| ratings(answer.rating.as_slice()));
        }
        Command::Ratings { provider, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut pricing = pricing.clone();
                async move {
                    let request = v1::ListRatingsRequest { provider_id: provider, page_size, page_token };
                    let page = pricing.list_ratings(request).await?.into_inner();
                    Ok((page.ratings, page.next_page_token))
                }
            });
            let answer = v1::ListRatingsResponse { ratings: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| ratings(&answer.ratings));
        }
        Command::Observe { file, provider, class } => {
            let measured = read(&file, &provider, &class).map_err(Failure::Said)?;
            observe(session, measured).await?;
        }
    }
    Ok(())
}

impl Target {
    fn quote(self) -> v1::QuoteRequest {
        let whole = self.target.split('.').count() > 3;
        let (symbol, product) =
            if whole { (self.target, String::new()) } else { (String::new(), self.target) };
        v1::QuoteRequest {
            symbol,
            product,
            provider_id: self.provider,
            quantity: self.lots,
            inventory_quantity: self.held,
            capacity_quantity: self.capacity,
        }
    }
}

// --- what is told ---

fn price(quote: &v1::PriceQuote) -> String {
    let what = if quote.symbol.is_empty() { &quote.product } else { &quote.symbol };
    let side = |price: i64, lots: i64, withheld: i32| match price {
        0 => {
            let why = show::word!(WithheldReason, withheld, "WITHHELD_REASON_").replace('_', " ");
            format!("withheld: {why}")
        }
        price => format!("{} for {lots} lots at most", Micros(price)),
    };
    let seller = match quote.provider_id {
        0 => "anybody".to_string(),
        id => format!("participant {id}"),
    };
    show::facts(&[
        ("price of", format!("{what}, {} per unit-hour, sold by {seller}", quote.currency)),
        (
            "fair",
            format!(
                "{}, four times in five within {} to {}",
                Micros(quote.fair_price_micros),
                Micros(quote.fair_low_micros),
                Micros(quote.fair_high_micros)
            ),
        ),
        ("bid", side(quote.bid_price_micros, quote.bid_quantity, quote.bid_withheld)),
        ("ask", side(quote.ask_price_micros, quote.ask_quantity, quote.ask_withheld)),
        ("score", points(quote.score_ppm)),
        ("delivery", format!("in {} h", quote.hours_to_delivery)),
        ("as of", format!("{}, number {}", values::time(quote.time.as_ref()), quote.sequence)),
        ("parameters", quote.parameters_digest.clone()),
    ])
}

fn explanation(answer: &v1::ExplainResponse) -> String {
    let mut parts: Vec<String> = answer.quote.iter().map(price).collect();
    let columns = [Column::Number("value"), Column::Text("of the fair price")];
    let row = |term: &v1::PriceTerm| {
        let sign = match term.kind() {
            v1::PriceTermKind::Factor => "x ",
            _ => "",
        };
        vec![format!("{sign}{}", term.value), term.term.clone()]
    };
    if !answer.fair_terms.is_empty() {
        parts.push(show::table(&columns, answer.fair_terms.iter().map(row)));
    }
    if !answer.quote_terms.is_empty() {
        let columns = [Column::Number("share"), Column::Text("of the quote, relative to the fair price")];
        parts.push(show::table(&columns, answer.quote_terms.iter().map(row)));
    }
    parts.extend(answer.score.iter().map(score));
    parts.join("\n\n")
}

fn score(score: &v1::Score) -> String {
    use Column::{Number, Text};
    let columns = [
        Text("metric"),
        Number("weight"),
        Number("estimate"),
        Number("at worst"),
        Number("score"),
        Number("bound"),
        Number("evidence"),
    ];
    let rows = score.attributes.iter().map(|one| {
        vec![
            one.metric.clone(),
            values::percent(one.weight_ppm),
            one.estimate.clone(),
            one.estimate_bound.clone(),
            points(one.score_ppm),
            points(one.bound_ppm),
            Micros(one.evidence_micros).to_string(),
        ]
    });
    format!(
        "score {} of participant {} in {}, at least {}, by {}\n{}",
        points(score.score_ppm),
        score.provider_id,
        score.class,
        points(score.bound_ppm),
        values::time(score.as_of_time.as_ref()),
        show::table(&columns, rows)
    )
}

fn ratings(ratings: &[v1::Rating]) -> String {
    use Column::{Number, Text};
    let columns = [
        Number("provider"),
        Text("class"),
        Text("rating"),
        Number("score"),
        Number("bound"),
        Number("evidence"),
        Text("tiers"),
        Text("rated"),
    ];
    let rows = ratings.iter().map(|one| {
        let grade = match one.grade() {
            v1::RatingGrade::Unspecified => "-".into(),
            _ => show::word!(RatingGrade, one.grade, "RATING_GRADE_").to_uppercase(),
        };
        vec![
            one.provider_id.to_string(),
            one.class.clone(),
            grade,
            points(one.score_ppm),
            points(one.bound_ppm),
            Micros(one.evidence_micros).to_string(),
            if one.tiers.is_empty() { "none".into() } else { one.tiers.join(" ") },
            values::time(one.rated_time.as_ref()),
        ]
    });
    show::table(&columns, rows)
}

/// A score in points of a hundred.
fn points(ppm: u32) -> String {
    Decimal::new(ppm.into(), 4).normalize().to_string()
}

// --- measurements ---

type Measured = BTreeMap<(u32, String), Vec<v1::Observation>>;

async fn observe(session: &Session, measured: Measured) -> Outcome {
    let base = session.request_id()?;
    let all: usize = measured.values().map(Vec::len).sum();
    let parts = measured.into_iter().flat_map(|((provider, class), observations)| {
        let parts: Vec<_> = observations.chunks(AT_ONCE).map(<[_]>::to_vec).collect();
        parts.into_iter().map(move |part| (provider, class.clone(), part))
    });
    let parts: Vec<_> = parts.collect();
    let (many, mut taken) = (parts.len() > 1, 0);
    for (at, (provider_id, class, observations)) in parts.into_iter().enumerate() {
        let request_id = if many { format!("{base}-{}", at + 1) } else { base.clone() };
        let request =
            v1::SubmitObservationsRequest { request_id, provider_id, class: class.clone(), observations };
        let answer = match session.client.pricing.clone().submit_observations(request).await {
            Ok(answer) => answer.into_inner(),
            Err(refused) => {
                session.out.note(format_args!(
                    "{taken} of {all} measurements were taken in; with --request-id {base} none of them counts twice"
                ));
                return Err(refused.into());
            }
        };
        taken += answer.observation_count as usize;
        session.out.tell(&answer, |answer| {
            let again = if answer.repeated { ", before" } else { "" };
            let count = answer.observation_count;
            format!("{count} of participant {provider_id} in {class}: number {}{again}", answer.sequence)
        });
    }
    Ok(())
}

/// Reads measurements; what is wrong is told with file, line and field, and nothing is submitted.
fn read(path: &Path, providers: &[Named], class: &str) -> Result<Measured, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut measured = Measured::new();
    let mut ids = BTreeSet::new();
    let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).lines().enumerate();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: String| format!("{}: line {}: {why}", path.display(), at + 1);
        let fields: Map<String, Value> = serde_json::from_str(line).map_err(|why| wrong(why.to_string()))?;
        let (whose, observation) = measurement(&fields, providers, class).map_err(wrong)?;
        if let Some(id) = fields.get("id")
            && !ids.insert(id.to_string())
        {
            return Err(wrong(format!("id {id} stood on an earlier line")));
        }
        measured.entry(whose).or_default().push(observation);
    }
    if measured.is_empty() {
        return Err(format!("{}: no measurements", path.display()));
    }
    Ok(measured)
}

fn measurement(
    fields: &Map<String, Value>,
    providers: &[Named],
    class: &str,
) -> Result<((u32, String), v1::Observation), String> {
    // When it became known is now; what it is called is for whoever made the file.
    const KNOWN: [&str; 9] =
        ["provider", "class", "metric", "time", "recorded", "id", "good", "total", "value"];
    if let Some(name) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(format!("field {name:?} is not known"));
    }
    let text = |name: &str| match fields.get(name) {
        None => Err(format!("{name} is missing")),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(format!("{name} is neither a text nor a number")),
    };
    let called = text("provider")?;
    let named = providers.iter().find(|named| named.name == called).map(|named| named.id);
    let provider = named.or(called.parse().ok()).ok_or_else(|| {
        format!("provider {called:?} is not the id of a participant: give --provider {called}=ID")
    })?;
    let class = if fields.contains_key("class") { text("class")? } else { class.to_string() };
    let time = text("time")?;
    // A date stands for its beginning.
    let moment = if time.contains('T') { time.clone() } else { format!("{time}T00:00:00Z") };
    let moment: Moment = moment.parse().map_err(|_| format!("time {time:?} is no time and no date"))?;
    let micros = |name: &str| -> Result<i64, String> {
        let text = text(name)?;
        text.parse::<Micros>().map(|micros| micros.0).map_err(|why| format!("{name} {text:?}: {why}"))
    };
    let reading = match (fields.contains_key("value"), fields.contains_key("good")) {
        (true, false) if !fields.contains_key("total") => {
            v1::observation::Reading::ValueMicros(micros("value")?)
        }
        (false, true) => v1::observation::Reading::Trials(v1::Trials {
            good_micros: micros("good")?,
            total_micros: micros("total")?,
        }),
        _ => return Err("give good and total of a rate, or value of a quantity".into()),
    };
    let observation =
        v1::Observation { metric: text("metric")?, observation_time: Some(moment.0), reading: Some(reading) };
    Ok(((provider, class), observation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(line: &str) -> Result<((u32, String), v1::Observation), String> {
        let north = Named { name: "north".into(), id: 3 };
        measurement(&serde_json::from_str(line).unwrap(), &[north], "GP")
    }

    #[test]
    fn a_line_is_a_measurement_or_says_what_is_wrong() {
        use v1::observation::Reading;
        let line = r#"{"provider":"north","metric":"availability","time":"2026-11-20T08:00:00Z","good":1439,"total":"1440.5"}"#;
        let ((provider, class), measured) = reading(line).unwrap();
        assert_eq!((provider, class.as_str(), measured.metric.as_str()), (3, "GP", "availability"));
        let trials = v1::Trials { good_micros: 1_439_000_000, total_micros: 1_440_500_000 };
        assert_eq!(measured.reading, Some(Reading::Trials(trials)));
        let line =
            r#"{"provider":7,"class":"L4","metric":"latency_ms","time":"2026-11-20","value":1.8,"id":"x"}"#;
        let ((provider, class), measured) = reading(line).unwrap();
        assert_eq!((provider, class.as_str()), (7, "L4"));
        assert_eq!(measured.reading, Some(Reading::ValueMicros(1_800_000)));
        assert_eq!(values::time(measured.observation_time.as_ref()), "2026-11-20T00:00:00Z");

        let table = [
            (r#"{"provider":"south","metric":"m","time":"2026-11-20","value":1}"#, "--provider south=ID"),
            (r#"{"provider":"north","time":"2026-11-20","value":1}"#, "metric is missing"),
            (r#"{"provider":"north","metric":"m","time":"soon","value":1}"#, "no time and no date"),
            (
                r#"{"provider":"north","metric":"m","time":"2026-11-20","value":1,"total":2}"#,
                "give good and total",
            ),
            (r#"{"provider":"north","metric":"m","time":"2026-11-20","good":1}"#, "total is missing"),
            (
                r#"{"provider":"north","metric":"m","time":"2026-11-20","value":"0.0000001"}"#,
                "finer than six",
            ),
            (
                r#"{"provider":"north","metric":"m","time":"2026-11-20","value":1,"mood":2}"#,
                "\"mood\" is not known",
            ),
        ];
        for (line, expected) in table {
            let why = reading(line).unwrap_err();
            assert!(why.contains(expected), "{line}: {why}");
        }
    }

    #[test]
    fn a_quote_is_told_with_what_is_withheld_and_why() {
        let quote = v1::PriceQuote {
            product: "GP.CNNX.A".into(),
            currency: "CNY".into(),
            fair_price_micros: 241_000,
            fair_low_micros: 200_000,
            fair_high_micros: 480_000,
            bid_withheld: v1::WithheldReason::NoRoom as i32,
            ask_price_micros: 245_000,
            ask_quantity: 5,
            score_ppm: 900_000,
            hours_to_delivery: 1,
            parameters_digest: "00".into(),
            ..Default::default()
        };
        expect_test::expect![[r#"
            price of    GP.CNNX.A, CNY per unit-hour, sold by anybody
            fair        0.241, four times in five within 0.20 to 0.48
            bid         withheld: no room
            ask         0.245 for 5 lots at most
            score       90
            delivery    in 1 h
            as of       , number 0
            parameters  00"#]]
        .assert_eq(&price(&quote));
    }
}
