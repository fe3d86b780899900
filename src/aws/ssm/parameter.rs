//! Parameters.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_ssm::types::{
    Parameter as Found, ParameterMetadata, ParameterStringFilter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag,
};

use crate::aws::error::absent;
use crate::aws::tags::{delta, of_arns};
use crate::aws::{Aws, each, listing};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

/// How many parameters one call describes, and of how many one tells the values.
const PAGE: usize = 50;
const VALUES: usize = 10;
/// The most that a value of the tier `Standard` has, and that of any.
const STANDARD: usize = 4096;
const ADVANCED: usize = 8192;

crate::blocks! {
    /// A parameter of SSM's parameter store: a text under a name, or a secret.
    pub struct Parameter {
        /// What its value has to look like, a regular expression.
        #[attr(within(0, 1024))]
        allowed_pattern: Option<String>,
        /// Its ARN.
        #[attr(chosen)]
        arn: Option<String>,
        /// Whether AWS checks it for more than being text: `aws:ec2:image` is the id of an image that exists.
        #[attr(chosen, force_new, one_of(&["text", "aws:ec2:image", "aws:ssm:integration"]))]
        data_type: Option<String>,
        /// What it is for.
        #[attr(within(0, 1024))]
        description: Option<String>,
        /// Whether its value is one that is never stored.
        #[attr(computed)]
        has_value_wo: Option<bool>,
        /// The value where it is no secret, so that plans show it.
        #[attr(chosen, conflicts(&["value", "value_wo"]))]
        insecure_value: Option<String>,
        /// The KMS key that a secret is encrypted with.
        #[attr(chosen)]
        key_id: Option<String>,
        /// Its name, with `/` between levels.
        #[attr(force_new, within(1, 2048))]
        name: String,
        /// Whether it takes the place of a parameter of that name that exists.
        #[attr(local)]
        overwrite: Option<bool>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// What it can hold and costs. From `Advanced` there is no way back but a new one.
        #[attr(chosen, one_of(&["Standard", "Advanced", "Intelligent-Tiering"]))]
        tier: Option<String>,
        /// What it is.
        #[attr(one_of(&["String", "StringList", "SecureString"]))]
        r#type: String,
        /// The value.
        #[attr(chosen, sensitive, conflicts(&["insecure_value", "value_wo"]))]
        value: Option<String>,
        /// The value, where the state must not hold it; another `value_wo_version` makes a change of it known.
        #[attr(sensitive, write_only, conflicts(&["insecure_value", "value"]))]
        value_wo: Option<String>,
        /// A number to be raised whenever `value_wo` changes.
        value_wo_version: Option<i64>,
        /// How often it was set.
        #[attr(computed)]
        version: Option<i64>,
    }
}

impl Resource for Parameter {
    const TYPE: &'static str = "aws_ssm_parameter";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 500;
    const GONE: &'static [&'static str] = &["ParameterNotFound", "InvalidResourceId"];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "PutParameter", code: "TooManyUpdates", message: "", within: Duration::from_secs(120) },
        Retry { operation: "AddTagsToResource", code: "TooManyUpdates", message: "", within: Duration::from_secs(120) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_ssm_parameter.example]
