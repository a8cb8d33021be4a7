//! The CLB's own attributes and tags: only what an annotation names is changed, and what cannot be changed is said.

use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};
use clb_model::operation::{Change, LoadBalancerChange};

use super::world::World;
use crate::desired::tests::lab::Lab;

/// The changes that a Service's new annotations lead to on the CLB of a plain one.
#[track_caller]
pub(super) fn changes(world: &mut World, annotations: &[(&str, &str)]) -> Vec<LoadBalancerChange> {
    for (name, value) in annotations {
        world.lab = world.lab.clone().annotated(name, value);
    }
    world.settle();
    world
        .batches
        .iter()
        .flat_map(|batch| &batch.operations)
        .map(|operation| match &operation.change {
            Change::ChangeLoadBalancer(change) => change.clone(),
            other => panic!("not a change of the CLB: {other:?}"),
        })
        .collect()
}

#[test]
fn named_attributes_are_changed_and_others_left_alone() {
    let mut world = World::settled(Lab::tcp());
    let clb = world.clb_mut();
    clb.name = "set-by-hand".to_owned();
    clb.delete_protection = false;
    assert_eq!(changes(&mut world, &[]), []);
    let changed = changes(
        &mut world,
        &[
            ("name", "web"),
            ("delete-protection", "on"),
            ("modification-protection", "NonProtection"),
        ],
    );
    assert_eq!(
        changed,
        [
            LoadBalancerChange::Name("web".to_owned()),
            LoadBalancerChange::DeleteProtection(true),
            LoadBalancerChange::ModificationProtection(false),
        ]
    );
    assert!(
        world.reasons()[0]
            .contains("annotation service.beta.kubernetes.io/alibaba-cloud-loadbalancer-name asks for web")
    );
}

#[test]
fn a_named_attribute_that_was_changed_by_hand_is_put_right() {
    let mut world = World::settled(Lab::tcp().annotated("name", "web"));
    world.clb_mut().name = "set-by-hand".to_owned();
    assert_eq!(
        changes(&mut world, &[]),
        [LoadBalancerChange::Name("web".to_owned())]
    );
}

#[test]
fn removing_an_annotation_leaves_the_value() {
    let mut world = World::settled(
        Lab::tcp()
            .annotated("name", "web")
            .annotated("delete-protection", "off"),
    );
    world.lab.service.annotations.clear();
    assert_eq!(changes(&mut world, &[]), []);
    assert_eq!(world.clb().name, "web");
}

#[test]
fn what_cannot_change_stays_and_is_said_once() {
    for (annotation, value) in [
        ("address-type", "intranet"),
        ("ip-version", "ipv6"),
        ("resource-group-id", "rg-lab"),
    ] {
        let mut world = World::settled(Lab::tcp());
        let before = world.clb().clone();
        assert_eq!(changes(&mut world, &[(annotation, value)]), [], "{annotation}");
        assert_eq!(*world.clb(), before, "{annotation}");
        assert_eq!(
            world.count("AnnotationChanged"),
            1,
            "{annotation}: {:?}",
            world.said()
        );
        assert!(
            world
                .said()
                .iter()
                .any(|text| text.contains(annotation) && text.contains(value))
        );
        world.settle();
        assert_eq!(world.count("AnnotationChanged"), 1, "{annotation}");
    }
}

#[test]
fn zones_and_vswitches_cannot_change() {
    let zones = Lab::tcp()
        .annotated("master-zoneid", "cn-hangzhou-k")
        .annotated("slave-zoneid", "cn-hangzhou-j");
    let mut world = World::settled(zones);
    assert_eq!(changes(&mut world, &[("master-zoneid", "cn-hangzhou-i")]), []);
    assert_eq!(world.count("AnnotationChanged"), 1, "{:?}", world.said());

    let internal = Lab::tcp()
        .annotated("address-type", "intranet")
        .annotated("vswitch-id", "vsw-k");
    let mut world = World::settled(internal);
    assert_eq!(changes(&mut world, &[("vswitch-id", "vsw-j")]), []);
    assert_eq!(world.count("AnnotationChanged"), 1, "{:?}", world.said());
}

#[test]
fn additional_tags_replace_all_but_ours_and_the_clouds() {
    let mut world = World::settled(Lab::tcp());
    let clb = world.clb_mut();
    for (key, value) in [("by-hand", "1"), ("acs:rm:rgId", "2"), ("kept", "old")] {
        clb.tags.insert(key.to_owned(), value.to_owned());
    }
    assert_eq!(
        changes(&mut world, &[]),
        [],
        "without the annotation no tag is touched"
    );
    let changed = changes(&mut world, &[("additional-resource-tags", "kept=new,added=3")]);
    assert_eq!(changed.len(), 2);
    assert_eq!(
        changed[0],
        LoadBalancerChange::RemoveTags(vec!["by-hand".to_owned()])
    );
    let keys: Vec<&str> = world.clb().tags.keys().map(String::as_str).collect();
    assert_eq!(keys, [CLUSTER_TAG, "acs:rm:rgId", "added", "kept", OWNER_TAG]);
    assert_eq!(world.clb().tags["kept"], "new");
    world.forget();
    world.lab.service.annotations.clear();
    assert_eq!(changes(&mut world, &[]), []);
}

#[test]
fn tags_that_a_crash_left_out_are_set_on_a_clb_found_by_its_name() {
    let mut world = World::settled(Lab::tcp());
    world.clb_mut().tags.clear();
    let changed = changes(&mut world, &[]);
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(world.clb().tags[CLUSTER_TAG], "c-lab");
    assert!(world.clb().tags.contains_key(OWNER_TAG));
}

/// Changes a name to the one with the older prefix.
fn older(world: &mut World) {
    let annotations = std::mem::take(&mut world.lab.service.annotations);
    let renamed = annotations.into_iter().map(|(name, value)| {
        let older = name.replace("/alibaba-cloud-", "/alicloud-");
        (older, value)
    });
    world.lab.service.annotations = renamed.collect();
}

#[test]
fn an_annotation_is_named_as_the_service_has_it() {
    let mut world = World::settled(Lab::tcp());
    for (name, value) in [
        ("address-type", "intranet"),
        ("vswitch-id", "vsw-k"),
        ("charge-type", "paybybandwidth"),
        ("bandwidth", "5"),
        ("preserve-lb-on-delete", "true"),
    ] {
        world.lab = world.lab.annotated(name, value);
    }
    older(&mut world);
    world.settle();
    let said = world.said().join("\n");
    let prefix = "annotation service.beta.kubernetes.io/alicloud-loadbalancer-";
    for expected in [
        format!("{prefix}address-type asks for intranet, but CLB "),
        " has internet; this cannot be changed after its creation, so it stays: create another Service to have it".to_owned(),
        format!("{prefix}preserve-lb-on-delete has a value: the CLB will stay"),
    ] {
        assert!(said.contains(&expected), "{expected}\n{said}");
    }
    assert!(!said.contains("annotation alibaba-cloud"), "{said}");
    world.forget();
    world.lab.service.deleting = true;
    world.settle();
    let said = world.said().join("\n");
    assert!(
        said.contains(&format!("{prefix}preserve-lb-on-delete has a value")),
        "{said}"
    );
}
