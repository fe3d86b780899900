//! When two IAM policy documents mean the same. The rules are those that Terraform's users know from the AWS provider.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::words::resource::Problem;
use crate::words::value::Value;

/// How long all policies of a role's own may be together.
pub const INLINE: usize = 10_240;

/// Whether two policy documents mean the same: statements and values in any order, one value or a list of one, an account
/// number or its root ARN.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a == b || matches!((parse(a), parse(b)), (Some(a), Some(b)) if document(&a) == document(&b))
}

/// That the text of that attribute is longer than the service takes, white space not counted, if it is.
#[must_use]
pub fn too_long(text: &Value, attr: impl Into<String>, most: usize, what: &str) -> Option<Problem> {
    let long = text.as_str()?.chars().filter(|c| !c.is_whitespace()).count();
    let why = format!("{what} can have {most} characters, white space not counted, and this has {long}: split it, or use wildcards");
    (long > most).then(|| Problem::new(attr, why))
}

fn parse(text: &str) -> Option<Json> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Json::Object(Map::new()));
    }
    match serde_json::from_str(text).ok()? {
        Json::Array(mut one) if one.len() == 1 => one.pop(),
        other => Some(other),
    }
}

/// A policy with everything in it in a normal order; the elements that are not known stay as they are.
fn document(policy: &Json) -> BTreeMap<String, Json> {
    let Json::Object(policy) = policy else { return BTreeMap::from([(String::new(), policy.clone())]) };
    policy
        .iter()
        .map(|(key, value)| {
            let value = if key == "Statement" { sorted(many(value).map(statement)) } else { value.clone() };
            (key.clone(), value)
        })
        .collect()
}

fn many(value: &Json) -> impl Iterator<Item = &Json> {
    match value {
        Json::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    }
    .iter()
}

fn sorted(items: impl Iterator<Item = Json>) -> Json {
    let mut items: Vec<Json> = items.collect();
    items.sort_by_cached_key(ToString::to_string);
    Json::Array(items)
}

fn statement(statement: &Json) -> Json {
    let Json::Object(parts) = statement else { return statement.clone() };
    let normal = parts.iter().filter_map(|(key, value)| {
        let value = match key.as_str() {
            "Sid" if value.as_str() == Some("") => return None,
            "Effect" => Json::from(value.as_str().unwrap_or_default().to_lowercase()),
            "Action" | "NotAction" | "Resource" | "NotResource" => sorted(many(value).cloned()),
            "Principal" | "NotPrincipal" => principal(value),
            "Condition" => condition(value),
            _ => value.clone(),
        };
        Some((key.clone(), value))
    });
    Json::Object(normal.collect())
}

fn principal(value: &Json) -> Json {
    let Json::Object(kinds) = value else { return account(value) };
    let kinds = kinds.iter().filter_map(|(kind, ids)| {
        let ids: BTreeSet<String> = many(ids).map(|id| account(id).to_string()).collect();
        (!ids.is_empty()).then(|| (kind.clone(), Json::from_iter(ids)))
    });
    Json::Object(kinds.collect())
}

/// `arn:aws:iam::123456789012:root` is the account `123456789012`.
fn account(id: &Json) -> Json {
    let short = id.as_str().and_then(|s| {
        let mut parts = s.split(':');
        let (arn, _, iam, _, number, root) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (arn == "arn" && iam == "iam" && root == "root" && number.len() == 12).then(|| Json::from(number))
    });
    short.unwrap_or_else(|| id.clone())
}

fn condition(value: &Json) -> Json {
    let Json::Object(tests) = value else { return value.clone() };
    let text = |v: &Json| v.as_str().map_or_else(|| Json::from(v.to_string()), Json::from);
    let keys = |keys: &Json| match keys {
        Json::Object(keys) => Json::Object(keys.iter().map(|(k, v)| (k.clone(), sorted(many(v).map(text)))).collect()),
        other => other.clone(),
    };
    Json::Object(tests.iter().map(|(test, k)| (test.clone(), keys(k))).collect())
}

#[cfg(test)]
mod tests {
    use super::{same, too_long};
    use crate::words::Value;

    #[test]
    fn only_what_iam_counts_is_counted() {
        let text = |n: usize| Value::from(format!("{{ {}\n}}", "x".repeat(n)));
        assert_eq!(too_long(&text(8), "policy", 10, "it"), None);
        let problem = too_long(&text(9), "policy", 10, "it").unwrap();
        assert!(problem.path == "policy" && problem.message.contains("10 characters") && problem.message.contains("this has 11"));
        assert_eq!(too_long(&Value::unknown(), "policy", 10, "it"), None);
    }

    #[test]
    fn meaning_counts_and_not_spelling() {
        for (a, b, want) in [
            (r#"{"Statement":[{"Action":"a:b","Effect":"Allow"}]}"#, r#"{"Statement":{"Effect":"allow","Action":["a:b"],"Sid":""}}"#, true),
            (r#"{"Statement":[{"Action":["a","b"]},{"Action":"c"}]}"#, r#"{"Statement":[{"Action":"c"},{"Action":["b","a"]}]}"#, true),
            (r#"{"Version":"2012-10-17"}"#, "{}", false),
            (r#"{"Statement":{"Action":"A:b"}}"#, r#"{"Statement":{"Action":"a:b"}}"#, false),
            (
                r#"{"Statement":{"Principal":{"AWS":"123456789012"}}}"#,
                r#"{"Statement":{"Principal":{"AWS":["arn:aws:iam::123456789012:root"]}}}"#,
                true,
            ),
            (r#"{"Statement":{"Principal":"*"}}"#, r#"{"Statement":{"Principal":{"AWS":"*"}}}"#, false),
            (r#"{"Statement":{"Condition":{"Bool":{"k":true}}}}"#, r#"{"Statement":{"Condition":{"Bool":{"k":["true"]}}}}"#, true),
            ("", "{}", true),
            ("not json", "{}", false),
        ] {
            assert_eq!(same(a, b), want, "{a} and {b}");
        }
    }
}
