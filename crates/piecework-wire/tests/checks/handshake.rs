//! The handshake: whatever the peer says, only who knows the key gets in, and nothing panics.
use piecework_wire::auth::{self, AuthError, Challenge, Digest, Key};

/// The digests that a `{prefix}` may name, and how long their HMACs are.
const NAMED: [(&str, usize); 5] =
    [("md5", 16), ("sha256", 32), ("sha384", 48), ("sha3_256", 32), ("sha3_384", 48)];
const BARE: [Digest; 2] = [Digest::Md5, Digest::Sha256];
/// A challenge that names a digest is longer than those of old Pythons.
const RANDOM_BYTES: usize = 40;

/// A byte for the length of the key, the key, and what the peer says.
pub fn check(data: &[u8]) {
    let Some((len, rest)) = data.split_first() else { return };
    let (key, said) = rest.split_at(usize::from(*len % 80).min(rest.len()));
    let key = Key::new(key);
    we_challenge(&key, said);
    they_challenge(&key, said);
}

/// An answer that the peer makes up is refused, the right ones are taken, changed ones are not.
fn we_challenge(key: &Key, said: &[u8]) {
    let challenge = Challenge::new(std::array::from_fn(|at| said.get(at).copied().unwrap_or(7)));
    if said.len() < auth::AUTH_FRAME_BYTES_MAX {
        // Nobody has this key, and the challenge depends on all that the peer could foresee.
        let secret = Key::new(*b"a key that the peer does not know");
        challenge.verify(&secret, said).expect_err("let in without the key");
    }
    let ours = auth::answer(key, &challenge.message()).expect("our own challenge is one");
    assert_eq!(challenge.verify(key, &ours), Ok(Digest::Sha256));
    refuses_when_changed(&challenge, key, ours, said);
    for digest in BARE {
        let bare = challenge.bare_answer(key, digest);
        assert_eq!(challenge.verify(key, &bare), Ok(digest));
        refuses_when_changed(&challenge, key, bare, said);
    }
}

fn refuses_when_changed(challenge: &Challenge, key: &Key, mut answer: Vec<u8>, said: &[u8]) {
    let at = said.first().map_or(0, |byte| usize::from(*byte) % answer.len());
    answer[at] ^= said.last().copied().filter(|byte| *byte != 0).unwrap_or(1);
    assert!(challenge.verify(key, &answer).is_err(), "a changed answer is taken");
}

/// Whatever challenge comes, it is refused or answered in the form that it asks for.
fn they_challenge(key: &Key, said: &[u8]) {
    for bare in BARE {
        for message in [said, &[auth::CHALLENGE, said].concat()] {
            let answer = auth::answer_with(key, message, bare);
            let Some(challenge) = message.strip_prefix(auth::CHALLENGE) else {
                assert!(matches!(answer, Err(AuthError::NotAChallenge(_))));
                continue;
            };
            let Ok(answer) = answer else { continue };
            let expected = match challenge.len() {
                16 | 20 if bare.is_md5() => 16,
                16 | 20 => 32,
                _ => {
                    let named = NAMED.iter().find(|(name, len)| {
                        let prefix = format!("{{{name}}}");
                        answer.starts_with(prefix.as_bytes())
                            && answer.len() == prefix.len() + len
                            && (challenge.starts_with(prefix.as_bytes())
                                || challenge == name.as_bytes())
                    });
                    assert!(named.is_some(), "an answer to {challenge:?} names another digest");
                    answer.len()
                }
            };
            assert_eq!(answer.len(), expected);
        }
    }
    for (name, len) in NAMED {
        let random = said.iter().copied().chain(std::iter::repeat(7)).take(RANDOM_BYTES);
        let prefix = format!("{{{name}}}");
        let challenge: Vec<u8> = prefix.bytes().chain(random).collect();
        let answer = auth::answer(key, &[auth::CHALLENGE, &challenge].concat()).unwrap();
        assert_eq!(answer.len(), prefix.len() + len);
    }
}
