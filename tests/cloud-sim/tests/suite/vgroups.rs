//! Facts about vServer groups that a controller's author is likely to get wrong, and the quotas of backends.

use cloud_sim::{Instance, NetworkInterface, Options, Quotas};
use serde_json::{Value, json};

use crate::client::{Called, Failed, Lab, text};

struct Group {
    lab: Lab,
    lb: String,
    id: String,
}

fn address(last: u8) -> std::net::IpAddr {
    [10, 0, 1, last].into()
}

impl Group {
    /// A group in a lab with 30 instances `i-1` … and two pods behind one interface.
    async fn start() -> Self {
        Self::with(Quotas::default()).await
    }

    async fn with(quotas: Quotas) -> Self {
        let mut options = Options::default();
        options.circumstances.quotas = quotas;
        let lab = Lab::with(options).await;
        for number in 1..=30 {
            let id = format!("i-{number}");
            lab.account.add_instance(Instance::new(
                &id,
                "vpc-lab",
                "vsw-k",
                "cn-hangzhou-k",
                address(number),
            ));
        }
        let pods = [address(101), address(102), "fd00::1".parse().unwrap()];
        let eni = NetworkInterface::new("eni-1", "vpc-lab", "vsw-k", "cn-hangzhou-k", &pods);
        lab.account.add_network_interface(eni);
        let lb = lab.load_balancer(&[]).await;
        let id = lab.group(&lb, "g").await;
        Group { lab, lb, id }
    }

    async fn call(&self, action: &str, name: &str, backends: &Value) -> Called {
        self.lab
            .call(
                action,
                &[("VServerGroupId", &self.id), (name, &backends.to_string())],
            )
            .await
    }

    async fn add(&self, backends: Value) -> Called {
        self.call("AddVServerGroupBackendServers", "BackendServers", &backends)
            .await
    }

    async fn refused(&self, backends: Value) -> String {
        self.add(backends).await.unwrap_err().code().to_owned()
    }

    async fn shown(&self) -> Vec<(String, u64, u64)> {
        let found = self
            .lab
            .call("DescribeVServerGroupAttribute", &[("VServerGroupId", &self.id)])
            .await
            .unwrap();
        let rows = found["BackendServers"]["BackendServer"]
            .as_array()
            .unwrap()
            .iter();
        rows.map(|row| {
            (
                text(row, "ServerId"),
                row["Port"].as_u64().unwrap(),
                row["Weight"].as_u64().unwrap(),
            )
        })
        .collect()
    }
}

fn ecs(numbers: impl IntoIterator<Item = u32>) -> Value {
    numbers
        .into_iter()
        .map(|number| json!({ "ServerId": format!("i-{number}"), "Port": 80 }))
        .collect()
}

#[tokio::test]
async fn numbers_may_be_text_and_have_defaults() {
    let group = Group::start().await;
    let backends =
        json!([{ "ServerId": "i-1", "Port": "80", "Weight": "7" }, { "ServerId": "i-2", "Port": 80 }]);
    group.add(backends).await.unwrap();
    assert_eq!(
        group.shown().await,
        [("i-1".to_owned(), 80, 7), ("i-2".to_owned(), 80, 100)]
    );
    assert_eq!(group.refused(json!([])).await, "BackendServersMalformed");
    assert_eq!(
        group.refused(json!([{ "ServerId": "i-1" }])).await,
        "BackendServersMalformed"
    );
    assert_eq!(
        group
            .refused(json!([{ "ServerId": "i-1", "Port": 80, "Weight": 101 }]))
            .await,
        "InvalidWeight.Malformed"
    );
    assert_eq!(
        group
            .refused(json!([{ "ServerId": "i-1", "Port": 80, "Type": "vm" }]))
            .await,
        "BackendServer.InvalidType"
    );
}

#[tokio::test]
async fn removing_what_is_not_there_is_ignored_and_setting_adds_nothing() {
    let group = Group::start().await;
    group.add(ecs([1, 2])).await.unwrap();
    let remove = "RemoveVServerGroupBackendServers";
    group.call(remove, "BackendServers", &ecs([2, 9])).await.unwrap();
    assert_eq!(group.shown().await, [("i-1".to_owned(), 80, 100)]);
    let set = json!([{ "ServerId": "i-1", "Port": 80, "Weight": 5 }, { "ServerId": "i-3", "Port": 80 }]);
    group
        .call("SetVServerGroupAttribute", "BackendServers", &set)
        .await
        .unwrap();
    assert_eq!(group.shown().await, [("i-1".to_owned(), 80, 5)]);
    group
        .call("SetVServerGroupAttribute", "BackendServers", &ecs([1]))
        .await
        .unwrap();
    assert_eq!(
        group.shown().await,
        [("i-1".to_owned(), 80, 100)],
        "an omitted weight means 100"
    );
    let nothing = group
        .lab
        .refused("SetVServerGroupAttribute", &[("VServerGroupId", &group.id)])
        .await;
    assert_eq!(nothing, "MissingParameter");
}

