//! Pools and processes: what becomes of tasks whose child lives, panics and dies. The children are
//! this program, so `main` is its own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on should say where, and tasks say what is passed on"
)]
use std::time::Duration;

use futures_util::StreamExt;
use libtest_mimic::{Arguments, Failed, Trial};
use piecework::command::{self, Command, Group};
use piecework::tasks::TaskError;
use piecework::{Pool, Process};
use rustix::process::{Pid, Signal, getppid, kill_process};

#[piecework::task]
fn square(n: u64) -> u64 {
    n * n
}

#[piecework::task]
fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[piecework::task]
async fn wait(ms: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(ms)).await; // rhythm: what the task is
    ms
}

#[piecework::task]
fn pid(_n: u32) -> u32 {
    std::process::id()
}

#[piecework::task]
fn divide(a: u32, b: u32) -> Result<u32, String> {
    a.checked_div(b).ok_or_else(|| format!("{a} by {b}"))
}

#[piecework::task]
fn die_of(n: u32) -> u32 {
    match n {
        3 => {
            eprintln!("this is the end");
            kill_process(rustix::process::getpid(), Signal::KILL).unwrap();
            unreachable!()
        }
        4 => panic!("four is too much"),
        5 => std::process::exit(7),
        n => n,
    }
}

#[piecework::task]
fn begin(answer: u32) {
    std::env::set_current_dir("/").unwrap();
    assert_eq!(answer, 42);
}

#[piecework::task]
fn folder(_n: u32) -> String {
    std::env::current_dir().unwrap().display().to_string()
}

async fn maps() {
    let pool = Pool::local(2);
    let squares: Vec<u64> = (0..1_000).map(|n| n * n).collect();
    assert_eq!(pool.map(square, 0..1_000).await.unwrap(), squares);
    assert_eq!(
        pool.imap(square, 0..5).map(Result::unwrap).collect::<Vec<_>>().await,
        [0, 1, 4, 9, 16]
    );
    let mut unordered: Vec<_> =
        pool.imap_unordered(square, 0..5).map(Result::unwrap).collect().await;
    unordered.sort_unstable();
    assert_eq!(unordered, [0, 1, 4, 9, 16]);
    assert_eq!(pool.starmap(add, [(1, 2), (3, 4)]).await.unwrap(), [3, 7]);
    assert_eq!(pool.apply(divide, (7, 2)).await.unwrap(), Ok(3));
    assert_eq!(pool.apply(divide, (7, 0)).await.unwrap(), Err("7 by 0".to_owned()));
    assert_eq!(pool.map(wait, [2, 1]).await.unwrap(), [2, 1]);
    assert_eq!(pool.map(square, []).await.unwrap(), []);
    let mut result = pool.apply_async(square, (3,));
    result.wait().await;
    assert_eq!((result.ready(), result.successful()), (true, Some(true)));
    assert_eq!(result.get().await.unwrap(), 9);
    pool.close();
    let error = pool.apply(square, (1,)).await.unwrap_err();
    assert!(matches!(error, TaskError::Over("closed")), "{error}");
    pool.join().await;
}

async fn failures_are_told() {
    let pool = Pool::options().processes(2).attempts(2).start();
    let results: Vec<_> = pool.imap(die_of, 0..7).collect().await;
    for (n, result) in results.iter().enumerate() {
        match (n, result) {
            (3, Err(TaskError::Died { stderr, .. })) => {
                assert!(stderr.ends_with("this is the end\n"), "{stderr:?}");
                let shown = result.as_ref().unwrap_err().to_string();
                assert!(
                    shown.starts_with("the process that ran the task died: signal 9"),
                    "{shown}"
                );
            }
            (4, Err(TaskError::Panicked(panic))) => {
                assert_eq!(panic.message, "four is too much");
                assert!(panic.place.contains("children.rs:"), "{}", panic.place);
            }
            (5, Err(error @ TaskError::Died { .. })) => {
                assert!(error.to_string().contains("exit code 7"), "{error}");
            }
            (n, Ok(same)) => assert_eq!(n as u32, *same),
            (n, other) => panic!("{n}: {other:?}"),
        }
    }
    let error = pool.map(die_of, [1, 4, 5]).await.unwrap_err();
    assert!(matches!(error, TaskError::Panicked(_)), "{error}");
    fn unmarked(n: u32) -> u32 {
        n
    }
    let error = pool.apply(unmarked, (1,)).await.unwrap_err().to_string();
    assert!(error.contains("mark the function with #[piecework::task]"), "{error}");
}

