//! The actions on tags, access control lists, certificates, extension domains, and on regions and zones.

use super::slb_rows::{IP_VERSION, LB, MAYBE_REGION, NAME, PAGE, REGION, TAG, page, read, text, write};
use super::{Action, Charset, Kind, Parameter};
use crate::{acls, certificates, domain_extensions, errors, tags, zones};

const PORT: Kind = Kind::Integer { min: 1, max: 65535 };
const RESOURCE_IDS: Kind = Kind::List {
    max: 20,
    too_many: errors::RESOURCE_IDS_SIZE,
};
const ACL: Parameter = Parameter::required("AclId", Kind::Text);
const EXTENSION: Parameter = Parameter::required("DomainExtensionId", Kind::Text);
const RESOURCE_TYPE: Parameter =
    Parameter::required("ResourceType", Kind::OneOf(tags::RESOURCE_TYPES)).refuse(errors::RESOURCE_TYPE);

/// The actions of this module.
pub(super) fn actions() -> Vec<Action> {
    let mut actions = tag_actions();
    actions.extend(acl_actions());
    actions.extend(certificate_actions());
    actions.extend(domain_extension_actions());
    actions.extend(place_actions());
    actions
}

fn tag_actions() -> Vec<Action> {
    let tags_text = Parameter::required("Tags", Kind::Text).refuse(errors::INVALID_TAG);
    vec![
        write(
            "TagResources",
            tags::tag_resources,
            &[&[
                REGION,
                RESOURCE_TYPE,
                Parameter::required("ResourceId", RESOURCE_IDS),
                Parameter::required("Tag", Kind::Tags),
            ]],
        ),
        write(
            "UntagResources",
            tags::untag_resources,
            &[&[
                REGION,
                RESOURCE_TYPE,
                Parameter::required("ResourceId", RESOURCE_IDS),
                Parameter::optional("All", Kind::Boolean),
                Parameter::optional(
                    "TagKey",
                    Kind::List {
                        max: 20,
                        too_many: errors::INVALID_PARAMETER,
                    },
                ),
            ]],
        ),
        read(
            "ListTagResources",
            tags::list_tag_resources,
            &[&[
                REGION,
                RESOURCE_TYPE,
                text("NextToken"),
                Parameter::optional("ResourceId", RESOURCE_IDS),
                TAG,
            ]],
        ),
        write("AddTags", tags::add_tags, &[&[REGION, LB, tags_text]]),
        write("RemoveTags", tags::remove_tags, &[&[REGION, LB, tags_text]]),
        read(
            "DescribeTags",
            tags::describe_tags,
            &[&[
                REGION,
                Parameter::optional("DistinctKey", Kind::Boolean),
                text("LoadBalancerId"),
                Parameter::optional("PageNumber", PAGE).or("1"),
                page("PageSize", 100, "50"),
                text("Tags"),
            ]],
        ),
    ]
}

fn acl_actions() -> Vec<Action> {
    vec![
        write(
            "CreateAccessControlList",
            acls::create,
            &[&[
                REGION,
                Parameter::required("AclName", NAME),
                Parameter::optional("AddressIPVersion", IP_VERSION).or("ipv4"),
                text("ResourceGroupId"),
                TAG,
            ]],
        ),
        write("DeleteAccessControlList", acls::delete, &[&[REGION, ACL]]),
        write(
            "SetAccessControlListAttribute",
            acls::set_attribute,
            &[&[REGION, ACL, Parameter::required("AclName", NAME)]],
        ),
        // AclId is optional by the SDK's text only: without it there is no list to change.
        write(
            "AddAccessControlListEntry",
            acls::add_entries,
            &[&[REGION, text("AclId"), text("AclEntrys")]],
        ),
        write(
            "RemoveAccessControlListEntry",
            acls::remove_entries,
            &[&[REGION, ACL, text("AclEntrys")]],
        ),
        read(
            "DescribeAccessControlLists",
            acls::describe_many,
            &[&[
                REGION,
                text("AclName"),
                Parameter::optional("AddressIPVersion", IP_VERSION),
                Parameter::optional("PageNumber", PAGE).or("1"),
                page("PageSize", 50, "10"),
                text("ResourceGroupId"),
                TAG,
            ]],
        ),
        read(
            "DescribeAccessControlListAttribute",
            acls::describe_one,
            &[&[
                REGION,
                ACL,
                text("AclEntryComment"),
                Parameter::optional("Page", PAGE),
                page("PageSize", 50, "10"),
            ]],
        ),
    ]
}

