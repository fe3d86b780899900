//! `local_sensitive_file`.

use super::{Mode, Sums, file_calls, with_sums};
use crate::local::{blocking, made_here, not_imported, remembered};
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource};

crate::blocks! {
    /// A file on this machine whose content is not shown, readable by its owner alone. The content is kept in the state.
    pub struct LocalSensitiveFile {
        /// Where: a path from the current folder, or from the root; `~` is a name like any other.
        #[attr(force_new)]
        filename: String,
        /// The content, a text.
        #[attr(force_new, sensitive)]
        content: Option<String>,
        /// The content in base64: for bytes that are no text.
        #[attr(force_new, sensitive)]
        content_base64: Option<String>,
        /// A file to copy. What it holds counts, not only its path: when that changes, the file is written anew.
        #[attr(force_new)]
        source: Option<String>,
        /// The file's permissions, less the umask.
        #[attr(force_new, default_text("0700"))]
        file_permission: Option<Mode>,
        /// The permissions of folders that have to be made for it, less the umask.
        #[attr(force_new, default_text("0700"))]
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

impl LocalSensitiveFile {
    with_sums!();
}

impl Resource for LocalSensitiveFile {
    const TYPE: &'static str = "local_sensitive_file";
    const EXAMPLE: &'static str = r#"
[resource.local_sensitive_file.example]
filename = "${path.module}/keys/id_ed25519"
content = "not for everyone\n"
file_permission = "0600"
---
[resource.local_sensitive_file.example]
filename = "${path.module}/keys/id_ed25519"
content = "not for everyone\n"
file_permission = "0600"
"#;

    file_calls!(|v| v.content.as_deref(), "0700", &["content", "content_base64", "source"]);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::local::tests::made;
    use crate::words::schema::Block;

    #[tokio::test]
    async fn it_is_written_for_its_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("keys/key");
        let want = LocalSensitiveFile {
            filename: path.to_str().unwrap().into(),
            content: None,
            content_base64: Some("aGVsbG8K".into()),
            source: None,
            file_permission: None,
            directory_permission: None,
            content_md5: None,
            content_sha1: None,
            content_sha256: None,
            content_sha512: None,
            content_base64sha256: None,
            content_base64sha512: None,
        };
        assert_eq!(made(want).await.id, "f572d396fae9206628714fb2ce00f72e94f2258f");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o700, 0o700));
    }

    #[test]
    fn its_content_is_secret() {
        assert!(LocalSensitiveFile::ATTRS.iter().all(|a| a.sensitive == ["content", "content_base64"].contains(&a.name)));
    }
}
