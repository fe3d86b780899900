//! Looks up a load balancer.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::LoadBalancer;

use super::lb::{IpamPools, Lb, Logs, SubnetMapping, described, of_lb};
use super::{lb_attributes, some, tags_of};
use crate::aws::Aws;
use crate::aws::error::absent;
use crate::aws::types::Arn;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Tags};

crate::blocks! {
    /// A load balancer: the one of that ARN, name or tags.
    pub struct LbData {
        /// Where the requests that it took are written to.
        #[attr(computed)]
        access_logs: Vec<Logs>,
        /// Its ARN.
        #[attr(chosen)]
        arn: Option<Arn>,
        /// The end of its ARN, by which CloudWatch knows it.
        #[attr(computed)]
        arn_suffix: Option<String>,
        /// For how many seconds a client's connection is kept.
        #[attr(computed)]
        client_keep_alive: Option<i64>,
        /// Where the connections that it took are written to.
        #[attr(computed)]
        connection_logs: Vec<Logs>,
        /// The pool of addresses of your own network.
        #[attr(computed)]
        customer_owned_ipv4_pool: Option<String>,
        /// How requests are treated that mean different things to different readers.
        #[attr(computed)]
        desync_mitigation_mode: Option<String>,
        /// Its host name.
        #[attr(computed)]
        dns_name: Option<String>,
        /// Whether a client is led to the zone that it is in.
        #[attr(computed)]
        dns_record_client_routing_policy: Option<String>,
        /// Whether header fields with names that HTTP does not allow are dropped.
        #[attr(computed)]
        drop_invalid_header_fields: Option<bool>,
        /// Whether it spreads over the targets of all zones.
        #[attr(computed)]
        enable_cross_zone_load_balancing: Option<bool>,
        /// Whether AWS refuses to delete it.
        #[attr(computed)]
        enable_deletion_protection: Option<bool>,
        /// Whether it takes HTTP/2 as well.
        #[attr(computed)]
        enable_http2: Option<bool>,
        /// Whether targets are told the TLS version and cipher suite.
        #[attr(computed)]
        enable_tls_version_and_cipher_suite_headers: Option<bool>,
        /// Whether requests are passed on when the firewall can't be asked.
        #[attr(computed)]
        enable_waf_fail_open: Option<bool>,
        /// Whether the client's port is kept in `X-Forwarded-For`.
        #[attr(computed)]
        enable_xff_client_port: Option<bool>,
        /// Whether traffic can be shifted away from a zone.
        #[attr(computed)]
        enable_zonal_shift: Option<bool>,
        /// Whether rules of its security groups hold for PrivateLink too.
        #[attr(computed)]
        enforce_security_group_inbound_rules_on_private_link_traffic: Option<String>,
        /// For how many seconds a connection may be idle.
        #[attr(computed)]
        idle_timeout: Option<i64>,
        /// Whether it is only reached from inside.
        #[attr(computed)]
        internal: Option<bool>,
        /// What its addresses are.
        #[attr(computed)]
        ip_address_type: Option<String>,
        /// Where its public addresses come from.
        #[attr(computed)]
        ipam_pools: Vec<IpamPools>,
        /// What it balances.
        #[attr(computed)]
        load_balancer_type: Option<String>,
        /// Its name.
        #[attr(chosen)]
        name: Option<String>,
        /// Whether the header `Host` stays as it is.
        #[attr(computed)]
        preserve_host_header: Option<bool>,
        /// The security groups that guard it.
        #[attr(computed)]
        security_groups: BTreeSet<String>,
        /// Where it stands, and its addresses there.
        #[attr(computed)]
        subnet_mapping: BTreeSet<SubnetMapping>,
        /// Where it stands.
        #[attr(computed)]
        subnets: BTreeSet<String>,
        /// Its tags; where they are given, only a load balancer that has them.
        #[attr(chosen)]
        tags: Tags,
        /// The VPC that it stands in.
        #[attr(computed)]
        vpc_id: Option<String>,
        /// What becomes of `X-Forwarded-For`.
        #[attr(computed)]
        xff_header_processing_mode: Option<String>,
        /// The hosted zone of its host name.
        #[attr(computed)]
        zone_id: Option<String>,
    }
}

