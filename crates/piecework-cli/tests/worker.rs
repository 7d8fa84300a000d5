//! `piecework worker`: takes tasks of a manager, runs a command for each, puts the results.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use piecework::{Key, Manager, Payload, RawQueue, Settle, Value};
use rustix::process::Signal;
use support::{Started, TestCommand, is_gone, piecework, wait_until};

/// Longer than anything here takes.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

const KEY: &str = "a key for tests only";

/// A running `piecework serve`, and its two queues.
struct Served {
    server: Started,
    address: String,
    tasks: RawQueue,
    results: RawQueue,
}

impl Served {
    async fn start(queues: &[&str]) -> Self {
        let named = queues.iter().flat_map(|queue| ["--queue", queue]);
        Self::start_with(&named.collect::<Vec<_>>()).await
    }

    async fn start_with(arguments: &[&str]) -> Self {
        let serve = piecework(["serve", "--listen", "127.0.0.1:0", "--engine", "memory"]);
        let serve = serve.args(arguments);
        let mut server = serve.env("PIECEWORK_AUTHKEY", KEY).start();
        let address = server.line().strip_prefix("listening on ").unwrap().to_owned();
        let manager = Manager::connect(&address, Key::new(KEY)).await.unwrap();
        let tasks = manager.raw_queue("task").await.unwrap();
        let results = manager.raw_queue("result").await.unwrap();
        Self { server, address, tasks, results }
    }

    /// A worker with these options and this command.
    fn worker(&self, arguments: &[&str]) -> TestCommand {
        let command = piecework(["worker", &self.address]).args(arguments);
        command.env("PIECEWORK_AUTHKEY", KEY)
    }

    async fn put(&self, value: Value) {
        self.tasks.put(&Payload::from_value(&value)).await.unwrap();
    }

    async fn result(&self) -> Value {
        self.results.get(PATIENCE).await.unwrap().expect("a result").value().unwrap()
    }

    /// Stops the manager; the worker must then end by itself, and well.
    fn end(self, worker: Started) -> String {
        self.server.signal(Signal::TERM);
        let ran = worker.end();
        assert_eq!((ran.code, ran.text().as_str()), (0, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("closed the connection"), "{}", ran.stderr);
        ran.stderr
    }
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

/// Makes a pipe that a command reads to its end: it waits there until the test writes.
fn make_gate(folder: &tempfile::TempDir) {
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("gate")).status();
    assert!(made.unwrap().success());
}

#[tokio::test]
async fn tasks_of_every_plain_kind_are_arguments_and_the_output_is_the_result() {
    let served = Served::start(&[]).await;
    let worker = served.worker(&["-j1", "echo", "<{}>"]).start();
    let bytes = Value::Bytes(b"caf\xe9".to_vec());
    let cases = [
        (text("a b"), text("<a b>")),
        (Value::Int(3411), text("<3411>")),
        (Value::Float(1e16), text("<1e+16>")),
        (Value::Bool(true), text("<True>")),
        (bytes, Value::Bytes(b"<caf\xe9>".to_vec())),
        (Value::Tuple(vec![Value::Int(1), text("x")]), text("<[1, \"x\"]>")),
    ];
    for (task, result) in cases {
        served.put(task).await;
        assert_eq!(served.result().await, result);
    }
    served.end(worker);
}

#[tokio::test]
async fn the_task_can_be_given_on_standard_input() {
    let served = Served::start(&[]).await;
    let worker = served.worker(&["--stdin", "--", "tr", "a-z", "A-Z"]).start();
    served.put(text("hello\n\n")).await;
    assert_eq!(served.result().await, text("HELLO\n"));
    served.end(worker);
}

#[tokio::test]
async fn with_json_every_end_is_a_result() {
    let served = Served::start(&[]).await;
    let worker = served.worker(&["--json", "echo {}; echo oops >&2; exit 3"]).start();
    served.put(text("x")).await;
    let Value::Dict(report) = served.result().await else { panic!("not a dict") };
    let entry = |name: &str| report.iter().find(|(key, _)| *key == text(name)).unwrap().1.clone();
    assert_eq!((entry("exit_code"), entry("stdout")), (Value::Int(3), text("x\n")));
    assert_eq!(entry("stderr"), text("oops\n"));
    assert!(matches!(entry("duration"), Value::Float(seconds) if seconds > 0.0));
    assert!(matches!(entry("host"), Value::Str(host) if !host.is_empty()));
    served.end(worker);
}

#[tokio::test]
async fn a_failed_task_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&["task:attempts=3", "result"]).await;
    let script = "echo $PIECEWORK_ATTEMPT >> attempts; test $PIECEWORK_ATTEMPT = 2 && echo {}";
    let worker = served.worker(&["-j1", script]).in_folder(&folder).start();
    served.put(text("x")).await;
    assert_eq!(served.result().await, text("x"));
    let attempts = std::fs::read_to_string(folder.path().join("attempts")).unwrap();
    assert_eq!(attempts, "1\n2\n");
    let said = served.end(worker);
    assert!(said.contains("task 1 (x): ended with exit code 1; given back"), "{said}");
}

