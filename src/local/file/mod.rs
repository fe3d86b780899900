//! Files on this machine: what `local_file` and `local_sensitive_file` share.

pub(super) mod plain;
pub(super) mod secret;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::local::hex;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Planned, Problem};

crate::text! {
    /// A file's permissions as octal digits, `0644`.
    pub Mode, "octal permissions", |text| bits(text).map(|_| text.to_owned()).ok_or_else(|| "three or four octal digits, such as 0644".to_owned()),
    |a, b| bits(a) == bits(b)
}

fn bits(text: &str) -> Option<u32> {
    let digits = matches!(text.len(), 3 | 4) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    digits.then(|| u32::from_str_radix(text, 8).ok()).flatten()
}

impl Mode {
    fn bits(&self) -> Outcome<u32> {
        bits(self).ok_or_else(|| Failure::other(format!("`{}` are no permissions: give three or four octal digits, such as 0644", self.0)))
    }

    /// What the file has, unless that is this mode less what a umask takes from group and others. So a file that someone with
    /// another umask wrote is no difference.
    fn or_actual(&self, actual: u32) -> Self {
        let Some(want) = bits(self) else { return self.clone() };
        let taken = want & !actual;
        if actual & !want == 0 && taken & !0o077 == 0 { self.clone() } else { Self(format!("{actual:04o}")) }
    }
}

/// The hashes of a content.
pub(super) struct Sums {
    md5: String,
    sha1: String,
    sha256: String,
    sha512: String,
    base64sha256: String,
    base64sha512: String,
}

impl Sums {
    fn of(bytes: &[u8]) -> Self {
        let (sha256, sha512) = (Sha256::digest(bytes), Sha512::digest(bytes));
        Self {
            md5: hex(Md5::digest(bytes)),
            sha1: hex(Sha1::digest(bytes)),
            base64sha256: BASE64_STANDARD.encode(sha256),
            base64sha512: BASE64_STANDARD.encode(sha512),
            sha256: hex(sha256),
            sha512: hex(sha512),
        }
    }