impl DataSource for LbData {
    const TYPE: &'static str = "aws_lb";
    const EXAMPLE: &'static str = r#"
[data.aws_lb.example]
name = "openclaw-alb"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let aws = cx.cloud;
        let found = match (&self.arn, some(self.name.as_deref())) {
            (Some(arn), _) if !arn.is_empty() => described(aws, vec![arn.0.clone()]).await?,
            (_, Some(name)) => {
                let found = absent(aws.elb.describe_load_balancers().names(name).send().await.map_err(Into::into))?;
                found.and_then(|f| f.load_balancers).unwrap_or_default()
            }
            _ => aws.elb.describe_load_balancers().page_size(400).into_paginator().items().send().try_collect().await?,
        };
        let arns: Vec<String> = found.iter().filter_map(|lb| lb.load_balancer_arn.clone()).collect();
        let tags = tags_of(aws, &arns).await?;
        let of = |lb: &LoadBalancer| lb.load_balancer_arn().and_then(|arn| tags.get(arn)).cloned().unwrap_or_default();
        let fits = |lb: &&LoadBalancer| {
            let (has, named) = (of(lb), some(self.name.as_deref()));
            self.tags.iter().all(|(k, v)| has.get(k) == Some(v)) && named.is_none_or(|n| lb.load_balancer_name() == Some(&n))
        };
        let fitting: Vec<&LoadBalancer> = found.iter().filter(fits).collect();
        let lb = match fitting.as_slice() {
            [one] => *one,
            [] => return Err(Failure::other("no load balancer fits").help("look at the region, `name`, `arn` and `tags`")),
            many => {
                return Err(Failure::other(format!("{} load balancers fit, where there should be one", many.len()))
                    .help("narrow the search with `name` or more `tags`"));
            }
        };
        let arn = lb.load_balancer_arn().unwrap_or_default().to_owned();
        let full = of_lb(lb, None).with_settings(&lb_attributes::described(aws, &arn).await?, None);
        Ok(Live { id: arn, value: Self::of(full, of(lb)) })
    }
}

impl LbData {
    fn of(lb: Lb, tags: Tags) -> Self {
        Self {
            access_logs: lb.access_logs.into_iter().collect(),
            arn: lb.arn.map(Arn),
            arn_suffix: lb.arn_suffix,
            client_keep_alive: lb.client_keep_alive,
            connection_logs: lb.connection_logs.into_iter().collect(),
            customer_owned_ipv4_pool: lb.customer_owned_ipv4_pool,
            desync_mitigation_mode: lb.desync_mitigation_mode,
            dns_name: lb.dns_name,
            dns_record_client_routing_policy: lb.dns_record_client_routing_policy,
            drop_invalid_header_fields: lb.drop_invalid_header_fields,
            enable_cross_zone_load_balancing: lb.enable_cross_zone_load_balancing,
            enable_deletion_protection: lb.enable_deletion_protection,
            enable_http2: lb.enable_http2,
            enable_tls_version_and_cipher_suite_headers: lb.enable_tls_version_and_cipher_suite_headers,
            enable_waf_fail_open: lb.enable_waf_fail_open,
            enable_xff_client_port: lb.enable_xff_client_port,
            enable_zonal_shift: lb.enable_zonal_shift,
            enforce_security_group_inbound_rules_on_private_link_traffic: lb.enforce_security_group_inbound_rules_on_private_link_traffic,
            idle_timeout: lb.idle_timeout,
            internal: lb.internal,
            ip_address_type: lb.ip_address_type,
            ipam_pools: lb.ipam_pools.into_iter().collect(),
            load_balancer_type: lb.load_balancer_type,
            name: lb.name,
            preserve_host_header: lb.preserve_host_header,
            security_groups: lb.security_groups,
            subnet_mapping: lb.subnet_mapping,
            subnets: lb.subnets,
            tags,
            vpc_id: lb.vpc_id,
            xff_header_processing_mode: lb.xff_header_processing_mode,
            zone_id: lb.zone_id,
        }
    }
}
