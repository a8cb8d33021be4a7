//! Server certificates.

use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// `DescribeServerCertificates`: one, or all of the region.
#[derive(Debug, Clone)]
pub struct DescribeServerCertificates<'a> {
    /// Which; none for all.
    pub id: Option<&'a str>,
}

/// A server certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// `ServerCertificateId`.
    pub id: String,
    /// `ExpireTimeStamp`, milliseconds since 1970; none where the cloud does not say.
    pub expires_ms: Option<u64>,
}

impl Action for DescribeServerCertificates<'_> {
    type Answer = Vec<Certificate>;

    fn name(&self) -> &'static str {
        "DescribeServerCertificates"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set_some("ServerCertificateId", self.id);
    }

    fn read(&self, answer: Node<'_>) -> Result<Vec<Certificate>, UnexpectedAnswer> {
        answer
            .items("ServerCertificates", "ServerCertificate")
            .map(|certificate| {
                Ok(Certificate {
                    id: certificate.required("ServerCertificateId")?,
                    expires_ms: certificate.parsed("ExpireTimeStamp"),
                })
            })
            .collect()
    }
}
