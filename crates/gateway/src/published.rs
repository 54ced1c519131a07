//! What the gateway learns from each published batch: keys, accounts and limits, symbols, figures, reports, trades; market
//! data is made of it on another thread.
//!
//! Runs on the publishing thread, once over all events: nothing here waits.

use crate::Inside;
use crate::desk::Bell;
use crate::hub::StatusNews;
use crate::live::Teller;
use hourbook_model::Event;
use hourbook_sequencer::{Batch, Subscriber};
use std::sync::Arc;

pub(crate) struct Published {
    pub inside: Arc<Inside>,
    pub teller: Teller,
    pub bell: Bell,
}

impl Subscriber for Published {
    fn publish(&mut self, batch: &Arc<Batch>) {
        let inside = &*self.inside;
        let mut telling = inside.hub.tell();
        let mut learning = inside.desk.learn();
        self.teller.begin();
        for (entry, events) in batch.iter() {
            inside.metrics.saw(entry, events);
            let seq = entry.stamp.seq;
            for event in events {
                match event {
                    Event::Reported(report) => telling.report(entry.stamp, report),
                    Event::Traded(_) => {
                        learning.saw(event);
                        self.teller.note(entry.stamp, event);
                    }
                    Event::BookChanged(_)
                    | Event::Posted(_)
                    | Event::Uncrossed { .. }
                    | Event::Cascaded { .. } => {}
                    other => {
                        learning.saw(other);
                        self.teller.note(entry.stamp, other);
                        inside.door.saw(other);
                        inside.directory.saw(other);
                        match *other {
                            Event::StatusChanged { instrument, status } => {
                                telling.status(StatusNews::Of { seq, instrument, status });
                            }
                            Event::Listed { instrument, product, .. } => {
                                telling.listed(seq, instrument, product);
                            }
                            Event::Halted { scope } => telling.halt(scope, true),
                            Event::Resumed { scope } => telling.halt(scope, false),
                            _ => {}
                        }
                    }
                }
            }
        }
        drop(telling);
        if let Some(last) = batch.last() {
            if learning.lay_down(last) {
                self.bell.ring();
            }
            inside.published.send_replace(last.seq);
        }
        // Symbols are known by now.
        self.teller.tell(batch);
    }
}
