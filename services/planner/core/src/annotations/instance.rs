//! The table's rows for the CLB itself and for the Service's status.

use std::net::Ipv4Addr;

use clb_model::LoadBalancerId;
use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion};

use super::list::Tags;
use super::row::{Scope, annotations};
use super::text::{Hostname, LoadBalancerName, NonEmpty, ResourceGroupId, VSwitchId, ZoneId};
use super::value::{
    ExternalIpType, ModificationProtection, NetworkType, Number, Specification, Switch, Truth,
};

const OWN: &[Scope] = &[Scope::Instance];

annotations! {
    /// The values of annotations for the CLB itself and for the Service's status.
    InstanceAnnotations;

    ADDRESS_TYPE address_type: AddressType = "loadbalancer-address-type",
    "Whether the CLB faces the Internet or is reached inside the VPC only." {
        default: "internet",
        example: "intranet",
        applies: OWN,
        immutable: true,
        since: "v1.9.3",
    }
    VSWITCH_ID vswitch_id: VSwitchId = "loadbalancer-vswitch-id",
    "The vSwitch of an internal CLB's address." {
        default: "one of the cluster's with free addresses",
        example: "vsw-bp1s5fnvk4gn2tws0abcd",
        applies: OWN,
        immutable: true,
        since: "v1.9.3",
    }
    ADDRESS address: Ipv4Addr = "loadbalancer-ip",
    "The address of an internal CLB; it needs address-type intranet and vswitch-id." {
        default: "a free one of the vSwitch",
        example: "192.168.0.10",
        applies: OWN,
        immutable: true,
        since: "v2.7.0",
    }
    IP_VERSION ip_version: IpVersion = "loadbalancer-ip-version",
    "The family of the CLB's address; ipv6 is for Internet-facing CLBs." {
        default: "ipv4",
        example: "ipv6",
        applies: OWN,
        immutable: true,
        since: "v1.9.3.220-g24b1885-aliyun",
    }
    NETWORK_TYPE network_type: NetworkType = "loadbalancer-network-type",
    "The network of the CLB: vpc for an internal one, classic for an Internet-facing one." {
        default: "vpc for an internal CLB, classic for an Internet-facing one",
        example: "vpc",
        applies: OWN,
        immutable: true,
    }
    INSTANCE_CHARGE_TYPE instance_charge_type: InstanceChargeType = "loadbalancer-instance-charge-type",
    "Whether the CLB is paid by specification or by use. There is no way back from PayByCLCU." {
        default: "PayByCLCU; PayBySpec where spec is set or charge-type is paybybandwidth",
        example: "PayBySpec",
        applies: OWN,
        since: "v2.4.0",
    }
    SPEC spec: Specification = "loadbalancer-spec",
    "The specification of a CLB that is paid by specification." {
        default: "slb.s1.small",
        example: "slb.s2.small",
        applies: OWN,
        since: "v1.9.3",
    }
    CHARGE_TYPE charge_type: InternetChargeType = "loadbalancer-charge-type",
    "Whether an Internet-facing CLB's traffic is paid by volume or by bandwidth; the latter needs \
     PayBySpec." {
        default: "paybytraffic",
        example: "paybybandwidth",
        applies: OWN,
        since: "v1.9.3",
    }
    BANDWIDTH bandwidth: Number<1, 5120> = "loadbalancer-bandwidth",
    "The bandwidth in Mbps of an Internet-facing CLB with charge-type paybybandwidth." {
        default: "50",
        example: "100",
        applies: OWN,
        since: "v1.9.3.10-gfb99107-aliyun",
    }
    LOAD_BALANCER_ID load_balancer_id: LoadBalancerId = "loadbalancer-id",
    "A CLB of your own that the Service uses; it is never deleted." {
        example: "lb-bp1ids9hmq5924m6uk5w1",
        applies: &[Scope::ReusedInstance],
        immutable: true,
        since: "v1.9.3.81-gca19cd4-aliyun",
    }
    FORCE_OVERRIDE force_override: Truth = "loadbalancer-force-override-listeners",
    "Whether the listeners on the Service's ports of a reused CLB are managed; it needs id." {
        default: "false",
        example: "true",
        applies: &[Scope::ReusedInstance],
        since: "v1.9.3.81-gca19cd4-aliyun",
    }
    MASTER_ZONE master_zone: ZoneId = "loadbalancer-master-zoneid",
    "The primary zone of the CLB; it needs slave-zoneid." {
        default: "chosen by the cloud",
        example: "cn-hangzhou-k",
        applies: OWN,
        immutable: true,
        since: "v1.9.3.10-gfb99107-aliyun",
    }
    SLAVE_ZONE slave_zone: ZoneId = "loadbalancer-slave-zoneid",
    "The secondary zone of the CLB; it needs master-zoneid." {
        default: "chosen by the cloud",
        example: "cn-hangzhou-j",
        applies: OWN,
        immutable: true,
        since: "v1.9.3.10-gfb99107-aliyun",
    }
    ADDITIONAL_TAGS additional_tags: Tags = "loadbalancer-additional-resource-tags",
    "Tags of the CLB. They replace every tag but the controller's own and those that begin with acs:." {
        example: "Key1=Value1,Key2=Value2",
        applies: &[Scope::Instance, Scope::ReusedInstance],
        since: "v1.9.3",
    }
    NAME name: LoadBalancerName = "loadbalancer-name",
    "The name of the CLB." {
        default: "a and the Service's UID without dashes, cut to 32 characters",
        example: "your-svc-name",
        applies: OWN,
        since: "v1.9.3.313-g748f81e-aliyun",
    }
    RESOURCE_GROUP resource_group: ResourceGroupId = "loadbalancer-resource-group-id",
    "The resource group of the CLB." {
        default: "the cluster's",
        example: "rg-acfmxazb4ph6aiy",
        applies: OWN,
        immutable: true,
        since: "v1.9.3.313-g748f81e-aliyun",
    }
    DELETE_PROTECTION delete_protection: Switch = "loadbalancer-delete-protection",
    "Whether the CLB is protected from deletion by other means than deleting the Service." {
        default: "on",
        example: "off",
        applies: OWN,
        since: "v1.9.3.313-g748f81e-aliyun",
    }
    MODIFICATION_PROTECTION modification_protection: ModificationProtection =
        "loadbalancer-modification-protection",
    "Whether the CLB is protected from changes in the console." {
        default: "ConsoleProtection",
        example: "NonProtection",
        applies: OWN,
        since: "v1.9.3.313-g748f81e-aliyun",
    }
    PRESERVE preserve: NonEmpty = "loadbalancer-preserve-lb-on-delete",
    "With any value, false too, the CLB stays when the Service goes." {
        default: "the CLB goes with the Service",
        example: "true",
        applies: &[Scope::Instance, Scope::ReusedInstance],
        since: "v2.10.0",
        may_be_empty: true,
    }
    HOSTNAME hostname: Hostname = "loadbalancer-hostname",
    "A host name that the Service's status shows in place of the CLB's address." {
        default: "the CLB's address is shown",
        example: "www.example.com",
        applies: &[Scope::Status],
        since: "v2.3.0",
    }
    EXTERNAL_IP_TYPE external_ip_type: ExternalIpType = "loadbalancer-external-ip-type",
    "With eip the Service's status shows the address of the EIP bound to the CLB." {
        default: "the CLB's address is shown",
        example: "eip",
        applies: &[Scope::Status],
    }
}
