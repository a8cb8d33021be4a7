//! Changing and deleting a CLB.

use serde_json::json;

use super::{BANDWIDTH_BY_TRAFFIC, LoadBalancer, SPEC_BY_CLCU};
use crate::account::AccountState;
use crate::errors::{self, Answer, ApiError};
use crate::scope::Scope;
use crate::vgroups;

/// SetLoadBalancerName.
pub(crate) fn set_name(scope: &mut Scope<'_>) -> Answer {
    let name = scope.input.text_or_empty("LoadBalancerName").to_owned();
    configure(scope)?.load_balancer_name = name;
    Ok(json!({}))
}

/// SetLoadBalancerStatus.
pub(crate) fn set_status(scope: &mut Scope<'_>) -> Answer {
    let status = scope.input.text_or_empty("LoadBalancerStatus").to_owned();
    let lb = configure(scope)?;
    lb.switched_off = status == "inactive";
    lb.load_balancer_status = status;
    Ok(json!({}))
}

/// SetLoadBalancerDeleteProtection.
pub(crate) fn set_delete_protection(scope: &mut Scope<'_>) -> Answer {
    let protection = scope.input.text_or_empty("DeleteProtection").to_owned();
    scope.change_load_balancer(errors::SYSTEM_BUSY)?.delete_protection = protection;
    Ok(json!({}))
}

/// SetLoadBalancerModificationProtection. It binds the console only.
pub(crate) fn set_modification_protection(scope: &mut Scope<'_>) -> Answer {
    let status = scope
        .input
        .text_or_empty("ModificationProtectionStatus")
        .to_owned();
    let reason = scope
        .input
        .text_or_empty("ModificationProtectionReason")
        .to_owned();
    if status != "ConsoleProtection" && !reason.is_empty() {
        return Err(errors::PROTECTION_REASON.into());
    }
    let lb = scope.change_load_balancer(errors::SYSTEM_BUSY)?;
    lb.modification_protection_status = status;
    lb.modification_protection_reason = reason;
    Ok(json!({}))
}

/// ModifyLoadBalancerInstanceSpec.
pub(crate) fn modify_spec(scope: &mut Scope<'_>) -> Answer {
    let spec = scope.input.text_or_empty("LoadBalancerSpec").to_owned();
    let lb = configure(scope)?;
    if lb.instance_charge_type == "PayByCLCU" {
        return Err(errors::PAY_BY_CLCU.into());
    }
    lb.load_balancer_spec = spec;
    Ok(json!({ "OrderId": 0 }))
}

/// ModifyLoadBalancerInternetSpec. The real change of the charge type waits for midnight; here it is made at
/// once, because nothing that a controller does depends on the wait.
pub(crate) fn modify_internet_spec(scope: &mut Scope<'_>) -> Answer {
    let bandwidth = scope.input.integer("Bandwidth");
    let charge = scope.input.filled("InternetChargeType").map(str::to_owned);
    let lb = configure(scope)?;
    if lb.instance_charge_type == "PayByCLCU" {
        return Err(errors::PAY_BY_CLCU.into());
    }
    if lb.address_type == "intranet" {
        return Err(errors::CHARGE_TYPE_INTRANET.into());
    }
    let charge = charge.unwrap_or_else(|| lb.internet_charge_type.clone());
    if charge == "paybytraffic" {
        lb.bandwidth = BANDWIDTH_BY_TRAFFIC;
    } else {
        let wanted = bandwidth.filter(|bandwidth| *bandwidth > 0);
        let keeps = (lb.internet_charge_type == charge).then_some(lb.bandwidth);
        lb.bandwidth = wanted
            .or(keeps)
            .ok_or_else(|| ApiError::from(errors::BANDWIDTH_INVALID))?;
    }
    lb.internet_charge_type = charge;
    Ok(json!({ "OrderId": 0 }))
}

/// ModifyLoadBalancerInstanceChargeType: to PayByCLCU; the way back is closed.
pub(crate) fn modify_charge_type(scope: &mut Scope<'_>) -> Answer {
    let wanted = scope.input.text_or_empty("InstanceChargeType").to_owned();
    let lb = configure(scope)?;
    if wanted != "PayByCLCU" {
        return Err(errors::INSTANCE_CHARGE_TYPE.into());
    }
    if lb.internet_charge_type == "paybybandwidth" {
        return Err(errors::INTERNET_CHARGE_TYPE.into());
    }
    lb.instance_charge_type = wanted;
    lb.load_balancer_spec = SPEC_BY_CLCU.to_owned();
    Ok(json!({}))
}

/// DeleteLoadBalancer: with its listeners, groups and tags, unless it is protected.
pub(crate) fn delete(scope: &mut Scope<'_>) -> Answer {
    let lb = configure(scope)?;
    if lb.delete_protection == "on" {
        return Err(errors::DELETE_PROTECTED.into());
    }
    let id = lb.load_balancer_id.clone();
    remove(scope, &id);
    scope.changes = None;
    Ok(json!({}))
}

fn remove(scope: &mut Scope<'_>, id: &str) {
    let account = &mut *scope.account;
    let Some(lb) = take_out(account, id) else {
        return;
    };
    if let (Some(vswitch), Ok(address)) = (account.vswitches.get_mut(&lb.vswitch_id), lb.address.parse()) {
        vswitch.give_back(address);
    }
}

/// Takes a load balancer out of an account with its groups and extension domains, and their attachments out of the count.
pub(crate) fn take_out(account: &mut AccountState, id: &str) -> Option<LoadBalancer> {
    let lb = account.load_balancers.remove(id)?;
    for group in &lb.vgroups {
        if let Some(group) = account.vgroups.remove(group) {
            vgroups::count_out(&mut account.attachments, &group.servers);
        }
    }
    for listener in lb.listeners.values() {
        for extension in &listener.domain_extensions {
            account.domain_extensions.remove(&extension.domain_extension_id);
        }
    }
    Some(lb)
}

fn configure<'a>(scope: &'a mut Scope<'_>) -> Result<&'a mut LoadBalancer, ApiError> {
    scope.change_load_balancer(errors::SERVICE_IS_CONFIGURING)
}
