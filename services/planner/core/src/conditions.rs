//! The conditions that we set on a Service: types, reasons, and what they remember.
