//! A static address that something else has is a mistake, which the cloud is asked about before a CLB is created.

use std::net::Ipv4Addr;

use clb_model::cloud::AddressHolder;
use clb_model::marks::default_name;

use super::lab::{Lab, PREFIX, static_address};
use crate::desired::{Wish, desired};
use crate::facts::{CloudFacts, Question};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 250, 8);

fn internal(address: Ipv4Addr) -> Lab {
    Lab::tcp()
        .annotated("address-type", "intranet")
        .annotated("vswitch-id", "vsw-k")
        .annotated("ip", &address.to_string())
}

/// With an address that somebody has.
fn held(mut lab: Lab, address: Ipv4Addr, holder: AddressHolder) -> Lab {
    let address = static_address("vsw-k", address);
    lab.facts.static_addresses.insert(address, Some(holder));
    lab
}

fn clb(owner: &str) -> AddressHolder {
    AddressHolder::LoadBalancer {
        id: "lb-other".parse().unwrap(),
        owner: owner.to_owned(),
    }
}

fn interface() -> AddressHolder {
    AddressHolder::NetworkInterface("eni-other".to_owned())
}

#[test]
fn an_address_that_is_taken_is_a_mistake_with_its_holder_and_another_address() {
    for (holder, name) in [
        (clb(""), "CLB lb-other"),
        (interface(), "network interface eni-other"),
    ] {
        let problems = held(internal(ADDRESS), ADDRESS, holder).problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].place, format!("{PREFIX}ip"));
        assert_eq!(problems[0].value, "10.0.250.8");
        let allowed =
            format!("an address of vSwitch vsw-k (10.0.0.0/16) that nothing else has; {name} has this one");
        assert_eq!(problems[0].allowed, allowed);
        assert_eq!(problems[0].example, "10.0.128.10");
    }
    assert_eq!(internal(ADDRESS).problems(), [], "free");
}

#[test]
fn the_example_is_not_the_address_that_is_taken() {
    let example = Ipv4Addr::new(10, 0, 128, 10);
    let problems = held(internal(example), example, clb("")).problems();
    assert_eq!(problems[0].example, "10.0.128.11");
}

#[test]
fn the_clb_that_was_made_for_this_service_is_its_own() {
    let lab = internal(ADDRESS);
    let own = default_name(&lab.service.uid);
    assert_eq!(held(lab.clone(), ADDRESS, clb(&own)).problems(), []);
    assert_eq!(held(lab, ADDRESS, clb("aanother")).problems().len(), 1);
}

#[test]
fn the_holder_is_asked_for_once_the_vswitch_is_known_and_has_the_address() {
    let mut lab = internal(ADDRESS);
    let known = std::mem::take(&mut lab.facts);
    let asked = |lab: &Lab| match desired(lab.inputs()) {
        Wish::Questions(questions) => questions.into_iter().collect(),
        _ => Vec::new(),
    };
    assert_eq!(asked(&lab), [Question::VSwitch("vsw-k".to_owned())]);
    lab.facts.vswitches = known.vswitches;
    let address = static_address("vsw-k", ADDRESS);
    assert_eq!(asked(&lab), [Question::StaticAddress(address)]);

    let mut outside = internal(Ipv4Addr::new(10, 1, 0, 9));
    outside.facts.static_addresses.clear();
    assert_eq!(
        outside.problems().len(),
        1,
        "nobody asks for what the vSwitch does not have"
    );
    lab.facts.address_is_given = true;
    assert_eq!(asked(&lab), [], "the Service's CLB has its address");
}

#[test]
fn nothing_is_asked_for_an_address_that_is_not_used() {
    for lab in [
        internal(ADDRESS).annotated("id", "lb-reuse-04"),
        Lab::tcp().annotated("ip", "10.0.250.8"),
        Lab::tcp()
            .annotated("address-type", "intranet")
            .annotated("ip", "10.0.250.8"),
    ] {
        let lab = Lab {
            facts: CloudFacts {
                static_addresses: Default::default(),
                ..lab.facts
            },
            ..lab
        };
        assert!(!matches!(desired(lab.inputs()), Wish::Questions(_)), "{lab:?}");
    }
}
