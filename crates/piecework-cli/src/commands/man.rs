//! `piecework man`: the manual pages, made from the same source as the help.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use roff::{Roff, roman};

use crate::output;

const EXAMPLES: &str = "\
Examples:
  piecework man ~/.local/share/man/man1    writes piecework.1, piecework-map.1, ...
  piecework man | man -l -                 reads the first page now";

/// Writes the manual pages, one for each command.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// The folder for the pages, made if need be; without it, the first page is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Writes or prints the pages for the commands of `root`.
pub(crate) fn run(args: &ManArgs, root: &Command) -> anyhow::Result<ExitCode> {
    let mut root = root.clone().disable_help_subcommand(true);
    root.build();
    match &args.folder {
        None => output::data_bytes(&page(&root)?)?,
        Some(folder) => {
            let failed = || format!("cannot make the folder {}", folder.display());
            fs::create_dir_all(folder).with_context(failed)?;
            write(&root, folder)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command and those of its commands.
fn write(command: &Command, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(Man::new(command.clone()).get_filename());
    fs::write(&path, page(command)?).with_context(|| format!("cannot write {}", path.display()))?;
    command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
        .try_for_each(|inner| write(inner, folder))
}

/// The page of one command.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).source(concat!("piecework ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    if let Some(text) = command.get_after_help() {
        sections(&text.to_string()).to_writer(&mut page)?;
    }
    Ok(page)
}

/// What stands below the flags in the help: its examples keep their lines, prose is filled anew.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut in_notes = false;
    for paragraph in text.split("\n\n") {
        let (head, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        let prose = if head == "Examples:" {
            roff.control("SH", ["EXAMPLES"]);
            in_notes = false;
            ""
        } else if let Some(codes) = paragraph.strip_prefix("Exit code: ") {
            roff.control("SH", ["EXIT STATUS"]);
            in_notes = false;
            codes
        } else {
            roff.control(if in_notes { "PP" } else { "SH" }, (!in_notes).then_some("NOTES"));
            in_notes = true;
            if rest.starts_with(' ') { head } else { paragraph }
        };
        for line in prose.lines() {
            roff.text([roman(line)]);
        }
        if rest.starts_with(' ') {
            roff.control("PP", []).control("nf", []);
            for line in rest.lines() {
                roff.text([roman(line)]);
            }
            roff.control("fi", []);
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_keep_their_lines_and_prose_does_not() {
        let text = "Examples:\n  a   b\n\nOne\ntwo.\n\nWords:\n  .x  y\n\nThree.\n\nExit code: 0.";
        let nf = |line: &str| format!(".PP\n.nf\n{line}\n.fi\n");
        let expected = format!(
            ".SH EXAMPLES\n{}.SH NOTES\nOne\ntwo.\n.PP\nWords:\n{}.PP\nThree.\n.SH \"EXIT STATUS\"\n0.\n",
            nf("  a   b"),
            nf("  .x  y")
        );
        assert_eq!(sections(text).to_roff(), expected);
    }
}
