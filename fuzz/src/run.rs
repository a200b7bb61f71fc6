//! One target, fed for a while.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::time::{ClockId, clock_gettime};

use crate::mutate::mutate;
use crate::targets::Target;

/// A single input that takes longer is a finding: what reads it is open to strangers.
const SLOW: Duration = Duration::from_secs(5);
/// How many inputs are kept for their answers.
const KEPT: usize = 4096;

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Inputs tried.
    pub inputs: u64,
    /// Different answers that they got.
    pub answers: usize,
}

/// An input that a target did not survive.
#[derive(Debug, thiserror::Error)]
#[error("{target} did not survive an input ({why}); it is in {}", .file.display())]
pub struct Failure {
    target: &'static str,
    why: String,
    file: PathBuf,
}

/// Where inputs that were found are kept; each is tried again by the tests.
pub fn found(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("found")
        .join(target.name)
}

/// Tries one input.
pub fn one(target: &Target, input: &[u8]) -> Result<String, Failure> {
    let start = worked();
    let fail = |why: String| Failure {
        target: target.name,
        file: keep(target, input),
        why,
    };
    let answer = catch_unwind(AssertUnwindSafe(|| (target.feed)(input)))
        .map_err(|panic| fail(text_of(panic.as_ref())))?;
    let took = worked().saturating_sub(start);
    if took > SLOW {
        return Err(fail(format!("it took {took:?}")));
    }
    Ok(answer)
}

/// What this thread has cost the processor; the clock on the wall counts what others do too.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into().unwrap_or_default()
}

/// Feeds a target for so long. The same seed makes the same inputs.
pub fn run(target: &Target, seed: u64, time: Duration) -> Result<Report, Failure> {
    let mut rng = Rng::with_seed(seed);
    let mut seeds = (target.seeds)();
    seeds.extend(files(&found(target)));
    let mut answers = HashSet::new();
    for input in &seeds {
        answers.insert(shape(&one(target, input)?));
    }
    let until = Instant::now() + time;
    let mut inputs = 0;
    while Instant::now() < until {
        let input = mutate(&mut rng, &seeds, target.form, target.words);
        inputs += 1;
        if answers.insert(shape(&one(target, &input)?)) && seeds.len() < KEPT {
            seeds.push(input);
        }
    }
    Ok(Report {
        inputs,
        answers: answers.len(),
    })
}

/// An answer without the parts that any input would change: digits, and what stands in quotes.
fn shape(answer: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut quoted = false;
    for letter in answer.chars().take(4096) {
        if letter == '"' || letter == '`' {
            quoted = !quoted;
        }
        if !quoted && !letter.is_ascii_digit() {
            letter.hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let file = found(target).join(format!("{:016x}", hasher.finish()));
    let written =
        std::fs::create_dir_all(found(target)).and_then(|()| std::fs::write(&file, input));
    if let Err(error) = written {
        eprintln!(
            "cannot keep the input: {error}; it is {:?}",
            input.escape_ascii().to_string()
        );
    }
    file
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path()).ok())
        .collect()
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
