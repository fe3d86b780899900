//! Load balancers.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{
    AvailabilityZone, IpAddressType, IpamPools as SdkPools, LoadBalancer, LoadBalancerAttribute, LoadBalancerSchemeEnum,
    LoadBalancerTypeEnum, MinimumLoadBalancerCapacity, RemoveIpamPoolEnum, SubnetMapping as SdkMapping,
};

use super::{arn_of_kind, bad_name, int, lb_attributes, retag, some, suffix, tagged, tags_of, unset};
use crate::aws::error::{absent, lacking};
use crate::aws::wait::{Seen, until};
use crate::aws::{Aws, each, ec2, listing, name};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{After, Cx, Hold, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags, Then};
use crate::words::value::Value;

/// For how long the network interfaces of a load balancer that is deleted may stay.
const LEAVES: Duration = Duration::from_mins(10);

crate::blocks! {
    /// What takes in requests and spreads them over targets.
    pub struct Lb {
        /// Where the requests that it took are written to.
        access_logs: Option<Logs>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The end of its ARN, by which CloudWatch knows it: `app/NAME/ID`.
        #[attr(computed)]
        arn_suffix: Option<String>,
        /// For how many seconds a client's connection is kept; of application load balancers.
        #[attr(default_int(3600), within(60, 604_800))]
        client_keep_alive: Option<i64>,
        /// Where the connections that it took are written to; of application load balancers.
        connection_logs: Option<Logs>,
        /// The pool of addresses of your own network, on an Outpost.
        #[attr(force_new)]
        customer_owned_ipv4_pool: Option<String>,
        /// How requests are treated that mean different things to different readers; of application load balancers.
        #[attr(default_text("defensive"), one_of(&["monitor", "defensive", "strictest"]))]
        desync_mitigation_mode: Option<String>,
        /// Its host name.
        #[attr(computed)]
        dns_name: Option<String>,
        /// Whether a client is led to the zone that it is in; of network load balancers.
        #[attr(
            default_text("any_availability_zone"),
            one_of(&["any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity"])
        )]
        dns_record_client_routing_policy: Option<String>,
        /// Drop header fields with names that HTTP does not allow; of application load balancers.
        #[attr(default_bool(false))]
        drop_invalid_header_fields: Option<bool>,
        /// Spread over the targets of all zones; of network and gateway load balancers, others always do.
        #[attr(default_bool(false))]
        enable_cross_zone_load_balancing: Option<bool>,
        /// AWS refuses to delete it.
        #[attr(default_bool(false))]
        enable_deletion_protection: Option<bool>,
        /// Take HTTP/2 as well; of application load balancers.
        #[attr(default_bool(true))]
        enable_http2: Option<bool>,
        /// Tell targets the TLS version and cipher suite in headers; of application load balancers.
        #[attr(default_bool(false))]
        enable_tls_version_and_cipher_suite_headers: Option<bool>,
        /// Pass requests on when the firewall can't be asked; of application load balancers.
        #[attr(default_bool(false))]
        enable_waf_fail_open: Option<bool>,
        /// Keep the client's port in `X-Forwarded-For`; of application load balancers.
        #[attr(default_bool(false))]
        enable_xff_client_port: Option<bool>,
        /// Let traffic be shifted away from a zone.
        #[attr(default_bool(false))]
        enable_zonal_shift: Option<bool>,
        /// Whether rules of its security groups hold for PrivateLink too; of network load balancers.
        #[attr(chosen, one_of(&["on", "off"]))]
        enforce_security_group_inbound_rules_on_private_link_traffic: Option<String>,
        /// For how many seconds a connection may be idle; of application load balancers.
        #[attr(default_int(60), within(1, 4000))]
        idle_timeout: Option<i64>,
        /// Only reached from inside.
        #[attr(chosen, force_new)]
        internal: Option<bool>,
        /// What its addresses are.
        #[attr(chosen, one_of(&["ipv4", "dualstack", "dualstack-without-public-ipv4"]))]
        ip_address_type: Option<String>,
        /// Where its public addresses come from.
        ipam_pools: Option<IpamPools>,
        /// What it balances: HTTP, connections, or packets on their way through appliances.
        #[attr(force_new, default_text("application"), one_of(&["application", "network", "gateway"]))]
        load_balancer_type: Option<String>,
        /// The least that is kept ready.
        minimum_load_balancer_capacity: Option<Capacity>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 32), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 6), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// Leave the header `Host` as it is; of application load balancers.
        #[attr(default_bool(false))]
        preserve_host_header: Option<bool>,
        /// The security groups that guard it.
        #[attr(chosen, refers("aws_security_group.id"))]
        security_groups: BTreeSet<String>,
        /// Where it stands, with addresses of your own.
        #[attr(chosen, conflicts(&["subnets"]))]
        subnet_mapping: BTreeSet<SubnetMapping>,
        /// Where it stands: one subnet a zone, and of an application load balancer at least two.
        #[attr(chosen, refers("aws_subnet.id"), conflicts(&["subnet_mapping"]))]
        subnets: BTreeSet<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The VPC that it stands in.
        #[attr(computed)]
        vpc_id: Option<String>,
        /// What becomes of `X-Forwarded-For`; of application load balancers.
        #[attr(default_text("append"), one_of(&["append", "preserve", "remove"]))]
        xff_header_processing_mode: Option<String>,
        /// The hosted zone of its host name, for an alias record.
        #[attr(computed)]
        zone_id: Option<String>,
    }

    /// Where logs go.
    pub struct Logs {
        /// The bucket.
        #[attr(required)]
        bucket: Option<String>,
        /// Whether any are written.
        #[attr(default_bool(false))]
        enabled: Option<bool>,
        /// How their keys begin.
        prefix: Option<String>,
    }

    /// A pool of addresses.
    pub struct IpamPools {
        /// The pool of IPv4 addresses.
        ipv4_ipam_pool_id: String,
    }

    /// What is kept ready.
    pub struct Capacity {
        /// How many capacity units.
        capacity_units: i64,
    }

    /// A subnet, and the address there.
    pub struct SubnetMapping {
        /// The Elastic IP address; of network load balancers that face the internet.
        #[attr(refers("aws_eip.id"))]
        allocation_id: Option<String>,
        /// The IPv6 address.
        ipv6_address: Option<String>,
        /// The Outpost.
        #[attr(computed)]
        outpost_id: Option<String>,
        /// The private address; of internal network load balancers.
        private_ipv4_address: Option<String>,
        /// The subnet.
        #[attr(refers("aws_subnet.id"))]
        subnet_id: String,
    }
}

