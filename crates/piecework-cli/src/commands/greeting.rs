//! What `piecework serve` says when it listens: where, who can reach it, and what to paste.

use crate::authkey::{Authkey, Source};
use crate::output;
use piecework_server::{Address, QueueSpec};
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// What a newcomer needs to know: where it listens, who can reach it, what to paste.
pub(super) fn greeting(addresses: &[Address], queues: &[QueueSpec], authkey: &Authkey) -> String {
    let mut text = String::new();
    for address in addresses {
        let _ = writeln!(text, "listening on {address}");
    }
    let names: Vec<&str> = queues.iter().map(|queue| queue.name.as_str()).collect();
    let _ = writeln!(text, "queues: {}", names.join(", "));
    // That of the widest reach is what people will ask about.
    let beyond = addresses.iter().find(|address| !address.is_local());
    let Some(shown) = beyond.or(addresses.first()) else { return text };
    let _ = match shown.socket_addr() {
        None => writeln!(text, "reachable from this machine only; hint: --listen 0.0.0.0:5000"),
        Some(at) if at.ip().is_loopback() => {
            let port = at.port();
            writeln!(text, "reachable from this machine only; hint: --listen 0.0.0.0:{port}")
        }
        Some(at) if at.ip().is_unspecified() => {
            writeln!(text, "reachable on every address of this machine by whoever has the authkey")
        }
        Some(at) => writeln!(text, "reachable on {} by whoever has the authkey", at.ip()),
    };
    match shown.socket_addr() {
        Some(at) if at.is_ipv6() && !at.ip().is_unspecified() => text.push_str(
            "Python programs reach a manager by IPv4 or a Unix socket only; hint: one more --listen\n",
        ),
        _ => text.push_str(&snippet(shown, queues, &authkey.source)),
    }
    if let (false, Some(at)) = (shown.is_local(), shown.socket_addr()) {
        text.push_str(&elsewhere(at, authkey));
    }
    text
}

/// Python that connects to this manager, to be pasted on this machine.
fn snippet(address: &Address, queues: &[QueueSpec], source: &Source) -> String {
    let key = match source {
        Source::File(path) => {
            format!("open({}, 'rb').read().rstrip(b'\\n')", python_str(path))
        }
        Source::Environment => "os.environb[b'PIECEWORK_AUTHKEY']".to_owned(),
    };
    let import = match source {
        Source::File(_) => "",
        Source::Environment => "    import os\n",
    };
    let typeids: Vec<&str> =
        queues.iter().filter_map(|queue| queue.typeids.first()).map(String::as_str).collect();
    let mut text = format!(
        "\nPython programs connect to it like this:\n\n{import}    \
         from multiprocessing.managers import BaseManager\n\n    \
         class Manager(BaseManager): pass\n"
    );
    for typeid in &typeids {
        let _ = writeln!(text, "    Manager.register({typeid:?})");
    }
    let address = python_address(address);
    let _ = write!(
        text,
        "    manager = Manager(address={address}, authkey={key})\n    manager.connect()\n"
    );
    for (queue, typeid) in queues.iter().zip(&typeids) {
        let name = queue.name.replace(['-', '.'], "_");
        let _ = writeln!(text, "    {name} = manager.{typeid}()");
    }
    text.push('\n');
    text
}

/// An address as Python programs write it.
fn python_address(address: &Address) -> String {
    match address {
        Address::Unix(path) => python_str(path),
        Address::Tcp(text) => {
            let host = |at: SocketAddr| match at.ip() {
                ip if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
                ip => ip,
            };
            match address.socket_addr() {
                Some(at) => format!("('{}', {})", host(at), at.port()),
                None => format!("{text:?}"),
            }
        }
    }
}

/// A path as a Python str.
fn python_str(path: &Path) -> String {
    path.display().to_string().chars().fold("'".to_owned(), |mut text, c| {
        match c {
            '\'' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(text, "\\x{:02x}", u32::from(c));
            }
            c => text.push(c),
        }
        text
    }) + "'"
}

/// The line to paste on other machines, for workers that run the commands of whoever has the key.
pub(super) fn join(addresses: &[Address], authkey: &Authkey) -> String {
    let mut text = String::from("others join this run with");
    for address in addresses {
        let at = match address.socket_addr() {
            Some(at) if at.ip().is_unspecified() => format!("HOST:{}", at.port()),
            _ => address.to_string(),
        };
        let key = shown_key(authkey, address.is_local());
        let _ = write!(text, "\n    {key}piecework worker {at} --exec");
    }
    text
}

/// The same, for workers that run a command of their own.
fn elsewhere(address: SocketAddr, authkey: &Authkey) -> String {
    let (port, key) = (address.port(), shown_key(authkey, false));
    format!(
        "Other machines join like this (HOST is this machine):\n\n    \
         {key}piecework worker HOST:{port} -- COMMAND {{}}\n\n"
    )
}

/// How a worker is given the key, unless it finds it as we did. The key itself is shown to a person
/// only: what we print may be a log that others read.
fn shown_key(authkey: &Authkey, is_local: bool) -> String {
    let key = match (output::data_is_watched(), &authkey.source) {
        _ if is_local => return String::new(),
        (true, _) => String::from_utf8_lossy(authkey.key.as_bytes()).into_owned(),
        (false, Source::File(path)) => format!("$(cat {})", path.display()),
        (false, Source::Environment) => "the same key".to_owned(),
    };
    format!("PIECEWORK_AUTHKEY='{key}' ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_python_takes() {
        for (address, python) in [
            ("127.0.0.1:80", "('127.0.0.1', 80)"),
            ("0.0.0.0:80", "('127.0.0.1', 80)"),
            ("[::]:80", "('127.0.0.1', 80)"),
            ("/run/it's", r"'/run/it\'s'"),
            ("unix:@name", r"'\x00name'"),
        ] {
            assert_eq!(python_address(&address.parse().unwrap()), python);
        }
    }
}
