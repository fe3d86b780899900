//! The virtual environment and the layer: made once, and made again where they are half made.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sha2::{Digest, Sha256};

use super::{Step, failed};
use crate::words::{Diagnostic, Result};

/// The packages, by exact version.
const PINS: &[&str] = &["moto[server]==5.2.5"];

/// The layer: the program that starts the server, and the patches it loads.
const LAYER: &[(&str, &str)] = &[
    ("serve.py", include_str!("strict/serve.py")),
    ("accounts.py", include_str!("strict/accounts.py")),
    ("acm.py", include_str!("strict/acm.py")),
    ("cloudwatch_cbor.py", include_str!("strict/cloudwatch_cbor.py")),
    ("common.py", include_str!("strict/common.py")),
    ("dlm.py", include_str!("strict/dlm.py")),
    ("ec2_common.py", include_str!("strict/ec2_common.py")),
    ("ec2_endpoints.py", include_str!("strict/ec2_endpoints.py")),
    ("ec2_instances.py", include_str!("strict/ec2_instances.py")),
    ("ec2_nat.py", include_str!("strict/ec2_nat.py")),
    ("ec2_network.py", include_str!("strict/ec2_network.py")),
    ("ec2_states.py", include_str!("strict/ec2_states.py")),
    ("ec2_storage.py", include_str!("strict/ec2_storage.py")),
    ("ecs.py", include_str!("strict/ecs.py")),
    ("ec2_templates.py", include_str!("strict/ec2_templates.py")),
    ("ec2_vpc.py", include_str!("strict/ec2_vpc.py")),
    ("elb.py", include_str!("strict/elb.py")),
    ("errors.py", include_str!("strict/errors.py")),
    ("images.json", include_str!("strict/images.json")),
    ("images.py", include_str!("strict/images.py")),
    ("kms_keys.py", include_str!("strict/kms_keys.py")),
    ("s3_buckets.py", include_str!("strict/s3_buckets.py")),
    ("scaling.py", include_str!("strict/scaling.py")),
    ("services.py", include_str!("strict/services.py")),
    ("stores.py", include_str!("strict/stores.py")),
    ("trail.py", include_str!("strict/trail.py")),
];

/// moto needs this Python or a later one.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Asks for all that is needed at once, so that what is missing is told before anything is made.
const PROBE: &str = "import sys\nprint('%d.%d' % sys.version_info[:2])\nimport venv, ensurepip";

/// A short hash of the packages: another set of packages is another folder.
pub(super) fn pins() -> String {
    hash(PINS.iter().copied())
}

/// A short hash of the layer: a server of another layer is replaced.
pub(super) fn version() -> String {
    hash(LAYER.iter().flat_map(|(name, text)| [*name, *text]))
}

fn hash<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())[..12].to_owned()
}

/// Whether the environment is there and whole.
pub(super) fn installed(folder: &Path) -> bool {
    complete(folder).exists()
}

/// Written last: an environment without it was left half made.
fn complete(folder: &Path) -> PathBuf {
    folder.join("venv").join("complete")
}

fn python(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("venv").join("Scripts").join("python.exe") } else { folder.join("venv").join("bin").join("python") }
}

/// The environment's Python, after installing what is missing. The caller holds the lock.
pub(super) fn ready(folder: &Path, progress: &mut dyn FnMut(Step)) -> Result<PathBuf> {
    // A system upgrade may have taken away the Python that the environment was made of.
    if installed(folder) && python(folder).exists() {
        return Ok(python(folder));
    }
    progress(Step::Installing);
    probe()?;
    let venv = folder.join("venv");
    match fs::remove_dir_all(&venv) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", &venv, &error).into()),
        _ => {}
    }
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    if !made.status.success() {
        return Err(Diagnostic::error("the sandbox could not make a virtual environment with python3")
            .fact("reason", last_lines(&made))
            .help("on Debian and Ubuntu: apt install python3-venv")
            .into());
    }
    let installed = run(Command::new(python(folder)).args(["-m", "pip", "install", "--quiet", "--no-input"]).args(PINS))?;
    if !installed.status.success() {
        return Err(pip_failed(&installed).into());
    }
    let marker = complete(folder);
    fs::write(&marker, PINS.join("\n")).map_err(|e| failed("write", &marker, &e))?;
    Ok(python(folder))
}

