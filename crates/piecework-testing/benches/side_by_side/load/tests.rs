//! The load against a server of three words, which keeps its items in memory.

use super::*;
use crate::peer::{Acks, Answer, Client, Step};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

const WINDOW: Window =
    Window { warm_up: Duration::from_millis(1), counted: Duration::from_millis(20) };

/// A protocol of lines: a number is put, `get` has one come back, `ack` is answered.
struct Lines {
    acks: Acks,
}

impl Peer for Lines {
    fn command(&self, program: &Path, _: u16, _: &Path) -> io::Result<Command> {
        Ok(Command::new(program))
    }

    fn client(&self, _: &mut std::net::TcpStream, _: usize) -> io::Result<Box<dyn Client>> {
        Ok(Box::new(Dialog))
    }

    fn acks(&self) -> Acks {
        self.acks
    }
}

struct Dialog;

impl Client for Dialog {
    fn request(&mut self, step: Step, number: u64, out: &mut Vec<u8>) {
        out.extend(match step {
            Step::Put => format!("{number}\n").into_bytes(),
            Step::Get => b"get\n".to_vec(),
            Step::Ack => b"ack\n".to_vec(),
        });
    }

    fn answer(&mut self, _: Step, received: &[u8]) -> Result<Answer, String> {
        let end = received.iter().position(|byte| *byte == b'\n');
        let Some(line) = end.and_then(|end| received.get(..end)) else {
            return Ok(Answer::Partial);
        };
        let (bytes, text) = (line.len() + 1, String::from_utf8_lossy(line));
        match text.parse() {
            Ok(number) => Ok(Answer::Item { bytes, number }),
            Err(_) if text == "ok" => Ok(Answer::Done { bytes }),
            Err(_) => Err(text.into_owned()),
        }
    }
}

/// Serves the lines, with what `get` has come back; all that was asked is counted by its word.
fn serve(get: fn(&mut VecDeque<String>) -> String) -> (SocketAddr, Arc<Mutex<[usize; 3]>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (items, counts) = (Arc::new(Mutex::new(VecDeque::new())), Arc::default());
    let shared: Arc<Mutex<[usize; 3]>> = Arc::clone(&counts);
    thread::spawn(move || {
        for stream in listener.incoming().map(Result::unwrap) {
            let (items, counts) = (Arc::clone(&items), Arc::clone(&shared));
            thread::spawn(move || {
                let mut answers = stream.try_clone().unwrap();
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let mut items = items.lock().unwrap();
                    let (word, answer) = match line.as_str() {
                        "get" => (1, get(&mut items)),
                        "ack" => (2, "ok".to_owned()),
                        _ => {
                            items.push_back(line);
                            (0, "ok".to_owned())
                        }
                    };
                    counts.lock().unwrap()[word] += 1;
                    if answers.write_all(format!("{answer}\n").as_bytes()).is_err() {
                        return; // the load has ended with an error
                    }
                }
            });
        }
    });
    (address, counts)
}

#[test]
fn each_item_is_put_got_and_acknowledged() {
    for (acks, in_flight, clients) in [
        (Acks::Apart, 1, 1),
        (Acks::Apart, 1, 5),
        (Acks::Apart, 3, 5),
        (Acks::WithNextGet, 1, 1),
        (Acks::WithNextGet, 4, 5),
        (Acks::Never, 1, 5),
    ] {
        let (address, counts) = serve(|items| items.pop_front().unwrap());
        let crew = Crew { in_flight, ..Crew::cycling(clients) };
        let rate = items_per_second(&Lines { acks }, address, crew, WINDOW).unwrap();
        let [puts, gets, acknowledged] = *counts.lock().unwrap();
        assert!(rate * WINDOW.counted.as_secs_f64() <= puts as f64, "{rate} with {puts} puts");
        assert_eq!(gets, puts);
        let wanted = match acks {
            Acks::Apart => puts,
            Acks::WithNextGet => clients,
            Acks::Never => 0,
        };
        assert_eq!(acknowledged, wanted);
    }
}

#[test]
fn a_server_that_delivers_something_else_is_found_out() {
    let (address, _) = serve(|_| "5".to_owned());
    let peer = Lines { acks: Acks::Apart };
    let error = items_per_second(&peer, address, Crew::cycling(2), WINDOW).unwrap_err();
    assert!(error.to_string().contains("other items than were put"), "{error}");
}

#[test]
fn a_refusal_ends_the_load_with_its_words() {
    let (address, _) = serve(|_| "the disk is full".to_owned());
    let peer = Lines { acks: Acks::WithNextGet };
    let error = items_per_second(&peer, address, Crew::cycling(2), WINDOW).unwrap_err();
    assert_eq!(error.to_string(), "Get: the disk is full");
}

#[test]
fn only_what_is_done_while_it_counts_is_counted() {
    let hour = Duration::from_secs(3600);
    for (begins_in, lasts, counted, goes_on) in [
        (Duration::ZERO, hour, 1, true),
        (hour, hour, 0, true), // warming up
        (Duration::ZERO, Duration::ZERO, 0, false),
    ] {
        let window = Window { warm_up: begins_in, counted: lasts };
        let mut tally = Tally::begin(Until::Over(window), Course::Cycle);
        assert_eq!(tally.count(Course::Cycle, 1), goes_on);
        assert_eq!(tally.items, counted);
    }
}

#[test]
fn those_who_get_what_others_put_are_counted_and_need_not_end() {
    let (address, _) = serve(|items| items.pop_front().unwrap_or_else(|| "0".to_owned()));
    let crews = [
        Crew { clients: 3, course: Course::Get, in_flight: 1 },
        Crew { clients: 1, course: Course::Put, in_flight: 2 },
    ];
    let tally = run(&Lines { acks: Acks::Never }, address, &crews, Until::Over(WINDOW)).unwrap();
    assert!(tally.items > 0);
}

#[test]
fn a_number_of_items_may_be_the_end() {
    let (address, counts) = serve(|items| items.pop_front().unwrap());
    let fill = Crew { clients: 2, course: Course::Put, in_flight: 5 };
    let peer = Lines { acks: Acks::WithNextGet };
    let tally = run(&peer, address, &[fill], Until::Items(100)).unwrap();
    assert!((100..=110).contains(&tally.items), "{}", tally.items);
    let drain = Crew { clients: 2, course: Course::Get, in_flight: 5 };
    run(&peer, address, &[drain], Until::Items(90)).unwrap();
    let [puts, gets, acks] = *counts.lock().unwrap();
    assert!(puts <= 110 && (90..=100).contains(&gets), "{puts} and {gets}");
    assert_eq!(acks, 2);
}
