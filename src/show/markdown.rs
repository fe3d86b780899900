//! A plan as Markdown, for a comment on a pull request: what matters in the open, details folded.

use std::fmt::Write as _;

use super::delta::{Body, Item, Row, Sign};
use super::line::count;
use super::text::account;
use super::view::{self, Entry, Facts, Sort};
use crate::engine::plan::{Counts, Plan};
use crate::words::Address;
use crate::words::resource::Registry;

/// The most characters that a comment on GitHub may have.
pub const LIMIT: usize = 65_536;

/// The whole plan in at most `limit` bytes; what doesn't fit is counted.
#[must_use]
pub fn plan(plan: &Plan, registry: &Registry, facts: &Facts, limit: usize) -> String {
    let entries = view::entries(plan, registry);
    let mut page = head(plan);
    let dangers = warnings(plan, &view::all_dangers(&entries), facts);
    page += &dangers;
    let mut details: Vec<String> = entries.iter().filter(|e| e.sort < Sort::Tags).map(entry).collect();
    details.extend(view::tag_groups(&entries).into_iter().map(|(rows, members)| tags(rows, &members)));
    details.extend(entries.iter().filter(|e| e.sort >= Sort::Create).map(entry));
    details.extend(outputs(plan));
    details.extend(drift(plan, registry));
    // Room for the line that says what is left out.
    let limit = limit.saturating_sub(200);
    let mut left_out = 0;
    for detail in details {
        if left_out > 0 || page.len() + detail.len() > limit {
            left_out += 1;
        } else {
            page += &detail;
        }
    }
    if left_out > 0 {
        let _ = write!(
            page,
            "\n…and {} that would make this comment too long. Run `ferroform plan` to see them.\n",
            count(left_out, "more change")
        );
    }
    page
}

fn head(plan: &Plan) -> String {
    let mut page = format!("### Plan: {}\n\n", escaped(&plan.stack));
    if plan.is_empty() && plan.drift.is_empty() {
        let _ = writeln!(page, "Nothing to do: {} as the stack wants.", count(plan.counts().unchanged, "resource"));
    } else {
        let _ = writeln!(page, "{}", summary(plan));
    }
    if let Some(identity) = &plan.identity {
        let _ = writeln!(page, "<sub>{} · account {} · state serial {}</sub>", identity.region, account(&identity.account), plan.serial);
    }
    page + "\n"
}

fn summary(plan: &Plan) -> String {
    let Counts { create, update, tags, replace, delete, forget, import, unchanged } = plan.counts();
    let all = [
        (replace, "to replace"),
        (delete, "to destroy"),
        (create, "to create"),
        (update, "to change"),
        (tags, "tags only"),
        (forget, "to forget"),
        (import, "to import"),
    ];
    let parts: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    if parts.is_empty() {
        format!("No resource changes · {unchanged} unchanged")
    } else {
        format!("**{}** · {unchanged} unchanged", parts.join(", "))
    }
}

fn warnings(plan: &Plan, dangers: &[(Address, String)], facts: &Facts) -> String {
    let mut lines: Vec<String> = vec![];
    for (address, danger) in dangers {
        let place = facts.place(address).map_or_else(String::new, |span| format!(" ({span})"));
        lines.push(format!("> - **{}**: `{address}`{}", escaped(danger), escaped(&place)));
    }
    lines.extend(plan.warnings.iter().map(|w| format!("> - {}", escaped(&w.to_string()))));
    let failed = plan.checks.iter().filter(|c| c.warns());
    lines.extend(failed.map(|c| format!("> - `{}` fails: {}", c.object, escaped(&c.messages.join("; ")))));
    if lines.is_empty() { String::new() } else { format!("> [!WARNING]\n{}\n\n", lines.join("\n")) }
}

fn entry(entry: &Entry<'_>) -> String {
    let id = entry.id.as_ref().filter(|_| entry.sort != Sort::Create).map_or_else(String::new, |id| format!(" {}", escaped(id)));
    let why = entry.why.as_ref().map_or_else(String::new, |why| format!(" {}", escaped(why)));
    let mut lines: Vec<String> = entry.dangers.iter().map(|danger| format!("! {danger}")).collect();
    lines.extend(entry.rows.iter().flat_map(|r| row(r, entry.sort == Sort::Create)));
    lines.extend(entry.notes.iter().map(|note| format!("# {note}")));
    if !entry.along.is_empty() {
        lines.push(format!("# also moves: {}", entry.along.join(", ")));
    }
    if entry.defaults > 0 {
        lines.push(format!("# {} left out", count(entry.defaults, "default")));
    }
    let title = format!("{} <code>{}</code>{id}{why}", entry.sort.word(), html(&entry.change.address.to_string()));
    folded(&title, &lines)
}

