//! A plan as Markdown: what matters in the open, details folded.

use super::comment::{Body, dangers_part, left_out, plan_parts, todo, whereabouts};
use super::digest::Digest;
use super::gfm;
use super::line::count;
use super::view::Facts;
use crate::engine::plan::Plan;
use crate::words::resource::Registry;

/// The most characters that a comment on GitHub may have.
pub const LIMIT: usize = 65_536;

/// The whole plan in at most `limit` bytes; what doesn't fit is counted.
#[must_use]
pub fn plan(plan: &Plan, registry: &Registry, facts: &Facts, limit: usize) -> String {
    let digest = Digest::of(plan, registry, facts);
    let before = head(&digest);
    let dangers = dangers_part(digest.dangers.iter().map(|danger| (None, danger)));
    let parts = std::iter::once(dangers).chain(plan_parts(&digest)).collect();
    let body = Body { before, parts, ..Body::default() };
    body.cut(limit, left_out).unwrap_or_else(|| Some(body.before).filter(|head| head.len() <= limit).unwrap_or_default())
}

fn head(plan: &Digest) -> String {
    let unchanged = plan.counts.unchanged;
    let todo = match todo(&plan.counts) {
        _ if plan.counts.nothing() && plan.details.is_empty() => {
            format!("Nothing to do: {} as the stack wants.", count(unchanged, "resource"))
        }
        todo if todo.is_empty() => format!("No resource changes · {unchanged} unchanged"),
        todo => format!("**{todo}** · {unchanged} unchanged"),
    };
    format!("### Plan: {}\n\n{todo}\n\n{}\n\n", gfm::prose(&plan.stack), whereabouts(plan).join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples::{REGISTRY, facts, gateway};

    #[test]
    fn details_are_folded() {
        insta::assert_snapshot!(plan(&gateway(), &REGISTRY, &facts(), LIMIT), @r#"
        ### Plan: gateway-node

        **1 to replace, 1 to destroy, 4 to create, 2 to change, 4 tags only** · 17 unchanged

        `us-east-1` · account `1234-5678-9012` · state serial 41

        > [!CAUTION]
        > - **what is on its disks may go with it**: `aws_instance.gateway`
        > - **its data goes with it**: `aws_ebs_volume.scratch`
        > - **opens SSH to the world**: `aws_security_group.openclaw`, `stacks/gateway-node/stack.toml:41`

        **Warnings**

        - `vpc` of `aws_eip.spare` is deprecated: use domain (`stacks/gateway-node/stack.toml:41:1`)
        - `check.reachable` fails: no answer on port 443

        <details open><summary>REPLACE <code>aws_instance.gateway</code> <code>i-0c1f2e3d4c5b6a798</code> because ami changes</summary>

        ```diff
        ! what is on its disks may go with it
        - ami = "ami-0abc1111222233334"
        + ami = "ami-0def5555666677778"  # forces replacement
        - metadata_options.http_tokens = "optional"
        + metadata_options.http_tokens = "required"
        - password = (sensitive)
        + password = (sensitive)
          user_data: +1 -1 lines
            Restart=always
        -   RestartSec=10
        +   RestartSec=5
            ExecStart=/usr/local/bin/openclaw
        # also moves: aws_cloudwatch_metric_alarm.node_disk, aws_eip.spare
        ```

        </details>
        <details open><summary>DELETE <code>aws_ebs_volume.scratch</code> <code>vol-01</code> no longer in the stack</summary>

        ```diff
        ! its data goes with it
        ```

        </details>
        <details open><summary>CHANGE <code>aws_security_group.openclaw</code> <code>sg-0fe1a2b3c4d5e6f70</code></summary>

        ```diff
          ingress:
        +   22/tcp from 0.0.0.0/0  # ! opens SSH to the world
        -   22/tcp from 203.0.113.7/32
        ```

        </details>
        <details open><summary>CHANGE <code>aws_iam_role_policy.agent</code> <code>openclaw-ec2-role:agent</code></summary>

        ```diff
          policy:
            Statement "Logs"
        +     logs:PutRetentionPolicy
        ```

        </details>
        <details><summary>TAGS of 4 resources</summary>

        ```diff
        - tags.Owner = "infra"
        + tags.Owner = "platform"
        # aws_eip.node0
        # aws_eip.node1
        # aws_eip.node2
        # aws_eip.node3
        ```

        </details>
        <details><summary>CREATE <code>aws_cloudwatch_metric_alarm.node_disk</code></summary>

        ```diff
        + alarm_name = "OpenClaw-Node-Disk-High"
        + comparison_operator = "GreaterThanThreshold"
        + evaluation_periods = 2
        + alarm_actions = ["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]
        + dimensions = { InstanceId = (known after apply) }
        + threshold = 80
        # 1 default left out
        ```

        </details>
        <details><summary>CREATE <code>aws_cloudwatch_metric_alarm.zone["a"]</code></summary>

        ```diff
        + alarm_name = "OpenClaw-Zone-a"
        + comparison_operator = "GreaterThanThreshold"
        + evaluation_periods = 2
        + alarm_actions = ["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]
        + dimensions = { InstanceId = (known after apply) }
        + threshold = 80
        # 1 default left out
        ```

        </details>
        <details><summary>CREATE <code>aws_cloudwatch_metric_alarm.zone["b"]</code></summary>

        ```diff
        + alarm_name = "OpenClaw-Zone-b"
        + comparison_operator = "GreaterThanThreshold"
        + evaluation_periods = 2
        + alarm_actions = ["arn:aws:sns:us-east-1:123456789012:openclaw-alerts"]
        + dimensions = { InstanceId = (known after apply) }
        + threshold = 80
        # 1 default left out
        ```

        </details>
        <details><summary>CREATE <code>aws_eip.spare</code></summary>

        ```diff
        + instance = aws_instance.gateway.id (known after apply)
        + tags = { Name = "spare" }
        ```

        </details>
        <details><summary>MOVE <code>aws_eip.new</code> <code>eipalloc-9</code></summary>

        ```diff
        # was aws_eip.old
        ```

        </details>
        <details><summary>2 outputs</summary>

        ```diff
        - address = "198.51.100.7"
        + address = (known after apply)
        + token = (sensitive)
        ```

        </details>
        <details><summary>1 resource changed by someone else</summary>

        ```diff
        # aws_eip.node0
        - tags.Owner = "infra"
        + tags.Owner = "me"
        ```

        </details>
        "#);
    }

    #[test]
    fn a_comment_is_never_too_long() {
        let page = plan(&gateway(), &REGISTRY, &facts(), 1500);
        assert!(page.len() <= 1500 && page.contains("more changes"), "{page}");
    }
}
