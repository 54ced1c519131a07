//! What every call has in common: its caller is known before its message is read, it is counted and bounded in
//! time, and its panic is its own.

use crate::door::{Caller, Place};
use crate::metrics::Held;
use crate::{CALLS, Inside, status};
use futures::FutureExt;
use futures::future::BoxFuture;
use hourbook_model::Role;
use http::{HeaderMap, Request, Response};
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service;

/// Calls that may last: their readers are bounded where they are fed.
pub const LASTING: [&str; 8] = [
    "/hourbook.v1.OrderService/Trade",
    "/hourbook.v1.OrderService/StreamExecutions",
    "/hourbook.v1.InstrumentService/StreamInstrumentStatus",
    "/hourbook.v1.MarketDataService/Subscribe",
    "/hourbook.v1.PricingService/StreamQuotes",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Calls at once on one connection that need no key: health and reflection, of which nobody needs many.
pub(crate) const OPEN_CALLS: usize = 16;

/// One connection, as its calls leave it.
pub struct Line {
    under: Mutex<Under>,
    /// Places of calls without a key.
    open: Arc<Semaphore>,
}

/// What is under way on a connection.
struct Under {
    next: u64,
    /// Unary calls, oldest first, and when each began.
    unary: BTreeMap<u64, Instant>,
    lasting: usize,
    /// When the last call ended.
    quiet_since: Instant,
}

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Stays,
    /// It had no call for too long.
    Idle,
    /// A unary call's answer is not read.
    Stuck,
}

impl Line {
    pub fn new() -> Line {
        let quiet_since = Instant::now();
        let under = Under { next: 0, unary: BTreeMap::new(), lasting: 0, quiet_since };
        Line { under: Mutex::new(under), open: Arc::new(Semaphore::new(OPEN_CALLS)) }
    }

    /// What is to be done, where it may be `idle` for so long, and a unary call may take `end` to its end.
    pub fn verdict(&self, idle: Duration, end: Duration) -> Verdict {
        let under = self.under();
        match under.unary.first_key_value() {
            Some((_, began)) if began.elapsed() > end => Verdict::Stuck,
            None if under.lasting == 0 && under.quiet_since.elapsed() > idle => Verdict::Idle,
            _ => Verdict::Stays,
        }
    }

    fn begin(&self, lasting: bool) -> Option<u64> {
        let mut under = self.under();
        if lasting {
            under.lasting += 1;
            return None;
        }
        under.next += 1;
        let number = under.next;
        under.unary.insert(number, Instant::now());
        Some(number)
    }

    fn end(&self, unary: Option<u64>) {
        let mut under = self.under();
        match unary {
            Some(number) => drop(under.unary.remove(&number)),
            None => under.lasting -= 1,
        }
        under.quiet_since = Instant::now();
    }

    fn under(&self) -> MutexGuard<'_, Under> {
        self.under.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more call without a key, by which nobody can be held to account.
    fn enter(&self) -> Result<Place, Status> {
        let place = Arc::clone(&self.open).try_acquire_owned();
        place.map(Place::new).map_err(|_| status::too_many_open(OPEN_CALLS))
    }
}

/// The services of one connection.
#[derive(Clone)]
pub struct Calls {
    pub routes: Routes,
    pub inside: Arc<Inside>,
    pub line: Arc<Line>,
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Told>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Told>, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let path = request.uri().path();
        let mut call = Call::begin(self, path);
        let ours = path.starts_with("/hourbook.");
        let place = match CALLS.get(call.method) {
            Some(&known) => self.admit(&mut request, known, call.unary.is_none()),
            None => self.line.enter().map(Some),
        };
        match place {
            Ok(place) => call.place = place,
            Err(refusal) => {
                call.code = refusal.code();
                let refusal = refusal.into_http().map(|inner| Told { inner, call });
                return Box::pin(std::future::ready(Ok(refusal)));
            }
        }
        let (limit, patience) = (self.inside.limits.message_bytes, self.inside.patience.answer);
        let answer = self.routes.clone().call(request.map(Body::new));
        Box::pin(async move {
            let answer = AssertUnwindSafe(tokio::time::timeout(patience, answer)).catch_unwind().await;
            let answer = match answer {
                Ok(Ok(Ok(answer))) if ours => in_our_words(answer, limit),
                Ok(Ok(Ok(answer))) => answer,
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(_)) => status::too_long(patience).into_http(),
                Err(_) => status::fault("a handler panicked").into_http(),
            };
            if let Some(code) = code_of(answer.headers()) {
                call.code = code;
            }
            Ok(answer.map(|inner| Told { inner, call }))
        })
    }
}

impl Calls {
    /// Who makes the call goes with it, and for one that lasts the place that it takes.
    fn admit(
        &self,
        request: &mut Request<Incoming>,
        known: (&str, &[Role]),
        lasts: bool,
    ) -> Result<Option<Place>, Status> {
        let caller = self.inside.door.caller(request.headers(), known)?;
        request.extensions_mut().insert(caller);
        if !lasts {
            return Ok(None);
        }
        let place = self.inside.lasting.enter(caller.participant)?;
        request.extensions_mut().insert(place.clone());
        Ok(Some(place))
    }
}

/// Who makes a call: the door has let it in.
pub fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Status> {
    request.extensions().get().copied().ok_or_else(|| status::fault("a call came past the door"))
}

/// The place of a call that lasts: whoever goes on after the call keeps it.
pub fn place<T>(request: &tonic::Request<T>) -> Result<Place, Status> {
    request.extensions().get().cloned().ok_or_else(|| status::fault("a call came past the door"))
}

/// A refusal of the framework, which knows no reasons, becomes one of ours.
fn in_our_words(answer: Response<Body>, limit: usize) -> Response<Body> {
    match Status::from_header_map(answer.headers()) {
        Some(refusal) if refusal.code() != Code::Ok && refusal.details().is_empty() => {
            status::of_framework(refusal, limit).into_http()
        }
        _ => answer,
    }
}

fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}

/// A call under way; it is counted when it ends, in whatever way.
struct Call {
    inside: Arc<Inside>,
    line: Arc<Line>,
    unary: Option<u64>,
    method: usize,
    code: Code,
    place: Option<Place>,
    _stream: Option<Held>,
}

impl Call {
    fn begin(calls: &Calls, path: &str) -> Call {
        let lasting = LASTING.contains(&path);
        Call {
            _stream: lasting.then(|| calls.inside.metrics.streams.hold()),
            unary: calls.line.begin(lasting),
            method: calls.inside.metrics.method(path),
            // What it is if nothing is heard of it again.
            code: Code::Cancelled,
            place: None,
            inside: Arc::clone(&calls.inside),
            line: Arc::clone(&calls.line),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.line.end(self.unary);
        self.place = None;
        self.inside.metrics.called(self.method, self.code);
    }
}

/// An answer's body, which ends its call.
pub struct Told {
    inner: Body,
    call: Call,
}

impl hyper::body::Body for Told {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let trailers = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::trailers_ref);
        if let Some(code) = trailers.and_then(code_of) {
            self.call.code = code;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
