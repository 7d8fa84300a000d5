//! `--delay`, `--memfree`, `--load`: whether one more command may start on this machine now.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context;
use piecework_server::measure;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::stop::{Stage, Stop};

/// How often the machine is looked at while a command waits: memory and load change with the
/// commands that run, and these take their time.
const LOOK_PERIOD: Duration = Duration::from_millis(500);

/// What has to be true before a command starts.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub(crate) struct GateArgs {
    /// Wait at least so long between the starts of two commands, as 0.5s or 100ms
    #[arg(long, value_name = "TIME", value_parser = delay)]
    pub(crate) delay: Option<Duration>,

    /// Start a command only while so much memory is available, as 500M or 2G
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub(crate) memfree: Option<u64>,

    /// Start a command only while fewer processes than this run, or than this part of the cores, as
    /// 80%
    #[arg(long, value_name = "N|N%")]
    pub(crate) load: Option<Load>,
}

fn delay(text: &str) -> Result<Duration, String> {
    let hint = || format!("{text} is no time; hint: 0.5s, 100ms, 2 or 1m");
    measure::duration(text).ok_or_else(hint)
}

fn memory(text: &str) -> Result<u64, String> {
    let hint = || format!("{text} is no size; hint: 500M, 2G or a number of bytes");
    measure::bytes(text).ok_or_else(hint)
}

/// The argument of `--load`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Load {
    /// So many processes.
    Processes(f64),
    /// So many for each hundred cores.
    PercentOfCores(f64),
}

