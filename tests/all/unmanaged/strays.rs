//! Things that somebody made by hand, and things that nobody would manage.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::{IpPermission, IpRange, RequestLaunchTemplateData, ResourceType, Tag, TagSpecification};

use crate::support::sandbox::Cloud;

const TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const READ: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me";

/// Type and id of each.
pub type Made = BTreeSet<(String, String)>;

fn named(kind: ResourceType, name: &str) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).tags(Tag::builder().key("Name").value(name).build()).build()
}

async fn config(cloud: &Cloud) -> aws_config::SdkConfig {
    let keys = aws_credential_types::Credentials::new(&cloud.access_key, "none", None, None, "test");
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest()).endpoint_url(&cloud.endpoint);
    config.region(aws_config::Region::new("us-east-1")).credentials_provider(keys).http_client(http).load().await
}

/// Makes them; those that nobody would manage are not among the answer.
pub async fn make(cloud: &Cloud) -> Made {
    let config = config(cloud).await;
    let mut made = vec![];
    network(&aws_sdk_ec2::Client::new(&config), &mut made).await;
    machines(&aws_sdk_ec2::Client::new(&config), &mut made).await;
    people(&aws_sdk_iam::Client::new(&config), &mut made).await;
    logs(&config, &cloud.account, &mut made).await;
    noise(&config).await;
    made.into_iter().map(|(kind, id): (&str, String)| (kind.to_owned(), id)).collect()
}

