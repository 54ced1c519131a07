//! An exchange in this process that a strategy trades on, command by command: the same commands give the same run.

use std::sync::Arc;

use anyhow::bail;
use hourbook_api::convert::{self, Resolve};
use hourbook_api::v1;
use hourbook_exchange::Exchange;
use hourbook_maker::{Action, Breach, Quoter, Strategy};
use hourbook_model::*;

use super::observer::{Observer, SESSION};
use super::recorded::Recording;
use super::{Arguments, NAME, Run, Setting, chosen, members, observer_of, order, outfits};
use crate::demo::dice::Dice;
use crate::journal::hex;

/// With a journal, the strategy decides no more often than this.
const REACTION: i64 = 100_000_000;

struct Arena {
    exchange: Exchange,
    at: Stamp,
    events: Vec<Event>,
    /// The strategy's, once it has an account.
    observer: Option<Observer>,
    account: AccountId,
    killed: Option<Breach>,
}

/// Instruments are named by id here.
struct ById;

impl Resolve for ById {
    fn instrument(&self, _: &str) -> Option<InstrumentId> {
        None
    }

    fn product(&self, _: &str) -> Option<ProductId> {
        None
    }
}

impl Arena {
    fn new(begins: Time) -> Arena {
        Arena {
            exchange: Exchange::new(),
            at: Stamp { seq: 0, time: begins },
            events: Vec::new(),
            observer: None,
            account: AccountId(0),
            killed: None,
        }
    }

    /// Applies a command at the present time.
    fn apply(&mut self, request: &Request, command: &Command) -> Answer {
        self.at.seq += 1;
        self.events.clear();
        let answer = self.exchange.apply(self.at, request, command, &mut self.events);
        if let Some(observer) = &mut self.observer {
            observer.saw(self.at, &self.events);
        }
        answer
    }

    /// Applies a command of the operator's.
    fn operate(&mut self, command: impl Into<Command>) -> Answer {
        self.apply(&Request::default(), &command.into())
    }

    /// Has the next command of a recording done.
    ///
    /// # Errors
    /// Damage of its journal.
    fn play(&mut self, recording: &mut Recording) -> anyhow::Result<()> {
        // Time here is never behind what was then.
        self.at.time = self.at.time.max(recording.next_time().unwrap_or(self.at.time));
        for said in recording.take(&self.exchange)? {
            let answer = self.apply(&said.request, &said.command);
            recording.became(&said, &answer, &self.events, &self.exchange);
        }
        recording.forget(&self.exchange);
        Ok(())
    }

    /// Time passes, and what is due by then is done when it is due.
    fn pass_to(&mut self, time: Time) {
        while let Some(due) = self.exchange.next_due().filter(|due| *due <= time) {
            self.at.time = self.at.time.max(due);
            self.operate(Tick {});
        }
        self.at.time = self.at.time.max(time);
        if let Some(observer) = &mut self.observer {
            observer.passed(time);
        }
    }

    /// Lets the strategy see the exchange as it stands, decide, and have that done.
    fn act(&mut self) {
        let Some(observer) = &mut self.observer else { return };
        observer.show(&self.exchange, self.at.time);
        let actions = observer.quoter.decide();
        let request = Request { account: self.account, ..Request::default() };
        for action in actions {
            let observer = self.observer.as_mut().expect("it was just there");
            observer.entry += 1;
            match action {
                Action::Quote(quotes) => {
                    observer.quoter.sent(observer.entry, &quotes);
                    let set = v1::QuoteSet {
                        quotes,
                        post_only: true,
                        self_trade_prevention: v1::SelfTradePrevention::CancelOldest as i32,
                    };
                    match convert::quotes(&set, &ById) {
                        Ok(command) => drop(self.apply(&request, &command.into())),
                        Err(bad) => {
                            let why = format!("{} {}", bad.field, bad.description);
                            observer.quoter.not_done(observer.entry, Some(&why));
                        }
                    }
                }
                Action::CancelAll => {
                    self.apply(&request, &MassCancel { scope: Scope::Market, side: None }.into());
                }
                Action::Kill(breach) => {
                    self.apply(&request, &MassCancel { scope: Scope::Market, side: None }.into());
                    self.killed = Some(breach);
                }
            }
            // Entries that changed nothing are answered too.
            let observer = self.observer.as_mut().expect("it was just there");
            observer.quoter.not_done(observer.entry, None);
        }
    }
}

