//! Changes of the rules of a security group: those that many steps want at the same time share a call.

use std::sync::Arc;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{ResourceType, SecurityGroupRule, SecurityGroupRuleRequest, SecurityGroupRuleUpdate};
use futures::FutureExt;

use super::group_rules::Way;
use super::permission::{Opening, Own, Source, permissions};
use super::tagged;
use crate::aws::Aws;
use crate::aws::error::lacking;
use crate::aws::gather::Gatherer;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Id, Tags};

/// How many rules one call changes.
const RULES: usize = 200;

fn fit<W>(wishes: &[W]) -> usize {
    wishes.len().min(RULES)
}

/// An opening with its description.
type Described = (Opening, String);

/// Makes a rule, in one call with others for the same group, way and tags.
pub(super) async fn open(aws: &Aws, way: Way, group: &str, tags: &Tags, wanted: Described) -> Outcome<Id> {
    let account = aws.account().await?;
    let calls = || async {
        let given = (aws.ec2.clone(), account, group.to_owned(), tags.clone());
        Ok(Gatherer::new(fit, move |wanted| {
            let (ec2, account, group, tags) = given.clone();
            async move { opened(&ec2, way, &account, &group, &tags, &wanted).await }.boxed()
        }))
    };
    let calls: Arc<Gatherer<Described, Id>> = aws.kept.once(format!("ec2:open:{way:?}:{group}:{tags:?}"), calls).await?;
    calls.ask(wanted).await
}

async fn opened(ec2: &Client, way: Way, account: &str, group: &str, tags: &Tags, wanted: &[Described]) -> Outcome<Vec<Id>> {
    let all = permissions(wanted.iter().map(|(opening, description)| (opening, description.as_str())));
    let tags = tagged(ResourceType::SecurityGroupRule, tags);
    let made = match way {
        Way::Ingress => {
            let call = ec2.authorize_security_group_ingress().group_id(group).set_ip_permissions(Some(all)).set_tag_specifications(tags);
            call.send().await.map(|made| made.security_group_rules).map_err(Failure::from)
        }
        Way::Egress => {
            let call = ec2.authorize_security_group_egress().group_id(group).set_ip_permissions(Some(all)).set_tag_specifications(tags);
            call.send().await.map(|made| made.security_group_rules).map_err(Failure::from)
        }
    };
    let made = made?.unwrap_or_default();
    let id = |opening: &Opening| match made.as_slice() {
        [one] if wanted.len() == 1 => one.security_group_rule_id.clone(),
        all => all.iter().find(|rule| opens(rule, account, opening)).and_then(|rule| rule.security_group_rule_id.clone()),
    };
    wanted.iter().map(|(opening, _)| id(opening).ok_or_else(|| lacking("rule id"))).collect()
}

/// Changes a rule, in one call with others of the same group.
pub(super) async fn alter(aws: &Aws, group: &str, wanted: (Id, SecurityGroupRuleRequest)) -> Outcome<()> {
    let calls = || async {
        let given = (aws.ec2.clone(), group.to_owned());
        Ok(Gatherer::new(fit, move |wanted: Vec<(Id, SecurityGroupRuleRequest)>| {
            let (ec2, group) = given.clone();
            async move {
                let answers = vec![(); wanted.len()];
                let update =
                    |(id, request)| SecurityGroupRuleUpdate::builder().security_group_rule_id(id).security_group_rule(request).build();
                let updates = wanted.into_iter().map(update).collect();
                ec2.modify_security_group_rules().group_id(group).set_security_group_rules(Some(updates)).send().await?;
                Ok(answers)
            }
            .boxed()
        }))
    };
    let calls: Arc<Gatherer<(Id, SecurityGroupRuleRequest), ()>> = aws.kept.once(format!("ec2:alter:{group}"), calls).await?;
    calls.ask(wanted).await
}

/// Removes a rule, in one call with others of the same group and way.
pub(super) async fn close(aws: &Aws, way: Way, group: &str, rule: Id) -> Outcome<()> {
    let calls = || async {
        let given = (aws.ec2.clone(), group.to_owned());
        Ok(Gatherer::new(fit, move |rules: Vec<Id>| {
            let (ec2, group) = given.clone();
            async move {
                let answers = vec![(); rules.len()];
                let rules = Some(rules);
                match way {
                    Way::Ingress => {
                        drop(ec2.revoke_security_group_ingress().group_id(group).set_security_group_rule_ids(rules).send().await?)
                    }
                    Way::Egress => {
                        drop(ec2.revoke_security_group_egress().group_id(group).set_security_group_rule_ids(rules).send().await?)
                    }
                }
                Ok(answers)
            }
            .boxed()
        }))
    };
    let calls: Arc<Gatherer<Id, ()>> = aws.kept.once(format!("ec2:close:{way:?}:{group}"), calls).await?;
    calls.ask(rule).await
}

/// Whether the rule is that opening of its group.
pub(super) fn opens(rule: &SecurityGroupRule, account: &str, wanted: &Opening) -> bool {
    let own = Own { id: rule.group_id().unwrap_or_default().to_owned(), owner: rule.group_owner_id().unwrap_or(account).to_owned() };
    let mut wanted = wanted.clone();
    if let Source::Group(id) = &wanted.source {
        wanted.source = own.group(id);
    }
    let source = match (rule.cidr_ipv4(), rule.cidr_ipv6(), rule.prefix_list_id()) {
        (Some(net), ..) => Source::V4(net.to_owned()),
        (_, Some(net), _) => Source::V6(net.to_owned()),
        (_, _, Some(list)) => Source::List(list.to_owned()),
        _ => Source::Group(reference(rule, &own.owner).unwrap_or_default()),
    };
    let port = |port: Option<i32>| port.map(i64::from);
    Opening::new(rule.ip_protocol().unwrap_or("-1"), port(rule.from_port()), port(rule.to_port()), source) == wanted
}

/// The group on the other side of a rule, `account/sg-...` where it is not the owner's.
pub(super) fn reference(rule: &SecurityGroupRule, owner: &str) -> Option<String> {
    let group = rule.referenced_group_info()?;
    let account = group.user_id().filter(|user| *user != owner);
    let id = group.group_id()?;
    Some(account.map_or_else(|| id.to_owned(), |account| format!("{account}/{id}")))
}
