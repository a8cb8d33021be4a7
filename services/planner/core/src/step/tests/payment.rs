//! How a CLB is paid: what of it can be changed, in which order, and what is said of the rest.

use clb_model::cloud::{InstanceChargeType, InternetChargeType};
use clb_model::operation::LoadBalancerChange;

use super::instance::changes;
use super::world::World;
use crate::desired::tests::lab::Lab;

fn paid_by_spec() -> World {
    World::settled(Lab::tcp().annotated("spec", "slb.s1.small"))
}

#[test]
fn the_specification_is_changed_where_it_is_paid_for() {
    assert_eq!(
        changes(&mut paid_by_spec(), &[("spec", "slb.s2.small")]),
        [LoadBalancerChange::Spec("slb.s2.small".to_owned())]
    );
    let mut by_use = World::settled(Lab::tcp());
    assert_eq!(changes(&mut by_use, &[("spec", "slb.s2.small")]), []);
    assert!(by_use.said()[0].contains("PayByCLCU"), "{:?}", by_use.said());
}

#[test]
fn payment_goes_to_by_use_and_never_back() {
    let mut world = paid_by_spec();
    world.lab.service.annotations.clear();
    assert_eq!(
        changes(&mut world, &[("instance-charge-type", "PayByCLCU")]),
        [LoadBalancerChange::PayByClcu]
    );
    world.forget();
    assert_eq!(changes(&mut world, &[("instance-charge-type", "PayBySpec")]), []);
    assert_eq!(world.clb().instance_charge_type, InstanceChargeType::PayByClcu);
    assert_eq!(world.count("AnnotationChanged"), 1, "{:?}", world.said());
}

#[test]
fn bandwidth_is_changed_only_where_it_is_paid_for() {
    assert_eq!(changes(&mut paid_by_spec(), &[("bandwidth", "7")]), []);
    let mut world = paid_by_spec();
    assert_eq!(
        changes(&mut world, &[("charge-type", "paybybandwidth")]),
        [LoadBalancerChange::InternetSpec {
            charge_type: Some(InternetChargeType::PayByBandwidth),
            bandwidth: Some(50),
        }]
    );
    world.forget();
    assert_eq!(
        changes(&mut world, &[("bandwidth", "7")]),
        [LoadBalancerChange::InternetSpec {
            charge_type: None,
            bandwidth: Some(7),
        }]
    );
    // The cloud gives a bandwidth with pay-by-traffic too, where it means nothing.
    world.forget();
    let to_traffic = changes(&mut world, &[("charge-type", "paybytraffic")]);
    assert_eq!(
        to_traffic,
        [LoadBalancerChange::InternetSpec {
            charge_type: Some(InternetChargeType::PayByTraffic),
            bandwidth: None,
        }]
    );
}

#[test]
fn what_counts_for_an_internet_facing_clb_is_said_on_an_internal_one() {
    let internal = Lab::tcp().annotated("address-type", "intranet");
    let mut world = World::settled(internal);
    world.lab.service.annotations.clear();
    let asked = [
        ("network-type", "classic"),
        ("charge-type", "paybybandwidth"),
        ("bandwidth", "10"),
    ];
    assert_eq!(changes(&mut world, &asked), []);
    for (annotation, value) in asked {
        let said = world.said();
        let told = |text: &&String| text.contains(annotation) && text.contains(value);
        assert_eq!(said.iter().filter(told).count(), 1, "{annotation}: {said:?}");
    }
}

#[test]
fn a_bandwidth_counts_only_beside_its_charge_type() {
    let by_bandwidth = Lab::tcp()
        .annotated("charge-type", "paybybandwidth")
        .annotated("bandwidth", "5");
    let mut world = World::settled(by_bandwidth);
    world.lab.service.annotations.clear();
    assert_eq!(changes(&mut world, &[("bandwidth", "7")]), []);
    assert!(world.said()[0].contains("paybybandwidth"), "{:?}", world.said());
    assert_eq!(
        changes(&mut world, &[("charge-type", "paybybandwidth")]),
        [LoadBalancerChange::InternetSpec {
            charge_type: None,
            bandwidth: Some(7),
        }]
    );
}

