//! CLBs with what is on them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use clb_model::attribute::{AttributeKind, AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::*;
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};
use ipnet::IpNet;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::{name, non_empty_text, port, text, texts_by_name};

pub(crate) fn load_balancer_id() -> impl Strategy<Value = LoadBalancerId> {
    "lb-[a-z0-9]{1,10}".prop_map(|id| LoadBalancerId::new(id).unwrap())
}

pub(crate) fn vgroup_id() -> impl Strategy<Value = VServerGroupId> {
    "rsp-[a-z0-9]{1,10}".prop_map(|id| VServerGroupId::new(id).unwrap())
}

pub(crate) fn version() -> impl Strategy<Value = PartVersion> {
    any::<(u64, u64)>().prop_map(|(term, number)| PartVersion { term, number })
}

pub(crate) fn protocol() -> impl Strategy<Value = ListenerProtocol> {
    prop_oneof![
        Just(ListenerProtocol::Tcp),
        Just(ListenerProtocol::Udp),
        Just(ListenerProtocol::Http),
        Just(ListenerProtocol::Https)
    ]
}

pub(crate) fn listener_key() -> impl Strategy<Value = ListenerKey> {
    (port(), protocol()).prop_map(|(port, protocol)| ListenerKey { port, protocol })
}

pub(crate) fn attributes() -> impl Strategy<Value = ListenerAttributes> {
    let attribute = prop::sample::select(ListenerAttribute::ALL).prop_flat_map(|attribute| {
        let value = match attribute.kind() {
            AttributeKind::Switch | AttributeKind::Boolean => {
                any::<bool>().prop_map(AttributeValue::On).boxed()
            }
            AttributeKind::Number => any::<i64>().prop_map(AttributeValue::Number).boxed(),
            AttributeKind::Text => text().prop_map(AttributeValue::Text).boxed(),
        };
        (Just(attribute), value)
    });
    vec(attribute, 0..6).prop_map(ListenerAttributes::from_iter)
}

pub(crate) fn backend() -> impl Strategy<Value = Backend> {
    let target = prop_oneof![
        non_empty_text().prop_map(BackendTarget::Instance),
        (
            any::<std::net::IpAddr>(),
            option::of(non_empty_text()),
            any::<bool>()
        )
            .prop_map(|(address, eni, eci)| BackendTarget::Interface { address, eni, eci }),
    ];
    (target, port(), 0_u8..=100, text()).prop_map(|(target, port, weight, description)| Backend {
        target,
        port,
        weight,
        description,
    })
}

fn listener() -> impl Strategy<Value = Listener> {
    let extension = (text(), text()).prop_map(|(id, certificate_id)| DomainExtension { id, certificate_id });
    (
        version(),
        any::<bool>(),
        option::of(vgroup_id()),
        attributes(),
        btree_map(name(), extension, 0..3),
    )
        .prop_map(
            |(version, running, vgroup, attributes, domain_extensions)| Listener {
                version,
                running,
                vgroup,
                attributes,
                domain_extensions,
            },
        )
}

pub(crate) fn address_type() -> impl Strategy<Value = AddressType> {
    prop_oneof![Just(AddressType::Internet), Just(AddressType::Intranet)]
}

pub(crate) fn ip_version() -> impl Strategy<Value = IpVersion> {
    prop_oneof![Just(IpVersion::V4), Just(IpVersion::V6)]
}

pub(crate) fn instance_charge_type() -> impl Strategy<Value = InstanceChargeType> {
    prop_oneof![
        Just(InstanceChargeType::PayBySpec),
        Just(InstanceChargeType::PayByClcu)
    ]
}

pub(crate) fn internet_charge_type() -> impl Strategy<Value = InternetChargeType> {
    prop_oneof![
        Just(InternetChargeType::PayByTraffic),
        Just(InternetChargeType::PayByBandwidth)
    ]
}

pub(crate) fn load_balancer() -> impl Strategy<Value = LoadBalancer> {
    let vgroup =
        (version(), text(), vec(backend(), 0..4)).prop_map(|(version, name, backends)| VServerGroup {
            version,
            name,
            backends,
        });
    let access_list =
        (version(), text(), btree_set(range(), 0..4)).prop_map(|(version, name, entries)| AccessList {
            version,
            name,
            entries,
        });
    let kinds = (
        address_type(),
        ip_version(),
        instance_charge_type(),
        internet_charge_type(),
    );
    let rest = (
        any::<i32>(),
        any::<[bool; 2]>(),
        texts_by_name(),
        option::of(non_empty_text()),
        btree_map(listener_key(), listener(), 0..4),
        btree_map(vgroup_id(), vgroup, 0..4),
        btree_map("acl-[a-z0-9]{1,8}", access_list, 0..3),
    );
    (load_balancer_id(), version(), vec(text(), 9), kinds, rest).prop_map(
        |(
            id,
            version,
            texts,
            kinds,
            (bandwidth, flags, tags, eip_address, listeners, vgroups, access_lists),
        )| {
            let mut texts = texts.into_iter();
            let mut next = || texts.next().unwrap();
            LoadBalancer {
                id,
                version,
                name: next(),
                address: next(),
                address_type: kinds.0,
                ip_version: kinds.1,
                status: next(),
                spec: next(),
                instance_charge_type: kinds.2,
                internet_charge_type: kinds.3,
                bandwidth,
                delete_protection: flags[0],
                modification_protection: flags[1],
                resource_group_id: next(),
                vpc_id: next(),
                vswitch_id: next(),
                master_zone_id: next(),
                slave_zone_id: next(),
                tags,
                eip_address,
                listeners,
                vgroups,
                access_lists,
            }
        },
    )
}

pub(crate) fn range() -> impl Strategy<Value = IpNet> {
    let v4 = (any::<u32>(), 0..=32_u8)
        .prop_map(|(bits, length)| IpNet::new_assert(Ipv4Addr::from(bits).into(), length));
    let v6 = (any::<u128>(), 0..=128_u8)
        .prop_map(|(bits, length)| IpNet::new_assert(Ipv6Addr::from(bits).into(), length));
    prop_oneof![v4, v6].prop_map(|range| range.trunc())
}

fn static_address() -> impl Strategy<Value = StaticAddress> {
    (name(), name(), any::<u32>()).prop_map(|(vpc_id, vswitch_id, bits)| StaticAddress {
        vpc_id,
        vswitch_id,
        address: Ipv4Addr::from(bits),
    })
}

fn address_holder() -> impl Strategy<Value = AddressHolder> {
    let load_balancer =
        (load_balancer_id(), text()).prop_map(|(id, owner)| AddressHolder::LoadBalancer { id, owner });
    prop_oneof![load_balancer, name().prop_map(AddressHolder::NetworkInterface)]
}

pub(crate) fn static_addresses() -> impl Strategy<Value = BTreeSet<StaticAddress>> {
    btree_set(static_address(), 0..4)
}

pub(crate) fn held_addresses() -> impl Strategy<Value = BTreeMap<StaticAddress, AddressHolder>> {
    btree_map(static_address(), address_holder(), 0..4)
}
