//! A Service that worked before a mistake keeps working as it was, and its backends are still followed.

use std::collections::BTreeMap;

use clb_e2e::{Api, Stage};
use clb_sandbox::workload::{LabNode, make_nodes};
use cloud_sim::{Instance, lab as cloud_lab};
use k8s_openapi::api::core::v1::Node;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::combinations::COMBINATIONS;
use super::table::Mistake;
use super::told::{ACCEPTED, add_what_does_not_fit};
use super::unknown::{HELD_ADDRESS, UNKNOWN};
use super::values::VALUES;
use crate::lab::{self, account, apply_all, condition, events, last_call, written_since};
use crate::shown;

/// The mistakes that can come to a Service with a CLB of its own: which CLB it uses cannot change any more.
fn on_an_own_clb() -> Vec<&'static Mistake> {
    let all = VALUES.iter().chain(COMBINATIONS).chain(UNKNOWN);
    all.filter(|mistake| {
        let names_a_clb = mistake.annotations.iter().any(|(name, _)| *name == "id");
        // The family, the zones and the address of a CLB that is there do not change with the annotation.
        let is_of_creation = mistake.annotations.contains(&("ip-version", "ipv6")) && mistake.at == "acl-id"
            || mistake.value == HELD_ADDRESS
            || mistake.at.ends_with("-zoneid") && mistake.annotations.len() == 2;
        !names_a_clb && !is_of_creation && mistake.ports != ["80/SCTP"]
    })
    .collect()
}

/// Every CLB with its Service's name.
async fn clbs(stage: &Stage) -> anyhow::Result<BTreeMap<String, Value>> {
    let account = account(stage);
    let services = lab::services(stage).await?;
    Ok(services
        .iter()
        .filter(|(name, _)| *name != "kubernetes")
        .map(|(name, service)| {
            let state = account.load_balancer(&shown::id_of(&account, service));
            (name.clone(), shown::settled(&state.unwrap_or_default(), &[]))
        })
        .collect())
}

/// The state once i-n5 has taken the place of i-n3. Whether an unreadable label is for n5 nobody knows: it does not come then.
fn with_node_replaced(mut state: Value, mistake: &Mistake) -> Value {
    let comes = mistake.at != "backend-label";
    for group in state["vgroups"]
        .as_object_mut()
        .into_iter()
        .flat_map(|groups| groups.values_mut())
    {
        let Some(servers) = group["servers"].as_array_mut() else {
            continue;
        };
        servers.retain(|server| comes || server["ServerId"] != "i-n3");
        for server in servers.iter_mut().filter(|server| server["ServerId"] == "i-n3") {
            server["ServerId"] = json!("i-n5");
        }
    }
    shown::settled(&state, &[])
}

/// Node n3 goes and n5, which is like it, comes.
async fn replace_node(stage: &Stage) -> anyhow::Result<()> {
    let client = &stage.world.clusters[0].client;
    let node = LabNode::numbered("", 5);
    let address = [10, 0, 200, 5].into();
    account(stage).add_instance(Instance::new(
        &node.instance_id,
        cloud_lab::VPC,
        "vsw-k",
        &node.zone,
        address,
    ));
    make_nodes(client, &[node]).await?;
    let nodes: kube::Api<Node> = kube::Api::all(client.clone());
    nodes.delete("n3", &DeleteParams::default()).await?;
    Ok(())
}

