//! Backends of groups: calls of 20, interfaces of pods, and one bad apple.

use clb_model::VServerGroupId;
use clb_model::operation::{BackendChange, Change, Outcome, VServerGroupRef};

use cloud_sim::{Fault, FaultKind};

use crate::lab::{Lab, assert_succeeded, ecs, group, listener, pod};

fn change(
    vgroup: &VServerGroupId,
    change: BackendChange,
    backends: Vec<clb_model::cloud::Backend>,
) -> Change {
    Change::ChangeBackends {
        vgroup: VServerGroupRef::Id(vgroup.clone()),
        change,
        backends,
    }
}

fn servers(lab: &Lab, id: &str) -> Vec<serde_json::Value> {
    let state = lab.account.load_balancer(id).unwrap();
    let groups = state["vgroups"].as_object().unwrap();
    groups
        .values()
        .flat_map(|group| group["servers"].as_array().cloned().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn forty_five_backends_take_three_calls_each_way() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    let backends = lab.instances("node", 45);
    for (direction, action, left) in [
        (BackendChange::Add, "AddVServerGroupBackendServers", 45),
        (BackendChange::Remove, "RemoveVServerGroupBackendServers", 0),
    ] {
        let batch = lab.batch_on("uid-1", &id, vec![change(&vgroup, direction, backends.clone())]);
        assert_succeeded(&lab.execute(&batch).await);
        assert_eq!(lab.calls(action), 3);
        assert_eq!(servers(&lab, id.as_str()).len(), left);
    }
}

#[tokio::test]
async fn a_group_is_created_with_its_first_twenty() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let backends = lab.instances("node", 25);
    let batch = lab.batch_on("uid-1", &id, vec![group("k8s/1/a/b/c-lab", backends)]);
    assert_succeeded(&lab.execute(&batch).await);
    assert_eq!(lab.calls("AddVServerGroupBackendServers"), 1);
    assert_eq!(servers(&lab, id.as_str()).len(), 25);
}

#[tokio::test]
async fn weights_are_set_only_where_they_differ() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    let mut backends = lab.instances("node", 3);
    let add = lab.batch_on(
        "uid-1",
        &id,
        vec![change(&vgroup, BackendChange::Add, backends.clone())],
    );
    assert_succeeded(&lab.execute(&add).await);
    backends[1].weight = 5;
    for expected in [1, 1] {
        let set = lab.batch_on(
            "uid-1",
            &id,
            vec![change(&vgroup, BackendChange::Set, backends.clone())],
        );
        assert_succeeded(&lab.execute(&set).await);
        assert_eq!(lab.calls("SetVServerGroupAttribute"), expected);
    }
    let weights: Vec<i64> = servers(&lab, id.as_str())
        .iter()
        .filter_map(|server| server["Weight"].as_i64())
        .collect();
    assert_eq!(
        weights.iter().filter(|weight| **weight == 5).count(),
        1,
        "{weights:?}"
    );
}

#[tokio::test]
async fn a_missing_instance_among_twenty_is_left_out_and_named() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    let mut backends = lab.instances("node", 19);
    backends.insert(7, ecs("i-gone"));
    let batch = lab.batch_on("uid-1", &id, vec![change(&vgroup, BackendChange::Add, backends)]);
    let results = lab.execute(&batch).await;
    assert_succeeded(&results);
    assert_eq!(servers(&lab, id.as_str()).len(), 19);
    let left_out = &results[0].left_out;
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert_eq!(left_out[0].backend, ecs("i-gone"));
}

#[tokio::test]
async fn a_missing_instance_does_not_hold_up_a_new_group() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let mut backends = lab.instances("node", 3);
    backends.push(ecs("i-gone"));
    let batch = lab.batch_on("uid-1", &id, vec![group("k8s/1/a/b/c-lab", backends)]);
    let results = lab.execute(&batch).await;
    assert_succeeded(&results);
    assert_eq!(servers(&lab, id.as_str()).len(), 3);
    assert_eq!(results[0].left_out.len(), 1);
}

