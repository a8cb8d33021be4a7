//! Facts about load balancers and tags that a controller's author is likely to get wrong.

use cloud_sim::NetworkInterface;
use serde_json::json;

use crate::client::{Lab, text};

#[tokio::test]
async fn the_list_and_the_single_answer_differ() {
    let lab = Lab::start().await;
    let spec = [
        ("LoadBalancerSpec", "slb.s1.small"),
        ("InternetChargeType", "paybybandwidth"),
        ("Bandwidth", "5"),
    ];
    let made = lab.call("CreateLoadBalancer", &spec).await.unwrap();
    let id = text(&made, "LoadBalancerId");
    let list = lab
        .call("DescribeLoadBalancers", &[("LoadBalancerId", &id)])
        .await
        .unwrap();
    let row = &list["LoadBalancers"]["LoadBalancer"][0];
    assert_eq!(
        (&row["InternetChargeType"], &row["InternetChargeTypeAlias"]),
        (&json!("3"), &json!("paybybandwidth"))
    );
    let one = lab
        .call("DescribeLoadBalancerAttribute", &[("LoadBalancerId", &id)])
        .await
        .unwrap();
    assert_eq!(one["InternetChargeType"], "paybybandwidth");
    assert_eq!(text(row, "CreateTime").len(), "2017-08-31T02:49Z".len());
    assert_eq!(text(&one, "CreateTime").len(), "2017-08-31T02:49:05Z".len());
    lab.tcp(&id, "80", &lab.group(&id, "g").await).await;
    let one = lab
        .call("DescribeLoadBalancerAttribute", &[("LoadBalancerId", &id)])
        .await
        .unwrap();
    assert_eq!(
        one["ListenerPortsAndProtocal"]["ListenerPortAndProtocal"][0]["ListenerProtocal"],
        "tcp"
    );
    assert_eq!(
        one["ListenerPortsAndProtocol"]["ListenerPortAndProtocol"][0]["ListenerProtocol"],
        "tcp"
    );
}

#[tokio::test]
async fn charge_types_have_their_rules() {
    let lab = Lab::start().await;
    assert_eq!(lab.refused("CreateLoadBalancer", &[]).await, "ShareSlbHaltSales");
    let by_use = [
        ("InstanceChargeType", "PayByCLCU"),
        ("InternetChargeType", "paybybandwidth"),
    ];
    assert_eq!(
        lab.refused("CreateLoadBalancer", &by_use).await,
        "Instance.InternetChargeTypeNotAllowed"
    );
    let id = lab.load_balancer(&[("Bandwidth", "7")]).await;
    let one = lab
        .call("DescribeLoadBalancerAttribute", &[("LoadBalancerId", &id)])
        .await
        .unwrap();
    assert_eq!(one["Bandwidth"], 5120, "by traffic the bandwidth has no effect");
    assert_eq!(one["LoadBalancerSpec"], "slb.lcu.elastic");
    let lb = ("LoadBalancerId", id.as_str());
    let spec = [lb, ("LoadBalancerSpec", "slb.s1.small")];
    assert_eq!(
        lab.refused("ModifyLoadBalancerInstanceSpec", &spec).await,
        "OperationDenied.PayByCLCU"
    );
    let internet = [lb, ("InternetChargeType", "paybybandwidth")];
    assert_eq!(
        lab.refused("ModifyLoadBalancerInternetSpec", &internet).await,
        "OperationDenied.PayByCLCU"
    );
    let back = [lb, ("InstanceChargeType", "PayBySpec")];
    assert_eq!(
        lab.refused("ModifyLoadBalancerInstanceChargeType", &back).await,
        "IllegalParam.InstanceChargeType"
    );
}

#[tokio::test]
async fn an_internal_one_takes_an_address_of_its_vswitch() {
    let lab = Lab::start().await;
    let inside = [
        ("AddressType", "intranet"),
        ("VSwitchId", "vsw-k"),
        ("Address", "10.0.250.8"),
    ];
    let id = lab.load_balancer(&inside).await;
    let one = lab
        .call("DescribeLoadBalancerAttribute", &[("LoadBalancerId", &id)])
        .await
        .unwrap();
    assert_eq!(
        (&one["Address"], &one["VpcId"]),
        (&json!("10.0.250.8"), &json!("vpc-lab"))
    );
    let by_use = ("InstanceChargeType", "PayByCLCU");
    let again = [&[by_use], &inside[..]].concat();
    assert_eq!(
        lab.refused("CreateLoadBalancer", &again).await,
        "InvalidParameter"
    );
    // Outside of it, or kept by the cloud for itself.
    for address in ["10.1.0.1", "10.0.0.0", "10.0.255.253", "10.0.255.255"] {
        let refused = [by_use, inside[0], inside[1], ("Address", address)];
        assert_eq!(
            lab.refused("CreateLoadBalancer", &refused).await,
            "InvalidParameter",
            "{address}"
        );
    }
    let none = [by_use, ("AddressType", "intranet")];
    assert_eq!(
        lab.refused("CreateLoadBalancer", &none).await,
        "MissingParam.VSwitchId"
    );
    let ipv6 = [by_use, inside[0], inside[1], ("AddressIPVersion", "ipv6")];
    assert_eq!(
        lab.refused("CreateLoadBalancer", &ipv6).await,
        "InvalidParameter.Mismatch"
    );
    lab.call("DeleteLoadBalancer", &[("LoadBalancerId", &id)])
        .await
        .unwrap();
    lab.load_balancer(&inside).await;
}

