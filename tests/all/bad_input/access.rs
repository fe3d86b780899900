//! Credentials and regions that are missing or wrong.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::Folder;

const ADDRESS: &str = "[resource.aws_eip.a]\ndomain = \"vpc\"\n";

fn keys(more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    keys.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[test]
fn missing_credentials_are_told_at_once() {
    // A metadata service that takes the connection and never answers: the slowest way not to have credentials.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let region = || ("AWS_REGION", "us-east-1".to_owned());
    for env in [vec![region()], vec![region(), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", silent)]] {
        let folder = Folder::with(ADDRESS).env(env);
        let begun = Instant::now();
        folder.bad(&["plan"], &["there are no AWS credentials", "set AWS_PROFILE, or AWS_ACCESS_KEY_ID", "--sandbox"]);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_profile_that_nobody_made() {
    let region = ("AWS_REGION", "us-east-1".to_owned());
    let folder = Folder::with(ADDRESS).env(vec![region, ("AWS_PROFILE", "work".into())]);
    folder.bad(&["plan"], &["there are no AWS credentials", "no configuration file has the profile `work`"]);
}

#[test]
fn regions() {
    let folder = Folder::with(ADDRESS).env(keys(&[]));
    folder.bad(&["plan"], &["no AWS region is set", "set `region` in `provider.aws`, AWS_REGION"]);
    // Nothing listens there, as nothing does in a region that does not exist.
    let nowhere = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let folder = Folder::with(ADDRESS).env(keys(&[nowhere, ("AWS_REGION", "us-esat-1")]));
    folder.bad(&["plan"], &["no region is known by the name `us-esat-1`", "did you mean `us-east-1`?"]);
    let folder = Folder::with(ADDRESS).env(keys(&[nowhere, ("AWS_REGION", "us-east-1")]));
    folder.bad(&["plan"], &["sts GetCallerIdentity", "check the network"]);
}
