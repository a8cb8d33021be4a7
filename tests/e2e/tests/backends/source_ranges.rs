//! `spec.loadBalancerSourceRanges`: an access control list of ours.

use clb_e2e::{Api, listener, load_balancer_of, service_api};
use cloud_sim::{Fault, FaultKind};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{Lab, by_hand, on_both_apis};

on_both_apis!(
    source_ranges_are_an_access_control_list,
    a_list_that_a_crash_left_unused_is_found_again,
    ranges_of_both_families_and_all_addresses,
    the_family_of_the_clb_that_is_there_counts,
    entries_that_a_person_changes_are_put_right,
);

/// The ranges of the lists that were made for Services.
pub(crate) fn lists(lab: &Lab) -> Vec<(String, Vec<String>)> {
    let state = lab.account.state();
    let lists = state["acls"].as_object().into_iter().flatten();
    lists
        .filter(|(_, list)| {
            list["AclName"]
                .as_str()
                .is_some_and(|name| name.starts_with("k8s/"))
        })
        .map(|(id, list)| {
            let entries = list["AclEntrys"].as_array().into_iter().flatten();
            let mut ranges: Vec<String> = entries
                .map(|entry| clb_e2e::text(entry, "AclEntryIP").to_owned())
                .collect();
            ranges.sort_unstable();
            (id.clone(), ranges)
        })
        .collect()
}

async fn list_is(lab: &Lab, wanted: &[&str]) -> anyhow::Result<String> {
    lab.stage
        .until(&format!("the only list holds {wanted:?}"), async || {
            let lists = lists(lab);
            Ok(lists.len() == 1 && lists[0].1 == wanted)
        })
        .await?;
    Ok(lists(lab).remove(0).0)
}

