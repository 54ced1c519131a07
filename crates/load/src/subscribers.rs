//! Subscribers to market data: many who read and check what they are told, and some who never read.

use crate::desk::{participant_key, said};
use crate::{Desk, Error};
use futures::future::try_join_all;
use hourbook_api::client::{self, Client};
use hourbook_api::v1::{self, market_update::Content};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::Streaming;

/// Streams on one connection, which is one participant's: an exchange allows some more of each.
const TOGETHER: usize = 200;
/// How long a reader may take at the end to come to where others are.
const PATIENCE: Duration = Duration::from_secs(30);

type Updates = Streaming<v1::SubscribeResponse>;

/// Where they subscribe, under keys of their own.
pub struct Gallery {
    address: String,
    authority: Option<String>,
    /// Of participants that only look: for each connection one, for those who never read the last.
    keys: Vec<String>,
    symbol: String,
}

/// Subscribers that are connected; dropping them closes their streams.
pub struct Subscribers {
    readers: Vec<Reader>,
    _stalled: Vec<Updates>,
    updates: Arc<AtomicU64>,
}

/// A task that reads, and ends with this.
struct Reader {
    task: JoinHandle<Result<(), Error>>,
    told: watch::Receiver<Last>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gallery {
    /// Makes room for so many who read, around the first book of a desk, and for those who do not.
    ///
    /// # Errors
    /// What the exchange refuses.
    pub async fn open(address: &str, operator: &str, desk: &Desk, readers: usize) -> Result<Gallery, Error> {
        let authority = desk.authority.clone();
        let client = Client::connect(address, operator, authority.as_deref()).await?;
        let asked =
            v1::GetInstrumentRequest { symbol: String::new(), instrument_id: desk.books[0].instrument };
        let instrument = said(client.instruments.clone().get_instrument(asked).await)?.instrument;
        let mut keys = Vec::new();
        for _ in 0..=readers.div_ceil(TOGETHER) {
            keys.push(participant_key(&client, "load: looks on").await?);
        }
        let symbol = instrument.unwrap_or_default().symbol;
        Ok(Gallery { address: address.into(), authority, keys, symbol })
    }

    /// Subscribes so many who never read. Theirs is a connection of its own: what they leave lying is in nobody's way.
    ///
    /// # Errors
    /// When the exchange refuses.
    pub async fn stalled(&self, count: usize) -> Result<Subscribers, Error> {
        let key = self.keys.last().expect("there is one more than readers need");
        // Conflated, so that they stay.
        let stalled = self.subscribe(key, v1::SlowReader::Conflate, count).await?;
        Ok(Subscribers { readers: Vec::new(), _stalled: stalled, updates: Arc::default() })
    }

    /// Subscribes so many who read; each has its first snapshot when this returns.
    ///
    /// # Errors
    /// When the exchange refuses, or tells what cannot be.
    pub async fn readers(&self, count: usize) -> Result<Subscribers, Error> {
        let (updates, mut readers) = (Arc::new(AtomicU64::new(0)), Vec::with_capacity(count));
        for key in &self.keys {
            let some = (count - readers.len()).min(TOGETHER);
            let streams = self.subscribe(key, v1::SlowReader::Close, some).await?;
            let begun = streams.into_iter().map(|mut stream| async {
                let mut numbers = Numbers::default();
                numbers.take(stream.message().await.map_err(client::Error::from)?)?;
                Ok::<_, Error>((stream, numbers))
            });
            for (stream, numbers) in try_join_all(begun).await? {
                let (tells, told) = watch::channel(numbers.last());
                let task = tokio::spawn(read(stream, numbers, tells, Arc::clone(&updates)));
                readers.push(Reader { task, told });
            }
        }
        Ok(Subscribers { readers, _stalled: Vec::new(), updates })
    }

    async fn subscribe(
        &self,
        key: &str,
        slow_reader: v1::SlowReader,
        count: usize,
    ) -> Result<Vec<Updates>, Error> {
        use v1::MarketDataView::{Levels, Top, Trades};
        if count == 0 {
            return Ok(Vec::new());
        }
        let client = Client::connect(&self.address, key, self.authority.as_deref()).await?;
        let asked = v1::SubscribeRequest {
            symbols: vec![self.symbol.clone()],
            views: [Top, Levels, Trades].map(|view| view as i32).to_vec(),
            slow_reader: slow_reader as i32,
            ..v1::SubscribeRequest::default()
        };
        try_join_all((0..count).map(|_| {
            let (mut market_data, asked) = (client.market_data.clone(), asked.clone());
            async move { said(market_data.subscribe(asked).await) }
        }))
        .await
    }
}

impl Subscribers {
    /// Updates that were read so far.
    pub fn updates(&self) -> u64 {
        self.updates.load(Relaxed)
    }

