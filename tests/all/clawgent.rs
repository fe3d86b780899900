//! The clawgent stack: its user data and nginx's configuration, and its life on an empty account and on one where part of it exists.

use std::fs;
use std::process::Command;

use aws_sdk_ec2::types::{Filter, IpPermission, IpRange};

use crate::support::project::{Project, Said, there_is};
use crate::support::sandbox::cloud;

pub const SSH: &str = r#"ssh_cidrs=["203.0.113.7/32"]"#;

fn good(said: &Said) -> &Said {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said
}

/// The text between `<<'MARK'` and `MARK`.
fn document<'t>(text: &'t str, mark: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("<<'{mark}'\n")).unwrap_or_else(|| panic!("no {mark}"));
    rest.split_once(&format!("\n{mark}\n")).unwrap_or_else(|| panic!("{mark} does not end")).0
}

/// Runs a program over a text and says what it had against it.
fn judged(program: &str, args: &[&str], text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    fs::write(&file, text).unwrap();
    let run = Command::new(program).args(args).arg(&file).output().unwrap_or_else(|why| panic!("{program}: {why}"));
    if run.status.success() { String::new() } else { String::from_utf8_lossy(&run.stderr).into_owned() }
}

/// What the instance starts with, as the stack renders it.
fn user_data(project: &Project, more: &[&str]) -> String {
    let stack = project.folder.path().join("stacks/clawgent");
    let text = fs::read_to_string(stack.join("stack.toml")).unwrap();
    // The console has no expression for an argument: the same call, as an output.
    let call = text.split_once("user_data = '''").unwrap().1.split_once("'''").unwrap().0;
    fs::write(stack.join("rendered.toml"), format!("[output.rendered]\nvalue = '''{call}'''\n")).unwrap();
    let said = project.run("plan", &[&["--no-refresh", "--format", "json"], more].concat());
    fs::remove_file(stack.join("rendered.toml")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&good(&said).out).unwrap();
    plan["output_changes"]["rendered"]["after"].as_str().unwrap().to_owned()
}

#[test]
fn the_instance_gets_all_that_the_document_asks_for() {
    let project = Project::of("clawgent", cloud(), &[SSH]);
    let plain = user_data(&project, &[]);
    let backed_up = user_data(&project, &["--var", "backup_bucket=clawgent-copies", "--var", "certificate_email=me@example.com"]);
    for text in [&plain, &backed_up] {
        assert!(text.starts_with("#!/bin/bash\n") && text.len() <= 16_384, "{} bytes", text.len());
        assert_eq!(judged("bash", &["-n"], text), "");
        assert_eq!(judged("bash", &["-n"], document(text, "END_OF_CERTIFICATE")), "");
        assert!(!text.contains("${") && !text.contains("%{"), "something was left unrendered");
        for part in [
            "docker.io",
            "nginx",
            "certbot",
            "build-essential",
            "unattended-upgrades",
            "latest-v22.x",
            "linux-arm64",
            "npm install --global pm2 tsx",
            "usermod -aG docker ubuntu",
            "install -d -o ubuntu -g ubuntu",
            "/opt/clawgent/app /opt/clawgent/app/data /opt/clawgent/data /opt/clawgent/logs",
            "max_size 50M",
            "retain 7",
            "compress true",
            "PasswordAuthentication no",
            "--domain clawgent.ai --domain www.clawgent.ai",
        ] {
            assert!(text.contains(part), "{part} is missing");
        }
    }
    assert!(plain.contains("--register-unsafely-without-email") && !plain.contains("clawgent-backup"));
    assert!(backed_up.contains("--email me@example.com"));
    assert!(document(&backed_up, "END_OF_BACKUP").contains("s3://clawgent-copies/clawgent-$(date"));
    assert_eq!(judged("bash", &["-n"], document(&backed_up, "END_OF_BACKUP")), "");
    nginx_agrees(&plain);
}

