//! The binaries as people run them: the sandbox's command, and the three services as processes of their own.

mod processes;
mod up;
