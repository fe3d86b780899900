//! Looks up a repository.

use aws_sdk_ecr::types::{DescribeImagesFilter, TagStatus};

use super::repository::{Scanning, described, tags_of};
use crate::aws::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Tags};

crate::blocks! {
    /// A repository of container images.
    pub struct RepositoryData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// How images are encrypted.
        #[attr(computed)]
        encryption_configuration: Vec<EncryptionData>,
        /// Whether images are looked through for known flaws.
        #[attr(computed)]
        image_scanning_configuration: Vec<Scanning>,
        /// Whether a tag can be given to another image.
        #[attr(computed)]
        image_tag_mutability: Option<String>,
        /// The tags of the image that came last.
        #[attr(computed)]
        most_recent_image_tags: Vec<String>,
        /// Its name.
        name: String,
        /// The account that it belongs to.
        #[attr(chosen)]
        registry_id: Option<String>,
        /// What images of it are called, but for the tag.
        #[attr(computed)]
        repository_url: Option<String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
    }

    /// How images are encrypted.
    pub struct EncryptionData {
        /// With what.
        encryption_type: Option<String>,
        /// The KMS key.
        kms_key: Option<String>,
    }
}

impl DataSource for RepositoryData {
    const TYPE: &'static str = "aws_ecr_repository";
    const EXAMPLE: &'static str = r#"
[data.aws_ecr_repository.example]
name = "app"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let found = match &self.registry_id {
            Some(registry) => {
                let call = cx.cloud.ecr.describe_repositories().registry_id(registry).repository_names(&self.name);
                let found = crate::aws::error::absent(call.send().await.map_err(Failure::from))?;
                found.and_then(|f| f.repositories).unwrap_or_default().pop()
            }
            None => described(cx.cloud, std::slice::from_ref(&self.name)).await?.remove(&self.name),
        };
        let found = found.ok_or_else(|| Failure::other(format!("there is no repository `{}` in {}", self.name, cx.cloud.region)))?;
        let arn = found.repository_arn.clone().unwrap_or_default();
        let mut tags = tags_of(cx.cloud, &arn).await?;
        tags.retain(|key, _| !key.starts_with("aws:"));
        let encryption = found
            .encryption_configuration
            .map(|e| EncryptionData { encryption_type: Some(e.encryption_type.as_str().to_owned()), kms_key: e.kms_key });
        let value = Self {
            most_recent_image_tags: newest(cx.cloud, &self.name, found.registry_id.as_deref()).await?,
            encryption_configuration: encryption.into_iter().collect(),
            image_scanning_configuration: found
                .image_scanning_configuration
                .map(|s| Scanning { scan_on_push: s.scan_on_push })
                .into_iter()
                .collect(),
            image_tag_mutability: found.image_tag_mutability.map(|m| m.as_str().to_owned()),
            registry_id: found.registry_id,
            repository_url: found.repository_uri,
            tags,
            arn: Some(arn),
            ..self
        };
        Ok(Live { id: value.name.clone(), value })
    }
}

/// The tags of the image that came last.
async fn newest(aws: &Aws, name: &str, registry: Option<&str>) -> Outcome<Vec<String>> {
    let filter = DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build();
    let call = aws.ecr.describe_images().repository_name(name).set_registry_id(registry.map(str::to_owned)).filter(filter);
    let mut pages = call.into_paginator().items().send();
    let mut last = None;
    while let Some(image) = pages.next().await {
        let image = image.map_err(Failure::from)?;
        let pushed = image.image_pushed_at.map(|at| at.secs());
        if last.as_ref().is_none_or(|(at, _)| pushed > *at) {
            last = Some((pushed, image.image_tags.unwrap_or_default()));
        }
    }
    Ok(last.map(|(_, tags)| tags).unwrap_or_default())
}
