//! AWS: its clients, its errors, its kinds of text, and a file for each resource type and data source.

use std::sync::Arc;

use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cloud, DataOf, DataType, Fut, Of, Provider, ResourceType, Settings};
use crate::words::schema::{Attr, Block, Field};
use crate::words::value::Value;

pub mod acm;
pub mod application_autoscaling;
pub mod autoscaling;
pub mod client;
pub mod cloudwatch;
pub mod config;
pub mod dlm;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elb;
pub mod error;
pub mod events;
mod gather;
pub mod iam;
pub mod imported;
pub mod kms;
mod listing;
pub mod logs;
pub mod name;
pub mod partition;
pub mod policy;
pub mod quotas;
mod rate;
pub mod region;
pub mod route53;
pub mod s3;
pub mod secrets;
pub mod sns;
pub mod ssm;
pub mod sts;
pub mod tags;
mod trail;
mod transport;
pub mod types;
pub mod wait;

pub use client::Aws;

/// Every AWS resource type there is. Add yours here.
pub const RESOURCES: &[&dyn ResourceType] = &[
    &Of::<acm::certificate::Certificate>::TYPE,
    &Of::<acm::validation::Validation>::TYPE,
    &Of::<application_autoscaling::policy::Policy>::TYPE,
    &Of::<application_autoscaling::target::Target>::TYPE,
    &Of::<autoscaling::group::Group>::TYPE,
    &Of::<autoscaling::policy::Policy>::TYPE,
    &Of::<cloudwatch::dashboard::Dashboard>::TYPE,
    &Of::<cloudwatch::metric_alarm::MetricAlarm>::TYPE,
    &Of::<dlm::lifecycle_policy::LifecyclePolicy>::TYPE,
    &Of::<ec2::default_security_group::DefaultSecurityGroup>::TYPE,
    &Of::<ec2::ebs_snapshot::EbsSnapshot>::TYPE,
    &Of::<ec2::ebs_volume::EbsVolume>::TYPE,
    &Of::<ec2::eip::Eip>::TYPE,
    &Of::<ec2::eip_association::EipAssociation>::TYPE,
    &Of::<ec2::flow_log::FlowLog>::TYPE,
    &Of::<ec2::instance::Instance>::TYPE,
    &Of::<ec2::internet_gateway::InternetGateway>::TYPE,
    &Of::<ec2::key_pair::KeyPair>::TYPE,
    &Of::<ec2::launch_template::LaunchTemplate>::TYPE,
    &Of::<ec2::main_route_table_association::MainRouteTableAssociation>::TYPE,
    &Of::<ec2::nat_gateway::NatGateway>::TYPE,
    &Of::<ec2::network_interface::NetworkInterface>::TYPE,
    &Of::<ec2::route::Route>::TYPE,
    &Of::<ec2::route_table::RouteTable>::TYPE,
    &Of::<ec2::route_table_association::RouteTableAssociation>::TYPE,
    &Of::<ec2::security_group::SecurityGroup>::TYPE,
    &Of::<ec2::subnet::Subnet>::TYPE,
    &Of::<ec2::volume_attachment::VolumeAttachment>::TYPE,
    &Of::<ec2::vpc::Vpc>::TYPE,
    &Of::<ec2::vpc_endpoint::VpcEndpoint>::TYPE,
    &Of::<ec2::vpc_security_group_egress_rule::EgressRule>::TYPE,
    &Of::<ec2::vpc_security_group_ingress_rule::IngressRule>::TYPE,
    &Of::<ecr::lifecycle_policy::LifecyclePolicy>::TYPE,
    &Of::<ecr::repository::Repository>::TYPE,
    &Of::<ecs::capacity_provider::CapacityProvider>::TYPE,
    &Of::<ecs::cluster::Cluster>::TYPE,
    &Of::<ecs::cluster_capacity_providers::ClusterCapacityProviders>::TYPE,
    &Of::<ecs::service::Service>::TYPE,
    &Of::<ecs::task_definition::TaskDefinition>::TYPE,
    &Of::<elb::attachment::Attachment>::TYPE,
    &Of::<elb::lb::Lb>::TYPE,
    &Of::<elb::listener::Listener>::TYPE,
    &Of::<elb::listener_certificate::ListenerCertificate>::TYPE,
    &Of::<elb::rule::Rule>::TYPE,
    &Of::<elb::target_group::TargetGroup>::TYPE,
    &Of::<events::rule::Rule>::TYPE,
    &Of::<events::target::Target>::TYPE,
    &Of::<iam::instance_profile::InstanceProfile>::TYPE,
    &Of::<iam::openid_connect_provider::OpenIdConnectProvider>::TYPE,
    &Of::<iam::policy::Policy>::TYPE,
    &Of::<iam::role::Role>::TYPE,
    &Of::<iam::role_policy::RolePolicy>::TYPE,
    &Of::<iam::role_policy_attachment::RolePolicyAttachment>::TYPE,
    &Of::<iam::service_linked_role::ServiceLinkedRole>::TYPE,
    &Of::<kms::alias::Alias>::TYPE,
    &Of::<kms::key::Key>::TYPE,
    &Of::<logs::log_group::LogGroup>::TYPE,
    &Of::<logs::metric_filter::MetricFilter>::TYPE,
    &Of::<route53::health_check::HealthCheck>::TYPE,
    &Of::<route53::record::Record>::TYPE,
    &Of::<route53::zone::Zone>::TYPE,
    &Of::<secrets::secret::Secret>::TYPE,
    &Of::<secrets::secret_version::SecretVersion>::TYPE,
    &Of::<s3::bucket::Bucket>::TYPE,
    &Of::<s3::encryption::BucketEncryption>::TYPE,
    &Of::<s3::lifecycle::BucketLifecycle>::TYPE,
    &Of::<s3::ownership_controls::OwnershipControls>::TYPE,
    &Of::<s3::policy::BucketPolicy>::TYPE,
    &Of::<s3::public_access_block::PublicAccessBlock>::TYPE,
    &Of::<s3::versioning::BucketVersioning>::TYPE,
    &Of::<sns::topic::Topic>::TYPE,
    &Of::<sns::topic_subscription::TopicSubscription>::TYPE,
    &Of::<ssm::parameter::Parameter>::TYPE,
];

