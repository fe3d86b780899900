//! A plan that has something of everything, and the few types that it needs, for the tests of this folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::view::Facts;
use crate::engine::plan::{Action, Change, CheckResult, Checked, Drift, OutputChange, Plan, Reason};
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Identity, Known, Live, Of, Registry, Resource, Tags};
use crate::words::{Address, Diagnostic, Key, Source, Span, Value};

crate::blocks! {
    /// A virtual machine.
    pub struct Instance {
        /// The image that it starts from.
        #[attr(force_new)]
        ami: String,
        /// Its size.
        #[attr(default_text("t3.micro"))]
        instance_type: Option<String>,
        /// What it runs at its first start.
        user_data: Option<String>,
        /// How its metadata can be read.
        metadata_options: Option<Metadata>,
        /// Its subnet.
        #[attr(chosen, force_new, refers("aws_subnet.id"))]
        subnet_id: Option<String>,
        /// Its public address.
        #[attr(computed)]
        public_ip: Option<String>,
        /// Its password.
        #[attr(sensitive)]
        password: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's.
        #[attr(chosen)]
        tags_all: Tags,
    }
    /// How metadata can be read.
    pub struct Metadata {
        /// `optional` or `required`.
        #[attr(default_text("optional"), one_of(&["optional", "required"]))]
        http_tokens: Option<String>,
    }
    /// A firewall.
    pub struct Group {
        /// Its name.
        name: String,
        /// What it lets in.
        #[attr(chosen, attribute)]
        ingress: BTreeSet<Rule>,
    }
    /// What is let through.
    pub struct Rule {
        /// First port.
        from_port: Option<i64>,
        /// Last port.
        to_port: Option<i64>,
        /// Protocol.
        protocol: Option<String>,
        /// Peers.
        cidr_blocks: Vec<String>,
    }
    /// What a role may do.
    pub struct Policy {
        /// The role.
        role: String,
        /// The document.
        policy: String,
    }
    /// Something that watches.
    pub struct Alarm {
        /// Its name.
        #[attr(force_new)]
        alarm_name: String,
        /// How it compares.
        comparison_operator: String,
        /// With what.
        threshold: Option<i64>,
        /// How often in a row.
        evaluation_periods: i64,
        /// Whether it acts.
        #[attr(default_bool(true))]
        actions_enabled: Option<bool>,
        /// Whom it tells.
        alarm_actions: BTreeSet<String>,
        /// What makes it unlike others.
        dimensions: Tags,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
    }
    /// Anything with tags.
    pub struct Tagged {
        /// Its address.
        #[attr(computed)]
        public_ip: Option<String>,
        /// What it is tied to.
        #[attr(chosen, refers("aws_instance.id"))]
        instance: Option<String>,
        /// Its tags.
        tags: Tags,
    }
}

