//! Which annotation a person may have meant by a name that none has. [`super::reading`] asks for the remark on an unknown name,
//! [`super::explain`] for the answer to a question about one.

use clb_model::marks;

use super::row::Row;
use super::table;

/// What follows the prefix in almost every name, and is left out or misspelt with it.
const MIDDLE: &str = "loadbalancer-";

/// How unlike a name is to a row's, in letters that are wrong.
pub(super) fn distance(name: &str, row: &Row) -> usize {
    let name = Plain::of(name);
    let known = row.suffix.strip_prefix(MIDDLE).unwrap_or(row.suffix);
    let ends = strsim::osa_distance(&name.end, known);
    // Where the middle is misspelt it is part of what is left.
    if name.has_middle {
        ends
    } else {
        ends.min(strsim::osa_distance(&name.end, row.suffix))
    }
}

/// The row whose name was probably meant; none when no name is like it.
pub(super) fn meant(name: &str) -> Option<&'static Row> {
    let most = (Plain::of(name).end.len() / 3).max(1);
    table()
        .map(|row| (distance(name, row), row))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, row)| row)
}

/// A name without what all names share.
struct Plain {
    end: String,
    has_middle: bool,
}

impl Plain {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let name = name.replace("load-balancer-", MIDDLE);
        let name = name.strip_prefix(marks::ANNOTATION_DOMAIN).unwrap_or(&name);
        // The shared part alone: nothing is left that could be like one name more than like another.
        let name = if MIDDLE
            .strip_suffix('-')
            .is_some_and(|middle| name.ends_with(middle))
        {
            ""
        } else {
            name
        };
        if let Some((_, end)) = name.split_once(MIDDLE) {
            return Self {
                end: end.to_owned(),
                has_middle: true,
            };
        }
        let end = ["alibaba-cloud-", "alicloud-"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix));
        Self {
            end: end.unwrap_or(name).to_owned(),
            has_middle: false,
        }
    }
}
