//! Changes that share calls: what many resources want at the same time of one zone, one group or one set of tags.

use ferroform::engine::plan::Purpose;

use crate::support::bench::{Bench, acts};
use crate::support::proxy::Proxy;
use crate::support::sandbox::{Cloud, cloud};

/// How many there are of each.
const MANY: usize = 60;
/// How many calls that may take: the first ones to come don't wait for the last ones.
const FEW: usize = 5;

fn records(ttl: usize, more: &str) -> String {
    format!(
        r#"
[resource.aws_route53_zone.main]
name = "example.com"

[resource.aws_route53_record.many]
count = {MANY}
zone_id = "${{aws_route53_zone.main.zone_id}}"
name = "r${{count.index}}"
type = "A"
ttl = {ttl}
records = ["192.0.2.${{count.index}}"]
{more}"#
    )
}

fn counted() -> (Proxy, Cloud) {
    let plain = cloud();
    let proxy = Proxy::new(&plain.endpoint, 3);
    let counted = plain.through(proxy.endpoint());
    (proxy, counted)
}

/// Applies the stack, and gives how many calls of each kind that took.
async fn applied(bench: &mut Bench, proxy: &Proxy, stack: &str, purpose: Purpose, kinds: &[&str]) -> Result<Vec<usize>, String> {
    proxy.forget();
    let open = bench.open(stack)?;
    let plan = bench.plan(&open, purpose).await?;
    bench.apply(&open, &plan).await?;
    Ok(kinds.iter().map(|kind| proxy.count(kind)).collect())
}

#[tokio::test]
async fn records_of_a_zone_share_transactions() {
    let (proxy, cloud) = counted();
    let mut bench = Bench::new(&cloud);
    let kinds = ["ChangeResourceRecordSets", "ListResourceRecordSets"];
    for (what, stack, purpose) in [
        ("made", records(60, ""), Purpose::Apply),
        ("changed", records(300, ""), Purpose::Apply),
        ("removed", records(300, ""), Purpose::Destroy),
    ] {
        let calls = applied(&mut bench, &proxy, &stack, purpose, &kinds).await.unwrap();
        println!("{MANY} records {what}: {} changes, {} lists", calls[0], calls[1]);
        assert!(calls[0] <= FEW, "{what}: {:?}", proxy.counts());
        assert!(calls[1] <= FEW, "{what}: {:?}", proxy.counts());
    }
    assert_eq!(bench.resources().count(), 0);
}

#[tokio::test]
async fn a_record_that_is_refused_fails_alone() {
    let (proxy, cloud) = counted();
    let mut bench = Bench::new(&cloud);
    let wrong = r#"
[resource.aws_route53_record.wrong]
zone_id = "${aws_route53_zone.main.zone_id}"
name = "example.com"
type = "CNAME"
ttl = 60
records = ["example.org"]
"#;
    let error = applied(&mut bench, &proxy, &records(60, wrong), Purpose::Apply, &[]).await.unwrap_err();
    assert!(error.contains("aws_route53_record.wrong") && error.contains("not permitted at apex"), "{error}");
    assert!(!error.contains("aws_route53_record.many"), "{error}");
    assert_eq!(bench.resources().count(), MANY + 1, "the zone and all that are not to blame");
    let calls = proxy.count("ChangeResourceRecordSets");
    println!("{MANY} records and one that is refused: {calls} changes");
    assert!(calls <= 4 * FEW, "{:?}", proxy.counts());
    let open = bench.open(&records(60, "")).unwrap();
    assert_eq!(acts(&bench.plan(&open, Purpose::Apply).await.unwrap()), Vec::<String>::new());
}

fn rules(port: usize, team: &str) -> String {
    format!(
        r#"
[resource.aws_security_group.web]
name = "web"

[resource.aws_vpc_security_group_ingress_rule.many]
count = {MANY}
security_group_id = "${{aws_security_group.web.id}}"
cidr_ipv4 = "10.0.${{count.index}}.0/24"
ip_protocol = "tcp"
from_port = {port}
to_port = {port}
tags = {{ team = "{team}" }}
"#
    )
}

#[tokio::test]
async fn rules_of_a_group_and_tags_share_calls() {
    let (proxy, cloud) = counted();
    let mut bench = Bench::new(&cloud);
    let kinds = ["AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules", "CreateTags", "RevokeSecurityGroupIngress"];
    for (what, stack, purpose, used) in [
        ("made", rules(80, "infra"), Purpose::Apply, 0),
        ("changed", rules(443, "infra"), Purpose::Apply, 1),
        ("tagged", rules(443, "platform"), Purpose::Apply, 2),
        ("removed", rules(443, "platform"), Purpose::Destroy, 3),
    ] {
        let calls = applied(&mut bench, &proxy, &stack, purpose, &kinds).await.unwrap();
        println!("{MANY} rules {what}: {} of {}", calls[used], kinds[used]);
        assert!((1..=FEW).contains(&calls[used]), "{what}: {:?}", proxy.counts());
    }
    assert_eq!(bench.resources().count(), 0);
}
