//! Parameters: everything that pricing knows, in one file of decimals that stand in quotes.
//!
//! A file is written by `hourbook-pricing fit`, frozen, and named by the digest of its bytes, which goes with every score
//! and price made of it.

mod file;

use crate::bundle::{Bundle, Component, PerComponent, UnitPrices};
use crate::error::Error;
use crate::quote::Quoting;
use crate::rating::Cuts;
use crate::score::Scoring;
use crate::terms::{self, Bases, Item, Rates, Term};
use file::Raw;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The file that quotes when no other is given.
pub const STANDARD: &str = include_str!("../params/2026-11.toml");

/// Longest file that is read.
const MOST_BYTES: usize = 64 << 20;

#[derive(Clone, Debug)]
pub struct Params {
    digest: [u8; 32],
    pub version: String,
    pub scoring: Scoring,
    pub cuts: Cuts,
    pub(crate) bases: Bases,
    pub terms: Vec<Term>,
    /// How the price of a thing unknown to the lists follows from what was measured of it.
    pub curves: Curves,
    /// What is known of families, by `provider|family`.
    pub families: BTreeMap<String, Item>,
    /// Cloud regions with their countries, as `region|country`, that prices were seen in, by provider.
    pub listed: BTreeMap<String, Vec<String>>,
    /// Factor that 80 % of errors stay within, by how much is known; see docs/pricing.md.
    pub errors: BTreeMap<String, Decimal>,
    regions: BTreeMap<String, Region>,
    classes: BTreeMap<String, Class>,
    kinds: [KindRules; 2],
    rates: BTreeMap<String, Decimal>,
    watts: PerComponent<Decimal>,
    countries: BTreeMap<String, (Decimal, Decimal)>,
    cards: BTreeMap<String, BTreeMap<String, Card>>,
}

/// Exponents and references of what is measured: benchmarks and GPU specifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curves(pub BTreeMap<String, Decimal>);

/// A market region, as far as prices depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub pue: Decimal,
    pub power_usd_per_kwh: Decimal,
    /// What a watt at the machine costs in an hour: power price x PUE / 1000.
    pub usd_per_watt_hour: Decimal,
    /// Cloud regions, as `provider|region`, whose lists price it.
    pub priced_as: Vec<String>,
    pub country: String,
    pub note: String,
}

/// A class as a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    pub bundle: Bundle,
    /// Model of GPU that prices it, or nothing.
    pub gpu: String,
    /// Families, as `provider|family`, whose lists price it.
    pub families: Vec<String>,
    /// What the unit price of that model is multiplied by; not 1 where the model stands for another.
    pub gpu_times: Decimal,
    pub gpu_watts: Decimal,
}

/// What makes the difference between classes of processors and of accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Cpu,
    Gpu,
}

impl Class {
    pub fn kind(&self) -> Kind {
        if self.gpu.is_empty() { Kind::Cpu } else { Kind::Gpu }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindRules {
    /// Of tiers A, B and C.
    pub tiers: [Decimal; 3],
    /// What one point of the score above the tier's threshold adds to the price, relative to it.
    pub quality_slope: Decimal,
    pub quoting: Quoting,
}

/// Unit prices of a class in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// USD, on demand.
    pub prices: UnitPrices,
    /// Whose: provider, region, family.
    pub source: String,
    /// Factor that 80 % of errors of the fit stay within.
    pub error: Decimal,
    pub inverse_error: Decimal,
    /// Cheapest and dearest provider, relative to this one.
    pub range: (Decimal, Decimal),
}

impl Params {
    /// Reads parameters.
    ///
    /// # Errors
    /// [`Error::Syntax`] with line and column, or [`Error::Parameter`] with the key and what is wrong with it.
    pub fn parse(text: &str) -> Result<Params, Error> {
        if text.len() > MOST_BYTES {
            return Err(Error::Syntax(format!("{} bytes are more than {MOST_BYTES}", text.len())));
        }
        let raw: Raw = toml::from_str(text).map_err(|why| Error::Syntax(why.to_string()))?;
        raw.params(*blake3::hash(text.as_bytes()).as_bytes())
    }

    /// The parameters that come with this version.
    pub fn standard() -> Params {
        Params::parse(STANDARD).expect("the file is tested")
    }

    /// BLAKE3 of the file's bytes.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Unit prices of a list's item in USD, and the terms that applied.
    pub fn list_rates(&self, item: &Item) -> Rates {
        terms::rates(&self.bases, &self.terms, item)
    }

    /// Whether the model has a base price of its own here.
    pub fn knows_gpu(&self, model: &str) -> bool {
        self.bases.gpus.contains_key(model)
    }

    /// USD per hour of a component before any term; of a GPU, one whose model is not known.
    pub fn base(&self, component: Component) -> Decimal {
        self.bases.prices[component]
    }

    /// Regions in which a class has a price.
    pub fn priced_regions(&self, class: &str) -> impl Iterator<Item = &str> {
        self.cards.get(class).into_iter().flat_map(|cards| cards.keys().map(String::as_str))
    }

    pub fn classes(&self) -> impl Iterator<Item = (&str, &Class)> {
        self.classes.iter().map(|(name, class)| (name.as_str(), class))
    }

    pub fn regions(&self) -> impl Iterator<Item = (&str, &Region)> {
        self.regions.iter().map(|(name, region)| (name.as_str(), region))
    }

    pub fn class(&self, name: &str) -> Result<&Class, Error> {
        self.classes.get(name).ok_or_else(|| Error::unknown("class", name))
    }

    pub fn region(&self, name: &str) -> Result<&Region, Error> {
        self.regions.get(name).ok_or_else(|| Error::unknown("region", name))
    }

    pub fn kind(&self, kind: Kind) -> &KindRules {
        &self.kinds[kind as usize]
    }

    /// Units of the currency for one USD.
    pub fn rate(&self, currency: &str) -> Result<Decimal, Error> {
        self.rates.get(currency).copied().ok_or_else(|| Error::unknown("rate of currency", currency))
    }

    /// Provider, cloud region and family whose lists are the reference of a class in a region.
    pub fn reference(&self, class: &str, region: &str) -> Result<&str, Error> {
        Ok(&self.card(class, region)?.source)
    }

    pub(crate) fn card(&self, class: &str, region: &str) -> Result<&Card, Error> {
        let cards = self.cards.get(class).ok_or_else(|| Error::unknown("price of class", class))?;
        cards.get(region).ok_or_else(|| Error::unknown("price in region", &format!("{class}.{region}")))
    }

    /// Watts that one of the component takes while it is sold.
    pub fn watts(&self, class: &Class, component: Component) -> Decimal {
        if component == Component::Gpu { class.gpu_watts } else { self.watts[component] }
    }

    /// What electricity costs on the lists of a country: power price x PUE, USD per kWh.
    pub fn country_electricity(&self, country: &str) -> Option<Decimal> {
        self.countries.get(country).map(|(pue, power)| pue * power)
    }
}
