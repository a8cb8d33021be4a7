//! What operations do.

use clb_model::cloud::ListenerKey;
use clb_model::operation::{
    BackendChange, Change, LoadBalancerChange, NewListener, NewLoadBalancer, OperationId, VServerGroupRef,
};
use clb_proto::actuator::v1;
use clb_proto::actuator::v1::change_load_balancer::Attribute;
use clb_proto::actuator::v1::operation::Change as Message;
use clb_proto::actuator::v1::v_server_group_ref::Reference;

use super::backend::{backends_from_proto, backends_to_proto};
use super::listener::{UnknownNames, attributes_from_proto, attributes_to_proto, key_from_proto};
use super::load_balancer::ranges_from_proto;
use crate::WireError;
use crate::field::{Reader, non_empty};

const CREATE_LOAD_BALANCER: Reader = Reader("CreateLoadBalancer");
const CHANGE_LOAD_BALANCER: Reader = Reader("ChangeLoadBalancer");
const INTERNET_SPEC: Reader = Reader("InternetSpec");
const DELETE_VSERVER_GROUP: Reader = Reader("DeleteVServerGroup");
const VSERVER_GROUP_REF: Reader = Reader("VServerGroupRef");
const CHANGE_BACKENDS: Reader = Reader("ChangeBackends");
const CREATE_LISTENER: Reader = Reader("CreateListener");
const CHANGE_LISTENER: Reader = Reader("ChangeListener");
const START_LISTENER: Reader = Reader("StartListener");
const DELETE_LISTENER: Reader = Reader("DeleteListener");
const RECREATE_LISTENER: Reader = Reader("RecreateListener");
const CHANGE_DOMAIN_EXTENSION: Reader = Reader("ChangeDomainExtension");
const FILL_ACCESS_LIST: Reader = Reader("FillAccessList");
const TRIM_ACCESS_LIST: Reader = Reader("TrimAccessList");

pub(super) fn change_to_proto(change: &Change) -> Message {
    match change {
        Change::CreateLoadBalancer(new) => Message::CreateLoadBalancer(new_load_balancer_to_proto(new)),
        Change::ChangeLoadBalancer(change) => Message::ChangeLoadBalancer(v1::ChangeLoadBalancer {
            attribute: Some(load_balancer_change_to_proto(change)),
        }),
        Change::DeleteLoadBalancer => Message::DeleteLoadBalancer(v1::DeleteLoadBalancer {}),
        Change::CreateVServerGroup { name, backends } => Message::CreateVgroup(v1::CreateVServerGroup {
            name: name.clone(),
            backends: backends_to_proto(backends),
        }),
        Change::DeleteVServerGroup { vgroup } => Message::DeleteVgroup(v1::DeleteVServerGroup {
            vgroup_id: vgroup.to_string(),
        }),
        Change::ChangeBackends {
            vgroup,
            change,
            backends,
        } => Message::ChangeBackends(v1::ChangeBackends {
            vgroup: Some(vgroup_ref_to_proto(vgroup)),
            change: match change {
                BackendChange::Add => v1::BackendChange::Add,
                BackendChange::Remove => v1::BackendChange::Remove,
                BackendChange::Set => v1::BackendChange::Set,
            }
            .into(),
            backends: backends_to_proto(backends),
        }),
        Change::CreateListener(new) => Message::CreateListener(new_listener_to_proto(new)),
        Change::ChangeListener {
            listener,
            vgroup,
            attributes,
        } => Message::ChangeListener(v1::ChangeListener {
            protocol: listener.protocol.to_string(),
            port: listener.port.into(),
            vgroup: vgroup.as_ref().map(vgroup_ref_to_proto),
            attributes: attributes_to_proto(attributes),
        }),
        Change::StartListener { listener } => Message::StartListener(v1::StartListener {
            protocol: listener.protocol.to_string(),
            port: listener.port.into(),
        }),
        Change::DeleteListener { listener } => Message::DeleteListener(v1::DeleteListener {
            protocol: listener.protocol.to_string(),
            port: listener.port.into(),
        }),
        Change::RecreateListener { old, new } => Message::RecreateListener(v1::RecreateListener {
            old_protocol: old.to_string(),
            listener: Some(new_listener_to_proto(new)),
        }),
        Change::ChangeDomainExtension {
            port,
            domain,
            certificate_id,
        } => Message::ChangeDomainExtension(v1::ChangeDomainExtension {
            port: (*port).into(),
            domain: domain.clone(),
            certificate_id: certificate_id.clone().unwrap_or_default(),
        }),
        Change::FillAccessList { ip_version, entries } => Message::FillAccessList(v1::FillAccessList {
            ip_version: ip_version.to_string(),
            entries: entries.iter().map(ToString::to_string).collect(),
        }),
        Change::TrimAccessList { access_list, entries } => Message::TrimAccessList(v1::TrimAccessList {
            access_list_id: access_list.clone(),
            entries: entries.iter().map(ToString::to_string).collect(),
        }),
        Change::DeleteAccessList => Message::DeleteAccessList(v1::DeleteAccessList {}),
        Change::FindLoadBalancer { was_being_made } => Message::FindLoadBalancer(v1::FindLoadBalancer {
            was_being_made: *was_being_made,
        }),
    }
}

