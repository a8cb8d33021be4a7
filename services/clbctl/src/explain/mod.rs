//! What annotations, conditions and events mean, as text. The facts stand in the tables of the planner's core and of the model; here
//! they are only laid out.

mod annotations;
mod conditions;
mod events;
mod page;

pub use annotations::UnknownAnnotation;
pub use page::conditions_and_events;

use clb_planner_core::annotations::explain::reference_page;

use crate::cli::Topic;

/// The text for a topic, ending in a line break.
///
/// # Errors
/// [`UnknownAnnotation`], with names that resemble the given one.
pub fn explain(topic: &Topic) -> Result<String, UnknownAnnotation> {
    match topic {
        Topic::Annotation { name: Some(name) } if !name.is_empty() => annotations::one(name),
        Topic::Annotation { .. } | Topic::Annotations { markdown: false } => Ok(annotations::all()),
        Topic::Annotations { markdown: true } => Ok(reference_page()),
        Topic::Conditions => Ok(conditions::all()),
        Topic::Events => Ok(events::all()),
    }
}

/// A dash for an empty text, so that a cell is not taken for a forgotten one.
fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
