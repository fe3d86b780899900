//! Blocks that nobody wrote: for what is imported without one.

use std::fmt::Write as _;

use super::toml_text::{key, quoted, within};
use crate::stack::Spelling;
use crate::words::resource::Registry;
use crate::words::{Address, Result, Value};
use serde_json::Value as Json;

/// A block that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Unwritten<'a> {
    /// Its address, in the root module and without a key.
    pub address: &'a Address,
    /// By which id it was found.
    pub id: &'a str,
    /// The configuration of its provider, where it is not the plain one: `aws.west`.
    pub provider: Option<&'a str>,
    /// Its arguments, an object; nested blocks are tuples of objects.
    pub arguments: &'a Value,
    /// Arguments that are not shown.
    pub hidden: &'a [String],
}

/// The text of a file with these blocks, in TOML or as `.tf`.
pub fn written(blocks: &[Unwritten<'_>], spelling: Spelling, registry: &Registry) -> Result<String> {
    let mut text = String::from("# Written by ferroform of what is imported. Look through it, and move it to where it belongs.\n");
    blocks.iter().for_each(|block| table(block, &mut text));
    let text = super::toml::format(&text);
    if spelling == Spelling::Tf { super::to_tf("generated.toml", &text, registry) } else { Ok(text) }
}

/// The text of `import` blocks, in TOML: the address that each gets, its id, and the configuration of its provider where that is not the
/// plain one.
#[must_use]
pub fn imports(asked: &[(String, String, Option<String>)]) -> String {
    let mut text = String::from("# They have done their work once they are applied, and can go.\n");
    for (address, id, provider) in asked {
        let _ = write!(text, "\n[[import]]\nto = {}\nid = {}\n", quoted(address), quoted(&escaped(id)));
        if let Some(provider) = provider {
            let _ = writeln!(text, "provider = {}", quoted(provider));
        }
    }
    super::toml::format(&text)
}

fn table(block: &Unwritten<'_>, text: &mut String) {
    let Unwritten { address, id, provider, arguments, hidden } = block;
    let _ = write!(text, "\n# Imported from {}\n[resource.{}.{}]\n", id.escape_debug(), key(&address.kind), key(&address.name));
    for name in *hidden {
        let _ = writeln!(text, "# {name}: secret, or known by nothing but a hash. Give it, or leave it as it is.");
    }
    if let Some(provider) = provider {
        let _ = writeln!(text, "provider = {}", quoted(provider));
    }
    for (name, argument) in arguments.entries().into_iter().flatten() {
        let _ = writeln!(text, "{} = {}", key(name), value(argument));
    }
}

/// What stands for a text where an expression is expected.
fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

fn value(of: &Value) -> String {
    match of.bare() {
        Value::Null | Value::Unknown(_) => "\"${null}\"".into(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => number(&n.to_string()),
        Value::String(text) => match document(text) {
            Some(json) => quoted(&format!("${{jsonencode({})}}", expression(&json, 0))),
            None => quoted(&escaped(text)),
        },
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            within(['[', ']'], &items.iter().map(value).collect::<Vec<_>>(), "")
        }
        Value::Map(items) | Value::Object(items) => {
            let entries: Vec<String> = items.iter().map(|(name, v)| format!("{} = {}", key(&escaped(name)), value(v))).collect();
            within(['{', '}'], &entries, " ")
        }
        Value::Marked(_, _) | Value::Typed(_) => String::new(),
    }
}

/// A number that TOML can write, else the text that becomes it.
fn number(text: &str) -> String {
    if text.parse::<i64>().is_ok() || (text.contains('.') && text.parse::<f64>().is_ok()) { text.to_owned() } else { quoted(text) }
}

/// A text that is a JSON document.
fn document(text: &str) -> Option<Json> {
    let json: Json = text.trim_start().starts_with(['{', '[']).then(|| serde_json::from_str(text).ok())??;
    let empty = json.as_object().is_some_and(serde_json::Map::is_empty) || json.as_array().is_some_and(Vec::is_empty);
    (!empty).then_some(json)
}

/// A document as an expression of Terraform's.
fn expression(json: &Json, depth: usize) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match json {
        Json::String(text) => string(text),
        Json::Array(items) if items.is_empty() => "[]".into(),
        Json::Object(items) if items.is_empty() => "{}".into(),
        Json::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) && items.len() < 4 => {
            format!("[{}]", items.iter().map(|item| expression(item, depth)).collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => {
            let lines: String = items.iter().map(|item| format!("{inner}{},\n", expression(item, depth + 1))).collect();
            format!("[\n{lines}{outer}]")
        }
        Json::Object(items) => {
            let name = |text: &str| {
                let plain =
                    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if plain { text.to_owned() } else { string(text) }
            };
            let lines: String = items.iter().map(|(k, v)| format!("{inner}{} = {}\n", name(k), expression(v, depth + 1))).collect();
            format!("{{\n{lines}{outer}}}")
        }
        other => other.to_string(),
    }
}

/// A text as an expression has it.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in escaped(text).chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Registry = Registry { providers: &[], resources: &[], data: &[] };

    #[test]
    fn a_block_is_written_as_one_would_write_it() {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"${x}"}]}"#;
        let arguments = Value::object([
            ("name", Value::from("a \"b\" ${c}")),
            ("policy", Value::from(policy)),
            ("tags", Value::map([("Owner", Value::from("me")), ("a b", Value::from("c"))])),
            ("ports", Value::list([Value::from(1), Value::from(2)])),
        ]);
        let address = "terraform_data.x".parse().unwrap();
        let block =
            Unwritten { address: &address, id: "i-1\n", provider: Some("aws.west"), arguments: &arguments, hidden: &["secret".into()] };
        let text = written(&[block], Spelling::Toml, &NOTHING).unwrap();
        assert_eq!(
            text,
            r#"# Written by ferroform of what is imported. Look through it, and move it to where it belongs.

# Imported from i-1\n
[resource.terraform_data.x]
# secret: secret, or known by nothing but a hash. Give it, or leave it as it is.
provider = "aws.west"
name = 'a "b" $${c}'
policy = '''
${jsonencode({
  Statement = [
    {
      Action = "s3:*"
      Effect = "Allow"
      Resource = "$${x}"
    },
  ]
  Version = "2012-10-17"
})}'''
ports = [1, 2]
tags = { Owner = "me", "a b" = "c" }
"#
        );
        let tf = written(&[block], Spelling::Tf, &NOTHING).unwrap();
        assert!(tf.contains("resource \"terraform_data\" \"x\" {") && tf.contains("provider = aws.west"), "{tf}");
    }
}
