//! Secrets, without their values.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_secretsmanager::types::{ReplicaRegionType, StatusType, Tag};

use super::{Described, date, described, listed, policy};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::delta;
use crate::aws::types::Policy;
use crate::aws::{Aws, each, listing, name};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status, Tags};
use crate::words::value::Value;

/// For how long a deletion without recovery may keep the name.
const SETTLES: Duration = Duration::from_secs(120);
/// The key of those that have none of their own.
const USUAL_KEY: &str = "alias/aws/secretsmanager";

crate::blocks! {
    /// A secret; what it holds is a version of it.
    pub struct Secret {
        /// Its ARN; another one when it is made again.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is for.
        #[attr(within(0, 2048))]
        description: Option<String>,
        /// Whether a copy takes the place of another secret of that name in its region.
        #[attr(local, default_bool(false))]
        force_overwrite_replica_secret: Option<bool>,
        /// The KMS key that it is encrypted with; AWS's own where none is given.
        kms_key_id: Option<String>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 512), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 486), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// Who may use it, besides those whose own policies say so; `{}` for nobody else.
        #[attr(chosen)]
        policy: Option<Policy>,
        /// For how many days it can be taken back after its deletion, 7 to 30; its name is taken until then. 0: not at all.
        #[attr(local, default_int(30), within(0, 30))]
        recovery_window_in_days: Option<i64>,
        /// Copies in other regions.
        #[attr(chosen)]
        replica: BTreeSet<Replica>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }

    /// A copy in another region.
    pub struct Replica {
        /// The KMS key there.
        #[attr(chosen)]
        kms_key_id: Option<String>,
        /// When it was last read.
        #[attr(computed)]
        last_accessed_date: Option<String>,
        /// The region.
        region: String,
        /// Whether it is the same as the original: `InSync`, or why not.
        #[attr(computed)]
        status: Option<String>,
        /// What AWS says of that.
        #[attr(computed)]
        status_message: Option<String>,
    }
}

impl Resource for Secret {
    const TYPE: &'static str = "aws_secretsmanager_secret";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 1000;
    const LINGERS: bool = true;
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateSecret", code: "InvalidRequestException", message: "scheduled for deletion", within: SETTLES },
        Retry { operation: "CreateSecret", code: "InvalidRequestException", message: "was deleted", within: SETTLES },
        // A principal that was just made is not known yet.
        Retry {
            operation: "PutResourcePolicy",
            code: "MalformedPolicyDocumentException",
            message: "unsupported principal",
            within: SETTLES,
        },
        // Copies go in their own time.
        Retry { operation: "DeleteSecret", code: "InvalidParameterException", message: "replica", within: SETTLES },
        Retry { operation: "DeleteSecret", code: "InvalidRequestException", message: "replica", within: SETTLES },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_secretsmanager_secret.example]