impl Load {
    fn processes(self) -> f64 {
        match self {
            Self::Processes(count) => count,
            Self::PercentOfCores(percent) => {
                let cores = available_parallelism().map_or(1, NonZeroUsize::get);
                percent / 100.0 * cores as f64
            }
        }
    }
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, percent) = text.strip_suffix('%').map_or((text, false), |text| (text, true));
        match number.parse::<f64>() {
            Ok(number) if number.is_finite() && number > 0.0 && percent => {
                Ok(Self::PercentOfCores(number))
            }
            Ok(number) if number.is_finite() && number > 0.0 => Ok(Self::Processes(number)),
            _ => {
                Err(format!("{text} is no load; hint: 80% of the cores, or a number of processes"))
            }
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processes(count) => write!(f, "{count}"),
            Self::PercentOfCores(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What the system tells of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Machine {
    /// Memory that a new command could have.
    available_bytes: u64,
    /// Processes and threads that run or could, without the one that asks.
    running: u64,
}

/// The gate that all slots of a run on this machine go through, one after the other.
#[derive(Debug)]
pub(crate) struct Gate {
    args: GateArgs,
    look: fn() -> anyhow::Result<Machine>,
    turn: Mutex<Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    /// When the last one was let through.
    last: Option<Instant>,
    /// Whether it was told what the gate waits for: once is enough.
    said: bool,
}

impl Gate {
    /// Makes the gate; `None` if nothing is asked for.
    ///
    /// # Errors
    /// If this system does not tell its memory and load.
    pub(crate) fn new(args: GateArgs) -> anyhow::Result<Option<Self>> {
        Self::with(args, look)
    }

    fn with(args: GateArgs, look: fn() -> anyhow::Result<Machine>) -> anyhow::Result<Option<Self>> {
        if args == GateArgs::default() {
            return Ok(None);
        }
        if args.memfree.is_some() || args.load.is_some() {
            look().context("--memfree and --load cannot be followed on this machine")?;
        }
        Ok(Some(Self { args, look, turn: Mutex::default() }))
    }

    /// Waits until one more command may start, or until a stop begins. The first time that it waits
    /// for memory or load, `say` is told for what.
    pub(crate) async fn open(&self, stop: &Stop, say: impl FnOnce(&str)) {
        tokio::select! {
            biased;
            () = stop.reached(Stage::Draining) => {}
            () = self.pass(say) => {}
        }
    }

    async fn pass(&self, say: impl FnOnce(&str)) {
        // The lock is fair: commands start in the order in which their slots came, and each looks
        // at the machine only once the one before it was let through.
        let mut turn = self.turn.lock().await;
        if let (Some(delay), Some(last)) = (self.args.delay, turn.last) {
            sleep_until(last + delay).await;
        }
        let mut say = Some(say);
        while let Some(missing) = self.missing() {
            if !turn.said
                && let Some(say) = say.take()
            {
                say(&missing);
                turn.said = true;
            }
            sleep(LOOK_PERIOD).await;
        }
        turn.last = Some(Instant::now());
    }

    /// What a start has to wait for, if anything.
    fn missing(&self) -> Option<String> {
        let GateArgs { memfree, load, .. } = self.args;
        if memfree.is_none() && load.is_none() {
            return None;
        }
        // What could be read at the start can be read again.
        let machine = (self.look)().ok()?;
        if let Some(wanted) = memfree.filter(|wanted| machine.available_bytes < *wanted) {
            let available = machine.available_bytes;
            return Some(format!(
                "waiting for memory: {available} bytes are available, --memfree wants {wanted}"
            ));
        }
        let max = load?.processes();
        let running = machine.running;
        (running as f64 >= max).then(|| {
            format!("waiting for the load to fall: {running} processes run, --load allows {max}")
        })
    }
}

/// Asks the system.
fn look() -> anyhow::Result<Machine> {
    let read = |file| std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"));
    read_machine(&read("/proc/meminfo")?, &read("/proc/loadavg")?)
        .context("/proc/meminfo and /proc/loadavg are not as on Linux")
}

/// Reads `MemAvailable:  123 kB` and the `2/345` of `0.1 0.2 0.3 2/345 678`: how many run, of all.
/// The averages before it would tell too late: many commands would have started by then.
fn read_machine(memory: &str, load: &str) -> Option<Machine> {
    let mut lines = memory.lines();
    let available = lines.find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = available.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let (running, _) = load.split_whitespace().nth(3)?.split_once('/')?;
    let running = running.parse::<u64>().ok()?.saturating_sub(1);
    Some(Machine { available_bytes: kib * 1024, running })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn stop() -> Stop {
        Stop::on_signals(|_| ()).unwrap()
    }

    fn gate(args: GateArgs, look: fn() -> anyhow::Result<Machine>) -> Arc<Gate> {
        Arc::new(Gate::with(args, look).unwrap().unwrap())
    }

    fn load(text: &str) -> GateArgs {
        GateArgs { load: Some(text.parse().unwrap()), ..GateArgs::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn starts_keep_their_distance_whoever_starts() {
        let args = GateArgs { delay: Some(Duration::from_secs(2)), ..GateArgs::default() };
        let gate = gate(args, || unreachable!("a delay needs no look at the machine"));
        let stop = stop();
        let begun = Instant::now();
        let starts = (0..4).map(|_| {
            let (gate, stop) = (gate.clone(), stop.clone());
            tokio::spawn(async move {
                gate.open(&stop, |_| ()).await;
                begun.elapsed().as_secs()
            })
        });
        let mut times = Vec::new();
        for start in starts.collect::<Vec<_>>() {
            times.push(start.await.unwrap());
        }
        assert_eq!(times, [0, 2, 4, 6]);
        tokio::time::sleep(Duration::from_secs(9)).await; // rhythm: paused time
        gate.open(&stop, |_| ()).await;
        assert_eq!(begun.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_for_memory_and_says_so_once() {
        static LOOKS: AtomicU64 = AtomicU64::new(0);
        let args = GateArgs { memfree: Some(100), ..GateArgs::default() };
        let gate = gate(args, || {
            // The first look is that of `new`; what is missing is there at every fourth.
            let look = LOOKS.fetch_add(1, Ordering::SeqCst);
            Ok(Machine { available_bytes: if look % 4 == 3 { 100 } else { 99 }, running: 0 })
        });
        let begun = Instant::now();
        let mut said = Vec::new();
        for _ in 0..2 {
            gate.open(&stop(), |missing| said.push(missing.to_owned())).await;
        }
        assert_eq!(begun.elapsed(), LOOK_PERIOD * 5);
        let [said] = said.try_into().unwrap();
        assert!(said.contains("99 bytes") && said.contains("--memfree wants 100"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_wait() {
        let gate = gate(load("3"), || Ok(Machine { available_bytes: 0, running: 3 }));
        let stop = stop();
        let (sender, said) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move {
                gate.open(&stop, |missing| sender.send(missing.to_owned()).unwrap()).await;
            }
        });
        let said = said.await.unwrap();
        assert!(said.contains("3 processes run, --load allows 3"), "{said}");
        stop.go(Stage::Draining);
        waiting.await.unwrap();
    }

    #[test]
    fn nothing_asked_for_is_no_gate_and_what_cannot_be_known_is_an_error() {
        assert!(Gate::new(GateArgs::default()).unwrap().is_none());
        let error = Gate::with(load("80%"), || anyhow::bail!("no /proc")).unwrap_err();
        assert!(format!("{error:#}").contains("--load cannot be followed"), "{error:#}");
    }

    #[test]
    fn this_machine_tells_its_state() {
        let memory = "MemTotal:  2000 kB\nMemAvailable:    1000 kB\n";
        let machine = read_machine(memory, "0.00 0.01 0.05 3/345 678\n");
        assert_eq!(machine, Some(Machine { available_bytes: 1_024_000, running: 2 }));
        assert_eq!(read_machine("", "0.00 0.01 0.05 3/345 678\n"), None);
        assert_eq!(read_machine(memory, "0.00\n"), None);
        if cfg!(target_os = "linux") {
            assert!(look().unwrap().available_bytes > 0);
        }
    }

    #[test]
    fn arguments_are_checked() {
        assert_eq!("80%".parse(), Ok(Load::PercentOfCores(80.0)));
        assert_eq!("2.5".parse::<Load>().unwrap().to_string(), "2.5");
        for wrong in ["", "%", "0", "-1", "nan", "x", "80 %"] {
            let error = wrong.parse::<Load>().unwrap_err();
            assert!(error.contains(wrong) && error.contains("hint"), "{error}");
        }
        assert_eq!(delay("0.5s"), Ok(Duration::from_millis(500)));
        assert_eq!(memory("1G"), Ok(1 << 30));
        assert!(delay("soon").is_err() && memory("lots").is_err());
    }
}
