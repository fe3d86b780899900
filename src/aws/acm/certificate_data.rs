//! Looks up a certificate.

use std::collections::BTreeSet;

use aws_sdk_acm::types::{CertificateDetail, CertificateSummary};

use super::certificate::listed;
use super::{described, tags_of};
use crate::aws::error::absent;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A certificate of ACM: the one that fits all that is given.
    pub struct CertificateData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The certificate in PEM.
        #[attr(computed)]
        certificate: Option<String>,
        /// The certificates of those who vouch for it, in PEM.
        #[attr(computed)]
        certificate_chain: Option<String>,
        /// The domain that it is for.
        #[attr(chosen)]
        domain: Option<String>,
        /// Only with such keys, `RSA_2048`.
        key_types: BTreeSet<String>,
        /// Of several the newest.
        most_recent: Option<bool>,
        /// How far it is.
        #[attr(computed)]
        status: Option<String>,
        /// Only those that are so far; otherwise `ISSUED` alone.
        statuses: Vec<String>,
        /// Its tags; where they are given, only a certificate that has them.
        #[attr(chosen)]
        tags: Tags,
        /// Only those of these issuers: `AMAZON_ISSUED`, `IMPORTED`, `PRIVATE`.
        types: Vec<String>,
    }
}

impl DataSource for CertificateData {
    const TYPE: &'static str = "aws_acm_certificate";
    const EXAMPLE: &'static str = r#"
[data.aws_acm_certificate.example]
domain = "example.com"
most_recent = true
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        if given.attr("domain").is_null() && given.attr("tags").is_empty() && !given.attr("tags").is_unknown() {
            return vec![Problem::new("domain", "should be given, or `tags`: which certificate is meant")];
        }
        vec![]
    }

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let alike: Vec<String> = listed(cx.cloud).await?.into_iter().filter(|c| self.may_be(c)).filter_map(|c| c.certificate_arn).collect();
        let mut fitting: Vec<(CertificateDetail, Tags)> = each(alike, |arn| {
            let wanted = &self.tags;
            async move {
                let (cert, tags) = futures::try_join!(described(cx.cloud, &arn), tags_of(cx.cloud, &arn))?;
                Ok(cert.filter(|_| wanted.iter().all(|(k, v)| tags.get(k) == Some(v))).map(|cert| (cert, tags)))
            }
        })
        .await?;
        if self.most_recent == Some(true) {
            fitting.sort_by_key(|(cert, _)| cert.not_before().or(cert.created_at()).map(|t| t.secs()));
            fitting = fitting.split_off(fitting.len().saturating_sub(1));
        }
        let (cert, tags) = match fitting.len() {
            1 => fitting.remove(0),
            0 => return Err(Failure::other("no certificate fits").help("look at the region, `domain`, `statuses`, `types` and `tags`")),
            many => {
                return Err(Failure::other(format!("{many} certificates fit, where there should be one"))
                    .help("narrow the search, or take the newest with `most_recent = true`"));
            }
        };
        let arn = cert.certificate_arn.clone().unwrap_or_default();
        let status = cert.status().map(|s| s.as_str().to_owned());
        // Before it is issued there is no text.
        let text = match status.as_deref() {
            Some("ISSUED") => absent(cx.cloud.acm.get_certificate().certificate_arn(&arn).send().await.map_err(Into::into))?,
            _ => None,
        };
        let value = Self {
            arn: Some(arn.clone()),
            certificate: text.as_ref().and_then(|t| t.certificate.clone()),
            certificate_chain: text.and_then(|t| t.certificate_chain),
            domain: cert.domain_name,
            status,
            tags,
            ..self
        };
        Ok(Live { id: arn, value })
    }
}

impl CertificateData {
    fn may_be(&self, cert: &CertificateSummary) -> bool {
        let one_of = |wanted: &[String], has: Option<&str>| wanted.is_empty() || has.is_some_and(|has| wanted.iter().any(|w| w == has));
        let issued = ["ISSUED".to_owned()];
        let statuses = if self.statuses.is_empty() { issued.as_slice() } else { &self.statuses };
        let keys: Vec<String> = self.key_types.iter().cloned().collect();
        let domain = self.domain.as_deref().filter(|d| !d.is_empty());
        let key = cert.key_algorithm().map(|k| k.as_str().replace('-', "_"));
        domain.is_none_or(|d| cert.domain_name() == Some(d))
            && one_of(statuses, cert.status().map(|s| s.as_str()))
            && one_of(&self.types, cert.r#type().map(|t| t.as_str()))
            && one_of(&keys, key.as_deref())
    }
}
