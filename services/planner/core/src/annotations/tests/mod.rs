//! The table and its reading, row by row.

mod explaining;
mod nearly;
mod reading;
mod values;
