//! Listeners.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{
    AdvertiseTrustStoreCaNamesEnum, Certificate, Listener as SdkListener, MutualAuthenticationAttributes, ProtocolEnum,
};

use super::action::{self, Action};
use super::listener_attributes as attributes;
use super::{arn_of_kind, int, retag, some, tagged, tags_of, unset};
use crate::aws::error::{absent, lacking};
use crate::aws::types::Arn;
use crate::aws::{Aws, each, listing};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Hold, Id, Known, Live, Problem, Resource, Retry, Tags, Then};
use crate::words::value::Value;

crate::blocks! {
    /// A port of a load balancer, and what becomes of what comes in there.
    pub struct Listener {
        /// What is spoken inside of TLS; of network load balancers.
        #[attr(one_of(&["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"]))]
        alpn_policy: Option<String>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The certificate that it shows to those who ask for no other; of HTTPS and TLS.
        #[attr(refers("aws_acm_certificate_validation.certificate_arn"))]
        certificate_arn: Option<Arn>,
        /// What becomes of requests that no rule is for.
        #[attr(required)]
        default_action: Vec<Action>,
        /// The load balancer.
        #[attr(force_new, refers("aws_lb.arn"))]
        load_balancer_arn: Arn,
        /// Whether clients show a certificate too; of HTTPS.
        #[attr(chosen)]
        mutual_authentication: Option<MutualAuthentication>,
        /// The port; of all but gateway load balancers.
        #[attr(within(1, 65535))]
        port: Option<i64>,
        /// What is spoken there.
        #[attr(chosen, one_of(&["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"]))]
        protocol: Option<String>,
        /// The header with the client's whole certificate.
        #[attr(chosen)]
        routing_http_request_x_amzn_mtls_clientcert_header_name: Option<String>,
        /// The header with the issuer of the client's certificate.
        #[attr(chosen)]
        routing_http_request_x_amzn_mtls_clientcert_issuer_header_name: Option<String>,
        /// The header with the client's own certificate, without those above it.
        #[attr(chosen)]
        routing_http_request_x_amzn_mtls_clientcert_leaf_header_name: Option<String>,
        /// The header with the serial number of the client's certificate.
        #[attr(chosen)]
        routing_http_request_x_amzn_mtls_clientcert_serial_number_header_name: Option<String>,
        /// The header with the subject of the client's certificate.
        #[attr(chosen)]
        routing_http_request_x_amzn_mtls_clientcert_subject_header_name: Option<String>,
        /// The header with the time that the client's certificate is good for.
        #[attr(chosen)]
        routing_http_request_x_amzn_mtls_clientcert_validity_header_name: Option<String>,
        /// The header with the cipher suite.
        #[attr(chosen)]
        routing_http_request_x_amzn_tls_cipher_suite_header_name: Option<String>,
        /// The header with the TLS version.
        #[attr(chosen)]
        routing_http_request_x_amzn_tls_version_header_name: Option<String>,
        /// What answers say in `Access-Control-Allow-Credentials`.
        #[attr(chosen)]
        routing_http_response_access_control_allow_credentials_header_value: Option<String>,
        /// What answers say in `Access-Control-Allow-Headers`.
        #[attr(chosen)]
        routing_http_response_access_control_allow_headers_header_value: Option<String>,
        /// What answers say in `Access-Control-Allow-Methods`.
        #[attr(chosen)]
        routing_http_response_access_control_allow_methods_header_value: Option<String>,
        /// What answers say in `Access-Control-Allow-Origin`.
        #[attr(chosen)]
        routing_http_response_access_control_allow_origin_header_value: Option<String>,
        /// What answers say in `Access-Control-Expose-Headers`.
        #[attr(chosen)]
        routing_http_response_access_control_expose_headers_header_value: Option<String>,
        /// What answers say in `Access-Control-Max-Age`.
        #[attr(chosen)]
        routing_http_response_access_control_max_age_header_value: Option<String>,
        /// What answers say in `Content-Security-Policy`.
        #[attr(chosen)]
        routing_http_response_content_security_policy_header_value: Option<String>,
        /// Whether answers have the header `Server`.
        #[attr(chosen)]
        routing_http_response_server_enabled: Option<bool>,
        /// What answers say in `Strict-Transport-Security`.
        #[attr(chosen)]
        routing_http_response_strict_transport_security_header_value: Option<String>,
        /// What answers say in `X-Content-Type-Options`.
        #[attr(chosen)]
        routing_http_response_x_content_type_options_header_value: Option<String>,
        /// What answers say in `X-Frame-Options`.
        #[attr(chosen)]
        routing_http_response_x_frame_options_header_value: Option<String>,
        /// Which TLS versions and ciphers it takes.
        #[attr(chosen)]
        ssl_policy: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// For how many seconds a connection may be idle; of TCP and of gateway load balancers.
        #[attr(chosen, within(60, 6000))]
        tcp_idle_timeout_seconds: Option<i64>,
    }

    /// Whether clients show a certificate.
    pub struct MutualAuthentication {
        /// Whether clients are told whom the trust store trusts.
        #[attr(chosen, one_of(&["on", "off"]))]
        advertise_trust_store_ca_names: Option<String>,
        /// Whether one that is too old will do.
        ignore_client_certificate_expiry: Option<bool>,
        /// Whether it is asked for, and looked at.
        #[attr(one_of(&["off", "passthrough", "verify"]))]
        mode: String,
        /// Whom it trusts.
        trust_store_arn: Option<Arn>,
    }
}

