//! `random_string`.

use std::collections::BTreeMap;

use super::text::{self, LONGEST, Rules};
use crate::local::{forgotten, made_here};
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource};

crate::blocks! {
    /// A random text that is no secret, such as a suffix that makes a name unique. For a secret use `random_password`.
    pub struct RandomString {
        /// Any values; a change of one makes a new text.
        #[attr(force_new)]
        keepers: BTreeMap<String, String>,
        /// How many characters.
        #[attr(force_new, within(1, LONGEST))]
        length: i64,
        /// Whether it may have lower-case letters.
        #[attr(force_new, default_bool(true))]
        lower: bool,
        /// Whether it may have upper-case letters.
        #[attr(force_new, default_bool(true))]
        upper: bool,
        /// Whether it may have digits; by default it may.
        #[attr(force_new, chosen)]
        numeric: Option<bool>,
        /// The old name of `numeric`.
        #[attr(force_new, chosen, deprecated("numeric"))]
        number: Option<bool>,
        /// Whether it may have special characters: `!@#$%&*()-_=+[]{}<>:?`, or those of `override_special`.
        #[attr(force_new, default_bool(true))]
        special: bool,
        /// The special characters to draw from in place of the usual ones.
        #[attr(force_new)]
        override_special: Option<String>,
        /// The least number of lower-case letters.
        #[attr(force_new, default_int(0), within(0, LONGEST))]
        min_lower: i64,
        /// The least number of upper-case letters.
        #[attr(force_new, default_int(0), within(0, LONGEST))]
        min_upper: i64,
        /// The least number of digits.
        #[attr(force_new, default_int(0), within(0, LONGEST))]
        min_numeric: i64,
        /// The least number of special characters.
        #[attr(force_new, default_int(0), within(0, LONGEST))]
        min_special: i64,
        /// The text; also the id.
        #[attr(computed)]
        result: Option<String>,
    }
}

impl RandomString {
    /// What is assumed of a text that is imported.
    fn of(text: &str) -> Self {
        Self {
            keepers: BTreeMap::new(),
            length: i64::try_from(text.chars().count()).unwrap_or(i64::MAX),
            lower: true,
            upper: true,
            numeric: Some(true),
            number: Some(true),
            special: true,
            override_special: None,
            min_lower: 0,
            min_upper: 0,
            min_numeric: 0,
            min_special: 0,
            result: Some(text.to_owned()),
        }
    }

    /// With what older versions of the state lack.
    fn filled(mut self) -> Self {
        let digits = self.numeric.or(self.number).unwrap_or(true);
        (self.numeric, self.number) = (Some(digits), Some(digits));
        self
    }
}

impl Resource for RandomString {
    const TYPE: &'static str = "random_string";
    const SCHEMA_VERSION: u64 = 2;
    const EXAMPLE: &'static str = r"
[resource.random_string.example]
length = 8
upper = false
special = false
min_numeric = 1
---
[resource.random_string.example]
length = 8
upper = false
special = false
min_numeric = 1
";

    made_here!();
    forgotten!();

    async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
        let want = self.clone().filled();
        let digits = want.numeric.unwrap_or(true);
        let classes =
            [(want.lower, want.min_lower), (want.upper, want.min_upper), (digits, want.min_numeric), (want.special, want.min_special)];
        let result = match have {
            Some(live) => live.id.clone(),
            None => Rules::new(want.length, classes, want.override_special.as_deref()).draw()?,
        };
        Ok(Live { id: result.clone(), value: Self { result: Some(result), ..want } })
    }

    async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let live = |k: &Known<Self>| {
            let value = k.prior.clone().map_or_else(|| Self::of(&k.id), Self::filled);
            Live { id: k.id.clone(), value }
        };
        Ok(known.iter().map(live).collect())
    }

    fn check(given: &Value) -> Vec<Problem> {
        text::check(given)
    }
    fn plan(planned: &mut Planned<'_>) {
        text::plan(planned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::{made, with};

    #[tokio::test]
    async fn the_text_is_the_id() {
        let live = made(RandomString { special: false, ..RandomString::of("eight888") }).await;
        assert_eq!(live.value.result.as_ref(), Some(&live.id));
        assert!(live.id.len() == 8 && live.id.chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[tokio::test]
    async fn a_text_can_be_imported() {
        let known = Known { id: "abc".into(), prior: None };
        let found = with(async |cx| RandomString::read(cx, &[known]).await.unwrap()).await;
        assert_eq!((found[0].id.as_str(), found[0].value.length), ("abc", 3));
    }
}
