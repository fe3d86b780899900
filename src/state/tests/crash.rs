use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::{Event, Loaded, LocalStore, replay};
use super::{created, eip, fresh, intent, locked, saved, script, store};
use crate::state::Action;

async fn run(store: &LocalStore, events: &[Event]) {
    let lock = locked(store).await;
    let journal = store.begin(&lock, &fresh()).unwrap();
    for event in events {
        journal.append(event).await.unwrap();
    }
}

/// What snapshot and journal have to say after the first `n` events.
fn expected(n: usize) -> Loaded {
    let (state, pending) = replay(fresh(), &script()[..n]);
    Loaded { state: Some(state), pending, unfinished: None }
}

fn same(loaded: &Loaded, n: usize) {
    let expected = expected(n);
    assert!(loaded.state.as_ref().unwrap().same_content(expected.state.as_ref().unwrap()), "after {n} events: {loaded:#?}");
    let intents = |l: &Loaded| l.pending.iter().map(|p| (p.intent.clone(), p.id.clone())).collect::<Vec<_>>();
    assert_eq!(intents(loaded), intents(&expected), "after {n} events");
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_holds_all_that_was_durable() {
    let (_folder, store) = store();
    run(&store, &script()).await;
    let whole = fs::read(store.journal_path()).unwrap();
    for cut in 0..whole.len() {
        fs::write(store.journal_path(), &whole[..cut]).unwrap();
        // A line that lacks nothing but its end is whole.
        let lines = whole[..=cut].iter().filter(|b| **b == b'\n').count();
        let loaded = store.read().unwrap();
        match lines {
            0 => assert_eq!(loaded, Loaded::default()),
            _ => same(&loaded, lines - 1),
        }
    }
}

#[tokio::test]
async fn whoever_comes_after_a_crash_goes_on_where_it_ended() {
    let events = script();
    for n in 0..=events.len() {
        let (_folder, store) = store();
        run(&store, &events[..n]).await;
        let torn = [fs::read(store.journal_path()).unwrap(), b"{\"n\":99,\"batch\"".to_vec()].concat();
        fs::write(store.journal_path(), torn).unwrap();
        // The rest by another process, which first folds what it finds.
        let lock = locked(&store).await;
        let journal = store.begin(&lock, &store.read().unwrap().state.unwrap()).unwrap();
        for event in &events[n..] {
            journal.append(event).await.unwrap();
        }
        journal.finish().await.unwrap();
        same(&store.read().unwrap(), events.len());
        same(&store.fold(&lock).unwrap(), events.len());
        same(&store.read().unwrap(), events.len());
        assert!(store.journal_path().exists(), "two intents are still open");
        // Settled, they leave nothing behind.
        let journal = store.begin(&lock, &store.read().unwrap().state.unwrap()).unwrap();
        journal.append(&saved("e", "eip-e")).await.unwrap();
        journal.append(&Event::Failed { address: eip("f"), deposed: None, error: "not found".into() }).await.unwrap();
        journal.finish().await.unwrap();
        assert_eq!(store.fold(&lock).unwrap().pending, []);
        assert!(!store.journal_path().exists() && !store.key_path().exists());
    }
}

#[tokio::test]
async fn a_crash_between_the_new_snapshot_and_the_end_of_the_journal_repeats_nothing() {
    let (_folder, store) = store();
    run(&store, &script()).await;
    let lock = locked(&store).await;
    let journal = fs::read(store.journal_path()).unwrap();
    let key = fs::read(store.key_path()).unwrap();
    let folded = store.fold(&lock).unwrap();
    // The journal as it was, with the mark that the fold put at its end.
    let sum = crate::state::seal::sha256(&fs::read(store.path()).unwrap());
    let mark =
        crate::state::wire::line(script().len() as u64 + 2, script().len() as u64 + 2, &format!("{{\"fold\":{{\"sum\":\"{sum}\"}}}}"));
    fs::write(store.journal_path(), [journal, mark.into_bytes()].concat()).unwrap();
    fs::write(store.key_path(), key).unwrap();
    same(&store.read().unwrap(), script().len());
    let again = store.fold(&lock).unwrap();
    assert_eq!(again.state, folded.state);
    assert_eq!(again.pending.len(), 2);
}

#[tokio::test]
async fn damage_that_no_crash_makes_is_named_and_left_alone() {
    let (_folder, store) = store();
    run(&store, &script()).await;
    let mut bytes = fs::read(store.journal_path()).unwrap();
    let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 20;
    bytes[second] ^= 1;
    fs::write(store.journal_path(), &bytes).unwrap();
    let lock = locked(&store).await;
    for error in [store.read().unwrap_err(), store.fold(&lock).unwrap_err()] {
        assert!(error.to_string().contains("line 2 of the journal"), "{error}");
    }
    assert_eq!(fs::read(store.journal_path()).unwrap(), bytes);
}

#[tokio::test]
async fn a_hole_in_a_batch_of_which_nobody_was_told_is_torn_too() {
    let (_folder, store) = store();
    run(&store, &[]).await;
    let text = fs::read_to_string(store.journal_path()).unwrap();
    let line = |n, event: &str| crate::state::wire::line(n, 2, event);
    let batch = format!("{text}{}{}{}", line(2, "\"end\""), "\0\0\0\0\n", line(4, "\"end\""));
    fs::write(store.journal_path(), batch).unwrap();
    assert!(store.read().unwrap().unfinished.is_some());
}

#[tokio::test]
async fn secrets_are_not_in_the_journal_and_come_back_from_it() {
    let (_folder, store) = store();
    run(&store, &script()).await;
    let text = fs::read_to_string(store.journal_path()).unwrap();
    assert!(text.contains("eip-a2") && !text.contains("s3cr3t"), "{text}");
    let state = store.read().unwrap().state.unwrap();
    assert_eq!(state.outputs["password"].value.as_str(), Some("s3cr3t-output"));
    assert_eq!(state.instances[&eip("a")], super::instance("eip-a2"));
    fs::remove_file(store.key_path()).unwrap();
    let error = store.read().unwrap_err().to_string();
    assert!(error.contains("key file"), "{error}");
}

struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_beside_a_writer_sees_every_state_whole_and_never_an_older_one() {
    let (_folder, store) = store();
    let lock = locked(&store).await;
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                if let Some(state) = store.read().unwrap().state {
                    assert!(state.instances.len() >= last, "{} after {last}", state.instances.len());
                    last = state.instances.len();
                }
            }
        });
        // However it ends, the reader has to.
        let end = Finally(&done);
        for i in 0..60 {
            let state = store.read().unwrap().state.unwrap_or_else(fresh);
            let journal = store.begin(&lock, &state).unwrap();
            for event in [intent(&format!("n{i}"), Action::Create), created(&format!("n{i}"), "eip"), saved(&format!("n{i}"), "eip")] {
                journal.append_now(&event).unwrap();
            }
            store.fold(&lock).unwrap();
        }
        drop(end);
        reader.join().unwrap();
    });
}

