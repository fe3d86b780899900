//! What an apply does, one line an event, on disk before anything depends on it.
//!
//! [`Journal::append`] hands the event to a thread that writes and fsyncs; events that arrive while it does share the next
//! fsync, so that a thousand results cost far fewer than a thousand.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::files::{PRIVATE, fault};
use super::seal::Seal;
use super::snapshot::{Instance, Output};
use super::wire;
use crate::words::{Address, Diagnostic, Result, Value};

/// Something that was or is about to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An operation starts.
    Begin(Begin),
    /// A call is about to be made.
    Intent(Intent),
    /// A creation gave that id; nothing else is known yet.
    Created {
        /// Where.
        address: Address,
        /// The new id.
        id: String,
        /// The token of the intent.
        token: String,
    },
    /// The object at the address is now like this: it was made, changed or read.
    Saved {
        /// Where.
        address: Address,
        /// All that is known; what it says of deposed objects is ignored.
        instance: Box<Instance>,
    },
    /// The object is gone, or is to be forgotten.
    Deleted {
        /// Where.
        address: Address,
        /// Which deposed object; the current one if none.
        deposed: Option<String>,
    },
    /// The current object makes way for another and is still to be removed.
    Deposed {
        /// Where.
        address: Address,
        /// The key under which it is kept.
        key: String,
    },
    /// The object has another address now.
    Moved {
        /// Where it was.
        from: Address,
        /// Where it is.
        to: Address,
    },
    /// An intent came to nothing, and that is known for sure.
    Failed {
        /// Where.
        address: Address,
        /// Which deposed object; the current one if none.
        deposed: Option<String>,
        /// Why.
        error: String,
    },
    /// The outputs are now these.
    Outputs(BTreeMap<String, Output>),
    /// The results of `check` blocks are now these.
    Checks(serde_json::Value),
    /// All above is about to be in a snapshot whose SHA-256 is this.
    Fold {
        /// The hash in hex.
        sum: String,
    },
    /// The operation is over.
    End,
}

/// Who does what, and on which snapshot it builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The serial of the snapshot; 0 where there is none yet.
    pub serial: u64,
    /// The lineage of the snapshot.
    pub lineage: String,
    /// The command.
    pub operation: String,
    /// The user.
    pub who: String,
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// When, in RFC 3339; nothing depends on it.
    pub at: String,
}

/// What a call is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Remove it.
    Delete,
    /// Remove it and make it anew, under one intent.
    Replace,
}

/// A call that is about to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Of what; its resource type is the address's.
    pub address: Address,
    /// To do what.
    pub action: Action,
    /// The provider's configuration, as in [`Instance::provider`].
    pub provider: Arc<str>,
    /// The idempotency token that goes with the call.
    pub token: String,
    /// Which deposed object; the current one if none.
    pub deposed: Option<String>,
    /// What it is to be like: with it a creation whose answer was lost is found again. Null where that isn't needed. Sealed in the
    /// journal as a whole, since it may hold secrets.
    pub wanted: Value,
    /// What it refers to, for the state of a creation that is found again.
    pub dependencies: Vec<Address>,
    /// See [`Instance::create_before_destroy`].
    pub create_before_destroy: bool,
}

/// An event on its way to the disk, and who waits for it.
struct Job {
    event: String,
    done: Box<dyn FnOnce(Result<(), Diagnostic>) + Send>,
}

/// A journal that is open for appending. Dropping it ends its thread after all that was appended is written.
pub struct Journal {
    jobs: mpsc::Sender<Job>,
    seal: Seal,
    path: PathBuf,
}

impl Journal {
    /// Goes on after the first `length` bytes of the file, which hold the events before `next`; whatever follows them is torn.
    pub(super) fn open(path: &Path, seal: Seal, length: u64, next: u64) -> Result<Self, Diagnostic> {
        let writer = Writer::open(path, length, next).map_err(|e| fault("open the journal", path, &e))?;
        let (jobs, queue) = mpsc::channel();
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&queue))
            .map_err(|e| fault("start the writer of the journal", path, &e))?;
        Ok(Self { jobs, seal, path: path.to_owned() })
    }

    /// Appends the event; the future resolves when it is durable. The order is that of the calls, and the event is written even
    /// if nobody waits. After an error nothing of it is in the journal, unless the error says that the journal can't be trusted.
    pub fn append(&self, event: &Event) -> impl Future<Output = Result<()>> + Send + use<> {
        let (done, outcome) = oneshot::channel();
        // Whoever doesn't wait for the outcome doesn't get it.
        self.send(event, move |result| drop(done.send(result)));
        let gone = self.gone();
        async move { Ok(outcome.await.map_err(|_| gone)??) }
    }

    /// The same, and waits: for what has to be durable before anything else goes on. Not by polling the future, which inside of
    /// a task would be told to yield by the runtime and never could.
    pub(super) fn append_now(&self, event: &Event) -> Result<()> {
        let (done, outcome) = mpsc::sync_channel(1);
        self.send(event, move |result| drop(done.send(result)));
        Ok(outcome.recv().map_err(|_| self.gone())??)
    }

    /// If the writer has ended, `done` is dropped uncalled, and whoever waits sees that.
    fn send(&self, event: &Event, done: impl FnOnce(Result<(), Diagnostic>) + Send + 'static) {
        let _ = self.jobs.send(Job { event: wire::encode(event, &self.seal), done: Box::new(done) });
    }

    fn gone(&self) -> Diagnostic {
        fault("write to the journal", &self.path, &io::Error::other("its writer has ended"))
    }

    /// Appends the end of the operation and waits for it and for all that came before. The journal then waits to be folded.
    pub async fn finish(&self) -> Result<()> {
        self.append(&Event::End).await
    }
}

