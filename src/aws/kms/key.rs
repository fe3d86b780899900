//! Keys.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType, Tag};

use super::id;
use crate::aws::ec2::{INTENT_TAG, with_intent};
use crate::aws::error::{absent, lacking};
use crate::aws::policy;
use crate::aws::tags::{delta, of_arns, with_tags};
use crate::aws::types::Policy;
use crate::aws::{Aws, each, listing};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status, Tags};
use crate::words::value::Value;

/// The longest policy that a key can have.
const POLICY: usize = 32 * 1024;
/// The one policy that a key has.
const NAME: &str = "default";
/// How often AWS replaces the material of a key where nobody says so.
const ROTATION: i64 = 365;

crate::blocks! {
    /// A key that services encrypt with. It costs about a dollar a month. One that is deleted can be saved for as long as
    /// `deletion_window_in_days` says, and what it encrypted is lost afterwards.
    pub struct Key {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Accept a policy after which you could not change the policy any more.
        #[attr(local, default_bool(false))]
        bypass_policy_lockout_safety_check: Option<bool>,
        /// The store of your own that it is kept in.
        #[attr(force_new, within(1, 64))]
        custom_key_store_id: Option<String>,
        /// What kind of key it is.
        #[attr(force_new, default_text("SYMMETRIC_DEFAULT"))]
        customer_master_key_spec: Option<String>,
        /// For how many days it can still be saved after it was deleted; 30 if not given.
        #[attr(local, within(7, 30))]
        deletion_window_in_days: Option<i64>,
        /// What it is for.
        #[attr(chosen, within(0, 8192))]
        description: Option<String>,
        /// Whether AWS replaces its material from time to time.
        #[attr(default_bool(false))]
        enable_key_rotation: Option<bool>,
        /// Whether it can be used.
        #[attr(default_bool(true))]
        is_enabled: Option<bool>,
        /// Its id.
        #[attr(computed)]
        key_id: Option<String>,
        /// What can be done with it.
        #[attr(force_new, default_text("ENCRYPT_DECRYPT"), one_of(&["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"]))]
        key_usage: Option<String>,
        /// Whether other regions can have the same key.
        #[attr(chosen, force_new)]
        multi_region: Option<bool>,
        /// Who may do what with it; whatever IAM lets the account's users do if not given.
        #[attr(chosen)]
        policy: Option<Policy>,
        /// After how many days its material is replaced.
        #[attr(chosen, within(90, 2560))]
        rotation_period_in_days: Option<i64>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The id of the key in the store of your own outside AWS.
        #[attr(force_new, within(1, 128))]
        xks_key_id: Option<String>,
    }
}

/// A role that was just made is not known everywhere.
const fn unknown_principal(operation: &'static str) -> Retry {
    Retry { operation, code: "MalformedPolicyDocumentException", message: "invalid principals", within: Duration::from_secs(120) }
}

/// Not every host knows of a key that was just made.
const fn fresh(operation: &'static str) -> Retry {
    Retry { operation, code: "NotFoundException", message: "", within: Duration::from_secs(120) }
}

