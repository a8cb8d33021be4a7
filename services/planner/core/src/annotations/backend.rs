//! The table's rows for backends and their groups.

use clb_model::cloud::IpVersion;

use super::list::{NodeLabels, VGroupPorts};
use super::row::{Row, Scope, annotations};
use super::value::{Number, Switch};
use crate::settings::BackendType;

const ECS: &[Scope] = &[Scope::Ecs];
const BOTH: &[Scope] = &[Scope::Ecs, Scope::Eni];

annotations! {
    /// The values of annotations for backends and their groups.
    BackendAnnotations;

    BACKEND_LABEL backend_label: NodeLabels = "loadbalancer-backend-label",
    "Labels that a Node must have, all of them, to be a backend." {
        default: "every Node that is eligible",
        example: "failure-domain.beta.kubernetes.io/zone=ap-southeast-5a",
        applies: ECS,
        since: "v1.9.3",
    }
    REMOVE_UNSCHEDULED remove_unscheduled: Switch = "loadbalancer-remove-unscheduled-backend",
    "Whether Nodes that are cordoned stop being backends." {
        default: "off",
        example: "on",
        applies: ECS,
        since: "v1.9.3.164-g2105d2e-aliyun",
    }
    BACKEND_TYPE backend_type: BackendType = "backend-type",
    "Whether backends are Nodes (ecs) or pods (eni, with Terway only)." {
        default: "the cluster's",
        example: "eni",
        applies: BOTH,
        since: "v1.9.3.164-g2105d2e-aliyun",
        plain: true,
    }
    VGROUP_PORT vgroup_port: VGroupPorts = "loadbalancer-vgroup-port",
    "vServer groups of your own that ports of the Service use; it needs id." {
        default: "a group for each port",
        example: "rsp-bp1mvtrjb9zc0:443",
        applies: &[Scope::ReusedInstance],
        immutable: true,
    }
    WEIGHT weight: Number<0, 100> = "loadbalancer-weight",
    "What this Service's backends weigh together in a reused vServer group." {
        default: "each backend has a weight of its own",
        example: "60",
        applies: &[Scope::ReusedGroup],
    }
    DEFAULT_WEIGHT default_weight: Number<0, 100> = "loadbalancer-default-weight",
    "The weight of each backend where it is not the number of pods on a Node." {
        default: "100",
        example: "50",
        applies: BOTH,
    }
    IGNORE_WEIGHT_UPDATE ignore_weight_update: Switch = "loadbalancer-ignore-weight-update",
    "Whether the weights of backends that are there are left alone." {
        default: "off",
        example: "on",
        applies: BOTH,
        since: "v2.11.1",
    }
    BACKEND_IP_VERSION backend_ip_version: IpVersion = "loadbalancer-backend-ip-version",
    "The family of the pods' addresses; ipv6 needs ip-version ipv6." {
        default: "that of the Service's first IP family, or ipv4 where the CLB's address is IPv4",
        example: "ipv6",
        applies: &[Scope::Eni],
    }
}

/// The rows that decide which backends there are.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().copied()
}
