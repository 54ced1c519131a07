//! Where an exchange is and under which key it is asked; when to try again what failed.

use super::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::time::{Duration, Instant};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt;

/// The largest answer taken, bytes.
pub(super) const MESSAGE_BYTES: usize = 16 << 20;
/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection on which nothing comes is asked for a sign of life so often, and given up after as long without one.
const PULSE: Duration = Duration::from_secs(10);

/// Puts the key on every call, and the deadline where there is one.
#[derive(Clone)]
pub struct Bearer {
    key: Option<MetadataValue<Ascii>>,
    pub(super) deadline: Option<Duration>,
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.key {
            request.metadata_mut().insert("authorization", key.clone());
        }
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline);
        }
        Ok(request)
    }
}

pub(super) type Keyed = InterceptedService<Channel, Bearer>;

/// Makes connections to one exchange under one key.
#[derive(Clone)]
pub(super) struct Link {
    endpoint: Endpoint,
    pub bearer: Bearer,
}

impl Link {
    pub fn new(address: &str, key: &str, authority: Option<&str>) -> Result<Link, Error> {
        let key = match key {
            "" => None,
            key => {
                let mut value: MetadataValue<Ascii> =
                    format!("Bearer {key}").parse().map_err(|_| Error::Key)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let mut endpoint = Endpoint::from_shared(address.to_string())
            .map_err(|_| Error::Address(address.into()))?
            .tcp_nodelay(true)
            .connect_timeout(PATIENCE)
            .http2_keep_alive_interval(PULSE)
            .keep_alive_timeout(PULSE)
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(8 << 20);
        if address.starts_with("https://") {
            let mut tls = ClientTlsConfig::new();
            if let Some(authority) = authority {
                tls = tls.ca_certificate(Certificate::from_pem(authority));
            }
            endpoint = endpoint.tls_config(tls)?;
        }
        Ok(Link { endpoint, bearer: Bearer { key, deadline: None } })
    }

    pub async fn connect(&self) -> Result<Channel, Error> {
        Ok(self.endpoint.connect().await?)
    }

    /// A new connection for one call that lasts; no deadline holds for it.
    pub async fn connect_keyed(&self) -> Result<Keyed, Error> {
        let bearer = Bearer { deadline: None, ..self.bearer.clone() };
        Ok(InterceptedService::new(self.connect().await?, bearer))
    }
}

/// Whether the same call may succeed later: the exchange or the way to it is at fault, or too busy, not the request.
pub(super) fn may_come_right(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted => true,
        // Connections that break surface so.
        Code::Unknown | Code::Internal => true,
        Code::ResourceExhausted => reason(status).as_deref() != Some("MESSAGE_TOO_LARGE"),
        _ => false,
    }
}

/// How long the exchange asks to wait.
pub(super) fn delay(status: &Status) -> Duration {
    status.get_details_retry_info().and_then(|info| info.retry_delay).unwrap_or_default()
}

/// A connection that is to be made again.
pub(super) fn broken(why: impl Into<String>) -> Error {
    Status::unavailable(why.into()).into()
}

pub(super) fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

pub(super) type Calling<T> = Pin<Box<dyn Future<Output = Result<Streaming<T>, Error>> + Send>>;

/// A stream that is called for again where it breaks. Its owner says what to call for.
pub(super) struct Lasting<T> {
    state: State<T>,
    backoff: Backoff,
    /// After so long without a word it is broken.
    silence: Option<Duration>,
    /// When it was opened last, and when something came last, which may be just that.
    opened: Instant,
    pub heard: Instant,
    /// Whether something came over the present connection that was of use.
    pub is_of_use: bool,
}

enum State<T> {
    Open(Box<Streaming<T>>),
    Calling(Calling<T>),
    Over,
}

/// What became of a stream.
pub(super) enum Step<T> {
    Message(T),
    /// It was open, and is so no more.
    Broken(Error),
    /// An attempt has failed.
    Failed(Error),
    /// It is open again, after so long.
    Back(Duration),
}

impl<T> Lasting<T> {
    pub fn open(
        stream: Streaming<T>,
        silence: Option<Duration>,
        give_up_after: Option<Duration>,
    ) -> Lasting<T> {
        let (state, heard) = (State::Open(Box::new(stream)), Instant::now());
        let (backoff, opened) = (Backoff::new(give_up_after), heard);
        Lasting { state, backoff, silence, opened, heard, is_of_use: true }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// What comes next; what is left when this is dropped while it waits is not lost. After anything broken or failed, the
    /// owner calls again or ends.
    pub async fn step(&mut self) -> Step<T> {
        match &mut self.state {
            State::Open(stream) => {
                let message = match self.silence {
                    // What has come by now is taken, however long ago it was looked for.
                    Some(most) => tokio::time::timeout_at((self.heard + most).into(), stream.message()).await,
                    None => Ok(stream.message().await),
                };
                match message {
                    Ok(Ok(Some(message))) => {
                        self.heard = Instant::now();
                        self.is_of_use = true;
                        Step::Message(message)
                    }
                    Ok(Ok(None)) => Step::Broken(broken("the exchange ended the stream")),
                    Ok(Err(status)) => Step::Broken(status.into()),
                    Err(_) => Step::Broken(broken("nothing was heard of the exchange")),
                }
            }
            State::Calling(calling) => match calling.await {
                Ok(stream) => {
                    self.state = State::Open(Box::new(stream));
                    self.heard = Instant::now();
                    self.opened = self.heard;
                    self.is_of_use = false;
                    Step::Back(self.backoff.elapsed())
                }
                Err(error) => Step::Failed(error),
            },
            State::Over => Step::Failed(Error::Ended("an earlier error says why".into())),
        }
    }

    /// Nothing more is to come.
    pub fn end(&mut self) {
        self.state = State::Over;
    }

    /// Calls again after `error`, when it is time to; `call` is given how long to wait.
    ///
    /// # Errors
    /// `error`, where that would not help. Then it is over.
    pub fn again(&mut self, error: Error, call: impl FnOnce(Duration) -> Calling<T>) -> Result<(), Error> {
        if self.is_open() {
            self.backoff.lose(self.is_of_use, stood(self.silence, self.opened, self.heard));
        }
        let delay = self.backoff.after(error).inspect_err(|_| self.state = State::Over)?;
        self.state = State::Calling(call(delay));
        Ok(())
    }
}

/// How long a stream stood: where something must come from time to time, for as long as it did.
fn stood(silence: Option<Duration>, opened: Instant, heard: Instant) -> Duration {
    match silence {
        None => opened.elapsed(),
        Some(_) => heard - opened,
    }
}

/// Whether to connect again, and when: later and later, never all at once.
pub(super) struct Backoff {
    failures: u32,
    lost: Instant,
    /// Since when there has been none that was of use, or stood.
    away: Instant,
    give_up_after: Option<Duration>,
}

/// The first and the longest wait between attempts.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

impl Backoff {
    /// Of a connection that is open now.
    pub fn new(give_up_after: Option<Duration>) -> Backoff {
        let now = Instant::now();
        Backoff { failures: 0, lost: now, away: now, give_up_after }
    }

