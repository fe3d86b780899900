//! The proxy fails as it says: else a test that passes through it proves nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use regex::Regex;

use crate::support::proxy::{Fault, Moment, Proxy};
use crate::support::sandbox::{Cloud, cloud};

/// A query call to EC2 or IAM; the status and the answer, or none where the connection was cut.
fn call(cloud: &Cloud, service: &str, form: &str) -> Option<(u16, String)> {
    let version = if service == "ec2" { "2016-11-15" } else { "2010-05-08" };
    let scope = format!("{}/20250101/us-east-1/{service}/aws4_request", cloud.access_key);
    let request = hyper::Request::post(&cloud.endpoint)
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(format!("Version={version}&{form}"))))
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Without retries: a cut connection is what is looked for.
        let client = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http::<Full<Bytes>>();
        let answer = client.request(request).await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8(body.to_vec()).unwrap()))
    })
}

fn group(cloud: &Cloud, name: &str) -> Option<String> {
    static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new("<groupId>(.*?)</groupId>").unwrap());
    let (_, text) = call(cloud, "ec2", &format!("Action=CreateSecurityGroup&GroupDescription=d&GroupName={name}"))?;
    Some(ID.captures(&text).unwrap_or_else(|| panic!("{text}"))[1].to_owned())
}

fn named(cloud: &Cloud, name: &str) -> bool {
    let filter = format!("Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1={name}");
    call(cloud, "ec2", &filter).unwrap().1.contains("<groupId>")
}

fn through(faults: &[(&str, Fault)]) -> (Proxy, Cloud, Cloud) {
    let plain = cloud();
    let proxy = Proxy::new(&plain.endpoint, 7);
    for (action, fault) in faults {
        proxy.add(action, fault.clone());
    }
    let broken = plain.through(proxy.endpoint());
    (proxy, broken, plain)
}

#[test]
fn a_cut_before_leaves_nothing_and_a_cut_after_leaves_it_done() {
    let (proxy, faulty, plain) = through(&[("CreateSecurityGroup", Fault::CutBefore(1.0))]);
    assert_eq!(group(&faulty, "one"), None);
    assert!(!named(&plain, "one"));
    proxy.heal();
    proxy.add("CreateSecurityGroup", Fault::CutAfter(1.0));
    assert_eq!(group(&faulty, "two"), None);
    assert!(named(&plain, "two"));
    let outcomes: Vec<String> = proxy.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, ["cut before", "cut after"]);
}

#[test]
fn a_bucket_empties_and_fills() {
    let (proxy, faulty, _) = through(&[("Describe*", Fault::Throttle { burst: 2.0, per_second: 50.0 })]);
    let describe = || call(&faulty, "ec2", "Action=DescribeAddresses").unwrap();
    let statuses: Vec<u16> = (0..3).map(|_| describe().0).collect();
    assert_eq!(statuses[..2], [200, 200]);
    // A slow machine may have given the third a token; one after many does not.
    let throttled = (0..200).map(|_| describe()).find(|(status, _)| *status != 200).expect("two hundred in a row are too many");
    assert_eq!(throttled.0, 503);
    assert!(throttled.1.contains("<Code>RequestLimitExceeded</Code>"), "{}", throttled.1);
    assert_eq!(call(&faulty, "ec2", "Action=DescribeVpcs").unwrap().0, 200, "each action has its own bucket");
    while describe().0 != 200 {}
    assert_eq!(proxy.count("DescribeVpcs"), 1);
}

#[test]
fn a_broken_service_answers_in_its_protocol() {
    let (_proxy, faulty, _) = through(&[("*", Fault::Broken { status: 503, chance: 1.0 })]);
    let (status, text) = call(&faulty, "iam", "Action=ListRoles").unwrap();
    assert_eq!(status, 503);
    assert!(text.starts_with("<ErrorResponse>"), "{text}");
    assert!(call(&faulty, "ec2", "Action=DescribeVpcs").unwrap().1.starts_with("<Response>"));
}

