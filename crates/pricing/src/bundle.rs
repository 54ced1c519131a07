//! What is priced: amounts of vCPU, memory, local disk and GPUs, and the unit price of each.

use crate::error::{Error, within};
use crate::number::{exact_product, exact_sum};
use rust_decimal::{Decimal, dec};
use std::ops::{Index, IndexMut};

/// One kind of thing in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// vCPU-hours.
    Vcpu,
    /// GiB-hours of memory.
    Gib,
    /// GB-hours of local disk.
    SsdGb,
    /// vCPU-hours of a machine whose list names a local disk but not its size.
    DiskVcpu,
    /// GPU-hours, of the model that the unit price is for.
    Gpu,
}

impl Component {
    pub const ALL: [Component; 5] =
        [Component::Vcpu, Component::Gib, Component::SsdGb, Component::DiskVcpu, Component::Gpu];

    /// As it stands in parameters and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Component::Vcpu => "vcpu",
            Component::Gib => "gib",
            Component::SsdGb => "ssd_gb",
            Component::DiskVcpu => "disk_vcpu",
            Component::Gpu => "gpu",
        }
    }
}

/// One value for each component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerComponent<T>(pub [T; 5]);

impl<T> Index<Component> for PerComponent<T> {
    type Output = T;
    fn index(&self, component: Component) -> &T {
        &self.0[component as usize]
    }
}

impl<T> IndexMut<Component> for PerComponent<T> {
    fn index_mut(&mut self, component: Component) -> &mut T {
        &mut self.0[component as usize]
    }
}

/// Amounts of one hour, each 0 ..= 1,000,000 with at most 10 decimals. A mebibyte of memory is exactly
/// 1/1024 GiB, so that it makes no difference in which unit memory is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bundle(PerComponent<Decimal>);

impl Bundle {
    pub const MAX_AMOUNT: Decimal = dec!(1000000);

    /// # Errors
    /// [`Error::OutOfRange`] and [`Error::TooPrecise`] name the component.
    pub fn new(amounts: PerComponent<Decimal>) -> Result<Bundle, Error> {
        for component in Component::ALL {
            let amount = within(component.name(), amounts[component], Decimal::ZERO, Self::MAX_AMOUNT)?;
            if amount.normalize().scale() > 10 {
                return Err(Error::TooPrecise { what: component.name(), value: amount });
            }
        }
        Ok(Bundle(amounts))
    }

    /// A bundle of vCPUs and memory in GiB.
    pub fn machine(vcpu: Decimal, gib: Decimal) -> Result<Bundle, Error> {
        Bundle::default().with(Component::Vcpu, vcpu)?.with(Component::Gib, gib)
    }

    /// The same bundle with another amount of one component.
    pub fn with(self, component: Component, amount: Decimal) -> Result<Bundle, Error> {
        let mut amounts = self.0;
        amounts[component] = amount;
        Bundle::new(amounts)
    }

    /// The same bundle with this many MiB of memory.
    pub fn with_mib(self, mib: Decimal) -> Result<Bundle, Error> {
        let gib = exact_product(mib, dec!(0.0009765625));
        self.with(Component::Gib, gib.ok_or(Error::TooPrecise { what: "MiB", value: mib })?)
    }

    /// Both bundles together.
    pub fn plus(&self, other: &Bundle) -> Result<Bundle, Error> {
        let mut amounts = self.0;
        for component in Component::ALL {
            amounts[component] += other.0[component];
        }
        Bundle::new(amounts)
    }

    pub fn amount(&self, component: Component) -> Decimal {
        self.0[component]
    }
}

/// Price of one hour of each component, none below zero, rounded to 12 decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitPrices(pub PerComponent<Decimal>);

impl UnitPrices {
    /// Price of one hour of the bundle: the sum of amount x unit price, exact, never rounded. So the price of
    /// two bundles together is the sum of their prices, to the last digit.
    ///
    /// # Errors
    /// [`Error::TooPrecise`] when 28 digits do not hold it.
    pub fn price(&self, bundle: &Bundle) -> Result<Decimal, Error> {
        let mut sum = Decimal::ZERO;
        for component in Component::ALL {
            let amount = bundle.amount(component);
            let too_precise = Error::TooPrecise { what: component.name(), value: amount };
            let part = exact_product(amount, self.0[component]).ok_or(too_precise.clone())?;
            sum = exact_sum(sum, part).ok_or(too_precise)?;
        }
        Ok(sum)
    }
}
