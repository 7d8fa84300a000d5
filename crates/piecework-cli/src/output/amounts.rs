//! Counts, times and rates as people read them.

use std::time::Duration;

/// A count with commas: `1,000`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun, which takes an s for all counts but one: `1 task`, `2 tasks`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number of bytes in the largest unit that it is one of: `512 B`, `1.5 KiB`, `20 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        // What would be rounded to 1024 is one of the next unit.
        if number < 1023.5 {
            break;
        }
        (number, unit) = (number / 1024.0, larger);
    }
    if unit == "B" || number >= 9.95 {
        format!("{number:.0} {unit}")
    } else {
        format!("{number:.1} {unit}")
    }
}

/// A time in its two largest units: `45 ms`, `3.2 s`, `2 min 5 s`, `3 h 4 min`, `2 d 3 h`.
pub(crate) fn time(time: Duration) -> String {
    // Rounded before it is cut into units, so that there is no 60 s.
    let (millis, tenths) =
        ((time.as_secs_f64() * 1e3).round(), (time.as_secs_f64() * 10.0).round());
    let seconds = time.as_secs_f64().round() as u64;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    if millis < 1000.0 {
        format!("{millis} ms")
    } else if tenths < 600.0 {
        format!("{:.1} s", tenths / 10.0)
    } else if hours == 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else if hours < 24 {
        format!("{hours} h {} min", minutes % 60)
    } else {
        format!("{} d {} h", hours / 24, hours % 24)
    }
}

/// A moment, given in seconds since 1970: `2026-11-22 09:53:20Z`. The Z says UTC, as in the log.
pub(crate) fn moment(seconds: f64) -> String {
    let seconds = seconds as i64;
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// The date so many days after 1970-01-01. Years are counted from March on, so that a leap day is
/// the last day of its year, and in eras of 400 years, which are all equally long.
fn date(days: i64) -> (i64, i64, i64) {
    const TO_1970: i64 = 719_468; // from 0000-03-01
    const ERA: i64 = 146_097;
    let (era, day) = ((days + TO_1970).div_euclid(ERA), (days + TO_1970).rem_euclid(ERA));
    // Without the leap days that come every 4, not every 100, yet every 400 years.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months of 153 days, again and again.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// The time that is left of something: [`time`] without more digits than are known.
pub(crate) fn time_left(left: Duration) -> String {
    let seconds = left.as_secs_f64().ceil() as u64;
    if seconds < 60 { format!("{seconds} s") } else { time(Duration::from_secs(seconds)) }
}

/// How often something happens: `1,234/s`, `12/s`, `1.5/s`, `12/min`, `1.5/h`.
pub(crate) fn rate(per_second: f64) -> String {
    let (number, unit) = match per_second {
        often if often >= 1.0 || often <= 0.0 => (often, "s"),
        seldom if seldom * 60.0 >= 1.0 => (seldom * 60.0, "min"),
        rare => (rare * 3600.0, "h"),
    };
    if number >= 9.95 || number <= 0.0 {
        format!("{}/{unit}", count(number.round() as u64))
    } else {
        format!("{number:.1}/{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        let counts = [0, 999, 1000, 12_345, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(
            [0, 1, 2].map(|number| counted(number, "task")),
            ["0 tasks", "1 task", "2 tasks"]
        );
    }

    #[test]
    fn moments_are_dates_and_times() {
        for (seconds, text) in [
            (0.0, "1970-01-01 00:00:00Z"),
            (951_782_399.9, "2000-02-28 23:59:59Z"),
            (951_782_400.0, "2000-02-29 00:00:00Z"),
            (1_709_251_199.0, "2024-02-29 23:59:59Z"),
            (1_735_689_599.0, "2024-12-31 23:59:59Z"),
            (4_107_542_400.0, "2100-03-01 00:00:00Z"),
            (-1.0, "1969-12-31 23:59:59Z"),
        ] {
            assert_eq!(moment(seconds), text);
        }
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        let amounts = [0, 1023, 1024, 1536, 10_239, 1_048_575, 3 << 30, 5 << 40].map(bytes);
        let texts =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "10 KiB", "1.0 MiB", "3.0 GiB", "5.0 TiB"];
        assert_eq!(amounts, texts);
    }

    #[test]
    fn times_have_two_units() {
        for (seconds, text) in [
            (0.0, "0 ms"),
            (0.0452, "45 ms"),
            (0.9994, "999 ms"),
            (0.9996, "1.0 s"),
            (3.21, "3.2 s"),
            (59.94, "59.9 s"),
            (59.96, "1 min 0 s"),
            (125.4, "2 min 5 s"),
            (3599.9, "1 h 0 min"),
            (11_045.0, "3 h 4 min"),
            (183_600.0, "2 d 3 h"),
        ] {
            assert_eq!(time(Duration::from_secs_f64(seconds)), text);
        }
    }

    #[test]
    fn what_is_left_has_no_digits_that_nobody_knows() {
        let left =
            [0.0, 0.2, 59.2, 59.0, 125.0].map(|left| time_left(Duration::from_secs_f64(left)));
        assert_eq!(left, ["0 s", "1 s", "1 min 0 s", "59 s", "2 min 5 s"]);
    }

    #[test]
    fn rates_have_the_unit_that_fits() {
        let rates = [0.0, 1234.4, 12.3, 9.96, 1.52, 0.5, 0.02, 0.001].map(rate);
        assert_eq!(
            rates,
            ["0/s", "1,234/s", "12/s", "10/s", "1.5/s", "30/min", "1.2/min", "3.6/h"]
        );
    }
}
