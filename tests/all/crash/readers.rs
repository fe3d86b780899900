//! Whoever reads the state file while it is written, by whatever program, finds a whole state and never an older one.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ferroform::state::State;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::kill::{Deed, Trap};
use super::points::Point;
use crate::bad_input::Folder;

const STACK: &str = r#"
[variable.round]
type = "number"
[resource.terraform_data.many]
count = 100
input = '${var.round}-${count.index}-${join("", [for n in range(40) : n])}'
"#;
const ROUNDS: u32 = 24;

/// Reads again and again; gives how often, and how many states it saw.
fn read(path: &Path, done: &AtomicBool) -> (usize, usize) {
    let (mut reads, mut states, mut last) = (0, 0, None);
    while !done.load(Ordering::Relaxed) {
        match fs::read(path) {
            Ok(bytes) => {
                let state = State::parse(&bytes, "the state").unwrap_or_else(|why| panic!("after {reads} reads: {why}"));
                assert!(last.is_none_or(|last| last <= state.serial), "serial {} after {last:?}", state.serial);
                reads += 1;
                states += usize::from(last != Some(state.serial));
                last = Some(state.serial);
            }
            Err(error) => assert!(last.is_none() && error.kind() == std::io::ErrorKind::NotFound, "{error} after {last:?}"),
        }
    }
    (reads, states)
}

#[test]
fn the_state_is_never_seen_torn() {
    let folder = Folder::with(STACK);
    let (path, done) = (folder.path().join("state/web.tfstate.json"), AtomicBool::new(false));
    let journal = folder.path().join("state/web.tfstate.json.journal");
    let mut random = StdRng::seed_from_u64(5);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&path, &done));
        for round in 0..ROUNDS {
            // Most of them while the new state is being put in its place.
            let point = match round % 4 {
                0 => None,
                1 => Some(Point::Count(random.gen_range(1..200))),
                2 => Some(Point::Event("end".into())),
                _ => Some(Point::Event("fold".into())),
            };
            let trap = Trap::new(journal.clone(), "http://127.0.0.1:9", point, Deed::Kill);
            let command = if round == 13 { "destroy" } else { "apply" };
            let ended = trap.run(folder.command(&[command, "--auto-approve", "--var", &format!("round={round}")]));
            assert!(ended.struck || ended.said.code == 0, "{}", ended.said.err);
            if reader.is_finished() {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        let (reads, states) = reader.join().unwrap();
        println!("{reads} reads of {states} states");
        assert!(reads > 100 && states > 10, "{reads} reads of {states} states");
    });
    folder.good(&["apply", "--auto-approve", "--var", "round=99"]);
    folder.good(&["plan", "--detailed-exitcode", "--var", "round=99"]);
}
