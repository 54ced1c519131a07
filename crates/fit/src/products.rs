//! Reference prices of products: whose list is taken for the fair level of a class in a region.
//!
//! Where clouds differ by a factor of two, the middle one is fair: of the providers that list the class there, the
//! one with the middle price of its unit, the lower of two. All unit prices are then that provider's own, so that prices
//! add up; the cheapest and the dearest provider are the ends of the range.

use crate::inputs::{Machine, continent};
use crate::knowledge::{Seen, family_key};
use crate::write::quoted;
use anyhow::Result;
use hourbook_pricing::{Class, Component, Item, Params, Region, UnitPrices};
use rust_decimal::{Decimal, dec};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Factor of an error that no row was kept back for.
const UNMEASURED: Decimal = dec!(1.5);

struct Candidate {
    item: Item,
    prices: UnitPrices,
    /// USD per unit-hour.
    price: Decimal,
}

/// The section of products, for parameters that have none yet.
pub fn products(params: &Params, machines: &[Machine]) -> Result<String> {
    let sold: BTreeSet<(String, String)> =
        machines.iter().map(|machine| (family_key(&machine.item), machine.item.region.clone())).collect();
    let seen = Seen::in_params(params);
    let mut text = String::from(
        "\n# Unit prices of classes in market regions, USD per hour on demand: the list of the middle provider. `error` is the\n\
         # factor that four of five errors of such a prediction stay within, `range` the cheapest and dearest provider.\n",
    );
    for (class_name, class) in params.classes() {
        for (region_name, region) in params.regions() {
            let (candidates, note) = candidates(params, class, region, &sold)?;
            let Some(middle) = candidates.get(candidates.len().saturating_sub(1) / 2) else { continue };
            let range = match candidates.as_slice() {
                // One provider's list says nothing of others: as far off as a stranger's level.
                [_] => {
                    let factor = params.errors.get("stranger").copied().unwrap_or(UNMEASURED);
                    ((Decimal::ONE / factor).round_dp(4), factor)
                }
                _ => {
                    let of = |candidate: &Candidate| (candidate.price / middle.price).round_dp(4);
                    (
                        of(&candidates[0]).min(Decimal::ONE),
                        of(&candidates[candidates.len() - 1]).max(Decimal::ONE),
                    )
                }
            };
            let situations = seen.situations(&middle.item, false);
            let error = situations.iter().find_map(|situation| params.errors.get(situation));
            let error = error.copied().unwrap_or(UNMEASURED);
            let Item { provider, region: cloud_region, family, .. } = &middle.item;
            let place = if cloud_region.is_empty() { &region.country } else { cloud_region };
            write!(text, "\n[products.{}]\n", quoted(&format!("{class_name}.{region_name}")))?;
            writeln!(text, "source = {}", quoted(&format!("{provider} {place} {family}")))?;
            let others: Vec<String> = candidates
                .iter()
                .map(|candidate| {
                    format!("{} {}", candidate.item.provider, candidate.price.round_dp(4).normalize())
                })
                .collect();
            let note = format!("{note}{}", others.join(", "));
            writeln!(text, "note = {}", quoted(&note))?;
            for component in [Component::Vcpu, Component::Gib, Component::SsdGb, Component::Gpu] {
                let price = middle.prices.0[component].normalize();
                writeln!(text, "{} = \"{price}\"", component.name())?;
            }
            writeln!(text, "error = \"{error}\"\nrange = [\"{}\", \"{}\"]", range.0, range.1)?;
        }
    }
    Ok(text)
}

/// One for each provider that prices the class there, from the cheapest to the dearest, and what was assumed.
fn candidates(
    params: &Params,
    class: &Class,
    region: &Region,
    sold: &BTreeSet<(String, String)>,
) -> Result<(Vec<Candidate>, String)> {
    let mut by_provider: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    for family in &class.families {
        let Some(item) = params.families.get(family) else { continue };
        for place in &region.priced_as {
            let Some((provider, cloud_region)) = place.split_once('|') else { continue };
            if provider == item.provider && sold.contains(&(family.clone(), cloud_region.into())) {
                let candidate = candidate(params, class, item, cloud_region, region, None)?;
                by_provider.entry(provider.into()).or_default().push(candidate);
            }
        }
    }
    let mut note = String::new();
    if by_provider.is_empty() {
        // As the country, by those who list anything there; else by whoever lists the class at all.
        let own = region.power_usd_per_kwh * region.pue;
        let moved = params.country_electricity(&region.country).map(|country| own - country);
        let in_country = |item: &Item| {
            let places = params.listed.get(&item.provider).into_iter().flatten();
            places.clone().any(|place| place.ends_with(&format!("|{}", region.country)))
        };
        let known = class.families.iter().filter_map(|family| params.families.get(family));
        let mut items: Vec<&Item> = known.clone().filter(|item| in_country(item)).collect();
        note = format!("assumed, as the lists of {}: ", region.country);
        if items.is_empty() {
            items = known.collect();
            note = format!("assumed, no list of {} has the class: ", region.country);
        }
        for item in items {
            let candidate = candidate(params, class, item, "", region, moved)?;
            by_provider.entry(item.provider.clone()).or_default().push(candidate);
        }
    }
    let mut middles = Vec::new();
    for (_, mut candidates) in by_provider {
        candidates.sort_by_key(|candidate| candidate.price);
        let middle = (candidates.len() - 1) / 2;
        middles.push(candidates.swap_remove(middle));
    }
    middles.sort_by(|a, b| (a.price, &a.item.provider).cmp(&(b.price, &b.item.provider)));
    Ok((middles, note))
}

fn candidate(
    params: &Params,
    class: &Class,
    family: &Item,
    cloud_region: &str,
    region: &Region,
    electricity: Option<Decimal>,
) -> Result<Candidate> {
    let item = Item {
        region: cloud_region.into(),
        country: region.country.clone(),
        continent: continent(&region.country).into(),
        gpu: class.gpu.clone(),
        ..family.clone()
    };
    let mut prices = params.list_rates(&item).prices;
    prices.0[Component::Gpu] = (prices.0[Component::Gpu] * class.gpu_times).round_dp(12);
    if let Some(difference) = electricity {
        for component in Component::ALL {
            let moved = prices.0[component] + params.watts(class, component) * difference / dec!(1000);
            prices.0[component] = moved.max(Decimal::ZERO).round_dp(12);
        }
    }
    if class.gpu.is_empty() {
        prices.0[Component::Gpu] = Decimal::ZERO;
    }
    let price = prices.price(&class.bundle)?;
    Ok(Candidate { item, prices, price })
}
