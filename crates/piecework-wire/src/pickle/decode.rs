//! Decodes plain data from a pickle, with bounds on its depth and size.
use super::opcode as op;
use super::reader::{Op, Ops, Span, little_endian};
use super::value::Value;
use crate::WireError;

/// How deep values may nest: decoding, comparing and dropping them recurse.
const DEPTH_MAX: usize = 128;
/// The most values one decoding makes; an object counts each time that it is mentioned.
const VALUES_MAX: usize = 1 << 22;
/// The most bytes of str and bytes that one decoding copies, unless the pickle itself is longer.
const COPIED_BYTES_MAX: usize = 64 << 20;

/// Decodes the one value that the opcodes in `span` push. They must not refer to the memo but
/// through MEMOIZE of their own, which holds for a payload's body, and wherever nothing is read.
pub(crate) fn decode(message: &[u8], span: Span) -> Result<Value, WireError> {
    let mut ops = Ops::new(message, span);
    if let Some(op) = ops.next()?
        && op.end == span.end
    {
        return atom(&op, message);
    }
    let mut decoder = Decoder::default();
    let mut ops = Ops::new(message, span);
    while let Some(op) = ops.next()? {
        decoder.step(&op, message)?;
    }
    let [root] = decoder.stack[..] else {
        return Err(WireError::shape("value", "it is not one object"));
    };
    let mut budget =
        Budget { values: VALUES_MAX, bytes: COPIED_BYTES_MAX.max(span.end - span.start) };
    decoder.build(root, 0, &mut budget)
}

/// Reads a str, from whichever opcode says one.
pub(crate) fn text(op: &Op, message: &[u8]) -> Result<String, WireError> {
    let data = op.data.of(message);
    let text = match op.code {
        op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8 => std::str::from_utf8(data).ok(),
        // What Python 2 calls a str is text here when it is ASCII.
        op::SHORT_BINSTRING | op::BINSTRING => {
            std::str::from_utf8(data).ok().filter(|text| text.is_ascii())
        }
        op::UNICODE => {
            return unescape(data).ok_or_else(|| op.error("the text is not Unicode"));
        }
        _ => return Err(op.error("expected a str")),
    };
    text.map(str::to_owned).ok_or_else(|| op.error("the text is not Unicode"))
}

/// Undoes Python's raw-unicode-escape: Latin-1, and `\uXXXX` or `\UXXXXXXXX` for all else.
fn unescape(data: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(data.len());
    let mut rest = data;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = match (byte, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            // What a backslash stands before otherwise is itself, another backslash too.
            (b'\\', Some(&other)) => {
                text.extend(['\\', char::from(other)]);
                rest = after.get(1..)?;
                continue;
            }
            _ => {
                text.push(char::from(byte));
                rest = after;
                continue;
            }
        };
        let hex = std::str::from_utf8(after.get(1..=digits)?).ok()?;
        text.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
        rest = after.get(1 + digits..)?;
    }
    Some(text)
}

/// Decodes what one opcode pushes alone.
fn atom(op: &Op, message: &[u8]) -> Result<Value, WireError> {
    let data = op.data.of(message);
    let line = || std::str::from_utf8(data).unwrap_or_default().trim();
    let number = || op.error("the operand is no number");
    Ok(match op.code {
        op::NONE => Value::None,
        op::NEWTRUE => Value::Bool(true),
        op::NEWFALSE => Value::Bool(false),
        op::INT if data == b"01" => Value::Bool(true),
        op::INT if data == b"00" => Value::Bool(false),
        op::INT => Value::Int(line().parse().map_err(|_| number())?),
        op::LONG => Value::Int(line().trim_end_matches('L').parse().map_err(|_| number())?),
        op::BININT => {
            let bytes = <[u8; 4]>::try_from(data).map_err(|_| number())?;
            Value::Int(i32::from_le_bytes(bytes).into())
        }
        op::BININT1 | op::BININT2 => {
            let width = if op.code == op::BININT1 { 1 } else { 2 };
            let value = little_endian(message, op.data.start, width).unwrap_or_default();
            Value::Int(i64::try_from(value).map_err(|_| number())?)
        }
        op::LONG1 | op::LONG4 => Value::from_twos_complement(data),
        op::FLOAT => Value::Float(line().parse().map_err(|_| number())?),
        op::BINFLOAT => {
            Value::Float(f64::from_be_bytes(<[u8; 8]>::try_from(data).map_err(|_| number())?))
        }
        op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 => Value::Bytes(data.to_vec()),
        op::EMPTY_TUPLE => Value::Tuple(Vec::new()),
        op::EMPTY_LIST => Value::List(Vec::new()),
        op::EMPTY_DICT => Value::Dict(Vec::new()),
        op::SHORT_BINUNICODE
        | op::BINUNICODE
        | op::BINUNICODE8
        | op::SHORT_BINSTRING
        | op::BINSTRING
        | op::UNICODE => Value::Str(text(op, message)?),
        _ => return Err(WireError::NotPlain { what: format!("what {} makes", op.opcode.name) }),
    })
}

