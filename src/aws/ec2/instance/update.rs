//! Changes in place. What needs the instance stopped is done in one stop, however much it is.

use std::time::Duration;

use aws_sdk_ec2::operation::modify_instance_attribute::builders::ModifyInstanceAttributeFluentBuilder as Modify;
use aws_sdk_ec2::operation::modify_network_interface_attribute::builders::ModifyNetworkInterfaceAttributeFluentBuilder as ModifyNic;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, IamInstanceProfileAssociation, IamInstanceProfileSpecification, Instance as Described,
    InstanceAttributeName, InstanceCreditSpecificationRequest,
};

use super::user_data::{bytes, decoded, encoded, is_hash, same};
use super::{CapacityReservationSpecification, Instance, MetadataOptions, PrivateDnsNameOptions, differs, some, volumes};
use crate::aws::Aws;
use crate::aws::ec2::{by, retag};
use crate::aws::types::Ip;
use crate::aws::wait::{Seen, until};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Live};

/// How long an instance may take to stop.
const STOP: Duration = Duration::from_secs(600);
/// How long a change may take to be seen.
const VISIBLE: Duration = Duration::from_secs(300);

/// A change from one to the other.
struct Change<'a> {
    aws: &'a Aws,
    id: &'a str,
    want: &'a Instance,
    have: &'a Instance,
}

/// Makes the live one like `want`.
pub(super) async fn update(want: &Instance, cx: &Cx<'_, Aws>, live: &Live<Instance>) -> Outcome<()> {
    let change = Change { aws: cx.cloud, id: &live.id, want, have: &live.value };
    retag(cx.cloud, &live.id, &live.value.tags_all, &want.tags_all).await?;
    if want.disable_api_stop == Some(false) {
        change.protect_from_stop().await?;
    }
    change.network().await?;
    change.profile().await?;
    change.settings().await?;
    change.metadata().await?;
    volumes::update(want, cx.cloud, &live.id, &live.value).await?;
    change.at_rest().await?;
    if want.disable_api_stop == Some(true) {
        change.protect_from_stop().await?;
    }
    Ok(())
}

fn bool(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::builder().value(value).build()
}

/// The bytes that the user data should become, where it is something else. It is the attribute that is not what there is which the
/// user gave; the other one, if it is there at all, comes from the state.
fn new_user_data(want: &Instance, have: &Instance) -> Option<Vec<u8>> {
    let there = have.user_data.as_deref().or(have.user_data_base64.as_deref()).unwrap_or_default();
    let given = want.user_data.as_deref().filter(|t| !is_hash(t) && !same(t, there)).map(bytes);
    given.or_else(|| want.user_data_base64.as_deref().filter(|b| !b.is_empty() && !same(b, there)).and_then(decoded))
}

/// Fields that nobody sets are those of the cloud.
fn other_reservation(want: &CapacityReservationSpecification, have: Option<&CapacityReservationSpecification>) -> bool {
    let preference = differs(
        want.capacity_reservation_preference.as_ref().filter(|_| want.capacity_reservation_target.is_none()),
        have.and_then(|h| h.capacity_reservation_preference.as_ref()),
    );
    let target = want.capacity_reservation_target.as_ref();
    preference || differs(target, have.and_then(|h| h.capacity_reservation_target.as_ref()))
}

fn other_metadata(want: &MetadataOptions, have: Option<&MetadataOptions>) -> bool {
    let text = |field: fn(&MetadataOptions) -> &Option<String>| differs(field(want).as_ref(), have.and_then(|h| field(h).as_ref()));
    let hops = want.http_put_response_hop_limit.as_ref();
    text(|m| &m.http_endpoint)
        || want.http_endpoint.as_deref() != Some("disabled")
            && (text(|m| &m.http_tokens)
                || text(|m| &m.http_protocol_ipv6)
                || text(|m| &m.instance_metadata_tags)
                || differs(hops, have.and_then(|h| h.http_put_response_hop_limit.as_ref())))
}

fn other_names(want: &PrivateDnsNameOptions, have: Option<&PrivateDnsNameOptions>) -> bool {
    let flag = |field: fn(&PrivateDnsNameOptions) -> Option<bool>| differs(field(want).as_ref(), have.and_then(field).as_ref());
    flag(|d| d.enable_resource_name_dns_a_record)
        || flag(|d| d.enable_resource_name_dns_aaaa_record)
        || differs(want.hostname_type.as_ref(), have.and_then(|h| h.hostname_type.as_ref()))
}

