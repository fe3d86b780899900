//! Aliases of keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kms::types::AliasListEntry;

use super::{KmsKey, id};
use crate::aws::{Aws, name};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

/// What names of aliases begin with.
const START: &str = "alias/";

crate::blocks! {
    /// A name for a key. It can be given to another key, and users of it then use that.
    pub struct Alias {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Its name, with `alias/` before it.
        #[attr(chosen, force_new, within(7, 256), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins, `alias/` included; the rest is generated.
        #[attr(chosen, force_new, within(6, 230), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// The ARN of the key.
        #[attr(computed)]
        target_key_arn: Option<String>,
        /// The key.
        #[attr(refers("aws_kms_key.key_id"))]
        target_key_id: KmsKey,
    }
}

impl Resource for Alias {
    const TYPE: &'static str = "aws_kms_alias";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 1000;
    // The key may be so new that not every host of KMS knows it.
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateAlias", code: "NotFoundException", message: "", within: Duration::from_secs(60) },
        Retry { operation: "UpdateAlias", code: "NotFoundException", message: "", within: Duration::from_secs(60) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_kms_key.old]
deletion_window_in_days = 7

[resource.aws_kms_key.new]
deletion_window_in_days = 7

[resource.aws_kms_alias.example]
name = "alias/backups"
target_key_id = "${aws_kms_key.old.key_id}"
---
[resource.aws_kms_key.old]
deletion_window_in_days = 7

[resource.aws_kms_key.new]
deletion_window_in_days = 7

[resource.aws_kms_alias.example]
name = "alias/backups"
target_key_id = "${aws_kms_key.new.arn}"
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        ["name", "name_prefix"].into_iter().filter_map(|attr| misnamed(attr, given.attr(attr).as_str()?)).collect()
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let name = self.named(cx);
        cx.cloud.kms.create_alias().alias_name(&name).target_key_id(&self.target_key_id.0).send().await?;
        Ok(name)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let name = self.named(cx);
        Ok(aliases(cx.cloud).await?.contains_key(&name).then_some(name))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = super::aliases(cx).await?;
        let listed = found.iter().filter_map(|a| {
            let listed = Listed::new(a.alias_name()?).named(a.alias_name()?.strip_prefix(START)).marked("arn", a.alias_arn());
            Some(listed.noise(super::of_aws(a), "of AWS itself"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let all: Arc<HashMap<String, AliasListEntry>> = cx.reads.once("kms:ListAliases", || aliases(cx.cloud)).await?;
        let mut live = vec![];
        for k in known {
            let Some(found) = all.get(&k.id) else { continue };
            let target = found.target_key_id.clone().unwrap_or_default();
            let value = Self {
                arn: found.alias_arn.clone(),
                name: Some(k.id.clone()),
                name_prefix: name::prefix_of(&k.id),
                target_key_arn: Some(cx.cloud.arn("kms", &format!("key/{target}")).await?),
                target_key_id: KmsKey(target),
            };
            live.push(Live { id: k.id.clone(), value });
        }
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if id(&self.target_key_id) != id(&live.value.target_key_id) {
            cx.cloud.kms.update_alias().alias_name(&live.id).target_key_id(&self.target_key_id.0).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.kms.delete_alias().alias_name(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let name = given.split_once(":alias/").map_or_else(|| given.to_owned(), |(_, name)| format!("{START}{name}"));
        match misnamed("name", &name) {
            Some(problem) => {
                Err(Failure::other(format!("`{given}` is not the name of an alias: {}", problem.message))
                    .help("write it like `alias/backups`"))
            }
            None => Ok(name),
        }
    }
}

impl Alias {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        let prefix = self.name_prefix.as_deref().filter(|p| !p.is_empty()).unwrap_or(START);
        name::generate(self.name.as_deref(), Some(prefix), cx.token)
    }
}

fn misnamed(attr: &str, name: &str) -> Option<Problem> {
    let odd = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-')));
    let why = match name {
        "" => return None,
        name if !name.starts_with(START) => format!("the name of an alias begins with `{START}`: `{START}{name}`"),
        name if name.starts_with("alias/aws/") => "names that begin with `alias/aws/` are those of AWS".to_owned(),
        _ => format!("the name of an alias has letters, digits, `/`, `_` and `-`; `{}` is none of them", odd?),
    };
    Some(Problem::new(attr, why))
}

/// All aliases of the region, by name; those of AWS that no key has yet have nothing to name.
async fn aliases(aws: &Aws) -> Outcome<HashMap<String, AliasListEntry>> {
    let mut pages = aws.kms.list_aliases().limit(100).into_paginator().items().send();
    let mut found = HashMap::new();
    while let Some(alias) = pages.next().await {
        let alias = alias.map_err(Failure::from)?;
        if let Some(name) = alias.alias_name.clone().filter(|_| alias.target_key_id.is_some()) {
            found.insert(name, alias);
        }
    }
    Ok(found)
}
