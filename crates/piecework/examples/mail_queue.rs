//! Mails that are put on a queue, and sent by workers through an SMTP server: a mail is leased
//! until the server has taken it, so none is lost with its worker.
//!
//! ```text
//! sent to ada@example.org
//! sent to bob@example.org
//! ```
#![allow(clippy::print_stdout, reason = "it is an example: what it prints is what it shows")]
use std::io;

use piecework::{Manager, Queue};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[derive(Debug, Deserialize, Serialize)]
struct Mail {
    to: String,
    text: String,
}

/// The conversation of RFC 5321, as short as it can be.
async fn send(server: &str, mail: &Mail) -> io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(server).await?);
    let said = [
        String::new(),
        "HELO localhost\r\n".to_owned(),
        "MAIL FROM:<piecework@example.org>\r\n".to_owned(),
        format!("RCPT TO:<{}>\r\n", mail.to),
        "DATA\r\n".to_owned(),
        format!("To: {}\r\n\r\n{}\r\n.\r\n", mail.to, mail.text),
        "QUIT\r\n".to_owned(),
    ];
    for line in said {
        stream.write_all(line.as_bytes()).await?;
        let mut reply = String::new();
        stream.read_line(&mut reply).await?;
        if !reply.starts_with(['2', '3']) {
            return Err(io::Error::other(format!("the mail server says {reply:?} to {line:?}")));
        }
    }
    Ok(())
}

async fn work(server: String, mails: Queue<Mail>) -> Result<(), piecework::Error> {
    loop {
        let mail = mails.lease().await?;
        match send(&server, &mail).await {
            Ok(()) => {
                println!("sent to {}", mail.to);
                mail.ack().await?;
            }
            Err(error) => {
                println!("{error}; later again");
                mail.nack().await?;
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).ok_or("which mail server? HOST:PORT")?;
    let manager = Manager::local().await?;
    let mails = manager.queue("mails").await?;
    let mut workers = JoinSet::new();
    for _ in 0..2 {
        workers.spawn(work(server.clone(), manager.queue("mails").await?));
    }
    for to in ["ada@example.org", "bob@example.org"] {
        mails.put(&Mail { to: to.to_owned(), text: "Dear Python".to_owned() }).await?;
    }
    Ok(mails.join().await?)
}
