//! The real process: it looks at a local AWS through a proxy that fails, is killed and started again, and tells real servers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::StatusCode;
use ferroform::watch::history::{Ending, Entry, History, Page};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::receivers::{Http, Smtp};
use crate::support::project::Said;
use crate::support::proxy::{Fault, Proxy};
use crate::support::sandbox::{Cloud, cloud};
use crate::support::service::Service;

const STACK: &str = r#"
[provider.aws]
region = "us-east-1"
max_retries = 2

[resource.aws_security_group.web]
name = "watched"
description = "Watched"
tags = { Owner = "infra" }

[resource.aws_cloudwatch_log_group.app]
name = "/watched/app"
retention_in_days = 7
"#;

/// A project with that stack, applied.
struct Watched {
    folder: tempfile::TempDir,
    cloud: Cloud,
    aws: aws_config::SdkConfig,
    group: String,
}

impl Watched {
    async fn new() -> Self {
        let (folder, cloud) = (tempfile::tempdir().unwrap(), cloud());
        fs::create_dir_all(folder.path().join("stacks/web")).unwrap();
        fs::write(folder.path().join("stacks/web/stack.toml"), STACK).unwrap();
        let keys = aws_credential_types::Credentials::new(&cloud.access_key, "none", None, None, "test");
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest()).endpoint_url(&cloud.endpoint);
        let aws = config.region(aws_config::Region::new("us-east-1")).credentials_provider(keys).http_client(http).load().await;
        let mut watched = Self { folder, cloud, aws, group: String::new() };
        let applied = watched.said(&["apply", "stacks/web", "--auto-approve"]);
        assert_eq!(applied.code, 0, "{applied:?}");
        let state: Json = serde_json::from_slice(&fs::read(watched.path("state/web.tfstate.json")).unwrap()).unwrap();
        let of_type = |r: &&Json| r["type"] == "aws_security_group";
        let group = state["resources"].as_array().unwrap().iter().find(of_type).unwrap();
        group["instances"][0]["attributes"]["id"].as_str().unwrap().clone_into(&mut watched.group);
        watched
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn command(&self, cloud: &Cloud, args: &[&str]) -> Command {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        run.args(args).current_dir(self.folder.path()).envs(cloud.env()).env("NO_COLOR", "1").env("TZ", "UTC").stdin(Stdio::null());
        run
    }

    fn said(&self, args: &[&str]) -> Said {
        Said::of(&self.command(&self.cloud, args).output().unwrap())
    }

    /// Changes something behind the stack's back, or changes it back; the address.
    async fn change(&self, n: usize, back: bool) -> &'static str {
        match n % 3 {
            0 => {
                let logs = aws_sdk_cloudwatchlogs::Client::new(&self.aws);
                let days = if back { 7 } else { 30 };
                logs.put_retention_policy().log_group_name("/watched/app").retention_in_days(days).send().await.unwrap();
                "aws_cloudwatch_log_group.app"
            }
            1 => {
                let owner = if back { "infra".to_owned() } else { format!("somebody {n}") };
                let tag = aws_sdk_ec2::types::Tag::builder().key("Owner").value(owner).build();
                let ec2 = aws_sdk_ec2::Client::new(&self.aws);
                ec2.create_tags().resources(&self.group).tags(tag).send().await.unwrap();
                "aws_security_group.web"
            }
            _ => {
                let ec2 = aws_sdk_ec2::Client::new(&self.aws);
                let range = aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build();
                let rule =
                    aws_sdk_ec2::types::IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(range).build();
                if back {
                    ec2.revoke_security_group_ingress().group_id(&self.group).ip_permissions(rule).send().await.unwrap();
                } else {
                    ec2.authorize_security_group_ingress().group_id(&self.group).ip_permissions(rule).send().await.unwrap();
                }
                "aws_security_group.web"
            }
        }
    }

    async fn history(&self) -> Page {
        History::read(&self.path("state/drift.sqlite")).await.unwrap().page(None, Timestamp::UNIX_EPOCH).await.unwrap()
    }
}

fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn faults(proxy: &Proxy) {
    proxy.add("*", Fault::Broken { status: 500, chance: 0.05 });
    proxy.add("*", Fault::CutBefore(0.03));
    proxy.add("*", Fault::CutAfter(0.03));
}

/// How many runs, and how far apart; the full test is 60 and 2s.
fn size() -> (usize, String) {
    let runs = std::env::var("FERROFORM_TEST_WATCH_RUNS").map_or(16, |text| text.parse().unwrap());
    (runs, std::env::var("FERROFORM_TEST_WATCH_EVERY").unwrap_or_else(|_| "200ms".into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_through_faults_an_outage_and_restarts() {
    let (runs, every) = size();
    let watched = Watched::new().await;
    let proxy = Proxy::new(&watched.cloud.endpoint, 11);
    faults(&proxy);
    // Whoever's number stands here is killed while it tells something, and never learns that it arrived.
    let victim = Arc::new(AtomicU32::new(0));
    let doomed = victim.clone();
    let http = Http::answering(move |post, _| {
        let tells = post.json()["found"].as_array().is_some_and(|found| !found.is_empty());
        match if tells { doomed.swap(0, Ordering::SeqCst) } else { 0 } {
            0 => {}
            pid => assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success()),
        }
        StatusCode::OK
    });
    let smtp = Smtp::new(true);
    let config = format!(
        "[[notify]]\nkind = \"webhook\"\nurl = \"{}\"\nsecret = {{ env = \"HOOK_KEY\" }}\n
         [[notify]]\nkind = \"email\"\nserver = \"localhost:{}\"\nuser = \"watch\"\npassword = {{ env = \"SMTP_PASSWORD\" }}
         from = \"Ferroform <drift@example.org>\"\nto = [\"ops@example.org\"]\n",
        http.url, smtp.port
    );
    fs::write(watched.path("ferroform.toml"), config).unwrap();
    let start = || {
        let cloud = watched.cloud.through(proxy.endpoint());
        let mut run = watched.command(&cloud, &["drift", "stacks/web", "--watch", "--every", &every, "--log", "json", "--who", "never"]);
        run.args(["--listen", "127.0.0.1:0"]).env("SSL_CERT_FILE", &smtp.certificate);
        run.env("HOOK_KEY", "very-secret-key").env("SMTP_PASSWORD", "smtp_secret");
        Service::start(run)
    };
    let news = |word: &str| http.inbox.all().iter().flat_map(|post| post.json()[word].as_array().unwrap().clone()).count();
    let mut service = start();
    let mut looks = 0;
    let mut logs: Vec<Json> = vec![];
    let cycles = (runs / 4).max(4);
    for n in 0..cycles {
        let (found, resolved) = (news("found"), news("resolved"));
        if n == 1 {
            victim.store(service.child.id(), Ordering::SeqCst);
        }
        let address = watched.change(n, false).await;
        let posts = http.inbox.wait(|posts| posts.iter().flat_map(|post| post.json()["found"].as_array().unwrap().clone()).count() > found);
        assert_eq!(posts.last().unwrap().json()["found"][0]["address"], address);
        match n {
            1 => {
                assert!(!service.child.wait().unwrap().success(), "it was killed");
                looks += service.count("looked");
                logs.extend(service.log.all());
                service = start();
                // What nobody knew the outcome of comes again, under the same id, and says so.
                let posts = http.inbox.wait(|all| all.len() > posts.len());
                let (again, first) = (posts.last().unwrap(), &posts[posts.len() - 2]);
                assert_eq!(again.headers["ferroform-delivery"], first.headers["ferroform-delivery"]);
                assert_eq!((&again.json()["repeated"], &first.json()["repeated"]), (&json!(true), &json!(false)));
            }
            2 => {
                // AWS is gone for a while. That resolves nothing.
                proxy.add("*", Fault::Broken { status: 503, chance: 1.0 });
                service.logged("can't look", 1);
                proxy.heal();
                faults(&proxy);
                let open = watched.history().await.findings.into_iter().filter(|f| f.ended.is_none()).count();
                assert_eq!(open, 1);
            }
            3 => {
                looks += service.count("looked");
                logs.extend(service.log.all());
                assert_eq!(service.end(), 0);
                service = start();
            }
            _ => {}
        }
        watched.change(n, true).await;
        http.inbox.wait(|posts| posts.iter().flat_map(|post| post.json()["resolved"].as_array().unwrap().clone()).count() > resolved);
    }
    service.logged("looked", runs.saturating_sub(looks));
    let address = service.logged("serving /healthz and /metrics", 1)[0]["address"].as_str().unwrap().to_owned();
    assert_eq!(get(&address, "/healthz").0, 200);
    let metrics = get(&address, "/metrics").1;
    for line in [
        "ferroform_drift_findings{stack=\"stacks/web\",workspace=\"default\",severity=\"high\"} 0",
        "ferroform_drift_last_run_success{stack=\"stacks/web\",workspace=\"default\"} 1",
        "ferroform_drift_runs_total{outcome=\"good\"}",
        "ferroform_drift_delivery_attempts_total{target=\"webhook\",outcome=\"told\"}",
    ] {
        assert!(metrics.contains(line), "{line}:\n{metrics}");
    }
    let mails = smtp.inbox.wait(|mails| ids(mails.iter().map(|mail| mail.headers["message-id"].clone())).len() >= 2 * cycles);
    assert_eq!(http.inbox.all().len(), 2 * cycles + 1, "each once, but for the one that nobody knew of");
    assert!(mails.len() <= 2 * cycles + 1 && mails.iter().all(|mail| mail.tls && mail.user.as_deref() == Some("watch")));
    let unique = ids(http.inbox.all().iter().map(|post| post.headers["ferroform-delivery"].clone()));
    assert_eq!((unique.len(), ids(mails.iter().map(|mail| mail.headers["message-id"].clone())).len()), (2 * cycles, 2 * cycles));
    logs.extend(service.log.all());
    assert_eq!(service.end(), 0);
    consistent(&watched.history().await, cycles, runs);
    let log = serde_json::to_string(&logs).unwrap();
    assert!(!log.contains("very-secret-key") && !log.contains("smtp_secret") && !log.contains("not JSON"), "{log}");
    let file = fs::read(watched.path("state/drift.sqlite")).unwrap();
    assert!(!file.windows(15).any(|part| part == b"very-secret-key"));
    let listed = watched.said(&["drift", "history"]);
    assert!(listed.out.contains("0 open") && listed.out.contains(&format!("{cycles} ended")), "{}", listed.out);
}

fn ids(all: impl Iterator<Item = String>) -> BTreeSet<String> {
    all.collect()
}

/// Every change is one finding, came to its end, and was told to both.
fn consistent(page: &Page, cycles: usize, runs: usize) {
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &page.runs {
        *outcomes.entry(run.outcome.as_str()).or_default() += 1;
        assert!(run.ended.is_some(), "{run:?}");
    }
    println!("{} runs: {outcomes:?}; {} findings", page.runs.len(), page.findings.len());
    assert!(page.runs.len() >= runs && outcomes["good"] >= runs / 2, "{outcomes:?}");
    assert_eq!(page.findings.len(), cycles, "{:#?}", page.findings);
    let whole = |entry: &Entry| {
        let told: Vec<&str> = entry.told.iter().filter(|told| told.at.is_some()).map(|told| told.target.as_str()).collect();
        entry.ending == Some(Ending::Resolved) && entry.finding.in_order.is_some() && told == ["email", "webhook"]
    };
    assert!(page.findings.iter().all(whole), "{:#?}", page.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_run_keeps_and_tells_and_goes_by_its_findings() {
    let watched = Watched::new().await;
    let (sns, secrets) = (aws_sdk_sns::Client::new(&watched.aws), aws_sdk_secretsmanager::Client::new(&watched.aws));
    let http = Http::new();
    let topic = sns.create_topic().name("drift").send().await.unwrap().topic_arn.unwrap();
    sns.subscribe().topic_arn(&topic).protocol("http").endpoint(format!("{}/sns", http.url)).send().await.unwrap();
    let url = format!("{}/from-the-manager", http.url);
    let arn = secrets.create_secret().name("hook").secret_string(url).send().await.unwrap().arn.unwrap();
    let config = format!(
        "[[notify]]\nkind = \"sns\"\ntopic = \"{topic}\"\n[[notify]]\nname = \"chat\"\nkind = \"slack\"\nurl = {{ secretsmanager = \"{arn}\" }}\nseverity = \"high\"\n"
    );
    fs::write(watched.path("ferroform.toml"), config).unwrap();
    let once = ["drift", "stacks/web", "--watch", "--once", "--who", "never"];
    assert_eq!(watched.said(&once).code, 0);
    watched.change(2, false).await;
    let said = watched.said(&once);
    assert_eq!(said.code, 2, "{said:?}");
    let of = |path: &str| http.inbox.all().iter().filter(|post| post.path == path).map(|post| post.body.clone()).collect::<Vec<_>>();
    http.inbox.wait(|posts| posts.iter().any(|post| post.path == "/from-the-manager"));
    let told: Vec<String> = of("/sns").into_iter().filter(|body| body.contains("new finding")).collect();
    assert!(told.len() == 1 && told[0].contains("aws_security_group.web"), "{told:?}");
    // The second time nobody is told again, and it still is there.
    assert_eq!(watched.said(&once).code, 2);
    assert_eq!((of("/sns").iter().filter(|body| body.contains("new finding")).count(), of("/from-the-manager").len()), (1, 1));
    assert_eq!(watched.said(&[&once[..], &["--fail-on", "high"]].concat()).code, 2);
    assert!(!said.err.contains("from-the-manager"), "{}", said.err);
    let page = watched.history().await;
    assert_eq!((page.runs.len(), page.findings.len(), page.findings[0].told.len()), (4, 1, 2));
    let json: Json = serde_json::from_str(&watched.said(&["drift", "history", "--format", "json"]).out).unwrap();
    assert_eq!(json["findings"][0]["finding"]["address"], "aws_security_group.web");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_begin_says_why() {
    let watched = Watched::new().await;
    let flat = |args: &[&str]| {
        let said = watched.said(&[&["drift", "stacks/web", "--watch"], args].concat());
        assert_eq!(said.code, 1, "{said:?}");
        said.flat()
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (args, words) in [
        (&["--cron", "61 * * * *"][..], &["no cron expression", "minute, 0-59"][..]),
        (&["--cron", "0 4 * * *", "--timezone", "Mars"], &["no time zone `Mars`", "Europe/Berlin"]),
        (&["--every", "soon"], &["`soon` is no interval", "--every 15m"]),
        (&["--listen", &address], &["can't listen at", "another program does"]),
        (&["--config", "none.toml"], &["can't read the configuration `none.toml`"]),
        (&["--history", "/proc/x/drift.sqlite"], &["can't use the history", "--history"]),
    ] {
        let said = flat(args);
        assert!(words.iter().all(|word| said.contains(word)), "{args:?}: {said}");
    }
    let none = watched.said(&["drift", "history"]);
    assert!(none.code == 1 && none.flat().contains("there is no history"), "{none:?}");
    // Two watches on one history: the second is refused, and the first goes on.
    let args = ["drift", "stacks/web", "--watch", "--every", "1h", "--log", "json", "--who", "never"];
    let mut service = Service::start(watched.command(&watched.cloud, &args));
    service.logged("looked", 1);
    assert!(flat(&[]).contains("another watch keeps the history"));
    for (args, words) in
        [(&["drift", "history", "--stack", "wbe"][..], "knows no stack `wbe`"), (&["drift", "history", "--since", "never"], "is no time")]
    {
        assert!(watched.said(args).flat().contains(words), "{args:?}");
    }
    assert!(watched.said(&["drift", "history", "--stack", "web", "--since", "1h"]).out.contains("0 open"));
    assert_eq!(service.end(), 0);
}
