//! Nodes and pods that a scenario gives, in place of numbered ones.

use std::net::{IpAddr, Ipv4Addr};

use super::{LabNode, LabPod, PodPhase};

/// The Nodes of a cluster and the pods that every Service of it selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The Nodes.
    pub nodes: Vec<LabNode>,
    /// The pods.
    pub pods: Vec<LabPod>,
}

impl Layout {
    /// What `tests/examples` expects: `n1` and `n3` in zone k, `n2` in zone j, `n4` cordoned, a virtual node `vk`; two pods on n1, one
    /// each on n2, n4 and vk ready, one on n3 not ready, one on n2 terminating.
    #[must_use]
    pub fn of_examples() -> Self {
        let mut nodes: Vec<LabNode> = (1..=4).map(|number| LabNode::numbered("", number)).collect();
        if let Some(cordoned) = nodes.last_mut() {
            cordoned.unschedulable = true;
        }
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        nodes.push(LabNode {
            name: "vk".to_owned(),
            instance_id: "i-vk".to_owned(),
            labels: vec![
                label("type", "virtual-kubelet"),
                label("node.kubernetes.io/exclude-from-external-load-balancers", "true"),
            ],
            ..LabNode::numbered("", 9)
        });
        let pod = |node: &str, number: u8, last: u8, phase| LabPod {
            name: format!("pod-{node}-{last}"),
            node: node.to_owned(),
            address: IpAddr::from(Ipv4Addr::new(10, 0, number, last)),
            eni: format!("eni-pods-n{number}"),
            phase,
        };
        Self {
            nodes,
            pods: vec![
                pod("n1", 1, 1, PodPhase::Ready),
                pod("n1", 1, 2, PodPhase::Ready),
                pod("n2", 2, 1, PodPhase::Ready),
                pod("n2", 2, 2, PodPhase::Terminating),
                pod("n3", 3, 1, PodPhase::NotReady),
                pod("n4", 4, 1, PodPhase::Ready),
                pod("vk", 9, 1, PodPhase::Ready),
            ],
        }
    }
}
