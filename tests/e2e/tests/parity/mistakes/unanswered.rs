//! The cloud cannot be asked whether what an annotation names is there: a person is told, and nothing is written until it can.

use clb_e2e::Api;
use cloud_sim::{Fault, FaultKind};

use super::table::{TCP, TLS};
use crate::lab::{self, apply_all, condition, events};

async fn a_cloud_that_does_not_answer_is_told_once(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let cloud = stage.world.cloud.cloud();
    let denied = FaultKind::Error {
        status: 403,
        code: "Forbidden.RAM".to_owned(),
        message: "User not authorized to operate on the specified resource.".to_owned(),
    };
    cloud.order_fault(Fault::next(denied).of("DescribeServerCertificates").always());
    let service = lab::service(
        "tls",
        TLS,
        &[("protocol-port", "https:443"), ("cert-id", "cert-a")],
    );
    apply_all(&stage, &[service]).await?;
    lab::told(&stage, "tls", &["server certificate cert-a", "Forbidden.RAM"]).await?;
    let asked = || {
        let calls = cloud.calls().into_iter();
        calls
            .filter(|call| call.action == "DescribeServerCertificates")
            .count()
    };
    let before = asked();
    stage
        .until("the cloud is asked again", async || Ok(asked() > before))
        .await?;
    let warnings = |said: &[lab::Said]| said.iter().filter(|said| said.kind == "Warning").count();
    assert_eq!(warnings(&events(&stage).await?["tls"]), 1);
    let (status, reason, _) = condition(
        &lab::services(&stage).await?["tls"],
        "service.k8s.alibaba/Programmed",
    );
    assert_eq!((status.as_str(), reason.as_str()), ("False", "CloudFault"));
    assert_eq!(stage.writes(), 0, "writes to the cloud");

    // Its neighbours ask about another kind of thing, which the cloud tells.
    let acl = |name: &str, id: &str| {
        let annotations = [("acl-status", "on"), ("acl-type", "white"), ("acl-id", id)];
        lab::service(name, TCP, &annotations)
    };
    apply_all(&stage, &[acl("listed", "acl-1"), acl("other", "acl-nowhere")]).await?;
    lab::told(&stage, "other", &["acl-nowhere", "does not exist"]).await?;
    stage
        .until("the neighbour has its CLB", async || {
            let services = lab::services(&stage).await?;
            let (status, _, _) = condition(&services["listed"], "service.k8s.alibaba/Programmed");
            Ok(status == "True")
        })
        .await?;
    let all = events(&stage).await?;
    assert!(
        !all.contains_key("listed") || warnings(&all["listed"]) == 0,
        "{all:?}"
    );
    assert_eq!(
        (warnings(&all["tls"]), warnings(&all["other"])),
        (1, 1),
        "{all:?}"
    );

    cloud.clear_faults();
    apply_all(&stage, &[acl("other", "acl-2")]).await?;
    stage.converged(3).await?;
    let said = &events(&stage).await?["tls"];
    assert_eq!(warnings(said), 1, "{said:?}");
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_does_not_answer_is_told_once_on_kube_sim() -> anyhow::Result<()> {
    a_cloud_that_does_not_answer_is_told_once(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_does_not_answer_is_told_once_on_a_real_api() -> anyhow::Result<()> {
    a_cloud_that_does_not_answer_is_told_once(Api::Real).await
}
