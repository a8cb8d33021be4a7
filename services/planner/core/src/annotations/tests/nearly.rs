//! Values that are almost right: the mistake says what is in the way, and its example is the value without it.

use std::collections::BTreeMap;

use crate::annotations::read;
use crate::problem::Problem;

fn mistake(name: &str, value: &str) -> Problem {
    let name = format!("service.beta.kubernetes.io/{name}");
    let given = BTreeMap::from([(name, value.to_owned())]);
    let mut problems = read(&given).problems;
    assert_eq!(problems.len(), 1, "{given:?}: {problems:?}");
    problems.remove(0)
}

#[test]
fn blanks_and_capitals_that_are_in_the_way_are_spoken_of() {
    for (name, value, difference, meant) in [
        (
            "alibaba-cloud-loadbalancer-idle-timeout",
            " 30\n",
            "; write it without blanks",
            "30",
        ),
        (
            "alibaba-cloud-loadbalancer-protocol-port",
            "http:80, https: 443",
            "; write it without blanks",
            "http:80,https:443",
        ),
        (
            "alibaba-cloud-loadbalancer-backend-label",
            "a = b, c=d",
            "; write it without blanks",
            "a=b,c=d",
        ),
        (
            "alibaba-cloud-loadbalancer-domain-extensions",
            "a.com:cert-b, b.com:Cert-C",
            "; write it without blanks",
            "a.com:cert-b,b.com:Cert-C",
        ),
        (
            "alibaba-cloud-loadbalancer-scheduler",
            "WRR",
            "; write it in lower case",
            "wrr",
        ),
        (
            "backend-type",
            "ENI ",
            "; write it in lower case and without blanks",
            "eni",
        ),
        (
            "alibaba-cloud-loadbalancer-hostname",
            "WWW.example.com",
            "; write it in lower case",
            "www.example.com",
        ),
    ] {
        let problem = mistake(name, value);
        assert!(problem.allowed.ends_with(difference), "{problem:?}");
        assert_eq!(problem.example, meant, "{problem:?}");
    }
}

#[test]
fn what_is_not_plainly_meant_is_not_guessed() {
    for (name, value) in [
        ("alibaba-cloud-loadbalancer-idle-timeout", "3 0"),
        ("alibaba-cloud-loadbalancer-name", "your svc"),
        ("alibaba-cloud-loadbalancer-protocol-port", "http:80; https:443"),
        ("alibaba-cloud-loadbalancer-backend-label", "a=-x"),
        ("alibaba-cloud-loadbalancer-additional-resource-tags", "Acs:x=y"),
        (
            "alibaba-cloud-loadbalancer-additional-resource-tags",
            "AliYun-x=y",
        ),
        ("alibaba-cloud-loadbalancer-additional-resource-tags", "k=ACS:v"),
        (
            "alibaba-cloud-loadbalancer-additional-resource-tags",
            "k=HTTP://v",
        ),
    ] {
        let problem = mistake(name, value);
        assert!(!problem.allowed.contains("write it"), "{problem:?}");
        assert_ne!(problem.example, value);
    }
}

#[test]
fn domains_know_no_case() {
    let name = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-domain-extensions";
    let given = BTreeMap::from([(name.to_owned(), "A.Example.com:Cert-B".to_owned())]);
    let read = read(&given);
    let extensions = read.annotations.listener.domain_extensions.unwrap();
    let pairs: Vec<(&str, &str)> = extensions
        .value
        .as_map()
        .iter()
        .map(|(domain, certificate)| (domain.as_str(), certificate.as_str()))
        .collect();
    assert_eq!(pairs, [("a.example.com", "Cert-B")]);
    let twice = mistake("alibaba-cloud-loadbalancer-domain-extensions", "A.com:x,a.com:y");
    assert!(twice.allowed.contains("each domain once"), "{twice:?}");
}

#[test]
fn an_empty_value_that_the_reference_lists_is_not_spoken_of() {
    let empty = |name: &str| {
        let given = BTreeMap::from([(format!("service.beta.kubernetes.io/{name}"), String::new())]);
        let read = read(&given);
        assert!(read.annotations == Default::default() && read.problems.is_empty());
        read.notices.len()
    };
    assert_eq!(empty("alibaba-cloud-loadbalancer-preserve-lb-on-delete"), 0);
    assert_eq!(empty("alicloud-loadbalancer-preserve-lb-on-delete"), 0);
    assert_eq!(empty("alibaba-cloud-loadbalancer-idle-timeout"), 1);
}
