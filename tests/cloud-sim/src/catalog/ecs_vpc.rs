//! The reads of ECS and VPC that a load balancer controller needs.

use super::{Action, Effect, Handler, Kind, Parameter, Product};
use crate::{ecs, errors, vpc};

const REGION: Parameter = Parameter::required("RegionId", Kind::Region);
const PAGE: Parameter = Parameter::optional(
    "PageNumber",
    Kind::Integer {
        min: 1,
        max: i64::MAX,
    },
);
const LIST: Kind = Kind::List {
    max: 100,
    too_many: errors::INVALID_PARAMETER,
};

const fn text(name: &'static str) -> Parameter {
    Parameter::optional(name, Kind::Text)
}

const fn whole(name: &'static str, min: i64, max: i64) -> Parameter {
    Parameter::optional(name, Kind::Integer { min, max })
}

/// The actions of this module.
pub(super) fn actions() -> Vec<Action> {
    vec![
        read(
            Product::Ecs,
            "DescribeInstances",
            ecs::describe_instances,
            &[
                REGION,
                text("InstanceIds"),
                text("PrivateIpAddresses"),
                text("VpcId"),
                text("VSwitchId"),
                text("ZoneId"),
                text("Status"),
                text("InstanceName"),
                Parameter::optional("Tag", Kind::Tags),
                whole("MaxResults", 1, 100),
                text("NextToken"),
                whole("PageSize", 1, 100),
                PAGE,
            ],
        ),
        read(
            Product::Ecs,
            "DescribeNetworkInterfaces",
            ecs::describe_network_interfaces,
            &[
                REGION,
                Parameter::optional("NetworkInterfaceId", LIST),
                Parameter::optional("PrivateIpAddress", LIST),
                Parameter::optional("Ipv6Address", LIST),
                text("VpcId"),
                text("VSwitchId"),
                text("InstanceId"),
                text("Type"),
                text("Status"),
                Parameter::optional("Tag", Kind::Tags),
                whole("MaxResults", 10, 500),
                text("NextToken"),
                whole("PageSize", 1, 100),
                PAGE,
            ],
        ),
        read(
            Product::Vpc,
            "DescribeVSwitches",
            vpc::describe_vswitches,
            &[
                Parameter::optional("RegionId", Kind::Region),
                text("VpcId"),
                text("VSwitchId"),
                text("VSwitchName"),
                text("ZoneId"),
                text("ResourceGroupId"),
                whole("PageSize", 1, 50).or("10"),
                PAGE.or("1"),
            ],
        ),
        read(
            Product::Vpc,
            "DescribeVpcs",
            vpc::describe_vpcs,
            &[
                REGION,
                text("VpcId"),
                text("VpcName"),
                text("ResourceGroupId"),
                whole("PageSize", 1, 50).or("10"),
                PAGE.or("1"),
            ],
        ),
        read(
            Product::Vpc,
            "DescribeEipAddresses",
            vpc::describe_eip_addresses,
            &[
                REGION,
                text("AllocationId"),
                text("EipAddress"),
                text("AssociatedInstanceId"),
                text("AssociatedInstanceType"),
                text("Status"),
                text("ResourceGroupId"),
                whole("PageSize", 1, 100).or("10"),
                PAGE.or("1"),
            ],
        ),
    ]
}

fn read(product: Product, name: &'static str, run: Handler, rows: &[Parameter]) -> Action {
    Action::new(product, Effect::Read, name, run, &[rows])
}
