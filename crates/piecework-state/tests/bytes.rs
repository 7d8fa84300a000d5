//! Records as bytes: damaged ones are refused, and those of every version are read for ever. That
//! all kinds come back as they were is seen in every other test (`World::note`).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

use bytes::Bytes;
use piecework_state::{
    AckMode, Attempt, DecodeError, Ended, Item, ItemId, Key, Kind, ObjectId, Order, Place, QueueId,
    QueueOptions, Rare, Record, Row, SessionId, Standing, Time,
};
use smallvec::smallvec;
use std::time::Duration;

const QUEUE: QueueId = QueueId(2);

/// One of each kind that version 1 knows, with every field set that it has.
fn batch_of_version_1() -> Vec<Record> {
    let attempt = Attempt {
        name: "".into(),
        address: "".into(),
        session: SessionId(300),
        began: Time::from_micros(1),
        ended: Time::from_micros(2),
        how: Ended::RunOut,
        counted: true,
    };
    batch(attempt, Time::default(), b"", &QueueOptions::default())
}

/// One of each kind, with every field set.
fn batch_of_version_3() -> Vec<Record> {
    let object = ObjectId(20);
    let key = |same: Option<&[u8]>| {
        Some(Key { same: same.map(Into::into), bytes: Bytes::from_static(b"N.") })
    };
    let row = |place, key| Row { place, key, value: Bytes::from_static(b"v") };
    let rows = vec![row(21, None), row(22, key(None)), row(1 << 61, key(Some(b"same")))];
    let mut batch = batch_of_version_2();
    let kinds = [Kind::Value, Kind::Namespace, Kind::List, Kind::Dict, Kind::Set];
    let made = |kind| Record::Object { object, name: "dict".into(), kind };
    batch.extend(kinds.map(made));
    batch.push(Record::Rows { object, rows });
    batch.push(Record::RowsGone(object, vec![22, 23]));
    batch.push(Record::Emptied(object));
    batch
}

/// One of each kind that version 2 knows, with every field set that it has.
fn batch_of_version_2() -> Vec<Record> {
    let Some(Record::Returned { attempt, .. }) = batch_of_version_1().into_iter().nth(4) else {
        panic!("the fifth is of that kind");
    };
    let attempt = Attempt { name: "MainProcess".into(), address: "10.0.0.7".into(), ..attempt };
    let options = QueueOptions {
        once: Duration::from_micros(15),
        maxbytes: 16,
        expire: Some(Duration::from_micros(17)),
        order: Order::Lifo,
        more: "more".to_owned(),
        ..QueueOptions::default()
    };
    let mut batch = batch(attempt, Time::from_micros(18), b"order", &options);
    batch.push(Record::Revived(QUEUE, ItemId(3), Time::from_micros(19)));
    batch.push(Record::Key { queue: QUEUE, key: "key".into(), until: Time::from_micros(13) });
    batch.push(Record::Forgotten(QUEUE, Time::from_micros(14)));
    batch
}

fn batch(attempt: Attempt, at: Time, order: &'static [u8], more: &QueueOptions) -> Vec<Record> {
    let order = Bytes::from_static(order);
    let rare = Rare { history: vec![attempt.clone()], ready_at: at, order };
    let item = Item {
        id: ItemId(3),
        place: Place(4),
        payload: Bytes::from_static(b"N.").into(),
        stop: true,
        put_at: Time::from_micros(u64::MAX),
        attempts: 1,
        rare: Some(Box::new(rare)),
        reply_to: None,
    };
    let options = QueueOptions {
        ack: AckMode::Answered { answers: QueueId(1) },
        maxsize: 5,
        attempts: 6,
        lease: Some(Duration::from_micros(7)),
        ..more.clone()
    };
    let due = Some(Time::from_micros(8));
    let acked = smallvec![(QUEUE, ItemId(9))];
    vec![
        Record::Numbered(10),
        Record::Queue { queue: QUEUE, name: "task".into(), options },
        Record::Put { queue: QUEUE, items: smallvec![item.clone()], due, acked },
        Record::Acked(QUEUE, ItemId(3)),
        Record::Returned { queue: QUEUE, item: ItemId(3), attempt: attempt.clone(), due },
        Record::Ready(QUEUE, ItemId(3), Place(11), at),
        Record::Died { queue: QUEUE, item: ItemId(3), attempt },
        Record::Purged { queue: QUEUE, spared: vec![ItemId(3)] },
        Record::Item { queue: QUEUE, item, standing: Standing::Delayed(Time::from_micros(12)) },
    ]
}

/// What version 1 wrote. It stays as it is, whatever later versions write.
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