impl Resource for Key {
    const TYPE: &'static str = "aws_kms_key";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "2m")];
    const RETRY: &'static [Retry] = &[
        unknown_principal("CreateKey"),
        unknown_principal("PutKeyPolicy"),
        fresh("EnableKeyRotation"),
        fresh("PutKeyPolicy"),
        fresh("TagResource"),
        fresh("DisableKey"),
        Retry { operation: "EnableKeyRotation", code: "DisabledException", message: "", within: Duration::from_secs(60) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_kms_key.example]
description = "Backups"
deletion_window_in_days = 7
tags = { team = "infra" }
---
[resource.aws_kms_key.example]
description = "Backups and logs"
deletion_window_in_days = 10
enable_key_rotation = true
rotation_period_in_days = 180
is_enabled = false
bypass_policy_lockout_safety_check = true
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}'
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems: Vec<_> = policy::too_long(given.attr("policy"), "policy", POLICY, "the policy of a key").into_iter().collect();
        let (rotates, period) = (given.attr("enable_key_rotation"), given.attr("rotation_period_in_days"));
        if rotates.as_bool() != Some(true) && !rotates.is_unknown() && !period.is_unknown() && !period.is_null() {
            problems.push(Problem::new("rotation_period_in_days", "nothing is rotated: `enable_key_rotation` is not true"));
        }
        let spec = given.attr("customer_master_key_spec").as_str();
        if rotates.as_bool() == Some(true) && spec.is_some_and(|s| s != "SYMMETRIC_DEFAULT") {
            problems.push(Problem::new("enable_key_rotation", "AWS rotates symmetric keys alone (`SYMMETRIC_DEFAULT`)"));
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        let origin = match (some(&self.xks_key_id), some(&self.custom_key_store_id)) {
            (Some(_), _) => Some(OriginType::ExternalKeyStore),
            (None, Some(_)) => Some(OriginType::AwsCloudhsm),
            (None, None) => None,
        };
        let call = cx.cloud.kms.create_key().set_description(some(&self.description)).set_origin(origin);
        let call = call.set_key_spec(some(&self.customer_master_key_spec).map(|s| KeySpec::from(s.as_str())));
        let call = call.set_key_usage(some(&self.key_usage).map(|u| KeyUsageType::from(u.as_str())));
        let call = call.set_custom_key_store_id(some(&self.custom_key_store_id)).set_xks_key_id(some(&self.xks_key_id));
        let call = call.set_multi_region(self.multi_region.filter(|yes| *yes)).set_policy(self.wanted_policy().map(str::to_owned));
        let call = call.bypass_policy_lockout_safety_check(self.bypass_policy_lockout_safety_check == Some(true));
        let made = call.set_tags(tagged(&with_intent(&self.tags_all, cx.token))?).send().await.map_err(|e| locked_out(e.into()))?;
        made.key_metadata.map(|m| m.key_id).ok_or_else(|| lacking("id of the key"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let intent = Tags::from([(INTENT_TAG.to_owned(), cx.token.to_owned())]);
        let found = with_tags(cx.cloud, "kms:key", &intent).await?;
        Ok(found.into_keys().next().map(|arn| id(&arn).to_owned()))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(self.candidates(cx).await?.into_iter().next())
    }

    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        if self.tags_all.is_empty() {
            return Ok(vec![]);
        }
        let found = with_tags(cx.cloud, "kms:key", &self.tags_all).await?;
        let alike = found.into_iter().filter(|(_, tags)| *tags == self.tags_all).map(|(arn, _)| id(&arn).to_owned());
        each(alike, |key| async move { Ok(described(cx.cloud, &key).await?.map(|_| key)) }).await
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.kms.list_keys().into_paginator().items().send().try_collect().await?;
        let aliases = super::aliases(cx).await?;
        let of = |id: &str| aliases.iter().find(|a| a.target_key_id() == Some(id));
        let owned: BTreeSet<&str> = cx.reads.asked(&[Self::TYPE]).map(|a| a.id.as_str()).collect();
        // What no alias tells to be AWS's own, and nobody has, is looked at: one that is to be deleted is no longer there.
        let (of, owned) = (&of, &owned);
        let listed = each(found, |key| async move {
            let (Some(id), arn) = (key.key_id, key.key_arn) else { return Ok(None) };
            let alias = of(&id);
            let name = alias.and_then(|a| a.alias_name()).and_then(|a| a.strip_prefix("alias/"));
            let listed = Listed::new(&id).named(name).marked("arn", arn).noise(alias.is_some_and(super::of_aws), "of AWS itself");
            if listed.noise.is_some() || owned.contains(id.as_str()) {
                return Ok(Some(listed));
            }
            let said = cx.cloud.kms.describe_key().key_id(&id).send().await?.key_metadata;
            let service = said.as_ref().is_some_and(|m| m.key_manager().is_some_and(|k| k.as_str() == "AWS"));
            let going = said.as_ref().is_some_and(|m| m.deletion_date().is_some());
            Ok(Some(listed.noise(service, "of AWS itself").noise(going, "on their way out").costs()))
        });
        listing::with_tags(cx, listed.await?).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let keys = each(known, |k| async move { Ok(described(cx.cloud, &k.id).await?.map(|meta| (k, meta))) }).await?;
        let arns: Vec<String> = keys.iter().filter_map(|(_, meta)| meta.arn.clone()).collect();
        let tags = of_arns(cx, &arns, |arn| async move { tags_of(cx.cloud, id(&arn)).await });
        let parts = each(keys, |(k, meta)| async move {
            let (policy, rotation) = futures::try_join!(policy_of(cx.cloud, &k.id), rotation_of(cx.cloud, &meta))?;
            Ok(Some((k, meta, policy, rotation)))
        });
        let (mut tags, parts) = futures::try_join!(tags, parts)?;
        let live = parts.into_iter().map(|(k, meta, policy, (rotates, period))| {
            if matches!(meta.key_state(), Some(KeyState::Creating | KeyState::Updating)) {
                let word = meta.key_state().map_or("", KeyState::as_str).to_lowercase();
                cx.reads.says(Self::TYPE, &k.id, Status::Pending(word));
            }
            let mut tags_all = meta.arn.as_ref().and_then(|arn| tags.remove(arn)).unwrap_or_default();
            tags_all.retain(|key, _| !key.starts_with("aws:"));
            let prior = k.prior.as_ref();
            let value = Self {
                bypass_policy_lockout_safety_check: prior.and_then(|p| p.bypass_policy_lockout_safety_check),
                custom_key_store_id: meta.custom_key_store_id.clone(),
                customer_master_key_spec: meta.key_spec().map(|s| s.as_str().to_owned()),
                deletion_window_in_days: prior.and_then(|p| p.deletion_window_in_days),
                description: meta.description.clone().filter(|d| !d.is_empty()),
                enable_key_rotation: Some(rotates),
                is_enabled: Some(meta.enabled),
                key_id: Some(k.id.clone()),
                key_usage: meta.key_usage().map(|u| u.as_str().to_owned()),
                multi_region: Some(meta.multi_region == Some(true)),
                policy: policy.map(Policy),
                rotation_period_in_days: period,
                tags: Tags::new(),
                tags_all,
                xks_key_id: meta.xks_key_configuration.as_ref().and_then(|x| x.id.clone()),
                arn: meta.arn,
            };
            Live { id: k.id.clone(), value }
        });
        Ok(live.collect())
    }

    /// A key that is disabled refuses to be rotated: it is enabled first and disabled last.
    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (kms, key, old) = (&cx.cloud.kms, live.id.as_str(), &live.value);
        let enabled = |k: &Self| k.is_enabled != Some(false);
        if enabled(self) && !enabled(old) {
            kms.enable_key().key_id(key).send().await?;
        }
        match (self.rotation(), old.rotation()) {
            (Some(period), was) if was != Some(period) && (was.is_none() || self.rotation_period_in_days.is_some()) => {
                let period = self.rotation_period_in_days.and_then(|_| i32::try_from(period).ok());
                kms.enable_key_rotation().key_id(key).set_rotation_period_in_days(period).send().await?;
            }
            (None, Some(_)) => drop(kms.disable_key_rotation().key_id(key).send().await?),
            _ => {}
        }
        let text = |d: &Option<String>| d.clone().unwrap_or_default();
        if text(&self.description) != text(&old.description) {
            kms.update_key_description().key_id(key).description(text(&self.description)).send().await?;
        }
        let now = old.policy.as_deref().unwrap_or_default();
        if let Some(wanted) = self.wanted_policy().filter(|wanted| !policy::same(wanted, now)) {
            let call = kms.put_key_policy().key_id(key).policy_name(NAME).policy(wanted);
            let call = call.bypass_policy_lockout_safety_check(self.bypass_policy_lockout_safety_check == Some(true));
            call.send().await.map_err(|e| locked_out(e.into()))?;
        }
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            kms.untag_resource().key_id(key).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            kms.tag_resource().key_id(key).set_tags(Some(set)).send().await?;
        }
        if !enabled(self) && enabled(old) {
            kms.disable_key().key_id(key).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let days = live.value.deletion_window_in_days.filter(|d| *d > 0).and_then(|d| i32::try_from(d).ok());
        let gone = cx.cloud.kms.schedule_key_deletion().key_id(&live.id).set_pending_window_in_days(days).send().await;
        match gone.map_err(Failure::from) {
            Err(failure) if failure.code == "KMSInvalidStateException" && failure.message.contains("is pending deletion") => Ok(()),
            Err(failure) if failure.message.contains("replica") => {
                Err(failure.help("keys of other regions that were made of this one go first"))
            }
            gone => gone.map(drop),
        }
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        match given {
            alias if alias.starts_with("alias/") || alias.contains(":alias/") => {
                Err(Failure::other(format!("`{given}` is an alias, not a key")).help("give the id of the key that it stands for"))
            }
            key => Ok(id(key).to_owned()),
        }
    }
}

