//! `growth`: whether piecework stays as fast when it has more: items in a queue, items that have
//! been, queues, and clients that wait.

use std::io;
use std::path::Path;

use crate::candidate::Candidate;
use crate::core::{BATCH, batching};
use crate::descriptors;
use crate::load::{self, Course, Crew, Until};
use crate::peer::{Kept, Peer, Piecework};
use crate::server::Server;
use crate::subject::{Role, Subject, Unit, in_rounds, thousands};
use crate::words::Words;

/// Items that a queue holds while others are put and got.
const QUEUED: [u64; 3] = [10_000, 1_000_000, 10_000_000];
const QUEUED_QUICK: [u64; 3] = [1_000, 10_000, 100_000];
/// Items that have been put and got before, and how many of them at a time.
const THROUGH: Passed = Passed { items: 100_000_000, turn: 1_000_000 };
const THROUGH_QUICK: Passed = Passed { items: 100_000, turn: 10_000 };
/// Clients that put and get then, each with one request in flight.
const CYCLING: usize = 8;

/// Queues, and the clients that are spread over them: as many each time, so that nothing else
/// differs. Where there are more queues than clients, some of them only lie there.
const QUEUES: [usize; 4] = [1, 10, 100, 1_000];
const QUEUES_CLIENTS: usize = 64;

/// Getters that wait for the items of one putter.
const GETTERS: [usize; 4] = [1, 100, 1_000, 10_000];
const GETTERS_QUICK: [usize; 4] = [1, 10, 100, 1_000];

#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    items: u64,
    turn: u64,
}

/// Measures all in turn, round by round, and tells each figure.
pub(crate) fn run(words: &Words, folder: &Path) -> io::Result<()> {
    let mut subjects = queued(words, folder);
    subjects.extend(queues(words, folder));
    subjects.extend(getters(words, folder));
    in_rounds(words.rounds, &subjects)
}

fn queued<'s>(words: &'s Words, folder: &'s Path) -> Vec<Subject<'s>> {
    let what = format!("items/s of {CYCLING} clients");
    let held = words.amount(QUEUED, QUEUED_QUICK);
    let least = held.into_iter().min().unwrap_or_default();
    let through = words.amount(THROUGH, THROUGH_QUICK);
    let name = |held| format!("{} queued", thousands(held));
    let mut variations: Vec<_> = held.map(|held| (name(held), held, Passed::default())).into();
    variations.push((format!("after {} through", thousands(through.items)), least, through));
    let measured = |(at, (name, held, passed)): (usize, (String, u64, Passed))| {
        let what = what.clone();
        let server = variation(at, name, Piecework::new(Kept::Memory));
        server.measured(words, folder, move |peer, server, tell| {
            fill(server, held)?;
            pass(server, passed)?;
            let crew = [Crew::cycling(CYCLING)];
            let tally = load::run(peer, server.address(), &crew, Until::Over(words.window))?;
            tell(&what, Unit::PerSecond, tally.rate())
        })
    };
    variations.into_iter().enumerate().filter_map(measured).collect()
}

fn queues<'s>(words: &'s Words, folder: &'s Path) -> Vec<Subject<'s>> {
    let measured = |(at, queues): (usize, usize)| {
        let plural = if queues == 1 { "" } else { "s" };
        let name = format!("{} queue{plural}", thousands(queues as u64));
        let own = Piecework { queues, ..Piecework::new(Kept::Memory) };
        variation(at, name, own).measured(words, folder, move |peer, server, tell| {
            let crew = Crew::cycling(QUEUES_CLIENTS);
            let rate = load::items_per_second(peer, server.address(), crew, words.window)?;
            let what = format!("items/s over so many queues, {QUEUES_CLIENTS} clients");
            tell(&what, Unit::PerSecond, rate)
        })
    };
    QUEUES.into_iter().enumerate().filter_map(measured).collect()
}

fn getters<'s>(words: &'s Words, folder: &'s Path) -> Vec<Subject<'s>> {
    let has_room = |(_, getters): &(usize, usize)| descriptors::allow(getters + 1);
    let measured = |(at, getters): (usize, usize)| {
        let plural = if getters == 1 { "" } else { "s" };
        let name = format!("{} getter{plural}", thousands(getters as u64));
        let server = variation(at, name, Piecework::new(Kept::Memory));
        server.measured(words, folder, move |peer, server, tell| {
            let one = |course| Crew { clients: 1, course, in_flight: 1 };
            // In this order: those who come last begin.
            let crews = [one(Course::Put), Crew { clients: getters, ..one(Course::Get) }];
            let tally = load::run(peer, server.address(), &crews, Until::Over(words.window))?;
            tell("items/s from 1 putter to so many waiting getters", Unit::PerSecond, tally.rate())
        })
    };
    let getters = words.amount(GETTERS, GETTERS_QUICK).into_iter().enumerate();
    getters.filter(has_room).filter_map(measured).collect()
}

/// Piecework in one of several variations; with the first one the others are compared.
fn variation(at: usize, name: String, own: Piecework) -> Candidate {
    let role = if at == 0 { Role::Base } else { Role::Own };
    Candidate::new(role, name, "piecework", own)
}

/// Clients that put and get many items at a time: what is measured is not how they came there.
fn batches() -> impl Peer {
    Piecework { items: BATCH, ..Piecework::new(Kept::Memory) }
}

/// Has a queue hold so many items more.
fn fill(server: &Server, items: u64) -> io::Result<()> {
    move_batches(server, Course::Put, items)
}

/// Has items put and got. As many are got as were put: each client has one batch under way when the
/// last one is counted.
fn pass(server: &Server, Passed { items, turn }: Passed) -> io::Result<()> {
    let turns = items.checked_div(turn).unwrap_or_default();
    for _ in 0..turns {
        fill(server, turn)?;
        move_batches(server, Course::Get, turn)?;
    }
    Ok(())
}

fn move_batches(server: &Server, course: Course, items: u64) -> io::Result<()> {
    let until = Until::Items(items);
    load::run(&batches(), server.address(), &[batching(course)], until).map(drop)
}