/// Children are killed again and again, while they work or wait for work; no result is lost, and
/// when all is over no child is left.
async fn killed_children_lose_nothing() {
    const TASKS: u32 = 10_000;
    let pool = Pool::options().processes(4).attempts(u32::MAX).start();
    let mut pids = std::collections::BTreeSet::new();
    while pids.len() < 40 {
        let mut results = pool.imap(pid, 0..TASKS);
        let mut count = 0;
        while let Some(result) = results.next().await {
            let pid = result.unwrap();
            pids.insert(pid);
            count += 1;
            if count % 1_000 == 1 {
                let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
                // It may have ended by itself.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        assert_eq!(count, TASKS);
    }
    pool.close();
    pool.join().await;
    for pid in pids {
        let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
        assert!(rustix::process::test_kill_process(pid).is_err(), "{pid:?} lives");
    }
}

async fn children_are_made_and_replaced() {
    let pool =
        Pool::options().processes(1).tasks_per_child_max(2).initializer(begin, &(42,)).start();
    let pids = pool.map(pid, 0..6).await.unwrap();
    assert_eq!((pids[0], pids[2], pids[4]), (pids[1], pids[3], pids[5]));
    assert!(pids[0] != pids[2] && pids[2] != pids[4], "{pids:?}");
    assert_eq!(pool.apply(folder, (0,)).await.unwrap(), "/");
    let pool = Pool::options().processes(1).initializer(begin, &(1,)).start();
    let error = pool.apply(square, (1,)).await.unwrap_err();
    assert!(matches!(error, TaskError::NotBegun(_)), "{error}");
}

async fn termination_ends_what_runs() {
    let pool = Pool::local(2);
    let result = pool.apply_async(wait, (3_600_000,));
    let queued: Vec<_> = (0..4).map(|_| pool.apply_async(wait, (3_600_000,))).collect();
    pool.terminate().await;
    assert!(result.get().await.is_err());
    for result in queued {
        assert!(result.get().await.is_err());
    }
}

async fn processes_end_in_their_ways() {
    let mut process = Process::spawn(add, (40, 2)).unwrap().named("adder");
    assert_eq!((process.name(), process.exit_code()), ("adder", None));
    assert_eq!(process.join().await.unwrap(), 42);
    assert_eq!((process.exit_code(), process.is_alive()), (Some(0), false));

    let mut process = Process::spawn(die_of, (4,)).unwrap();
    assert!(matches!(process.join().await, Err(TaskError::Panicked(_))));
    assert_eq!(process.exit_code(), Some(1));

    let mut process = Process::spawn(wait, (3_600_000,)).unwrap();
    assert!(process.is_alive());
    assert_eq!(process.join_timeout(Duration::from_millis(1)).await.unwrap(), None);
    process.terminate();
    assert!(matches!(process.join().await, Err(TaskError::Died { .. })));
    assert_eq!(process.exit_code(), Some(-15));

    let process = Process::spawn(wait, (3_600_000,)).unwrap();
    let pid = Pid::from_raw(process.pid().try_into().unwrap()).unwrap();
    drop(process);
    while rustix::process::test_kill_process(pid).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(getppid().is_some());
}

async fn commands_are_run_and_end_with_the_pool() {
    let pool = Pool::local(2);
    let commands = ["a", "b"].map(|word| Command::new("cat").input(word));
    let outputs = pool.map(command::run, commands).await.unwrap();
    let outputs: Vec<_> = outputs.into_iter().map(|output| output.unwrap().stdout).collect();
    assert_eq!(outputs, [b"a", b"b"]);
    let error = pool.apply(command::run, (Command::new("no-such-program"),)).await.unwrap();
    assert!(error.unwrap_err().contains("hint"));
    // With the pool, and with a process, what they run ends and what that has started.
    let folder = tempfile::tempdir().unwrap();
    let command = |name: &str| {
        let script = format!("sleep 1000 & echo $$ > {name}.tmp; mv {name}.tmp {name}; wait");
        Command::new("sh").arg("-c").arg(script).current_dir(folder.path())
    };
    let running = pool.apply_async(command::run, (command("one"),));
    let process = Process::spawn(command::run, (command("two"),)).unwrap();
    let mut groups = Vec::new();
    for name in ["one", "two"] {
        let file = folder.path().join(name);
        while !file.exists() {
            tokio::task::yield_now().await;
        }
        let id = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        groups.push(Group::from_id(id).unwrap());
    }
    assert!(groups.iter().all(|group| group.is_alive()));
    pool.terminate().await;
    assert!(running.get().await.is_err());
    drop(process);
    while groups.iter().any(|group| group.is_alive()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    piecework::init(); // in a runtime, as in most programs
    tokio::task::spawn_blocking(trials).await.unwrap();
}

fn trials() {
    macro_rules! trials {
        ($($name:ident),*) => { vec![$(Trial::test(stringify!($name), || run($name()))),*] };
    }
    let trials = trials!(
        maps,
        failures_are_told,
        killed_children_lose_nothing,
        children_are_made_and_replaced,
        termination_ends_what_runs,
        processes_end_in_their_ways,
        commands_are_run_and_end_with_the_pool
    );
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test);
    Ok(())
}
