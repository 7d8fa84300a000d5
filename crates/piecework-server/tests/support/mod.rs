//! A server on a free port, and a client that speaks the protocol byte by byte.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use bytes::{Bytes, BytesMut};
use piecework_server::{Config, Key, Server};
use piecework_wire::auth::{self, Challenge};
use piecework_wire::reply::Reply;
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Value, frame};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const KEY: &str = "abc";

/// Every wait of a test ends: whatever takes this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Running {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(Key::new(KEY));
        config.listen = vec!["127.0.0.1:0".parse().unwrap()];
        change(&mut config);
        let server = Server::bind(config).await.unwrap();
        let address = server.addresses()[0].socket_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            server.run(async { drop(stopped.await) }).await.unwrap();
        });
        Self { address, stop, task }
    }

    /// Stops the server and waits until it has.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(PATIENCE, self.task).await.expect("the server stops").unwrap();
    }

    /// Waits until it has stopped by itself.
    pub async fn stopped(self) {
        tokio::time::timeout(PATIENCE, self.task).await.expect("the server stops").unwrap();
    }

    /// A connection after the handshake.
    pub async fn connect(&self) -> Client {
        let mut client = self.dial().await;
        client.shake_hands(KEY).await.unwrap();
        client
    }

    /// A bare connection.
    pub async fn dial(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, input: BytesMut::new() }
    }

    /// What a stock client does before its first call.
    pub async fn main(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        let reply = client.call(None, "accept_connection", &[ArgOut::Str(name)]).await;
        assert_eq!(value(reply), Value::None);
        client
    }

    /// A one-shot request.
    pub async fn ask(&self, method: &str, args: &[ArgOut<'_>]) -> Reply {
        let mut client = self.connect().await;
        let reply = client.call(None, method, args).await;
        assert_eq!(client.read().await, None, "the server ends a one-shot connection");
        reply
    }

    /// The ident of a new handle.
    pub async fn create(&self, typeid: &str) -> String {
        match self.ask("create", &[ArgOut::Str(typeid)]).await {
            Reply::Return(returned) => returned.created().unwrap().0,
            other => panic!("{other:?}"),
        }
    }
}

pub struct Client {
    pub stream: TcpStream,
    input: BytesMut,
}

impl Client {
    /// The client's half of the handshake; gives back what the server says instead of WELCOME.
    pub async fn shake_hands(&mut self, key: &str) -> Result<(), Bytes> {
        let key = Key::new(key);
        let theirs = self.read().await.unwrap();
        self.write(&auth::answer(&key, &theirs).unwrap()).await;
        let word = self.read().await.unwrap();
        if word != auth::WELCOME {
            return Err(word);
        }
        let ours = Challenge::new([7; 40]);
        self.write(&ours.message()).await;
        let answer = self.read().await.unwrap();
        ours.verify(&key, &answer).unwrap();
        self.write(auth::WELCOME).await;
        Ok(())
    }

    pub async fn write(&mut self, body: &[u8]) {
        let mut out = BytesMut::new();
        frame::put(&mut out, body);
        self.stream.write_all(&out).await.unwrap();
    }

    pub async fn send(&mut self, ident: Option<&str>, method: &str, args: &[ArgOut<'_>]) {
        let mut out = BytesMut::new();
        request(&mut out, ident, method, args, &[]);
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next frame; `None` when the server has closed the connection.
    pub async fn read(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = frame::cut(&mut self.input, 1 << 30).unwrap() {
                return Some(frame);
            }
            let read = self.stream.read_buf(&mut self.input);
            let read =
                tokio::time::timeout(PATIENCE, read).await.expect("the server says something");
            if !read.is_ok_and(|read| read > 0) {
                return None;
            }
        }
    }

    pub async fn reply(&mut self) -> Reply {
        Reply::parse(self.read().await.expect("a reply")).unwrap()
    }

    pub async fn call(&mut self, ident: Option<&str>, method: &str, args: &[ArgOut<'_>]) -> Reply {
        self.send(ident, method, args).await;
        self.reply().await
    }

    pub async fn get(&mut self, ident: &str) -> Reply {
        self.call(Some(ident), "get", &[]).await
    }

    pub async fn put(&mut self, ident: &str, item: i64) {
        let reply = self.call(Some(ident), "put", &[ArgOut::Int(item)]).await;
        assert_eq!(value(reply), Value::None);
    }

    /// Asks until the queue's counts are as wanted.
    pub async fn wait_until(&mut self, queue: &str, field: &str, wanted: i64) {
        for _ in 0..10_000 {
            let Value::List(queues) = value(self.call(Some("manager"), "queues", &[]).await) else {
                panic!("queues() gives a list");
            };
            let of = |value: &Value, key: &str| match value {
                Value::Dict(entries) => {
                    let wanted = Value::Str(key.to_owned());
                    entries.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value.clone())
                }
                _ => None,
            };
            let name = Some(Value::Str(queue.to_owned()));
            let stats = queues.iter().find(|stats| of(stats, "name") == name).unwrap();
            if of(stats, field) == Some(Value::Int(wanted)) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{field} of {queue} never came to {wanted}");
    }
}

#[track_caller]
pub fn value(reply: Reply) -> Value {
    match reply {
        Reply::Return(returned) => returned.value().unwrap(),
        other => panic!("no value but {other:?}"),
    }
}

/// The class and message of an exception.
#[track_caller]
pub fn error(reply: Reply) -> (String, String) {
    match reply {
        Reply::Error { class, message, .. } => (class, message.unwrap_or_default()),
        other => panic!("no error but {other:?}"),
    }
}