    /// Ends them, once each who reads has come to where any of them is.
    ///
    /// # Errors
    /// When one of those who read was told anything else than every change once and in order, or is not told the last ones.
    pub async fn end(mut self) -> Result<(), Error> {
        let told = self.readers.iter().map(|reader| reader.told.clone()).collect();
        let level = level(told, PATIENCE).await;
        // A reader that was told what is not so says more than those that wait for it.
        for reader in &mut self.readers {
            if reader.task.is_finished() {
                let ended = (&mut reader.task).await;
                ended.map_err(|_| Error::Ended("a reading task is gone".into()))??;
                return Err(Error::Ended("without a word to a subscriber".into()));
            }
        }
        level
    }
}

async fn read(
    mut stream: Updates,
    mut numbers: Numbers,
    tells: watch::Sender<Last>,
    updates: Arc<AtomicU64>,
) -> Result<(), Error> {
    loop {
        let message = stream.message().await.map_err(client::Error::from)?;
        updates.fetch_add(numbers.take(message)?, Relaxed);
        tells.send_replace(numbers.last());
    }
}

/// Waits until every reader was told all that any of them has been told by now.
pub(crate) async fn level(mut readers: Vec<watch::Receiver<Last>>, patience: Duration) -> Result<(), Error> {
    let mut most = Last::default();
    for told in &readers {
        most.iter_mut().zip(*told.borrow()).for_each(|(most, told)| *most = told.max(*most));
    }
    let deadline = Instant::now() + patience;
    for told in &mut readers {
        let is_there = |told: &Last| told.iter().zip(most).all(|(told, most)| *told >= most);
        let waited = tokio::time::timeout_at(deadline, told.wait_for(is_there)).await;
        if !matches!(waited, Ok(Ok(_))) {
            drop(waited);
            let last = *told.borrow();
            let behind = last.into_iter().zip(most).find(|(told, most)| told < most);
            let (found, expected) = behind.unwrap_or_default();
            return Err(Error::Behind { expected, found });
        }
    }
    Ok(())
}

/// The last number of each view, of one instrument; 0 where it has no change.
pub(crate) type Last = [u64; 3];

/// Where a reader stands that stays or is closed: a snapshot of each view, then every change.
#[derive(Default)]
pub(crate) struct Numbers([View; 3]);

#[derive(Default)]
struct View {
    /// The last number, from the first snapshot on.
    last: Option<u64>,
    /// The snapshot goes on.
    in_parts: bool,
}

impl Numbers {
    /// Takes note of a message; how many updates it has.
    pub fn take(&mut self, message: Option<v1::SubscribeResponse>) -> Result<u64, Error> {
        let Some(message) = message else {
            return Err(Error::Ended("without a word to a subscriber".into()));
        };
        for update in &message.updates {
            let view = match update.content {
                Some(Content::Top(_)) => 0,
                Some(Content::Levels(_)) => 1,
                Some(Content::Trades(_)) => 2,
                _ => continue,
            };
            let (view, number) = (&mut self.0[view], update.number);
            match view.last {
                Some(_) if update.snapshot && !view.in_parts => return Err(Error::Snapshot { number }),
                Some(last) if !update.snapshot && number != last + 1 => {
                    return Err(Error::Update { expected: last + 1, found: number });
                }
                None if !update.snapshot => return Err(Error::Update { expected: 0, found: number }),
                _ => {}
            }
            *view = View { last: Some(number), in_parts: update.snapshot && update.incomplete };
        }
        Ok(message.updates.len() as u64)
    }

    pub fn last(&self) -> Last {
        self.0.each_ref().map(|view| view.last.unwrap_or(0))
    }
}
