//! Payloads that only the engine has: let go of above a bound, and fetched when their turn comes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use bytes::Bytes;
use piecework_state::{
    AckMode, Call, ItemId, Ledger, Limits, Loading, Outcome, Payload, Peer, QueueId, QueueOptions,
    Record, Reply, SessionId, Standing, State, StateError, Take, Time, Wait,
};

const NOW: Time = Time::from_secs(1);

/// A ledger, and what an engine would have.
struct Site {
    ledger: Ledger,
    task: QueueId,
    kept: Vec<Record>,
}

impl Site {
    /// At most 1,000 bytes of payload are held in memory.
    fn new() -> Self {
        let limits = Limits { resident: 1_000, ..Limits::default() };
        let mut ledger = Ledger::new(State::new(1, limits), true);
        let mut out = Outcome::default();
        let task = ledger.state.register("task", QueueOptions::default(), &mut out);
        ledger.tell(None, out).unwrap();
        let mut site = Self { ledger, task, kept: Vec::new() };
        site.keep();
        site
    }

    fn open(&mut self) -> SessionId {
        self.ledger.state.open(NOW, Peer::native("somebody"))
    }

    fn put(&mut self, session: SessionId, payload: &[u8]) {
        let put = Call::put(self.task, Payload::opaque(payload.to_vec()));
        assert!(self.ledger.apply(NOW, session, put).unwrap().reply.is_some());
    }

    fn take(&mut self, session: SessionId, max: usize) -> Option<Reply> {
        let take = Call::Take { queue: self.task, max, wait: Wait::No, style: Take::Many };
        self.ledger.apply(NOW, session, take).unwrap().reply
    }

    /// Fetches and keeps what there is; gives back the replies, and how many were fetched.
    fn keep(&mut self) -> (Vec<Reply>, usize) {
        let mut batch = Vec::new();
        assert!(self.ledger.take_batch(&mut batch));
        self.kept.extend(batch);
        let fetches = self.ledger.take_fetches();
        for fetch in &fetches {
            let bytes = self.payload(fetch.item);
            self.ledger.fetched(*fetch, &bytes);
        }
        self.ledger.state.check();
        self.ledger.kept();
        let replies = self.ledger.leave().into_iter().map(|(_, reply)| reply);
        (replies.collect(), fetches.len())
    }

    fn payload(&self, id: ItemId) -> Bytes {
        let mut items = self.kept.iter().flat_map(|record| match record {
            Record::Put { items, .. } => &items[..],
            _ => &[],
        });
        items.find(|item| item.id == id).unwrap().payload.here().unwrap().clone()
    }
}

fn payloads(reply: &Reply) -> Vec<u8> {
    let Reply::Items(items) = reply else { panic!("{reply:?}") };
    items.iter().flat_map(|item| item.payload.to_vec()).collect()
}

#[test]
fn what_does_not_fit_in_memory_is_fetched_in_its_turn() {
    let mut site = Site::new();
    let (master, worker) = (site.open(), site.open());
    for letter in b"abcd" {
        site.put(master, &[*letter; 400]);
        site.keep();
    }
    assert!(site.take(worker, 3).is_none(), "one of the three is not here");
    let (replies, fetched) = site.keep();
    assert_eq!(
        (payloads(&replies[0]), fetched),
        ([[b'a'; 400], [b'b'; 400], [b'c'; 400]].concat(), 1)
    );
    // The next get acks those, so that there is room for what is put then.
    assert!(site.take(worker, 1).is_none());
    assert_eq!(payloads(&site.keep().0[0]), [b'd'; 400]);
    site.put(master, &[b'e'; 400]);
    site.keep();
    let got = site.take(worker, 1).unwrap();
    assert_eq!((payloads(&got), site.keep().1), (vec![b'e'; 400], 0));
}

#[test]
fn what_is_put_and_got_before_it_is_kept_is_there_too() {
    let mut site = Site::new();
    let (master, worker) = (site.open(), site.open());
    site.put(master, &[b'x'; 2_000]);
    assert!(site.take(worker, 1).is_none());
    let (replies, fetched) = site.keep();
    assert_eq!((replies.len(), fetched), (1, 1));
    assert_eq!(payloads(&replies[0]), [b'x'; 2_000]);
}

#[test]
fn an_item_that_is_fetched_for_nobody_goes_to_the_next() {
    let mut site = Site::new();
    let (master, worker, other) = (site.open(), site.open(), site.open());
    site.put(master, &[b'x'; 2_000]);
    site.keep();
    assert!(site.take(worker, 1).is_none());
    site.ledger.end(NOW, worker).unwrap();
    assert!(site.take(other, 1).is_none());
    let (replies, _) = site.keep();
    assert_eq!(payloads(&replies[0]), [b'x'; 2_000]);
}

