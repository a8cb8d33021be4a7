//! Values of annotations that only the cloud can refuse, such as a static address that something else has: which annotation it was, by
//! what the cloud answered, and what to do about it.

use clb_model::cluster::Service;
use clb_model::operation::{ACTUATOR_CONFIGURATION, Change, CloudError};

use crate::annotations;
use crate::annotations::Row;
use crate::annotations::instance::{
    ADDITIONAL_TAGS, ADDRESS, MASTER_ZONE, NAME, RESOURCE_GROUP, SPEC, VSWITCH_ID,
};

/// The suffix of the annotation whose value was refused; none where it was no annotation's.
pub(super) fn refused_annotation(change: &Change, error: &CloudError) -> Option<&'static str> {
    if !matches!(
        change,
        Change::CreateLoadBalancer(_) | Change::ChangeLoadBalancer(_)
    ) {
        return None;
    }
    let row: &Row = match error.code.as_str() {
        ACTUATOR_CONFIGURATION if !matches!(change, Change::CreateLoadBalancer(_)) => return None,
        ACTUATOR_CONFIGURATION if error.message.contains("vSwitches") => &VSWITCH_ID,
        ACTUATOR_CONFIGURATION if error.message.contains("resource groups") => &RESOURCE_GROUP,
        "VSwitchAvailableIpNotExist" => &VSWITCH_ID,
        "PRODUCT.NOT_AVAILABLE_IZ" | "RegionOrZonesNotSupportIpv6" => &MASTER_ZONE,
        "ShareSlbHaltSales" => &SPEC,
        code if code.starts_with("InvalidParam.Tag") || code == "InvalidTag" => &ADDITIONAL_TAGS,
        code if code.contains("ResourceGroup") => &RESOURCE_GROUP,
        // One code for many parameters: only the words tell which.
        _ if error.message.contains("Ip is exist") || error.message.contains("specified Address") => &ADDRESS,
        _ if error.message.contains("Lb Name") => &NAME,
        _ => return None,
    };
    Some(row.suffix)
}

/// What a person is told of a refused value: the annotation as the Service has it, the value, what is allowed, an example. None where the
/// Service does not have the annotation.
pub(super) fn told(service: &Service, suffix: &str) -> Option<String> {
    let read = annotations::read(&service.annotations);
    let found = read.found.iter().find(|found| found.row.suffix == suffix)?;
    let remedy = if suffix == ADDRESS.suffix {
        "an address of the vSwitch that nothing else has, for example the one that the cloud chooses where the annotation is left out"
            .to_owned()
    } else {
        format!("{}, for example {}", (found.row.allowed)(), found.row.example)
    };
    Some(format!(
        "annotation {}: {:?} was refused: {remedy}",
        found.place, found.text
    ))
}
