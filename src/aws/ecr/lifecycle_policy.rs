//! Which images of a repository go, and when.

use serde_json::{Map, Value as Json};

use crate::aws::error::{absent, lacking};
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource};
use crate::words::value::Value;

crate::text!(
    /// The rules of a lifecycle policy, as ECR's JSON: their order, and that of tags, means nothing.
    pub Rules, "lifecycle policy of ECR", normal, |a, b| a == b || matches!((meaning(a), meaning(b)), (Some(a), Some(b)) if a == b)
);

crate::blocks! {
    /// Which images of a repository go, and when.
    pub struct LifecyclePolicy {
        /// The rules, as JSON.
        policy: Rules,
        /// The account of the repository.
        #[attr(computed)]
        registry_id: Option<String>,
        /// The name of the repository.
        #[attr(force_new, refers("aws_ecr_repository.name"))]
        repository: String,
    }
}

impl Resource for LifecyclePolicy {
    const TYPE: &'static str = "aws_ecr_lifecycle_policy";
    const KNOWN_BY: Option<&'static str> = Some("repository");
    const UPSERTS: bool = true;
    const GONE: &'static [&'static str] = &["LifecyclePolicyNotFoundException", "RepositoryNotFoundException"];
    const EXAMPLE: &'static str = r#"
[resource.aws_ecr_repository.app]
name = "policy-example"

[resource.aws_ecr_lifecycle_policy.example]
repository = "${aws_ecr_repository.app.name}"
policy = '''${jsonencode({ rules = [{
  rulePriority = 1
  description = "untagged ones go after two weeks"
  selection = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
  action = { type = "expire" }
}] })}'''
---
[resource.aws_ecr_repository.app]
name = "policy-example"

[resource.aws_ecr_lifecycle_policy.example]
repository = "${aws_ecr_repository.app.name}"
policy = '''${jsonencode({ rules = [
  {
    rulePriority = 2
    selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 50 }
    action = { type = "expire" }
  },
  {
    rulePriority = 1
    selection = { tagStatus = "tagged", tagPrefixList = ["pr-", "dev-"], countType = "imageCountMoreThan", countNumber = 10 }
    action = { type = "expire" }
  },
] })}'''
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let Some(rules) = given.attr("policy").as_str().and_then(|text| serde_json::from_str::<Json>(text).ok()) else { return vec![] };
        let wrong = |why: String| Problem::new("policy", why);
        let rules = rules["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
        if rules.is_empty() {
            return vec![wrong("a lifecycle policy has at least one rule in `rules`".into())];
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut problems = vec![];
        for rule in rules {
            match rule["rulePriority"].as_i64() {
                None => problems.push(wrong("each rule has a `rulePriority`".into())),
                Some(n) if !seen.insert(n) => problems.push(wrong(format!("two rules have the `rulePriority` {n}"))),
                Some(_) => {}
            }
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx.cloud).await
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(policy_of(cx.cloud, &self.repository).await?.map(|_| self.repository.clone()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = policy_of(cx.cloud, &k.id).await?;
            Ok(found.map(|(policy, registry_id)| {
                let value = Self { policy: Rules(policy), registry_id, repository: k.id.clone() };
                Live { id: k.id.clone(), value }
            }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx.cloud).await.map(drop)
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ecr.delete_lifecycle_policy().repository_name(&live.id).send().await?;
        Ok(())
    }
}

impl LifecyclePolicy {
    async fn put(&self, aws: &Aws) -> Outcome<Id> {
        let call = aws.ecr.put_lifecycle_policy().repository_name(&self.repository).lifecycle_policy_text(&*self.policy);
        call.send().await?.repository_name.ok_or_else(|| lacking("name of the repository"))
    }
}

/// The policy of a repository, and the account.
async fn policy_of(aws: &Aws, repository: &str) -> Outcome<Option<(String, Option<String>)>> {
    let found = absent(aws.ecr.get_lifecycle_policy().repository_name(repository).send().await.map_err(Failure::from))?;
    Ok(found.and_then(|f| Some((f.lifecycle_policy_text?, f.registry_id))))
}

fn normal(text: &str) -> Result<String, String> {
    let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if json["rules"].is_array() { Ok(json.to_string()) } else { Err("it should be an object with a list `rules`".into()) }
}

/// The rules by their priority, without what says nothing.
fn meaning(text: &str) -> Option<Json> {
    let mut json: Json = serde_json::from_str(text).ok()?;
    let rules = json["rules"].as_array_mut()?;
    for rule in rules.iter_mut() {
        *rule = said(std::mem::take(rule));
    }
    rules.sort_by_key(|rule| rule["rulePriority"].as_i64());
    Some(json)
}

fn said(json: Json) -> Json {
    match json {
        Json::Object(parts) => {
            let empty = |json: &Json| json.is_null() || json.as_array().is_some_and(Vec::is_empty) || json.as_str() == Some("");
            Json::Object(parts.into_iter().filter(|(_, v)| !empty(v)).map(|(k, v)| (k, said(v))).collect::<Map<_, _>>())
        }
        Json::Array(mut items) => {
            items.sort_by_cached_key(Json::to_string);
            Json::Array(items)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_rules_and_tags_means_nothing() {
        let (a, b) = (
            r#"{"rules":[{"rulePriority":2,"selection":{"tagPrefixList":["b","a"]}},{"rulePriority":1,"description":""}]}"#,
            r#"{"rules":[{"rulePriority":1},{"rulePriority":2,"selection":{"tagPrefixList":["a","b"],"tagPatternList":[]}}]}"#,
        );
        assert_eq!(meaning(a), meaning(b));
        assert_ne!(meaning(a), meaning(&b.replace("\"a\"", "\"c\"")));
        assert!(normal("[]").is_err());
    }
}
