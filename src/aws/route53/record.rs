//! DNS records.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_route53::types::{
    AliasTarget, ChangeAction, CidrRoutingConfig, Coordinates as SdkCoordinates, GeoLocation, GeoProximityLocation, ResourceRecord,
    ResourceRecordSet, ResourceRecordSetFailover, ResourceRecordSetRegion, RrType,
};

use super::change::{Named, Wish, change};
use super::record_values::{AliasName, RecordValue, sent, shown, spelled};
use super::{Swept, full, is, lookup, of_zone_itself, plain, sweep, zone_name};
use crate::aws::types::DnsName;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

/// The types of records that there are.
const TYPES: &[&str] =
    &["A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"];
/// The blocks that say which of several records of one name answers.
const POLICIES: &[&str] = &[
    "cidr_routing_policy",
    "failover_routing_policy",
    "geolocation_routing_policy",
    "geoproximity_routing_policy",
    "latency_routing_policy",
    "weighted_routing_policy",
];

crate::blocks! {
    /// A DNS record of a hosted zone.
    pub struct Record {
        /// Something of AWS that answers in its place.
        #[attr(conflicts(&["records", "ttl"]))]
        alias: Option<Alias>,
        /// Whether a record that exists already is replaced when this one is made.
        #[attr(chosen, local)]
        allow_overwrite: Option<bool>,
        /// Answers where the question comes from one of a collection of networks.
        cidr_routing_policy: Option<CidrRoutingPolicy>,
        /// Answers as long as the primary is healthy, or as soon as it isn't.
        failover_routing_policy: Option<FailoverRoutingPolicy>,
        /// Its whole name.
        #[attr(computed)]
        fqdn: Option<String>,
        /// Answers where the question comes from some part of the world.
        geolocation_routing_policy: Option<GeolocationRoutingPolicy>,
        /// Answers where it is the nearest.
        geoproximity_routing_policy: Option<GeoproximityRoutingPolicy>,
        /// Answers only while this health check passes.
        health_check_id: Option<String>,
        /// Answers where it is the fastest.
        latency_routing_policy: Option<LatencyRoutingPolicy>,
        /// Answers together with up to seven others.
        multivalue_answer_routing_policy: Option<bool>,
        /// Its name, with or without that of the zone; `*.` in front stands for any.
        #[attr(force_new)]
        name: DnsName,
        /// What it answers.
        #[attr(conflicts(&["alias"]))]
        records: BTreeSet<RecordValue>,
        /// Tells it from others of the same name and type.
        #[attr(force_new, within(1, 128))]
        set_identifier: Option<String>,
        /// For how many seconds the answer may be kept.
        #[attr(within(0, 2_147_483_647), conflicts(&["alias"]))]
        ttl: Option<i64>,
        /// Its type.
        #[attr(force_new, one_of(TYPES))]
        r#type: String,
        /// Answers as often as its weight says.
        weighted_routing_policy: Option<WeightedRoutingPolicy>,
        /// The hosted zone.
        #[attr(force_new, refers("aws_route53_zone.zone_id"))]
        zone_id: String,
    }

    /// Something of AWS that answers in a record's place.
    pub struct Alias {
        /// Whether it answers only while the target is healthy.
        evaluate_target_health: bool,
        /// The target's name.
        name: AliasName,
        /// The hosted zone of the target: a load balancer's `zone_id`, not the record's own.
        zone_id: String,
    }

    /// By the network of the question.
    pub struct CidrRoutingPolicy {
        /// The collection.
        collection_id: String,
        /// The networks in it; `*` for all others.
        location_name: String,
    }

    /// By health.
    pub struct FailoverRoutingPolicy {
        /// Which of the two this is.
        #[attr(one_of(&["PRIMARY", "SECONDARY"]))]
        r#type: String,
    }

    /// By the part of the world.
    pub struct GeolocationRoutingPolicy {
        /// Two letters, `EU`.
        continent: Option<String>,
        /// Two letters, `DE`; `*` for all others.
        country: Option<String>,
        /// A state of the United States or an oblast of Ukraine.
        subdivision: Option<String>,
    }

    /// By distance.
    pub struct GeoproximityRoutingPolicy {
        /// The region that it stands in.
        aws_region: Option<String>,
        /// From how far away it still draws questions: more or less than others.
        #[attr(within(-99, 99))]
        bias: Option<i64>,
        /// Where it stands.
        #[attr(max_items(1))]
        coordinates: BTreeSet<Coordinates>,
        /// The local zone that it stands in.
        local_zone_group: Option<String>,
    }

    /// A place on earth.
    pub struct Coordinates {
        /// Degrees north.
        latitude: String,
        /// Degrees east.
        longitude: String,
    }

    /// By the time that an answer takes.
    pub struct LatencyRoutingPolicy {
        /// The region that it stands in.
        region: String,
    }

    /// By weight.
    pub struct WeightedRoutingPolicy {
        /// Its share of the sum of all weights.
        #[attr(within(0, 255))]
        weight: i64,
    }
}

