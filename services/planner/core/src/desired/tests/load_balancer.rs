//! The CLB itself: defaults of its creation, what is named, what is asked of the cloud first.

use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion};
use clb_model::cluster::IpFamily;

use super::lab::{EXPIRY_MS, Lab};
use crate::desired::{NamedAttributes, Source, Wish, desired};
use crate::facts::{CloudFacts, Question};

/// Annotations, and how the CLB is paid: charge type, specification, Mbps.
type Payment = (
    &'static [(&'static str, &'static str)],
    InstanceChargeType,
    Option<&'static str>,
    Option<u32>,
);

#[test]
fn how_a_clb_is_paid_follows_from_what_is_said() {
    let by_spec = InstanceChargeType::PayBySpec;
    let cases: [Payment; 6] = [
        (&[], InstanceChargeType::PayByClcu, None, None),
        (
            &[("instance-charge-type", "PayBySpec")],
            by_spec,
            Some("slb.s1.small"),
            None,
        ),
        (&[("spec", "slb.s2.small")], by_spec, Some("slb.s2.small"), None),
        (
            &[("charge-type", "paybybandwidth")],
            by_spec,
            Some("slb.s1.small"),
            Some(50),
        ),
        (
            &[
                ("charge-type", "paybybandwidth"),
                ("bandwidth", "7"),
                ("spec", "slb.s3.small"),
            ],
            by_spec,
            Some("slb.s3.small"),
            Some(7),
        ),
        (
            &[("charge-type", "paybybandwidth"), ("address-type", "intranet")],
            InstanceChargeType::PayByClcu,
            None,
            None,
        ),
    ];
    for (annotations, charge, spec, bandwidth) in cases {
        let mut lab = Lab::tcp();
        for (name, value) in annotations {
            lab = lab.annotated(name, value);
        }
        let creation = lab.desired().creation;
        assert_eq!(creation.instance_charge_type, charge, "{annotations:?}");
        assert_eq!(creation.spec.as_deref(), spec, "{annotations:?}");
        assert_eq!(creation.bandwidth, bandwidth, "{annotations:?}");
        assert_eq!(
            creation.internet_charge_type == InternetChargeType::PayByBandwidth,
            bandwidth.is_some(),
            "{annotations:?}"
        );
    }
}

#[test]
fn the_clusters_settings_fill_in_what_the_service_does_not_say() {
    let mut lab = Lab::tcp().annotated("address-type", "intranet");
    lab.cluster.resource_group_id = Some("rg-cluster".to_owned());
    lab.cluster.default_instance_charge_type = InstanceChargeType::PayBySpec;
    let creation = lab.desired().creation;
    assert_eq!(creation.address_type, AddressType::Intranet);
    assert_eq!(creation.vpc_id.as_deref(), Some("vpc-lab"));
    assert_eq!(creation.vswitch_ids, ["vsw-k", "vsw-j"]);
    assert_eq!(creation.resource_group_id.as_deref(), Some("rg-cluster"));
    assert_eq!(creation.spec.as_deref(), Some("slb.s1.small"));
    let named = lab.desired().named;
    assert_eq!(
        named,
        NamedAttributes {
            address_type: Some(AddressType::Intranet),
            ..NamedAttributes::default()
        }
    );
}

#[test]
fn protections_are_on_unless_said_otherwise() {
    let lab = Lab::tcp()
        .annotated("delete-protection", "off")
        .annotated("modification-protection", "NonProtection");
    let desired = lab.desired();
    assert!(!desired.creation.delete_protection && !desired.creation.modification_protection);
    assert_eq!(desired.named.delete_protection, Some(false));
    assert_eq!(desired.named.modification_protection, Some(false));
}

#[test]
fn a_reused_clb_has_nothing_named_but_tags() {
    let desired = Lab::tcp()
        .annotated("id", "lb-reuse-04")
        .annotated("name", "mine")
        .annotated("force-override-listeners", "true")
        .desired();
    assert_eq!(desired.named, NamedAttributes::default());
    assert!(matches!(
        desired.source,
        Source::Reused {
            override_listeners: true,
            ..
        }
    ));
    assert_eq!(desired.listeners.len(), 1);
}

