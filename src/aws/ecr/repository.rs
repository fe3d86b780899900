//! Repositories of container images.

use std::collections::HashMap;

use aws_sdk_ecr::types::{
    EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability, Repository as Found, Tag,
};

use crate::aws::error::{absent, lacking};
use crate::aws::tags::{delta, of_arns};
use crate::aws::{Aws, each, listing};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Tags};
use crate::words::value::Value;

/// How many repositories one call describes.
const PAGE: usize = 100;

crate::blocks! {
    /// Where container images are kept.
    pub struct Repository {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// How images are encrypted.
        #[attr(chosen)]
        encryption_configuration: Vec<Encryption>,
        /// Delete it with the images in it.
        #[attr(local)]
        force_delete: Option<bool>,
        /// Whether images are looked through for known flaws.
        #[attr(chosen)]
        image_scanning_configuration: Option<Scanning>,
        /// Whether a tag can be given to another image.
        #[attr(default_text("MUTABLE"), one_of(&["MUTABLE", "IMMUTABLE"]))]
        image_tag_mutability: Option<String>,
        /// Its name, in small letters.
        #[attr(force_new, within(2, 256))]
        name: String,
        /// The account that it belongs to.
        #[attr(computed)]
        registry_id: Option<String>,
        /// What images of it are called, but for the tag.
        #[attr(computed)]
        repository_url: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }

    /// How images are encrypted.
    pub struct Encryption {
        /// With what.
        #[attr(force_new, default_text("AES256"), one_of(&["AES256", "KMS", "KMS_DSSE"]))]
        encryption_type: Option<String>,
        /// The KMS key.
        #[attr(chosen, force_new)]
        kms_key: Option<String>,
    }

    /// Whether images are looked through for known flaws.
    pub struct Scanning {
        /// Whether each is when it comes.
        scan_on_push: bool,
    }
}