#[tokio::test]
async fn a_quota_of_backends_does_not_hold_up_a_new_group() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    lab.sim
        .cloud()
        .change_circumstances(|circumstances| circumstances.quotas.attachments = 0);
    let changes = vec![
        group("k8s/1/a/b/c-lab", lab.instances("node", 3)),
        Change::CreateListener(listener("tcp:80", 1)),
    ];
    let results = lab.execute(&lab.batch_on("uid-1", &id, changes)).await;
    assert!(
        matches!(&results[0].outcome, Outcome::Stale { part } if part.contains("quota")),
        "{results:?}"
    );
    assert!(
        matches!(results[1].outcome, Outcome::Skipped { .. }),
        "no listener comes to a group that is emptier than planned: {results:?}"
    );
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    assert_eq!(
        state["vgroups"]["k8s/1/a/b/c-lab"]["servers"],
        serde_json::json!([])
    );
    assert_eq!(lab.calls("CreateVServerGroup"), 1 + 2);
    assert_eq!(
        lab.calls("AddVServerGroupBackendServers"),
        0,
        "it would be refused too"
    );
}

#[tokio::test]
async fn interfaces_are_looked_up_once_per_address() {
    let lab = Lab::start().await;
    lab.interface("eni-1", &["10.0.5.1", "10.0.5.2"]);
    let (id, vgroup) = lab.create("uid-1").await;
    let backends = vec![pod("10.0.5.1"), pod("10.0.5.2"), pod("10.0.5.99")];
    let add = |backends| lab.batch_on("uid-1", &id, vec![change(&vgroup, BackendChange::Add, backends)]);
    let results = lab.execute(&add(backends)).await;
    assert_succeeded(&results);
    assert_eq!(lab.calls("DescribeNetworkInterfaces"), 1);
    let left_out = &results[0].left_out;
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0].backend, pod("10.0.5.99"));
    let servers = servers(&lab, id.as_str());
    assert_eq!(servers.len(), 2);
    assert!(
        servers.iter().all(|server| server["ServerId"] == "eni-1"),
        "{servers:?}"
    );

    // Known addresses in another group cost no read.
    let other = lab.batch_on(
        "uid-1",
        &id,
        vec![group("k8s/1/a/b/c-lab", vec![pod("10.0.5.1")])],
    );
    assert_succeeded(&lab.execute(&other).await);
    assert_eq!(lab.calls("DescribeNetworkInterfaces"), 1);
}

/// The removal of a backend forgets its interface; a batch that has found it by then keeps what it found.
#[tokio::test]
async fn an_interface_that_is_forgotten_during_a_lookup_stays_found() {
    let lab = Lab::start().await;
    lab.interface("eni-1", &["10.0.5.1", "10.0.5.2"]);
    let (first, first_group) = lab.create("uid-1").await;
    let (second, second_group) = lab.create("uid-2").await;
    let known = vec![pod("10.0.5.1")];
    let of_first = |direction| {
        lab.batch_on(
            "uid-1",
            &first,
            vec![change(&first_group, direction, known.clone())],
        )
    };
    assert_succeeded(&lab.execute(&of_first(BackendChange::Add)).await);

    let hold = Fault::next(FaultKind::Hold).of("DescribeNetworkInterfaces");
    lab.sim.cloud().order_fault(hold);
    let both = vec![pod("10.0.5.1"), pod("10.0.5.2")];
    let of_second = lab.batch_on(
        "uid-2",
        &second,
        vec![change(&second_group, BackendChange::Add, both)],
    );
    let removal = async {
        lab.faults_have_come().await;
        let removed = lab.execute(&of_first(BackendChange::Remove)).await;
        lab.sim.cloud().clear_faults();
        removed
    };
    let (added, removed) = tokio::join!(lab.execute(&of_second), removal);
    assert_succeeded(&removed);
    assert_succeeded(&added);
    assert!(added[0].left_out.is_empty(), "{added:?}");
    assert_eq!(servers(&lab, second.as_str()).len(), 2);
}

