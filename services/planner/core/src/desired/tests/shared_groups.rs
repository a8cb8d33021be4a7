//! Groups of several ports.

use clb_model::cluster::{TargetPort, Transport};

use super::lab::{Lab, tcp_port, udp_port};
use super::manifest::service_port;
use crate::desired::VServerGroupIdentity;

fn identities(lab: &Lab) -> Vec<(VServerGroupIdentity, String)> {
    lab.desired()
        .vgroups
        .into_iter()
        .map(|group| (group.identity, group.mark))
        .collect()
}

fn own(mark: &str) -> (VServerGroupIdentity, String) {
    (VServerGroupIdentity::Own(mark.to_owned()), mark.to_owned())
}

fn reused(id: &str, mark: &str) -> (VServerGroupIdentity, String) {
    (VServerGroupIdentity::Reused(id.parse().unwrap()), mark.to_owned())
}

#[test]
fn node_ports_have_groups_of_their_own() {
    let lab = Lab::with_ports(vec![tcp_port(80), tcp_port(81)]);
    assert_eq!(
        identities(&lab),
        [
            own("k8s/30080/web/default/c-lab"),
            own("k8s/30081/web/default/c-lab")
        ]
    );
}

#[test]
fn pods_with_one_target_port_share_a_group() {
    let lab =
        Lab::with_ports(vec![tcp_port(80), tcp_port(81), udp_port(80)]).annotated("backend-type", "eni");
    assert_eq!(identities(&lab), [own("k8s/80/web/default/c-lab")]);
    let desired = lab.desired();
    assert_eq!(desired.vgroups[0].backends.len(), 5);
    assert_eq!(desired.listeners.len(), 3);
    assert!(
        desired
            .listeners
            .iter()
            .all(|listener| listener.vgroup.as_ref() == Some(&desired.vgroups[0].identity))
    );
    let other = service_port("other", Transport::Tcp, 82, TargetPort::Number(8080));
    let lab = Lab::with_ports(vec![tcp_port(80), other]).annotated("backend-type", "eni");
    assert_eq!(
        identities(&lab),
        [own("k8s/80/web/default/c-lab"), own("k8s/8080/web/default/c-lab")]
    );
}

#[test]
fn a_reused_group_holds_backends_of_each_port_by_their_own_mark() {
    let lab = Lab::with_ports(vec![tcp_port(80), tcp_port(81), tcp_port(82)])
        .annotated("id", "lb-reuse-44")
        .annotated("vgroup-port", "rsp-a:80,rsp-a:81");
    assert_eq!(
        identities(&lab),
        [
            own("k8s/30082/web/default/c-lab"),
            reused("rsp-a", "k8s/30080/web/default/c-lab"),
            reused("rsp-a", "k8s/30081/web/default/c-lab"),
        ]
    );
    for group in lab.desired().vgroups {
        assert!(
            group
                .backends
                .iter()
                .all(|backend| backend.description == group.mark)
        );
    }
}

#[test]
fn a_redirect_has_a_group_that_its_listener_does_not_use() {
    let lab = Lab::with_ports(vec![tcp_port(80), tcp_port(443)])
        .annotated("protocol-port", "http:80,https:443")
        .annotated("cert-id", "cert-a")
        .annotated("forward-port", "80:443");
    let desired = lab.desired();
    assert_eq!(desired.vgroups.len(), 2);
    assert_eq!(desired.listeners[0].vgroup, None);
    assert_eq!(
        desired.listeners[1].vgroup,
        Some(desired.vgroups[1].identity.clone())
    );
}
