//! The partition of AWS that the region belongs to.

use super::Aws;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, DataSource, Live};

crate::blocks! {
    /// The partition of the provider's region: its word in ARNs and its domain.
    pub struct Partition {
        /// The domain that its hosts end with, `amazonaws.com`.
        #[attr(computed)]
        dns_suffix: Option<String>,
        /// `aws`, `aws-cn` or `aws-us-gov`.
        #[attr(computed)]
        partition: Option<String>,
        /// The domain the other way round, `com.amazonaws`.
        #[attr(computed)]
        reverse_dns_prefix: Option<String>,
    }
}

impl DataSource for Partition {
    const TYPE: &'static str = "aws_partition";
    const EXAMPLE: &'static str = r"
[data.aws_partition.example]
";
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let (partition, suffix) = (cx.cloud.partition(), cx.cloud.dns_suffix());
        let reverse: Vec<&str> = suffix.rsplit('.').collect();
        let value = Self {
            dns_suffix: Some(suffix.to_owned()),
            partition: Some(partition.to_owned()),
            reverse_dns_prefix: Some(reverse.join(".")),
        };
        Ok(Live { id: partition.to_owned(), value })
    }
}
