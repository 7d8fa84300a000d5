//! What the pictures of the documentation show: the real command, at work on a terminal.

use std::fs::{self, Permissions};
use std::io;
use std::num::NonZeroU16;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::Terminal;
use crate::server::binary;
use crate::svg::svg;

/// The size of the terminal: columns for the width of a page, rows for whatever comes.
const ROWS: NonZeroU16 = NonZeroU16::new(40).expect("it is not zero");
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).expect("it is not zero");

/// What the tasks work on, in order.
const FILES: [&str; 20] = [
    "alder", "ash", "aspen", "beech", "birch", "cedar", "cherry", "elm", "fir", "hazel", "holly",
    "juniper", "larch", "lime", "maple", "oak", "pine", "rowan", "spruce", "yew",
];

/// A scene: what happens on the terminal until the picture is taken.
struct Scene {
    name: &'static str,
    title: &'static str,
    /// What is typed.
    line: &'static str,
    /// From this task on, commands never end; 0 for none.
    stuck_from: usize,
    /// What is waited for; the end, if nothing.
    until: Option<&'static str>,
}

const SCENES: [Scene; 2] = [
    Scene {
        name: "map-progress",
        title: "piecework map at work: results in order, and a progress bar",
        line: "piecework map -j4 ./scale ::: *.jpg",
        stuck_from: 14,
        until: Some("13 of 20 done, 1 failed, 4 running"),
    },
    Scene {
        name: "map-summary",
        title: "piecework map at its end: a table of the failures, and a summary",
        line: "piecework map -j4 ./scale ::: *.jpg > sizes.txt",
        stuck_from: 0,
        until: None,
    },
];

/// Draws all pictures into a folder and returns their files. A task takes as long as `pace` says,
/// which is what the times in the pictures come from.
///
/// # Errors
///
/// When the command is missing or shows something else than it should.
pub fn draw(folder: &Path, pace: Duration) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    SCENES.iter().map(|scene| scene.draw(folder, pace)).collect()
}

impl Scene {
    fn draw(&self, folder: &Path, pace: Duration) -> io::Result<PathBuf> {
        let place = tempfile::tempdir()?;
        self.set(place.path(), pace)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", self.line]).current_dir(place.path());
        shell.env("PATH", format!("{}:/usr/bin:/bin", place.path().join("bin").display()));
        shell.env("PIECEWORK_CONFIG", ""); // nobody's own settings are shown
        let mut terminal = Terminal::run(shell, ROWS, COLUMNS, &format!("$ {}", self.line))?;
        match self.until {
            Some(text) => terminal.until(text)?,
            None => drop(terminal.end()?),
        }
        let file = folder.join(format!("{}.svg", self.name));
        fs::write(&file, svg(terminal.screen(), self.title))?;
        Ok(file)
    }

    /// Puts all that the line needs into a folder.
    fn set(&self, place: &Path, pace: Duration) -> io::Result<()> {
        fs::create_dir(place.join("bin"))?;
        symlink(fs::canonicalize(binary()?)?, place.join("bin/piecework"))?;
        for name in FILES {
            fs::write(place.join(format!("{name}.jpg")), "")?;
        }
        let (stuck_from, pace) = (self.stuck_from, pace.as_secs_f64());
        let script = format!(
            "#!/bin/sh\n\
             [ {stuck_from} -gt 0 ] && [ $PIECEWORK_SEQ -ge {stuck_from} ] && exec sleep 1000\n\
             sleep {pace}\n\
             case $1 in\n\
             birch.jpg) echo 'not a JPEG file: starts with 0x50 0x4b' >&2; exit 3;;\n\
             pine.jpg) kill -SEGV $$;;\n\
             *) echo \"$1: 160 x 120\";;\n\
             esac\n"
        );
        fs::write(place.join("scale"), script)?;
        fs::set_permissions(place.join("scale"), Permissions::from_mode(0o755))
    }
}