impl Key {
    fn wanted_policy(&self) -> Option<&str> {
        self.policy.as_deref().filter(|p| !p.is_empty())
    }

    /// After how many days its material is replaced; none where it is not.
    fn rotation(&self) -> Option<i64> {
        (self.enable_key_rotation == Some(true)).then(|| self.rotation_period_in_days.filter(|d| *d > 0).unwrap_or(ROTATION))
    }
}

fn locked_out(failure: Failure) -> Failure {
    if failure.message.contains("will not allow you to update the key policy in the future") {
        return failure.help(
            "let whoever applies this, or the whole account (`arn:aws:iam::ACCOUNT:root`), do `kms:PutKeyPolicy`; or, if nobody is to \
             change the policy ever again, set `bypass_policy_lockout_safety_check = true`",
        );
    }
    failure
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Outcome<Option<Vec<Tag>>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().tag_key(k).tag_value(v).build()).collect::<Result<_, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

/// What KMS says of the key; one that is to be deleted is gone.
async fn described(aws: &Aws, key: &str) -> Outcome<Option<KeyMetadata>> {
    let found = absent(aws.kms.describe_key().key_id(key).send().await.map_err(Into::into))?.and_then(|f| f.key_metadata);
    Ok(found.filter(|meta| !matches!(meta.key_state(), Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))))
}

