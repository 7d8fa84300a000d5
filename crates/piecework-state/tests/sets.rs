//! `set`: what CPython's says, it says; after random calls it is what Rust's own set is, and the
//! bytes add up.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod support;

use piecework_state::{Key, Make, Mix, ObjectCall, Relation, SetCall, StateError};
use std::collections::BTreeSet;
use support::containers::{One, key, value};
use support::random::Random;

const SEEDS: u64 = 300;
const STEPS: u64 = 120;
/// So few that most calls meet what is there.
const NUMBERS: u64 = 8;

type Model = BTreeSet<u64>;

/// A number in one of its two spellings, `1` and `1.0`.
fn spelled(random: &mut Random, number: u64) -> Key {
    let end = if random.below(2) == 0 { "" } else { ".0" };
    key(&format!("{number}{end}"))
}

/// Numbers, some of them twice, and the set that they are.
fn numbers(random: &mut Random) -> (Vec<Key>, Model) {
    let numbers: Vec<_> = (0..random.below(6)).map(|_| random.below(NUMBERS)).collect();
    let keys = numbers.iter().map(|number| spelled(random, *number)).collect();
    (keys, numbers.into_iter().collect())
}

fn mixed(how: Mix, a: &Model, b: &Model) -> Model {
    match how {
        Mix::Union => a | b,
        Mix::Intersection => a & b,
        Mix::Difference => a - b,
        Mix::SymmetricDifference => a ^ b,
    }
}

fn is(relation: Relation, a: &Model, b: &Model) -> bool {
    match relation {
        Relation::Disjoint => a.is_disjoint(b),
        Relation::Within => a.is_subset(b),
        Relation::Around => a.is_superset(b),
        Relation::WithinMore => a.is_subset(b) && a != b,
        Relation::AroundLess => a.is_superset(b) && a != b,
    }
}

/// A set as it is shown, without its spelling and its order.
fn read(shown: &str) -> Vec<u64> {
    let inside = shown.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
    let parts = inside.split(", ").filter(|part| !part.is_empty());
    let mut all: Vec<_> = parts.map(|part| part.trim_end_matches(".0").parse().unwrap()).collect();
    all.sort_unstable();
    all
}

struct Life {
    random: Random,
    one: One,
    model: Model,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (keys, model) = numbers(&mut random);
        // To look whether each step is kept takes its time.
        let new = if seed.is_multiple_of(10) { One::new } else { One::passing };
        Self { random, one: new(Make::Set(keys)), model }
    }

    fn on(&mut self, call: SetCall) -> String {
        self.one.set(call)
    }

    fn step(&mut self) {
        let how = self.random.one_of(&[
            Mix::Union,
            Mix::Intersection,
            Mix::Difference,
            Mix::SymmetricDifference,
        ]);
        let number = self.random.below(NUMBERS);
        let element = spelled(&mut self.random, number);
        let [(first, a), (second, b)] = [(); 2].map(|()| numbers(&mut self.random));
        match self.random.below(10) {
            0 | 1 => {
                assert_eq!(self.on(SetCall::Add(element)), "None");
                self.model.insert(number);
            }
            2 => {
                assert_eq!(self.on(SetCall::Discard(element)), "None");
                self.model.remove(&number);
            }
            3 => {
                let said = self.on(SetCall::Remove(element));
                assert_eq!(said == "None", self.model.remove(&number), "{said}");
            }
            4 => {
                let said = self.on(SetCall::Pop);
                match said.trim_end_matches(".0").parse() {
                    Ok(popped) => assert!(self.model.remove(&popped), "{said}"),
                    Err(_) => assert!(self.model.is_empty(), "{said}"),
                }
            }
            5 => {
                let here = if self.model.contains(&number) { "True" } else { "False" };
                assert_eq!(self.on(SetCall::Contains(element)), here);
            }
            6 => {
                let said = self.on(SetCall::Mixed(how, vec![first, second]));
                let both = mixed(how, &mixed(how, &self.model, &a), &b);
                assert_eq!(read(&said), Vec::from_iter(both), "{how:?}");
            }
            7 => {
                let said = self.on(SetCall::MixedInto(how, first));
                assert_eq!(read(&said), Vec::from_iter(mixed(how, &a, &self.model)), "{how:?}");
            }
            8 => {
                self.model = mixed(how, &mixed(how, &self.model, &a), &b);
                self.on(SetCall::Mix { how, others: vec![first, second], told: false });
            }
            _ => self.compare(first, &a),
        }
    }

    fn compare(&mut self, other: Vec<Key>, model: &Model) {
        let relation = self.random.one_of(&[
            Relation::Disjoint,
            Relation::Within,
            Relation::Around,
            Relation::WithinMore,
            Relation::AroundLess,
        ]);
        let expected = if is(relation, &self.model, model) { "True" } else { "False" };
        assert_eq!(self.on(SetCall::Is(relation, other)), expected, "{relation:?}");
    }

    fn check(&mut self) {
        let all = Vec::from_iter(self.model.clone());
        assert_eq!(read(&self.on(SetCall::Copy)), all);
        assert_eq!(self.on(SetCall::Len), all.len().to_string());
        self.one.world.state.check();
    }
}

