//! Sizes and times as people write them.

use std::time::Duration;

/// `512MiB`, `512M` or `536870912`: powers of 1,024, as memory is counted. In small letters, as
/// `512m`, powers of 1,000, as GNU's programs have it.
///
/// ```
/// assert_eq!(piecework_server::measure::bytes("2K"), Some(2048));
/// assert_eq!(piecework_server::measure::bytes("2k"), Some(2000));
/// ```
pub fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (base, power) = match unit {
        "" | "B" => (1_024, 0),
        "K" | "KB" | "KiB" => (1_024, 1),
        "M" | "MB" | "MiB" => (1_024, 2),
        "G" | "GB" | "GiB" => (1_024, 3),
        "T" | "TB" | "TiB" => (1_024, 4),
        "k" => (1_000, 1),
        "m" => (1_000, 2),
        "g" => (1_000, 3),
        "t" => (1_000, 4),
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(u64::pow(base, power))
}

/// The reverse, in the largest unit that has no fraction.
pub(crate) fn show_bytes(bytes: u64) -> String {
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| bytes > 0 && bytes.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{} {unit}", bytes / size),
        None => format!("{bytes} bytes"),
    }
}

/// `90`, `90s`, `500ms`, `10m`, `2h`, `1d`; more than nothing.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(piecework_server::measure::duration("1.5m"), Some(Duration::from_secs(90)));
/// ```
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let secs = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    let lasts = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * secs).ok()?;
    (!lasts.is_zero()).then_some(lasts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [("0", 0), ("1K", 1024), ("512MiB", 512 << 20), ("2GB", 2 << 30)] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for wrong in ["", "M", "1.5G", "12X", "1Ki", "99999999999T", "-1"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
        for (size, shown) in [(1 << 30, "1 GiB"), (1536 << 10, "1536 KiB"), (1000, "1000 bytes")] {
            assert_eq!(show_bytes(size), shown);
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, millis) in [("90", 90_000), ("500ms", 500), ("0.5m", 30_000), ("1d", 86_400_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "s", "0", "-1s", "1y", "1e30d"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
