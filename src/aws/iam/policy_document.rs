//! IAM policy documents, written as blocks. Makes no call.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::aws::Aws;
use crate::aws::types::JsonText;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live};

crate::blocks! {
    /// An IAM policy document, written as blocks.
    pub struct PolicyDocument {
        /// The document.
        #[attr(computed)]
        json: Option<String>,
        /// The document without spaces.
        #[attr(computed)]
        minified_json: Option<String>,
        /// A document whose statements replace those of the same `sid`.
        #[attr(deprecated("override_policy_documents"))]
        override_json: Option<JsonText>,
        /// Documents whose statements replace those of the same `sid`.
        override_policy_documents: Vec<JsonText>,
        /// The document's id.
        policy_id: Option<String>,
        /// A document to begin with.
        #[attr(deprecated("source_policy_documents"))]
        source_json: Option<JsonText>,
        /// Documents to begin with; no `sid` may come twice.
        source_policy_documents: Vec<JsonText>,
        /// What is allowed or denied.
        statement: Vec<Statement>,
        /// The version of the policy language.
        #[attr(default_text("2012-10-17"), one_of(&["2008-10-17", "2012-10-17"]))]
        version: Option<String>,
    }

    /// What is allowed or denied to whom, on what and when.
    pub struct Statement {
        /// What may be done.
        actions: BTreeSet<String>,
        /// When the statement holds: all of them must.
        condition: BTreeSet<Condition>,
        /// Whether it allows or denies.
        #[attr(default_text("Allow"), one_of(&["Allow", "Deny"]))]
        effect: Option<String>,
        /// Everything but this may be done.
        not_actions: BTreeSet<String>,
        /// Everyone but these.
        not_principals: BTreeSet<Principal>,
        /// On everything but this.
        not_resources: BTreeSet<String>,
        /// To whom.
        principals: BTreeSet<Principal>,
        /// On what.
        resources: BTreeSet<String>,
        /// Its name within the document.
        sid: Option<String>,
    }

    /// A test of the request.
    pub struct Condition {
        /// How they are compared, `StringEquals`.
        test: String,
        /// With what; one of them must fit.
        #[attr(required)]
        values: Vec<String>,
        /// What is compared, `aws:SourceAccount`.
        variable: String,
    }

    /// Principals of one kind.
    pub struct Principal {
        /// Their ARNs, account numbers or services.
        #[attr(required)]
        identifiers: BTreeSet<String>,
        /// `AWS`, `Service`, `Federated`, `CanonicalUser` or `*`.
        r#type: String,
    }
}

impl DataSource for PolicyDocument {
    const TYPE: &'static str = "aws_iam_policy_document";
    const EXAMPLE: &'static str = r#"
[[data.aws_iam_policy_document.example.statement]]
sid = "EC2"
actions = ["sts:AssumeRole"]
principals = [{ type = "Service", identifiers = ["ec2.amazonaws.com"] }]
condition = [{ test = "StringEquals", variable = "aws:SourceAccount", values = ["123456789012"] }]
"#;
    type Cloud = Aws;

    async fn read(self, _: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let document = self.merged()?;
        let (json, minified) = (text(serde_json::to_string_pretty(&document))?, text(serde_json::to_string(&document))?);
        let mut hash = flate2::Crc::new();
        hash.update(json.as_bytes());
        Ok(Live { id: hash.sum().to_string(), value: Self { json: Some(json), minified_json: Some(minified), ..self } })
    }
}

