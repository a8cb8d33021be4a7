//! vServer groups and their backends.

use clb_model::cloud::{Backend, BackendTarget, VServerGroup};
use clb_model::identity::{LoadBalancerId, VServerGroupId};
use clb_model::operation::BackendChange;
use clb_model::version::PartVersion;
use serde_json::{Value, json};

use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// `DescribeVServerGroups`: ids and names of all groups of a CLB. The backends need a call per group.
#[derive(Debug, Clone)]
pub struct DescribeVServerGroups<'a> {
    /// Of which CLB.
    pub id: &'a LoadBalancerId,
}

impl Action for DescribeVServerGroups<'_> {
    type Answer = Vec<(VServerGroupId, String)>;

    fn name(&self) -> &'static str {
        "DescribeVServerGroups"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("LoadBalancerId", self.id);
    }

    fn read(&self, answer: Node<'_>) -> Result<Self::Answer, UnexpectedAnswer> {
        answer
            .items("VServerGroups", "VServerGroup")
            .map(|group| {
                Ok((
                    group.required("VServerGroupId")?,
                    group.text_or_empty("VServerGroupName"),
                ))
            })
            .collect()
    }
}

/// `DescribeVServerGroupAttribute`: a group with its backends.
#[derive(Debug, Clone)]
pub struct DescribeVServerGroup<'a> {
    /// Which group.
    pub vgroup: &'a VServerGroupId,
}

impl Action for DescribeVServerGroup<'_> {
    type Answer = VServerGroup;

    fn name(&self) -> &'static str {
        "DescribeVServerGroupAttribute"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("VServerGroupId", self.vgroup);
    }

    fn read(&self, answer: Node<'_>) -> Result<VServerGroup, UnexpectedAnswer> {
        Ok(VServerGroup {
            version: PartVersion::default(),
            name: answer.text_or_empty("VServerGroupName"),
            backends: read_backends(answer)?,
        })
    }
}

fn read_backends(answer: Node<'_>) -> Result<Vec<Backend>, UnexpectedAnswer> {
    answer
        .items("BackendServers", "BackendServer")
        .map(read_backend)
        .collect()
}

fn read_backend(node: Node<'_>) -> Result<Backend, UnexpectedAnswer> {
    let server: String = node.required("ServerId")?;
    let target = match (node.text_or_empty("Type").as_str(), node.parsed("ServerIp")) {
        (kind @ ("eni" | "eci"), Some(address)) => BackendTarget::Interface {
            address,
            eni: Some(server),
            eci: kind == "eci",
        },
        _ => BackendTarget::Instance(server),
    };
    Ok(Backend {
        target,
        port: node.required("Port")?,
        weight: node.parsed("Weight").unwrap_or(100),
        description: node.text_or_empty("Description"),
    })
}

/// The JSON list that all actions on backends take. A backend whose ENI is not known has no place in it: the caller sees to that.
fn backends_parameter(backends: &[Backend]) -> String {
    let list: Vec<Value> = backends.iter().map(backend_json).collect();
    Value::Array(list).to_string()
}

fn backend_json(backend: &Backend) -> Value {
    let mut json = match &backend.target {
        BackendTarget::Instance(id) => json!({"ServerId": id, "Type": "ecs"}),
        BackendTarget::Interface { address, eni, eci } => json!({
            "ServerId": eni.as_deref().unwrap_or_default(),
            "Type": if *eci { "eci" } else { "eni" },
            "ServerIp": address.to_string(),
        }),
    };
    if let Value::Object(fields) = &mut json {
        fields.insert("Port".to_owned(), json!(backend.port.to_string()));
        fields.insert("Weight".to_owned(), json!(backend.weight.to_string()));
        if !backend.description.is_empty() {
            fields.insert("Description".to_owned(), json!(backend.description));
        }
    }
    json
}

/// `CreateVServerGroup`, with up to 20 backends.
#[derive(Debug, Clone)]
pub struct CreateVServerGroup<'a> {
    /// On which CLB.
    pub id: &'a LoadBalancerId,
    /// `VServerGroupName`.
    pub name: &'a str,
    /// At most [`crate::BACKENDS_PER_CALL`].
    pub backends: &'a [Backend],
}

impl Action for CreateVServerGroup<'_> {
    type Answer = VServerGroupId;

    fn name(&self) -> &'static str {
        "CreateVServerGroup"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("LoadBalancerId", self.id);
        parameters.set("VServerGroupName", self.name);
        // An empty list is error-prone: it is left out.
        if !self.backends.is_empty() {
            parameters.set("BackendServers", backends_parameter(self.backends));
        }
    }

    fn read(&self, answer: Node<'_>) -> Result<VServerGroupId, UnexpectedAnswer> {
        answer.required("VServerGroupId")
    }
}

/// `AddVServerGroupBackendServers`, `RemoveVServerGroupBackendServers` or `SetVServerGroupAttribute`.
#[derive(Debug, Clone)]
pub struct ChangeBackends<'a> {
    /// Of which group.
    pub vgroup: &'a VServerGroupId,
    /// Which of the three.
    pub change: BackendChange,
    /// 1 to [`crate::BACKENDS_PER_CALL`].
    pub backends: &'a [Backend],
}

impl ChangeBackends<'_> {
    /// The action for a change.
    #[must_use]
    pub fn action(change: BackendChange) -> &'static str {
        match change {
            BackendChange::Add => "AddVServerGroupBackendServers",
            BackendChange::Remove => "RemoveVServerGroupBackendServers",
            BackendChange::Set => "SetVServerGroupAttribute",
        }
    }
}

impl Action for ChangeBackends<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        Self::action(self.change)
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("VServerGroupId", self.vgroup);
        parameters.set("BackendServers", backends_parameter(self.backends));
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

/// `DeleteVServerGroup`; refused (`RspoolVipExist`) while a listener uses it.
#[derive(Debug, Clone)]
pub struct DeleteVServerGroup<'a> {
    /// Which group.
    pub vgroup: &'a VServerGroupId,
}

impl Action for DeleteVServerGroup<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteVServerGroup"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("VServerGroupId", self.vgroup);
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_survive_the_way_there_and_back() {
        let backends = vec![
            Backend {
                target: BackendTarget::Instance("i-1".to_owned()),
                port: 30080,
                weight: 100,
                description: "k8s/30080/nginx/default/c-lab".to_owned(),
            },
            Backend {
                target: BackendTarget::Interface {
                    address: "10.0.0.7".parse().unwrap(),
                    eni: Some("eni-1".to_owned()),
                    eci: false,
                },
                port: 80,
                weight: 0,
                description: String::new(),
            },
        ];
        let list: Value = serde_json::from_str(&backends_parameter(&backends)).unwrap();
        let answer = json!({"VServerGroupName": "g", "BackendServers": {"BackendServer": list}});
        assert_eq!(read_backends(Node(&answer)).unwrap(), backends);
    }

    #[test]
    fn an_empty_list_of_backends_is_left_out() {
        let id = LoadBalancerId::new("lb-1").unwrap();
        let mut parameters = Parameters::default();
        CreateVServerGroup {
            id: &id,
            name: "g",
            backends: &[],
        }
        .parameters(&mut parameters);
        assert_eq!(parameters.get("BackendServers"), None);
    }
}
