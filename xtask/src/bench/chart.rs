//! Rates as a chart: bars, in SVG, a group for each measurement.

use std::fmt::Write as _;

use super::figures::{Measurement, Series, Sum};

/// In pixels.
const WIDTH: f64 = 760.0;
const BAR_HEIGHT: f64 = 18.0;
const ROW_HEIGHT: f64 = 24.0;
const HEAD_HEIGHT: f64 = 34.0;
const MARGIN: f64 = 16.0;
/// Where bars begin: names stand before them.
const BARS_LEFT: f64 = 190.0;
/// Room behind the longest bar, for its figure.
const FIGURE_WIDTH: f64 = 80.0;

/// A light ground of its own, so that the text can be read on any page.
const BACKGROUND: &str = "#ffffff";
const TEXT: &str = "#24292f";
const OWN: &str = "#1f883d";
const OTHERS: &str = "#8c959f";
/// What is ours, in names.
const OWN_NAME: &str = "piecework";

/// Draws the medians of those series whose names are `shown`, with a line from the minimum to the
/// maximum; each group has a scale of its own.
pub(crate) fn svg(
    title: &str,
    measurements: &[&Measurement],
    shown: impl Fn(&str) -> bool,
) -> String {
    let mut bars = String::new();
    let mut y = MARGIN + HEAD_HEIGHT;
    for measurement in measurements {
        words(&mut bars, (MARGIN, y + BAR_HEIGHT * 0.8), "bold", &measurement.what);
        y += ROW_HEIGHT;
        let series = measurement.series.iter().filter(|series| shown(&series.tool));
        let sums: Vec<_> = series.map(|series| (series, measurement.sum(series))).collect();
        let most = sums.iter().map(|(_, sum)| sum.max).fold(f64::MIN_POSITIVE, f64::max);
        let scale = (WIDTH - BARS_LEFT - FIGURE_WIDTH - MARGIN) / most;
        for (series, sum) in sums {
            bar(&mut bars, y, series, &sum, scale, &measurement.unit.show(sum.median));
            y += ROW_HEIGHT;
        }
        y += ROW_HEIGHT - BAR_HEIGHT;
    }
    let mut head = String::new();
    words(&mut head, (MARGIN, MARGIN + BAR_HEIGHT * 0.8), "bold", title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{WIDTH}\" height=\"{y}\" \
         viewBox=\"0 0 {WIDTH} {y}\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"system-ui, sans-serif\" font-size=\"13\">\n{head}{bars}</g>\n</svg>\n",
        escaped(title)
    )
}

fn bar(out: &mut String, y: f64, series: &Series, sum: &Sum, scale: f64, figure: &str) {
    let colour = if series.tool.starts_with(OWN_NAME) { OWN } else { OTHERS };
    let [median, min, max] =
        [sum.median, sum.min, sum.max].map(|figure| BARS_LEFT + figure * scale);
    let (line, middle) = (y + BAR_HEIGHT * 0.75, y + BAR_HEIGHT / 2.0);
    words(out, (MARGIN, line), "normal", &series.tool);
    let _ = writeln!(
        out,
        "<rect x=\"{BARS_LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\" \
         fill=\"{colour}\"/>\n\
         <path d=\"M{min:.1} {middle:.1}H{max:.1}\" stroke=\"{TEXT}\" stroke-width=\"1.5\"/>",
        median - BARS_LEFT,
    ); // to a string: it cannot fail
    words(out, (max.max(median) + 6.0, line), "normal", figure);
}

fn words(out: &mut String, (x, y): (f64, f64), weight: &str, text: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-weight=\"{weight}\" fill=\"{TEXT}\">{}</text>",
        escaped(text)
    ); // to a string: it cannot fail
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::figures::Unit;
    use super::*;

    #[test]
    fn a_group_has_a_bar_for_each_series_that_is_shown() {
        let series =
            |tool: &str, rounds: &[f64]| Series { tool: tool.to_owned(), rounds: rounds.to_vec() };
        let measurement = Measurement {
            what: "items/s & more".to_owned(),
            unit: Unit::PerSecond,
            series: vec![
                series("peer", &[1_000.0]),
                series("piecework", &[1_500.0, 2_000.0, 1_000.0]),
                series("hidden", &[9_999.0]),
            ],
            against: vec![],
            own: None,
        };
        let svg = svg("A <title>", &[&measurement], |name| name != "hidden");
        for wanted in [
            "<title>A &lt;title&gt;</title>",
            ">items/s &amp; more</text>",
            ">1,500</text>",
            "width=\"355.5\" height=\"18\" rx=\"2\" fill=\"#1f883d\"",
            "<path d=\"M427.0 ",
        ] {
            assert!(svg.contains(wanted), "{wanted} in {svg}");
        }
        assert!(!svg.contains("hidden"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
    }
}
