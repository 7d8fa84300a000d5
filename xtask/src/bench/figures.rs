//! The figures of a benchmark: what was measured in each round, summed up as a table and as JSON.

/// One thing that was measured for several tools, in rounds that took turns.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// What was measured.
    pub(crate) what: String,
    pub(crate) unit: Unit,
    /// For each tool its figures.
    pub(crate) series: Vec<Series>,
    /// Which of these the others are compared with.
    pub(crate) against: Vec<usize>,
    /// Which of them is compared with each of the others.
    pub(crate) own: Option<usize>,
}

/// What figures count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit {
    /// Microseconds: less is better.
    Micros,
    /// So many per second: more is better.
    PerSecond,
    /// Less is better.
    Bytes,
    /// So many: more is better.
    Count,
}

/// The figures of one tool, round by round.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) tool: String,
    pub(crate) rounds: Vec<f64>,
}

/// A series in a few numbers.
#[derive(Debug, PartialEq)]
pub(crate) struct Sum {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Its ratio to each of those it is compared with.
    pub(crate) of: Vec<f64>,
    /// The ratio of our own to it.
    pub(crate) own_to_it: Option<f64>,
}

impl Measurement {
    /// A table in Markdown, with its columns aligned so that it can be read as it is.
    pub(crate) fn table(&self) -> String {
        let mut head = [&*self.what, "median", "min", "max"].map(str::to_owned).to_vec();
        head.extend(self.others().map(|other| format!("of {}", other.tool)));
        head.extend(self.own().map(|own| format!("{} to it", own.tool)));
        let rows = self.series.iter().map(|own| {
            let Sum { median, min, max, of, own_to_it } = self.sum(own);
            let mut row = vec![own.tool.clone()];
            row.extend([median, min, max].map(|figure| self.unit.show(figure)));
            row.extend(of.into_iter().chain(own_to_it).map(show_ratio));
            row
        });
        aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    }

    /// An object of JSON.
    pub(crate) fn json(&self) -> String {
        let tools = self.series.iter().map(|own| {
            let Sum { median, min, max, of, own_to_it } = self.sum(own);
            let rounds: Vec<_> = own.rounds.iter().map(|figure| format!("{figure:.1}")).collect();
            let of = self.others().zip(of);
            // JSON has no word for what comes of nothing by nothing.
            let ratio = |ratio: f64| match ratio.is_finite() {
                true => format!("{ratio:.4}"),
                false => "null".to_owned(),
            };
            let of = of.map(|(other, own)| format!("{}:{}", text(&other.tool), ratio(own)));
            let own_to_it = own_to_it.map_or("null".to_owned(), ratio);
            format!(
                "{{\"tool\":{},\"rounds\":[{}],\"median\":{median:.1},\"min\":{min:.1},\
                 \"max\":{max:.1},\"of\":{{{}}},\"own_to_it\":{own_to_it}}}",
                text(&own.tool),
                rounds.join(","),
                of.collect::<Vec<_>>().join(","),
            )
        });
        let tools: Vec<_> = tools.collect();
        let (what, unit) = (text(&self.what), text(self.unit.name()));
        format!("{{\"what\":{what},\"unit\":{unit},\"tools\":[{}]}}", tools.join(","))
    }

    /// A ratio is the median of the ratios of the rounds, not the ratio of the medians: a round in
    /// which the machine was busy with something else was slow for all tools.
    pub(crate) fn sum(&self, own: &Series) -> Sum {
        let ratio = |own: &Series, other: &Series| {
            let rounds = own.rounds.iter().zip(&other.rounds);
            median(rounds.map(|(own, other)| own / other).collect())
        };
        Sum {
            median: median(own.rounds.clone()),
            min: own.rounds.iter().copied().fold(f64::INFINITY, f64::min),
            max: own.rounds.iter().copied().fold(0.0, f64::max),
            of: self.others().map(|other| ratio(own, other)).collect(),
            own_to_it: self.own().map(|ours| ratio(ours, own)),
        }
    }

    fn own(&self) -> Option<&Series> {
        self.series.get(self.own?)
    }

    fn others(&self) -> impl Iterator<Item = &Series> {
        self.against.iter().filter_map(|at| self.series.get(*at))
    }
}

