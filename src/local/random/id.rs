//! `random_id`.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use rand::RngCore;
use rand::rngs::OsRng;
use rsa::BigUint;

use crate::local::{forgotten, hex, made_here};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource};

crate::blocks! {
    /// Random bytes, in several spellings: a name that nobody else has. It is no secret.
    pub struct RandomId {
        /// Any values; a change of one makes new bytes.
        #[attr(force_new)]
        keepers: BTreeMap<String, String>,
        /// How many bytes; 8 are enough for an id that is probably unique.
        #[attr(force_new, within(1, 65_536))]
        byte_length: i64,
        /// A text in front of each spelling.
        #[attr(force_new)]
        prefix: Option<String>,
        /// The bytes in base64 for URLs, without padding.
        #[attr(computed)]
        b64_url: Option<String>,
        /// The bytes in base64, padded.
        #[attr(computed)]
        b64_std: Option<String>,
        /// The bytes as hexadecimal digits, two each.
        #[attr(computed)]
        hex: Option<String>,
        /// The bytes as one decimal number.
        #[attr(computed)]
        dec: Option<String>,
    }
}

impl RandomId {
    /// With every spelling of those bytes.
    fn spelt(self, bytes: &[u8]) -> Live<Self> {
        let prefix = self.prefix.clone().unwrap_or_default();
        let with = |spelling: String| Some(format!("{prefix}{spelling}"));
        let id = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let value = Self {
            b64_url: with(id.clone()),
            b64_std: with(BASE64_STANDARD.encode(bytes)),
            hex: with(hex(bytes)),
            dec: with(BigUint::from_bytes_be(bytes).to_string()),
            ..self
        };
        Live { id, value }
    }

    /// From what an import is given: `PREFIX,BASE64`, or the base64 alone.
    fn parse(given: &str) -> Outcome<Live<Self>> {
        let (prefix, text) = given.rsplit_once(',').map_or((None, given), |(prefix, text)| (Some(prefix.to_owned()), text));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
            Failure::other(format!("`{text}` is no base64 for URLs without padding")).help("give PREFIX,BASE64 or BASE64, as in b64_url")
        })?;
        let byte_length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let empty = Self { keepers: BTreeMap::new(), byte_length, prefix, b64_url: None, b64_std: None, hex: None, dec: None };
        Ok(empty.spelt(&bytes))
    }
}

impl Resource for RandomId {
    const TYPE: &'static str = "random_id";
    const EXAMPLE: &'static str = r#"
[resource.random_id.example]
byte_length = 8
prefix = "gateway-"
---
[resource.random_id.example]
byte_length = 8
prefix = "gateway-"
"#;

    made_here!();
    forgotten!();

    async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
        if let Some(live) = have.and_then(|live| BASE64_URL_SAFE_NO_PAD.decode(&live.id).ok()) {
            return Ok(self.clone().spelt(&live));
        }
        let length = usize::try_from(self.byte_length).map_err(|_| Failure::other("byte_length must be at least 1"))?;
        let mut bytes = vec![0; length];
        OsRng.try_fill_bytes(&mut bytes).map_err(|e| Failure::other(format!("the operating system gives no random bytes: {e}")))?;
        Ok(self.clone().spelt(&bytes))
    }

    async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let live = |k: &Known<Self>| match &k.prior {
            Some(prior) => Ok(Live { id: k.id.clone(), value: prior.clone() }),
            None => Self::parse(&k.id),
        };
        known.iter().map(live).collect()
    }

    async fn import(_cx: &Cx<'_, Self::Cloud>, given: &str) -> Outcome<Id> {
        Self::parse(given)?;
        Ok(given.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::{made, with};

    #[test]
    fn the_spellings_are_those_of_the_same_bytes() {
        let live = RandomId::parse("a,b-,__79_A").unwrap();
        assert_eq!((live.id.as_str(), live.value.byte_length, live.value.prefix.as_deref()), ("__79_A", 4, Some("a,b-")));
        assert_eq!(live.value.b64_url.as_deref(), Some("a,b-__79_A"));
        assert_eq!(live.value.b64_std.as_deref(), Some("a,b-//79/A=="));
        assert_eq!(live.value.hex.as_deref(), Some("a,b-fffefdfc"));
        assert_eq!(live.value.dec.as_deref(), Some("a,b-4294901244"));
        assert_eq!(RandomId::parse("AAE").unwrap().value.dec.as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn bytes_are_made_once_and_kept() {
        let want = RandomId { prefix: None, b64_url: None, ..RandomId::parse("p,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap().value };
        let live = made(want.clone()).await;
        assert_eq!(live.value.hex.as_ref().map(String::len), Some(50));
        assert_eq!(with(async |cx| want.generate(cx, Some(&live)).await.unwrap()).await, live);
        assert_ne!(made(want).await.id, live.id);
    }

    #[tokio::test]
    async fn what_is_no_base64_is_refused() {
        for given in ["", "p,", "%%%"] {
            assert!(with(async |cx| RandomId::import(cx, given).await.is_err()).await, "{given}");
        }
    }
}