impl Resource for Lb {
    const TYPE: &'static str = "aws_lb";
    const HOLDS: &'static [Hold] = &[
        Hold { kind: "aws_vpc", through: "vpc_id", then: Then::Bound },
        Hold { kind: "aws_subnet", through: "subnets", then: Then::Replaced },
        Hold { kind: "aws_security_group", through: "security_groups", then: Then::Refused },
    ];
    const KNOWN_BY: Option<&'static str> = Some("name");
    // The same name with the same settings gives what there is.
    const UPSERTS: bool = true;
    const LINGERS: bool = true;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m"), ("update", "10m"), ("delete", "10m")];
    const RETRY: &'static [Retry] = &[
        // The policy of a bucket that was just set is not known yet.
        Retry {
            operation: "ModifyLoadBalancerAttributes",
            code: "InvalidConfigurationRequest",
            message: "Access Denied for bucket",
            within: Duration::from_secs(60),
        },
        Retry { operation: "DeleteLoadBalancer", code: "ResourceInUse", message: "", within: Duration::from_secs(300) },
    ];
    const AFTER: &'static [After] = &[After { kind: "aws_internet_gateway", through: "aws_vpc" }];
    const EXAMPLE: &'static str = r#"
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b", "us-east-1c"] },
]

[resource.aws_security_group.web]
count = 2
name = "web-${count.index}"

[resource.aws_lb.example]
name = "example"
security_groups = ["${aws_security_group.web[0].id}"]
subnets = "${slice(sort(data.aws_subnets.main.ids), 0, 2)}"
enable_deletion_protection = true
tags = { team = "infra" }
---
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b", "us-east-1c"] },
]

[resource.aws_security_group.web]
count = 2
name = "web-${count.index}"

