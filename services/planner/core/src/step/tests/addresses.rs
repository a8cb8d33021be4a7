//! A Service whose static address something else has gets no CLB, and one whose CLB is there is not asked about.

use std::net::Ipv4Addr;

use clb_model::cloud::AddressHolder;

use super::world::World;
use crate::desired::tests::lab::{Lab, static_address};
use crate::facts::Question;
use crate::step::State;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 250, 8);

fn internal() -> Lab {
    Lab::tcp()
        .annotated("address-type", "intranet")
        .annotated("vswitch-id", "vsw-k")
        .annotated("ip", "10.0.250.8")
}

/// What the cloud says of the address: somebody has it, nobody does.
fn say(world: &mut World, holder: Option<AddressHolder>) {
    let address = static_address("vsw-k", ADDRESS);
    world.lab.facts.static_addresses.insert(address, holder);
}

fn somebody() -> Option<AddressHolder> {
    Some(AddressHolder::LoadBalancer {
        id: "lb-other".parse().unwrap(),
        owner: String::new(),
    })
}

#[test]
fn nothing_is_created_until_the_address_is_free_and_it_is_looked_again_soon() {
    let mut world = World::new(internal());
    say(&mut world, somebody());
    for _ in 0..3 {
        let step = world.pass();
        assert_eq!(step.state, State::Failed, "{}", step.message);
        assert_eq!(step.wake_at_ms, Some(world.now_ms + 20_000));
    }
    assert!(world.batches.is_empty());
    assert_eq!(world.events.len(), 1, "{:?}", world.events);
    assert!(
        world.events[0].message.contains("CLB lb-other"),
        "{:?}",
        world.events
    );

    say(&mut world, None);
    let last = world.settle();
    assert_eq!(last.state, State::Converged, "{}", last.message);
    assert_eq!(last.wake_at_ms, None);
}

#[test]
fn the_address_of_a_clb_that_is_there_is_not_asked_about() {
    let mut world = World::settled(internal());
    world.lab.facts.static_addresses.clear();
    let known = world.pass();
    assert_eq!(known.questions, [].into(), "{}", known.message);
    let early = world.look_too_early();
    assert_eq!(early.questions, [].into(), "the mirror may show the CLB");
    say(&mut world, somebody());
    assert_eq!(world.pass().state, State::Converged);
}

#[test]
fn the_address_is_asked_about_before_the_first_write() {
    let mut world = World::new(internal());
    world.lab.facts.static_addresses.clear();
    let address = static_address("vsw-k", ADDRESS);
    assert_eq!(
        world.look_too_early().questions,
        [Question::StaticAddress(address)].into()
    );
    assert!(world.pass().writes.is_empty());
}
