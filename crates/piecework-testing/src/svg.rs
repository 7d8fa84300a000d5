//! A screen as a picture: SVG, so that it is sharp at any size and its text can be searched.

use std::fmt::Write as _;

/// The width of a character and the height of a row, in pixels, for the size of the font.
const CELL: (f64, f64) = (8.4, 19.0);
const FONT_SIZE: u32 = 14;
/// Space around the text.
const MARGIN: f64 = 14.0;
/// How much of its colour is left of dim text.
const DIM: f64 = 0.65;

const BACKGROUND: &str = "#0d1117";
const FOREGROUND: &str = "#d0d7de";
/// The eight colours of a terminal, and the bright ones.
const COLOURS: [&str; 16] = [
    "#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4",
    "#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc",
];

/// Draws what is on a screen, down to its last row that is not empty; the title is for those who
/// cannot see it.
#[must_use]
pub fn svg(screen: &vt100::Screen, title: &str) -> String {
    let (_, columns) = screen.size();
    let rows: Vec<String> = screen.rows(0, columns.get()).collect();
    let shown = rows.iter().rposition(|row| !row.trim().is_empty()).map_or(0, |last| last + 1);
    let width = f64::from(columns.get()) * CELL.0 + 2.0 * MARGIN;
    let height = shown as f64 * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width:.0}\" \
         height=\"{height:.0}\" viewBox=\"0 0 {width:.1} {height:.1}\">\n\
         <title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" \
         font-size=\"{FONT_SIZE}\" xml:space=\"preserve\">\n",
        escaped(title)
    );
    for row in (0..u16::MAX).take(shown) {
        for run in runs(screen, row, columns.get()) {
            run.draw(&mut svg, row);
        }
    }
    svg + "</g>\n</svg>\n"
}

/// Characters of one row that look the same.
struct Run {
    column: u16,
    columns: u16,
    look: Look,
    text: String,
}

#[derive(Clone, Copy, PartialEq)]
struct Look {
    colour: &'static str,
    is_bold: bool,
    is_dim: bool,
}

fn runs(screen: &vt100::Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else { break };
        let look = Look {
            colour: match cell.fgcolor() {
                vt100::Color::Idx(index) => COLOURS.get(usize::from(index)).unwrap_or(&FOREGROUND),
                vt100::Color::Default | vt100::Color::Rgb(..) => FOREGROUND,
            },
            is_bold: cell.bold(),
            is_dim: cell.dim(),
        };
        if runs.last().is_none_or(|run| run.look != look) {
            runs.push(Run { column, columns: 0, look, text: String::new() });
        }
        let Some(run) = runs.last_mut() else { break };
        run.columns += 1;
        run.text.push_str(if cell.has_contents() { cell.contents() } else { " " });
    }
    runs.retain(|run| !run.text.trim().is_empty());
    runs
}

impl Run {
    fn draw(&self, svg: &mut String, row: u16) {
        let text = self.text.trim_end();
        let cut = self.text.chars().count() - text.chars().count();
        let columns = f64::from(self.columns) - cut as f64;
        let x = f64::from(self.column) * CELL.0 + MARGIN;
        // The letters stand on a line a quarter above the end of the row.
        let y = (f64::from(row) + 0.75) * CELL.1 + MARGIN;
        let Look { colour, is_bold, is_dim } = self.look;
        let bold = if is_bold { " font-weight=\"bold\"" } else { "" };
        let dim = if is_dim { format!(" opacity=\"{DIM}\"") } else { String::new() };
        // The length makes columns of any font that the viewer has.
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
             fill=\"{colour}\"{bold}{dim}>{}</text>",
            columns * CELL.0,
            escaped(text),
        ); // to a string: it cannot fail
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU16;

    #[test]
    fn colours_places_and_odd_characters_are_kept() {
        let size = |number| NonZeroU16::new(number).unwrap();
        let mut parser = vt100::Parser::new(size(5), size(20), 0);
        parser.process(b"a <b> & c\r\n\r\n  \x1b[1;31mbad\x1b[0m \x1b[2mdim");
        let svg = svg(parser.screen(), "A <title>");
        for wanted in [
            "<title>A &lt;title&gt;</title>",
            ">a &lt;b&gt; &amp; c</text>",
            "<text x=\"30.8\" y=\"66.2\" textLength=\"25.2\" lengthAdjust=\"spacingAndGlyphs\" \
             fill=\"#ff7b72\" font-weight=\"bold\">bad</text>",
            "opacity=\"0.65\">dim</text>",
            "height=\"85\"", // three rows and the margins
        ] {
            assert!(svg.contains(wanted), "{wanted} in {svg}");
        }
        assert_eq!(svg.matches("<text").count(), 3, "{svg}");
    }
}