[resource.aws_lb.example]
name = "example"
security_groups = ["${aws_security_group.web[1].id}"]
subnets = "${data.aws_subnets.main.ids}"
enable_deletion_protection = false
ip_address_type = "dualstack"
idle_timeout = 300
client_keep_alive = 7200
desync_mitigation_mode = "strictest"
drop_invalid_header_fields = true
enable_http2 = false
enable_tls_version_and_cipher_suite_headers = true
enable_waf_fail_open = true
enable_xff_client_port = true
enable_zonal_shift = true
preserve_host_header = true
xff_header_processing_mode = "preserve"
access_logs = [{ bucket = "logs", prefix = "lb", enabled = true }]
connection_logs = [{ bucket = "logs", prefix = "connections", enabled = true }]
minimum_load_balancer_capacity = [{ capacity_units = 100 }]
ipam_pools = [{ ipv4_ipam_pool_id = "ipam-pool-0123456789abcdef0" }]
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems: Vec<Problem> = bad_name(given).into_iter().collect();
        if given.attr("name").as_str().is_some_and(|n| n.starts_with("internal-")) {
            problems.push(Problem::new("name", "`internal-` is AWS's own beginning of names"));
        }
        let (subnets, mappings) = (given.attr("subnets"), given.attr("subnet_mapping"));
        let known = |v: &Value| v.is_known() && !v.is_unknown();
        let application = matches!(given.attr("load_balancer_type").as_str(), None | Some("application"));
        let count = subnets.items().len() + mappings.items().len();
        if known(subnets) && known(mappings) && known(given.attr("load_balancer_type")) {
            if count == 0 {
                problems.push(Problem::new("subnets", "a load balancer needs `subnets` or `subnet_mapping`"));
            } else if application && subnets.items().len() == 1 {
                problems.push(Problem::new("subnets", "an application load balancer needs subnets in at least two zones"));
            }
        }
        if given.attr("load_balancer_type").as_str() == Some("gateway") && !given.attr("security_groups").is_empty() {
            problems.push(Problem::new("security_groups", "a gateway load balancer has no security groups"));
        }
        if application && mappings.items().iter().any(|m| !m.attr("allocation_id").is_empty()) {
            problems.push(Problem::new("subnet_mapping.0.allocation_id", "only network load balancers have addresses of your own"));
        }
        problems
    }

    fn plan(planned: &mut Planned<'_>) {
        let kind = planned.want.attr("load_balancer_type").as_str().unwrap_or("application").to_owned();
        if kind == "application" {
            // Always on, and nobody's to set.
            *planned.want = std::mem::take(planned.want).with("enable_cross_zone_load_balancing", Value::from(true));
        }
        // What means nothing for its kind stays as it is.
        let held = planned.prior;
        for name in lb_attributes::foreign(&kind).filter(|name| kind != "application" || *name != "enable_cross_zone_load_balancing") {
            let held = held.map_or(Value::Null, |prior| prior.attr(name).clone());
            *planned.want = std::mem::take(planned.want).with(name, held);
        }
        let Some(prior) = planned.prior else { return };
        for name in ["access_logs", "connection_logs"] {
            // A block that says that none are written is as good as none.
            let off = prior.attr(name).items().first().is_some_and(|l| l.attr("enabled").as_bool() != Some(true));
            if off && planned.want.attr(name).is_known() && planned.want.attr(name).items().is_empty() {
                *planned.want = std::mem::take(planned.want).with(name, prior.attr(name).clone());
            }
        }
        let changes = |name: &str| planned.changed.iter().any(|c| c == name);
        let mut replace = vec![];
        let network = prior.attr("load_balancer_type").as_str() == Some("network");
        for (name, other) in [("subnets", "subnet_mapping"), ("subnet_mapping", "subnets")] {
            if !changes(name) {
                continue;
            }
            let want = planned.want.attr(name).clone();
            let stays = |old: &Value| !want.is_known() || want.items().iter().any(|new| same_place(old, new));
            // A network load balancer takes more subnets, and gives none back.
            if network && !prior.attr(name).items().iter().all(stays) {
                replace.push(name.to_owned());
            }
            *planned.want = std::mem::take(planned.want).with(other, Value::unknown());
        }
        let guarded = |v: &Value| !v.attr("security_groups").is_empty();
        if network && changes("security_groups") && guarded(prior) != guarded(planned.want) {
            replace.push("security_groups".into());
        }
        planned.replace.extend(replace);
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.elb.create_load_balancer().name(self.named(cx)).r#type(LoadBalancerTypeEnum::from(self.kind()));
        let call = call.set_security_groups(list(&self.security_groups)).set_tags(tagged(&self.tags_all));
        let call = if self.subnet_mapping.is_empty() {
            call.set_subnets(list(&self.subnets))
        } else {
            call.set_subnet_mappings(Some(self.subnet_mapping.iter().map(SubnetMapping::sdk).collect()))
        };
        let call = call.set_scheme((self.internal == Some(true)).then_some(LoadBalancerSchemeEnum::Internal));
        let call = call.set_ip_address_type(some(self.ip_address_type.as_deref()).as_deref().map(IpAddressType::from));
        let call = call.set_customer_owned_ipv4_pool(some(self.customer_owned_ipv4_pool.as_deref()));
        let made = call.set_ipam_pools(self.ipam_pools.as_ref().map(IpamPools::sdk)).send().await?;
        let arn = made.load_balancers.unwrap_or_default().into_iter().find_map(|lb| lb.load_balancer_arn);
        arn.ok_or_else(|| lacking("ARN of the load balancer"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = absent(cx.cloud.elb.describe_load_balancers().names(self.named(cx)).send().await.map_err(Into::into))?;
        Ok(found.and_then(|f| f.load_balancers).unwrap_or_default().into_iter().find_map(|lb| lb.load_balancer_arn))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.elb.describe_load_balancers().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|lb| Some(Listed::new(lb.load_balancer_arn()?).named(lb.load_balancer_name()).costs()));
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = described(cx.cloud, known.iter().map(|k| k.id.clone()).collect()).await?;
        let arns: Vec<Id> = found.iter().filter_map(|lb| lb.load_balancer_arn.clone()).collect();
        let one = |lb: LoadBalancer| async move {
            let arn = lb.load_balancer_arn().unwrap_or_default().to_owned();
            let prior = known.iter().find(|k| k.id == arn).and_then(|k| k.prior.as_ref());
            let settings = async { absent(lb_attributes::described(cx.cloud, &arn).await) };
            let capacity = async {
                match prior {
                    // A call for each, for what few manage.
                    Some(prior) if prior.minimum_load_balancer_capacity.is_none() => Ok(None),
                    _ => capacity(cx.cloud, &lb).await,
                }
            };
            let (settings, capacity) = futures::try_join!(settings, capacity)?;
            // Gone between the two calls.
            let Some(settings) = settings else { return Ok(None) };
            cx.reads.says(Self::TYPE, &arn, status(&lb));
            let value = Self { minimum_load_balancer_capacity: capacity, ..of_lb(&lb, prior) }.with_settings(&settings, prior);
            Ok(Some(Live { id: arn, value }))
        };
        let (live, mut tags) = futures::try_join!(each(found, one), tags_of(cx.cloud, &arns))?;
        let tagged = live.into_iter().map(|live| {
            let tags_all = tags.remove(&live.id).unwrap_or_default();
            Live { value: Self { tags_all, ..live.value }, id: live.id }
        });
        Ok(tagged.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (elb, arn, old) = (&cx.cloud.elb, live.id.as_str(), &live.value);
        let enforce = |lb: &Self| some(lb.enforce_security_group_inbound_rules_on_private_link_traffic.as_deref());
        let enforced = enforce(self).filter(|e| enforce(old).as_ref() != Some(e));
        let guards = !self.security_groups.is_empty() && self.security_groups != old.security_groups;
        if guards || enforced.is_some() {
            let call = elb.set_security_groups().load_balancer_arn(arn).set_security_groups(list(&self.security_groups));
            let enforced = enforced.as_deref().map(Into::into);
            call.set_enforce_security_group_inbound_rules_on_private_link_traffic(enforced).send().await?;
        }
        if !self.subnets.is_empty() && self.subnets != old.subnets {
            elb.set_subnets().load_balancer_arn(arn).set_subnets(list(&self.subnets)).send().await?;
        } else if !self.subnet_mapping.is_empty() && places(&self.subnet_mapping) != places(&old.subnet_mapping) {
            let mappings = self.subnet_mapping.iter().map(SubnetMapping::sdk).collect();
            elb.set_subnets().load_balancer_arn(arn).set_subnet_mappings(Some(mappings)).send().await?;
        }
        if let Some(kind) = some(self.ip_address_type.as_deref()).filter(|k| old.ip_address_type.as_ref() != Some(k)) {
            elb.set_ip_address_type().load_balancer_arn(arn).ip_address_type(kind.as_str().into()).send().await?;
        }
        match (&self.ipam_pools, &old.ipam_pools) {
            (want, have) if want == have => {}
            (Some(pools), _) => drop(elb.modify_ip_pools().load_balancer_arn(arn).ipam_pools(pools.sdk()).send().await?),
            (None, _) => {
                elb.modify_ip_pools().load_balancer_arn(arn).remove_ipam_pools(RemoveIpamPoolEnum::Ipv4).send().await?;
            }
        }
        if self.minimum_load_balancer_capacity != old.minimum_load_balancer_capacity {
            let units = self.minimum_load_balancer_capacity.as_ref().map(|c| c.capacity_units);
            let capacity = units.map(|u| MinimumLoadBalancerCapacity::builder().set_capacity_units(int(Some(u))).build());
            let call = elb.modify_capacity_reservation().load_balancer_arn(arn).reset_capacity_reservation(capacity.is_none());
            call.set_minimum_load_balancer_capacity(capacity).send().await?;
        }
        let set = unset(&self.settings(), &old.settings());
        if !set.is_empty() {
            let set = set.into_iter().map(|(k, v)| LoadBalancerAttribute::builder().key(k).value(v).build()).collect();
            elb.modify_load_balancer_attributes().load_balancer_arn(arn).set_attributes(Some(set)).send().await?;
        }
        retag(cx.cloud, arn, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let deleted = cx.cloud.elb.delete_load_balancer().load_balancer_arn(&live.id).send().await.map_err(Failure::from);
        deleted.map_err(|failure| match failure.code.as_str() {
            "OperationNotPermitted" if failure.message.contains("deletion protection") => failure
                .help("it is protected from deletion; `enable_deletion_protection = false`, applied first, takes the protection away"),
            _ => failure,
        })?;
        left(cx.cloud, &live.id).await
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        arn_of_kind(given, "loadbalancer/", "a load balancer")
    }
}

impl Lb {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        let prefix = some(self.name_prefix.as_deref()).unwrap_or_else(|| "tf-lb-".into());
        name::generate(self.name.as_deref(), Some(&prefix), cx.token)
    }

    /// `application`, `network` or `gateway`.
    pub(super) fn kind(&self) -> &str {
        self.load_balancer_type.as_deref().filter(|t| !t.is_empty()).unwrap_or("application")
    }
}

impl SubnetMapping {
    fn sdk(&self) -> SdkMapping {
        let mapping = SdkMapping::builder().subnet_id(&self.subnet_id).set_allocation_id(some(self.allocation_id.as_deref()));
        let mapping = mapping.set_private_ipv4_address(some(self.private_ipv4_address.as_deref()));
        mapping.set_ipv6_address(some(self.ipv6_address.as_deref())).build()
    }
}

impl IpamPools {
    fn sdk(&self) -> SdkPools {
        SdkPools::builder().ipv4_ipam_pool_id(&self.ipv4_ipam_pool_id).build()
    }
}

/// For a call; none rather than an empty list.
fn list(texts: &BTreeSet<String>) -> Option<Vec<String>> {
    (!texts.is_empty()).then(|| texts.iter().cloned().collect())
}

/// The mappings without what AWS tells of them.
fn places(mappings: &BTreeSet<SubnetMapping>) -> BTreeSet<SubnetMapping> {
    mappings.iter().cloned().map(|m| SubnetMapping { outpost_id: None, ..m }).collect()
}

/// Whether a subnet, or a mapping of one, is among what is wanted as it is.
fn same_place(old: &Value, new: &Value) -> bool {
    let same = |name: &str| old.attr(name).is_empty() && new.attr(name).is_empty() || old.attr(name).bare() == new.attr(name).bare();
    match (old.as_str(), new.as_str()) {
        (Some(old), Some(new)) => old == new,
        (None, None) => new.is_unknown() || ["subnet_id", "allocation_id", "private_ipv4_address"].into_iter().all(same),
        _ => new.is_unknown(),
    }
}

/// The load balancers with those ARNs that exist.
pub(super) async fn described(aws: &Aws, arns: Vec<Id>) -> Outcome<Vec<LoadBalancer>> {
    let call = |arns: Vec<Id>| async move {
        let answer = aws.elb.describe_load_balancers().set_load_balancer_arns(Some(arns)).send().await?;
        Ok(answer.load_balancers.unwrap_or_default())
    };
    super::described(arns, &call).await
}

fn status(lb: &LoadBalancer) -> Status {
    let state = lb.state();
    let code = state.and_then(|s| s.code()).map_or("active", |c| c.as_str());
    match code {
        "active" | "active_impaired" => Status::Ready,
        "failed" => Status::Failed(state.and_then(|s| s.reason()).unwrap_or("AWS gives no reason").to_owned()),
        other => Status::Pending(other.to_owned()),
    }
}

/// What one describe call tells of it.
pub(super) fn of_lb(lb: &LoadBalancer, prior: Option<&Lb>) -> Lb {
    let zones = lb.availability_zones();
    let arn = lb.load_balancer_arn().unwrap_or_default();
    let name = some(lb.load_balancer_name());
    Lb {
        access_logs: None,
        arn: some(Some(arn)),
        arn_suffix: suffix(arn),
        client_keep_alive: None,
        connection_logs: None,
        customer_owned_ipv4_pool: some(lb.customer_owned_ipv4_pool()),
        desync_mitigation_mode: None,
        dns_name: some(lb.dns_name()),
        dns_record_client_routing_policy: None,
        drop_invalid_header_fields: None,
        enable_cross_zone_load_balancing: None,
        enable_deletion_protection: None,
        enable_http2: None,
        enable_tls_version_and_cipher_suite_headers: None,
        enable_waf_fail_open: None,
        enable_xff_client_port: None,
        enable_zonal_shift: None,
        enforce_security_group_inbound_rules_on_private_link_traffic: some(
            lb.enforce_security_group_inbound_rules_on_private_link_traffic(),
        ),
        idle_timeout: None,
        internal: Some(lb.scheme() == Some(&LoadBalancerSchemeEnum::Internal)),
        ip_address_type: some(lb.ip_address_type().map(IpAddressType::as_str)),
        ipam_pools: lb.ipam_pools().and_then(|p| p.ipv4_ipam_pool_id()).map(|id| IpamPools { ipv4_ipam_pool_id: id.to_owned() }),
        load_balancer_type: some(lb.r#type().map(LoadBalancerTypeEnum::as_str)),
        minimum_load_balancer_capacity: None,
        name_prefix: name.as_deref().and_then(name::prefix_of),
        name,
        preserve_host_header: None,
        security_groups: lb.security_groups().iter().cloned().collect(),
        subnet_mapping: zones.iter().filter_map(|zone| mapping(zone, prior)).collect(),
        subnets: zones.iter().filter_map(|z| z.subnet_id.clone()).collect(),
        tags: Tags::new(),
        tags_all: Tags::new(),
        vpc_id: some(lb.vpc_id()),
        xff_header_processing_mode: None,
        zone_id: some(lb.canonical_hosted_zone_id()),
    }
}

/// Its place in one zone. AWS tells an address only where it is the user's own.
fn mapping(zone: &AvailabilityZone, prior: Option<&Lb>) -> Option<SubnetMapping> {
    let subnet_id = zone.subnet_id.clone()?;
    let written = prior.and_then(|p| p.subnet_mapping.iter().find(|m| m.subnet_id == subnet_id));
    let address = zone.load_balancer_addresses().first();
    Some(SubnetMapping {
        allocation_id: some(address.and_then(|a| a.allocation_id())),
        ipv6_address: some(address.and_then(|a| a.ipv6_address())).or_else(|| written.and_then(|w| w.ipv6_address.clone())),
        outpost_id: some(zone.outpost_id()),
        private_ipv4_address: some(address.and_then(|a| a.private_ipv4_address())),
        subnet_id,
    })
}

/// What is kept ready, where that is more than nothing.
async fn capacity(aws: &Aws, lb: &LoadBalancer) -> Outcome<Option<Capacity>> {
    if lb.r#type() == Some(&LoadBalancerTypeEnum::Gateway) {
        return Ok(None);
    }
    let call = aws.elb.describe_capacity_reservation().load_balancer_arn(lb.load_balancer_arn().unwrap_or_default());
    let found: Outcome<_> = call.send().await.map_err(Failure::from);
    let found = match found {
        Ok(found) => found,
        // Not there in every region, and a right that nobody needs who does not use it.
        Err(failure) if matches!(failure.cause, Cause::Denied | Cause::Gone | Cause::Refused) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let units = found.minimum_load_balancer_capacity.and_then(|c| c.capacity_units);
    Ok(units.filter(|u| *u > 0).map(|u| Capacity { capacity_units: i64::from(u) }))
}

/// Waits until the network interfaces of a deleted load balancer are gone: until then its security groups and subnets can't be
/// deleted. What can't be looked at is left to those.
async fn left(aws: &Aws, arn: &str) -> Outcome<()> {
    let Some(name) = suffix(arn) else { return Ok(()) };
    let description = format!("ELB {name}");
    let ask = || async {
        let call = aws.ec2.describe_network_interfaces().filters(ec2::by("description", [&description]));
        let found = call.send().await?.network_interfaces.unwrap_or_default();
        Ok(if found.is_empty() { Seen::Done(()) } else { Seen::Not(format!("holding {} network interfaces", found.len())) })
    };
    // Whoever needs them gone tries for as long as that takes, and says what holds it.
    drop(until("the load balancer", "gone", LEAVES, ask).await);
    Ok(())
}
