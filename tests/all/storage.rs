//! Buckets and keys: what goes only when it is told, what is refused, and in what order things have to happen.

use ferroform::aws::Aws;
use ferroform::engine::plan::Purpose;

use crate::support::bench::{Bench, acts};
use crate::support::proxy::{Fault, Proxy};
use crate::support::sandbox::cloud;

/// Applies the stack, or destroys what is in it.
async fn run(bench: &mut Bench, stack: &str, purpose: Purpose) -> Result<(), String> {
    let open = bench.open(stack)?;
    let plan = bench.plan(&open, purpose).await?;
    bench.apply(&open, &plan).await
}

#[tokio::test]
async fn a_full_bucket_goes_only_when_it_is_told() {
    let mut bench = Bench::new(&cloud());
    let stack = |more: &str| {
        format!(
            "[resource.aws_s3_bucket.data]\nbucket_prefix = \"full-\"\n{more}\n[resource.aws_s3_bucket_versioning.data]\n\
             bucket = \"${{aws_s3_bucket.data.id}}\"\nversioning_configuration = {{ status = \"Enabled\" }}\n"
        )
    };
    run(&mut bench, &stack(""), Purpose::Apply).await.unwrap();
    let open = bench.open(&stack("")).unwrap();
    let clients = bench.clients(&open, "aws_s3_bucket").await.unwrap();
    let s3 = &clients.as_any().downcast_ref::<Aws>().unwrap().s3;
    let address = bench.resources().find(|a| &*a.kind == "aws_s3_bucket").unwrap().clone();
    let name = bench.state.instances[&address].id().to_owned();
    for version in ["one", "two"] {
        s3.put_object().bucket(&name).key("a").body(version.as_bytes().to_vec().into()).send().await.unwrap();
    }
    s3.delete_object().bucket(&name).key("a").send().await.unwrap();

    let error = run(&mut bench, &stack(""), Purpose::Destroy).await.unwrap_err();
    assert!(error.contains("BucketNotEmpty") && error.contains("force_destroy = true"), "{error}");
    run(&mut bench, &stack("force_destroy = true"), Purpose::Apply).await.unwrap();
    run(&mut bench, &stack("force_destroy = true"), Purpose::Destroy).await.unwrap();
    assert_eq!(bench.resources().count(), 0);
    assert!(s3.head_bucket().bucket(&name).send().await.is_err(), "it is gone");
}

#[tokio::test]
async fn a_policy_comes_after_the_block_is_lifted() {
    let mut bench = Bench::new(&cloud());
    let stack = |blocked: bool| {
        format!(
            r#"
[resource.aws_s3_bucket.site]
bucket_prefix = "site-"

[resource.aws_s3_bucket_policy.site]
bucket = "${{aws_s3_bucket.site.id}}"
policy = '{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"${{aws_s3_bucket.site.arn}}/*"}}]}}'

[resource.aws_s3_bucket_public_access_block.site]
bucket = "${{aws_s3_bucket.site.id}}"
block_public_policy = {blocked}
"#
        )
    };
    // Nothing in the stack says that the policy needs the other: neither to be made, nor to go.
    run(&mut bench, &stack(false), Purpose::Apply).await.unwrap();
    let open = bench.open(&stack(false)).unwrap();
    assert_eq!(acts(&bench.plan(&open, Purpose::Apply).await.unwrap()), Vec::<String>::new());
    run(&mut bench, &stack(false), Purpose::Destroy).await.unwrap();
    assert_eq!(bench.resources().count(), 0);
}

#[tokio::test]
async fn versions_can_be_suspended_and_no_longer_switched_off() {
    let mut bench = Bench::new(&cloud());
    let stack = |status: &str| {
        format!(
            "[resource.aws_s3_bucket.data]\nbucket_prefix = \"data-\"\n[resource.aws_s3_bucket_versioning.data]\n\
             bucket = \"${{aws_s3_bucket.data.id}}\"\nversioning_configuration = {{ status = \"{status}\" }}\n"
        )
    };
    run(&mut bench, &stack("Disabled"), Purpose::Apply).await.unwrap();
    run(&mut bench, &stack("Enabled"), Purpose::Apply).await.unwrap();
    let error = run(&mut bench, &stack("Disabled"), Purpose::Apply).await.unwrap_err();
    assert!(error.contains("can't be `Disabled` any more") && error.contains("Suspended"), "{error}");
    run(&mut bench, &stack("Suspended"), Purpose::Apply).await.unwrap();
}

#[tokio::test]
async fn a_name_that_somebody_has_is_told() {
    let (first, second) = (cloud(), cloud());
    let stack = format!("[resource.aws_s3_bucket.data]\nbucket = \"taken-{}\"\n", first.account);
    let mut theirs = Bench::new(&first);
    run(&mut theirs, &stack, Purpose::Apply).await.unwrap();
    let error = run(&mut Bench::new(&second), &stack, Purpose::Apply).await.unwrap_err();
    assert!(error.contains("BucketAlreadyExists") && error.contains("choose another"), "{error}");
    // To its owner it is offered, and never taken over silently.
    let error = run(&mut Bench::new(&first), &stack, Purpose::Apply).await.unwrap_err();
    assert!(error.contains("exist"), "{error}");
    run(&mut theirs, &stack, Purpose::Destroy).await.unwrap();
    // The name stays taken for a moment.
    run(&mut theirs, &stack, Purpose::Apply).await.unwrap();
}

#[tokio::test]
async fn many_buckets_and_aliases_are_read_with_one_call() {
    let plain = cloud();
    let proxy = Proxy::new(&plain.endpoint, 5);
    let mut bench = Bench::new(&plain.through(proxy.endpoint()));
    let stack = r#"
[resource.aws_s3_bucket.many]
count = 8
bucket_prefix = "many-${count.index}-"

[resource.aws_kms_key.one]

[resource.aws_kms_alias.many]
count = 8
name = "alias/many-${count.index}"
target_key_id = "${aws_kms_key.one.key_id}"
"#;
    run(&mut bench, stack, Purpose::Apply).await.unwrap();
    proxy.forget();
    let open = bench.open(stack).unwrap();
    assert_eq!(acts(&bench.plan(&open, Purpose::Apply).await.unwrap()), Vec::<String>::new());
    let calls = proxy.calls().len();
    assert_eq!(proxy.count("ListAliases"), 1, "{:?}", proxy.counts());
    assert!(calls <= 8, "one list of buckets, one of aliases, one of tags, three of the key, and who calls: {:?}", proxy.counts());
}

#[tokio::test]
async fn a_policy_that_locks_everybody_out_is_told() {
    let stack = r#"
[resource.aws_kms_key.data]
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*"}]}'
"#;
    let error = run(&mut Bench::new(&cloud()), stack, Purpose::Apply).await.unwrap_err();
    assert!(error.contains("kms:PutKeyPolicy") && error.contains("bypass_policy_lockout_safety_check"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_a_bucket_is_there_is_asked_again_when_s3_is_busy() {
    let account = cloud();
    // A HEAD that is refused has no body to say why.
    let proxy = Proxy::new(&account.endpoint, 1).with("HEAD *", Fault::Throttle { burst: 1.0, per_second: 1.0 });
    let mut bench = Bench::new(&account.through(proxy.endpoint()));
    run(&mut bench, "[resource.aws_s3_bucket.data]\nbucket = \"asked-again\"\n", Purpose::Apply).await.unwrap();
    assert!(proxy.calls().iter().any(|call| call.outcome == "SlowDown"), "{:?}", proxy.counts());
}
