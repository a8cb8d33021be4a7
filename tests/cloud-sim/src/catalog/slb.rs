//! The actions of SLB other than those on listeners.

use super::{Action, Charset, Effect, Handler, Kind, Parameter, Product};
use crate::{acls, certificates, domain_extensions, errors, load_balancers, tags, vgroups, zones};

const ON_OFF: Kind = Kind::OneOf(&["on", "off"]);
const IP_VERSION: Kind = Kind::OneOf(&["ipv4", "ipv6"]);
const NAME: Kind = Kind::Chars {
    min: 1,
    max: 80,
    charset: Charset::Any,
};
/// 1 to 80 by the API's text, 2 to 128 by the annotation reference: the wider is taken.
const LB_NAME: Kind = Kind::Chars {
    min: 1,
    max: 128,
    charset: Charset::Name,
};
const GROUP_NAME: Kind = Kind::Chars {
    min: 1,
    max: 80,
    charset: Charset::Description,
};
const SPEC: Kind = Kind::OneOf(&[
    "slb.s1.small",
    "slb.s2.small",
    "slb.s2.medium",
    "slb.s3.small",
    "slb.s3.medium",
    "slb.s3.large",
]);
const INTERNET_CHARGE: Kind = Kind::OneOf(&["paybytraffic", "paybybandwidth"]);
const INSTANCE_CHARGE: Kind = Kind::OneOf(&["PayBySpec", "PayByCLCU"]);
const PROTECTION: Kind = Kind::OneOf(&["NonProtection", "ConsoleProtection"]);
const REASON: Kind = Kind::Chars {
    min: 1,
    max: 80,
    charset: Charset::Name,
};
const PORT: Kind = Kind::Integer { min: 1, max: 65535 };
const RESOURCE_IDS: Kind = Kind::List {
    max: 20,
    too_many: errors::RESOURCE_IDS_SIZE,
};
const PAGE: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};

const REGION: Parameter = Parameter::required("RegionId", Kind::Region);
const MAYBE_REGION: Parameter = Parameter::optional("RegionId", Kind::Region);
const LB: Parameter = Parameter::required("LoadBalancerId", Kind::Text);
const GROUP: Parameter = Parameter::required("VServerGroupId", Kind::Text);
const ACL: Parameter = Parameter::required("AclId", Kind::Text);
const TAG: Parameter = Parameter::optional("Tag", Kind::Tags);
const EXTENSION: Parameter = Parameter::required("DomainExtensionId", Kind::Text);
const RESOURCE_TYPE: Parameter =
    Parameter::required("ResourceType", Kind::OneOf(tags::RESOURCE_TYPES)).refuse(errors::RESOURCE_TYPE);
const MAYBE_REASON: Parameter =
    Parameter::optional("ModificationProtectionReason", REASON).refuse(errors::PROTECTION_REASON);

const fn text(name: &'static str) -> Parameter {
    Parameter::optional(name, Kind::Text)
}

const fn page(name: &'static str, max: i64, default: &'static str) -> Parameter {
    Parameter::optional(name, Kind::Integer { min: 1, max }).or(default)
}

/// The actions of this module.
pub(super) fn actions() -> Vec<Action> {
    let mut actions = load_balancer_actions();
    actions.extend(group_actions());
    actions.extend(tag_actions());
    actions.extend(acl_actions());
    actions.extend(certificate_actions());
    actions.extend(domain_extension_actions());
    actions.extend(place_actions());
    actions
}

