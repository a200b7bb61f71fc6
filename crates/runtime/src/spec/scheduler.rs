//! `process.scheduler`, with the specification's names of flags: oci-spec spells two of them in its own way.

use oci_spec::runtime::{LinuxSchedulerFlag, LinuxSchedulerPolicy, Scheduler};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct SchedulerDocument {
    policy: LinuxSchedulerPolicy,
    nice: Option<i32>,
    priority: Option<i32>,
    flags: Option<Vec<FlagDocument>>,
    runtime: Option<u64>,
    deadline: Option<u64>,
    period: Option<u64>,
}

impl From<SchedulerDocument> for Scheduler {
    fn from(document: SchedulerDocument) -> Self {
        let flags = document.flags.map(|list| list.into_iter().map(Into::into));
        let mut scheduler = Self::default();
        scheduler
            .set_policy(document.policy)
            .set_nice(document.nice)
            .set_priority(document.priority)
            .set_flags(flags.map(Iterator::collect))
            .set_runtime(document.runtime)
            .set_deadline(document.deadline)
            .set_period(document.period);
        scheduler
    }
}

/// The aliases are in states that oci-spec wrote.
#[derive(Deserialize)]
enum FlagDocument {
    #[serde(rename = "SCHED_FLAG_RESET_ON_FORK", alias = "SCHED_RESET_ON_FORK")]
    ResetOnFork,
    #[serde(rename = "SCHED_FLAG_RECLAIM")]
    Reclaim,
    #[serde(rename = "SCHED_FLAG_DL_OVERRUN", alias = "SCHED_FLAG_D_L_OVERRUN")]
    DeadlineOverrun,
    #[serde(rename = "SCHED_FLAG_KEEP_POLICY")]
    KeepPolicy,
    #[serde(rename = "SCHED_FLAG_KEEP_PARAMS")]
    KeepParams,
    #[serde(rename = "SCHED_FLAG_UTIL_CLAMP_MIN")]
    UtilClampMin,
    #[serde(rename = "SCHED_FLAG_UTIL_CLAMP_MAX")]
    UtilClampMax,
}

impl From<FlagDocument> for LinuxSchedulerFlag {
    fn from(flag: FlagDocument) -> Self {
        match flag {
            FlagDocument::ResetOnFork => Self::SchedResetOnFork,
            FlagDocument::Reclaim => Self::SchedFlagReclaim,
            FlagDocument::DeadlineOverrun => Self::SchedFlagDLOverrun,
            FlagDocument::KeepPolicy => Self::SchedFlagKeepPolicy,
            FlagDocument::KeepParams => Self::SchedFlagKeepParams,
            FlagDocument::UtilClampMin => Self::SchedFlagUtilClampMin,
            FlagDocument::UtilClampMax => Self::SchedFlagUtilClampMax,
        }
    }
}
