//! The rules that are written inside a security group.

use std::collections::{BTreeMap, BTreeSet};

use super::permission::{Opening, Openings, Own, Protocol, Source, describes, permissions, protocol};
use crate::aws::Aws;
use crate::aws::types::Cidr;
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::Problem;

crate::blocks! {
    /// What may pass: a protocol, its ports, and the other sides.
    pub struct Rule {
        /// IPv4 networks on the other side.
        cidr_blocks: Vec<Cidr>,
        /// What it is for.
        #[attr(within(0, 255))]
        description: Option<String>,
        /// The first port, or the type of ICMP; 0 where the protocol is `-1`.
        #[attr(within(-1, 65535))]
        from_port: i64,
        /// IPv6 networks on the other side.
        ipv6_cidr_blocks: Vec<Cidr>,
        /// Prefix lists on the other side.
        prefix_list_ids: Vec<String>,
        /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or the number of a protocol.
        protocol: Protocol,
        /// Security groups on the other side, `account/sg-...` for those of another account.
        #[attr(refers("aws_security_group.id"))]
        security_groups: BTreeSet<String>,
        /// Whether this very group is on the other side.
        #[attr(default_bool(false))]
        self_: Option<bool>,
        /// The last port, or the code of ICMP; 0 where the protocol is `-1`.
        #[attr(within(-1, 65535))]
        to_port: i64,
    }
}

/// Which way a rule lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In.
    Ingress,
    /// Out.
    Egress,
}

/// The rules of a group, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What may come in.
    pub ingress: Openings,
    /// What may leave.
    pub egress: Openings,
}

/// What is wrong with a description that [`describes`] refuses.
pub const CHARACTERS: &str = "a description holds letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* only";

impl Rule {
    fn opening(&self, source: Source) -> Opening {
        Opening::new(&self.protocol, Some(self.from_port), Some(self.to_port), source)
    }

    fn description(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }

    fn openings(&self, own: &Own) -> impl Iterator<Item = Opening> {
        let v4 = self.cidr_blocks.iter().map(|net| Source::V4(net.to_string()));
        let v6 = self.ipv6_cidr_blocks.iter().map(|net| Source::V6(net.to_string()));
        let lists = self.prefix_list_ids.iter().cloned().map(Source::List);
        let groups = self.security_groups.iter().map(|group| own.group(group));
        let this = (self.self_ == Some(true)).then(|| Source::Group(own.id.clone()));
        v4.chain(v6).chain(lists).chain(groups).chain(this).map(|source| self.opening(source))
    }

    /// The same with only those other sides that `keep` lets through.
    fn kept(&self, own: &Own, mut keep: impl FnMut(Opening) -> bool) -> Self {
        let mut kept = self.clone();
        kept.cidr_blocks.retain(|net| keep(self.opening(Source::V4(net.to_string()))));
        kept.ipv6_cidr_blocks.retain(|net| keep(self.opening(Source::V6(net.to_string()))));
        kept.prefix_list_ids.retain(|id| keep(self.opening(Source::List(id.clone()))));
        kept.security_groups.retain(|group| keep(self.opening(own.group(group))));
        kept.self_ = Some(self.self_ == Some(true) && keep(self.opening(Source::Group(own.id.clone()))));
        kept
    }
}

/// Rules, taken apart.
#[must_use]
pub fn taken_apart(rules: &BTreeSet<Rule>, own: &Own) -> Openings {
    rules.iter().flat_map(|rule| rule.openings(own).map(|opening| (opening, rule.description().to_owned()))).collect()
}

/// Openings as rules: as far as they agree with the prior rules in the form of those, since EC2 doesn't tell how they were
/// written; the rest by protocol, ports and description.
#[must_use]
pub fn shaped(mut rest: Openings, prior: Option<&BTreeSet<Rule>>, own: &Own) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    for rule in prior.into_iter().flatten() {
        let kept = rule.kept(own, |opening| {
            let there = rest.get(&opening).is_some_and(|text| text == rule.description());
            there && rest.remove(&opening).is_some()
        });
        if kept.openings(own).next().is_some() {
            rules.insert(kept);
        }
    }
    rules.extend(put_together(rest, own));
    rules
}

