//! The client against CPython's own server, of every version found.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use piecework::{CallError, ConnectError, Key, Manager, Payload, RawQueue, Value};

/// Two queues under names of two fashions; the port is the first line it prints.
const SERVER: &str = "
import queue
from multiprocessing.managers import BaseManager

tasks, results = queue.Queue(), queue.Queue()

class Manager(BaseManager):
    pass

Manager.register('get_task_queue', callable=lambda: tasks)
Manager.register('result', callable=lambda: results)
server = Manager(address=('127.0.0.1', 0), authkey=b'abc').get_server()
print(server.address[1], flush=True)
server.serve_forever()
";

/// Answers tasks that are what only Python knows: prints each, and puts it back.
const WORKER: &str = "
import sys
from multiprocessing.managers import BaseManager

class Manager(BaseManager):
    pass

Manager.register('get_task_queue')
Manager.register('result')
manager = Manager(address=('127.0.0.1', int(sys.argv[1])), authkey=b'abc')
manager.connect()
tasks, results = manager.get_task_queue(), manager.result()
while not tasks.empty():
    task = tasks.get()
    print(repr(task))
    results.put([task, task])
del tasks, results
print(manager._number_of_objects(), 'objects')
";

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(python: &Path) -> Self {
        let mut child = Command::new(python)
            .args(["-c", SERVER])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: format!("127.0.0.1:{}", line.trim()) }
    }

    async fn connect(&self) -> Manager {
        Manager::connect(&self.address, Key::new("abc")).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn queues(server: &Server) -> [RawQueue; 2] {
    let session = server.connect().await.session().await.unwrap();
    [session.queue("task").await.unwrap(), session.queue("result").await.unwrap()]
}

fn run(python: &Path, program: &str, argument: &str) -> std::process::Output {
    Command::new(python).args(["-c", program, argument]).output().unwrap()
}

/// `PIECEWORK_PYTHONS`, paths with `:` between them; else `python3`, and pyenv's of Python 3.
fn pythons() -> Vec<PathBuf> {
    if let Some(listed) = std::env::var_os("PIECEWORK_PYTHONS") {
        return std::env::split_paths(&listed).collect();
    }
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv"));
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from).or(home);
    let versions = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let paths = versions.into_iter().flatten().map(|version| version.unwrap().path());
    let is_3 = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("3.");
    let mut found: Vec<_> = paths.filter(is_3).map(|path| path.join("bin/python")).collect();
    found.sort();
    found.insert(0, PathBuf::from("python3"));
    found
}

fn payload(value: impl Into<Value>) -> Payload {
    Payload::from_value(&value.into())
}

#[tokio::test]
async fn what_is_put_is_got() {
    for python in pythons() {
        let server = Server::start(&python);
        let [tasks, results] = queues(&server).await;
        assert!(!tasks.is_native());
        let large = Payload::from_value(&Value::Bytes(vec![7; 1 << 20]));
        for item in [payload(3_411), payload("é"), large, Payload::from_value(&Value::None)] {
            tasks.put(&item).await.unwrap();
            assert_eq!(tasks.qsize().await.unwrap(), 1, "{}", python.display());
            let got = tasks.get(None).await.unwrap().unwrap();
            assert_eq!(got.value().unwrap(), item.value().unwrap());
        }
        assert_eq!(tasks.get(Some(Duration::ZERO)).await.unwrap(), None);
        assert_eq!(results.get(Some(Duration::from_millis(1))).await.unwrap(), None);
    }
}

/// A stock manager sends 20 KiB in two pieces, and the second 40 ms late to whoever does not
/// acknowledge the first at once: 25 items would take a second.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn items_in_two_pieces_do_not_wait_for_acknowledgements() {
    let server = Server::start(&pythons()[0]);
    let [tasks, _] = queues(&server).await;
    let item = Payload::from_value(&Value::Bytes(vec![7; 20 << 10]));
    let start = std::time::Instant::now();
    for _ in 0..25 {
        tasks.put(&item).await.unwrap();
        tasks.get(None).await.unwrap();
    }
    let took = start.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[tokio::test]
