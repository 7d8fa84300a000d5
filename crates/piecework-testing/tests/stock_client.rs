//! The outermost ring, once: a client of each Python found puts and gets through the real binary.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use piecework_testing::{Python, Server};

const ROUND_TRIP: &str = "
import sys
from multiprocessing.managers import BaseManager

class Manager(BaseManager):
    pass

Manager.register('get_task_queue')
manager = Manager((sys.argv[1], int(sys.argv[2])), sys.argv[3].encode())
manager.connect()
queue = manager.get_task_queue()
queue.put({'n': 3411})
queue.put(None)
print(queue.qsize(), queue.get(timeout=10), queue.get(), queue.empty())
";

#[test]
fn each_python_puts_and_gets() {
    let server = Server::start(&[]).unwrap();
    let (host, port) = (server.address().ip().to_string(), server.address().port().to_string());
    for python in Python::find_all().unwrap() {
        let output = python.run(ROUND_TRIP, &[&host, &port, server.authkey()]).unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.trim(), "2 {'n': 3411} None True", "{}: {talk}", python.version());
    }
}