impl Resource for Repository {
    const TYPE: &'static str = "aws_ecr_repository";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 500;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("delete", "20m")];
    const EXAMPLE: &'static str = r#"
[resource.aws_ecr_repository.example]
name = "app/example"
tags = { team = "infra" }
---
[resource.aws_ecr_repository.example]
name = "app/example"
image_tag_mutability = "IMMUTABLE"
image_scanning_configuration = { scan_on_push = true }
force_delete = true
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let Some(name) = given.attr("name").as_str() else { return vec![] };
        let part = |part: &str| {
            let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            ends(part.chars().next())
                && ends(part.chars().last())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        if name.split('/').all(part) {
            return vec![];
        }
        let why = "the name of a repository has small letters and digits, with `.`, `_`, `-` and `/` between them";
        vec![Problem::new("name", why)]
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let encryption = self.encryption_configuration.first().map(|e| {
            let kind = EncryptionType::from(e.encryption_type.as_deref().unwrap_or("AES256"));
            EncryptionConfiguration::builder().encryption_type(kind).set_kms_key(e.kms_key.clone().filter(|k| !k.is_empty())).build()
        });
        let scanning = self.image_scanning_configuration.as_ref();
        let scanning = scanning.map(|s| ImageScanningConfiguration::builder().scan_on_push(s.scan_on_push).build());
        let call = cx.cloud.ecr.create_repository().repository_name(&self.name).set_encryption_configuration(encryption.transpose()?);
        let call = call.set_image_scanning_configuration(scanning).image_tag_mutability(self.mutability());
        let made = call.set_tags(tagged(&self.tags_all)?).send().await?;
        made.repository.and_then(|r| r.repository_name).ok_or_else(|| lacking("name of the repository"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(described(cx.cloud, std::slice::from_ref(&self.name)).await?.contains_key(&self.name).then(|| self.name.clone()))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ecr.describe_repositories().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|r| Some(Listed::new(r.repository_name()?).marked("arn", r.repository_arn())));
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let names: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let mut found = described(cx.cloud, &names).await?;
        let arns: Vec<String> = found.values().filter_map(|r| r.repository_arn.clone()).collect();
        let mut tags = of_arns(cx, &arns, |arn| async move { tags_of(cx.cloud, &arn).await }).await?;
        let live = known.iter().filter_map(|k| {
            let repository = found.remove(&k.id)?;
            let tags = repository.repository_arn().and_then(|arn| tags.remove(arn)).unwrap_or_default();
            Some(Live { id: k.id.clone(), value: of(repository, k.prior.as_ref(), tags) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ecr, old) = (&cx.cloud.ecr, &live.value);
        if self.image_tag_mutability != old.image_tag_mutability {
            ecr.put_image_tag_mutability().repository_name(&live.id).image_tag_mutability(self.mutability()).send().await?;
        }
        let scans = |r: &Self| r.image_scanning_configuration.as_ref().is_some_and(|s| s.scan_on_push);
        if scans(self) != scans(old) {
            let scanning = ImageScanningConfiguration::builder().scan_on_push(scans(self)).build();
            ecr.put_image_scanning_configuration().repository_name(&live.id).image_scanning_configuration(scanning).send().await?;
        }
        let Some(arn) = &old.arn else { return Ok(()) };
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            ecr.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            ecr.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let force = live.value.force_delete == Some(true);
        let deleted = cx.cloud.ecr.delete_repository().repository_name(&live.id).force(force).send().await.map_err(Failure::from);
        deleted.map(drop).map_err(|failure| match failure.code.as_str() {
            "RepositoryNotEmptyException" => {
                failure.help("there are images in it; `force_delete = true`, applied first, deletes them with it")
            }
            _ => failure,
        })
    }
}

impl Repository {
    fn mutability(&self) -> ImageTagMutability {
        ImageTagMutability::from(self.image_tag_mutability.as_deref().unwrap_or("MUTABLE"))
    }
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Outcome<Option<Vec<Tag>>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

/// The tags of one repository.
pub(super) async fn tags_of(aws: &Aws, arn: &str) -> Outcome<Tags> {
    let found = absent(aws.ecr.list_tags_for_resource().resource_arn(arn).send().await.map_err(Failure::from))?;
    Ok(found.and_then(|f| f.tags).unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect())
}

fn of(found: Found, prior: Option<&Repository>, mut tags_all: Tags) -> Repository {
    tags_all.retain(|key, _| !key.starts_with("aws:"));
    let encryption = found
        .encryption_configuration
        .map(|e| Encryption { encryption_type: Some(e.encryption_type.as_str().to_owned()), kms_key: e.kms_key });
    Repository {
        arn: found.repository_arn,
        encryption_configuration: encryption.into_iter().collect(),
        force_delete: prior.and_then(|p| p.force_delete),
        // That nothing is scanned need not be said.
        image_scanning_configuration: found
            .image_scanning_configuration
            .map(|s| Scanning { scan_on_push: s.scan_on_push })
            .filter(|s| s.scan_on_push || prior.is_some_and(|p| p.image_scanning_configuration.is_some())),
        image_tag_mutability: found.image_tag_mutability.map(|m| m.as_str().to_owned()),
        name: found.repository_name.unwrap_or_default(),
        registry_id: found.registry_id,
        repository_url: found.repository_uri,
        tags: Tags::new(),
        tags_all,
    }
}

/// Those of the repositories that exist, by name.
pub(super) async fn described(aws: &Aws, names: &[String]) -> Outcome<HashMap<String, Found>> {
    let pages = each(names.chunks(PAGE), |names| async move {
        match some(aws, names).await {
            // One that is missing fails the call for all.
            Err(failure) if failure.cause == Cause::Gone && names.len() > 1 => {
                let one = |name| async move { absent(some(aws, std::slice::from_ref(name)).await) };
                each(names, one).await.map(|found| Some(found.into_iter().flatten().collect()))
            }
            other => absent(other),
        }
    });
    Ok(pages.await?.into_iter().flatten().filter_map(|r| Some((r.repository_name.clone()?, r))).collect())
}

async fn some(aws: &Aws, names: &[String]) -> Outcome<Vec<Found>> {
    let found = aws.ecr.describe_repositories().set_repository_names(Some(names.to_vec())).send().await?;
    Ok(found.repositories.unwrap_or_default())
}
