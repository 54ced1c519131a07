//! The file of parameters as it is written, and every check that turns it into [`Params`].

use super::{Card, Class, Curves, KindRules, Params, Region};
use crate::bundle::{Bundle, Component, PerComponent, UnitPrices};
use crate::error::Error;
use crate::number::{Number, UNIT_PRICE_SCALE};
use crate::quote::Quoting;
use crate::rating::Cuts;
use crate::score::{Metric, MetricKind, Scoring, Weight};
use crate::terms::{Bases, Field, Item, Term};
use rust_decimal::{Decimal, MathematicalOps, dec};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    format: u32,
    version: String,
    #[serde(default, rename = "provenance")]
    _provenance: toml::Table,
    #[serde(default, rename = "accuracy")]
    _accuracy: toml::Table,
    units: BTreeMap<String, Number>,
    #[serde(default)]
    gpus: BTreeMap<String, Number>,
    #[serde(default)]
    curves: BTreeMap<String, Number>,
    #[serde(default)]
    terms: Vec<RawTerm>,
    #[serde(default)]
    families: BTreeMap<String, RawFamily>,
    #[serde(default)]
    listed: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    errors: BTreeMap<String, Number>,
    regions: BTreeMap<String, RawRegion>,
    classes: BTreeMap<String, RawClass>,
    kinds: BTreeMap<String, RawKind>,
    rates: BTreeMap<String, Number>,
    watts: BTreeMap<String, Number>,
    #[serde(default)]
    countries: BTreeMap<String, RawCountry>,
    quality: RawQuality,
    rating: RawRating,
    #[serde(default)]
    products: BTreeMap<String, RawCard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTerm {
    name: String,
    on: String,
    key: Vec<String>,
    values: BTreeMap<String, Number>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFamily {
    series: String,
    generation: String,
    attributes: String,
    #[serde(default)]
    extra: String,
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    bare_metal: bool,
    #[serde(default)]
    gpu: String,
    speed: Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegion {
    country: String,
    #[serde(default)]
    priced_as: Vec<String>,
    pue: Number,
    power_usd_per_kwh: Number,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCountry {
    pue: Number,
    power_usd_per_kwh: Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClass {
    vcpu: Number,
    gib: Number,
    #[serde(default)]
    ssd_gb: Option<Number>,
    #[serde(default)]
    gpu: String,
    families: Vec<String>,
    #[serde(default)]
    gpu_times: Option<Number>,
    #[serde(default)]
    gpu_watts: Option<Number>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKind {
    tiers: RawTiers,
    quality_slope: Number,
    quoting: RawQuoting,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
struct RawTiers {
    a: Number,
    b: Number,
    c: Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuoting {
    risk: Number,
    volatility: Number,
    base: Number,
    doubt: Number,
    perish: Number,
    perish_hours: Number,
    horizon_hours: Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuality {
    half_life_days: u32,
    prior_weight: Number,
    z: Number,
    metrics: BTreeMap<String, RawMetric>,
    classes: BTreeMap<String, BTreeMap<String, RawWeight>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMetric {
    kind: String,
    #[serde(default)]
    spread: Option<Number>,
    scale: Vec<(Number, Number)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeight {
    weight: Number,
    usual: Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRating {
    least: BTreeMap<String, Number>,
    margin: Number,
    thin: Number,
    tiers: RawTiers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCard {
    source: String,
    #[serde(default, rename = "note")]
    _note: String,
    vcpu: Number,
    gib: Number,
    ssd_gb: Number,
    gpu: Number,
    error: Number,
    range: (Number, Number),
}

impl Raw {
    /// The parameters, or the first thing that is wrong with them.
    pub(super) fn params(self, digest: [u8; 32]) -> Result<Params, Error> {
        if self.format != 1 {
            return Err(Error::parameter(
                "format",
                format!("{} is not 1, the only one known here", self.format),
            ));
        }
        if self.version.is_empty() || self.version.len() > 64 {
            return Err(Error::parameter("version", "is not 1 to 64 characters"));
        }
        let most = dec!(1000000);
        let watts = component_table("watts", self.watts, Decimal::ZERO, most)?;
        let bases = Bases {
            prices: component_table("units", self.units, Decimal::ZERO, most)?,
            gpus: checked_all("gpus", self.gpus, Decimal::ZERO, most)?,
        };
        let terms = self.terms.into_iter().map(RawTerm::term).collect::<Result<_, _>>()?;
        let mut families = BTreeMap::new();
        for (name, family) in self.families {
            let item = family.item(&name)?;
            families.insert(name, item);
        }
        let mut regions = BTreeMap::new();
        for (name, region) in self.regions {
            let key = |what| format!("regions.{name}.{what}");
            let pue = checked(key("pue"), region.pue, Decimal::ONE, dec!(10))?;
            let power = checked(key("power_usd_per_kwh"), region.power_usd_per_kwh, Decimal::ZERO, dec!(10))?;
            let region = Region {
                pue,
                power_usd_per_kwh: power,
                usd_per_watt_hour: (pue * power / dec!(1000)).round_dp(UNIT_PRICE_SCALE),
                priced_as: region.priced_as,
                country: region.country,
                note: region.note,
            };
            regions.insert(name, region);
        }
        let mut countries = BTreeMap::new();
        for (name, country) in self.countries {
            let pue = checked(format!("countries.{name}.pue"), country.pue, Decimal::ONE, dec!(10))?;
            let key = format!("countries.{name}.power_usd_per_kwh");
            countries.insert(name, (pue, checked(key, country.power_usd_per_kwh, Decimal::ZERO, dec!(10))?));
        }
        let mut classes = BTreeMap::new();
        for (name, class) in self.classes {
            let class = class.class(&name)?;
            classes.insert(name, class);
        }
        let mut kinds = Vec::new();
        for name in ["cpu", "gpu"] {
            let Some(kind) = self.kinds.get(name) else {
                return Err(Error::parameter(format!("kinds.{name}"), "is missing"));
            };
            kinds.push(kind.rules(name)?);
        }
        let Ok(kinds) = <[KindRules; 2]>::try_from(kinds) else { unreachable!("two were pushed") };
        let mut cards: BTreeMap<String, BTreeMap<String, Card>> = BTreeMap::new();
        for (name, card) in self.products {
            let key = format!("products.{name:?}");
            let Some((class, region)) = name.split_once('.') else {
                return Err(Error::parameter(key, "is not CLASS.REGION"));
            };
            if !classes.contains_key(class) || !regions.contains_key(region) {
                return Err(Error::parameter(key, "its class or region is not in this file"));
            }
            cards.entry(class.into()).or_default().insert(region.into(), card.card(&key)?);
        }
        let scoring = self.quality.scoring()?;
        let cuts = self.rating.cuts()?;
        scoring.check()?;
        cuts.check()?;
        Ok(Params {
            digest,
            version: self.version,
            scoring,
            cuts,
            bases,
            terms,
            curves: Curves(checked_all("curves", self.curves, -most, most)?),
            families,
            listed: self.listed,
            errors: checked_all("errors", self.errors, Decimal::ONE, most)?,
            regions,
            classes,
            kinds,
            rates: checked_all("rates", self.rates, dec!(0.000001), most)?,
            watts,
            countries,
            cards,
        })
    }
}

fn checked(key: String, number: Number, least: Decimal, most: Decimal) -> Result<Decimal, Error> {
    if number.0 < least || number.0 > most {
        return Err(Error::parameter(key, format!("{} is not within {least} ..= {most}", number.0)));
    }
    Ok(number.0)
}

fn checked_all(
    table: &str,
    numbers: BTreeMap<String, Number>,
    least: Decimal,
    most: Decimal,
) -> Result<BTreeMap<String, Decimal>, Error> {
    let check =
        |(name, number)| Ok((String::clone(&name), checked(format!("{table}.{name}"), number, least, most)?));
    numbers.into_iter().map(check).collect()
}

fn component_table(
    table: &str,
    mut numbers: BTreeMap<String, Number>,
    least: Decimal,
    most: Decimal,
) -> Result<PerComponent<Decimal>, Error> {
    let mut values = PerComponent::default();
    for component in Component::ALL {
        if let Some(number) = numbers.remove(component.name()) {
            values[component] = checked(format!("{table}.{}", component.name()), number, least, most)?;
        }
    }
    match numbers.into_keys().next() {
        Some(name) => Err(Error::parameter(format!("{table}.{name}"), "no such component")),
        None => Ok(values),
    }
}

impl RawTerm {
    fn term(self) -> Result<Term, Error> {
        let key = format!("terms {:?}", self.name);
        let on = match self.on.as_str() {
            "whole" => None,
            name => match Component::ALL.into_iter().find(|component| component.name() == name) {
                Some(component) => Some(component),
                None => return Err(Error::parameter(key, format!("no component {name:?}"))),
            },
        };
        let mut fields = Vec::new();
        for name in &self.key {
            match Field::named(name) {
                Some(field) => fields.push(field),
                None => return Err(Error::parameter(key, format!("no field {name:?}"))),
            }
        }
        if fields.is_empty() {
            return Err(Error::parameter(key, "has no key"));
        }
        let values = checked_all(&format!("terms.{}", self.name), self.values, dec!(0.0001), dec!(10000))?;
        Ok(Term { name: self.name, on, key: fields, values })
    }
}

impl RawFamily {
    fn item(self, name: &str) -> Result<Item, Error> {
        let key = format!("families.{name:?}");
        let Some((provider, family)) = name.split_once('|') else {
            return Err(Error::parameter(key, "is not PROVIDER|FAMILY"));
        };
        Ok(Item {
            provider: provider.into(),
            family: family.into(),
            series: self.series,
            generation: self.generation,
            attributes: self.attributes,
            extra: self.extra,
            vendor: self.vendor,
            shared: self.shared,
            bare_metal: self.bare_metal,
            gpu: self.gpu,
            speed: checked(format!("{key}.speed"), self.speed, dec!(0.01), dec!(100))?,
            ..Item::default()
        })
    }
}

impl RawClass {
    fn class(self, name: &str) -> Result<Class, Error> {
        let wrong = |why: Error| Error::parameter(format!("classes.{name}"), why.to_string());
        let gpus = if self.gpu.is_empty() { Decimal::ZERO } else { Decimal::ONE };
        let bundle = Bundle::machine(self.vcpu.0, self.gib.0)
            .and_then(|bundle| {
                bundle.with(Component::SsdGb, self.ssd_gb.map_or(Decimal::ZERO, |number| number.0))
            })
            .and_then(|bundle| bundle.with(Component::Gpu, gpus))
            .map_err(wrong)?;
        let key = |what| format!("classes.{name}.{what}");
        let times = self.gpu_times.unwrap_or(Number(Decimal::ONE));
        let watts = self.gpu_watts.unwrap_or(Number(Decimal::ZERO));
        let gpu_times = checked(key("gpu_times"), times, dec!(0.01), dec!(100))?;
        let gpu_watts = checked(key("gpu_watts"), watts, Decimal::ZERO, dec!(100000))?;
        Ok(Class { bundle, gpu: self.gpu, families: self.families, gpu_times, gpu_watts })
    }
}

impl RawTiers {
    fn numbers(&self) -> [Decimal; 3] {
        [self.a.0, self.b.0, self.c.0]
    }
}

impl RawKind {
    fn rules(&self, name: &str) -> Result<KindRules, Error> {
        let key = format!("kinds.{name}");
        let tiers = self.tiers.numbers();
        if tiers[0] != Decimal::ONE
            || tiers.windows(2).any(|two| two[0] < two[1])
            || tiers[2] <= Decimal::ZERO
        {
            return Err(Error::parameter(key, "tier A is not 1, or B and C are not above 0 and falling"));
        }
        // At most half a percent a point: a price stays above zero over all scores.
        let slope = checked(format!("{key}.quality_slope"), self.quality_slope, Decimal::ZERO, dec!(0.005))?;
        let raw = &self.quoting;
        let quoting = Quoting {
            risk: raw.risk.0,
            volatility: raw.volatility.0,
            base: raw.base.0,
            doubt: raw.doubt.0,
            perish: raw.perish.0,
            perish_hours: raw.perish_hours.0,
            horizon_hours: raw.horizon_hours.0,
        };
        quoting.check(&format!("{key}.quoting"))?;
        Ok(KindRules { tiers, quality_slope: slope, quoting })
    }
}

impl RawQuality {
    fn scoring(self) -> Result<Scoring, Error> {
        if !(1..=3650).contains(&self.half_life_days) {
            return Err(Error::parameter("quality.half_life_days", "is not within 1 ..= 3650"));
        }
        let mut metrics = BTreeMap::new();
        for (name, metric) in self.metrics {
            let metric = metric.metric(&name)?;
            metrics.insert(name, metric);
        }
        let weight = |raw: RawWeight| Weight { weight: raw.weight.0, usual: raw.usual.0 };
        let weights =
            |raw: BTreeMap<String, RawWeight>| raw.into_iter().map(|(name, raw)| (name, weight(raw)));
        let classes = self.classes.into_iter().map(|(name, raw)| (name, weights(raw).collect())).collect();
        Ok(Scoring {
            prior_weight: self.prior_weight.0,
            z: self.z.0,
            metrics,
            classes,
            fading: fading(self.half_life_days),
        })
    }
}

/// What a measurement is worth after 0, 1, 2, ... days, until it is less than a millionth.
fn fading(half_life_days: u32) -> Vec<Decimal> {
    let a_day = (-(dec!(2).ln()) / Decimal::from(half_life_days)).exp();
    let mut worth = Decimal::ONE;
    let mut fading = Vec::new();
    while worth > dec!(0.000001) {
        fading.push(worth);
        worth = (worth * a_day).round_dp(18);
    }
    fading
}

impl RawMetric {
    fn metric(self, name: &str) -> Result<Metric, Error> {
        let key = format!("quality.metrics.{name}");
        let kind = match (self.kind.as_str(), self.spread) {
            ("success", None) => MetricKind::Success,
            ("more", Some(spread)) => {
                MetricKind::MoreIsBetter { spread: checked(key, spread, dec!(0.001), dec!(10))? }
            }
            ("less", Some(spread)) => {
                MetricKind::LessIsBetter { spread: checked(key, spread, dec!(0.001), dec!(10))? }
            }
            _ => {
                let why = "kind is success without a spread, or more or less with one";
                return Err(Error::parameter(key, why));
            }
        };
        Ok(Metric { kind, scale: self.scale.into_iter().map(|(at, score)| (at.0, score.0)).collect() })
    }
}

impl RawRating {
    fn cuts(mut self) -> Result<Cuts, Error> {
        let mut least = [Decimal::ZERO; 9];
        for (cut, name) in least.iter_mut().zip(["C", "CC", "CCC", "B", "BB", "BBB", "A", "AA", "AAA"]) {
            match self.least.remove(name) {
                Some(number) => *cut = number.0,
                None => return Err(Error::parameter(format!("rating.least.{name}"), "is missing")),
            }
        }
        if let Some(name) = self.least.into_keys().next() {
            return Err(Error::parameter(format!("rating.least.{name}"), "no such rating"));
        }
        let thin = checked("rating.thin".into(), self.thin, Decimal::ZERO, dec!(1000000))?;
        Ok(Cuts { least, margin: self.margin.0, thin, tiers: self.tiers.numbers() })
    }
}

impl RawCard {
    fn card(self, key: &str) -> Result<Card, Error> {
        let most = dec!(10000);
        let price = |what, number| checked(format!("{key}.{what}"), number, Decimal::ZERO, most);
        let prices = UnitPrices(PerComponent([
            price("vcpu", self.vcpu)?,
            price("gib", self.gib)?,
            price("ssd_gb", self.ssd_gb)?,
            Decimal::ZERO,
            price("gpu", self.gpu)?,
        ]));
        let least = checked(format!("{key}.range"), self.range.0, dec!(0.0001), Decimal::ONE)?;
        let dearest = checked(format!("{key}.range"), self.range.1, Decimal::ONE, most)?;
        let error = checked(format!("{key}.error"), self.error, Decimal::ONE, most)?;
        let inverse_error = (Decimal::ONE / error).round_dp(6);
        Ok(Card { prices, source: self.source, error, inverse_error, range: (least, dearest) })
    }
}
