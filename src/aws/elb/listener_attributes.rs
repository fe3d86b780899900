//! The attributes of listeners that AWS keeps as pairs of key and value.

use aws_sdk_elasticloadbalancingv2::types::ListenerAttribute;

use super::listener::Listener;
use super::{Settings, some};
use crate::aws::Aws;
use crate::words::failure::Outcome;

const IDLE: &str = "tcp.idle_timeout.seconds";
const SERVER: &str = "routing.http.response.server.enabled";

/// Names one field for each attribute that is a text, and its key.
macro_rules! texts {
    ($($field:ident $key:literal)*) => {
        impl Listener {
            /// What is said of it, as AWS keeps it; what is left out is AWS's to choose.
            pub(super) fn settings(&self) -> Settings {
                let mut all = Settings::new();
                $( all.extend(self.$field.clone().map(|v| ($key.to_owned(), v))); )*
                all.extend(self.routing_http_response_server_enabled.map(|v| (SERVER.to_owned(), v.to_string())));
                all.extend(self.tcp_idle_timeout_seconds.map(|v| (IDLE.to_owned(), v.to_string())));
                all
            }

            /// The same with what AWS says.
            pub(super) fn with_settings(self, said: &Settings) -> Self {
                Self {
                    $( $field: some(said.get($key).map(String::as_str)), )*
                    routing_http_response_server_enabled: said.get(SERVER).map(|v| v == "true"),
                    tcp_idle_timeout_seconds: said.get(IDLE).and_then(|v| v.parse().ok()),
                    ..self
                }
            }
        }
    };
}

texts! {
    routing_http_request_x_amzn_mtls_clientcert_header_name "routing.http.request.x_amzn_mtls_clientcert.header_name"
    routing_http_request_x_amzn_mtls_clientcert_issuer_header_name "routing.http.request.x_amzn_mtls_clientcert_issuer.header_name"
    routing_http_request_x_amzn_mtls_clientcert_leaf_header_name "routing.http.request.x_amzn_mtls_clientcert_leaf.header_name"
    routing_http_request_x_amzn_mtls_clientcert_serial_number_header_name
        "routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name"
    routing_http_request_x_amzn_mtls_clientcert_subject_header_name "routing.http.request.x_amzn_mtls_clientcert_subject.header_name"
    routing_http_request_x_amzn_mtls_clientcert_validity_header_name "routing.http.request.x_amzn_mtls_clientcert_validity.header_name"
    routing_http_request_x_amzn_tls_cipher_suite_header_name "routing.http.request.x_amzn_tls_cipher_suite.header_name"
    routing_http_request_x_amzn_tls_version_header_name "routing.http.request.x_amzn_tls_version.header_name"
    routing_http_response_access_control_allow_credentials_header_value
        "routing.http.response.access_control_allow_credentials.header_value"
    routing_http_response_access_control_allow_headers_header_value "routing.http.response.access_control_allow_headers.header_value"
    routing_http_response_access_control_allow_methods_header_value "routing.http.response.access_control_allow_methods.header_value"
    routing_http_response_access_control_allow_origin_header_value "routing.http.response.access_control_allow_origin.header_value"
    routing_http_response_access_control_expose_headers_header_value "routing.http.response.access_control_expose_headers.header_value"
    routing_http_response_access_control_max_age_header_value "routing.http.response.access_control_max_age.header_value"
    routing_http_response_content_security_policy_header_value "routing.http.response.content_security_policy.header_value"
    routing_http_response_strict_transport_security_header_value "routing.http.response.strict_transport_security.header_value"
    routing_http_response_x_content_type_options_header_value "routing.http.response.x_content_type_options.header_value"
    routing_http_response_x_frame_options_header_value "routing.http.response.x_frame_options.header_value"
}

/// The attributes of one listener, as AWS keeps them.
pub(super) async fn described(aws: &Aws, arn: &str) -> Outcome<Settings> {
    let found = aws.elb.describe_listener_attributes().listener_arn(arn).send().await?;
    Ok(found.attributes.unwrap_or_default().into_iter().filter_map(|a| Some((a.key?, a.value.unwrap_or_default()))).collect())
}

/// Sets them.
pub(super) async fn set(aws: &Aws, arn: &str, set: Settings) -> Outcome<()> {
    let set = set.into_iter().map(|(k, v)| ListenerAttribute::builder().key(k).value(v).build()).collect();
    aws.elb.modify_listener_attributes().listener_arn(arn).set_attributes(Some(set)).send().await?;
    Ok(())
}
