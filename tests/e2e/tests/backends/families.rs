//! Services of the IPv6 family on an API that has both.

use clb_e2e::{Sketch, Stage, load_balancer_of, service_api};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

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

/// A Service whose pods have an address of each family, and slices of those that it asks for.
async fn with_slices(
    lab: &Lab,
    sketch: Sketch,
    name: &str,
    families: &[&str],
    pods: &[Pod],
) -> anyhow::Result<Sketch> {
    let of_v6: Vec<Pod> = (0..).zip(pods).map(|(number, pod)| v6(pod, number)).collect();
    for family in families {
        match *family {
            "IPv6" => lab.slice_to(name, "v6", 8080, &of_v6).await?,
            _ => lab.slice_to(name, "v4", 8080, pods).await?,
        }
    }
    let policy = if families.len() > 1 {
        "RequireDualStack"
    } else {
        "SingleStack"
    };
    Ok(sketch
        .tcp(80)
        .spec("ipFamilyPolicy", json!(policy))
        .spec("ipFamilies", json!(families)))
}

/// What the cloud refused because an IPv4 CLB has no IPv6 backends.
fn refused(lab: &Lab) -> Vec<String> {
    let calls = lab.calls(0, "").into_iter();
    calls
        .map(|call| format!("{call:?}"))
        .filter(|call| call.contains("LBNotSupportIpv6Backend"))
        .collect()
}

/// Families of a Service, annotations, the family of the CLB and that of the pods.
type Row = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

/// An IPv4 CLB reaches IPv4 pods only, an IPv6 one both; pods are followed in the family that is chosen.
#[tokio::test(flavor = "multi_thread")]
async fn pods_are_of_a_family_that_the_clb_reaches() -> anyhow::Result<()> {
    const INTERNAL: (&str, &str) = ("address-type", "intranet");
    const V4: (&str, &str) = ("ip-version", "ipv4");
    const V6: (&str, &str) = ("ip-version", "ipv6");
    let rows: [Row; 8] = [
        (&["IPv6", "IPv4"], &[INTERNAL], "ipv4", "IPv4"),
        (&["IPv6", "IPv4"], &[V4], "ipv4", "IPv4"),
        (&["IPv6", "IPv4"], &[], "ipv6", "IPv6"),
        (&["IPv4", "IPv6"], &[], "ipv4", "IPv4"),
        (&["IPv4", "IPv6"], &[V6], "ipv6", "IPv4"),
        (&["IPv4"], &[V6], "ipv6", "IPv4"),
        (&["IPv6"], &[], "ipv6", "IPv6"),
        (
            &["IPv4", "IPv6"],
            &[V6, ("backend-ip-version", "ipv6")],
            "ipv6",
            "IPv6",
        ),
    ];
    let Some(stage) = Stage::start_dual_stack().await? else {
        return Ok(());
    };
    let lab = Lab::on(stage);
    let pods = [pod(0), pod(1), pod(2)];
    let mut applied = Vec::new();
    for (number, (families, annotations, of_clb, of_pods)) in rows.iter().enumerate() {
        let name = format!("web-{number}");
        let mut sketch = with_slices(&lab, eni(&name), &name, families, &pods[..2]).await?;
        for (annotation, value) in *annotations {
            sketch = sketch.annotated(annotation, value);
        }
        applied.push((name, lab.apply(&sketch).await?, families, of_clb, of_pods));
    }
    for pods in [&pods[..2], &pods[1..]] {
        for (name, uid, families, of_clb, of_pods) in &applied {
            with_slices(&lab, eni(name), name, families, pods).await?;
            let of_v6: Vec<Pod> = (0..).zip(pods).map(|(number, pod)| v6(pod, number)).collect();
            let wanted = if **of_pods == "IPv6" { &of_v6 } else { pods };
            lab.pods_are(uid, wanted, 8080)
                .await
                .map_err(|error| error.context(name.clone()))?;
            assert_eq!(
                load_balancer_of(&lab.stage, uid)["AddressIPVersion"],
                **of_clb,
                "{name}"
            );
        }
    }
    assert_eq!(refused(&lab), Vec::<String>::new());
    lab.stage.end().await;
    Ok(())
}

/// It is told before a CLB is made, and mended by the remedy that is told.
#[tokio::test(flavor = "multi_thread")]
async fn pods_of_ipv6_alone_behind_an_internal_clb_are_a_mistake() -> anyhow::Result<()> {
    let Some(stage) = Stage::start_dual_stack().await? else {
        return Ok(());
    };
    let lab = Lab::on(stage);
    let pods = [pod(0), pod(1)];
    let internal = |sketch: Sketch| sketch.annotated("address-type", "intranet");
    let six = with_slices(&lab, internal(eni("web")), "web", &["IPv6"], &pods).await?;
    lab.apply(&six).await?;
    lab.says("web", "spec.ipFamilies: \"IPv6\" is not valid: IPv4 too")
        .await?;
    let accepted = lab.condition("web", "service.k8s.alibaba/Accepted").await?;
    assert_eq!(accepted["status"], "False", "{accepted:#}");
    assert_eq!(lab.stage.writes(), 0, "nothing is written for the mistake");
    let both = with_slices(&lab, internal(eni("web")), "web", &["IPv6", "IPv4"], &pods).await?;
    let uid = lab.apply(&both).await?;
    lab.pods_are(&uid, &pods, 8080).await?;
    lab.stage
        .until("the condition names the family of the address", async || {
            let condition = lab.condition("web", "service.k8s.alibaba/IPFamilies").await?;
            Ok(condition["message"]
                .as_str()
                .is_some_and(|message| message.contains("of ipv4 here")))
        })
        .await?;
    assert_eq!(refused(&lab), Vec::<String>::new());
    lab.stage.end().await;
    Ok(())
}

/// Alibaba's controller does not look at the Service's families: it makes an IPv4 CLB and gives it IPv4 pods. They stay, and are followed.
#[tokio::test(flavor = "multi_thread")]
async fn ipv4_pods_of_an_adopted_clb_stay_and_are_followed() -> anyhow::Result<()> {
    let Some(stage) = Stage::start_dual_stack().await? else {
        return Ok(());
    };
    let mut lab = Lab::on(stage);
    let pods = [pod(0), pod(1), pod(2)];
    let families = ["IPv6", "IPv4"];
    let six_first = with_slices(&lab, eni("web"), "web", &families, &pods).await?;
    let uid = lab
        .apply(&six_first.clone().annotated("ip-version", "ipv4"))
        .await?;
    lab.pods_are(&uid, &pods, 8080).await?;
    lab.stage.converged(1).await?;
    lab.stage.world.services.stop().await;
    let as_the_other_leaves_it = Patch::Merge(json!({"status": {"conditions": Value::Null}}));
    service_api(&lab.stage)
        .patch_status("web", &PatchParams::default(), &as_the_other_leaves_it)
        .await?;
    lab.apply(&six_first).await?;
    let before = lab.now();
    lab.stage.world.services.restart().await?;
    lab.stage
        .until("it is adopted", async || {
            let condition = lab.condition("web", "service.k8s.alibaba/Adopted").await?;
            Ok(condition["status"] == "True")
        })
        .await?;
    lab.stage.converged(1).await?;
    assert_eq!(lab.writes_on(&uid, before), Vec::<String>::new());
    with_slices(&lab, eni("web"), "web", &families, &pods[1..]).await?;
    lab.pods_are(&uid, &pods[1..], 8080).await?;
    assert_eq!(refused(&lab), Vec::<String>::new());
    lab.stage.end().await;
    Ok(())
}
