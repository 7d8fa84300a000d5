//! One client that waits for each answer before it does anything else.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::peer::{Answer, Client, Peer, Step, connect};

/// More than an answer that holds one item.
const BUFFER_BYTES: usize = 4096;

pub(crate) struct Caller {
    stream: TcpStream,
    client: Box<dyn Client>,
    out: Vec<u8>,
    /// What was received and not read yet.
    received: Vec<u8>,
}

impl Caller {
    pub(crate) fn connect(peer: &dyn Peer, address: SocketAddr, name: usize) -> io::Result<Self> {
        let (stream, client) = connect(peer, address, name)?;
        Ok(Self { stream, client, out: Vec::new(), received: Vec::new() })
    }

    /// Sends a request; the number is that of the item to put.
    pub(crate) fn send(&mut self, step: Step, number: u64) -> io::Result<()> {
        self.out.clear();
        self.client.request(step, number, &mut self.out);
        self.stream.write_all(&self.out)
    }

    /// Waits for the answer, until all of it is there.
    pub(crate) fn receive(&mut self, step: Step) -> io::Result<Answer> {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let answer = self.client.answer(step, &self.received);
            let answer = answer.map_err(|what| io::Error::other(format!("{step:?}: {what}")))?;
            if let Some(bytes) = answer.bytes() {
                self.received.drain(..bytes);
                return Ok(answer);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::Error::other("the server hung up")),
                bytes => self.received.extend(buffer.iter().take(bytes)),
            }
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call(&mut self, step: Step, number: u64) -> io::Result<Answer> {
        self.send(step, number)?;
        self.receive(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::blank;
    use crate::peer::Beanstalkd;
    use std::net::TcpListener;
    use std::thread;

    /// Connects to a server that reads one request, answers it with these bytes, and hangs up.
    fn caller(answers: Vec<u8>) -> Caller {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; BUFFER_BYTES]).unwrap() > 0);
            stream.write_all(&answers).unwrap();
        });
        Caller::connect(&Beanstalkd { synced: false }, address, 0).unwrap()
    }

    #[test]
    fn an_answer_is_read_to_its_end_and_no_further() {
        let mut caller =
            caller([b"INSERTED 1\r\nRESERVED 1 32\r\n", &blank()[..], b"\r\n"].concat());
        assert_eq!(caller.call(Step::Put, 0).unwrap(), Answer::Done { bytes: 12 });
        let item = Answer::Item { bytes: 49, number: 0 };
        assert_eq!(caller.receive(Step::Get).unwrap(), item);
    }

    #[test]
    fn an_answer_that_breaks_off_or_refuses_is_an_error() {
        for (answer, wanted) in [("INSERTED", "hung up"), ("BURIED 1\r\n", "Put: ")] {
            let error = caller(answer.into()).call(Step::Put, 0).unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }
}
