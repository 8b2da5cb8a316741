//! What does SSISDB say about master and workers?

use super::Ticks;
use super::fields::{FieldError, Fields};
use super::work::{self, TaskSight};

/// What the views of SSISDB show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsisdbSight {
    /// Names and values of `catalog.master_properties`.
    pub properties: Vec<(String, String)>,
    /// `catalog.worker_agents`; `None` where the session may not see its rows: then nobody has looked.
    pub workers: Option<Vec<AgentSight>>,
    /// Ids of executions that are pending, running or stopping; `None` where the session may not see all of them.
    pub executions: Option<Vec<i64>>,
    /// The tasks that were asked for; `None` where none were, or the session may not see them.
    pub tasks: Option<Vec<TaskSight>>,
    /// How many backups and restores run on the instance; `None` where the session may not see what others do.
    pub backups: Option<i64>,
}

/// A row of `catalog.worker_agents`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSight {
    /// MachineName.
    pub machine: String,
    /// IsEnabled.
    pub is_enabled: bool,
    /// LastOnlineTime, by the clock of SQL Server; `None` if it never was.
    pub last_online: Option<Ticks>,
}

impl SsisdbSight {
    /// The value of a property of the master, if there is one.
    pub fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn write(&self, fields: Fields) -> Fields {
        let fields = fields
            .with_list("property_names", self.properties.iter().map(|(name, _)| name.as_str()))
            .with_list("property_values", self.properties.iter().map(|(_, value)| value.as_str()));
        let fields = fields.with_some("backups", self.backups);
        let fields = match &self.executions {
            Some(executions) => fields.with_list("executions", executions.iter().copied()),
            None => fields,
        };
        let fields = match &self.tasks {
            Some(tasks) => work::write_tasks(tasks, fields),
            None => fields,
        };
        let Some(workers) = &self.workers else { return fields };
        fields
            .with_list("worker_machines", workers.iter().map(|worker| worker.machine.as_str()))
            .with_list("worker_enabled", workers.iter().map(|worker| i64::from(worker.is_enabled)))
            .with_list(
                "worker_online",
                workers.iter().map(|worker| worker.last_online.map_or(NEVER, |ticks| ticks.0)),
            )
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, FieldError> {
        let names = fields.texts("property_names")?;
        let values = fields.texts_of("property_values", names.len())?;
        let workers = if fields.has("worker_machines") { Some(read_workers(fields)?) } else { None };
        let executions = if fields.has("executions") { Some(fields.integers("executions")?) } else { None };
        let tasks = if fields.has("task_ids") { Some(work::read_tasks(fields)?) } else { None };
        let backups = if fields.has("backups") { Some(fields.integer("backups")?) } else { None };
        let properties = names.into_iter().zip(values).collect();
        Ok(Self { properties, workers, executions, tasks, backups })
    }
}

fn read_workers(fields: &Fields) -> Result<Vec<AgentSight>, FieldError> {
    let machines = fields.texts("worker_machines")?;
    let enabled = fields.integers_of("worker_enabled", machines.len())?;
    let online = fields.integers_of("worker_online", machines.len())?;
    let worker = |(machine, (enabled, online))| {
        let last_online = (online != NEVER).then(|| Ticks::read("worker_online", online)).transpose()?;
        Ok(AgentSight { machine, is_enabled: enabled != 0, last_online })
    };
    machines.into_iter().zip(enabled.into_iter().zip(online)).map(worker).collect()
}

const NEVER: i64 = 0;

#[cfg(test)]
mod tests {
    use super::super::{Answer, Call, Marker, Reply};
    use super::*;

    #[test]
    fn no_rows_and_no_look_are_told_apart() {
        let agent =
            |last_online| AgentSight { machine: "W\u{d6}1".to_owned(), is_enabled: true, last_online };
        for workers in [None, Some(Vec::new()), Some(vec![agent(None), agent(Some(Ticks(5)))])] {
            let properties = vec![("MACHINE_NAME".to_owned(), "NODE1".to_owned())];
            let executions = workers.as_ref().map(|_| vec![7]);
            let backups = workers.as_ref().map(|workers| workers.len() as i64);
            let task = TaskSight {
                execution: 7,
                task: "0-1".to_owned(),
                state: 2,
                executed_count: 1,
                worker: "W\u{d6}1".to_owned(),
                status: 5,
            };
            let tasks = workers.as_ref().map(|workers| vec![task; workers.len()]);
            let sight = SsisdbSight { properties, workers, executions, tasks, backups };
            let answer = Answer { id: 1, outcome: Ok(Reply::Ssisdb(sight)) };
            let marker = Marker::of("test");
            let line = answer.line(&marker);
            let call = Call::ReadSsisdb { server: "SQLFCI".to_owned(), work_from: Some(7) };
            let read = line.strip_prefix(marker.text()).map(|object| Answer::read(object, &call));
            assert_eq!(read, Some(Ok(answer)));
        }
    }
}
