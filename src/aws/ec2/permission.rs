//! What a security group lets through, taken apart: EC2 merges the rules that share protocol and ports, so only single openings
//! can be compared.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};

crate::text!(
    /// An IP protocol: `tcp` and `6` mean the same, and so do `all` and `-1`.
    pub Protocol, "IP protocol", normal_protocol, |a, b| protocol(a) == protocol(b)
);

/// One way through: a protocol, its ports, and one other side. A group holds each at most once, whatever its description.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    protocol: String,
    from: i64,
    to: i64,
    /// Who may pass.
    pub source: Source,
}

/// The other side of an opening.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An IPv4 network.
    V4(String),
    /// An IPv6 network.
    V6(String),
    /// A prefix list.
    List(String),
    /// A security group, `account/sg-...` where it is another account's.
    Group(String),
}

/// Openings and their descriptions.
pub type Openings = BTreeMap<Opening, String>;

/// The group itself: what `self` means, and whose account needs no mention.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Its id.
    pub id: String,
    /// Its account.
    pub owner: String,
}

impl Own {
    /// A group as a source; the account is left out where it is the group's own.
    #[must_use]
    pub fn group(&self, id: &str) -> Source {
        let own = id.split_once('/').filter(|(account, _)| *account == self.owner);
        Source::Group(own.map_or(id, |(_, own)| own).to_owned())
    }

    fn pair(&self, pair: &UserIdGroupPair) -> Option<Source> {
        let group = pair.group_id().or(pair.group_name())?;
        let account = pair.user_id().filter(|user| !user.is_empty() && *user != self.owner);
        Some(Source::Group(account.map_or_else(|| group.to_owned(), |account| format!("{account}/{group}"))))
    }
}

impl Opening {
    /// With protocol and ports in their normal form: only four protocols have ports, the others are open wholly.
    #[must_use]
    pub fn new(protocol: &str, from: Option<i64>, to: Option<i64>, source: Source) -> Self {
        let protocol = self::protocol(protocol);
        let absent = if protocol.starts_with("icmp") { -1 } else { 0 };
        let ports = if has_ports(&protocol) { (from.unwrap_or(absent), to.unwrap_or(absent)) } else { (0, 0) };
        Self { protocol, from: ports.0, to: ports.1, source: source.normal() }
    }

    /// Protocol and ports.
    #[must_use]
    pub fn what(&self) -> (&str, i64, i64) {
        (&self.protocol, self.from, self.to)
    }
}

impl Source {
    fn normal(self) -> Self {
        let net = |text: String| text.parse::<ipnet::IpNet>().map_or(text, |net| net.trunc().to_string());
        match self {
            Self::V4(text) => Self::V4(net(text)),
            Self::V6(text) => Self::V6(net(text)),
            other => other,
        }
    }
}

/// Whether ports (or the types and codes of ICMP) mean something for a protocol in its normal form.
#[must_use]
pub fn has_ports(protocol: &str) -> bool {
    matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6")
}

/// The normal form of a protocol.
#[must_use]
pub fn protocol(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    match text.as_str() {
        "all" => "-1".into(),
        "6" => "tcp".into(),
        "17" => "udp".into(),
        "1" => "icmp".into(),
        "58" => "icmpv6".into(),
        _ => text,
    }
}

fn normal_protocol(text: &str) -> Result<String, String> {
    let normal = protocol(text);
    if normal == "-1" || has_ports(&normal) || normal.parse::<u8>().is_ok() {
        return Ok(normal);
    }
    Err("`tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or the number of a protocol".into())
}

/// Whether EC2 takes it as a description of a group or a rule.
#[must_use]
pub fn describes(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c))
}

/// What EC2 answers, taken apart.
#[must_use]
pub fn openings(permissions: &[IpPermission], own: &Own) -> Openings {
    permissions.iter().flat_map(|p| sources(p, own).into_iter().map(|(source, text)| (opening(p, source), text))).collect()
}

fn opening(permission: &IpPermission, source: Source) -> Opening {
    let port = |port: Option<i32>| port.map(i64::from);
    Opening::new(permission.ip_protocol().unwrap_or("-1"), port(permission.from_port), port(permission.to_port), source)
}

