//! Objects that are kept: what records do to their tables, and how these become records again.

use super::columns::{Done, int, number, unknown};
use piecework_state::{Key, Kind, ObjectId, Record, Row};
use rusqlite::{Connection, Error, params};

const OBJECT: &str = "INSERT INTO objects VALUES (?1, ?2, ?3)";
const ROW: &str = "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT (object, place) DO UPDATE SET key = ?3, same = ?4, value = ?5";
const GONE: &str = "DELETE FROM entries WHERE object = ?1 AND place = ?2";
const EMPTIED: &str = "DELETE FROM entries WHERE object = ?1";
const OBJECTS: &str = "SELECT id, name, kind FROM objects ORDER BY id";
const ENTRIES: &str = "SELECT object, place, key, same, value FROM entries ORDER BY object, place";

/// A new object.
pub(super) fn object(to: &Connection, object: ObjectId, name: &str, kind: Kind) -> Done {
    to.prepare_cached(OBJECT)?.execute(params![int(object.0), name, kind.name()])?;
    Ok(())
}

/// Rows that are new, or others than before.
pub(super) fn rows(to: &Connection, object: ObjectId, rows: &[Row]) -> Done {
    let mut statement = to.prepare_cached(ROW)?;
    for Row { place, key, value } in rows {
        let (key, same) = match key {
            Some(Key { same, bytes }) => (Some(&bytes[..]), same.as_deref()),
            None => (None, None),
        };
        statement.execute(params![int(object.0), int(*place), key, same, &value[..]])?;
    }
    Ok(())
}

/// Rows that are there no more.
pub(super) fn gone(to: &Connection, object: ObjectId, places: &[u64]) -> Done {
    let mut statement = to.prepare_cached(GONE)?;
    for place in places {
        statement.execute(params![int(object.0), int(*place)])?;
    }
    Ok(())
}

/// No row is there any more.
pub(super) fn emptied(to: &Connection, object: ObjectId) -> Done {
    to.prepare_cached(EMPTIED)?.execute(params![int(object.0)])?;
    Ok(())
}

/// The objects, and then their rows.
pub(super) fn each(tables: &Connection, take: &mut impl FnMut(Record)) -> Result<(), Error> {
    let mut objects = tables.prepare(OBJECTS)?;
    let mut found = objects.query(())?;
    while let Some(row) = found.next()? {
        let kind = row.get_ref(2)?.as_str()?;
        let kind = Kind::of(kind).ok_or_else(|| unknown(2, kind))?;
        take(Record::Object { object: ObjectId(number(row, 0)?), name: row.get(1)?, kind });
    }
    let mut entries = tables.prepare(ENTRIES)?;
    let mut found = entries.query(())?;
    while let Some(row) = found.next()? {
        let same: Option<Vec<u8>> = row.get(3)?;
        let same = same.map(Vec::into_boxed_slice);
        let key = row.get::<_, Option<Vec<u8>>>(2)?.map(|key| Key { same, bytes: key.into() });
        let value = row.get::<_, Vec<u8>>(4)?.into();
        let rows = vec![Row { place: number(row, 1)?, key, value }];
        take(Record::Rows { object: ObjectId(number(row, 0)?), rows });
    }
    Ok(())
}
