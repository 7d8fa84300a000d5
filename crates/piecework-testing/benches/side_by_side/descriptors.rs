//! How many connections this program may have: the system bounds open files, and mostly lets a
//! program raise the bound.

use std::io::{self, Write};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside connections: standard streams, the poll, and what a server is started with.
const OTHERS: u64 = 64;

/// Raises the bound as far as it goes, for this program and for the servers that it starts.
pub(crate) fn raise() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is refused, the bound stays, and what it forbids is left out.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Whether there may be so many connections; where not, somebody is told that they are left out.
pub(crate) fn allow(connections: usize) -> bool {
    let bound = getrlimit(Resource::Nofile).current;
    let is_allowed = is_within(connections, bound);
    if !is_allowed {
        let bound = bound.unwrap_or_default();
        // Who does not read this misses nothing that the figures do not show.
        let _ = writeln!(
            io::stderr(),
            "{connections} connections are left out: {bound} open files are allowed; hint: ulimit -n"
        );
    }
    is_allowed
}

fn is_within(connections: usize, bound: Option<u64>) -> bool {
    bound.is_none_or(|bound| connections as u64 + OTHERS <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_need_a_file_each_and_some_others() {
        for (connections, bound, wanted) in [
            (10_000, None, true),
            (10_000, Some(20_000), true),
            (960, Some(1024), true),
            (961, Some(1024), false),
        ] {
            assert_eq!(is_within(connections, bound), wanted, "{connections} of {bound:?}");
        }
    }
}
