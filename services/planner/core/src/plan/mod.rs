//! Desired against observed: operations with dependencies, each with its reason in words.
