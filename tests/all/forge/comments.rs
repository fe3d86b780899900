//! The one comment that is kept, and others.

use ferroform::bot::forge::{Forge, Refusal};

use super::{MARK, hub, id, robot};
use crate::support::github::{Fault, GitHub as Hub};

fn text(words: &str) -> String {
    format!("{MARK}\n{words}")
}

#[tokio::test]
async fn one_comment_is_written_and_edited_ever_after() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let robot = robot(hub.url());
    let first = robot.keep_comment(&id(n), MARK, &text("one"), None).await.unwrap();
    assert_eq!(robot.keep_comment(&id(n), MARK, &text("two"), Some(first)).await.unwrap(), first);
    // Another process doesn't know it.
    assert_eq!(super::robot(hub.url()).keep_comment(&id(n), MARK, &text("three"), None).await.unwrap(), first);
    let comments = hub.comments(n);
    assert_eq!(comments.len(), 1);
    assert_eq!((comments[0].body.as_str(), comments[0].user.as_str(), comments[0].edits), (text("three").as_str(), Hub::ROBOT, 2));
}

#[tokio::test]
async fn what_is_so_already_is_left_alone() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let robot = robot(hub.url());
    let first = robot.keep_comment(&id(n), MARK, &text("one"), None).await.unwrap();
    robot.keep_comment(&id(n), MARK, &text("one"), Some(first)).await.unwrap();
    // GitHub keeps no line at the end.
    robot.keep_comment(&id(n), MARK, &format!("{}\n", text("one")), None).await.unwrap();
    assert_eq!((hub.comments(n)[0].edits, hub.count("PATCH", "")), (0, 0));
}

#[tokio::test]
async fn a_mark_that_somebody_else_planted_is_not_ours() {
    let hub = hub();
    let n = hub.open_pull("mallory", "feature", "main");
    let planted = hub.say(n, "mallory", &text("all is well"));
    let robot = robot(hub.url());
    let ours = robot.keep_comment(&id(n), MARK, &text("one"), None).await.unwrap();
    assert_ne!(ours, planted);
    // Nor when we are told that it is.
    assert_eq!(robot.keep_comment(&id(n), MARK, &text("two"), Some(planted)).await.unwrap(), ours);
    let said: Vec<_> = hub.comments(n).into_iter().map(|comment| (comment.user, comment.body)).collect();
    assert_eq!(said, [("mallory".into(), text("all is well")), (Hub::ROBOT.to_owned(), text("two"))]);
}

#[tokio::test]
async fn a_comment_of_ours_without_the_mark_or_elsewhere_is_another() {
    let hub = hub();
    let (one, two) = (hub.open_pull("ann", "feature", "main"), hub.open_pull("ann", "feature", "main"));
    let robot = robot(hub.url());
    robot.say(&id(one), "help").await.unwrap();
    let first = robot.keep_comment(&id(one), MARK, &text("one"), None).await.unwrap();
    let second = robot.keep_comment(&id(two), MARK, &text("two"), Some(first)).await.unwrap();
    assert_ne!(first, second);
    let said = |n| hub.comments(n).into_iter().map(|comment| comment.body).collect::<Vec<_>>();
    assert_eq!((said(one), said(two)), (vec!["help".to_owned(), text("one")], vec![text("two")]));
}

#[tokio::test]
async fn a_deleted_comment_is_written_anew() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let robot = robot(hub.url());
    let first = robot.keep_comment(&id(n), MARK, &text("one"), None).await.unwrap();
    hub.delete_comment(first);
    let second = robot.keep_comment(&id(n), MARK, &text("two"), Some(first)).await.unwrap();
    assert!(second != first && hub.comments(n).len() == 1);
    robot.seen(&id(n), first).await.unwrap();
}

#[tokio::test]
async fn it_is_found_among_hundreds() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    for i in 0..230 {
        hub.say(n, "ann", &format!("remark {i}"));
    }
    let ours = hub.say(n, Hub::ROBOT, &text("old"));
    for i in 0..30 {
        hub.say(n, "ben", &format!("answer {i}"));
    }
    assert_eq!(robot(hub.url()).keep_comment(&id(n), MARK, &text("new"), None).await.unwrap(), ours);
    assert_eq!(hub.count("GET", "/comments"), 3, "pages of a hundred");
    assert_eq!(hub.comments(n).len(), 261);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_comment() {
    for fault in [Fault::Lost, Fault::Cut, Fault::Status(502)] {
        let hub = hub();
        let n = hub.open_pull("ann", "feature", "main");
        let robot = robot(hub.url());
        hub.fault("POST", "/comments", fault.clone(), 1);
        let kept = robot.keep_comment(&id(n), MARK, &text("one"), None).await.unwrap();
        assert_eq!(hub.comments(n).iter().map(|comment| comment.id).collect::<Vec<_>>(), [kept], "{fault:?}");
        hub.say(n, "ann", "help");
        hub.fault("POST", "/comments", fault.clone(), 1);
        robot.say(&id(n), "help").await.unwrap();
        let said: Vec<_> = hub.comments(n).into_iter().map(|comment| comment.body).collect();
        assert_eq!(said, [&text("one"), "help", "help"], "{fault:?}");
    }
}

#[tokio::test]
async fn whoever_wrote_is_shown_that_it_was_seen() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let comment = hub.say(n, "ann", "ferroform plan");
    let robot = robot(hub.url());
    robot.seen(&id(n), comment).await.unwrap();
    robot.seen(&id(n), comment).await.unwrap();
    assert_eq!(hub.comments(n)[0].reactions, [(Hub::ROBOT.to_owned(), "eyes".to_owned())]);
}

#[tokio::test]
async fn what_is_too_long_is_refused_in_words() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let robot = robot(hub.url());
    robot.say(&id(n), &"x".repeat(robot.limit())).await.unwrap();
    let refusal = robot.say(&id(n), &"x".repeat(robot.limit() + 1)).await.unwrap_err();
    let Refusal::Bad(why) = refusal else { panic!("{refusal:?}") };
    assert_eq!(why, "GitHub answered 422 to `POST /repos/acme/infra/issues/1/comments`: Body is too long (maximum is 65536 characters)");
}
