//! CloudWatch.

pub mod dashboard;
pub mod metric_alarm;
