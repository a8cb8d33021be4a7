//! Server certificates and CA certificates.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

use crate::account::{AccountState, Owner, Tags};
use crate::errors::{self, Answer, ApiError};
use crate::scope::Scope;
use crate::tags;

/// A certificate, of a server or of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificate {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub region_id: String,
    /// The subject's common name.
    #[serde(default)]
    pub common_name: String,
    /// The other names it is for.
    #[serde(default)]
    pub subject_alternative_names: Vec<String>,
    /// When it ends.
    pub expire_time: Timestamp,
    /// When it was uploaded.
    #[serde(default = "Timestamp::now")]
    pub create_time: Timestamp,
    /// SHA-1 of its DER form, with colons.
    #[serde(default)]
    pub fingerprint: String,
    /// Its id in the certificate service, if it came from there.
    #[serde(default)]
    pub ali_cloud_certificate_id: String,
    /// Its name in the certificate service.
    #[serde(default)]
    pub ali_cloud_certificate_name: String,
    /// Its resource group.
    #[serde(default)]
    pub resource_group_id: String,
    /// Its tags.
    #[serde(rename = "tags", default)]
    pub tags: Tags,
    /// Who made it.
    #[serde(rename = "owner", default)]
    pub owner: Owner,
}

impl Certificate {
    /// A certificate of the user for one name.
    pub fn new(id: &str, region_id: &str, common_name: &str, expire_time: Timestamp) -> Self {
        let digest = Sha1::digest(id);
        Certificate {
            id: id.to_owned(),
            name: id.to_owned(),
            region_id: region_id.to_owned(),
            common_name: common_name.to_owned(),
            subject_alternative_names: vec![common_name.to_owned()],
            expire_time,
            create_time: Timestamp::now(),
            fingerprint: with_colons(&digest),
            ali_cloud_certificate_id: String::new(),
            ali_cloud_certificate_name: String::new(),
            resource_group_id: "rg-default".to_owned(),
            tags: Tags::new(),
            owner: Owner::User,
        }
    }

    /// Takes over what the PEM text says.
    fn read(&mut self, pem: &str) -> Result<(), ApiError> {
        let invalid = || ApiError::from(errors::CERTIFICATE_FORMAT);
        let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|_| invalid())?;
        let parsed = block.parse_x509().map_err(|_| invalid())?;
        let mut names = parsed.subject().iter_common_name();
        self.common_name = names
            .next()
            .and_then(|name| name.as_str().ok())
            .unwrap_or_default()
            .to_owned();
        let alternatives = parsed.subject_alternative_name().ok().flatten();
        let alternatives = alternatives
            .map(|found| found.value.general_names.as_slice())
            .unwrap_or_default();
        let dns = alternatives.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        self.subject_alternative_names = dns.collect();
        self.expire_time =
            Timestamp::from_second(parsed.validity().not_after.timestamp()).map_err(|_| invalid())?;
        self.fingerprint = with_colons(&Sha1::digest(&block.contents));
        Ok(())
    }

    fn common(&self) -> Value {
        json!({
            "CommonName": self.common_name,
            "CreateTime": seconds(self.create_time),
            "CreateTimeStamp": self.create_time.as_millisecond(),
            "ExpireTime": seconds(self.expire_time),
            "ExpireTimeStamp": self.expire_time.as_millisecond(),
            "Fingerprint": self.fingerprint,
            "ResourceGroupId": self.resource_group_id,
        })
    }

    fn as_server(&self) -> Value {
        let mut body = self.common();
        body["RegionId"] = json!(self.region_id);
        body["ServerCertificateId"] = json!(self.id);
        body["ServerCertificateName"] = json!(self.name);
        body["SubjectAlternativeNames"] = json!({ "SubjectAlternativeName": self.subject_alternative_names });
        body["AliCloudCertificateId"] = json!(self.ali_cloud_certificate_id);
        body["AliCloudCertificateName"] = json!(self.ali_cloud_certificate_name);
        body["IsAliCloudCertificate"] = json!(i32::from(!self.ali_cloud_certificate_id.is_empty()));
        body
    }

    fn as_ca(&self) -> Value {
        let mut body = self.common();
        body["CACertificateId"] = json!(self.id);
        body["CACertificateName"] = json!(self.name);
        body
    }
}