async fn a_service_that_worked_keeps_working(api: Api, mistakes: Vec<&Mistake>) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    add_what_does_not_fit(&stage);
    let named: Vec<(String, &Mistake)> = mistakes
        .iter()
        .enumerate()
        .map(|(number, mistake)| (format!("worked-{number}"), *mistake))
        .collect();
    let right: Vec<_> = named
        .iter()
        .map(|(name, mistake)| lab::service(name, mistake.ports, &[]))
        .collect();
    apply_all(&stage, &right).await?;
    stage.converged(right.len()).await?;
    let (before, last) = (clbs(&stage).await?, last_call(&stage));
    let addresses = |services: &BTreeMap<String, k8s_openapi::api::core::v1::Service>| {
        services
            .iter()
            .map(|(name, service)| (name.clone(), clb_e2e::ingress_of(service)))
            .collect::<Vec<_>>()
    };
    let shown_before = addresses(&lab::services(&stage).await?);

    let wrong: Vec<_> = named
        .iter()
        .map(|(name, mistake)| mistake.service(name))
        .collect();
    apply_all(&stage, &wrong).await?;
    stage
        .until("each Service is told of its mistake", async || {
            let (services, events) = (lab::services(&stage).await?, events(&stage).await?);
            Ok(named.iter().all(|(name, _)| {
                let told = events[name].iter().any(|said| said.kind == "Warning");
                told && condition(&services[name], ACCEPTED).0 == "False"
            }))
        })
        .await?;
    assert_eq!(
        written_since(&stage, last),
        Vec::<String>::new(),
        "writes because of a mistake"
    );
    assert_eq!(clbs(&stage).await?, before);
    assert_eq!(addresses(&lab::services(&stage).await?), shown_before);
    for (name, said) in events(&stage).await? {
        let warnings: Vec<_> = said.iter().filter(|said| said.kind == "Warning").collect();
        assert_eq!(warnings.len(), 1, "{name}: {warnings:?}");
    }

    replace_node(&stage).await?;
    let followed = stage
        .until("the backends of each are followed", async || {
            let now = clbs(&stage).await?;
            Ok(named
                .iter()
                .all(|(name, mistake)| now[name] == with_node_replaced(before[name].clone(), mistake)))
        })
        .await;
    let now = clbs(&stage).await?;
    let mut not_followed = Vec::new();
    for (name, mistake) in &named {
        let wanted = with_node_replaced(before[name].clone(), mistake);
        let differ = shown::differences(&now[name], &wanted).len();
        if differ > 0 {
            not_followed.push(format!("{} {:?}", mistake.at, mistake.annotations));
        }
    }
    assert_eq!(not_followed, Vec::<String>::new(), "{}", not_followed.join("\n"));
    followed?;

    let writes = stage.writes();
    apply_all(&stage, &right).await?;
    stage.converged(right.len()).await?;
    stage
        .until("the conditions say that the mistakes are mended", async || {
            let services = lab::services(&stage).await?;
            Ok(named
                .iter()
                .all(|(name, _)| condition(&services[name], ACCEPTED).0 == "True"))
        })
        .await?;
    let waited = u64::try_from(
        named
            .iter()
            .filter(|(_, mistake)| mistake.at == "backend-label")
            .count(),
    )?;
    assert_eq!(
        stage.writes() - writes,
        waited,
        "only the Node that waited for its label to be read comes now"
    );
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_worked_keeps_working_on_kube_sim() -> anyhow::Result<()> {
    a_service_that_worked_keeps_working(Api::Simulated, on_an_own_clb()).await
}

/// One in four, so that etcd does not decide how long it takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_worked_keeps_working_on_a_real_api() -> anyhow::Result<()> {
    let some = on_an_own_clb().into_iter().step_by(4).collect();
    a_service_that_worked_keeps_working(Api::Real, some).await
}

/// A user's CLB, what its Service says at first, and the mistake that follows.
type Case = (
    &'static str,
    Vec<(&'static str, &'static str)>,
    (&'static str, &'static str),
);

