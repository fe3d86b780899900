//! What every call goes through: counting, rates, and the rule that the SDK never repeats a call that changes something.

use std::sync::Arc;

use aws_smithy_http_client::{Builder, Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;

use super::rate::Rates;
use crate::words::calls::Calls;

/// Carries the operation from the interceptor, which knows it, to the connector, which may wait; never sent.
const OPERATION: &str = "x-ferroform-operation";

/// Operations with these first words change nothing: the SDK may repeat them.
const READS: &[&str] = &["Describe", "List", "Get", "BatchGet", "Search", "Assume", "Head"];

/// The call before all others: where nothing answers it, that is to be told soon.
const FIRST: &str = "GetCallerIdentity";
const FIRST_ATTEMPTS: u32 = 3;

/// One connection pool for all services, through the proxy of the environment, with the rates applied.
pub(super) fn http_client(rates: Arc<Rates>) -> SharedHttpClient {
    let inner = Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder();
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build()
    });
    SharedHttpClient::new(Paced { inner, rates })
}

/// A client whose calls wait for their turn.
#[derive(Debug)]
struct Paced<T> {
    inner: T,
    rates: Arc<Rates>,
}

impl HttpClient for Paced<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Paced { inner, rates: self.rates.clone() })
    }
}

impl HttpConnector for Paced<SharedHttpConnector> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers_mut().remove(OPERATION).unwrap_or_default();
        let (inner, rates) = (self.inner.clone(), self.rates.clone());
        HttpConnectorFuture::new(async move {
            rates.ready(&operation).await;
            inner.call(request).await
        })
    }
}

/// Sees every call of every client.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) calls: Arc<Calls>,
    pub(super) rates: Arc<Rates>,
}

fn operation(cfg: &ConfigBag) -> (&'static str, String) {
    let Some(metadata) = cfg.load::<Metadata>() else { return ("aws", String::new()) };
    (service(metadata.service()), metadata.name().to_owned())
}

/// The short name of a service for the one that its API model bears.
fn service(model: &str) -> &'static str {
    match model {
        "DLM" => "dlm",
        "EC2" => "ec2",
        "IAM" => "iam",
        "KMS" => "kms",
        "CloudWatch" => "cloudwatch",
        "CloudWatch Logs" => "logs",
        "ECR" => "ecr",
        "ECS" => "ecs",
        "Secrets Manager" => "secretsmanager",
        "Application Auto Scaling" => "application-autoscaling",
        "SNS" => "sns",
        "Route 53" => "route53",
        "S3" => "s3",
        "SSM" => "ssm",
        "STS" => "sts",
        "Resource Groups Tagging API" => "tagging",
        _ => "aws",
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    // Not before the execution: of what is asked then nothing is known yet but the client.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (_, operation) = operation(cfg);
        if operation == FIRST {
            cfg.interceptor_state().store_put(RetryConfig::standard().with_max_attempts(FIRST_ATTEMPTS));
        } else if !READS.iter().any(|word| operation.starts_with(word)) {
            cfg.interceptor_state().store_put(RetryConfig::disabled());
        }
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (service, operation) = operation(cfg);
        self.calls.sent(service, &operation);
        context.request_mut().headers_mut().insert(OPERATION, format!("{service}:{operation}"));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(response) = context.response().filter(|r| r.status().as_u16() >= 400) else { return Ok(()) };
        let body = response.body().bytes().unwrap_or_default();
        let says = |word: &str| body.windows(word.len()).any(|part| part == word.as_bytes());
        let header = response.headers().get("x-amzn-errortype").unwrap_or_default();
        if ["Throttl", "RequestLimitExceeded", "TooManyRequests", "SlowDown"].iter().any(|word| says(word) || header.contains(word)) {
            let (service, operation) = operation(cfg);
            self.calls.throttled(service, &operation);
            self.rates.throttled(&format!("{service}:{operation}"));
        }
        Ok(())
    }
}
