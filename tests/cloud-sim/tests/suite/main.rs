//! The simulator as its callers see it: over HTTP, with a small signing client of the tests' own.

// The attribute tells clippy that functions beside the tests are test code too.
#[cfg(test)]
mod client;
#[cfg(test)]
mod disturbances;
#[cfg(test)]
mod documented_parameters;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod load_balancers;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod state;
#[cfg(test)]
mod vgroups;
