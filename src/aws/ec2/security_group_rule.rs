//! A rule of a security group as a resource of its own: what the one for each way shares.

use std::marker::PhantomData;
use std::time::Duration;

use aws_sdk_ec2::types::{SecurityGroupRule, SecurityGroupRuleRequest};

use super::group_rules::{CHARACTERS, Way, check_ports};
use super::permission::{Opening, Protocol, Source, describes, has_ports, protocol};
use super::rule_changes::{self, reference};
use super::{arn_of, by, by_id, retag, tags};
use crate::aws::Aws;
use crate::aws::error::absent;
use crate::aws::types::Cidr;
use crate::words::Value;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Hold, Id, Known, Live, PartOf, Planned, Problem, Resource, Retry, Tags, Then};
use crate::words::schema::{Attr, Block, Field, Kind, Mismatch};

crate::blocks! {
    /// One opening of a security group: a protocol, its ports, and one other side.
    pub struct Rule {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// An IPv4 network on the other side.
        #[attr(conflicts(&["cidr_ipv6", "prefix_list_id", "referenced_security_group_id"]))]
        cidr_ipv4: Option<Cidr>,
        /// An IPv6 network on the other side.
        #[attr(conflicts(&["cidr_ipv4", "prefix_list_id", "referenced_security_group_id"]))]
        cidr_ipv6: Option<Cidr>,
        /// What it is for.
        #[attr(within(0, 255))]
        description: Option<String>,
        /// The first port, or the type of ICMP; left out where the protocol is `-1`.
        #[attr(within(-1, 65535))]
        from_port: Option<i64>,
        /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or the number of a protocol.
        ip_protocol: Protocol,
        /// A prefix list on the other side.
        #[attr(conflicts(&["cidr_ipv4", "cidr_ipv6", "referenced_security_group_id"]))]
        prefix_list_id: Option<String>,
        /// A security group on the other side, `account/sg-...` where it is another account's.
        #[attr(conflicts(&["cidr_ipv4", "cidr_ipv6", "prefix_list_id"]), refers("aws_security_group.id"))]
        referenced_security_group_id: Option<String>,
        /// The security group.
        #[attr(force_new, refers("aws_security_group.id"))]
        security_group_id: String,
        /// The id by which AWS knows it.
        #[attr(computed)]
        security_group_rule_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The last port, or the code of ICMP; left out where the protocol is `-1`.
        #[attr(within(-1, 65535))]
        to_port: Option<i64>,
    }
}

/// The attributes of which exactly one says who is on the other side.
const SOURCES: [&str; 4] = ["cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id"];

/// What tells the resource for one way from that for the other.
pub trait Direction: Send + Sync + 'static {
    /// The way.
    const WAY: Way;
    /// See [`Block::DOC`].
    const DOC: &'static str;
    /// See [`Resource::TYPE`].
    const TYPE: &'static str;
    /// See [`Resource::EXAMPLE`].
    const EXAMPLE: &'static str;
}

/// A [`Rule`] of one way.
pub struct Directed<D>(pub Rule, PhantomData<fn() -> D>);

impl<D> Clone for Directed<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<D: Direction> Block for Directed<D> {
    const DOC: &'static str = D::DOC;
    const ATTRS: &'static [Attr] = Rule::ATTRS;
}

impl<D> Field for Directed<D> {
    const KIND: Kind = Rule::KIND;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        Ok(Self(Rule::take(value)?, PhantomData))
    }
    fn give(&self) -> Value {
        self.0.give()
    }
}