/// A certificate that was just made is not known everywhere yet.
const fn new_certificate(operation: &'static str, code: &'static str) -> Retry {
    Retry { operation, code, message: "", within: Duration::from_secs(300) }
}

impl Resource for Listener {
    const TYPE: &'static str = "aws_lb_listener";
    // The same port with the same settings gives what there is.
    const UPSERTS: bool = true;
    const HOLDS: &'static [Hold] = &[
        Hold { kind: "aws_lb_target_group", through: "default_action.target_group_arn", then: Then::Replaced },
        Hold { kind: "aws_lb_target_group", through: "default_action.forward.target_group.arn", then: Then::Replaced },
        Hold { kind: "aws_acm_certificate", through: "certificate_arn", then: Then::Refused },
    ];
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "5m"), ("update", "5m")];
    const RETRY: &'static [Retry] = &[
        new_certificate("CreateListener", "CertificateNotFound"),
        new_certificate("ModifyListener", "CertificateNotFound"),
        Retry { operation: "CreateListener", code: "UnsupportedCertificate", message: "", within: Duration::from_secs(60) },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[data.aws_vpc.main]
default = true

[resource.aws_lb.web]
name = "listened"
subnets = "${data.aws_subnets.main.ids}"

[resource.aws_lb_target_group.web]
count = 2
name = "listened-${count.index}"
port = 8080
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"

[resource.tls_private_key.web]
algorithm = "RSA"

[resource.tls_self_signed_cert.web]
private_key_pem = "${tls_private_key.web.private_key_pem}"
validity_period_hours = 8760
allowed_uses = ["server_auth"]
subject = [{ common_name = "www.example.com" }]

[resource.aws_acm_certificate.web]
private_key = "${tls_private_key.web.private_key_pem}"
certificate_body = "${tls_self_signed_cert.web.cert_pem}"

[resource.aws_lb_listener.example]
load_balancer_arn = "${aws_lb.web.arn}"
port = 80
default_action = [{ type = "forward", target_group_arn = "${aws_lb_target_group.web[0].arn}" }]
tags = { team = "infra" }
---
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[data.aws_vpc.main]
default = true

[resource.aws_lb.web]
name = "listened"
subnets = "${data.aws_subnets.main.ids}"

[resource.aws_lb_target_group.web]
count = 2
name = "listened-${count.index}"
port = 8080
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"

[resource.tls_private_key.web]
algorithm = "RSA"

[resource.tls_self_signed_cert.web]
private_key_pem = "${tls_private_key.web.private_key_pem}"
validity_period_hours = 8760
allowed_uses = ["server_auth"]
subject = [{ common_name = "www.example.com" }]

[resource.aws_acm_certificate.web]
private_key = "${tls_private_key.web.private_key_pem}"
certificate_body = "${tls_self_signed_cert.web.cert_pem}"

