//! What only the cloud knows of things that annotations name. The shell asks the actuator for what a pass still needs and calls
//! again with the answers.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

/// Something to ask the cloud.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Does this server certificate exist, and when does it expire?
    Certificate(String),
    /// Does this access control list exist?
    AccessControlList(String),
    /// Does this vSwitch exist, where, with which range?
    VSwitch(String),
}

/// The answers so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CloudFacts {
    /// By certificate id; none when it does not exist.
    pub certificates: BTreeMap<String, Option<Certificate>>,
    /// By id: whether it exists.
    pub access_control_lists: BTreeMap<String, bool>,
    /// By id; none when it does not exist.
    pub vswitches: BTreeMap<String, Option<VSwitchFact>>,
}

/// A server certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// When it expires, milliseconds since 1970; none when the cloud does not say.
    pub expires_ms: Option<u64>,
}

/// A vSwitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VSwitchFact {
    /// Its VPC.
    pub vpc_id: String,
    /// Its range.
    pub cidr: Option<IpNet>,
}

impl CloudFacts {
    /// Those of the questions that have no answer yet.
    #[must_use]
    pub fn unanswered(&self, questions: &BTreeSet<Question>) -> BTreeSet<Question> {
        questions
            .iter()
            .filter(|question| match question {
                Question::Certificate(id) => !self.certificates.contains_key(id),
                Question::AccessControlList(id) => !self.access_control_lists.contains_key(id),
                Question::VSwitch(id) => !self.vswitches.contains_key(id),
            })
            .cloned()
            .collect()
    }
}