fn probe() -> Result<()> {
    let output = run(Command::new("python3").args(["-c", PROBE]))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let parts = version.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    if parts.is_some_and(|parts: (u32, u32)| parts < OLDEST_PYTHON) {
        let (major, minor) = OLDEST_PYTHON;
        return Err(Diagnostic::error(format!("the sandbox needs Python {major}.{minor} or later, and python3 is {version}"))
            .help("install a later Python, and have it first in PATH as python3")
            .into());
    }
    if !output.status.success() {
        return Err(Diagnostic::error("the sandbox needs Python's venv module, which this python3 does not have")
            .fact("reason", last_lines(&output))
            .help("on Debian and Ubuntu: apt install python3-venv")
            .into());
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<Output> {
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").stdin(Stdio::null()).output().map_err(|error| {
        let diagnostic = if error.kind() == ErrorKind::NotFound {
            Diagnostic::error("the sandbox needs python3, which was not found")
                .help("Debian and Ubuntu: apt install python3 python3-venv; Fedora: dnf install python3; macOS: brew install python")
                .help("without the sandbox nothing of this is needed")
        } else {
            Diagnostic::error("the sandbox could not run python3").fact("reason", error.to_string())
        };
        diagnostic.into()
    })
}

fn pip_failed(output: &Output) -> Diagnostic {
    let said = String::from_utf8_lossy(&output.stderr);
    let offline = ["NewConnectionError", "name resolution", "Network is unreachable", "Connection refused", "ConnectTimeout", "ProxyError"];
    if offline.iter().any(|word| said.contains(word)) {
        return Diagnostic::error(format!("the sandbox could not download {}: the package index was not reached", PINS.join(", ")))
            .fact("reason", last_lines(output))
            .help("connect once; after that the sandbox works without a network")
            .help("behind a proxy or with a mirror: set it up for pip (pip config set global.index-url URL)");
    }
    Diagnostic::error(format!("the sandbox could not install {}", PINS.join(", "))).fact("reason", last_lines(output))
}

/// The end of what the program said: pip gives the reason last.
fn last_lines(output: &Output) -> String {
    let said = [&output.stderr[..], &output.stdout[..]].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

/// Writes the layer where it is missing, and gives the program that starts the server.
pub(super) fn layer(folder: &Path) -> Result<PathBuf> {
    let layer = folder.join(format!("strict-{}", version()));
    if !layer.is_dir() {
        // Made aside and renamed, so that nobody runs half of it; each by itself, since threads of one process may meet here.
        let made = folder.join(format!("strict-{}.{}", version(), uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&made).map_err(|e| failed("make", &made, &e))?;
        for (name, text) in LAYER {
            let path = made.join(name);
            fs::write(&path, text).map_err(|e| failed("write", &path, &e))?;
        }
        if fs::rename(&made, &layer).is_err() && !layer.is_dir() {
            return Err(Diagnostic::error(format!("the sandbox could not make {}", layer.display())).into());
        }
        let _ = fs::remove_dir_all(&made);
    }
    Ok(layer.join("serve.py"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> Output {
        Output { status: std::process::ExitStatus::default(), stdout: vec![], stderr: words.as_bytes().to_vec() }
    }

    #[test]
    fn a_missing_network_is_told_from_other_failures() {
        let offline = pip_failed(&said("WARNING: Retrying\n NewConnectionError: failed\nERROR: No matching distribution found\n"));
        assert!(offline.summary.contains("was not reached"), "{offline}");
        let other = pip_failed(&said("error: externally-managed-environment"));
        assert!(other.to_string().contains("externally-managed"), "{other}");
    }

    #[test]
    fn the_layer_is_written_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let ask = || layer(folder.path());
        std::thread::scope(|scope| {
            let together: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            assert!(together.into_iter().all(|one| one.join().unwrap().is_ok()));
        });
        let serve = ask().unwrap();
        let names = fs::read_dir(serve.parent().unwrap()).unwrap().count();
        assert_eq!(names, LAYER.len());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
