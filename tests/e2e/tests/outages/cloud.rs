//! The cloud is away, throttles, fails, or breaks connections after it has done what was asked.

use clb_e2e::{
    Api, Logs, Stage, assert_check, assert_settled, delete_all_services, load_balancer_of, manifest,
    our_load_balancers, repository, service_api, uid_of,
};
use cloud_sim::{Fault, FaultKind, Outcome};
use kube::ResourceExt as _;

const CHECK: &str = "cloud/cn-hangzhou";

fn unavailable() -> FaultKind {
    FaultKind::Error {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
        message: "The request has failed due to a temporary failure of the server.".to_owned(),
    }
}

/// All examples are made and deleted while these faults happen: in the end each has exactly one CLB, as without them, then none.
async fn examples_survive(api: Api, faults: Vec<Fault>) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let order = |stage: &Stage| {
        faults
            .iter()
            .for_each(|fault| stage.world.cloud.cloud().order_fault(fault.clone()))
    };
    order(&stage);
    let manifests = manifest(&stage, &repository("deploy/examples")).await?;
    stage.converged(manifests.len()).await?;
    for service in service_api(&stage).list(&Default::default()).await? {
        if service.name_any() != "kubernetes" {
            assert_eq!(
                load_balancer_of(&stage, &uid_of(&service))["LoadBalancerStatus"],
                "active",
                "{}",
                service.name_any()
            );
        }
    }
    assert_eq!(our_load_balancers(&stage).len(), manifests.len());
    let calls = stage.world.cloud.cloud().calls();
    let disturbed = calls.iter().filter(|call| call.outcome != Outcome::Ok).count();
    assert!(disturbed >= 10, "{disturbed} calls went wrong");
    stage.world.cloud.cloud().clear_faults();
    assert_settled(&mut stage).await?;

    order(&stage);
    delete_all_services(&stage).await?;
    assert_eq!(our_load_balancers(&stage), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

/// Every third call goes wrong, for a while.
fn every_third(kind: &FaultKind) -> Vec<Fault> {
    (0..25).map(|_| Fault::next(kind.clone()).after(2)).collect()
}

/// Some of everything, in turns.
fn mixed() -> Vec<Fault> {
    let kinds = [
        FaultKind::ResetAfter,
        FaultKind::Throttle,
        unavailable(),
        FaultKind::ResetBefore,
    ];
    let turns = kinds.iter().cycle().take(24);
    turns.map(|kind| Fault::next(kind.clone()).after(2)).collect()
}

#[tokio::test]
async fn throttling() -> anyhow::Result<()> {
    examples_survive(Api::Simulated, every_third(&FaultKind::Throttle)).await
}

#[tokio::test]
async fn errors_of_the_server() -> anyhow::Result<()> {
    examples_survive(Api::Simulated, every_third(&unavailable())).await
}

#[tokio::test]
async fn connections_that_break_before_anything_is_done() -> anyhow::Result<()> {
    examples_survive(Api::Simulated, every_third(&FaultKind::ResetBefore)).await
}

#[tokio::test]
async fn connections_that_break_after_it_is_done() -> anyhow::Result<()> {
    examples_survive(Api::Simulated, every_third(&FaultKind::ResetAfter)).await
}

#[tokio::test]
async fn every_creation_breaks_off_after_it_is_done() -> anyhow::Result<()> {
    let creations = ["CreateLoadBalancer", "CreateVServerGroup"]
        .map(|action| Fault::next(FaultKind::ResetAfter).of(action).times(8));
    examples_survive(Api::Simulated, creations.into()).await
}

#[tokio::test]
async fn a_bit_of_everything_on_kube_sim() -> anyhow::Result<()> {
    examples_survive(Api::Simulated, mixed()).await
}

#[tokio::test]
async fn a_bit_of_everything_on_a_real_api() -> anyhow::Result<()> {
    examples_survive(Api::Real, mixed()).await
}

/// Nothing gets through for a while: it is said once and shown, and over when calls get through again.
async fn away(kind: FaultKind) -> anyhow::Result<()> {
    let logs = Logs::of_this_thread();
    let Some(mut stage) = Stage::start(Api::Simulated).await? else {
        return Ok(());
    };
    stage.world.cloud.cloud().order_fault(Fault::next(kind).always());
    let manifests = manifest(&stage, &repository("deploy/examples")).await?;
    let Some(actuator) = &stage.world.services.actuator else {
        anyhow::bail!("the actuator runs");
    };
    stage
        .until("the actuator shows it", async || {
            Ok(logs.check("actuator", CHECK) == (1, 0))
        })
        .await?;
    assert_check(actuator, CHECK, false);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    stage.world.cloud.cloud().clear_faults();
    stage.converged(manifests.len()).await?;
    assert_check(actuator, CHECK, true);
    assert_eq!(
        logs.check("actuator", CHECK),
        (1, 1),
        "said once, and once when it was over"
    );
    assert_eq!(our_load_balancers(&stage).len(), manifests.len());
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test]
async fn no_connection_holds() -> anyhow::Result<()> {
    away(FaultKind::ResetBefore).await
}

#[tokio::test]
async fn every_answer_is_an_error_of_the_server() -> anyhow::Result<()> {
    away(unavailable()).await
}
