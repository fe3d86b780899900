use std::fs;
use std::time::Duration;

use super::{locked, store, who};
use crate::state::LockInfo;

#[tokio::test]
async fn the_second_is_told_who_the_first_is() {
    let (_folder, store) = store();
    let lock = locked(&store).await;
    let error = store.lock("plan", Duration::from_millis(120), &who("here", 2)).await.unwrap_err().to_string();
    for word in ["ada@here", "operation: apply", "process: 1", "since", "force-unlock", "--lock-timeout", &lock.info().id] {
        assert!(error.contains(word), "{word} is missing: {error}");
    }
    let error = store.force_unlock(&lock.info().id).unwrap_err().to_string();
    assert!(error.contains("alive"), "{error}");
    drop(lock);
    assert!(!store.lock_path().exists());
    assert!(store.lock("apply", Duration::ZERO, &who("here", 2)).await.unwrap().1.is_none());
}

#[tokio::test]
async fn whoever_waits_gets_it_when_it_is_free() {
    let (_folder, store) = store();
    let lock = locked(&store).await;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.lock("plan", Duration::from_secs(20), &who("here", 2)).await.map(|(lock, _)| lock.info().pid) }
    });
    tokio::task::yield_now().await;
    drop(lock);
    assert_eq!(waiting.await.unwrap().unwrap(), 2);
}

/// The lock file of a holder that is gone.
async fn left(host: &str, expires: &str) -> (tempfile::TempDir, crate::state::LocalStore, LockInfo) {
    let (folder, store) = store();
    let mut info = locked(&store).await.info();
    info.host = host.into();
    info.expires = expires.into();
    fs::write(store.lock_path(), serde_json::to_string(&info).unwrap()).unwrap();
    (folder, store, info)
}

#[tokio::test]
async fn a_dead_holder_on_this_machine_holds_nothing_whatever_the_clock_says() {
    let (_folder, store, info) = left("here", "2099-01-01T00:00:00Z").await;
    let (lock, taken) = store.lock("apply", Duration::ZERO, &who("here", 2)).await.unwrap();
    assert!(taken.unwrap().note().contains(&info.who));
    lock.check().unwrap();
    fs::remove_file(store.lock_path()).unwrap();
    assert!(lock.check().unwrap_err().to_string().contains("taken away"));
}

#[tokio::test]
async fn another_machines_lock_is_respected_until_somebody_says_otherwise() {
    for (expires, words) in [("2099-01-01T00:00:00Z", "is locked from another host"), ("2001-01-01T00:00:00Z", "its lease has run out")] {
        let (_folder, store, info) = left("there", expires).await;
        let error = store.lock("apply", Duration::ZERO, &who("here", 2)).await.unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(&format!("force-unlock {}", info.id)), "{error}");
        assert!(store.force_unlock("wrong").unwrap_err().to_string().contains("another ID"));
        assert_eq!(store.force_unlock(&info.id).unwrap(), info);
        locked(&store).await;
    }
}

#[tokio::test]
async fn terraforms_own_lock_counts() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::state::LocalStore::new(folder.path().join("terraform.tfstate"));
    let theirs = folder.path().join(".terraform.tfstate.lock.info");
    let text = r#"{"ID":"abc","Operation":"OperationTypeApply","Info":"","Who":"eve@box","Version":"1.11.4","Created":"2026-01-01T00:00:00Z","Path":"terraform.tfstate"}"#;
    fs::write(&theirs, text).unwrap();
    let error = store.lock("apply", Duration::ZERO, &who("here", 2)).await.unwrap_err().to_string();
    assert!(error.contains("eve@box") && error.contains("force-unlock abc"), "{error}");
    store.force_unlock("abc").unwrap();
    locked(&store).await;
}

#[tokio::test]
async fn where_nothing_can_be_written_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state"), "").unwrap();
    let store = crate::state::LocalStore::of(folder.path(), "web", None);
    let error = store.lock("apply", Duration::ZERO, &who("here", 2)).await.unwrap_err().to_string();
    assert!(error.contains("can't make the folder"), "{error}");
    for (kind, words) in [
        (std::io::ErrorKind::StorageFull, "disk is full"),
        (std::io::ErrorKind::ReadOnlyFilesystem, "read-only"),
        (std::io::ErrorKind::PermissionDenied, "who may write"),
    ] {
        let told = crate::state::files::fault("write the state", store.path(), &kind.into()).to_string();
        assert!(told.contains(words) && told.contains("web.tfstate.json"), "{told}");
    }
}
