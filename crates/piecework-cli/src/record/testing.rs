//! Tasks that ended, for tests.

use std::time::Duration;

use piecework::command::{End, Output, Usage};

use crate::run::piece::Finished;

/// A task that ended so, and printed nothing.
pub(crate) fn ended(seq: u64, end: End) -> Finished {
    let output = Output {
        end,
        stdout: vec![],
        stderr: vec![],
        duration: Duration::from_millis(1250),
        usage: Usage {
            user: Duration::from_millis(30),
            system: Duration::from_millis(4),
            max_rss_bytes: 4096,
        },
        timed_out: false,
    };
    Finished {
        seq,
        args: vec![],
        tries: 1,
        lost: 0,
        host: ":".to_owned(),
        slot: 1,
        started: 1_700_000_000.5,
        sent: 3,
        received: 0,
        result: Ok(output),
    }
}

/// A task that went well.
pub(crate) fn ok(seq: u64, args: &[&str], stdout: &str) -> Finished {
    let mut finished = ended(seq, End::Code(0));
    finished.args = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
    finished.received = stdout.len() as u64;
    let output = finished.result.as_mut().expect("it has ended");
    output.stdout = stdout.into();
    finished
}
