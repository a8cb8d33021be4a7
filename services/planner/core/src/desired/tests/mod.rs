//! The desired state, from manifests.