/// What version 2 wrote.
#[rustfmt::skip]
const VERSION_2: &[u8] = &[
    0x02, 0x09, 0x0a, 0x01, 0x02, 0x04, 0x74, 0x61, 0x73, 0x6b, 0x02, 0x01, 0x05, 0x06, 0x01, 0x07,
    0x0f, 0x10, 0x01, 0x11, 0x03, 0x04, 0x6d, 0x6f, 0x72, 0x65, 0x02, 0x02, 0x01, 0x03, 0x04, 0x02,
    0x4e, 0x2e, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x01, 0x01, 0x01,
    0xac, 0x02, 0x01, 0x02, 0x05, 0x01, 0x0b, 0x4d, 0x61, 0x69, 0x6e, 0x50, 0x72, 0x6f, 0x63, 0x65,
    0x73, 0x73, 0x08, 0x31, 0x30, 0x2e, 0x30, 0x2e, 0x30, 0x2e, 0x37, 0x12, 0x05, 0x6f, 0x72, 0x64,
    0x65, 0x72, 0x01, 0x08, 0x01, 0x02, 0x09, 0x03, 0x02, 0x03, 0x04, 0x02, 0x03, 0xac, 0x02, 0x01,
    0x02, 0x05, 0x01, 0x0b, 0x4d, 0x61, 0x69, 0x6e, 0x50, 0x72, 0x6f, 0x63, 0x65, 0x73, 0x73, 0x08,
    0x31, 0x30, 0x2e, 0x30, 0x2e, 0x30, 0x2e, 0x37, 0x01, 0x08, 0x05, 0x02, 0x03, 0x0b, 0x12, 0x06,
    0x02, 0x03, 0xac, 0x02, 0x01, 0x02, 0x05, 0x01, 0x0b, 0x4d, 0x61, 0x69, 0x6e, 0x50, 0x72, 0x6f,
    0x63, 0x65, 0x73, 0x73, 0x08, 0x31, 0x30, 0x2e, 0x30, 0x2e, 0x30, 0x2e, 0x37, 0x07, 0x02, 0x01,
    0x03, 0x08, 0x02, 0x03, 0x04, 0x02, 0x4e, 0x2e, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0x01, 0x01, 0x01, 0x01, 0xac, 0x02, 0x01, 0x02, 0x05, 0x01, 0x0b, 0x4d, 0x61, 0x69,
    0x6e, 0x50, 0x72, 0x6f, 0x63, 0x65, 0x73, 0x73, 0x08, 0x31, 0x30, 0x2e, 0x30, 0x2e, 0x30, 0x2e,
    0x37, 0x12, 0x05, 0x6f, 0x72, 0x64, 0x65, 0x72, 0x02, 0x0c, 0x0a, 0x02, 0x03, 0x13, 0x0b, 0x02,
    0x03, 0x6b, 0x65, 0x79, 0x0d, 0x0c, 0x02, 0x0e,
];

/// What version 3 writes behind that.
#[rustfmt::skip]
const SINCE_VERSION_3: &[u8] = &[
    0x0d, 0x14, 0x04, 0x64, 0x69, 0x63, 0x74, 0x01, 0x0d, 0x14, 0x04, 0x64, 0x69, 0x63, 0x74, 0x02,
    0x0d, 0x14, 0x04, 0x64, 0x69, 0x63, 0x74, 0x03, 0x0d, 0x14, 0x04, 0x64, 0x69, 0x63, 0x74, 0x04,
    0x0d, 0x14, 0x04, 0x64, 0x69, 0x63, 0x74, 0x05, 0x0e, 0x14, 0x03, 0x15, 0x00, 0x01, 0x76, 0x16,
    0x01, 0x00, 0x02, 0x4e, 0x2e, 0x01, 0x76, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20,
    0x01, 0x01, 0x04, 0x73, 0x61, 0x6d, 0x65, 0x02, 0x4e, 0x2e, 0x01, 0x76, 0x0f, 0x14, 0x02, 0x16,
    0x17, 0x10, 0x14,
];

fn version_3() -> Vec<u8> {
    let mut bytes = [VERSION_2, SINCE_VERSION_3].concat();
    bytes[0] = 3;
    bytes
}

#[test]
fn all_versions_are_read_for_ever() {
    assert_eq!(Record::decode(Bytes::from_static(VERSION_1)).unwrap(), batch_of_version_1());
    assert_eq!(Record::decode(Bytes::from_static(VERSION_2)).unwrap(), batch_of_version_2());
    let written = Record::encode(&batch_of_version_3());
    assert_eq!(written, version_3(), "a change of bytes is a new version");
    assert_eq!(Record::decode(version_3().into()).unwrap(), batch_of_version_3());
}

#[test]
fn a_later_version_is_refused() {
    assert_eq!(Record::decode(Bytes::from_static(&[4])), Err(DecodeError::Version(4)));
    assert_eq!(Record::decode(Bytes::from_static(&[0])), Err(DecodeError::Version(0)));
}

#[test]
fn a_kind_of_record_is_not_in_versions_before_its_own() {
    let mut bytes = Record::encode(&[Record::Forgotten(QUEUE, Time::from_micros(1))]);
    bytes[0] = 1;
    assert!(matches!(Record::decode(bytes.into()), Err(DecodeError::Unknown(..))));
    let mut bytes = Record::encode(&[Record::Emptied(ObjectId(1))]);
    bytes[0] = 2;
    assert!(matches!(Record::decode(bytes.into()), Err(DecodeError::Unknown(..))));
}

#[test]
fn what_is_cut_short_is_refused_or_ends_with_a_record() {
    let whole = batch_of_version_3();
    let ends: Vec<usize> = (0..=whole.len()).map(|n| Record::encode(&whole[..n]).len()).collect();
    let bytes = Bytes::from(version_3());
    for cut in 0..bytes.len() {
        let read = Record::decode(bytes.slice(..cut));
        match ends.iter().position(|end| *end == cut) {
            Some(records) => assert_eq!(read.unwrap()[..], whole[..records]),
            None => assert!(matches!(read, Err(DecodeError::Short(_))), "{cut}: {read:?}"),
        }
    }
}

#[test]
fn no_byte_that_was_changed_makes_it_panic() {
    for version in [VERSION_1.to_vec(), VERSION_2.to_vec(), version_3()] {
        for at in 0..version.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = version.clone();
                bytes[at] = byte;
                // Most changes give other records: only whoever keeps the bytes can tell.
                let _ = Record::decode(bytes.into());
            }
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
