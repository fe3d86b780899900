//! What a look at reality found: the words that drift detection, its history and its messengers share. Plain data, which can be kept as
//! JSON and read back; no secret is ever in it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// One look at one stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The stack as the user names it, `stacks/gateway-node`; unique among what one command looks at.
    pub stack: String,
    /// Its workspace, `default` unless the user chose one.
    pub workspace: String,
    /// The account that was looked at, where it is known.
    pub account: Option<String>,
    /// The regions that were looked at.
    pub regions: Vec<String>,
    /// When the look began.
    pub started: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// How many resources of the state were looked at.
    pub resources: usize,
    /// How many calls it cost.
    pub calls: u64,
    /// What is not as it should be, the worst first, then by address.
    pub findings: Vec<Finding>,
    /// What a rule of the stack says to leave alone, with the rule's reason.
    pub ignored: Vec<Ignored>,
    /// What could not be looked at, and why.
    pub gaps: Vec<Gap>,
    /// What should be told besides: of rules that expired, and of those that mean nothing that there is.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What exists and no state owns, when that was asked for.
    pub unmanaged: Option<Unmanaged>,
}

/// One resource that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Its address in the stack; for what no stack manages a made-up one of the same form.
    pub address: String,
    /// Its type, `aws_security_group`.
    pub kind: String,
    /// Its id in the cloud.
    pub id: String,
    /// What happened to it.
    pub what: What,
    /// How bad that is.
    pub severity: Severity,
    /// What makes it that bad in a few words, `opens 22/tcp to 0.0.0.0/0`; empty where nothing is worth telling.
    pub danger: String,
    /// Attribute by attribute, by path; empty when it is gone.
    pub attributes: Vec<Difference>,
    /// When it was last seen in order, where that is known.
    pub in_order: Option<Timestamp>,
    /// Who did it, where the cloud tells.
    pub by: Option<Deed>,
    /// What the next apply would do, in words: `closes it`, `makes it anew`, `nothing`.
    pub next: String,
    /// The file and line of its block, where it has one.
    pub place: Option<Place>,
}

/// Where a block stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, from where the command was started.
    pub file: String,
    /// The line, from one.
    pub line: usize,
}

/// What happened to a resource behind the stack's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is gone.
    Deleted,
    /// Another stands in its place: the same identity, a thing of its own.
    Replaced,
    /// Some of its attributes differ.
    Changed,
    /// No stack manages it.
    Unmanaged,
}

impl What {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// How bad a finding is; the better ones come first, so that the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Words: a tag, a description.
    Low,
    /// How something works.
    Medium,
    /// Something is gone, open, or may do more than it should.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

/// An attribute that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Its path, `ingress`, `tags.Owner`, `root_block_device[0].volume_size`.
    pub path: String,
    /// What the state holds; `"(sensitive value)"` where nobody may see it. Of a set only the elements that are there no more.
    pub old: Json,
    /// What there is; hidden likewise. Of a set only the elements that came.
    pub new: Json,
}

/// What the cloud's log tells of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// The call, `AuthorizeSecurityGroupIngress`.
    pub event: String,
    /// Who made it, `alice`, or the role's session.
    pub principal: String,
    /// Through what, `console`, `cli`, a program's name; empty where nothing is known.
    pub through: String,
    /// When.
    pub at: Timestamp,
}

/// A finding that a rule of the stack says to leave alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ignored {
    /// What was found.
    pub finding: Finding,
    /// Why the rule says so.
    pub reason: String,
}

/// Something that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The type; `plan` where it can't be told what the next apply would do.
    pub kind: String,
    /// The addresses that were not looked at; empty when it is what no state owns that could not be listed.
    pub addresses: Vec<String>,
    /// Why, with the call that failed.
    pub reason: String,
}

/// What exists where the stacks are at work, and who owns it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unmanaged {
    /// How many resources were seen that could be managed, those of states among them.
    pub seen: usize,
    /// How many of them a state owns.
    pub owned: usize,
    /// How many were left out as noise: defaults, service-linked, made by a managed service.
    pub noise: usize,
    /// How many were left out for each reason.
    #[serde(default)]
    pub left_out: BTreeMap<String, usize>,
    /// What no state owns.
    pub findings: Vec<Finding>,
}

impl Unmanaged {
    /// How much of what could be managed is, in percent; all of it where there is nothing.
    #[must_use]
    pub fn coverage(&self) -> usize {
        (self.owned * 100).checked_div(self.seen).unwrap_or(100)
    }
}

impl Finding {
    /// What stays the same as long as it is the same finding: its address, id, what happened, and what the attributes are now. A further
    /// change of the same resource is another finding.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};
        // The address of what nobody manages is made up.
        let address = if self.what == What::Unmanaged { &self.kind } else { &self.address };
        let told = serde_json::json!([address, self.id, self.what, self.attributes]);
        let digest = Sha256::digest(told.to_string());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Report {
    /// All that was found: what is not as it should be, and what nobody manages.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.unmanaged.iter().flat_map(|unmanaged| &unmanaged.findings))
    }

    /// The worst severity of what was found; none when all is in order.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.all().map(|finding| finding.severity).max()
    }
}
