//! The state under faults: torn, killed, read while written, wanted by two.

mod crash;
mod format;
mod locks;

use std::time::Duration;

use super::{Action, Event, Instance, Intent, LocalStore, Lock, State, Who};
use crate::words::{Address, Value};

const AWS: &str = "provider[\"registry.terraform.io/hashicorp/aws\"]";

fn who(host: &str, pid: u32) -> Who {
    Who { user: "ada".into(), host: host.into(), pid, version: "0.1.0".into() }
}

fn store() -> (tempfile::TempDir, LocalStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::of(folder.path(), "web", None);
    (folder, store)
}

async fn locked(store: &LocalStore) -> Lock {
    store.lock("apply", Duration::ZERO, &who("here", 1)).await.unwrap().0
}

fn eip(name: &str) -> Address {
    Address::managed("aws_eip", name)
}

fn instance(id: &str) -> Instance {
    Instance::new(AWS, 0, Value::object([("id", Value::from(id)), ("secret", Value::from(format!("s3cr3t-{id}")).sensitive())]))
}

fn saved(name: &str, id: &str) -> Event {
    Event::Saved { address: eip(name), instance: Box::new(instance(id)) }
}

fn intent(name: &str, action: Action) -> Event {
    Event::Intent(Intent {
        address: eip(name),
        action,
        provider: AWS.into(),
        token: format!("token-{name}"),
        deposed: None,
        wanted: crate::words::Value::Null,
        dependencies: vec!["aws_vpc.main[0]".parse().unwrap()],
        create_before_destroy: false,
    })
}

fn created(name: &str, id: &str) -> Event {
    Event::Created { address: eip(name), id: id.into(), token: format!("token-{name}") }
}

/// One of each, as an apply would append them.
fn script() -> Vec<Event> {
    vec![
        intent("a", Action::Create),
        created("a", "eip-a"),
        saved("a", "eip-a"),
        intent("b", Action::Create),
        Event::Failed { address: eip("b"), deposed: None, error: "no more addresses".into() },
        Event::Deposed { address: eip("a"), key: "00000001".into() },
        intent("a", Action::Create),
        created("a", "eip-a2"),
        saved("a", "eip-a2"),
        Event::Deleted { address: eip("a"), deposed: Some("00000001".into()) },
        saved("c", "eip-c"),
        Event::Moved { from: eip("c"), to: eip("d") },
        intent("d", Action::Delete),
        Event::Deleted { address: eip("d"), deposed: None },
        Event::Outputs(
            [
                ("ip".to_owned(), super::Output { value: Value::from("192.0.2.1"), sensitive: false }),
                ("password".to_owned(), super::Output { value: Value::from("s3cr3t-output"), sensitive: true }),
            ]
            .into(),
        ),
        Event::Checks(serde_json::json!([])),
        intent("e", Action::Create),
        created("e", "eip-e"),
        intent("f", Action::Create),
    ]
}

fn fresh() -> State {
    State::new("11111111-2222-3333-4444-555555555555")
}
