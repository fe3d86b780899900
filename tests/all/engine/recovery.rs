//! What an interrupted run left open is settled by the next one.

use crate::support::cloud::How;
use crate::support::lab::Lab;
use ferroform::engine::apply::Stop;
use ferroform::engine::planner::Options;

/// Applies until the fault stops everything at once.
async fn killed(lab: &Lab, operation: &'static str, name: &str, done: bool) {
    let stop = Stop::default();
    lab.fault(operation, name, How::Hang(stop.now.clone(), done), 1);
    let applied = lab.apply_with(&Options::default(), &stop).await.unwrap();
    assert!(applied.interrupted);
    lab.world().faults.clear();
    assert_eq!(lab.store().read().unwrap().pending.len(), 1);
}

#[tokio::test]
async fn a_creation_is_adopted_or_dropped() {
    for (kind, id) in [("test_thing", "a-1"), ("test_named", "a"), ("test_put", "a"), ("test_slow", "a-1")] {
        for done in [true, false] {
            let lab = Lab::new(&format!("[resource.{kind}.a]\nname = \"a\"\nsize = 3\nsecret = \"hush\"\n"));
            killed(&lab, "create", "a", done).await;
            assert_eq!(lab.things().len(), usize::from(done));
            lab.settle().await.unwrap();
            let heard = lab.heard().join("\n");
            if done {
                assert!(heard.contains(&format!("{kind}.a was created ({id}), now in state")), "{heard}");
                assert_eq!(lab.held(), [format!("{kind}.a = {id}")]);
            } else {
                assert!(heard.contains(&format!("{kind}.a was not created")), "{heard}");
                assert!(lab.held().is_empty());
            }
            lab.good().await;
            assert_eq!(lab.things(), [id], "{kind} {done}");
            assert!(lab.plan().await.is_empty());
        }
    }
}

#[tokio::test]
async fn what_was_made_and_not_read_is_kept() {
    let lab = Lab::new("[resource.test_slow.a]\nname = \"a\"\n");
    killed(&lab, "read", "a", true).await;
    lab.good().await;
    assert_eq!(lab.things(), ["a-1"]);
    assert_eq!(lab.held(), ["test_slow.a = a-1"]);
}

#[tokio::test]
async fn what_was_made_and_is_gone_is_dropped() {
    let lab = Lab::new("[resource.test_slow.a]\nname = \"a\"\n");
    killed(&lab, "read", "a", true).await;
    lab.world().things.clear();
    lab.stack("");
    lab.good().await;
    assert!(lab.held().is_empty() && lab.things().is_empty());
}

#[tokio::test]
async fn another_of_the_same_name_is_not_adopted() {
    // The natural name is taken by something that differs in what a creation fixes for good.
    let lab = Lab::new("[resource.test_named.a]\nname = \"a\"\n");
    killed(&lab, "create", "a", false).await;
    let other = Lab::new("[resource.test_thing.a]\nname = \"a\"\n");
    other.good().await;
    let thing = other.world().things["a-1"].clone();
    lab.world().things.insert("a".into(), thing);
    lab.settle().await.unwrap();
    assert!(lab.held().is_empty());
}

#[tokio::test]
async fn a_deletion_is_finished() {
    for done in [true, false] {
        let lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\n");
        lab.good().await;
        lab.stack("");
        killed(&lab, "delete", "a", done).await;
        lab.settle().await.unwrap();
        assert_eq!(lab.held().is_empty(), done);
        lab.good().await;
        assert!(lab.held().is_empty() && lab.things().is_empty());
    }
}

#[tokio::test]
async fn an_update_is_made_again() {
    for done in [true, false] {
        let lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\nsize = 1\n");
        lab.good().await;
        lab.stack("[resource.test_thing.a]\nname = \"a\"\nsize = 2\n");
        killed(&lab, "update", "a", done).await;
        lab.good().await;
        assert!(lab.plan().await.is_empty());
        assert_eq!(lab.world().things["a-1"].value.attr("size"), &ferroform::words::Value::from(2));
        assert_eq!(lab.things(), ["a-1"]);
    }
}

#[tokio::test]
async fn a_replacement_made_first_loses_neither() {
    let stack = "[resource.test_thing.a]\nname = \"a\"\nlifecycle.create_before_destroy = true\n";
    for (operation, name) in [("create", "b"), ("read", "b"), ("delete", "a")] {
        for done in [true, false] {
            let lab = Lab::new(stack);
            lab.good().await;
            lab.stack(&stack.replace("\"a\"", "\"b\""));
            killed(&lab, operation, name, done).await;
            lab.good().await;
            assert_eq!((lab.held(), lab.things()), (vec!["test_thing.a = b-1".to_owned()], vec!["b-1".to_owned()]), "{operation} {done}");
            assert!(lab.plan().await.is_empty());
        }
    }
}

#[tokio::test]
async fn dependents_of_what_was_adopted_go_on() {
    let lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\n[resource.test_thing.b]\nname = \"b\"\nneeds = [\"${test_thing.a.id}\"]\n");
    killed(&lab, "create", "a", true).await;
    lab.good().await;
    assert_eq!(lab.things(), ["a-1", "b-1"]);
    lab.stack("");
    lab.good().await;
    assert!(lab.things().is_empty());
}

#[tokio::test]
async fn a_state_that_is_pushed_over_an_interrupted_run_keeps_what_it_holds() {
    let lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\n");
    killed(&lab, "create", "a", true).await;
    let store = lab.store();
    let left = [store.journal_path(), store.key_path()].map(|path| (std::fs::read(&path).unwrap(), path));
    lab.settle().await.unwrap();
    let whole = lab.state();
    std::fs::remove_file(store.path()).unwrap();
    left.iter().for_each(|(bytes, path)| std::fs::write(path, bytes).unwrap());
    // The interrupted run again, and beside it a state that holds what it made: rescued, say.
    let (lock, _) = store.lock("state push", std::time::Duration::ZERO, &crate::support::lab::who()).await.unwrap();
    store.push(&lock, &whole).unwrap();
    assert_eq!(store.read().unwrap().pending.len(), 1, "it is not forgotten");
    drop(lock);
    lab.good().await;
    assert_eq!((lab.held(), lab.things()), (vec!["test_thing.a = a-1".to_owned()], vec!["a-1".to_owned()]));
}
