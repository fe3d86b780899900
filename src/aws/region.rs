//! The region that calls go to, or any other.

use super::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live};

crate::blocks! {
    /// A region: the provider's own, unless another is asked for.
    pub struct Region {
        /// Where it lies, `US East (N. Virginia)`.
        #[attr(computed)]
        description: Option<String>,
        /// The host of EC2 in it, `ec2.us-east-1.amazonaws.com`.
        #[attr(chosen)]
        endpoint: Option<String>,
        /// Its name, `us-east-1`.
        #[attr(chosen)]
        name: Option<String>,
    }
}

/// The regions and where they lie, as AWS's own list of endpoints has it.
const REGIONS: &[(&str, &str)] = &[
    ("af-south-1", "Africa (Cape Town)"),
    ("ap-east-1", "Asia Pacific (Hong Kong)"),
    ("ap-east-2", "Asia Pacific (Taipei)"),
    ("ap-northeast-1", "Asia Pacific (Tokyo)"),
    ("ap-northeast-2", "Asia Pacific (Seoul)"),
    ("ap-northeast-3", "Asia Pacific (Osaka)"),
    ("ap-south-1", "Asia Pacific (Mumbai)"),
    ("ap-south-2", "Asia Pacific (Hyderabad)"),
    ("ap-southeast-1", "Asia Pacific (Singapore)"),
    ("ap-southeast-2", "Asia Pacific (Sydney)"),
    ("ap-southeast-3", "Asia Pacific (Jakarta)"),
    ("ap-southeast-4", "Asia Pacific (Melbourne)"),
    ("ap-southeast-5", "Asia Pacific (Malaysia)"),
    ("ap-southeast-6", "Asia Pacific (New Zealand)"),
    ("ap-southeast-7", "Asia Pacific (Thailand)"),
    ("ca-central-1", "Canada (Central)"),
    ("ca-west-1", "Canada West (Calgary)"),
    ("cn-north-1", "China (Beijing)"),
    ("cn-northwest-1", "China (Ningxia)"),
    ("eu-central-1", "Europe (Frankfurt)"),
    ("eu-central-2", "Europe (Zurich)"),
    ("eu-north-1", "Europe (Stockholm)"),
    ("eu-south-1", "Europe (Milan)"),
    ("eu-south-2", "Europe (Spain)"),
    ("eu-west-1", "Europe (Ireland)"),
    ("eu-west-2", "Europe (London)"),
    ("eu-west-3", "Europe (Paris)"),
    ("il-central-1", "Israel (Tel Aviv)"),
    ("me-central-1", "Middle East (UAE)"),
    ("me-south-1", "Middle East (Bahrain)"),
    ("mx-central-1", "Mexico (Central)"),
    ("sa-east-1", "South America (Sao Paulo)"),
    ("us-east-1", "US East (N. Virginia)"),
    ("us-east-2", "US East (Ohio)"),
    ("us-gov-east-1", "AWS GovCloud (US-East)"),
    ("us-gov-west-1", "AWS GovCloud (US-West)"),
    ("us-west-1", "US West (N. California)"),
    ("us-west-2", "US West (Oregon)"),
];

impl DataSource for Region {
    const TYPE: &'static str = "aws_region";
    const EXAMPLE: &'static str = r"
[data.aws_region.example]
";
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        let (asked, at) = (some(&self.name), some(&self.endpoint));
        let by_host = at.as_deref().map(|host| by_endpoint(host).ok_or_else(|| unknown("endpoint", host))).transpose()?;
        let name = match (asked, by_host) {
            (Some(name), Some(host)) if name != host => {
                return Err(Failure::other(format!("`name` and `endpoint` are of different regions: `{name}` and `{host}`")));
            }
            (Some(name), _) => name,
            (None, Some(host)) => host.to_owned(),
            (None, None) => cx.cloud.region.clone(),
        };
        let known = REGIONS.iter().find(|(region, _)| *region == name);
        // A region that is newer than this list is taken at its word, if it is the one that calls go to.
        if known.is_none() && name != cx.cloud.region {
            return Err(unknown("name", &name));
        }
        let description = known.map(|(_, place)| (*place).to_owned());
        Ok(Live { id: name.clone(), value: Self { description, endpoint: Some(endpoint(&name)), name: Some(name) } })
    }
}

/// What to ask of whoever named a region that is not known here; nothing for one that is.
pub(super) fn doubt(name: &str) -> Option<String> {
    let names = || REGIONS.iter().map(|(region, _)| *region);
    if names().any(|region| region == name) {
        return None;
    }
    let near = crate::words::error::nearest(name, names()).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
    Some(format!("no region is known by the name `{name}`{near}"))
}

fn unknown(what: &str, given: &str) -> Failure {
    let near = crate::words::error::nearest(given, REGIONS.iter().map(|(name, _)| *name));
    let failure = Failure::other(format!("no region has the {what} `{given}`"));
    near.map_or(failure.clone(), |near| failure.help(format!("did you mean `{near}`?")))
}

fn endpoint(region: &str) -> String {
    format!("ec2.{region}.{}", if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" })
}

fn by_endpoint(host: &str) -> Option<&'static str> {
    REGIONS.iter().map(|(name, _)| *name).find(|name| endpoint(name) == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_tell_their_region() {
        assert_eq!(by_endpoint("ec2.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
        assert_eq!(by_endpoint("ec2.nowhere.amazonaws.com"), None);
        assert!(unknown("name", "us-esat-1").help.contains("us-east-1"));
    }
}