/// The same on CLBs of the user's own, with mistakes in the annotations about them.
async fn a_service_on_a_users_clb_keeps_working(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let over = ("force-override-listeners", "true");
    let cases: [Case; 4] = [
        ("lb-reuse-04", vec![over], ("scheduler", "fair")),
        ("lb-reuse-05", vec![over], ("id", "<your-clb-instance-id>")),
        (
            "lb-reuse-44",
            vec![over, ("vgroup-port", "rsp-user-44:80")],
            ("force-override-listeners", "yes"),
        ),
        (
            "lb-reuse-45",
            vec![("vgroup-port", "rsp-user-45:80"), ("weight", "60")],
            ("vgroup-port", "rsp-user-45"),
        ),
    ];
    let manifest = |id: &str, annotations: &[(&str, &str)]| {
        let mut manifest = lab::service(&format!("on-{id}"), &["80/TCP"], &[("id", id)]);
        for (name, value) in annotations {
            lab::annotate(&mut manifest, name, value);
        }
        manifest
    };
    let right: Vec<_> = cases
        .iter()
        .map(|(id, annotations, _)| manifest(id, annotations))
        .collect();
    apply_all(&stage, &right).await?;
    stage.converged(cases.len()).await?;
    let clb = |id: &str| shown::settled(&account(&stage).load_balancer(id).unwrap_or_default(), &[]);
    let before: Vec<Value> = cases.iter().map(|(id, ..)| clb(id)).collect();
    let last = last_call(&stage);
    for (id, annotations, mistake) in &cases {
        let mut wrong = manifest(id, annotations);
        lab::annotate(&mut wrong, mistake.0, mistake.1);
        apply_all(&stage, &[wrong]).await?;
        lab::told(
            &stage,
            &format!("on-{id}"),
            &[&lab::full_name(mistake.0), mistake.1],
        )
        .await?;
    }
    assert_eq!(
        written_since(&stage, last),
        Vec::<String>::new(),
        "writes because of a mistake"
    );

    replace_node(&stage).await?;
    let mistake = VALUES.first().expect("there are some");
    for ((id, ..), before) in cases.iter().zip(before) {
        let wanted = with_node_replaced(before, mistake);
        stage
            .until("the backends are followed", async || {
                Ok(shown::differences(&clb(id), &wanted).is_empty())
            })
            .await?;
    }
    apply_all(&stage, &right).await?;
    stage.converged(cases.len()).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_on_a_users_clb_keeps_working_on_kube_sim() -> anyhow::Result<()> {
    a_service_on_a_users_clb_keeps_working(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_on_a_users_clb_keeps_working_on_a_real_api() -> anyhow::Result<()> {
    a_service_on_a_users_clb_keeps_working(Api::Real).await
}

/// A port comes to Services that work, with a group that is not there: nothing is done for any port, and the backends are followed.
async fn a_new_port_whose_group_is_not_there(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let over = ("force-override-listeners", "true");
    let cases = [("lb-reuse-44", vec![over]), ("lb-reuse-45", vec![])];
    let manifest = |id: &str, ports: &[&str], groups: &str, annotations: &[(&str, &str)]| {
        let mut manifest = lab::service(&format!("on-{id}"), ports, &[("id", id)]);
        lab::annotate(&mut manifest, "vgroup-port", groups);
        for (name, value) in annotations {
            lab::annotate(&mut manifest, name, value);
        }
        manifest
    };
    let users_group = |id: &str| format!("rsp-user-{}", id.trim_start_matches("lb-reuse-"));
    let right: Vec<_> = cases
        .iter()
        .map(|(id, annotations)| {
            let groups = format!("{}:80", users_group(id));
            manifest(id, &["80/TCP"], &groups, annotations)
        })
        .collect();
    apply_all(&stage, &right).await?;
    stage.converged(cases.len()).await?;
    let clb = |id: &str| shown::settled(&account(&stage).load_balancer(id).unwrap_or_default(), &[]);
    let before: Vec<Value> = cases.iter().map(|(id, _)| clb(id)).collect();
    let last = last_call(&stage);
    for (id, annotations) in &cases {
        let group = users_group(id);
        let groups = format!("{group}:80,rsp-nowhere:443");
        let mut with_scheduler = annotations.clone();
        with_scheduler.push(("scheduler", "wrr"));
        let wrong = manifest(id, &["80/TCP", "443/TCP"], &groups, &with_scheduler);
        apply_all(&stage, &[wrong]).await?;
        let name = format!("on-{id}");
        let allowed = format!("rsp-nowhere is not there, for example {group}:443");
        lab::told(
            &stage,
            &name,
            &[&lab::full_name("vgroup-port"), &groups, &allowed],
        )
        .await?;
        let services = lab::services(&stage).await?;
        assert_eq!(condition(&services[&name], ACCEPTED).0, "False");
    }
    assert_eq!(
        written_since(&stage, last),
        Vec::<String>::new(),
        "writes because of a mistake"
    );
    replace_node(&stage).await?;
    let mistake = VALUES.first().expect("there are some");
    for ((id, _), before) in cases.iter().zip(before) {
        let wanted = with_node_replaced(before, mistake);
        stage
            .until(
                "the backends are followed, and nothing else is done",
                async || Ok(shown::differences(&clb(id), &wanted).is_empty()),
            )
            .await?;
    }
    apply_all(&stage, &right).await?;
    stage.converged(cases.len()).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_port_whose_group_is_not_there_on_kube_sim() -> anyhow::Result<()> {
    a_new_port_whose_group_is_not_there(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_port_whose_group_is_not_there_on_a_real_api() -> anyhow::Result<()> {
    a_new_port_whose_group_is_not_there(Api::Real).await
}