#[tokio::test]
async fn a_command_may_take_longer_than_a_lease_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&["task:lease=2s", "result"]).await;
    make_gate(&folder);
    let script = "echo > began; cat gate; echo {}";
    let worker = served.worker(&["-j1", script]).in_folder(&folder).start();
    served.put(text("one")).await;
    wait_until("the command runs", || folder.path().join("began").exists());
    let others = served.tasks.lease(1, Some(Duration::from_secs(3))).await.unwrap();
    assert!(others.is_empty(), "its lease has run out: {others:?}");
    std::fs::write(folder.path().join("gate"), "").unwrap();
    assert_eq!(served.result().await, text("one"));
    served.end(worker);
}

#[tokio::test]
async fn an_answer_after_its_lease_is_dropped_and_the_slot_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&["task:lease=1s", "result"]).await;
    make_gate(&folder);
    let script = "test {} = two || { echo > began; cat gate; }; echo {}";
    let worker = served.worker(&["-j1", script]).in_folder(&folder).start();
    served.put(text("one")).await;
    wait_until("the command runs", || folder.path().join("began").exists());
    // A machine falls asleep; who gets its task knows that its lease has run out.
    worker.signal(Signal::STOP);
    let again = served.tasks.lease(1, PATIENCE).await.unwrap();
    assert_eq!((again[0].attempt, again[0].payload.value().unwrap()), (2, text("one")));
    served.tasks.settle(again[0].id, Settle::Ack).await.unwrap();
    worker.signal(Signal::CONT);
    std::fs::write(folder.path().join("gate"), "").unwrap();
    served.put(text("two")).await;
    assert_eq!(served.result().await, text("two"));
    let said = served.end(worker);
    assert!(said.contains("task 1 (one): its lease ran out before its result came"), "{said}");
}

#[tokio::test]
async fn a_refused_result_gives_its_task_back_and_the_slot_goes_on() {
    let queues = ["--queue", "task:attempts=1", "--queue", "result"];
    let served = Served::start_with(&[&queues[..], &["--limit", "message=100KiB"]].concat()).await;
    let script = "test {} = small || head -c 200000 /dev/zero; echo {}";
    let worker = served.worker(&["-j1", script]).start();
    served.put(text("large")).await;
    served.put(text("small")).await;
    assert_eq!(served.result().await, text("small"));
    let said = served.end(worker);
    let (refused, given_back) = ("task 1 (large): its result was refused: ", "; given back");
    assert!(said.contains(refused) && said.contains(given_back), "{said}");
}

#[tokio::test]
async fn instances_of_classes_are_refused_and_none_ends_a_slot() {
    let served = Served::start(&["task:attempts=1", "result"]).await;
    let worker = served.worker(&["-j1", "echo"]).start();
    // `datetime.date(2024, 1, 2)` in protocol 2, as CPython pickles it.
    let date = b"\x80\x02cdatetime\ndate\nq\x00U\x04\x07\xe8\x01\x02q\x01\x85q\x02Rq\x03.";
    served.tasks.put(&Payload::from_pickle(date).unwrap()).await.unwrap();
    served.put(text("next")).await;
    assert_eq!(served.result().await, text("next"));
    served.put(Value::None).await;
    let ran = worker.end();
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("an instance of datetime.date is no text"), "{}", ran.stderr);
}

#[tokio::test]
async fn the_first_signal_lets_the_command_end_and_its_result_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&[]).await;
    make_gate(&folder);
    let script = "echo > began; cat gate; echo {}";
    let mut worker = served.worker(&["-j1", script]).in_folder(&folder).start();
    served.put(text("one")).await;
    served.put(text("two")).await;
    wait_until("the command runs", || folder.path().join("began").exists());
    worker.signal(Signal::TERM);
    assert!(worker.error_line().contains("waiting for running commands"));
    std::fs::write(folder.path().join("gate"), "").unwrap();
    assert_eq!(worker.end().code, 0);
    assert_eq!(served.result().await, text("one"));
    assert_eq!(served.tasks.qsize().await.unwrap(), 1);
}

