//! What has an address with which a CLB is to be created.

use clb_model::cloud::{AddressHolder, AddressType, StaticAddress};
use clb_model::marks::default_name;
use clb_model::operation::Change;
use clb_proto::actuator::v1;
use clb_tls::PeerIdentity;
use clb_wire::actuator::{Facts, InspectQuery, facts_from_proto, inspect_query_to_proto};
use cloud_sim::{NetworkInterface, VSwitch, lab as cloud_lab};
use tonic::Request;

use crate::lab::{CLUSTER, Lab, created, new_load_balancer};

/// An address of the lab's VPC.
fn address(vswitch_id: &str, text: &str) -> StaticAddress {
    StaticAddress {
        vpc_id: cloud_lab::VPC.to_owned(),
        vswitch_id: vswitch_id.to_owned(),
        address: text.parse().unwrap(),
    }
}

async fn holders(lab: &Lab, asked: &[&StaticAddress]) -> Facts {
    let query = InspectQuery {
        cluster: CLUSTER.parse().unwrap(),
        region: cloud_lab::REGION.to_owned(),
        certificate_ids: [].into(),
        acl_ids: [].into(),
        vswitch_ids: [].into(),
        zone_pairs: false,
        static_addresses: asked.iter().map(|one| (*one).clone()).collect(),
        in_part: true,
    };
    let mut request: Request<v1::InspectRequest> = Request::new(inspect_query_to_proto(&query));
    clb_tls::present(&PeerIdentity::Planner, request.metadata_mut());
    let answer = lab.client.clone().inspect(request).await.unwrap();
    facts_from_proto(answer.into_inner())
}

/// Creates an internal CLB with this address and returns its id.
async fn create(lab: &Lab, uid: &str, address: &StaticAddress) -> String {
    let mut new = new_load_balancer(uid);
    new.address_type = AddressType::Intranet;
    new.vpc_id = Some(address.vpc_id.clone());
    new.vswitch_ids = vec![address.vswitch_id.clone()];
    new.address = Some(address.address.to_string());
    let batch = lab.batch(uid, vec![Change::CreateLoadBalancer(Box::new(new))]);
    created(&lab.execute(&batch).await[0])
}

#[tokio::test]
async fn a_clb_and_an_interface_have_their_addresses_and_nobody_has_the_others() {
    let lab = Lab::start().await;
    let (of_clb, free) = (address("vsw-k", "10.0.250.8"), address("vsw-k", "10.0.250.9"));
    let (of_interface, second) = (address("vsw-k", "10.0.250.10"), address("vsw-k", "10.0.250.11"));
    let id = create(&lab, "uid-1", &of_clb).await;
    lab.interface("eni-holder", &["10.0.250.10", "10.0.250.11"]);

    let facts = holders(&lab, &[&of_clb, &free, &of_interface, &second]).await;
    let clb = AddressHolder::LoadBalancer {
        id: id.parse().unwrap(),
        owner: default_name(&"uid-1".parse().unwrap()),
    };
    let interface = AddressHolder::NetworkInterface("eni-holder".to_owned());
    assert_eq!(
        facts.held_addresses,
        [
            (of_clb, clb),
            (of_interface, interface.clone()),
            (second, interface)
        ]
        .into()
    );
    assert_eq!(
        lab.calls("DescribeNetworkInterfaces"),
        1,
        "one for all of a vSwitch"
    );
}

#[tokio::test]
async fn the_same_address_in_another_vpc_does_not_count() {
    let lab = Lab::start().await;
    let range = "10.0.0.0/16".parse().unwrap();
    lab.account.add_vswitch(VSwitch::new(
        "vsw-elsewhere",
        "vpc-elsewhere",
        "cn-hangzhou-k",
        range,
    ));
    lab.account.add_network_interface(NetworkInterface::new(
        "eni-elsewhere",
        "vpc-elsewhere",
        "vsw-elsewhere",
        "cn-hangzhou-k",
        &["10.0.250.8".parse().unwrap()],
    ));
    create(&lab, "uid-1", &address("vsw-k", "10.0.250.9")).await;
    let here = address("vsw-k", "10.0.250.8");
    let elsewhere = StaticAddress {
        vpc_id: "vpc-elsewhere".to_owned(),
        ..address("vsw-elsewhere", "10.0.250.9")
    };
    assert_eq!(
        holders(&lab, &[&here, &elsewhere]).await.held_addresses,
        [].into()
    );
}

#[tokio::test]
async fn an_address_is_read_anew_each_time() {
    let lab = Lab::start().await;
    let asked = address("vsw-k", "10.0.250.8");
    lab.interface("eni-holder", &["10.0.250.8"]);
    assert_eq!(holders(&lab, &[&asked]).await.held_addresses.len(), 1);
    assert!(lab.account.remove_network_interface("eni-holder"));
    assert_eq!(holders(&lab, &[&asked]).await.held_addresses, [].into());
}
