//! Reports as `JUnit` XML, which every CI system shows: a suite for each stack, a failed case for each finding.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{Looked, lines};
use crate::words::drift::{Finding, Report};

/// All reports.
#[must_use]
pub fn junit(all: &[Looked]) -> String {
    let mut document = Document::new("ferroform drift");
    for (stack, looked) in all {
        let mut suite = TestSuite::new(stack.as_str());
        match looked {
            Ok(report) => cases(report, &mut suite),
            Err(errors) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status
                    .set_type("error")
                    .set_message(errors.0.first().map_or("", |error| error.summary.as_str()))
                    .set_description(errors.to_string());
                suite.add_test_case(TestCase::new("looked at", status));
            }
        }
        document.add_test_suite(suite);
    }
    document.to_string().unwrap_or_default()
}

fn cases(report: &Report, suite: &mut TestSuite) {
    suite.set_time(Duration::try_from_secs_f64(report.seconds).unwrap_or_default());
    for finding in report.all() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(finding.severity.to_string()).set_message(message(finding)).set_description(lines(finding).join("\n"));
        suite.add_test_case(case(&finding.address, &finding.kind, status));
    }
    for ignored in &report.ignored {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("left alone: {}", ignored.reason));
        suite.add_test_case(case(&ignored.finding.address, &ignored.finding.kind, status));
    }
    for gap in &report.gaps {
        let all = if gap.addresses.is_empty() { std::slice::from_ref(&gap.kind) } else { &gap.addresses };
        for address in all {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not looked at: {}", gap.reason));
            suite.add_test_case(case(address, &gap.kind, status));
        }
    }
    if report.findings.is_empty() {
        suite.add_test_case(TestCase::new(format!("{} resources in order", report.resources), TestCaseStatus::success()));
    }
}

fn case(address: &str, kind: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(address, status);
    case.set_classname(kind);
    case
}

fn message(finding: &Finding) -> String {
    let danger = if finding.danger.is_empty() { String::new() } else { format!(": {}", finding.danger) };
    format!("{}{danger}; the next apply {}", finding.what.word(), finding.next)
}
