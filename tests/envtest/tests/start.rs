//! A control plane starts, serves, and is gone afterwards.

use clb_envtest::ControlPlane;

#[tokio::test]
async fn a_control_plane_serves_until_it_is_dropped() {
    let Some(control_plane) = ControlPlane::start().await.expect("started") else {
        return;
    };
    let authority = reqwest::Certificate::from_pem(control_plane.ca_pem().as_bytes()).expect("certificate");
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .no_proxy()
        .build()
        .expect("client");
    let url = format!("{}/api/v1/namespaces/kube-system", control_plane.endpoint());
    let answer = client
        .get(&url)
        .bearer_auth(control_plane.token())
        .send()
        .await
        .expect("answered");
    assert!(answer.status().is_success(), "{answer:?}");
    assert!(control_plane.kubeconfig().contains(control_plane.endpoint()));
    drop(control_plane);
    assert!(client.get(&url).send().await.is_err(), "nothing listens any more");
}
