//! Changes of listeners that need an order, an interruption or a look at the cloud first; and what the reference's own examples leave out.

mod certificates;
mod combined;
mod recreated;
mod redirects;