#[test]
fn any_life_of_a_set_is_as_rusts_own() {
    for seed in 1..=SEEDS {
        let mut life = Life::new(seed);
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..STEPS {
                life.step();
                life.check();
            }
        }));
        assert!(lived.is_ok(), "seed {seed}");
    }
}

#[test]
fn a_set_has_each_element_once_in_the_order_in_which_they_came() {
    let mut one = One::new(Make::Set(vec![key("b"), key("1"), key("1.0"), key("a")]));
    let keys =
        |letters: &str| -> Vec<Key> { letters.chars().map(|c| key(&c.to_string())).collect() };
    assert_eq!(one.shown(), "{b, 1, a}");
    assert_eq!(one.set(SetCall::Add(key("1.0"))), "None");
    assert_eq!(one.set(SetCall::Iterate), "iter([b, 1, a])");
    let missing = one.set(SetCall::Remove(key("z")));
    assert_eq!(missing, StateError::KeyMissing { key: value("z") }.to_string());
    assert_eq!(one.set(SetCall::Mixed(Mix::Union, vec![keys("az"), keys("y")])), "{b, 1, a, z, y}");
    assert_eq!(one.set(SetCall::MixedInto(Mix::Difference, keys("abc"))), "{c}");
    let told = SetCall::Mix { how: Mix::SymmetricDifference, others: vec![keys("ac")], told: true };
    assert_eq!(one.set(told), "{b, 1, c}");
    assert_eq!(one.set(SetCall::Pop), "b");
    assert_eq!(one.set(SetCall::Clear), "None");
    assert_eq!(one.set(SetCall::Pop), "pop from an empty set");
    for _ in 0..2 {
        assert_eq!(one.set(SetCall::Add(key("nan"))), "None");
    }
    assert_eq!(one.set(SetCall::Len), "2");
}

#[test]
fn what_a_set_has_no_room_for_is_not_mixed_in() {
    let mut one = One::limited(Make::Set(vec![key("a")]), 3);
    let mix = |how| {
        let others = vec![vec![key("b"), key("c"), key("d")]];
        ObjectCall::InSet(SetCall::Mix { how, others, told: false })
    };
    for how in [Mix::Union, Mix::SymmetricDifference] {
        assert!(one.on(mix(how)).starts_with("the manager holds"), "{how:?}");
    }
    assert_eq!(one.shown(), "{a}");
    assert_eq!(one.on(mix(Mix::Difference)), "None");
    assert_eq!(one.on(mix(Mix::Intersection)), "None");
    assert_eq!(one.shown(), "{}");
}
