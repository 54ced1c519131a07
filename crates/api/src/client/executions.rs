//! Drop copy that outlives its connections: an account's reports, in order and without a gap, for who places no orders.

use super::link::{Calling, Lasting, Link, Step, broken};
use super::{Error, Event, Reconnected};
use crate::v1;
use crate::v1::order_service_client::OrderServiceClient;
use tonic::{Code, Streaming};

/// The reports of one account. Reading is what keeps it: nothing happens between two calls of [`Executions::next`].
pub struct Executions {
    link: Link,
    account: u32,
    /// The next number; 0 while none is known.
    next: u64,
    stream: Lasting<v1::StreamExecutionsResponse>,
    ready: std::vec::IntoIter<v1::ExecutionReport>,
}

impl Executions {
    pub(super) async fn begin(link: Link, account: u32, from_number: u64) -> Result<Executions, Error> {
        let stream = call(link.clone(), account, from_number).await?;
        let (stream, ready) = (Lasting::open(stream, None, None), Vec::new().into_iter());
        Ok(Executions { link, account, next: from_number, stream, ready })
    }

    /// The number of the next report; 0 while none has come and new ones only were asked for.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The next event: a report, or that the connection went or came back. What is left when this is dropped while it waits
    /// is not lost.
    ///
    /// # Errors
    /// [`Error::Lost`] when the next report is kept no more, or is another exchange's; [`Error::Refused`] when the key
    /// is good no more. Then nothing more comes.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            while let Some(report) = self.ready.next() {
                if report.number < self.next {
                    continue;
                }
                if self.next > 0 && report.number > self.next {
                    let why = format!("report {} came where {} was due", report.number, self.next);
                    return self.lose(broken(why));
                }
                self.next = report.number + 1;
                return Ok(Event::Report { report, answers: None });
            }
            match self.stream.step().await {
                Step::Message(page) => self.ready = page.reports.into_iter(),
                Step::Broken(error) => return self.lose(error),
                Step::Failed(error) => self.again(error)?,
                Step::Back(after) => {
                    let is_gapless = self.next > 0;
                    return Ok(Event::Reconnected(Reconnected { after, sent_again: 0, is_gapless }));
                }
            }
        }
    }

    fn lose(&mut self, error: Error) -> Result<Event, Error> {
        let why = error.to_string();
        self.ready = Vec::new().into_iter();
        self.again(error)?;
        Ok(Event::Disconnected { why })
    }

    fn again(&mut self, error: Error) -> Result<(), Error> {
        let Executions { link, account, next, stream, .. } = self;
        let call = |delay| -> Calling<_> {
            let (link, account, next) = (link.clone(), *account, *next);
            Box::pin(async move {
                tokio::time::sleep(delay).await;
                call(link, account, next).await
            })
        };
        stream.again(error, call).map_err(|error| match &error {
            Error::Refused(status) if status.code() == Code::OutOfRange => {
                Error::Lost { why: error.to_string(), next: *next, unanswered: Vec::new() }
            }
            _ => error,
        })
    }
}

async fn call(
    link: Link,
    account: u32,
    from_number: u64,
) -> Result<Streaming<v1::StreamExecutionsResponse>, Error> {
    let orders = OrderServiceClient::new(link.connect_keyed().await?);
    let request = v1::StreamExecutionsRequest { account_id: account, from_number };
    Ok(orders.max_decoding_message_size(super::MESSAGE_BYTES).stream_executions(request).await?.into_inner())
}
