//! Both halves of the challenge: plain MD5 up to Python 3.11, `{digest}` prefixed from 3.12 on.
//!
//! Each side sends `#CHALLENGE#` and a message, and gets back the HMAC of that message under the
//! shared key. The HMAC covers the whole message, a `{digest}` at its front included.
use std::fmt;

use hmac::digest::block_api::BlockSizeUser;
use hmac::{KeyInit, Mac, SimpleHmac};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// The longest frame either side reads during authentication; CPython has the same bound.
pub const AUTH_FRAME_BYTES_MAX: usize = 256;
/// Opens the frame that carries a challenge.
pub const CHALLENGE: &[u8] = b"#CHALLENGE#";
/// The frame that says that the answer was right.
pub const WELCOME: &[u8] = b"#WELCOME#";
/// The frame that says that the answer was wrong.
pub const FAILURE: &[u8] = b"#FAILURE#";

/// The digest that our own challenges ask for.
const PROPOSED: Digest = Digest::Sha256;
/// Challenges up to Python 3.11 are 20 bytes without a prefix; 3.12 and later treat 16 alike.
/// The length decides before the prefix does, since random bytes may begin with `{`.
const LEGACY_LENS: [usize; 2] = [16, 20];
/// Red Hat's Pythons up to 3.11 answer with a bare HMAC-SHA256 instead of MD5, told by its length.
const BARE_SHA256_LEN: usize = 32;
/// Shorter challenges are refused, as CPython does: they could be foreseen and replayed.
const CHALLENGE_BYTES_MIN: usize = 16;

/// The shared secret of a manager and its clients.
///
/// ```
/// use piecework_wire::auth::Key;
///
/// assert_eq!(format!("{:?}", Key::new("abc")), "Key(3 bytes, hidden)");
/// ```
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl Key {
    /// Wraps the bytes of an authkey; any length is legal, also none.
    ///
    /// ```
    /// # use piecework_wire::auth::Key;
    /// let (text, bytes) = (Key::new("abc"), Key::new([0x61, 0x62, 0x63]));
    /// assert_eq!(text.as_bytes(), bytes.as_bytes());
    /// ```
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes of the key.
    ///
    /// ```
    /// # use piecework_wire::auth::Key;
    /// assert_eq!(Key::new("abc").as_bytes(), b"abc");
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns how many bytes the key has.
    ///
    /// ```
    /// # use piecework_wire::auth::Key;
    /// assert_eq!(Key::new("abc").len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the key is empty, and so keeps nobody out.
    ///
    /// ```
    /// # use piecework_wire::auth::Key;
    /// assert!(Key::new("").is_empty() && !Key::new("abc").is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bytes, hidden)", self.0.len())
    }
}

/// Why a challenge or an answer was not accepted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The answer is well formed and wrong.
    #[error(
        "the peer's answer does not fit our authkey; hint: both sides must use the same authkey"
    )]
    WrongKey,
    /// The answer has no form that any Python version uses.
    #[error("answer of {len} bytes has no known form; hint: the peer may speak another protocol")]
    UnknownAnswer {
        /// How long it was.
        len: usize,
    },
    /// The frame that should hold a challenge does not begin as one.
    #[error("expected a challenge, got {0:?}; hint: the peer may speak another protocol")]
    NotAChallenge(String),
    /// The challenge is too short to be safe.
    #[error("challenge of {len} bytes is under the least of {CHALLENGE_BYTES_MIN}")]
    ShortChallenge {
        /// How long it was.
        len: usize,
    },
    /// The peer knows the key, but no better digest than MD5, and that is not wanted.
    #[error(
        "the peer uses MD5, which is refused here; hint: Python 3.12 or later, or --min-digest md5"
    )]
    Md5,
    /// The challenge names a digest that is not in [`Digest`].
    #[error("challenge asks for a digest that is not supported: {0:?}")]
    UnknownDigest(String),
}

/// The digests that managers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// The only one up to Python 3.11; answers carry no prefix there.
    Md5,
    /// What Python 3.12 and later, and we, propose.
    Sha256,
    /// Accepted from Python 3.12 on.
    Sha384,
    /// Accepted from Python 3.12 on.
    Sha3_256,
    /// Accepted from Python 3.12 on.
    Sha3_384,
}