    /// By the names of the attributes that hold them.
    fn named(self) -> [(&'static str, String); 6] {
        [
            ("content_md5", self.md5),
            ("content_sha1", self.sha1),
            ("content_sha256", self.sha256),
            ("content_sha512", self.sha512),
            ("content_base64sha256", self.base64sha256),
            ("content_base64sha512", self.base64sha512),
        ]
    }
}

fn failed<'a>(what: &'a str, path: &'a Path) -> impl Fn(io::Error) -> Failure + 'a {
    move |e| Failure::other(format!("{} cannot be {what}: {e}", path.display()))
}

/// What is to be in the file; of the three, one is given.
fn contents(text: Option<&str>, base64: Option<&str>, source: Option<&str>) -> Outcome<Vec<u8>> {
    match (text, base64, source) {
        (Some(text), None, None) => Ok(text.into()),
        (None, Some(text), None) => BASE64_STANDARD.decode(text).map_err(|e| Failure::other(format!("content_base64 is no base64: {e}"))),
        (None, None, Some(path)) => fs::read(path).map_err(failed("read", Path::new(path))),
        _ => Err(Failure::other("a file needs exactly one of content, content_base64 and source")),
    }
}

/// Writes a file: whole or not at all, in place of what is there, with its folders. Permissions are less the umask, as for every new file.
fn write(path: &str, bytes: &[u8], mode: &Mode, folders: &Mode) -> Outcome<()> {
    let path = target(path)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    DirBuilder::new().recursive(true).mode(folders.bits()?).create(&folder).map_err(failed("made", &folder))?;
    let failed = failed("written", &path);
    let mut file = tempfile::Builder::new()
        .prefix(".ferroform-")
        .permissions(Permissions::from_mode(mode.bits()?))
        .tempfile_in(&folder)
        .map_err(&failed)?;
    file.write_all(bytes).map_err(&failed)?;
    file.as_file().sync_all().map_err(&failed)?;
    file.persist(&path).map_err(|e| failed(e.error))?;
    // The rename, too, must outlive a crash; a file system that can't sync a folder has done what it can.
    let _ = File::open(&folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// The file to replace: behind a link, what the link points to.
fn target(path: &str) -> Outcome<PathBuf> {
    let given = PathBuf::from(path);
    match fs::metadata(&given) {
        Ok(there) if there.is_dir() => Err(Failure::other(format!("{path} is a folder, so no file can be written there"))),
        Ok(there) if !there.is_file() => Err(Failure::other(format!("{path} is no regular file, so it cannot be replaced"))),
        Ok(_) => fs::canonicalize(&given).map_err(failed("found", &given)),
        Err(_) => Ok(given),
    }
}

/// A regular file that is there.
struct There {
    bytes: Vec<u8>,
    mode: u32,
}

impl There {
    /// None where there is no such file.
    fn at(path: &str) -> Outcome<Option<Self>> {
        let failed = failed("read", Path::new(path));
        match fs::metadata(path) {
            Ok(file) if file.is_file() => {
                let bytes = fs::read(path).map_err(failed)?;
                Ok(Some(Self { bytes, mode: file.permissions().mode() & 0o7777 }))
            }
            Ok(_) => Ok(None),
            Err(e) if missing(&e) => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }

    /// None where there is no such file, or one whose content somebody changed.
    fn unchanged(path: &str, sha1: &str) -> Outcome<Option<Self>> {
        Ok(Self::at(path)?.filter(|there| hex(Sha1::digest(&there.bytes)) == sha1))
    }
}

fn missing(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Removes the file, unless it holds something else by now: the content of its successor, when that is made first.
fn remove(path: &str, sha1: &str) -> Outcome<()> {
    if There::unchanged(path, sha1)?.is_none() {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(e) if !missing(&e) => Err(failed("removed", Path::new(path))(e)),
        _ => Ok(()),
    }
}

/// That exactly one of `ways` is given, and that base64 is base64.
fn check(given: &Value, ways: &[&str]) -> Vec<Problem> {
    let mut problems = vec![];
    let said: Vec<_> = ways.iter().filter(|way| !given.attr(way).is_null()).collect();
    let list = ways.join(", ");
    match said.as_slice() {
        [] => problems.push(Problem::new("", format!("says nothing of the file's content: give one of {list}"))),
        [_] => {}
        [_, second, ..] => problems.push(Problem::new(**second, format!("gives the content twice: only one of {list} may be given"))),
    }
    if given.attr("content_base64").as_str().is_some_and(|text| BASE64_STANDARD.decode(text).is_err()) {
        problems.push(Problem::new("content_base64", "is no base64"));
    }
    for file in ["filename", "source"] {
        if given.attr(file).as_str() == Some("") {
            problems.push(Problem::new(file, "must name a file"));
        }
    }
    problems
}

/// A source whose content is not what the file was made of makes a new file, although its path is the same.
fn plan(planned: &mut Planned<'_>) {
    let Some(prior) = planned.prior else { return };
    let Some(was) = prior.attr("content_sha1").as_str() else { return };
    let Some(bytes) = planned.want.attr("source").as_str().and_then(|source| fs::read(source).ok()) else { return };
    let sums = Sums::of(&bytes);
    if sums.sha1 != was {
        for (name, sum) in sums.named() {
            *planned.want = std::mem::take(planned.want).with(name, sum.into());
        }
        planned.replace.push("content_sha1".into());
    }
}

/// The calls of both types, which differ in their attributes alone. `$text` gives the content as the user wrote it.
macro_rules! file_calls {
    ($text:expr, $mode:literal, $ways:expr) => {
        made_here!();
        not_imported!();

        async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, _have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
            let want = self.clone();
            blocking(move || {
                let text: fn(&Self) -> Option<&str> = $text;
                let bytes = super::contents(text(&want), want.content_base64.as_deref(), want.source.as_deref())?;
                let or = |mode: &Option<Mode>| mode.clone().unwrap_or_else(|| Mode::from($mode));
                super::write(&want.filename, &bytes, &or(&want.file_permission), &or(&want.directory_permission))?;
                let sums = Sums::of(&bytes);
                Ok(Live { id: sums.sha1.clone(), value: want.with(sums) })
            })
            .await
        }

        async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
            let known = remembered(known);
            blocking(move || {
                let mut live = vec![];
                for Live { id, mut value } in known {
                    let Some(there) = super::There::unchanged(&value.filename, &id)? else { continue };
                    value.file_permission = value.file_permission.map(|mode| mode.or_actual(there.mode));
                    live.push(Live { id, value: value.with(Sums::of(&there.bytes)) });
                }
                Ok(live)
            })
            .await
        }

        async fn delete(_cx: &Cx<'_, Self::Cloud>, live: &Live<Self>) -> Outcome<()> {
            let (path, sum) = (live.value.filename.clone(), live.id.clone());
            blocking(move || super::remove(&path, &sum)).await
        }

        fn check(given: &Value) -> Vec<Problem> {
            super::check(given, $ways)
        }
        fn plan(planned: &mut Planned<'_>) {
            super::plan(planned);
        }
    };
}

/// The same with the hashes of its content.
macro_rules! with_sums {
    () => {
        fn with(self, sums: Sums) -> Self {
            Self {
                content_md5: Some(sums.md5),
                content_sha1: Some(sums.sha1),
                content_sha256: Some(sums.sha256),
                content_sha512: Some(sums.sha512),
                content_base64sha256: Some(sums.base64sha256),
                content_base64sha512: Some(sums.base64sha512),
                ..self
            }
        }
    };
}

use {file_calls, with_sums};
