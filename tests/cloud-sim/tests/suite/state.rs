//! Loading and showing the state of an account, and the lab.

use cloud_sim::{AccessControlList, lab};
use serde_json::{Value, json};

use crate::client::Lab;

const REDIRECT: &str = include_str!("data/21-redirect.json");
const EXTENSIONS: &str = include_str!("data/25-domain-extensions.json");
const STAND_INS: [(&str, &str); 5] = [
    ("DEFAULT-NAME", "a1b2"),
    ("CLUSTER-ID", "c1"),
    ("ADDRESS", "47.96.9.9"),
    ("nodePort-TCP-80", "30080"),
    ("nodePort-TCP-443", "30443"),
];

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn what_another_controller_left_is_there_to_be_read() {
    let lab = Lab::start().await;
    let ids = lab.account.load_state(&document(REDIRECT), &STAND_INS).unwrap();
    let lb = ("LoadBalancerId", ids[0].as_str());
    let found = lab.call("DescribeLoadBalancerAttribute", &[lb]).await.unwrap();
    assert_eq!(
        (&found["Address"], &found["LoadBalancerName"]),
        (&json!("47.96.9.9"), &json!("a1b2"))
    );
    let https = lab
        .call(
            "DescribeLoadBalancerHTTPSListenerAttribute",
            &[lb, ("ListenerPort", "443")],
        )
        .await
        .unwrap();
    assert_eq!(
        (&https["Status"], &https["Description"]),
        (&json!("running"), &json!("k8s/443/redirect/default/c1"))
    );
    let group = [("VServerGroupId", https["VServerGroupId"].as_str().unwrap())];
    let group = lab.call("DescribeVServerGroupAttribute", &group).await.unwrap();
    assert_eq!(group["VServerGroupName"], "k8s/30443/redirect/default/c1");
    let ports: Vec<&Value> = group["BackendServers"]["BackendServer"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["Port"])
        .collect();
    assert_eq!(
        ports,
        [
            &json!(30443),
            &json!(30443),
            &json!(30443),
            &json!(30443),
            &json!(80)
        ]
    );
    let gone = [lb, ("ListenerPort", "443")];
    assert_eq!(
        lab.refused("DeleteLoadBalancerListener", &gone).await,
        "ListenerForwardExist"
    );
}

/// Every field of `part` is in `whole` with the same value; `whole` may have more.
fn assert_has(whole: &Value, part: &Value, place: &str) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert_has(&whole[name], value, &format!("{place}.{name}"));
            }
        }
        Value::Array(items) => {
            assert_eq!(whole.as_array().map(Vec::len), Some(items.len()), "{place}");
            for (at, item) in items.iter().enumerate() {
                assert_has(&whole[at], item, &format!("{place}[{at}]"));
            }
        }
        other => assert_eq!(whole, other, "{place}"),
    }
}

#[tokio::test]
async fn a_loaded_state_is_shown_as_it_was() {
    let lab = Lab::start().await;
    // Stand-ins that are their own values leave the document as it is; ports have to become numbers.
    let text = EXTENSIONS.replace("\"Port\": \"nodePort-TCP-443\"", "\"Port\": 30443");
    let wanted = document(&text);
    let ids = lab.account.load_state(&wanted, &[]).unwrap();
    assert_has(
        &lab.account.load_balancer(&ids[0]).unwrap(),
        &wanted["load_balancer"],
        "load_balancer",
    );
    let state = lab.account.state();
    let copy = lab.sim.cloud().account("copy");
    copy.load_state(&state, &[]).unwrap();
    assert_eq!(copy.state(), state);
}

#[tokio::test]
async fn a_document_with_a_mistake_says_where() {
    let lab = Lab::start().await;
    let mistake = |change: fn(&mut Value)| {
        let mut document = document(REDIRECT);
        change(&mut document["load_balancer"]);
        lab.account
            .load_state(&document, &STAND_INS)
            .unwrap_err()
            .to_string()
    };
    let missing = mistake(|lb| lb["vgroups"] = json!({}));
    assert_eq!(
        missing,
        "listener https/443: there is no group named k8s/30443/redirect/default/c1"
    );
    let name = mistake(|lb| lb["listeners"] = json!({ "80": {} }));
    assert_eq!(
        name,
        "80: a listener goes by its protocol and port, such as tcp/80"
    );
    let field = mistake(|lb| lb["Bandwidth"] = json!("much"));
    assert!(field.starts_with("load balancer: invalid type"), "{field}");
}

