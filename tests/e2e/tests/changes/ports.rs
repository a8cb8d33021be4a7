//! Ports of a Service, and the protocols of its listeners.

use clb_e2e::{
    Api, Sketch, Stage, assert_settled, listener, listeners, load_balancer_of, text, uid_of, vgroup_names,
};

/// A port that is added, renumbered or removed takes its listener and its vServer group with it; the other ports' stay as they are.
async fn ports_follow(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let uid = uid_of(&Sketch::new("web").tcp(80).apply(&client).await?);
    stage.converged(1).await?;
    let first = load_balancer_of(&stage, &uid);
    assert_eq!(listeners(&first), ["tcp/80"]);

    Sketch::new("web").tcp(80).tcp(81).udp(80).apply(&client).await?;
    stage
        .until("three listeners run", async || {
            let load_balancer = load_balancer_of(&stage, &uid);
            let found = listeners(&load_balancer);
            Ok(found == ["tcp/80", "tcp/81", "udp/80"]
                && found
                    .iter()
                    .all(|name| text(listener(&load_balancer, name), "Status") == "running"))
        })
        .await?;
    assert_eq!(
        vgroup_names(&load_balancer_of(&stage, &uid)).len(),
        3,
        "a group for each port"
    );

    Sketch::new("web").tcp(80).tcp(82).apply(&client).await?;
    stage
        .until("81 has become 82 and UDP is gone, groups included", async || {
            let load_balancer = load_balancer_of(&stage, &uid);
            Ok(listeners(&load_balancer) == ["tcp/80", "tcp/82"] && vgroup_names(&load_balancer).len() == 2)
        })
        .await?;
    let last = load_balancer_of(&stage, &uid);
    assert_eq!(last["Address"], first["Address"], "the CLB is the same");
    assert_eq!(
        last["listeners"]["tcp/80"], first["listeners"]["tcp/80"],
        "the other port is left alone"
    );
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_follow_on_kube_sim() -> anyhow::Result<()> {
    ports_follow(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_follow_on_a_real_api() -> anyhow::Result<()> {
    ports_follow(Api::Real).await
}

/// A protocol in `protocol-port` replaces the listener of the same port number.
async fn protocols_follow(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let plain = Sketch::new("web").tcp(80).tcp(443);
    let uid = uid_of(&plain.apply(&client).await?);
    stage.converged(1).await?;

    let secure = plain
        .clone()
        .annotated("protocol-port", "https:443,http:80")
        .annotated("cert-id", "cert-a");
    secure.apply(&client).await?;
    stage
        .until("the listeners are HTTP and HTTPS", async || {
            Ok(listeners(&load_balancer_of(&stage, &uid)) == ["http/80", "https/443"])
        })
        .await?;
    stage.converged(1).await?;
    let load_balancer = load_balancer_of(&stage, &uid);
    for name in ["http/80", "https/443"] {
        assert_eq!(listener(&load_balancer, name)["Status"], "running", "{name}");
    }
    assert_eq!(
        listener(&load_balancer, "https/443")["ServerCertificateId"],
        "cert-a"
    );

    secure.annotated("cert-id", "cert-b").apply(&client).await?;
    stage
        .until("the certificate is the other one", async || {
            let load_balancer = load_balancer_of(&stage, &uid);
            Ok(listener(&load_balancer, "https/443")["ServerCertificateId"] == "cert-b")
        })
        .await?;

    plain.apply(&client).await?;
    stage
        .until("the listeners are TCP again", async || {
            Ok(listeners(&load_balancer_of(&stage, &uid)) == ["tcp/443", "tcp/80"])
        })
        .await?;
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn protocols_follow_on_kube_sim() -> anyhow::Result<()> {
    protocols_follow(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn protocols_follow_on_a_real_api() -> anyhow::Result<()> {
    protocols_follow(Api::Real).await
}
