//! Certificates.
#![expect(deprecated, reason = "Terraform's provider has the option still, though ACM takes it no more of new certificates")]

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_acm::types::{
    CertificateDetail, CertificateOptions, CertificateSummary, CertificateTransparencyLoggingPreference, DomainValidation,
    DomainValidationOption, Filters, KeyAlgorithm, ValidationMethod,
};
use aws_smithy_types::date_time::Format;
use aws_smithy_types::{Blob, DateTime};

use super::{Pem, described, plain, reason, tagged, tags_of};
use crate::aws::ec2::{INTENT_TAG, with_intent};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::{delta, of_arns};
use crate::aws::types::Arn;
use crate::aws::{Aws, each, listing};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A certificate: one that ACM issues once the domains are proved to be yours, or one of your own.
    pub struct Certificate {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The private authority that issues it.
        #[attr(force_new, conflicts(&["certificate_body", "certificate_chain", "private_key", "validation_method"]))]
        certificate_authority_arn: Option<Arn>,
        /// A certificate of your own.
        #[attr(conflicts(&["certificate_authority_arn", "domain_name", "key_algorithm", "subject_alternative_names", "validation_method"]))]
        certificate_body: Option<Pem>,
        /// The certificates of those who vouch for it.
        #[attr(conflicts(&["certificate_authority_arn", "domain_name", "key_algorithm", "subject_alternative_names", "validation_method"]))]
        certificate_chain: Option<Pem>,
        /// The domain, `*.` in front of it for all names in it.
        #[attr(chosen, force_new, within(1, 253), conflicts(&["certificate_body", "certificate_chain", "private_key"]))]
        domain_name: Option<String>,
        /// The records that prove the domains to be yours. A domain and all names in it have one in common.
        #[attr(computed)]
        domain_validation_options: BTreeSet<Proof>,
        /// How long before its end it would be renewed, of a private authority. Not built: ACM renews 60 days before.
        #[attr(local)]
        early_renewal_duration: Option<String>,
        /// What its key is.
        #[attr(
            chosen,
            force_new,
            one_of(&["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]),
            conflicts(&["certificate_body", "certificate_chain", "private_key"])
        )]
        key_algorithm: Option<String>,
        /// When it ends.
        #[attr(computed)]
        not_after: Option<String>,
        /// When it begins.
        #[attr(computed)]
        not_before: Option<String>,
        /// Whether it is told to the public logs.
        #[attr(chosen)]
        options: Option<Options>,
        /// Whether it would be renewed now.
        #[attr(computed)]
        pending_renewal: Option<bool>,
        /// The key of a certificate of your own.
        #[attr(
            sensitive,
            conflicts(&["certificate_authority_arn", "domain_name", "key_algorithm", "subject_alternative_names", "validation_method"])
        )]
        private_key: Option<Pem>,
        /// Whether ACM can renew it.
        #[attr(computed)]
        renewal_eligibility: Option<String>,
        /// How far its renewal is.
        #[attr(computed)]
        renewal_summary: Vec<Renewal>,
        /// How far it is.
        #[attr(computed)]
        status: Option<String>,
        /// Further names that it is for. ACM counts the domain among them.
        #[attr(chosen, force_new, conflicts(&["certificate_body", "certificate_chain", "private_key"]))]
        subject_alternative_names: BTreeSet<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// Who issues it.
        #[attr(computed)]
        r#type: Option<String>,
        /// Who is written to, to prove the domains.
        #[attr(computed)]
        validation_emails: Vec<String>,
        /// How domains are proved.
        #[attr(
            chosen,
            force_new,
            one_of(&["DNS", "EMAIL", "NONE"]),
            conflicts(&["certificate_authority_arn", "certificate_body", "certificate_chain", "private_key"])
        )]
        validation_method: Option<String>,
        /// To which domain mail goes that proves another.
        #[attr(force_new)]
        validation_option: BTreeSet<ValidationOption>,
    }

    /// Whether a certificate is told to the public logs.
    pub struct Options {
        /// Whether it is: browsers distrust one that is not.
        #[attr(default_text("ENABLED"), one_of(&["ENABLED", "DISABLED"]))]
        certificate_transparency_logging_preference: Option<String>,
    }

    /// To which domain mail goes.
    pub struct ValidationOption {
        /// The domain to be proved.
        #[attr(force_new)]
        domain_name: String,
        /// The domain that mail goes to: the same, or one that it belongs to.
        #[attr(force_new)]
        validation_domain: String,
    }

    /// A record that proves a domain.
    pub struct Proof {
        /// The domain.
        domain_name: Option<String>,
        /// The record's name.
        resource_record_name: Option<String>,
        /// Its type.
        resource_record_type: Option<String>,
        /// Its value.
        resource_record_value: Option<String>,
    }

    /// How far a renewal is.
    pub struct Renewal {
        /// How far.
        renewal_status: Option<String>,
        /// Why it went wrong.
        renewal_status_reason: Option<String>,
        /// When that was.
        updated_at: Option<String>,
    }
}

