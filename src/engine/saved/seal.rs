//! Secrets and their fingerprints: what a kept plan holds of a secret is a hash that only the same secret has.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::words::Value;
use crate::words::value::Step;

/// What a fingerprint begins with, so that whoever meets one knows what it stands for.
const WORDS: &str = "(sensitive value, sha256 ";

/// The shortest text of which a secret is suspected to be made.
const TELLING: usize = 8;

/// What is hashed along with every secret of one plan, so that nobody can look hashes up and no two plans can be compared.
pub(super) fn salt() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

/// What is told of those bytes.
pub(super) fn fingerprint(salt: &str, bytes: &[u8]) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(bytes).finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{WORDS}{hex})")
}

fn print_of(salt: &str, value: &Value) -> String {
    fingerprint(salt, value.to_json().to_string().as_bytes())
}

/// The same with a fingerprint in place of everything sensitive. Of a secret that is partly unknown not even that is told; nothing is no
/// secret.
pub(super) fn seal(value: &Value, salt: &str) -> Value {
    match value {
        Value::Marked(_, inner) if inner.is_null() || inner.is_unknown() => value.clone(),
        Value::Marked(_, inner) if !inner.is_known() => Value::unknown().sensitive(),
        Value::Marked(_, inner) => Value::from(print_of(salt, inner)).sensitive(),
        // An element of a set has no place by which it could be found again.
        Value::Set(_) if value.has_sensitive() => seal(&value.clone().sensitive(), salt),
        _ if value.has_sensitive() => value.map_children(&mut |_, child| seal(child, salt)),
        _ => value.clone(),
    }
}

/// Whether some secret is sealed in it: in a kept plan any sensitive text is a fingerprint.
pub(super) fn is_sealed(value: &Value) -> bool {
    value.any(&|v| matches!(v, Value::Marked(_, inner) if matches!(**inner, Value::String(_))))
}

/// The same with nothing known of secrets.
pub(super) fn blank(value: &Value) -> Value {
    match value {
        Value::Marked(_, _) if is_sealed(value) => Value::unknown().sensitive(),
        _ => value.map_children(&mut |_, child| blank(child)),
    }
}

/// The value with its secrets out of those that are known; each has to lie where it lay, and to be the very same. Otherwise the path of
/// one that is in none of them.
pub(super) fn open(value: &Value, known: &[&Value], salt: &str) -> Result<Value, String> {
    if let Value::Marked(_, inner) = value {
        let Value::String(print) = inner.as_ref() else { return Ok(value.clone()) };
        let found = known.iter().find(|known| known.is_known() && *print_of(salt, known) == **print);
        return found.map(|found| found.bare().clone().sensitive()).ok_or_else(String::new);
    }
    let mut missing = None;
    let opened = value.map_children(&mut |step, child| {
        let below: Vec<&Value> = known.iter().filter_map(|known| at(known, step)).collect();
        open(child, &below, salt).unwrap_or_else(|path| {
            missing.get_or_insert_with(|| joined(step, &path));
            child.clone()
        })
    });
    missing.map_or(Ok(opened), Err)
}

fn at<'a>(value: &'a Value, step: Step<'_>) -> Option<&'a Value> {
    match step {
        Step::Name(name) => value.get(name),
        Step::Index(index) => value.items().get(index),
    }
}

fn joined(step: Step<'_>, path: &str) -> String {
    let step = match step {
        Step::Name(name) => name.to_owned(),
        Step::Index(index) => index.to_string(),
    };
    if path.is_empty() { step } else { format!("{step}.{path}") }
}

/// All texts and numbers that are open to whoever sees the value.
pub(super) fn collect_open(value: &Value, open: &mut BTreeSet<String>) {
    match value {
        Value::Marked(_, _) => {}
        Value::String(text) => drop(open.insert(text.to_string())),
        Value::Number(number) => drop(open.insert(number.to_string())),
        other => {
            let entries = other.entries().into_iter().flatten().map(|(_, value)| value);
            other.items().iter().chain(entries).for_each(|value| collect_open(value, open));
        }
    }
}

/// What can tell a secret when it stands in a file: the secret as it is, as a string of TOML or JSON spells it, and in base64.
pub(super) fn spellings(secrets: &[String]) -> Vec<String> {
    let mut all: Vec<String> = secrets.to_vec();
    for secret in secrets {
        let quoted = serde_json::Value::from(secret.as_str()).to_string();
        all.extend([quoted[1..quoted.len() - 1].to_owned(), STANDARD.encode(secret)]);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether the file tells one of those secrets, or one of them was made of all that the file says.
pub(super) fn tells(bytes: &[u8], spellings: &[String]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let whole = text.trim();
    spellings.iter().any(|secret| text.contains(secret.as_str()) || (whole.len() >= TELLING && secret.contains(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Value {
        let rules = Value::set([Value::object([("key", Value::from("in a set").sensitive())])]);
        Value::object([
            ("name", Value::from("web")),
            ("password", Value::from("hunter2").sensitive()),
            ("none", Value::Null.sensitive()),
            ("later", Value::unknown().sensitive()),
            ("partly", Value::object([("a", Value::from("told")), ("b", Value::unknown())]).sensitive()),
            ("nested", Value::list([Value::object([("pins", Value::list([Value::from(4711)]).sensitive())])])),
            ("rules", rules),
        ])
    }

    #[test]
    fn what_is_sealed_tells_nothing_and_opens_with_the_same_secrets_alone() {
        let sealed = seal(&config(), "salt");
        let text = format!("{sealed:?}");
        for secret in ["hunter2", "4711", "in a set", "told"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(sealed.attr("name"), &Value::from("web"));
        assert!(sealed.attr("none").is_null() && sealed.attr("later").is_unknown() && sealed.attr("partly").is_unknown());
        assert!(is_sealed(&sealed) && !is_sealed(&blank(&sealed)) && !is_sealed(&Value::Null.sensitive()));
        let opened = open(&sealed, &[&Value::Null, &config().bare_deep()], "salt").unwrap();
        assert_eq!(opened.attr("password"), &Value::from("hunter2").sensitive());
        assert_eq!(opened.bare_deep().attr("rules"), config().bare_deep().attr("rules"));
        assert_eq!(opened.attr("nested"), config().attr("nested"));
        let other = config().with("nested", Value::list([Value::object([("pins", Value::list([Value::from(4712)]))])]));
        assert_eq!(open(&sealed, &[&other], "salt"), Err("nested.0.pins".into()));
        assert!(open(&sealed, &[&config()], "other salt").is_err());
    }

    #[test]
    fn files_that_hold_secrets_are_told_from_others() {
        let spellings = spellings(&["one \"two\"\nthree".into()]);
        for text in ["x = '''one \"two\"\nthree'''", r#"x = "one \"two\"\nthree""#, "b25lICJ0d28iCnRocmVl", "\"two\"\nthree\n"] {
            assert!(tells(text.as_bytes(), &spellings), "{text}");
        }
        for text in ["one", "two\n", "one two three"] {
            assert!(!tells(text.as_bytes(), &spellings), "{text}");
        }
    }
}
