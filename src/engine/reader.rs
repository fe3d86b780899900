//! Reads, always of many at once: whoever asks within the same few milliseconds shares a call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::sync::{mpsc, oneshot};

use crate::words::failure::{Failure, Outcome};
use crate::words::reads::{Asked, Reads};
use crate::words::resource::{Cloud, Context, Found, Known, ResourceType};
use crate::words::value::Value;

/// How long the first asker of a batch waits for others.
const WINDOW: Duration = Duration::from_millis(3);
/// How many calls of one type are in flight together.
const IN_FLIGHT: usize = 8;

/// How many of a type that lives in the state alone are read in a row.
const LOCAL: usize = 1000;

/// What is asked of one provider's clients: a type and what is known of one resource of it.
#[derive(Clone)]
pub struct Query {
    /// Its type.
    pub ty: &'static dyn ResourceType,
    /// The clients.
    pub cloud: Arc<dyn Cloud>,
    /// What is known.
    pub known: Known<Value>,
}

impl Query {
    fn asked(&self) -> Asked {
        let prior = self.known.prior.clone().unwrap_or_default();
        Asked { kind: self.ty.name().into(), id: self.known.id.clone(), prior }
    }

    /// Which clients: those of another configuration see another account or region.
    fn place(&self) -> usize {
        Arc::as_ptr(&self.cloud).cast::<()>() as usize
    }

    fn group(&self) -> Group {
        (self.ty.name(), self.place())
    }
}

/// Type and clients: what can share a call.
type Group = (&'static str, usize);

/// Reads all of them: each type in batches, everything in flight together. The answers are in the order of the queries; none
/// for what does not exist.
pub async fn read_all(queries: &[&Query], parallelism: usize) -> Vec<Outcome<Option<Found>>> {
    let mut asked: HashMap<usize, Vec<Asked>> = HashMap::new();
    queries.iter().filter(|q| !q.ty.is_local()).for_each(|q| asked.entry(q.place()).or_default().push(q.asked()));
    let reads: HashMap<usize, Reads> = asked.into_iter().map(|(place, asked)| (place, Reads::of(asked))).collect();
    let nothing = Reads::default();
    let mut groups: HashMap<Group, Vec<usize>> = HashMap::new();
    for (i, query) in queries.iter().enumerate() {
        groups.entry(query.group()).or_default().push(i);
    }
    let batches = groups.into_values().flat_map(|members| {
        let ty = queries[members[0]].ty;
        let size = if ty.is_local() { LOCAL } else { ty.batch().max(1) };
        let parts = if ty.is_local() { vec![members] } else { apart(members, |i| queries[i].known.id.as_str()) };
        parts.iter().flat_map(|part| part.chunks(size).map(<[usize]>::to_vec)).collect::<Vec<_>>()
    });
    let answers = stream::iter(batches.collect::<Vec<_>>()).map(|batch| {
        let reads = reads.get(&queries[batch[0]].place()).unwrap_or(&nothing);
        async move {
            let answer = read_batch(queries, &batch, reads).await;
            (batch, answer)
        }
    });
    let mut found: Vec<Outcome<Option<Found>>> = queries.iter().map(|_| Ok(None)).collect();
    let mut answers = answers.buffer_unordered(parallelism.max(IN_FLIGHT));
    while let Some((batch, answer)) = answers.next().await {
        for (at, one) in batch.into_iter().zip(answer) {
            found[at] = one;
        }
    }
    found
}

/// The members in parts without two of the same id: answers are told apart by their ids, and those of some types (scaling
/// policies) are names that several may have.
fn apart<'a>(members: Vec<usize>, id: impl Fn(usize) -> &'a str) -> Vec<Vec<usize>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut parts: Vec<Vec<usize>> = vec![];
    for member in members {
        let nth = seen.entry(id(member)).or_default();
        if parts.len() == *nth {
            parts.push(vec![]);
        }
        parts[*nth].push(member);
        *nth += 1;
    }
    parts
}

async fn read_batch(queries: &[&Query], batch: &[usize], reads: &Reads) -> Vec<Outcome<Option<Found>>> {
    let Query { ty, cloud, .. } = queries[batch[0]];
    let cx = Context { cloud: cloud.as_ref(), token: "", reads };
    if ty.is_local() {
        // Their ids need not differ, and an import may end with another than it was asked by: each is read by itself.
        let mut answers = Vec::with_capacity(batch.len());
        for i in batch {
            answers.push(ty.read(&cx, std::slice::from_ref(&queries[*i].known)).await.map(|mut found| found.pop()));
        }
        return answers;
    }
    let known: Vec<Known<Value>> = batch.iter().map(|i| queries[*i].known.clone()).collect();
    match ty.read(&cx, &known).await {
        Ok(found) => {
            let mut by_id: HashMap<String, Found> = found.into_iter().map(|f| (f.id.clone(), f)).collect();
            let now = |id: &str| reads.renamed(ty.name(), id).unwrap_or_else(|| id.to_owned());
            known.iter().map(|k| Ok(by_id.remove(&now(&k.id)))).collect()
        }
        Err(failure) => batch.iter().map(|_| Err(failure.clone())).collect(),
    }
}

/// One that asks and the way to answer it.
type Request = (Query, oneshot::Sender<Outcome<Option<Found>>>);

/// Collects single reads into batches. Waiting for a hundred things costs one call a tick.
#[derive(Default)]
pub struct Reader(Mutex<HashMap<Group, mpsc::UnboundedSender<Request>>>);

impl Reader {
    /// What there is; none where it does not exist.
    pub async fn read(&self, query: Query) -> Outcome<Option<Found>> {
        let (answer, answered) = oneshot::channel();
        self.queue(&query).send((query, answer)).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }

    fn queue(&self, query: &Query) -> mpsc::UnboundedSender<Request> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(query.group()).or_insert_with(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(serve(receiver));
            sender
        });
        queue.clone()
    }
}

fn ended() -> Failure {
    Failure::other("the reader of resources ended early")
}

/// Answers requests of one type until nobody can ask any more.
async fn serve(mut requests: mpsc::UnboundedReceiver<Request>) {
    while let Some(first) = requests.recv().await {
        tokio::time::sleep(WINDOW).await;
        let mut batch = vec![first];
        while let Ok(next) = requests.try_recv() {
            batch.push(next);
        }
        // The next batch gathers while this one is under way.
        tokio::spawn(async move {
            let (queries, answers): (Vec<Query>, Vec<_>) = batch.into_iter().unzip();
            for (found, answer) in read_all(&queries.iter().collect::<Vec<_>>(), IN_FLIGHT).await.into_iter().zip(answers) {
                // Whoever asked may have been interrupted.
                let _ = answer.send(found);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_the_same_id_share_a_batch() {
        let ids = ["cpu", "memory", "cpu", "cpu", "disk"];
        assert_eq!(apart((0..5).collect(), |i| ids[i]), [vec![0, 1, 4], vec![2], vec![3]]);
        assert_eq!(apart(vec![], |i| ids[i]), Vec::<Vec<usize>>::new());
    }
}
