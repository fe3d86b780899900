//! `terraform_data`: a value that lives in the state.

use crate::local::{forgotten, made_here};
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Resource};
use crate::words::value::Type;

crate::blocks! {
    /// A value that lives in the state: carries provisioners, gives other resources something to be replaced by, and hands its input on.
    pub struct TerraformData {
        /// Any value; `output` becomes the same.
        input: Value,
        /// Any value; a change of it replaces the resource, and with it what names it in `replace_triggered_by`.
        #[attr(force_new)]
        triggers_replace: Value,
        /// What `input` was when the resource was last made or changed.
        #[attr(computed)]
        output: Value,
    }
}

impl Resource for TerraformData {
    const TYPE: &'static str = "terraform_data";
    const EXAMPLE: &'static str = r#"
[resource.terraform_data.example]
input = { release = "2026-01", hosts = ["a", "b"] }
triggers_replace = ["v1"]
---
[resource.terraform_data.example]
input = "another shape altogether"
triggers_replace = ["v1"]
"#;

    made_here!();
    forgotten!();

    async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
        let id = have.map_or_else(|| uuid::Uuid::new_v4().to_string(), |live| live.id.clone());
        Ok(Live { id, value: Self { output: self.input.clone(), ..self.clone() } })
    }

    async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let empty = Self { input: Value::Null, triggers_replace: Value::Null, output: Value::Null };
        let live = |k: &Known<Self>| Live { id: k.id.clone(), value: k.prior.clone().unwrap_or_else(|| empty.clone()) };
        Ok(known.iter().map(live).collect())
    }

    fn plan(planned: &mut Planned<'_>) {
        let input = planned.want.attr("input").clone();
        let same = planned.prior.filter(|_| planned.changed.iter().all(|path| path != "input" && !path.starts_with("input.")));
        let replaced = planned.changed.iter().any(|path| path == "triggers_replace" || path.starts_with("triggers_replace."));
        let output = match same {
            Some(prior) if !replaced => prior.attr("output").clone(),
            // What becomes null while it stays is said to be known later, and what begins as null is not.
            _ if input.is_null() && (replaced || planned.prior.is_none()) => input.clone(),
            _ => Value::Unknown(shape(&input).into()).sensitive_if(input.has_sensitive()),
        };
        *planned.want = std::mem::take(planned.want).with("output", output);
    }
}

/// The type of a value that is not to be known; a marked one keeps its shape to itself.
fn shape(value: &Value) -> Type {
    if value.is_sensitive() { Type::Any } else { value.type_of() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::{made, read, with};
    use crate::words::schema::Block;

    fn data(input: Value) -> TerraformData {
        TerraformData { input, triggers_replace: Value::Null, output: Value::Null }
    }

    #[tokio::test]
    async fn the_output_is_the_input_and_the_id_stays() {
        let first = made(data(Value::from("a"))).await;
        assert_eq!(first.value.output, Value::from("a"));
        let next = with(async |cx| data(Value::from(2)).generate(cx, Some(&first)).await.unwrap()).await;
        assert_eq!((next.id, next.value.output), (first.id, Value::from(2)));
    }

    #[tokio::test]
    async fn any_id_can_be_imported() {
        let known = Known { id: "mine".into(), prior: None };
        let found = with(async |cx| TerraformData::read(cx, &[known]).await.unwrap()).await;
        assert_eq!(found[0].id, "mine");
        assert!(read(&found[0]).await.is_some());
    }

    fn planned(prior: Option<&Value>, want: Value, changed: &[&str]) -> Value {
        let mut want = want;
        let changed: Vec<_> = changed.iter().map(|&c| c.to_owned()).collect();
        TerraformData::plan(&mut Planned::new(prior, &mut want, &changed));
        want.attr("output").clone()
    }

    #[test]
    fn the_output_is_unknown_only_when_the_input_changes() {
        let prior = Value::object([("input", Value::from("a")), ("output", Value::from("a"))]);
        assert_eq!(planned(Some(&prior), prior.clone(), &[]), Value::from("a"));
        assert!(planned(Some(&prior), Value::object([("input", Value::from("b"))]), &["input"]).is_unknown());
        assert!(planned(Some(&prior), Value::object([("input", Value::Null)]), &["input"]).is_unknown());
        assert!(planned(Some(&prior), prior.clone(), &["triggers_replace"]).is_unknown());
        assert_eq!(planned(None, Value::object([("input", Value::Null)]), &[]), Value::Null);
        assert!(planned(None, Value::object([("input", Value::from("b"))]), &[]).is_unknown());
    }

    #[test]
    fn triggers_of_any_type_replace() {
        assert!(TerraformData::ATTRS.iter().any(|a| a.name == "triggers_replace" && a.force_new));
    }
}
