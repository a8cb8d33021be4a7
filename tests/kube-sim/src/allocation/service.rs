//! What a Service is given at creation and update, and what it returns.
//!
//! Order and refusals follow `pkg/registry/core/service/storage/alloc.go`: family fields, cluster IPs, node ports, the
//! health check's node port. The cluster has one family, IPv4.

use serde_json::{Value, json};

use super::Lending;
use crate::errors::ApiError;
use crate::resources::SERVICES;
use crate::service_view::{self as view, ServiceType};
use crate::validation::FieldError;

fn invalid(service: &Value, errors: &[FieldError]) -> ApiError {
    ApiError::invalid(
        &SERVICES,
        service["metadata"]["name"].as_str().unwrap_or_default(),
        errors,
    )
}

fn full(service: &Value, what: &str) -> ApiError {
    let name = service["metadata"]["name"].as_str().unwrap_or_default();
    let message =
        format!("Internal error occurred: failed to allocate a {what} for Service \"{name}\": range is full");
    ApiError::new(500, "InternalError", message)
}

/// Completes a new Service.
pub(crate) fn on_create(lending: &mut Lending<'_>, service: &mut Value) -> Result<(), ApiError> {
    sync_cluster_ips_on_create(service);
    init_family_fields(service, None)?;
    take_cluster_ips(lending, service)?;
    if view::uses_node_ports(service) {
        take_node_ports_on_create(lending, service)?;
    }
    if view::needs_health_check_port(service) {
        take_health_check_port(lending, service)?;
    }
    Ok(())
}

/// Completes a changed Service and marks for release what it no longer needs.
pub(crate) fn on_update(lending: &mut Lending<'_>, service: &mut Value, old: &Value) -> Result<(), ApiError> {
    adopt_allocated_values(service, old);
    sync_cluster_ips_on_update(service, old);
    init_family_fields(service, Some(old))?;
    match (view::service_type(old), view::service_type(service)) {
        (ServiceType::ExternalName, ServiceType::ExternalName) => {}
        (ServiceType::ExternalName, _) => take_cluster_ips(lending, service)?,
        (_, ServiceType::ExternalName) => free_cluster_ips(lending, old),
        _ => {}
    }
    update_node_ports(lending, service, old)?;
    match (
        view::needs_health_check_port(old),
        view::needs_health_check_port(service),
    ) {
        (false, true) => take_health_check_port(lending, service)?,
        (true, false) => lending.free_port(view::health_check_port(old)),
        _ => {}
    }
    Ok(())
}

/// Marks everything that a deleted Service held for release.
pub(crate) fn on_delete(lending: &mut Lending<'_>, service: &Value) {
    free_cluster_ips(lending, service);
    for port in view::node_ports(service) {
        lending.free_port(port);
    }
    if view::needs_health_check_port(service) {
        lending.free_port(view::health_check_port(service));
    }
}

fn sync_cluster_ips_on_create(service: &mut Value) {
    let spec = &mut service["spec"];
    if let Some(single) = spec["clusterIP"]
        .as_str()
        .filter(|single| !single.is_empty())
        .map(str::to_owned)
        && view::strings(&spec["clusterIPs"]).is_empty()
    {
        spec["clusterIPs"] = json!([single]);
    }
}

/// A client that left an allocated value out means to keep it (`patchAllocatedValues`).
fn adopt_allocated_values(service: &mut Value, old: &Value) {
    let needs_ip = |service: &Value| view::service_type(service) != ServiceType::ExternalName;
    if needs_ip(old) && needs_ip(service) {
        if view::text(&service["spec"]["clusterIP"]).is_empty() {
            service["spec"]["clusterIP"] = old["spec"]["clusterIP"].clone();
        }
        if view::strings(&service["spec"]["clusterIPs"]).is_empty() {
            service["spec"]["clusterIPs"] = old["spec"]["clusterIPs"].clone();
        }
    }
    let gets_node_ports =
        |service: &Value| view::uses_node_ports(service) && view::allocates_node_ports(service);
    if gets_node_ports(old) && gets_node_ports(service) {
        adopt_node_ports(service, old);
    }
    if view::needs_health_check_port(old)
        && view::needs_health_check_port(service)
        && view::health_check_port(service) == 0
    {
        service["spec"]["healthCheckNodePort"] = old["spec"]["healthCheckNodePort"].clone();
    }
    view::prune_nulls(&mut service["spec"]);
}

/// Ports without a node port get back the one that the port of that name had, unless another one kept it.
fn adopt_node_ports(service: &mut Value, old: &Value) {
    let present = view::node_ports(service);
    let former: Vec<(String, i64)> = view::ports(old)
        .iter()
        .filter_map(|port| Some((view::text(&port["name"]).to_owned(), port["nodePort"].as_i64()?)))
        .collect();
    for port in service["spec"]["ports"].as_array_mut().into_iter().flatten() {
        if port["nodePort"].as_i64().unwrap_or(0) != 0 {
            continue;
        }
        let name = view::text(&port["name"]);
        if let Some((_, node_port)) = former.iter().rev().find(|(former_name, _)| former_name == name)
            && !present.contains(node_port)
        {
            port["nodePort"] = (*node_port).into();
        }
    }
}