impl Resource for Certificate {
    const TYPE: &'static str = "aws_acm_certificate";
    // Load balancers and distributions let go of it late.
    const RETRY: &'static [Retry] =
        &[Retry { operation: "DeleteCertificate", code: "ResourceInUseException", message: "", within: Duration::from_mins(20) }];
    const EXAMPLE: &'static str = r#"
[resource.aws_acm_certificate.example]
domain_name = "example.com"
subject_alternative_names = ["*.example.com"]
validation_method = "DNS"
tags = { team = "infra" }
---
[resource.aws_acm_certificate.example]
domain_name = "example.com"
subject_alternative_names = ["*.example.com"]
validation_method = "DNS"
options = [{ certificate_transparency_logging_preference = "DISABLED" }]
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let (domain, key) = (given.attr("domain_name"), given.attr("private_key"));
        let own = !key.is_null() || !given.attr("certificate_body").is_null();
        if domain.is_null() && !own {
            problems.push(Problem::new("", "a certificate needs a `domain_name`, or `private_key` and `certificate_body` of your own"));
        }
        for (name, other) in [("private_key", "certificate_body"), ("certificate_body", "private_key")] {
            if given.attr(name).is_null() && !given.attr(other).is_null() {
                problems.push(Problem::new(other, format!("`{other}` needs the `{name}` that belongs to it")));
            }
        }
        let names = given.attr("subject_alternative_names").items().iter().map(|n| (n, "subject_alternative_names"));
        for (name, path) in names.chain([(domain, "domain_name")]) {
            if name.as_str().is_some_and(|n| n.ends_with('.')) {
                problems.push(Problem::new(path, "ACM takes names without the dot at the end"));
            }
        }
        let method = given.attr("validation_method");
        if !own && method.is_null() && given.attr("certificate_authority_arn").is_null() {
            problems.push(Problem::new("validation_method", "should be `DNS` or `EMAIL`: how the domains are proved to be yours"));
        }
        if !given.attr("early_renewal_duration").is_null() {
            problems.push(Problem::new("early_renewal_duration", "is not built; ACM renews 60 days before the end by itself"));
        }
        problems
    }

    /// ACM counts the domain among the alternative names. Which records there will be is known before what they hold.
    fn plan(planned: &mut Planned<'_>) {
        let want = std::mem::take(planned.want);
        let (domain, names) = (want.attr("domain_name").clone(), want.attr("subject_alternative_names").clone());
        *planned.want = want;
        let Some(first) = domain.as_str() else { return };
        let given = |names: &Value| names.items().iter().filter_map(|n| n.as_str().map(str::to_owned)).collect::<BTreeSet<_>>();
        if names.items().iter().any(Value::is_unknown) {
            return;
        }
        let mut all = given(&names);
        all.insert(first.to_owned());
        let mut want =
            std::mem::take(planned.want).with("subject_alternative_names", Value::set(all.iter().map(|n| Value::from(n.as_str()))));
        if planned.prior.is_none() && want.attr("validation_method").as_str() == Some("DNS") {
            let proof = |name: &String| {
                Value::object([
                    ("domain_name", Value::from(name.as_str())),
                    ("resource_record_name", Value::unknown()),
                    ("resource_record_type", Value::unknown()),
                    ("resource_record_value", Value::unknown()),
                ])
            };
            want = want.with("domain_validation_options", Value::set(all.iter().map(proof)));
        }
        *planned.want = want;
    }

    fn adopt(live: Value, given: &Value) -> Value {
        let key = given.attr("private_key").clone();
        if key.is_null() { live } else { live.with("private_key", key) }
    }

    fn status(live: &Live<Self>) -> Status {
        let cert = &live.value;
        match cert.status.as_deref() {
            Some("FAILED") if cert.domain_validation_options.is_empty() => Status::Failed("ACM gave it up".into()),
            Some("PENDING_VALIDATION")
                if cert.validation_method.as_deref() == Some("DNS") && cert.domain_validation_options.len() < cert.names().len() =>
            {
                Status::Pending("without the records that prove its domains".into())
            }
            _ => Status::Ready,
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let tags = tagged(&with_intent(&self.tags_all, cx.token))?;
        if let (Some(body), Some(key)) = (&self.certificate_body, &self.private_key) {
            let call = cx.cloud.acm.import_certificate().certificate(blob(body)).private_key(blob(key)).set_tags(tags);
            let made = call.set_certificate_chain(self.chain()).send().await?;
            return made.certificate_arn.ok_or_else(|| lacking("ARN of the certificate"));
        }
        let domain = self.domain_name.clone().unwrap_or_default();
        let mut token: String = cx.token.chars().filter(char::is_ascii_alphanumeric).collect();
        token.truncate(32);
        let call = cx.cloud.acm.request_certificate().domain_name(&domain).idempotency_token(token).set_tags(tags);
        let others: Vec<String> = self.subject_alternative_names.iter().filter(|n| **n != domain).cloned().collect();
        let call = call.set_subject_alternative_names((!others.is_empty()).then_some(others));
        let text = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let call = call.set_validation_method(text(&self.validation_method).as_deref().map(ValidationMethod::from));
        let call = call.set_key_algorithm(text(&self.key_algorithm).as_deref().map(KeyAlgorithm::from));
        let call = call.set_certificate_authority_arn(self.certificate_authority_arn.as_ref().map(|a| a.0.clone()));
        let option = |o: &ValidationOption| {
            DomainValidationOption::builder().domain_name(&o.domain_name).validation_domain(&o.validation_domain).build()
        };
        let to: Vec<_> = self.validation_option.iter().map(option).collect::<Result<_, _>>()?;
        let call = call.set_domain_validation_options((!to.is_empty()).then_some(to)).set_options(self.options.as_ref().map(Options::sdk));
        call.send().await?.certificate_arn.ok_or_else(|| lacking("ARN of the certificate"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let alike: Vec<Id> = listed(cx.cloud).await?.into_iter().filter(|c| self.is_like(c)).filter_map(|c| c.certificate_arn).collect();
        let found = each(alike, |arn| async move {
            let tags = tags_of(cx.cloud, &arn).await?;
            Ok((tags.get(INTENT_TAG).map(String::as_str) == Some(cx.token)).then_some(arn))
        });
        Ok(found.await?.into_iter().next())
    }

    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        if self.domain_name.is_none() {
            return Ok(vec![]);
        }
        let alive = |c: &CertificateSummary| matches!(c.status().map(|s| s.as_str()), Some("ISSUED" | "PENDING_VALIDATION"));
        let alike = listed(cx.cloud).await?.into_iter().filter(|c| self.is_like(c) && alive(c));
        Ok(alike.filter_map(|c| c.certificate_arn).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let all = Filters::builder().set_key_types(Some(KeyAlgorithm::values().iter().map(|k| KeyAlgorithm::from(*k)).collect())).build();
        let found: Vec<_> = cx.cloud.acm.list_certificates().includes(all).into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|c| {
            Some(Listed::new(c.certificate_arn()?).named(c.domain_name()).noise(c.managed_by().is_some(), "kept by an AWS service"))
        });
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let arns: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let found = each(known, |k| async move {
            let Some(cert) = described(cx.cloud, &k.id).await?.filter(|c| !timed_out(c)) else { return Ok(None) };
            let mut value = of_detail(&cert, k.prior.as_ref());
            if cert.status().is_some_and(|s| s.as_str() == "FAILED") && value.domain_validation_options.is_empty() {
                cx.reads.says(Self::TYPE, &k.id, Status::Failed(reason(&cert)));
            }
            if k.prior.is_none() && value.r#type.as_deref() == Some("IMPORTED") {
                let text = absent(cx.cloud.acm.get_certificate().certificate_arn(&k.id).send().await.map_err(Into::into))?;
                value.certificate_body = text.as_ref().and_then(|t| t.certificate.clone()).map(Pem);
                value.certificate_chain = text.and_then(|t| t.certificate_chain).filter(|c| !c.is_empty()).map(Pem);
            }
            Ok(Some(Live { id: k.id.clone(), value }))
        });
        let tags = of_arns(cx, &arns, |arn| async move { tags_of(cx.cloud, &arn).await });
        let (found, mut tags) = futures::try_join!(found, tags)?;
        let live = found.into_iter().map(|live| {
            let mut tags_all = tags.remove(&live.id).unwrap_or_default();
            tags_all.retain(|key, _| !key.starts_with("aws:"));
            Live { value: Self { tags_all, ..live.value }, id: live.id }
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (acm, arn, old) = (&cx.cloud.acm, live.id.as_str(), &live.value);
        let text = |pem: &Option<Pem>| pem.as_deref().map(plain).unwrap_or_default();
        let pem = |c: &Self| (text(&c.certificate_body), text(&c.private_key), text(&c.certificate_chain));
        if let (Some(body), Some(key), true) = (&self.certificate_body, &self.private_key, pem(self) != pem(old)) {
            let call = acm.import_certificate().certificate_arn(arn).certificate(blob(body)).private_key(blob(key));
            call.set_certificate_chain(self.chain()).send().await?;
        }
        if let Some(options) = self.options.as_ref().filter(|o| old.options.as_ref() != Some(o)) {
            acm.update_certificate_options().certificate_arn(arn).options(options.sdk()).send().await?;
        }
        let (gone, _) = delta(&old.tags_all, &self.tags_all);
        let gone: Tags = old.tags_all.iter().filter(|(k, _)| gone.contains(k)).map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Some(gone) = tagged(&gone)? {
            acm.remove_tags_from_certificate().certificate_arn(arn).set_tags(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&delta(&old.tags_all, &self.tags_all).1)? {
            acm.add_tags_to_certificate().certificate_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Err(failure) = cx.cloud.acm.delete_certificate().certificate_arn(&live.id).send().await.map_err(Failure::from) else {
            return Ok(());
        };
        if failure.cause != Cause::Busy {
            return Err(failure);
        }
        let users = described(cx.cloud, &live.id).await.ok().flatten().and_then(|c| c.in_use_by).unwrap_or_default();
        Err(if users.is_empty() { failure } else { failure.help(format!("it is used by {}", users.join(", "))) })
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") && given.contains(":acm:") && given.contains(":certificate/") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the ARN of a certificate"))
            .help("write it like `arn:aws:acm:us-east-1:123456789012:certificate/7e7a28d2-163f-4b8f-b9cd-822f96c08d6a`"))
    }
}

impl Certificate {
    /// All names that it is for.
    fn names(&self) -> BTreeSet<&str> {
        self.subject_alternative_names.iter().chain(&self.domain_name).map(String::as_str).collect()
    }

    /// Whether that certificate came about in the same way, for the same domain.
    fn is_like(&self, other: &CertificateSummary) -> bool {
        let imported = other.r#type().is_some_and(|t| t.as_str() == "IMPORTED");
        imported == self.certificate_body.is_some() && (imported || other.domain_name() == self.domain_name.as_deref())
    }

    fn chain(&self) -> Option<Blob> {
        self.certificate_chain.as_ref().filter(|c| !c.is_empty()).map(blob)
    }
}

impl Options {
    fn sdk(&self) -> CertificateOptions {
        let logged = self.certificate_transparency_logging_preference.as_deref().filter(|p| !p.is_empty()).unwrap_or("ENABLED");
        let logged = CertificateTransparencyLoggingPreference::from(logged);
        CertificateOptions::builder().certificate_transparency_logging_preference(logged).build()
    }
}

fn blob(pem: &Pem) -> Blob {
    Blob::new(pem.0.as_bytes())
}

/// All certificates of the region; unless told otherwise ACM lists those with keys of RSA 2048 alone.
pub(super) async fn listed(aws: &Aws) -> Outcome<Vec<CertificateSummary>> {
    use KeyAlgorithm as K;
    let keys = [K::Rsa1024, K::Rsa2048, K::Rsa3072, K::Rsa4096, K::EcPrime256v1, K::EcSecp384r1, K::EcSecp521r1];
    let filter = Filters::builder().set_key_types(Some(keys.into())).build();
    Ok(aws.acm.list_certificates().includes(filter).into_paginator().items().send().try_collect().await?)
}

/// Nobody proved the domains within 72 hours: ACM never issues it any more.
fn timed_out(cert: &CertificateDetail) -> bool {
    cert.status().is_some_and(|s| s.as_str() == "VALIDATION_TIMED_OUT")
}

fn date(time: Option<&DateTime>) -> Option<String> {
    // Whole seconds, as everybody writes them.
    DateTime::from_secs(time?.secs()).fmt(Format::DateTime).ok()
}

fn proof(option: &DomainValidation) -> Option<Proof> {
    let record = option.resource_record()?;
    Some(Proof {
        domain_name: Some(option.domain_name().to_owned()),
        resource_record_name: Some(record.name().to_owned()),
        resource_record_type: Some(record.r#type().as_str().to_owned()),
        resource_record_value: Some(record.value().to_owned()),
    })
}

fn of_detail(cert: &CertificateDetail, prior: Option<&Certificate>) -> Certificate {
    let kind = cert.r#type().map(|t| t.as_str().to_owned());
    let options = cert.domain_validation_options();
    let method = match kind.as_deref() {
        Some("AMAZON_ISSUED") => options.iter().find_map(|o| o.validation_method()).map(|m| m.as_str().to_owned()),
        _ => Some("NONE".to_owned()),
    };
    let asked = prior.and_then(|p| p.validation_method.clone());
    let logged = cert.options().and_then(|o| o.certificate_transparency_logging_preference()).map(|p| p.as_str().to_owned());
    let mut emails: Vec<String> = options.iter().flat_map(|o| o.validation_emails().to_vec()).collect();
    emails.sort_unstable();
    emails.dedup();
    Certificate {
        arn: cert.certificate_arn.clone(),
        certificate_authority_arn: cert.certificate_authority_arn().map(Arn::from),
        certificate_body: prior.and_then(|p| p.certificate_body.clone()),
        certificate_chain: prior.and_then(|p| p.certificate_chain.clone()),
        domain_name: cert.domain_name.clone(),
        domain_validation_options: options.iter().filter_map(proof).collect(),
        early_renewal_duration: None,
        key_algorithm: cert.key_algorithm().map(|k| k.as_str().replace('-', "_")),
        not_after: date(cert.not_after()),
        not_before: date(cert.not_before()),
        options: logged.map(|logged| Options { certificate_transparency_logging_preference: Some(logged) }),
        pending_renewal: Some(false),
        private_key: prior.and_then(|p| p.private_key.clone()),
        renewal_eligibility: cert.renewal_eligibility().map(|e| e.as_str().to_owned()),
        renewal_summary: cert
            .renewal_summary()
            .map(|r| Renewal {
                renewal_status: Some(r.renewal_status().as_str().to_owned()),
                renewal_status_reason: r.renewal_status_reason().map(|r| r.as_str().to_owned()),
                updated_at: date(Some(r.updated_at())),
            })
            .into_iter()
            .collect(),
        status: cert.status().map(|s| s.as_str().to_owned()),
        subject_alternative_names: cert.subject_alternative_names().iter().cloned().collect(),
        tags: Tags::new(),
        tags_all: Tags::new(),
        r#type: kind,
        validation_emails: emails,
        // Before there are options nothing tells.
        validation_method: method.or(asked),
        validation_option: prior.map(|p| p.validation_option.clone()).unwrap_or_default(),
    }
}
