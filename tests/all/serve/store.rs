//! The queue by itself, on SQLite and on a real Postgres.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use ferroform::bot::forge::{Event, PullId};
use ferroform::bot::store::{Place, Store, Work};
use jiff::Timestamp;

fn pull(number: u64) -> PullId {
    PullId { repository: "acme/infra".into(), number }
}

fn plan(stack: u64, number: u64) -> Work {
    Work::Plan { pull: pull(number), stack: format!("s{stack}"), tree: "t".into() }
}

/// A Postgres of a test's own, in a folder, on a socket and no port; it ends with the value.
struct Postgres {
    folder: tempfile::TempDir,
    bin: PathBuf,
}

impl Postgres {
    fn start() -> Self {
        let versions = fs::read_dir("/usr/lib/postgresql").expect("Debian's package postgresql is installed").flatten();
        let bin = versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max().unwrap();
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let postgres = Self { folder, bin };
        // It refuses to run as root.
        postgres.run(&["chown", "postgres"], None);
        let path = postgres.folder.path().display().to_string();
        postgres.run(&[], Some(&["initdb", "--auth=trust", "--no-sync", "--username=bot", "-D", &format!("{path}/data")]));
        let options = format!("-c listen_addresses= -c unix_socket_directories={path} -c fsync=off");
        postgres.run(&[], Some(&["pg_ctl", "-w", "-D", &format!("{path}/data"), "-o", &options, "-l", &format!("{path}/log"), "start"]));
        postgres
    }

    fn run(&self, chown: &[&str], program: Option<&[&str]>) {
        let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut run = match (program, root) {
            (None, true) => {
                let mut run = Command::new(chown[0]);
                run.args(&chown[1..]).arg(self.folder.path());
                run
            }
            (None, false) => return,
            (Some(program), true) => {
                let mut run = Command::new("setpriv");
                run.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(self.bin.join(program[0])).args(&program[1..]);
                run
            }
            (Some(program), false) => {
                let mut run = Command::new(self.bin.join(program[0]));
                run.args(&program[1..]);
                run
            }
        };
        let ended = run.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert!(ended.success(), "{run:?}");
    }

