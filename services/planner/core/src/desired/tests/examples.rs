//! Each example of the reference against the desired state that was checked by eye.

use super::lab::{Lab, PREFIX};
use super::manifest;

#[test]
fn every_example_has_the_desired_state_of_its_snapshot() {
    let names = manifest::example_names();
    assert_eq!(names.len(), 47, "{names:?}");
    for name in names {
        let desired = Lab::with_service(manifest::example(&name)).desired();
        insta::assert_yaml_snapshot!(name.clone(), desired);
    }
}

#[test]
fn the_legacy_prefix_means_the_same() {
    for name in manifest::example_names() {
        let lab = Lab::with_service(manifest::example(&name));
        let mut legacy = lab.clone();
        legacy.service.annotations = lab
            .service
            .annotations
            .iter()
            .map(|(key, value)| (key.replace("alibaba-cloud-", "alicloud-"), value.clone()))
            .collect();
        assert_eq!(lab.desired(), legacy.desired(), "{name}");
    }
}

#[test]
fn the_newer_prefix_wins_over_the_legacy_one_and_says_so() {
    let mut lab = Lab::tcp().annotated("scheduler", "wrr");
    lab.service.annotations.insert(
        "service.beta.kubernetes.io/alicloud-loadbalancer-scheduler".to_owned(),
        "sch".to_owned(),
    );
    let desired = lab.desired();
    let scheduler = desired.listeners[0]
        .named
        .text(clb_model::attribute::ListenerAttribute::Scheduler);
    assert_eq!(scheduler, Some("wrr"));
    let remarks = lab.remarks();
    assert!(
        remarks.len() == 1
            && remarks[0].contains("alicloud-loadbalancer-scheduler")
            && remarks[0].contains(&format!("{PREFIX}scheduler is there too")),
        "{remarks:?}"
    );
}