/// The JSON as Go writes it, which Terraform's provider is made in.
fn text(json: serde_json::Result<String>) -> Outcome<String> {
    let json = json.map_err(|e| Failure::other(e.to_string()))?;
    let escaped = [('&', "\\u0026"), ('<', "\\u003c"), ('>', "\\u003e"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    Ok(escaped.iter().fold(json, |json, (plain, escape)| if json.contains(*plain) { json.replace(*plain, escape) } else { json }))
}

/// The document as it is written, its parts in this order.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Document {
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    statement: Vec<Written>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Written {
    #[serde(skip_serializing_if = "String::is_empty")]
    sid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    effect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_action: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_resource: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_principal: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Json>,
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Written>, D::Error> {
    use serde::de::Error;
    let many = match Json::deserialize(from)? {
        Json::Array(many) => many,
        Json::Null => vec![],
        one => vec![one],
    };
    many.into_iter().map(|s| serde_json::from_value(s).map_err(D::Error::custom)).collect()
}

impl PolicyDocument {
    fn merged(&self) -> Outcome<Document> {
        let mut merged = Document::default();
        if let Some(source) = &self.source_json {
            merged.merge(parse(source, "source_json")?);
        }
        let mut sids = BTreeSet::new();
        for (i, source) in self.source_policy_documents.iter().enumerate() {
            let source = parse(source, &format!("source_policy_documents[{i}]"))?;
            if let Some(twice) = twice(&source, &mut sids) {
                return Err(Failure::other(format!("the sid `{twice}` comes twice in `source_policy_documents`"))
                    .help("leave it out or give each statement its own"));
            }
            merged.merge(source);
        }
        let own = self.own()?;
        if let Some(twice) = twice(&own, &mut BTreeSet::new()) {
            return Err(Failure::other(format!("two statements have the sid `{twice}`")).help("leave it out or give each its own"));
        }
        merged.merge(own);
        for (i, over) in self.override_policy_documents.iter().enumerate() {
            merged.merge(parse(over, &format!("override_policy_documents[{i}]"))?);
        }
        if let Some(over) = &self.override_json {
            merged.merge(parse(over, "override_json")?);
        }
        Ok(merged)
    }

    fn own(&self) -> Outcome<Document> {
        let version = self.version.clone().unwrap_or_else(|| "2012-10-17".into());
        let old = version == "2008-10-17";
        let written = |s: &Statement| {
            Ok(Written {
                sid: s.sid.clone().unwrap_or_default(),
                effect: s.effect.clone().unwrap_or_else(|| "Allow".into()),
                action: set(&s.actions, |a| Ok(a.clone()))?,
                not_action: set(&s.not_actions, |a| Ok(a.clone()))?,
                resource: set(&s.resources, |r| variables(r, old))?,
                not_resource: set(&s.not_resources, |r| variables(r, old))?,
                principal: principals(&s.principals, old)?,
                not_principal: principals(&s.not_principals, old)?,
                condition: conditions(&s.condition, old)?,
            })
        };
        let statement = self.statement.iter().map(written).collect::<Outcome<_>>()?;
        Ok(Document { version, id: self.policy_id.clone().unwrap_or_default(), statement })
    }
}

impl Document {
    /// Adds the other's statements; one of a `sid` that is there already takes its place.
    fn merge(&mut self, other: Self) {
        if !other.id.is_empty() {
            self.id = other.id;
        }
        if other.version > self.version {
            self.version = other.version;
        }
        for statement in other.statement {
            match self.statement.iter_mut().find(|s| !s.sid.is_empty() && s.sid == statement.sid) {
                Some(same) => *same = statement,
                None => self.statement.push(statement),
            }
        }
    }
}

fn twice(document: &Document, sids: &mut BTreeSet<String>) -> Option<String> {
    document.statement.iter().map(|s| &s.sid).find(|sid| !sid.is_empty() && !sids.insert((*sid).clone())).cloned()
}

fn parse(text: &str, name: &str) -> Outcome<Document> {
    if text.trim().is_empty() {
        return Ok(Document::default());
    }
    let mut document: Document =
        serde_json::from_str(text).map_err(|e| Failure::other(format!("`{name}` is not an IAM policy document: {e}")))?;
    for statement in &mut document.statement {
        for principal in [&mut statement.principal, &mut statement.not_principal] {
            *principal = principal.take().and_then(|p| principals_of(&p));
        }
        statement.condition = statement.condition.take().and_then(|c| conditions_of(&c));
    }
    Ok(document)
}

/// One alone stands for itself; several come in descending order, as in the documents of Terraform's provider.
fn flat(mut values: Vec<String>) -> Json {
    values.sort_unstable_by(|a, b| b.cmp(a));
    if values.len() == 1 { values.remove(0).into() } else { values.into() }
}

fn set(values: &BTreeSet<String>, each: impl Fn(&String) -> Outcome<String>) -> Outcome<Option<Json>> {
    let values = values.iter().map(each).collect::<Outcome<Vec<_>>>()?;
    Ok((!values.is_empty()).then(|| flat(values)))
}

/// `&{aws:username}` is IAM's own variable, `${aws:username}`, written so that it is not taken for one of the stack.
fn variables(text: &str, old: bool) -> Outcome<String> {
    if old && text.contains("&{") {
        return Err(Failure::other(format!("`{text}` has a policy variable, which version 2008-10-17 does not know"))
            .help("use version 2012-10-17"));
    }
    Ok(text.replace("&{", "${"))
}

fn principals(all: &BTreeSet<Principal>, old: bool) -> Outcome<Option<Json>> {
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for principal in all {
        let mut ids = principal.identifiers.iter().map(|id| variables(id, old)).collect::<Outcome<Vec<_>>>()?;
        ids.sort_unstable_by(|a, b| b.cmp(a));
        kinds.entry(principal.r#type.as_str()).or_default().extend(ids);
    }
    Ok(written_principals(kinds.into_iter().map(|(kind, ids)| (kind.to_owned(), single(ids))).collect()))
}

fn single(mut values: Vec<String>) -> Json {
    if values.len() == 1 { values.remove(0).into() } else { values.into() }
}

/// `"*"` where that is all there is: trust policies refuse it in place of `{"AWS": "*"}`, so nothing else becomes it.
fn written_principals(kinds: BTreeMap<String, Json>) -> Option<Json> {
    let star = |ids: &Json| ids == "*" || ids.as_array().is_some_and(|ids| ids.len() == 1 && ids[0] == "*");
    match kinds.get("*") {
        Some(ids) if kinds.len() == 1 && star(ids) => Some("*".into()),
        _ if kinds.is_empty() => None,
        _ => Some(Json::Object(kinds.into_iter().collect())),
    }
}

/// Principals of a given document, in the form of our own.
fn principals_of(given: &Json) -> Option<Json> {
    let Json::Object(kinds) = given else { return Some("*".into()) };
    let kinds = kinds.iter().map(|(kind, ids)| {
        let ids = match ids {
            Json::Array(ids) => {
                let mut ids: Vec<String> = ids.iter().map(plain).collect();
                ids.sort_unstable_by(|a, b| b.cmp(a));
                Json::from(ids)
            }
            one => Json::from(plain(one)),
        };
        (kind.clone(), ids)
    });
    written_principals(kinds.collect())
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn conditions(all: &BTreeSet<Condition>, old: bool) -> Outcome<Option<Json>> {
    let mut tests: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for condition in all {
        let values = tests.entry(condition.test.as_str()).or_default().entry(condition.variable.as_str()).or_default();
        for value in &condition.values {
            values.push(variables(value, old)?);
        }
    }
    let keys = |keys: BTreeMap<&str, Vec<String>>| Json::Object(keys.into_iter().map(|(k, v)| (k.to_owned(), single(v))).collect());
    let tests: serde_json::Map<_, _> = tests.into_iter().map(|(test, k)| (test.to_owned(), keys(k))).collect();
    Ok((!tests.is_empty()).then_some(Json::Object(tests)))
}

/// Conditions of a given document, in the form of our own: all values as texts, one alone for itself.
fn conditions_of(given: &Json) -> Option<Json> {
    let Json::Object(tests) = given else { return None };
    let values = |v: &Json| match v {
        Json::Array(values) => single(values.iter().map(plain).collect()),
        one => Json::from(plain(one)),
    };
    let sorted = |keys: &serde_json::Map<String, Json>| {
        let keys: BTreeMap<&String, Json> = keys.iter().map(|(k, v)| (k, values(v))).collect();
        Json::Object(keys.into_iter().map(|(k, v)| (k.clone(), v)).collect())
    };
    let tests: BTreeMap<&String, Json> = tests.iter().filter_map(|(test, keys)| Some((test, sorted(keys.as_object()?)))).collect();
    (!tests.is_empty()).then(|| Json::Object(tests.into_iter().map(|(k, v)| (k.clone(), v)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::schema::Field;
    use crate::words::value::Value;

    fn json(given: &serde_json::Value) -> String {
        let document = PolicyDocument::take(&Value::from_json(given)).expect("a document");
        text(serde_json::to_string_pretty(&document.merged().expect("merges"))).expect("text")
    }

    #[test]
    fn documents_are_written_as_terraform_writes_them() {
        let given = serde_json::json!({"statement": [{
            "actions": ["s3:Get*", "s3:List*"],
            "resources": ["arn:aws:s3:::home/&{aws:username}"],
            "principals": [{"type": "AWS", "identifiers": ["*"]}],
            "condition": [{"test": "StringLike", "variable": "s3:prefix", "values": ["b", "a"]},
                          {"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]}],
        }]});
        assert_eq!(
            json(&given),
            r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "s3:List*",
        "s3:Get*"
      ],
      "Resource": "arn:aws:s3:::home/${aws:username}",
      "Principal": {
        "AWS": "*"
      },
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "true"
        },
        "StringLike": {
          "s3:prefix": [
            "b",
            "a"
          ]
        }
      }
    }
  ]
}"#
        );
    }

    #[test]
    fn later_documents_replace_statements_of_the_same_sid() {
        let given = serde_json::json!({
            "source_policy_documents": [r#"{"Version":"2008-10-17","Statement":{"Sid":"a","Effect":"Allow","Action":["x"]}}"#],
            "statement": [{"sid": "b", "actions": ["y"], "principals": [{"type": "*", "identifiers": ["*"]}]}],
            "override_policy_documents": [r#"{"Id":"i","Statement":[{"Sid":"a","Effect":"Deny","Action":"<&>"}]}"#],
        });
        let json: String = json(&given).split_whitespace().collect();
        assert_eq!(
            json,
            concat!(
                r#"{"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"a","Effect":"Deny","Action":"\u003c\u0026\u003e"},"#,
                r#"{"Sid":"b","Effect":"Allow","Action":"y","Principal":"*"}]}"#
            )
        );
    }
}