impl<D: Direction> Resource for Directed<D> {
    const TYPE: &'static str = D::TYPE;
    const HOLDS: &'static [Hold] = &[Hold { kind: "aws_security_group", through: "referenced_security_group_id", then: Then::Replaced }];
    const EXAMPLE: &'static str = D::EXAMPLE;
    const PART_OF: Option<PartOf> = Some(PartOf {
        kind: "aws_security_group",
        attr: match D::WAY {
            Way::Ingress => "ingress",
            Way::Egress => "egress",
        },
        by: "security_group_id",
    });
    const BATCH: usize = 200;
    const SHARES: bool = true;
    const RETRY: &'static [Retry] = &[
        Retry { operation: "AuthorizeSecurityGroupIngress", code: "InvalidGroup.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "AuthorizeSecurityGroupEgress", code: "InvalidGroup.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateTags", code: "InvalidSecurityGroupRuleId.NotFound", message: "", within: Duration::from_secs(300) },
    ];
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let rule = &self.0;
        match rule_changes::open(cx.cloud, D::WAY, &rule.security_group_id, &rule.tags_all, rule.asked()).await {
            Err(failure) if failure.cause == Cause::Exists => Err(rule.taken(cx.cloud, D::WAY, failure).await),
            made => made,
        }
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let ours = |found: &SecurityGroupRule| tags(found.tags.as_deref()) == self.0.tags_all;
        Ok(self.0.twin(cx.cloud, D::WAY).await?.filter(ours).and_then(|rule| rule.security_group_rule_id))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_security_group_rules().filters(by_id("security-group-rule-id", known));
        let found: Vec<SecurityGroupRule> = call.into_paginator().items().send().try_collect().await?;
        let account = &cx.cloud.account().await?;
        let ways = found.iter().filter(|rule| rule.is_egress() == Some(D::WAY == Way::Egress));
        let live = ways.filter_map(|rule| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == rule.security_group_rule_id())?;
            let value = Self(rule_of(cx.cloud, account, rule, known.prior.as_ref().map(|p| &p.0)), PhantomData);
            Some(Live { id: known.id.clone(), value })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (rule, old) = (&self.0, &live.value.0);
        if rule.meaning() != old.meaning() {
            rule_changes::alter(cx.cloud, &rule.security_group_id, (live.id.clone(), rule.request())).await?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &rule.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        rule_changes::close(cx.cloud, D::WAY, &live.value.0.security_group_id, live.id.clone()).await
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("sgr-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a security group rule")).help("give an id such as `sgr-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        if SOURCES.iter().all(|name| given.attr(name).is_null()) {
            problems.push(Problem::new("", format!("a rule needs another side: one of `{}`", SOURCES.join("`, `"))));
        }
        if given.attr("description").as_str().is_some_and(|text| !describes(text)) {
            problems.push(Problem::new("description", CHARACTERS));
        }
        problems.extend(ports_of(given));
        problems
    }

    /// EC2 changes the other side of a rule, but not its kind.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let other = |name: &&&str| prior.attr(name).is_empty() != planned.want.attr(name).is_empty();
        planned.replace.extend(SOURCES.iter().filter(other).map(|name| (*name).to_owned()));
    }
}

fn ports_of(given: &Value) -> Option<Problem> {
    let protocol = protocol(given.attr("ip_protocol").as_str()?);
    let (from, to) = (given.attr("from_port"), given.attr("to_port"));
    if from.is_unknown() || to.is_unknown() {
        return None;
    }
    let port = |value: &Value| value.as_number().and_then(|n| n.as_i64());
    match (protocol.as_str(), port(from), port(to)) {
        ("-1", Some(-1) | None, Some(-1) | None) => None,
        ("-1", ..) => Some(Problem::new("from_port", "all protocols go with all ports: leave both ports out where the protocol is `-1`")),
        ("tcp" | "udp" | "icmp", None, _) => Some(Problem::new("from_port", format!("{protocol} needs both ports"))),
        ("tcp" | "udp" | "icmp", _, None) => Some(Problem::new("to_port", format!("{protocol} needs both ports"))),
        (_, Some(from), Some(to)) => check_ports(&protocol, from, to).map(|(name, why)| Problem::new(name, why)),
        _ => None,
    }
}

impl Rule {
    fn source(&self) -> Source {
        match (&self.cidr_ipv4, &self.cidr_ipv6, &self.prefix_list_id, &self.referenced_security_group_id) {
            (Some(net), ..) => Source::V4(net.to_string()),
            (_, Some(net), ..) => Source::V6(net.to_string()),
            (_, _, Some(list), _) => Source::List(list.clone()),
            (.., group) => Source::Group(group.clone().unwrap_or_default()),
        }
    }

    fn opening(&self) -> Opening {
        Opening::new(&self.ip_protocol, self.from_port, self.to_port, self.source())
    }

    /// All of it but its tags.
    fn meaning(&self) -> (Opening, &str) {
        (self.opening(), self.description.as_deref().unwrap_or_default())
    }