/// Every AWS data source there is. Add yours here.
pub const DATA: &[&dyn DataType] = &[
    &DataOf::<acm::certificate_data::CertificateData>::TYPE,
    &DataOf::<ec2::data_ami::Ami>::TYPE,
    &DataOf::<ec2::data_availability_zones::AvailabilityZones>::TYPE,
    &DataOf::<ec2::data_ec2_instance_type::InstanceTypeData>::TYPE,
    &DataOf::<ec2::data_instance::InstanceData>::TYPE,
    &DataOf::<ec2::data_route_tables::RouteTablesData>::TYPE,
    &DataOf::<ec2::data_security_group::SecurityGroupData>::TYPE,
    &DataOf::<ec2::data_subnet::SubnetData>::TYPE,
    &DataOf::<ec2::data_subnets::SubnetsData>::TYPE,
    &DataOf::<ec2::data_vpc::VpcData>::TYPE,
    &DataOf::<ecr::data_repository::RepositoryData>::TYPE,
    &DataOf::<ecs::data_cluster::ClusterData>::TYPE,
    &DataOf::<elb::lb_data::LbData>::TYPE,
    &DataOf::<iam::data_role::RoleData>::TYPE,
    &DataOf::<iam::policy_document::PolicyDocument>::TYPE,
    &DataOf::<partition::Partition>::TYPE,
    &DataOf::<quotas::Quota>::TYPE,
    &DataOf::<region::Region>::TYPE,
    &DataOf::<route53::zone_data::ZoneData>::TYPE,
    &DataOf::<secrets::data_secret::SecretData>::TYPE,
    &DataOf::<secrets::data_secret_version::SecretVersionData>::TYPE,
    &DataOf::<ssm::data_parameter::Parameter>::TYPE,
    &DataOf::<sts::CallerIdentity>::TYPE,
];

/// The provider.
pub struct AwsProvider;

impl Provider for AwsProvider {
    fn name(&self) -> &'static str {
        "aws"
    }
    fn source(&self) -> &'static str {
        "registry.terraform.io/hashicorp/aws"
    }
    fn version(&self) -> Option<[u64; 3]> {
        Some([5, 100, 0])
    }
    fn attrs(&self) -> &'static [Attr] {
        config::Config::ATTRS
    }
    fn configure<'a>(&'a self, config: &'a Value, settings: &'a Settings) -> Fut<'a, Outcome<Arc<dyn Cloud>>> {
        Box::pin(async move {
            let config = config::Config::take(config).map_err(|e| Failure::other(e.to_string()))?;
            let aws: Arc<dyn Cloud> = Arc::new(Aws::new(config, settings).await?);
            Ok(aws)
        })
    }
}

/// What to take away and what to add, to get from `old` to `new`.
pub fn delta<'a, T: Ord>(old: &'a std::collections::BTreeSet<T>, new: &'a std::collections::BTreeSet<T>) -> (Vec<&'a T>, Vec<&'a T>) {
    (old.difference(new).collect(), new.difference(old).collect())
}

/// For services that describe one thing at a time: eight reads in flight, the missing left out.
pub fn each<'a, K, T, F>(keys: impl IntoIterator<Item = K>, read: impl Fn(K) -> F) -> Fut<'a, Outcome<Vec<T>>>
where
    T: Send + 'a,
    F: Future<Output = Outcome<Option<T>>> + Send + 'a,
{
    use futures::stream::{self, StreamExt, TryStreamExt};
    // Boxed, and the futures made at once: else the compiler fails to see that what borrows its key may cross threads.
    let reads: Vec<F> = keys.into_iter().map(read).collect();
    Box::pin(async move {
        let found: Vec<Option<T>> = stream::iter(reads).buffered(8).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    })
}
