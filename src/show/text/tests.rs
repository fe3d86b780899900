//! How plans read as text.

use super::*;
use crate::show::samples::{REGISTRY, facts, gateway};

#[test]
fn a_plan_says_what_matters_first() {
    insta::assert_snapshot!(plan(&gateway(), &REGISTRY, &facts(), Look::PLAIN), @r#"
    gateway-node · us-east-1 · account 1234-5678-9012 · state serial 41
    read 23 resources with 14 calls in 0.2 s
    4 to create, 2 to change, 4 tags only, 1 to replace, 1 to destroy · 2 outputs · 17 unchanged

    REPLACE  aws_instance.gateway         i-0c1f2e3d4c5b6a798  because ami changes
             ! what is on its disks may go with it
             ami                           "ami-0abc1111222233334"
                                        -> "ami-0def5555666677778"  forces replacement
             metadata_options.http_tokens  "optional" -> "required"
             password                      (sensitive) -> (sensitive)
             user_data                     +1 -1 lines
               │  Restart=always
               │ -RestartSec=10
               │ +RestartSec=5
               │  ExecStart=/usr/local/bin/openclaw
             also moves: aws_cloudwatch_metric_alarm.node_disk, aws_eip.spare
    DELETE   aws_ebs_volume.scratch       vol-01  no longer in the stack
             ! its data goes with it
    CHANGE   aws_security_group.openclaw  sg-0fe1a2b3c4d5e6f70
             ingress       + 22/tcp from 0.0.0.0/0       ! opens SSH to the world
                           - 22/tcp from 203.0.113.7/32
    CHANGE   aws_iam_role_policy.agent    openclaw-ec2-role:agent
             policy        Statement "Logs": + logs:PutRetentionPolicy
    TAGS     4 resources
             tags.Owner    "infra" -> "platform"
             on aws_eip.node0, aws_eip.node1, aws_eip.node2, aws_eip.node3
    CREATE   aws_cloudwatch_metric_alarm.node_disk
             alarm_name           "OpenClaw-Node-Disk-High"
             comparison_operator  "GreaterThanThreshold"
             evaluation_periods   2
             alarm_actions        ["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]
             dimensions           { InstanceId = (known after apply) }
             threshold            80  (+1 default, 2 known after apply)
    CREATE   aws_cloudwatch_metric_alarm.zone, 2 instances
             comparison_operator  "GreaterThanThreshold"
             evaluation_periods   2
             alarm_actions        ["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]
             dimensions           { InstanceId = (known after apply) }
             threshold            80  (+1 default, 2 known after apply)
             ["a"]  alarm_name "OpenClaw-Zone-a"
             ["b"]  alarm_name "OpenClaw-Zone-b"
    CREATE   aws_eip.spare
             instance      aws_instance.gateway.id (known after apply)
             tags          { Name = "spare" }  (1 known after apply)
    MOVE     aws_eip.new                  eipalloc-9
             was aws_eip.old
    OUTPUTS  2 outputs
             address       "198.51.100.7" -> (known after apply)
             token         + (sensitive)

    Changed by someone else since the last apply: 1 resource (found while reading)
    DRIFT    aws_eip.node0                eipalloc-0  apply sets it back
             tags.Owner    "infra" -> "me"

    4 to create, 2 to change, 4 tags only, 1 to replace, 1 to destroy · 2 outputs · 17 unchanged
    5 warnings:
      ! what is on its disks may go with it (aws_instance.gateway)
      ! its data goes with it (aws_ebs_volume.scratch)
      ! opens SSH to the world (aws_security_group.openclaw,
        stacks/gateway-node/stack.toml:41)
      ! `vpc` of aws_eip.spare is deprecated: use domain
        (stacks/gateway-node/stack.toml:41)
      ! check.reachable fails: no answer on port 443
    "#);
}

#[test]
fn a_wide_terminal_is_used() {
    insta::assert_snapshot!(plan(&gateway(), &REGISTRY, &facts(), Look { width: 160, colour: false }), @r#"
    gateway-node · us-east-1 · account 1234-5678-9012 · state serial 41
    read 23 resources with 14 calls in 0.2 s
    4 to create, 2 to change, 4 tags only, 1 to replace, 1 to destroy · 2 outputs · 17 unchanged

    REPLACE  aws_instance.gateway                                                 i-0c1f2e3d4c5b6a798  because ami changes
             ! what is on its disks may go with it
             ami                           "ami-0abc1111222233334" -> "ami-0def5555666677778"  forces replacement
             metadata_options.http_tokens  "optional" -> "required"
             password                      (sensitive) -> (sensitive)
             user_data                     +1 -1 lines
               │  Restart=always
               │ -RestartSec=10
               │ +RestartSec=5
               │  ExecStart=/usr/local/bin/openclaw
             also moves: aws_cloudwatch_metric_alarm.node_disk, aws_eip.spare
    DELETE   aws_ebs_volume.scratch                                               vol-01  no longer in the stack
             ! its data goes with it
    CHANGE   aws_security_group.openclaw                                          sg-0fe1a2b3c4d5e6f70
             ingress       + 22/tcp from 0.0.0.0/0       ! opens SSH to the world
                           - 22/tcp from 203.0.113.7/32
    CHANGE   aws_iam_role_policy.agent                                            openclaw-ec2-role:agent
             policy        Statement "Logs": + logs:PutRetentionPolicy
    TAGS     4 resources
             tags.Owner    "infra" -> "platform"
             on aws_eip.node0, aws_eip.node1, aws_eip.node2, aws_eip.node3
    CREATE   aws_cloudwatch_metric_alarm.node_disk
             alarm_name           "OpenClaw-Node-Disk-High"   comparison_operator  "GreaterThanThreshold"      evaluation_periods   2
             alarm_actions        ["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]
             dimensions           { InstanceId = (known after apply) }
             threshold            80  (+1 default, 2 known after apply)
    CREATE   aws_cloudwatch_metric_alarm.zone, 2 instances
             comparison_operator  "GreaterThanThreshold"   evaluation_periods   2
             alarm_actions        ["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]
             dimensions           { InstanceId = (known after apply) }
             threshold            80  (+1 default, 2 known after apply)
             ["a"]  alarm_name "OpenClaw-Zone-a"
             ["b"]  alarm_name "OpenClaw-Zone-b"
    CREATE   aws_eip.spare
             instance      aws_instance.gateway.id (known after apply)
             tags          { Name = "spare" }  (1 known after apply)
    MOVE     aws_eip.new                                                          eipalloc-9
             was aws_eip.old
    OUTPUTS  2 outputs
             address       "198.51.100.7" -> (known after apply)
             token         + (sensitive)

    Changed by someone else since the last apply: 1 resource (found while reading)
    DRIFT    aws_eip.node0                                                        eipalloc-0  apply sets it back
             tags.Owner    "infra" -> "me"

    4 to create, 2 to change, 4 tags only, 1 to replace, 1 to destroy · 2 outputs · 17 unchanged
    5 warnings:
      ! what is on its disks may go with it (aws_instance.gateway)
      ! its data goes with it (aws_ebs_volume.scratch)
      ! opens SSH to the world (aws_security_group.openclaw, stacks/gateway-node/stack.toml:41)
      ! `vpc` of aws_eip.spare is deprecated: use domain (stacks/gateway-node/stack.toml:41)
      ! check.reachable fails: no answer on port 443
    "#);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let coloured = plan(&gateway(), &REGISTRY, &facts(), Look { width: 80, colour: true });
    let bare = anstream::adapter::strip_str(&coloured).to_string();
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(bare, plan(&gateway(), &REGISTRY, &facts(), Look::PLAIN));
}

#[test]
fn secrets_are_never_shown() {
    let text = plan(&gateway(), &REGISTRY, &facts(), Look::PLAIN);
    assert!(!text.contains("hunter2") && !text.contains("correct horse"), "{text}");
}

#[test]
fn nothing_to_do_is_two_lines() {
    let mut calm = Plan { drift: vec![], outputs: [].into(), warnings: vec![], checks: vec![], ..gateway() };
    calm.changes.retain(|c| !c.action.acts() && c.moved_from.is_none());
    insta::assert_snapshot!(plan(&calm, &REGISTRY, &facts(), Look::PLAIN), @r"
    gateway-node · us-east-1 · account 1234-5678-9012 · state serial 41
    read 23 resources with 14 calls in 0.2 s
    No changes: all 16 resources are as the stack wants them
    ");
}
