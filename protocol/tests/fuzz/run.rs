//! Runs one target for as long as it may: its seeds, each of them cut at every byte, and then whatever mutation
//! makes of them and of what they led to.
//!
//! An input that a target answers as it answered none before joins the pool, so that the search goes on from what
//! is rare. A failure names the input and the seed: `KUBELAMBDA_FUZZ_INPUT` (hexadecimal) runs that one input,
//! `KUBELAMBDA_FUZZ_SEED` the same inputs again, `KUBELAMBDA_FUZZ_SECONDS` sets how long.

use std::collections::HashSet;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use crate::mutation::{Random, mutated};

/// How long a target runs unless it is set, in seconds.
const SECONDS: f64 = 2.0;
/// How long one input may take, in milliseconds: a reader may not be slowed down by what it reads. Inputs take less
/// than one; the rest is for a machine that is busy with other things.
const INPUT_MILLIS_MAX: u128 = 20_000;
/// Inputs that are kept to go on from.
const POOL_MAX: usize = 2_000;

/// A reader, and what is always true of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    /// What real clients and peers send.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Panics where a promise is broken; otherwise tells in a few words what came of the input.
    pub check: fn(&[u8]) -> String,
}

impl Target {
    /// Runs until the time is over.
    pub fn run(&self) {
        if let Ok(input) = std::env::var("KUBELAMBDA_FUZZ_INPUT") {
            eprintln!("{}: {}", self.name, (self.check)(&domain::hex::decode(&input).unwrap()));
            return;
        }
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
        let seed: u64 = set("KUBELAMBDA_FUZZ_SEED").unwrap_or_else(|| u64::from(now()));
        let until =
            Instant::now() + Duration::from_secs_f64(set("KUBELAMBDA_FUZZ_SECONDS").unwrap_or(SECONDS));
        let seeds = (self.seeds)();
        let mut known: HashSet<String> = seeds.iter().map(|seed_input| self.give(seed_input, seed)).collect();
        let mut inputs = seeds.len();
        for seed_input in &seeds {
            for cut in 0..seed_input.len() {
                known.insert(self.give(&seed_input[..cut], seed));
                inputs += 1;
            }
        }
        let (mut pool, mut random) = (seeds, Random(seed));
        while Instant::now() < until {
            let input = mutated(&pool, &mut random);
            inputs += 1;
            if known.insert(self.give(&input, seed)) && pool.len() < POOL_MAX {
                pool.push(input);
            }
        }
        eprintln!("figures: {}, {inputs} inputs, {} kinds of answers, seed {seed}", self.name, known.len());
        // A target that answers everything alike does not reach its reader.
        assert!(known.len() > 1, "{}: only {known:?}", self.name);
    }

    fn give(&self, input: &[u8], seed: u64) -> String {
        let began = Instant::now();
        let answer = catch_unwind(AssertUnwindSafe(|| (self.check)(input)));
        let taken = began.elapsed().as_millis();
        if answer.is_err() || taken > INPUT_MILLIS_MAX {
            let input = domain::hex::encode(input);
            eprintln!("{} failed after {taken} ms; KUBELAMBDA_FUZZ_INPUT={input} repeats it,", self.name);
            eprintln!("KUBELAMBDA_FUZZ_SEED={seed} what led to it");
            panic!("a promise of {} is broken", self.name);
        }
        shape(&answer.unwrap())
    }
}

fn set<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// The answer without what the input itself put into it: words stay, numbers and quotations do not.
fn shape(answer: &str) -> String {
    let mut shape = String::new();
    for (number, part) in answer.split(['\'', '`', '"']).enumerate() {
        if number % 2 == 0 {
            let words = part.split(|c: char| !c.is_ascii_alphabetic() && c != ' ');
            words.take(12).for_each(|word| write!(shape, "{word} ").unwrap());
        }
    }
    shape.truncate(shape.floor_char_boundary(160));
    shape
}
