//! Extension domains of HTTPS listeners.

use clb_model::cloud::DomainExtension;
use clb_model::identity::LoadBalancerId;

use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// `DescribeDomainExtensions`: all of one listener, by domain.
#[derive(Debug, Clone)]
pub struct DescribeDomainExtensions<'a> {
    /// On which CLB.
    pub id: &'a LoadBalancerId,
    /// Port of the HTTPS listener.
    pub port: u16,
}

impl Action for DescribeDomainExtensions<'_> {
    type Answer = Vec<(String, DomainExtension)>;

    fn name(&self) -> &'static str {
        "DescribeDomainExtensions"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("LoadBalancerId", self.id);
        parameters.set("ListenerPort", self.port);
    }

    fn read(&self, answer: Node<'_>) -> Result<Self::Answer, UnexpectedAnswer> {
        answer
            .items("DomainExtensions", "DomainExtension")
            .map(|extension| {
                Ok((
                    extension.required("Domain")?,
                    DomainExtension {
                        id: extension.required("DomainExtensionId")?,
                        certificate_id: extension.text_or_empty("ServerCertificateId"),
                    },
                ))
            })
            .collect()
    }
}

/// `CreateDomainExtension`; answers its id.
#[derive(Debug, Clone)]
pub struct CreateDomainExtension<'a> {
    /// On which CLB.
    pub id: &'a LoadBalancerId,
    /// Port of the HTTPS listener.
    pub port: u16,
    /// The domain.
    pub domain: &'a str,
    /// Its certificate.
    pub certificate_id: &'a str,
}

impl Action for CreateDomainExtension<'_> {
    type Answer = String;

    fn name(&self) -> &'static str {
        "CreateDomainExtension"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("LoadBalancerId", self.id);
        parameters.set("ListenerPort", self.port);
        parameters.set("Domain", self.domain);
        parameters.set("ServerCertificateId", self.certificate_id);
    }

    fn read(&self, answer: Node<'_>) -> Result<String, UnexpectedAnswer> {
        answer.required("DomainExtensionId")
    }
}

/// `SetDomainExtensionAttribute`: another certificate.
#[derive(Debug, Clone)]
pub struct SetDomainExtension<'a> {
    /// Which.
    pub extension_id: &'a str,
    /// Its new certificate.
    pub certificate_id: &'a str,
}

impl Action for SetDomainExtension<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        "SetDomainExtensionAttribute"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("DomainExtensionId", self.extension_id);
        parameters.set("ServerCertificateId", self.certificate_id);
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

/// `DeleteDomainExtension`.
#[derive(Debug, Clone)]
pub struct DeleteDomainExtension<'a> {
    /// Which.
    pub extension_id: &'a str,
}

impl Action for DeleteDomainExtension<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteDomainExtension"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("DomainExtensionId", self.extension_id);
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}
