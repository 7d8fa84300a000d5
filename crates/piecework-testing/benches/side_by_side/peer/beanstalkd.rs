//! beanstalkd: in memory, or with its log synced after each write.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::{Answer, Client, Peer, Step, item_after, line, unexpected};
use crate::item::{ITEM_BYTES, Template, blank};

#[derive(Debug)]
pub(crate) struct Beanstalkd {
    /// Kept on disk before it is answered.
    pub(crate) synced: bool,
}

impl Peer for Beanstalkd {
    fn command(&self, program: &Path, port: u16, folder: &Path) -> io::Result<Command> {
        let mut command = Command::new(program);
        command.args(["-l", "127.0.0.1", "-p", &port.to_string()]);
        if self.synced {
            command.arg("-b").arg(folder); // keep a log: without it, it keeps nothing
            command.arg("-f0"); // sync at each write: the default is 50 ms later at most
        }
        Ok(command)
    }

    fn client(&self, _: &mut TcpStream, _: usize) -> io::Result<Box<dyn Client>> {
        // Priority 0, no delay, and ten minutes to delete it: no item comes a second time.
        let head = format!("put 0 0 600 {ITEM_BYTES}\r\n");
        let put = Template::new([head.as_bytes(), &blank(), b"\r\n"].concat());
        Ok(Box::new(Dialog { put, reserved: Vec::new() }))
    }
}

#[derive(Debug)]
struct Dialog {
    put: Template,
    /// The id of the item that was got, as the server wrote it.
    reserved: Vec<u8>,
}

impl Client for Dialog {
    fn request(&mut self, step: Step, number: u64, out: &mut Vec<u8>) {
        match step {
            Step::Put => out.extend(self.put.with(number)),
            Step::Get => out.extend(b"reserve\r\n"),
            Step::Ack => {
                for part in [b"delete ", &self.reserved[..], b"\r\n"] {
                    out.extend(part);
                }
            }
        }
    }

    fn answer(&mut self, step: Step, received: &[u8]) -> Result<Answer, String> {
        if step == Step::Ack {
            return Answer::exactly(b"DELETED\r\n", received);
        }
        let Some((head, rest)) = line(received) else { return Ok(Answer::Partial) };
        let words: Vec<_> = head.split(|byte| *byte == b' ').collect();
        match (step, words.as_slice()) {
            (Step::Put, [b"INSERTED", _]) => Ok(Answer::Done { bytes: head.len() + 2 }),
            (Step::Get, [b"RESERVED", id, _]) => {
                self.reserved.clear();
                self.reserved.extend(*id);
                item_after(head, rest)
            }
            _ => Err(unexpected(received)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_put_got_and_deleted_by_its_id() {
        let mut dialog = Dialog { put: Template::new(blank()), reserved: Vec::new() };
        let inserted = dialog.answer(Step::Put, b"INSERTED 17\r\n");
        assert_eq!(inserted, Ok(Answer::Done { bytes: 13 }));
        let reserved = [b"RESERVED 17 32\r\n", &blank()[..], b"\r\n"].concat();
        for partial in 0..reserved.len() {
            let answer = dialog.answer(Step::Get, &reserved[..partial]);
            assert_eq!(answer, Ok(Answer::Partial), "{partial} bytes");
        }
        let answer = dialog.answer(Step::Get, &reserved);
        assert_eq!(answer, Ok(Answer::Item { bytes: reserved.len(), number: 0 }));
        let mut out = Vec::new();
        dialog.request(Step::Ack, 0, &mut out);
        assert_eq!(out, b"delete 17\r\n");
        assert_eq!(dialog.answer(Step::Ack, b"DELETED\r\n"), Ok(Answer::Done { bytes: 9 }));
    }

    #[test]
    fn a_refusal_is_an_error_with_its_words() {
        let mut dialog = Dialog { put: Template::new(blank()), reserved: Vec::new() };
        for (step, refusal) in [
            (Step::Put, "BURIED 1\r\n"),
            (Step::Get, "DEADLINE_SOON\r\n"),
            (Step::Ack, "NOT_FOUND\r\n"),
        ] {
            let error = dialog.answer(step, refusal.as_bytes()).unwrap_err();
            assert!(error.contains(refusal.trim_end()), "{error}");
        }
    }
}