/// An object under way: containers hold the numbers of their items, for they may still grow, and
/// may be referred to from several places.
#[derive(Debug)]
enum Node {
    Atom(Value),
    List(Vec<usize>),
    Tuple(Vec<usize>),
    /// Key, value, key, value.
    Dict(Vec<usize>),
}

/// The unpickler's stack machine, for plain data only.
#[derive(Debug, Default)]
struct Decoder {
    nodes: Vec<Node>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: Vec<usize>,
    /// How many items were pushed so far.
    pushed: usize,
}

struct Budget {
    values: usize,
    bytes: usize,
}

impl Decoder {
    fn step(&mut self, op: &Op, message: &[u8]) -> Result<(), WireError> {
        let few = || op.error("the stack has too few items");
        match op.code {
            op::MEMOIZE => self.memo.push(*self.stack.last().ok_or_else(few)?),
            op::BINGET | op::LONG_BINGET => {
                let width = if op.code == op::BINGET { 1 } else { 4 };
                let number = little_endian(message, op.data.start, width);
                let number = number.and_then(|number| usize::try_from(number).ok());
                let node = number.and_then(|number| self.memo.get(number));
                let node = *node.ok_or_else(|| op.error("nothing is stored under this number"))?;
                self.push_node(node)?;
            }
            code if op::fills_memo(code) => {}
            op::FRAME | op::PROTO => {}
            op::MARK => self.marks.push(self.stack.len()),
            op::POP_MARK => drop(self.pop_marked(op)?),
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let count = usize::from(op.code - op::TUPLE1) + 1;
                let first = self.stack.len().checked_sub(count).ok_or_else(few)?;
                let items = self.stack.split_off(first);
                self.push(Node::Tuple(items))?;
            }
            op::TUPLE | op::LIST | op::DICT => {
                let items = self.pop_marked(op)?;
                self.push(match op.code {
                    op::TUPLE => Node::Tuple(items),
                    op::LIST => Node::List(items),
                    _ => Node::Dict(items),
                })?;
            }
            op::APPEND | op::SETITEM => {
                let count = if op.code == op::APPEND { 1 } else { 2 };
                let first = self.stack.len().checked_sub(count).ok_or_else(few)?;
                let items = self.stack.split_off(first);
                self.extend(op, items)?;
            }
            op::APPENDS | op::SETITEMS => {
                let items = self.pop_marked(op)?;
                self.extend(op, items)?;
            }
            op::EMPTY_LIST => self.push(Node::List(Vec::new()))?,
            op::EMPTY_DICT => self.push(Node::Dict(Vec::new()))?,
            _ => self.push(Node::Atom(atom(op, message)?))?,
        }
        Ok(())
    }

    fn push(&mut self, node: Node) -> Result<(), WireError> {
        self.push_node(self.nodes.len())?;
        self.nodes.push(node);
        Ok(())
    }

    fn push_node(&mut self, node: usize) -> Result<(), WireError> {
        if self.pushed == VALUES_MAX {
            return Err(WireError::Limit { what: "values in one object", max: VALUES_MAX });
        }
        self.pushed += 1;
        self.stack.push(node);
        Ok(())
    }

    fn pop_marked(&mut self, op: &Op) -> Result<Vec<usize>, WireError> {
        let floor = self.marks.pop().filter(|floor| *floor <= self.stack.len());
        Ok(self.stack.split_off(floor.ok_or_else(|| op.error("there is no mark"))?))
    }

    fn extend(&mut self, op: &Op, more: Vec<usize>) -> Result<(), WireError> {
        let wants_list = matches!(op.code, op::APPEND | op::APPENDS);
        let target = self.stack.last().and_then(|target| self.nodes.get_mut(*target));
        match target {
            Some(Node::List(items)) if wants_list => items.extend(more),
            Some(Node::Dict(items)) if !wants_list => items.extend(more),
            _ => return Err(op.error("the item below cannot take it")),
        }
        Ok(())
    }

    /// Copies out what a node holds. A container within itself ends at the limit of depth.
    fn build(&self, node: usize, depth: usize, budget: &mut Budget) -> Result<Value, WireError> {
        if depth == DEPTH_MAX {
            return Err(WireError::Limit { what: "depth of a value", max: DEPTH_MAX });
        }
        let left = budget.values.checked_sub(1);
        budget.values =
            left.ok_or(WireError::Limit { what: "values in one object", max: VALUES_MAX })?;
        let mut all = |items: &[usize]| -> Result<Vec<Value>, WireError> {
            items.iter().map(|item| self.build(*item, depth + 1, budget)).collect()
        };
        Ok(match self.nodes.get(node).expect("the stack holds numbers of nodes") {
            Node::List(items) => Value::List(all(items)?),
            Node::Tuple(items) => Value::Tuple(all(items)?),
            Node::Dict(items) => {
                let (mut flat, mut pairs) = (all(items)?.into_iter(), Vec::new());
                while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                    pairs.push((key, value));
                }
                Value::Dict(pairs)
            }
            Node::Atom(value) => {
                let len = match value {
                    Value::Str(text) => text.len(),
                    Value::Bytes(bytes) | Value::Big(bytes) => bytes.len(),
                    _ => 0,
                };
                let what = "bytes of str and bytes in one object";
                let over = WireError::Limit { what, max: COPIED_BYTES_MAX };
                budget.bytes = budget.bytes.checked_sub(len).ok_or(over)?;
                value.clone()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Payload;

    fn pickled(pickle: &[u8]) -> Result<Value, WireError> {
        Payload::from_pickle(pickle)?.value()
    }

    /// The right sides are what CPython's `codecs.raw_unicode_escape_decode` gives.
    #[test]
    fn escapes_are_undone_as_python_does() {
        for (escaped, text) in [
            (r"\u0041".as_bytes(), Some("A")),
            (br"\\u0041", Some(r"\\u0041")),
            (br"\\\u0041", Some(r"\\A")),
            (b"a\\", Some("a\\")),
            (b"\xe9\\U0001F600", Some("é😀")),
            (br"\u00", None),
        ] {
            assert_eq!(unescape(escaped).as_deref(), text, "{}", escaped.escape_ascii());
        }
    }

    #[test]
    fn what_we_write_we_read() {
        let big = vec![0, 0, 0, 0, 0, 0, 0, 0, 1];
        let atoms = [
            Value::None,
            Value::Bool(true),
            Value::Bool(false),
            Value::Big(big),
            Value::Float(-0.5),
            Value::Str("é".repeat(300)),
            Value::Str(String::new()),
            Value::Bytes(vec![0, 255, b'.']),
            Value::Bytes(vec![7; 70_000]),
            Value::Tuple(vec![]),
            Value::List(vec![Value::None; 2_500]),
            Value::Dict(vec![(Value::Str("k".into()), Value::Tuple(vec![Value::Int(1)]))]),
        ];
        for len in 0..6 {
            let items: Vec<Value> = atoms.iter().cycle().skip(len).take(len).cloned().collect();
            let value = Value::Tuple(items);
            assert_eq!(Payload::from_value(&value).value().unwrap(), value);
        }
        for value in atoms {
            assert_eq!(Payload::from_value(&value).value().unwrap(), value);
        }
        let edges = [0, 255, 256, 65_535, 65_536, -1, 1 << 31, -1 << 31, i64::MAX, i64::MIN];
        for value in edges {
            let read = Payload::from_value(&Value::Int(value)).value().unwrap();
            assert!(matches!(read, Value::Int(read) if read == value), "{value} became {read}");
        }
    }

    #[test]
    fn text_protocols_are_read_too() {
        let value = pickled(b"(lp0\nI01\naI-7\naL12L\naF1.5\naVa\\u20ac\xe9\np1\nag1\na.").unwrap();
        assert_eq!(value.to_string(), "[True, -7, 12, 1.5, 'a€é', 'a€é']");
    }

    #[test]
    fn a_shared_list_is_there_each_time() {
        let value = pickled(b"\x80\x04]\x94(]\x94(K\x01K\x02eh\x01h\x01e.").unwrap();
        assert_eq!(value.to_string(), "[[1, 2], [1, 2], [1, 2]]");
    }

    #[test]
    fn a_list_within_itself_ends_at_the_limit() {
        let error = pickled(b"\x80\x04]\x94h\x00a.").unwrap_err();
        assert_eq!(error, WireError::Limit { what: "depth of a value", max: DEPTH_MAX });
    }

    #[test]
    fn what_grows_by_sharing_ends_at_the_limit() {
        // Each list holds the one before it ten times: ten to the twentieth values in 500 bytes.
        let mut pickle = b"\x80\x04(N\x94".to_vec();
        for number in 0..20 {
            pickle.extend(b"](");
            pickle.extend([b'h', number].repeat(10));
            pickle.extend(b"e\x94");
        }
        pickle.extend(b"t.");
        let error = pickled(&pickle).unwrap_err();
        assert_eq!(error, WireError::Limit { what: "values in one object", max: VALUES_MAX });
    }

    #[test]
    fn instances_are_not_plain() {
        let error = pickled(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("what STACK_GLOBAL makes is not plain data"), "{text}");
    }
}