    /// The connection is lost that `stood` for so long. One over which nothing came that was of use counts as a failure; and
    /// where it did not stand either, as none: who comes and goes like that has been away all the while.
    pub fn lose(&mut self, was_of_use: bool, stood: Duration) {
        self.lost = Instant::now();
        if was_of_use {
            self.failures = 0;
        }
        if was_of_use || stood > LONGEST {
            self.away = self.lost;
        }
    }

    /// For how long there has been no connection.
    pub fn elapsed(&self) -> Duration {
        self.lost.elapsed()
    }

    /// How long to wait before the next attempt, after `error`.
    ///
    /// # Errors
    /// `error` itself, where another attempt would not help, or it has been tried for too long.
    pub fn after(&mut self, error: Error) -> Result<Duration, Error> {
        let least = match &error {
            Error::Connect(_) => Duration::ZERO,
            Error::Refused(status) if may_come_right(status) => delay(status),
            // A connection that broke may be noticed late there: the name is in use for so long.
            Error::Refused(status) if reason(status).as_deref() == Some("SESSION_IN_USE") => Duration::ZERO,
            _ => return Err(error),
        };
        if self.give_up_after.is_some_and(|most| self.away.elapsed() > most) {
            return Err(error);
        }
        let grown = (FIRST * 2_u32.pow(self.failures.min(10))).min(LONGEST);
        self.failures += 1;
        Ok(least.max(jittered(grown)))
    }
}

/// Between half of it and all of it: clients that lost the same exchange do not all come back at one moment.
fn jittered(delay: Duration) -> Duration {
    // The keys of a hasher are the randomness that the standard library has.
    let random = RandomState::new().build_hasher().finish() % 1_000;
    delay / 2 + delay * random as u32 / 2_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_later_and_later_and_as_the_exchange_asks() {
        let mut backoff = Backoff::new(None);
        let mut last = Duration::ZERO;
        for _ in 0..20 {
            last = backoff.after(Status::unavailable("gone").into()).unwrap();
            assert!(last <= LONGEST);
        }
        assert!(last >= LONGEST / 2);
        let mut details = tonic_types::ErrorDetails::new();
        details.set_retry_info(Some(Duration::from_secs(5)));
        let asked = Status::with_error_details(Code::Unavailable, "draining", details);
        assert_eq!(Backoff::new(None).after(asked.into()).unwrap(), Duration::from_secs(5));
    }

    #[test]
    fn a_connection_that_was_of_use_begins_the_count_anew() {
        let mut backoff = Backoff::new(None);
        let mut after = |was_of_use| {
            backoff.lose(was_of_use, Duration::ZERO);
            backoff.after(Status::unavailable("gone").into()).unwrap()
        };
        for _ in 0..10 {
            assert!(after(true) <= FIRST);
        }
        let last = (0..10).map(|_| after(false)).last();
        assert!(last >= Some(LONGEST / 2));
    }

    #[test]
    fn who_lets_in_and_throws_out_again_is_given_up_like_who_does_not_answer() {
        let most = Duration::from_millis(400);
        let gone = || Status::unavailable("market data has stopped").into();
        let mut backoff = Backoff::new(Some(most));
        backoff.lose(true, Duration::ZERO);
        assert!(backoff.after(gone()).is_ok());
        std::thread::sleep(2 * most);
        backoff.lose(false, Duration::ZERO);
        assert!(backoff.elapsed() < most && backoff.after(gone()).is_err());
        // A quiet one that stood is no such connection.
        backoff.lose(false, LONGEST + most);
        assert!(backoff.after(gone()).is_ok());
        std::thread::sleep(2 * most);
        backoff.lose(true, Duration::ZERO);
        assert!(backoff.after(gone()).is_ok());
    }

    #[test]
    fn a_stream_stands_for_as_long_as_it_does_what_it_must() {
        let (opened, hour) = (Instant::now(), Duration::from_secs(3_600));
        let silence = Some(Duration::from_secs(15));
        // Its book may differ after an hour: it stood nevertheless.
        assert_eq!(stood(silence, opened, opened + hour), hour);
        assert_eq!(stood(silence, opened, opened), Duration::ZERO, "nothing was ever heard");
        std::thread::sleep(Duration::from_millis(5));
        assert!(stood(None, opened, opened) >= Duration::from_millis(5), "nothing need be heard");
    }

    #[test]
    fn what_does_not_help_is_not_tried_again() {
        for refused in [
            Status::unauthenticated("revoked"),
            Status::out_of_range("no more"),
            Status::invalid_argument("x"),
        ] {
            assert!(Backoff::new(None).after(refused.into()).is_err());
        }
        let mut impatient = Backoff::new(Some(Duration::ZERO));
        std::thread::sleep(Duration::from_millis(2));
        assert!(impatient.after(Status::unavailable("gone").into()).is_err());
    }
}
