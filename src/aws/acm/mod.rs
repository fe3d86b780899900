//! AWS Certificate Manager.

use aws_sdk_acm::types::{CertificateDetail, Tag};

use super::client::Aws;
use super::error::absent;
use crate::words::failure::Outcome;
use crate::words::resource::Tags;

pub mod certificate;
pub mod certificate_data;
pub mod validation;

crate::text!(
    /// A certificate or key in PEM: line ends and what surrounds it mean nothing.
    pub Pem, "PEM", |s| Ok(s.to_owned()), |a, b| plain(a) == plain(b)
);

fn plain(pem: &str) -> String {
    pem.trim().replace('\r', "")
}

/// What ACM knows of a certificate.
async fn described(aws: &Aws, arn: &str) -> Outcome<Option<CertificateDetail>> {
    let found = absent(aws.acm.describe_certificate().certificate_arn(arn).send().await.map_err(Into::into))?;
    Ok(found.and_then(|f| f.certificate))
}

/// The tags of one certificate.
async fn tags_of(aws: &Aws, arn: &str) -> Outcome<Tags> {
    let found = absent(aws.acm.list_tags_for_certificate().certificate_arn(arn).send().await.map_err(Into::into))?;
    let tags = found.and_then(|f| f.tags).unwrap_or_default().into_iter();
    Ok(tags.map(|t| (t.key, t.value.unwrap_or_default())).filter(|(key, _)| !key.starts_with("aws:")).collect())
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Outcome<Option<Vec<Tag>>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

/// Why ACM gave a certificate up.
fn reason(certificate: &CertificateDetail) -> String {
    let status = certificate.status().map_or("FAILED", |s| s.as_str());
    match certificate.failure_reason().map(|r| r.as_str()) {
        Some("CAA_ERROR") => "CAA_ERROR: a CAA record of the domain does not allow amazon.com to issue certificates".into(),
        Some(reason) => reason.to_owned(),
        None => status.to_owned(),
    }
}