#[tokio::test]
async fn a_folder_that_vanishes_loses_nothing() {
    let (folder, store) = store();
    let elsewhere = tempfile::tempdir().unwrap();
    let lock = locked(&store).await;
    let journal = store.begin(&lock, &fresh()).unwrap();
    journal.append(&intent("a", Action::Create)).await.unwrap();
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    let mut state = fresh();
    state.record(&saved("a", "eip-a"));
    let error = journal.append(&saved("a", "eip-a")).await.unwrap_err().to_string();
    assert!(error.contains("removed while in use") && error.contains("web.tfstate.json.journal"), "{error}");
    let folders = vec!["/nonexistent".into(), elsewhere.path().to_owned()];
    let refuge = crate::state::Refuge { folders, push: "ferroform state push".into() };
    let error = store.settle(&lock, &state, &refuge).unwrap_err().to_string();
    let rescued = fs::read_dir(elsewhere.path()).unwrap().next().unwrap().unwrap().path();
    assert!(error.contains(&format!("ferroform state push {}", rescued.display())), "{error}");
    assert!(crate::state::State::parse(&fs::read(rescued).unwrap(), "it").unwrap().same_content(&state));
}

#[tokio::test]
async fn a_state_that_another_program_changed_under_a_journal_is_not_mixed_with_it() {
    let (_folder, store) = store();
    let lock = locked(&store).await;
    store.write(&lock, &fresh()).unwrap();
    drop(lock);
    run(&store, &script()).await;
    let mut other = fresh();
    other.serial = 7;
    fs::write(store.path(), other.to_bytes()).unwrap();
    let error = store.read().unwrap_err().to_string();
    assert!(error.contains("changed by something else while `apply` was unfinished"), "{error}");
}

#[tokio::test]
async fn writing_keeps_the_one_before_and_counts_changes_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = store();
    let lock = locked(&store).await;
    let mut state = fresh();
    state.record(&saved("a", "eip-a"));
    state.serial = store.write(&lock, &state).unwrap();
    assert_eq!((state.serial, store.write(&lock, &state).unwrap()), (1, 1));
    state.record(&saved("b", "eip-b"));
    assert_eq!(store.write(&lock, &state).unwrap(), 2);
    let backup = crate::state::State::parse(&fs::read(store.backup_path()).unwrap(), "backup").unwrap();
    assert_eq!((backup.serial, backup.instances.len()), (1, 1));
    assert_eq!(fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let error = store.write(&lock, &state).unwrap_err().to_string();
    assert!(error.contains("changed by something else since it was read"), "{error}");
    state.lineage = "another".into();
    assert!(store.write(&lock, &state).unwrap_err().to_string().contains("another lineage"));
}
