//! The actions on vServer groups.

use super::slb_rows::{LB, REGION, TAG, read, text, write};
use super::{Action, Charset, Kind, Parameter};
use crate::vgroups;

const GROUP: Parameter = Parameter::required("VServerGroupId", Kind::Text);
const GROUP_NAME: Kind = Kind::Chars {
    min: 1,
    max: 80,
    charset: Charset::Description,
};

/// The actions of this module.
pub(super) fn actions() -> Vec<Action> {
    vec![
        write(
            "CreateVServerGroup",
            vgroups::create,
            &[&[
                REGION,
                LB,
                text("BackendServers"),
                TAG,
                Parameter::optional("VServerGroupName", GROUP_NAME),
            ]],
        ),
        write(
            "SetVServerGroupAttribute",
            vgroups::set_attribute,
            &[&[
                REGION,
                GROUP,
                text("BackendServers"),
                Parameter::optional("VServerGroupName", GROUP_NAME),
            ]],
        ),
        write("DeleteVServerGroup", vgroups::delete, &[&[REGION, GROUP]]),
        write(
            "AddVServerGroupBackendServers",
            vgroups::add_backends,
            &[&[REGION, GROUP, Parameter::required("BackendServers", Kind::Text)]],
        ),
        write(
            "RemoveVServerGroupBackendServers",
            vgroups::remove_backends,
            &[&[REGION, GROUP, Parameter::required("BackendServers", Kind::Text)]],
        ),
        write(
            "ModifyVServerGroupBackendServers",
            vgroups::modify_backends,
            &[&[
                REGION,
                GROUP,
                text("NewBackendServers"),
                text("OldBackendServers"),
            ]],
        ),
        read(
            "DescribeVServerGroups",
            vgroups::describe_many,
            &[&[
                REGION,
                LB,
                text("Description"),
                Parameter::optional("IncludeListener", Kind::Boolean).or("false"),
                Parameter::optional("IncludeRule", Kind::Boolean).or("false"),
                TAG,
            ]],
        ),
        read(
            "DescribeVServerGroupAttribute",
            vgroups::describe_one,
            &[&[REGION, GROUP]],
        ),
    ]
}
