//! Which nodes and pods are backends, when they come and go, and what that costs, as the cloud sees it.

mod adopted;
mod bad;
mod cost;
mod deployment;
mod eligibility;
mod families;
mod fields;
mod gates;
mod hurry;
mod lab;
mod large;
mod modes;
mod moments;
mod nodes;
mod quotas;
mod readiness;
mod sequences;
mod sharing;
mod source_ranges;
mod troubles;
mod weights;
