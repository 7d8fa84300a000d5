//! Workers of child processes, and workers that are programs of their own: what becomes of tasks
//! when these are killed. The children and the workers are this program, so `main` is its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on should say where, and tasks say what is passed on"
)]
use std::future::pending;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::StreamExt;
use libtest_mimic::{Arguments, Failed, Trial};
use piecework::server::Config;
use piecework::tasks::TaskError;
use piecework::{Concurrency, Key, Manager, Pool, Worker, WorkerError};
use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process, kill_process_group};
use tokio::task::JoinHandle;

/// Where a worker finds its manager that is a program of its own.
const WORKER: &str = "PIECEWORK_TEST_WORKER";

static BEGUN_WITH: OnceLock<u32> = OnceLock::new();

#[piecework::task]
fn pid(_n: u32) -> u32 {
    std::process::id()
}

#[piecework::task]
fn group(_n: u32) -> i32 {
    getpgrp().as_raw_nonzero().get()
}

/// Dies as long as there is a file to be eaten.
#[piecework::task]
fn eat_or_die(file: PathBuf) -> u32 {
    if std::fs::remove_file(&file).is_ok() {
        eprintln!("{} was poison", file.display());
        kill_process(getpid(), Signal::KILL).unwrap();
    }
    7
}

#[piecework::task]
fn die(_n: u32) -> u32 {
    eprintln!("this is the end");
    kill_process(getpid(), Signal::KILL).unwrap();
    unreachable!()
}

#[piecework::task]
fn fail(n: u32) -> u32 {
    panic!("{n} is too much")
}

#[piecework::task]
async fn hang(_n: u32) -> u32 {
    pending().await
}

/// Says that it has begun by a file, and goes on when that is gone.
#[piecework::task]
async fn wait_for(file: PathBuf) -> u32 {
    std::fs::write(&file, "").unwrap();
    while file.exists() {
        tokio::task::yield_now().await;
    }
    8
}

#[piecework::task]
fn begin(n: u32) {
    assert_eq!(n, 42, "it begins with 42");
    BEGUN_WITH.set(n).unwrap();
}

#[piecework::task]
fn begun_with(_n: u32) -> Option<u32> {
    BEGUN_WITH.get().copied()
}

#[piecework::task]
fn square(n: u64) -> u64 {
    n * n
}

type Running = JoinHandle<Result<(), WorkerError>>;

fn start(worker: Worker) -> Running {
    tokio::spawn(worker.concurrency(Concurrency::Processes(2)).run_until(pending::<()>()))
}

async fn pool(manager: &Manager, attempts: u32) -> Pool {
    Pool::options().attempts(attempts).over(manager, "task").await.unwrap()
}

async fn a_child_that_dies_fails_its_own_task_after_its_attempts() {
    let manager = Manager::local().await.unwrap();
    let worker = start(manager.worker("task"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let pool = pool(&manager, 2).await;
    assert_eq!(pool.apply(eat_or_die, (file,)).await.unwrap(), 7);
    let (dead, pids) = (pool.apply_async(die, (1,)), pool.map(pid, 0..50).await.unwrap());
    assert!(pids.iter().all(|pid| *pid != std::process::id()));
    let error = dead.get().await.unwrap_err();
    let TaskError::Elsewhere(failure) = &error else { panic!("{error:?}") };
    let said = "the process that ran the task died: signal 9; it said: this is the end";
    assert_eq!(failure.message, said);
    let error = pool.apply(fail, (9,)).await.unwrap_err();
    let TaskError::Elsewhere(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.message, "9 is too much");
    assert!(failure.place.contains("worker_children.rs:"), "{}", failure.place);
    worker.abort();
}

async fn a_child_that_takes_too_long_is_killed() {
    let manager = Manager::local().await.unwrap();
    let worker = start(manager.worker("task").timeout(Duration::from_millis(100)));
    let pool = pool(&manager, 2).await;
    let error = pool.apply(hang, (1,)).await.unwrap_err().to_string();
    assert!(error.contains("the task took longer than 0.1 s, and was given up"), "{error}");
    assert_eq!(pool.map(square, 0..3).await.unwrap(), [0, 1, 4]);
    worker.abort();
}

async fn children_are_begun_and_are_deaf_to_ctrl_c() {
    let manager = Manager::local().await.unwrap();
    let worker = start(manager.worker("task").initializer(begin, &(42,)));
    let pool = pool(&manager, 2).await;
    assert_eq!(pool.map(begun_with, 0..4).await.unwrap(), [Some(42); 4]);
    let ours = getpgrp().as_raw_nonzero().get();
    assert!(pool.map(group, 0..4).await.unwrap().iter().all(|group| *group != ours));
    worker.abort();
    let failed = start(manager.worker("task").initializer(begin, &(1,))).await.unwrap();
    let error = failed.unwrap_err().to_string();
    assert!(error.contains("it begins with 42"), "{error}");
}

/// A worker that is a program of its own.
struct Program(Child);

impl Program {
    fn start(manager: &Manager) -> Self {
        let mut program = Command::new(std::env::current_exe().unwrap());
        // In a group of its own, as a shell has it.
        Self(program.env(WORKER, manager.address()).process_group(0).spawn().unwrap())
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().try_into().unwrap()).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn served() -> Manager {
    let mut config = Config::new(Key::new("abc"));
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    Manager::serve(config).await.unwrap()
}

async fn work(address: String) {
    let manager = Manager::connect(address, Key::new("abc")).await.unwrap();
    manager.worker("task").concurrency(Concurrency::Processes(2)).run().await.unwrap();
}

async fn all_results_come_in_order_though_a_worker_is_killed() {
    const TASKS: u64 = 1_000;
    let manager = served().await;
    let (first, mut second) = (Program::start(&manager), Program::start(&manager));
    let pool = Pool::connect(manager.address(), Key::new("abc")).await.unwrap();
    let mut results = pool.imap(square, 0..TASKS);
    for n in 0..TASKS {
        if n == 300 {
            kill_process(second.pid(), Signal::KILL).unwrap();
            second.0.wait().unwrap();
            second = Program::start(&manager);
        }
        assert_eq!(results.next().await.unwrap().unwrap(), n * n);
    }
    assert!(results.next().await.is_none());
    drop((first, second));
}

async fn a_ctrl_c_finishes_what_is_at_work() {
    let manager = served().await;
    let mut program = Program::start(&manager);
    let pool = pool(&manager, 1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let result = pool.apply_async(wait_for, (file.clone(),));
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    // As a terminal does it.
    kill_process_group(program.pid(), Signal::INT).unwrap();
    let left = pool.apply_async(square, (3,));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(result.get().await.unwrap(), 8);
    assert!(program.0.wait().unwrap().success());
    let _another = Program::start(&manager);
    assert_eq!(left.get().await.unwrap(), 9);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    piecework::init(); // in a runtime, as in most programs
    match std::env::var(WORKER) {
        Ok(address) => work(address).await,
        Err(_) => tokio::task::spawn_blocking(trials).await.unwrap(),
    }
}

fn trials() {
    macro_rules! trials {
        ($($name:ident),*) => { vec![$(Trial::test(stringify!($name), || run($name()))),*] };
    }
    let trials = trials!(
        a_child_that_dies_fails_its_own_task_after_its_attempts,
        a_child_that_takes_too_long_is_killed,
        children_are_begun_and_are_deaf_to_ctrl_c,
        all_results_come_in_order_though_a_worker_is_killed,
        a_ctrl_c_finishes_what_is_at_work
    );
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test);
    Ok(())
}