#[test]
fn a_signal_ends_the_wait_for_a_manager_that_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let worker = piecework(["worker", &address, "true"]).env("PIECEWORK_AUTHKEY", KEY).start();
    let _connection = silent.accept().unwrap(); // by now the worker listens for signals
    worker.signal(Signal::TERM);
    let pid = worker.pid().as_raw_nonzero().get();
    wait_until("the worker has ended", || is_gone(pid));
    assert_eq!(worker.end().code, 0);
}

#[tokio::test]
async fn the_second_signal_gives_the_task_back_and_counts_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&["task:attempts=1", "result"]).await;
    let script = "echo $$ > pid.new; mv pid.new pid; sleep 1000; : {}";
    let mut worker = served.worker(&["-j1", script]).in_folder(&folder).start();
    served.put(text("one")).await;
    wait_until("the command runs", || folder.path().join("pid").exists());
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap().trim().parse().unwrap();
    worker.signal(Signal::INT);
    worker.error_line();
    worker.signal(Signal::INT);
    assert_eq!(worker.end().code, 130);
    assert!(is_gone(pid));
    let again = served.tasks.lease(1, PATIENCE).await.unwrap();
    assert_eq!((again[0].attempt, again[0].payload.value().unwrap()), (1, text("one")));
}

#[tokio::test]
async fn a_killed_worker_leaves_no_command_behind_and_loses_no_task() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&[]).await;
    let script = "echo $$ > pid.new; mv pid.new pid; sleep 1000; : {}";
    let worker = served.worker(&["-j1", script]).in_folder(&folder).start();
    served.put(text("one")).await;
    wait_until("the command runs", || folder.path().join("pid").exists());
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap().trim().parse().unwrap();
    worker.signal(Signal::KILL);
    worker.end();
    wait_until("the command is gone", || is_gone(pid));
    let again = served.tasks.lease(1, PATIENCE).await.unwrap();
    assert_eq!(again[0].payload.value().unwrap(), text("one"));
}

#[tokio::test]
async fn who_cannot_work_says_why() {
    let served = Served::start(&[]).await;
    let ran = served.worker(&["true"]).env("PIECEWORK_AUTHKEY", "another key").run();
    assert!(ran.code == 77 && ran.stderr.contains("authkey"), "{ran:?}");
    let ran = served.worker(&["no-such-program"]).run();
    assert!(ran.code == 127 && ran.stderr.contains("no-such-program"), "{ran:?}");
    let ran = served.worker(&["--queue", "nothing", "true"]).run();
    assert!(ran.code == 1 && ran.stderr.contains("nothing"), "{ran:?}");
    assert_eq!(served.worker(&[]).run().code, 2);
    let nowhere = piecework(["worker", "127.0.0.1:1", "true"]).env("PIECEWORK_AUTHKEY", KEY).run();
    assert!(nowhere.code == 69 && nowhere.stderr.contains("127.0.0.1:1"), "{nowhere:?}");
}

/// A stock manager: two tasks, and it ends once the second has failed twice.
const STOCK: &str = "
import queue, sys
from multiprocessing.managers import BaseManager
class Tasks(queue.Queue):
    def put(self, item, *args, **kwargs):
        super().put(item, *args, **kwargs)
        print('back', item, flush=True)
tasks, results = Tasks(), queue.Queue()
class Manager(BaseManager): pass
Manager.register('get_task_queue', callable=lambda: tasks)
Manager.register('get_result_queue', callable=lambda: results)
server = Manager(address=('127.0.0.1', 0), authkey=sys.argv[1].encode()).get_server()
for item in ('bad', 7): queue.Queue.put(tasks, item)
print(server.address[1], flush=True)
server.serve_forever()
";

#[tokio::test]
async fn a_stock_manager_gets_failed_tasks_back_at_the_end_of_its_queue() {
    let mut stock = Started::spawn(std::process::Command::new("python3").args(["-c", STOCK, KEY]));
    let address = format!("127.0.0.1:{}", stock.line());
    let command = ["worker", &address, "-j1", "test {} != bad && echo {}0"];
    let worker = piecework(command).env("PIECEWORK_AUTHKEY", KEY).start();
    // The good task is done between the two failures of the bad one.
    assert_eq!((stock.line(), stock.line()), ("back bad".to_owned(), "back bad".to_owned()));
    let manager = Manager::connect(&address, Key::new(KEY)).await.unwrap();
    let results = manager.raw_queue("result").await.unwrap();
    assert_eq!(results.get(PATIENCE).await.unwrap().unwrap().value().unwrap(), text("70"));
    drop(stock);
    let ran = worker.end();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("task 1 (bad): ended with exit code 1; put back"),
        "{}",
        ran.stderr
    );
}
