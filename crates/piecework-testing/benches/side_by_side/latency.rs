//! `latency`: how long a getter that waits has to wait for an item once it is put.

use std::hint;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::caller::Caller;
use crate::candidate::{Candidate, in_memory};
use crate::load::Window;
use crate::peer::{Acks, Answer, Echo, Kept, Peer, Piecework, Sizes, Step};
use crate::server::Server;
use crate::subject::{Role, Tell, Unit, in_rounds};
use crate::words::Words;

/// From a get to the put that ends it: the get surely waits by then, and who serves it is idle.
const PAUSE: Duration = Duration::from_micros(200);

/// What is told of all that was measured.
const PARTS: [(&str, f64); 2] = [("p50", 0.50), ("p99", 0.99)];

/// Measures all in turn, round by round, and tells each figure.
pub(crate) fn run(words: &Words, folder: &Path) -> io::Result<()> {
    // A put is sent and what a get gives comes back, to one client: no server can do less.
    let Sizes { put: (sent, _), get: (_, received), .. } = Sizes::of(1);
    let both = (sent, received);
    let echo = Echo { sizes: Sizes { put: both, get: both, items: 1 } };
    let floor = Candidate::new(Role::Floor, "echo round trip", "echo", echo);
    let floor = floor.measured(words, folder, |peer, server, tell| {
        let mut caller = Caller::connect(peer, server.address(), 0)?;
        tell_parts(tell, sample(words.window, |number| round_trip(&mut caller, number))?)
    });
    let measured = |server: Candidate| {
        server.measured(words, folder, |peer, server, tell| {
            let mut pair = Pair::connect(peer, server)?;
            tell_parts(tell, sample(words.window, |number| pair.hand_over(number))?)
        })
    };
    let servers = in_memory(Piecework::new(Kept::Memory));
    let subjects: Vec<_> =
        floor.into_iter().chain(servers.into_iter().filter_map(measured)).collect();
    in_rounds(words.rounds, &subjects)
}

fn round_trip(caller: &mut Caller, number: u64) -> io::Result<Duration> {
    pause();
    let begin = Instant::now();
    caller.call(Step::Put, number)?;
    Ok(begin.elapsed())
}

/// Who gets, and who puts what he gets.
struct Pair {
    getter: Caller,
    putter: Caller,
    acks: Acks,
}

impl Pair {
    fn connect(peer: &dyn Peer, server: &Server) -> io::Result<Self> {
        let connect = |name| Caller::connect(peer, server.address(), name);
        Ok(Self { getter: connect(0)?, putter: connect(1)?, acks: peer.acks() })
    }

    /// Has an item pass, and tells the time from before it is put until all of it was received.
    fn hand_over(&mut self, number: u64) -> io::Result<Duration> {
        self.getter.send(Step::Get, number)?;
        pause();
        let begin = Instant::now();
        self.putter.send(Step::Put, number)?;
        let answer = self.getter.receive(Step::Get)?;
        let taken = begin.elapsed();
        self.putter.receive(Step::Put)?;
        if self.acks == Acks::Apart {
            self.getter.call(Step::Ack, number)?;
        }
        match answer {
            Answer::Item { number: got, .. } if got == number => Ok(taken),
            other => Err(io::Error::other(format!("item {number} was put, and got: {other:?}"))),
        }
    }
}

/// Lets time pass. Whoever sleeps instead wakes on a processor that sleeps too, and is slow at
/// first; that would be measured, and it is no server's doing.
fn pause() {
    let begin = Instant::now();
    while begin.elapsed() < PAUSE {
        hint::spin_loop();
    }
}

/// Has something done again and again, with numbers of its own, and gives the times it took while
/// they counted: at least one.
fn sample(
    window: Window,
    mut once: impl FnMut(u64) -> io::Result<Duration>,
) -> io::Result<Vec<Duration>> {
    let begin = Instant::now() + window.warm_up;
    let end = begin + window.counted;
    let mut times = Vec::new();
    for number in 0.. {
        let taken = once(number)?;
        let now = Instant::now();
        if now >= begin {
            times.push(taken);
        }
        if now >= end {
            break;
        }
    }
    Ok(times)
}

fn tell_parts(tell: &mut Tell<'_>, mut times: Vec<Duration>) -> io::Result<()> {
    times.sort_unstable();
    for (name, part) in PARTS {
        let micros = percentile(&times, part).as_secs_f64() * 1e6;
        tell(&format!("put to a waiting getter, {name}"), Unit::Micros, micros)?;
    }
    Ok(())
}

/// The least of these sorted times that is not exceeded by this part of them.
fn percentile(times: &[Duration], part: f64) -> Duration {
    let rank = (times.len() as f64 * part).ceil() as usize;
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        for (count, part, wanted) in
            [(200, 0.5, 100), (200, 0.99, 198), (3, 0.5, 2), (3, 0.99, 3), (1, 0.5, 1), (0, 0.5, 0)]
        {
            let found = percentile(&times[..count], part);
            assert_eq!(found, Duration::from_micros(wanted), "{part} of {count}");
        }
    }

    #[test]
    fn a_window_that_is_over_at_once_has_a_sample() {
        let window = Window { warm_up: Duration::ZERO, counted: Duration::ZERO };
        let times = sample(window, |number| Ok(Duration::from_secs(number + 7))).unwrap();
        assert_eq!(times, [Duration::from_secs(7)]);
    }

    #[test]
    fn what_warms_up_is_no_sample() {
        let window =
            Window { warm_up: Duration::from_millis(5), counted: Duration::from_millis(5) };
        let begin = Instant::now();
        let times = sample(window, |_| Ok(begin.elapsed())).unwrap();
        // The clock may move between a sample and the look whether it counts.
        let warm = times.iter().filter(|time| **time < Duration::from_millis(5)).count();
        assert!(warm <= 1 && !times.is_empty(), "{warm} of {}", times.len());
    }
}