#[tokio::test]
async fn an_address_that_moved_to_another_interface_is_looked_up_again() {
    let lab = Lab::start().await;
    lab.interface("eni-1", &["10.0.5.1", "10.0.5.2"]);
    let (id, vgroup) = lab.create("uid-1").await;
    let known = lab.batch_on(
        "uid-1",
        &id,
        vec![change(&vgroup, BackendChange::Add, vec![pod("10.0.5.1")])],
    );
    assert_succeeded(&lab.execute(&known).await);
    lab.account.remove_network_interface("eni-1");
    lab.interface("eni-2", &["10.0.5.1"]);
    let results = lab
        .execute(&lab.batch_on(
            "uid-1",
            &id,
            vec![group("k8s/1/a/b/c-lab", vec![pod("10.0.5.1")])],
        ))
        .await;
    assert_succeeded(&results);
    assert!(results[0].left_out.is_empty(), "{results:?}");
    let enis: Vec<String> = servers(&lab, id.as_str())
        .iter()
        .map(|server| server["ServerId"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(enis.contains(&"eni-2".to_owned()), "{enis:?}");
}

#[tokio::test]
async fn nothing_to_change_is_no_call() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    let writes = lab.sim.cloud().counters().writes;
    let batch = lab.batch_on(
        "uid-1",
        &id,
        vec![change(&vgroup, BackendChange::Remove, vec![ecs("i-never-there")])],
    );
    let results = lab.execute(&batch).await;
    assert!(
        matches!(results[0].outcome, Outcome::Unchanged { .. }),
        "{results:?}"
    );
    assert_eq!(lab.sim.cloud().counters().writes, writes);
}

/// A refusal with a code that no list knows.
fn refusal(code: &str) -> Fault {
    Fault::next(FaultKind::Error {
        status: 400,
        code: code.to_owned(),
        message: String::new(),
    })
    .of("AddVServerGroupBackendServers")
}

#[tokio::test]
async fn an_unknown_refusal_of_one_call_holds_up_no_other_backend() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    lab.sim
        .cloud()
        .order_fault(refusal("InvalidBackendServers.SomethingNew"));
    let add = change(&vgroup, BackendChange::Add, lab.instances("node", 45));
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, vec![add])).await);
    assert_eq!(servers(&lab, id.as_str()).len(), 45);
    assert_eq!(lab.calls("AddVServerGroupBackendServers"), 1 + 4);
}

#[tokio::test]
async fn where_every_call_is_refused_few_are_tried() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    lab.sim.cloud().order_fault(refusal("InvalidParameter").always());
    let add = change(&vgroup, BackendChange::Add, lab.instances("node", 60));
    let results = lab.execute(&lab.batch_on("uid-1", &id, vec![add])).await;
    assert!(
        matches!(&results[0].outcome, Outcome::Rejected(error) if error.code == "InvalidParameter"),
        "{results:?}"
    );
    assert!(lab.calls("AddVServerGroupBackendServers") < 25);
}

#[tokio::test]
async fn an_address_that_another_group_of_the_clb_holds_is_not_looked_up() {
    let lab = Lab::start().await;
    lab.interface("eni-1", &["10.0.5.1"]);
    let (id, vgroup) = lab.create("uid-1").await;
    let pods = vec![pod("10.0.5.1")];
    let to = |direction| change(&vgroup, direction, pods.clone());
    let changes = vec![
        group("k8s/1/a/b/c-lab", pods.clone()),
        to(BackendChange::Add),
        to(BackendChange::Remove),
        to(BackendChange::Add),
    ];
    for change in changes {
        assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, vec![change])).await);
    }
    assert_eq!(servers(&lab, id.as_str()).len(), 2);
    assert_eq!(lab.calls("DescribeNetworkInterfaces"), 1);
}