    fn place(&self) -> Place {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        Place::Postgres(format!("postgres://bot@{socket}/postgres"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data").display().to_string();
        self.run(&[], Some(&["pg_ctl", "-m", "immediate", "-D", &data, "stop"]));
    }
}

fn file(folder: &Path) -> Place {
    Place::File(folder.join("bot.sqlite"))
}

/// What holds of a queue wherever it is.
async fn a_queue(store: &Store) {
    // A delivery counts once.
    assert!(store.deliver("one", Event::Changed(pull(1))).await.unwrap());
    assert!(!store.deliver("one", Event::Changed(pull(1))).await.unwrap());
    store.add(&plan(1, 1), "one").await.unwrap();
    store.add(&plan(1, 2), "two").await.unwrap();
    store.add(&plan(2, 3), "three").await.unwrap();
    // Lanes go beside each other, jobs of one lane after each other.
    let heed = store.claim("a").await.unwrap().unwrap();
    let first = store.claim("a").await.unwrap().unwrap();
    let other = store.claim("b").await.unwrap().unwrap();
    assert_eq!((heed.work.word(), &first.work, &other.work), ("heed", &plan(1, 1), &plan(2, 3)));
    assert!(store.claim("b").await.unwrap().is_none(), "the second of lane 1 waits for the first");
    // What is given back comes first again, and when it is due.
    store.give_back(&first, "a", Timestamp::now() + jiff::SignedDuration::from_hours(1), true).await.unwrap();
    assert!(store.claim("b").await.unwrap().is_none());
    let due = store.next_due().await.unwrap().unwrap();
    assert!(due > Timestamp::now());
    assert_eq!(store.waiting().await.unwrap().jobs, BTreeMap::from([("heed", 1), ("plan", 3)]));
    // Whoever lost a claim can't end the job.
    assert!(!store.beat(&other, "a").await.unwrap() && store.beat(&other, "b").await.unwrap());
    store.done(&other, "a").await.unwrap();
    store.done(&heed, "a").await.unwrap();
    assert_eq!(store.waiting().await.unwrap().jobs, BTreeMap::from([("plan", 3)]));
    store.done(&other, "b").await.unwrap();
    // One telling is enough for all that is to be told.
    for _ in 0..3 {
        store.add_once(&Work::Tell(pull(1)), "one").await.unwrap();
    }
    assert_eq!(store.waiting().await.unwrap().jobs, BTreeMap::from([("plan", 2), ("tell", 1)]));
    let tell = store.claim("a").await.unwrap().unwrap();
    store.add_once(&Work::Tell(pull(1)), "one").await.unwrap();
    assert_eq!(store.waiting().await.unwrap().jobs["tell"], 2, "what is being told may miss what comes now");
    store.done(&tell, "a").await.unwrap();
}

/// Locks are held by one, and whoever waits is known.
async fn locks(store: &Store) {
    assert_eq!(store.lock(&pull(1), "app").await.unwrap().number, 1);
    assert_eq!(store.lock(&pull(2), "app").await.unwrap().number, 1);
    assert!(store.holds(&pull(1), "app").await.unwrap() && !store.holds(&pull(2), "app").await.unwrap());
    assert_eq!(store.unlock(&pull(2), None).await.unwrap(), []);
    assert!(store.holds(&pull(1), "app").await.unwrap());
    assert_eq!(store.unlock(&pull(1), Some("other")).await.unwrap(), []);
    assert_eq!(store.unlock(&pull(1), Some("app")).await.unwrap(), []);
    assert_eq!(store.lock(&pull(2), "app").await.unwrap().number, 2);
}

/// Very many workers take each job once, and each lane in order.
async fn a_crowd(stores: Vec<Arc<Store>>) {
    const JOBS: u64 = 300;
    for n in 0..JOBS {
        stores[0].add(&plan(100 + n % 7, n), "crowd").await.unwrap();
    }
    let done = Arc::new(tokio::sync::Mutex::new(Vec::<(String, i64)>::new()));
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let (store, done) = (stores[worker % stores.len()].clone(), done.clone());
        workers.spawn(async move {
            let owner = format!("worker {worker}");
            loop {
                let Some(job) = store.claim(&owner).await.unwrap() else {
                    if store.waiting().await.unwrap().jobs.get("plan").copied().unwrap_or(0) <= 2 {
                        return;
                    }
                    tokio::task::yield_now().await;
                    continue;
                };
                if job.work.word() == "plan" {
                    done.lock().await.push((job.work.lane(), job.id));
                }
                store.done(&job, &owner).await.unwrap();
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    let done = done.lock().await;
    let ids: BTreeSet<i64> = done.iter().map(|(_, id)| *id).collect();
    assert_eq!((ids.len(), done.len()), (300, 300), "each was done once");
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for (lane, id) in done.iter() {
        assert!(last.insert(lane, *id).unwrap_or(0) < *id, "{lane} is out of order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&file(folder.path())).await.unwrap();
    a_queue(&store).await;
    locks(&store).await;
    let store = Arc::new(store);
    a_crowd(vec![store.clone()]).await;
    // Whoever comes after one that died takes what that had claimed.
    store.add(&plan(9, 9), "last").await.unwrap();
    while let Some(job) = store.claim("dead").await.unwrap() {
        assert_eq!(job.attempts, 1);
    }
    store.close().await;
    drop(store);
    let store = Store::open(&file(folder.path())).await.unwrap();
    let again = store.claim("next").await.unwrap().unwrap();
    assert_eq!(again.attempts, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_queue_for_several_servers() {
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let (first, second) = tokio::join!(async { Store::open(&postgres.place()).await }, async { Store::open(&postgres.place()).await });
    let (first, second) = (Arc::new(first.unwrap()), Arc::new(second.unwrap()));
    a_queue(&first).await;
    locks(&second).await;
    a_crowd(vec![first.clone(), second.clone()]).await;
    first.close().await;
    second.close().await;
    drop((first, second));
    tokio::task::spawn_blocking(move || drop(postgres)).await.unwrap();
}
