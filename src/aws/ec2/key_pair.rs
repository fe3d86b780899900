//! Key pairs for SSH.

use std::time::Duration;

use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{KeyPairInfo, ResourceType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{by, retag, tagged, tags};
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::{Aws, name};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry, Tags};

crate::text!(
    /// A public key for SSH: what it is called and how it is written down mean nothing.
    pub PublicKey, "SSH public key", normal_key, same_key
);

crate::blocks! {
    /// The public half of a key with which to log in to instances.
    pub struct KeyPair {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The key's fingerprint, as AWS reckons it.
        #[attr(computed)]
        fingerprint: Option<String>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 255), conflicts(&["key_name_prefix"]))]
        key_name: Option<String>,
        /// What its name begins with; the rest is made up.
        #[attr(chosen, force_new, within(1, 229), conflicts(&["key_name"]))]
        key_name_prefix: Option<String>,
        /// The id by which AWS knows it.
        #[attr(computed)]
        key_pair_id: Option<String>,
        /// `rsa` or `ed25519`.
        #[attr(computed)]
        key_type: Option<String>,
        /// The public key, RSA or ED25519, as in an `.pub` file.
        #[attr(force_new)]
        public_key: PublicKey,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

impl Resource for KeyPair {
    const TYPE: &'static str = "aws_key_pair";
    const SIGNS: &'static [&'static str] = &["key_pair_id"];
    const KNOWN_BY: Option<&'static str> = Some("key_name");
    const SCHEMA_VERSION: u64 = 1;
    const BATCH: usize = 200;
    const RETRY: &'static [Retry] =
        &[Retry { operation: "CreateTags", code: "InvalidKeyPair.NotFound", message: "", within: Duration::from_secs(300) }];
    const EXAMPLE: &'static str = r#"
