//! The fit: penalised least squares, made robust by weights, solved one term at a time.
//!
//! Each machine weighs 1, shared over its regions. In every sweep the price of each row is linearised about
//! the present unit prices, and each term takes the step that is best for its rows with all others as they are
//! (a Gauss-Newton step by back-fitting). Rows far off weigh less, as under a pseudo-Huber loss: list prices have a
//! small error mostly and a large one sometimes. The sweeps have a fixed order and number, so the result is the same always.

use crate::inputs::Machine;
use crate::model::{BASES, CURVES, TermSpec};
use hourbook_pricing::{Component, Item};
use std::collections::{BTreeMap, HashMap};

/// Where the loss turns from square to linear, in logarithms of the price.
const ROBUST: f64 = 0.03;
const ROBUST_AT_FIRST: f64 = 0.2;
const SWEEPS_AT_FIRST: usize = 6;
/// No step is longer than this.
const MOST_STEP: f64 = 1.0;

/// Rows as numbers: what does not change while a fit runs.
pub struct Rows {
    pub log_prices: Vec<f64>,
    weights: Vec<f64>,
    amounts: Vec<[f64; 5]>,
    /// Of each row: speeds for the vCPU, specifications for the GPU.
    curves: Vec<[f64; 4]>,
}

/// Terms that apply to the rows, by number.
pub struct Keys {
    /// Of each term, the number of each row's key, or [`NONE`].
    pub of_rows: Vec<Vec<u32>>,
    pub names: Vec<Vec<String>>,
}

pub const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Fitted {
    /// Logarithms.
    pub bases: [f64; 5],
    pub curves: [f64; 4],
    /// Of each term, logarithms of multipliers by key.
    pub effects: Vec<BTreeMap<String, f64>>,
}

impl Rows {
    /// `curves` are those of each machine.
    pub fn new(machines: &[&Machine], curves: Vec<[f64; 4]>) -> Rows {
        let mut regions: HashMap<(&str, &str), f64> = HashMap::new();
        for machine in machines {
            *regions.entry((&machine.item.provider, &machine.instance_type)).or_default() += 1.0;
        }
        let weight = |machine: &Machine| 1.0 / regions[&(&*machine.item.provider, &*machine.instance_type)];
        Rows {
            log_prices: machines
                .iter()
                .map(|machine| machine.price.expect("prices were read").ln())
                .collect(),
            weights: machines.iter().map(|machine| weight(machine)).collect(),
            amounts: machines.iter().map(|machine| machine.amounts).collect(),
            curves,
        }
    }

    pub fn len(&self) -> usize {
        self.weights.len()
    }
}

impl Keys {
    pub fn new(terms: &[TermSpec], machines: &[&Machine]) -> Keys {
        let (mut of_rows, mut names) = (Vec::new(), Vec::new());
        for term in terms {
            let mut numbers: HashMap<String, u32> = HashMap::new();
            let mut list: Vec<String> = Vec::new();
            let of_term = machines.iter().map(|machine| match term.key_of(&machine.item) {
                None => NONE,
                Some(key) => *numbers.entry(key).or_insert_with_key(|key| {
                    list.push(key.clone());
                    list.len() as u32 - 1
                }),
            });
            of_rows.push(of_term.collect());
            names.push(list);
        }
        Keys { of_rows, names }
    }
}

/// Fits everything. `progress` is told after each sweep.
pub fn fit(rows: &Rows, keys: &Keys, terms: &[TermSpec], sweeps: usize, progress: &dyn Fn()) -> Fitted {
    let start: [f64; 4] = std::array::from_fn(|at| CURVES[at].start);
    let mut state = State::new(rows, BASES, start);
    let mut effects: Vec<Vec<f64>> = keys.names.iter().map(|names| vec![0.0; names.len()]).collect();
    for sweep in 0..sweeps {
        state.linearise(if sweep < SWEEPS_AT_FIRST { ROBUST_AT_FIRST } else { ROBUST });
        for component in 0..5 {
            state.step_base(component);
        }
        for (curve, start) in start.into_iter().enumerate() {
            state.step_curve(curve, start);
        }
        for (at, term) in terms.iter().enumerate() {
            state.step_term(term.on, &keys.of_rows[at], term.hold, &mut effects[at]);
        }
        progress();
    }
    let named = |(names, values): (&Vec<String>, Vec<f64>)| names.iter().cloned().zip(values).collect();
    let effects = keys.names.iter().zip(effects).map(named).collect();
    Fitted { bases: state.bases, curves: state.curves, effects }
}

struct State<'a> {
    rows: &'a Rows,
    bases: [f64; 5],
    curves: [f64; 4],
    /// Logarithms of unit prices of each row.
    logs: Vec<[f64; 5]>,
    /// Part of each component in the row's price.
    shares: Vec<[f64; 5]>,
    residuals: Vec<f64>,
    weights: Vec<f64>,
}