fn sync_cluster_ips_on_update(service: &mut Value, old: &Value) {
    let old_ips = view::strings(&old["spec"]["clusterIPs"]);
    let new_ips = view::strings(&service["spec"]["clusterIPs"]);
    let same_single = old["spec"]["clusterIP"] == service["spec"]["clusterIP"];
    let single = view::text(&service["spec"]["clusterIP"]).to_owned();
    let spec = &mut service["spec"];
    if !old_ips.is_empty() && new_ips.is_empty() && same_single {
        spec["clusterIPs"] = json!(old_ips);
    }
    if same_single {
        view::prune_nulls(spec);
        return;
    }
    let same_plural = old_ips == view::strings(&spec["clusterIPs"]);
    if single.is_empty() {
        if same_plural && let Some(members) = spec.as_object_mut() {
            members.remove("clusterIPs");
        }
    } else if same_plural {
        spec["clusterIPs"] = json!([single]);
    }
    view::prune_nulls(spec);
}

fn init_family_fields(service: &mut Value, old: Option<&Value>) -> Result<(), ApiError> {
    if view::service_type(service) == ServiceType::ExternalName {
        return Ok(());
    }
    let is_bare_headless = view::is_headless(service) && view::is_empty(&service["spec"]["selector"]);
    if service["spec"]["ipFamilyPolicy"].is_null() {
        let former = old.map_or(&Value::Null, |old| &old["spec"]["ipFamilyPolicy"]);
        service["spec"]["ipFamilyPolicy"] = match former {
            Value::String(policy) => policy.as_str().into(),
            _ if is_bare_headless => "RequireDualStack".into(),
            _ => "SingleStack".into(),
        };
    }
    let errors = crate::validation::service_addresses::cluster_ip_fields(service, old);
    if !errors.is_empty() {
        return Err(invalid(service, &errors));
    }
    let policy = view::text(&service["spec"]["ipFamilyPolicy"]).to_owned();
    let mut families = view::strings(&service["spec"]["ipFamilies"]);
    let mut errors = Vec::new();
    let cluster_ips = view::strings(&service["spec"]["clusterIPs"]);
    if policy == "SingleStack" {
        for (count, what) in [
            (cluster_ips.len(), "cluster IPs"),
            (families.len(), "IP families"),
        ] {
            if count == 2 {
                let detail = format!(
                    "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
                );
                errors.push(FieldError::invalid(
                    "spec.ipFamilyPolicy",
                    policy.as_str(),
                    detail,
                ));
            }
        }
    }
    for (position, ip) in cluster_ips.iter().enumerate().filter(|(_, ip)| *ip != "None") {
        let family = view::family_of(ip);
        if position >= families.len() {
            if family == "IPv4" {
                families.push(family.to_owned());
            } else {
                let field = format!("spec.clusterIPs[{position}]");
                let detail = format!("{family} is not configured on this cluster");
                errors.push(FieldError::invalid(&field, json!(cluster_ips), detail));
            }
        }
    }
    if !errors.is_empty() {
        return Err(invalid(service, &errors));
    }
    if is_bare_headless {
        if families.is_empty() {
            families.push("IPv4".to_owned());
        }
        if families.len() < 2 && policy != "SingleStack" {
            families.push(if families[0] == "IPv4" { "IPv6" } else { "IPv4" }.to_owned());
        }
        service["spec"]["ipFamilies"] = json!(families);
        return Ok(());
    }
    if policy == "RequireDualStack" {
        let detail = "this cluster is not configured for dual-stack services";
        errors.push(FieldError::invalid(
            "spec.ipFamilyPolicy",
            policy.as_str(),
            detail,
        ));
    }
    for (position, family) in families
        .iter()
        .enumerate()
        .filter(|(_, family)| *family != "IPv4")
    {
        let field = format!("spec.ipFamilies[{position}]");
        errors.push(FieldError::invalid(
            &field,
            family.as_str(),
            "not configured on this cluster",
        ));
    }
    if !errors.is_empty() {
        return Err(invalid(service, &errors));
    }
    if families.is_empty() {
        families.push("IPv4".to_owned());
    }
    service["spec"]["ipFamilies"] = json!(families);
    Ok(())
}

