//! A proxy before the local AWS that fails the way AWS and networks fail: late, throttled, broken, cut off, not yet visible, in small pages.
//!
//! It runs on a thread of its own, so that tests may block. Chances are drawn from a seeded generator: a run is repeated by its seed, as
//! far as the order of calls is.

mod shape;
mod unseen;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use shape::Call;
use shape::Refusal;
use unseen::Unseen;

/// What is done to the calls of an action.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The answer takes that long, drawn between the two.
    Latency(Duration, Duration),
    /// A token bucket for each action and account: so many at once, so many a second after that, as AWS throttles.
    Throttle {
        /// Tokens that the bucket holds.
        burst: f64,
        /// Tokens that flow in.
        per_second: f64,
    },
    /// The service answers that status, with this chance, before it does anything.
    Broken {
        /// Such as 500 or 503.
        status: u16,
        /// From 0 to 1.
        chance: f64,
    },
    /// The caller may not.
    Denied,
    /// The connection is cut with this chance, and the call was never applied.
    CutBefore(f64),
    /// The connection is cut with this chance after the call was applied: its answer is lost.
    CutAfter(f64),
    /// A new thing is not found by the first reads that ask for it.
    Unseen(u32),
    /// An instance that runs, a volume that is ready, is told as not yet so for that many reads more.
    Pending(u32),
    /// Lists come in pages of that many at most, though nobody asked.
    SmallPages(u32),
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call has arrived and is not applied.
    Before,
    /// It is applied and its answer not given.
    After,
}

type Hook = Box<dyn FnOnce(&Call) + Send>;

/// What a gate does with a call.
#[derive(Debug)]
pub enum Verdict {
    /// It goes on.
    Pass,
    /// The connection is cut: before it was applied the call never is, after it the answer is lost.
    Drop,
    /// It goes on when the other end says so, or is gone.
    Hold(oneshot::Receiver<()>),
}

type Gate = Box<dyn FnMut(Moment, &Call) -> Verdict + Send>;

struct Rules {
    faults: Vec<(String, Fault)>,
    hooks: Vec<(String, Moment, usize, Hook)>,
    gate: Option<Gate>,
    random: StdRng,
    buckets: std::collections::BTreeMap<(usize, String, String), (f64, Instant)>,
    unseen: Unseen,
    calls: Vec<Call>,
}

struct Shared {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    rules: Mutex<Rules>,
}

/// The proxy; it ends with the value.
pub struct Proxy {
    endpoint: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
}

impl Proxy {
    /// A proxy that passes everything on to `upstream`, until faults are added. Chances are drawn from `seed`.
    pub fn new(upstream: &str, seed: u64) -> Self {
        let rules = Rules {
            faults: vec![],
            hooks: vec![],
            gate: None,
            random: StdRng::seed_from_u64(seed),
            buckets: std::collections::BTreeMap::new(),
            unseen: Unseen::default(),
            calls: vec![],
        };
        let (endpoint_is, endpoint) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let upstream = upstream.to_owned();
        let (shared_is, shared) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let client = Client::builder(TokioExecutor::new()).build_http();
                let shared = Arc::new(Shared { upstream, client, rules: Mutex::new(rules) });
                shared_is.send(Arc::clone(&shared)).unwrap();
                endpoint_is.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { endpoint: endpoint.recv().unwrap(), shared: shared.recv().unwrap(), stop: Some(stop) }
    }

    /// Where to call.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Does that to the calls of `action`: its name, such as `RunInstances`, or `Describe*`, or `*`.
    #[must_use]
    pub fn with(self, action: &str, fault: Fault) -> Self {
        self.add(action, fault);
        self
    }

    /// The same, while it runs.
    pub fn add(&self, action: &str, fault: Fault) {
        self.rules().faults.push((action.to_owned(), fault));
    }

    /// No faults from now on; what was counted stays.
    pub fn heal(&self) {
        self.rules().faults.clear();
    }

    /// Runs the hook at the `nth` call of `action` from now on, counted from 1.
    pub fn at(&self, action: &str, nth: usize, moment: Moment, hook: impl FnOnce(&Call) + Send + 'static) {
        self.rules().hooks.push((action.to_owned(), moment, nth, Box::new(hook)));
    }

    /// Asks the gate about every call at both moments. While it decides, all calls wait.
    pub fn gate(&self, gate: impl FnMut(Moment, &Call) -> Verdict + Send + 'static) {
        self.rules().gate = Some(Box::new(gate));
    }

    /// All calls so far, in the order they came in.
    pub fn calls(&self) -> Vec<Call> {
        self.rules().calls.clone()
    }

    /// How many calls of `action` (or of a pattern) came in.
    pub fn count(&self, action: &str) -> usize {
        self.rules().calls.iter().filter(|call| shape::matches(action, &call.action)).count()
    }

