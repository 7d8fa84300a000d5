//! `--term-seq`: the signals by which a command that has to end is ended, and the time each has.

use std::fmt;
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use piecework::command::{Group, Signal};

/// What GNU parallel does: asks three times, then kills.
pub(crate) const DEFAULT: &str = "TERM,200,TERM,100,TERM,50,KILL,25";

/// How many signals a sequence has at most: more is a mistake.
const STEPS_MAX: usize = 100;

/// How often it is looked whether the rest of a group is gone. Nothing tells the end of a process
/// that is not our child.
const LOOK_PERIOD: Duration = Duration::from_millis(5);

/// Signals, and how long to wait after each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TermSeq(Vec<Step>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    signal: Signal,
    wait_ms: u32,
}

impl Default for TermSeq {
    fn default() -> Self {
        DEFAULT.parse().expect("the default is well formed")
    }
}

impl FromStr for TermSeq {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let words: Vec<_> = text.split(',').map(str::trim).collect();
        let steps: Vec<_> = words.chunks(2).map(Step::parse).collect::<Result<_, _>>()?;
        ensure!(steps.len() <= STEPS_MAX, "more than {STEPS_MAX} signals");
        Ok(Self(steps))
    }
}

impl Step {
    fn parse(words: &[&str]) -> anyhow::Result<Self> {
        let [signal, wait_ms] = words else {
            let signal = words.concat();
            bail!("{signal} is not followed by milliseconds; hint: {DEFAULT} is the default");
        };
        let wait_ms = wait_ms.parse().with_context(|| {
            format!("{wait_ms} is no number of milliseconds; hint: {DEFAULT} is the default")
        })?;
        Ok(Self { signal: signal.parse()?, wait_ms })
    }
}

impl fmt::Display for TermSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Step { signal, wait_ms }) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{signal},{wait_ms}")?;
        }
        Ok(())
    }
}

impl TermSeq {
    /// Ends a group whose command ends with `end`: sends signal after signal until nobody of the
    /// group is left, and answers what the command's end is. A command that outlives the sequence
    /// is waited for.
    pub(crate) async fn run<T>(&self, group: Group, end: impl Future<Output = T>) -> T {
        self.steps(|signal| group.signal(signal), || group.is_alive(), end).await
    }

    async fn steps<T>(
        &self,
        send: impl Fn(Signal),
        is_alive: impl Fn() -> bool,
        end: impl Future<Output = T>,
    ) -> T {
        let (mut end, mut ended) = (pin!(end), None);
        for Step { signal, wait_ms } in &self.0 {
            send(*signal);
            let gone = async {
                if ended.is_none() {
                    ended = Some(end.as_mut().await);
                }
                while is_alive() {
                    tokio::time::sleep(LOOK_PERIOD).await;
                }
            };
            let wait = Duration::from_millis((*wait_ms).into());
            if tokio::time::timeout(wait, gone).await.is_ok() {
                break;
            }
        }
        match ended {
            Some(ended) => ended,
            None => end.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piecework::command::{Command, End, Parts};
    use std::cell::RefCell;
    use tokio::time::{Instant, sleep};

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Runs a sequence on a command that ends, and a group that is gone, at these times; tells what
    /// was sent when, and when the sequence was over.
    async fn sent(sequence: &str, ends: u64, gone: u64) -> (String, u64) {
        let sequence: TermSeq = sequence.parse().unwrap();
        let begun = Instant::now();
        let sent = RefCell::new(Vec::new());
        let is_alive = || begun.elapsed() < ms(gone);
        let send = |signal| sent.borrow_mut().push(format!("{signal}@{:?}", begun.elapsed()));
        sequence.steps(send, is_alive, sleep(ms(ends))).await; // rhythm: paused time
        (sent.into_inner().join(" "), u64::try_from(begun.elapsed().as_millis()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn each_signal_has_its_time_and_the_last_is_waited_for() {
        let told = |text: &str, end| (text.to_owned(), end);
        assert_eq!(sent(DEFAULT, 120, 0).await, told("TERM@0ns", 120));
        assert_eq!(sent(DEFAULT, 280, 0).await, told("TERM@0ns TERM@200ms", 280));
        let all = "TERM@0ns TERM@200ms TERM@300ms KILL@350ms";
        assert_eq!(sent(DEFAULT, 351, 0).await, told(all, 351));
        assert_eq!(sent(DEFAULT, 5000, 0).await, told(all, 5000));
    }

    #[tokio::test(start_paused = true)]
    async fn what_outlives_the_command_has_the_same_time() {
        let (text, end) = sent(DEFAULT, 10, 140).await;
        assert_eq!(text, "TERM@0ns");
        assert!((140..160).contains(&end), "{end}");
        let (text, end) = sent(DEFAULT, 10, 9999).await;
        assert_eq!((text.matches(' ').count(), end), (3, 375));
    }

    #[tokio::test]
    async fn a_command_that_does_not_listen_is_killed_with_its_children() {
        let script = "trap '' TERM; (trap '' TERM; echo deaf; sleep 1000) & sleep 1000";
        let mut running = Command::new("sh").arg("-c").arg(script).spawn().unwrap();
        let group = running.group();
        let deaf = running.part(Parts { lines: true, bytes_max: 100 }).await.unwrap();
        assert!(deaf.is_some());
        let sequence: TermSeq = "TERM,1,KILL,10000".parse().unwrap();
        let output = sequence.run(group, running.finish()).await.unwrap();
        assert_eq!(output.end, End::Signal(9));
        assert!(!group.is_alive());
    }

    #[test]
    fn a_sequence_reads_as_it_is_written() {
        assert_eq!(TermSeq::default().to_string(), DEFAULT);
        assert_eq!("sigint, 5,9,0".parse::<TermSeq>().unwrap().to_string(), "INT,5,KILL,0");
        for (wrong, part) in [
            ("", "not followed"),
            ("TERM", "TERM is not followed"),
            ("TERM,x", "x is no number"),
            ("TREM,1", "no signal TREM"),
            ("TERM,-1", "-1 is no number"),
            ("TERM,1,", "not followed"),
            (&"TERM,1,".repeat(101)[..706], "more than 100"),
        ] {
            let error = format!("{:#}", wrong.parse::<TermSeq>().unwrap_err());
            assert!(error.contains(part), "{wrong}: {error}");
        }
    }
}
