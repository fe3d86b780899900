//! Policies by which snapshots and images are made and deleted.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dlm::types::SettablePolicyStateValues;

use crate::aws::ec2::{INTENT_TAG, with_intent};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::delta;
use crate::aws::types::Arn;
use crate::aws::{Aws, each, listing};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{After, Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A policy by which snapshots of volumes, or images of instances, are made and deleted. It stops when it is removed; what it
    /// made stays.
    pub struct LifecyclePolicy {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is for: letters, digits, spaces, `_` and `-`.
        #[attr(within(1, 500))]
        description: String,
        /// The role that makes and deletes.
        #[attr(refers("aws_iam_role.arn"))]
        execution_role_arn: Arn,
        /// What is made and deleted, and when.
        #[attr(required)]
        policy_details: Option<PolicyDetails>,
        /// Whether it is followed.
        #[attr(default_text("ENABLED"), one_of(&["ENABLED", "DISABLED"]))]
        state: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }

    /// What is made and deleted, and when.
    pub struct PolicyDetails {
        /// What is done when a snapshot is shared with the account (`EVENT_BASED_POLICY`).
        action: Option<Action>,
        /// What it waits for (`EVENT_BASED_POLICY`).
        event_source: Option<EventSource>,
        /// Which volumes of instances are left out, and whether they restart.
        parameters: Option<Parameters>,
        /// Whether it makes snapshots or images, or copies snapshots that are shared.
        #[attr(default_text("EBS_SNAPSHOT_MANAGEMENT"), one_of(&["EBS_SNAPSHOT_MANAGEMENT", "IMAGE_MANAGEMENT", "EVENT_BASED_POLICY"]))]
        policy_type: Option<String>,
        /// Where the volumes or instances are.
        #[attr(chosen)]
        resource_locations: Vec<String>,
        /// What it is about, one of `VOLUME` and `INSTANCE`.
        resource_types: Vec<String>,
        /// When it makes them, and which are kept.
        #[attr(max_items(4))]
        schedule: Vec<Schedule>,
        /// The tags by which it knows its volumes or instances; each of them will do.
        target_tags: Tags,
    }

    /// What is done when a snapshot is shared with the account.
    pub struct Action {
        /// To what regions it is copied.
        #[attr(required, max_items(3))]
        cross_region_copy: BTreeSet<CrossRegionCopy>,
        /// Its name.
        #[attr(within(1, 120))]
        name: String,
    }

    /// A copy in another region.
    pub struct CrossRegionCopy {
        /// How it is encrypted.
        #[attr(required)]
        encryption_configuration: Option<Encryption>,
        /// How long it is kept.
        retain_rule: Option<CopyAge>,
        /// The region, or the ARN of an Outpost.
        target: String,
    }

    /// How a copy is encrypted.
    pub struct Encryption {
        /// The key; the account's own for EBS if none is given.
        cmk_arn: Option<Arn>,
        /// Whether it is. A copy of what is encrypted is so in any case.
        #[attr(default_bool(false))]
        encrypted: Option<bool>,
    }

    /// An age of copies.
    pub struct CopyAge {
        /// So many.
        #[attr(within(1, i64::MAX))]
        interval: i64,
        /// Of what.
        #[attr(one_of(&["DAYS", "WEEKS", "MONTHS", "YEARS"]))]
        interval_unit: String,
    }

    /// What an event-based policy waits for.
    pub struct EventSource {
        /// Which events.
        #[attr(required)]
        parameters: Option<EventParameters>,
        /// Where events come from.
        #[attr(one_of(&["MANAGED_CWE"]))]
        r#type: String,
    }

    /// Which events.
    pub struct EventParameters {
        /// What the description of a snapshot has to match.
        #[attr(within(0, 1000))]
        description_regex: String,
        /// What happened.
        #[attr(one_of(&["shareSnapshot"]))]
        event_type: String,
        /// The accounts that share snapshots.
        #[attr(required)]
        snapshot_owner: BTreeSet<String>,
    }

    /// Which volumes of instances are left out, and whether they restart.
    pub struct Parameters {
        /// Leave out the volume that an instance starts from.
        exclude_boot_volume: Option<bool>,
        /// Make images without restarting instances.
        no_reboot: Option<bool>,
    }

    /// When snapshots or images are made, and which are kept.
    pub struct Schedule {
        /// Whether they get the tags of their volume or instance.
        #[attr(chosen)]
        copy_tags: Option<bool>,
        /// When they are made.
        #[attr(required)]
        create_rule: Option<CreateRule>,
        /// To what regions they are copied.
        #[attr(max_items(3))]
        cross_region_copy_rule: BTreeSet<CrossRegionCopyRule>,
        /// When images are marked as old.
        deprecate_rule: Option<Keep>,
        /// Where volumes made of them are fast at once.
        fast_restore_rule: Option<FastRestoreRule>,
        /// Its name.
        #[attr(within(1, 120))]
        name: String,
        /// Which are kept.
        #[attr(required)]
        retain_rule: Option<Keep>,
        /// With whom they are shared.
        share_rule: Option<ShareRule>,
        /// Tags that they get besides.
        tags_to_add: Tags,
        /// Tags that they get, whose values are `$(instance-id)` and `$(timestamp)`.
        variable_tags: Tags,
    }

    /// When they are made: every so many hours, or by a cron expression.
    pub struct CreateRule {
        /// By this expression, `cron(0 3 * * ? *)`.
        #[attr(within(17, 106))]
        cron_expression: Option<String>,
        /// Every so many hours.
        interval: Option<i64>,
        /// `HOURS`.
        #[attr(chosen, one_of(&["HOURS"]))]
        interval_unit: Option<String>,
        /// Whether snapshots are kept in the region, on the Outpost of their volume, or in its local zone.
        #[attr(chosen, one_of(&["CLOUD", "OUTPOST_LOCAL", "LOCAL_ZONE"]))]
        location: Option<String>,
        /// The time of the first of the day, in UTC, `03:00`.
        #[attr(chosen)]
        times: Vec<String>,
    }

    /// A copy in another region.
    pub struct CrossRegionCopyRule {
        /// The key; the account's own for EBS if none is given.
        cmk_arn: Option<Arn>,
        /// Whether it gets the tags of what it is a copy of.
        #[attr(chosen)]
        copy_tags: Option<bool>,
        /// When the copy of an image is marked as old.
        deprecate_rule: Option<CopyAge>,
        /// Whether it is encrypted. A copy of what is encrypted is so in any case.
        encrypted: bool,
        /// How long it is kept.
        retain_rule: Option<CopyAge>,
        /// The region, or the ARN of an Outpost.
        target: String,
    }

    /// So many of the newest, or those up to an age.
    pub struct Keep {
        /// So many of the newest.
        count: Option<i64>,
        /// An age of so many.
        interval: Option<i64>,
        /// Of what.
        #[attr(one_of(&["DAYS", "WEEKS", "MONTHS", "YEARS"]))]
        interval_unit: Option<String>,
    }

    /// Where volumes made of them are fast at once. It costs by the hour, snapshot and zone.
    pub struct FastRestoreRule {
        /// In these zones.
        #[attr(required)]
        availability_zones: BTreeSet<String>,
        /// So many of the newest.
        count: Option<i64>,
        /// Those up to an age of so many.
        interval: Option<i64>,
        /// Of what.
        #[attr(one_of(&["DAYS", "WEEKS", "MONTHS", "YEARS"]))]
        interval_unit: Option<String>,
    }

    /// With whom snapshots are shared.
    pub struct ShareRule {
        /// These accounts.
        #[attr(required)]
        target_accounts: BTreeSet<String>,
        /// For so many.
        unshare_interval: Option<i64>,
        /// Of what.
        #[attr(one_of(&["DAYS", "WEEKS", "MONTHS", "YEARS"]))]
        unshare_interval_unit: Option<String>,
    }
}