#[test]
fn what_is_acked_by_its_delivery_is_fetched_before_it_is_gone() {
    let mut site = Site::new();
    let (master, worker, other) = (site.open(), site.open(), site.open());
    site.put(master, &[b'x'; 2_000]);
    site.keep();
    let mut out = Outcome::default();
    let options = QueueOptions { ack: AckMode::None, ..QueueOptions::default() };
    site.ledger.state.register("task", options, &mut out);
    site.ledger.tell(None, out).unwrap();
    site.keep();
    assert!(site.take(worker, 1).is_none());
    // Its client leaves at once, and the item goes to the next; that one's reply cannot be sent.
    site.ledger.end(NOW, worker).unwrap();
    assert!(site.take(other, 1).is_none());
    let (mut replies, _) = site.keep();
    let acked = |record: &Record| matches!(record, Record::Acked(..));
    assert!(replies.len() == 1 && !site.kept.iter().any(acked), "the ack comes after that");
    assert!(!site.ledger.has_kept(site.ledger.decided()), "and the reply waits for the ack");
    site.keep();
    assert!(site.kept.iter().any(acked));
    assert_eq!(payloads(&replies[0]), [b'x'; 2_000]);
    let deliveries = State::deliveries(replies.remove(0));
    let out = site.ledger.state.unsent(NOW, other, deliveries);
    site.ledger.tell(None, out).unwrap();
    site.keep();
    let [.., Record::Acked(..), Record::Put { items, .. }] = &site.kept[..] else { panic!() };
    assert_eq!(items[0].payload.here().unwrap()[..], [b'x'; 2_000]);
}

#[test]
fn what_was_fetched_for_a_worker_that_died_need_not_be_fetched_again() {
    let mut site = Site::new();
    let (master, worker, other) = (site.open(), site.open(), site.open());
    site.put(master, &[b'x'; 2_000]);
    site.keep();
    site.take(worker, 1);
    site.keep();
    site.ledger.end(NOW, worker).unwrap();
    let got = site.take(other, 1).unwrap();
    assert_eq!((payloads(&got), site.keep().1), (vec![b'x'; 2_000], 0));
}

/// So long a backlog is packed: what comes out of it, and of a state that loads it, is what went
/// in.
#[test]
fn a_long_backlog_keeps_its_order_over_a_restart() {
    let mut site = Site::new();
    let (master, worker) = (site.open(), site.open());
    let payload = |number: u32| [&number.to_be_bytes()[..], &[0; 96]].concat();
    for number in 0..1_000 {
        site.put(master, &payload(number));
        site.keep();
    }
    site.take(worker, 300);
    let (replies, fetched) = site.keep();
    assert_eq!((payloads(&replies[0]), fetched), ((0..300).flat_map(payload).collect(), 290));
    site.ledger.end(NOW, worker).unwrap();
    site.keep();
    let mut loading = Loading::new(1, Limits { resident: 1_000, ..Limits::default() });
    let kept = site.ledger.state.kept();
    kept.iter().for_each(|record| loading.add(record.clone()).unwrap());
    let loaded = loading.finish();
    loaded.check();
    assert_eq!(loaded.kept(), kept);
    site.ledger = Ledger::new(loaded, true);
    let worker = site.open();
    site.take(worker, 1_000);
    assert_eq!(payloads(&site.keep().0[0]), (0..1_000).flat_map(payload).collect::<Vec<_>>());
}

#[test]
fn a_dead_item_is_shown_wherever_its_payload_is() {
    let mut site = Site::new();
    let worker = site.open();
    let mut loading = Loading::new(1, Limits { resident: 1_000, ..Limits::default() });
    for record in site.ledger.state.kept() {
        loading.add(record).unwrap();
    }
    let master = site.open();
    site.put(master, &[b'x'; 2_000]);
    site.keep();
    for record in site.ledger.state.kept() {
        if let Record::Item { queue, item, .. } = record {
            assert!(item.payload.here().is_none());
            loading.add(Record::Item { queue, item, standing: Standing::Dead }).unwrap();
        }
    }
    let ready = site.ledger.state.kept();
    let Some(Record::Item { item, .. }) = ready.last() else { panic!("{ready:?}") };
    let show = Call::Show(site.task, item.id);
    let refused = site.ledger.apply(NOW, worker, show.clone()).unwrap().reply;
    assert!(matches!(refused, Some(Reply::Error(StateError::NotDead { .. }))), "{refused:?}");
    site.ledger = Ledger::new(loading.finish(), true);
    let worker = site.open();
    for _ in 0..2 {
        assert!(site.ledger.apply(NOW, worker, show.clone()).unwrap().reply.is_none());
        let (mut replies, fetched) = site.keep();
        let Some(Reply::Item(shown)) = replies.pop() else { panic!("{replies:?}") };
        assert_eq!((&shown.payload[..], fetched), (&[b'x'; 2_000][..], 1));
        let out = site.ledger.state.unsent(NOW, worker, vec![shown]);
        assert!(out.records.is_empty(), "it was nobody's: {:?}", out.records);
    }
}
