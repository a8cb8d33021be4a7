//! What is followed of a Service that worked and now has a mistake.

use clb_model::VServerGroupId;
use clb_model::cloud::{LoadBalancer, VServerGroup};
use clb_model::version::PartVersion;

use super::lab::{Lab, node, written};
use crate::desired::{DesiredVServerGroup, VServerGroupIdentity, backends_despite_problems};
use crate::step::tests::world::users_clb;

/// A CLB with the groups as a Service has them.
fn holding(groups: &[DesiredVServerGroup]) -> LoadBalancer {
    let mut clb = users_clb("lb-reuse-05");
    for group in groups {
        let (id, name) = match &group.identity {
            VServerGroupIdentity::Own(name) => {
                let id = VServerGroupId::new(format!("rsp-{}", hex::encode(name))).unwrap();
                (id, name.clone())
            }
            VServerGroupIdentity::Reused(id) => (id.clone(), "users-05".to_owned()),
        };
        let entry = clb.vgroups.entry(id).or_insert(VServerGroup {
            version: PartVersion::default(),
            name,
            backends: Vec::new(),
        });
        entry.backends.extend(group.backends.iter().cloned());
    }
    clb
}

/// What is followed of the first group when a Service that was right gets a mistake and a Node.
fn followed(right: &Lab, name: &str, value: &str) -> DesiredVServerGroup {
    let clb = holding(&right.desired().vgroups);
    let mut wrong = right.clone().annotated(name, value);
    wrong.nodes.insert("n5".to_owned(), node("n5", "cn-hangzhou-k"));
    assert!(!wrong.problems().is_empty(), "{name}");
    let mut groups = backends_despite_problems(wrong.inputs(), &clb).vgroups;
    assert_eq!(groups.len(), 1, "{name}: {groups:?}");
    groups.remove(0)
}

#[test]
fn backends_are_followed_while_something_else_is_wrong() {
    let group = followed(&Lab::tcp(), "idle-timeout", "many");
    let backends = written(&group.backends);
    assert_eq!(backends.len(), 6, "{backends:?}");
    assert!(backends.contains(&"i-n5:30080=100".to_owned()), "{backends:?}");
    assert!(!group.ignore_weight);
}

#[test]
fn nodes_that_an_unreadable_label_may_leave_out_stay_and_do_not_come() {
    let group = followed(&Lab::tcp(), "backend-label", "zone");
    assert_eq!(
        written(&group.backends),
        ["10.0.9.1:80=100"],
        "the pod on the virtual node"
    );
    assert_eq!(group.if_present.len(), 5);
}

#[test]
fn a_cordoned_node_stays_where_it_is_while_nobody_knows_whether_it_is_to_go() {
    let group = followed(&Lab::tcp(), "remove-unscheduled-backend", "true");
    assert_eq!(written(&group.if_present), ["i-n4:30080=100"]);
    assert_eq!(group.backends.len(), 5);
}

#[test]
fn weights_that_cannot_be_read_stay_and_newcomers_weigh_as_much_as_the_others() {
    let right = Lab::tcp().annotated("default-weight", "40");
    let group = followed(&right, "default-weight", "much");
    assert!(group.ignore_weight);
    assert!(written(&group.backends).contains(&"i-n5:30080=40".to_owned()));
}

#[test]
fn a_users_group_is_followed_though_the_annotation_that_names_it_cannot_be_read() {
    let right = Lab::tcp()
        .annotated("id", "lb-reuse-05")
        .annotated("vgroup-port", "rsp-user-05:80")
        .annotated("weight", "60");
    let group = followed(&right, "vgroup-port", "rsp-user-05");
    assert!(
        written(&group.backends).contains(&"i-n5:30080=12".to_owned()),
        "{group:?}"
    );
}

#[test]
fn the_type_of_backends_that_is_in_use_is_followed() {
    // Unreadable, or changed to one with which the Service has a mistake.
    for mistake in ["pods", "eni"] {
        let wrong = Lab::tcp().annotated("scheduler", "fast");
        let clb = holding(&Lab::tcp().desired().vgroups);
        let wrong = wrong.annotated("backend-type", mistake);
        let groups = backends_despite_problems(wrong.inputs(), &clb).vgroups;
        assert_eq!(groups, Lab::tcp().desired().vgroups, "{mistake}");
    }
    let pods = Lab::tcp().annotated("backend-type", "eni");
    let clb = holding(&pods.desired().vgroups);
    let wrong = Lab::tcp().annotated("backend-type", "ENI");
    let groups = backends_despite_problems(wrong.inputs(), &clb).vgroups;
    assert_eq!(groups, pods.desired().vgroups);
}

#[test]
fn a_protocol_that_does_not_fit_its_port_leaves_the_backends_known() {
    let group = followed(&Lab::tcp(), "protocol-port", "udp:80");
    assert_eq!(group.backends.len(), 6);
}

#[test]
fn a_family_that_the_clb_cannot_have_takes_no_pod_away() {
    let group = followed(&Lab::tcp(), "backend-ip-version", "ipv6");
    assert!(
        written(&group.backends).contains(&"10.0.9.1:80=100".to_owned()),
        "{group:?}"
    );
}
