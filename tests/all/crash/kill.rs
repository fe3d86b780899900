//! A process that is killed at one point, or to which something else is done there: the journal is watched, and every call passes a
//! gate that decides.
//!
//! When the journal has the event, or the call is there, the process gets SIGKILL, and no call of its passes any more. So it never
//! gets further than the point, but for what was under way beside it: as far as AWS can tell, it died right there.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

use super::points::{Point, Within, moment};
use crate::support::project::Said;
use crate::support::proxy::{Call, Moment, Proxy, Verdict};

/// How often the journal is looked at between calls.
const LOOK: Duration = Duration::from_micros(500);

/// The end of a journal that grows, held open even when its name is gone.
#[derive(Default)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
    /// The labels of all events so far.
    pub labels: Vec<String>,
}

impl Tail {
    /// What an earlier run left in it does not count.
    fn of(path: PathBuf) -> Self {
        let mut tail = Self { path, ..Self::default() };
        tail.look();
        tail.labels.clear();
        tail
    }

    /// Takes in what is new.
    pub fn look(&mut self) {
        let inode = |file: &File| file.metadata().unwrap().ino();
        let there = File::open(&self.path).ok();
        if let Some(new) = there.filter(|new| self.file.as_ref().is_none_or(|old| inode(old) != inode(new))) {
            self.take();
            self.rest.clear();
            self.file = Some(new);
        }
        self.take();
    }

    fn take(&mut self) {
        let Some(file) = &mut self.file else { return };
        file.read_to_end(&mut self.rest).unwrap();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: serde_json::Value = serde_json::from_slice(&self.rest[..end]).unwrap();
            self.labels.push(label(&line["event"]));
            self.rest.drain(..=end);
        }
    }
}

/// `intent create aws_eip.gateway`, `outputs`, `end`.
fn label(event: &serde_json::Value) -> String {
    let Some((kind, body)) = event.as_object().and_then(|object| object.iter().next()) else {
        return event.as_str().unwrap().to_owned();
    };
    let text = |name: &str| body[name].as_str().map(|text| format!(" {text}")).unwrap_or_default();
    format!("{kind}{}{}", text("action"), text("address"))
}

/// What is done at the point.
pub enum Deed {
    /// The process is killed.
    Kill,
    /// This is done while the process waits for its call; then it goes on. It is told the process.
    Do(Box<dyn FnOnce(u32) + Send>),
    /// Its call is held, and the other end is told; it goes on when that one is done.
    Hold(mpsc::Sender<oneshot::Sender<()>>),
}

struct State {
    child: Option<Child>,
    deed: Option<Deed>,
    tail: Tail,
    point: Option<Point>,
    seen: usize,
    killed: bool,
    struck: bool,
    /// The run after the killed one.
    next: bool,
    held: Option<oneshot::Sender<()>>,
}

impl State {
    fn kill(&mut self) {
        self.killed = true;
        self.struck = true;
        let child = self.child.as_mut().expect("no call and no journal comes before it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Kills if the journal is where it has to be.
    fn look(&mut self) {
        if self.struck || self.child.is_none() {
            return;
        }
        self.tail.look();
        let there = match &self.point {
            Some(Point::Event(label)) => self.tail.labels.contains(label),
            Some(Point::Count(nth)) => self.tail.labels.len() >= *nth,
            _ => false,
        };
        if there {
            self.strike();
        }
    }

    /// Does what is to be done. A call that it happens in passes, waits, or is lost.
    fn strike(&mut self) -> Verdict {
        self.struck = true;
        match self.deed.take().unwrap_or(Deed::Kill) {
            Deed::Kill => self.kill(),
            Deed::Do(deed) => deed(self.child.as_ref().expect("it runs").id()),
            Deed::Hold(other) => {
                let (go, held) = oneshot::channel();
                other.send(go).unwrap();
                return Verdict::Hold(held);
            }
        }
        let late = matches!(&self.point, Some(Point::Call { within: Within::Late, .. } | Point::Any(_, Within::Late)));
        if late {
            let (held, go) = oneshot::channel();
            self.held = Some(held);
            return Verdict::Hold(go);
        }
        if self.killed { Verdict::Drop } else { Verdict::Pass }
    }

    fn decide(&mut self, now: Moment, call: &Call) -> Verdict {
        if self.next {
            // A call that is late arrives after the first of the next run.
            drop(self.held.take());
            return Verdict::Pass;
        }
        self.look();
        if !self.struck && self.is_hit(now, call) {
            return self.strike();
        }
        if self.killed { Verdict::Drop } else { Verdict::Pass }
    }

    fn is_hit(&mut self, now: Moment, call: &Call) -> bool {
        let (nth, within, meant) = match &self.point {
            Some(Point::Call { action, nth, within }) => (*nth, *within, *action == call.action),
            Some(Point::Any(nth, within)) => (*nth, *within, true),
            _ => return false,
        };
        if !meant || moment(within) != now {
            return false;
        }
        self.seen += 1;
        self.seen == nth
    }
}

/// A run behind a gate.
pub struct Trap {
    /// What it calls through.
    pub proxy: Proxy,
    state: Arc<Mutex<State>>,
}

/// How a run in a trap ended.
pub struct Ended {
    /// Whether it reached the point.
    pub struck: bool,
    /// What it said.
    pub said: Said,
    /// What its journal had.
    pub labels: Vec<String>,
}

impl Trap {
    /// Set, and nothing in it.
    pub fn new(journal: PathBuf, endpoint: &str, point: Option<Point>, deed: Deed) -> Self {
        let tail = Tail::of(journal);
        let state = State { child: None, deed: Some(deed), tail, point, seen: 0, killed: false, struck: false, next: false, held: None };
        let (state, proxy) = (Arc::new(Mutex::new(state)), Proxy::new(endpoint, 1));
        let gate = Arc::clone(&state);
        proxy.gate(move |now, call| gate.lock().unwrap().decide(now, call));
        Self { proxy, state }
    }

    /// Runs the command until it is killed or ends.
    pub fn run(&self, mut command: Command) -> Ended {
        // Through pipes: what a process may write to files may be limited.
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let [out, err] = [Box::new(out) as Box<dyn Read + Send>, Box::new(err)].map(|mut pipe| {
            std::thread::spawn(move || {
                let mut said = vec![];
                pipe.read_to_end(&mut said).map(|_| said).unwrap()
            })
        });
        self.state.lock().unwrap().child = Some(child);
        let status = loop {
            {
                let mut state = self.state.lock().unwrap();
                state.look();
                if let Some(status) = state.child.as_mut().unwrap().try_wait().unwrap() {
                    state.tail.look();
                    break status;
                }
            }
            std::thread::park_timeout(LOOK);
        };
        let output = Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() };
        let state = self.state.lock().unwrap();
        Ended { struck: state.struck, said: Said::of(&output), labels: state.tail.labels.clone() }
    }

    /// The next run comes: its calls pass, and what is held comes with the first of them.
    pub fn open(&self) {
        self.state.lock().unwrap().next = true;
    }
}