impl Unit {
    /// The unit that is called so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [Self::Micros, Self::PerSecond, Self::Bytes, Self::Count];
        all.into_iter().find(|unit| unit.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Micros => "us",
            Self::PerSecond => "per second",
            Self::Bytes => "bytes",
            Self::Count => "count",
        }
    }

    /// A figure for people.
    pub(crate) fn show(self, figure: f64) -> String {
        match self {
            Self::Micros if figure < 10_000.0 => format!("{figure:.0} us"),
            Self::Micros => format!("{:.1} ms", figure / 1e3),
            Self::PerSecond | Self::Bytes | Self::Count => thousands(figure.round() as usize),
        }
    }
}

/// A ratio for people, who learn nothing from 0.00.
fn show_ratio(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.01 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The value in the middle, or between the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len().saturating_sub(1) / 2..=values.len() / 2);
    let middle = middle.unwrap_or_default();
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// A string of JSON.
pub(crate) fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut lines = rows.iter().map(|row| {
        let cells =
            row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    });
    let head = lines.next().unwrap_or_default();
    let rule = widths.iter().enumerate().map(|(column, width)| match column {
        0 => "-".repeat(width + 2),
        _ => format!("{}:", "-".repeat(width + 1)),
    });
    let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    head + &rule + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement() -> Measurement {
        let series =
            |tool: &str, micros: &[f64]| Series { tool: tool.to_owned(), rounds: micros.to_vec() };
        Measurement {
            what: "a \"task\"".to_owned(),
            unit: Unit::Micros,
            series: vec![
                series("floor", &[100.0, 400.0, 100.0]),
                series("xargs", &[200.0, 600.0, 150.0]),
                series("map", &[110.0, 480.0, 120.0]),
            ],
            against: vec![0, 1],
            own: Some(2),
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        for (values, middle) in [
            (&[1.0][..], 1.0),
            (&[4.0, 1.0], 2.5),
            (&[9.0, 1.0, 2.0], 2.0),
            (&[4.0, 1.0, 3.0, 2.0], 2.5),
        ] {
            assert_eq!(median(values.to_vec()), middle, "{values:?}");
        }
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        let measurement = measurement();
        let sum = measurement.sum(&measurement.series[2]);
        let wanted =
            Sum { median: 120.0, min: 110.0, max: 480.0, of: vec![1.2, 0.8], own_to_it: Some(1.0) };
        assert_eq!(sum, wanted);
    }

    #[test]
    fn ratios_are_shown_with_digits_that_tell_something() {
        for (ratio, shown) in
            [(12.345, "12.35"), (0.01, "0.01"), (0.00126, "0.0013"), (0.0, "0.00")]
        {
            assert_eq!(show_ratio(ratio), shown);
        }
    }

    #[test]
    fn a_table_reads_well_as_text_too() {
        let table = "\
| a \"task\" | median |    min |    max | of floor | of xargs | map to it |
|----------|-------:|-------:|-------:|---------:|---------:|----------:|
| floor    | 100 us | 100 us | 400 us |     1.00 |     0.67 |      1.20 |
| xargs    | 200 us | 150 us | 600 us |     1.50 |     1.00 |      0.80 |
| map      | 120 us | 110 us | 480 us |     1.20 |     0.80 |      1.00 |
";
        assert_eq!(measurement().table(), table);
    }

    #[test]
    fn json_quotes_what_it_has_to() {
        let json = measurement().json();
        assert!(json.starts_with(r#"{"what":"a \"task\"","unit":"us","tools":[{"tool":"floor","#));
        assert!(
            json.contains(r#""of":{"floor":1.2000,"xargs":0.8000},"own_to_it":1.0000"#),
            "{json}"
        );
        assert_eq!(text("\\\n"), r#""\\\u000a""#);
    }

    #[test]
    fn figures_are_shown_with_their_unit() {
        for (unit, figure, shown) in [
            (Unit::Micros, 9_999.4, "9999 us"),
            (Unit::Micros, 12_345.0, "12.3 ms"),
            (Unit::PerSecond, 0.4, "0"),
            (Unit::PerSecond, 999.6, "1,000"),
            (Unit::PerSecond, 1_234_567.0, "1,234,567"),
            (Unit::Count, 256.0, "256"),
        ] {
            assert_eq!(unit.show(figure), shown);
        }
    }
}
