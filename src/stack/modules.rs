//! Where the files of a module are: in a folder beside, or in a git repository.

use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::files::{Files, normal};
use super::syntax::Call;
use crate::words::{Diagnostic, Result};

/// The directory of the module that is called from a module in `from`; relative to that of the stack, or absolute.
pub(super) fn locate(call: &Call, from: &str, files: &Files) -> Result<String> {
    let source = &*call.source;
    if source.starts_with("./") || source.starts_with("../") || source == "." || source == ".." {
        if call.versioned {
            let error = Diagnostic::error(format!("module `{}` is in a folder, and has a `version`", call.name));
            return Err(error.at(&call.source_span, "a folder has no versions").help("take `version` away").into());
        }
        return Ok(normal(&format!("{from}/{source}")));
    }
    if let Some(remote) = Remote::of(source) {
        let dir = files.fetched(source, |cache| remote.fetch(cache)).map_err(|errors| {
            let why = errors.0.into_iter().next().map_or_else(String::new, |e| e.summary);
            let error = Diagnostic::error(format!("the module `{}` can't be fetched: {why}", call.name)).at(&call.source_span, "from here");
            error.help("check the address and the `ref`, and whether `git` may read the repository")
        })?;
        return Ok(normal(&format!("{dir}/{}", remote.folder)));
    }
    let error = |what: &str| Diagnostic::error(format!("module `{}` {what}: `{source}`", call.name)).at(&call.source_span, "not supported");
    if registry(source) || call.versioned {
        let error = error("comes from a registry");
        let help = "name the git repository that it is made of, \"git::https://HOST/REPOSITORY.git//FOLDER?ref=TAG\"";
        return Err(error.help(help).help("or put its files into a folder beside the stack, \"./modules/NAME\"").into());
    }
    let error = error("has a source that can't be read from");
    Err(error
        .help("sources are folders, \"./modules/NAME\", and git repositories, \"git::https://HOST/REPOSITORY.git//FOLDER?ref=TAG\"")
        .into())
}

/// `hashicorp/consul/aws`, perhaps after a host.
fn registry(source: &str) -> bool {
    let parts: Vec<&str> = source.split("//").next().unwrap_or_default().split('/').collect();
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    matches!(parts.len(), 3 | 4) && parts.iter().all(plain)
}

/// A git repository, and a folder in it.
#[derive(Debug, PartialEq, Eq)]
struct Remote {
    url: String,
    folder: String,
    reference: Option<String>,
}

impl Remote {
    /// What `git::…`, `github.com/…` and `git@…` mean.
    fn of(source: &str) -> Option<Self> {
        let (address, query) = source.split_once('?').map_or((source, ""), |(address, query)| (address, query));
        let known = [("github.com/", 2), ("gitlab.com/", 2), ("bitbucket.org/", 2)];
        let address = match address.strip_prefix("git::") {
            Some(address) => address.to_owned(),
            None if address.starts_with("git@") => address.to_owned(),
            None => {
                let (_, parts) = known.into_iter().find(|(host, _)| address.starts_with(host))?;
                let cut = address.match_indices('/').nth(parts).map_or(address.len(), |(at, _)| at);
                let (repository, folder) = address.split_at(cut);
                let folder = folder.trim_start_matches('/');
                format!("https://{}.git//{folder}", repository.trim_end_matches(".git"))
            }
        };
        let scheme = address.find("://").map_or(0, |at| at + 3);
        let (url, folder) =
            address[scheme..].find("//").map_or((&*address, ""), |at| (&address[..scheme + at], &address[scheme + at + 2..]));
        let reference = query.split('&').find_map(|part| part.strip_prefix("ref=")).filter(|r| !r.is_empty()).map(str::to_owned);
        Some(Self { url: url.to_owned(), folder: folder.trim_matches('/').to_owned(), reference })
    }

    /// The folder with what the repository holds; fetched unless it is there.
    fn fetch(&self, cache: &Path) -> Result<String> {
        let bad = |why: String| Diagnostic::error(why);
        let reference = self.reference.as_deref().unwrap_or("HEAD");
        if reference.starts_with('-') || self.url.starts_with('-') {
            return Err(bad(format!("`{reference}` of `{}` is no ref", self.url)).into());
        }
        let digest = Sha256::digest(format!("{}\n{reference}", self.url));
        let name: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let dir = cache.join("modules").join(name);
        if !dir.is_dir() {
            // Made aside, so that what is there is always whole.
            let io = |e: std::io::Error| bad(format!("{} can't be written: {e}", dir.display()));
            std::fs::create_dir_all(cache.join("modules")).map_err(io)?;
            let made = tempfile::tempdir_in(cache.join("modules")).map_err(io)?;
            git(made.path(), &["init", "--quiet"])?;
            let one = git(made.path(), &["fetch", "--quiet", "--depth=1", "--", &self.url, reference]);
            if one.is_err() {
                // A commit by its hash is not given out alone by every server.
                git(made.path(), &["fetch", "--quiet", "--tags", "--", &self.url, "+refs/heads/*:refs/remotes/origin/*"])?;
                git(made.path(), &["checkout", "--quiet", reference]).or(one)?;
            } else {
                git(made.path(), &["checkout", "--quiet", "FETCH_HEAD"])?;
            }
            match std::fs::rename(made.path(), &dir) {
                Ok(()) => drop(made.keep()),
                // Somebody else was faster.
                Err(_) if dir.is_dir() => {}
                Err(e) => return Err(io(e).into()),
            }
        }
        Ok(dir.to_string_lossy().into_owned())
    }
}

fn git(dir: &Path, args: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env("GIT_TERMINAL_PROMPT", "0").stdin(std::process::Stdio::null());
    // Of the repository that the stack may lie in nothing holds here.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let output = command.output().map_err(|e| Diagnostic::error(format!("`git` can't be run: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| line.contains("fatal:") || line.contains("error:")).unwrap_or(said.trim());
    Err(Diagnostic::error(format!("git: {}", line.trim_start_matches("fatal: "))).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_repositories_are_read() {
        let read = |source: &str| {
            Remote::of(source).map(|r| format!("{} {} {}", r.url, r.folder, r.reference.unwrap_or_default())).unwrap_or_default()
        };
        for (source, wanted) in [
            ("git::https://h/x/r.git//a/b?ref=v1", "https://h/x/r.git a/b v1"),
            ("git::https://h/r.git", "https://h/r.git  "),
            ("git::ssh://git@h/r.git//m?depth=1&ref=x", "ssh://git@h/r.git m x"),
            ("git@github.com:o/r.git//m", "git@github.com:o/r.git m "),
            ("github.com/o/r//m?ref=v2", "https://github.com/o/r.git m v2"),
            ("github.com/o/r", "https://github.com/o/r.git  "),
            ("hashicorp/consul/aws", ""),
            ("https://h/x.zip", ""),
        ] {
            assert_eq!(read(source), wanted, "{source}");
        }
    }
}