pub(super) fn change_from_proto(message: Message) -> Result<Change, WireError> {
    Ok(match message {
        Message::CreateLoadBalancer(new) => {
            Change::CreateLoadBalancer(Box::new(new_load_balancer_from_proto(new)?))
        }
        Message::ChangeLoadBalancer(change) => {
            let attribute = CHANGE_LOAD_BALANCER.required(
                "attribute",
                change.attribute,
                "a change that this actuator knows",
            )?;
            Change::ChangeLoadBalancer(load_balancer_change_from_proto(attribute)?)
        }
        Message::DeleteLoadBalancer(v1::DeleteLoadBalancer {}) => Change::DeleteLoadBalancer,
        Message::CreateVgroup(new) => Change::CreateVServerGroup {
            name: new.name,
            backends: backends_from_proto(new.backends)?,
        },
        Message::DeleteVgroup(gone) => Change::DeleteVServerGroup {
            vgroup: DELETE_VSERVER_GROUP.text("vgroup_id", &gone.vgroup_id)?,
        },
        Message::ChangeBackends(change) => backends_change_from_proto(change)?,
        Message::CreateListener(new) => Change::CreateListener(new_listener_from_proto(new)?),
        Message::ChangeListener(change) => Change::ChangeListener {
            listener: key_from_proto(CHANGE_LISTENER, &change.protocol, change.port)?,
            vgroup: change.vgroup.map(vgroup_ref_from_proto).transpose()?,
            attributes: attributes_from_proto(CHANGE_LISTENER, change.attributes, UnknownNames::Refuse)?,
        },
        Message::StartListener(start) => Change::StartListener {
            listener: key_from_proto(START_LISTENER, &start.protocol, start.port)?,
        },
        Message::DeleteListener(gone) => Change::DeleteListener {
            listener: key_from_proto(DELETE_LISTENER, &gone.protocol, gone.port)?,
        },
        Message::RecreateListener(change) => Change::RecreateListener {
            old: RECREATE_LISTENER.text("old_protocol", &change.old_protocol)?,
            new: new_listener_from_proto(RECREATE_LISTENER.required(
                "listener",
                change.listener,
                "the new listener",
            )?)?,
        },
        Message::ChangeDomainExtension(change) => Change::ChangeDomainExtension {
            port: CHANGE_DOMAIN_EXTENSION.port("port", change.port)?,
            domain: change.domain,
            certificate_id: non_empty(change.certificate_id),
        },
        Message::FillAccessList(fill) => Change::FillAccessList {
            ip_version: FILL_ACCESS_LIST.text("ip_version", &fill.ip_version)?,
            entries: ranges_from_proto(FILL_ACCESS_LIST, &fill.entries)?,
        },
        Message::TrimAccessList(trim) => Change::TrimAccessList {
            access_list: trim.access_list_id,
            entries: ranges_from_proto(TRIM_ACCESS_LIST, &trim.entries)?,
        },
        Message::DeleteAccessList(v1::DeleteAccessList {}) => Change::DeleteAccessList,
        Message::FindLoadBalancer(v1::FindLoadBalancer { was_being_made }) => {
            Change::FindLoadBalancer { was_being_made }
        }
    })
}

