//! S3. No call tells of several buckets' settings, so that each is read by itself; and two changes of one bucket at the same time
//! are refused, so that these take turns.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::client::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Id, Problem, Retry};
use crate::words::value::Value;

pub mod bucket;
mod empty;
pub mod encryption;
pub mod lifecycle;
mod lifecycle_rules;
pub mod ownership_controls;
pub mod policy;
pub mod public_access_block;
pub mod versioning;

/// A change of the bucket that comes while another is under way, or before S3 knows everywhere that there is such a bucket.
const fn unsettled(operation: &'static str) -> [Retry; 2] {
    [
        Retry { operation, code: "OperationAborted", message: "", within: Duration::from_secs(120) },
        Retry { operation, code: "NoSuchBucket", message: "", within: Duration::from_secs(60) },
    ]
}

/// Whose settings: the bucket and, where the user says so, the account that it has to belong to. Together they are the id of the
/// settings: `bucket`, or `bucket,account`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    bucket: String,
    owner: Option<String>,
}

impl Place {
    fn of(bucket: &str, owner: Option<&String>) -> Self {
        Self { bucket: bucket.to_owned(), owner: owner.filter(|o| !o.is_empty()).cloned() }
    }

    fn parse(id: &str) -> Self {
        match id.split_once(',') {
            Some((bucket, owner)) => Self::of(bucket, Some(&owner.to_owned())),
            None => Self::of(id, None),
        }
    }

    fn id(&self) -> Id {
        self.owner.as_ref().map_or_else(|| self.bucket.clone(), |owner| format!("{},{owner}", self.bucket))
    }
}

/// What a user gave to import settings of a bucket.
fn imported(given: &str) -> Outcome<Id> {
    let place = Place::parse(given);
    let number = |owner: &String| owner.len() == 12 && owner.bytes().all(|b| b.is_ascii_digit());
    if place.bucket.is_empty() || place.bucket.contains([':', '/']) || !place.owner.as_ref().is_none_or(number) {
        return Err(Failure::other(format!("`{given}` is not the name of a bucket")).help("write it like `my-bucket`"));
    }
    Ok(place.id())
}

/// Waits for whoever else changes settings of the bucket; holds them off for as long as the answer is kept.
async fn turn(aws: &Aws, bucket: &str) -> Outcome<tokio::sync::OwnedMutexGuard<()>> {
    let mutex: Arc<Mutex<()>> = aws.kept.once(format!("s3:turn:{bucket}"), || async { Ok(Mutex::new(())) }).await?;
    Ok(mutex.lock_owned().await)
}

/// What is wrong with the name of a bucket, or of the beginning of one.
fn misnamed(attr: &str, name: &Value) -> Option<Problem> {
    let name = name.as_str().filter(|n| !n.is_empty())?;
    let odd = name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.'));
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let prefix = attr == "bucket_prefix";
    let why = if let Some(odd) = odd {
        format!("the name of a bucket has lower-case letters, digits, hyphens and dots; `{odd}` is none of them")
    } else if !edge(name.chars().next()) || !(prefix || edge(name.chars().last())) {
        "the name of a bucket begins and ends with a letter or a digit".to_owned()
    } else if name.contains("..") {
        "two dots can't stand next to each other in the name of a bucket".to_owned()
    } else if name.parse::<std::net::Ipv4Addr>().is_ok() {
        "the name of a bucket can't look like an IP address".to_owned()
    } else if let Some(start) = ["xn--", "sthree-", "amzn-s3-demo-"].iter().find(|s| name.starts_with(**s)) {
        format!("S3 keeps names that begin with `{start}` for itself")
    } else if let Some(end) = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().find(|e| !prefix && name.ends_with(**e)) {
        format!("S3 keeps names that end with `{end}` for itself")
    } else {
        return None;
    };
    Some(Problem::new(attr, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_a_bucket_and_maybe_its_owner() {
        for (id, bucket, owner) in [("logs", "logs", None), ("logs,123456789012", "logs", Some("123456789012"))] {
            assert_eq!(imported(id).as_deref(), Ok(id));
            assert_eq!(Place::parse(id), Place { bucket: bucket.into(), owner: owner.map(Into::into) });
        }
        for wrong in ["", "arn:aws:s3:::logs", "logs,me"] {
            assert!(imported(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_that_s3_refuses_are_told() {
        let told = |name: &str| misnamed("bucket", &Value::from(name)).map(|p| p.message);
        for good in ["logs", "my.logs-2", "3com"] {
            assert_eq!(told(good), None);
        }
        for (bad, word) in
            [("My-logs", "`M`"), ("-logs", "begins"), ("a..b", "dots"), ("10.0.0.1", "IP"), ("xn--a", "xn--"), ("a-s3alias", "-s3alias")]
        {
            assert!(told(bad).is_some_and(|why| why.contains(word)), "{bad}: {:?}", told(bad));
        }
        assert_eq!(misnamed("bucket_prefix", &Value::from("logs-")), None);
    }
}
