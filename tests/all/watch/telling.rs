//! What arrives where people are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use ferroform::watch::history::{History, Looked};
use ferroform::watch::metrics::Metrics;
use ferroform::watch::notify::{Cloud, Means, Secret, Target, load, signature};
use ferroform::watch::schedule::Schedule;
use ferroform::watch::service::Watch;
use ferroform::words::Source;
use ferroform::words::drift::Finding;
use ferroform::words::resource::Settings;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::receivers::{GitHub, Http, Smtp};
use super::reports::{looked, opened, report, tagged};

fn targets(toml: &str, env: &[(&str, &str)]) -> Vec<Target> {
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    let source = Source::new("ferroform.toml", toml);
    load(&source, std::path::Path::new("."), &|name| env.get(name).map(|text| (*text).to_owned())).unwrap()
}

/// Runs that on a thread of its own: a look need not be one that threads can pass on.
fn alongside(run: impl AsyncFnOnce() + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::task::spawn_blocking(move || tokio::runtime::Handle::current().block_on(run()))
}

/// A watch that finds one list after the other and then the last again and again.
struct Watching {
    history: Arc<History>,
    stop: CancellationToken,
    looks: Arc<AtomicUsize>,
    ended: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Watching {
    async fn new(targets: Vec<Target>, finds: Vec<Vec<Finding>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = Arc::new(History::open(&folder.path().join("drift.sqlite")).await.unwrap());
        let (stop, looks) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let watch = Watch {
            history: history.clone(),
            targets,
            means: Arc::new(Means::new(Cloud::new(Settings::default())).unwrap()),
            metrics: Arc::new(Metrics::default()),
            all_findings: false,
            stop: stop.clone(),
        };
        let count = looks.clone();
        let ended = alongside(async move || {
            let look = async || {
                let n = count.fetch_add(1, Ordering::Relaxed);
                vec![looked(report(Timestamp::now(), finds[n.min(finds.len() - 1)].clone()))]
            };
            watch.run(&Schedule::every("100ms").unwrap(), look).await.unwrap();
        });
        Self { history, stop, looks, ended, _folder: folder }
    }

    async fn end(self) {
        self.stop.cancel();
        self.ended.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_told_once_and_can_check_who_tells() {
    let http = Http::new();
    let toml = format!(
        "[[notify]]\nkind = \"webhook\"\nurl = \"{0}/hook\"\nsecret = {{ env = \"KEY\" }}\n[[notify]]\nkind = \"slack\"\nurl = {{ env = \"SLACK\" }}\nseverity = \"high\"\n",
        http.url
    );
    let targets = targets(&toml, &[("KEY", "hush-hush"), ("SLACK", &format!("{}/services/T0/B0/x", http.url))]);
    let evil = Finding {
        id: "<!channel> `x` <https://evil.test|here>".into(),
        address: "aws_security_group.web[\"<!here>\"]".into(),
        ..opened("web")
    };
    let watching = Watching::new(targets, vec![vec![tagged("a", "me"), evil.clone()], vec![tagged("a", "me")]]).await;
    let posts = http.inbox.wait(|posts| posts.len() >= 4);
    // What comes after tells nothing new.
    let looks = watching.looks.load(Ordering::Relaxed);
    while watching.looks.load(Ordering::Relaxed) < looks + 3 {
        tokio::task::yield_now().await;
    }
    watching.end().await;
    assert_eq!(http.inbox.all().len(), 4);
    let to = |path: &str| posts.iter().filter(|post| post.path == path).cloned().collect::<Vec<_>>();
    let hooks = to("/hook");
    let told: Vec<_> = hooks
        .iter()
        .map(|post| (post.json()["found"].as_array().unwrap().len(), post.json()["resolved"].as_array().unwrap().len()))
        .collect();
    assert_eq!(told, [(2, 0), (0, 1)]);
    let first = hooks[0].json();
    assert_eq!(first["summary"], "stacks/web: 2 new findings");
    assert_eq!(first["found"][0]["attributes"][0]["new"][0]["from_port"], 22);
    assert_eq!((&first["version"], &first["stack"], &first["account"]), (&1.into(), &"stacks/web".into(), &"123456789012".into()));
    for post in &hooks {
        let seconds = post.headers["ferroform-timestamp"].parse().unwrap();
        assert_eq!(post.headers["ferroform-signature"], signature(&Secret::new("hush-hush"), seconds, &post.body));
        assert_eq!(post.headers["ferroform-delivery"], post.json()["delivery"].as_str().unwrap());
    }
    let slack: Vec<String> = to("/services/T0/B0/x").iter().map(|post| post.json()["text"].as_str().unwrap().to_owned()).collect();
    assert!(slack[0].contains("*HIGH*") && slack[0].contains("22/tcp") && !slack[0].contains("tags.Owner"), "{}", slack[0]);
    assert!(!slack[0].contains("<!") && !slack[0].contains("<http"), "{}", slack[0]);
    assert!(slack[1].contains("in order again"), "{}", slack[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_tried_again_and_holds_nothing_up() {
    // The first answers are refusals that repeat the secret.
    let http = Http::answering(|post, _| if post.path == "/broken" { StatusCode::BAD_GATEWAY } else { StatusCode::OK });
    let late = Http::answering(|_, n| if n < 3 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK });
    let toml = format!(
        "[[notify]]\nname = \"late\"\nkind = \"webhook\"\nurl = \"{}\"\n[[notify]]\nname = \"fine\"\nkind = \"webhook\"\nurl = \"{}/fine\"\n[[notify]]\nname = \"gone\"\nkind = \"slack\"\nurl = {{ env = \"URL\" }}\n",
        late.url, http.url
    );
    let targets = targets(&toml, &[("URL", "http://127.0.0.1:9/services/very-secret")]);
    let watching = Watching::new(targets, vec![vec![opened("a")]]).await;
    http.inbox.wait(|posts| posts.len() == 1);
    let posts = late.inbox.wait(|posts| posts.len() == 3);
    let ids: std::collections::BTreeSet<_> = posts.iter().map(|post| post.headers["ferroform-delivery"].clone()).collect();
    assert_eq!(ids.len(), 1, "it is the same each time");
    assert_eq!(posts.iter().map(|post| post.json()["attempt"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let looks = watching.looks.load(Ordering::Relaxed);
    assert!(looks > 3, "the watch goes on: {looks}");
    let told = watching.history.page(None, Timestamp::UNIX_EPOCH).await.unwrap().findings[0].told.clone();
    let gone = told.iter().find(|told| told.target == "gone").unwrap();
    assert!(gone.at.is_none() && gone.error.contains("refused") && !gone.error.contains("very-secret"), "{gone:?}");
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_comes_in_two_forms_and_nothing_in_it_is_markup() {
    let smtp = Smtp::new(false);
    let toml = format!(
        "[[notify]]\nkind = \"email\"\nfrom = \"Ferroform <drift@example.org>\"\nto = [\"ops@example.org\", \"sec@example.org\"]
        server = \"127.0.0.1:{}\"\ntls = \"none\"\nsubject = \"Drift: {{{{ summary }}}}\"\n",
        smtp.port
    );
    let evil = Finding { danger: "<script>alert(1)</script>\r\nBcc: all@example.org".into(), ..opened("web") };
    let watching = Watching::new(targets(&toml, &[]), vec![vec![evil]]).await;
    let mails = smtp.inbox.wait(|mails| mails.len() == 1);
    watching.end().await;
    let mail = &mails[0];
    assert_eq!(mail.to, ["ops@example.org", "sec@example.org"]);
    assert_eq!(mail.headers["subject"], "Drift: stacks/web: 1 new finding");
    assert!(mail.text.contains("HIGH  aws_security_group.web") && mail.text.contains("<script>"), "{}", mail.text);
    assert!(mail.html.contains("&lt;script&gt;") && !mail.html.contains("<script>"), "{}", mail.html);
    assert!(mail.headers["message-id"].ends_with("@example.org>") && !mail.headers.contains_key("bcc"), "{:?}", mail.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_has_one_issue_that_is_kept_up_to_date() {
    let github = GitHub::new();
    let toml = format!(
        "[[notify]]\nkind = \"github\"\nrepository = \"acme/infra\"\ntoken = {{ env = \"T\" }}\nlabels = [\"drift\"]\napi = \"{}\"\n",
        github.url
    );
    let finds = vec![vec![opened("a")], vec![opened("a"), tagged("b", "*me* @all #1 | <x>")], vec![], vec![opened("c")]];
    let watching = Watching::new(targets(&toml, &[("T", "ghp_secret")]), finds).await;
    let settled = |calls: &[String]| calls.iter().filter(|call| call.starts_with("PATCH")).count() >= 3;
    github.calls.wait(settled);
    watching.end().await;
    let issues = github.issues.lock().unwrap().clone();
    assert_eq!(issues.len(), 3, "{issues:#?}");
    let issue = &issues[2];
    assert_eq!((&issue["title"], &issue["state"], &issue["labels"][0]), (&"Drift in stacks/web".into(), &"open".into(), &"drift".into()));
    assert!(issue["body"].as_str().unwrap().contains("`aws_security_group.c`"), "{issue:#}");
    // Without the history it is found by its mark.
    let before = github.calls.all().len();
    let watching = Watching::new(targets(&toml, &[("T", "ghp_secret")]), vec![vec![opened("d")]]).await;
    github.calls.wait(|calls| calls[before..].iter().any(|call| call == "PATCH /repos/acme/infra/issues/3"));
    watching.end().await;
    assert_eq!(github.issues.lock().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_stopped_ends_what_it_tells_and_counts_no_half_run() {
    let http = Http::new();
    let toml = format!("[[notify]]\nkind = \"webhook\"\nurl = \"{}\"\n", http.url);
    let folder = tempfile::tempdir().unwrap();
    let history = Arc::new(History::open(&folder.path().join("drift.sqlite")).await.unwrap());
    let stop = CancellationToken::new();
    let watch = Watch {
        history: history.clone(),
        targets: targets(&toml, &[]),
        means: Arc::new(Means::new(Cloud::new(Settings::default())).unwrap()),
        metrics: Arc::new(Metrics::default()),
        all_findings: false,
        stop: stop.clone(),
    };
    let begun = Arc::new(tokio::sync::Notify::new());
    let told = begun.clone();
    let running = alongside(async move || {
        let look = async || {
            told.notify_one();
            std::future::pending::<Vec<Looked>>().await
        };
        watch.run(&Schedule::every("15m").unwrap(), look).await.unwrap();
    });
    begun.notified().await;
    stop.cancel();
    running.await.unwrap();
    let runs = history.page(None, Timestamp::UNIX_EPOCH).await.unwrap().runs;
    assert_eq!(runs.iter().map(|run| run.outcome.as_str()).collect::<Vec<_>>(), ["stopped"]);
    assert!(http.inbox.all().is_empty());
}

#[test]
fn the_example_names_one_of_each_kind() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/drift/ferroform.toml");
    let names = ["SLACK_WEBHOOK_URL", "DRIFT_HOOK_SECRET", "SMTP_PASSWORD", "GITHUB_TOKEN"];
    let env: Vec<(&str, &str)> = names.iter().map(|name| (*name, "https://example.org/x")).collect();
    let kinds: Vec<&str> = targets(&std::fs::read_to_string(path).unwrap(), &env).iter().map(Target::kind).collect();
    assert_eq!(kinds, ["slack", "webhook", "sns", "email", "github"]);
}
