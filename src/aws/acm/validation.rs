//! Waiting until a certificate is issued.

use std::collections::BTreeSet;

use aws_sdk_acm::types::CertificateDetail;

use super::{described, reason};
use crate::aws::types::{Arn, DnsName};
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource, Status};

crate::blocks! {
    /// Not a thing of AWS's own: it is there as soon as ACM has seen the proofs and issued the certificate. What refers to it
    /// waits for that.
    pub struct Validation {
        /// The certificate.
        #[attr(force_new, refers("aws_acm_certificate.arn"))]
        certificate_arn: Arn,
        /// The names of the records that prove its domains: where they are given, all have to be.
        #[attr(force_new, refers("aws_route53_record.fqdn"))]
        validation_record_fqdns: BTreeSet<DnsName>,
    }
}

impl Resource for Validation {
    const TYPE: &'static str = "aws_acm_certificate_validation";
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "75m")];
    const EXAMPLE: &'static str = r#"
[resource.aws_route53_zone.example]
name = "example.com"

[resource.aws_acm_certificate.example]
domain_name = "example.com"
subject_alternative_names = ["www.example.com"]
validation_method = "DNS"

[resource.aws_route53_record.proof]
for_each = '${{ for proof in aws_acm_certificate.example.domain_validation_options : proof.domain_name => proof }}'
zone_id = "${aws_route53_zone.example.zone_id}"
name = "${each.value.resource_record_name}"
type = "${each.value.resource_record_type}"
records = ["${each.value.resource_record_value}"]
ttl = 60

[resource.aws_acm_certificate_validation.example]
certificate_arn = "${aws_acm_certificate.example.arn}"
validation_record_fqdns = "${[for record in aws_route53_record.proof : record.fqdn]}"
---
[resource.aws_route53_zone.example]
name = "example.com"

[resource.aws_acm_certificate.example]
domain_name = "example.com"
subject_alternative_names = ["www.example.com"]
validation_method = "DNS"

[resource.aws_route53_record.proof]
for_each = '${{ for proof in aws_acm_certificate.example.domain_validation_options : proof.domain_name => proof }}'
zone_id = "${aws_route53_zone.example.zone_id}"
name = "${each.value.resource_record_name}"
type = "${each.value.resource_record_type}"
records = ["${each.value.resource_record_value}"]
ttl = 60

[resource.aws_acm_certificate_validation.example]
certificate_arn = "${aws_acm_certificate.example.arn}"
validation_record_fqdns = "${[for record in aws_route53_record.proof : record.fqdn]}"
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let Some(cert) = described(cx.cloud, &self.certificate_arn).await? else {
            return Err(Failure::other(format!("there is no certificate {}", self.certificate_arn.0)));
        };
        if cert.r#type().is_some_and(|t| t.as_str() == "IMPORTED") {
            return Err(Failure::other("a certificate of your own needs no validation").help("refer to the certificate itself"));
        }
        let missing = self.missing(&cert);
        if !missing.is_empty() {
            return Err(Failure::other(format!("`validation_record_fqdns` lacks {}", missing.join(", ")))
                .help("ACM wants a record for each name of `domain_validation_options` of the certificate"));
        }
        if is_lost(&cert) {
            return Err(Failure::other(format!("ACM will not issue the certificate: {}", reason(&cert)))
                .help("replace the certificate: run apply with `--replace` and its address"));
        }
        Ok(self.certificate_arn.0.clone())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        // The id tells nothing: Terraform's is the time at which the certificate was issued.
        each(known.iter().filter_map(|k| Some((&k.id, k.prior.as_ref()?))), |(id, prior)| async move {
            let Some(cert) = described(cx.cloud, &prior.certificate_arn).await? else { return Ok(None) };
            let status = match cert.status().map_or("", |s| s.as_str()) {
                "ISSUED" => Status::Ready,
                "PENDING_VALIDATION" => Status::Pending(unproved(&cert)),
                "FAILED" => Status::Failed(reason(&cert)),
                _ => return Ok(None),
            };
            cx.reads.says(Self::TYPE, id, status);
            Ok(Some(Live { id: id.clone(), value: prior.clone() }))
        })
        .await
    }

    async fn update(&self, _: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    async fn delete(_: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        Err(Failure::other(format!("`{given}` can't be imported: there is nothing of AWS's behind it"))
            .help("leave it to apply, which makes it as soon as the certificate is issued"))
    }
}

impl Validation {
    /// The names of records that ACM wants and that are not given, where any are.
    fn missing(&self, cert: &CertificateDetail) -> Vec<String> {
        let plain = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
        let given: BTreeSet<String> = self.validation_record_fqdns.iter().map(|n| plain(n)).collect();
        let wanted = cert.domain_validation_options().iter().filter_map(|o| o.resource_record()).map(|r| plain(r.name()));
        let missing: BTreeSet<String> = wanted.filter(|name| !given.is_empty() && !given.contains(name)).collect();
        missing.into_iter().collect()
    }
}

/// Whether it will never be issued.
fn is_lost(cert: &CertificateDetail) -> bool {
    !matches!(cert.status().map_or("", |s| s.as_str()), "ISSUED" | "PENDING_VALIDATION")
}

/// Which domains ACM has seen no proof of.
fn unproved(cert: &CertificateDetail) -> String {
    let options = cert.domain_validation_options().iter();
    let names: Vec<&str> =
        options.filter(|o| o.validation_status().is_none_or(|s| s.as_str() != "SUCCESS")).map(|o| o.domain_name()).collect();
    if names.is_empty() { "not issued yet".into() } else { format!("without proof of {}", names.join(", ")) }
}
