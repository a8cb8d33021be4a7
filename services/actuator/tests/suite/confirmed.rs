//! Additions of backends that count only once the cloud shows them.

use clb_model::operation::{BackendChange, Batch, Change, VServerGroupRef};
use cloud_sim::{Fault, FaultKind};

use crate::lab::{Lab, assert_succeeded, group};

fn confirmed(mut batch: Batch) -> Batch {
    for operation in &mut batch.operations {
        operation.confirm = true;
    }
    batch
}

fn servers(lab: &Lab, id: &str) -> usize {
    let state = lab.account.load_balancer(id).unwrap();
    let groups = state["vgroups"].as_object().unwrap().values();
    groups
        .map(|group| group["servers"].as_array().map_or(0, Vec::len))
        .sum()
}

/// The cloud says yes, and the change comes late or never: the mirror shows nothing that the cloud has not shown.
#[tokio::test]
async fn a_yes_that_comes_to_nothing_is_seen() {
    let kinds = [FaultKind::ApplyNever, FaultKind::ApplyLate { milliseconds: 300 }];
    for kind in kinds {
        let lab = Lab::start().await;
        let (id, vgroup) = lab.create("uid-1").await;
        let fault = Fault::next(kind).of("AddVServerGroupBackendServers");
        lab.sim.cloud().order_fault(fault);
        let change = Change::ChangeBackends {
            vgroup: VServerGroupRef::Id(vgroup.clone()),
            change: BackendChange::Add,
            backends: lab.instances("node", 25),
        };
        assert_succeeded(
            &lab.execute(&confirmed(lab.batch_on("uid-1", &id, vec![change])))
                .await,
        );
        assert_eq!(servers(&lab, id.as_str()), 25);
        let seen = lab
            .seen(&id, |seen| seen.vgroups[&vgroup].backends.len() == 25)
            .await;
        assert_eq!(seen.vgroups.len(), 1);
        let calls = lab.sim.cloud().calls();
        let last = |action: &str| calls.iter().rposition(|call| call.action == action);
        assert!(last("AddVServerGroupBackendServers") < last("DescribeVServerGroupAttribute"));
    }
}

#[tokio::test]
async fn a_new_group_is_seen_with_its_backends() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let before = lab.calls("DescribeVServerGroupAttribute");
    let batch = lab.batch_on(
        "uid-1",
        &id,
        vec![group("k8s/1/a/b/c-lab", lab.instances("node", 25))],
    );
    assert_succeeded(&lab.execute(&confirmed(batch)).await);
    assert_eq!(servers(&lab, id.as_str()), 25);
    assert_eq!(lab.calls("AddVServerGroupBackendServers"), 1);
    assert_eq!(
        lab.calls("DescribeVServerGroupAttribute") - before,
        2,
        "one for each call that adds"
    );
}