async fn objects_go_through_that_only_python_knows() {
    // datetime.date(2020, 1, 2), as Python pickles it
    const DATE: &[u8] = b"\x80\x03cdatetime\ndate\nq\x00C\x04\x07\xe4\x01\x02q\x01\x85q\x02Rq\x03.";
    for python in pythons() {
        let server = Server::start(&python);
        let [tasks, results] = queues(&server).await;
        tasks.put(&Payload::from_pickle(DATE).unwrap()).await.unwrap();
        let number = server.address.rsplit_once(':').unwrap().1.to_owned();
        // The program runs beside this task, which holds no call open meanwhile.
        let transcript = run(&python, WORKER, &number);
        let said = String::from_utf8_lossy(&transcript.stdout).replace('\r', "");
        assert_eq!(said, "datetime.date(2020, 1, 2)\n2 objects\n", "{}", python.display());
        let pair = results.get(None).await.unwrap().unwrap();
        assert_eq!(pair.class_name().unwrap(), "datetime.date");
        // Both elements are one object, so the second refers to the first: it goes round again.
        tasks.put(&pair).await.unwrap();
        assert_eq!(tasks.get(None).await.unwrap().unwrap(), pair);
        // In good order: the manager forgets the objects.
        tasks.close().await.unwrap();
        results.close().await.unwrap();
        let transcript = run(&python, WORKER, &number);
        assert_eq!(String::from_utf8_lossy(&transcript.stdout).trim(), "0 objects");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_apart() {
    for python in pythons() {
        let server = Server::start(&python);
        let wrong = Manager::connect(&server.address, Key::new("abd")).await;
        assert!(matches!(wrong, Err(ConnectError::Call(CallError::WrongKey { .. }))), "{wrong:?}");
        let manager = server.connect().await;
        let error = manager.raw_queue("nowhere").await.unwrap_err().to_string();
        let tried = "it refused nowhere, get_nowhere_queue, get_nowhere with \"'nowhere'\"";
        assert!(error.contains(tried), "{error}");
        let error = manager.call("queues", &[]).await.unwrap_err().to_string();
        assert!(error.contains("hint: it is a stock Python manager"), "{error}");
        let [tasks, _] = queues(&server).await;
        let error = tasks.lease(1, None).await.unwrap_err();
        assert!(matches!(&error, CallError::Remote { .. }), "{error:?}");
        tasks.put(&payload(1)).await.unwrap();
        let address = server.address.clone();
        drop(server);
        for _ in 0..2 {
            let error = tasks.get(None).await.unwrap_err();
            assert!(matches!(error, CallError::Closed { .. }), "{error:?}");
        }
        let gone = Manager::connect(&address, Key::new("abc")).await;
        assert!(matches!(gone, Err(ConnectError::Call(CallError::Unreachable { .. }))), "{gone:?}");
    }
}

/// A stock manager has no leases: what fails is put back, and what is got is answered.
#[tokio::test]
async fn a_worker_does_the_tasks_of_a_stock_manager() {
    for python in pythons() {
        let server = Server::start(&python);
        let [tasks, results] = queues(&server).await;
        let failed = std::sync::atomic::AtomicBool::new(false);
        let manager = server.connect().await;
        let worker = manager.worker("task").try_each(move |n: u64| {
            match n == 3 && !failed.swap(true, std::sync::atomic::Ordering::Relaxed) {
                true => Err("not yet".to_owned()),
                false => Ok(format!("{n} * {n} = {}", n * n)),
            }
        });
        let stopper = worker.stopper();
        let working = tokio::spawn(worker.run_until(std::future::pending::<()>()));
        for n in 0..10 {
            tasks.put(&payload(n)).await.unwrap();
        }
        let mut said = Vec::new();
        while said.len() < 10 {
            let result = results.get(None).await.unwrap().unwrap();
            said.push(result.value().unwrap().to_string());
        }
        said.sort();
        let expected: Vec<_> = (0..10).map(|n| format!("'{n} * {n} = {}'", n * n)).collect();
        assert_eq!(said, expected, "{}", python.display());
        tasks.put(&payload(11)).await.unwrap();
        stopper.stop();
        working.await.unwrap().unwrap();
        // Done, or left, or put back.
        assert_eq!(tasks.qsize().await.unwrap() + results.qsize().await.unwrap(), 1);
        let pool = piecework::Pool::connect(&server.address, Key::new("abc")).await;
        let error = pool.unwrap_err().to_string();
        assert!(error.contains("hint: `piecework serve` runs one that has"), "{error}");
    }
}
