//! When the program gets a processor, and the disk (`process.scheduler`, `process.ioPriority`).

use lockgate_sys::schedule::{Attributes, set_attributes, set_io_priority};
use oci_spec::runtime::{
    IOPriorityClass, LinuxIOPriority, LinuxSchedulerFlag, LinuxSchedulerPolicy, Process, Scheduler,
};

use super::error::{CreateError, InitError, Step as _};

/// What is wrong with either, in runc's words.
pub(super) fn check(process: &Process) -> Result<(), CreateError> {
    let io = process.io_priority().as_ref().map_or(Ok(()), check_io);
    let scheduler = process.scheduler().as_ref();
    io.and_then(|()| scheduler.map_or(Ok(()), check_scheduler))
        .map_err(CreateError::Invalid)
}

fn check_io(asked: &LinuxIOPriority) -> Result<(), String> {
    match asked.priority() {
        0..=7 => Ok(()),
        other => Err(format!("invalid ioPriority.Priority: {other}")),
    }
}

fn check_scheduler(asked: &Scheduler) -> Result<(), String> {
    use LinuxSchedulerPolicy::{SchedDeadline, SchedFifo, SchedRr};
    let nice = asked.nice().unwrap_or(0);
    if !(-20..=19).contains(&nice) {
        return Err(format!("invalid scheduler.nice: {nice}"));
    }
    let priority = asked.priority().unwrap_or(0);
    if priority < 0 {
        return Err(format!("invalid scheduler.priority: {priority}"));
    }
    if priority != 0 && !matches!(asked.policy(), SchedFifo | SchedRr) {
        return Err(
            "scheduler.priority can only be specified for SchedFIFO or SchedRR policy".to_owned(),
        );
    }
    let times = [asked.runtime(), asked.deadline(), asked.period()];
    if *asked.policy() != SchedDeadline && times.iter().any(|time| time.is_some_and(|t| t != 0)) {
        return Err(
            "scheduler runtime/deadline/period can only be specified for SchedDeadline policy"
                .to_owned(),
        );
    }
    Ok(())
}

/// Takes this process where [`check`] found nothing wrong. What it needs privilege for is still there.
pub(super) fn apply(process: &Process) -> Result<(), InitError> {
    if let Some(asked) = process.scheduler() {
        set_attributes(&attributes(asked)).step("setting the scheduler")?;
    }
    if let Some(asked) = process.io_priority() {
        let level = u8::try_from(asked.priority()).unwrap_or(0);
        set_io_priority(class(asked.class()), level).step("setting the I/O priority")?;
    }
    Ok(())
}

fn attributes(asked: &Scheduler) -> Attributes {
    let flags = asked.flags().iter().flatten();
    Attributes {
        policy: policy(*asked.policy()),
        flags: flags.fold(0, |all, one| all | flag(*one)),
        nice: asked.nice().unwrap_or(0),
        priority: asked.priority().unwrap_or(0).unsigned_abs(),
        runtime: asked.runtime().unwrap_or(0),
        deadline: asked.deadline().unwrap_or(0),
        period: asked.period().unwrap_or(0),
    }
}

/// `IOPRIO_CLASS_*`.
fn class(class: IOPriorityClass) -> u8 {
    match class {
        IOPriorityClass::IoprioClassRt => 1,
        IOPriorityClass::IoprioClassBe => 2,
        IOPriorityClass::IoprioClassIdle => 3,
    }
}

/// `SCHED_*`.
fn policy(policy: LinuxSchedulerPolicy) -> u32 {
    match policy {
        LinuxSchedulerPolicy::SchedOther => 0,
        LinuxSchedulerPolicy::SchedFifo => 1,
        LinuxSchedulerPolicy::SchedRr => 2,
        LinuxSchedulerPolicy::SchedBatch => 3,
        LinuxSchedulerPolicy::SchedIso => 4,
        LinuxSchedulerPolicy::SchedIdle => 5,
        LinuxSchedulerPolicy::SchedDeadline => 6,
    }
}

/// `SCHED_FLAG_*`.
fn flag(flag: LinuxSchedulerFlag) -> u64 {
    match flag {
        LinuxSchedulerFlag::SchedResetOnFork => 0x01,
        LinuxSchedulerFlag::SchedFlagReclaim => 0x02,
        LinuxSchedulerFlag::SchedFlagDLOverrun => 0x04,
        LinuxSchedulerFlag::SchedFlagKeepPolicy => 0x08,
        LinuxSchedulerFlag::SchedFlagKeepParams => 0x10,
        LinuxSchedulerFlag::SchedFlagUtilClampMin => 0x20,
        LinuxSchedulerFlag::SchedFlagUtilClampMax => 0x40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::document::parse_process;

    fn refused(part: &str) -> Option<String> {
        let process = parse_process(format!(r#"{{"cwd":"/",{part}}}"#).as_bytes()).unwrap();
        check(&process).err().map(|error| error.to_string())
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (part, word) in [
            (
                r#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8}"#,
                "ioPriority.Priority: 8",
            ),
            (
                r#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":-1}"#,
                "ioPriority.Priority: -1",
            ),
            (
                r#""scheduler":{"policy":"SCHED_OTHER","nice":20}"#,
                "scheduler.nice: 20",
            ),
            (
                r#""scheduler":{"policy":"SCHED_OTHER","priority":1}"#,
                "SchedFIFO or SchedRR",
            ),
            (
                r#""scheduler":{"policy":"SCHED_FIFO","priority":-1}"#,
                "scheduler.priority: -1",
            ),
            (
                r#""scheduler":{"policy":"SCHED_RR","runtime":5}"#,
                "SchedDeadline policy",
            ),
        ] {
            let said = refused(part).unwrap_or_default();
            assert!(said.contains(word), "{part}: {said}");
        }
    }

    #[test]
    fn what_the_specification_allows_is_taken() {
        for part in [
            r#""ioPriority":{"class":"IOPRIO_CLASS_RT","priority":7}"#,
            r#""scheduler":{"policy":"SCHED_FIFO","priority":99,"flags":["SCHED_FLAG_RESET_ON_FORK"]}"#,
            r#""scheduler":{"policy":"SCHED_DEADLINE","runtime":1,"deadline":2,"period":3}"#,
            r#""scheduler":{"policy":"SCHED_BATCH","nice":-20}"#,
        ] {
            assert_eq!(refused(part), None, "{part}");
        }
    }
}
