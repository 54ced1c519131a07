//! A provider that no list had, brought near by a few of its prices.
//!
//! Everything fitted stays as it is; what the anchors alone show (the provider's level, its series, regions, makers) is
//! fitted on them, held more strongly than in a fit, since five prices say little about anything but the level.

use crate::inputs::Machine;
use crate::model::{TermSpec, anchored_hold};
use crate::solve::Fitted;
use std::collections::BTreeMap;

const SWEEPS: usize = 60;
/// Where the loss turns from square to linear.
const ROBUST: f64 = 0.3;

/// Adds to `fitted` what the anchors say of keys that it does not have.
pub fn adapt(fitted: &mut Fitted, terms: &[TermSpec], anchors: &[&Machine], curves: &[[f64; 4]]) {
    let mut fresh: Vec<BTreeMap<String, f64>> = vec![BTreeMap::new(); terms.len()];
    let mut keys: Vec<Vec<Option<String>>> = Vec::new();
    for (at, term) in terms.iter().enumerate() {
        let unknown = |key: &String| !fitted.effects[at].contains_key(key);
        let of_term: Vec<_> =
            anchors.iter().map(|anchor| term.key_of(&anchor.item).filter(unknown)).collect();
        of_term.iter().flatten().for_each(|key| {
            fresh[at].insert(key.clone(), 0.0);
        });
        keys.push(of_term);
    }
    let mut logs: Vec<[f64; 5]> =
        anchors.iter().zip(curves).map(|(anchor, curves)| fitted.logs(terms, &anchor.item, curves)).collect();
    for _ in 0..SWEEPS {
        let mut shares = Vec::new();
        let (mut residuals, mut weights) = (Vec::new(), Vec::new());
        for (anchor, logs) in anchors.iter().zip(&logs) {
            let parts: [f64; 5] = std::array::from_fn(|at| anchor.amounts[at] * logs[at].exp());
            let total: f64 = parts.iter().sum();
            let residual = anchor.price.expect("anchors have prices").ln() - total.ln();
            shares.push(parts.map(|part| part / total));
            residuals.push(residual);
            weights.push(1.0 / (1.0 + (residual / ROBUST).powi(2)).sqrt());
        }
        for (at, term) in terms.iter().enumerate() {
            let hold = anchored_hold(&term.name, term.hold);
            for (key, effect) in &mut fresh[at] {
                let (mut down, mut up) = (hold, -hold * *effect);
                let of_key = |row: &usize| keys[at][*row].as_ref() == Some(key);
                let rows: Vec<usize> = (0..anchors.len()).filter(of_key).collect();
                let slope = |row: usize| term.on.map_or(1.0, |component| shares[row][component as usize]);
                for row in &rows {
                    down += weights[*row] * slope(*row) * slope(*row);
                    up += weights[*row] * slope(*row) * residuals[*row];
                }
                let step = (up / down).clamp(-1.0, 1.0);
                *effect += step;
                for row in rows {
                    residuals[row] -= slope(row) * step;
                    match term.on {
                        Some(component) => logs[row][component as usize] += step,
                        None => logs[row].iter_mut().for_each(|log| *log += step),
                    }
                }
            }
        }
    }
    for (effects, fresh) in fitted.effects.iter_mut().zip(fresh) {
        effects.extend(fresh);
    }
}
