//! Texts with a meaning: what is no such thing is refused before any call, and equal meanings are no difference.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value as Json;

use super::policy;

crate::text!(
    /// A network with no host bits set, `10.0.0.0/16`.
    pub Cidr, "CIDR", normal_cidr, same_cidr
);

crate::text!(
    /// An Amazon resource name.
    pub Arn, "ARN", normal_arn, |a, b| a == b
);

crate::text!(
    /// A JSON document: spacing and the order of keys mean nothing.
    pub JsonText, "JSON", normal_json, same_json
);

crate::text!(
    /// An IAM policy document: what AWS takes for the same policy is the same.
    pub Policy, "IAM policy", normal_json, policy::same
);

crate::text!(
    /// An IAM policy document as the role keeps it: its version stands first, as the provider has it.
    pub InlinePolicy, "IAM policy", normal_policy, policy::same
);

crate::text!(
    /// A DNS name: letter case and a final dot mean nothing, and are not kept.
    pub DnsName, "DNS name", |s| Ok(plain_name(s)), |a, b| a.trim_end_matches('.').eq_ignore_ascii_case(b.trim_end_matches('.'))
);

crate::text!(
    /// An IPv4 or IPv6 address.
    pub Ip, "IP address", |s| s.parse::<IpAddr>().map(|_| s.to_owned()).map_err(|_| "an IP address such as `203.0.113.7`".into()), same_ip
);

crate::text!(
    /// A number as a text, empty for none: `1` and `1.0` are the same.
    pub NumberText, "number", normal_number, |a, b| a == b || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
);

fn normal_number(text: &str) -> Result<String, String> {
    let fits = text.is_empty() || text.parse::<f64>().is_ok_and(f64::is_finite);
    if fits { Ok(text.to_owned()) } else { Err("a number such as `1.5`".into()) }
}

impl NumberText {
    /// As a number; none where it is empty.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }
}

impl From<f64> for NumberText {
    fn from(n: f64) -> Self {
        Self(n.to_string())
    }
}

/// As Terraform's provider keeps names.
fn plain_name(name: &str) -> String {
    name.strip_suffix('.').filter(|n| !n.is_empty()).unwrap_or(name).to_ascii_lowercase()
}

fn normal_cidr(text: &str) -> Result<String, String> {
    let net: IpNet = text.parse().map_err(|_| "a network such as `10.0.0.0/16` or `2001:db8::/32`".to_owned())?;
    if net.network() != net.addr() {
        return Err(format!("a network address; the network of `{text}` is `{}`", net.trunc()));
    }
    Ok(text.to_owned())
}

fn same_cidr(a: &str, b: &str) -> bool {
    a == b || matches!((a.parse::<IpNet>(), b.parse::<IpNet>()), (Ok(a), Ok(b)) if a == b)
}

fn same_ip(a: &str, b: &str) -> bool {
    a == b || matches!((a.parse::<IpAddr>(), b.parse::<IpAddr>()), (Ok(a), Ok(b)) if a == b)
}

fn normal_arn(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, service, _, _, resource] if !partition.is_empty() && !service.is_empty() && !resource.is_empty() => {
            Ok(text.to_owned())
        }
        _ => Err("an ARN such as `arn:aws:sns:us-east-1:123456789012:topic`".into()),
    }
}

fn normal_json(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let json: Json = serde_json::from_str(text).map_err(|e| format!("JSON: {e}"))?;
    Ok(json.to_string())
}

/// Normal JSON, but with the version first.
fn normal_policy(text: &str) -> Result<String, String> {
    let normal = normal_json(text)?;
    let Ok(Json::Object(mut policy)) = serde_json::from_str(&normal) else { return Ok(normal) };
    let Some(version) = policy.remove("Version") else { return Ok(normal) };
    let rest = Json::Object(policy).to_string();
    let comma = if rest == "{}" { "" } else { "," };
    Ok(format!("{{\"Version\":{version}{comma}{}", &rest[1..]))
}

fn same_json(a: &str, b: &str) -> bool {
    let parse = |s: &str| serde_json::from_str::<Json>(if s.trim().is_empty() { "null" } else { s });
    a == b || matches!((parse(a), parse(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_no_host_bits() {
        assert!(normal_cidr("10.0.0.0/16").is_ok());
        assert!(normal_cidr("10.0.1.5/24").unwrap_err().contains("10.0.1.0/24"));
        assert!(normal_cidr("10.0.0.0").is_err());
        assert!(same_cidr("2001:DB8::/32", "2001:db8:0::/32"));
    }

    #[test]
    fn names_are_kept_without_a_dot_at_the_end() {
        assert_eq!(["WWW.example.com.", "example.com", "."].map(plain_name), ["www.example.com", "example.com", "."]);
    }

    #[test]
    fn numbers_as_texts() {
        assert!(normal_number("").is_ok() && normal_number("-2.5").is_ok());
        assert!(normal_number("two").is_err() && normal_number("inf").is_err());
        assert_eq!(NumberText::from(10.0).0, "10");
        assert_eq!((NumberText::from("1.5").as_f64(), NumberText::from("").as_f64()), (Some(1.5), None));
    }

    #[test]
    fn names_of_resources_have_six_parts() {
        assert!(normal_arn("arn:aws:iam::aws:policy/ReadOnlyAccess").is_ok());
        assert!(normal_arn("policy/ReadOnlyAccess").is_err());
    }
}
