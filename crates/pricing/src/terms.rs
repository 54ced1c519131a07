//! Fitted multipliers: which of them apply to what is priced, and the unit prices that come of them.
//!
//! A term has a key, such as provider and region, and a multiplier for each value of that key which the price lists
//! showed. Terms run from broad to narrow; what a term has never seen it leaves alone, so that a new region of a known
//! provider, or a new family of a known series, still gets the price of everything that is known about it.
//!
//! Every term multiplies unit prices, of all components or of one. None depends on the size of what is priced:
//! prices add up because of that.

use crate::bundle::{Component, PerComponent, UnitPrices};
use crate::number::UNIT_PRICE_SCALE;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// One fact about what is priced, as terms ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Provider,
    Region,
    Country,
    Continent,
    /// As the provider calls it.
    Family,
    /// Letters in front of a family's name: `m` of `m7i-flex`.
    Series,
    Generation,
    /// Letters behind it: `i` of `m7i-flex`.
    Attributes,
    /// What follows: `flex`.
    Extra,
    /// A mark of local disk whose size the list does not give.
    Disk,
    /// Maker of the processor: intel, amd, arm.
    Vendor,
    Shared,
    BareMetal,
    /// Model of the GPU.
    Gpu,
    /// cpu or gpu.
    Kind,
    /// One letter of the attributes, when it is among them.
    Letter(char),
}

/// What is priced, as far as it is known. An empty field is not known; except that a family may well have no
/// generation, attributes or extra.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub provider: String,
    pub region: String,
    pub country: String,
    pub continent: String,
    pub family: String,
    pub series: String,
    pub generation: String,
    pub attributes: String,
    pub extra: String,
    pub disk: String,
    pub vendor: String,
    pub shared: bool,
    pub bare_metal: bool,
    pub gpu: String,
    /// How the family's measured speed moves its price of a vCPU; 1 is the average.
    pub speed: Decimal,
    /// USD per GPU-hour before terms, for a model that the parameters do not have.
    pub gpu_price: Option<Decimal>,
}

impl Default for Item {
    /// Nothing is known, and its speed is the average.
    fn default() -> Item {
        let unknown = String::new;
        Item {
            provider: unknown(),
            region: unknown(),
            country: unknown(),
            continent: unknown(),
            family: unknown(),
            series: unknown(),
            generation: unknown(),
            attributes: unknown(),
            extra: unknown(),
            disk: unknown(),
            vendor: unknown(),
            shared: false,
            bare_metal: false,
            gpu: unknown(),
            speed: Decimal::ONE,
            gpu_price: None,
        }
    }
}

impl Item {
    /// What stands in a key for this field, when it is known.
    pub fn field(&self, field: Field) -> Option<&str> {
        let flag = |set| if set { "1" } else { "0" };
        let known = |text| Some(text).filter(|text: &&str| !text.is_empty());
        match field {
            Field::Provider => known(&self.provider),
            Field::Region => known(&self.region),
            Field::Country => known(&self.country),
            Field::Continent => known(&self.continent),
            Field::Family => known(&self.family),
            Field::Series => known(&self.series),
            Field::Generation => Some(&self.generation),
            Field::Attributes => Some(&self.attributes),
            Field::Extra => Some(&self.extra),
            Field::Disk => Some(&self.disk),
            Field::Vendor => known(&self.vendor),
            Field::Shared => Some(flag(self.shared)),
            Field::BareMetal => Some(flag(self.bare_metal)),
            Field::Gpu => known(&self.gpu),
            Field::Kind => Some(if self.gpu.is_empty() { "cpu" } else { "gpu" }),
            Field::Letter(letter) => {
                let at = self.attributes.find(letter)?;
                Some(&self.attributes[at..at + letter.len_utf8()])
            }
        }
    }
}

impl Field {
    pub fn name(self) -> String {
        let name = match self {
            Field::Provider => "provider",
            Field::Region => "region",
            Field::Country => "country",
            Field::Continent => "continent",
            Field::Family => "family",
            Field::Series => "series",
            Field::Generation => "generation",
            Field::Attributes => "attributes",
            Field::Extra => "extra",
            Field::Disk => "disk",
            Field::Vendor => "vendor",
            Field::Shared => "shared",
            Field::BareMetal => "bare_metal",
            Field::Gpu => "gpu",
            Field::Kind => "kind",
            Field::Letter(letter) => return format!("letter {letter}"),
        };
        name.to_string()
    }

    pub fn named(name: &str) -> Option<Field> {
        const PLAIN: [Field; 15] = [
            Field::Provider,
            Field::Region,
            Field::Country,
            Field::Continent,
            Field::Family,
            Field::Series,
            Field::Generation,
            Field::Attributes,
            Field::Extra,
            Field::Disk,
            Field::Vendor,
            Field::Shared,
            Field::BareMetal,
            Field::Gpu,
            Field::Kind,
        ];
        if let Some(letter) = name.strip_prefix("letter ") {
            let mut letters = letter.chars();
            return letters.next().filter(|_| letters.next().is_none()).map(Field::Letter);
        }
        PLAIN.into_iter().find(|field| field.name() == name)
    }
}

/// A set of multipliers that share a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub name: String,
    /// The component it multiplies, or every one.
    pub on: Option<Component>,
    pub key: Vec<Field>,
    pub values: BTreeMap<String, Decimal>,
}

impl Term {
    /// The item's value of this term's key, unless a field of it is not known. Fields are parted by `|`.
    pub fn key_of(key: &[Field], item: &Item) -> Option<String> {
        let mut text = String::new();
        for (at, field) in key.iter().enumerate() {
            if at > 0 {
                text.push('|');
            }
            text.push_str(item.field(*field)?);
        }
        Some(text)
    }
}

/// A term that applied: what an explanation shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub term: String,
    pub key: String,
    pub on: Option<Component>,
    pub multiplier: Decimal,
}

/// Unit prices of an item and how they came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// USD per hour.
    pub prices: UnitPrices,
    pub applied: Vec<Applied>,
}

/// Base prices of one hour of each component, before any term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bases {
    pub prices: PerComponent<Decimal>,
    /// USD per GPU-hour by model; a model that is neither here nor in the item costs what `prices` says.
    pub gpus: BTreeMap<String, Decimal>,
}

pub(crate) fn rates(bases: &Bases, terms: &[Term], item: &Item) -> Rates {
    let mut applied = Vec::new();
    let mut multipliers = PerComponent([Decimal::ONE; 5]);
    let mut whole = Decimal::ONE;
    for term in terms {
        let Some(key) = Term::key_of(&term.key, item) else { continue };
        let Some(&multiplier) = term.values.get(&key) else { continue };
        match term.on {
            Some(component) => multipliers[component] *= multiplier,
            None => whole *= multiplier,
        }
        applied.push(Applied { term: term.name.clone(), key, on: term.on, multiplier });
    }
    multipliers[Component::Vcpu] *= item.speed;
    let mut prices = bases.prices;
    prices[Component::Gpu] =
        bases.gpus.get(&item.gpu).copied().or(item.gpu_price).unwrap_or(prices[Component::Gpu]);
    for component in Component::ALL {
        let price = prices[component] * multipliers[component] * whole;
        prices[component] = price.round_dp(UNIT_PRICE_SCALE);
    }
    Rates { prices: UnitPrices(prices), applied }
}
