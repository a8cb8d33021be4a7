//! Reading a Service's annotations: prefixes, mistakes with their place, the table's own sense.

use std::collections::BTreeMap;

use crate::annotations::instance::{BANDWIDTH, SPEC};
use crate::annotations::{find, read, table};
use crate::problem::{Problem, reason};

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| (format!("service.beta.kubernetes.io/{name}"), (*value).to_owned()))
        .collect()
}

#[test]
fn a_mistake_says_where_what_is_allowed_and_an_example() {
    let given = annotations(&[("alicloud-loadbalancer-bandwidth", "lots")]);
    let read = read(&given);
    assert_eq!(
        read.problems,
        [Problem {
            place: "service.beta.kubernetes.io/alicloud-loadbalancer-bandwidth".to_owned(),
            value: "lots".to_owned(),
            allowed: "a whole number from 1 to 5120".to_owned(),
            example: "100".to_owned(),
        }]
    );
    assert!(read.has(&BANDWIDTH) && !read.has(&SPEC));
    assert!(read.annotations.instance.bandwidth.is_none());
}

#[test]
fn a_value_remembers_how_it_was_written() {
    let given = annotations(&[("alibaba-cloud-loadbalancer-bandwidth", "007")]);
    let bandwidth = read(&given).annotations.instance.bandwidth.unwrap();
    assert_eq!((bandwidth.value.get(), bandwidth.text.as_str()), (7, "007"));
    assert_eq!(
        bandwidth.place,
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-bandwidth"
    );
}

#[test]
fn the_backend_type_has_no_variant_of_its_name() {
    let given = annotations(&[("backend-type", "eni"), ("alibaba-cloud-backend-type", "ecs")]);
    let read = read(&given);
    assert_eq!(
        read.annotations.backend.backend_type.map(|written| written.value),
        Some(crate::settings::BackendType::Eni)
    );
    assert_eq!(read.notices.len(), 1, "{:?}", read.notices);
}

/// Kubernetes' own, which nobody reads here: whoever writes it believes that the Service is closed to others.
#[test]
fn the_standard_annotation_of_source_ranges_is_not_silent() {
    let given = annotations(&[("load-balancer-source-ranges", "7.7.7.7/32")]);
    let notices = read(&given).notices;
    let [notice] = notices.as_slice() else {
        panic!("{notices:?}");
    };
    assert_eq!(
        (notice.warning, notice.reason),
        (true, reason::ANNOTATION_WITHOUT_EFFECT)
    );
    for part in [
        "service.beta.kubernetes.io/load-balancer-source-ranges has no effect here",
        "spec.loadBalancerSourceRanges",
    ] {
        assert!(notice.message.contains(part), "{}", notice.message);
    }
    let empty = annotations(&[("load-balancer-source-ranges", " ")]);
    assert_eq!(read(&empty).notices, []);
}

#[test]
fn a_name_that_is_none_leads_to_the_one_that_was_meant() {
    let cases: &[(&str, Option<&str>)] = &[
        // Letters that are wrong, missing, too many or in the wrong case.
        (
            "alibaba-cloud-loadbalancer-schedular",
            Some("alibaba-cloud-loadbalancer-scheduler"),
        ),
        (
            "alibaba-cloud-loadbalancer-SCHEDULER",
            Some("alibaba-cloud-loadbalancer-scheduler"),
        ),
        (
            "alicloud-loadbalancer-bandwith",
            Some("alicloud-loadbalancer-bandwidth"),
        ),
        (
            "alibaba-cloud-loadbalancer-certid",
            Some("alibaba-cloud-loadbalancer-cert-id"),
        ),
        (
            "alibaba-cloud-loadbalancer-ids",
            Some("alibaba-cloud-loadbalancer-id"),
        ),
        (
            "alibaba-cloud-loadbalancer-health_check_uri",
            Some("alibaba-cloud-loadbalancer-health-check-uri"),
        ),
        (
            "alibaba-cloud-loadbalancer-healthcheck-interval",
            Some("alibaba-cloud-loadbalancer-health-check-interval"),
        ),
        (
            "alibaba-cloud-loadbalancer-additional-resources-tag",
            Some("alibaba-cloud-loadbalancer-additional-resource-tags"),
        ),
        // The part that all names share.
        (
            "alibaba-cloud-scheduler",
            Some("alibaba-cloud-loadbalancer-scheduler"),
        ),
        (
            "alibaba-cloud-load-balancer-spec",
            Some("alibaba-cloud-loadbalancer-spec"),
        ),
        (
            "alibaba-cloud-loadbalncer-spec",
            Some("alibaba-cloud-loadbalancer-spec"),
        ),
        (
            "alibabacloud-loadbalancer-spec",
            Some("alibaba-cloud-loadbalancer-spec"),
        ),
        (
            "Alibaba-cloud-loadbalancer-spec",
            Some("alibaba-cloud-loadbalancer-spec"),
        ),
        ("loadbalancer-spec", Some("alibaba-cloud-loadbalancer-spec")),
        (
            "alibaba-loadbalancer-spec",
            Some("alibaba-cloud-loadbalancer-spec"),
        ),
        // The one name that has no prefix.
        ("backend-typ", Some("backend-type")),
        ("alibaba-cloud-backend-type", Some("backend-type")),
        ("alibaba-cloud-loadbalancer-backend-type", Some("backend-type")),
        ("alicloud-loadbalancer-backend-type", Some("backend-type")),
        // Nothing is like these.
        ("alibaba-cloud-loadbalancer-foo", None),
        ("alibaba-cloud-loadbalancer-", None),
        ("alibaba-cloud-loadbalancer", None),
        ("alicloud-loadbalancer", None),
        ("alicloud-loadbalancer-foo", None),
        ("alibaba-cloud-frobnicate", None),
    ];
    for (name, meant) in cases {
        let given = annotations(&[(name, "x")]);
        let read = read(&given);
        assert!(
            read.problems.is_empty() && read.notices.len() == 1,
            "{name}: {read:?}"
        );
        let end = match meant {
            Some(meant) => format!("; did you mean service.beta.kubernetes.io/{meant}?"),
            None => ", and no annotation has a name like it".to_owned(),
        };
        let message = &read.notices[0].message;
        assert!(message.ends_with(&end), "{name}: {message}");
    }
}