#[tokio::test]
async fn who_has_an_address_of_a_vswitch_can_be_read() {
    let lab = Lab::start().await;
    let inside = [("AddressType", "intranet"), ("VSwitchId", "vsw-k")];
    let at = |address: &'static str| [&inside[..], &[("Address", address)]].concat();
    let id = lab.load_balancer(&at("10.0.250.8")).await;
    for (address, count) in [("10.0.250.8", 1), ("10.0.250.9", 0)] {
        let found = lab.call("DescribeLoadBalancers", &at(address)).await.unwrap();
        assert_eq!(found["TotalCount"], count, "{address}");
    }
    let elsewhere = [inside[0], ("VSwitchId", "vsw-j"), ("Address", "10.0.250.8")];
    let found = lab.call("DescribeLoadBalancers", &elsewhere).await.unwrap();
    assert_eq!(found["TotalCount"], 0);
    lab.call("DeleteLoadBalancer", &[("LoadBalancerId", &id)])
        .await
        .unwrap();

    let addresses = ["10.0.250.8".parse().unwrap()];
    let interface = NetworkInterface::new("eni-1", "vpc-lab", "vsw-k", "cn-hangzhou-k", &addresses);
    lab.account.add_network_interface(interface);
    let by_use = [&[("InstanceChargeType", "PayByCLCU")], &at("10.0.250.8")[..]].concat();
    assert_eq!(
        lab.refused("CreateLoadBalancer", &by_use).await,
        "InvalidParameter"
    );
}

#[tokio::test]
async fn a_full_vswitch_says_so() {
    let lab = Lab::start().await;
    let net = "10.2.0.0/24".parse().unwrap();
    let full = cloud_sim::VSwitch::new("vsw-full", "vpc-lab", "cn-hangzhou-k", net).with_free_addresses(1);
    lab.account.add_vswitch(full);
    let inside = [("AddressType", "intranet"), ("VSwitchId", "vsw-full")];
    let id = lab.load_balancer(&inside).await;
    let more = [&[("InstanceChargeType", "PayByCLCU")], &inside[..]].concat();
    assert_eq!(
        lab.refused("CreateLoadBalancer", &more).await,
        "VSwitchAvailableIpNotExist"
    );
    lab.call("DeleteLoadBalancer", &[("LoadBalancerId", &id)])
        .await
        .unwrap();
    lab.load_balancer(&inside).await;
}

#[tokio::test]
async fn a_client_token_makes_one_load_balancer_ever() {
    let lab = Lab::start().await;
    let token = ("ClientToken", "token-1");
    let first = lab.load_balancer(&[token]).await;
    assert_eq!(lab.load_balancer(&[token]).await, first);
    let other = [
        token,
        ("InstanceChargeType", "PayByCLCU"),
        ("LoadBalancerName", "other"),
    ];
    assert_eq!(
        lab.refused("CreateLoadBalancer", &other).await,
        "LX_REQUEST_TOKEN_CONFLICT"
    );
    lab.call("DeleteLoadBalancer", &[("LoadBalancerId", &first)])
        .await
        .unwrap();
    assert_eq!(
        lab.load_balancer(&[token]).await,
        first,
        "after the deletion it replays the old id"
    );
    let found = lab
        .call("DescribeLoadBalancers", &[("LoadBalancerId", &first)])
        .await
        .unwrap();
    assert_eq!(found["TotalCount"], 0, "and makes nothing");
}

