//! What the history makes of runs.

use std::fs;
use std::path::Path;

use ferroform::watch::history::{Ending, Entry, History, Looked, News, Rule};
use ferroform::words::Diagnostic;
use ferroform::words::drift::{Finding, Ignored, Report, Severity, Unmanaged, What};
use jiff::Timestamp;

use super::reports::{gap, looked, minute, opened, report, tagged};

const EVER: Timestamp = Timestamp::UNIX_EPOCH;

/// A history and what is told of it.
struct Kept {
    folder: tempfile::TempDir,
    history: History,
    rules: Vec<Rule>,
    all: bool,
}

impl Kept {
    async fn new(rules: &[(&str, Severity)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(&folder.path().join("drift.sqlite")).await.unwrap();
        let rule = |(target, severity): &(&str, Severity)| Rule { target: (*target).into(), severity: *severity, resolved: true };
        Self { folder, history, rules: rules.iter().map(rule).collect(), all: false }
    }

    async fn run(&self, at: i64, looks: &[Looked]) {
        let run = self.history.begin(minute(at)).await.unwrap();
        self.history.finish(run, looks, &self.rules, self.all, minute(at)).await.unwrap();
    }

    async fn found(&self, at: i64, findings: Vec<Finding>) {
        self.run(at, &[looked(report(minute(at), findings))]).await;
    }

    async fn findings(&self) -> Vec<Entry> {
        self.history.page(None, EVER).await.unwrap().findings
    }

    /// What that target is told, all that waits; it arrives.
    async fn told(&self, target: &str) -> Vec<String> {
        let mut told = vec![];
        while let Some(delivery) = self.history.next_delivery(target).await.unwrap() {
            self.history.sending(&delivery.id).await.unwrap();
            self.history.sent(&delivery.id, minute(0)).await.unwrap();
            let word = |news: &News| serde_json::to_string(news).unwrap().replace('"', "");
            told.push(delivery.news.iter().map(|(news, f)| format!("{} {}", word(news), f.address)).collect::<Vec<_>>().join(", "));
        }
        told
    }

    async fn reopened(self) -> Self {
        let Self { folder, history, rules, all } = self;
        drop(history);
        let history = History::open(&folder.path().join("drift.sqlite")).await.unwrap();
        Self { folder, history, rules, all }
    }
}

#[tokio::test]
async fn a_finding_has_a_life() {
    let kept = Kept::new(&[]).await;
    kept.found(0, vec![]).await;
    kept.found(15, vec![opened("web")]).await;
    kept.found(30, vec![opened("web")]).await;
    kept.found(45, vec![]).await;
    kept.found(60, vec![opened("web")]).await;
    let lives: Vec<_> = kept.findings().await.into_iter().map(|f| (f.first_seen, f.last_seen, f.ended, f.finding.in_order)).collect();
    // The second time it is another one; before each it was in order.
    assert_eq!(lives, [(minute(60), minute(60), None, Some(minute(45))), (minute(15), minute(30), Some(minute(45)), Some(minute(0)))]);
}

#[tokio::test]
async fn a_further_change_takes_the_place_of_the_first() {
    let kept = Kept::new(&[("ops", Severity::Low)]).await;
    kept.found(0, vec![]).await;
    kept.found(15, vec![tagged("a", "me")]).await;
    kept.found(30, vec![tagged("a", "you")]).await;
    let findings = kept.findings().await;
    assert_eq!(findings.iter().map(|f| f.ending).collect::<Vec<_>>(), [None, Some(Ending::Changed)]);
    assert_eq!(findings[0].finding.in_order, Some(minute(0)), "it was not in order in between");
    assert_eq!(kept.told("ops").await, ["found aws_instance.a", "found aws_instance.a"], "nobody is told that it is resolved");
}

#[tokio::test]
async fn what_could_not_be_seen_is_not_over() {
    let kept = Kept::new(&[]).await;
    let stray = Finding { what: What::Unmanaged, ..opened("stray") };
    let unmanaged = |findings| Some(Unmanaged { findings, ..Unmanaged::default() });
    let both = vec![opened("a"), opened("b"), tagged("c", "me")];
    kept.run(0, &[looked(Report { unmanaged: unmanaged(vec![stray.clone()]), ..report(minute(0), both) })]).await;
    let open = async || kept.findings().await.iter().filter(|f| f.ended.is_none()).map(|f| f.finding.address.clone()).collect::<Vec<_>>();
    // One group could not be read, and nobody looked for strays.
    let gaps = vec![gap("aws_security_group", &["aws_security_group.a"])];
    kept.run(15, &[looked(Report { gaps, ..report(minute(15), vec![]) })]).await;
    assert_eq!(open().await, ["aws_security_group.a", "aws_security_group.stray"]);
    // The type could not be listed.
    let gaps = vec![gap("aws_security_group", &[])];
    kept.run(30, &[looked(Report { gaps, unmanaged: unmanaged(vec![]), ..report(minute(30), vec![]) })]).await;
    assert_eq!(open().await, ["aws_security_group.a", "aws_security_group.stray"]);
    // Nothing at all was seen, twice.
    let error = Err(Diagnostic::error("AWS does not answer").into());
    kept.run(45, &[Looked { report: error, ..looked(report(minute(45), vec![])) }]).await;
    let gaps = vec![gap("aws_instance", &[])];
    kept.run(50, &[looked(Report { resources: 0, gaps, ..report(minute(50), vec![]) })]).await;
    assert_eq!(open().await, ["aws_security_group.a", "aws_security_group.stray"]);
    kept.run(60, &[looked(Report { unmanaged: unmanaged(vec![]), ..report(minute(60), vec![]) })]).await;
    assert_eq!(open().await, [""; 0]);
    let outcomes: Vec<_> = kept.history.page(None, EVER).await.unwrap().runs.into_iter().map(|run| run.outcome).collect();
    assert_eq!(outcomes, ["good", "failed", "failed", "good", "good", "good"]);
}

#[tokio::test]
async fn each_is_told_of_each_finding_once() {
    let kept = Kept::new(&[("all", Severity::Low), ("bad", Severity::High)]).await;
    kept.found(0, vec![opened("a"), tagged("b", "me")]).await;
    kept.found(15, vec![opened("a"), tagged("b", "me"), opened("c")]).await;
    let mut kept = kept.reopened().await;
    kept.found(30, vec![tagged("b", "me")]).await;
    assert_eq!(
        kept.told("all").await,
        [
            "found aws_security_group.a, found aws_instance.b",
            "found aws_security_group.c",
            "resolved aws_security_group.a, resolved aws_security_group.c",
        ]
    );
    assert_eq!(
        kept.told("bad").await,
        ["found aws_security_group.a", "found aws_security_group.c", "resolved aws_security_group.a, resolved aws_security_group.c"]
    );
    // Who comes later is told what is open, and who asks for all is told all.
    kept.rules.push(Rule { target: "new".into(), severity: Severity::Low, resolved: true });
    kept.found(45, vec![tagged("b", "me")]).await;
    assert_eq!((kept.told("new").await, kept.told("all").await), (vec!["found aws_instance.b".to_owned()], vec![]));
    kept.all = true;
    kept.found(60, vec![tagged("b", "me")]).await;
    kept.found(75, vec![tagged("b", "me")]).await;
    assert_eq!(kept.told("all").await, ["still aws_instance.b"; 2]);
    assert_eq!(kept.told("bad").await, [""; 0]);
}

#[tokio::test]
async fn a_rule_that_leaves_it_alone_ends_a_finding() {
    let kept = Kept::new(&[]).await;
    kept.found(0, vec![opened("a")]).await;
    let ignored = vec![Ignored { finding: opened("a"), reason: "it is meant so".into() }];
    kept.run(15, &[looked(Report { ignored, ..report(minute(15), vec![]) })]).await;
    assert_eq!(kept.findings().await[0].ending, Some(Ending::Ignored));
}

#[tokio::test]
async fn what_a_dead_process_was_sending_is_sent_again_under_the_same_id() {
    let kept = Kept::new(&[("ops", Severity::Low)]).await;
    kept.found(0, vec![opened("a")]).await;
    let first = kept.history.next_delivery("ops").await.unwrap().unwrap();
    kept.history.sending(&first.id).await.unwrap();
    let unfinished = kept.history.begin(minute(15)).await.unwrap();
    let kept = kept.reopened().await;
    let again = kept.history.next_delivery("ops").await.unwrap().unwrap();
    assert_eq!((&again.id, again.repeated, again.attempts, first.repeated), (&first.id, true, 1, false));
    let runs = kept.history.page(None, EVER).await.unwrap().runs;
    assert_eq!(runs.iter().map(|run| (run.run, run.outcome.as_str())).collect::<Vec<_>>(), [(unfinished, "stopped"), (1, "good")]);
}

#[tokio::test]
async fn a_history_is_kept_by_one_and_read_by_many() {
    let kept = Kept::new(&[]).await;
    kept.found(0, vec![opened("a")]).await;
    let path = kept.history.path();
    let told = History::open(path).await.err().expect("it is kept already").to_string();
    assert!(told.contains("another watch keeps") && told.contains(&std::process::id().to_string()), "{told}");
    assert_eq!(History::read(path).await.unwrap().page(None, EVER).await.unwrap().findings.len(), 1);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// What is said of a file, which is then what it was before.
async fn refused(path: &Path) -> String {
    let before = fs::read(path).unwrap();
    let told = History::open(path).await.err().expect("it is refused").to_string();
    let read = History::read(path).await;
    assert_eq!(fs::read(path).unwrap(), before, "{told}");
    if !told.contains("quick_check") && !told.contains("is damaged") {
        assert_eq!(read.err().map(|e| e.to_string()), Some(told.clone()));
    }
    told
}

#[tokio::test]
async fn a_file_that_is_no_history_of_ours_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drift.sqlite");
    fs::write(&path, "no database, but long enough to be taken for one by whoever looks no further").unwrap();
    assert!(refused(&path).await.contains("is damaged"));
    let sql = |sql: &'static str| {
        let path = path.clone();
        async move {
            use sqlx::Connection;
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
            let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
            db.close().await.unwrap();
        }
    };
    fs::remove_file(&path).unwrap();
    sql("CREATE TABLE recipes (name TEXT)").await;
    assert!(refused(&path).await.contains("belongs to another program"));
    fs::remove_file(&path).unwrap();
    drop(History::open(&path).await.unwrap());
    sql("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").await;
    let told = refused(&path).await;
    assert!(told.contains("a later ferroform") && told.contains("99; this program knows 1"), "{told}");
    sql("PRAGMA user_version = 1").await;
    drop(History::open(&path).await.unwrap());
    sql("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").await;
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[4096..length - 4096].fill(0x55);
    fs::write(&path, bytes).unwrap();
    let told = refused(&path).await;
    assert!(told.contains("is damaged") && told.contains("move it away"), "{told}");
}