impl<'a> State<'a> {
    fn new(rows: &'a Rows, bases: [f64; 5], curves: [f64; 4]) -> State<'a> {
        let count = rows.len();
        let log = |values: &[f64; 4]| {
            let mut log = bases;
            log[0] += curves[0] * values[0] + curves[1] * values[1];
            log[4] += curves[2] * values[2] + curves[3] * values[3];
            log
        };
        State {
            rows,
            bases,
            curves,
            logs: rows.curves.iter().map(log).collect(),
            shares: vec![[0.0; 5]; count],
            residuals: vec![0.0; count],
            weights: vec![0.0; count],
        }
    }

    fn linearise(&mut self, robust: f64) {
        for row in 0..self.rows.len() {
            let mut parts: [f64; 5] =
                std::array::from_fn(|at| self.rows.amounts[row][at] * self.logs[row][at].exp());
            let total: f64 = parts.iter().sum();
            parts.iter_mut().for_each(|part| *part /= total);
            self.shares[row] = parts;
            let residual = self.rows.log_prices[row] - total.ln();
            self.residuals[row] = residual;
            self.weights[row] = self.rows.weights[row] / (1.0 + (residual / robust).powi(2)).sqrt();
        }
    }

    fn step_base(&mut self, component: usize) {
        let (mut down, mut up) = (0.0, 0.0);
        for row in 0..self.rows.len() {
            let share = self.shares[row][component];
            down += self.weights[row] * share * share;
            up += self.weights[row] * share * self.residuals[row];
        }
        if down <= 0.0 {
            return;
        }
        let step = (up / down).clamp(-0.5, 0.5);
        self.bases[component] += step;
        for row in 0..self.rows.len() {
            self.logs[row][component] += step;
            self.residuals[row] -= self.shares[row][component] * step;
        }
    }

    fn step_curve(&mut self, curve: usize, start: f64) {
        let component = if curve < 2 { 0 } else { 4 };
        let hold = CURVES[curve].hold;
        let (mut down, mut up) = (hold, hold * (start - self.curves[curve]));
        for row in 0..self.rows.len() {
            let slope = self.shares[row][component] * self.rows.curves[row][curve];
            down += self.weights[row] * slope * slope;
            up += self.weights[row] * slope * self.residuals[row];
        }
        let step = (up / down).clamp(-0.5, 0.5);
        self.curves[curve] += step;
        for row in 0..self.rows.len() {
            let value = self.rows.curves[row][curve];
            self.logs[row][component] += step * value;
            self.residuals[row] -= self.shares[row][component] * step * value;
        }
    }

    fn step_term(&mut self, on: Option<Component>, keys: &[u32], hold: f64, effects: &mut [f64]) {
        let mut sums: Vec<[f64; 2]> = effects.iter().map(|effect| [hold, -hold * effect]).collect();
        for (row, key) in keys.iter().enumerate().filter(|(_, key)| **key != NONE) {
            let slope = on.map_or(1.0, |component| self.shares[row][component as usize]);
            let sum = &mut sums[*key as usize];
            sum[0] += self.weights[row] * slope * slope;
            sum[1] += self.weights[row] * slope * self.residuals[row];
        }
        for (sum, effect) in sums.iter_mut().zip(effects) {
            let step = (sum[1] / sum[0]).clamp(-MOST_STEP, MOST_STEP);
            sum[0] = step;
            *effect += step;
        }
        for (row, key) in keys.iter().enumerate().filter(|(_, key)| **key != NONE) {
            let step = sums[*key as usize][0];
            match on {
                Some(component) => {
                    self.logs[row][component as usize] += step;
                    self.residuals[row] -= self.shares[row][component as usize] * step;
                }
                None => {
                    self.logs[row].iter_mut().for_each(|log| *log += step);
                    self.residuals[row] -= step;
                }
            }
        }
    }
}

impl Fitted {
    /// Logarithms of an item's unit prices.
    pub fn logs(&self, terms: &[TermSpec], item: &Item, curves: &[f64; 4]) -> [f64; 5] {
        let mut logs = self.bases;
        logs[0] += self.curves[0] * curves[0] + self.curves[1] * curves[1];
        logs[4] += self.curves[2] * curves[2] + self.curves[3] * curves[3];
        for (term, effects) in terms.iter().zip(&self.effects) {
            let Some(effect) = term.key_of(item).and_then(|key| effects.get(&key)) else { continue };
            match term.on {
                Some(component) => logs[component as usize] += effect,
                None => logs.iter_mut().for_each(|log| *log += effect),
            }
        }
        logs
    }

    /// Logarithm of a machine's price.
    pub fn log_price(&self, terms: &[TermSpec], machine: &Machine, curves: &[f64; 4]) -> f64 {
        let logs = self.logs(terms, &machine.item, curves);
        let parts = machine.amounts.iter().zip(logs).map(|(amount, log)| amount * log.exp());
        parts.sum::<f64>().ln()
    }
}