#[tokio::test]
async fn the_lab_is_what_the_examples_expect() {
    let lab = Lab::start().await;
    for number in lab::REUSED {
        let id = format!("lb-reuse-{number}");
        let lb = [("LoadBalancerId", id.as_str())];
        let group = lab.call("DescribeVServerGroups", &lb).await.unwrap();
        let group = &group["VServerGroups"]["VServerGroup"][0];
        assert_eq!(
            (&group["VServerGroupId"], &group["ServerCount"]),
            (&json!(format!("rsp-user-{number}")), &json!(1))
        );
        let listener = lab
            .call(
                "DescribeLoadBalancerTCPListenerAttribute",
                &[lb[0], ("ListenerPort", "9000")],
            )
            .await;
        assert_eq!(listener.unwrap()["Status"], "running");
    }
    let vpc = async |action: &str| {
        lab.client
            .call("2016-04-28", action, &[("RegionId", lab::REGION)])
            .await
            .unwrap()["TotalCount"]
            .clone()
    };
    assert_eq!(
        (vpc("DescribeVpcs").await, vpc("DescribeVSwitches").await),
        (json!(1), json!(2))
    );
    let certificates = lab.call("DescribeServerCertificates", &[]).await.unwrap();
    assert_eq!(
        certificates["ServerCertificates"]["ServerCertificate"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        lab.call("DescribeAccessControlLists", &[]).await.unwrap()["TotalCount"],
        2
    );
    assert_eq!(lab.sim.cloud().counters().writes, 0);
}

#[tokio::test]
async fn a_person_in_the_console_is_not_in_the_journal() {
    let lab = Lab::start().await;
    let name = [("LoadBalancerId", "lb-reuse-04"), ("LoadBalancerName", "by-hand")];
    lab.account.call("SetLoadBalancerName", &name).unwrap();
    assert_eq!(
        lab.account.load_balancer("lb-reuse-04").unwrap()["LoadBalancerName"],
        "by-hand"
    );
    assert!(lab.sim.cloud().calls().is_empty());
    let refused = lab.account.call("SetLoadBalancerName", &name[..1]).unwrap_err();
    assert_eq!(refused.code, "MissingParameter");
}

#[tokio::test]
async fn access_lists_have_their_rules() {
    let lab = Lab::start().await;
    lab.account.add_acl(AccessControlList::new("acl-user", "u", &[]));
    let acl = ("AclId", "acl-user");
    let entries = |count: usize| {
        let list: Vec<Value> = (0..count)
            .map(|at| json!({ "entry": format!("10.0.{at}.0/24"), "comment": "" }))
            .collect();
        Value::from(list).to_string()
    };
    let add = "AddAccessControlListEntry";
    assert_eq!(
        lab.refused(add, &[acl, ("AclEntrys", &entries(51))]).await,
        "InvalidParameter"
    );
    lab.call(add, &[acl, ("AclEntrys", &entries(50))]).await.unwrap();
    assert_eq!(
        lab.refused(add, &[acl, ("AclEntrys", r#"[{"entry":"fd00::/8"}]"#)])
            .await,
        "InvalidParameter"
    );
    let page = lab
        .call("DescribeAccessControlListAttribute", &[acl])
        .await
        .unwrap();
    assert_eq!(page["TotalAclEntry"], 50);
    assert_eq!(
        page["AclEntrys"]["AclEntry"].as_array().unwrap().len(),
        10,
        "a page of ten unless asked for more"
    );
    let lb = lab.load_balancer(&[("AddressIPVersion", "ipv6")]).await;
    let group = lab.group(&lb, "g").await;
    let listener = [
        ("LoadBalancerId", lb.as_str()),
        ("ListenerPort", "80"),
        ("VServerGroupId", group.as_str()),
        ("Bandwidth", "-1"),
        ("AclStatus", "on"),
        ("AclType", "white"),
        ("AclId", "acl-1"),
    ];
    assert_eq!(
        lab.refused("CreateLoadBalancerTCPListener", &listener).await,
        "IpVersionConflict"
    );
}

#[tokio::test]
async fn listeners_made_here_are_those_that_the_real_cloud_had() {
    let lab = Lab::start().await;
    let mut text = REDIRECT.replace("\"Port\": \"nodePort", "\"Port\": \"30080 nodePort");
    for (name, value) in STAND_INS {
        text = text.replace(name, value);
    }
    let wanted = document(&text)["load_balancer"].clone();
    let name = [("LoadBalancerName", "a1b2")];
    let protected = [
        ("DeleteProtection", "on"),
        ("ModificationProtectionStatus", "ConsoleProtection"),
        ("ModificationProtectionReason", "managed.by.ack"),
        ("Tag.1.Key", "ack.aliyun.com"),
        ("Tag.1.Value", "c1"),
        ("Tag.2.Key", "kubernetes.do.not.delete"),
        ("Tag.2.Value", "a1b2"),
    ];
    let lb = lab.load_balancer(&[&name[..], &protected].concat()).await;
    let group = lab.group(&lb, "k8s/30443/redirect/default/c1").await;
    let common = [
        ("LoadBalancerId", lb.as_str()),
        ("HealthCheck", "off"),
        ("Scheduler", "rr"),
    ];
    let https = [
        ("ListenerPort", "443"),
        ("VServerGroupId", group.as_str()),
        ("Bandwidth", "-1"),
        ("ServerCertificateId", "cert-a"),
        ("Description", "k8s/443/redirect/default/c1"),
    ];
    lab.call("CreateLoadBalancerHTTPSListener", &[&common[..], &https].concat())
        .await
        .unwrap();
    let http = [
        ("ListenerPort", "80"),
        ("ListenerForward", "on"),
        ("ForwardPort", "443"),
        ("Description", "k8s/80/redirect/default/c1"),
    ];
    lab.call("CreateLoadBalancerHTTPListener", &[&common[..], &http].concat())
        .await
        .unwrap();
    for port in ["80", "443"] {
        let listener = [("LoadBalancerId", lb.as_str()), ("ListenerPort", port)];
        lab.call("StartLoadBalancerListener", &listener).await.unwrap();
    }
    let found = lab.account.load_balancer(&lb).unwrap();
    assert_eq!(found["listeners"], wanted["listeners"]);
    for (field, value) in wanted.as_object().unwrap() {
        if !matches!(field.as_str(), "Address" | "listeners" | "vgroups") {
            assert_eq!(&found[field], value, "{field}");
        }
    }
}
