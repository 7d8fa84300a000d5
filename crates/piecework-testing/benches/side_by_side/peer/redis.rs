//! Redis: its file synced before each answer, and items moved to a list of whoever took them.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::{Answer, Client, Peer, Step, item_after, line, unexpected};
use crate::item::{ITEM_BYTES, Template, blank};

/// The list that is the queue.
const QUEUE: &str = "tasks";

#[derive(Debug)]
pub(crate) struct Redis;

impl Peer for Redis {
    fn command(&self, program: &Path, port: u16, folder: &Path) -> io::Result<Command> {
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.arg("--dir").arg(folder);
        command.args(["--appendonly", "yes"]); // keep each write in a file
        command.args(["--appendfsync", "always"]); // sync before the answer, not once a second
        command.args(["--save", ""]); // no snapshots beside it: they keep nothing more
        Ok(command)
    }

    /// The reliable queue of Redis's own manual: each worker moves an item to a list of its own, and
    /// removes it from there when it is done.
    fn client(&self, _: &mut TcpStream, name: usize) -> io::Result<Box<dyn Client>> {
        let (item, held) = (blank(), format!("held:{name}"));
        let put = Template::new(array(&[b"LPUSH", QUEUE.as_bytes(), &item]));
        let get = array(&[b"LMOVE", QUEUE.as_bytes(), held.as_bytes(), b"RIGHT", b"LEFT"]);
        let ack = Template::new(array(&[b"LREM", held.as_bytes(), b"1", &item]));
        Ok(Box::new(Dialog { put, get, ack, held: 0 }))
    }
}

#[derive(Debug)]
struct Dialog {
    put: Template,
    get: Vec<u8>,
    ack: Template,
    /// The number of the item that was got.
    held: u64,
}

impl Client for Dialog {
    fn request(&mut self, step: Step, number: u64, out: &mut Vec<u8>) {
        out.extend(match step {
            Step::Put => self.put.with(number),
            Step::Get => &self.get,
            Step::Ack => self.ack.with(self.held),
        });
    }

    fn answer(&mut self, step: Step, received: &[u8]) -> Result<Answer, String> {
        if step == Step::Ack {
            return Answer::exactly(b":1\r\n", received); // it removed the one
        }
        let Some((head, rest)) = line(received) else { return Ok(Answer::Partial) };
        match (step, head) {
            (Step::Put, [b':', ..]) => Ok(Answer::Done { bytes: head.len() + 2 }),
            (Step::Get, b"$100") => {
                let answer = item_after(head, rest)?;
                if let Answer::Item { number, .. } = answer {
                    self.held = number;
                }
                Ok(answer)
            }
            _ => Err(unexpected(received)),
        }
    }
}

/// A command as Redis reads it: how many words, and each with its length.
fn array(words: &[&[u8]]) -> Vec<u8> {
    let head = format!("*{}\r\n", words.len()).into_bytes();
    words.iter().fold(head, |mut command, word| {
        command.extend(format!("${}\r\n", word.len()).bytes());
        command.extend(*word);
        command.extend(b"\r\n");
        command
    })
}

// The answer to a get is matched as it stands.
const _: () = assert!(ITEM_BYTES == 100);

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog() -> Dialog {
        let template = || Template::new(blank());
        Dialog { put: template(), get: Vec::new(), ack: template(), held: 0 }
    }

    #[test]
    fn a_command_says_the_length_of_each_word() {
        assert_eq!(array(&[b"LREM", b"q"]), b"*2\r\n$4\r\nLREM\r\n$1\r\nq\r\n");
    }

    #[test]
    fn what_is_removed_is_what_was_got() {
        let (mut dialog, mut item) = (dialog(), Template::new(blank()));
        let got = [b"$100\r\n", item.with(9), b"\r\n"].concat();
        for partial in 0..got.len() {
            let answer = dialog.answer(Step::Get, &got[..partial]);
            assert_eq!(answer, Ok(Answer::Partial), "{partial} bytes");
        }
        let answer = dialog.answer(Step::Get, &got);
        assert_eq!(answer, Ok(Answer::Item { bytes: got.len(), number: 9 }));
        let mut out = Vec::new();
        dialog.request(Step::Ack, 0, &mut out);
        assert_eq!(out, item.with(9));
        assert_eq!(dialog.answer(Step::Put, b":1234\r\n"), Ok(Answer::Done { bytes: 7 }));
    }

    #[test]
    fn nothing_to_get_and_nothing_removed_are_errors() {
        for (step, refusal) in
            [(Step::Put, "-OOM command\r\n"), (Step::Get, "$-1\r\n"), (Step::Ack, ":0\r\n")]
        {
            let error = dialog().answer(step, refusal.as_bytes()).unwrap_err();
            assert!(error.contains(refusal.trim_end()), "{error}");
        }
    }
}
