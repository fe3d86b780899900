//! From `.tf.json` to TOML: both spell the same, so that it is written anew, block by block.

use std::sync::Arc;

use super::toml_text::{key, quoted, within};
use crate::stack::{Ordered, labels, ordered};
use crate::words::{Result, Source};

/// The property that Terraform takes for a comment.
const COMMENT: &str = "//";

/// The blocks of one header.
struct Table {
    header: String,
    text: String,
}

/// The text in TOML. It must be JSON that holds an object.
pub(super) fn convert(source: &Arc<Source>) -> Result<String> {
    let mut tables: Vec<Table> = vec![];
    for (word, value) in ordered(source)? {
        if word == COMMENT {
            tables.push(Table { header: String::new(), text: remarks(&value) });
            continue;
        }
        let depth = labels(&word).map_or(0, <[_]>::len);
        leaves(&mut vec![word.clone()], value, depth, &mut tables);
    }
    let mut text = String::new();
    for table in tables {
        text += &format!("{}{}{}\n", table.header, if table.header.is_empty() { "" } else { "\n" }, table.text);
    }
    Ok(super::toml::format(&text))
}

/// The blocks behind that many labels; a list may stand wherever labels or blocks do.
fn leaves(words: &mut Vec<String>, value: Ordered, depth: usize, tables: &mut Vec<Table>) {
    match value {
        Ordered::List(items) => items.into_iter().for_each(|item| leaves(words, item, depth, tables)),
        Ordered::Table(entries) if depth > 0 => {
            for (name, inner) in entries.into_iter().filter(|(name, _)| name != COMMENT) {
                words.push(name);
                leaves(words, inner, depth - 1, tables);
                words.pop();
            }
        }
        Ordered::Table(entries) => {
            let name = words.iter().map(|word| key(word)).collect::<Vec<_>>().join(".");
            let many = matches!(words[0].as_str(), "provider" | "moved" | "import" | "removed");
            let header = if many { format!("[[{name}]]") } else { format!("[{name}]") };
            let text: String = entries.iter().map(|(name, value)| line(name, value)).collect();
            // A table can be there once: what `locals` there are become one.
            match tables.iter_mut().find(|table| !many && table.header == header) {
                Some(known) => known.text += &text,
                None => tables.push(Table { header, text }),
            }
        }
        // No block, which whoever loads it is told.
        other => tables.push(Table { header: String::new(), text: format!("{} = {}\n", key(&words.join(".")), written(&other)) }),
    }
}

fn line(name: &str, value: &Ordered) -> String {
    if name == COMMENT { remarks(value) } else { format!("{} = {}\n", key(name), written(value)) }
}

/// What stands in place of comments, as comments.
fn remarks(value: &Ordered) -> String {
    match value {
        Ordered::Text(text) => text.lines().map(|line| format!("# {line}\n")).collect(),
        Ordered::List(items) => items.iter().map(remarks).collect(),
        other => format!("# {}\n", written(other).replace('\n', " ")),
    }
}

fn written(value: &Ordered) -> String {
    match value {
        Ordered::Null => quoted("${null}"),
        Ordered::Text(text) => quoted(text),
        Ordered::Plain(text) if text.parse::<f64>().is_ok() && text.parse::<i64>().is_err() && !text.contains(['.', 'e', 'E']) => {
            quoted(text)
        }
        Ordered::Plain(text) => text.clone(),
        Ordered::List(items) => within(['[', ']'], &items.iter().map(written).collect::<Vec<_>>(), ""),
        Ordered::Table(entries) => {
            let commented = entries.iter().any(|(name, _)| name == COMMENT);
            let items: Vec<String> = entries
                .iter()
                .filter(|(name, _)| name != COMMENT)
                .map(|(name, value)| format!("{} = {}", key(name), written(value)))
                .collect();
            if commented {
                let remarks: String = entries.iter().filter(|(name, _)| name == COMMENT).map(|(_, value)| remarks(value)).collect();
                return format!("{{\n{remarks}{}\n}}", items.iter().map(|item| format!("{item},\n")).collect::<String>().trim_end());
            }
            within(['{', '}'], &items, " ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_tables() {
        let text = r#"{"//": "first", "locals": [{"a": 1, "b": null}, {"c": [1.5, "x\ny"]}],
            "provider": {"aws": [{"region": "a"}, {"alias": "w", "region": "b"}]},
            "resource": [{"t_x": {"one": {"//": "why", "input": "${local.a}", "lifecycle": {"ignore_changes": ["input"]}}}}],
            "moved": {"from": "a.b", "to": "a.c"}}"#;
        let made = convert(&Source::new("x.tf.json", text)).unwrap();
        assert_eq!(
            made,
            "# first\n\n[locals]\na = 1\nb = \"${null}\"\nc = [\n    1.5,\n    '''\nx\ny''',\n]\n\n[[provider.aws]]\nregion = \"a\"\n\n[[provider.aws]]\nalias = \"w\"\nregion = \"b\"\n\n[resource.t_x.one]\n# why\ninput = \"${local.a}\"\nlifecycle = { ignore_changes = [\"input\"] }\n\n[[moved]]\nfrom = \"a.b\"\nto = \"a.c\"\n"
        );
    }
}
