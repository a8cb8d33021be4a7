//! The table and its reading, row by row.

use super::*;

#[test]
fn every_example_of_the_table_is_accepted_and_read_back() {
    for row in table() {
        assert!((row.accepts)(row.example), "{}", row.suffix);
        assert!(find(&row.name()).is_some());
    }
}