fn load_balancer_actions() -> Vec<Action> {
    vec![
        write(
            "CreateLoadBalancer",
            load_balancers::create,
            &[
                REGION,
                text("Address"),
                Parameter::optional("AddressIPVersion", IP_VERSION).or("ipv4"),
                Parameter::optional("AddressType", Kind::OneOf(&["internet", "intranet"])),
                Parameter::optional("AutoPay", Kind::Boolean).or("false"),
                Parameter::optional("Bandwidth", Kind::Bandwidth { max: 5120 })
                    .refuse(errors::BANDWIDTH_INVALID),
                Parameter::optional(
                    "ClientToken",
                    Kind::Chars {
                        min: 0,
                        max: 64,
                        charset: Charset::Ascii,
                    },
                ),
                Parameter::optional("DeleteProtection", ON_OFF).or("off"),
                text("Duration"),
                Parameter::optional("InstanceChargeType", INSTANCE_CHARGE)
                    .or("PayBySpec")
                    .refuse(errors::INSTANCE_CHARGE_TYPE),
                Parameter::optional("InternetChargeType", INTERNET_CHARGE).or("paybytraffic"),
                Parameter::optional("LoadBalancerName", LB_NAME).refuse(errors::NAME_UNSUPPORTED),
                Parameter::optional("LoadBalancerSpec", SPEC),
                text("MasterZoneId"),
                MAYBE_REASON,
                Parameter::optional("ModificationProtectionStatus", PROTECTION)
                    .or("NonProtection")
                    .refuse(errors::PROTECTION_STATUS),
                Parameter::optional("PayType", Kind::OneOf(&["PayOnDemand", "PrePay"])).or("PayOnDemand"),
                Parameter::optional("PricingCycle", Kind::OneOf(&["month", "year"])),
                text("ResourceGroupId"),
                text("SlaveZoneId"),
                TAG,
                text("VpcId"),
                text("VSwitchId"),
            ],
        ),
        write("DeleteLoadBalancer", load_balancers::delete, &[MAYBE_REGION, LB]),
        write(
            "SetLoadBalancerName",
            load_balancers::set_name,
            &[
                MAYBE_REGION,
                LB,
                Parameter::required("LoadBalancerName", LB_NAME).refuse(errors::NAME_UNSUPPORTED),
            ],
        ),
        write(
            "SetLoadBalancerStatus",
            load_balancers::set_status,
            &[
                MAYBE_REGION,
                LB,
                Parameter::required("LoadBalancerStatus", Kind::OneOf(&["active", "inactive"])),
            ],
        ),
        write(
            "SetLoadBalancerDeleteProtection",
            load_balancers::set_delete_protection,
            &[REGION, LB, Parameter::required("DeleteProtection", ON_OFF)],
        ),
        write(
            "SetLoadBalancerModificationProtection",
            load_balancers::set_modification_protection,
            &[
                REGION,
                LB,
                Parameter::required("ModificationProtectionStatus", PROTECTION)
                    .refuse(errors::PROTECTION_STATUS),
                MAYBE_REASON,
            ],
        ),
        write(
            "ModifyLoadBalancerInstanceSpec",
            load_balancers::modify_spec,
            &[
                MAYBE_REGION,
                LB,
                Parameter::required("LoadBalancerSpec", SPEC),
                Parameter::optional("AutoPay", Kind::Boolean).or("false"),
            ],
        ),
        write(
            "ModifyLoadBalancerInternetSpec",
            load_balancers::modify_internet_spec,
            &[
                MAYBE_REGION,
                LB,
                Parameter::optional("AutoPay", Kind::Boolean),
                // 1..5000 by this action's text, 1..5120 by that of the creation: the wider is taken.
                Parameter::optional("Bandwidth", Kind::Bandwidth { max: 5120 })
                    .or("-1")
                    .refuse(errors::BANDWIDTH_INVALID),
                Parameter::optional("InternetChargeType", INTERNET_CHARGE),
            ],
        ),
        write(
            "ModifyLoadBalancerInstanceChargeType",
            load_balancers::modify_charge_type,
            &[
                REGION,
                LB,
                Parameter::required("InstanceChargeType", INSTANCE_CHARGE)
                    .refuse(errors::INSTANCE_CHARGE_TYPE),
                Parameter::optional("Bandwidth", Kind::Bandwidth { max: 5120 }),
                Parameter::optional("InternetChargeType", INTERNET_CHARGE),
                text("LoadBalancerSpec"),
            ],
        ),
        read(
            "DescribeLoadBalancerAttribute",
            load_balancers::describe_one,
            &[MAYBE_REGION, LB],
        ),
        read(
            "DescribeLoadBalancers",
            load_balancers::describe_many,
            &[
                REGION,
                text("Address"),
                Parameter::optional("AddressIPVersion", IP_VERSION),
                Parameter::optional("AddressType", Kind::OneOf(&["internet", "intranet"])),
                Parameter::optional("InternetChargeType", INTERNET_CHARGE),
                text("LoadBalancerId"),
                text("LoadBalancerName"),
                Parameter::optional(
                    "LoadBalancerStatus",
                    Kind::OneOf(&["inactive", "active", "locked"]),
                ),
                text("MasterZoneId"),
                Parameter::optional("NetworkType", Kind::OneOf(&["vpc", "Classic", "classic"])),
                Parameter::optional("PageNumber", Kind::Integer { min: 1, max: 1000 }),
                Parameter::optional("PageSize", Kind::Integer { min: 1, max: 100 }),
                text("PayType"),
                text("ResourceGroupId"),
                text("ServerId"),
                text("ServerIntranetAddress"),
                text("SlaveZoneId"),
                TAG,
                text("Tags"),
                text("VpcId"),
                text("VSwitchId"),
            ],
        ),
    ]
}

