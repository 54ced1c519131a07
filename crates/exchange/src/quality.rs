//! Service quality: what was measured of providers, and what pricing made of it.
//!
//! The machine keeps these numbers and judges none of them. Measurements are sums by day, so that their order does not
//! matter, and are forgotten once they count no more.

use crate::machine::{Exchange, Turn};
use hourbook_model::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Measurements older than this count no more, and are not taken.
pub const KEPT_DAYS: u32 = 730;
/// Metrics of one provider's service in one class.
pub const MOST_METRICS: usize = 32;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Quality {
    /// By provider and class.
    pub services: BTreeMap<(ParticipantId, String), Service>,
}

/// A provider's service in one class.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Service {
    /// By metric and day.
    pub evidence: BTreeMap<(String, Measure), BTreeMap<u32, DaySum>>,
    pub standing: Option<Standing>,
    /// Of the parameters with which the standing was found.
    pub digest: [u8; 16],
}

impl Service {
    /// Whether these may be added: the sums fit their fields, and the metrics are not too many.
    fn has_room(&self, sums: &BTreeMap<(&str, Measure, u32), DaySum>) -> bool {
        let known = |metric: &str, measure| self.evidence.get(&(metric.to_owned(), measure));
        let mut metrics: Vec<(&str, Measure)> =
            sums.keys().map(|(metric, measure, _)| (*metric, *measure)).collect();
        metrics.dedup();
        let new = metrics.iter().filter(|(metric, measure)| known(metric, *measure).is_none()).count();
        let fit = sums.iter().all(|((metric, measure, day), sum)| {
            let total = known(metric, *measure).and_then(|days| days.get(day)).copied().unwrap_or_default();
            total.plus(*sum).is_some()
        });
        fit && self.evidence.len() + new <= MOST_METRICS
    }
}

impl Exchange {
    /// All of them, or none where one cannot be.
    pub(crate) fn submit_observations(&mut self, turn: &mut Turn, body: &SubmitObservations) -> Answer {
        let SubmitObservations { provider, class, observations } = body;
        if let Some(reason) = self.is_no_service(*provider, class) {
            return self.refuse(turn, reason);
        }
        let today = today(turn);
        let oldest = today.saturating_sub(KEPT_DAYS);
        if observations.is_empty() {
            return self.refuse(turn, RejectReason::BadAmount);
        }
        let mut sums: BTreeMap<(&str, Measure, u32), DaySum> = BTreeMap::new();
        for Observation { metric, measure, day, sum } in observations {
            if !is_metric(metric) {
                return self.refuse(turn, RejectReason::BadName);
            }
            if !(oldest..=today).contains(day) {
                return self.refuse(turn, RejectReason::BadRange);
            }
            let total = sums.entry((metric, *measure, *day)).or_default();
            match total.plus(*sum).filter(|_| sum.is_sound(*measure)) {
                Some(more) => *total = more,
                None => return self.refuse(turn, RejectReason::BadAmount),
            }
        }
        let key = (*provider, class.clone());
        if !self.quality.services.get(&key).unwrap_or(&Service::default()).has_room(&sums) {
            return self.refuse(turn, RejectReason::BadAmount);
        }
        let service = self.quality.services.entry(key).or_default();
        for ((metric, measure, day), sum) in sums {
            let days = service.evidence.entry((metric.to_owned(), measure)).or_default();
            let total = days.entry(day).or_default();
            *total = total.plus(sum).expect("there is room");
        }
        service.evidence.values_mut().for_each(|days| *days = days.split_off(&oldest));
        service.evidence.retain(|_, days| !days.is_empty());
        turn.push(Event::Observed { provider: *provider, class: class.clone() });
        Answer { number: observations.len() as u64, ..self.answer() }
    }

    pub(crate) fn set_standing(&mut self, turn: &mut Turn, body: &SetStanding) -> Answer {
        let SetStanding { provider, class, standing, digest } = body;
        if let Some(reason) = self.is_no_service(*provider, class) {
            return self.refuse(turn, reason);
        }
        if !standing.is_sound() || standing.rated_on > today(turn) {
            return self.refuse(turn, RejectReason::BadRange);
        }
        let service = self.quality.services.entry((*provider, class.clone())).or_default();
        service.standing = Some(*standing);
        service.digest = *digest;
        turn.push(Event::Rated { provider: *provider, class: class.clone(), standing: *standing });
        self.answer()
    }

    /// The reference of each of these products, where an instrument has not traded: all of them, or none.
    pub(crate) fn set_fair_prices(&mut self, turn: &mut Turn, body: &SetFairPrices) -> Answer {
        for (product, price) in &body.prices {
            let Some(listed) = self.instruments.product(*product) else {
                return self.refuse(turn, RejectReason::UnknownProduct);
            };
            let tick = listed.terms.tick;
            if !(1..=Price::CAP.0).contains(&price.0) || price.0 % tick.0 != 0 {
                return self.refuse(turn, RejectReason::BadPrice);
            }
        }
        for (product, price) in &body.prices {
            self.instruments.known_mut(*product).fair = *price;
        }
        self.answer()
    }

    fn is_no_service(&self, provider: ParticipantId, class: &str) -> Option<RejectReason> {
        if self.accounts.participant(provider).is_none() {
            return Some(RejectReason::UnknownParticipant);
        }
        (!self.instruments.classes.contains_key(class)).then_some(RejectReason::UnknownClass)
    }
}

/// Days since 1970-01-01.
fn today(turn: &Turn) -> u32 {
    u32::try_from(turn.at.time.day()).unwrap_or(0)
}

fn is_metric(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(is_word)
}
