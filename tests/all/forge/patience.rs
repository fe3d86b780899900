//! A GitHub that is busy, out of order, or away.

use std::time::{Duration, Instant};

use ferroform::bot::forge::{Credentials, Forge, GitHub, Patience, Permission, Refusal};
use ferroform::words::secret::Secret;
use jiff::Timestamp;

use super::{MARK, hub, id, robot};
use crate::support::github::{Fault, GitHub as Hub};

#[tokio::test]
async fn it_waits_and_goes_on() {
    for fault in [
        Fault::Spent(5),
        Fault::RetryAfter(20),
        Fault::Secondary,
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Cut,
        Fault::Lost,
    ] {
        let hub = hub();
        hub.permit("ann", "admin");
        hub.fault("GET", "/permission", fault.clone(), 2);
        assert_eq!(robot(hub.url()).permission("acme/infra", "ann").await.unwrap(), Permission::Admin, "{fault:?}");
        assert_eq!(hub.count("GET", "/permission"), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn it_waits_as_long_as_it_is_told() {
    let hub = hub();
    hub.permit("ann", "admin");
    hub.fault("GET", "/permission", Fault::RetryAfter(200), 1);
    let begun = Instant::now();
    robot(hub.url()).permission("acme/infra", "ann").await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_takes_longer_is_left_to_the_caller() {
    let hub = hub();
    hub.fault("GET", "/permission", Fault::Spent(3000), 1);
    let refusal = robot(hub.url()).permission("acme/infra", "ann").await.unwrap_err();
    let Refusal::Later { why, until: Some(until) } = refusal else { panic!("{refusal:?}") };
    assert!((2900..3100).contains(&(until.as_second() - Timestamp::now().as_second())), "{until}");
    assert!(why.contains("403") && why.contains("API rate limit exceeded"), "{why}");
    assert_eq!(hub.count("GET", "/permission"), 1, "a request more would only make it worse");
}

#[tokio::test]
async fn what_stays_broken_is_told_in_the_end() {
    let hub = hub();
    hub.fault("GET", "/permission", Fault::Status(502), 1000);
    let patience = Patience { second: Duration::from_micros(20), ..super::short() };
    let robot = GitHub::new(hub.url(), Credentials::Token(Secret::new(Hub::TOKEN)), patience).unwrap();
    let refusal = robot.permission("acme/infra", "ann").await.unwrap_err();
    let Refusal::Later { why, until: None } = refusal else { panic!("{refusal:?}") };
    assert!(why.starts_with("GitHub answered 502 to `GET /repos/acme/infra/collaborators/ann/permission`"), "{why}");
    let tries = hub.count("GET", "/permission");
    assert!((8..50).contains(&tries), "{tries}");
}

#[tokio::test]
async fn nobody_there_is_told_in_the_end() {
    let url = { super::hub().url().to_owned() };
    let patience = Patience { second: Duration::from_micros(20), ..super::short() };
    let robot = GitHub::new(&url, Credentials::Token(Secret::new(Hub::TOKEN)), patience).unwrap();
    let refusal = robot.me().await.unwrap_err();
    let Refusal::Later { why, until: None } = refusal else { panic!("{refusal:?}") };
    assert!(why.starts_with("GitHub can't be reached: "), "{why}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let patience = Patience { request: Duration::from_millis(500), ..super::short() };
    let robot = GitHub::new(hub.url(), Credentials::Token(Secret::new(Hub::TOKEN)), patience).unwrap();
    hub.fault("POST", "/comments", Fault::Silence, 1);
    robot.say(&id(n), "hello").await.unwrap();
    assert_eq!(hub.comments(n).len(), 1);
}

#[tokio::test]
async fn a_refusal_is_no_plea() {
    let hub = hub();
    hub.fault("GET", "/permission", Fault::Status(403), 1);
    let refusal = robot(hub.url()).permission("acme/infra", "ann").await.unwrap_err();
    assert!(matches!(&refusal, Refusal::Forbidden(why) if why.contains("403")), "{refusal:?}");
    assert_eq!(hub.count("GET", "/permission"), 1);
}

#[tokio::test]
async fn a_comment_is_written_once_through_all_of_it() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    for fault in [Fault::Secondary, Fault::Status(503), Fault::Lost, Fault::Cut, Fault::RetryAfter(3), Fault::Spent(1)] {
        hub.fault("POST", "/comments", fault.clone(), 1);
        hub.fault("GET", "/comments", fault, 1);
    }
    robot(hub.url()).keep_comment(&id(n), MARK, MARK, None).await.unwrap();
    assert_eq!(hub.comments(n).len(), 1);
}
