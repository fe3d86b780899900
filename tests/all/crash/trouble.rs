//! What goes wrong around the state: no room, no permission, no folder, other times, other runs. Each is told, and nothing is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use super::kill::{Deed, Ended, Trap};
use super::points::{Point, Within};
use super::{Case, good};
use crate::support::project::Said;
use crate::support::sandbox::cloud;

fn in_call(action: &str, within: Within) -> Option<Point> {
    Some(Point::Call { action: action.into(), nth: 1, within })
}

fn tells(said: &Said, words: &[&str]) {
    let flat = said.flat();
    for word in words {
        assert!(flat.contains(word), "`{word}` is missing in:\n{}{}", said.out, said.err);
    }
    assert!(!flat.contains("panicked"), "{}", said.err);
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    tells(said, words);
}

/// The command behind another program, which gets it as its last arguments.
fn behind(program: &str, args: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(args).arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(command.get_current_dir().unwrap()).stdin(std::process::Stdio::null());
    outer
}

/// Applies or destroys, and does that at the point; the program gets an error, not a signal, where a file may not grow.
fn disturbed(case: &Case, command: &str, point: Option<Point>, deed: impl FnOnce(u32) + Send + 'static) -> Ended {
    let trap = Trap::new(case.project.journal_path(), &case.project.cloud.endpoint, point, Deed::Do(Box::new(deed)));
    let through = case.project.cloud.through(trap.proxy.endpoint());
    let run = case.project.command(&through, command, &["--auto-approve"]);
    let ended = trap.run(behind("sh", &["-c", "trap '' 25; exec \"$@\"", "sh"], &run));
    assert!(ended.struck, "{}", ended.said.err);
    ended
}

/// Where the state was brought to safety.
fn rescued(case: &Case, said: &Said) -> PathBuf {
    let names = fs::read_dir(case.project.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("rescued-")).collect();
    let [path] = &found[..] else { panic!("{found:?}: {}", said.err) };
    let flat = said.flat().replace(' ', "");
    assert!(flat.contains(&format!("ferroform--stackstacks/gateway-nodestatepush{}", path.display())), "{}", said.err);
    path.clone()
}

fn push(case: &Case, file: &Path) {
    let run = case.project.bare(&case.project.cloud, &["--stack", "stacks/gateway-node", "state", "push"]).arg(file).output().unwrap();
    good(&Said::of(&run), "state push").unwrap();
}

/// The command once more, and all is as it should be.
fn ends_well(case: &Case, command: &str) {
    good(&case.project.run(command, &["--auto-approve"]), command).unwrap();
    if command == "apply" { case.is_applied() } else { case.is_gone() }.unwrap();
}

/// From now on no file of the process grows beyond that: as on a full disk, a write fails in the middle of the run.
#[cfg(target_os = "linux")]
fn no_room(pid: u32, bytes: u64) {
    let limit = Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--fsize={bytes}:{bytes}")]).status().unwrap();
    assert!(limit.success());
}

