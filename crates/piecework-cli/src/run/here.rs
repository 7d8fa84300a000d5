//! This machine and this process, as others know them.

/// The name of this machine.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What tells this process from all other workers.
pub(crate) fn worker_id() -> String {
    format!("{}-{}", host(), std::process::id())
}

/// What a master calls its own machine, as GNU parallel's job log has it.
pub(crate) const HERE: &str = ":";