impl Change<'_> {
    fn attribute(&self) -> Modify {
        self.aws.ec2.modify_instance_attribute().instance_id(self.id)
    }

    /// A call that changes an attribute of the first network interface.
    fn interface(&self) -> Outcome<ModifyNic> {
        let id = self.interface_id()?;
        Ok(self.aws.ec2.modify_network_interface_attribute().network_interface_id(id))
    }

    fn interface_id(&self) -> Outcome<&str> {
        let id = self.have.primary_network_interface_id.as_deref();
        id.ok_or_else(|| Failure::other(format!("the instance {} has no network interface now", self.id)))
    }

    async fn protect_from_stop(&self) -> Outcome<()> {
        let (want, have) = (self.want.disable_api_stop, self.have.disable_api_stop);
        if let Some(on) = want.filter(|_| want != have) {
            spot(self.attribute().disable_api_stop(bool(on)).send().await.map(drop).map_err(Into::into))?;
        }
        Ok(())
    }

    async fn settings(&self) -> Outcome<()> {
        let (want, have) = (self.want, self.have);
        if let Some(on) = want.disable_api_termination.filter(|on| Some(*on) != have.disable_api_termination) {
            spot(self.attribute().disable_api_termination(bool(on)).send().await.map(drop).map_err(Into::into))?;
        }
        let shutdown = |i: &Instance| some(i.instance_initiated_shutdown_behavior.as_deref());
        if let Some(word) = shutdown(want).filter(|word| shutdown(have).as_ref() != Some(word)) {
            let call = self.attribute().attribute(InstanceAttributeName::InstanceInitiatedShutdownBehavior);
            call.value(word).send().await?;
        }
        if let Some(on) = want.monitoring.filter(|on| Some(*on) != have.monitoring) {
            if on {
                self.aws.ec2.monitor_instances().instance_ids(self.id).send().await?;
            } else {
                self.aws.ec2.unmonitor_instances().instance_ids(self.id).send().await?;
            }
        }
        let credits = |i: &Instance| i.credit_specification.as_ref().and_then(|c| some(c.cpu_credits.as_deref()));
        if let Some(word) = credits(want).filter(|word| credits(have).as_ref() != Some(word)) {
            let spec = InstanceCreditSpecificationRequest::builder().instance_id(self.id).cpu_credits(&word).build();
            let answer = self.aws.ec2.modify_instance_credit_specification().instance_credit_specifications(spec).send().await?;
            if let Some(refused) = answer.unsuccessful_instance_credit_specifications().first().and_then(|u| u.error()) {
                return Err(Failure::other(refused.message().unwrap_or("the credits can't be changed")));
            }
        }
        let recovery = |i: &Instance| i.maintenance_options.as_ref().and_then(|m| some(m.auto_recovery.as_deref()));
        if let Some(word) = recovery(want).filter(|word| recovery(have).as_ref() != Some(word)) {
            let call = self.aws.ec2.modify_instance_maintenance_options().instance_id(self.id);
            call.auto_recovery(word.as_str().into()).send().await?;
        }
        if let Some(dns) = want.private_dns_name_options.as_ref().filter(|dns| other_names(dns, have.private_dns_name_options.as_ref())) {
            let call = self.aws.ec2.modify_private_dns_name_options().instance_id(self.id);
            let call = call.set_enable_resource_name_dns_a_record(dns.enable_resource_name_dns_a_record);
            let call = call.set_enable_resource_name_dns_aaaa_record(dns.enable_resource_name_dns_aaaa_record);
            let kind = dns.hostname_type.as_deref().filter(|kind| !kind.is_empty());
            call.set_private_dns_hostname_type(kind.map(Into::into)).send().await?;
        }
        Ok(())
    }

    async fn network(&self) -> Outcome<()> {
        let (want, have) = (self.want, self.have);
        // An interface that was made elsewhere has its own settings.
        if want.network_interface.is_empty() {
            if let Some(on) = want.source_dest_check.filter(|on| Some(*on) != have.source_dest_check) {
                self.attribute().source_dest_check(bool(on)).send().await?;
            }
        }
        let groups = |i: &Instance| i.vpc_security_group_ids.clone().filter(|ids| !ids.is_empty());
        if let Some(ids) = groups(want).filter(|ids| groups(have).as_ref() != Some(ids)) {
            self.interface()?.set_groups(Some(ids.into_iter().collect())).send().await?;
        }
        if let Some(on) = want.associate_public_ip_address.filter(|on| Some(*on) != have.associate_public_ip_address) {
            self.interface()?.associate_public_ip_address(on).send().await?;
        }
        if want.enable_primary_ipv6 == Some(true) && have.enable_primary_ipv6 != Some(true) {
            self.interface()?.enable_primary_ipv6(true).send().await?;
        }
        self.addresses().await
    }

    /// Looks first at what there is now: assigning twice is refused, or assigns twice as many.
    async fn addresses(&self) -> Outcome<()> {
        let (want, have) = (self.want, self.have);
        let ips = want.secondary_private_ips.as_ref().filter(|ips| differs(Some(*ips), have.secondary_private_ips.as_ref()));
        let count = want.ipv6_address_count.filter(|n| differs(Some(n), have.ipv6_address_count.as_ref()));
        if ips.is_none() && count.is_none() {
            return Ok(());
        }
        let (id, now) = (self.interface_id()?, self.now().await?);
        let now = now.as_ref().and_then(super::shape::primary);
        if let Some(ips) = ips {
            let there = now.map(super::shape::secondary_ips).unwrap_or_default();
            let (gone, new) = crate::aws::delta(&there, ips);
            let texts = |ips: Vec<&Ip>| Some(ips.into_iter().map(|ip| ip.0.clone()).collect::<Vec<_>>());
            if !gone.is_empty() {
                let call = self.aws.ec2.unassign_private_ip_addresses().network_interface_id(id);
                call.set_private_ip_addresses(texts(gone)).send().await?;
            }
            if !new.is_empty() {
                let call = self.aws.ec2.assign_private_ip_addresses().network_interface_id(id);
                call.set_private_ip_addresses(texts(new)).send().await?;
            }
        }
        let there = now.map(super::shape::ipv6_addresses).unwrap_or_default();
        let keep = usize::try_from(count.unwrap_or_default()).unwrap_or_default();
        match count.map(|n| n - i32::try_from(there.len()).unwrap_or(i32::MAX)) {
            Some(more) if more > 0 => {
                self.aws.ec2.assign_ipv6_addresses().network_interface_id(id).ipv6_address_count(more).send().await?;
            }
            Some(more) if more < 0 => {
                let gone = there.into_iter().skip(keep).map(|ip| ip.0).collect();
                self.aws.ec2.unassign_ipv6_addresses().network_interface_id(id).set_ipv6_addresses(Some(gone)).send().await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn metadata(&self) -> Outcome<()> {
        let Some(want) = self.want.metadata_options.as_ref().filter(|m| other_metadata(m, self.have.metadata_options.as_ref())) else {
            return Ok(());
        };
        let endpoint = want.http_endpoint.as_deref().unwrap_or("enabled");
        let mut call = self.aws.ec2.modify_instance_metadata_options().instance_id(self.id).http_endpoint(endpoint.into());
        if endpoint == "enabled" {
            call = call.set_http_tokens(want.http_tokens.as_deref().map(Into::into));
            call = call.set_http_put_response_hop_limit(want.http_put_response_hop_limit);
            call = call.set_http_protocol_ipv6(want.http_protocol_ipv6.as_deref().map(Into::into));
            call = call.set_instance_metadata_tags(want.instance_metadata_tags.as_deref().map(Into::into));
        }
        call.send().await?;
        self.until("the metadata options of", "applied", VISIBLE, |instance| {
            let state = instance.metadata_options.as_ref().and_then(|m| m.state.as_ref()).map_or("", |s| s.as_str());
            (state == "pending").then(|| state.to_owned())
        })
        .await
    }

    /// The role that it acts in. One association at a time is allowed, and only a running instance can have it replaced.
    async fn profile(&self) -> Outcome<()> {
        let Some(want) = self.want.iam_instance_profile.as_deref() else { return Ok(()) };
        if want == self.have.iam_instance_profile.as_deref().unwrap_or_default() {
            return Ok(());
        }
        let ec2 = &self.aws.ec2;
        let spec = IamInstanceProfileSpecification::builder().name(want).build();
        match self.association().await?.and_then(|a| a.association_id) {
            Some(old) if !want.is_empty() && self.runs() => {
                ec2.replace_iam_instance_profile_association().association_id(old).iam_instance_profile(spec).send().await?;
            }
            old => {
                if let Some(old) = old {
                    ec2.disassociate_iam_instance_profile().association_id(old).send().await?;
                }
                if !want.is_empty() {
                    ec2.associate_iam_instance_profile().instance_id(self.id).iam_instance_profile(spec).send().await?;
                }
            }
        }
        self.until("the instance profile of", "seen", VISIBLE, |instance| {
            let there = super::shape::profile(instance).unwrap_or_default();
            (there != want).then(|| if there.is_empty() { "none".to_owned() } else { there })
        })
        .await
    }

    async fn association(&self) -> Outcome<Option<IamInstanceProfileAssociation>> {
        let filters = [by("instance-id", [self.id]), by("state", ["associating", "associated"])];
        let call = self.aws.ec2.describe_iam_instance_profile_associations().set_filters(Some(filters.into()));
        Ok(call.send().await?.iam_instance_profile_associations.unwrap_or_default().into_iter().next())
    }

    fn runs(&self) -> bool {
        matches!(self.have.instance_state.as_deref(), Some("running" | "pending"))
    }

    /// Stops it if it runs, makes the changes that need it stopped, and starts it again: also when one of them was refused.
    async fn at_rest(&self) -> Outcome<()> {
        let (want, have) = (self.want, self.have);
        let kind = some(want.instance_type.as_deref()).filter(|kind| have.instance_type.as_ref() != Some(kind));
        let data = new_user_data(want, have);
        let optimized = want.ebs_optimized.filter(|on| Some(*on) != have.ebs_optimized);
        let reservation = want.capacity_reservation_specification.as_ref();
        let reservation = reservation.filter(|r| other_reservation(r, have.capacity_reservation_specification.as_ref()));
        if kind.is_none() && data.is_none() && optimized.is_none() && reservation.is_none() {
            return Ok(());
        }
        if self.runs() {
            self.aws.ec2.stop_instances().instance_ids(self.id).send().await.map_err(|error| kept_running(error.into()))?;
        }
        self.until("the instance", "stopped", STOP, |instance| {
            let state = instance.state.as_ref().and_then(|s| s.name.as_ref()).map_or("", |name| name.as_str());
            (state != "stopped").then(|| state.to_owned())
        })
        .await?;
        let changes = async {
            if let Some(kind) = kind {
                self.attribute().instance_type(text(&kind)).send().await?;
            }
            if let Some(on) = optimized {
                self.attribute().ebs_optimized(bool(on)).send().await?;
            }
            if let Some(data) = data {
                // This form of the call takes base64, like RunInstances; the other one encodes by itself.
                let call = self.attribute().attribute(InstanceAttributeName::UserData);
                call.value(encoded(&data)).send().await?;
            }
            if let Some(given) = reservation {
                let call = self.aws.ec2.modify_instance_capacity_reservation_attributes().instance_id(self.id);
                call.capacity_reservation_specification(super::create::reservation(given)).send().await?;
            }
            Outcome::Ok(())
        };
        let outcome = changes.await;
        if self.runs() {
            let started = self.aws.ec2.start_instances().instance_ids(self.id).send().await;
            outcome?;
            started?;
            return Ok(());
        }
        outcome
    }

    /// The instance as it is at this moment.
    async fn now(&self) -> Outcome<Option<Described>> {
        let found = self.aws.ec2.describe_instances().filters(by("instance-id", [self.id])).send().await?;
        Ok(found.reservations.unwrap_or_default().into_iter().flat_map(|r| r.instances.unwrap_or_default()).next())
    }

    /// Waits until `rest` has nothing left to say about the instance.
    async fn until(
        &self,
        what: &str,
        goal: &str,
        within: Duration,
        rest: impl Fn(&Described) -> Option<String> + Sync + Send,
    ) -> Outcome<()> {
        let rest = &rest;
        until(&format!("{what} {}", self.id), goal, within, || async move {
            Ok(match self.now().await?.as_ref().map(rest) {
                None => Seen::Not("nowhere".into()),
                Some(Some(state)) => Seen::Not(state),
                Some(None) => Seen::Done(()),
            })
        })
        .await
    }
}

/// A Spot instance can't be protected, and doesn't need to be told.
fn spot(outcome: Outcome<()>) -> Outcome<()> {
    match outcome {
        Err(failure) if failure.code == "UnsupportedOperation" && failure.message.contains("not supported for spot instances") => Ok(()),
        other => other,
    }
}

fn kept_running(failure: Failure) -> Failure {
    match failure.code.as_str() {
        "OperationNotPermitted" => failure.help("the change needs a stop: set `disable_api_stop = false` along with it"),
        "UnsupportedOperation" => failure.help("the change needs a stop, which this instance can't do: replace it"),
        _ => failure,
    }
}
