//! Version 4 of Terraform's state format.

pub(super) mod marks;
pub(super) mod read;
pub(super) mod write;

/// The only version that we read and write.
pub(super) const VERSION: u64 = 4;
