//! Taking over what exists.

use crate::support::lab::{Lab, lines};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;

const NAMED: &str = "[resource.test_named.a]\nname = \"a\"\nsize = 2\nlifecycle.adopt = true\n";

/// The lab with something that was there before the stack.
async fn with_old(old: &str, stack: &str) -> Lab {
    let lab = Lab::new(old);
    lab.good().await;
    let store = lab.store();
    std::fs::remove_file(store.path()).unwrap();
    lab.log();
    lab.stack(stack);
    lab
}

async fn named() -> Lab {
    with_old("[resource.test_named.old]\nname = \"a\"\nsize = 1\n", NAMED).await
}

#[tokio::test]
async fn what_exists_is_taken_over_and_changed() {
    let lab = named().await;
    assert_eq!(lines(&lab.plan().await), ["update test_named.a size importing a"]);
    lab.good().await;
    assert_eq!(lab.log(), ["update a"]);
    assert_eq!(lab.held(), ["test_named.a = a"]);
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn what_does_not_exist_is_made() {
    let lab = Lab::new(NAMED);
    assert_eq!(lines(&lab.plan().await), ["create test_named.a"]);
    lab.good().await;
    // What the stack made it may destroy.
    lab.apply_with(&Options { purpose: Purpose::Destroy, ..Options::default() }, &Stop::default()).await.unwrap();
    assert!(lab.things().is_empty());
}

#[tokio::test]
async fn a_flag_adopts_where_the_block_says_nothing() {
    let lab = named().await;
    lab.stack("[resource.test_named.a]\nname = \"a\"\nsize = 1\n[resource.test_named.b]\nname = \"b\"\nlifecycle.adopt = false\n");
    let adopt = Options { adopt: true, ..Options::default() };
    assert_eq!(lab.planned(&adopt).await, ["create test_named.b", "nothing test_named.a importing a"]);
}

#[tokio::test]
async fn what_was_adopted_stays_when_the_stack_goes() {
    let destroy = Options { purpose: Purpose::Destroy, ..Options::default() };
    let lab = named().await;
    lab.good().await;
    assert_eq!(lab.planned(&destroy).await, ["forget test_named.a Adopted"]);
    lab.apply_with(&destroy, &Stop::default()).await.unwrap();
    assert_eq!((lab.things(), lab.held()), (vec!["a".to_owned()], vec![]));
    // Without its block likewise.
    lab.good().await;
    lab.stack("");
    assert_eq!(lab.planned(&Options::default()).await, ["forget test_named.a Adopted"]);
    let told = Options { destroy_adopted: true, ..destroy };
    lab.apply_with(&told, &Stop::default()).await.unwrap();
    assert!(lab.things().is_empty() && lab.held().is_empty());
}

#[tokio::test]
async fn what_was_adopted_is_not_replaced_unless_that_is_asked_for() {
    let lab = named().await;
    lab.good().await;
    lab.stack(&NAMED.replace("name = \"a\"", "name = \"z\""));
    let told = "test_named.a would be replaced: name can't change in place, and it was adopted, not made by this stack";
    assert_eq!(lab.planned(&Options::default()).await, [told]);
    let options = Options { destroy_adopted: true, ..Options::default() };
    assert_eq!(lab.planned(&options).await, ["replace test_named.a CannotUpdate of name"]);
    lab.apply_with(&options, &Stop::default()).await.unwrap();
    // The new one is the stack's own.
    assert_eq!(lab.planned(&Options { purpose: Purpose::Destroy, ..Options::default() }).await, ["delete test_named.a Destroying"]);
}

#[tokio::test]
async fn of_two_that_it_could_be_none_is_taken() {
    let two = "[resource.test_host.old]\ncount = 2\nname = \"h\"\n";
    let lab = with_old(two, "[resource.test_host.h]\nname = \"h\"\nlifecycle.adopt = true\n").await;
    assert_eq!(lab.planned(&Options::default()).await, ["test_host.h can't be adopted: there are 2 that it could be"]);
    lab.stack("[[import]]\nto = \"test_host.h\"\nid = \"h-2\"\n[resource.test_host.h]\nname = \"h\"\nlifecycle.adopt = true\n");
    assert_eq!(lab.planned(&Options::default()).await, ["nothing test_host.h importing h-2"]);
}

#[tokio::test]
async fn what_another_state_or_address_has_is_not_taken() {
    let lab = named().await;
    let owned = [(("test_named".to_owned(), "a".to_owned()), "test_named.x in state/other.tfstate.json".to_owned())].into();
    let told = "test_named.a can't be adopted: a is managed already";
    assert_eq!(lab.planned(&Options { owned, ..Options::default() }).await, [told]);
    lab.good().await;
    let both = format!("{NAMED}[resource.test_named.b]\nname = \"a\"\nlifecycle.adopt = true\n");
    lab.stack(&both);
    assert_eq!(lab.planned(&Options::default()).await, ["test_named.b can't be adopted: a is managed already"]);
}

#[tokio::test]
async fn what_hangs_on_something_adopted_is_adopted_in_one_plan() {
    let old = "[resource.test_named.net]\nname = \"net\"\n[resource.test_host.h]\nname = \"on-${test_named.net.id}\"\n";
    let lab = with_old(old, &old.replace("\n[", "\nlifecycle.adopt = true\n[").replace("id}\"\n", "id}\"\nlifecycle.adopt = true\n")).await;
    assert_eq!(lines(&lab.plan().await), ["nothing test_named.net importing net", "nothing test_host.h importing on-net-1"]);
    lab.good().await;
    assert!(lab.plan().await.is_empty() && lab.log().is_empty());
}

#[tokio::test]
async fn a_kept_plan_adopts_what_it_showed() {
    let lab = named().await;
    let (saved, _) = lab.keep(&lab.plan().await);
    let plan = lab.unseal(&saved).await.unwrap();
    lab.carry_out(&plan, &Options::default(), &Stop::default()).await.unwrap();
    let destroy = Options { purpose: Purpose::Destroy, ..Options::default() };
    assert_eq!(lab.planned(&destroy).await, ["forget test_named.a Adopted"]);
}