fn put_together(openings: Openings, own: &Own) -> impl Iterator<Item = Rule> {
    let mut rules: BTreeMap<(String, i64, i64, String), Rule> = BTreeMap::new();
    for (opening, text) in openings {
        let (protocol, from_port, to_port) = opening.what();
        let rule = rules.entry((protocol.to_owned(), from_port, to_port, text.clone())).or_insert_with(|| Rule {
            cidr_blocks: vec![],
            description: Some(text),
            from_port,
            ipv6_cidr_blocks: vec![],
            prefix_list_ids: vec![],
            protocol: Protocol::from(protocol),
            security_groups: BTreeSet::new(),
            self_: Some(false),
            to_port,
        });
        match opening.source {
            Source::V4(net) => rule.cidr_blocks.push(net.into()),
            Source::V6(net) => rule.ipv6_cidr_blocks.push(net.into()),
            Source::List(id) => rule.prefix_list_ids.push(id),
            Source::Group(id) if id == own.id => rule.self_ = Some(true),
            Source::Group(id) => {
                rule.security_groups.insert(id);
            }
        }
    }
    rules.into_values()
}

/// Brings a group's rules of one way from `have` to `want`: first what is to be open, so that no traffic stops in between.
pub async fn change(aws: &Aws, group: &str, way: Way, have: &Openings, want: &Openings) -> Outcome<()> {
    let open: Openings = want.iter().filter(|(o, _)| !have.contains_key(o)).map(cloned).collect();
    let describe: Openings = want.iter().filter(|(o, text)| have.get(o).is_some_and(|had| had != *text)).map(cloned).collect();
    let close: Openings = have.iter().filter(|(o, _)| !want.contains_key(o)).map(|(o, _)| (o.clone(), String::new())).collect();
    match authorize(aws, group, way, &open).await {
        // There is no room for both at once.
        Err(full) if full.code == "RulesPerSecurityGroupLimitExceeded" && !close.is_empty() => {
            revoke(aws, group, way, &close).await?;
            authorize(aws, group, way, &open).await?;
            redescribe(aws, group, way, &describe).await
        }
        Err(failure) => Err(failure),
        Ok(()) => {
            redescribe(aws, group, way, &describe).await?;
            revoke(aws, group, way, &close).await
        }
    }
}

fn cloned((opening, text): (&Opening, &String)) -> (Opening, String) {
    (opening.clone(), text.clone())
}

/// Sends one of the calls that take a group and permissions, unless there are none.
macro_rules! send {
    ($aws:expr, $group:expr, $way:expr, $openings:expr, $ingress:ident, $egress:ident) => {{
        let permissions = permissions($openings.iter().map(|(o, text)| (o, text.as_str())));
        if permissions.is_empty() {
            return Ok(());
        }
        match $way {
            Way::Ingress => drop($aws.ec2.$ingress().group_id($group).set_ip_permissions(Some(permissions)).send().await?),
            Way::Egress => drop($aws.ec2.$egress().group_id($group).set_ip_permissions(Some(permissions)).send().await?),
        }
        Ok(())
    }};
}

async fn authorize(aws: &Aws, group: &str, way: Way, open: &Openings) -> Outcome<()> {
    send!(aws, group, way, open, authorize_security_group_ingress, authorize_security_group_egress)
}

async fn revoke(aws: &Aws, group: &str, way: Way, close: &Openings) -> Outcome<()> {
    send!(aws, group, way, close, revoke_security_group_ingress, revoke_security_group_egress)
}

async fn redescribe(aws: &Aws, group: &str, way: Way, texts: &Openings) -> Outcome<()> {
    send!(aws, group, way, texts, update_security_group_rule_descriptions_ingress, update_security_group_rule_descriptions_egress)
}

/// What is wrong with the rules of one way.
#[must_use]
pub fn check(way: &str, rules: &[Value]) -> Vec<Problem> {
    let mut problems = vec![];
    let mut seen: BTreeMap<Opening, Value> = BTreeMap::new();
    for (i, rule) in rules.iter().enumerate() {
        let at = |name: &str| if name.is_empty() { format!("{way}.{i}") } else { format!("{way}.{i}.{name}") };
        problems.extend(check_rule(rule).into_iter().map(|(name, why)| Problem::new(at(name), why)));
        let text = rule.attr("description").bare();
        for opening in known(rule) {
            let before = seen.entry(opening).or_insert_with(|| text.clone());
            if before.is_known() && text.is_known() && before.as_str().unwrap_or_default() != text.as_str().unwrap_or_default() {
                let why = "another rule opens the same with another description, and EC2 keeps each opening once";
                problems.push(Problem::new(at("description"), why));
                break;
            }
        }
    }
    problems
}

fn check_rule(rule: &Value) -> Vec<(&'static str, &'static str)> {
    let mut wrong = vec![];
    if rule.attr("description").as_str().is_some_and(|text| !describes(text)) {
        wrong.push(("description", CHARACTERS));
    }
    let sources = ["cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups", "self"];
    if sources.iter().all(|name| rule.attr(name).is_known() && (rule.attr(name).is_empty() || rule.attr(name).as_bool() == Some(false))) {
        wrong.push(("", "a rule needs another side: `cidr_blocks`, `ipv6_cidr_blocks`, `prefix_list_ids`, `security_groups` or `self`"));
    }
    let port = |name| rule.attr(name).as_number().and_then(|n| n.as_i64());
    let (Some(protocol), Some(from), Some(to)) = (rule.attr("protocol").as_str().map(protocol), port("from_port"), port("to_port")) else {
        return wrong;
    };
    wrong.extend(check_ports(&protocol, from, to));
    wrong
}