#[test]
fn a_charge_type_that_waits_for_midnight_is_not_told_again() {
    let mut world = paid_by_spec();
    changes(
        &mut world,
        &[("charge-type", "paybybandwidth"), ("bandwidth", "7")],
    );
    world.forget();
    // The cloud still shows the old one.
    world.clb_mut().internet_charge_type = InternetChargeType::PayByTraffic;
    assert_eq!(changes(&mut world, &[]), []);
    assert_eq!(
        changes(&mut world, &[("bandwidth", "9")]),
        [LoadBalancerChange::InternetSpec {
            charge_type: Some(InternetChargeType::PayByBandwidth),
            bandwidth: Some(9),
        }],
        "the bandwidth changes at once"
    );
    world.forget();
    world.clb_mut().internet_charge_type = InternetChargeType::PayByTraffic;
    assert_eq!(changes(&mut world, &[]), []);
    world.now_ms += 26 * 3_600_000;
    let again = changes(&mut world, &[]);
    assert_eq!(again.len(), 1, "it did not come: {again:?}");
}

fn paid_by_bandwidth() -> World {
    let mut world = World::settled(Lab::tcp().annotated("charge-type", "paybybandwidth"));
    world.lab.service.annotations.clear();
    world
}

const TO_TRAFFIC: LoadBalancerChange = LoadBalancerChange::InternetSpec {
    charge_type: Some(InternetChargeType::PayByTraffic),
    bandwidth: None,
};

/// The cloud refuses payment by use while traffic is paid by bandwidth.
#[test]
fn payment_by_use_comes_after_payment_by_traffic() {
    let asked = [
        ("instance-charge-type", "PayByCLCU"),
        ("charge-type", "paybytraffic"),
    ];
    let mut world = paid_by_bandwidth();
    assert_eq!(
        changes(&mut world, &asked),
        [TO_TRAFFIC, LoadBalancerChange::PayByClcu]
    );
    assert_eq!(world.count("AnnotationChanged"), 0, "{:?}", world.said());
}

#[test]
fn payment_by_use_waits_until_payment_by_traffic_has_come() {
    let mut world = paid_by_bandwidth();
    world.lab = world
        .lab
        .annotated("instance-charge-type", "PayByCLCU")
        .annotated("charge-type", "paybytraffic");
    world.pass();
    // The cloud makes the change at midnight, and shows the old one until then.
    world.clb_mut().internet_charge_type = InternetChargeType::PayByBandwidth;
    assert_eq!(changes(&mut world, &[]), [TO_TRAFFIC]);
    assert_eq!(world.count("AnnotationChanged"), 1, "{:?}", world.said());
    assert!(world.said().join("\n").contains("midnight"), "{:?}", world.said());
    world.forget();
    world.clb_mut().internet_charge_type = InternetChargeType::PayByTraffic;
    assert_eq!(changes(&mut world, &[]), [LoadBalancerChange::PayByClcu]);
    assert_eq!(world.count("AnnotationChanged"), 0, "{:?}", world.said());
}

#[test]
fn payment_by_bandwidth_is_not_given_up_unasked() {
    let mut world = paid_by_bandwidth();
    let asked = [("instance-charge-type", "PayByCLCU"), ("bandwidth", "7")];
    assert_eq!(changes(&mut world, &asked), []);
    assert_eq!(world.clb().instance_charge_type, InstanceChargeType::PayBySpec);
    let prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";
    let told = world.said().into_iter().filter(|text| {
        text.contains(&format!("{prefix}instance-charge-type asks for PayByCLCU"))
            && text.contains(&format!("set {prefix}charge-type: \"paybytraffic\" too"))
    });
    assert_eq!(told.count(), 1, "{:?}", world.said());
    // What it asks for is then possible.
    world.forget();
    assert_eq!(
        changes(&mut world, &[("charge-type", "paybytraffic")]),
        [TO_TRAFFIC, LoadBalancerChange::PayByClcu]
    );
}

#[test]
fn specification_charge_type_and_bandwidth_change_in_one_go() {
    let asked = [
        ("instance-charge-type", "PayBySpec"),
        ("spec", "slb.s2.small"),
        ("charge-type", "paybybandwidth"),
        ("bandwidth", "7"),
    ];
    let expected = [
        LoadBalancerChange::Spec("slb.s2.small".to_owned()),
        LoadBalancerChange::InternetSpec {
            charge_type: Some(InternetChargeType::PayByBandwidth),
            bandwidth: Some(7),
        },
    ];
    let mut world = paid_by_spec();
    assert_eq!(changes(&mut world, &asked), expected);
    // There is no way back from payment by use, which has neither specification nor bandwidth.
    let mut by_use = World::settled(Lab::tcp());
    let before = by_use.clb().clone();
    assert_eq!(changes(&mut by_use, &asked), []);
    assert_eq!(*by_use.clb(), before);
    for annotation in ["instance-charge-type", "spec", "charge-type"] {
        let said = by_use.said();
        let told = |text: &&String| text.contains(&format!("loadbalancer-{annotation}"));
        assert_eq!(said.iter().filter(told).count(), 1, "{annotation}: {said:?}");
    }
}
