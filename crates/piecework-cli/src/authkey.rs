//! The secret that manager and clients share: where it comes from, and the file it is kept in.

use crate::folders;
use anyhow::{Context, bail};
use piecework_server::{Address, Key};
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The shortest key that is let out of this machine: 128 bits, if they are random.
pub(crate) const STRONG_BYTES_MIN: usize = 16;

/// The random bytes of a key that we make; twice as many letters in hex.
const MADE_BYTES: usize = 24;

/// Where the key comes from.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AuthkeyArgs {
    /// File that holds the authkey; one trailing newline is not part of it
    ///
    /// Without it the key is PIECEWORK_AUTHKEY, else in the file that PIECEWORK_AUTHKEY_FILE names,
    /// else in the user's own key file, which `piecework serve` makes on its first start.
    #[arg(
        long,
        global = true, // for the commands within a command
        value_name = "FILE",
        env = "PIECEWORK_AUTHKEY_FILE",
        hide_env_values = true
    )]
    pub(crate) authkey_file: Option<PathBuf>,
}

/// A key, and how another process finds it.
#[derive(Debug)]
pub(crate) struct Authkey {
    pub(crate) key: Key,
    pub(crate) source: Source,
}

/// Where a key was found.
#[derive(Debug)]
pub(crate) enum Source {
    Environment,
    File(PathBuf),
}

impl AuthkeyArgs {
    /// Finds the key; `None` if there is none anywhere.
    pub(crate) fn find(&self) -> anyhow::Result<Option<Authkey>> {
        if let Some(file) = &self.authkey_file {
            return read(file).map(Some);
        }
        if let Some(key) = env::var_os("PIECEWORK_AUTHKEY") {
            let key = Key::new(key.into_encoded_bytes());
            return Ok(Some(Authkey { key, source: Source::Environment }));
        }
        let own = own_file()?;
        if own.exists() { read(&own).map(Some) } else { Ok(None) }
    }

    /// Finds the key that a client needs.
    pub(crate) fn require(&self) -> anyhow::Result<Authkey> {
        self.find()?.with_context(|| {
            "no authkey; hint: set PIECEWORK_AUTHKEY or --authkey-file to the manager's key, which \
             `piecework serve` prints or names when it starts"
        })
    }

    /// Finds the key of a manager that starts, and makes one on the first start.
    pub(crate) fn find_or_make(&self) -> anyhow::Result<Authkey> {
        match self.find()? {
            Some(found) => Ok(found),
            None => make(&own_file()?),
        }
    }
}

impl Authkey {
    /// Refuses a weak key as [`check`] does.
    pub(crate) fn check(&self, addresses: &[Address], allowed: bool) -> anyhow::Result<()> {
        check(self.key.len(), addresses, allowed)
    }
}

/// Off this machine a short key is guessed, and whoever has it can put what clients will run.
pub(crate) fn check(weakest: usize, addresses: &[Address], allowed: bool) -> anyhow::Result<()> {
    let beyond = addresses.iter().find(|address| !address.is_local());
    if let Some(address) = beyond
        && weakest < STRONG_BYTES_MIN
        && !allowed
    {
        bail!(
            "an authkey of {weakest} bytes is too weak for {address}; hint: use at least \
             {STRONG_BYTES_MIN} bytes, or say --allow-weak-authkey"
        );
    }
    Ok(())
}

/// Reads a key file.
pub(crate) fn read(file: &Path) -> anyhow::Result<Authkey> {
    let mut key = fs::read(file)
        .with_context(|| format!("cannot read the authkey in '{}'", file.display()))?;
    if key.ends_with(b"\n") {
        key.pop();
        if key.ends_with(b"\r") {
            key.pop();
        }
    }
    if key.is_empty() {
        bail!("the authkey in '{}' is empty; hint: delete the file for a new one", file.display());
    }
    Ok(Authkey { key: Key::new(key), source: Source::File(file.to_owned()) })
}

/// Makes a random key in a file that only its owner reads.
fn make(file: &Path) -> anyhow::Result<Authkey> {
    let failed = || format!("cannot make a key file at '{}'", file.display());
    let mut random = [0; MADE_BYTES];
    getrandom::fill(&mut random).context("no randomness for a new authkey")?;
    let key: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(file);
    match opened {
        // Another manager made one at the same moment.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return read(file),
        opened => writeln!(opened.with_context(failed)?, "{key}").with_context(failed)?,
    }
    Ok(Authkey { key: Key::new(key), source: Source::File(file.to_owned()) })
}

/// The key file that all commands of one user on one machine share.
fn own_file() -> anyhow::Result<PathBuf> {
    let data = folders::data();
    let data =
        data.context("no place for an authkey; hint: PIECEWORK_AUTHKEY or --authkey-file")?;
    Ok(data.join("authkey"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_is_strong_private_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/authkey");
        let made = make(&file).unwrap();
        assert!(made.key.len() >= STRONG_BYTES_MIN && made.key.as_bytes().is_ascii());
        assert_eq!(read(&file).unwrap().key.as_bytes(), made.key.as_bytes());
        assert_eq!(make(&file).unwrap().key.as_bytes(), made.key.as_bytes());
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &fs::metadata(&file).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn one_trailing_newline_is_not_part_of_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        for (written, key) in
            [("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), ("abc\n\n", "abc\n")]
        {
            fs::write(&file, written).unwrap();
            assert_eq!(read(&file).unwrap().key.as_bytes(), key.as_bytes(), "{written:?}");
        }
        fs::write(&file, "\n").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("is empty"));
    }
}