#[tokio::test]
async fn paging_needs_a_page_number() {
    let lab = Lab::start().await;
    for _ in 0..8 {
        lab.load_balancer(&[]).await;
    }
    let rows = |answer: serde_json::Value| answer["LoadBalancers"]["LoadBalancer"].as_array().unwrap().len();
    assert_eq!(rows(lab.call("DescribeLoadBalancers", &[]).await.unwrap()), 10);
    let size_only = lab
        .call("DescribeLoadBalancers", &[("PageSize", "5")])
        .await
        .unwrap();
    assert_eq!(rows(size_only), 10);
    let both = lab
        .call("DescribeLoadBalancers", &[("PageSize", "5"), ("PageNumber", "3")])
        .await
        .unwrap();
    assert_eq!(both["TotalCount"], 12);
    assert_eq!(rows(both), 2);
}

#[tokio::test]
async fn several_tags_in_the_old_filter_mean_any_of_them() {
    let lab = Lab::start().await;
    let tag = [("Tag.1.Key", "a"), ("Tag.1.Value", "1")];
    let a = lab.load_balancer(&tag).await;
    lab.load_balancer(&[("Tag.1.Key", "b"), ("Tag.1.Value", "")])
        .await;
    let count = |answer: serde_json::Value| answer["TotalCount"].clone();
    let any = r#"[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":""}]"#;
    assert_eq!(
        count(lab.call("DescribeLoadBalancers", &[("Tags", any)]).await.unwrap()),
        2
    );
    let all = [tag[0], tag[1], ("Tag.2.Key", "b"), ("Tag.2.Value", "")];
    assert_eq!(count(lab.call("DescribeLoadBalancers", &all).await.unwrap()), 0);
    let one = lab.call("DescribeLoadBalancers", &tag).await.unwrap();
    assert_eq!(
        one["LoadBalancers"]["LoadBalancer"][0]["LoadBalancerId"],
        json!(a)
    );
    assert_eq!(
        lab.refused("DescribeLoadBalancers", &[("Tags", "a=1")]).await,
        "InvalidTag"
    );
}

#[tokio::test]
async fn protections() {
    let lab = Lab::start().await;
    let id = lab
        .load_balancer(&[
            ("DeleteProtection", "on"),
            ("ModificationProtectionStatus", "ConsoleProtection"),
        ])
        .await;
    let lb = ("LoadBalancerId", id.as_str());
    assert_eq!(
        lab.refused("DeleteLoadBalancer", &[lb]).await,
        "OperationDenied.DeleteProtectionIsOn"
    );
    lab.call("SetLoadBalancerName", &[lb, ("LoadBalancerName", "n")])
        .await
        .expect("it binds the console only");
    let reason = [
        lb,
        ("ModificationProtectionStatus", "NonProtection"),
        ("ModificationProtectionReason", "why"),
    ];
    let code = lab
        .refused("SetLoadBalancerModificationProtection", &reason)
        .await;
    assert_eq!(code, "InvalidParam.ModificationProtectionReason");
    lab.call(
        "SetLoadBalancerDeleteProtection",
        &[lb, ("DeleteProtection", "off")],
    )
    .await
    .unwrap();
    lab.tcp(&id, "80", &lab.group(&id, "g").await).await;
    lab.call("DeleteLoadBalancer", &[lb])
        .await
        .expect("listeners and groups go with it");
    assert_eq!(
        lab.refused("DescribeVServerGroups", &[lb]).await,
        "InvalidLoadBalancerId.NotFound"
    );
}

#[tokio::test]
async fn untagging_without_keys_removes_every_tag() {
    let lab = Lab::start().await;
    let id = lab
        .load_balancer(&[("Tag.1.Key", "a"), ("Tag.1.Value", "1")])
        .await;
    let what = [("ResourceType", "instance"), ("ResourceId.1", id.as_str())];
    let more = [what[0], what[1], ("Tag.1.Key", "b"), ("Tag.1.Value", "2")];
    lab.call("TagResources", &more).await.unwrap();
    let shown = |answer: serde_json::Value| answer["TagResources"]["TagResource"].as_array().unwrap().len();
    assert_eq!(shown(lab.call("ListTagResources", &what).await.unwrap()), 2);
    lab.call("UntagResources", &[what[0], what[1], ("TagKey.1", "b")])
        .await
        .unwrap();
    assert_eq!(shown(lab.call("ListTagResources", &what).await.unwrap()), 1);
    lab.call("UntagResources", &what).await.unwrap();
    assert_eq!(shown(lab.call("ListTagResources", &what).await.unwrap()), 0);
    let reserved = [what[0], what[1], ("Tag.1.Key", "acs:mine"), ("Tag.1.Value", "2")];
    assert_eq!(
        lab.refused("TagResources", &reserved).await,
        "InvalidParam.TagKey"
    );
    assert_eq!(
        lab.refused("ListTagResources", &[what[0]]).await,
        "MissingParam.TagOrResourceId"
    );
}
