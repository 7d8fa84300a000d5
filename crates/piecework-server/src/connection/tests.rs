//! What a client is told, and when, while what it asked for is being kept.

use super::*;
use crate::committer::site::{By, Site, fails, site_of, slow};
use crate::queue_spec::{AckSpec, QueueSpec};
use piecework_state::Peer as Client;
use piecework_wire::auth::Key;
use piecework_wire::reply::Reply as Said;
use piecework_wire::request::{ArgOut, request};
use piecework_wire::{Value, frame};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

/// A client of one connection, whose handshake is done.
struct Far {
    stream: UnixStream,
    input: BytesMut,
    out: BytesMut,
    ident: String,
    served: JoinHandle<Result<bool, Ended>>,
}

impl Far {
    fn connect(site: &Site, client: Client) -> Self {
        let limits = Limits::default();
        let shared = Shared {
            hub: Arc::clone(&site.hub),
            keys: Keyring::new(Key::new("abc")),
            policy: None,
            sorts: false,
            lobby: Lobby::new(1),
            failures: Mutex::new(Failures::new(&limits)),
            complaints: Complaints::new(),
            limits,
            shutdown: Shutdown::Anyone,
            permits: Arc::new(Semaphore::new(1)),
            stages: Arc::default(),
        };
        let (near, stream) = UnixStream::pair().unwrap();
        let ident = site.hub.create(site.task);
        let served = tokio::spawn(async move { serve_main(near, &shared, client).await });
        Self { stream, input: BytesMut::new(), out: BytesMut::new(), ident, served }
    }

    /// Adds a request to what is sent next.
    fn ask(&mut self, method: &str, args: &[ArgOut<'_>]) {
        request(&mut self.out, Some(&self.ident), method, args, &[]);
    }

    async fn send(&mut self) {
        self.stream.write_all(&self.out.split()).await.unwrap();
    }

    /// The next reply; `None` at the end.
    async fn reply(&mut self) -> Option<Said> {
        loop {
            if let Some(frame) = frame::cut(&mut self.input, 1 << 20).unwrap() {
                return Some(Said::parse(frame).unwrap());
            }
            let read = self.stream.read_buf(&mut self.input);
            match timeout(Duration::from_secs(10), read).await.expect("something is said") {
                Ok(1..) => {}
                _ => return None,
            }
        }
    }

    async fn value(&mut self) -> Value {
        match self.reply().await {
            Some(Said::Return(returned)) => returned.value().unwrap(),
            other => panic!("no value but {other:?}"),
        }
    }
}

async fn serve_main(near: UnixStream, shared: &Shared, client: Client) -> Result<bool, Ended> {
    let peer = Peer::Process { pid: None, user: 0 };
    let (silence, stages) = (Duration::from_secs(60), Arc::clone(&shared.stages));
    let socket = Socket::new(Stream::Unix(near), &peer, silence, stages).unwrap();
    let mut session = Session::challenge([0; 40]);
    session.out.clear();
    let (host, unsent) = (String::new(), Unsent::default());
    let mut connection =
        Connection { socket, peer, host, session, open: None, client: None, unsent, shared };
    connection.open(client);
    while connection.serve_request().await? {}
    Ok(false)
}

/// A queue whose items are gone once they were sent.
fn none() -> Site {
    let mut queue = QueueSpec::named("task");
    queue.ack = AckSpec::None;
    site_of(0, queue)
}

async fn until(is: impl Fn() -> bool) {
    while !is() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requests_that_come_together_are_kept_together_and_told_then() {
    let site = slow();
    let mut far = Far::connect(&site, Client::native("far"));
    for item in 0..3 {
        far.ask("put", &[ArgOut::Int(item)]);
    }
    far.send().await;
    site.given(1).await;
    assert_eq!(site.batches(), [(3, By::Thread)]);
    let mut byte = [0];
    let early = far.stream.try_read(&mut byte).unwrap_err();
    assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock, "it is not kept yet");
    site.say.send(Ok(())).unwrap();
    for _ in 0..3 {
        assert_eq!(far.value().await, Value::None);
    }
}

#[tokio::test]
async fn what_a_waiting_get_acks_is_kept_though_nobody_is_told() {
    let site = slow();
    (0..2).for_each(|_| site.say.send(Ok(())).unwrap());
    let mut far = Far::connect(&site, Client::native("far"));
    far.ask("put", &[ArgOut::Int(1)]);
    far.ask("get", &[]);
    far.send().await;
    assert_eq!((far.value().await, far.value().await), (Value::None, Value::Int(1)));
    far.ask("get", &[]);
    far.send().await;
    site.given(2).await;
    assert_eq!(site.batches()[1], (1, By::Thread));
}

#[tokio::test]
async fn a_client_whose_calls_are_not_kept_is_told_so_once() {
    let site = slow();
    let mut far = Far::connect(&site, Client::native("far"));
    far.ask("put", &[ArgOut::Int(1)]);
    far.ask("put", &[ArgOut::Int(2)]);
    far.send().await;
    site.say.send(fails()).unwrap();
    let Some(Said::Error { class, .. }) = far.reply().await else { panic!("an error is told") };
    assert_eq!(class, "RuntimeError");
    assert!(far.served.await.unwrap().is_err());
    assert!(far.stream.read_buf(&mut far.input).await.unwrap() == 0 && far.input.is_empty());
}

#[tokio::test]
async fn what_a_client_does_not_wait_for_any_more_goes_back_once_it_is_kept() {
    let site = none();
    site.put(site.open("putter"));
    let mut far = Far::connect(&site, Client::native("far"));
    far.ask("get", &[]);
    far.send().await;
    site.given(1).await;
    until(|| site.ready() == 0).await;
    far.stream.shutdown().await.unwrap();
    // The runtime looks for what has come in when nobody else has anything to do.
    tokio::task::yield_now().await;
    (0..4).for_each(|_| site.say.send(Ok(())).unwrap());
    assert!(far.served.await.unwrap().is_err());
    assert_eq!(site.ready(), 1);
}

#[tokio::test]
async fn a_stock_client_gets_no_reply_to_a_call_that_was_interrupted_while_it_was_kept() {
    let site = none();
    site.put(site.open("putter"));
    let mut far = Far::connect(&site, Client::stock("far", "10.0.0.1"));
    far.ask("get", &[]);
    far.send().await;
    site.given(1).await;
    until(|| site.ready() == 0).await;
    far.ask("qsize", &[]);
    far.send().await;
    tokio::task::yield_now().await;
    (0..4).for_each(|_| site.say.send(Ok(())).unwrap());
    assert_eq!(far.value().await, Value::Int(1), "the item is back, and nobody was sent it");
}