async fn policy_of(aws: &Aws, key: &str) -> Outcome<Option<String>> {
    let found = absent(aws.kms.get_key_policy().key_id(key).policy_name(NAME).send().await.map_err(Into::into))?;
    Ok(found.and_then(|f| f.policy))
}

/// Whether its material is replaced, and after how many days. Only of symmetric keys that KMS made itself there is anything to ask.
async fn rotation_of(aws: &Aws, meta: &KeyMetadata) -> Outcome<(bool, Option<i64>)> {
    if meta.key_spec() != Some(&KeySpec::SymmetricDefault) || meta.origin() != Some(&OriginType::AwsKms) {
        return Ok((false, None));
    }
    match aws.kms.get_key_rotation_status().key_id(&meta.key_id).send().await.map_err(Failure::from) {
        Ok(found) => Ok((found.key_rotation_enabled, found.rotation_period_in_days.map(i64::from).filter(|_| found.key_rotation_enabled))),
        Err(failure) if failure.code == "UnsupportedOperationException" || failure.cause == Cause::Gone => Ok((false, None)),
        Err(failure) => Err(failure),
    }
}

async fn tags_of(aws: &Aws, key: &str) -> Outcome<Tags> {
    let mut pages = aws.kms.list_resource_tags().key_id(key).into_paginator().items().send();
    let mut tags = Tags::new();
    while let Some(tag) = pages.next().await {
        let Some(tag) = absent(tag.map_err(Into::into))? else { break };
        tags.insert(tag.tag_key, tag.tag_value);
    }
    Ok(tags)
}
