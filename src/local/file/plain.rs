//! `local_file`.

use super::{Mode, Sums, file_calls, with_sums};
use crate::local::{blocking, made_here, not_imported, remembered};
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource};

crate::blocks! {
    /// A file on this machine. A file that is there already is replaced; folders are made where they are missing and never removed.
    pub struct LocalFile {
        /// Where: a path from the current folder, or from the root; `~` is a name like any other.
        #[attr(force_new)]
        filename: String,
        /// The content, a text.
        #[attr(force_new)]
        content: Option<String>,
        /// The content in base64: for bytes that are no text.
        #[attr(force_new)]
        content_base64: Option<String>,
        /// A file to copy. What it holds counts, not only its path: when that changes, the file is written anew.
        #[attr(force_new)]
        source: Option<String>,
        /// The content, where it is not to be shown.
        #[attr(force_new, sensitive, deprecated("local_sensitive_file"))]
        sensitive_content: Option<String>,
        /// The file's permissions, less the umask.
        #[attr(force_new, default_text("0777"))]
        file_permission: Option<Mode>,
        /// The permissions of folders that have to be made for it, less the umask.
        #[attr(force_new, default_text("0777"))]
        directory_permission: Option<Mode>,
        /// The MD5 hash of the content, as hexadecimal digits.
        #[attr(computed)]
        content_md5: Option<String>,
        /// The SHA-1 hash of the content, as hexadecimal digits; also the id.
        #[attr(computed)]
        content_sha1: Option<String>,
        /// The SHA-256 hash of the content, as hexadecimal digits.
        #[attr(computed)]
        content_sha256: Option<String>,
        /// The SHA-512 hash of the content, as hexadecimal digits.
        #[attr(computed)]
        content_sha512: Option<String>,
        /// The SHA-256 hash of the content, in base64.
        #[attr(computed)]
        content_base64sha256: Option<String>,
        /// The SHA-512 hash of the content, in base64.
        #[attr(computed)]
        content_base64sha512: Option<String>,
    }
}

impl LocalFile {
    with_sums!();
}

impl Resource for LocalFile {
    const TYPE: &'static str = "local_file";
    const EXAMPLE: &'static str = r#"
[resource.local_file.example]
filename = "${path.module}/inventory/hosts.txt"
content = "10.0.0.1 gateway\n"
file_permission = "0644"
---
[resource.local_file.example]
filename = "${path.module}/inventory/hosts.txt"
content = "10.0.0.1 gateway\n"
file_permission = "0644"
"#;

    file_calls!(
        |v| v.content.as_deref().or(v.sensitive_content.as_deref()),
        "0777",
        &["content", "content_base64", "source", "sensitive_content"]
    );
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::local::tests::{made, read, with};
    use crate::words::schema::Block;

    fn file(path: &Path) -> LocalFile {
        LocalFile {
            filename: path.to_str().unwrap().into(),
            content: Some("hello\n".into()),
            content_base64: None,
            source: None,
            sensitive_content: None,
            file_permission: Some("0640".into()),
            directory_permission: Some("0750".into()),
            content_md5: None,
            content_sha1: None,
            content_sha256: None,
            content_sha512: None,
            content_base64sha256: None,
            content_base64sha512: None,
        }
    }

    #[tokio::test]
    async fn a_file_is_written_with_its_folders_hashes_and_permissions() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/hello.txt");
        let live = made(file(&path)).await;
        assert_eq!(live.id, "f572d396fae9206628714fb2ce00f72e94f2258f");
        assert_eq!(live.value.content_md5.as_deref(), Some("b1946ac92492d2347c6235b4d2611184"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left of the writing");
    }

    #[tokio::test]
    async fn a_file_that_was_there_is_replaced_with_its_permissions_and_behind_its_link() {
        let root = tempfile::tempdir().unwrap();
        let (path, link) = (root.path().join("old"), root.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        made(file(&link)).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[tokio::test]
    async fn a_folder_is_not_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let failure = with(async |cx| file(root.path()).generate(cx, None).await.unwrap_err()).await;
        assert!(failure.message.contains("is a folder"), "{failure}");
    }

    #[tokio::test]
    async fn drift_is_seen() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("hello.txt");
        let live = made(file(&path)).await;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&live).await, Some(live.clone()), "a umask may take that");
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        assert_eq!(read(&live).await.unwrap().value.file_permission, Some(Mode::from("0666")));
        fs::write(&path, "other").unwrap();
        assert_eq!(read(&live).await, None, "another content is another file");
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&live).await, None);
    }

    #[tokio::test]
    async fn only_what_was_written_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("hello.txt");
        let live = made(file(&path)).await;
        fs::write(&path, "its successor").unwrap();
        with(async |cx| LocalFile::delete(cx, &live).await.unwrap()).await;
        assert!(path.exists());
        fs::write(&path, "hello\n").unwrap();
        for _ in 0..2 {
            with(async |cx| LocalFile::delete(cx, &live).await.unwrap()).await;
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn a_changed_source_replaces() {
        let root = tempfile::tempdir().unwrap();
        let (path, source) = (root.path().join("copy"), root.path().join("source"));
        fs::write(&source, [0, 159, 146, 150]).unwrap();
        let live = made(LocalFile { content: None, source: Some(source.to_str().unwrap().into()), ..file(&path) }).await;
        assert_eq!(fs::read(&path).unwrap(), [0, 159, 146, 150]);
        let value = crate::words::schema::Field::give(&live.value);
        let reasons = || {
            let mut want = value.clone();
            let mut planned = Planned::new(Some(&value), &mut want, &[]);
            LocalFile::plan(&mut planned);
            planned.replace
        };
        assert!(reasons().is_empty());
        fs::write(&source, "new").unwrap();
        assert_eq!(reasons(), ["content_sha1"]);
    }

    #[test]
    fn the_content_is_given_once() {
        let given = |names: &[&'static str]| Value::object(names.iter().map(|&name| (name, Value::from("x"))));
        let blame = |names| LocalFile::check(&given(names)).into_iter().map(|p| p.path).collect::<Vec<_>>();
        assert_eq!(blame(&["filename"]), [""]);
        assert_eq!(blame(&["content", "source"]), ["source"]);
        assert_eq!(blame(&["content_base64"]), ["content_base64"], "x is no base64");
        assert!(LocalFile::check(&Value::object([("content", Value::unknown())])).is_empty());
    }

    #[test]
    fn whatever_the_user_gives_replaces() {
        assert!(LocalFile::ATTRS.iter().all(|a| a.computed || a.force_new));
    }
}
