//! `update`.

use lockgate_types::container::RestartPolicy;
use serde::Serialize;
use serde_json::Value;

use super::super::context::Context;
use super::super::each::finish;
use super::super::view::View;
use super::path;
use crate::args::UpdateArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec;

/// The limits to change; what is not said stays as it is.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::commands) struct Changes<'a> {
    blkio_weight: u16,
    cpu_period: i64,
    cpu_quota: i64,
    cpu_realtime_period: i64,
    cpu_realtime_runtime: i64,
    cpu_shares: i64,
    cpuset_cpus: &'a str,
    cpuset_mems: &'a str,
    memory: i64,
    memory_reservation: i64,
    memory_swap: i64,
    nano_cpus: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids_limit: Option<i64>,
    restart_policy: RestartPolicy,
}

/// Runs `update`.
pub(crate) async fn run(context: &Context, args: &UpdateArgs, out: &mut Output) -> Outcome {
    let changes = changes(args)?;
    let mut failures = Vec::new();
    for name in &args.containers {
        let call = context.client.post(path(name, "update")).json(&changes)?;
        match call.fetch::<Value>().await {
            Ok(answer) => {
                out.line(name)?;
                for warning in View::new(&answer).texts("Warnings") {
                    out.note(warning)?;
                }
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    finish(&failures)
}

/// The body of the call.
pub(in crate::commands) fn changes(args: &UpdateArgs) -> Result<Changes<'_>, Failure> {
    if !says_anything(args) {
        return Err(Failure::new(
            "you must provide one or more flags when using this command",
        ));
    }
    let number = |value: Option<i64>| value.unwrap_or(0);
    let restart_policy = match args.restart.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => spec::restart_policy(text).map_err(Failure::new)?,
        None => RestartPolicy::default(),
    };
    let changes = Changes {
        blkio_weight: args.blkio_weight.unwrap_or(0),
        cpu_period: number(args.cpu_period),
        cpu_quota: number(args.cpu_quota),
        cpu_realtime_period: number(args.cpu_rt_period),
        cpu_realtime_runtime: number(args.cpu_rt_runtime),
        cpu_shares: number(args.cpu_shares),
        cpuset_cpus: args.cpuset_cpus.as_deref().unwrap_or(""),
        cpuset_mems: args.cpuset_mems.as_deref().unwrap_or(""),
        memory: number(args.memory),
        memory_reservation: number(args.memory_reservation),
        memory_swap: number(args.memory_swap),
        nano_cpus: number(args.cpus),
        pids_limit: args.pids_limit,
        restart_policy,
    };
    Ok(changes)
}

fn says_anything(args: &UpdateArgs) -> bool {
    let numbers = [
        args.cpu_period,
        args.cpu_quota,
        args.cpu_rt_period,
        args.cpu_rt_runtime,
        args.cpu_shares,
        args.cpus,
        args.memory,
        args.memory_reservation,
        args.memory_swap,
        args.pids_limit,
    ];
    let texts = [&args.cpuset_cpus, &args.cpuset_mems, &args.restart];
    args.blkio_weight.is_some()
        || numbers.iter().any(Option::is_some)
        || texts.iter().any(|text| text.is_some())
}
