//! The server's process: starting it, asking how it is, stopping it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Running, failed, install, remove};
use crate::words::{Diagnostic, Result};

/// Loading moto takes two seconds on an idle machine, and far longer on a busy one.
const START: Duration = Duration::from_secs(90);
/// A loopback answer of a server that is alive.
const ANSWER: Duration = Duration::from_secs(5);
const STOP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A server that ends with the value, or with this process.
#[derive(Debug)]
pub struct Private {
    child: Child,
    running: Running,
}

impl Private {
    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.running.endpoint
    }

    /// Empties it.
    pub fn reset(&self) -> Result<()> {
        reset(&self.running)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server that outlives this process, and waits until it answers.
pub(super) fn start(python: &Path, serve: &Path, record: &Path, log: &Path) -> Result<Running> {
    remove(record)?;
    let mut child = spawn(python, serve, record, log, Stdio::null(), &["--detach"])?;
    await_record(&mut child, record, log)
}

/// Starts a server that ends when its standard input is closed: the pipe that this process holds.
pub(super) fn private(python: &Path, serve: &Path, folder: &Path) -> Result<Private> {
    let (record, log) = (folder.join("sandbox.json"), folder.join("sandbox.log"));
    remove(&record)?;
    let mut child = spawn(python, serve, &record, &log, Stdio::piped(), &["--with-parent"])?;
    let running = await_record(&mut child, &record, &log)?;
    Ok(Private { child, running })
}

fn spawn(python: &Path, serve: &Path, record: &Path, log: &Path, stdin: Stdio, more: &[&str]) -> Result<Child> {
    let out = File::create(log).map_err(|e| failed("write", log, &e))?;
    let err = out.try_clone().map_err(|e| failed("write", log, &e))?;
    Command::new(python)
        .arg(serve)
        .arg("--record")
        .arg(record)
        .arg("--version")
        .arg(install::version())
        .args(more)
        // What the user set for other programs would lead Python to other packages.
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .stdin(stdin)
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|e| failed("run", python, &e).into())
}

/// The record is written by the server once it listens; until then the process is there, or has given up.
fn await_record(child: &mut Child, record: &Path, log: &Path) -> Result<Running> {
    let deadline = Instant::now() + START;
    loop {
        if let Some(running) = running(record) {
            return Ok(running);
        }
        let ended = child.try_wait().ok().flatten();
        if ended.is_none() && Instant::now() < deadline {
            sleep(POLL);
            continue;
        }
        let _ = child.kill();
        let _ = child.wait();
        let why = ended.map_or_else(|| format!("it did not answer within {} s", START.as_secs()), |status| format!("it ended: {status}"));
        let log_text = fs::read_to_string(log).unwrap_or_default();
        let said = log_text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
        return Err(Diagnostic::error(format!("the sandbox did not start: {why}"))
            .fact("last words", said)
            .fact("log", log.display().to_string())
            .into());
    }
}

/// The server of that record, where it answers and is the one that the record is of.
pub(super) fn running(record: &Path) -> Option<Running> {
    let written: Running = serde_json::from_str(&fs::read_to_string(record).ok()?).ok()?;
    let answer: Running = serde_json::from_str(&ask(&written.endpoint, "GET", "/_sandbox", ANSWER).ok()?).ok()?;
    // A port is given to somebody else after its server ends.
    (answer.pid == written.pid && answer.endpoint == written.endpoint).then_some(answer)
}

/// Empties the server.
pub(super) fn reset(running: &Running) -> Result<()> {
    ask(&running.endpoint, "POST", "/_sandbox/reset", Duration::from_secs(30))
        .map_err(|error| Diagnostic::error("the sandbox was not reset").fact("reason", error.to_string()))?;
    Ok(())
}

/// Has the server end itself, and waits until its port is closed.
pub(super) fn stop(running: &Running, record: &Path) -> Result<()> {
    let deadline = Instant::now() + STOP;
    // The answer may be cut off by the end.
    let _ = ask(&running.endpoint, "POST", "/_sandbox/stop", ANSWER);
    while self::running(record).is_some() {
        if Instant::now() > deadline {
            return Err(Diagnostic::error("the sandbox does not stop")
                .fact("process", running.pid.to_string())
                .help(format!("end it by hand: kill {}", running.pid))
                .into());
        }
        sleep(POLL);
    }
    remove(record)
}

/// One request over a connection of its own, to our own server on loopback: the body of a good answer.
fn ask(endpoint: &str, method: &str, path: &str, timeout: Duration) -> io::Result<String> {
    let host = endpoint.strip_prefix("http://").unwrap_or(endpoint);
    let address: SocketAddr = host.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not an address"))?;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(1 << 20).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) == Some("200") {
        Ok(body.to_owned())
    } else {
        Err(io::Error::other(head.lines().next().unwrap_or("no answer").to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_server_that_is_gone_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("r.json");
        assert_eq!(running(&record), None);
        fs::write(&record, "{").unwrap();
        assert_eq!(running(&record), None);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let gone = format!(r#"{{"endpoint":"http://{free}","epoch":"a","pid":1,"started":1,"version":"x"}}"#);
        fs::write(&record, gone).unwrap();
        assert_eq!(running(&record), None);
    }
}
