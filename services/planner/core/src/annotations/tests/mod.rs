//! The table and its reading, row by row.

mod explaining;
mod reading;
mod values;