macro_rules! fake {
    ($($block:ident $name:literal),*) => {$(
        impl Resource for $block {
            const TYPE: &'static str = $name;
            const EXAMPLE: &'static str = "";
            const SCHEMA_VERSION: u64 = 1;
            type Cloud = ();
            async fn create(&self, _: &Cx<'_, ()>) -> Outcome<Id> { Ok(String::new()) }
            async fn read(_: &Cx<'_, ()>, _: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> { Ok(vec![]) }
            async fn update(&self, _: &Cx<'_, ()>, _: &Live<Self>) -> Outcome<()> { Ok(()) }
            async fn delete(_: &Cx<'_, ()>, _: &Live<Self>) -> Outcome<()> { Ok(()) }
        }
    )*};
}
fake!(
    Instance "aws_instance", Group "aws_security_group", Policy "aws_iam_role_policy", Alarm "aws_cloudwatch_metric_alarm", Tagged "aws_eip"
);

/// The types of the sample.
pub(super) const REGISTRY: Registry = Registry {
    providers: &[],
    resources: &[&Of::<Instance>::TYPE, &Of::<Group>::TYPE, &Of::<Policy>::TYPE, &Of::<Alarm>::TYPE, &Of::<Tagged>::TYPE],
    data: &[],
};

fn json(text: &str) -> Value {
    shaped(&Value::from_json(&serde_json::from_str(text).expect("a sample is JSON")))
}

/// Arrays of JSON stand for lists.
fn shaped(value: &Value) -> Value {
    match value {
        Value::Tuple(items) => Value::list(items.iter().map(shaped)),
        other => other.map_children(&mut |_, child| shaped(child)),
    }
}

fn change(kind: &str, name: &str, action: Action, before: Value, after: Value) -> Change {
    let names: BTreeSet<&str> =
        [&before, &after].into_iter().filter_map(Value::entries).flat_map(|e| e.keys().map(AsRef::as_ref)).collect();
    let changed = if before.is_null() || after.is_null() {
        vec![]
    } else {
        names.into_iter().filter(|n| before.attr(n) != after.attr(n)).map(str::to_owned).collect()
    };
    Change {
        address: Address::managed(kind, name),
        deposed: None,
        provider: r#"provider["registry.terraform.io/hashicorp/aws"]"#.into(),
        action,
        reason: None,
        before,
        after,
        changed,
        replace: vec![],
        dependencies: vec![],
        create_before_destroy: false,
        importing: None,
        adopted: false,
        moved_from: None,
    }
}

fn group(cidrs: &[&str]) -> Value {
    let rule = |cidr: &&str| json(&format!(r#"{{"from_port":22,"to_port":22,"protocol":"tcp","cidr_blocks":["{cidr}"]}}"#));
    let web = json(r#"{"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["0.0.0.0/0"]}"#);
    let rules = cidrs.iter().map(rule).chain([web]);
    Value::object([("id", Value::from("sg-0fe1a2b3c4d5e6f70")), ("name", "openclaw".into()), ("ingress", Value::set(rules))])
}

fn policy(actions: &str) -> Value {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Logs","Effect":"Allow","Action":[{actions}],"Resource":"*"}},{{"Sid":"Read","Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}}]}}"#
    );
    Value::object(
        [("id", "openclaw-ec2-role:agent"), ("role", "openclaw-ec2-role"), ("policy", text.as_str())].map(|(k, v)| (k, Value::from(v))),
    )
}

fn tagged(id: &str, owner: &str) -> Value {
    json(&format!(r#"{{"id":"{id}","tags":{{"Name":"node","Owner":"{owner}"}},"tags_all":{{"Name":"node","Owner":"{owner}"}}}}"#))
}

fn instance(ami: &str, seconds: u8) -> Value {
    let script = format!(
        "#!/bin/sh\nset -eu\ncat > /etc/systemd/system/openclaw.service <<EOF\n[Unit]\nAfter=network.target\n[Service]\nRestart=always\nRestartSec={seconds}\nExecStart=/usr/local/bin/openclaw\nEOF\nsystemctl enable --now openclaw\n"
    );
    json(r#"{"id":"i-0c1f2e3d4c5b6a798","instance_type":"t3.medium","metadata_options":[{"http_tokens":"optional"}],"public_ip":"198.51.100.7","password":"hunter2"}"#)
        .with("ami", ami.into())
        .with("user_data", script.into())
}

/// The gateway node of the sketches.
pub(super) fn gateway() -> Plan {
    let update = Action::Update;
    let node = Address::managed("aws_instance", "gateway");
    let gateway = Change {
        reason: Some(Reason::CannotUpdate),
        replace: vec!["ami".into()],
        ..change(
            "aws_instance",
            "gateway",
            Action::Replace { create_first: false },
            instance("ami-0abc1111222233334", 10),
            instance("ami-0def5555666677778", 5)
                .with("id", Value::unknown())
                .with("public_ip", Value::unknown())
                .with("password", "correct horse".into())
                .with("metadata_options", json(r#"[{"http_tokens":"required"}]"#)),
        )
    };
    let mut changes = vec![
        gateway,
        change("aws_security_group", "openclaw", update, group(&["203.0.113.7/32"]), group(&["0.0.0.0/0"])),
        change(
            "aws_iam_role_policy",
            "agent",
            update,
            policy(r#""logs:PutLogEvents""#),
            policy(r#""logs:PutLogEvents","logs:PutRetentionPolicy""#),
        ),
    ];
    changes.extend((0..4).map(|i| {
        change(
            "aws_eip",
            &format!("node{i}"),
            update,
            tagged(&format!("eipalloc-{i}"), "infra"),
            tagged(&format!("eipalloc-{i}"), "platform"),
        )
    }));
    let alarm = |name: &str| {
        json(r#"{"comparison_operator":"GreaterThanThreshold","threshold":80,"evaluation_periods":2,"actions_enabled":true,"alarm_actions":["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]}"#)
            .with("alarm_name", name.into())
            .with("arn", Value::unknown())
            .with("id", Value::unknown())
            .with("dimensions", Value::map([("InstanceId", Value::unknown())]))
    };
    let new = |name: &str, text: &str| change("aws_cloudwatch_metric_alarm", name, Action::Create, Value::Null, alarm(text));
    changes.push(Change { dependencies: vec![node.clone()], ..new("node_disk", "OpenClaw-Node-Disk-High") });
    for zone in ["a", "b"] {
        let mut change = new("zone", &format!("OpenClaw-Zone-{zone}"));
        change.address.key = Some(Key::Str(zone.into()));
        changes.push(change);
    }
    let eip = json(r#"{"tags":{"Name":"spare"}}"#).with("instance", Value::unknown()).with("public_ip", Value::unknown());
    changes.push(Change { dependencies: vec![node], ..change("aws_eip", "spare", Action::Create, Value::Null, eip) });
    let gone = change("aws_ebs_volume", "scratch", Action::Delete, json(r#"{"id":"vol-01","size":20}"#), Value::Null);
    changes.push(Change { reason: Some(Reason::NoConfig), ..gone });
    let same = tagged("eipalloc-9", "infra");
    changes.push(Change {
        moved_from: Some(Address::managed("aws_eip", "old")),
        ..change("aws_eip", "new", Action::Nothing, same.clone(), same.clone())
    });
    changes.extend((0..16).map(|i| change("aws_eip", &format!("same{i}"), Action::Nothing, same.clone(), same.clone())));
    let address = OutputChange { before: "198.51.100.7".into(), after: Value::unknown(), declared: true, sensitive: false };
    let token = OutputChange { before: Value::Null, after: "hunter2".into(), declared: true, sensitive: true };
    Plan {
        stack: "gateway-node".into(),
        identity: Some(Identity { account: "123456789012".into(), caller: String::new(), region: "us-east-1".into() }),
        serial: 41,
        lineage: "3f0e".into(),
        changes,
        drift: vec![Drift {
            address: Address::managed("aws_eip", "node0"),
            before: tagged("eipalloc-0", "infra"),
            after: tagged("eipalloc-0", "me"),
            changed: vec!["tags".into(), "tags_all".into()],
        }],
        outputs: BTreeMap::from([("address".to_owned(), address), ("token".to_owned(), token)]),
        checks: vec![CheckResult {
            object: Checked::Check(Default::default(), "reachable".into()),
            holds: Some(false),
            messages: vec!["no answer on port 443".into()],
        }],
        warnings: vec![Diagnostic::warning("`vpc` of aws_eip.spare is deprecated: use domain").at(&place(), "")],
        variables: BTreeMap::from([(Arc::from("region"), Value::from("us-east-1"))]),
        read: 23,
        ..Plan::default()
    }
}

fn place() -> Span {
    let source = Source::new("stacks/gateway-node/stack.toml", "\n".repeat(40) + "[resource.aws_security_group.openclaw]\n");
    Span::new(&source, 40..78)
}

/// What is known besides.
pub(super) fn facts() -> Facts {
    Facts {
        calls: Some(14),
        took: Some(std::time::Duration::from_millis(210)),
        workspace: "default".into(),
        places: BTreeMap::from([(Address::managed("aws_security_group", "openclaw"), place())]),
    }
}
