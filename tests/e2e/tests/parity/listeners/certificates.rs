//! Certificates are looked at before they are set; extension domains come, change and go.

use clb_e2e::{Api, Stage, service_api};
use clb_sandbox::manifests::Manifest;
use cloud_sim::{Certificate, lab as cloud_lab};
use serde_json::{Value, json};

use crate::lab::{
    self, account, actions_since, apply_all, at_rest, last_call, service, shows, told, written_since,
};
use crate::shown::{id_of, settled};

fn web(certificate: &str, domains: Option<&str>) -> Manifest {
    let mut annotations = vec![("protocol-port", "https:443"), ("cert-id", certificate)];
    annotations.extend(domains.map(|domains| ("domain-extensions", domains)));
    service("web", &["443/TCP"], &annotations)
}

/// The certificates of the extension domains.
fn domains(stage: &Stage, id: &str) -> Value {
    let listener = &account(stage).load_balancer(id).unwrap_or_default()["listeners"]["https/443"];
    settled(&listener["domain_extensions"], &[])
}

fn pairs(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(domain, id)| json!({"Domain": domain, "ServerCertificateId": id}))
        .collect()
}

/// A certificate that is not there or has expired is not set; one that expires while it is in use stops nothing.
async fn a_new_certificate_must_be_good(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    let expired = |name: &str| {
        let past = "2020-01-01T00:00:00Z".parse().expect("a time");
        Certificate::new(name, cloud_lab::REGION, "old.example.com", past)
    };
    account(&stage).add_certificate(expired("cert-old"));
    apply_all(&stage, &[web("cert-a", None)]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    let last = last_call(&stage);
    for (certificate, why) in [("cert-old", "has expired"), ("cert-nowhere", "does not exist")] {
        apply_all(&stage, &[web(certificate, None)]).await?;
        told(
            &stage,
            "web",
            &["alibaba-cloud-loadbalancer-cert-id", certificate, why],
        )
        .await?;
    }
    assert_eq!(
        written_since(&stage, last),
        Vec::<String>::new(),
        "the listener keeps the old one"
    );

    // One that appears is found without anybody touching the Service.
    let end = "2999-01-01T00:00:00Z".parse().expect("a time");
    account(&stage).add_certificate(Certificate::new(
        "cert-nowhere",
        cloud_lab::REGION,
        "new.example.com",
        end,
    ));
    apply_all(&stage, &[web("cert-b", None)]).await?;
    shows(
        &stage,
        &id,
        &[("/listeners/https~1443/ServerCertificateId", json!("cert-b"))],
    )
    .await?;
    at_rest(&stage).await?;
    assert_eq!(
        actions_since(&stage, last),
        ["SetLoadBalancerHTTPSListenerAttribute 443"]
    );

    account(&stage).add_certificate(expired("cert-b"));
    stage.world.services.restart().await?;
    let mut changed = web("cert-b", None);
    lab::annotate(&mut changed, "idle-timeout", "33");
    apply_all(&stage, &[changed]).await?;
    shows(&stage, &id, &[("/listeners/https~1443/IdleTimeout", json!(33))]).await?;
    stage.converged(1).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_must_be_good_on_kube_sim() -> anyhow::Result<()> {
    a_new_certificate_must_be_good(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_must_be_good_on_a_real_api() -> anyhow::Result<()> {
    a_new_certificate_must_be_good(Api::Real).await
}

async fn extension_domains_follow(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(
        &stage,
        &[web("cert-a", Some("a.example.com:cert-b,b.example.com:cert-c"))],
    )
    .await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    assert_eq!(
        domains(&stage, &id),
        pairs(&[("a.example.com", "cert-b"), ("b.example.com", "cert-c")])
    );

    let change =
        async |annotation: Option<&str>, wanted: &[(&str, &str)], actions: &[&str]| -> anyhow::Result<()> {
            let last = last_call(&stage);
            apply_all(&stage, &[web("cert-a", annotation)]).await?;
            stage
                .until("the domains follow", async || {
                    Ok(domains(&stage, &id) == pairs(wanted))
                })
                .await?;
            at_rest(&stage).await?;
            assert_eq!(domains(&stage, &id), pairs(wanted));
            let mut done = actions_since(&stage, last);
            done.sort();
            assert_eq!(done, actions);
            Ok(())
        };
    // Alibaba's controller writes the old certificate back here.
    change(
        Some("a.example.com:cert-c,b.example.com:cert-c"),
        &[("a.example.com", "cert-c"), ("b.example.com", "cert-c")],
        &["SetDomainExtensionAttribute"],
    )
    .await?;
    change(
        Some("a.example.com:cert-c,*.example.org:cert-b"),
        &[("*.example.org", "cert-b"), ("a.example.com", "cert-c")],
        &["CreateDomainExtension 443", "DeleteDomainExtension"],
    )
    .await?;
    // A new certificate that is not there is a mistake, and the domain keeps the old one.
    let last = last_call(&stage);
    let missing = "a.example.com:cert-nowhere,*.example.org:cert-b";
    apply_all(&stage, &[web("cert-a", Some(missing))]).await?;
    told(
        &stage,
        "web",
        &[
            "alibaba-cloud-loadbalancer-domain-extensions",
            "cert-nowhere",
            "does not exist",
        ],
    )
    .await?;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    // An annotation that goes leaves what it named.
    change(
        None,
        &[("*.example.org", "cert-b"), ("a.example.com", "cert-c")],
        &[],
    )
    .await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn extension_domains_follow_on_kube_sim() -> anyhow::Result<()> {
    extension_domains_follow(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn extension_domains_follow_on_a_real_api() -> anyhow::Result<()> {
    extension_domains_follow(Api::Real).await
}