[resource.aws_lb_listener.example]
load_balancer_arn = "${aws_lb.web.arn}"
port = 443
protocol = "HTTPS"
ssl_policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
certificate_arn = "${aws_acm_certificate.web.arn}"
routing_http_response_server_enabled = false
routing_http_response_strict_transport_security_header_value = "max-age=31536000"
routing_http_response_x_frame_options_header_value = "DENY"
routing_http_response_x_content_type_options_header_value = "nosniff"
routing_http_response_content_security_policy_header_value = "default-src 'self'"
routing_http_response_access_control_allow_origin_header_value = "https://example.com"
routing_http_response_access_control_allow_methods_header_value = "GET"
routing_http_response_access_control_allow_headers_header_value = "X-Example"
routing_http_response_access_control_allow_credentials_header_value = "true"
routing_http_response_access_control_expose_headers_header_value = "X-Example"
routing_http_response_access_control_max_age_header_value = "600"
routing_http_request_x_amzn_tls_version_header_name = "X-Tls-Version"
routing_http_request_x_amzn_tls_cipher_suite_header_name = "X-Tls-Cipher"
tags = { team = "platform", Name = "example" }

[[resource.aws_lb_listener.example.default_action]]
type = "authenticate-oidc"

[[resource.aws_lb_listener.example.default_action.authenticate_oidc]]
authorization_endpoint = "https://id.example.com/authorize"
token_endpoint = "https://id.example.com/token"
user_info_endpoint = "https://id.example.com/me"
issuer = "https://id.example.com"
client_id = "web"
client_secret = "not-a-secret"
on_unauthenticated_request = "authenticate"
scope = "openid email"
session_cookie_name = "session"
session_timeout = 3600

[[resource.aws_lb_listener.example.default_action]]
type = "forward"

