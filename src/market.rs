//! The market's definition: `deploy/market.toml` or a file like it, checked whole, as commands.
//!
//! The exchange reads no file: what stands here reaches it through the journal, once, and again only
//! when the digest differs. Classes, regions and products are written under their codes and leave in
//! the order of these, so neither comments nor order nor spelling of a number changes the digest.
//!
//! Always true of a [`Market`]: every product's class, region and tier is defined; references are
//! whole ticks; whatever cascades finds its parts listed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use hourbook_exchange::Exchange;
use hourbook_model::{
    AdoptMarket, Command, DefineClass, DefineProduct, DefineRegion, Horizon, Money, Price, Product,
    ProductSymbol, Quantity, Request, Stamp, Tier, TierTerms, Time, codec,
};

use crate::settings::{self, Error, OrNone, Text};

mod written;

use written::{AuctionText, BandText, ProductText, Unit, Written};

/// The market that is traded where no file is given.
const BUILT_IN: &str = include_str!("../deploy/market.toml");

/// A checked definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Classes, regions, products, then the adoption of the whole.
    pub commands: Vec<Command>,
    /// blake3 of the defining commands as the journal holds them.
    pub digest: [u8; 32],
}

impl Market {
    /// The market built into the program.
    pub fn built_in() -> Market {
        Market::parse("deploy/market.toml", BUILT_IN).expect("the built-in market is checked by the tests")
    }

    /// No market: whatever an exchange trades is defined by commands that come later.
    pub fn none() -> Market {
        Market { commands: Vec::new(), digest: Market::BEGUN }
    }

    /// The market that the file at `path` defines.
    pub fn load(path: &Path) -> Result<Market, Error> {
        Market::parse(&path.display().to_string(), &settings::text_of(path)?)
    }

    /// The market that `text` defines; `file` is what messages call it.
    pub fn parse(file: &str, text: &str) -> Result<Market, Error> {
        Definition { file, written: settings::read(file, text)? }.market()
    }

    /// The same classes and regions, with these products of them.
    pub fn with_products(self, products: Vec<Product>) -> Market {
        let rest =
            |command: &Command| !matches!(command, Command::DefineProduct(_) | Command::AdoptMarket(_));
        let mut commands: Vec<Command> = self.commands.into_iter().filter(rest).collect();
        commands.extend(products.into_iter().map(|product| DefineProduct { product: product.into() }.into()));
        Market::of(commands)
    }

    /// These definitions and their adoption.
    fn of(mut commands: Vec<Command>) -> Market {
        let digest = digest(&commands);
        commands.push(AdoptMarket { digest }.into());
        Market { commands, digest }
    }

    pub fn products(&self) -> impl Iterator<Item = &Product> {
        self.commands.iter().filter_map(|command| match command {
            Command::DefineProduct(define) => Some(&*define.product),
            _ => None,
        })
    }

    /// Whether an exchange as it stands takes all of it, tried on a copy: what is refused half way would leave half a market.
    ///
    /// # Errors
    /// What is refused, by its key in the file, and why.
    pub fn fits(&self, exchange: &Exchange) -> Result<(), String> {
        let mut copy = exchange.clone();
        let mut events = Vec::new();
        for command in &self.commands {
            let at = Stamp { seq: copy.stamp().seq + 1, ..copy.stamp() };
            let Some(reason) = copy.apply(at, &Request::default(), command, &mut events).refused else {
                continue;
            };
            let Command::DefineProduct(DefineProduct { product }) = command else {
                return Err(format!("{} is refused: {reason:?}", command.name()));
            };
            let key = format!("products.{}", product.symbol);
            let known = exchange.products().find(|(_, known)| known.terms.symbol == product.symbol);
            return Err(match known {
                Some((_, known)) if known.terms.currency != product.currency => {
                    format!("{key}.currency: is {} since it was first defined", known.terms.currency)
                }
                _ => format!("{key}: is refused: {reason:?}"),
            });
        }
        Ok(())
    }

    /// The digest in force while a definition is entered: should that break off, the next start enters it again.
    pub const BEGUN: [u8; 32] = [0; 32];

    /// How many instruments are listed at once.
    pub fn listed(&self) -> u64 {
        self.products().map(|product| listed(&product.horizon)).sum()
    }
}

impl fmt::Display for Market {
    /// What the market holds, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |name| self.commands.iter().filter(|command| command.name() == name).count();
        writeln!(f, "classes      {}", count("DefineClass"))?;
        writeln!(f, "regions      {}", count("DefineRegion"))?;
        writeln!(f, "products     {}", count("DefineProduct"))?;
        writeln!(f, "instruments  {}", self.listed())?;
        write!(f, "digest       ")?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        writeln!(f)
    }
}

