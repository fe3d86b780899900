//! Errors of the AWS crates, in terms that the engine can act on.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::words::failure::{Cause, Failure};

/// Codes that every service may answer with, and what they mean. A `*` stands for anything before or after.
const CODES: &[(&str, Cause)] = &[
    ("*.NotFound", Cause::Gone),
    ("*NotFoundException", Cause::Gone),
    ("*NotFoundError", Cause::Gone),
    ("NoSuch*", Cause::Gone),
    ("NotFound", Cause::Gone),
    ("ResourceNotFound", Cause::Gone),
    ("LoadBalancerNotFound", Cause::Gone),
    ("ListenerNotFound", Cause::Gone),
    ("RuleNotFound", Cause::Gone),
    ("TargetGroupNotFound", Cause::Gone),
    ("Throttl*", Cause::Throttled),
    ("RequestThrottled*", Cause::Throttled),
    ("RequestLimitExceeded", Cause::Throttled),
    ("TooManyRequestsException", Cause::Throttled),
    ("EC2ThrottledException", Cause::Throttled),
    ("SlowDown", Cause::Throttled),
    ("PriorRequestNotComplete", Cause::Throttled),
    ("UnauthorizedOperation", Cause::Denied),
    ("AccessDenied*", Cause::Denied),
    ("AuthorizationError*", Cause::Denied),
    ("AuthFailure", Cause::Denied),
    ("UnrecognizedClientException", Cause::Denied),
    ("InvalidClientTokenId", Cause::Denied),
    ("ExpiredToken*", Cause::Denied),
    ("RequestExpired", Cause::Denied),
    ("SignatureDoesNotMatch", Cause::Denied),
    ("OperationAborted*", Cause::Busy),
    ("ConcurrentModification*", Cause::Busy),
    ("DependencyViolation", Cause::Busy),
    ("DeleteConflict*", Cause::Busy),
    ("ResourceInUse*", Cause::Busy),
    ("ScalingActivityInProgress*", Cause::Busy),
    ("ConcurrentUpdateException", Cause::Busy),
    ("IncorrectState", Cause::Busy),
    ("IncorrectInstanceState", Cause::Busy),
    ("EntityTemporarilyUnmodifiable", Cause::Busy),
    ("*.Duplicate", Cause::Exists),
    ("DuplicateListener", Cause::Exists),
    ("DuplicateLoadBalancerName", Cause::Exists),
    ("DuplicateTargetGroupName", Cause::Exists),
    ("*AlreadyExists", Cause::Exists),
    ("*AlreadyExistsException", Cause::Exists),
    ("BucketAlreadyOwnedByYou", Cause::Exists),
    ("InternalError", Cause::Lost),
    ("InternalFailure", Cause::Lost),
    ("InternalServerError", Cause::Lost),
    ("ServiceUnavailable*", Cause::Lost),
    ("Unavailable", Cause::Lost),
];

fn matches(pattern: &str, code: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => code.ends_with(end),
        (_, Some(start)) => code.starts_with(start),
        _ => pattern == code,
    }
}

/// What a code means; nothing for one that has no general meaning.
#[must_use]
pub fn cause_of(code: &str) -> Option<Cause> {
    CODES.iter().find(|(pattern, _)| matches(pattern, code)).map(|(_, cause)| *cause)
}

/// Service and operation from the name of the operation's error type,
/// `aws_sdk_ec2::operation::run_instances::RunInstancesError`: the SDK's errors carry neither.
fn origin<E>() -> (&'static str, String) {
    let name = std::any::type_name::<E>();
    let service = match name.strip_prefix("aws_sdk_").and_then(|rest| rest.split("::").next()).unwrap_or("aws") {
        // By the word that permissions begin with.
        "cloudwatchlogs" => "logs",
        "eventbridge" => "events",
        "resourcegroupstagging" => "tag",
        other => other,
    };
    let operation = name.rsplit("::").next().unwrap_or_default().trim_end_matches("Error").to_owned();
    (service, operation)
}

impl<E> From<SdkError<E, HttpResponse>> for Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let (service, operation) = origin::<E>();
        let request = error.request_id().unwrap_or_default().to_owned();
        let status = error.raw_response().map(|r| r.status().as_u16());
        let (cause, code, message) = match &error {
            SdkError::ServiceError(answer) => {
                let answered = answer.err();
                let code = answered.code().unwrap_or_default().to_owned();
                // What stands before a service answers without a code.
                let cause = cause_of(&code).unwrap_or(match status {
                    Some(429) => Cause::Throttled,
                    Some(500 | 502..) => Cause::Lost,
                    _ => Cause::Refused,
                });
                (cause, code, answered.message().map_or_else(|| chain(answered), str::to_owned))
            }
            SdkError::ConstructionFailure(_) => (Cause::Refused, String::new(), chain(&error)),
            SdkError::DispatchFailure(failed) if failed.is_user() => (Cause::Refused, String::new(), chain(&error)),
            _ => (Cause::Lost, String::new(), chain(&error)),
        };
        Self { cause, service, operation, code, message, request, help: String::new() }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// What the SDK's builders give for a field that they require.
impl From<aws_smithy_types::error::operation::BuildError> for Failure {
    fn from(error: aws_smithy_types::error::operation::BuildError) -> Self {
        Self::other(chain(&error))
    }
}

/// The answer lacks what the API's description promises.
#[must_use]
pub fn lacking(what: &str) -> Failure {
    Failure::other(format!("the answer has no {what}")).because(Cause::Lost)
}

/// A failed lookup of something that does not exist, as nothing.
pub fn absent<T>(outcome: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.cause == Cause::Gone => Ok(None),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_meaning() {
        for (code, cause) in [
            ("InvalidInstanceID.NotFound", Some(Cause::Gone)),
            ("NoSuchEntity", Some(Cause::Gone)),
            ("ThrottlingException", Some(Cause::Throttled)),
            ("InvalidKeyPair.Duplicate", Some(Cause::Exists)),
            ("InvalidParameterValue", None),
        ] {
            assert_eq!(cause_of(code), cause, "{code}");
        }
    }
}