fn group_actions() -> Vec<Action> {
    vec![
        write(
            "CreateVServerGroup",
            vgroups::create,
            &[
                REGION,
                LB,
                text("BackendServers"),
                TAG,
                Parameter::optional("VServerGroupName", GROUP_NAME),
            ],
        ),
        write(
            "SetVServerGroupAttribute",
            vgroups::set_attribute,
            &[
                REGION,
                GROUP,
                text("BackendServers"),
                Parameter::optional("VServerGroupName", GROUP_NAME),
            ],
        ),
        write("DeleteVServerGroup", vgroups::delete, &[REGION, GROUP]),
        write(
            "AddVServerGroupBackendServers",
            vgroups::add_backends,
            &[REGION, GROUP, Parameter::required("BackendServers", Kind::Text)],
        ),
        write(
            "RemoveVServerGroupBackendServers",
            vgroups::remove_backends,
            &[REGION, GROUP, Parameter::required("BackendServers", Kind::Text)],
        ),
        write(
            "ModifyVServerGroupBackendServers",
            vgroups::modify_backends,
            &[
                REGION,
                GROUP,
                text("NewBackendServers"),
                text("OldBackendServers"),
            ],
        ),
        read(
            "DescribeVServerGroups",
            vgroups::describe_many,
            &[
                REGION,
                LB,
                text("Description"),
                Parameter::optional("IncludeListener", Kind::Boolean).or("false"),
                Parameter::optional("IncludeRule", Kind::Boolean).or("false"),
                TAG,
            ],
        ),
        read(
            "DescribeVServerGroupAttribute",
            vgroups::describe_one,
            &[REGION, GROUP],
        ),
    ]
}

fn tag_actions() -> Vec<Action> {
    let tags_text = Parameter::required("Tags", Kind::Text).refuse(errors::INVALID_TAG);
    vec![
        write(
            "TagResources",
            tags::tag_resources,
            &[
                REGION,
                RESOURCE_TYPE,
                Parameter::required("ResourceId", RESOURCE_IDS),
                Parameter::required("Tag", Kind::Tags),
            ],
        ),
        write(
            "UntagResources",
            tags::untag_resources,
            &[
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
            ],
        ),
        read(
            "ListTagResources",
            tags::list_tag_resources,
            &[
                REGION,
                RESOURCE_TYPE,
                text("NextToken"),
                Parameter::optional("ResourceId", RESOURCE_IDS),
                TAG,
            ],
        ),
        write("AddTags", tags::add_tags, &[REGION, LB, tags_text]),
        write("RemoveTags", tags::remove_tags, &[REGION, LB, tags_text]),
        read(
            "DescribeTags",
            tags::describe_tags,
            &[
                REGION,
                Parameter::optional("DistinctKey", Kind::Boolean),
                text("LoadBalancerId"),
                Parameter::optional("PageNumber", PAGE).or("1"),
                page("PageSize", 100, "50"),
                text("Tags"),
            ],
        ),
    ]
}

fn acl_actions() -> Vec<Action> {
    vec![
        write(
            "CreateAccessControlList",
            acls::create,
            &[
                REGION,
                Parameter::required("AclName", NAME),
                Parameter::optional("AddressIPVersion", IP_VERSION).or("ipv4"),
                text("ResourceGroupId"),
                TAG,
            ],
        ),
        write("DeleteAccessControlList", acls::delete, &[REGION, ACL]),
        write(
            "SetAccessControlListAttribute",
            acls::set_attribute,
            &[REGION, ACL, Parameter::required("AclName", NAME)],
        ),
        // AclId is optional by the SDK's text only: without it there is no list to change.
        write(
            "AddAccessControlListEntry",
            acls::add_entries,
            &[REGION, text("AclId"), text("AclEntrys")],
        ),
        write(
            "RemoveAccessControlListEntry",
            acls::remove_entries,
            &[REGION, ACL, text("AclEntrys")],
        ),
        read(
            "DescribeAccessControlLists",
            acls::describe_many,
            &[
                REGION,
                text("AclName"),
                Parameter::optional("AddressIPVersion", IP_VERSION),
                Parameter::optional("PageNumber", PAGE).or("1"),
                page("PageSize", 50, "10"),
                text("ResourceGroupId"),
                TAG,
            ],
        ),
        read(
            "DescribeAccessControlListAttribute",
            acls::describe_one,
            &[
                REGION,
                ACL,
                text("AclEntryComment"),
                Parameter::optional("Page", PAGE),
                page("PageSize", 50, "10"),
            ],
        ),
    ]
}