[[resource.aws_lb_listener.example.default_action.forward]]
stickiness = [{ enabled = true, duration = 600 }]
target_group = [
  { arn = "${aws_lb_target_group.web[0].arn}", weight = 80 },
  { arn = "${aws_lb_target_group.web[1].arn}", weight = 20 },
]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = action::check(given.attr("default_action"), "default_action");
        let (protocol, certificate) = (given.attr("protocol"), given.attr("certificate_arn"));
        let secure = protocol.as_str().map(|p| matches!(p, "HTTPS" | "TLS"));
        if secure == Some(true) && certificate.is_null() {
            problems.push(Problem::new("certificate_arn", "a listener for HTTPS or TLS needs a certificate"));
        }
        if secure == Some(false) && !certificate.is_empty() && !certificate.is_unknown() {
            problems.push(Problem::new("certificate_arn", "only listeners for HTTPS and TLS have a certificate"));
        }
        problems
    }

    fn adopt(live: Value, given: &Value) -> Value {
        let actions = action::adopt(live.attr("default_action"), given.attr("default_action"));
        live.with("default_action", actions)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let gateway = self.load_balancer_arn.contains(":loadbalancer/gwy/");
        let call = cx.cloud.elb.create_listener().load_balancer_arn(&self.load_balancer_arn.0).set_port(int(self.port));
        let protocol = some(self.protocol.as_deref()).or_else(|| self.usual_protocol());
        let call = call.set_protocol(protocol.as_deref().map(ProtocolEnum::from));
        let call = call.set_ssl_policy(some(self.ssl_policy.as_deref())).set_certificates(self.certificates());
        let call = call.set_default_actions(Some(action::sdk(&self.default_action, &[]))).set_alpn_policy(self.alpn());
        let call = call.set_mutual_authentication(self.mutual_authentication.as_ref().map(MutualAuthentication::sdk));
        let made = call.set_tags(tagged(&self.tags_all).filter(|_| !gateway)).send().await?;
        let arn = made.listeners.unwrap_or_default().into_iter().find_map(|l| l.listener_arn);
        arn.ok_or_else(|| lacking("ARN of the listener"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let call = cx.cloud.elb.describe_listeners().load_balancer_arn(&self.load_balancer_arn.0).into_paginator().items().send();
        let found: Outcome<Vec<SdkListener>> = call.try_collect().await.map_err(Into::into);
        let port = int(self.port);
        Ok(absent(found)?.unwrap_or_default().into_iter().find(|l| l.port() == port).and_then(|l| l.listener_arn))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        // Those of a load balancer that nobody manages come with it.
        let owned: BTreeSet<&str> = cx
            .reads
            .asked(&["aws_lb"])
            .map(|a| a.id.as_str())
            .filter(|arn| arn.split(':').nth(3) == Some(cx.cloud.region.as_str()))
            .collect();
        let found = each(owned, |lb| async move {
            let pages = cx.cloud.elb.describe_listeners().load_balancer_arn(lb).into_paginator().items().send();
            let found: Outcome<Vec<_>> = pages.try_collect().await.map_err(Into::into);
            absent(found)
        });
        let found = found.await?;
        let listed = found.iter().flatten().filter_map(|l| {
            let (port, lb) = (l.port().unwrap_or_default(), l.load_balancer_arn()?.split('/').nth(2)?);
            Some(Listed::new(l.listener_arn()?).named(Some(&format!("{lb}-{port}"))))
        });
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = |arns: Vec<Id>| async move {
            let answer = cx.cloud.elb.describe_listeners().set_listener_arns(Some(arns)).send().await?;
            Ok(answer.listeners.unwrap_or_default())
        };
        let found = super::described(known.iter().map(|k| k.id.clone()).collect(), &call).await?;
        let arns: Vec<Id> = found.iter().filter_map(|l| l.listener_arn.clone()).collect();
        let one = |listener: SdkListener| async move {
            let arn = listener.listener_arn.clone().unwrap_or_default();
            let prior = known.iter().find(|k| k.id == arn).and_then(|k| k.prior.as_ref());
            let Some(said) = absent(attributes::described(cx.cloud, &arn).await)? else { return Ok(None) };
            Ok(Some(Live { id: arn, value: of_listener(&listener, prior).with_settings(&said) }))
        };
        let (live, mut tags) = futures::try_join!(each(found, one), tags_of(cx.cloud, &arns))?;
        let tagged = live.into_iter().map(|live| {
            let tags_all = tags.remove(&live.id).unwrap_or_default();
            Live { value: Self { tags_all, ..live.value }, id: live.id }
        });
        Ok(tagged.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (arn, old) = (live.id.as_str(), &live.value);
        let shape = |l: &Self| {
            let actions = action::sdk(&l.default_action, &old.default_action);
            let text = |t: &Option<String>| some(t.as_deref());
            let certificate = l.certificate().map(str::to_owned);
            (l.port, text(&l.protocol), text(&l.ssl_policy), certificate, l.alpn(), actions, l.mutual_authentication.clone())
        };
        if shape(self) != shape(old) {
            let secure = matches!(self.protocol.as_deref(), Some("HTTPS" | "TLS"));
            let call = cx.cloud.elb.modify_listener().listener_arn(arn).set_port(int(self.port));
            let call = call.set_protocol(some(self.protocol.as_deref()).as_deref().map(ProtocolEnum::from));
            let call = call.set_ssl_policy(some(self.ssl_policy.as_deref()).filter(|_| secure));
            let call = call.set_certificates(self.certificates().filter(|_| secure)).set_alpn_policy(self.alpn());
            let call = call.set_default_actions(Some(action::sdk(&self.default_action, &old.default_action)));
            let mutual = self.mutual_authentication.as_ref().filter(|m| old.mutual_authentication.as_ref() != Some(m));
            call.set_mutual_authentication(mutual.map(MutualAuthentication::sdk)).send().await?;
        }
        let set = unset(&self.settings(), &old.settings());
        if !set.is_empty() {
            attributes::set(cx.cloud, arn, set).await?;
        }
        retag(cx.cloud, arn, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.elb.delete_listener().listener_arn(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        arn_of_kind(given, "listener/", "a listener")
    }
}

impl Listener {
    /// What an application load balancer speaks unless told otherwise; of others AWS wants to be told.
    fn usual_protocol(&self) -> Option<String> {
        self.load_balancer_arn.contains(":loadbalancer/app/").then(|| "HTTP".to_owned())
    }

    fn certificate(&self) -> Option<&str> {
        self.certificate_arn.as_deref().filter(|c| !c.is_empty())
    }

    fn certificates(&self) -> Option<Vec<Certificate>> {
        self.certificate().map(|arn| vec![Certificate::builder().certificate_arn(arn).build()])
    }

    fn alpn(&self) -> Option<Vec<String>> {
        some(self.alpn_policy.as_deref()).map(|policy| vec![policy])
    }
}

impl MutualAuthentication {
    fn sdk(&self) -> MutualAuthenticationAttributes {
        let mutual = MutualAuthenticationAttributes::builder().mode(&self.mode);
        if self.mode != "verify" {
            return mutual.build();
        }
        let names = some(self.advertise_trust_store_ca_names.as_deref());
        let mutual = mutual.set_trust_store_arn(self.trust_store_arn.as_ref().map(|a| a.0.clone()));
        let mutual = mutual.set_advertise_trust_store_ca_names(names.as_deref().map(AdvertiseTrustStoreCaNamesEnum::from));
        mutual.set_ignore_client_certificate_expiry(self.ignore_client_certificate_expiry).build()
    }
}

/// What one describe call tells of it.
fn of_listener(listener: &SdkListener, prior: Option<&Listener>) -> Listener {
    let asked = prior.map(|p| p.default_action.as_slice()).unwrap_or_default();
    let certificate = listener.certificates().iter().find(|c| c.is_default() != Some(false));
    let protocol = listener.protocol().map(ProtocolEnum::as_str);
    let secure = matches!(protocol, Some("HTTPS" | "TLS"));
    Listener {
        alpn_policy: some(listener.alpn_policy().first().map(String::as_str)),
        arn: some(listener.listener_arn()),
        certificate_arn: some(certificate.and_then(|c| c.certificate_arn())).map(Arn),
        default_action: action::of_sdk(listener.default_actions(), asked),
        load_balancer_arn: Arn(listener.load_balancer_arn().unwrap_or_default().to_owned()),
        mutual_authentication: listener.mutual_authentication().filter(|m| m.mode().is_some()).map(|m| MutualAuthentication {
            advertise_trust_store_ca_names: some(m.advertise_trust_store_ca_names().map(|a| a.as_str())),
            ignore_client_certificate_expiry: m.ignore_client_certificate_expiry(),
            mode: m.mode().unwrap_or_default().to_owned(),
            trust_store_arn: some(m.trust_store_arn()).map(Arn),
        }),
        port: listener.port().map(i64::from),
        protocol: some(protocol),
        routing_http_request_x_amzn_mtls_clientcert_header_name: None,
        routing_http_request_x_amzn_mtls_clientcert_issuer_header_name: None,
        routing_http_request_x_amzn_mtls_clientcert_leaf_header_name: None,
        routing_http_request_x_amzn_mtls_clientcert_serial_number_header_name: None,
        routing_http_request_x_amzn_mtls_clientcert_subject_header_name: None,
        routing_http_request_x_amzn_mtls_clientcert_validity_header_name: None,
        routing_http_request_x_amzn_tls_cipher_suite_header_name: None,
        routing_http_request_x_amzn_tls_version_header_name: None,
        routing_http_response_access_control_allow_credentials_header_value: None,
        routing_http_response_access_control_allow_headers_header_value: None,
        routing_http_response_access_control_allow_methods_header_value: None,
        routing_http_response_access_control_allow_origin_header_value: None,
        routing_http_response_access_control_expose_headers_header_value: None,
        routing_http_response_access_control_max_age_header_value: None,
        routing_http_response_content_security_policy_header_value: None,
        routing_http_response_server_enabled: None,
        routing_http_response_strict_transport_security_header_value: None,
        routing_http_response_x_content_type_options_header_value: None,
        routing_http_response_x_frame_options_header_value: None,
        // Without TLS it means nothing.
        ssl_policy: some(listener.ssl_policy()).filter(|_| secure),
        tags: Tags::new(),
        tags_all: Tags::new(),
        tcp_idle_timeout_seconds: None,
    }
}
