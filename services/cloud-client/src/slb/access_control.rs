//! Access control lists.

use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// Rows on one page, the most that the API gives.
const PAGE_SIZE: usize = 50;

/// `DescribeAccessControlLists`: one page of the ids of the region.
#[derive(Debug, Clone)]
pub struct DescribeAcls {
    /// From 1.
    pub page: usize,
}

/// One page of access control lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclPage {
    /// Their ids.
    pub ids: Vec<String>,
    /// Whether more pages follow.
    pub more: bool,
}

impl Action for DescribeAcls {
    type Answer = AclPage;

    fn name(&self) -> &'static str {
        "DescribeAccessControlLists"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("PageNumber", self.page);
        parameters.set("PageSize", PAGE_SIZE);
    }

    fn read(&self, answer: Node<'_>) -> Result<AclPage, UnexpectedAnswer> {
        let ids: Result<Vec<String>, _> = answer
            .items("Acls", "Acl")
            .map(|acl| acl.required("AclId"))
            .collect();
        let ids = ids?;
        Ok(AclPage {
            more: ids.len() == PAGE_SIZE,
            ids,
        })
    }
}
