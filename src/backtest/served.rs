//! The same market for a strategy that comes from outside: it connects as to any exchange, in whatever language.
//!
//! The exchange serves on loopback, and its time is moved here: a step, what others want in it, a while for the
//! strategy to answer, the next step. How much happens in that while is the machine's affair, so two runs are alike and
//! not the same.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hourbook_model::*;
use hourbook_sequencer::{Batch, Clock, ManualClock, Subscriber};

use super::observer::Observer;
use super::{Run, Setting, members, order};
use crate::config::{Config, Flags};
use crate::demo::dice::Dice;
use crate::serve::{self, Opening, Rehearsal, Running};

/// How often it is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// How a strategy from outside is served.
#[derive(Clone, Debug)]
pub struct Service {
    pub listen: SocketAddr,
    /// What passes in a step, and how long the strategy has for it.
    pub step: Duration,
    pub pace: Duration,
    /// How long its first order is waited for.
    pub patience: Duration,
}

/// Batches as they were published, until they are looked at.
#[derive(Default)]
struct Published(Mutex<Vec<Arc<Batch>>>);

struct Witness(Arc<Published>);

impl Subscriber for Witness {
    fn publish(&mut self, batch: &Arc<Batch>) {
        // A batch is emptied and used again once nobody holds it.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(batch));
    }
}

impl Published {
    fn show(&self, observer: &mut Observer) {
        let batches = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for batch in batches {
            for (entry, events) in batch.iter() {
                for event in events {
                    // The product is defined before anything of it is listed.
                    if let (Event::ProductDefined { product, .. }, Command::DefineProduct(body)) =
                        (event, &entry.command)
                    {
                        observer.define(*product, &body.product);
                    }
                }
                observer.saw(entry.stamp, events);
            }
        }
    }
}

pub async fn run(setting: &Setting, service: &Service) -> anyhow::Result<Run> {
    let directory = tempfile::tempdir().context("a directory for the journal")?;
    let flags = Flags {
        data: Some(directory.path().join("data")),
        listen: Some(service.listen),
        metrics: Some("none".into()),
        ..Flags::default()
    };
    let mut config = Config::resolve(&flags)?;
    (config.journal.segment_bytes, config.journal.reserve_bytes) = (16 << 20, 16 << 20);
    config.pricing.params = setting.params_path.clone();
    let published = Arc::new(Published::default());
    let opening = Opening {
        market: setting.market(),
        clock: Clock::Manual(ManualClock::at(setting.from)),
        rehearsal: Some(Rehearsal {
            begins: setting.from,
            operator_key: hourbook_gateway::new_key().context("no random bits for a key")?,
        }),
        witness: Some(Box::new(Witness(Arc::clone(&published)))),
    };
    let running = serve::open(&config, opening).await?;
    let ended = trade(setting, service, &running, &published).await;
    running.stop().await?;
    ended
}

async fn trade(
    setting: &Setting,
    service: &Service,
    running: &Running,
    published: &Published,
) -> anyhow::Result<Run> {
    let key = hourbook_gateway::new_key().context("no random bits for a key")?;
    let mut numbers = Vec::new();
    for command in members(setting, hourbook_gateway::digest_of(&key)) {
        numbers.push(serve::operate(&running.handle, command).await?.number);
    }
    let (account, crowd) = (AccountId(numbers[1] as u32), AccountId(numbers[3] as u32));
    serve::settle(&running.handle).await?;
    let mut observer = setting.observer(account);
    observer.quoter.watch();
    published.show(&mut observer);
    let address = format!("http://{}", running.address);
    let told = serde_json::json!({
        "address": address, "key": key, "account": account, "product": setting.product.symbol.to_string(),
    });
    // The one line that a strategy needs; figures come on standard output, at the end.
    eprintln!("{told}");
    wait_for_strategy(&mut observer, published, service).await?;

    let steps = (setting.to.0 - setting.from.0) / service.step.as_nanos() as i64;
    say(&format!("backtest: {steps} steps of {:?}, {:?} each at least", service.step, service.pace));
    let mut told = Instant::now();
    let mut run = Run::new(setting);
    let mut dice = Dice::of(setting.seed, "crowd");
    let mut wishes = Vec::new().into_iter().peekable();
    let (mut hour, mut now) = (setting.from, setting.from);
    while now < setting.to {
        if now >= hour {
            wishes = setting.crowd.wishes(&mut dice, hour).into_iter().peekable();
            hour = hour.plus_nanos(Time::HOUR);
        }
        now = now.plus_nanos(service.step.as_nanos() as i64).min(hour).min(setting.to);
        serve::operate(&running.handle, AdvanceTime { to: now }.into()).await?;
        serve::settle(&running.handle).await?;
        observer.level(setting.series.published_ppm(setting.from, now));
        while let Some(wish) = wishes.next_if(|wish| wish.at < now) {
            let (product, series, from) = (setting.product.clone(), setting.series.clone(), setting.from);
            let drawn = running.handle.read(move |exchange| order(exchange, &product, &series, from, &wish));
            if let Some(placed) = drawn.await? {
                let request = Request { account: crowd, ..Request::default() };
                running.handle.submit(request, placed.into()).await?;
            }
        }
        tokio::time::sleep(service.pace).await;
        published.show(&mut observer);
        observer.reprice();
        observer.passed(now);
        run.sample(now, &observer);
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            let done = 100 * (now.0 - setting.from.0) / (setting.to.0 - setting.from.0).max(1);
            say(&format!("backtest: {done} %, {}", crate::journal::time(now.0)));
        }
    }
    Ok(run.ended(setting, observer, "a strategy from outside", None))
}

/// Whoever started it may read no more than the first line.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

async fn wait_for_strategy(
    observer: &mut Observer,
    published: &Published,
    service: &Service,
) -> anyhow::Result<()> {
    let began = Instant::now();
    while observer.accepted == 0 {
        if began.elapsed() > service.patience {
            bail!(
                "no order came within {:?}: the line above says where and under which key",
                service.patience
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        published.show(observer);
    }
    Ok(())
}