fn take_cluster_ips(lending: &mut Lending<'_>, service: &mut Value) -> Result<(), ApiError> {
    if view::service_type(service) == ServiceType::ExternalName || view::is_headless(service) {
        return Ok(());
    }
    let wanted = view::strings(&service["spec"]["clusterIPs"]);
    let address = match wanted.first() {
        Some(wanted_address) => {
            lending.take_address(wanted_address).map_err(|why| {
                let detail = format!("failed to allocate IP {wanted_address}: {why}");
                invalid(
                    service,
                    &[FieldError::invalid("spec.clusterIPs", json!(wanted), detail)],
                )
            })?;
            wanted_address.clone()
        }
        None => lending
            .take_any_address()
            .ok_or_else(|| full(service, "serviceIP"))?,
    };
    service["spec"]["clusterIPs"] = json!([address]);
    service["spec"]["clusterIP"] = address.into();
    Ok(())
}

fn free_cluster_ips(lending: &mut Lending<'_>, service: &Value) {
    for address in view::strings(&service["spec"]["clusterIPs"]) {
        lending.free_address(&address);
    }
}

/// TCP and UDP on one port number share a node port, so that one rule of a firewall serves both.
fn take_node_ports_on_create(lending: &mut Lending<'_>, service: &mut Value) -> Result<(), ApiError> {
    let ports = view::ports(service).to_vec();
    let mut by_port: Vec<(Option<i64>, i64)> = Vec::new();
    for (position, port) in ports.iter().enumerate() {
        let own = port["nodePort"].as_i64().unwrap_or(0);
        if own == 0 && !view::allocates_node_ports(service) {
            continue;
        }
        let number = port["port"].as_i64();
        let shared = by_port
            .iter()
            .find(|(port, _)| *port == number)
            .map(|(_, node_port)| *node_port);
        let take = |lending: &mut Lending<'_>, wanted: i64| {
            lending
                .take_port(wanted)
                .map_err(|refusal| node_port_refused(service, position, wanted, &refusal.to_string()))
        };
        let chosen = match shared {
            None => {
                let requested = ports
                    .iter()
                    .filter(|other| other["port"].as_i64() == number)
                    .find_map(|other| other["nodePort"].as_i64().filter(|port| *port != 0));
                let chosen = match requested {
                    Some(wanted) => take(lending, wanted).map(|()| wanted)?,
                    None => lending
                        .take_any_port()
                        .map(i64::from)
                        .map_err(|_full| full(service, "nodePort"))?,
                };
                by_port.push((number, chosen));
                chosen
            }
            Some(shared) if own == 0 || own == shared => shared,
            Some(_) => take(lending, own).map(|()| own)?,
        };
        service["spec"]["ports"][position]["nodePort"] = chosen.into();
    }
    Ok(())
}

fn node_port_refused(service: &Value, position: usize, wanted: i64, why: &str) -> ApiError {
    let field = format!("spec.ports[{position}].nodePort");
    invalid(service, &[FieldError::invalid(&field, wanted, why)])
}

fn update_node_ports(lending: &mut Lending<'_>, service: &mut Value, old: &Value) -> Result<(), ApiError> {
    let former = if view::uses_node_ports(old) {
        view::node_ports(old)
    } else {
        Vec::new()
    };
    if !view::uses_node_ports(service) {
        former.iter().for_each(|port| lending.free_port(*port));
        return Ok(());
    }
    let mut claims: Vec<(String, i64)> = Vec::new();
    let mut taken: Vec<i64> = Vec::new();
    for position in 0..view::ports(service).len() {
        let port = &service["spec"]["ports"][position];
        let mut number = port["nodePort"].as_i64().unwrap_or(0);
        let protocol = view::text(&port["protocol"]).to_owned();
        if number == 0 && !view::allocates_node_ports(service) {
            continue;
        }
        if number == 0 {
            number = lending
                .take_any_port()
                .map(i64::from)
                .map_err(|_full| full(service, "nodePort"))?;
            service["spec"]["ports"][position]["nodePort"] = number.into();
        } else if !former.contains(&number) && !taken.contains(&number) {
            lending
                .take_port(number)
                .map_err(|refusal| node_port_refused(service, position, number, &refusal.to_string()))?;
        }
        taken.push(number);
        if claims.contains(&(protocol.clone(), number)) {
            let message = format!("duplicate nodePort: {{{protocol} {number}}}");
            return Err(ApiError::new(500, "", message));
        }
        claims.push((protocol, number));
    }
    for port in former.iter().filter(|port| !taken.contains(port)) {
        lending.free_port(*port);
    }
    Ok(())
}

fn take_health_check_port(lending: &mut Lending<'_>, service: &mut Value) -> Result<(), ApiError> {
    let refused = |why: String| ApiError::internal(&why);
    let wanted = view::health_check_port(service);
    if wanted != 0 {
        return lending.take_port(wanted).map_err(|refusal| {
            refused(format!(
                "failed to allocate requested HealthCheck NodePort {wanted}: {refusal}"
            ))
        });
    }
    let port = lending
        .take_any_port()
        .map_err(|refusal| refused(format!("failed to allocate a HealthCheck NodePort 0: {refusal}")))?;
    service["spec"]["healthCheckNodePort"] = port.into();
    Ok(())
}
