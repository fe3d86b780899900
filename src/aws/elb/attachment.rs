//! Targets of target groups.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealthReasonEnum};

use super::int;
use crate::aws::error::absent;
use crate::aws::types::Arn;
use crate::aws::{Aws, each};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry};

crate::blocks! {
    /// A target of a target group: an instance, an address, a function or a load balancer.
    pub struct Attachment {
        /// The zone of an address; `all` for one outside of the VPC.
        #[attr(force_new)]
        availability_zone: Option<String>,
        /// The port; otherwise the group's.
        #[attr(force_new, within(1, 65535))]
        port: Option<i64>,
        /// The target group.
        #[attr(force_new, refers("aws_lb_target_group.arn"))]
        target_group_arn: Arn,
        /// The id of the instance, the address, or the ARN of the function or load balancer.
        #[attr(force_new, refers("aws_instance.id"))]
        target_id: String,
    }
}

impl Resource for Attachment {
    const TYPE: &'static str = "aws_lb_target_group_attachment";
    const BATCH: usize = 1000;
    // An instance that does not run yet, or a load balancer without a listener.
    const RETRY: &'static [Retry] =
        &[Retry { operation: "RegisterTargets", code: "InvalidTarget", message: "", within: Duration::from_secs(600) }];
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.main]
default = true

[resource.aws_lb_target_group.web]
name = "attached"
port = 8080
protocol = "HTTP"
target_type = "ip"
vpc_id = "${data.aws_vpc.main.id}"

[resource.aws_lb_target_group_attachment.example]
target_group_arn = "${aws_lb_target_group.web.arn}"
target_id = "${cidrhost(data.aws_vpc.main.cidr_block, 10)}"
port = 8081
---
[data.aws_vpc.main]
default = true

[resource.aws_lb_target_group.web]
name = "attached"
port = 8080
protocol = "HTTP"
target_type = "ip"
vpc_id = "${data.aws_vpc.main.id}"

[resource.aws_lb_target_group_attachment.example]
target_group_arn = "${aws_lb_target_group.web.arn}"
target_id = "${cidrhost(data.aws_vpc.main.cidr_block, 10)}"
port = 8081
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        cx.cloud.elb.register_targets().target_group_arn(&self.target_group_arn.0).targets(self.target()).send().await?;
        Ok(self.id())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let there = registered(cx.cloud, &self.target_group_arn, vec![self.target()]).await?;
        Ok(there.iter().any(|t| self.is(t)).then(|| self.id()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut by_group: BTreeMap<String, Vec<(&Id, Self)>> = BTreeMap::new();
        for known in known {
            if let Some(value) = known.prior.clone().or_else(|| parts(&known.id)) {
                by_group.entry(value.target_group_arn.0.clone()).or_default().push((&known.id, value));
            }
        }
        let found = each(by_group, |(group, wanted)| async move {
            let targets = wanted.iter().map(|(_, value)| value.target()).collect();
            let there = registered(cx.cloud, &group, targets).await?;
            let live = wanted.into_iter().filter(|(_, value)| there.iter().any(|t| value.is(t)));
            Ok(Some(live.map(|(id, value)| Live { id: id.clone(), value }).collect::<Vec<_>>()))
        });
        Ok(found.await?.into_iter().flatten().collect())
    }

    async fn update(&self, _: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let call = cx.cloud.elb.deregister_targets().target_group_arn(&live.value.target_group_arn.0).targets(live.value.target());
        match call.send().await.map_err(Failure::from) {
            Err(failure) if failure.code == "InvalidTarget" => Err(failure.because(Cause::Gone)),
            other => other.map(drop),
        }
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if parts(given).is_some() {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` does not name a target of a target group"))
            .help("write it like `TARGET_GROUP_ARN,i-0123456789abcdef0,8080`; port and availability zone may be left out"))
    }
}

impl Attachment {
    fn target(&self) -> TargetDescription {
        let zone = self.availability_zone.clone().filter(|z| !z.is_empty());
        TargetDescription::builder().id(&self.target_id).set_port(self.port()).set_availability_zone(zone).build()
    }

    fn port(&self) -> Option<i32> {
        int(self.port).filter(|p| *p > 0)
    }

    /// Whether that is the target; without a port of its own any will do.
    fn is(&self, target: &TargetDescription) -> bool {
        target.id() == Some(&self.target_id) && self.port().is_none_or(|port| target.port() == Some(port))
    }

    /// What names it for good, and for an import: the parts with commas between them.
    fn id(&self) -> Id {
        let mut id = format!("{},{}", self.target_group_arn.0, self.target_id);
        let zone = self.availability_zone.as_deref().filter(|z| !z.is_empty());
        match (self.port(), zone) {
            (Some(port), Some(zone)) => id.push_str(&format!(",{port},{zone}")),
            (Some(port), None) => id.push_str(&format!(",{port}")),
            (None, Some(zone)) => id.push_str(&format!(",,{zone}")),
            (None, None) => {}
        }
        id
    }
}

fn parts(id: &str) -> Option<Attachment> {
    let mut parts = id.split(',');
    let (group, target) = (parts.next()?, parts.next().filter(|t| !t.is_empty())?);
    let port = parts.next().filter(|p| !p.is_empty()).map(str::parse).transpose().ok()?;
    let zone = parts.next().map(str::to_owned);
    let value = Attachment { availability_zone: zone, port, target_group_arn: group.into(), target_id: target.into() };
    (group.contains(":targetgroup/") && parts.next().is_none()).then_some(value)
}

/// Those of the targets that are in the group and not on their way out; none where there is no such group.
async fn registered(aws: &Aws, group: &str, targets: Vec<TargetDescription>) -> Outcome<Vec<TargetDescription>> {
    let asked = aws.elb.describe_target_health().target_group_arn(group).set_targets(Some(targets)).send().await.map_err(Failure::from);
    let found = match asked {
        // An instance that no longer exists.
        Err(failure) if failure.code == "InvalidTarget" => {
            absent(aws.elb.describe_target_health().target_group_arn(group).send().await.map_err(Into::into))?
        }
        other => absent(other)?,
    };
    let there = found.and_then(|f| f.target_health_descriptions).unwrap_or_default().into_iter().filter(|d| {
        let reason = d.target_health.as_ref().and_then(|h| h.reason.as_ref());
        !matches!(reason, Some(TargetHealthReasonEnum::NotRegistered | TargetHealthReasonEnum::DeregistrationInProgress))
    });
    Ok(there.filter_map(|d| d.target).collect())
}