#[test]
fn a_new_thing_is_unseen_at_first() {
    let (_proxy, faulty, plain) = through(&[("*", Fault::Unseen(2))]);
    let id = group(&faulty, "one").unwrap();
    let by_id = || call(&faulty, "ec2", &format!("Action=DescribeSecurityGroups&GroupId.1={id}")).unwrap();
    let (status, text) = by_id();
    assert_eq!(status, 400);
    assert!(text.contains("InvalidGroup.NotFound"), "{text}");
    assert!(!named(&faulty, "one"), "a list leaves it out");
    assert!(named(&faulty, "one"));
    assert_eq!(by_id().0, 200);
    assert!(named(&plain, "one"));

    call(&faulty, "iam", "Action=CreateInstanceProfile&InstanceProfileName=p").unwrap();
    let get = || call(&faulty, "iam", "Action=GetInstanceProfile&InstanceProfileName=p").unwrap().0;
    assert_eq!([get(), get(), get()], [404, 404, 200]);
}

#[test]
fn what_is_ready_is_told_as_pending() {
    let (_proxy, faulty, _) = through(&[("*", Fault::Pending(2))]);
    call(&faulty, "ec2", "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=8").unwrap();
    let shown = || call(&faulty, "ec2", "Action=DescribeVolumes").unwrap().1.contains("<status>available</status>");
    assert_eq!([shown(), shown(), shown()], [false, false, true]);
}

#[test]
fn lists_come_in_small_pages() {
    let (_proxy, faulty, _) = through(&[("*", Fault::SmallPages(1))]);
    for n in 0..6 {
        group(&faulty, &format!("g{n}")).unwrap();
    }
    let (_, text) = call(&faulty, "ec2", "Action=DescribeSecurityGroups").unwrap();
    assert!(text.contains("<nextToken>"), "{text}");
    assert_eq!(text.matches("<groupName>").count(), 5, "EC2's smallest page");
}

#[test]
fn hooks_run_at_the_call_they_are_for() {
    let (proxy, faulty, _) = through(&[("*", Fault::Latency(Duration::from_millis(1), Duration::from_millis(3)))]);
    let seen = Arc::new(AtomicUsize::new(0));
    for moment in [Moment::Before, Moment::After] {
        let seen = Arc::clone(&seen);
        proxy.at("DescribeVpcs", 2, moment, move |call| {
            assert_eq!(call.action, "DescribeVpcs");
            seen.fetch_add(1, Ordering::SeqCst);
        });
    }
    let mut counts = vec![];
    for action in ["DescribeVpcs", "DescribeSubnets", "DescribeVpcs", "DescribeVpcs"] {
        call(&faulty, "ec2", &format!("Action={action}")).unwrap();
        counts.push(seen.load(Ordering::SeqCst));
    }
    assert_eq!(counts, [0, 0, 2, 2]);
    assert_eq!(proxy.counts(), [("DescribeSubnets".to_owned(), 1), ("DescribeVpcs".to_owned(), 3)].into());
    assert_eq!(proxy.calls()[0].account, faulty.access_key);
}

#[test]
fn a_record_is_there_when_the_name_servers_have_it() {
    let cloud = cloud();
    let proxy = Proxy::new(&cloud.endpoint, 1).with("*", Fault::Pending(2));
    let stack = "[resource.aws_route53_zone.it]\nname = \"example.com\"\n";
    let folder = crate::bad_input::Folder::with(stack).env(cloud.through(proxy.endpoint()).env());
    folder.good(&["apply", "--auto-approve"]);
    assert_eq!((proxy.count("CreateHostedZone"), proxy.count("GetChange")), (1, 3));
    proxy.forget();
    let record = "zone_id = \"${aws_route53_zone.it.id}\"\nname = \"www\"\ntype = \"A\"\nttl = 60\nrecords = [\"192.0.2.1\"]\n";
    folder.write("stack.toml", format!("{stack}[resource.aws_route53_record.www]\n{record}"));
    folder.good(&["apply", "--auto-approve"]);
    assert_eq!((proxy.count("ChangeResourceRecordSets"), proxy.count("GetChange")), (1, 3));
    folder.good(&["destroy", "--auto-approve"]);
}
