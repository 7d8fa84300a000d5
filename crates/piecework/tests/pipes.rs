//! Pipes between a program and its child processes. The children are this program, so `main` is its
//! own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};
use piecework::{PipeEnd, PipeError, Pool, Process, pipe};

#[piecework::task]
async fn echo(mut end: PipeEnd<String, String>, times: u32) -> String {
    for _ in 0..times {
        let item = end.recv().await.unwrap();
        end.send(&item).await.unwrap();
    }
    // A process that is to be over waits for no more.
    end.recv().await.unwrap_err().to_string()
}

#[piecework::task]
async fn close_and_wait(end: PipeEnd<u8, u8>, mut go: PipeEnd<(), ()>) {
    drop(end);
    go.recv().await.unwrap();
}

#[piecework::task]
async fn pass(mut from: PipeEnd<(), u64>, mut to: PipeEnd<u64, ()>) {
    while let Ok(number) = from.recv().await {
        to.send(&(number + 1)).await.unwrap();
    }
}

async fn pipes_lead_to_children() {
    let (mut ours, theirs) = pipe::<String, String>().unwrap();
    let mut process = Process::spawn(echo, (theirs, 3)).unwrap();
    for item in ["a".to_owned(), String::new(), "long".repeat(1 << 20)] {
        // What was begun is sent, though nobody waits for that.
        drop(ours.send(&item).now_or_never());
        assert_eq!(ours.recv().await.unwrap(), item);
    }
    drop(ours);
    assert_eq!(process.join().await.unwrap(), "the other end of the pipe is closed");

    // An end is the child's alone, so its closing is seen while the child lives, and its death too.
    let (mut closed, end) = pipe::<u8, u8>().unwrap();
    let (mut go, going) = pipe().unwrap();
    let mut process = Process::spawn(close_and_wait, (end, going)).unwrap();
    assert!(matches!(closed.recv().await, Err(PipeError::Closed)));
    assert!(process.is_alive());
    go.send(&()).await.unwrap();
    process.join().await.unwrap();
    assert!(matches!(go.recv().await, Err(PipeError::Closed)));
    assert!(matches!(go.send(&()).await, Err(PipeError::Closed)));

    // From one child to another; those between do not keep it open.
    let (mut first, from) = pipe::<u64, ()>().unwrap();
    let (to, between) = pipe::<u64, ()>().unwrap();
    let (last, mut end) = pipe::<u64, ()>().unwrap();
    let mut one = Process::spawn(pass, (from, to)).unwrap();
    let mut two = Process::spawn(pass, (between, last)).unwrap();
    for number in 0..100 {
        first.send(&number).await.unwrap();
        assert_eq!(end.recv().await.unwrap(), number + 2);
    }
    drop(first);
    one.join().await.unwrap();
    two.join().await.unwrap();
    assert!(matches!(end.recv().await, Err(PipeError::Closed)));
}

async fn pipes_lead_nowhere_else() {
    let (end, _other) = pipe::<String, String>().unwrap();
    let error = Pool::local(1).apply(echo, (end, 1)).await.unwrap_err().to_string();
    assert!(error.contains("hint: give it to a `Process`"), "{error}");
    let (mut ours, mut theirs) = pipe::<u64, u64>().unwrap();
    ours.send(&1).await.unwrap();
    ours.send(&2).await.unwrap();
    assert_eq!(theirs.recv().await.unwrap(), 1);
    let error = Process::spawn(pass_on, (theirs,)).unwrap_err().to_string();
    assert!(error.contains("holds part of an item"), "{error}");
    // What is given up takes nothing along.
    let (mut ours, mut theirs) = pipe::<u64, u64>().unwrap();
    assert!(theirs.recv().now_or_never().is_none());
    ours.send(&3).await.unwrap();
    assert_eq!(theirs.recv().await.unwrap(), 3);
    drop(ours);
    assert!(matches!(theirs.send(&4).await, Err(PipeError::Closed)));
}

#[piecework::task]
async fn pass_on(mut end: PipeEnd<u64, u64>) -> u64 {
    end.recv().await.unwrap()
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
    let trials = trials!(pipes_lead_to_children, pipes_lead_nowhere_else);
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test);
    Ok(())
}