#[test]
fn preserving_needs_any_value() {
    for value in ["true", "false", "0", "no"] {
        assert!(
            Lab::tcp()
                .annotated("preserve-lb-on-delete", value)
                .desired()
                .preserve_on_delete
        );
    }
    assert!(
        !Lab::tcp()
            .annotated("preserve-lb-on-delete", "")
            .desired()
            .preserve_on_delete
    );
    assert!(!Lab::tcp().desired().preserve_on_delete);
}

#[test]
fn the_family_of_the_address_is_the_services_unless_annotated() {
    let mut lab = Lab::tcp();
    lab.service.ip_families = vec![IpFamily::V6];
    let desired = lab.desired();
    assert_eq!(desired.creation.ip_version, IpVersion::V6);
    assert_eq!(desired.named.ip_version, None);
    assert_eq!(
        lab.clone()
            .annotated("ip-version", "ipv4")
            .desired()
            .creation
            .ip_version,
        IpVersion::V4
    );
    assert_eq!(
        lab.annotated("address-type", "intranet")
            .desired()
            .creation
            .ip_version,
        IpVersion::V4
    );
}

#[test]
fn the_status_shows_what_is_asked() {
    let mut lab = Lab::tcp()
        .annotated("hostname", "www.example.com")
        .annotated("external-ip-type", "eip");
    lab.cluster.ip_mode_proxy = true;
    let status = lab.desired().status;
    assert_eq!(status.hostname.as_deref(), Some("www.example.com"));
    assert!(status.eip && status.ip_mode_proxy);
}

#[test]
fn what_only_the_cloud_knows_is_asked_before_anything_is_said() {
    let mut lab = Lab::https()
        .annotated("domain-extensions", "a.example.com:cert-b")
        .annotated("acl-status", "on")
        .annotated("acl-id", "acl-1")
        .annotated("acl-type", "white")
        .annotated("address-type", "intranet")
        .annotated("vswitch-id", "vsw-k")
        .annotated("idle-timeout", "many");
    lab.facts = CloudFacts::default();
    let expected = [
        Question::Certificate("cert-a".to_owned()),
        Question::Certificate("cert-b".to_owned()),
        Question::AccessControlList("acl-1".to_owned()),
        Question::VSwitch("vsw-k".to_owned()),
    ];
    assert_eq!(desired(lab.inputs()), Wish::Questions(expected.into()));
    lab.facts.certificates.insert("cert-a".to_owned(), None);
    let Wish::Questions(rest) = desired(lab.inputs()) else {
        panic!("all asked");
    };
    assert_eq!(rest.len(), 3);
}

#[test]
fn nothing_is_asked_for_what_is_not_used() {
    for lab in [
        Lab::tcp().annotated("cert-id", "cert-x"),
        Lab::tcp().annotated("acl-id", "acl-x"),
        Lab::tcp().annotated("vswitch-id", "vsw-x"),
        Lab::https()
            .annotated("id", "lb-reuse-04")
            .annotated("cert-id", "cert-x"),
    ] {
        assert!(
            matches!(desired(lab.inputs()), Wish::Desired(_)),
            "{:?}",
            lab.service.annotations
        );
    }
}

#[test]
fn the_next_pass_is_due_when_a_certificate_expires() {
    assert_eq!(Lab::https().desired().wake_at_ms, Some(EXPIRY_MS));
    assert_eq!(Lab::tcp().desired().wake_at_ms, None);
}

#[test]
fn tags_beyond_the_quota_are_left_out_and_named() {
    let mut lab = Lab::tcp().annotated("additional-resource-tags", "c=3,a=1,b=2");
    lab.cluster.quotas.tags_per_load_balancer = 4;
    let desired = lab.desired();
    let keys: Vec<&String> = desired.creation.tags.keys().collect();
    assert_eq!(keys, ["a", "ack.aliyun.com", "b", "kubernetes.do.not.delete"]);
    assert_eq!(desired.named.additional_tags.map(|tags| tags.len()), Some(2));
    assert!(lab.remarks()[0].ends_with("left out c"), "{:?}", lab.remarks());
    assert!(lab.annotated("id", "lb-reuse-04").remarks().is_empty());
}