    /// Counts by action, for a message that tells what happened.
    pub fn counts(&self) -> std::collections::BTreeMap<String, usize> {
        let mut counts = std::collections::BTreeMap::new();
        for call in &self.rules().calls {
            *counts.entry(call.action.clone()).or_default() += 1;
        }
        counts
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        self.rules().calls.clear();
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.shared.rules.lock().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { answer(&shared, request).await }
            });
            // An error is a connection that was cut, by us or by the client.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let mut body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let call = Call::of(&head, &body);
    let number = {
        let mut rules = shared.rules.lock().unwrap();
        rules.calls.push(call.clone());
        rules.calls.len() - 1
    };
    run_hooks(shared, &call, Moment::Before);
    pass(shared, number, &call, Moment::Before).await?;
    let faults: Vec<(usize, Fault)> = {
        let rules = shared.rules.lock().unwrap();
        let hit = rules.faults.iter().enumerate().filter(|(_, (action, _))| shape::matches(action, &call.action));
        hit.map(|(i, (_, fault))| (i, fault.clone())).collect()
    };
    let mut cut_after = false;
    let mut unseen = None;
    let mut pending = None;
    for (rule, fault) in faults {
        match fault {
            Fault::Latency(least, most) => {
                let wait = shared.rules.lock().unwrap().random.gen_range(least..=most);
                tokio::time::sleep(wait).await;
            }
            Fault::Throttle { burst, per_second } => {
                if !take(&mut shared.rules.lock().unwrap(), rule, &call, burst, per_second) {
                    return Ok(refuse(shared, number, &call, &Refusal::throttled(&call)));
                }
            }
            Fault::Broken { status, chance } => {
                if happens(shared, chance) {
                    return Ok(refuse(shared, number, &call, &Refusal::broken(status)));
                }
            }
            Fault::Denied => return Ok(refuse(shared, number, &call, &Refusal::denied(&call))),
            Fault::CutBefore(chance) => {
                if happens(shared, chance) {
                    note(shared, number, "cut before");
                    return Err(Cut);
                }
            }
            Fault::CutAfter(chance) => cut_after |= happens(shared, chance),
            Fault::Unseen(reads) => unseen = Some(reads),
            Fault::Pending(reads) => pending = Some(reads),
            Fault::SmallPages(size) => body = shape::in_pages(&call, body, size),
        }
    }
    // Not in the condition: the lock would be held while the refusal is noted.
    let hidden = unseen.and_then(|_| shared.rules.lock().unwrap().unseen.refuses(&call));
    if let Some(refusal) = hidden {
        return Ok(refuse(shared, number, &call, &refusal));
    }
    let (status, headers, mut text) = forward(shared, &head, body).await?;
    run_hooks(shared, &call, Moment::After);
    pass(shared, number, &call, Moment::After).await?;
    if cut_after {
        note(shared, number, "cut after");
        return Err(Cut);
    }
    {
        let mut rules = shared.rules.lock().unwrap();
        rules.calls[number].outcome = status.to_string();
        if let Some(reads) = unseen {
            text = rules.unseen.hides(&call, status < 300, reads, text);
        }
        if let Some(reads) = pending {
            text = rules.unseen.holds_back(&call, reads, text);
        }
    }
    let mut response = Response::builder().status(status);
    for (name, value) in &headers {
        if !matches!(name.as_str(), "content-length" | "connection" | "transfer-encoding" | "keep-alive") {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Full::new(text)).unwrap())
}

async fn forward(shared: &Shared, head: &hyper::http::request::Parts, body: Bytes) -> Result<(u16, hyper::HeaderMap, Bytes), Cut> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(head.method.clone()).uri(format!("{}{path}", shared.upstream));
    for (name, value) in &head.headers {
        if !matches!(name.as_str(), "host" | "content-length" | "connection" | "transfer-encoding") {
            request = request.header(name, value);
        }
    }
    let answer = shared.client.request(request.body(Full::new(body)).unwrap()).await.map_err(|_| Cut)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    Ok((head.status.as_u16(), head.headers, body))
}

async fn pass(shared: &Shared, number: usize, call: &Call, now: Moment) -> Result<(), Cut> {
    let verdict = shared.rules.lock().unwrap().gate.as_mut().map_or(Verdict::Pass, |gate| gate(now, call));
    match verdict {
        Verdict::Pass => Ok(()),
        Verdict::Drop => {
            note(shared, number, if now == Moment::Before { "cut before" } else { "cut after" });
            Err(Cut)
        }
        // An end that is gone says as much as one that speaks.
        Verdict::Hold(go) => {
            let _ = go.await;
            Ok(())
        }
    }
}

fn run_hooks(shared: &Shared, call: &Call, now: Moment) {
    let mut due = vec![];
    {
        let mut rules = shared.rules.lock().unwrap();
        let mut left = vec![];
        for (action, moment, nth, hook) in std::mem::take(&mut rules.hooks) {
            match (moment == now && shape::matches(&action, &call.action), nth) {
                (true, 0 | 1) => due.push(hook),
                (true, _) => left.push((action, moment, nth - 1, hook)),
                (false, _) => left.push((action, moment, nth, hook)),
            }
        }
        rules.hooks = left;
    }
    for hook in due {
        hook(call);
    }
}

fn take(rules: &mut Rules, rule: usize, call: &Call, burst: f64, per_second: f64) -> bool {
    let now = Instant::now();
    let (tokens, since) = rules.buckets.entry((rule, call.account.clone(), call.action.clone())).or_insert((burst, now));
    *tokens = (*tokens + since.elapsed().as_secs_f64() * per_second).min(burst);
    *since = now;
    if *tokens < 1.0 {
        return false;
    }
    *tokens -= 1.0;
    true
}

fn happens(shared: &Shared, chance: f64) -> bool {
    chance >= 1.0 || (chance > 0.0 && shared.rules.lock().unwrap().random.gen_bool(chance))
}

fn note(shared: &Shared, number: usize, outcome: &str) {
    outcome.clone_into(&mut shared.rules.lock().unwrap().calls[number].outcome);
}

fn refuse(shared: &Shared, number: usize, call: &Call, refusal: &Refusal) -> Response<Full<Bytes>> {
    note(shared, number, &refusal.code);
    refusal.response(call)
}