fn with_colons(digest: &[u8]) -> String {
    digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<String>>()
        .join(":")
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// UploadServerCertificate: PEM text and key, or a certificate of the certificate service.
pub(crate) fn upload(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let mut certificate = new(scope, "ServerCertificateName");
    if let Some(id) = input.filled("AliCloudCertificateId") {
        id.clone_into(&mut certificate.ali_cloud_certificate_id);
        input
            .text_or_empty("AliCloudCertificateName")
            .clone_into(&mut certificate.ali_cloud_certificate_name);
    } else {
        let pem = input.filled("ServerCertificate");
        let pem = pem.ok_or_else(|| errors::missing_parameter("ServerCertificate"))?;
        let key = input
            .filled("PrivateKey")
            .ok_or_else(|| errors::missing_parameter("PrivateKey"))?;
        if !key.contains("PRIVATE KEY") {
            return Err(errors::CERTIFICATE_FORMAT.into());
        }
        certificate.read(pem)?;
    }
    let body = certificate.as_server();
    scope
        .account
        .certificates
        .insert(certificate.id.clone(), certificate);
    Ok(body)
}

/// UploadCACertificate.
pub(crate) fn upload_ca(scope: &mut Scope<'_>) -> Answer {
    let mut certificate = new(scope, "CACertificateName");
    certificate.read(scope.input.text_or_empty("CACertificate"))?;
    let body = certificate.as_ca();
    scope
        .account
        .ca_certificates
        .insert(certificate.id.clone(), certificate);
    Ok(body)
}

fn new(scope: &mut Scope<'_>, name: &str) -> Certificate {
    let id = scope.new_id("1231579085529123_");
    let input = scope.input;
    let mut certificate = Certificate::new(&id, input.text_or_empty("RegionId"), "", scope.time);
    input
        .filled(name)
        .unwrap_or(&id)
        .clone_into(&mut certificate.name);
    certificate.subject_alternative_names = Vec::new();
    certificate.create_time = scope.time;
    certificate.resource_group_id = input.filled("ResourceGroupId").unwrap_or("rg-default").to_owned();
    certificate.tags = input.new_tags("Tag");
    certificate.owner = scope.owner;
    certificate
}

/// DeleteServerCertificate: not while a listener or an extension domain uses it.
pub(crate) fn delete(scope: &mut Scope<'_>) -> Answer {
    let id = scope.input.text_or_empty("ServerCertificateId");
    if !scope.account.certificates.contains_key(id) {
        return Err(errors::SERVER_CERTIFICATE_NOT_FOUND.into());
    }
    if is_used(scope.account, id) {
        return Err(errors::CERTIFICATE_IN_USE.into());
    }
    scope.account.certificates.remove(id);
    Ok(json!({}))
}

/// DeleteCACertificate.
pub(crate) fn delete_ca(scope: &mut Scope<'_>) -> Answer {
    let id = scope.input.text_or_empty("CACertificateId");
    if !scope.account.ca_certificates.contains_key(id) {
        return Err(errors::CA_CERTIFICATE_NOT_FOUND.into());
    }
    if is_used(scope.account, id) {
        return Err(errors::CERTIFICATE_IN_USE.into());
    }
    scope.account.ca_certificates.remove(id);
    Ok(json!({}))
}

fn is_used(account: &AccountState, id: &str) -> bool {
    account
        .load_balancers
        .values()
        .flat_map(|lb| lb.listeners.values())
        .any(|listener| {
            listener.text("ServerCertificateId") == id
                || listener.text("CACertificateId") == id
                || listener
                    .domain_extensions
                    .iter()
                    .any(|extension| extension.server_certificate_id == id)
        })
}

/// SetServerCertificateName.
pub(crate) fn set_name(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let found = scope
        .account
        .certificates
        .get_mut(input.text_or_empty("ServerCertificateId"));
    let certificate = found.ok_or_else(|| ApiError::from(errors::SERVER_CERTIFICATE_NOT_FOUND))?;
    input
        .text_or_empty("ServerCertificateName")
        .clone_into(&mut certificate.name);
    Ok(json!({}))
}

/// SetCACertificateName.
pub(crate) fn set_ca_name(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let found = scope
        .account
        .ca_certificates
        .get_mut(input.text_or_empty("CACertificateId"));
    let certificate = found.ok_or_else(|| ApiError::from(errors::CA_CERTIFICATE_NOT_FOUND))?;
    input
        .text_or_empty("CACertificateName")
        .clone_into(&mut certificate.name);
    Ok(json!({}))
}

/// DescribeServerCertificates.
pub(crate) fn describe_server(scope: &mut Scope<'_>) -> Answer {
    let wanted = scope.input.filled("ServerCertificateId");
    if wanted.is_some_and(|id| !scope.account.certificates.contains_key(id)) {
        return Err(errors::SERVER_CERTIFICATE_NOT_FOUND.into());
    }
    let rows = chosen(
        scope,
        scope.account.certificates.values(),
        wanted,
        Certificate::as_server,
    );
    Ok(json!({ "ServerCertificates": { "ServerCertificate": rows } }))
}

/// DescribeCACertificates.
pub(crate) fn describe_ca(scope: &mut Scope<'_>) -> Answer {
    let wanted = scope.input.filled("CACertificateId");
    let rows = chosen(
        scope,
        scope.account.ca_certificates.values(),
        wanted,
        Certificate::as_ca,
    );
    Ok(json!({ "CACertificates": { "CACertificate": rows } }))
}

fn chosen<'a>(
    scope: &Scope<'_>,
    all: impl Iterator<Item = &'a Certificate>,
    id: Option<&str>,
    render: fn(&Certificate) -> Value,
) -> Vec<Value> {
    let wanted_tags = scope.input.tags("Tag");
    let group = scope.input.filled("ResourceGroupId");
    let region = scope.input.filled("RegionId");
    all.filter(|one| {
        id.is_none_or(|id| id == one.id)
            && region.is_none_or(|region| region == one.region_id)
            && group.is_none_or(|group| group == one.resource_group_id)
            && tags::match_all(&wanted_tags, &one.tags)
    })
    .map(|one| {
        let mut row = render(one);
        row["RegionId"] = json!(one.region_id);
        row["Tags"] = json!({ "Tag": tags::rendered(&one.tags) });
        row
    })
    .collect()
}
