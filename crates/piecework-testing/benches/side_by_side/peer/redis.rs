//! Redis: in memory, or with its file synced before each answer; items that are popped, or moved to
//! a list of whoever took them.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::{Acks, Answer, Client, Peer, Step, item_after, line, unexpected};
use crate::item::{ITEM_BYTES, Template, blank};

/// The list that is the queue.
const QUEUE: &str = "tasks";

#[derive(Debug)]
pub(crate) struct Redis {
    /// Kept on disk before it is answered.
    pub(crate) synced: bool,
    pub(crate) take: Take,
}

/// How items are got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Take {
    /// They are gone then, also when whoever got one dies.
    Pop,
    /// The same, and a get waits for an item.
    Wait,
    /// The reliable queue of Redis's own manual: each worker moves an item to a list of its own,
    /// and removes it from there when it is done.
    Move,
}

impl Peer for Redis {
    fn command(&self, program: &Path, port: u16, folder: &Path) -> io::Result<Command> {
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.arg("--dir").arg(folder);
        if self.synced {
            command.args(["--appendonly", "yes"]); // keep each write in a file
            command.args(["--appendfsync", "always"]); // sync before the answer, not once a second
        }
        command.args(["--save", ""]); // no snapshots beside it: they keep nothing more
        Ok(command)
    }

    fn client(&self, _: &mut TcpStream, name: usize) -> io::Result<Box<dyn Client>> {
        let (item, held) = (blank(), format!("held:{name}"));
        let put = Template::new(array(&[b"LPUSH", QUEUE.as_bytes(), &item]));
        let get = match self.take {
            Take::Pop => array(&[b"RPOP", QUEUE.as_bytes()]),
            Take::Wait => array(&[b"BRPOP", QUEUE.as_bytes(), b"0"]),
            Take::Move => array(&[b"LMOVE", QUEUE.as_bytes(), held.as_bytes(), b"RIGHT", b"LEFT"]),
        };
        let ack = Template::new(array(&[b"LREM", held.as_bytes(), b"1", &item]));
        Ok(Box::new(Dialog { put, get, ack, held: 0 }))
    }

    fn acks(&self) -> Acks {
        if self.take == Take::Move { Acks::Apart } else { Acks::Never }
    }
}

/// What stands before an item that was waited for: that two words come, and the queue's name.
const WAITED: &[u8] = b"*2\r\n$5\r\ntasks\r\n";
const _: () = assert!(QUEUE.len() == 5);

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
        if let Some(waited) = received.strip_prefix(WAITED) {
            return Ok(self.answer(step, waited)?.after(WAITED.len()));
        }
        let Some((head, rest)) = line(received) else { return Ok(Answer::Partial) };
        match (step, head) {
            (Step::Put, [b':', ..]) => Ok(Answer::Done { bytes: head.len() + 2 }),
            (Step::Get, _) if WAITED.starts_with(received) => Ok(Answer::Partial),
            (Step::Get, b"$32") => {
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
const _: () = assert!(ITEM_BYTES == 32);

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
        let got = [b"$32\r\n", item.with(9), b"\r\n"].concat();
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
