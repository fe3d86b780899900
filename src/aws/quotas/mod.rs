//! Service quotas.

use aws_sdk_servicequotas::types::{MetricInfo, ServiceQuota};

use super::Aws;
use super::error::absent;
use crate::words::failure::{Failure, Outcome};
use crate::words::number::Number;
use crate::words::resource::{Cx, DataSource, Live, Problem};
use crate::words::value::Value;

crate::blocks! {
    /// How much of something an account may have.
    pub struct Quota {
        /// Whether AWS raises it when asked.
        #[attr(computed)]
        adjustable: Option<bool>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is unless AWS was asked.
        #[attr(computed)]
        default_value: Option<Number>,
        /// Whether it holds for all regions together.
        #[attr(computed)]
        global_quota: Option<bool>,
        /// Its code, `L-B6DF7632`.
        #[attr(chosen, conflicts(&["quota_name"]))]
        quota_code: Option<String>,
        /// Its name, `Rules per Application Load Balancer`.
        #[attr(chosen, conflicts(&["quota_code"]))]
        quota_name: Option<String>,
        /// The service, `elasticloadbalancing`.
        service_code: String,
        /// Its name.
        #[attr(computed)]
        service_name: Option<String>,
        /// The metric that shows how much is used.
        #[attr(computed)]
        usage_metric: Vec<Usage>,
        /// How much.
        #[attr(computed)]
        value: Option<Number>,
    }

    /// The metric that shows how much is used.
    pub struct Usage {
        /// Its dimensions.
        metric_dimensions: Vec<UsageDimensions>,
        /// Its name.
        metric_name: Option<String>,
        /// Its namespace.
        metric_namespace: Option<String>,
        /// What to take of it.
        metric_statistic_recommendation: Option<String>,
    }

    /// The dimensions of such a metric.
    pub struct UsageDimensions {
        /// The class.
        class: Option<String>,
        /// The resource.
        resource: Option<String>,
        /// The service.
        service: Option<String>,
        /// The type.
        r#type: Option<String>,
    }
}

impl DataSource for Quota {
    const TYPE: &'static str = "aws_servicequotas_service_quota";
    const EXAMPLE: &'static str = r#"
[data.aws_servicequotas_service_quota.example]
service_code = "elasticloadbalancing"
quota_code = "L-B6DF7632"
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        if given.attr("quota_code").is_null() && given.attr("quota_name").is_null() {
            return vec![Problem::new("quota_code", "should be given, or `quota_name`: which quota is meant")];
        }
        vec![]
    }

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let (client, service) = (&cx.cloud.quotas, self.service_code.as_str());
        let code = match (self.quota_code.clone().filter(|c| !c.is_empty()), &self.quota_name) {
            (Some(code), _) => code,
            (None, Some(name)) => {
                let listed = client.list_service_quotas().service_code(service).into_paginator().items().send();
                let all: Vec<ServiceQuota> = listed.try_collect().await?;
                let found = all.iter().find(|q| q.quota_name() == Some(name)).and_then(|q| q.quota_code.clone());
                found.ok_or_else(|| none(service, name))?
            }
            (None, None) => return Err(none(service, "")),
        };
        let default = client.get_aws_default_service_quota().service_code(service).quota_code(&code).send();
        let default = absent(default.await.map_err(Into::into))?.and_then(|d| d.quota).ok_or_else(|| none(service, &code))?;
        // What nobody has asked AWS to change may be known as the default alone.
        let applied = client.get_service_quota().service_code(service).quota_code(&code).send();
        let applied = absent(applied.await.map_err(Into::into))?.and_then(|a| a.quota);
        let quota = applied.as_ref().unwrap_or(&default);
        let value = Self {
            adjustable: Some(quota.adjustable),
            arn: quota.quota_arn.clone(),
            default_value: default.value.and_then(Number::from_f64),
            global_quota: Some(quota.global_quota),
            quota_code: quota.quota_code.clone(),
            quota_name: quota.quota_name.clone(),
            service_name: quota.service_name.clone(),
            usage_metric: quota.usage_metric().map(usage).into_iter().collect(),
            value: quota.value.and_then(Number::from_f64),
            ..self
        };
        Ok(Live { id: value.arn.clone().unwrap_or_default(), value })
    }
}

fn none(service: &str, quota: &str) -> Failure {
    Failure::other(format!("the service `{service}` has no quota `{quota}`"))
        .help("`aws service-quotas list-service-quotas --service-code CODE` lists those that there are")
}

fn usage(metric: &MetricInfo) -> Usage {
    let dimension = |name: &str| metric.metric_dimensions().and_then(|d| d.get(name)).cloned();
    Usage {
        metric_dimensions: vec![UsageDimensions {
            class: dimension("Class"),
            resource: dimension("Resource"),
            service: dimension("Service"),
            r#type: dimension("Type"),
        }],
        metric_name: metric.metric_name.clone(),
        metric_namespace: metric.metric_namespace.clone(),
        metric_statistic_recommendation: metric.metric_statistic_recommendation.clone(),
    }
}
