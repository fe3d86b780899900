//! ECS speaks JSON, and its JSON has the shape of our blocks but for the spelling of names: blocks go out and come in by their
//! schema, and what a user writes as JSON (container definitions) goes through as it is, whatever ECS has learned since.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::{Map, Value as Json};

use crate::aws::error::lacking;
use crate::words::failure::{Failure, Outcome};
use crate::words::schema::{Attr, Block, Field, Kind};
use crate::words::value::Value;

/// Makes a call with that body, and gives the body of the answer.
macro_rules! call {
    ($call:expr, $body:expr) => {{
        let (text, answer) = ($body.to_string(), $crate::aws::ecs::wire::Answer::default());
        let call = $call.customize().mutate_request(move |request| $crate::aws::ecs::wire::put(request, &text));
        match call.interceptor(answer.clone()).send().await {
            Ok(_) => answer.json(),
            Err(error) => Err($crate::words::failure::Failure::from(error)),
        }
    }};
}
pub(super) use call;

/// Names that are not those of our attributes in camel case.
const NAMES: &[(&str, &str)] = &[
    ("client_alias", "clientAliases"),
    ("configure_at_launch", "configuredAtLaunch"),
    ("device_name", "deviceName"),
    ("elb_name", "loadBalancerName"),
    ("file_system_type", "filesystemType"),
    ("issuer_cert_authority", "issuerCertificateAuthority"),
    ("s3_bucket_encryption_enabled", "s3EncryptionEnabled"),
    ("secret_option", "secretOptions"),
    ("service", "services"),
    ("size_in_gb", "sizeInGiB"),
    ("size_in_gib", "sizeInGiB"),
];

/// Those of which ECS has a list where we have a block that may appear once.
const MANY: &[&str] = &["client_alias"];

/// The body of an answer, as it came.
#[derive(Clone, Debug, Default)]
pub struct Answer(Arc<Mutex<Option<Json>>>);

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "Answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let json = context.response().body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = json;
        Ok(())
    }
}

impl Answer {
    /// What came.
    pub fn json(&self) -> Outcome<Json> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(|| lacking("JSON"))
    }
}

/// Puts that text in the place of a request's own body.
pub fn put(request: &mut HttpRequest, text: &str) {
    request.headers_mut().insert("content-length", text.len().to_string());
    *request.body_mut() = SdkBody::from(text);
}

fn name_of(attr: &Attr) -> String {
    if let Some((_, theirs)) = NAMES.iter().find(|(ours, _)| *ours == attr.name) {
        return (*theirs).to_owned();
    }
    let mut words = attr.name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}

/// A block as ECS has it, without what is not given.
pub fn json<T: Block + Field>(block: &T) -> Json {
    object(T::ATTRS, &block.give())
}

/// Blocks as ECS has them.
pub fn list<'a, T: Block + Field + 'a>(blocks: impl IntoIterator<Item = &'a T>) -> Json {
    blocks.into_iter().map(json).collect()
}

fn object(attrs: &[Attr], value: &Value) -> Json {
    let parts = attrs.iter().filter_map(|attr| {
        let of = value.attr(attr.name);
        let absent = of.is_null() || (of.as_bool().is_none() && of.as_number().is_none() && of.is_empty());
        let json = match (attr.block(), attr.kind) {
            _ if absent => return None,
            (Some(nested), _) if attr.max_items == 1 && !MANY.contains(&attr.name) => object(nested, of.items().first()?),
            (Some(nested), _) => of.items().iter().map(|item| object(nested, item)).collect(),
            (_, Kind::Map(_)) if attr.name == "tags" || attr.name == "properties" => pairs(attr.name, of),
            _ => of.to_json(),
        };
        Some((name_of(attr), json))
    });
    Json::Object(parts.collect())
}

/// A map as ECS's list of pairs.
fn pairs(name: &str, map: &Value) -> Json {
    let key = if name == "tags" { "key" } else { "name" };
    let pairs = map.entries().into_iter().flatten();
    pairs.map(|(k, v)| Json::Object(Map::from_iter([(key.to_owned(), Json::from(&**k)), ("value".into(), v.to_json())]))).collect()
}

/// A block out of ECS's answer.
pub fn block<T: Block + Field>(json: &Json) -> Outcome<T> {
    T::take(&value(T::ATTRS, json)).map_err(|e| Failure::other(format!("the answer is not what ECS promises: {e}")))
}

/// A block that need not be there.
pub fn some<T: Block + Field>(json: &Json) -> Outcome<Option<T>> {
    if json.as_object().is_some_and(|o| !o.is_empty()) { block(json).map(Some) } else { Ok(None) }
}

/// Blocks out of ECS's answer.
pub fn blocks<T: Block + Field, C: FromIterator<T>>(json: &Json) -> Outcome<C> {
    json.as_array().into_iter().flatten().map(block).collect()
}

fn value(attrs: &[Attr], json: &Json) -> Value {
    Value::object(attrs.iter().map(|attr| {
        let of = &json[name_of(attr)];
        let value = match (attr.block(), attr.kind) {
            (Some(nested), _) => {
                let one = std::slice::from_ref(of);
                let items = of.as_array().map_or(if of.is_object() { one } else { &[] }, Vec::as_slice);
                Value::list(items.iter().map(|item| value(nested, item)))
            }
            (_, Kind::Map(_)) if of.is_array() => {
                let pairs = of.as_array().into_iter().flatten();
                Value::map(pairs.filter_map(|p| Some((p["key"].as_str().or(p["name"].as_str())?, Value::from_json(&p["value"])))))
            }
            _ => Value::from_json(of),
        };
        (attr.name, value)
    }))
}

/// A text of an answer; none where it is empty.
pub fn text(json: &Json) -> Option<String> {
    json.as_str().filter(|t| !t.is_empty()).map(str::to_owned)
}

/// Texts of an answer.
pub fn texts<C: FromIterator<String>>(json: &Json) -> C {
    json.as_array().into_iter().flatten().filter_map(|t| t.as_str().map(str::to_owned)).collect()
}

/// Items of an answer.
pub fn items(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    crate::blocks! {
        /// A volume.
        struct Volume {
            /// Its name.
            name: String,
            /// Whether tasks bring it.
            configure_at_launch: Option<bool>,
            /// Where it lies.
            efs_volume_configuration: Option<Efs>,
        }
        /// A file system.
        struct Efs {
            /// Its id.
            file_system_id: String,
            /// The port.
            transit_encryption_port: Option<i64>,
        }
    }

    #[test]
    fn blocks_go_out_and_come_in() {
        let efs = Efs { file_system_id: "fs-1".into(), transit_encryption_port: Some(2049) };
        let volume = Volume { name: "data".into(), configure_at_launch: Some(false), efs_volume_configuration: Some(efs) };
        let wire = json!({
            "name": "data",
            "configuredAtLaunch": false,
            "efsVolumeConfiguration": { "fileSystemId": "fs-1", "transitEncryptionPort": 2049 },
        });
        assert_eq!(json(&volume), wire);
        assert_eq!(block::<Volume>(&wire), Ok(volume));
        assert!(block::<Volume>(&json!({})).is_err(), "a volume has a name");
    }
}
