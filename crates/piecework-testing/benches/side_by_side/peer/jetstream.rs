//! NATS JetStream: a work queue in memory, or in a file that is synced at each write, from which
//! each client pulls.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::{Answer, Client, Peer, Step, ask, item_after, line, unexpected};
use crate::item::{Template, blank};

/// Items are published to a subject of this name, which a stream of this name keeps.
const STREAM: &str = "tasks";
/// Whoever pulls does so from this consumer, so that each item goes to one of them.
const CONSUMER: &str = "workers";

/// A work queue drops what is acknowledged, as the others do; no replicas.
fn stream_config(storage: &str) -> String {
    format!(
        r#"{{
    "name": "tasks", "subjects": ["tasks"], "retention": "workqueue", "storage": "{storage}",
    "num_replicas": 1
}}"#
    )
}
const CONSUMER_CONFIG: &str = r#"{
    "stream_name": "tasks", "config": { "durable_name": "workers", "ack_policy": "explicit" }
}"#;
/// One item, and half a minute to wait for it, which never passes: an item was put before.
const PULL: &str = r#"{"batch":1,"expires":30000000000}"#;

#[derive(Debug)]
pub(crate) struct JetStream {
    /// Kept on disk before it is answered.
    pub(crate) synced: bool,
}

impl Peer for JetStream {
    fn command(&self, program: &Path, port: u16, folder: &Path) -> io::Result<Command> {
        let config = folder.join("nats.conf");
        let store = folder.join("store");
        // Where there is a file, it is synced before the answer; the default is every two minutes.
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\n\
             jetstream {{ store_dir: {store:?}, sync_interval: always }}\n"
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(program);
        command.arg("--config").arg(config);
        Ok(command)
    }

    fn client(&self, stream: &mut TcpStream, name: usize) -> io::Result<Box<dyn Client>> {
        let inbox = format!("inbox.{name}");
        let hello = format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\
             \"no_responders\":true}}\r\nSUB {inbox} 1\r\nPING\r\n"
        );
        ask(stream, hello.as_bytes(), |received| received.ends_with(b"PONG\r\n"))?;
        let mut dialog = Dialog {
            put: Template::new(publish(STREAM, &inbox, &blank())),
            get: publish(&api("CONSUMER.MSG.NEXT", true), &inbox, PULL.as_bytes()),
            inbox,
            reply_to: Vec::new(),
            owes_pong: false,
        };
        let config = stream_config(if self.synced { "file" } else { "memory" });
        // To make what is there already, and is the same, is no error.
        dialog.make(stream, &api("STREAM.CREATE", false), &config)?;
        dialog.make(stream, &api("CONSUMER.DURABLE.CREATE", true), CONSUMER_CONFIG)?;
        Ok(Box::new(dialog))
    }
}

#[derive(Debug)]
struct Dialog {
    put: Template,
    get: Vec<u8>,
    /// Where all answers to this client go.
    inbox: String,
    /// Where the acknowledgement of the item that was got goes.
    reply_to: Vec<u8>,
    /// The server has asked whether we live. It waits minutes for the answer.
    owes_pong: bool,
}

impl Dialog {
    fn make(&mut self, stream: &mut TcpStream, subject: &str, config: &str) -> io::Result<()> {
        stream.write_all(&publish(subject, &self.inbox, config.as_bytes()))?;
        let mut result = Ok(Answer::Partial);
        ask(stream, b"", |received| {
            result = self.answer(Step::Put, received);
            result != Ok(Answer::Partial)
        })?;
        result.map(drop).map_err(|error| io::Error::other(format!("{subject}: {error}")))
    }

    /// What a message means that came whole, up to the end of its line.
    fn message(&mut self, step: Step, head: &[u8], rest: &[u8]) -> Result<Answer, String> {
        let words: Vec<_> = head.split(|byte| *byte == b' ').collect();
        if let (Step::Get, [b"MSG", _, _, reply_to, _]) = (step, words.as_slice()) {
            self.reply_to.clear();
            self.reply_to.extend(*reply_to);
            return item_after(head, rest);
        }
        let [b"MSG", _, _, bytes] = words.as_slice() else { return Err(unexpected(head)) };
        let bytes = std::str::from_utf8(bytes).ok().and_then(|bytes| bytes.parse::<usize>().ok());
        let bytes = bytes.ok_or_else(|| unexpected(head))?;
        let Some(body) = rest.get(..bytes + 2) else { return Ok(Answer::Partial) };
        if body.windows(8).any(|window| window == b"\"error\":") {
            return Err(unexpected(body));
        }
        Ok(Answer::Done { bytes: head.len() + 2 + body.len() })
    }
}