#[test]
fn a_name_behind_another_domain_leads_to_the_right_one() {
    let newer = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-scheduler";
    for (name, meant) in [
        (
            "service.kubernetes.io/alibaba-cloud-loadbalancer-scheduler",
            newer,
        ),
        (
            "service.alpha.kubernetes.io/alibaba-cloud-loadbalancer-scheduler",
            newer,
        ),
        ("alibaba-cloud-loadbalancer-scheduler", newer),
        (
            "service.kubernetes.io/alicloud-loadbalancer-scheduler",
            "service.beta.kubernetes.io/alicloud-loadbalancer-scheduler",
        ),
        (
            "service.kubernetes.io/alibaba-cloud-backend-type",
            "service.beta.kubernetes.io/backend-type",
        ),
    ] {
        let given = BTreeMap::from([(name.to_owned(), "wrr".to_owned())]);
        let read = read(&given);
        let messages: Vec<_> = read
            .notices
            .iter()
            .map(|notice| notice.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [format!("annotation {name} is not known; did you mean {meant}?")]
        );
        assert!(read.problems.is_empty());
    }
    for name in [
        "service.kubernetes.io/alibaba-cloud-loadbalancer-foo",
        "alb.ingress.kubernetes.io/name",
        "example.com/loadbalancer-scheduler",
        "backend-type",
    ] {
        let given = BTreeMap::from([(name.to_owned(), "wrr".to_owned())]);
        assert_eq!(read(&given).notices, [], "{name}");
    }
}

#[test]
fn annotations_of_other_controllers_are_not_spoken_of() {
    let given = annotations(&[
        ("aws-load-balancer-type", "nlb"),
        ("azure-load-balancer-internal", "true"),
        ("do-loadbalancer-protocol", "http"),
        ("linode-loadbalancer-throttle", "4"),
        ("oci-load-balancer-shape", "flexible"),
        ("openstack-internal-load-balancer", "true"),
        ("cce-load-balancer-internal-vpc", "true"),
        ("weight", "1"),
    ]);
    assert!(read(&given).notices.is_empty(), "{:?}", read(&given).notices);
}

#[test]
fn names_that_decide_whose_a_service_is_are_not_unknown() {
    let given = annotations(&[("class", "clb"), ("alibaba-cloud-loadbalancer-tunnel-type", "x")]);
    assert!(read(&given).notices.is_empty());
}

#[test]
fn the_table_makes_sense() {
    let rows: Vec<_> = table().collect();
    for row in &rows {
        assert_eq!(
            rows.iter().filter(|other| other.suffix == row.suffix).count(),
            1,
            "{}",
            row.suffix
        );
        assert!((row.accepts)(row.example), "{}: {}", row.suffix, row.example);
        assert!(!row.applies.is_empty() && !row.kind.is_empty(), "{}", row.suffix);
        assert!(
            row.description.ends_with('.') && !(row.allowed)().is_empty(),
            "{}",
            row.suffix
        );
        if let Some(instead) = row.instead {
            let other = find(instead).unwrap();
            assert!(
                !other.applies.iter().any(|scope| row.applies.contains(scope)),
                "{}",
                row.suffix
            );
        }
        // Defaults that are values are right, too; the others are said in words.
        let is_word = row.default.contains(' ');
        assert!(
            row.default.is_empty() || is_word || (row.accepts)(row.default),
            "{}: {}",
            row.suffix,
            row.default
        );
    }
}

#[test]
fn rows_are_found_by_each_of_their_names() {
    for row in table() {
        for name in row.names() {
            assert_eq!(find(&name).unwrap().suffix, row.suffix);
        }
        assert_eq!(find(row.suffix).unwrap().suffix, row.suffix);
    }
    assert_eq!(find("spec").unwrap().suffix, SPEC.suffix);
    assert!(find("speck").is_none());
}