async fn network(ec2: &aws_sdk_ec2::Client, made: &mut Vec<(&'static str, String)>) {
    for (i, name) in ["lab", "Old lab"].into_iter().enumerate() {
        let vpc = ec2.create_vpc().cidr_block(format!("10.{}.0.0/16", i + 50)).tag_specifications(named(ResourceType::Vpc, name));
        let vpc = vpc.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
        made.push(("aws_vpc", vpc.clone()));
        for n in 0..2 {
            let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.{}.{n}.0/24", i + 50)).send().await.unwrap();
            made.push(("aws_subnet", subnet.subnet.unwrap().subnet_id.unwrap()));
        }
        let group = ec2.create_security_group().group_name("by hand").description("by hand").vpc_id(&vpc).send().await.unwrap();
        made.push(("aws_security_group", group.group_id.unwrap()));
        let table = ec2.create_route_table().vpc_id(&vpc).send().await.unwrap().route_table.unwrap();
        made.push(("aws_route_table", table.route_table_id.unwrap()));
    }
    let group = ec2.create_security_group().group_name("ssh").description("for a minute").send().await.unwrap().group_id.unwrap();
    let range = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(range).build();
    ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(ssh).send().await.unwrap();
    made.push(("aws_security_group", group));
    let gateway = ec2.create_internet_gateway().send().await.unwrap().internet_gateway.unwrap();
    made.push(("aws_internet_gateway", gateway.internet_gateway_id.unwrap()));
}

async fn machines(ec2: &aws_sdk_ec2::Client, made: &mut Vec<(&'static str, String)>) {
    let image = image(ec2).await;
    let subnets = ec2.describe_subnets().send().await.unwrap().subnets.unwrap();
    let default = subnets.iter().find(|s| s.default_for_az() == Some(true)).unwrap().subnet_id().unwrap();
    for name in ["jump", "test"] {
        let run = ec2.run_instances().image_id(&image).instance_type("t3.micro".into()).min_count(1).max_count(1).subnet_id(default);
        let ran = run.tag_specifications(named(ResourceType::Instance, name)).send().await.unwrap();
        made.push(("aws_instance", ran.instances()[0].instance_id().unwrap().to_owned()));
    }
    for (i, name) in ["scratch", "", "scratch"].into_iter().enumerate() {
        let mut volume = ec2.create_volume().availability_zone("us-east-1a").size(i32::try_from(i).unwrap() + 1);
        if !name.is_empty() {
            volume = volume.tag_specifications(named(ResourceType::Volume, name));
        }
        made.push(("aws_ebs_volume", volume.send().await.unwrap().volume_id.unwrap()));
        let address = ec2.allocate_address().domain("vpc".into()).send().await.unwrap();
        made.push(("aws_eip", address.allocation_id.unwrap()));
    }
    for name in ["mine", "2nd"] {
        ec2.import_key_pair().key_name(name).public_key_material(aws_sdk_ec2::primitives::Blob::new(KEY)).send().await.unwrap();
        made.push(("aws_key_pair", name.to_owned()));
    }
    let interface = ec2.create_network_interface().subnet_id(default).send().await.unwrap().network_interface.unwrap();
    made.push(("aws_network_interface", interface.network_interface_id.unwrap()));
}

async fn people(iam: &aws_sdk_iam::Client, made: &mut Vec<(&'static str, String)>) {
    let open = TRUST.replace("{\"Service\":\"ec2.amazonaws.com\"}", "\"*\"");
    for (name, trust) in [("deploy", TRUST), ("readers", TRUST), ("guests", &open)] {
        iam.create_role().role_name(name).assume_role_policy_document(trust).send().await.unwrap();
        made.push(("aws_iam_role", name.to_owned()));
        let policy = iam.create_policy().policy_name(name).policy_document(READ).send().await.unwrap().policy.unwrap();
        made.push(("aws_iam_policy", policy.arn.unwrap()));
    }
}

async fn logs(config: &aws_config::SdkConfig, account: &str, made: &mut Vec<(&'static str, String)>) {
    let logs = aws_sdk_cloudwatchlogs::Client::new(config);
    for name in ["/aws/lambda/resize", "/lab", "/lab/old", "debug"] {
        logs.create_log_group().log_group_name(name).send().await.unwrap();
        made.push(("aws_cloudwatch_log_group", name.to_owned()));
    }
    logs.put_retention_policy().log_group_name("/lab").retention_in_days(7).send().await.unwrap();
    let sns = aws_sdk_sns::Client::new(config);
    for name in ["pager", "spam", "billing"] {
        made.push(("aws_sns_topic", sns.create_topic().name(name).send().await.unwrap().topic_arn.unwrap()));
    }
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build());
    for name in ["lab", "old-lab"] {
        let name = format!("{name}-{account}");
        s3.create_bucket().bucket(&name).send().await.unwrap();
        made.push(("aws_s3_bucket", name));
    }
    let cloudwatch = aws_sdk_cloudwatch::Client::new(config);
    for name in ["TargetTracking-table/x-AlarmHigh-1", "too hot"] {
        let alarm = cloudwatch.put_metric_alarm().alarm_name(name).metric_name("Heat").namespace("Lab").evaluation_periods(1).period(60);
        let alarm = alarm.threshold(1.0).statistic("Maximum".into()).comparison_operator("GreaterThanThreshold".into());
        alarm.send().await.unwrap();
        if name == "too hot" {
            made.push(("aws_cloudwatch_metric_alarm", name.to_owned()));
        }
    }
    let events = aws_sdk_eventbridge::Client::new(config);
    events.put_rule().name("hourly").schedule_expression("rate(1 hour)").send().await.unwrap();
    made.push(("aws_cloudwatch_event_rule", "hourly".to_owned()));
}

/// What a managed service makes: instances of an Auto Scaling group, and a service-linked role.
async fn noise(config: &aws_config::SdkConfig) {
    let (ec2, groups) = (aws_sdk_ec2::Client::new(config), aws_sdk_autoscaling::Client::new(config));
    let data = RequestLaunchTemplateData::builder().image_id(image(&ec2).await).instance_type("t3.micro".into()).build();
    ec2.create_launch_template().launch_template_name("fleet").launch_template_data(data).send().await.unwrap();
    let template = LaunchTemplateSpecification::builder().launch_template_name("fleet").version("1").build();
    let group = groups.create_auto_scaling_group().auto_scaling_group_name("fleet").launch_template(template);
    group.min_size(2).max_size(2).availability_zones("us-east-1a").send().await.unwrap();
    let iam = aws_sdk_iam::Client::new(config);
    iam.create_service_linked_role().aws_service_name("autoscaling.amazonaws.com").send().await.unwrap();
}

async fn image(ec2: &aws_sdk_ec2::Client) -> String {
    let images = ec2.describe_images().owners("amazon").send().await.unwrap().images.unwrap();
    images.into_iter().find(|i| i.name().is_some_and(|n| n.contains("al2023-ami-2023") && n.contains("x86_64"))).unwrap().image_id.unwrap()
}
