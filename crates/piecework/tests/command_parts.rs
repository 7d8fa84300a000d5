//! Commands whose output is passed on while they run: how it is cut, how much is held, who waits.
#![allow(clippy::unwrap_used)]

use piecework::command::{Command, Output, Part, Parts};

/// What a pipe holds on every system that we know.
const PIPE_BYTES: usize = 64 << 10;

fn shell(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

/// Runs a command to its end and collects the parts.
async fn parts(command: Command, parts: Parts) -> (Vec<Part>, Output) {
    let mut passed = Vec::new();
    let running = command.spawn().unwrap();
    let output = running.finish_in_parts(parts, async |part| passed.push(part)).await.unwrap();
    (passed, output)
}

#[tokio::test]
async fn a_line_is_passed_on_while_the_command_runs() {
    // The command ends only once its first line has been seen, for it is that which stops it.
    let running = shell("echo one; echo two >&2; sleep 1000").spawn().unwrap();
    let group = running.group();
    let mut seen = Vec::new();
    let output = running.finish_in_parts(Parts { lines: true, bytes_max: 100 }, async |part| {
        seen.push(part);
        if seen.len() == 2 {
            group.kill();
        }
    });
    assert_eq!(output.await.unwrap().stdout, b"");
    assert!(seen.contains(&Part::Stdout(b"one\n".into())), "{seen:?}");
    assert!(seen.contains(&Part::Stderr(b"two\n".into())), "{seen:?}");
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
    let running = command.spawn().unwrap();
    let parts = Parts { lines: false, bytes_max };
    let output = running.finish_in_parts(parts, async |part| {
        let (Part::Stdout(bytes) | Part::Stderr(bytes)) = part;
        total += bytes.len();
        longest = longest.max(bytes.capacity());
    });
    let output = output.await.unwrap();
    assert_eq!(total + output.stdout.len() + output.stderr.len(), 100_000_000);
    assert!(longest <= 2 * (bytes_max + PIPE_BYTES), "{longest}");
    assert!(output.stdout.len().max(output.stderr.len()) <= bytes_max + PIPE_BYTES);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_waits_while_its_part_is_passed_on() {
    let running = Command::new("head").arg("-c10000000").arg("/dev/zero").spawn().unwrap();
    let process = format!("/proc/{}", running.group().id());
    let parts = Parts { lines: false, bytes_max: 10_000 };
    let mut first = true;
    let output = running.finish_in_parts(parts, async |_| {
        if !std::mem::take(&mut first) {
            return;
        }
        // It sleeps only when the pipe is full, and then it has written no more than fits.
        let state = || std::fs::read_to_string(format!("{process}/stat")).unwrap();
        while !state().contains(") S ") {
            tokio::task::yield_now().await;
        }
        let io = std::fs::read_to_string(format!("{process}/io")).unwrap();
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
        assert!(written.parse::<usize>().unwrap() < 1_000_000, "{written}");
    });
    output.await.unwrap();
    assert!(!first);
}
