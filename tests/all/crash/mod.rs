//! Killed at any instant, nothing is lost: the real program applies and destroys the gateway-node stack, dies by SIGKILL at each
//! journal event and inside each call, and is run once more. Then there is no orphan, no duplicate, and a clean plan.
//!
//! All points of it take a while: CI takes every journal event and every call that changes something, and of the calls that read
//! the first of each sort. `FERROFORM_TEST_CRASH=all` takes all of them, and `FERROFORM_TEST_KILLS=N` another number of random
//! kills, `FERROFORM_TEST_SEED=N` other ones.

mod fire;
mod kill;
mod points;
mod readers;
mod trouble;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::project::{Project, Said, Things, there_is};
use crate::support::sandbox::{Alone, Cloud, server};
use kill::{Deed, Ended, Trap};
use points::{Point, Recorded, Within, reads};

/// How many cases run at once. They wait more than they work.
const WORKERS: usize = 4;

type Outcome = Result<(), String>;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} should be a number")))
}

/// A project on an account of its own, and what its account held at first.
struct Case {
    project: Project,
    before: Things,
    runtime: tokio::runtime::Runtime,
}

impl Case {
    fn new(cloud: Cloud) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let project = Project::new(cloud);
        let before = runtime.block_on(async { there_is(&project.aws().await).await });
        Self { project, before, runtime }
    }

    /// What is there beyond what every account has.
    fn things(&self) -> Things {
        let mut now = self.runtime.block_on(async { there_is(&self.project.aws().await).await });
        for (kind, ids) in &mut now {
            ids.retain(|id| !self.before.get(kind).is_some_and(|before| before.contains(id)));
        }
        now.retain(|_, ids| !ids.is_empty());
        now
    }

    /// Runs the command to the point where it is killed.
    fn strike(&self, command: &str, point: Option<Point>) -> (Trap, Ended) {
        self.strike_with(command, point, Deed::Kill)
    }

    /// Runs the command, and does that at the point.
    fn strike_with(&self, command: &str, point: Option<Point>, deed: Deed) -> (Trap, Ended) {
        let trap = Trap::new(self.project.journal_path(), &self.project.cloud.endpoint, point, deed);
        let through = self.project.cloud.through(trap.proxy.endpoint());
        let ended = trap.run(self.project.command(&through, command, &["--auto-approve"]));
        (trap, ended)
    }

    /// Runs it to the point, and once more. Of calls that only read there may be fewer than in another run: whether it was killed.
    fn killed_and_again(&self, command: &str, point: &Point) -> Result<bool, String> {
        let (trap, ended) = self.strike(command, Some(point.clone()));
        if !ended.struck && matches!(point, Point::Call { action, .. } if reads(action)) {
            return good(&ended.said, command).map(|()| false);
        }
        if !ended.struck {
            return Err(format!("it was never reached: {}", ended.said.err));
        }
        trap.open();
        // What is late comes through the same proxy.
        let late = matches!(point, Point::Call { within: Within::Late, .. });
        let through = if late { self.project.cloud.through(trap.proxy.endpoint()) } else { self.project.cloud.clone() };
        let again = self.project.command(&through, command, &["--auto-approve"]).output().unwrap();
        good(&Said::of(&again), &format!("the next {command}")).map(|()| true)
    }

    /// Everything is there once, in the state as in AWS, and a plan finds nothing to do.
    fn is_applied(&self) -> Outcome {
        let (held, there) = (self.project.held(), self.things());
        let count = |things: &Things| things.values().map(|ids| ids.len()).sum::<usize>();
        let volumes = there.get("volumes").map_or(0, |ids| ids.len());
        let made: Things = there.iter().filter(|(kind, _)| **kind != "volumes").map(|(kind, ids)| (*kind, ids.clone())).collect();
        if held != made || count(&held) != 17 || volumes != 2 {
            return Err(format!("the state holds\n{held:#?}\nand there is\n{there:#?}"));
        }
        if !self.project.key().exists() {
            return Err("the private key is missing".into());
        }
        let plan = self.project.run("plan", &["--detailed-exitcode"]);
        good(&plan, "the plan")?;
        self.is_tidy()
    }

    /// Nothing is there any more.
    fn is_gone(&self) -> Outcome {
        let mut there = self.things();
        there.remove("terminated");
        let state = self.project.state();
        if !there.is_empty() || state["resources"] != serde_json::json!([]) || self.project.key().exists() {
            return Err(format!("there is still\n{there:#?}\n{}", state["resources"]));
        }
        self.is_tidy()
    }

    fn is_tidy(&self) -> Outcome {
        let left = self.project.leftovers();
        if left.is_empty() { Ok(()) } else { Err(format!("beside the state lie {left:?}")) }
    }
}

fn good(said: &Said, what: &str) -> Outcome {
    if said.code == 0 { Ok(()) } else { Err(format!("{what} ended with {}:\n{}{}", said.code, said.out, said.err)) }
}