/// What is wrong with those ports, or that type and code, of a protocol in its normal form.
#[must_use]
pub fn check_ports(protocol: &str, from: i64, to: i64) -> Option<(&'static str, &'static str)> {
    match protocol {
        "-1" if from != 0 || to != 0 => {
            Some(("from_port", "all protocols go with all ports: both ports should be 0 where the protocol is `-1`"))
        }
        "tcp" | "udp" if from < 0 || to < 0 => Some(("from_port", "ports are 0 to 65535; all of them are 0 and 65535")),
        "tcp" | "udp" if from > to => Some(("from_port", "the first port is greater than the last")),
        "icmp" | "icmpv6" if from == -1 && to != -1 => Some(("to_port", "all types of ICMP go with all codes: `to_port` should be -1 too")),
        "icmp" | "icmpv6" if from > 255 || to > 255 => Some(("from_port", "types and codes of ICMP are at most 255")),
        _ => None,
    }
}

/// The openings of a rule as far as they are known.
fn known(rule: &Value) -> Vec<Opening> {
    let port = |name| rule.attr(name).as_number().and_then(|n| n.as_i64());
    let Some(protocol) =
        rule.attr("protocol").as_str().filter(|_| !rule.attr("from_port").is_unknown() && !rule.attr("to_port").is_unknown())
    else {
        return vec![];
    };
    let all = |name: &str, source: fn(String) -> Source| -> Vec<Source> {
        rule.attr(name).items().iter().filter_map(Value::as_str).map(|text| source(text.to_owned())).collect()
    };
    let sources = [
        all("cidr_blocks", Source::V4),
        all("ipv6_cidr_blocks", Source::V6),
        all("prefix_list_ids", Source::List),
        all("security_groups", Source::Group),
        rule.attr("self").as_bool().filter(|yes| *yes).map(|_| Source::Group("self".into())).into_iter().collect(),
    ];
    sources.into_iter().flatten().map(|source| Opening::new(protocol, port("from_port"), port("to_port"), source)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::schema::Field;

    fn rules(json: &serde_json::Value) -> BTreeSet<Rule> {
        Field::take(&Value::from_json(json)).expect("rules")
    }

    #[test]
    fn what_ec2_answers_takes_the_form_of_the_prior_rules() {
        let own = Own { id: "sg-1".into(), owner: "1".into() };
        let prior = rules(&serde_json::json!([
            { "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.1.0.0/16", "10.0.0.0/16"] },
            { "protocol": "6", "from_port": 443, "to_port": 443, "self": true },
            { "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/16"], "description": "ssh" },
        ]));
        let live = taken_apart(&prior, &own);
        assert_eq!(taken_apart(&shaped(live.clone(), Some(&prior), &own), &own), live);
        assert_eq!(shaped(live.clone(), Some(&prior), &own).len(), 3);
        assert_eq!(shaped(live.clone(), None, &own).len(), 2, "merged as EC2 merges");
        let less: Openings = live.into_iter().filter(|(o, _)| o.source != Source::V4("10.1.0.0/16".into())).collect();
        let shaped = shaped(less, Some(&prior), &own);
        assert!(shaped.iter().any(|r| r.cidr_blocks == [Cidr::from("10.0.0.0/16")] && r.from_port == 443));
    }

    #[test]
    fn rules_that_ec2_would_refuse_are_told() {
        for (rules, why) in [
            (serde_json::json!([{ "protocol": "-1", "from_port": 0, "to_port": 65535, "self": true }]), "all ports"),
            (serde_json::json!([{ "protocol": "tcp", "from_port": 2, "to_port": 1, "self": true }]), "greater"),
            (serde_json::json!([{ "protocol": "tcp", "from_port": 1, "to_port": 1 }]), "another side"),
            (serde_json::json!([{ "protocol": "tcp", "from_port": 1, "to_port": 1, "self": true, "description": "ü" }]), "letters"),
            (
                serde_json::json!([
                    { "protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_blocks": ["10.0.0.0/8"], "description": "a" },
                    { "protocol": "6", "from_port": 1, "to_port": 1, "cidr_blocks": ["10.0.0.0/8"] },
                ]),
                "another description",
            ),
        ] {
            let problems = check("ingress", Value::from_json(&rules).items());
            assert!(problems.len() == 1 && problems[0].message.contains(why), "{why}: {problems:?}");
        }
    }
}
