//! Items of 32 bytes, each with a number of its own, so that none is taken for another.

use std::io::Write as _;

/// How long an item is.
pub(crate) const ITEM_BYTES: usize = 32;

/// How every item begins; its number follows.
const MARK: &[u8] = b"item ";

/// A number has so many hexadecimal digits.
const DIGITS: usize = 16;

/// An item whose number is 0.
pub(crate) fn blank() -> Vec<u8> {
    let mut item = [MARK, &[b'0'; DIGITS]].concat();
    item.resize(ITEM_BYTES, b'.');
    item
}

/// The number of an item.
pub(crate) fn number(item: &[u8]) -> Result<u64, String> {
    let digits = item.strip_prefix(MARK).and_then(|rest| rest.get(..DIGITS));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.filter(|_| item.len() == ITEM_BYTES).ok_or_else(|| {
        format!("no item of {ITEM_BYTES} bytes: {:?}", String::from_utf8_lossy(item))
    })
}

/// The number of the one item in a message.
pub(crate) fn find(message: &[u8]) -> Result<u64, String> {
    let at = message.windows(MARK.len()).rposition(|window| window == MARK);
    let item = at.and_then(|at| message.get(at..at + ITEM_BYTES));
    number(item.ok_or_else(|| format!("no item in {:?}", String::from_utf8_lossy(message)))?)
}

/// How many items a message holds.
pub(crate) fn count(message: &[u8]) -> u64 {
    let (mut rest, mut items) = (message, 0);
    // Items are not looked at: they cannot hold another, and what is between them is short.
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        rest = rest.get(at + ITEM_BYTES..).unwrap_or_default();
        items += 1;
    }
    items
}

/// A request that holds an item, made once; only the number is written anew each time.
#[derive(Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    /// Where the digits of the number begin.
    digits: usize,
}

impl Template {
    /// Finds the blank item in a request.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let blank = blank();
        let at = bytes.windows(ITEM_BYTES).position(|window| window == blank);
        let digits = at.expect("a request that holds an item") + MARK.len();
        Self { bytes, digits }
    }

    /// How long the request is.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The request with an item of this number.
    pub(crate) fn with(&mut self, number: u64) -> &[u8] {
        let digits = self.bytes.get_mut(self.digits..self.digits + DIGITS);
        let mut digits = digits.expect("the item is within the request");
        write!(digits, "{number:0DIGITS$x}").expect("16 digits are enough for 64 bits");
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_goes_in_and_comes_out() {
        let mut request = Template::new([b"put ", &blank()[..], b"\r\n"].concat());
        for wanted in [0, 1, 0xdead_beef, u64::MAX, 7] {
            let request = request.with(wanted);
            assert_eq!((&request[..4], request.len()), (&b"put "[..], ITEM_BYTES + 6));
            assert_eq!(number(&request[4..][..ITEM_BYTES]), Ok(wanted));
        }
    }

    #[test]
    fn items_are_found_and_counted_in_messages() {
        let message = [b"<", &blank()[..], b", ", &blank()[..], b">"].concat();
        assert_eq!((count(&message), find(&message)), (2, Ok(0)));
        assert_eq!(count(b"item"), 0);
        assert!(find(&blank()[1..]).is_err());
    }

    #[test]
    fn what_is_no_item_has_no_number() {
        let long = [&blank()[..], b"."].concat();
        for wrong in [&b""[..], b"item 0", &blank()[1..], &long, &[b'x'; ITEM_BYTES]] {
            assert!(number(wrong).is_err(), "{wrong:?}");
        }
    }
}
