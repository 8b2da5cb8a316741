//! What do hosts say about executions, their tasks, and the packages that workers run for them?

use super::Ticks;
use super::fields::{FieldError, Fields};

/// A row of `internal.tasks`, with what belongs to it in other tables. Numbers are as they stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSight {
    /// The execution that it was made for.
    pub execution: i64,
    /// TaskId.
    pub task: String,
    /// Status.
    pub state: i64,
    /// ExecutedCount.
    pub executed_count: i64,
    /// MachineName of the worker that has it; empty if none has.
    pub worker: String,
    /// The status of the execution.
    pub status: i64,
}

/// What is needed to start executions and to see what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageSight {
    /// Whether the supplied package is deployed; `None` where the session may not see all packages.
    pub is_deployed: Option<bool>,
    /// The greatest id of an execution that there is, or 0.
    pub newest_execution: i64,
    /// Whether the session may read `internal.tasks` and `internal.executions`.
    pub sees_tasks: bool,
}

/// What a worker's machine tells of its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkSight {
    /// What stands in its witness file, in that order.
    pub packages: Vec<PackageRun>,
    /// What stands near the end of its log.
    pub refused: Vec<RefusedReport>,
}

/// A package that was started on a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageRun {
    /// For which execution.
    pub execution: i64,
    /// When, by the worker's clock.
    pub started: Ticks,
    /// How it ended, if it has.
    pub end: Option<End>,
}

/// How a package ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It said so, at this moment of the worker's clock.
    Told(Ticks),
    /// Its process is gone, and has said nothing.
    Gone,
}

/// A report of a worker that SSISDB refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedReport {
    /// The TaskId.
    pub task: String,
    /// The number of the error message.
    pub number: u16,
}

pub(super) fn write_tasks(tasks: &[TaskSight], fields: Fields) -> Fields {
    fields
        .with_list("task_ids", tasks.iter().map(|task| task.task.as_str()))
        .with_list("task_executions", tasks.iter().map(|task| task.execution))
        .with_list("task_states", tasks.iter().map(|task| task.state))
        .with_list("task_counts", tasks.iter().map(|task| task.executed_count))
        .with_list("task_workers", tasks.iter().map(|task| task.worker.as_str()))
        .with_list("task_statuses", tasks.iter().map(|task| task.status))
}

pub(super) fn read_tasks(fields: &Fields) -> Result<Vec<TaskSight>, FieldError> {
    let ids = fields.texts("task_ids")?;
    let integers = |field| fields.integers_of(field, ids.len());
    let (executions, states) = (integers("task_executions")?, integers("task_states")?);
    let (counts, statuses) = (integers("task_counts")?, integers("task_statuses")?);
    let workers = fields.texts_of("task_workers", ids.len())?;
    let task = |(index, (task, worker))| TaskSight {
        execution: executions[index],
        task,
        state: states[index],
        executed_count: counts[index],
        worker,
        status: statuses[index],
    };
    Ok(ids.into_iter().zip(workers).enumerate().map(task).collect())
}

impl PackageSight {
    pub(super) fn write(&self, fields: Fields) -> Fields {
        fields
            .with_some("is_deployed", self.is_deployed)
            .with("newest_execution", self.newest_execution)
            .with("sees_tasks", self.sees_tasks)
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, FieldError> {
        let is_deployed = if fields.has("is_deployed") { Some(fields.boolean("is_deployed")?) } else { None };
        Ok(Self {
            is_deployed,
            newest_execution: fields.integer("newest_execution")?,
            sees_tasks: fields.boolean("sees_tasks")?,
        })
    }
}

impl WorkSight {
    pub(super) fn write(&self, fields: Fields) -> Fields {
        let end = |run: &PackageRun| match run.end {
            None => RUNS,
            Some(End::Gone) => GONE,
            Some(End::Told(ticks)) => ticks.0,
        };
        fields
            .with_list("package_executions", self.packages.iter().map(|run| run.execution))
            .with_list("package_starts", self.packages.iter().map(|run| run.started.0))
            .with_list("package_ends", self.packages.iter().map(end))
            .with_list("refused_tasks", self.refused.iter().map(|report| report.task.as_str()))
            .with_list("refused_numbers", self.refused.iter().map(|report| report.number))
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, FieldError> {
        let executions = fields.integers("package_executions")?;
        let starts = fields.integers_of("package_starts", executions.len())?;
        let ends = fields.integers_of("package_ends", executions.len())?;
        let run = |(execution, (started, end))| {
            let started = Ticks::read("package_starts", started)?;
            let end = match end {
                RUNS => None,
                GONE => Some(End::Gone),
                ticks => Some(End::Told(Ticks::read("package_ends", ticks)?)),
            };
            Ok(PackageRun { execution, started, end })
        };
        let packages = executions.into_iter().zip(starts.into_iter().zip(ends)).map(run);
        let packages = packages.collect::<Result<Vec<PackageRun>, FieldError>>()?;
        let tasks = fields.texts("refused_tasks")?;
        let numbers = fields.integers_of("refused_numbers", tasks.len())?;
        let report = |(task, number)| {
            let number = u16::try_from(number);
            let number =
                number.map_err(|_| FieldError::wrong("refused_numbers", "a list of message numbers"))?;
            Ok(RefusedReport { task, number })
        };
        let refused = tasks.into_iter().zip(numbers).map(report).collect::<Result<_, FieldError>>()?;
        Ok(Self { packages, refused })
    }
}

const RUNS: i64 = 0;
const GONE: i64 = -1;

#[cfg(test)]
mod tests {
    use super::super::{Answer, Call, Marker, Reply, WorkerSight};
    use super::*;

    fn round(reply: Reply, call: &Call) {
        let marker = Marker::of("test");
        let answer = Answer { id: 3, outcome: Ok(reply) };
        let line = answer.line(&marker);
        let read = line.strip_prefix(marker.text()).map(|object| Answer::read(object, call));
        assert_eq!(read, Some(Ok(answer)));
    }

    #[test]
    fn a_package_that_runs_one_that_ended_and_one_that_is_gone_are_told_apart() {
        let run = |execution, end| PackageRun { execution, started: Ticks(5), end };
        let packages = vec![run(1, None), run(2, Some(End::Told(Ticks(9)))), run(2, Some(End::Gone))];
        let refused = vec![RefusedReport { task: "0-1".to_owned(), number: 27246 }];
        for work in [None, Some(WorkSight::default()), Some(WorkSight { packages, refused })] {
            let sight = WorkerSight {
                endpoint_host: "sqlfci".to_owned(),
                endpoint_port: 8391,
                resolution: None,
                socket: None,
                log: None,
                work,
            };
            round(Reply::Worker(sight), &Call::ReadWorker { work_from: Some(1) });
        }
    }

    #[test]
    fn whether_the_package_is_there_and_whether_anybody_can_see_it_are_told_apart() {
        for is_deployed in [None, Some(false), Some(true)] {
            let sight = PackageSight { is_deployed, newest_execution: 41, sees_tasks: true };
            round(Reply::Package(sight), &Call::ReadPackage { server: String::new() });
        }
    }
}
