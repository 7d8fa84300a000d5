//! Records as bytes: damaged ones are refused, and those of version 1 are read for ever. That all
//! kinds come back as they were is seen in every other test (`World::note`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::Bytes;
use piecework_state::{
    AckMode, Attempt, DecodeError, Ended, Item, ItemId, Place, QueueId, QueueOptions, Record,
    SessionId, Standing, Time,
};
use smallvec::smallvec;
use std::time::Duration;

const QUEUE: QueueId = QueueId(2);

/// One of each kind, with every field set.
fn batch() -> Vec<Record> {
    let attempt = Attempt {
        session: SessionId(300),
        began: Time::from_micros(1),
        ended: Time::from_micros(2),
        how: Ended::RunOut,
        counted: true,
    };
    let item = Item {
        id: ItemId(3),
        place: Place(4),
        payload: Bytes::from_static(b"N."),
        stop: true,
        put_at: Time::from_micros(u64::MAX),
        attempts: 1,
        history: Some(Box::new(vec![attempt])),
        reply_to: None,
    };
    let options = QueueOptions {
        ack: AckMode::Answered { answers: QueueId(1) },
        maxsize: 5,
        attempts: 6,
        lease: Some(Duration::from_micros(7)),
    };
    let due = Some(Time::from_micros(8));
    let acked = smallvec![(QUEUE, ItemId(9))];
    vec![
        Record::Numbered(10),
        Record::Queue { queue: QUEUE, name: "task".into(), options },
        Record::Put { queue: QUEUE, items: smallvec![item.clone()], due, acked },
        Record::Acked(QUEUE, ItemId(3)),
        Record::Returned { queue: QUEUE, item: ItemId(3), attempt, due },
        Record::Ready(QUEUE, ItemId(3), Place(11)),
        Record::Died { queue: QUEUE, item: ItemId(3), attempt },
        Record::Purged { queue: QUEUE, spared: vec![ItemId(3)] },
        Record::Item { queue: QUEUE, item, standing: Standing::Delayed(Time::from_micros(12)) },
    ]
}

/// What version 1 wrote for the batch above. It stays as it is, whatever later versions write.
#[rustfmt::skip]
const VERSION_1: &[u8] = &[
    0x01, 0x09, 0x0a, 0x01, 0x02, 0x04, 0x74, 0x61, 0x73, 0x6b, 0x02, 0x01, 0x05, 0x06, 0x01, 0x07,
    0x02, 0x02, 0x01, 0x03, 0x04, 0x02, 0x4e, 0x2e, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0x01, 0x01, 0x01, 0x01, 0xac, 0x02, 0x01, 0x02, 0x05, 0x01, 0x01, 0x08, 0x01, 0x02,
    0x09, 0x03, 0x02, 0x03, 0x04, 0x02, 0x03, 0xac, 0x02, 0x01, 0x02, 0x05, 0x01, 0x01, 0x08, 0x05,
    0x02, 0x03, 0x0b, 0x06, 0x02, 0x03, 0xac, 0x02, 0x01, 0x02, 0x05, 0x01, 0x07, 0x02, 0x01, 0x03,
    0x08, 0x02, 0x03, 0x04, 0x02, 0x4e, 0x2e, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0x01, 0x01, 0x01, 0x01, 0xac, 0x02, 0x01, 0x02, 0x05, 0x01, 0x02, 0x0c,
];

#[test]
fn version_1_is_read_for_ever() {
    assert_eq!(Record::decode(Bytes::from_static(VERSION_1)).unwrap(), batch());
    assert_eq!(Record::encode(&batch()), VERSION_1, "a change of bytes is a new version");
}

#[test]
fn a_later_version_is_refused() {
    assert_eq!(Record::decode(Bytes::from_static(&[2])), Err(DecodeError::Version(2)));
    assert_eq!(Record::decode(Bytes::from_static(&[0])), Err(DecodeError::Version(0)));
}

#[test]
fn what_is_cut_short_is_refused_or_ends_with_a_record() {
    let whole = batch();
    let ends: Vec<usize> = (0..=whole.len()).map(|n| Record::encode(&whole[..n]).len()).collect();
    for cut in 0..VERSION_1.len() {
        let read = Record::decode(Bytes::from_static(&VERSION_1[..cut]));
        match ends.iter().position(|end| *end == cut) {
            Some(records) => assert_eq!(read.unwrap()[..], whole[..records]),
            None => assert!(matches!(read, Err(DecodeError::Short(_))), "{cut}: {read:?}"),
        }
    }
}

#[test]
fn no_byte_that_was_changed_makes_it_panic() {
    for at in 0..VERSION_1.len() {
        for byte in 0..=u8::MAX {
            let mut bytes = VERSION_1.to_vec();
            bytes[at] = byte;
            // Most changes give other records: only whoever keeps the bytes can tell.
            let _ = Record::decode(bytes.into());
        }
    }
}

#[test]
fn a_number_beyond_64_bits_is_refused() {
    let mut bytes = vec![1, 9];
    bytes.extend([0xff; 9]);
    let with = |last| [&bytes[..], &[last]].concat();
    assert_eq!(Record::decode(with(1).into()).unwrap(), [Record::Numbered(u64::MAX)]);
    assert!(matches!(Record::decode(with(2).into()), Err(DecodeError::Unknown(..))));
}