name = "/app/example"
type = "String"
insecure_value = "one"
tags = { team = "infra" }
---
[resource.aws_ssm_parameter.example]
name = "/app/example"
type = "SecureString"
value = "not a real secret"
description = "what the application reads"
allowed_pattern = "^[a-z ]+$"
key_id = "alias/aws/ssm"
tier = "Advanced"
overwrite = true
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let values = ["value", "insecure_value", "value_wo"];
        let mut problems = vec![];
        if values.iter().all(|name| given.attr(name).is_null()) {
            problems.push(Problem::new("", "a parameter has a value: `value`, `insecure_value` or `value_wo`"));
        }
        let text = |name: &str| given.attr(name).as_str().unwrap_or_default().to_owned();
        if text("type") == "SecureString" && !given.attr("insecure_value").is_null() {
            problems.push(Problem::new(
                "insecure_value",
                "a secret (`SecureString`) is given by `value` or `value_wo`, so that no plan shows it",
            ));
        }
        for name in values {
            let Some(value) = given.attr(name).as_str() else { continue };
            let most = if matches!(text("tier").as_str(), "Advanced" | "Intelligent-Tiering") { ADVANCED } else { STANDARD };
            if value.is_empty() {
                problems.push(Problem::new(name, "a parameter can't be empty"));
            } else if value.len() > most {
                problems.push(Problem::new(name, format!("its value can have {most} bytes in this tier, and has {}", value.len())));
            } else if value.contains("{{") {
                problems.push(Problem::new(name, "a parameter can't refer to another with `{{ }}`"));
            }
        }
        let own = text("name").trim_start_matches('/').to_ascii_lowercase();
        if let Some(word) = ["aws", "ssm"].into_iter().find(|word| own.starts_with(word)) {
            problems.push(Problem::new("name", format!("names that begin with `{word}` are AWS's own")));
        }
        if text("name").contains('/') && !text("name").starts_with('/') {
            problems.push(Problem::new("name", "a name of several levels begins with `/`"));
        }
        problems
    }

    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let text = |value: &Value, name: &str| value.attr(name).as_str().unwrap_or_default().to_owned();
        let (before, after) = (text(prior, "tier"), text(planned.want, "tier"));
        if before == "Advanced" && after == "Standard" {
            planned.replace.push("tier".into());
        }
        // AWS has chosen one of the two.
        if after == "Intelligent-Tiering" && !before.is_empty() {
            *planned.want = planned.want.clone().with("tier", prior.attr("tier").clone());
        }
        let moves = ["value", "insecure_value", "value_wo_version", "description", "type", "key_id", "allowed_pattern"];
        let changed = |name: &&str| planned.changed.iter().any(|c| c == name);
        if moves.iter().any(changed) || before != text(planned.want, "tier") {
            *planned.want = planned.want.clone().with("version", Value::unknown());
        }
        // Which of the two shows the value is a matter of which is given.
        for (given, other) in [("value", "insecure_value"), ("insecure_value", "value")] {
            if planned.changed.iter().any(|c| c == given) && !text(prior, other).is_empty() && text(prior, given).is_empty() {
                *planned.want = planned.want.clone().with(other, Value::Null);
            }
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let overwrite = self.overwrite == Some(true);
        // Tags come with a new parameter alone.
        let tags = tagged(&self.tags_all)?.filter(|_| !overwrite);
        self.put(cx.cloud, overwrite).set_tags(tags).send().await?;
        Ok(self.name.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, std::slice::from_ref(&self.name)).await?;
        Ok(found.contains_key(&self.name).then(|| self.name.clone()))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let pages: Vec<_> = cx.cloud.ssm.describe_parameters().into_paginator().page_size(50).send().try_collect().await?;
        let listed = pages.iter().flat_map(|page| page.parameters()).filter_map(|p| Some(Listed::new(p.name()?).marked("arn", p.arn())));
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    /// The values are asked for only of those whose version has moved: nothing need be decrypted to see that nothing changed.
    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let names: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let described = described(cx.cloud, &names).await?;
        let unmoved = |k: &&Known<Self>| {
            let version = k.prior.as_ref().filter(|p| p.value.is_some() || p.insecure_value.is_some() || p.has_value_wo == Some(true));
            version.and_then(|p| p.version) == described.get(&k.id).map(|d| d.version)
        };
        let asked: Vec<String> = known.iter().filter(|k| described.contains_key(&k.id) && !unmoved(k)).map(|k| k.id.clone()).collect();
        let mut values = values(cx.cloud, &asked).await?;
        let mut arns = HashMap::new();
        for k in known.iter().filter(|k| described.contains_key(&k.id)) {
            let held = k.prior.as_ref().and_then(|p| p.arn.clone()).or_else(|| values.get(&k.id).and_then(|v| v.arn.clone()));
            let arn = match held {
                Some(arn) => arn,
                None => cx.cloud.arn("ssm", &format!("parameter/{}", k.id.trim_start_matches('/'))).await?,
            };
            arns.insert(k.id.clone(), arn);
        }
        let all: Vec<String> = arns.values().cloned().collect();
        let mut tags = of_arns(cx, &all, |arn| {
            let name = arns.iter().find(|(_, a)| **a == arn).map(|(name, _)| name.clone()).unwrap_or_default();
            async move {
                let call = cx.cloud.ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
                let found = call.send().await.map_err(Failure::from);
                let tags = match found {
                    Err(failure) if failure.code == "InvalidResourceId" => None,
                    other => absent(other)?.and_then(|f| f.tag_list),
                };
                Ok(tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect())
            }
        })
        .await?;
        let live = known.iter().filter_map(|k| {
            let about = described.get(&k.id)?;
            let arn = arns.get(&k.id)?.clone();
            let mut tags_all: Tags = tags.remove(&arn).unwrap_or_default();
            tags_all.retain(|key, _| !key.starts_with("aws:"));
            let value = of(about, values.remove(&k.id), k.prior.as_ref(), arn, tags_all);
            Some(Live { id: k.id.clone(), value })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ssm, old) = (&cx.cloud.ssm, &live.value);
        if self.fixed() != old.fixed() || self.value_wo_version != old.value_wo_version {
            self.put(cx.cloud, true).send().await?;
        }
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        let kind = ResourceTypeForTagging::Parameter;
        if !gone.is_empty() {
            let call = ssm.remove_tags_from_resource().resource_type(kind.clone()).resource_id(&live.id);
            call.set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            ssm.add_tags_to_resource().resource_type(kind).resource_id(&live.id).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ssm.delete_parameter().name(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        Ok(match given.split_once(":parameter/") {
            // The ARN has no `/` of its own before the first level.
            Some((_, name)) if given.starts_with("arn:") && name.contains('/') => format!("/{name}"),
            Some((_, name)) if given.starts_with("arn:") => name.to_owned(),
            _ => given.to_owned(),
        })
    }
}

impl Parameter {
    /// All that one call sets.
    fn fixed(&self) -> [Option<&str>; 7] {
        [
            Some(self.r#type.as_str()),
            self.text(),
            self.description.as_deref().filter(|d| !d.is_empty()),
            self.allowed_pattern.as_deref().filter(|p| !p.is_empty()),
            self.key(),
            self.tier.as_deref(),
            self.data_type.as_deref(),
        ]
    }

    fn text(&self) -> Option<&str> {
        let given = |text: &'_ Option<String>| text.as_deref().is_some_and(|t| !t.is_empty());
        [&self.value, &self.insecure_value].into_iter().find(|t| given(t)).and_then(|t| t.as_deref())
    }

    /// Only a secret has a key.
    fn key(&self) -> Option<&str> {
        self.key_id.as_deref().filter(|k| !k.is_empty() && self.r#type == "SecureString")
    }

    fn put(&self, aws: &Aws, overwrite: bool) -> aws_sdk_ssm::operation::put_parameter::builders::PutParameterFluentBuilder {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        let value = some(&self.value_wo).or_else(|| self.text().map(str::to_owned));
        let call = aws.ssm.put_parameter().name(&self.name).r#type(ParameterType::from(self.r#type.as_str())).set_value(value);
        let call = call.overwrite(overwrite).set_key_id(self.key().map(str::to_owned));
        // What is left out is kept by AWS, so that a text that is to go has to be given as empty.
        let call = call.set_description(some(&self.description).or_else(|| overwrite.then(String::new)));
        let call = call.set_allowed_pattern(some(&self.allowed_pattern).or_else(|| overwrite.then(String::new)));
        call.set_data_type(some(&self.data_type)).set_tier(some(&self.tier).as_deref().map(ParameterTier::from))
    }
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Outcome<Option<Vec<Tag>>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

/// What AWS answers; the value is the state's where nothing was asked for because nothing moved.
fn of(about: &ParameterMetadata, found: Option<Found>, prior: Option<&Parameter>, arn: String, tags_all: Tags) -> Parameter {
    let kind = about.r#type().map_or("String", ParameterType::as_str).to_owned();
    let unstored = prior.is_some_and(|p| p.value_wo.is_some() || p.has_value_wo == Some(true));
    let plain = kind != "SecureString" && prior.is_some_and(|p| p.insecure_value.as_deref().is_some_and(|v| !v.is_empty()));
    let (value, insecure_value) = match found {
        _ if unstored => (None, None),
        Some(found) if plain => (None, found.value),
        Some(found) => (found.value, None),
        None => prior.map(|p| (p.value.clone(), p.insecure_value.clone())).unwrap_or_default(),
    };
    Parameter {
        allowed_pattern: about.allowed_pattern.clone().filter(|p| !p.is_empty()),
        data_type: about.data_type.clone(),
        description: about.description.clone().filter(|d| !d.is_empty()),
        has_value_wo: unstored.then_some(true),
        insecure_value,
        key_id: about.key_id.clone().filter(|_| kind == "SecureString"),
        name: about.name.clone().unwrap_or_default(),
        overwrite: prior.and_then(|p| p.overwrite),
        tags: Tags::new(),
        tags_all,
        tier: about.tier.as_ref().map(|t| t.as_str().to_owned()),
        r#type: kind,
        value,
        value_wo: None,
        value_wo_version: prior.and_then(|p| p.value_wo_version),
        version: Some(about.version),
        arn: Some(arn),
    }
}

/// What there is to be known of parameters but their values, by name.
async fn described(aws: &Aws, names: &[String]) -> Outcome<HashMap<String, ParameterMetadata>> {
    let pages = each(names.chunks(PAGE), |names| async move {
        let filter = ParameterStringFilter::builder().key("Name").option("Equals").set_values(Some(names.to_vec())).build()?;
        let call = aws.ssm.describe_parameters().parameter_filters(filter).max_results(50);
        let mut pages = call.into_paginator().send();
        let mut found = vec![];
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(Failure::from)?.parameters.unwrap_or_default());
        }
        Ok(Some(found))
    });
    Ok(pages.await?.into_iter().flatten().filter_map(|p| Some((p.name.clone()?, p))).collect())
}

/// Parameters with their values, by name.
async fn values(aws: &Aws, names: &[String]) -> Outcome<HashMap<String, Found>> {
    let names: Vec<String> = names.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let pages = each(names.chunks(VALUES), |names| async move {
        let found = aws.ssm.get_parameters().set_names(Some(names.to_vec())).with_decryption(true).send().await?;
        Ok(Some(found.parameters.unwrap_or_default()))
    });
    Ok(pages.await?.into_iter().flatten().filter_map(|p| Some((p.name.clone()?, p))).collect())
}
