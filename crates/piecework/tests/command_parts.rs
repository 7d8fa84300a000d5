//! Commands whose output is passed on while they run: how it is cut, how much is held, who waits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use piecework::command::{Command, End, Output, Part, Parts};

/// What a pipe holds on every system that we know.
const PIPE_BYTES: usize = 64 << 10;

fn shell(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

/// Runs a command to its end and collects the parts.
async fn parts(command: Command, parts: Parts) -> (Vec<Part>, Output) {
    let mut passed = Vec::new();
    let mut running = command.spawn().unwrap();
    while let Some(part) = running.part(parts).await.unwrap() {
        passed.push(part);
    }
    (passed, running.finish().await.unwrap())
}

#[tokio::test]
async fn a_line_is_passed_on_while_the_command_runs() {
    let mut running = shell("echo one; echo two >&2; sleep 1000").spawn().unwrap();
    let parts = Parts { lines: true, bytes_max: 100 };
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(running.part(parts).await.unwrap().unwrap());
    }
    assert!(seen.contains(&Part::Stdout(b"one\n".into())), "{seen:?}");
    assert!(seen.contains(&Part::Stderr(b"two\n".into())), "{seen:?}");
    running.group().kill();
    assert_eq!(running.part(parts).await.unwrap(), None);
    let output = running.finish().await.unwrap();
    assert_eq!((output.end, output.stdout), (End::Signal(9), vec![]));
}

#[tokio::test]
async fn the_rest_is_collected_when_no_more_parts_are_asked_for() {
    let mut running =
        shell("echo one; read x; seq 100000; seq 100000 >&2").input("go\n").spawn().unwrap();
    let parts = Parts { lines: true, bytes_max: 100 };
    let first = running.part(parts).await.unwrap();
    assert_eq!(first, Some(Part::Stdout(b"one\n".into())));
    let output = running.finish().await.unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (588_895, 588_895));
}

#[tokio::test]
async fn lines_are_whole_unless_they_are_too_long() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; \
                  head -c 300000 /dev/zero; printf '\\nlast'";
    let (passed, output) = parts(shell(script), Parts { lines: true, bytes_max: 100_000 }).await;
    let mut all: Vec<u8> = Vec::new();
    for part in &passed {
        let Part::Stdout(bytes) = part else { panic!("{part:?}") };
        assert!(bytes.ends_with(b"\n") || bytes.len() > 100_000);
        all.extend(bytes);
    }
    all.extend(&output.stdout);
    let mut expected: Vec<u8> =
        (0..3000).flat_map(|i| format!("line {i}\n").into_bytes()).collect();
    expected.extend([0; 300_000]);
    expected.extend(b"\nlast");
    assert!(all == expected, "{} of {} bytes", all.len(), expected.len());
}

#[tokio::test]
async fn little_output_comes_at_the_end_and_in_no_parts() {
    let command = shell("echo out; echo err >&2");
    let (passed, output) = parts(command, Parts { lines: false, bytes_max: 100 }).await;
    assert_eq!((passed, output.stdout, output.stderr), (vec![], b"out\n".into(), b"err\n".into()));
}

#[tokio::test]
async fn no_more_is_held_than_told() {
    let bytes_max = 100_000;
    let (mut total, mut longest) = (0, 0);
    let command = shell("head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2");
    let mut running = command.spawn().unwrap();
    while let Some(part) = running.part(Parts { lines: false, bytes_max }).await.unwrap() {
        let (Part::Stdout(bytes) | Part::Stderr(bytes)) = part;
        total += bytes.len();
        longest = longest.max(bytes.capacity());
    }
    let output = running.finish().await.unwrap();
    assert_eq!(total + output.stdout.len() + output.stderr.len(), 100_000_000);
    assert!(longest <= 2 * (bytes_max + PIPE_BYTES), "{longest}");
    assert!(output.stdout.len().max(output.stderr.len()) <= bytes_max + PIPE_BYTES);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_waits_while_no_part_is_asked_for() {
    let mut running = Command::new("head").arg("-c10000000").arg("/dev/zero").spawn().unwrap();
    let process = format!("/proc/{}", running.group().id());
    assert!(running.part(Parts { lines: false, bytes_max: 10_000 }).await.unwrap().is_some());
    // It sleeps only when the pipe is full, and then it has written no more than fits.
    while !std::fs::read_to_string(format!("{process}/stat")).unwrap().contains(") S ") {
        tokio::task::yield_now().await;
    }
    let io = std::fs::read_to_string(format!("{process}/io")).unwrap();
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
    assert!(written.parse::<usize>().unwrap() < 1_000_000, "{written}");
}

#[tokio::test]
async fn what_a_dropped_wait_has_read_is_not_lost() {
    let input: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut running = Command::new("cat").input(input.clone()).spawn().unwrap();
    let parts = Parts { lines: false, bytes_max: 1000 };
    let mut all = Vec::new();
    loop {
        tokio::select! {
            biased;
            part = running.part(parts) => match part.unwrap() {
                Some(Part::Stdout(bytes)) => all.extend(bytes),
                Some(part) => panic!("{part:?}"),
                None => break,
            },
            () = tokio::task::yield_now() => {}
        }
    }
    all.extend(running.finish().await.unwrap().stdout);
    assert!(all == input, "{} of {} bytes", all.len(), input.len());
}
