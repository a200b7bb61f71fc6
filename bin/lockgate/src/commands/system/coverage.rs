//! `coverage`: what is built of the API.

use crate::failure::Outcome;
use crate::format::align;
use crate::output::Output;

/// Runs `coverage`.
pub(crate) fn run(out: &mut Output) -> Outcome {
    let mut text = String::from("METHOD\tPATH\tOPERATION\tBUILT\n");
    let (mut built, mut all) = (0, 0);
    for line in lockgate_api::coverage() {
        all += 1;
        built += usize::from(line.built);
        let (method, path) = (format!("{:?}", line.method).to_uppercase(), line.pattern);
        let word = if line.built { "yes" } else { "no" };
        text += &format!("{method}\t{path}\t{:?}\t{word}\n", line.operation);
    }
    out.text(align(&text))?;
    out.line(format!("\n{built} of {all} operations are built"))?;
    Ok(0)
}
