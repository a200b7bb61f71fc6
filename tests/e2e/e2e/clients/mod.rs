//! Clients that other people wrote, as they are on PyPI and npm, in versions that are named here.

mod compose;
mod compose_builds;
mod docker_py;
pub(crate) mod guarded;
mod node;
mod pulls;
mod rust;
mod suite;
mod testcontainers;
pub(crate) mod venv;
