//! Rules of listeners.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{Rule as SdkRule, RuleCondition};

use super::action::{self, Action};
use super::condition::{self, Condition};
use super::{PAGE, arn_of_kind, int, priorities, retag, some, tagged, tags_of};
use crate::aws::error::{absent, lacking};
use crate::aws::types::Arn;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Hold, Id, Known, Live, Problem, Resource, Retry, Tags, Then};
use crate::words::value::Value;

crate::blocks! {
    /// For which requests of a listener something else is done than the listener does by default.
    pub struct Rule {
        /// What is done.
        #[attr(required)]
        action: Vec<Action>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What requests have to have, all of it.
        #[attr(required)]
        condition: BTreeSet<Condition>,
        /// The listener.
        #[attr(force_new, refers("aws_lb_listener.arn"))]
        listener_arn: Arn,
        /// Its place among the rules of the listener: the least that fits a request counts. Without one it comes last.
        #[attr(chosen, within(1, 50000))]
        priority: Option<i64>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

impl Resource for Rule {
    const TYPE: &'static str = "aws_lb_listener_rule";
    const HOLDS: &'static [Hold] = &[
        Hold { kind: "aws_lb_target_group", through: "action.target_group_arn", then: Then::Replaced },
        Hold { kind: "aws_lb_target_group", through: "action.forward.target_group.arn", then: Then::Replaced },
    ];
    const BATCH: usize = 3000;
    const RETRY: &'static [Retry] = &[
        // The rule that has it is on its way to another, or out.
        Retry { operation: "SetRulePriorities", code: "PriorityInUse", message: "", within: Duration::from_secs(30) },
        Retry { operation: "CreateRule", code: "PriorityInUse", message: "", within: Duration::from_secs(30) },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[data.aws_vpc.main]
default = true

[resource.aws_lb.web]
name = "ruled"
subnets = "${data.aws_subnets.main.ids}"

[resource.aws_lb_target_group.web]
count = 2
name = "ruled-${count.index}"
port = 8080
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"

[resource.aws_lb_listener.web]
load_balancer_arn = "${aws_lb.web.arn}"
port = 80
default_action = [{ type = "fixed-response", fixed_response = [{ content_type = "text/plain", status_code = "404" }] }]

[resource.aws_lb_listener_rule.example]
listener_arn = "${aws_lb_listener.web.arn}"
priority = 10
action = [{ type = "forward", target_group_arn = "${aws_lb_target_group.web[0].arn}" }]
condition = [{ path_pattern = [{ values = ["/abc123/*"] }] }]
tags = { team = "infra" }
---
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[data.aws_vpc.main]
default = true

[resource.aws_lb.web]
name = "ruled"
subnets = "${data.aws_subnets.main.ids}"

[resource.aws_lb_target_group.web]
count = 2
name = "ruled-${count.index}"
port = 8080
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"

[resource.aws_lb_listener.web]
load_balancer_arn = "${aws_lb.web.arn}"
port = 80
default_action = [{ type = "fixed-response", fixed_response = [{ content_type = "text/plain", status_code = "404" }] }]

[resource.aws_lb_listener_rule.example]
listener_arn = "${aws_lb_listener.web.arn}"
priority = 20
condition = [
  { host_header = [{ values = ["www.example.com"] }] },
  { http_header = [{ http_header_name = "X-Tenant", values = ["abc123"] }] },
  { http_request_method = [{ values = ["GET"] }] },
  { query_string = [{ key = "tenant", value = "abc123" }] },
  { source_ip = [{ values = ["10.0.0.0/8"] }] },
]
tags = { team = "platform", Name = "example" }

[[resource.aws_lb_listener_rule.example.action]]
type = "authenticate-cognito"

[[resource.aws_lb_listener_rule.example.action.authenticate_cognito]]
user_pool_arn = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_example"
user_pool_client_id = "web"
user_pool_domain = "example"
on_unauthenticated_request = "deny"
scope = "openid"
session_cookie_name = "session"
session_timeout = 3600
authentication_request_extra_params = { prompt = "login" }

[[resource.aws_lb_listener_rule.example.action]]
type = "redirect"

[[resource.aws_lb_listener_rule.example.action.redirect]]
status_code = "HTTP_301"
host = "example.com"
path = "/tenants/#{path}"
port = "443"
protocol = "HTTPS"
query = "from=abc123"
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = action::check(given.attr("action"), "action");
        problems.extend(condition::check(given.attr("condition")));
        problems
    }

    fn adopt(live: Value, given: &Value) -> Value {
        let actions = action::adopt(live.attr("action"), given.attr("action"));
        live.with("action", actions)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let create = |priority: i32| async move {
            let call = cx.cloud.elb.create_rule().listener_arn(&self.listener_arn.0).priority(priority);
            let call = call.set_actions(Some(action::sdk(&self.action, &[]))).set_conditions(Some(self.conditions()));
            let made = call.set_tags(tagged(&self.tags_all)).send().await?;
            made.rules.unwrap_or_default().into_iter().find_map(|r| r.rule_arn).ok_or_else(|| lacking("ARN of the rule"))
        };
        match int(self.priority).filter(|p| *p > 0) {
            Some(priority) => create(priority).await,
            None => priorities::behind_all(cx.cloud, &self.listener_arn, create).await,
        }
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let rules = absent(priorities::rules(cx.cloud, &self.listener_arn).await)?.unwrap_or_default();
        let wanted: BTreeSet<&Condition> = self.condition.iter().collect();
        let is_it = |rule: &SdkRule| match int(self.priority).filter(|p| *p > 0) {
            Some(priority) => priorities::of(rule) == Some(priority),
            None => rule.conditions().iter().map(Condition::of_sdk).collect::<BTreeSet<_>>().iter().eq(wanted.iter().copied()),
        };
        Ok(rules.into_iter().find(is_it).and_then(|r| r.rule_arn))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let ids: Vec<Id> = known.iter().map(|k| k.id.clone()).collect();
        let found = described(cx.cloud, &ids).await?;
        let arns: Vec<Id> = found.iter().filter_map(|r| r.rule_arn.clone()).collect();
        let mut tags = tags_of(cx.cloud, &arns).await?;
        let priors: HashMap<&str, &Self> = known.iter().filter_map(|k| Some((k.id.as_str(), k.prior.as_ref()?))).collect();
        let live = found.iter().filter_map(|rule| {
            let arn = rule.rule_arn.clone()?;
            let value = of_rule(rule, priors.get(arn.as_str()).copied(), tags.remove(&arn).unwrap_or_default());
            Some(Live { id: arn, value })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (arn, old) = (live.id.as_str(), &live.value);
        if let Some(priority) = int(self.priority).filter(|p| *p > 0 && old.priority != self.priority) {
            priorities::set(cx.cloud, &self.listener_arn, arn, priority).await?;
        }
        let (actions, conditions) = (action::sdk(&self.action, &old.action), self.conditions());
        let acts = actions != action::sdk(&old.action, &old.action);
        let asks = self.condition != old.condition;
        if acts || asks {
            let call = cx.cloud.elb.modify_rule().rule_arn(arn);
            call.set_actions(acts.then_some(actions)).set_conditions(asks.then_some(conditions)).send().await?;
        }
        retag(cx.cloud, arn, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.elb.delete_rule().rule_arn(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        arn_of_kind(given, "listener-rule/", "a rule of a listener")
    }
}

impl Rule {
    fn conditions(&self) -> Vec<RuleCondition> {
        self.condition.iter().map(Condition::sdk).collect()
    }
}

/// The listener that a rule belongs to: its ARN is in the rule's.
fn listener_of(rule: &str) -> Option<Id> {
    let (listener, _) = rule.rsplit_once('/')?;
    Some(listener.replacen(":listener-rule/", ":listener/", 1))
}

/// Those of them that exist. Of more than a call takes by ARN, all that their listeners have are listed: that is cheaper.
async fn described(aws: &Aws, ids: &[Id]) -> Outcome<Vec<SdkRule>> {
    let mut by_listener: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for id in ids {
        by_listener.entry(listener_of(id).unwrap_or_default()).or_default().push(id.clone());
    }
    let (many, few): (Vec<_>, Vec<_>) = by_listener.into_iter().partition(|(_, ids)| ids.len() > PAGE);
    let call = |arns: Vec<Id>| async move {
        let answer = aws.elb.describe_rules().set_rule_arns(Some(arns)).send().await?;
        Ok(answer.rules.unwrap_or_default())
    };
    let few = super::described(few.into_iter().flat_map(|(_, ids)| ids).collect(), &call);
    let many = each(many, |(listener, ids)| async move {
        let ids: BTreeSet<Id> = ids.into_iter().collect();
        let mut rules = absent(priorities::rules(aws, &listener).await)?.unwrap_or_default();
        rules.retain(|r| r.rule_arn().is_some_and(|arn| ids.contains(arn)));
        Ok(Some(rules))
    });
    let (few, many) = futures::try_join!(few, many)?;
    Ok(few.into_iter().chain(many.into_iter().flatten()).collect())
}

fn of_rule(rule: &SdkRule, prior: Option<&Rule>, tags_all: Tags) -> Rule {
    let asked = prior.map(|p| p.action.as_slice()).unwrap_or_default();
    let arn = rule.rule_arn();
    Rule {
        action: action::of_sdk(rule.actions(), asked),
        arn: some(arn),
        condition: rule.conditions().iter().map(Condition::of_sdk).collect(),
        listener_arn: Arn(arn.and_then(listener_of).unwrap_or_default()),
        priority: priorities::of(rule).map(i64::from),
        tags: Tags::new(),
        tags_all,
    }
}
