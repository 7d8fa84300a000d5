//! The keys that clients may have, each by a name that shows in logs and lists: while a key is
//! being changed there are two.

use piecework_wire::auth::{self, AuthError, Challenge, Digest, Key};
use std::sync::Arc;

/// The name of a manager's first key.
const FIRST: &str = "default";

/// Every key that lets a client in.
#[derive(Debug)]
pub struct Keyring {
    keys: Vec<Named>,
    md5: bool,
}

/// A key and its name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    key: Key,
}

/// A client that knows one of the keys, and how it showed it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) named: Named,
    bare: Digest,
    md5: bool,
}

impl Keyring {
    /// One key, for all clients.
    pub fn new(key: Key) -> Self {
        Self { keys: vec![Named { name: FIRST.into(), key }], md5: true }
    }

    /// One more key.
    #[must_use]
    pub fn with(mut self, name: &str, key: Key) -> Self {
        self.keys.push(Named { name: name.into(), key });
        self
    }

    /// Refuses clients that know no better digest than MD5: Pythons up to 3.11.
    #[must_use]
    pub fn without_md5(mut self) -> Self {
        self.md5 = false;
        self
    }

    /// How many bytes the shortest key has.
    pub fn len_min(&self) -> usize {
        self.keys.iter().map(|named| named.key.len()).min().unwrap_or_default()
    }

    /// Finds the key that an answer to our challenge was made with.
    pub(crate) fn verify(&self, challenge: &Challenge, answer: &[u8]) -> Result<Known, AuthError> {
        /// Longer than an MD5, and without a digest's name: SHA-256, as Red Hat's Pythons answer.
        const BARE_SHA256: usize = 32;
        let mut why = AuthError::WrongKey;
        for named in &self.keys {
            match challenge.verify(&named.key, answer) {
                Ok(digest) if digest.is_md5() && !self.md5 => return Err(AuthError::Md5),
                Ok(_) => {
                    let sha256 = answer.len() == BARE_SHA256;
                    let bare = if sha256 { Digest::Sha256 } else { Digest::Md5 };
                    return Ok(Known { named: named.clone(), bare, md5: self.md5 });
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}

impl Known {
    /// Answers the client's own challenge with the key that it knows.
    pub(crate) fn answer(&self, challenge: &[u8]) -> Result<Vec<u8>, AuthError> {
        let answer = auth::answer_with(&self.named.key, challenge, self.bare)?;
        let is_md5 = answer.len() == 16 || answer.starts_with(b"{md5}");
        if is_md5 && !self.md5 { Err(AuthError::Md5) } else { Ok(answer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_is_let_in_unless_it_is_not_wanted() {
        let (key, challenge) = (Key::new("abc"), Challenge::new([7; 40]));
        let bare_md5 = challenge.bare_answer(&key, Digest::Md5);
        let named = auth::answer(&key, &challenge.message()).unwrap();
        let lenient = Keyring::new(key.clone());
        assert!(lenient.verify(&challenge, &bare_md5).is_ok());
        let strict = Keyring::new(key).without_md5();
        assert_eq!(strict.verify(&challenge, &bare_md5).unwrap_err(), AuthError::Md5);
        let known = strict.verify(&challenge, &named).unwrap();
        let old_challenge = [auth::CHALLENGE, &[7; 20]].concat();
        assert_eq!(known.answer(&old_challenge).unwrap_err(), AuthError::Md5);
    }

    #[test]
    fn a_bare_sha256_is_answered_alike() {
        let (key, challenge) = (Key::new("abc"), Challenge::new([7; 40]));
        let bare = challenge.bare_answer(&key, Digest::Sha256);
        let known = Keyring::new(key).without_md5().verify(&challenge, &bare).unwrap();
        assert_eq!(known.answer(&[auth::CHALLENGE, &[7; 20]].concat()).unwrap().len(), 32);
    }
}
