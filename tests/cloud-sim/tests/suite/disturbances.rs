//! What goes wrong: concurrent changes, limits, quotas and ordered faults.

use std::time::Duration;

use cloud_sim::{Fault, FaultKind, Limits, Options, Outcome, Quotas};
use serde_json::json;

use crate::client::{Failed, Lab, text};

/// Options with which every change of a load balancer keeps it busy for an hour.
fn slow() -> Options {
    let mut options = Options::default();
    options.circumstances.settle_time = Duration::from_secs(3600);
    options
}

#[tokio::test]
async fn one_change_at_a_time_per_load_balancer() {
    let lab = Lab::with(slow()).await;
    let lb = lab.load_balancer(&[]).await;
    let lb = ("LoadBalancerId", lb.as_str());
    let refused = async |action: &str, parameters: &[(&str, &str)]| match lab
        .call(action, &[&[lb], parameters].concat())
        .await
    {
        Err(Failed::Refused(status, code)) => (status, code),
        other => panic!("{action}: {other:?}"),
    };
    let code = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(
        refused("SetLoadBalancerName", &[("LoadBalancerName", "n")]).await,
        code(400, "ServiceIsConfiguring")
    );
    assert_eq!(
        refused("CreateVServerGroup", &[]).await,
        code(400, "VServerGroupProcessing")
    );
    let listener = [
        ("ListenerPort", "80"),
        ("Bandwidth", "-1"),
        ("BackendServerPort", "80"),
    ];
    assert_eq!(
        refused("CreateLoadBalancerTCPListener", &listener).await,
        code(400, "ListenerProcessing")
    );
    assert_eq!(
        refused("StartLoadBalancerListener", &listener[..1]).await,
        code(400, "Operation.Deny")
    );
    let stop = refused("StopLoadBalancerListener", &listener[..1]).await;
    assert_eq!(stop, code(400, "OperationFailed.ListenerStatusNotSupport"));
    assert_eq!(
        refused("SetLoadBalancerDeleteProtection", &[("DeleteProtection", "on")]).await,
        code(449, "SystemBusy")
    );
    assert_eq!(
        refused("DeleteLoadBalancer", &[]).await,
        code(400, "ServiceIsConfiguring")
    );
    lab.call("DescribeLoadBalancerAttribute", &[lb])
        .await
        .expect("reads are not kept waiting");
    let tag = [
        ("ResourceType", "instance"),
        ("ResourceId.1", lb.1),
        ("Tag.1.Key", "a"),
        ("Tag.1.Value", "b"),
    ];
    lab.call("TagResources", &tag)
        .await
        .expect("tags are no configuration");
    lab.load_balancer(&[]).await;
}

#[tokio::test]
async fn groups_have_their_own_words_for_busy() {
    let lab = Lab::start().await;
    let lb = lab.load_balancer(&[]).await;
    let group = lab.group(&lb, "g").await;
    lab.sim
        .cloud()
        .change_circumstances(|it| it.settle_time = Duration::from_secs(3600));
    let backends = json!([{ "ServerId": "i-mine", "Port": 80 }]).to_string();
    let call = [
        ("VServerGroupId", group.as_str()),
        ("BackendServers", backends.as_str()),
    ];
    lab.call("AddVServerGroupBackendServers", &call).await.unwrap();
    let again = lab.refused("AddVServerGroupBackendServers", &call).await;
    assert_eq!(again, "OperationFailed.ServiceGroupProcessing");
    let remove = lab
        .call("RemoveVServerGroupBackendServers", &call)
        .await
        .unwrap_err();
    assert_eq!(
        remove,
        Failed::Refused(409, "BackendServer.configuring".to_owned())
    );
    let modify = [call[0], ("NewBackendServers", backends.as_str())];
    assert_eq!(
        lab.refused("ModifyVServerGroupBackendServers", &modify).await,
        "OperationBusy"
    );
    assert_eq!(
        lab.refused("DeleteVServerGroup", &call[..1]).await,
        "VServerGroupProcessing"
    );
}