[resource.aws_key_pair.example]
key_name = "web"
public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILBJfqs0LFgicqXWoroKlh1VFKKVu/mqnarH8eLGPdJ2 web"
tags = { Name = "web" }
---
[resource.aws_key_pair.example]
key_name = "web"
public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILBJfqs0LFgicqXWoroKlh1VFKKVu/mqnarH8eLGPdJ2 ops@example.com"
tags = { Name = "www", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.import_key_pair().key_name(self.named(cx.token)).public_key_material(Blob::new(self.public_key.trim()));
        let made = call.set_tag_specifications(tagged(ResourceType::KeyPair, &self.tags_all)).send().await?;
        made.key_name.ok_or_else(|| lacking("name of the key"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let wanted = self.named(cx.token);
        let found = pairs(cx.cloud, [wanted.clone()]).await?;
        let ours =
            |pair: &KeyPairInfo| pair.key_name() == Some(&wanted) && pair.public_key().is_some_and(|k| same_key(k, &self.public_key));
        Ok(found.into_iter().find(ours).and_then(|pair| pair.key_name))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = cx.cloud.ec2.describe_key_pairs().send().await?.key_pairs.unwrap_or_default();
        let listed = found.iter().filter_map(|k| {
            let listed = listing::listed(k.key_name(), k.tags())?;
            Some(listed.named(k.key_name()).marked("key_pair_id", k.key_pair_id()))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = pairs(cx.cloud, known.iter().map(|k| k.id.clone())).await?;
        let mut live = vec![];
        for known in known {
            if let Some(pair) = found.iter().find(|pair| pair.key_name() == Some(&known.id)) {
                live.push(Live { id: known.id.clone(), value: key_pair(cx.cloud, pair, known.prior.as_ref()).await? });
            }
        }
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let id = live.value.key_pair_id.as_deref().unwrap_or_default();
        retag(cx.cloud, id, &live.value.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ec2.delete_key_pair().key_name(&live.id).send().await?;
        Ok(())
    }
}

impl KeyPair {
    fn named(&self, token: &str) -> String {
        name::generate(self.key_name.as_deref(), self.key_name_prefix.as_deref(), token)
    }
}

async fn pairs(aws: &Aws, names: impl IntoIterator<Item = String>) -> Outcome<Vec<KeyPairInfo>> {
    let found = aws.ec2.describe_key_pairs().include_public_key(true).filters(by("key-name", names)).send().await?;
    Ok(found.key_pairs.unwrap_or_default())
}

async fn key_pair(aws: &Aws, pair: &KeyPairInfo, prior: Option<&KeyPair>) -> Outcome<KeyPair> {
    let key = pair.public_key().map(|k| PublicKey::from(k.trim())).or_else(|| prior.map(|p| p.public_key.clone()));
    let name = pair.key_name().unwrap_or_default();
    Ok(KeyPair {
        arn: Some(aws.arn("ec2", &format!("key-pair/{name}")).await?),
        fingerprint: pair.key_fingerprint().map(str::to_owned),
        key_name: Some(name.to_owned()),
        key_name_prefix: name::prefix_of(name),
        key_pair_id: pair.key_pair_id().map(str::to_owned),
        key_type: pair.key_type().map(|kind| kind.as_str().to_owned()),
        public_key: key.unwrap_or_else(|| PublicKey::from("")),
        tags: Tags::new(),
        tags_all: tags(pair.tags.as_deref()),
    })
}

fn normal_key(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.contains("PRIVATE KEY") {
        return Err("the public half of the key: this is the private one".into());
    }
    let kind = text.split_whitespace().next().unwrap_or_default();
    if ["ecdsa-", "sk-", "ssh-dss"].iter().any(|refused| kind.starts_with(refused)) {
        return Err(format!("an RSA or ED25519 key, which is all that EC2 takes, not `{kind}`"));
    }
    blob(text).map(|_| text.to_owned()).ok_or_else(|| "a public key such as `ssh-ed25519 AAAA...`".into())
}

fn same_key(a: &str, b: &str) -> bool {
    a == b || matches!((blob(a), blob(b)), (Some(a), Some(b)) if a == b)
}

/// The key itself, in SSH's encoding: of a line of an `.pub` file, of RFC 4716, or of DER in base64.
fn blob(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.starts_with("ssh-") {
        return STANDARD.decode(text.split_whitespace().nth(1)?).ok();
    }
    let body = body(text);
    let bytes = STANDARD.decode(body).ok()?;
    if bytes.starts_with(&[0, 0, 0]) { Some(bytes) } else { rsa_blob(&bytes) }
}

/// The base64 between armour, without the headers of RFC 4716, which `\` carries on to the next line.
fn body(text: &str) -> String {
    let mut carried = false;
    let data = text.lines().map(str::trim).filter(|line| {
        let header = carried || line.contains(':');
        carried = header && line.ends_with('\\');
        !header && !line.starts_with("----")
    });
    data.collect()
}

/// An RSA key in DER, alone or with the name of its kind, in SSH's encoding.
fn rsa_blob(der: &[u8]) -> Option<Vec<u8>> {
    use rsa::pkcs1::DecodeRsaPublicKey;
    use rsa::pkcs8::DecodePublicKey;
    let key = rsa::RsaPublicKey::from_public_key_der(der).or_else(|_| rsa::RsaPublicKey::from_pkcs1_der(der)).ok()?;
    let key = ssh_key::public::RsaPublicKey::try_from(key).ok()?;
    ssh_key::PublicKey::from(ssh_key::public::KeyData::Rsa(key)).to_bytes().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILBJfqs0LFgicqXWoroKlh1VFKKVu/mqnarH8eLGPdJ2";

    #[test]
    fn the_comment_is_no_part_of_a_key() {
        let line = format!("ssh-ed25519 {KEY}");
        assert!(same_key(&line, &format!("ssh-ed25519 {KEY} me@here\n")));
        let rfc =
            format!("---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"a\\\nb\"\n{}\n{}\n---- END SSH2 PUBLIC KEY ----", &KEY[..30], &KEY[30..]);
        assert!(same_key(&line, &rfc));
        assert!(!same_key(&line, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        assert_eq!(normal_key(&format!(" ssh-ed25519 {KEY} a\n")).as_deref(), Ok(format!("ssh-ed25519 {KEY} a").as_str()));
        for (text, why) in
            [("-----BEGIN OPENSSH PRIVATE KEY-----", "private"), ("ecdsa-sha2-nistp256 AAAA", "RSA or ED25519"), ("hello", "such as")]
        {
            assert!(normal_key(text).is_err_and(|e| e.contains(why)), "{text}");
        }
    }
}