impl Resource for LifecyclePolicy {
    const TYPE: &'static str = "aws_dlm_lifecycle_policy";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const AFTER: &'static [After] = &[
        After { kind: "aws_iam_role_policy", through: "aws_iam_role" },
        After { kind: "aws_iam_role_policy_attachment", through: "aws_iam_role" },
    ];
    // A role that was just made is not known everywhere.
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateLifecyclePolicy", code: "InvalidRequestException", message: "role", within: Duration::from_secs(60) },
        Retry { operation: "UpdateLifecyclePolicy", code: "InvalidRequestException", message: "role", within: Duration::from_secs(60) },
    ];
    const EXAMPLE: &'static str = include_str!("example.toml");
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        super::policy_details::checked(given)
    }

    /// What AWS chose for a schedule by the hour does not stay with one by a cron expression, nor the other way round.
    fn plan(planned: &mut Planned<'_>) {
        let prior = planned.prior.map(|p| p.attr("policy_details").clone()).unwrap_or_default();
        *planned.want = super::policy_details::planned(planned.want, prior.items().first());
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.dlm.create_lifecycle_policy().description(&self.description).execution_role_arn(&self.execution_role_arn.0);
        let call = call.state(self.wanted_state()).set_policy_details(self.policy_details.as_ref().map(PolicyDetails::sent).transpose()?);
        let made = call.set_tags(Some(with_intent(&self.tags_all, cx.token).into_iter().collect())).send().await?;
        made.policy_id.ok_or_else(|| lacking("id of the policy"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = with_tags(cx.cloud, |tags| tags.get(INTENT_TAG).is_some_and(|token| token == cx.token)).await?;
        Ok(found.into_iter().next())
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(self.candidates(cx).await?.into_iter().next())
    }

    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        if self.tags_all.is_empty() {
            return Ok(vec![]);
        }
        with_tags(cx.cloud, |tags| tags == &self.tags_all).await
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = cx.cloud.dlm.get_lifecycle_policies().send().await?.policies.unwrap_or_default();
        let listed = found.iter().filter_map(|p| {
            let tags = p.tags().into_iter().flatten().map(|(k, v)| (k.as_str(), v.as_str()));
            Some(listing::by_tags(Listed::new(p.policy_id()?).named(p.description()), tags))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = absent(cx.cloud.dlm.get_lifecycle_policy().policy_id(&k.id).send().await.map_err(Into::into))?;
            let Some(policy) = found.and_then(|f| f.policy) else { return Ok(None) };
            let state = policy.state.as_ref().map_or("ENABLED", |s| s.as_str());
            if state == "ERROR" {
                cx.reads.says(Self::TYPE, &k.id, Status::Failed(policy.status_message.clone().unwrap_or_else(|| state.to_owned())));
            }
            let prior = k.prior.as_ref();
            let value = Self {
                arn: policy.policy_arn,
                description: policy.description.unwrap_or_default(),
                execution_role_arn: Arn(policy.execution_role_arn.unwrap_or_default()),
                policy_details: policy
                    .policy_details
                    .map(|found| PolicyDetails::told(found, prior.and_then(|p| p.policy_details.as_ref()))),
                state: Some(state.to_owned()),
                tags: Tags::new(),
                tags_all: own(policy.tags),
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (dlm, old) = (&cx.cloud.dlm, &live.value);
        let untagged = |p: &Self| Self { tags: Tags::new(), tags_all: Tags::new(), arn: None, ..p.clone() };
        if untagged(self) != untagged(old) {
            let call = dlm.update_lifecycle_policy().policy_id(&live.id).description(&self.description).state(self.wanted_state());
            let call = call.execution_role_arn(&self.execution_role_arn.0);
            call.set_policy_details(self.policy_details.as_ref().map(PolicyDetails::sent).transpose()?).send().await?;
        }
        let Some(arn) = &old.arn else { return Ok(()) };
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            dlm.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if !set.is_empty() {
            dlm.tag_resource().resource_arn(arn).set_tags(Some(set.into_iter().collect())).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.dlm.delete_lifecycle_policy().policy_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("policy-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the id of a lifecycle policy")).help("write it like `policy-0123456789abcdef0`"))
    }
}

impl LifecyclePolicy {
    fn wanted_state(&self) -> SettablePolicyStateValues {
        SettablePolicyStateValues::from(self.state.as_deref().filter(|s| !s.is_empty()).unwrap_or("ENABLED"))
    }
}

fn own(tags: Option<HashMap<String, String>>) -> Tags {
    tags.unwrap_or_default().into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// The ids of the policies with tags like those; all are told in one call.
async fn with_tags(aws: &Aws, like: impl Fn(&Tags) -> bool) -> Outcome<Vec<Id>> {
    use crate::words::resource::Cloud;
    let found = aws.dlm.get_lifecycle_policies().send().await?.policies.unwrap_or_default();
    let alike = found.into_iter().filter_map(|policy| {
        let mut tags = own(policy.tags);
        tags.retain(|key, _| !aws.ignores_tag(key));
        like(&tags).then_some(policy.policy_id?)
    });
    Ok(alike.collect())
}
