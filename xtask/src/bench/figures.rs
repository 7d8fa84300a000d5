//! The figures of a benchmark: what was measured in each round, summed up as a table and as JSON.

/// One thing that was measured for several tools, in rounds that took turns.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// What was measured.
    pub(crate) what: String,
    /// For each tool what each round took; the first two are what the others are compared with.
    pub(crate) series: Vec<Series>,
}

/// What one tool took, in microseconds, round by round.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) tool: String,
    pub(crate) micros: Vec<f64>,
}

/// A series in five numbers.
#[derive(Debug, PartialEq)]
struct Sum {
    median: f64,
    min: f64,
    max: f64,
    of_first: f64,
    of_second: f64,
}

impl Measurement {
    /// A table in Markdown, with its columns aligned so that it can be read as it is.
    pub(crate) fn table(&self) -> String {
        let [first, second] = [0, 1].map(|at| self.series.get(at).map_or("", |own| &own.tool));
        let mut rows = vec![[
            self.what.clone(),
            "median".to_owned(),
            "min".to_owned(),
            "max".to_owned(),
            format!("of {first}"),
            format!("of {second}"),
        ]];
        rows.extend(self.series.iter().map(|own| {
            let sum = self.sum(own);
            let [median, min, max] = [sum.median, sum.min, sum.max].map(time);
            let [of_first, of_second] =
                [sum.of_first, sum.of_second].map(|ratio| format!("{ratio:.2}"));
            [own.tool.clone(), median, min, max, of_first, of_second]
        }));
        aligned(&rows)
    }

    /// An object of JSON.
    pub(crate) fn json(&self) -> String {
        let tools = self.series.iter().map(|own| {
            let Sum { median, min, max, of_first, of_second } = self.sum(own);
            let rounds: Vec<_> = own.micros.iter().map(|micros| format!("{micros:.1}")).collect();
            format!(
                "{{\"tool\":{},\"rounds_us\":[{}],\"median_us\":{median:.1},\"min_us\":{min:.1},\
                 \"max_us\":{max:.1},\"of_floor\":{of_first:.4},\"of_xargs\":{of_second:.4}}}",
                text(&own.tool),
                rounds.join(","),
            )
        });
        let tools: Vec<_> = tools.collect();
        format!("{{\"what\":{},\"tools\":[{}]}}", text(&self.what), tools.join(","))
    }

    /// A ratio is the median of the ratios of the rounds, not the ratio of the medians: a round in
    /// which the machine was busy with something else was slow for all tools.
    fn sum(&self, own: &Series) -> Sum {
        let of = |at: usize| {
            let others = self.series.get(at).map_or(&[][..], |other| &other.micros);
            median(own.micros.iter().zip(others).map(|(own, other)| own / other).collect())
        };
        Sum {
            median: median(own.micros.clone()),
            min: own.micros.iter().copied().fold(f64::INFINITY, f64::min),
            max: own.micros.iter().copied().fold(0.0, f64::max),
            of_first: of(0),
            of_second: of(1),
        }
    }
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

fn time(micros: f64) -> String {
    if micros < 10_000.0 { format!("{micros:.0} us") } else { format!("{:.1} ms", micros / 1e3) }
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut lines = rows.iter().map(|row| {
        let cells =
            row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
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
            |tool: &str, micros: &[f64]| Series { tool: tool.to_owned(), micros: micros.to_vec() };
        Measurement {
            what: "a \"task\"".to_owned(),
            series: vec![
                series("floor", &[100.0, 400.0, 100.0]),
                series("xargs", &[200.0, 600.0, 150.0]),
                series("map", &[110.0, 480.0, 120.0]),
            ],
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
        let wanted = Sum { median: 120.0, min: 110.0, max: 480.0, of_first: 1.2, of_second: 0.8 };
        assert_eq!(sum, wanted);
    }

    #[test]
    fn a_table_reads_well_as_text_too() {
        let table = "\
| a \"task\" | median |    min |    max | of floor | of xargs |
|----------|-------:|-------:|-------:|---------:|---------:|
| floor    | 100 us | 100 us | 400 us |     1.00 |     0.67 |
| xargs    | 200 us | 150 us | 600 us |     1.50 |     1.00 |
| map      | 120 us | 110 us | 480 us |     1.20 |     0.80 |
";
        assert_eq!(measurement().table(), table);
    }

    #[test]
    fn json_quotes_what_it_has_to() {
        let json = measurement().json();
        assert!(json.starts_with(r#"{"what":"a \"task\"","tools":[{"tool":"floor","#), "{json}");
        assert_eq!(text("\\\n"), r#""\\\u000a""#);
    }
}
