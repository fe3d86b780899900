//! `random_password`.

use std::collections::BTreeMap;

use super::text::{self, LONGEST, Rules};
use crate::local::{blocking, forgotten, made_here};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource};

crate::blocks! {
    /// A random password, drawn once with the operating system's cryptographic generator and kept in the state.
    pub struct RandomPassword {
        /// Any values; a change of one makes a new password.
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
        /// The password.
        #[attr(computed, sensitive)]
        result: Option<String>,
        /// Its bcrypt hash, of the first 72 bytes.
        #[attr(computed, sensitive)]
        bcrypt_hash: Option<String>,
    }
}

/// The id of each of them, since an id that tells them apart would tell something of the password.
const NONE: &str = "none";

impl RandomPassword {
    /// What is assumed of a password that is imported.
    fn of(password: &str) -> Self {
        Self {
            keepers: BTreeMap::new(),
            length: i64::try_from(password.chars().count()).unwrap_or(i64::MAX),
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
            result: Some(password.to_owned()),
            bcrypt_hash: None,
        }
    }

    fn draw(&self) -> Outcome<String> {
        let digits = self.numeric.or(self.number).unwrap_or(true);
        let classes =
            [(self.lower, self.min_lower), (self.upper, self.min_upper), (digits, self.min_numeric), (self.special, self.min_special)];
        Rules::new(self.length, classes, self.override_special.as_deref()).draw()
    }

    /// With what older versions of the state lack.
    fn filled(mut self) -> Outcome<Self> {
        let digits = self.numeric.or(self.number).unwrap_or(true);
        (self.numeric, self.number) = (Some(digits), Some(digits));
        if let (Some(password), None) = (&self.result, &self.bcrypt_hash) {
            self.bcrypt_hash = Some(hash(password)?);
        }
        Ok(self)
    }
}

/// Of the version and cost that Terraform's provider uses.
fn hash(password: &str) -> Outcome<String> {
    let made = bcrypt::hash_with_result(password, 10).map_err(|e| Failure::other(format!("the password cannot be hashed: {e}")))?;
    Ok(made.format_for_version(bcrypt::Version::TwoA))
}

impl Resource for RandomPassword {
    const TYPE: &'static str = "random_password";
    const SCHEMA_VERSION: u64 = 3;
    const EXAMPLE: &'static str = r#"
[resource.random_password.example]
length = 24
min_upper = 2
min_numeric = 2
override_special = "-_.~"
keepers = { rotation = "2026-01" }
---
[resource.random_password.example]
length = 24
min_upper = 2
min_numeric = 2
override_special = "-_.~"
keepers = { rotation = "2026-01" }
"#;

    made_here!();
    forgotten!();

    async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
        let kept = have.and_then(|live| Some((live.value.result.clone()?, live.value.bcrypt_hash.clone()?)));
        let want = self.clone();
        let value = blocking(move || {
            let (result, bcrypt_hash) = match kept {
                Some((result, hash)) => (result, Some(hash)),
                None => (want.draw()?, None),
            };
            Self { result: Some(result), bcrypt_hash, ..want }.filled()
        });
        Ok(Live { id: NONE.into(), value: value.await? })
    }

    async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut live = vec![];
        for Known { id, prior } in known {
            let value = match prior {
                Some(value) => value.clone(),
                // Without a password to keep, a new one would silently take its place.
                None if id == NONE => return Err(Failure::other("the state of this random_password lacks what it was made of")),
                None => Self::of(id),
            };
            let value = blocking(move || value.filled()).await?;
            live.push(Live { id: NONE.into(), value });
        }
        Ok(live)
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
    use crate::local::tests::{made, read, with};
    use crate::words::schema::Block;

    #[tokio::test]
    async fn a_password_is_made_hashed_and_kept() {
        let want = RandomPassword { result: None, bcrypt_hash: None, min_special: 3, ..RandomPassword::of("sixteen letters!") };
        let first = made(want.clone()).await;
        let password = first.value.result.clone().unwrap();
        assert_eq!((first.id.as_str(), password.chars().count()), ("none", 16));
        let hash = first.value.bcrypt_hash.clone().unwrap();
        assert!(hash.starts_with("$2a$10$") && bcrypt::verify(&password, &hash).unwrap());
        let second = with(async |cx| want.generate(cx, Some(&first)).await.unwrap()).await;
        assert_eq!(second, first, "what changes in place keeps the password");
        assert_ne!(made(want).await.value.result, first.value.result);
    }

    #[tokio::test]
    async fn an_imported_password_has_every_default() {
        let known = Known { id: "s3cret".into(), prior: None };
        let found = with(async |cx| RandomPassword::read(cx, &[known]).await.unwrap()).await;
        assert_eq!((found[0].id.as_str(), found[0].value.length, found[0].value.result.as_deref()), ("none", 6, Some("s3cret")));
        assert!(found[0].value.bcrypt_hash.is_some());
    }

    #[tokio::test]
    async fn a_state_of_an_older_version_is_completed() {
        let old = RandomPassword { numeric: None, number: Some(false), ..RandomPassword::of("abcdef") };
        let now = read(&Live { id: "none".into(), value: old }).await.unwrap().value;
        assert_eq!((now.numeric, now.result.as_deref(), now.bcrypt_hash.is_some()), (Some(false), Some("abcdef"), true));
    }

    #[tokio::test]
    async fn a_state_that_cannot_be_understood_is_no_reason_for_a_new_password() {
        let known = Known { id: "none".into(), prior: None };
        assert!(with(async |cx| RandomPassword::read(cx, &[known]).await.is_err()).await);
    }

    #[test]
    fn whatever_the_user_gives_replaces_and_what_is_made_is_secret() {
        assert!(RandomPassword::ATTRS.iter().all(|a| if a.computed { a.sensitive } else { a.force_new }));
    }
}