fn listed(horizon: &Horizon) -> u64 {
    let Horizon { hours, days, weeks, months } = *horizon;
    [hours, days, weeks, months].into_iter().map(u64::from).sum()
}

/// A file as written, on its way to being a market.
struct Definition<'a> {
    file: &'a str,
    written: Written,
}

impl Definition<'_> {
    fn bad<T>(&self, key: impl fmt::Display, why: impl fmt::Display) -> Result<T, Error> {
        Err(Error::key(self.file, key, why))
    }

    fn market(mut self) -> Result<Market, Error> {
        self.check_terms()?;
        self.check_tiers()?;
        self.check_classes()?;
        self.check_regions()?;
        let products = self.products()?;

        let mut commands = Vec::new();
        for (code, class) in std::mem::take(&mut self.written.classes) {
            commands.push(DefineClass { class: class.class(code).into() }.into());
        }
        for (code, region) in std::mem::take(&mut self.written.regions) {
            commands.push(DefineRegion { region: region.region(code).into() }.into());
        }
        commands.extend(
            products.into_iter().map(|product| Command::from(DefineProduct { product: product.into() })),
        );
        Ok(Market::of(commands))
    }

    fn check_terms(&self) -> Result<(), Error> {
        let terms = &self.written.terms;
        self.check_currency("terms.currency", &terms.currency)?;
        self.check_auction("terms.auction", terms.auction)?;
        self.check_band("terms.band", terms.band)
    }

    fn check_currency(&self, key: impl fmt::Display, currency: &str) -> Result<(), Error> {
        if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Ok(());
        }
        self.bad(key, format_args!("`{currency}` is not three capitals of ISO 4217, such as CNY"))
    }

    fn check_auction(&self, key: impl fmt::Display, auction: OrNone<AuctionText>) -> Result<(), Error> {
        match auction.0 {
            Some(AuctionText { call, freeze, uncross }) if !(call < freeze && freeze < uncross) => {
                self.bad(key, "call, freeze and uncross must follow one another within a day")
            }
            _ => Ok(()),
        }
    }

    fn check_band(&self, key: impl fmt::Display, band: OrNone<BandText>) -> Result<(), Error> {
        match band.0 {
            Some(band) if band.trade.0 > band.order.0 => self.bad(
                format_args!("{key}.trade"),
                "must not be wider than `order`: what is refused cannot trade",
            ),
            _ => Ok(()),
        }
    }

    fn check_tiers(&self) -> Result<(), Error> {
        let mut better: Option<(Tier, u32)> = None;
        for tier in [Tier::A, Tier::B, Tier::C] {
            let Some(terms) = self.written.tiers.get(tier) else { continue };
            let availability = terms.availability.0;
            if let Some((better, _)) = better.filter(|(_, promised)| *promised < availability) {
                return self.bad(
                    format_args!("tiers.{tier}.availability"),
                    format_args!("must not be above that of tier {better}, which may deliver in its place"),
                );
            }
            better = Some((tier, availability));
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), Error> {
        let mut class_of = BTreeMap::new();
        for (code, class) in &self.written.classes {
            if !ProductSymbol::is_class(code) {
                return self.bad(format_args!("classes.{code}"), "a class is two to ten capitals and digits");
            }
            for (n, Text(family)) in class.families.iter().enumerate() {
                if let Some(first) = class_of.insert(family, code) {
                    return self.bad(
                        format_args!("classes.{code}.families[{n}]"),
                        format_args!("{family} is delivered as {first} already; a family has one class"),
                    );
                }
            }
        }
        Ok(())
    }

    fn check_regions(&self) -> Result<(), Error> {
        match self.written.regions.keys().find(|code| !ProductSymbol::is_region(code)) {
            Some(code) => self.bad(
                format_args!("regions.{code}"),
                "a region is an ISO country and one to four capitals or digits",
            ),
            None => Ok(()),
        }
    }

    fn products(&self) -> Result<Vec<Product>, Error> {
        let mut products = Vec::new();
        for (symbol, own) in &self.written.products {
            products.push(self.product(symbol, own)?);
        }
        let listed: usize = products.iter().map(|product| product.horizon.listed()).sum();
        let most = Horizon::MOST_LISTED;
        if listed > most {
            return self.bad(
                "products",
                format_args!(
                    "they list {listed} instruments at once; at most {most} can be: shorten horizons"
                ),
            );
        }
        Ok(products)
    }

    fn product(&self, code: &str, own: &ProductText) -> Result<Product, Error> {
        let key = format!("products.{code}");
        let symbol: ProductSymbol = match code.parse() {
            Ok(symbol) => symbol,
            Err(error) => return self.bad(key, error),
        };
        let Some(class) = self.written.classes.get(&symbol.class) else {
            return self.bad(key, format_args!("there is no class {0}; define [classes.{0}]", symbol.class));
        };
        if !self.written.regions.contains_key(&symbol.region) {
            return self
                .bad(key, format_args!("there is no region {0}; define [regions.{0}]", symbol.region));
        }
        let Some(tier) = self.written.tiers.get(symbol.tier) else {
            return self.bad(key, format_args!("there is no tier {0}; define [tiers.{0}]", symbol.tier));
        };

        let terms = &self.written.terms;
        let currency = own.currency.as_ref().unwrap_or(&terms.currency);
        self.check_currency(format_args!("{key}.currency"), currency)?;
        let auction = own.auction.unwrap_or(terms.auction);
        self.check_auction(format_args!("{key}.auction"), auction)?;
        let band = own.band.unwrap_or(terms.band);
        self.check_band(format_args!("{key}.band"), band)?;
        let gate_hour = own.gate_hour.unwrap_or(tier.gate_hour).nanos();
        let gate_longer = own.gate_longer.unwrap_or(tier.gate_longer).nanos();
        if gate_longer < gate_hour {
            let place = if own.gate_longer.is_some() { key } else { format!("tiers.{}", symbol.tier) };
            return self.bad(
                format_args!("{place}.gate_longer"),
                "must not be shorter than gate_hour: a day would close after its first hour",
            );
        }
        let horizon = own.horizon.unwrap_or(terms.horizon).horizon();
        let place = if own.horizon.is_some() { &key } else { "terms" };
        self.check_cascade(place, &horizon, gate_longer)?;
        let tick = own.tick.unwrap_or(match class.unit {
            Unit::Vcpu => terms.tick.vcpu,
            Unit::Gpu => terms.tick.gpu,
            Unit::Fpga => terms.tick.fpga,
        });
        if own.reference.is_some_and(|reference| reference.0 % tick.0 != 0) {
            return self.bad(
                format_args!("{key}.reference"),
                format_args!("must be a whole number of ticks of {}", tick.decimal()),
            );
        }

        Ok(Product {
            symbol,
            currency: currency.clone(),
            tick: Price(tick.0),
            tier: TierTerms {
                availability_ppm: tier.availability.0,
                notice: tier.notice.nanos(),
                penalty_ppm: tier.penalty.0,
            },
            horizon,
            gate_hour,
            gate_longer,
            auction: auction.0.map(AuctionText::schedule),
            band: band.0.map(BandText::band),
            reference: own.reference.map(|reference| Price(reference.0)),
            max_quantity: Quantity(own.max_quantity.unwrap_or(terms.max_quantity).0),
            max_notional: Money(own.max_notional.unwrap_or(terms.max_notional).0),
            maker_fee_ppm: own.maker_fee.unwrap_or(terms.maker_fee).0,
            taker_fee_ppm: own.taker_fee.unwrap_or(terms.taker_fee).0,
        })
    }

    /// At its gate a longer period becomes its parts, the last of which must be listed by then.
    fn check_cascade(&self, place: &str, horizon: &Horizon, gate_longer: i64) -> Result<(), Error> {
        let ahead = |of: i64| ((gate_longer + of - 1) / of) as u32;
        let Horizon { hours, days, weeks, months } = *horizon;
        let needs = [
            ("days", days, "hours", hours, 24 + ahead(Time::HOUR)),
            ("weeks", weeks, "days", days, 7 + ahead(Time::DAY)),
            ("months", months, "days", days, 31 + ahead(Time::DAY)),
        ];
        for (longer, count, parts, listed, least) in needs {
            if count > 0 && listed < least {
                return self.bad(
                    format_args!("{place}.horizon.{parts}"),
                    format_args!("{listed} is too few where {longer} are listed: at their gate they become {parts}, so at least {least}"),
                );
            }
        }
        Ok(())
    }
}

/// blake3 over kind, version, length and body of each command.
fn digest(commands: &[Command]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut body = Vec::new();
    for command in commands {
        body.clear();
        codec::encode(&Request::default(), command, &mut body);
        let (kind, version) = command.kind();
        hasher.update(&kind.to_le_bytes());
        hasher.update(&version.to_le_bytes());
        hasher.update(&(body.len() as u64).to_le_bytes());
        hasher.update(&body);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
