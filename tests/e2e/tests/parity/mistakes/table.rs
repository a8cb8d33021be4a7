//! The form of the tables of mistakes.

use clb_sandbox::manifests::Manifest;

use crate::lab;

/// A Service with one mistake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mistake {
    /// Its ports, as `80/TCP`.
    pub(crate) ports: &'static [&'static str],
    /// Its annotations, named without the prefix or in full.
    pub(crate) annotations: &'static [(&'static str, &'static str)],
    /// Which annotation or field is told of, named as above.
    pub(crate) at: &'static str,
    /// Its value; empty when it is missing.
    pub(crate) value: &'static str,
    /// Words of what is allowed.
    pub(crate) allowed: &'static str,
}

impl Mistake {
    /// The Service.
    pub(crate) fn service(&self, name: &str) -> Manifest {
        lab::service(name, self.ports, self.annotations)
    }

    /// What the person who is told must read: the annotation, its value, what is allowed, an example.
    pub(crate) fn must_be_told(&self) -> Vec<String> {
        let place = if self.at.starts_with("spec.") {
            self.at.to_owned()
        } else {
            lab::full_name(self.at)
        };
        let value = if self.value.is_empty() {
            "is missing".to_owned()
        } else {
            format!("{:?}", self.value)
        };
        vec![place, value, self.allowed.to_owned(), ", for example ".to_owned()]
    }
}

/// TCP port 80.
pub(crate) const TCP: &[&str] = &["80/TCP"];
/// TCP port 443.
pub(crate) const TLS: &[&str] = &["443/TCP"];
/// TCP ports 80 and 443.
pub(crate) const WEB: &[&str] = &["80/TCP", "443/TCP"];
/// UDP port 53.
pub(crate) const UDP: &[&str] = &["53/UDP"];

/// A value that is wrong on its own, on a Service of TCP port 80.
pub(crate) const fn value(
    annotation: &'static [(&'static str, &'static str); 1],
    allowed: &'static str,
) -> Mistake {
    Mistake {
        ports: TCP,
        annotations: annotation,
        at: annotation[0].0,
        value: annotation[0].1,
        allowed,
    }
}
