//! Who has a port or a connection on this machine, as Linux tells it in `/proc/net/tcp`.
//! Elsewhere, or where it may not be read, nobody knows.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One line of the table.
struct Row {
    local: SocketAddr,
    listening: bool,
    uid: u32,
    inode: String,
}

/// The user at the other end of a connection from this machine.
pub(crate) fn user_of(peer: SocketAddr) -> Option<u32> {
    let canonical = |addr: SocketAddr| (addr.ip().to_canonical(), addr.port());
    let mut rows = table();
    rows.find(|row| !row.listening && canonical(row.local) == canonical(peer)).map(|row| row.uid)
}

/// The user that this process runs as.
pub(crate) fn own_user() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("Uid:"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

/// The process that listens at an address, named for people.
pub(crate) fn listener_at(address: SocketAddr) -> Option<String> {
    let same = |row: &Row| {
        row.listening
            && row.local.port() == address.port()
            && (row.local.ip() == address.ip()
                || row.local.ip().is_unspecified()
                || address.ip().is_unspecified())
    };
    let inode = table().find(same)?.inode;
    let socket = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        // Not `self` and `thread-self`, which lead to one of the others.
        let pid = process.file_name();
        if !pid.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let holds = |descriptor: std::io::Result<fs::DirEntry>| {
            let target = descriptor.ok().and_then(|entry| fs::read_link(entry.path()).ok());
            target.is_some_and(|target| target.as_os_str() == socket.as_str())
        };
        let Ok(mut descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        if descriptors.any(holds) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {})", name.trim(), pid.to_string_lossy()));
        }
    }
    None
}

fn table() -> impl Iterator<Item = Row> {
    let files = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let lines = files.into_iter().flatten();
    lines.flat_map(|file| file.lines().skip(1).filter_map(row).collect::<Vec<_>>())
}

fn row(line: &str) -> Option<Row> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[_, local, _, state, _, _, _, uid, _, inode, ..] = fields.as_slice() else { return None };
    Some(Row {
        local: address(local)?,
        listening: state == LISTEN,
        uid: uid.parse().ok()?,
        inode: inode.to_owned(),
    })
}

/// An address as the kernel prints it: each 32-bit word in hex in the machine's own byte order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for word in 0..ip.len() / 8 {
        let word = u32::from_str_radix(ip.get(word * 8..word * 8 + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_prints_them() {
        if cfg!(target_endian = "little") {
            assert_eq!(address("0100007F:1388"), Some("127.0.0.1:5000".parse().unwrap()));
            let loopback = "00000000000000000000000001000000:0050";
            assert_eq!(address(loopback), Some("[::1]:80".parse().unwrap()));
        }
        assert_eq!(address("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_behind_its_own_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let holder = listener_at(address).unwrap();
        assert!(holder.contains(&format!("(pid {})", std::process::id())), "{holder}");
        let client = std::net::TcpStream::connect(address).unwrap();
        assert_eq!(user_of(client.local_addr().unwrap()), own_user());
        assert!(own_user().is_some());
    }
}