/// The one that writes: owned by its thread.
struct Writer {
    file: File,
    path: PathBuf,
    /// How much of the file is whole and durable.
    length: u64,
    /// The number of the next event.
    next: u64,
    /// Why nothing more can be written.
    broken: Option<Diagnostic>,
}

impl Writer {
    fn open(path: &Path, length: u64, next: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).create(true).mode(PRIVATE).open(path)?;
        if file.metadata()?.len() > length {
            file.set_len(length)?;
        }
        if length > 0 && !ends_a_line(path, length)? {
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        Ok(Self { length: file.metadata()?.len(), file, path: path.to_owned(), next, broken: None })
    }

    fn run(mut self, queue: &mpsc::Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let batch: Vec<Job> = std::iter::once(first).chain(queue.try_iter()).collect();
            let outcome = self.commit(&batch);
            for job in batch {
                (job.done)(outcome.clone());
            }
        }
    }

    fn commit(&mut self, batch: &[Job]) -> Result<(), Diagnostic> {
        if let Some(diagnostic) = &self.broken {
            return Err(diagnostic.clone());
        }
        let text: String = (self.next..).zip(batch).map(|(n, job)| wire::line(n, self.next, &job.event)).collect();
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            let diagnostic = fault("write to the journal", &self.path, &error);
            // Half a line in the middle would damage the journal: it has to go before anything else is written.
            if self.file.set_len(self.length).is_err() {
                self.broken = Some(diagnostic.clone());
            }
            return Err(diagnostic);
        }
        if let Err(error) = self.file.sync_data() {
            // After a failed fsync nobody knows what is on disk, and a second one may lie.
            return Err(self.give_up(&error));
        }
        if self.file.metadata().is_ok_and(|meta| meta.nlink() == 0) {
            return Err(self.give_up(&io::Error::new(io::ErrorKind::NotFound, "it was removed while in use")));
        }
        self.length += text.len() as u64;
        self.next += batch.len() as u64;
        Ok(())
    }

    fn give_up(&mut self, error: &io::Error) -> Diagnostic {
        let diagnostic = fault("write to the journal", &self.path, error);
        self.broken = Some(diagnostic.clone());
        diagnostic
    }
}

fn ends_a_line(path: &Path, length: u64) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let mut last = [0];
    File::open(path)?.read_exact_at(&mut last, length - 1)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(outcomes: &mpsc::Sender<Result<(), Diagnostic>>) -> Job {
        let outcomes = outcomes.clone();
        Job { event: "\"end\"".into(), done: Box::new(move |result| outcomes.send(result).unwrap()) }
    }

    #[test]
    fn all_that_waits_shares_one_fsync() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let ((jobs, queue), (outcomes, told)) = (mpsc::channel(), mpsc::channel());
        (0..5000).for_each(|_| jobs.send(job(&outcomes)).unwrap());
        drop((jobs, outcomes));
        Writer::open(&path, 0, 1).unwrap().run(&queue);
        assert_eq!(told.iter().flatten().count(), 5000);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.lines().count() == 5000 && text.lines().all(|line| line.contains("\"batch\":1,")));
    }

    #[test]
    fn a_full_disk_is_told_to_all_who_wait() {
        let full = Path::new("/dev/full");
        let file = OpenOptions::new().append(true).open(full).unwrap();
        let mut writer = Writer { file, path: full.to_owned(), length: 0, next: 1, broken: None };
        let (outcomes, _told) = mpsc::channel();
        for _ in 0..2 {
            let error = writer.commit(&[job(&outcomes)]).unwrap_err().to_string();
            assert!(error.contains("can't write to the journal /dev/full") && error.contains("make room"), "{error}");
        }
    }
}