impl Resource for Record {
    const TYPE: &'static str = "aws_route53_record";
    const GLOBAL: bool = true;
    const SCHEMA_VERSION: u64 = 2;
    const BATCH: usize = 5000;
    const SHARES: bool = true;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "30m"), ("update", "30m"), ("delete", "30m")];
    const RETRY: &'static [Retry] =
        &[Retry { operation: "ChangeResourceRecordSets", code: "NoSuchHostedZone", message: "", within: Duration::from_secs(30) }];
    const EXAMPLE: &'static str = r#"
[resource.aws_route53_zone.main]
name = "example.com"

[resource.aws_route53_record.example]
zone_id = "${aws_route53_zone.main.zone_id}"
name = "www"
type = "A"
ttl = 300
records = ["203.0.113.7"]
set_identifier = "one"
weighted_routing_policy = { weight = 10 }
---
[resource.aws_route53_zone.main]
name = "example.com"

[resource.aws_route53_record.example]
zone_id = "${aws_route53_zone.main.zone_id}"
name = "www"
type = "A"
ttl = 60
records = ["203.0.113.7", "203.0.113.8"]
set_identifier = "one"
weighted_routing_policy = { weight = 20 }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let unset = |name: &str| given.attr(name).is_empty();
        if unset("records") && unset("alias") {
            problems.push(Problem::new("", "a record has `records` or an `alias`; neither is given"));
        } else if !unset("records") && given.attr("ttl").is_null() {
            problems.push(Problem::new("records", "`ttl` is not given: for how many seconds the answer may be kept, 300 say"));
        }
        let policies: Vec<&str> = POLICIES.iter().copied().filter(|p| !unset(p)).collect();
        let multivalue = given.attr("multivalue_answer_routing_policy").as_bool() == Some(true);
        let policies: Vec<&str> = policies.into_iter().chain(multivalue.then_some("multivalue_answer_routing_policy")).collect();
        match policies.as_slice() {
            [_, second, ..] => problems.push(Problem::new(*second, format!("a record has one of {}", policies.join(", ")))),
            [one] if unset("set_identifier") => {
                problems.push(Problem::new(*one, "`set_identifier` is not given: what tells this record from others of its name"));
            }
            _ => {}
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let action = if self.allow_overwrite == Some(true) { ChangeAction::Upsert } else { ChangeAction::Create };
        let set = self.set(&self.full(cx).await?)?;
        change(cx.cloud, &self.zone_id, Wish { remove: None, put: Some((action, set)) }).await?;
        Ok(self.id())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = lookup(&cx.cloud.route53, &self.zone_id, &self.full(cx).await?, &self.r#type, self.identifier()).await?;
        Ok(found.map(|_| self.id()))
    }

    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        Ok(self.find(cx).await?.into_iter().collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        // Of zones that somebody manages, or in which somebody has a record; those of any other come with it.
        let records = cx.reads.asked(&[Self::TYPE]).map(|a| (a.id.as_str(), a.prior.attr("zone_id").as_str().unwrap_or_default()));
        let records: Vec<(&str, &str)> = records.collect();
        let zones = cx.reads.asked(&["aws_route53_zone"]).map(|a| a.id.as_str()).chain(records.iter().map(|(_, zone)| *zone));
        let (zones, records): (BTreeSet<&str>, _) = (zones.filter(|zone| !zone.is_empty()).collect(), &records);
        let found = each(zones, |zone| async move {
            let Some(name) = zone_name(cx, zone).await? else { return Ok(None) };
            let swept = sweep(&cx.cloud.route53, zone, usize::MAX).await?;
            // States have the name as it was written, which may leave out that of the zone.
            let keys = records.iter().filter_map(|(id, _)| Some((Key::parse(id).ok().filter(|k| k.zone == zone)?, *id)));
            let known: HashMap<_, &str> = keys.map(|(k, id)| ((full(k.name, &name), k.kind, k.identifier), id)).collect();
            let listed = swept.sets.iter().map(|set| {
                let (of, kind) = (plain(&set.name), set.r#type.as_str());
                let known = known.get(&(of.clone(), kind, set.set_identifier()));
                let identifier = set.set_identifier().map(|i| format!("_{i}")).unwrap_or_default();
                let id = known.map_or_else(|| format!("{zone}_{of}_{kind}{identifier}"), |id| (*id).to_owned());
                let listed = Listed::new(id).named(Some(&format!("{of}-{}", kind.to_lowercase())));
                listed.noise(of_zone_itself(kind, &of, &name), "of the zone itself")
            });
            Ok(Some(listed.collect::<Vec<_>>()))
        });
        Ok(Some(found.await?.into_iter().flatten().collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let keys = known.iter().map(|k| Key::parse(&k.id)).collect::<Outcome<Vec<_>>>()?;
        let asked = |zone: &str| keys.iter().filter(|k| k.zone == zone).count();
        each(known.iter().zip(&keys), |(k, key)| async move {
            let prior = k.prior.as_ref();
            let name = match prior.and_then(|p| p.fqdn.clone()).filter(|n| !n.is_empty()) {
                Some(name) => name,
                None => match zone_name(cx, key.zone).await? {
                    Some(zone) => full(key.name, &zone),
                    None => return Ok(None),
                },
            };
            let calls = asked(key.zone);
            let swept = match calls {
                1 => Swept { sets: vec![], whole: false }.into(),
                _ => cx.reads.once(format!("route53:records:{}", key.zone), || sweep(&cx.cloud.route53, key.zone, calls)).await?,
            };
            let found = match swept.sets.iter().find(|s| is(s, &name, key.kind, key.identifier)) {
                None if !swept.whole => lookup(&cx.cloud.route53, key.zone, &name, key.kind, key.identifier).await?,
                found => found.cloned(),
            };
            Ok(found.map(|set| Live { id: k.id.clone(), value: record(key, &set, prior) }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let name = self.full(cx).await?;
        let set = self.set(&name)?;
        let wish = if self.policy() == live.value.policy() {
            Wish { remove: None, put: Some((ChangeAction::Upsert, set)) }
        } else {
            // A record can't stand next to one that is chosen in another way: the old one goes in the same transaction.
            Wish { remove: Some(self.named(name)), put: Some((ChangeAction::Create, set)) }
        };
        change(cx.cloud, &self.zone_id, wish).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let record = &live.value;
        let Some(zone) = zone_name(cx, &record.zone_id).await? else { return Ok(()) };
        let name = full(&record.name, &zone);
        if of_zone_itself(&record.r#type, &name, &zone) {
            return Ok(());
        }
        change(cx.cloud, &record.zone_id, Wish { remove: Some(record.named(name)), put: None }).await
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        Key::parse(given).map(|_| given.to_owned())
    }
}

impl Record {
    fn id(&self) -> Id {
        let name = self.name.trim_end_matches('.').to_lowercase();
        let id = format!("{}_{name}_{}", self.zone_id, self.r#type);
        self.identifier().map_or(id.clone(), |identifier| format!("{id}_{identifier}"))
    }

    fn identifier(&self) -> Option<&str> {
        self.set_identifier.as_deref().filter(|i| !i.is_empty())
    }

    fn named(&self, name: String) -> Named {
        Named { name, kind: self.r#type.clone(), identifier: self.identifier().map(str::to_owned) }
    }

    async fn full(&self, cx: &Cx<'_, Aws>) -> Outcome<String> {
        let zone = zone_name(cx, &self.zone_id).await?;
        let zone = zone.ok_or_else(|| Failure::other(format!("there is no hosted zone `{}`", self.zone_id)))?;
        Ok(full(&self.name, &zone))
    }

    /// In which way it is chosen among others of its name.
    fn policy(&self) -> [bool; 7] {
        [
            self.cidr_routing_policy.is_some(),
            self.failover_routing_policy.is_some(),
            self.geolocation_routing_policy.is_some(),
            self.geoproximity_routing_policy.is_some(),
            self.latency_routing_policy.is_some(),
            self.weighted_routing_policy.is_some(),
            self.multivalue_answer_routing_policy == Some(true),
        ]
    }

    fn set(&self, name: &str) -> Outcome<ResourceRecordSet> {
        let some = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let kind = self.r#type.as_str();
        let mut set = ResourceRecordSet::builder().name(name).r#type(RrType::from(kind));
        set = set.set_set_identifier(self.identifier().map(str::to_owned)).set_health_check_id(some(&self.health_check_id));
        if let Some(alias) = &self.alias {
            let target = AliasTarget::builder().dns_name(alias.name.trim_end_matches('.')).hosted_zone_id(&alias.zone_id);
            set = set.alias_target(target.evaluate_target_health(alias.evaluate_target_health).build()?);
        } else {
            let values = self.records.iter().map(|r| ResourceRecord::builder().value(sent(kind, r)).build());
            set = set.set_ttl(self.ttl).set_resource_records(Some(values.collect::<Result<_, _>>()?));
        }
        if let Some(cidr) = &self.cidr_routing_policy {
            let config = CidrRoutingConfig::builder().collection_id(&cidr.collection_id).location_name(&cidr.location_name);
            set = set.cidr_routing_config(config.build()?);
        }
        set = set.set_failover(self.failover_routing_policy.as_ref().map(|f| ResourceRecordSetFailover::from(f.r#type.as_str())));
        if let Some(geo) = &self.geolocation_routing_policy {
            let location = GeoLocation::builder().set_continent_code(some(&geo.continent)).set_country_code(some(&geo.country));
            set = set.geo_location(location.set_subdivision_code(some(&geo.subdivision)).build());
        }
        if let Some(geo) = &self.geoproximity_routing_policy {
            let at = geo.coordinates.first().map(|c| SdkCoordinates::builder().latitude(&c.latitude).longitude(&c.longitude).build());
            let place = GeoProximityLocation::builder().set_aws_region(some(&geo.aws_region)).set_coordinates(at.transpose()?);
            let place = place.set_local_zone_group(some(&geo.local_zone_group)).set_bias(geo.bias.and_then(|b| i32::try_from(b).ok()));
            set = set.geo_proximity_location(place.build());
        }
        set = set.set_region(self.latency_routing_policy.as_ref().map(|l| ResourceRecordSetRegion::from(l.region.as_str())));
        set = set.set_weight(self.weighted_routing_policy.as_ref().map(|w| w.weight));
        Ok(set.set_multi_value_answer(self.multivalue_answer_routing_policy.filter(|yes| *yes)).build()?)
    }
}

/// What an id says: `ZONE_name_TYPE`, with `_identifier` where there is one.
#[derive(Debug, PartialEq)]
struct Key<'a> {
    zone: &'a str,
    name: &'a str,
    kind: &'a str,
    identifier: Option<&'a str>,
}

impl<'a> Key<'a> {
    fn parse(id: &'a str) -> Outcome<Self> {
        let wrong = || {
            Failure::other(format!("`{id}` does not name a record")).help(
                "write the id of the zone, the name, the type and, where the record has one, the set identifier: \
                 `Z08153401SUP2D5QVPUPS_www.example.com_A`",
            )
        };
        let (zone, rest) = id.split_once('_').filter(|(zone, _)| !zone.is_empty()).ok_or_else(wrong)?;
        // Names hold underscores too: the type is the first word that is one.
        let mut from = 0;
        while let Some(at) = rest[from..].find('_').map(|at| from + at) {
            let after = &rest[at + 1..];
            let kind = after.split('_').next().unwrap_or_default();
            if TYPES.contains(&kind) {
                let identifier = after[kind.len()..].strip_prefix('_').filter(|i| !i.is_empty());
                return Ok(Self { zone, name: &rest[..at], kind, identifier });
            }
            from = at + 1;
        }
        Err(wrong())
    }
}

fn record(key: &Key<'_>, set: &ResourceRecordSet, prior: Option<&Record>) -> Record {
    let text = |t: Option<&str>| t.filter(|t| !t.is_empty()).map(str::to_owned);
    let written = || prior.iter().flat_map(|p| &p.records);
    let values = set.resource_records().iter().map(|r| spelled(shown(key.kind, r.value()), written()));
    Record {
        alias: set.alias_target().map(|a| Alias {
            evaluate_target_health: a.evaluate_target_health,
            name: a.dns_name().trim_end_matches('.').into(),
            zone_id: a.hosted_zone_id.clone(),
        }),
        allow_overwrite: prior.and_then(|p| p.allow_overwrite),
        cidr_routing_policy: set
            .cidr_routing_config()
            .map(|c| CidrRoutingPolicy { collection_id: c.collection_id.clone(), location_name: c.location_name.clone() }),
        failover_routing_policy: set.failover().map(|f| FailoverRoutingPolicy { r#type: f.as_str().to_owned() }),
        fqdn: Some(plain(&set.name)),
        geolocation_routing_policy: set.geo_location().map(|g| GeolocationRoutingPolicy {
            continent: text(g.continent_code()),
            country: text(g.country_code()),
            subdivision: text(g.subdivision_code()),
        }),
        geoproximity_routing_policy: set.geo_proximity_location().map(|g| GeoproximityRoutingPolicy {
            aws_region: text(g.aws_region()),
            bias: g.bias().map(i64::from),
            coordinates: g
                .coordinates()
                .map(|c| Coordinates { latitude: c.latitude.clone(), longitude: c.longitude.clone() })
                .into_iter()
                .collect(),
            local_zone_group: text(g.local_zone_group()),
        }),
        health_check_id: text(set.health_check_id()),
        latency_routing_policy: set.region().map(|r| LatencyRoutingPolicy { region: r.as_str().to_owned() }),
        multivalue_answer_routing_policy: set.multi_value_answer().filter(|yes| *yes),
        name: prior.map_or_else(|| key.name.into(), |p| p.name.clone()),
        records: values.collect(),
        set_identifier: text(set.set_identifier()),
        ttl: set.ttl().filter(|_| set.alias_target().is_none()),
        r#type: set.r#type.as_str().to_owned(),
        weighted_routing_policy: set.weight().map(|weight| WeightedRoutingPolicy { weight }),
        zone_id: key.zone.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_apart() {
        for (id, name, kind, identifier) in [
            ("Z1_www.example.com_A", "www.example.com", "A", None),
            ("Z1__dmarc.example.com_TXT", "_dmarc.example.com", "TXT", None),
            ("Z1_www_A_blue_MX", "www", "A", Some("blue_MX")),
            ("Z1__A", "", "A", None),
        ] {
            assert_eq!(Key::parse(id), Ok(Key { zone: "Z1", name, kind, identifier }), "{id}");
        }
        assert!(Key::parse("Z1_www").is_err());
        assert!(Key::parse("www").is_err());
    }
}
