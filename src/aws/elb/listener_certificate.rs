//! Further certificates of listeners.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::Certificate;

use crate::aws::error::absent;
use crate::aws::types::Arn;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry};

crate::blocks! {
    /// A certificate that a listener shows to those who ask for its host, besides the listener's own.
    pub struct ListenerCertificate {
        /// The certificate.
        #[attr(force_new, refers("aws_acm_certificate_validation.certificate_arn"))]
        certificate_arn: Arn,
        /// The listener.
        #[attr(force_new, refers("aws_lb_listener.arn"))]
        listener_arn: Arn,
    }
}

/// A certificate that was just made is not known everywhere yet.
const fn new_certificate(code: &'static str) -> Retry {
    Retry { operation: "AddListenerCertificates", code, message: "", within: Duration::from_secs(300) }
}

impl Resource for ListenerCertificate {
    const TYPE: &'static str = "aws_lb_listener_certificate";
    // Adding one that is there changes nothing.
    const UPSERTS: bool = true;
    const RETRY: &'static [Retry] = &[new_certificate("CertificateNotFound"), new_certificate("UnsupportedCertificate")];
    const EXAMPLE: &'static str = r#"
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[resource.aws_lb.web]
name = "certified"
subnets = "${data.aws_subnets.main.ids}"

[resource.tls_private_key.web]
algorithm = "RSA"

[resource.tls_self_signed_cert.web]
for_each = '${toset(["www.example.com", "www.example.org"])}'
private_key_pem = "${tls_private_key.web.private_key_pem}"
validity_period_hours = 8760
allowed_uses = ["server_auth"]
subject = [{ common_name = "${each.key}" }]

[resource.aws_acm_certificate.web]
for_each = "${tls_self_signed_cert.web}"
private_key = "${tls_private_key.web.private_key_pem}"
certificate_body = "${each.value.cert_pem}"

[resource.aws_lb_listener.web]
load_balancer_arn = "${aws_lb.web.arn}"
port = 443
protocol = "HTTPS"
certificate_arn = '${aws_acm_certificate.web["www.example.com"].arn}'
default_action = [{ type = "fixed-response", fixed_response = [{ content_type = "text/plain", status_code = "404" }] }]

[resource.aws_lb_listener_certificate.example]
listener_arn = "${aws_lb_listener.web.arn}"
certificate_arn = '${aws_acm_certificate.web["www.example.org"].arn}'
---
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[resource.aws_lb.web]
name = "certified"
subnets = "${data.aws_subnets.main.ids}"

[resource.tls_private_key.web]
algorithm = "RSA"

[resource.tls_self_signed_cert.web]
for_each = '${toset(["www.example.com", "www.example.org"])}'
private_key_pem = "${tls_private_key.web.private_key_pem}"
validity_period_hours = 8760
allowed_uses = ["server_auth"]
subject = [{ common_name = "${each.key}" }]

[resource.aws_acm_certificate.web]
for_each = "${tls_self_signed_cert.web}"
private_key = "${tls_private_key.web.private_key_pem}"
certificate_body = "${each.value.cert_pem}"

[resource.aws_lb_listener.web]
load_balancer_arn = "${aws_lb.web.arn}"
port = 443
protocol = "HTTPS"
certificate_arn = '${aws_acm_certificate.web["www.example.com"].arn}'
default_action = [{ type = "fixed-response", fixed_response = [{ content_type = "text/plain", status_code = "404" }] }]

[resource.aws_lb_listener_certificate.example]
listener_arn = "${aws_lb_listener.web.arn}"
certificate_arn = '${aws_acm_certificate.web["www.example.org"].arn}'
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let certificate = Certificate::builder().certificate_arn(&self.certificate_arn.0).build();
        cx.cloud.elb.add_listener_certificates().listener_arn(&self.listener_arn.0).certificates(certificate).send().await?;
        Ok(format!("{}_{}", self.listener_arn.0, self.certificate_arn.0))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let shown = further(cx.cloud, &self.listener_arn).await?;
        let id = format!("{}_{}", self.listener_arn.0, self.certificate_arn.0);
        Ok(shown.contains(&self.certificate_arn.0).then_some(id))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut by_listener: BTreeMap<&str, Vec<(&Id, &str)>> = BTreeMap::new();
        for known in known {
            if let Some((listener, certificate)) = parts(&known.id) {
                by_listener.entry(listener).or_default().push((&known.id, certificate));
            }
        }
        let found = each(by_listener, |(listener, wanted)| async move {
            let shown = further(cx.cloud, listener).await?;
            let live = wanted.into_iter().filter(|(_, arn)| shown.iter().any(|s| s == arn)).map(|(id, certificate)| Live {
                id: id.clone(),
                value: Self { certificate_arn: certificate.into(), listener_arn: listener.into() },
            });
            Ok(Some(live.collect::<Vec<_>>()))
        });
        Ok(found.await?.into_iter().flatten().collect())
    }

    async fn update(&self, _: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let certificate = Certificate::builder().certificate_arn(&live.value.certificate_arn.0).build();
        let call = cx.cloud.elb.remove_listener_certificates().listener_arn(&live.value.listener_arn.0);
        call.certificates(certificate).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if parts(given).is_some() {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` does not name a listener and a certificate"))
            .help("write both ARNs with `_` between them: LISTENER_ARN_CERTIFICATE_ARN"))
    }
}

/// The ARNs of listener and certificate.
fn parts(id: &str) -> Option<(&str, &str)> {
    let at = id.find("_arn:")?;
    let (listener, certificate) = (&id[..at], &id[at + 1..]);
    (listener.starts_with("arn:") && listener.contains(":listener/")).then_some((listener, certificate))
}

/// The certificates that a listener shows besides its own; none where there is no such listener.
async fn further(aws: &Aws, listener: &str) -> Outcome<Vec<Id>> {
    let mut next = None;
    let mut shown = vec![];
    loop {
        let call = aws.elb.describe_listener_certificates().listener_arn(listener).page_size(400).set_marker(next);
        let Some(page) = absent(call.send().await.map_err(Into::into))? else { return Ok(shown) };
        let further = page.certificates.unwrap_or_default().into_iter().filter(|c| c.is_default != Some(true));
        shown.extend(further.filter_map(|c| c.certificate_arn));
        next = page.next_marker;
        if next.is_none() {
            return Ok(shown);
        }
    }
}