impl Digest {
    const ALL: [Self; 5] = [Self::Md5, Self::Sha256, Self::Sha384, Self::Sha3_256, Self::Sha3_384];

    /// Returns the name that stands between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha3_256 => "sha3_256",
            Self::Sha3_384 => "sha3_384",
        }
    }

    /// Returns whether it is MD5, which nobody needs who can do without Pythons up to 3.11.
    pub fn is_md5(self) -> bool {
        self == Self::Md5
    }

    fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.name().as_bytes() == name)
    }

    fn mac(self, key: &Key, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => mac::<md5::Md5>(key, message),
            Self::Sha256 => mac::<sha2::Sha256>(key, message),
            Self::Sha384 => mac::<sha2::Sha384>(key, message),
            Self::Sha3_256 => mac::<sha3::Sha3_256>(key, message),
            Self::Sha3_384 => mac::<sha3::Sha3_384>(key, message),
        }
    }
}

fn mac<D: hmac::digest::Digest + BlockSizeUser>(key: &Key, message: &[u8]) -> Vec<u8> {
    let mut mac =
        SimpleHmac::<D>::new_from_slice(&key.0).expect("an HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// A challenge of ours, kept until its answer arrives.
#[derive(Debug)]
pub struct Challenge {
    message: Vec<u8>,
}

impl Challenge {
    /// Makes a challenge of 40 bytes that nobody can foresee.
    pub fn new(random: [u8; 40]) -> Self {
        let mut message = prefix(PROPOSED);
        message.extend_from_slice(&random);
        Self { message }
    }

    /// Returns the body of the frame to send.
    pub fn message(&self) -> Vec<u8> {
        [CHALLENGE, &self.message].concat()
    }

    /// Returns the answer of a client that names no digest: Python up to 3.11 with MD5, Red Hat's
    /// with SHA-256. For whoever plays one.
    pub fn bare_answer(&self, key: &Key, digest: Digest) -> Vec<u8> {
        digest.mac(key, &self.message)
    }

    /// Checks the peer's answer in constant time, and returns the digest it chose.
    ///
    /// A peer may choose any digest, whatever was proposed: up to Python 3.11 it knows only MD5,
    /// or, as Red Hat ships it, only SHA-256 without a prefix.
    ///
    /// # Errors
    /// The answer was made with another key, or has no known form.
    pub fn verify(&self, key: &Key, answer: &[u8]) -> Result<Digest, AuthError> {
        let unknown = AuthError::UnknownAnswer { len: answer.len() };
        let (digest, given) = match answer.len() {
            len if LEGACY_LENS.contains(&len) => (Digest::Md5, answer),
            BARE_SHA256_LEN => (Digest::Sha256, answer),
            _ => {
                let (name, given) = split_prefix(answer).ok_or_else(|| unknown.clone())?;
                (Digest::from_name(name).ok_or(unknown)?, given)
            }
        };
        let right = digest.mac(key, &self.message).ct_eq(given);
        if bool::from(right) { Ok(digest) } else { Err(AuthError::WrongKey) }
    }
}

/// Answers a peer's challenge: `message` is the whole frame, `#CHALLENGE#` included.
///
/// # Errors
/// The frame is no challenge, or one that cannot be answered safely.
pub fn answer(key: &Key, message: &[u8]) -> Result<Vec<u8>, AuthError> {
    answer_with(key, message, Digest::Md5)
}

/// The same; a challenge that names no digest is answered with `bare`: the one that the peer itself
/// has answered with, for Red Hat's patched Pythons know no other.
///
/// # Errors
/// The frame is no challenge, or one that cannot be answered safely.
pub fn answer_with(key: &Key, message: &[u8], bare: Digest) -> Result<Vec<u8>, AuthError> {
    let Some(challenge) = message.strip_prefix(CHALLENGE) else {
        return Err(AuthError::NotAChallenge(shown(message)));
    };
    if challenge.len() < CHALLENGE_BYTES_MIN {
        return Err(AuthError::ShortChallenge { len: challenge.len() });
    }
    if LEGACY_LENS.contains(&challenge.len()) {
        return Ok(bare.mac(key, challenge));
    }
    let name = split_prefix(challenge).map_or(challenge, |(name, _)| name);
    let digest = Digest::from_name(name).ok_or_else(|| AuthError::UnknownDigest(shown(name)))?;
    let mut answer = prefix(digest);
    answer.extend(digest.mac(key, challenge));
    Ok(answer)
}

fn prefix(digest: Digest) -> Vec<u8> {
    format!("{{{}}}", digest.name()).into_bytes()
}

/// Splits `{name}rest`. Names are short: the brace is looked for where CPython looks for it.
fn split_prefix(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    const NAME_BYTES_MAX: usize = 8;
    let rest = bytes.strip_prefix(b"{")?;
    let end = rest.iter().take(NAME_BYTES_MAX + 1).position(|byte| *byte == b'}')?;
    Some((rest.get(..end)?, rest.get(end + 1..)?))
}

/// The first bytes of what a peer sent, fit for a message to people.
fn shown(bytes: &[u8]) -> String {
    const SHOWN_BYTES: usize = 20;
    bytes.iter().take(SHOWN_BYTES).flat_map(|byte| byte.escape_ascii()).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge() -> Challenge {
        Challenge::new(std::array::from_fn(|at| at as u8))
    }

    #[test]
    fn every_digest_answers_every_challenge() {
        let (key, challenge) = (Key::new("abc"), challenge());
        for digest in Digest::ALL {
            let mut answer = prefix(digest);
            answer.extend(digest.mac(&key, &challenge.message));
            assert_eq!(challenge.verify(&key, &answer), Ok(digest));
            answer[12] ^= 1;
            assert_eq!(challenge.verify(&key, &answer), Err(AuthError::WrongKey), "{digest:?}");
        }
        let legacy = Digest::Md5.mac(&key, &challenge.message);
        assert_eq!(challenge.verify(&key, &legacy), Ok(Digest::Md5));
        assert_eq!(challenge.verify(&Key::new("abd"), &legacy), Err(AuthError::WrongKey));
    }

    /// As Red Hat patches Pythons up to 3.11: SHA-256 in the place of MD5, and still no prefix.
    #[test]
    fn bare_sha256_is_told_by_its_length_and_answered_alike() {
        let (key, challenge) = (Key::new("abc"), challenge());
        let bare = Digest::Sha256.mac(&key, &challenge.message);
        assert_eq!(challenge.verify(&key, &bare), Ok(Digest::Sha256));
        assert_eq!(challenge.verify(&Key::new("abd"), &bare), Err(AuthError::WrongKey));
        let theirs = [7; 20];
        let answer = answer_with(&key, &[CHALLENGE, &theirs].concat(), Digest::Sha256).unwrap();
        assert_eq!(answer, Digest::Sha256.mac(&key, &theirs));
    }

    #[test]
    fn answers_without_a_known_form_are_refused() {
        let key = Key::new("abc");
        let answers: [&[u8]; 6] =
            [b"", b"{sha256}", b"{sha512}0123", b"{sha256", b"#WELCOME#", b"{sha3_2567}0123456789"];
        for answer in answers {
            let refused = challenge().verify(&key, answer).unwrap_err();
            let wrong_length = answer == b"{sha256}";
            let expected = AuthError::UnknownAnswer { len: answer.len() };
            assert_eq!(refused, if wrong_length { AuthError::WrongKey } else { expected });
        }
        assert_eq!(challenge().verify(&key, &[0; 20]), Err(AuthError::WrongKey));
    }

    #[test]
    fn challenges_of_each_age_are_answered_in_their_form() {
        let key = Key::new("abc");
        let asked = |challenge: &[u8]| answer(&key, &[CHALLENGE, challenge].concat());
        assert_eq!(asked(&[b'{'; 20]).unwrap().len(), 16);
        assert_eq!(asked(&[b'{'; 16]).unwrap().len(), 16);
        let modern = asked(&[&b"{sha3_384}"[..], &[7; 40]].concat()).unwrap();
        assert_eq!(modern.len(), b"{sha3_384}".len() + 48);
        assert_eq!(asked(&[7; 15]), Err(AuthError::ShortChallenge { len: 15 }));
        let unknown = asked(b"{sha1}0123456789012345").unwrap_err();
        assert_eq!(unknown, AuthError::UnknownDigest("sha1".to_owned()));
        let other = answer(&key, b"SSH-2.0-OpenSSH\r\n").unwrap_err();
        assert_eq!(other, AuthError::NotAChallenge("SSH-2.0-OpenSSH\\r\\n".to_owned()));
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", Key::new("secret")), "Key(6 bytes, hidden)");
    }
}
