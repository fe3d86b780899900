//! For which requests a rule is.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig, PathPatternConditionConfig,
    QueryStringConditionConfig, QueryStringKeyValuePair, RuleCondition, SourceIpConditionConfig,
};

use super::some;
use crate::words::resource::Problem;
use crate::words::value::Value;

/// The kinds of conditions.
const KINDS: &[&str] = &["host_header", "http_header", "http_request_method", "path_pattern", "query_string", "source_ip"];
/// How many values the conditions of one rule may have together.
const VALUES: usize = 5;

crate::blocks! {
    /// What requests have to have: exactly one of these.
    pub struct Condition {
        /// One of these hosts.
        host_header: Option<Values>,
        /// A header with one of these values.
        http_header: Option<Header>,
        /// One of these methods.
        http_request_method: Option<Values>,
        /// One of these paths.
        path_pattern: Option<Values>,
        /// One of these pairs in the query.
        query_string: BTreeSet<Pair>,
        /// A sender in one of these networks.
        source_ip: Option<Values>,
    }

    /// One of them will do.
    pub struct Values {
        /// The values; `*` stands for any characters and `?` for one.
        #[attr(required)]
        values: BTreeSet<String>,
    }

    /// A header with one of these values.
    pub struct Header {
        /// Its name; letter case means nothing.
        #[attr(within(1, 40))]
        http_header_name: String,
        /// The values; `*` stands for any characters and `?` for one.
        #[attr(required)]
        values: BTreeSet<String>,
    }

    /// A pair in the query.
    pub struct Pair {
        /// The key; without one any will do.
        key: Option<String>,
        /// The value; `*` stands for any characters and `?` for one.
        value: String,
    }
}

fn list(values: &Values) -> Option<Vec<String>> {
    Some(values.values.iter().cloned().collect())
}

impl Condition {
    /// For a call.
    pub(super) fn sdk(&self) -> RuleCondition {
        let condition = RuleCondition::builder();
        if let Some(host) = &self.host_header {
            let config = HostHeaderConditionConfig::builder().set_values(list(host)).build();
            return condition.field("host-header").host_header_config(config).build();
        }
        if let Some(header) = &self.http_header {
            let config = HttpHeaderConditionConfig::builder().http_header_name(&header.http_header_name);
            let config = config.set_values(Some(header.values.iter().cloned().collect())).build();
            return condition.field("http-header").http_header_config(config).build();
        }
        if let Some(method) = &self.http_request_method {
            let config = HttpRequestMethodConditionConfig::builder().set_values(list(method)).build();
            return condition.field("http-request-method").http_request_method_config(config).build();
        }
        if let Some(path) = &self.path_pattern {
            let config = PathPatternConditionConfig::builder().set_values(list(path)).build();
            return condition.field("path-pattern").path_pattern_config(config).build();
        }
        if let Some(source) = &self.source_ip {
            let config = SourceIpConditionConfig::builder().set_values(list(source)).build();
            return condition.field("source-ip").source_ip_config(config).build();
        }
        let pair = |p: &Pair| QueryStringKeyValuePair::builder().set_key(some(p.key.as_deref())).value(&p.value).build();
        let config = QueryStringConditionConfig::builder().set_values(Some(self.query_string.iter().map(pair).collect())).build();
        condition.field("query-string").query_string_config(config).build()
    }

    /// What AWS answers. Hosts and paths were once told in another place.
    pub(super) fn of_sdk(condition: &RuleCondition) -> Self {
        let values = |of: &[String]| (!of.is_empty()).then(|| Values { values: of.iter().cloned().collect() });
        let field = condition.field().unwrap_or_default();
        let told = |config: Option<&[String]>| config.and_then(values).or_else(|| values(condition.values()));
        let pairs = condition.query_string_config().map(QueryStringConditionConfig::values).unwrap_or_default();
        Self {
            host_header: if field == "host-header" { told(condition.host_header_config().map(|c| c.values())) } else { None },
            http_header: condition.http_header_config().map(|c| Header {
                http_header_name: c.http_header_name().unwrap_or_default().to_owned(),
                values: c.values().iter().cloned().collect(),
            }),
            http_request_method: condition.http_request_method_config().and_then(|c| values(c.values())),
            path_pattern: if field == "path-pattern" { told(condition.path_pattern_config().map(|c| c.values())) } else { None },
            query_string: pairs.iter().map(|p| Pair { key: some(p.key()), value: p.value().unwrap_or_default().to_owned() }).collect(),
            source_ip: condition.source_ip_config().and_then(|c| values(c.values())),
        }
    }
}

/// What is wrong with conditions: each is of one kind, and there are not too many.
pub(super) fn check(conditions: &Value) -> Vec<Problem> {
    let mut problems = vec![];
    let mut count = 0;
    for (at, condition) in conditions.items().iter().enumerate() {
        if KINDS.iter().any(|kind| condition.attr(kind).is_unknown()) {
            continue;
        }
        let has: Vec<&str> = KINDS.iter().copied().filter(|kind| !condition.attr(kind).items().is_empty()).collect();
        if has.len() != 1 {
            let found = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            problems.push(Problem::new(
                format!("condition.{at}"),
                format!("a condition is of exactly one kind ({}), and this one has {found}", KINDS.join(", ")),
            ));
        }
        let blocks = has.iter().flat_map(|kind| condition.attr(kind).items());
        count += blocks.map(|b| b.attr("values").items().len().max(1)).sum::<usize>();
    }
    if count > VALUES {
        problems
            .push(Problem::new("condition", format!("a rule may have {VALUES} values in all its conditions, and this one has {count}")));
    }
    problems
}