#[tokio::test]
async fn interfaces_are_told_apart_by_address() {
    let group = Group::start().await;
    let pod = |ip: &str| json!({ "ServerId": "eni-1", "Type": "eni", "ServerIp": ip, "Port": 80 });
    group
        .add(json!([pod("10.0.1.101"), pod("10.0.1.102")]))
        .await
        .unwrap();
    assert_eq!(group.shown().await.len(), 2);
    group
        .call(
            "RemoveVServerGroupBackendServers",
            "BackendServers",
            &json!([pod("10.0.1.101")]),
        )
        .await
        .unwrap();
    assert_eq!(group.shown().await.len(), 1);
    assert_eq!(
        group.refused(json!([pod("10.0.9.9")])).await,
        "InvalidBackendServers.ServerIpConflict"
    );
    assert_eq!(
        group.refused(json!([pod("fd00::1")])).await,
        "LBNotSupportIpv6Backend"
    );
    let unknown = group
        .add(json!([{ "ServerId": "eni-x", "Type": "eni", "Port": 80 }]))
        .await
        .unwrap_err();
    assert_eq!(
        unknown,
        Failed::Refused(404, "ResourceNotFound.vServers".to_owned())
    );
}

#[tokio::test]
async fn servers_run_and_are_in_one_network() {
    let group = Group::start().await;
    assert_eq!(
        group.refused(json!([{ "ServerId": "i-x", "Port": 80 }])).await,
        "InvalidServerId.NotExist"
    );
    assert!(group.lab.account.set_instance_status("i-1", "Stopped"));
    assert_eq!(group.refused(ecs([1, 2])).await, "ObtainIpFail");
    assert!(group.shown().await.is_empty(), "all or nothing");
    group.add(ecs([2])).await.unwrap();
    let elsewhere = Instance::new("i-far", "vpc-other", "vsw-x", "cn-hangzhou-k", address(200));
    group.lab.account.add_instance(elsewhere);
    assert_eq!(
        group.refused(json!([{ "ServerId": "i-far", "Port": 80 }])).await,
        "NetworkConflict"
    );
}

#[tokio::test]
async fn twenty_backends_per_call() {
    let group = Group::start().await;
    assert_eq!(group.refused(ecs(1..=21)).await, "TooManyBackendServers");
    group.add(ecs(1..=20)).await.unwrap();
    group
        .add(ecs(20..=30))
        .await
        .expect("one that is there is ignored");
    assert_eq!(group.shown().await.len(), 30);
    let twice = json!([{ "ServerId": "i-1", "Port": 81 }, { "ServerId": "i-1", "Port": "81" }]);
    let refused = group
        .call("ModifyVServerGroupBackendServers", "NewBackendServers", &twice)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "InvalidParameter");
}

#[tokio::test]
async fn backends_and_attachments_have_quotas() {
    let group = Group::with(Quotas {
        backends: 3,
        ..Quotas::default()
    })
    .await;
    group.add(ecs([1, 2, 3])).await.unwrap();
    assert_eq!(
        group.refused(ecs([4])).await,
        "InstanceBackendServerNumberOverLimit"
    );
    group
        .call("RemoveVServerGroupBackendServers", "BackendServers", &ecs([1]))
        .await
        .unwrap();
    group.add(ecs([4])).await.expect("a removal makes room");

    let group = Group::with(Quotas {
        attachments: 2,
        ..Quotas::default()
    })
    .await;
    let ports = |ports: &[u16]| -> Value {
        ports
            .iter()
            .map(|port| json!({ "ServerId": "i-1", "Port": port }))
            .collect()
    };
    group.add(ports(&[80, 81])).await.unwrap();
    assert_eq!(
        group.refused(ports(&[82])).await,
        "InstanceBackendServerNumberOverLimit"
    );
    group
        .lab
        .call("DeleteLoadBalancer", &[("LoadBalancerId", &group.lb)])
        .await
        .unwrap();
    let lb = group.lab.load_balancer(&[]).await;
    let backends = ports(&[80, 81]).to_string();
    let again = [
        ("LoadBalancerId", lb.as_str()),
        ("BackendServers", backends.as_str()),
    ];
    group
        .lab
        .call("CreateVServerGroup", &again)
        .await
        .expect("a deleted load balancer frees its attachments");
}

