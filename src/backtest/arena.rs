//! An exchange in this process that a strategy trades on, command by command: the same commands give the same run.

use hourbook_api::convert::{self, Resolve};
use hourbook_api::v1;
use hourbook_exchange::Exchange;
use hourbook_maker::{Action, Breach};
use hourbook_model::{
    AccountId, Answer, Command, Event, InstrumentId, MassCancel, ProductId, Request, Scope, Stamp, Tick, Time,
};

use super::observer::Observer;
use super::recorded::Recording;

pub struct Arena {
    pub exchange: Exchange,
    pub at: Stamp,
    pub events: Vec<Event>,
    /// The strategy's, once it has an account.
    pub observer: Option<Observer>,
    pub account: AccountId,
    pub killed: Option<Breach>,
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
    pub fn new(begins: Time) -> Arena {
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
    pub fn apply(&mut self, request: &Request, command: &Command) -> Answer {
        self.at.seq += 1;
        self.events.clear();
        let answer = self.exchange.apply(self.at, request, command, &mut self.events);
        if let Some(observer) = &mut self.observer {
            observer.saw(self.at, &self.events);
        }
        answer
    }

    /// Applies a command of the operator's.
    pub fn operate(&mut self, command: impl Into<Command>) -> Answer {
        self.apply(&Request::default(), &command.into())
    }

    /// Has the next command of a recording done.
    ///
    /// # Errors
    /// Damage of its journal.
    pub fn play(&mut self, recording: &mut Recording) -> anyhow::Result<()> {
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
    pub fn pass_to(&mut self, time: Time) {
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
    pub fn act(&mut self) {
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
