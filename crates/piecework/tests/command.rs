//! Commands as processes: what they get, what they leave behind, how they are stopped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::time::Duration;

use piecework::command::{Command, CommandError, End, Group, Output, Parts};
use rustix::process::{Pid, WaitId, WaitIdOptions, test_kill_process_group, waitid};

fn shell(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

async fn finish(command: Command) -> Output {
    command.spawn().unwrap().finish().await.unwrap()
}

async fn until_gone(group: Group) {
    let id = Pid::from_raw(group.id()).unwrap();
    while test_kill_process_group(id).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn outputs_and_ends_are_told() {
    let output = finish(shell("echo out; echo err >&2; exit 7")).await;
    assert_eq!(
        (output.end, output.stdout, output.stderr),
        (End::Code(7), b"out\n".into(), b"err\n".into())
    );
    assert!(!output.end.is_success());
    let killed = finish(shell("kill -KILL $$")).await;
    assert_eq!((killed.end, killed.end.to_string()), (End::Signal(9), "signal SIGKILL".to_owned()));
}

#[tokio::test]
async fn a_command_without_input_finds_none() {
    assert_eq!(finish(Command::new("cat")).await.stdout, b"");
}

#[tokio::test]
async fn input_and_output_of_any_size_pass_at_the_same_time() {
    // Larger than all pipes on the way, so that neither side can be served before the other.
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let output = finish(Command::new("cat").input(bytes.clone())).await;
    assert!(output.stdout == bytes, "{} of {} bytes", output.stdout.len(), bytes.len());
}

#[tokio::test]
async fn a_command_need_not_read_its_input() {
    assert_eq!(finish(Command::new("true").input(vec![0; 1 << 20])).await.end, End::Code(0));
}

#[tokio::test]
async fn the_environment_is_ours_and_what_is_set() {
    let output = finish(shell("echo $A; [ -n \"$PATH\" ]").env("A", "set")).await;
    assert_eq!((output.end, output.stdout), (End::Code(0), b"set\n".into()));
}

#[tokio::test]
async fn a_variable_is_taken_out_of_the_environment() {
    let command = shell("echo ${HOME-none}${A-none}").env("A", "set").env_remove("A");
    assert_eq!(finish(command.env_remove("HOME")).await.stdout, b"nonenone\n");
}

#[tokio::test]
async fn a_command_works_in_its_directory() {
    assert_eq!(finish(Command::new("pwd").current_dir("/")).await.stdout, b"/\n");
    let error = Command::new("pwd").current_dir("/no/such").spawn().unwrap_err().to_string();
    assert!(error.contains("working directory"), "{error}");
}

#[tokio::test]
async fn another_program_starts_the_command() {
    let script = "echo $1 $A; pwd; exec \"$2\" \"$3\"";
    let command = Command::new("echo").arg("a b").env("A", "set").current_dir("/");
    let command = command.via(["sh", "-c", script, "sh", "first"]);
    assert_eq!(finish(command).await.stdout, b"first set\n/\na b\n");
}

#[tokio::test]
async fn a_program_is_found_where_the_command_says_and_where_it_is_now() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, says: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, format!("#!/bin/sh\necho {says} ${{0##*/}}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&file, mode).unwrap();
        file
    };
    // A name that only the command's own PATH leads to, and one that it leads elsewhere.
    make("of-its-own", "own");
    make("true", "not that");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let own = Command::new("of-its-own").env("PATH", &path);
    assert_eq!(finish(own).await.stdout, b"own of-its-own\n");
    assert_eq!(finish(Command::new("true")).await.stdout, b"");
    let elsewhere = Command::new("true").env("PATH", &path);
    assert_eq!(finish(elsewhere).await.stdout, b"not that true\n");
    // To itself it has the name that it was called by.
    let script = Command::new("sh").arg("-c").arg("tr '\\0' '\\n' < /proc/$$/cmdline | head -1");
    assert_eq!(finish(script).await.stdout, b"sh\n");
}

#[tokio::test]
async fn what_a_command_used_is_told_apart_from_what_others_used() {
    let busy = finish(shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")).await.usage;
    let idle = finish(Command::new("true")).await.usage;
    assert!(busy.user + busy.system > idle.user + idle.system, "{busy:?} {idle:?}");
    // dd holds its block in memory at once: far more than this process, which counts too.
    let large = finish(shell("dd if=/dev/zero of=/dev/null bs=128M count=1")).await;
    assert!(large.usage.max_rss_bytes > 128 << 20, "{:?}", large.usage);
}

#[tokio::test]
async fn only_the_end_of_standard_error_is_kept() {
    let script = "i=0; while [ $i -lt 5000 ]; do echo line $i >&2; i=$((i+1)); done";
    let output = finish(shell(script).stderr_bytes_max(20)).await;
    assert_eq!(output.stderr, b"line 4998\nline 4999\n");
}

#[tokio::test]
async fn what_was_written_before_the_end_is_complete_though_the_pipe_stays_open() {
    // The process in the background holds both pipes. The command has ended before anything is
    // read, and whether its end or its output is seen first is chance: hence the rounds.
    let script = "sleep 1000 & echo $!; head -c 60000 /dev/zero; head -c 60000 /dev/zero >&2";
    for _ in 0..10 {
        let running = shell(script).spawn().unwrap();
        let leader = WaitId::Pid(Pid::from_raw(running.group().id()).unwrap());
        waitid(leader, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        let group = running.group();
        let output = running.finish().await.unwrap();
        group.kill();
        assert_eq!(output.stdout.iter().filter(|byte| **byte == 0).count(), 60_000);
        assert_eq!(output.stderr.len(), 60_000);
    }
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let error = Command::new("no-such-program").spawn().unwrap_err();
    assert!(matches!(error, CommandError::Spawn { .. }));
    let text = error.to_string();
    assert!(text.contains("no-such-program") && text.contains("hint"), "{text}");
}

#[tokio::test]
async fn the_whole_group_is_stopped() {
    let running = shell("sleep 1000 & sleep 1000").spawn().unwrap();
    let group = running.group();
    assert!(group.is_alive());
    group.terminate();
    assert_eq!(running.finish().await.unwrap().end, End::Signal(15));
    until_gone(group).await;
    assert!(!group.is_alive());
}

#[tokio::test]
async fn a_command_that_is_let_go_of_is_killed() {
    let running = shell("trap '' TERM; sleep 1000 & sleep 1000").spawn().unwrap();
    let group = running.group();
    drop(running);
    until_gone(group).await;
}

#[tokio::test]
async fn a_command_whose_time_is_up_is_stopped_with_all_that_it_started() {
    // The first process ends when it is asked to, the other one must be killed.
    let script = "(trap '' TERM; echo begun; sleep 1000) & echo err >&2; wait";
    let command = shell(script).timeout(Duration::from_millis(100));
    let running = command.spawn().unwrap();
    let group = running.group();
    let output = running.finish().await.unwrap();
    assert!(output.timed_out);
    assert_eq!((output.end, output.stdout), (End::Signal(15), b"begun\n".into()));
    until_gone(group).await;
    // Who does not listen at all is killed.
    let deaf = shell("trap '' TERM; echo deaf; while :; do sleep 1000; done");
    let mut running = deaf.timeout(Duration::ZERO).spawn().unwrap();
    assert!(running.part(Parts { lines: true, bytes_max: 100 }).await.unwrap().is_some());
    assert_eq!(running.finish().await.unwrap().end, End::Signal(9));
    let output = shell("echo done").timeout(Duration::from_secs(3600)).run().await.unwrap();
    assert!(!output.timed_out);
}

#[test]
fn a_command_and_its_output_are_plain_data() {
    let command = shell("echo $A $B; cat")
        .env("A", "set")
        .env_remove("B")
        .current_dir("/")
        .via(["nice", "-n", "1"])
        .input(vec![0, 255])
        .stderr_bytes_max(7)
        .timeout(Duration::from_secs(9));
    let said = serde_json::to_string(&command).unwrap();
    let read: Command = serde_json::from_str(&said).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), said);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(read.env("B", "too").run()).unwrap();
    assert_eq!(output.stdout, b"set too\n\0\xff");
    let said = serde_json::to_string(&output).unwrap();
    assert_eq!(serde_json::from_str::<Output>(&said).unwrap(), output);
}

#[test]
fn a_group_is_never_everybody() {
    assert!([-1, 0, 1].into_iter().all(|id| Group::from_id(id).is_none()));
    assert_eq!(Group::from_id(4242).unwrap().id(), 4242);
}