#[tokio::test]
async fn a_token_whose_call_is_being_carried_out_has_to_wait() {
    let mut options = Options::default();
    options.circumstances.write_time = Duration::from_secs(3600);
    let lab = Lab::with(options).await;
    let parameters = [("InstanceChargeType", "PayByCLCU"), ("ClientToken", "t")];
    let client = lab.client.clone();
    let first = tokio::spawn(async move {
        let region = ("RegionId", cloud_sim::lab::REGION);
        client
            .slb("CreateLoadBalancer", &[&[region], &parameters[..]].concat())
            .await
    });
    lab.sim
        .cloud()
        .last_call()
        .wait_for(|number| *number > 0)
        .await
        .unwrap();
    assert_eq!(
        lab.refused("CreateLoadBalancer", &parameters).await,
        "OperationFailed.TokenIsProcessing"
    );
    first.abort();
}

#[tokio::test]
async fn limits_count_by_action() {
    let limits = Limits {
        writes: 2,
        ..Limits::default()
    };
    let lab = Lab::with(Options {
        limits: Some(limits),
        ..Options::default()
    })
    .await;
    let lb = lab.load_balancer(&[]).await;
    lab.load_balancer(&[]).await;
    let third = lab
        .refused("CreateLoadBalancer", &[("InstanceChargeType", "PayByCLCU")])
        .await;
    assert_eq!(third, "Throttling.User");
    lab.group(&lb, "g").await; // another action has a limit of its own
    lab.sim.cloud().set_limits(None);
    lab.load_balancer(&[]).await;
}

#[tokio::test]
async fn quotas_of_an_account_and_a_load_balancer() {
    let quotas = Quotas {
        load_balancers: 5,
        listeners: 1,
        tags: 2,
        ..Quotas::default()
    };
    let mut options = Options::default();
    options.circumstances.quotas = quotas;
    let lab = Lab::with(options).await;
    let lb = lab
        .load_balancer(&[("Tag.1.Key", "a"), ("Tag.1.Value", "1")])
        .await;
    let sixth = lab
        .refused("CreateLoadBalancer", &[("InstanceChargeType", "PayByCLCU")])
        .await;
    assert_eq!(sixth, "OverQuota");
    let group = lab.group(&lb, "g").await;
    lab.tcp(&lb, "80", &group).await;
    let second = [
        ("LoadBalancerId", lb.as_str()),
        ("ListenerPort", "81"),
        ("VServerGroupId", &group),
        ("Bandwidth", "-1"),
    ];
    assert_eq!(
        lab.refused("CreateLoadBalancerTCPListener", &second).await,
        "ListenerNumberOverLimit"
    );
    let tags = [
        ("ResourceType", "instance"),
        ("ResourceId.1", lb.as_str()),
        ("Tag.1.Key", "b"),
        ("Tag.2.Key", "c"),
    ];
    assert_eq!(lab.refused("TagResources", &tags).await, "QuotaLimitExceeds");
    let tags = [
        ("LoadBalancerId", lb.as_str()),
        (
            "Tags",
            r#"[{"TagKey":"b","TagValue":""},{"TagKey":"c","TagValue":""}]"#,
        ),
    ];
    assert_eq!(lab.refused("AddTags", &tags).await, "TagCountLimit");
}