fn certificate_actions() -> Vec<Action> {
    let certificate = Parameter::required("ServerCertificateId", Kind::Text);
    vec![
        write(
            "UploadServerCertificate",
            certificates::upload,
            &[&[
                REGION,
                text("AliCloudCertificateId"),
                text("AliCloudCertificateName"),
                text("AliCloudCertificateRegionId"),
                text("PrivateKey"),
                text("ResourceGroupId"),
                text("ServerCertificate"),
                Parameter::optional("ServerCertificateName", NAME),
                TAG,
            ]],
        ),
        write(
            "DeleteServerCertificate",
            certificates::delete,
            &[&[MAYBE_REGION, certificate]],
        ),
        write(
            "SetServerCertificateName",
            certificates::set_name,
            &[&[
                REGION,
                certificate,
                Parameter::required("ServerCertificateName", NAME),
            ]],
        ),
        read(
            "DescribeServerCertificates",
            certificates::describe_server,
            &[&[
                MAYBE_REGION,
                text("ResourceGroupId"),
                text("ServerCertificateId"),
                TAG,
            ]],
        ),
        write(
            "UploadCACertificate",
            certificates::upload_ca,
            &[&[
                REGION,
                Parameter::required("CACertificate", Kind::Text),
                Parameter::optional("CACertificateName", NAME),
                text("ResourceGroupId"),
                TAG,
            ]],
        ),
        write(
            "DeleteCACertificate",
            certificates::delete_ca,
            &[&[REGION, Parameter::required("CACertificateId", Kind::Text)]],
        ),
        write(
            "SetCACertificateName",
            certificates::set_ca_name,
            &[&[
                REGION,
                Parameter::required("CACertificateId", Kind::Text),
                Parameter::required("CACertificateName", NAME),
            ]],
        ),
        read(
            "DescribeCACertificates",
            certificates::describe_ca,
            &[&[REGION, text("CACertificateId"), text("ResourceGroupId"), TAG]],
        ),
    ]
}

fn domain_extension_actions() -> Vec<Action> {
    let port = Parameter::required("ListenerPort", PORT).refuse(errors::LISTENER_PORT);
    vec![
        write(
            "CreateDomainExtension",
            domain_extensions::create,
            &[&[
                REGION,
                LB,
                port,
                Parameter::required(
                    "Domain",
                    Kind::Chars {
                        min: 1,
                        max: 255,
                        charset: Charset::Ascii,
                    },
                ),
                text("ServerCertificateId"),
            ]],
        ),
        write(
            "SetDomainExtensionAttribute",
            domain_extensions::set_attribute,
            &[&[REGION, EXTENSION, text("ServerCertificateId")]],
        ),
        write(
            "DeleteDomainExtension",
            domain_extensions::delete,
            &[&[REGION, EXTENSION]],
        ),
        read(
            "DescribeDomainExtensions",
            domain_extensions::describe_many,
            &[&[REGION, LB, port, text("DomainExtensionId")]],
        ),
        read(
            "DescribeDomainExtensionAttribute",
            domain_extensions::describe_one,
            &[&[REGION, EXTENSION]],
        ),
    ]
}

fn place_actions() -> Vec<Action> {
    vec![
        read(
            "DescribeRegions",
            zones::describe_regions,
            &[&[MAYBE_REGION, text("AcceptLanguage")]],
        ),
        read(
            "DescribeZones",
            zones::describe_zones,
            &[&[REGION, text("AcceptLanguage")]],
        ),
        read(
            "DescribeAvailableResource",
            zones::describe_available_resource,
            &[&[
                REGION,
                Parameter::optional("AddressIPVersion", IP_VERSION),
                Parameter::optional(
                    "AddressType",
                    Kind::OneOf(&[
                        "vpc",
                        "classic_internet",
                        "classic_intranet",
                        "classic-internet",
                        "classic-intranet",
                    ]),
                ),
            ]],
        ),
    ]
}