fn tags(rows: &[Row], members: &[&Entry<'_>]) -> String {
    let mut lines: Vec<String> = rows.iter().flat_map(|r| row(r, false)).collect();
    lines.extend(members.iter().map(|m| format!("# {}", m.change.address)));
    folded(&format!("TAGS of {}", count(members.len(), "resource")), &lines)
}

fn outputs(plan: &Plan) -> Option<String> {
    let rows: Vec<Row> = plan.outputs.iter().filter_map(|(name, output)| view::output_row(name, output)).collect();
    (!rows.is_empty()).then(|| folded(&count(rows.len(), "output"), &rows.iter().flat_map(|r| row(r, false)).collect::<Vec<_>>()))
}

fn drift(plan: &Plan, registry: &Registry) -> Option<String> {
    let mut lines = vec![];
    for drift in &plan.drift {
        lines.push(format!("# {}{}", drift.address, if drift.after.is_null() { " is gone" } else { "" }));
        lines.extend(view::drift_rows(drift, registry).iter().flat_map(|r| row(r, false)));
    }
    (!lines.is_empty()).then(|| folded(&format!("Changed by someone else: {}", count(plan.drift.len(), "resource")), &lines))
}

/// A row as lines of a diff.
fn row(row: &Row, new: bool) -> Vec<String> {
    let path = &row.path;
    let forces = if row.forces { "  # forces replacement" } else { "" };
    let sign = |item: &Item| match item.sign {
        Sign::Same if new => "+",
        Sign::Change => "!",
        other => other.mark(),
    };
    let below = |items: &[Item]| -> Vec<String> {
        let danger = |i: &Item| i.danger.as_ref().map_or_else(String::new, |d| format!("  # ! {d}"));
        items.iter().map(|i| format!("{}   {}{}{}", sign(i), "  ".repeat(i.depth), i.text, danger(i))).collect()
    };
    match &row.body {
        Body::Is(value) if new => vec![format!("+ {path} = {value}")],
        Body::Is(value) => vec![format!("  {path} = {value}{forces}")],
        Body::Added(value) => vec![format!("+ {path} = {value}{forces}")],
        Body::Removed(value) => vec![format!("- {path} = {value}{forces}")],
        Body::Becomes(old, to) => vec![format!("- {path} = {old}"), format!("+ {path} = {to}{forces}")],
        Body::Items(items) => std::iter::once(format!("{} {path}:{forces}", if new { "+" } else { " " })).chain(below(items)).collect(),
        Body::Lines(about, items) => {
            std::iter::once(format!("{} {path}: {about}{forces}", if new { "+" } else { " " })).chain(below(items)).collect()
        }
    }
}

/// A title that opens on a click. A fence longer than any in the text holds it together.
fn folded(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return format!("- {title}\n");
    }
    let body = lines.join("\n");
    let ticks = body.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1;
    let fence = "`".repeat(ticks);
    format!("<details><summary>{title}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n")
}

/// What Markdown and HTML would take for their own.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '*' | '`' | '[' | ']' | '_' | '|' => out.extend(['\\', c]),
            '\n' => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

/// Within a tag only HTML is read.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
        <sub>us-east-1 · account 1234-5678-9012 · state serial 41</sub>

        > [!WARNING]
        > - **what is on its disks may go with it**: `aws_instance.gateway`
        > - **its data goes with it**: `aws_ebs_volume.scratch`
        > - **opens SSH to the world**: `aws_security_group.openclaw` (stacks/gateway-node/stack.toml:41:1)
        > - \`vpc\` of aws\_eip.spare is deprecated: use domain (stacks/gateway-node/stack.toml:41:1)
        > - `check.reachable` fails: no answer on port 443

        <details><summary>REPLACE <code>aws_instance.gateway</code> i-0c1f2e3d4c5b6a798 because ami changes</summary>

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
        <details><summary>DELETE <code>aws_ebs_volume.scratch</code> vol-01 no longer in the stack</summary>

        ```diff
        ! its data goes with it
        ```

        </details>
        <details><summary>CHANGE <code>aws_security_group.openclaw</code> sg-0fe1a2b3c4d5e6f70</summary>

        ```diff
          ingress:
        +   22/tcp from 0.0.0.0/0  # ! opens SSH to the world
        -   22/tcp from 203.0.113.7/32
        ```

        </details>
        <details><summary>CHANGE <code>aws_iam_role_policy.agent</code> openclaw-ec2-role:agent</summary>

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
        <details><summary>MOVE <code>aws_eip.new</code> eipalloc-9</summary>

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
        <details><summary>Changed by someone else: 1 resource</summary>

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