#[tokio::test]
async fn faults_come_to_the_calls_that_they_were_ordered_for() {
    let lab = Lab::start().await;
    let cloud = lab.sim.cloud();
    cloud.order_fault(
        Fault::next(FaultKind::Throttle)
            .of("DescribeLoad*")
            .after(1)
            .times(2),
    );
    let read = [("LoadBalancerId", "lb-reuse-04")];
    lab.call("DescribeLoadBalancers", &read)
        .await
        .expect("one passes first");
    lab.call("DescribeVServerGroups", &read)
        .await
        .expect("another action");
    assert_eq!(
        lab.refused("DescribeLoadBalancers", &read).await,
        "Throttling.User"
    );
    assert_eq!(
        lab.refused("DescribeLoadBalancerAttribute", &read).await,
        "Throttling.User"
    );
    lab.call("DescribeLoadBalancers", &read).await.expect("used up");
    let error = FaultKind::Error {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
        message: "m".to_owned(),
    };
    cloud.order_fault(Fault::next(error).on("lb-reuse-05").always());
    lab.call("DescribeVServerGroups", &read)
        .await
        .expect("another resource");
    for _ in 0..3 {
        let failed = lab
            .call("DescribeVServerGroups", &[("LoadBalancerId", "lb-reuse-05")])
            .await
            .unwrap_err();
        assert_eq!(failed, Failed::Refused(503, "ServiceUnavailable".to_owned()));
    }
    cloud.clear_faults();
    lab.call("DescribeVServerGroups", &[("LoadBalancerId", "lb-reuse-05")])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_change() {
    let lab = Lab::start().await;
    let cloud = lab.sim.cloud();
    let create = [("InstanceChargeType", "PayByCLCU")];
    cloud.order_fault(Fault::next(FaultKind::ResetBefore));
    assert_eq!(lab.call("CreateLoadBalancer", &create).await, Err(Failed::Broken));
    assert_eq!(lab.account.load_balancer_ids().len(), 4);
    cloud.order_fault(Fault::next(FaultKind::ResetAfter));
    assert_eq!(lab.call("CreateLoadBalancer", &create).await, Err(Failed::Broken));
    assert_eq!(lab.account.load_balancer_ids().len(), 5);
    let outcomes: Vec<(Outcome, bool)> = cloud
        .calls()
        .into_iter()
        .map(|call| (call.outcome, call.applied))
        .collect();
    assert_eq!(
        outcomes,
        [
            (Outcome::Reset { applied: false }, false),
            (Outcome::Reset { applied: true }, true)
        ]
    );
}

#[tokio::test]
async fn a_yes_that_comes_to_nothing_or_late() {
    let lab = Lab::start().await;
    let cloud = lab.sim.cloud();
    let name = |name: &'static str| [("LoadBalancerId", "lb-reuse-04"), ("LoadBalancerName", name)];
    let current = || lab.account.load_balancer("lb-reuse-04").unwrap()["LoadBalancerName"].clone();
    cloud.order_fault(Fault::next(FaultKind::ApplyNever));
    lab.call("SetLoadBalancerName", &name("never")).await.unwrap();
    assert_eq!(current(), "users-04");
    assert!(cloud.writes().is_empty(), "nothing was applied");
    cloud.order_fault(Fault::next(FaultKind::ApplyLate { milliseconds: 1 }).of("CreateLoadBalancer"));
    let made = text(
        &lab.call("CreateLoadBalancer", &[("InstanceChargeType", "PayByCLCU")])
            .await
            .unwrap(),
        "LoadBalancerId",
    );
    while !lab.account.load_balancer_ids().contains(&made) {
        tokio::task::yield_now().await;
    }
}

/// The journal's order is that of the changes, also where one comes late; one that is refused by then has changed nothing.
#[tokio::test]
async fn a_late_change_is_in_the_journal_when_it_is_made() {
    let lab = Lab::start().await;
    let (cloud, account) = (lab.sim.cloud().clone(), lab.account.clone());
    let gone = lab.load_balancer(&[]).await;
    let before = *cloud.last_call().borrow();
    // Until the simulator ends.
    let late = FaultKind::ApplyLate {
        milliseconds: u64::MAX,
    };
    cloud.order_fault(Fault::next(late.clone()).of("SetLoadBalancerName"));
    cloud.order_fault(Fault::next(late).of("CreateVServerGroup"));
    for name in ["late", "at-once"] {
        let name = [("LoadBalancerId", "lb-reuse-04"), ("LoadBalancerName", name)];
        lab.call("SetLoadBalancerName", &name).await.unwrap();
    }
    let of_gone = [("LoadBalancerId", gone.as_str())];
    lab.call("CreateVServerGroup", &of_gone).await.unwrap();
    lab.call("DeleteLoadBalancer", &of_gone).await.unwrap();
    let calls = || -> Vec<(String, bool)> {
        let calls = cloud.calls_since(before).into_iter();
        calls.map(|call| (call.action, call.applied)).collect()
    };
    let call = |action: &str, applied| (action.to_owned(), applied);
    let at_once = [
        call("SetLoadBalancerName", true),
        call("DeleteLoadBalancer", true),
    ];
    assert_eq!(calls(), at_once);
    lab.sim.shutdown().await;
    let mut last = cloud.last_call();
    last.wait_for(|number| *number == before + 4).await.unwrap();
    assert_eq!(
        account.load_balancer("lb-reuse-04").unwrap()["LoadBalancerName"],
        "late"
    );
    let mut late = calls().split_off(at_once.len());
    late.sort();
    assert_eq!(
        late,
        [
            call("CreateVServerGroup", false),
            call("SetLoadBalancerName", true)
        ]
    );
}

#[tokio::test]
async fn a_call_is_held_until_the_faults_are_cleared() {
    let lab = Lab::start().await;
    let cloud = lab.sim.cloud();
    cloud.order_fault(Fault::next(FaultKind::Hold).of("SetLoadBalancerName"));
    let name = |name: &'static str| [("LoadBalancerId", "lb-reuse-04"), ("LoadBalancerName", name)];
    let (held, second) = (name("held"), name("second"));
    let let_go = async {
        while !cloud.pending_faults().is_empty() {
            tokio::task::yield_now().await;
        }
        lab.call("SetLoadBalancerName", &second).await.unwrap();
        let calls = cloud.calls().len();
        cloud.clear_faults();
        calls
    };
    let (answer, before) = tokio::join!(lab.call("SetLoadBalancerName", &held), let_go);
    answer.unwrap();
    assert_eq!(before, 1, "the held call had not gone on");
    assert_eq!(
        lab.account.load_balancer("lb-reuse-04").unwrap()["LoadBalancerName"],
        "held"
    );
}

#[tokio::test]
async fn a_call_is_carried_out_even_when_its_caller_hangs_up() {
    let lab = Lab::start().await;
    let cloud = lab.sim.cloud();
    cloud.order_fault(Fault::next(FaultKind::StallAnswer {
        milliseconds: 3_600_000,
    }));
    let client = lab.client.clone();
    let call = tokio::spawn(async move {
        let parameters = [
            ("RegionId", "cn-hangzhou"),
            ("LoadBalancerId", "lb-reuse-04"),
            ("LoadBalancerName", "late"),
        ];
        client.slb("SetLoadBalancerName", &parameters).await
    });
    cloud.last_call().wait_for(|number| *number > 0).await.unwrap();
    call.abort();
    assert_eq!(
        lab.account.load_balancer("lb-reuse-04").unwrap()["LoadBalancerName"],
        "late"
    );
}

#[tokio::test]
async fn faults_and_the_journal_can_be_had_over_http() {
    let lab = Lab::start().await;
    let url = |path: &str| format!("{}/_sim/{path}", lab.sim.endpoint());
    let http = reqwest::Client::new();
    let fault = json!({
        "kind": "error", "status": 500, "code": "InternalError", "action": "SetLoadBalancerName", "times": 1,
    });
    assert_eq!(
        http.post(url("faults"))
            .json(&fault)
            .send()
            .await
            .unwrap()
            .status(),
        201
    );
    let name = [("LoadBalancerId", "lb-reuse-04"), ("LoadBalancerName", "n")];
    assert_eq!(lab.refused("SetLoadBalancerName", &name).await, "InternalError");
    lab.call("SetLoadBalancerName", &name).await.unwrap();
    let get = async |path: &str| -> serde_json::Value {
        http.get(url(path)).send().await.unwrap().json().await.unwrap()
    };
    let calls = get("calls").await;
    let seen: Vec<_> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (&call["action"], &call["outcome"]["result"]))
        .collect();
    let action = json!("SetLoadBalancerName");
    assert_eq!(seen, [(&action, &json!("error")), (&action, &json!("ok"))]);
    let counters = get("counters").await;
    assert_eq!(
        (
            &counters["writes"],
            &counters["writes_applied"],
            &counters["errors"]
        ),
        (&json!(2), &json!(1), &json!(1))
    );
    let state = get(&format!("state?account={}", cloud_sim::DEFAULT_ACCOUNT)).await;
    assert_eq!(state["load_balancers"]["lb-reuse-04"]["LoadBalancerName"], "n");
    assert_eq!(http.delete(url("calls")).send().await.unwrap().status(), 204);
    assert_eq!(get("calls?after=1").await, json!([]));
}