name = "app/example"
recovery_window_in_days = 0
tags = { team = "infra" }
---
[resource.aws_secretsmanager_secret.example]
name = "app/example"
description = "what the application signs with"
kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Resource":"*"}]}'
recovery_window_in_days = 0
force_overwrite_replica_secret = true
replica = [{ region = "us-west-2" }]
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let days = given.attr("recovery_window_in_days").as_number().and_then(|n| n.as_i64());
        let mut problems = vec![];
        if let Some(days) = days.filter(|d| (1..7).contains(d)) {
            let why = format!("a secret can be taken back for 7 to 30 days after its deletion, or not at all (0), and not for {days}");
            problems.push(Problem::new("recovery_window_in_days", why));
        }
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "/_+=.@-".contains(c));
        if let Some(c) = given.attr("name").as_str().and_then(|name| name.chars().find(|c| odd(*c))) {
            problems.push(Problem::new("name", format!("the name of a secret has letters, digits and `/_+=.@-` in it, and no `{c}`")));
        }
        problems.extend(crate::aws::policy::too_long(given.attr("policy"), "policy", 20 * 1024, "the policy of a secret"));
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let name = self.named(cx);
        let call = cx.cloud.secrets.create_secret().name(&name).client_request_token(cx.token).set_description(self.about());
        let call = call.set_kms_key_id(self.key().map(str::to_owned)).set_tags(tagged(&self.tags_all));
        let call = call.set_add_replica_regions((!self.replica.is_empty()).then(|| self.replica.iter().map(region).collect()));
        let overwrite = self.force_overwrite_replica_secret.filter(|_| !self.replica.is_empty());
        match call.set_force_overwrite_replica_secret(overwrite).send().await.map_err(Failure::from) {
            Ok(made) => made.arn.ok_or_else(|| lacking("ARN of the secret")),
            Err(failure) if failure.code == "ResourceExistsException" => Err(failure.because(Cause::Exists)),
            Err(failure) if failure.message.contains("scheduled for deletion") => Err(waits(cx.cloud, &name, failure).await),
            Err(failure) => Err(failure),
        }
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(described(cx, &self.named(cx)).await?.as_ref().as_ref().map(|d| d.arn.clone()))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let pages: Vec<_> = cx.cloud.secrets.list_secrets().into_paginator().send().try_collect().await?;
        let listed = pages.iter().flat_map(|page| page.secret_list()).filter_map(|s| {
            let tags = s.tags().iter().filter_map(|t| Some((t.key()?, t.value()?)));
            let listed = listing::by_tags(Listed::new(s.arn()?), tags).named(s.name());
            Some(listed.noise(s.owning_service().is_some(), "made by an AWS service"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let listed = listed(cx).await?;
        each(known, |k| {
            let listed = listed.clone();
            async move {
                let prior = k.prior.as_ref();
                if let (Some(prior), Some(entry)) = (prior, listed.get(&k.id))
                    && prior.says_the_list(entry)
                {
                    return Ok(Some(Live { id: k.id.clone(), value: of(entry, Some(prior)) }));
                }
                let found = described(cx, &k.id).await?;
                let Some(found) = found.as_ref() else { return Ok(None) };
                let mut value = of(found, prior);
                if prior.is_none_or(Self::has_policy) {
                    value.policy = policy(cx.cloud, &k.id).await?.map(Policy).or_else(|| prior.and(Some(Policy(String::new()))));
                }
                if found.replicas.iter().any(|r| r.status == Some(StatusType::InProgress)) {
                    cx.reads.says(Self::TYPE, &k.id, Status::Pending("being copied to other regions".into()));
                }
                Ok(Some(Live { id: k.id.clone(), value }))
            }
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (secrets, id, old) = (&cx.cloud.secrets, live.id.as_str(), &live.value);
        let (about, key) = (self.about() != old.about(), self.key() != old.key());
        if about || key {
            let call = secrets.update_secret().secret_id(id).set_description(about.then(|| self.about().unwrap_or_default()));
            call.set_kms_key_id(key.then(|| self.key().unwrap_or(USUAL_KEY).to_owned())).send().await?;
        }
        match (self.has_policy(), &self.policy) {
            (_, None) => {}
            (true, Some(policy)) if old.policy.as_ref().is_none_or(|o| !crate::aws::policy::same(o, policy)) => {
                secrets.put_resource_policy().secret_id(id).resource_policy(&**policy).block_public_policy(true).send().await?;
            }
            (false, _) if old.has_policy() => drop(secrets.delete_resource_policy().secret_id(id).send().await?),
            _ => {}
        }
        self.replicate(cx, id, old).await?;
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            secrets.untag_resource().secret_id(id).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set) {
            secrets.tag_resource().secret_id(id).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (secrets, old) = (&cx.cloud.secrets, &live.value);
        if !old.replica.is_empty() {
            let regions = old.replica.iter().map(|r| r.region.clone()).collect();
            let removed =
                secrets.remove_regions_from_replication().secret_id(&live.id).set_remove_replica_regions(Some(regions)).send().await;
            absent(removed.map_err(Failure::from))?;
        }
        let days = old.recovery_window_in_days.unwrap_or(30);
        let call = secrets.delete_secret().secret_id(&live.id);
        let call = if days == 0 { call.force_delete_without_recovery(true) } else { call.recovery_window_in_days(days) };
        match call.send().await.map_err(Failure::from) {
            // It waits for its deletion already.
            Err(failure) if failure.code == "InvalidRequestException" && failure.message.contains("marked deleted") => Ok(()),
            other => other.map(drop),
        }
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") {
            return Ok(given.to_owned());
        }
        let found = described(cx, given).await?;
        let none = || Failure::other(format!("there is no secret `{given}`")).help("name it as it is, or by its ARN");
        found.as_ref().as_ref().map(|d| d.arn.clone()).ok_or_else(none)
    }
}

impl Secret {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }

    fn about(&self) -> Option<String> {
        self.description.clone().filter(|d| !d.is_empty())
    }

    fn key(&self) -> Option<&str> {
        self.kms_key_id.as_deref().filter(|k| !k.is_empty() && *k != USUAL_KEY)
    }

    /// Whether it should have a policy of its own: a document that says nothing is none.
    fn has_policy(&self) -> bool {
        self.policy.as_deref().is_some_and(|p| !p.trim().is_empty() && p.trim() != "{}")
    }

    /// Whether all that the state holds is what the list says, and the list says all that the state holds.
    fn says_the_list(&self, entry: &Described) -> bool {
        let told = self.replica.is_empty() && !self.has_policy();
        told && self.arn.as_ref() == Some(&entry.arn)
            && self.about() == entry.description
            && self.key() == entry.kms_key_id.as_deref().filter(|k| *k != USUAL_KEY)
            && self.tags_all == entry.tags
    }

    /// Makes the copies those that are wanted; with another key a copy is made again.
    async fn replicate(&self, cx: &Cx<'_, Aws>, id: &str, old: &Self) -> Outcome<()> {
        let alike = |a: &Replica, b: &Replica| a.region == b.region && (a.kms_key_id.is_none() || a.kms_key_id == b.kms_key_id);
        let gone: Vec<String> =
            old.replica.iter().filter(|o| !self.replica.iter().any(|n| alike(n, o))).map(|r| r.region.clone()).collect();
        let new: Vec<_> = self.replica.iter().filter(|n| !old.replica.iter().any(|o| alike(n, o))).map(region).collect();
        if !gone.is_empty() {
            cx.cloud.secrets.remove_regions_from_replication().secret_id(id).set_remove_replica_regions(Some(gone)).send().await?;
        }
        if !new.is_empty() {
            let call = cx.cloud.secrets.replicate_secret_to_regions().secret_id(id).set_add_replica_regions(Some(new));
            call.set_force_overwrite_replica_secret(self.force_overwrite_replica_secret).send().await?;
        }
        Ok(())
    }
}

fn region(replica: &Replica) -> ReplicaRegionType {
    let key = replica.kms_key_id.clone().filter(|k| !k.is_empty());
    ReplicaRegionType::builder().region(&replica.region).set_kms_key_id(key).build()
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect())
}

/// What AWS answers. The policy is not part of it.
fn of(found: &Described, prior: Option<&Secret>) -> Secret {
    let replicas = found.replicas.iter().map(|r| Replica {
        kms_key_id: r.kms_key_id.clone(),
        last_accessed_date: date(r.last_accessed_date.as_ref()),
        region: r.region.clone().unwrap_or_default(),
        status: r.status.as_ref().map(|s| s.as_str().to_owned()),
        status_message: r.status_message.clone(),
    });
    Secret {
        arn: Some(found.arn.clone()),
        description: found.description.clone(),
        force_overwrite_replica_secret: prior.and_then(|p| p.force_overwrite_replica_secret),
        kms_key_id: found.kms_key_id.clone(),
        name_prefix: found.name.as_deref().and_then(name::prefix_of),
        name: found.name.clone(),
        policy: prior.and_then(|p| p.policy.clone()),
        recovery_window_in_days: prior.and_then(|p| p.recovery_window_in_days),
        replica: replicas.collect(),
        tags: Tags::new(),
        tags_all: found.tags.clone(),
    }
}

/// Why a name can't be had: a secret of that name waits for its deletion. If that was a deletion without recovery, it is over soon.
async fn waits(aws: &Aws, name: &str, failure: Failure) -> Failure {
    let Ok(found) = aws.secrets.describe_secret().secret_id(name).send().await else { return failure };
    let Some(date) = found.deleted_date else { return failure };
    if jiff::Timestamp::now().as_second().abs_diff(date.secs()) < SETTLES.as_secs() {
        return failure;
    }
    Failure::other(format!("the name `{name}` is that of a secret that was deleted and can still be taken back"))
        .because(Cause::Refused)
        .help(format!(
            "take it back with `aws secretsmanager restore-secret --secret-id {name}` and import it, or delete it for good with \
         `aws secretsmanager delete-secret --secret-id {name} --force-delete-without-recovery`; with `recovery_window_in_days = 0` a \
         secret of this stack gives its name back at once"
        ))
}
