//! How the history reads.

use ferroform::show::Look;
use ferroform::watch::history::{History, Rule};
use ferroform::watch::listing::{Moment, markdown, text};
use ferroform::words::Diagnostic;
use ferroform::words::drift::{Report, Severity};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::reports::{gap, looked, minute, opened, report, tagged};

#[tokio::test]
async fn a_history_is_pleasant_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("drift.sqlite")).await.unwrap();
    let rules = [Rule { target: "ops".into(), severity: Severity::High, resolved: true }];
    for n in 0..20 {
        let run = history.begin(minute(n * 15)).await.unwrap();
        let mut findings = vec![];
        if (4..9).contains(&n) {
            findings.push(tagged("node", "me"));
        }
        if n >= 15 {
            findings.push(opened("web"));
        }
        let gaps = if n == 12 { vec![gap("aws_instance", &["aws_instance.node"])] } else { vec![] };
        let mut look = looked(Report { gaps, ..report(minute(n * 15), findings) });
        if n == 10 {
            look.report = Err(Diagnostic::error("AWS did not answer ec2 DescribeInstances").into());
        }
        history.finish(run, &[look], &rules, false, minute(n * 15)).await.unwrap();
        if n == 15 {
            let delivery = history.next_delivery("ops").await.unwrap().unwrap();
            history.sending(&delivery.id).await.unwrap();
            history.sent(&delivery.id, minute(n * 15)).await.unwrap();
        }
    }
    let page = history.page(None, Timestamp::UNIX_EPOCH).await.unwrap();
    let moment = Moment { now: minute(300), zone: TimeZone::UTC };
    let look = |width| Look { width, colour: false };
    insta::assert_snapshot!(text(&page, "state/drift.sqlite", &moment, look(80)), @"
    state/drift.sqlite · 20 runs since 2026-11-20 08:00 · 1 open, 1 ended

    stacks/web  ····11111·x····11111
                findings in each of the last runs, the newest to the right; ·
                none, x not looked at

    open
    HIGH    aws_security_group.web
            changed · stacks/web · since 2026-11-20 11:45, 1 h 15 min
            opens 22/tcp to 0.0.0.0/0 · by alice (console) · in order at
            2026-11-20 11:30 · told ops

    ended
    LOW     aws_instance.node
            changed · stacks/web · resolved 2026-11-20 10:15 after 1 h 15 min
            tags.Owner · in order at 2026-11-20 08:45

    runs
    2026-11-20 12:45  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 12:30  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 12:15  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 12:00  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:45  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:30  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:15  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:00  good      0 findings · 1 part not seen · 23 resources, 14 c…
    2026-11-20 10:45  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 10:30  failed    AWS did not answer ec2 DescribeInstances
    2026-11-20 10:15  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 10:00  good      1 finding · 23 resources, 14 calls, 0.4 s
    and 8 more: --format json has all of them
    ");
    insta::assert_snapshot!(text(&page, "state/drift.sqlite", &moment, look(160)), @"
    state/drift.sqlite · 20 runs since 2026-11-20 08:00 · 1 open, 1 ended

    stacks/web  ····11111·x····11111
                findings in each of the last runs, the newest to the right; · none, x not looked at

    open
    HIGH    aws_security_group.web                            changed · stacks/web                since 2026-11-20 11:45, 1 h 15 min
            opens 22/tcp to 0.0.0.0/0 · by alice (console) · in order at 2026-11-20 11:30 · told ops

    ended
    LOW     aws_instance.node                                 changed · stacks/web                resolved 2026-11-20 10:15 after 1 h 15 min
            tags.Owner · in order at 2026-11-20 08:45

    runs
    2026-11-20 12:45  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 12:30  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 12:15  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 12:00  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:45  good      1 finding · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:30  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:15  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 11:00  good      0 findings · 1 part not seen · 23 resources, 14 calls, 0.4 s
    2026-11-20 10:45  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 10:30  failed    AWS did not answer ec2 DescribeInstances
    2026-11-20 10:15  good      0 findings · 23 resources, 14 calls, 0.4 s
    2026-11-20 10:00  good      1 finding · 23 resources, 14 calls, 0.4 s
    and 8 more: --format json has all of them
    ");
    insta::assert_snapshot!(markdown(&page, &moment).split("<details>").next().unwrap(), @"
    ### Drift

    | severity | resource | stack | what | life | details |
    |---|---|---|---|---|---|
    | **high** | `aws_security_group.web` | stacks/web | changed | since 2026-11-20 11:45, 1 h 15 min | opens 22/tcp to 0.0.0.0/0 · by alice (console) · in order at 2026-11-20 11:30 · told ops |
    | low | `aws_instance.node` | stacks/web | changed | resolved 2026-11-20 10:15 after 1 h 15 min | tags.Owner · in order at 2026-11-20 08:45 |
    ");
    for width in [40, 80, 120, 160] {
        let text = text(&page, "state/drift.sqlite", &moment, look(width));
        let long: Vec<_> = text.lines().filter(|line| line.chars().count() > width.max(72)).collect();
        assert!(long.is_empty(), "{long:#?}");
    }
    let since = history.page(Some("stacks/web"), minute(250)).await.unwrap();
    assert_eq!((since.runs.len(), since.findings.len()), (3, 1));
    assert!(history.page(Some("stacks/other"), Timestamp::UNIX_EPOCH).await.unwrap().runs.is_empty());
}
