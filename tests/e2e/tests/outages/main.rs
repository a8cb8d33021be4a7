//! Something that a service depends on is away: it says so once, shows it, keeps trying, and everything is right when it is back.

mod cloud;
mod credentials;
mod kubernetes;
mod services;
mod unfinished;
