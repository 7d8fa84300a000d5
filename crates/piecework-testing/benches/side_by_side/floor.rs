//! The floor under durable queues: writing to a file and syncing it, without any server.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::time::Instant;

use crate::item::ITEM_BYTES;
use crate::load::Window;

/// What a log needs at least to say that an item is gone: its number.
const ACK_BYTES: usize = 8;
/// How much is there to write over: as much as SQLite's log has before it begins again.
const OLD_BYTES: u64 = 4 << 20;

/// Where the loop writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Floor {
    /// Behind what is there: the file system has to keep the file's new length, too.
    Append,
    /// Over what is there, again and again, as a log does that is used anew.
    WriteOver,
}

impl Floor {
    /// How many items per second could be put and acknowledged, if one sync served the puts of all
    /// clients, and one their acks, and nothing else took any time.
    pub(crate) fn items_per_second(
        self,
        folder: &Path,
        clients: usize,
        window: Window,
    ) -> io::Result<f64> {
        let folder = tempfile::tempdir_in(folder)?;
        let mut log = File::create(folder.path().join("log"))?;
        if self == Self::WriteOver {
            log.write_all(&vec![b'.'; OLD_BYTES as usize])?;
            log.sync_all()?;
            log.rewind()?;
        }
        let (puts, acks) = (vec![b'.'; clients * ITEM_BYTES], vec![b'.'; clients * ACK_BYTES]);
        let begin = Instant::now() + window.warm_up;
        let (end, mut items) = (begin + window.counted, 0);
        loop {
            for records in [&puts, &acks] {
                let is_full = log.stream_position()? + records.len() as u64 > OLD_BYTES;
                if is_full && self == Self::WriteOver {
                    log.rewind()?;
                }
                log.write_all(records)?;
                log.sync_data()?;
            }
            let now = Instant::now();
            if now >= end {
                return Ok(items as f64 / window.counted.as_secs_f64());
            }
            if now >= begin {
                items += clients;
            }
        }
    }
}
