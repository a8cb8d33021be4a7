//! The actions on load balancers.

use super::slb_rows::{IP_VERSION, LB, MAYBE_REGION, ON_OFF, REGION, TAG, read, text, write};
use super::{Action, Charset, Kind, Parameter};
use crate::{errors, load_balancers};

/// 1 to 80 by the API's text, 2 to 128 by the annotation reference: the wider is taken.
const LB_NAME: Kind = Kind::Chars {
    min: 1,
    max: 128,
    charset: Charset::Name,
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
const MAYBE_REASON: Parameter =
    Parameter::optional("ModificationProtectionReason", REASON).refuse(errors::PROTECTION_REASON);

/// The actions of this module.
pub(super) fn actions() -> Vec<Action> {
    vec![
        write(
            "CreateLoadBalancer",
            load_balancers::create,
            &[&[
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
            ]],
        ),
        write(
            "DeleteLoadBalancer",
            load_balancers::delete,
            &[&[MAYBE_REGION, LB]],
        ),
        write(
            "SetLoadBalancerName",
            load_balancers::set_name,
            &[&[
                MAYBE_REGION,
                LB,
                Parameter::required("LoadBalancerName", LB_NAME).refuse(errors::NAME_UNSUPPORTED),
            ]],
        ),
        write(
            "SetLoadBalancerStatus",
            load_balancers::set_status,
            &[&[
                MAYBE_REGION,
                LB,
                Parameter::required("LoadBalancerStatus", Kind::OneOf(&["active", "inactive"])),
            ]],
        ),
        write(
            "SetLoadBalancerDeleteProtection",
            load_balancers::set_delete_protection,
            &[&[REGION, LB, Parameter::required("DeleteProtection", ON_OFF)]],
        ),
        write(
            "SetLoadBalancerModificationProtection",
            load_balancers::set_modification_protection,
            &[&[
                REGION,
                LB,
                Parameter::required("ModificationProtectionStatus", PROTECTION)
                    .refuse(errors::PROTECTION_STATUS),
                MAYBE_REASON,
            ]],
        ),
        write(
            "ModifyLoadBalancerInstanceSpec",
            load_balancers::modify_spec,
            &[&[
                MAYBE_REGION,
                LB,
                Parameter::required("LoadBalancerSpec", SPEC),
                Parameter::optional("AutoPay", Kind::Boolean).or("false"),
            ]],
        ),
        write(
            "ModifyLoadBalancerInternetSpec",
            load_balancers::modify_internet_spec,
            &[&[
                MAYBE_REGION,
                LB,
                Parameter::optional("AutoPay", Kind::Boolean),
                // 1..5000 by this action's text, 1..5120 by that of the creation: the wider is taken.
                Parameter::optional("Bandwidth", Kind::Bandwidth { max: 5120 })
                    .or("-1")
                    .refuse(errors::BANDWIDTH_INVALID),
                Parameter::optional("InternetChargeType", INTERNET_CHARGE),
            ]],
        ),
        write(
            "ModifyLoadBalancerInstanceChargeType",
            load_balancers::modify_charge_type,
            &[&[
                REGION,
                LB,
                Parameter::required("InstanceChargeType", INSTANCE_CHARGE)
                    .refuse(errors::INSTANCE_CHARGE_TYPE),
                Parameter::optional("Bandwidth", Kind::Bandwidth { max: 5120 }),
                Parameter::optional("InternetChargeType", INTERNET_CHARGE),
                text("LoadBalancerSpec"),
            ]],
        ),
        read(
            "DescribeLoadBalancerAttribute",
            load_balancers::describe_one,
            &[&[MAYBE_REGION, LB]],
        ),
        read(
            "DescribeLoadBalancers",
            load_balancers::describe_many,
            &[&[
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
            ]],
        ),
    ]
}
