//! The contract of a product in words, made from its terms: what a buyer gets and a seller owes.

use hourbook_model::{AuctionSchedule, Class, MICROS, Product, Region, Tier, Time};
use std::fmt::{self, Write};

/// The whole contract, plain text.
pub fn text(product: &Product, class: Option<&Class>, region: Option<&Region>) -> String {
    let mut text = String::new();
    write(&mut text, product, class, region).expect("a String takes everything");
    text
}

fn write(to: &mut String, product: &Product, class: Option<&Class>, region: Option<&Region>) -> fmt::Result {
    let currency = &product.currency;
    let symbol = &product.symbol;
    writeln!(to, "CONTRACT {symbol}")?;
    let class_title = class.map_or(symbol.class.as_str(), |class| &class.title);
    let region_title = region.map_or(symbol.region.as_str(), |region| &region.title);
    writeln!(to, "{class_title}; {region_title}; tier {}", symbol.tier)?;

    writeln!(to, "\nOne unit")?;
    match class {
        Some(class) => unit(to, class)?,
        None => writeln!(
            to,
            "  One unit of class {} for one hour; the class has no written grade.",
            symbol.class
        )?,
    }

    writeln!(to, "\nWhere")?;
    match region {
        Some(region) => place(to, region)?,
        None => writeln!(to, "  {}; nothing more is written of this region.", symbol.region)?,
    }

    writeln!(to, "\nTier {}", symbol.tier)?;
    let tier = &product.tier;
    let firm = match symbol.tier {
        Tier::A | Tier::B => "Firm: not interrupted by the seller.".to_string(),
        Tier::C if tier.notice == 0 => "Interruptible without notice.".to_string(),
        Tier::C => format!("Interruptible after {} of notice.", span(tier.notice)),
    };
    writeln!(to, "  {firm}")?;
    writeln!(to, "  Available for at least {} of each delivered hour.", percent(tier.availability_ppm))?;
    writeln!(to, "  Hours of a better tier may be delivered in place of a worse one, never the other way.")?;

    writeln!(to, "\nDelivery periods")?;
    writeln!(
        to,
        "  An hour, a day, an ISO week or a month, all UTC; every unit is delivered in every hour of it."
    )?;
    let horizon = &product.horizon;
    let (hours, days, weeks, months) = (horizon.hours, horizon.days, horizon.weeks, horizon.months);
    writeln!(to, "  Listed ahead: hours {hours}, days {days}, weeks {weeks}, months {months}.")?;
    writeln!(
        to,
        "  Trading ends {} before an hour, {} before a longer period: its gate closure.",
        span(product.gate_hour),
        span(product.gate_longer)
    )?;
    writeln!(
        to,
        "  At its gate a month or a week becomes the same position in each of its days, a day in each of its hours."
    )?;

    writeln!(to, "\nPrice and size")?;
    writeln!(to, "  {currency} per unit-hour, for every period; amount = price x lots x hours.")?;
    writeln!(to, "  Tick {} {currency}. Lot: one unit for each hour of the period.", money(product.tick.0))?;
    writeln!(
        to,
        "  One order: at most {} lots and {} {currency}.",
        product.max_quantity,
        money(product.max_notional.0)
    )?;

    writeln!(to, "\nTrading")?;
    writeln!(to, "  Around the clock, price before time, at the resting order's price.")?;
    match &product.auction {
        Some(auction) => schedule(to, auction)?,
        None => writeln!(to, "  No daily auction.")?,
    }
    match &product.band {
        Some(band) => {
            writeln!(to, "  Orders more than {} from the reference are refused.", percent(band.order_ppm))?;
            writeln!(
                to,
                "  Where a taker would trade more than {} from it, its rest is cancelled and a call of {} begins.",
                percent(band.trade_ppm),
                span(band.call)
            )?;
            writeln!(
                to,
                "  Reference: the last auction, else the last trade, else the fair price, else {}.",
                match product.reference {
                    Some(price) => format!("{} {currency}", money(price.0)),
                    None => "none".into(),
                }
            )?;
        }
        None => writeln!(to, "  No price band.")?,
    }

    writeln!(to, "\nFees")?;
    writeln!(
        to,
        "  Maker {}, taker {} of the amount of each fill, rounded down; in an auction both pay the maker's.",
        percent(product.maker_fee_ppm),
        percent(product.taker_fee_ppm)
    )?;
    writeln!(to, "  A buyer pays at once, a seller out of what it is paid.")?;

    writeln!(to, "\nSettlement")?;
    writeln!(
        to,
        "  The clearing account stands between buyer and seller. A buyer's payment is kept in escrow until delivery."
    )?;
    writeln!(
        to,
        "  After gate closure each hour's positions are obligations; each delivered hour is paid by what was delivered of it."
    )?;

    writeln!(to, "\nNon-delivery")?;
    writeln!(
        to,
        "  The buyer gets the price of what was not delivered back, and the cost of cover above it."
    )?;
    writeln!(
        to,
        "  The seller pays a penalty of {} of that price{}, ten times the value at most. No claim is needed.",
        percent(tier.penalty_ppm),
        if symbol.tier == Tier::C && tier.notice > 0 { " after valid notice" } else { "" }
    )?;

    let assumptions = class.into_iter().flat_map(|class| &class.assumptions);
    let assumptions: Vec<&String> =
        assumptions.chain(region.into_iter().flat_map(|region| &region.assumptions)).collect();
    if !assumptions.is_empty() {
        writeln!(to, "\nAssumed, not sourced")?;
        assumptions.iter().try_for_each(|assumption| writeln!(to, "  - {assumption}"))?;
    }
    Ok(())
}