/// They come, change and go; at no time is a listener open to everyone, and nothing is left of them.
async fn source_ranges_are_an_access_control_list(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let with = |ranges: Value| {
        by_hand("web")
            .tcp(80)
            .tcp(81)
            .spec("loadBalancerSourceRanges", ranges)
    };
    let before = lab.now();
    let uid = lab.apply(&with(json!(["10.0.0.0/8", "192.168.0.0/16"]))).await?;
    lab.stage.converged(1).await?;
    let list = list_is(&lab, &["10.0.0.0/8", "192.168.0.0/16"]).await?;
    let state = load_balancer_of(&lab.stage, &uid);
    for name in ["tcp/80", "tcp/81"] {
        let listener = listener(&state, name);
        assert_eq!(
            (&listener["AclStatus"], &listener["AclType"]),
            (&json!("on"), &json!("white"))
        );
        assert_eq!(listener["AclId"], list.as_str());
    }
    assert_eq!(
        lab.calls(before, "SetLoadBalancerTCPListener").len(),
        0,
        "made with the list, not given it later"
    );

    let many: Vec<String> = (0..120).map(|number| format!("172.16.{number}.0/24")).collect();
    let before = lab.now();
    lab.apply(&with(json!(many))).await?;
    let mut sorted: Vec<&str> = many.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!(list_is(&lab, &sorted).await?, list);
    let changes: Vec<String> = lab
        .calls(before, "AccessControlListEntry")
        .into_iter()
        .map(|call| call.action)
        .collect();
    assert_eq!(
        changes,
        [
            "AddAccessControlListEntry",
            "AddAccessControlListEntry",
            "AddAccessControlListEntry",
            "RemoveAccessControlListEntry"
        ]
    );

    lab.apply(&with(json!([]))).await?;
    lab.stage
        .until("everyone may connect and the list is gone", async || {
            let state = load_balancer_of(&lab.stage, &uid);
            Ok(lists(&lab).is_empty()
                && ["tcp/80", "tcp/81"]
                    .iter()
                    .all(|name| listener(&state, name)["AclStatus"] == "off"))
        })
        .await?;

    lab.apply(&with(json!(["10.0.0.0/8"]))).await?;
    list_is(&lab, &["10.0.0.0/8"]).await?;
    // With the annotations for access control lists beside them they are a mistake, and nothing changes.
    lab.apply(&with(json!(["10.0.0.0/8"])).annotated("acl-status", "off"))
        .await?;
    lab.says("web", "not both").await?;
    list_is(&lab, &["10.0.0.0/8"]).await?;
    lab.delete("web").await?;
    lab.stage
        .until("the list goes with the Service", async || {
            Ok(lists(&lab).is_empty())
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// The list is filled and the listener cannot be made; the services are killed and started again: there is one list, and it is used.
async fn a_list_that_a_crash_left_unused_is_found_again(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let refused = FaultKind::Error {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
        message: String::new(),
    };
    let cloud = lab.stage.world.cloud.cloud();
    cloud.order_fault(Fault::next(FaultKind::ResetAfter).of("CreateAccessControlList"));
    cloud.order_fault(Fault::next(refused).of("CreateLoadBalancerTCPListener").always());
    let uid = lab
        .apply(
            &by_hand("web")
                .tcp(80)
                .spec("loadBalancerSourceRanges", json!(["10.0.0.0/8"])),
        )
        .await?;
    let list = list_is(&lab, &["10.0.0.0/8"]).await?;
    lab.stage
        .until("the listener was refused", async || {
            Ok(!lab.calls(0, "CreateLoadBalancerTCPListener").is_empty())
        })
        .await?;
    lab.stage.world.services.stop().await;
    lab.stage.world.cloud.cloud().clear_faults();
    lab.stage.world.services.restart().await?;
    lab.stage.converged(1).await?;
    assert_eq!(list_is(&lab, &["10.0.0.0/8"]).await?, list);
    let state = load_balancer_of(&lab.stage, &uid);
    let listener = listener(&state, "tcp/80");
    assert_eq!(
        (&listener["AclId"], &listener["AclStatus"]),
        (&json!(list), &json!("on"))
    );
    assert_eq!(
        lab.calls(0, "CreateAccessControlList")
            .iter()
            .filter(|call| call.applied)
            .count(),
        1
    );
    // A change of the type takes the list along as a deletion does.
    let to_cluster_ip = json!({"spec": {"type": "ClusterIP", "loadBalancerSourceRanges": null}});
    service_api(&lab.stage)
        .patch("web", &PatchParams::default(), &Patch::Merge(to_cluster_ip))
        .await?;
    lab.stage
        .until("nothing is left", async || {
            Ok(lists(&lab).is_empty() && clb_e2e::our_load_balancers(&lab.stage).is_empty())
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// Those of the CLB's family are in the list, the others are named; 0.0.0.0/0 is a range like any other; with none of its family it is a
/// mistake, because an empty list lets everyone in.
async fn ranges_of_both_families_and_all_addresses(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let with = |ranges: Value| by_hand("web").tcp(80).spec("loadBalancerSourceRanges", ranges);
    lab.apply(&with(json!(["10.0.0.0/8", "2001:db8::/32"]))).await?;
    list_is(&lab, &["10.0.0.0/8"]).await?;
    lab.says("web", "2001:db8::/32 are not of the CLB's family")
        .await?;
    lab.apply(&with(json!(["0.0.0.0/0"]))).await?;
    list_is(&lab, &["0.0.0.0/0"]).await?;
    lab.stage.converged(1).await?;
    let before = lab.now();
    lab.apply(&with(json!(["2001:db8::/32"]))).await?;
    lab.says("web", "at least one range of the CLB's family").await?;
    assert_eq!(lab.calls(before, "").len(), 0);
    list_is(&lab, &["0.0.0.0/0"]).await?;
    lab.stage.end().await;
    Ok(())
}

/// Not the one that annotations ask for: on a user's CLB without a range that its list could hold nothing is opened, and on the Service's
/// own the ranges stay in force though an annotation asks for another family.
async fn the_family_of_the_clb_that_is_there_counts(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let parameters = [
        ("RegionId", "cn-hangzhou"),
        ("AddressType", "internet"),
        ("AddressIPVersion", "ipv6"),
        ("InstanceChargeType", "PayByCLCU"),
        ("LoadBalancerName", "of-ipv6"),
    ];
    let answer = lab.account.call("CreateLoadBalancer", &parameters);
    let answer = answer.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let users = clb_e2e::text(&answer, "LoadBalancerId").to_owned();
    let on_users = |ranges: Value| {
        by_hand("users")
            .tcp(80)
            .annotated("id", &users)
            .annotated("force-override-listeners", "true")
            .spec("loadBalancerSourceRanges", ranges)
    };
    let state = || lab.account.load_balancer(&users);
    let (untouched, before) = (state(), lab.now());
    lab.apply(&on_users(json!(["10.0.0.0/8"]))).await?;
    lab.says(
        "users",
        "at least one range of the CLB's family, ipv6, for example 2001:db8::/32",
    )
    .await?;
    let writes = lab.calls(before, "").into_iter().filter(|call| call.write);
    assert_eq!(writes.map(|call| call.action).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(state(), untouched);

    lab.apply(&on_users(json!(["10.0.0.0/8", "2001:db8::/32"])))
        .await?;
    let list = list_is(&lab, &["2001:db8::/32"]).await?;
    lab.says("users", "10.0.0.0/8 are not of the CLB's family")
        .await?;
    lab.stage
        .until("the listener is there with its list", async || {
            let listener = &state().unwrap_or_default()["listeners"]["tcp/80"];
            Ok(listener["AclStatus"] == "on" && listener["AclId"] == list.as_str())
        })
        .await?;
    lab.delete("users").await?;

    let own = |ranges: Value| by_hand("own").tcp(80).spec("loadBalancerSourceRanges", ranges);
    lab.apply(&own(json!(["10.0.0.0/8"]))).await?;
    lab.stage.converged(1).await?;
    let asks = own(json!(["10.0.0.0/8", "192.168.0.0/16"])).annotated("ip-version", "ipv6");
    lab.apply(&asks).await?;
    list_is(&lab, &["10.0.0.0/8", "192.168.0.0/16"]).await?;
    lab.says("own", "ip-version").await?;
    lab.stage.end().await;
    Ok(())
}

/// By whoever plans next: here after a restart, which reads everything.
async fn entries_that_a_person_changes_are_put_right(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.apply(&by_hand("web").tcp(80).spec(
        "loadBalancerSourceRanges",
        json!(["10.0.0.0/8", "192.168.0.0/16"]),
    ))
    .await?;
    let list = list_is(&lab, &["10.0.0.0/8", "192.168.0.0/16"]).await?;
    lab.stage.converged(1).await?;
    for (action, entry) in [
        ("AddAccessControlListEntry", "47.0.0.0/8"),
        ("RemoveAccessControlListEntry", "10.0.0.0/8"),
    ] {
        let entries = json!([{"entry": entry, "comment": ""}]).to_string();
        let parameters = [
            ("RegionId", "cn-hangzhou"),
            ("AclId", &list),
            ("AclEntrys", &entries),
        ];
        let answer = lab.account.call(action, &parameters);
        answer.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    }
    lab.stage.world.services.restart().await?;
    list_is(&lab, &["10.0.0.0/8", "192.168.0.0/16"]).await?;
    lab.stage.end().await;
    Ok(())
}
