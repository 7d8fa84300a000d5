//! Some hundred simulated lives; and that each can be repeated. `cargo xtask sim` lives many more.

use piecework_testing::sim;

/// What a test has time for without optimization.
const SEEDS: u64 = 300;

#[test]
fn whatever_befalls_a_life_what_clients_were_told_holds() {
    for seed in 1..=SEEDS {
        if let Err(failure) = sim::live(seed) {
            let small = sim::shrink(*failure);
            panic!(
                "{}\n\n{}\n\nseed {seed}: SEED={seed} cargo xtask sim",
                small.trace.join("\n"),
                small.what
            );
        }
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    for seed in [3, 97, 1_001] {
        let (first, second) = (sim::trace(seed), sim::trace(seed));
        assert!(first.0.len() > 100, "seed {seed} is a life in which something happens");
        assert_eq!(first, second, "seed {seed}");
    }
}