fn sources(permission: &IpPermission, own: &Own) -> Vec<(Source, String)> {
    let text = |description: Option<&str>| description.unwrap_or_default().to_owned();
    let v4 = permission.ip_ranges().iter().filter_map(|r| Some((Source::V4(r.cidr_ip()?.into()), text(r.description()))));
    let v6 = permission.ipv6_ranges().iter().filter_map(|r| Some((Source::V6(r.cidr_ipv6()?.into()), text(r.description()))));
    let lists = permission.prefix_list_ids().iter();
    let lists = lists.filter_map(|l| Some((Source::List(l.prefix_list_id()?.into()), text(l.description()))));
    let groups = permission.user_id_group_pairs().iter().filter_map(|g| Some((own.pair(g)?, text(g.description()))));
    v4.chain(v6).chain(lists).chain(groups).collect()
}

/// The openings as EC2 wants them, put together by protocol and ports.
pub fn permissions<'a>(openings: impl IntoIterator<Item = (&'a Opening, &'a str)>) -> Vec<IpPermission> {
    let mut grouped: BTreeMap<(&str, i64, i64), IpPermission> = BTreeMap::new();
    for (opening, description) in openings {
        let permission = grouped.entry(opening.what()).or_insert_with(|| bare(opening));
        add(permission, &opening.source, Some(description).filter(|d| !d.is_empty()).map(str::to_owned));
    }
    grouped.into_values().collect()
}

fn bare(opening: &Opening) -> IpPermission {
    let port = |port: i64| i32::try_from(port).ok().filter(|_| has_ports(&opening.protocol));
    let permission = IpPermission::builder().ip_protocol(&opening.protocol);
    permission.set_from_port(port(opening.from)).set_to_port(port(opening.to)).build()
}

fn add(permission: &mut IpPermission, source: &Source, text: Option<String>) {
    match source {
        Source::V4(net) => permission.ip_ranges.get_or_insert_default().push(IpRange::builder().cidr_ip(net).set_description(text).build()),
        Source::V6(net) => {
            permission.ipv6_ranges.get_or_insert_default().push(Ipv6Range::builder().cidr_ipv6(net).set_description(text).build());
        }
        Source::List(id) => {
            let list = PrefixListId::builder().prefix_list_id(id).set_description(text);
            permission.prefix_list_ids.get_or_insert_default().push(list.build());
        }
        Source::Group(id) => {
            let (account, id) = id.split_once('/').map_or((None, id.as_str()), |(account, id)| (Some(account.to_owned()), id));
            let pair = UserIdGroupPair::builder().set_user_id(account).group_id(id).set_description(text);
            permission.user_id_group_pairs.get_or_insert_default().push(pair.build());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_have_a_normal_form() {
        for (text, normal) in [("TCP", "tcp"), ("6", "tcp"), ("58", "icmpv6"), ("all", "-1"), ("50", "50")] {
            assert_eq!(normal_protocol(text).as_deref(), Ok(normal), "{text}");
        }
        assert!(normal_protocol("http").is_err());
        assert!(normal_protocol("300").is_err());
    }

    #[test]
    fn what_ec2_merges_is_taken_apart_and_put_together_again() {
        let own = Own { id: "sg-1".into(), owner: "1".into() };
        let ways = [Source::V4("10.0.0.0/8".into()), Source::V6("2001:DB8::/32".into()), own.group("1/sg-1"), own.group("2/sg-9")];
        let openings: Openings = ways.into_iter().map(|s| (Opening::new("6", Some(80), Some(80), s), "web".to_owned())).collect();
        let together = permissions(openings.iter().map(|(o, d)| (o, d.as_str())));
        assert_eq!(together.len(), 1);
        assert_eq!(super::openings(&together, &own), openings);
        let all = Opening::new("all", Some(0), Some(65535), Source::V4("0.0.0.0/0".into()));
        assert_eq!(all.what(), ("-1", 0, 0));
        assert_eq!(permissions([(&all, "")])[0].from_port(), None);
    }
}