/// A strategy in a market over a series.
pub fn series(setting: &Setting, strategy: Box<dyn Strategy>) -> anyhow::Result<Run> {
    let mut arena = Arena::new(setting.from);
    let name = strategy.name();
    for command in setting.market().commands {
        arena.operate(command);
    }
    arena.pass_to(setting.from);
    for command in members(setting, [0; 32]) {
        if let Some(reason) = arena.operate(command.clone()).refused {
            bail!("{} is refused: {reason:?}", command.name());
        }
    }
    arena.account = AccountId(1);
    let quoter = Quoter::new(setting.settings.clone(), strategy, SESSION);
    let (params, all) = (Arc::clone(&setting.params), vec!["*".into()]);
    let mut observer = Observer::new(quoter, arena.account, params, all, setting.from);
    observer.take_in(&arena.exchange);
    let own = hours_of(&arena.exchange, arena.account, ProductId(1));
    observer.quoter.declared(&setting.product.symbol.to_string(), &own, true);
    arena.observer = Some(observer);
    arena.act();

    let mut run = Run::new(setting);
    let mut dice = Dice::of(setting.seed, "crowd");
    let crowd = Request { account: AccountId(2), ..Request::default() };
    let mut hour = setting.from;
    while hour < setting.to && arena.killed.is_none() {
        let published = setting.series.published_ppm(setting.from, hour);
        arena.observer.as_mut().expect("it is there").level(published);
        for wish in setting.crowd.wishes(&mut dice, hour) {
            arena.pass_to(wish.at);
            arena.act();
            if let Some(placed) =
                order(&arena.exchange, &setting.product, &setting.series, setting.from, &wish)
            {
                arena.apply(&crowd, &placed.into());
                arena.act();
            }
        }
        hour = hour.plus_nanos(Time::HOUR);
        arena.pass_to(hour.min(setting.to));
        arena.act();
        run.sample(hour, arena.observer.as_ref().expect("it is there"));
    }
    let hash = hex(&arena.exchange.state_hash());
    let observer = arena.observer.take().expect("it is there");
    Ok(run.ended(setting, observer, name, Some(hash)))
}

/// A strategy in a recorded journal.
pub fn recorded(arguments: &Arguments, mut recording: Recording) -> anyhow::Result<Run> {
    let begins = recording.next_time().expect("it is not empty");
    let mut arena = Arena::new(begins);
    while recording.next_time().is_some() && !recording.is_about_to_trade() {
        arena.play(&mut recording)?;
    }
    let Some(from) = recording.next_time() else {
        bail!("nobody trades in the journal");
    };
    let participant = ParticipantId(arena.operate(CreateParticipant { name: NAME.into() }).number as u32);
    let joins = CreateAccount { participant, name: NAME.into() };
    arena.account = AccountId(arena.operate(joins).number as u32);
    for command in outfits(arguments, arena.account, &arena.exchange) {
        let name = command.name();
        if let Some(reason) = arena.operate(command).refused {
            bail!("{name} is refused: {reason:?}");
        }
    }
    let strategy = chosen(arguments)?;
    let name = strategy.name();
    let mut observer = observer_of(arguments, strategy, arena.account, begins)?;
    observer.take_in(&arena.exchange);
    let products: Vec<(ProductId, ProductSymbol)> =
        arena.exchange.products().map(|(id, listed)| (id, listed.terms.symbol.clone())).collect();
    for (id, symbol) in products {
        let own = hours_of(&arena.exchange, arena.account, id);
        observer.quoter.declared(&symbol.to_string(), &own, true);
    }
    arena.observer = Some(observer);
    arena.act();

    let mut run = Run::open_ended(from);
    let mut acted = from;
    while let Some(time) = recording.next_time()
        && arena.killed.is_none()
    {
        if time.0 - acted.0 >= REACTION {
            acted = time;
            arena.at.time = arena.at.time.max(time);
            arena.act();
            run.sample(time, arena.observer.as_ref().expect("it is there"));
        }
        arena.play(&mut recording)?;
    }
    arena.act();
    run.to = arena.at.time;
    let hash = hex(&arena.exchange.state_hash());
    let observer = arena.observer.take().expect("it is there");
    run.over_journal(arguments, observer, name, Some(hash))
}

/// Hours of an account, as the contract tells them.
fn hours_of(exchange: &Exchange, account: AccountId, product: ProductId) -> Vec<v1::CapacityRange> {
    let ranges = exchange.hours(account, product);
    let range = |view: hourbook_exchange::HoursView| v1::CapacityRange {
        start_time: Some(convert::timestamp(view.from.start())),
        hours: view.hours,
        declared_quantity: view.declared.0,
        available_quantity: view.available.0,
    };
    ranges.into_iter().map(range).collect()
}
