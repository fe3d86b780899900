//! Lists the region's zones.

use std::collections::BTreeSet;

use super::filter::{self, Filter, Search};
use crate::aws::Aws;
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};

crate::blocks! {
    /// The availability zones of the region, by name. Without a filter local zones that the account uses are among them.
    pub struct AvailabilityZones {
        /// Those too that the account has not opted in to.
        all_availability_zones: Option<bool>,
        /// Leave these out, by name.
        exclude_names: BTreeSet<String>,
        /// Leave these out, by id.
        exclude_zone_ids: BTreeSet<String>,
        /// Only zones that pass.
        filter: BTreeSet<Filter>,
        /// The groups that they belong to.
        #[attr(computed)]
        group_names: BTreeSet<String>,
        /// Their names, `us-east-1a`.
        #[attr(computed)]
        names: Vec<String>,
        /// Only zones in that state.
        #[attr(one_of(&["available", "information", "impaired", "unavailable", "constrained"]))]
        state: Option<String>,
        /// Their ids, in the order of their names. The same name may mean another zone in another account; an id never does.
        #[attr(computed)]
        zone_ids: Vec<String>,
    }
}

impl DataSource for AvailabilityZones {
    const TYPE: &'static str = "aws_availability_zones";
    const EXAMPLE: &'static str = r#"
[data.aws_availability_zones.example]
state = "available"
filter = [{ name = "zone-type", values = ["availability-zone"] }]
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let filters = Search::new(&self.filter, &Tags::new()).and("state", self.state.as_ref()).list();
        let call = cx.cloud.ec2.describe_availability_zones().set_filters(filters);
        let found = call.set_all_availability_zones(self.all_availability_zones).send().await?;
        let mut zones = found.availability_zones.unwrap_or_default();
        zones.retain(|zone| {
            let excluded = |names: &BTreeSet<String>, name: Option<&str>| name.is_some_and(|name| names.contains(name));
            !excluded(&self.exclude_names, zone.zone_name()) && !excluded(&self.exclude_zone_ids, zone.zone_id())
        });
        zones.sort_by(|a, b| a.zone_name().cmp(&b.zone_name()));
        let value = Self {
            group_names: zones.iter().filter_map(|zone| zone.group_name.clone()).collect(),
            names: zones.iter().map(|zone| zone.zone_name().unwrap_or_default().to_owned()).collect(),
            zone_ids: zones.iter().map(|zone| zone.zone_id().unwrap_or_default().to_owned()).collect(),
            ..self
        };
        Ok(Live { id: cx.cloud.region.clone(), value })
    }

    fn check(given: &Value) -> Vec<Problem> {
        filter::check(given)
    }
}