/// What an undisturbed apply and an undisturbed destroy do.
fn record(server: &Alone) -> (Recorded, Recorded) {
    let case = Case::new(server.cloud());
    let run = |command: &str| {
        let (trap, ended) = case.strike(command, None);
        good(&ended.said, command).unwrap();
        Recorded::of(ended.labels, &trap.proxy.calls())
    };
    let applied = run("apply");
    case.is_applied().unwrap();
    let destroyed = run("destroy");
    case.is_gone().unwrap();
    (applied, destroyed)
}

/// Runs the jobs, a few at once; gives what went wrong.
fn all<T: Send>(jobs: Vec<T>, run: impl Fn(&T) -> Outcome + Sync, name: impl Fn(&T) -> String + Sync) -> Vec<String> {
    let (queue, wrong) = (Mutex::new(VecDeque::from(jobs)), Mutex::new(vec![]));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(job) = queue.lock().unwrap().pop_front() else { break };
                    if let Err(why) = run(&job) {
                        let told = format!("killed {}: {why}", name(&job));
                        println!("{told}");
                        wrong.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

/// An apply that is killed, or is not, and then a destroy of the same.
type Pair = (Option<Point>, Option<Point>);

fn one(server: &Alone, (apply, destroy): &Pair, missed: &AtomicUsize) -> Outcome {
    let count = |killed: bool| {
        missed.fetch_add(usize::from(!killed), Ordering::Relaxed);
    };
    let case = Case::new(server.cloud());
    match apply {
        Some(point) => {
            count(case.killed_and_again("apply", point)?);
            case.is_applied()?;
        }
        None => good(&case.project.run("apply", &["--auto-approve"]), "apply")?,
    }
    if let Some(point) = destroy {
        let killed = case.killed_and_again("destroy", point);
        count(killed.and_then(|killed| case.is_gone().map(|()| killed)).map_err(|why| format!("in destroy: {why}"))?);
    }
    Ok(())
}

fn told(pair: &Pair) -> String {
    let told = |verb: &str, point: &Option<Point>| point.as_ref().map(|point| format!("{verb} {point}"));
    [told("apply", &pair.0), told("destroy", &pair.1)].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

#[test]
fn a_kill_at_any_event_and_in_any_call_loses_nothing() {
    let every = std::env::var("FERROFORM_TEST_CRASH").is_ok_and(|which| which == "all");
    let (server, begun) = (server(), Instant::now());
    let (apply, destroy) = record(&server);
    let (applies, destroys) = (apply.points(every), destroy.points(every));
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (command, points) in [("apply", &applies), ("destroy", &destroys)] {
        for point in points {
            let kind = match point {
                Point::Call { within: Within::Before, .. } => "before a call was applied",
                Point::Call { within: Within::After, .. } => "after a call was applied",
                Point::Call { .. } => "before a call that is applied late",
                _ => "at a journal event",
            };
            *counts.entry((command, kind)).or_default() += 1;
        }
    }
    let cases = applies.len() + destroys.len();
    for (command, recorded) in [("apply", &apply), ("destroy", &destroy)] {
        println!("{command}: {} journal events, {} calls", recorded.events.len(), recorded.total());
    }
    counts.iter().for_each(|((command, kind), count)| println!("{count:>4} kills of {command} {kind}"));
    let pairs: Vec<Pair> = (0..applies.len().max(destroys.len())).map(|i| (applies.get(i).cloned(), destroys.get(i).cloned())).collect();
    let missed = AtomicUsize::new(0);
    let wrong = all(pairs, |pair| one(&server, pair, &missed), told);
    println!("{cases} cases in {} s; {} reads that were not made this time", begun.elapsed().as_secs(), missed.into_inner());
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// Kills the command at random points until it comes to its end.
fn hunted(case: &Case, command: &str, random: &mut StdRng) -> Result<Vec<Point>, String> {
    let mut struck = vec![];
    loop {
        let within = [Within::Before, Within::After][random.gen_range(0..2)];
        let point = match random.gen_range(0..3) {
            0 => Point::Count(random.gen_range(1..40)),
            _ => Point::Any(random.gen_range(1..80), within),
        };
        let (_, ended) = case.strike(command, (struck.len() < 6).then(|| point.clone()));
        if !ended.struck {
            return good(&ended.said, command).map(|()| struck.clone()).map_err(|why| format!("after {struck:?}: {why}"));
        }
        struck.push(point);
    }
}

#[test]
fn random_kills_one_after_another_lose_nothing() {
    let (hunts, seed) = (number("FERROFORM_TEST_KILLS", 8), number("FERROFORM_TEST_SEED", 20_261_121));
    println!("{hunts} hunts, seed {seed}");
    let (server, kills) = (server(), Mutex::new(0));
    let hunt = |n: &u64| {
        let (case, mut random) = (Case::new(server.cloud()), StdRng::seed_from_u64(seed + n));
        let applied = hunted(&case, "apply", &mut random)?;
        case.is_applied().map_err(|why| format!("{applied:?}: {why}"))?;
        let destroyed = hunted(&case, "destroy", &mut random)?;
        case.is_gone().map_err(|why| format!("{destroyed:?}: {why}"))?;
        *kills.lock().unwrap() += applied.len() + destroyed.len();
        Ok(())
    };
    let wrong = all((0..hunts).collect(), hunt, |n| format!("hunt {n}"));
    println!("{} random kills", kills.lock().unwrap());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
