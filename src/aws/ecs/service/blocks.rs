//! The blocks of a service.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::types::Arn;

crate::blocks! {
    /// Alarms that end a deployment.
    pub struct Alarms {
        /// Their names.
        #[attr(required)]
        alarm_names: BTreeSet<String>,
        /// Whether they are looked at.
        enable: bool,
        /// Whether the deployment is then rolled back.
        rollback: bool,
    }

    /// A share of the tasks on one capacity provider.
    pub struct CapacityProviderStrategy {
        /// How many tasks run on it before any other counts.
        #[attr(within(0, 100_000))]
        base: Option<i64>,
        /// Its name.
        capacity_provider: String,
        /// Its share of the rest.
        #[attr(within(0, 1000))]
        weight: Option<i64>,
    }

    /// What ends a deployment that does not come to life.
    pub struct CircuitBreaker {
        /// Whether it is on.
        enable: bool,
        /// Whether the deployment is then rolled back.
        rollback: bool,
    }

    /// Who deploys.
    pub struct DeploymentController {
        /// ECS itself, CodeDeploy, or another.
        #[attr(force_new, default_text("ECS"), one_of(&["ECS", "CODE_DEPLOY", "EXTERNAL"]))]
        r#type: Option<String>,
    }

    /// A load balancer in front of the tasks.
    pub struct LoadBalancer {
        /// The container that it leads to.
        container_name: String,
        /// The port of the container.
        #[attr(within(0, 65536))]
        container_port: i64,
        /// The name of a Classic Load Balancer.
        elb_name: Option<String>,
        /// The target group of any other.
        #[attr(refers("aws_lb_target_group.arn"))]
        target_group_arn: Option<Arn>,
    }

    /// The network of tasks that have one of their own (`awsvpc`).
    pub struct Network {
        /// Whether tasks get a public address; of Fargate alone.
        #[attr(default_bool(false))]
        assign_public_ip: Option<bool>,
        /// Their security groups; the VPC's default group where none is given.
        #[attr(refers("aws_security_group.id"))]
        security_groups: BTreeSet<String>,
        /// Their subnets.
        #[attr(required, refers("aws_subnet.id"))]
        subnets: BTreeSet<String>,
    }

    /// How tasks are laid out over instances.
    pub struct PlacementStrategy {
        /// By what: `attribute:ecs.availability-zone`, `instanceId`, `cpu`, `memory`.
        field: Option<String>,
        /// How.
        #[attr(one_of(&["binpack", "random", "spread"]))]
        r#type: String,
    }

    /// On which instances tasks may run.
    pub struct PlacementConstraint {
        /// A cluster query.
        expression: Option<String>,
        /// The kind of the constraint.
        #[attr(one_of(&["distinctInstance", "memberOf"]))]
        r#type: String,
    }

    /// How tasks are found by name through Cloud Map.
    pub struct Registry {
        /// The container.
        container_name: Option<String>,
        /// The port of the container.
        #[attr(within(0, 65536))]
        container_port: Option<i64>,
        /// The port in SRV records.
        #[attr(within(0, 65536))]
        port: Option<i64>,
        /// The Cloud Map service.
        registry_arn: Arn,
    }

    /// How services find one another and talk, through a proxy that ECS runs beside each task.
    pub struct ServiceConnect {
        /// Whether it is on.
        enabled: bool,
        /// Where the proxy logs.
        log_configuration: Option<LogConfiguration>,
        /// The Cloud Map namespace, by name or ARN.
        #[attr(chosen)]
        namespace: Option<String>,
        /// What of it others can reach.
        service: Vec<ConnectService>,
    }

    /// Where a proxy logs.
    pub struct LogConfiguration {
        /// Docker's log driver, `awslogs`.
        log_driver: String,
        /// Its options.
        #[attr(chosen)]
        options: BTreeMap<String, String>,
        /// Its options that are secrets.
        secret_option: Vec<SecretOption>,
    }

    /// An option that is a secret.
    pub struct SecretOption {
        /// Its name.
        name: String,
        /// The ARN of the secret or parameter.
        value_from: String,
    }

    /// A port that others can reach.
    pub struct ConnectService {
        /// How others call it.
        client_alias: Option<ClientAlias>,
        /// Its name in Cloud Map.
        #[attr(chosen)]
        discovery_name: Option<String>,
        /// The port that the proxy listens at.
        #[attr(within(0, 65535))]
        ingress_port_override: Option<i64>,
        /// The name of the port mapping in the task definition.
        port_name: String,
        /// After how long the proxy gives up.
        timeout: Option<Timeout>,
        /// How what goes between proxies is encrypted.
        tls: Option<Tls>,
    }

    /// How others call a port.
    pub struct ClientAlias {
        /// The name.
        #[attr(chosen)]
        dns_name: Option<String>,
        /// The port.
        #[attr(within(0, 65535))]
        port: i64,
    }

    /// After how long a proxy gives up.
    pub struct Timeout {
        /// The seconds that a connection may be idle.
        idle_timeout_seconds: Option<i64>,
        /// The seconds that a request may take.
        per_request_timeout_seconds: Option<i64>,
    }

    /// How what goes between proxies is encrypted.
    pub struct Tls {
        /// Who issues the certificates.
        #[attr(required)]
        issuer_cert_authority: Option<Authority>,
        /// The KMS key for the private keys.
        kms_key: Option<String>,
        /// The role that ECS takes for that.
        role_arn: Option<Arn>,
    }

    /// Who issues certificates.
    pub struct Authority {
        /// The private certificate authority.
        aws_pca_authority_arn: Arn,
    }

    /// A volume that the service brings for one that the task definition leaves open.
    pub struct VolumeConfiguration {
        /// An EBS volume for each task.
        #[attr(required)]
        managed_ebs_volume: Option<EbsVolume>,
        /// Its name in the task definition.
        name: String,
    }

    /// An EBS volume for each task.
    pub struct EbsVolume {
        /// Whether it is encrypted.
        encrypted: Option<bool>,
        /// The file system on it.
        #[attr(default_text("xfs"), one_of(&["ext3", "ext4", "xfs", "ntfs"]))]
        file_system_type: Option<String>,
        /// Its operations a second.
        iops: Option<i64>,
        /// The KMS key.
        kms_key_id: Option<String>,
        /// The role that ECS takes to make it.
        role_arn: Arn,
        /// Its size in GiB.
        size_in_gb: Option<i64>,
        /// The snapshot that it is made of.
        snapshot_id: Option<String>,
        /// The tags that it gets.
        tag_specifications: Vec<TagSpecification>,
        /// Its throughput in MiB a second.
        #[attr(within(0, 2000))]
        throughput: Option<i64>,
        /// How fast it is filled from the snapshot, in MiB a second.
        #[attr(within(100, 300))]
        volume_initialization_rate: Option<i64>,
        /// Its kind, `gp3`.
        volume_type: Option<String>,
    }

    /// The tags that a volume gets.
    pub struct TagSpecification {
        /// Whose tags it gets besides.
        #[attr(one_of(&["TASK_DEFINITION", "SERVICE", "NONE"]))]
        propagate_tags: Option<String>,
        /// What gets them.
        #[attr(one_of(&["volume"]))]
        resource_type: String,
        /// The tags.
        tags: BTreeMap<String, String>,
    }

    /// A target group of VPC Lattice in front of the tasks.
    pub struct Lattice {
        /// The name of the port mapping in the task definition.
        port_name: String,
        /// The role that ECS takes to register tasks.
        role_arn: Arn,
        /// The target group.
        target_group_arn: Arn,
    }
}
