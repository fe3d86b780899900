//! `random_uuid`.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::local::{forgotten, made_here};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource};

crate::blocks! {
    /// A random UUID (version 4).
    pub struct RandomUuid {
        /// Any values; a change of one makes a new UUID.
        #[attr(force_new)]
        keepers: BTreeMap<String, String>,
        /// The UUID; also the id.
        #[attr(computed)]
        result: Option<String>,
    }
}

impl Resource for RandomUuid {
    const TYPE: &'static str = "random_uuid";
    const EXAMPLE: &'static str = r#"
[resource.random_uuid.example]
keepers = { release = "1" }
---
[resource.random_uuid.example]
keepers = { release = "1" }
"#;

    made_here!();
    forgotten!();

    async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
        let id = have.map_or_else(|| Uuid::new_v4().to_string(), |live| live.id.clone());
        Ok(Live { value: Self { result: Some(id.clone()), ..self.clone() }, id })
    }

    async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let imported = |id: &str| Self { keepers: BTreeMap::new(), result: Some(id.to_owned()) };
        let live = |k: &Known<Self>| Live { id: k.id.clone(), value: k.prior.clone().unwrap_or_else(|| imported(&k.id)) };
        Ok(known.iter().map(live).collect())
    }

    async fn import(_cx: &Cx<'_, Self::Cloud>, given: &str) -> Outcome<Id> {
        let uuid = Uuid::parse_str(given).map_err(|e| Failure::other(format!("`{given}` is no UUID: {e}")))?;
        Ok(uuid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::{made, with};

    #[tokio::test]
    async fn the_uuid_is_the_id() {
        let live = made(RandomUuid { keepers: BTreeMap::new(), result: None }).await;
        assert_eq!(live.value.result.as_ref(), Some(&live.id));
        let taken = with(async |cx| RandomUuid::import(cx, &live.id.to_uppercase()).await).await;
        assert_eq!(taken.unwrap(), live.id);
        assert!(with(async |cx| RandomUuid::import(cx, "none").await.is_err()).await);
    }
}
