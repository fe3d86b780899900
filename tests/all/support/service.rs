//! A service of ours in a process of its own, and what comes in from it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// Things that come in, for those who wait for them.
pub struct Inbox<T> {
    items: Mutex<Vec<T>>,
    news: Condvar,
}

impl<T: Clone + std::fmt::Debug> Inbox<T> {
    /// Nothing came yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { items: Mutex::default(), news: Condvar::new() })
    }

    /// Something comes; how many there are then.
    pub fn push(&self, item: T) -> usize {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.push(item);
        self.news.notify_all();
        items.len()
    }

    /// All that came in so far.
    pub fn all(&self) -> Vec<T> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that came in, once that holds of it.
    pub fn wait(&self, enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        self.wait_for("it", enough)
    }

    /// The same, for something that has a name.
    pub fn wait_for(&self, what: &str, enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        while !enough(&items) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} did not come: {items:#?}");
            items = self.news.wait_timeout(items, left).unwrap().0;
        }
        items.clone()
    }
}

/// A service of ours that runs, with its log.
pub struct Service {
    /// The process.
    pub child: Child,
    /// What it logged, in JSON.
    pub log: Arc<Inbox<Json>>,
}

impl Service {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Inbox::new();
        let incoming = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                incoming.push(serde_json::from_str(&line).unwrap_or_else(|_| json!({ "message": "not JSON", "line": line })));
            }
        });
        Self { child, log }
    }

    /// Waits until that was logged so often.
    pub fn logged(&self, message: &str, times: usize) -> Vec<Json> {
        let of = |lines: &[Json]| lines.iter().filter(|line| line["message"] == message).cloned().collect::<Vec<_>>();
        of(&self.log.wait(|lines| of(lines).len() >= times))
    }

    /// How often that was logged.
    pub fn count(&self, message: &str) -> usize {
        self.log.all().iter().filter(|line| line["message"] == message).count()
    }

    /// Sends it a signal: `-TERM`.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Ends it as an operator does; its exit code.
    pub fn end(&mut self) -> i32 {
        self.signal("-TERM");
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.log.all().iter().rev().take(20).rev().for_each(|line| println!("{line}"));
        }
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
