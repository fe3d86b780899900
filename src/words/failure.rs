//! A call that did not do what it should, in terms that the engine can act on.

use std::fmt;

/// What a failure means for whoever made the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The thing does not exist.
    Gone,
    /// Too many calls: nothing was done, later it may be.
    Throttled,
    /// The caller may not.
    Denied,
    /// Something else holds it, or an earlier change is still under way: nothing was done, later it may be.
    Busy,
    /// No answer, or the service broke: it may have been done.
    Lost,
    /// It exists already.
    Exists,
    /// Anything else: refused for a reason that time does not mend.
    Refused,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub cause: Cause,
    /// The service, `ec2`; empty where no call was made.
    pub service: &'static str,
    /// The operation, `RunInstances`; empty where no call was made.
    pub operation: String,
    /// The service's code, `InvalidGroup.NotFound`.
    pub code: String,
    /// The service's words, or ours.
    pub message: String,
    /// The service's id of the request.
    pub request: String,
    /// What to do.
    pub help: String,
}

/// What a call gives.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A refusal of ours, with no call behind it.
    pub fn other(message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Refused,
            service: "",
            operation: String::new(),
            code: String::new(),
            message: message.into(),
            request: String::new(),
            help: String::new(),
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The same with another meaning.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.operation.is_empty() {
            write!(f, "{} {}: ", self.service, self.operation)?;
        }
        if !self.code.is_empty() {
            write!(f, "{}: ", self.code)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
