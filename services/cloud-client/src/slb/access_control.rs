//! Access control lists and their entries.

use std::collections::BTreeSet;

use clb_model::cloud::IpVersion;
use ipnet::IpNet;
use serde_json::json;

use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// Rows on one page, the most that the API gives.
const PAGE_SIZE: usize = 50;

/// `DescribeAccessControlLists`: one page of the lists of the region.
#[derive(Debug, Clone)]
pub struct DescribeAcls<'a> {
    /// Only those whose name contains this.
    pub name: Option<&'a str>,
    /// From 1.
    pub page: usize,
}

/// One page of access control lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclPage {
    /// Those on it.
    pub lists: Vec<AclSummary>,
    /// Whether more pages follow.
    pub more: bool,
}

/// One access control list without its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclSummary {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The family of its addresses; none when the cloud does not say.
    pub ip_version: Option<IpVersion>,
}

impl Action for DescribeAcls<'_> {
    type Answer = AclPage;

    fn name(&self) -> &'static str {
        "DescribeAccessControlLists"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set_some("AclName", self.name);
        parameters.set("PageNumber", self.page);
        parameters.set("PageSize", PAGE_SIZE);
    }

    fn read(&self, answer: Node<'_>) -> Result<AclPage, UnexpectedAnswer> {
        let lists: Result<Vec<AclSummary>, _> = answer
            .items("Acls", "Acl")
            .map(|acl| {
                Ok(AclSummary {
                    id: acl.required("AclId")?,
                    name: acl.text_or_empty("AclName"),
                    ip_version: acl.text_or_empty("AddressIPVersion").parse().ok(),
                })
            })
            .collect();
        let lists = lists?;
        Ok(AclPage {
            more: lists.len() == PAGE_SIZE,
            lists,
        })
    }
}

/// `DescribeAccessControlListAttribute`: one page of a list's entries.
#[derive(Debug, Clone)]
pub struct DescribeAcl<'a> {
    /// Which.
    pub acl_id: &'a str,
    /// From 1.
    pub page: usize,
}

/// A list with one page of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclEntries {
    /// Its name.
    pub name: String,
    /// Entries of this page.
    pub entries: BTreeSet<IpNet>,
    /// Whether more pages follow.
    pub more: bool,
}

impl Action for DescribeAcl<'_> {
    type Answer = AclEntries;

    fn name(&self) -> &'static str {
        "DescribeAccessControlListAttribute"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("AclId", self.acl_id);
        parameters.set("Page", self.page);
        parameters.set("PageSize", PAGE_SIZE);
    }

    fn read(&self, answer: Node<'_>) -> Result<AclEntries, UnexpectedAnswer> {
        let texts: Vec<String> = answer
            .items("AclEntrys", "AclEntry")
            .map(|entry| entry.required("AclEntryIP"))
            .collect::<Result<_, _>>()?;
        Ok(AclEntries {
            name: answer.text_or_empty("AclName"),
            more: texts.len() == PAGE_SIZE,
            // The cloud checks what it takes; a range that cannot be read is none of ours.
            entries: texts.iter().filter_map(|text| text.parse().ok()).collect(),
        })
    }
}

/// `CreateAccessControlList`; answers its id.
#[derive(Debug, Clone)]
pub struct CreateAcl<'a> {
    /// Its name.
    pub name: &'a str,
    /// The family of its entries.
    pub ip_version: IpVersion,
}

impl Action for CreateAcl<'_> {
    type Answer = String;

    fn name(&self) -> &'static str {
        "CreateAccessControlList"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("AclName", self.name);
        parameters.set("AddressIPVersion", self.ip_version);
    }

    fn read(&self, answer: Node<'_>) -> Result<String, UnexpectedAnswer> {
        answer.required("AclId")
    }
}

/// `DeleteAccessControlList`: refused while a listener uses it.
#[derive(Debug, Clone)]
pub struct DeleteAcl<'a> {
    /// Which.
    pub acl_id: &'a str,
}

impl Action for DeleteAcl<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        "DeleteAccessControlList"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("AclId", self.acl_id);
    }

    fn read(&self, _answer: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

/// `AddAccessControlListEntry` and `RemoveAccessControlListEntry`: at most [`crate::ACL_ENTRIES_PER_CALL`] entries.
#[derive(Debug, Clone)]
pub struct ChangeAclEntries<'a> {
    /// Of which list.
    pub acl_id: &'a str,
    /// Whether they come or go.
    pub add: bool,
    /// The entries.
    pub entries: &'a [IpNet],
}

impl ChangeAclEntries<'_> {
    /// The action's name.
    #[must_use]
    pub fn action(add: bool) -> &'static str {
        if add {
            "AddAccessControlListEntry"
        } else {
            "RemoveAccessControlListEntry"
        }
    }
}

impl Action for ChangeAclEntries<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        Self::action(self.add)
    }

    fn parameters(&self, parameters: &mut Parameters) {
        let entries: Vec<_> = self
            .entries
            .iter()
            .map(|entry| json!({"entry": entry.to_string(), "comment": ""}))
            .collect();
        parameters.set("AclId", self.acl_id);
        parameters.set("AclEntrys", json!(entries));
    }

    fn read(&self, _answer: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}
