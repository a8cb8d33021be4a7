//! The table of all annotations, and reading them.
