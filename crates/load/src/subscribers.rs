//! Subscribers to market data: many who read and check what they are told, and some who never read.

use crate::desk::{participant_key, said};
use crate::{Desk, Error};
use futures::future::try_join_all;
use hourbook_api::client::{self, Client};
use hourbook_api::v1::{self, market_update::Content};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::task::JoinHandle;
use tonic::Streaming;

/// Streams on one connection, which is one participant's: an exchange allows some more of each.
const TOGETHER: usize = 200;

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
struct Reader(JoinHandle<Result<(), Error>>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
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
                readers.push(Reader(tokio::spawn(read(stream, numbers, Arc::clone(&updates)))));
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

    /// Ends them.
    ///
    /// # Errors
    /// When one of those who read was told anything else than every change once and in order.
    pub async fn end(mut self) -> Result<(), Error> {
        for reader in &mut self.readers {
            if reader.0.is_finished() {
                let ended = (&mut reader.0).await;
                ended.map_err(|_| Error::Ended("a reading task is gone".into()))??;
                return Err(Error::Ended("without a word to a subscriber".into()));
            }
        }
        Ok(())
    }
}

async fn read(mut stream: Updates, mut numbers: Numbers, updates: Arc<AtomicU64>) -> Result<(), Error> {
    loop {
        let message = stream.message().await.map_err(client::Error::from)?;
        updates.fetch_add(numbers.take(message)?, Relaxed);
    }
}

/// The last number of each view, of one instrument.
#[derive(Default)]
pub(crate) struct Numbers([Option<u64>; 3]);

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
            let last = &mut self.0[view];
            let expected = last.map_or(update.number, |last| last + 1);
            if !update.snapshot && update.number != expected {
                return Err(Error::Update { expected, found: update.number });
            }
            *last = Some(update.number);
        }
        Ok(message.updates.len() as u64)
    }
}