impl Client for Dialog {
    fn request(&mut self, step: Step, number: u64, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.owes_pong) {
            out.extend(b"PONG\r\n");
        }
        match step {
            Step::Put => out.extend(self.put.with(number)),
            Step::Get => out.extend(&self.get),
            // With an inbox, so that the server says when the acknowledgement is kept.
            Step::Ack => {
                for part in [b"PUB ", &self.reply_to[..], b" ", self.inbox.as_bytes()] {
                    out.extend(part);
                }
                out.extend(b" 4\r\n+ACK\r\n");
            }
        }
    }

    fn answer(&mut self, step: Step, received: &[u8]) -> Result<Answer, String> {
        let mut rest = received;
        while let Some((head, after)) = line(rest) {
            let before = received.len() - rest.len();
            match head {
                b"PING" => self.owes_pong = true,
                _ if head.starts_with(b"INFO ") => {}
                _ => return Ok(self.message(step, head, after)?.after(before)),
            }
            rest = after;
        }
        Ok(Answer::Partial)
    }
}

fn api(call: &str, of_consumer: bool) -> String {
    let consumer = if of_consumer { format!(".{CONSUMER}") } else { String::new() };
    format!("$JS.API.{call}.{STREAM}{consumer}")
}

fn publish(subject: &str, reply_to: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("PUB {subject} {reply_to} {}\r\n", body.len());
    [head.as_bytes(), body, b"\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog() -> Dialog {
        let (put, inbox) = (Template::new(blank()), "inbox.1".to_owned());
        Dialog { put, get: Vec::new(), inbox, reply_to: Vec::new(), owes_pong: false }
    }

    #[test]
    fn a_message_says_where_its_acknowledgement_goes() {
        let mut dialog = dialog();
        let got = [b"MSG tasks 1 $JS.ACK.9 32\r\n", &blank()[..], b"\r\n"].concat();
        for partial in 0..got.len() {
            let answer = dialog.answer(Step::Get, &got[..partial]);
            assert_eq!(answer, Ok(Answer::Partial), "{partial} bytes");
        }
        let answer = dialog.answer(Step::Get, &got);
        assert_eq!(answer, Ok(Answer::Item { bytes: got.len(), number: 0 }));
        let mut out = Vec::new();
        dialog.request(Step::Ack, 0, &mut out);
        assert_eq!(out, b"PUB $JS.ACK.9 inbox.1 4\r\n+ACK\r\n");
        let kept = b"MSG inbox.1 1 0\r\n\r\n";
        assert_eq!(dialog.answer(Step::Ack, kept), Ok(Answer::Done { bytes: kept.len() }));
    }

    #[test]
    fn what_comes_between_is_passed_over_and_a_ping_is_answered_with_the_next_request() {
        let mut dialog = dialog();
        let kept = b"PING\r\nINFO {}\r\nMSG inbox.1 1 9\r\n{\"seq\":1}\r\nPING\r\n";
        let answer = dialog.answer(Step::Put, kept);
        assert_eq!(answer, Ok(Answer::Done { bytes: kept.len() - 6 }));
        let mut out = Vec::new();
        dialog.request(Step::Get, 0, &mut out);
        assert_eq!(out, b"PONG\r\n");
    }

    #[test]
    fn refusals_are_errors_with_their_words() {
        for (step, refusal) in [
            (Step::Put, "MSG inbox.1 1 23\r\n{\"error\":{\"code\":10059}}\r\n"),
            (Step::Get, "HMSG inbox.1 1 30 30\r\nNATS/1.0 408 Request Timeout\r\n"),
            (Step::Ack, "-ERR 'Authorization Violation'\r\n"),
        ] {
            let error = dialog().answer(step, refusal.as_bytes()).unwrap_err();
            assert!(error.contains("unexpected"), "{error}");
        }
    }
}
