//! `lockgate policy test`: the cases that a policy file has for itself. Exit status 1 if one fails.

use super::explain::judge;
use super::load;
use crate::args::PolicyFileArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(super) fn run(args: &PolicyFileArgs, out: &mut Output) -> Outcome {
    let policy = load(&args.file)?;
    if policy.cases().is_empty() {
        let none = Failure::new(format!("{} has no `[[tests]]`", args.file.display()));
        return Err(none.hint("a case has `who`, `does` and `expect`"));
    }
    let mut failed = 0;
    for case in policy.cases() {
        let all = judge(&policy, &case.who, &case.does)?;
        let refused = all.iter().find(|(_, explained)| !explained.allowed);
        let good = refused.is_none() == case.allowed;
        failed += usize::from(!good);
        let verdict = if good { "ok    " } else { "FAILED" };
        let why = refused
            .or_else(|| all.first())
            .map(|(_, explained)| explained.why.as_str());
        out.line(format!(
            "{verdict} line {}: {} ({})",
            case.line,
            case.does,
            why.unwrap_or_default()
        ))?;
    }
    out.line(format!("{} cases, {failed} failed", policy.cases().len()))?;
    Ok(u8::from(failed > 0))
}
