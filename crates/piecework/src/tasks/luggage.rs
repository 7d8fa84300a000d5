//! Open files that go along with a call to a child; in the arguments stand their numbers.

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// The most that go along with one call; the system's own limit is 253.
pub(crate) const FILES_MAX: usize = 64;

thread_local! {
    /// What goes along with the arguments that are being packed.
    static GOING: RefCell<Option<Vec<OwnedFd>>> = const { RefCell::new(None) };
    /// What came along with those that are being read.
    static COME: RefCell<Vec<OwnedFd>> = const { RefCell::new(Vec::new()) };
}

/// Gives what this packs, and the files that go along with it.
pub(crate) fn along<R>(pack: impl FnOnce() -> R) -> (R, Vec<OwnedFd>) {
    GOING.set(Some(Vec::new()));
    let packed = pack();
    (packed, GOING.take().unwrap_or_default())
}

/// Has a file go along, and gives its number.
///
/// # Errors
/// Nothing is being packed that files could go along with.
pub(crate) fn add(file: BorrowedFd<'_>) -> Result<u32, String> {
    GOING.with_borrow_mut(|going| {
        let hint = "hint: give it to a `Process` as an argument";
        let going = going.as_mut().ok_or_else(|| format!("it cannot be sent there; {hint}"))?;
        if going.len() == FILES_MAX {
            return Err(format!("a process is started with up to {FILES_MAX} of them"));
        }
        going.push(file.try_clone_to_owned().map_err(|error| error.to_string())?);
        Ok(u32::try_from(going.len() - 1).unwrap_or(u32::MAX))
    })
}

/// Lays out what came along, until [`put_away`].
pub(super) fn lay_out(files: Vec<OwnedFd>) {
    COME.set(files);
}

/// Closes what came along, once the arguments are read: whoever wanted a file has it.
pub(super) fn put_away() {
    COME.with_borrow_mut(Vec::clear);
}

/// The file of this number.
///
/// # Errors
/// None of it came along.
pub(crate) fn file(number: u32) -> Result<OwnedFd, String> {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    COME.with_borrow(|come| match come.get(number) {
        Some(file) => file.try_clone().map_err(|error| error.to_string()),
        None => Err("the file that it is did not come along".to_owned()),
    })
}

/// Sends the first of these bytes, and all files; says how many bytes.
pub(super) fn send(socket: impl AsFd, bytes: &[u8], files: &[OwnedFd]) -> io::Result<usize> {
    let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(FILES_MAX))];
    let mut along = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !along.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::Error::other(format!("{} files are too many", files.len())));
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut along, SendFlags::empty())?)
}

/// Receives some bytes, and the files that came along with them.
pub(super) fn receive(
    socket: impl AsFd,
    bytes: &mut [u8],
    files: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(FILES_MAX))];
    let mut along = RecvAncillaryBuffer::new(&mut space);
    let received = retry_on_intr(|| {
        recvmsg(&socket, &mut [IoSliceMut::new(bytes)], &mut along, for_us_alone())
    })?;
    for message in along.drain() {
        if let RecvAncillaryMessage::ScmRights(come) = message {
            files.extend(come);
        }
    }
    Ok(received.bytes)
}

/// Programs that a task starts do not inherit them.
fn for_us_alone() -> RecvFlags {
    #[cfg(not(target_vendor = "apple"))]
    return RecvFlags::CMSG_CLOEXEC;
    #[cfg(target_vendor = "apple")]
    return RecvFlags::empty();
}
