//! Services of the IPv6 family on an API that has both.

use clb_e2e::{Sketch, Stage, load_balancer_of};
use serde_json::json;

use crate::lab::{Lab, Pod, by_hand, eni, pod};
use crate::readiness::v6;

/// With pods as backends, with the nodes that have pods, with all nodes: the CLB has an IPv6 address, and it follows the IPv6 slice only.
#[tokio::test(flavor = "multi_thread")]
async fn an_ipv6_service_in_each_mode() -> anyhow::Result<()> {
    let Some(stage) = Stage::start_dual_stack().await? else {
        return Ok(());
    };
    let lab = Lab::on(stage);
    let pods = [pod(0).on("n1"), pod(1).on("n1"), pod(2).on("n2")];
    let with_v6: Vec<Pod> = (0..).zip(&pods).map(|(number, pod)| v6(pod, number)).collect();
    let six = |sketch: Sketch| {
        sketch
            .tcp(80)
            .annotated("ip-version", "ipv6")
            .spec("ipFamilies", json!(["IPv6"]))
    };
    let local = by_hand("local").spec("externalTrafficPolicy", json!("Local"));
    let of_pods: Vec<String> = with_v6.iter().map(|pod| pod.backend(8080)).collect();
    let of_pods: Vec<&str> = of_pods.iter().map(String::as_str).collect();
    for (name, sketch, wanted) in [
        ("pods", eni("pods"), &of_pods[..]),
        ("local", local, &["i-n1=2", "i-n2=1"]),
        ("web", by_hand("web"), &["i-n1=100", "i-n2=100", "i-n3=100"]),
    ] {
        lab.slice_to(name, "v4", 8080, &pods[..1]).await?;
        lab.slice_to(name, "v6", 8080, &with_v6).await?;
        let uid = lab.apply(&six(sketch)).await?;
        lab.backends_are(&uid, wanted).await?;
        lab.stage
            .until("the address is in the status", async || {
                let ingress = clb_e2e::ingress_of(&lab.service(name).await?);
                Ok(ingress.iter().any(|address| address.contains(':')))
            })
            .await?;
        assert_eq!(load_balancer_of(&lab.stage, &uid)["AddressIPVersion"], "ipv6");
        lab.slice_to(name, "v6", 8080, &with_v6[2..]).await?;
        let left = match name {
            "pods" => vec![of_pods[2]],
            "local" => vec!["i-n2=1"],
            _ => wanted.to_vec(),
        };
        lab.backends_are(&uid, &left).await?;
    }
    lab.stage.end().await;
    Ok(())
}
