//! Changes to what is there.

use clb_model::attribute::{ListenerAttribute, ListenerAttributes};
use clb_model::operation::{Change, LoadBalancerChange, NewListener, Outcome, VServerGroupRef};
use cloud_sim::{Fault, FaultKind};

use crate::lab::{Lab, assert_succeeded, based_on, group, listener};

fn applied(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied { .. })
}

#[tokio::test]
async fn own_attributes_change_once_and_are_then_unchanged() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let changes = || {
        [
            LoadBalancerChange::Name("another-name".to_owned()),
            LoadBalancerChange::DeleteProtection(false),
            LoadBalancerChange::ModificationProtection(false),
            LoadBalancerChange::SetTags([("team".to_owned(), String::new())].into()),
            LoadBalancerChange::RemoveTags(vec!["absent".to_owned()]),
        ]
        .map(Change::ChangeLoadBalancer)
        .to_vec()
    };
    let results = lab.execute(&lab.batch_on("uid-1", &id, changes())).await;
    assert!(
        results[..4].iter().all(|result| applied(&result.outcome)),
        "{results:?}"
    );
    assert!(
        matches!(results[4].outcome, Outcome::Unchanged { .. }),
        "{results:?}"
    );
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    assert_eq!(state["LoadBalancerName"], "another-name");
    assert_eq!(state["tags"]["team"], "");

    let before = lab.sim.cloud().counters().writes;
    let results = lab.execute(&lab.batch_on("uid-1", &id, changes())).await;
    assert!(
        results
            .iter()
            .all(|result| matches!(result.outcome, Outcome::Unchanged { .. })),
        "{results:?}"
    );
    assert_eq!(lab.sim.cloud().counters().writes, before);
}

#[tokio::test]
async fn a_listener_changes_its_attributes_and_its_group() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let changes = vec![
        group("k8s/30081/nginx/default/c-lab", Vec::new()),
        Change::ChangeListener {
            listener: "tcp:80".parse().unwrap(),
            vgroup: Some(VServerGroupRef::CreatedBy(clb_model::operation::OperationId(1))),
            attributes: ListenerAttributes::new()
                .with(ListenerAttribute::Scheduler, "wrr")
                .with(ListenerAttribute::HealthCheckInterval, 7),
        },
    ];
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, changes)).await);
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    let listener = &state["listeners"]["tcp/80"];
    assert_eq!(listener["Scheduler"], "wrr", "{listener:#}");
    assert_eq!(listener["HealthCheckInterval"], 7, "{listener:#}");
    assert_eq!(
        listener["VServerGroupId"], "group:k8s/30081/nginx/default/c-lab",
        "{listener:#}"
    );
}

/// A listener's change repeats some of what the listener has. What a person has set since the last look is seen before that is sent: the
/// batch was planned from another listener then.
#[tokio::test]
async fn what_was_set_by_hand_is_seen_before_a_listener_changes() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let key = "tcp:80".parse().unwrap();
    let seen = lab.seen(&id, |seen| seen.listeners.len() == 1).await;
    let by_hand = [
        ("LoadBalancerId", id.as_str()),
        ("ListenerPort", "80"),
        ("PersistenceTimeout", "600"),
    ];
    lab.account
        .call("SetLoadBalancerTCPListenerAttribute", &by_hand)
        .unwrap();

    let attributes = ListenerAttributes::new().with(ListenerAttribute::HealthCheckInterval, 7);
    let change = || Change::ChangeListener {
        listener: key,
        vgroup: None,
        attributes: attributes.clone(),
    };
    let planned = based_on(
        lab.batch_on("uid-1", &id, vec![change()]),
        seen.listeners[&key].version,
    );
    let results = lab.execute(&planned).await;
    assert!(matches!(results[0].outcome, Outcome::Stale { .. }), "{results:?}");
    assert_eq!(lab.calls("SetLoadBalancerTCPListenerAttribute"), 0);

    let now = lab
        .seen(&id, |now| {
            now.listeners[&key].version != seen.listeners[&key].version
        })
        .await;
    let again = based_on(
        lab.batch_on("uid-1", &id, vec![change()]),
        now.listeners[&key].version,
    );
    assert_succeeded(&lab.execute(&again).await);
    let listener = lab.account.load_balancer(id.as_str()).unwrap()["listeners"]["tcp/80"].clone();
    assert_eq!(listener["PersistenceTimeout"], 600, "{listener:#}");
    assert_eq!(listener["HealthCheckInterval"], 7, "{listener:#}");
}

