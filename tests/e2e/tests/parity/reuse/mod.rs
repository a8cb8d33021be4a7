//! CLBs of the user's own that Services use, and CLBs that Services leave to them.

mod conflicts;
mod moving;
mod override_listeners;
mod preserve;
mod refusal;
mod second_look;
