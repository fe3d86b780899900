//! Identity providers that speak OpenID Connect.

use std::collections::BTreeSet;

use super::{SETTLES, concurrent, tagged, tags};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::delta;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

crate::text!(
    /// The URL of an identity provider. IAM keeps it without `https://`, and so does the state: conditions of trust policies are
    /// written with it.
    pub IssuerUrl, "HTTPS URL", url, |a, b| bare(a) == bare(b)
);

fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").unwrap_or(text);
    if rest.is_empty() || rest.contains([' ', '?', '#']) || rest.contains("://") {
        return Err("write it like `https://token.actions.githubusercontent.com`".into());
    }
    Ok(bare(text))
}

/// As IAM keeps it: without the scheme, the host in small letters.
fn bare(url: &str) -> String {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    path.map_or_else(|| host.to_lowercase(), |path| format!("{}/{path}", host.to_lowercase()))
}

crate::blocks! {
    /// An identity provider whose tokens roles can trust: GitHub's, or that of an EKS cluster.
    pub struct OpenIdConnectProvider {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// For whom its tokens may be meant: `sts.amazonaws.com`.
        #[attr(required)]
        client_id_list: BTreeSet<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The fingerprints of certificates that it may show; IAM finds one where none is given.
        #[attr(chosen, max_items(5))]
        thumbprint_list: Vec<String>,
        /// Its URL.
        #[attr(force_new)]
        url: IssuerUrl,
    }
}

impl Resource for OpenIdConnectProvider {
    const TYPE: &'static str = "aws_iam_openid_connect_provider";
    const GLOBAL: bool = true;
    const KNOWN_BY: Option<&'static str> = Some("url");
    const RETRY: &'static [Retry] = &[
        concurrent("CreateOpenIDConnectProvider"),
        concurrent("AddClientIDToOpenIDConnectProvider"),
        concurrent("RemoveClientIDFromOpenIDConnectProvider"),
        concurrent("UpdateOpenIDConnectProviderThumbprint"),
        Retry { operation: "CreateOpenIDConnectProvider", code: "OpenIdIdpCommunicationError", message: "", within: SETTLES },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_iam_openid_connect_provider.example]
url = "https://token.example.com"
client_id_list = ["sts.amazonaws.com"]
thumbprint_list = ["990f4193972f2becf12ddeda5237f9c952f20d9e"]
tags = { team = "infra" }
---
[resource.aws_iam_openid_connect_provider.example]
url = "https://token.example.com"
client_id_list = ["sts.amazonaws.com", "app"]
thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1", "990f4193972f2becf12ddeda5237f9c952f20d9e"]
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let print = |text: &str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let wrong = given.attr("thumbprint_list").items().iter().enumerate().filter(|(_, v)| v.as_str().is_some_and(|t| !print(t)));
        wrong.map(|(i, _)| Problem::new(format!("thumbprint_list.{i}"), "a fingerprint has 40 hexadecimal digits")).collect()
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let prints = (!self.thumbprint_list.is_empty()).then(|| self.thumbprint_list.clone());
        let call = cx.cloud.iam.create_open_id_connect_provider().url(format!("https://{}", bare(&self.url))).set_thumbprint_list(prints);
        let call = call.set_client_id_list(Some(self.client_id_list.iter().cloned().collect())).set_tags(tagged(&self.tags_all)?);
        call.send().await?.open_id_connect_provider_arn.ok_or_else(|| lacking("ARN of the provider"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let account = cx.cloud.account().await?;
        let arn = format!("arn:{}:iam::{account}:oidc-provider/{}", cx.cloud.partition(), bare(&self.url));
        let found = cx.cloud.iam.get_open_id_connect_provider().open_id_connect_provider_arn(&arn).send().await;
        Ok(absent(found.map_err(Failure::from))?.map(|_| arn))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = cx.cloud.iam.list_open_id_connect_providers().send().await?.open_id_connect_provider_list.unwrap_or_default();
        let name = |arn: &str| arn.split_once('/').map(|(_, url)| url.to_owned());
        Ok(Some(found.iter().filter_map(|p| Some(Listed::new(p.arn()?).named(name(p.arn()?).as_deref()))).collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = cx.cloud.iam.get_open_id_connect_provider().open_id_connect_provider_arn(&k.id).send().await;
            let Some(found) = absent(found.map_err(Failure::from))? else { return Ok(None) };
            let value = Self {
                arn: Some(k.id.clone()),
                tags_all: tags(found.tags.as_deref()),
                client_id_list: found.client_id_list.unwrap_or_default().into_iter().collect(),
                tags: Tags::new(),
                thumbprint_list: found.thumbprint_list.unwrap_or_default(),
                url: IssuerUrl(found.url.unwrap_or_default()),
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (iam, arn, old) = (&cx.cloud.iam, live.id.as_str(), &live.value);
        for client in self.client_id_list.difference(&old.client_id_list) {
            iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(client).send().await?;
        }
        for client in old.client_id_list.difference(&self.client_id_list) {
            iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(client).send().await?;
        }
        if self.thumbprint_list != old.thumbprint_list && !self.thumbprint_list.is_empty() {
            let call = iam.update_open_id_connect_provider_thumbprint().open_id_connect_provider_arn(arn);
            call.set_thumbprint_list(Some(self.thumbprint_list.clone())).send().await?;
        }
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            iam.untag_open_id_connect_provider().open_id_connect_provider_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.iam.delete_open_id_connect_provider().open_id_connect_provider_arn(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") && given.contains(":oidc-provider/") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the ARN of an OpenID Connect provider"))
            .help("write it like `arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_and_letter_case_of_the_host_mean_nothing() {
        assert_eq!(bare("https://Token.Example.com/Path"), "token.example.com/Path");
        assert_ne!(bare("https://token.example.com"), bare("https://token.example.com/"));
        assert!(url("http://token.example.com").is_err());
        assert_eq!(url("https://token.example.com/a").as_deref(), Ok("token.example.com/a"));
    }
}