    fn asked(&self) -> (Opening, String) {
        let (opening, description) = self.meaning();
        (opening, description.to_owned())
    }

    fn request(&self) -> SecurityGroupRuleRequest {
        let opening = self.opening();
        let (protocol, from, to) = opening.what();
        let port = |port: i64| if has_ports(protocol) { i32::try_from(port).ok() } else { Some(-1) };
        let request = SecurityGroupRuleRequest::builder().ip_protocol(protocol).set_from_port(port(from)).set_to_port(port(to));
        let request = request.set_description(self.description.clone().filter(|text| !text.is_empty()));
        let group = |id: String| id.split_once('/').map_or(id.clone(), |(_, id)| id.to_owned());
        match opening.source.clone() {
            Source::V4(net) => request.cidr_ipv4(net).build(),
            Source::V6(net) => request.cidr_ipv6(net).build(),
            Source::List(id) => request.prefix_list_id(id).build(),
            Source::Group(id) => request.referenced_group_id(group(id)).build(),
        }
    }

    /// The rule of the group that opens the same: there can be no other.
    async fn twin(&self, aws: &Aws, way: Way) -> Outcome<Option<SecurityGroupRule>> {
        let call = aws.ec2.describe_security_group_rules().filters(by("group-id", [&self.security_group_id]));
        let found: Vec<SecurityGroupRule> = call.into_paginator().items().send().try_collect().await?;
        let account = aws.account().await?;
        let wanted = self.opening();
        let same = |rule: &SecurityGroupRule| rule.is_egress() == Some(way == Way::Egress) && rule_changes::opens(rule, &account, &wanted);
        Ok(found.into_iter().find(same))
    }

    /// The refusal of a rule that there is already, with help that names it.
    async fn taken(&self, aws: &Aws, way: Way, failure: Failure) -> Failure {
        match absent(self.twin(aws, way).await) {
            Ok(Some(Some(SecurityGroupRule { security_group_rule_id: Some(id), .. }))) => {
                failure.help(format!("{id} opens the same: import it, or remove it from where it is declared"))
            }
            _ => failure,
        }
    }
}

fn rule_of(aws: &Aws, account: &str, rule: &SecurityGroupRule, prior: Option<&Rule>) -> Rule {
    let (id, owner) = (rule.security_group_rule_id().unwrap_or_default(), rule.group_owner_id().unwrap_or(account));
    let protocol = protocol(rule.ip_protocol().unwrap_or("-1"));
    // EC2 answers -1 for ports that were left out; an ICMP rule from elsewhere is better told in full.
    let port = |port: Option<i32>, held: Option<Option<i64>>| match port.map(i64::from) {
        Some(-1) | None if protocol == "-1" => held.flatten().filter(|held| *held == -1),
        Some(-1) if held == Some(None) => None,
        port => port,
    };
    Rule {
        arn: Some(arn_of(aws, owner, &format!("security-group-rule/{id}"))),
        cidr_ipv4: rule.cidr_ipv4().map(Cidr::from),
        cidr_ipv6: rule.cidr_ipv6().map(Cidr::from),
        description: rule.description().filter(|text| !text.is_empty()).map(str::to_owned),
        from_port: port(rule.from_port(), prior.map(|p| p.from_port)),
        ip_protocol: Protocol::from(protocol.as_str()),
        prefix_list_id: rule.prefix_list_id().map(str::to_owned),
        referenced_security_group_id: spelled(reference(rule, owner), owner, prior),
        security_group_id: rule.group_id().unwrap_or_default().to_owned(),
        security_group_rule_id: Some(id.to_owned()),
        tags: Tags::new(),
        tags_all: tags(rule.tags.as_deref()),
        to_port: port(rule.to_port(), prior.map(|p| p.to_port)),
    }
}

/// A group as the prior value spells it, where that names the group's own account too.
fn spelled(group: Option<String>, owner: &str, prior: Option<&Rule>) -> Option<String> {
    let held = prior.and_then(|p| p.referenced_security_group_id.clone());
    let same = held.as_ref().zip(group.as_ref()).is_some_and(|(held, group)| *held == format!("{owner}/{group}"));
    if same { held } else { group }
}