#[tokio::test]
async fn all_four_protocols_and_a_redirect_are_created() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let mut https = listener("https:443", 1);
    https
        .attributes
        .set(ListenerAttribute::ServerCertificateId, "cert-a");
    let redirect = NewListener {
        key: "http:8080".parse().unwrap(),
        vgroup: None,
        attributes: ListenerAttributes::new()
            .with(ListenerAttribute::ForwardPort, 443)
            .with(ListenerAttribute::Description, "k8s/8080/nginx/default/c-lab"),
    };
    let changes = vec![
        group("k8s/30443/nginx/default/c-lab", Vec::new()),
        Change::CreateListener(https),
        Change::CreateListener(listener("http:81", 1)),
        Change::CreateListener(listener("udp:80", 1)),
        Change::CreateListener(redirect),
    ];
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, changes)).await);
    let listeners = lab.account.load_balancer(id.as_str()).unwrap()["listeners"].clone();
    for key in ["https/443", "http/81", "udp/80", "tcp/80", "http/8080"] {
        assert_eq!(listeners[key]["Status"], "running", "{key}: {listeners:#}");
    }
    let seen = lab.seen(&id, |seen| seen.listeners.len() == 5).await;
    let redirect = &seen.listeners[&"http:8080".parse().unwrap()];
    assert!(redirect.vgroup.is_none() && redirect.running);
}

#[tokio::test]
async fn extension_domains_come_change_and_go() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let mut https = listener("https:443", 1);
    https
        .attributes
        .set(ListenerAttribute::ServerCertificateId, "cert-a");
    let domain = |certificate: Option<&str>| Change::ChangeDomainExtension {
        port: 443,
        domain: "www.example.com".to_owned(),
        certificate_id: certificate.map(str::to_owned),
    };
    let changes = vec![
        group("k8s/30443/nginx/default/c-lab", Vec::new()),
        Change::CreateListener(https),
        domain(Some("cert-b")),
        domain(Some("cert-c")),
    ];
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, changes)).await);
    let seen = lab.seen(&id, |seen| seen.listeners.len() == 2).await;
    let extensions = &seen.listeners[&"https:443".parse().unwrap()].domain_extensions;
    assert_eq!(extensions["www.example.com"].certificate_id, "cert-c");

    let gone = lab.execute(&lab.batch_on("uid-1", &id, vec![domain(None)])).await;
    assert!(applied(&gone[0].outcome), "{gone:?}");
    assert_eq!(lab.calls("DeleteDomainExtension"), 1);
}

#[tokio::test]
async fn a_listener_is_made_anew_for_what_cannot_be_changed() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    let mut new = listener("tcp:80", 1);
    new.vgroup = Some(VServerGroupRef::Id(vgroup));
    new.attributes.set(ListenerAttribute::Scheduler, "sch");
    let change = Change::RecreateListener {
        old: "tcp".parse().unwrap(),
        new,
    };
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, vec![change])).await);
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    assert_eq!(state["listeners"]["tcp/80"]["Scheduler"], "sch");
    assert_eq!(state["listeners"]["tcp/80"]["Status"], "running");
}

#[tokio::test]
async fn the_old_listener_comes_back_where_the_new_one_is_refused() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    lab.sim.cloud().order_fault(
        Fault::next(FaultKind::Error {
            status: 400,
            code: "ParamIllegal".to_owned(),
            message: "on order".to_owned(),
        })
        .of("CreateLoadBalancerTCPListener"),
    );
    let mut new = listener("tcp:80", 1);
    new.vgroup = Some(VServerGroupRef::Id(vgroup));
    new.attributes.set(ListenerAttribute::Scheduler, "sch");
    let change = Change::RecreateListener {
        old: "tcp".parse().unwrap(),
        new,
    };
    let results = lab.execute(&lab.batch_on("uid-1", &id, vec![change])).await;
    let Outcome::Rejected(error) = &results[0].outcome else {
        panic!("{results:?}");
    };
    assert_eq!(error.code, "ParamIllegal");
    assert!(error.message.contains("created again"), "{error:?}");
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    assert_eq!(state["listeners"]["tcp/80"]["Scheduler"], "rr", "{state:#}");
    assert_eq!(state["listeners"]["tcp/80"]["Status"], "running");
}

#[tokio::test]
async fn a_group_goes_after_its_listener_even_if_the_release_lags() {
    let lab = Lab::with("", |sim| {
        sim.cloud().change_circumstances(|circumstances| {
            circumstances.release_time = std::time::Duration::from_millis(400);
        });
    })
    .await;
    let (id, vgroup) = lab.create("uid-1").await;
    let changes = vec![
        Change::DeleteListener {
            listener: "tcp:80".parse().unwrap(),
        },
        Change::DeleteVServerGroup { vgroup },
    ];
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, changes)).await);
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    assert_eq!(state["vgroups"], serde_json::json!({}), "{state:#}");
}

#[tokio::test]
async fn what_changed_since_it_was_planned_is_stale() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let planned_from = lab.seen(&id, |seen| seen.listeners.len() == 1).await.version;
    let rename = |name: &str| {
        let change = Change::ChangeLoadBalancer(LoadBalancerChange::Name(name.to_owned()));
        lab.batch_on("uid-1", &id, vec![change])
    };
    assert_succeeded(&lab.execute(&rename("first")).await);
    let stale = lab.execute(&based_on(rename("second"), planned_from)).await;
    assert!(matches!(stale[0].outcome, Outcome::Stale { .. }), "{stale:?}");

    // What the same batch changed before is no reason.
    let now = lab.seen(&id, |seen| seen.name == "first").await.version;
    let mut both = rename("third");
    both.operations.extend(rename("fourth").operations);
    both.operations[1].id = clb_model::operation::OperationId(2);
    assert_succeeded(&lab.execute(&based_on(both, now)).await);
}
