//! What a batch makes of an empty cloud, and that it takes it away again.

use clb_model::attribute::ListenerAttribute;
use clb_model::operation::{Change, Outcome};

use crate::lab::{Lab, assert_succeeded, created, creation, listener, new_load_balancer};

#[tokio::test]
async fn a_clb_with_group_and_listener_is_created_in_one_batch() {
    let lab = Lab::start().await;
    let results = lab.execute(&lab.batch("uid-1", creation("uid-1"))).await;
    assert_succeeded(&results);

    let state = lab.account.load_balancer(&created(&results[0])).unwrap();
    let listener = &state["listeners"]["tcp/80"];
    assert_eq!(listener["Status"], "running", "{state:#}");
    assert_eq!(listener["Scheduler"], "rr");
    assert_eq!(listener["Description"], "k8s/80/nginx/default/c-lab");
    assert_eq!(state["DeleteProtection"], "on");
    assert_eq!(state["ModificationProtectionReason"], "managed.by.ack");
    assert_eq!(state["tags"]["ack.aliyun.com"], "c-lab");
}

#[tokio::test]
async fn what_the_cloud_fills_in_is_in_the_mirror_after_the_batch() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let key = "tcp:80".parse().unwrap();
    let seen = lab
        .seen(&id, |seen| {
            let listener = seen.listeners.get(&key);
            let known = listener.and_then(|listener| listener.attributes.get(ListenerAttribute::HealthCheck));
            known.is_some() && !seen.master_zone_id.is_empty()
        })
        .await;
    assert!(seen.listeners[&key].running);
    // One read each, not one per attribute: the cloud's defaults are read once.
    assert_eq!(lab.calls("DescribeLoadBalancerListeners"), 1);
    assert_eq!(lab.calls("DescribeVServerGroups"), 0);
}

#[tokio::test]
async fn deletion_switches_the_protection_off_and_takes_everything() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let batch = lab.batch_on("uid-1", &id, vec![Change::DeleteLoadBalancer]);
    assert_succeeded(&lab.execute(&batch).await);
    assert!(lab.account.load_balancer(id.as_str()).is_none());

    // Once more: it is gone, which is what was wanted.
    let again = lab.batch_on("uid-1", &id, vec![Change::DeleteLoadBalancer]);
    let results = lab.execute(&again).await;
    assert!(
        results[0].outcome.succeeded() || matches!(results[0].outcome, Outcome::Stale { .. }),
        "{results:?}"
    );
}

#[tokio::test]
async fn a_clb_that_was_not_created_for_the_service_is_not_deleted() {
    let lab = Lab::start().await;
    let mut watch = lab.watch().await;
    watch.interested_in("uid-1", Some("lb-reuse-04")).await;
    watch.resolved().await;
    let id = "lb-reuse-04".parse().unwrap();
    let results = lab
        .execute(&lab.batch_on("uid-1", &id, vec![Change::DeleteLoadBalancer]))
        .await;
    assert!(matches!(&results[0].outcome, Outcome::Rejected(_)), "{results:?}");
    assert!(lab.account.load_balancer("lb-reuse-04").is_some());
}

#[tokio::test]
async fn the_next_vswitch_is_tried_where_one_has_no_address() {
    let lab = Lab::with("", |sim| {
        let account = sim.cloud().account(cloud_sim::DEFAULT_ACCOUNT);
        let full = cloud_sim::VSwitch::new(
            "vsw-full",
            cloud_sim::lab::VPC,
            "cn-hangzhou-k",
            "10.9.0.0/28".parse().unwrap(),
        );
        account.add_vswitch(full.with_free_addresses(0));
    })
    .await;
    let mut new = new_load_balancer("uid-1");
    new.address_type = clb_model::cloud::AddressType::Intranet;
    new.vpc_id = Some(cloud_sim::lab::VPC.to_owned());
    new.vswitch_ids = vec!["vsw-full".to_owned(), "vsw-j".to_owned()];
    let results = lab
        .execute(&lab.batch("uid-1", vec![Change::CreateLoadBalancer(Box::new(new))]))
        .await;
    let id = crate::lab::created(&results[0]);
    assert_eq!(lab.account.load_balancer(&id).unwrap()["VSwitchId"], "vsw-j");
    assert_eq!(lab.calls("CreateLoadBalancer"), 2);
}

#[tokio::test]
async fn a_vpc_that_the_cluster_may_not_use_is_refused_without_a_call() {
    let lab = Lab::start().await;
    let mut new = new_load_balancer("uid-1");
    new.vpc_id = Some("vpc-other".to_owned());
    let results = lab
        .execute(&lab.batch("uid-1", vec![Change::CreateLoadBalancer(Box::new(new))]))
        .await;
    let Outcome::Rejected(error) = &results[0].outcome else {
        panic!("{results:?}");
    };
    assert!(error.message.contains("vpc-other"), "{error:?}");
    assert_eq!(lab.calls("CreateLoadBalancer"), 0);
}

#[tokio::test]
async fn a_failed_operation_holds_up_only_what_depends_on_it() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let mut wrong = listener("https:443", 1);
    wrong
        .attributes
        .set(ListenerAttribute::ServerCertificateId, "cert-none");
    let changes = vec![
        crate::lab::group("k8s/30443/nginx/default/c-lab", Vec::new()),
        Change::CreateListener(wrong),
        Change::StartListener {
            listener: "https:443".parse().unwrap(),
        },
        Change::CreateListener(listener("udp:53", 1)),
    ];
    let mut batch = lab.batch_on("uid-1", &id, changes);
    batch.operations[2].after = vec![batch.operations[1].id];
    let results = lab.execute(&batch).await;
    let outcomes: Vec<&Outcome> = results.iter().map(|result| &result.outcome).collect();
    assert!(outcomes[0].succeeded() && outcomes[3].succeeded(), "{outcomes:?}");
    assert!(matches!(outcomes[1], Outcome::Rejected(_)), "{outcomes:?}");
    assert!(matches!(outcomes[2], Outcome::Skipped { .. }), "{outcomes:?}");
}

#[tokio::test]
async fn a_cluster_cannot_touch_the_clb_of_another() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let mut batch = lab.batch_on("uid-2", &id, vec![Change::DeleteLoadBalancer]);
    batch.cluster = clb_model::ClusterId::new("c-other").unwrap();
    let results = lab.execute(&batch).await;
    assert!(matches!(&results[0].outcome, Outcome::Rejected(_)), "{results:?}");

    batch.cluster = clb_model::ClusterId::new("c-unknown").unwrap();
    let status = lab.try_execute(&batch).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied, "{status}");
}