fn backends_change_from_proto(message: v1::ChangeBackends) -> Result<Change, WireError> {
    let change = match v1::BackendChange::try_from(message.change) {
        Ok(v1::BackendChange::Add) => BackendChange::Add,
        Ok(v1::BackendChange::Remove) => BackendChange::Remove,
        Ok(v1::BackendChange::Set) => BackendChange::Set,
        Ok(v1::BackendChange::Unspecified) | Err(_) => {
            return Err(CHANGE_BACKENDS.invalid("change", message.change, "a known BackendChange"));
        }
    };
    Ok(Change::ChangeBackends {
        vgroup: vgroup_ref_from_proto(CHANGE_BACKENDS.required("vgroup", message.vgroup, "the group")?)?,
        change,
        backends: backends_from_proto(message.backends)?,
    })
}

fn vgroup_ref_to_proto(vgroup: &VServerGroupRef) -> v1::VServerGroupRef {
    v1::VServerGroupRef {
        reference: Some(match vgroup {
            VServerGroupRef::Id(id) => Reference::Id(id.to_string()),
            VServerGroupRef::CreatedBy(operation) => Reference::CreatedBy(operation.0),
        }),
    }
}

fn vgroup_ref_from_proto(message: v1::VServerGroupRef) -> Result<VServerGroupRef, WireError> {
    match VSERVER_GROUP_REF.required("reference", message.reference, "an id or an operation")? {
        Reference::Id(id) => Ok(VServerGroupRef::Id(VSERVER_GROUP_REF.text("id", &id)?)),
        Reference::CreatedBy(operation) => Ok(VServerGroupRef::CreatedBy(OperationId(operation))),
    }
}

fn new_listener_to_proto(new: &NewListener) -> v1::CreateListener {
    v1::CreateListener {
        protocol: new.key.protocol.to_string(),
        port: new.key.port.into(),
        vgroup: new.vgroup.as_ref().map(vgroup_ref_to_proto),
        attributes: attributes_to_proto(&new.attributes),
    }
}

fn new_listener_from_proto(message: v1::CreateListener) -> Result<NewListener, WireError> {
    let key: ListenerKey = key_from_proto(CREATE_LISTENER, &message.protocol, message.port)?;
    Ok(NewListener {
        key,
        vgroup: message.vgroup.map(vgroup_ref_from_proto).transpose()?,
        attributes: attributes_from_proto(CREATE_LISTENER, message.attributes, UnknownNames::Refuse)?,
    })
}

fn load_balancer_change_to_proto(change: &LoadBalancerChange) -> Attribute {
    match change {
        LoadBalancerChange::Name(name) => Attribute::Name(name.clone()),
        LoadBalancerChange::Spec(spec) => Attribute::Spec(spec.clone()),
        LoadBalancerChange::InternetSpec {
            charge_type,
            bandwidth,
        } => Attribute::InternetSpec(v1::InternetSpec {
            internet_charge_type: charge_type.map(|kind| kind.to_string()).unwrap_or_default(),
            bandwidth: bandwidth.unwrap_or_default(),
        }),
        LoadBalancerChange::PayByClcu => Attribute::PayByClcu(true),
        LoadBalancerChange::DeleteProtection(on) => Attribute::DeleteProtection(*on),
        LoadBalancerChange::ModificationProtection(on) => Attribute::ModificationProtection(*on),
        LoadBalancerChange::SetTags(tags) => Attribute::SetTags(v1::TagMap { tags: tags.clone() }),
        LoadBalancerChange::RemoveTags(keys) => Attribute::RemoveTags(v1::TagKeys { keys: keys.clone() }),
    }
}