fn certificate_actions() -> Vec<Action> {
    let certificate = Parameter::required("ServerCertificateId", Kind::Text);
    vec![
        write(
            "UploadServerCertificate",
            certificates::upload,
            &[
                REGION,
                text("AliCloudCertificateId"),
                text("AliCloudCertificateName"),
                text("AliCloudCertificateRegionId"),
                text("PrivateKey"),
                text("ResourceGroupId"),
                text("ServerCertificate"),
                Parameter::optional("ServerCertificateName", NAME),
                TAG,
            ],
        ),
        write(
            "DeleteServerCertificate",
            certificates::delete,
            &[MAYBE_REGION, certificate],
        ),
        write(
            "SetServerCertificateName",
            certificates::set_name,
            &[
                REGION,
                certificate,
                Parameter::required("ServerCertificateName", NAME),
            ],
        ),
        read(
            "DescribeServerCertificates",
            certificates::describe_server,
            &[
                MAYBE_REGION,
                text("ResourceGroupId"),
                text("ServerCertificateId"),
                TAG,
            ],
        ),
        write(
            "UploadCACertificate",
            certificates::upload_ca,
            &[
                REGION,
                Parameter::required("CACertificate", Kind::Text),
                Parameter::optional("CACertificateName", NAME),
                text("ResourceGroupId"),
                TAG,
            ],
        ),
        write(
            "DeleteCACertificate",
            certificates::delete_ca,
            &[REGION, Parameter::required("CACertificateId", Kind::Text)],
        ),
        write(
            "SetCACertificateName",
            certificates::set_ca_name,
            &[
                REGION,
                Parameter::required("CACertificateId", Kind::Text),
                Parameter::required("CACertificateName", NAME),
            ],
        ),
        read(
            "DescribeCACertificates",
            certificates::describe_ca,
            &[REGION, text("CACertificateId"), text("ResourceGroupId"), TAG],
        ),
    ]
}

fn domain_extension_actions() -> Vec<Action> {
    let port = Parameter::required("ListenerPort", PORT).refuse(errors::LISTENER_PORT);
    vec![
        write(
            "CreateDomainExtension",
            domain_extensions::create,
            &[
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
            ],
        ),
        write(
            "SetDomainExtensionAttribute",
            domain_extensions::set_attribute,
            &[REGION, EXTENSION, text("ServerCertificateId")],
        ),
        write(
            "DeleteDomainExtension",
            domain_extensions::delete,
            &[REGION, EXTENSION],
        ),
        read(
            "DescribeDomainExtensions",
            domain_extensions::describe_many,
            &[REGION, LB, port, text("DomainExtensionId")],
        ),
        read(
            "DescribeDomainExtensionAttribute",
            domain_extensions::describe_one,
            &[REGION, EXTENSION],
        ),
    ]
}

fn place_actions() -> Vec<Action> {
    vec![
        read(
            "DescribeRegions",
            zones::describe_regions,
            &[MAYBE_REGION, text("AcceptLanguage")],
        ),
        read(
            "DescribeZones",
            zones::describe_zones,
            &[REGION, text("AcceptLanguage")],
        ),
        read(
            "DescribeAvailableResource",
            zones::describe_available_resource,
            &[
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
            ],
        ),
    ]
}

fn read(name: &'static str, run: Handler, rows: &[Parameter]) -> Action {
    Action::new(Product::Slb, Effect::Read, name, run, &[rows])
}

fn write(name: &'static str, run: Handler, rows: &[Parameter]) -> Action {
    Action::new(Product::Slb, Effect::Write, name, run, &[rows])
}
