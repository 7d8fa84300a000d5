//! How an address is written: `HOST:PORT`, or the path of a Unix socket.

use std::ffi::OsStr;
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The port of a manager where none is named: the tutorials' own.
pub const PORT: u16 = 5000;

/// The longest path of a Unix socket: the room that the kernel has for it, and a zero at its end.
const PATH_BYTES_MAX: usize = 107;

/// Where a manager is.
///
/// ```
/// use piecework_net::{Address, PORT};
///
/// assert_eq!("10.0.0.5".parse(), Ok(Address::Tcp(format!("10.0.0.5:{PORT}"))));
/// assert_eq!("./socket".parse(), Ok(Address::Unix("./socket".into())));
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Address {
    /// `HOST:PORT`.
    Tcp(String),
    /// The path of a Unix socket. One that begins with a zero byte names no file: it is in Linux's
    /// abstract namespace, written `unix:@NAME`.
    Unix(PathBuf),
}

/// Why a text is no address.
///
/// ```
/// use piecework_net::{Address, AddressError};
///
/// let error: AddressError = "".parse::<Address>().unwrap_err();
/// assert_eq!(error.to_string(), "'' is no address: expected HOST:PORT or unix:PATH");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl Address {
    /// The path of a Unix socket, as Python programs write it: a zero byte first where it is
    /// abstract.
    ///
    /// ```
    /// # use piecework_net::Address;
    /// assert_eq!(Address::unix("/run/piecework")?.to_string(), "unix:/run/piecework");
    /// assert!(Address::unix("x".repeat(200)).is_err());
    /// # Ok::<(), piecework_net::AddressError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is empty or too long for a socket.
    pub fn unix(path: impl Into<PathBuf>) -> Result<Self, AddressError> {
        let path = path.into();
        let bytes = path.as_os_str().as_bytes();
        let refuse = |why| Err(AddressError { text: Self::Unix(path.clone()).to_string(), why });
        match bytes {
            [] | [0] => refuse("expected the path of a socket"),
            [first, rest @ ..]
                if rest.contains(&0) || (*first == 0 && cfg!(target_os = "macos")) =>
            {
                refuse("a path holds no zero byte")
            }
            _ if bytes.len() > PATH_BYTES_MAX => {
                refuse("the path of a Unix socket has at most 107 bytes; hint: a shorter folder")
            }
            _ => Ok(Self::Unix(path)),
        }
    }

    /// Whether nobody beyond this machine can reach it, as far as the text tells.
    ///
    /// ```
    /// # use piecework_net::Address;
    /// assert!("localhost:5000".parse::<Address>()?.is_local());
    /// assert!(!"10.0.0.5:5000".parse::<Address>()?.is_local());
    /// # Ok::<(), piecework_net::AddressError>(())
    /// ```
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(address) => {
                let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
                let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
                host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
            }
        }
    }

    /// The socket's path, where it is a file.
    ///
    /// ```
    /// # use piecework_net::Address;
    /// let (socket, tcp): (Address, Address) = ("/run/piecework".parse()?, "10.0.0.5".parse()?);
    /// assert_eq!(socket.file(), Some("/run/piecework".as_ref()));
    /// assert_eq!(tcp.file(), None);
    /// # Ok::<(), piecework_net::AddressError>(())
    /// ```
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) if !path.as_os_str().as_bytes().starts_with(&[0]) => Some(path),
            _ => None,
        }
    }

    /// Its IP address and port, where it is written in numbers.
    ///
    /// ```
    /// # use piecework_net::Address;
    /// let (numbers, name): (Address, Address) = ("10.0.0.5:99".parse()?, "example.org".parse()?);
    /// assert_eq!(numbers.socket_addr(), Some(([10, 0, 0, 5], 99).into()));
    /// assert_eq!(name.socket_addr(), None); // that is for a resolver
    /// # Ok::<(), piecework_net::AddressError>(())
    /// ```
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => address.parse().ok(),
            Self::Unix(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads `HOST:PORT`, `HOST` (then [`PORT`] is meant), `unix:PATH`, `unix:@NAME`, or a path
    /// that begins with `/` or `.`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix("unix:") {
            Some(path) => match path.strip_prefix('@') {
                Some(name) => Self::unix(format!("\0{name}")),
                None => Self::unix(path),
            },
            None if text.starts_with(['/', '.']) => Self::unix(text),
            None if text.is_empty() => {
                Err(AddressError { text: String::new(), why: "expected HOST:PORT or unix:PATH" })
            }
            None => Ok(Self::Tcp(with_port(text))),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address.to_string())
    }
}

/// Adds the usual port where none is named; an IPv6 address needs brackets to name one.
fn with_port(address: &str) -> String {
    let colons = address.matches(':').count();
    match address.rsplit_once(':') {
        _ if colons > 1 && !address.starts_with('[') => format!("[{address}]:{PORT}"),
        Some((_, port)) if !port.ends_with(']') => address.to_owned(),
        _ => format!("{address}:{PORT}"),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => match path.as_os_str().as_bytes() {
                [0, name @ ..] => {
                    write!(f, "unix:@{}", Path::new(OsStr::from_bytes(name)).display())
                }
                _ => write!(f, "unix:{}", path.display()),
            },
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is no address: {}", self.text, self.why)
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        let cases = [
            ("example.org", "example.org:5000"),
            ("example.org:80", "example.org:80"),
            ("10.0.0.5", "10.0.0.5:5000"),
            ("::1", "[::1]:5000"),
            ("[::1]", "[::1]:5000"),
            ("[::1]:80", "[::1]:80"),
            ("/run/piecework", "unix:/run/piecework"),
            ("./here", "unix:./here"),
            ("unix:here", "unix:here"),
            ("unix:@hidden", "unix:@hidden"),
        ];
        for (given, shown) in cases {
            let address: Address = given.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address), "{shown} reads as what it shows");
        }
        let hidden: Address = "unix:@hidden".parse().unwrap();
        assert_eq!(hidden.file(), None);
        assert_eq!(hidden, Address::Unix("\0hidden".into()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let long = format!("/{}", "a".repeat(107));
        for wrong in ["", "unix:", "unix:@", long.as_str(), "/a\0b"] {
            let error = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("is no address"), "{error}");
        }
    }

    #[test]
    fn what_stays_on_this_machine_is_known() {
        for here in ["127.0.0.1:1", "localhost", "[::1]:2", "::1", "/run/x", "unix:@x"] {
            assert!(here.parse::<Address>().unwrap().is_local(), "{here}");
        }
        for beyond in ["0.0.0.0:1", "example.org", "[::]:2", "192.168.0.1"] {
            assert!(!beyond.parse::<Address>().unwrap().is_local(), "{beyond}");
        }
    }
}