#[tokio::test]
async fn only_backends_that_are_there_count_as_attachments() {
    let group = Group::with(Quotas {
        attachments: 2,
        ..Quotas::default()
    })
    .await;
    let create = [
        ("LoadBalancerId", group.lb.as_str()),
        ("BackendServers", &ecs([1]).to_string()),
    ];
    group.add(ecs([1])).await.unwrap();
    // A document in the place of the load balancer, as people change one by hand.
    for _ in 0..3 {
        let body = group.lab.account.load_balancer(&group.lb).unwrap();
        let document = json!({ "load_balancers": { group.lb.as_str(): body } });
        group.lab.account.load_state(&document, &[]).unwrap();
    }
    let second = group.lab.call("CreateVServerGroup", &create).await;
    let second = text(&second.expect("room for one more"), "VServerGroupId");
    for _ in 0..3 {
        assert_eq!(
            group.lab.refused("CreateVServerGroup", &create).await,
            "InstanceBackendServerNumberOverLimit"
        );
    }
    group
        .lab
        .call("DeleteVServerGroup", &[("VServerGroupId", &second)])
        .await
        .unwrap();
    group
        .lab
        .call("CreateVServerGroup", &create)
        .await
        .expect("those that were refused do not count");
}

#[tokio::test]
async fn a_group_in_use_cannot_go() {
    let group = Group::start().await;
    group.lab.tcp(&group.lb, "80", &group.id).await;
    let id = [("VServerGroupId", group.id.as_str())];
    assert_eq!(
        group.lab.refused("DeleteVServerGroup", &id).await,
        "RspoolVipExist"
    );
    let cloud = group.lab.sim.cloud();
    cloud.change_circumstances(|it| it.release_time = std::time::Duration::from_secs(3600));
    let listener = [("LoadBalancerId", group.lb.as_str()), ("ListenerPort", "80")];
    group
        .lab
        .call("DeleteLoadBalancerListener", &listener)
        .await
        .unwrap();
    assert_eq!(
        group.lab.refused("DeleteVServerGroup", &id).await,
        "RspoolVipExist",
        "the release lags"
    );
    cloud.change_circumstances(|it| it.release_time = std::time::Duration::ZERO);
    group.lab.call("DeleteVServerGroup", &id).await.unwrap();
    let gone = group.lab.call("DeleteVServerGroup", &id).await.unwrap_err();
    assert_eq!(gone, Failed::Refused(404, "InvalidParameter".to_owned()));
}

#[tokio::test]
async fn interface_lookups_give_ten_rows_unless_more_are_asked_for() {
    let group = Group::start().await;
    let ids = serde_json::to_string(&(1..=30).map(|n| format!("i-{n}")).collect::<Vec<_>>()).unwrap();
    let region = ("RegionId", "cn-hangzhou");
    let ecs = async |action: &str, parameters: &[(&str, &str)]| {
        group
            .lab
            .client
            .call("2014-05-26", action, &[&[region], parameters].concat())
            .await
            .unwrap()
    };
    let rows = |answer: &Value| answer["Instances"]["Instance"].as_array().unwrap().len();
    let few = ecs("DescribeInstances", &[("InstanceIds", &ids)]).await;
    assert_eq!((rows(&few), &few["TotalCount"]), (10, &json!(30)));
    let page = ecs(
        "DescribeInstances",
        &[("InstanceIds", &ids), ("MaxResults", "20")],
    )
    .await;
    let next = text(&page, "NextToken");
    let rest = ecs(
        "DescribeInstances",
        &[("InstanceIds", &ids), ("MaxResults", "20"), ("NextToken", &next)],
    )
    .await;
    assert_eq!(
        (rows(&page), rows(&rest), &rest["NextToken"]),
        (20, 10, &json!(""))
    );
    let other = NetworkInterface::new("eni-2", "vpc-other", "vsw-x", "cn-hangzhou-k", &[address(101)]);
    group.lab.account.add_network_interface(other);
    let found = ecs(
        "DescribeNetworkInterfaces",
        &[("PrivateIpAddress.1", "10.0.1.101")],
    )
    .await;
    assert_eq!(found["TotalCount"], 2, "addresses repeat across VPCs");
    let own = [("PrivateIpAddress.1", "10.0.1.101"), ("VpcId", "vpc-lab")];
    assert_eq!(ecs("DescribeNetworkInterfaces", &own).await["TotalCount"], 1);
}
