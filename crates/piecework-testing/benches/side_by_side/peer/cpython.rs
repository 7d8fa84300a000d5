//! CPython's own manager: the server that piecework takes the place of, under the same requests.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::piecework::{AUTHKEY, dialog};
use super::{Acks, Client, Peer};

/// The tutorials' server, without its main program.
const PROGRAM: &str = "
import queue, sys
from multiprocessing.managers import BaseManager

tasks = queue.Queue()

class QueueManager(BaseManager):
    pass

QueueManager.register('get_task_queue', callable=lambda: tasks)
address, authkey = ('127.0.0.1', int(sys.argv[1])), sys.argv[2].encode()
QueueManager(address=address, authkey=authkey).get_server().serve_forever()
";

#[derive(Debug)]
pub(crate) struct CPython;

impl Peer for CPython {
    fn command(&self, program: &Path, port: u16, _: &Path) -> io::Result<Command> {
        let mut command = Command::new(program);
        command.args(["-c", PROGRAM, &port.to_string(), AUTHKEY]);
        Ok(command)
    }

    fn client(&self, stream: &mut TcpStream, name: usize) -> io::Result<Box<dyn Client>> {
        dialog(stream, &format!("client-{name}"), "get_task_queue", 1)
    }

    /// It knows none: what was got is gone.
    fn acks(&self) -> Acks {
        Acks::Never
    }
}