fn unit(to: &mut String, class: &Class) -> fmt::Result {
    writeln!(to, "  One {} for one hour.", class.unit)?;
    writeln!(
        to,
        "  It carries {} vCPU, {} GiB of memory, {} GB of local disk.",
        milli(class.vcpu_milli),
        milli(class.memory_gib_milli),
        milli(class.disk_gb_milli)
    )?;
    writeln!(to, "  Network: at least {} Mbit/s a unit.", class.network_mbps)?;
    writeln!(to, "  Benchmark: {}, at least {}.", class.benchmark, class.benchmark_score)?;
    writeln!(to, "  Families that deliver it: {}.", class.families.join(", "))
}

fn place(to: &mut String, region: &Region) -> fmt::Result {
    writeln!(to, "  {}. Jurisdiction: {}.", region.title, region.jurisdiction)?;
    writeln!(
        to,
        "  Power usage effectiveness {}; electricity {} USD per kWh.",
        milli(region.pue_milli),
        money(i64::from(region.power_usd_micros_per_kwh))
    )?;
    writeln!(to, "  Cooling: {}. Energy: {}.", region.cooling, region.energy)
}

fn schedule(to: &mut String, auction: &AuctionSchedule) -> fmt::Result {
    writeln!(
        to,
        "  Daily auction of the next day's hours and day, UTC: call {}, nothing taken back from {}, uncross {}.",
        clock(auction.call),
        clock(auction.freeze),
        clock(auction.uncross)
    )
}

/// A whole number of `parts` to the unit, without zeros at its end.
fn decimal(value: i64, parts: i64) -> String {
    let digits = parts.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / parts, value % parts);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn money(micros: i64) -> String {
    decimal(micros, MICROS)
}

fn milli(thousandths: u32) -> String {
    decimal(i64::from(thousandths), 1_000)
}

fn percent(ppm: u32) -> String {
    format!("{} %", decimal(i64::from(ppm), 10_000))
}

fn span(nanos: i64) -> String {
    let seconds = nanos / Time::SECOND;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

fn clock(of_day: i64) -> String {
    let minutes = of_day / Time::MINUTE;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
