//! The model that is fitted: which terms there are and how strongly each is held to nothing.
//!
//!     ln price = ln( sum over components of amount x exp(base + curves + terms on the component) ) + terms on the whole
//!
//! A term's hold is how many machines it takes to move halfway from no effect to what they show. Terms and holds were
//! chosen by cross-validation inside the training rows of the three public splits together; docs/pricing.md tells how.

use hourbook_pricing::{Component, Field, Item};

pub struct TermSpec {
    pub name: String,
    pub on: Option<Component>,
    pub key: Vec<Field>,
    pub hold: f64,
}

/// Natural logarithms of base prices where the fit begins, and to which nothing is held: vCPU, GiB, GB of disk, vCPU of a disk
/// of unknown size, a GPU of 100 TFLOPS with 24 GiB.
pub const BASES: [f64; 5] = [-3.5066, -5.5215, -9.2103, -4.6052, 0.0];

/// Exponents where the fit begins, and how strongly they are held there. Speed moves the vCPU, the others the GPU.
pub const CURVES: [Curve; 4] = [
    Curve { name: "speed_per_vcpu", start: 0.2, hold: 1.0 },
    Curve { name: "speed_of_a_thread", start: 0.2, hold: 1.0 },
    Curve { name: "gpu_tflops", start: 0.4, hold: 1.0 },
    Curve { name: "gpu_memory", start: 0.3, hold: 1.0 },
];

pub struct Curve {
    pub name: &'static str,
    pub start: f64,
    pub hold: f64,
}

/// How strongly a term is held where a few prices of a new provider are all there is. Its level and its country move at
/// once; places below the country hardly, since five prices could all be explained by five regions; the rest is held
/// ten times as strongly as in a fit.
pub fn anchored_hold(name: &str, hold: f64) -> f64 {
    match name {
        "provider" => 0.1,
        "provider_country" => 0.1,
        "provider_continent" => 2.0,
        "region_kind" => 5.0,
        "cell" => 7.0,
        _ if name.contains("country_") => 20.0,
        _ => hold * 10.0,
    }
}

pub fn terms() -> Vec<TermSpec> {
    use Component::{Gib, Gpu, Vcpu};
    use Field::{
        Attributes, Continent, Country, Disk, Extra, Family, Generation, Kind, Letter, Provider, Region,
        Series, Shared, Vendor,
    };
    let mut terms = Vec::new();
    let mut term = |name: &str, on: Option<Component>, key: &[Field], hold: f64| {
        terms.push(TermSpec { name: name.into(), on, key: key.to_vec(), hold });
    };

    // Broad: whose it is, whose processor, where, whether shared.
    term("provider", None, &[Provider], 0.3);
    term("provider_kind", None, &[Provider, Kind], 0.05);
    term("vendor", Some(Vcpu), &[Vendor], 0.15);
    term("provider_vendor", Some(Vcpu), &[Provider, Vendor], 1.25);
    term("shared_vcpu", Some(Vcpu), &[Shared], 0.0005);
    term("shared_gib", Some(Gib), &[Shared], 0.016);
    term("provider_shared_vcpu", Some(Vcpu), &[Provider, Shared], 0.001);
    term("country", None, &[Country], 0.5);
    term("country_kind", None, &[Country, Kind], 0.75);
    term("gpu_model", Some(Gpu), &[Field::Gpu], 0.06);

    // The family tree, from series to family.
    term("attributes", None, &[Provider, Attributes], 0.75);
    for letter in "abcdeilmnrstz".chars() {
        term(&format!("attribute_{letter}"), None, &[Provider, Series, Letter(letter)], 0.08);
    }
    term("generation", None, &[Provider, Series, Generation], 0.125);
    term("series_attributes", None, &[Provider, Series, Attributes], 0.2);
    term("generation_attributes", None, &[Provider, Generation, Attributes], 0.2);
    term("node", None, &[Provider, Series, Generation, Attributes], 0.5);
    term("family", None, &[Provider, Family, Series, Generation, Attributes, Extra, Disk], 0.02);
    term("vcpu_series", Some(Vcpu), &[Provider, Series], 0.005);
    term("vcpu_generation", Some(Vcpu), &[Provider, Series, Generation], 0.0012);
    term("vcpu_family", Some(Vcpu), &[Provider, Family], 0.005);
    term("gib_provider", Some(Gib), &[Provider], 0.08);
    term("gib_series", Some(Gib), &[Provider, Series], 0.08);
    term("gib_age", Some(Gib), &[Provider, Generation], 0.08);
    term("gib_generation", Some(Gib), &[Provider, Series, Generation], 0.008);
    term("gib_node", Some(Gib), &[Provider, Series, Generation, Attributes], 0.03);
    term("gib_family", Some(Gib), &[Provider, Family], 0.06);
    term("gpu_provider", Some(Gpu), &[Provider], 0.06);
    term("gpu_provider_model", Some(Gpu), &[Provider, Field::Gpu], 0.03);
    term("gpu_series", Some(Gpu), &[Provider, Series], 0.15);
    term("gpu_generation", Some(Gpu), &[Provider, Series, Generation], 0.001);
    term("gpu_node", Some(Gpu), &[Provider, Series, Generation, Attributes], 0.06);
    term("gpu_family", Some(Gpu), &[Provider, Family], 0.03);

    // Places, and how parts of the tree differ between them.
    term("provider_continent", None, &[Provider, Continent], 0.05);
    term("provider_country", None, &[Provider, Country], 0.25);
    term("provider_country_vendor", None, &[Provider, Country, Vendor], 0.06);
    term("country_age", None, &[Provider, Country, Generation], 0.25);
    term("country_series", None, &[Provider, Country, Series], 0.25);
    term("country_generation", None, &[Provider, Country, Series, Generation], 0.125);
    term("country_family", None, &[Provider, Country, Family], 0.05);
    term("region_kind", None, &[Provider, Region, Kind], 0.016);
    term("cell", None, &[Provider, Region, Series, Generation, Attributes], 0.025);
    terms
}

impl TermSpec {
    pub fn key_of(&self, item: &Item) -> Option<String> {
        hourbook_pricing::Term::key_of(&self.key, item)
    }
}