/// What nginx says of the configuration, on a machine where its certificate lies elsewhere.
fn nginx_agrees(text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let key =
        ["-keyout", &at("privkey.pem"), "-out", &at("fullchain.pem"), "-subj", "/CN=clawgent.ai", "-days", "1", "-newkey", "rsa:2048"];
    let made = Command::new("openssl").args(["req", "-x509", "-nodes"]).args(key).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::write(at("clawgent-proxy.conf"), document(text, "END_OF_PROXY")).unwrap();
    let site = document(text, "END_OF_SITE")
        .replace("/etc/nginx/tls", &at(""))
        .replace("/etc/nginx/clawgent-proxy.conf", &at("clawgent-proxy.conf"));
    for needed in ["TLSv1.2 TLSv1.3", "Strict-Transport-Security", "rate=2r/m", "location = /api/deploy", "return 301 https://"] {
        assert!(site.contains(needed), "{needed} is missing");
    }
    assert!(document(text, "END_OF_PROXY").contains("proxy_pass http://127.0.0.1:3001;"));
    // Any port will do: who runs the tests may not have the low ones.
    let site = site.replace("listen 80 ", "listen 127.0.0.1:18080 ").replace("listen 443 ", "listen 127.0.0.1:18443 ");
    let whole = format!("pid {};\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{site}\n}}\n", at("nginx.pid"));
    fs::write(at("nginx.conf"), whole).unwrap();
    let nginx = ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find_map(|name| Command::new(name).args(["-t", "-p", &at(""), "-c", &at("nginx.conf")]).output().ok());
    let run = nginx.expect("nginx judges its configuration: install it");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[tokio::test]
async fn the_stack_lives_changes_and_goes() {
    let project = Project::of("clawgent", cloud(), &[SSH]);
    let aws = project.aws().await;
    let before = there_is(&aws).await;
    let copies = ["--auto-approve", "--var", "backup_bucket=clawgent-copies-of-a-test"];
    good(&project.run("apply", &["--auto-approve"]));
    assert!(good(&project.run("plan", &["--detailed-exitcode"])).out.contains("No changes"));
    // Everything that may change does.
    let changed = [
        &copies[..],
        &["--var", "instance_type=t4g.small", "--var", "root_volume_size=12", "--var", "www_record=CNAME", "--var", "snapshots_kept=3"],
    ]
    .concat();
    let said = project.run("apply", &changed);
    good(&said);
    assert!(good(&project.run("plan", &[&["--detailed-exitcode"], &changed[1..]].concat())).out.contains("No changes"));
    good(&project.run("destroy", &[&["--auto-approve"], &changed[1..]].concat()));
    let mut after = there_is(&aws).await;
    after.remove("terminated");
    assert_eq!(after, before);
    let buckets = aws_sdk_s3::Client::new(&aws).list_buckets().send().await.unwrap();
    assert!(buckets.buckets().is_empty(), "{buckets:?}");
}

#[tokio::test]
async fn a_group_and_a_zone_that_exist_are_taken_over_and_stay() {
    let project = Project::of("clawgent", cloud(), &[SSH]);
    let aws = project.aws().await;
    let (ec2, route53) = (aws_sdk_ec2::Client::new(&aws), aws_sdk_route53::Client::new(&aws));
    let filter = Filter::builder().name("is-default").values("true").build();
    let vpcs = ec2.describe_vpcs().filters(filter).send().await.unwrap().vpcs.unwrap();
    let made = ec2.create_security_group().group_name("clawgent-sg").description("by hand").vpc_id(vpcs[0].vpc_id().unwrap());
    let group = made.send().await.unwrap().group_id.unwrap();
    let open = IpPermission::builder().ip_protocol("tcp").from_port(19000).to_port(19099);
    let open = open.ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build();
    ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(open).send().await.unwrap();
    let zone = route53.create_hosted_zone().name("clawgent.ai").caller_reference("by-hand").send().await.unwrap().hosted_zone.unwrap();

    let plan = project.run("plan", &[]);
    let said = good(&plan).flat();
    for told in ["aws_security_group.clawgent", &format!("adopted: {group} exists already"), "19000-19099/tcp", "aws_route53_zone.clawgent"]
    {
        assert!(said.contains(told), "{told} is missing in\n{}", plan.out);
    }
    good(&project.run("apply", &["--auto-approve"]));
    assert!(good(&project.run("plan", &["--detailed-exitcode"])).out.contains("No changes"));
    let state = fs::read_to_string(project.state_path()).unwrap();
    let zone_id = zone.id.trim_start_matches("/hostedzone/").to_owned();
    assert!(state.contains(&group) && state.contains(&zone_id), "something was made beside what exists");
    let rules = ec2.describe_security_groups().group_ids(&group).send().await.unwrap().security_groups.unwrap();
    let mut ports: Vec<i32> = rules[0].ip_permissions().iter().filter_map(|rule| rule.from_port()).collect();
    ports.sort_unstable();
    assert_eq!(ports, [22, 80, 443]);

    good(&project.run("destroy", &["--auto-approve"]));
    let left = ec2.describe_security_groups().group_ids(&group).send().await.unwrap().security_groups.unwrap();
    assert_eq!(left.len(), 1);
    route53.get_hosted_zone().id(&zone_id).send().await.unwrap();
}

#[test]
fn what_the_checklist_forbids_is_refused() {
    let project = Project::of("clawgent", cloud(), &[]);
    for (var, told) in [
        (r#"ssh_cidrs=["0.0.0.0/0"]"#, "SSH must not be open to the world"),
        ("ssh_cidrs=[]", "must be an IPv4 range"),
        (r#"ssh_cidrs=["home"]"#, "must be an IPv4 range"),
    ] {
        let said = project.run("plan", &["--var", var]);
        assert!(said.code == 1 && said.flat().contains(told), "{var}: {}{}", said.out, said.err);
    }
    // Nobody opens the containers' ports by mistake.
    let file = project.folder.path().join("stacks/clawgent/stack.toml");
    let stack = fs::read_to_string(&file).unwrap().replace("port = 443, why", "port = 19042, why");
    fs::write(&file, stack).unwrap();
    let said = project.run("plan", &["--var", SSH]);
    assert!(
        said.code == 1 && said.flat().contains("The ports of containers, 19000 to 19099, must never be open."),
        "{}{}",
        said.out,
        said.err
    );
}
