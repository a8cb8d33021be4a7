//! Which CLBs are to be looked at again: those whose state, as the mirror showed it last, holds a Service up.

use std::collections::BTreeSet;

use clb_model::LoadBalancerId;
use clb_model::attribute::ListenerAttribute as A;
use clb_model::marks::OWNER_TAG;

use super::reuse::{USERS, key, overriding, reusing};
use super::world::World;
use crate::desired::tests::lab::{Lab, tcp_port};
use crate::step::State;

fn users() -> BTreeSet<LoadBalancerId> {
    BTreeSet::from([USERS.parse().unwrap()])
}

#[test]
fn a_listener_in_the_way_is_looked_at_again() {
    let mut world = overriding(Lab::with_ports(vec![tcp_port(80), tcp_port(9000)]));
    let listener = world.clb_mut().listeners.get_mut(&key("tcp:9000")).unwrap();
    listener
        .attributes
        .set(A::Description, "k8s/9000/other/default/c-other");
    let last = world.settle();
    assert_eq!((last.state, last.doubtful), (State::Failed, users()));
    // Once it is gone nothing is in doubt.
    world.clb_mut().listeners.remove(&key("tcp:9000"));
    let last = world.settle();
    assert_eq!((last.state, last.doubtful), (State::Converged, BTreeSet::new()));
}

#[test]
fn a_users_clb_that_is_refused_is_looked_at_again() {
    let missing = World::new(Lab::tcp().annotated("id", USERS));
    let mut tagged = reusing(Lab::tcp());
    let tags = &mut tagged.clb_mut().tags;
    tags.insert(OWNER_TAG.to_owned(), "another".to_owned());
    let without_group = reusing(Lab::tcp().annotated("vgroup-port", "rsp-nowhere:80"));
    for mut world in [missing, tagged, without_group] {
        let last = world.settle();
        assert_eq!(
            (last.state, &last.doubtful),
            (State::Failed, &users()),
            "{}",
            last.message
        );
    }
}

#[test]
fn other_mistakes_and_services_that_are_fine_ask_for_no_look() {
    let mistaken = reusing(Lab::tcp().annotated("scheduler", "fastest"));
    for mut world in [mistaken, reusing(Lab::tcp()), World::new(Lab::tcp())] {
        assert_eq!(world.settle().doubtful, BTreeSet::new());
    }
}