#[test]
#[cfg(target_os = "linux")]
fn no_room_midway() {
    let case = Case::new(cloud());
    // As it is told to do: what could not be written comes back from where it was kept.
    let journal = case.project.journal_path();
    let full = disturbed(&case, "apply", in_call("RunInstances", Within::After), move |pid| {
        no_room(pid, fs::metadata(journal).unwrap().len());
    });
    let words = ["can't write to the journal", "ulimit -f", "the state is safe in", "Not all that was done is in the state file"];
    refused(&full.said, &words);
    push(&case, &rescued(&case, &full.said));
    ends_well(&case, "apply");
    // Not even that, and nobody brings anything back.
    let again = Case::new(cloud());
    for (case, command, action) in [(&case, "destroy", "TerminateInstances"), (&again, "apply", "AllocateAddress")] {
        let full = disturbed(case, command, in_call(action, Within::After), |pid| no_room(pid, 64));
        refused(&full.said, &["can't write to the journal", "nor in", "all that was begun is in the journal"]);
        ends_well(case, command);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_room_at_the_end() {
    let case = Case::new(cloud());
    let full = disturbed(&case, "apply", Some(Point::Event("end".into())), |pid| no_room(pid, 64));
    // It may have come through just before.
    if full.said.code != 0 {
        refused(&full.said, &["nothing is lost: what was done is in the journal"]);
    }
    ends_well(&case, "apply");
}

#[test]
fn a_state_folder_that_is_removed_midway() {
    let case = Case::new(cloud());
    for (command, action) in [("apply", "RunInstances"), ("destroy", "TerminateInstances")] {
        let folder = case.project.folder.path().join("state");
        let torn = disturbed(&case, command, in_call(action, Within::After), move |_| fs::remove_dir_all(folder).unwrap());
        refused(&torn.said, &["it was removed while in use", "the state is safe in", "the folder is gone: was it moved or removed"]);
        let file = rescued(&case, &torn.said);
        push(&case, &file);
        fs::remove_file(file).unwrap();
        ends_well(&case, command);
    }
}

/// Root may write anywhere; without those two rights it is as others are.
fn as_anybody(command: &Command) -> Command {
    let locked = tempfile::tempdir().unwrap();
    fs::set_permissions(locked.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(locked.path().join("probe"), "").is_err() {
        return behind("env", &[], command);
    }
    let less = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"];
    let probe = locked.path().join("probe2");
    let mut touch = Command::new("touch");
    touch.arg(&probe).current_dir("/");
    let touched = behind("setpriv", &less, &touch).output().expect("setpriv, of util-linux");
    assert!(!touched.status.success() && !probe.exists(), "nobody can be kept from writing here: {touched:?}");
    behind("setpriv", &less, command)
}

struct Writable(PathBuf);

impl Writable {
    fn set(&self, mode: u32) {
        fs::set_permissions(&self.0, fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Writable {
    fn drop(&mut self) {
        self.set(0o700);
    }
}

#[test]
fn a_state_folder_that_nobody_may_write_to() {
    let case = Case::new(cloud());
    let run = |command: &str, more: &[&str]| -> Said {
        let output: Output = as_anybody(&case.project.command(&case.project.cloud, command, more)).output().unwrap();
        Said::of(&output)
    };
    let folder = Writable(case.project.folder.path().join("state"));
    fs::create_dir(&folder.0).unwrap();
    folder.set(0o500);
    refused(&run("apply", &["--auto-approve"]), &["can't lock the state with", "permission denied", "who may write there"]);
    assert!(case.things().is_empty(), "nothing was made");
    good(&run("plan", &[]), "a plan writes nothing, so it").unwrap();

    // While it runs: the journal is open, the new state finds no place.
    folder.set(0o700);
    let path = folder.0.clone();
    let deed = move |_: u32| fs::set_permissions(path, fs::Permissions::from_mode(0o500)).unwrap();
    let point = in_call("RunInstances", Within::After);
    let trap = Trap::new(case.project.journal_path(), &case.project.cloud.endpoint, point, Deed::Do(Box::new(deed)));
    let through = case.project.cloud.through(trap.proxy.endpoint());
    let ended = trap.run(as_anybody(&case.project.command(&through, "apply", &["--auto-approve"])));
    refused(&ended.said, &["can't write the state", "permission denied", "nothing is lost: what was done is in the journal"]);
    folder.set(0o700);
    ends_well(&case, "apply");
}

/// A run that was killed, with its lock and its journal.
fn dead() -> (Case, PathBuf) {
    let case = Case::new(cloud());
    let (_, ended) = case.strike("apply", in_call("AllocateAddress", Within::After));
    assert!(ended.struck);
    let lock = case.project.folder.path().join("state/gateway-node.tfstate.json.lock");
    (case, lock)
}

fn edit(path: &Path, what: impl Fn(&mut serde_json::Value)) {
    let mut json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    what(&mut json);
    fs::write(path, json.to_string()).unwrap();
}

#[test]
fn a_dead_process_holds_nothing_though_the_clock_jumped_back() {
    let (case, lock) = dead();
    // All that it left is from a time that is yet to come.
    edit(&lock, |info| {
        for name in ["Created", "Heartbeat", "Expires"] {
            info[name] = "2099-01-01T00:00:00Z".into();
        }
    });
    let future = SystemTime::now() + Duration::from_secs(10 * 365 * 86_400);
    for entry in fs::read_dir(lock.parent().unwrap()).unwrap() {
        fs::File::options().write(true).open(entry.unwrap().path()).unwrap().set_modified(future).unwrap();
    }
    let again = case.project.run("apply", &["--auto-approve"]);
    good(&again, "apply").unwrap();
    tells(&again, &["took over the lock of `apply`", "which ended without giving it back", "aws_eip.gateway was created"]);
    case.is_applied().unwrap();
}

#[test]
fn another_hosts_lock_is_respected_until_somebody_says_otherwise() {
    let (case, lock) = dead();
    for (expires, words) in [("2099-01-01T00:00:00Z", "is locked from another host"), ("2001-01-01T00:00:00Z", "its lease has run out")] {
        edit(&lock, |info| {
            info["Host"] = "elsewhere".into();
            info["Expires"] = expires.into();
        });
        let said = case.project.run("apply", &["--auto-approve"]);
        refused(&said, &[words, "host elsewhere", "ferroform force-unlock"]);
    }
    let info: serde_json::Value = serde_json::from_slice(&fs::read(&lock).unwrap()).unwrap();
    let args = ["--stack", "stacks/gateway-node", "force-unlock", info["ID"].as_str().unwrap(), "--force"];
    let forced = Said::of(&case.project.bare(&case.project.cloud, &args).output().unwrap());
    good(&forced, "force-unlock").unwrap();
    ends_well(&case, "apply");
}

#[test]
fn whoever_comes_while_an_apply_runs_is_told_and_does_no_harm() {
    let case = Case::new(cloud());
    let (held, hold) = mpsc::channel();
    let point = in_call("RunInstances", Within::Before);
    let trap = Trap::new(case.project.journal_path(), &case.project.cloud.endpoint, point, Deed::Hold(held));
    let through = case.project.cloud.through(trap.proxy.endpoint());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| trap.run(case.project.command(&through, "apply", &["--auto-approve"])));
        let go = hold.recv().unwrap();
        let second = case.project.run("apply", &["--auto-approve"]);
        refused(&second, &["is locked by another operation", "operation apply", "process", "--lock-timeout", "force-unlock"]);
        for command in ["destroy", "apply"] {
            assert_eq!(case.project.run(command, &["--auto-approve"]).code, 1);
        }
        let plan = case.project.run("plan", &[]);
        good(&plan, "plan").unwrap();
        tells(&plan, &["`apply` by", "is under way: what it does from now on is not in this plan"]);
        let third = scope.spawn(|| case.project.run("apply", &["--auto-approve", "--lock-timeout", "120s"]));
        drop(go);
        let first = first.join().unwrap();
        good(&first.said, "the first apply").unwrap();
        tells(&first.said, &["20 created"]);
        let third = third.join().unwrap();
        good(&third, "the one that waited").unwrap();
        tells(&third, &["No changes"]);
    });
    case.is_applied().unwrap();
}