fn load_balancer_change_from_proto(attribute: Attribute) -> Result<LoadBalancerChange, WireError> {
    Ok(match attribute {
        Attribute::Name(name) => LoadBalancerChange::Name(name),
        Attribute::Spec(spec) => LoadBalancerChange::Spec(spec),
        Attribute::InternetSpec(spec) => LoadBalancerChange::InternetSpec {
            charge_type: INTERNET_SPEC.optional_text("internet_charge_type", &spec.internet_charge_type)?,
            bandwidth: non_zero(spec.bandwidth),
        },
        Attribute::PayByClcu(true) => LoadBalancerChange::PayByClcu,
        Attribute::PayByClcu(false) => {
            return Err(CHANGE_LOAD_BALANCER.invalid("pay_by_clcu", false, "true, there is no way back"));
        }
        Attribute::DeleteProtection(on) => LoadBalancerChange::DeleteProtection(on),
        Attribute::ModificationProtection(on) => LoadBalancerChange::ModificationProtection(on),
        Attribute::SetTags(tags) => LoadBalancerChange::SetTags(tags.tags),
        Attribute::RemoveTags(keys) => LoadBalancerChange::RemoveTags(keys.keys),
    })
}

fn new_load_balancer_to_proto(new: &NewLoadBalancer) -> v1::CreateLoadBalancer {
    v1::CreateLoadBalancer {
        name: new.name.clone(),
        address_type: new.address_type.to_string(),
        ip_version: new.ip_version.to_string(),
        instance_charge_type: new.instance_charge_type.to_string(),
        spec: new.spec.clone().unwrap_or_default(),
        internet_charge_type: new.internet_charge_type.to_string(),
        bandwidth: new.bandwidth.unwrap_or_default(),
        vpc_id: new.vpc_id.clone().unwrap_or_default(),
        vswitch_ids: new.vswitch_ids.clone(),
        address: new.address.clone().unwrap_or_default(),
        master_zone_id: new.master_zone_id.clone().unwrap_or_default(),
        slave_zone_id: new.slave_zone_id.clone().unwrap_or_default(),
        resource_group_id: new.resource_group_id.clone().unwrap_or_default(),
        delete_protection: new.delete_protection,
        modification_protection: new.modification_protection,
        tags: new.tags.clone(),
        replaces_id: new.replaces.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn new_load_balancer_from_proto(message: v1::CreateLoadBalancer) -> Result<NewLoadBalancer, WireError> {
    Ok(NewLoadBalancer {
        name: message.name,
        address_type: CREATE_LOAD_BALANCER.text("address_type", &message.address_type)?,
        ip_version: CREATE_LOAD_BALANCER.text("ip_version", &message.ip_version)?,
        instance_charge_type: CREATE_LOAD_BALANCER
            .text("instance_charge_type", &message.instance_charge_type)?,
        spec: non_empty(message.spec),
        internet_charge_type: CREATE_LOAD_BALANCER
            .text("internet_charge_type", &message.internet_charge_type)?,
        bandwidth: non_zero(message.bandwidth),
        vpc_id: non_empty(message.vpc_id),
        vswitch_ids: message.vswitch_ids,
        address: non_empty(message.address),
        master_zone_id: non_empty(message.master_zone_id),
        slave_zone_id: non_empty(message.slave_zone_id),
        resource_group_id: non_empty(message.resource_group_id),
        delete_protection: message.delete_protection,
        modification_protection: message.modification_protection,
        tags: message.tags,
        replaces: CREATE_LOAD_BALANCER.optional_text("replaces_id", &message.replaces_id)?,
    })
}

fn non_zero(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}
