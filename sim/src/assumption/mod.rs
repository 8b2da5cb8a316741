//! What do we not know about the product, and which values could it have?
//!
//! A behaviour that no source settles is never a silent guess: it stands here with its question, its possible values
//! and what each of them rests on. The first value is the one that a run takes unless told otherwise; `run` judges
//! again with each of the others.

/// A question about the product that its documents leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Assumption {
    /// When a master sweeps expired tasks for the first time.
    FirstSweep,
    /// How long a worker waits before it connects again.
    WorkerRetry,
    /// What a master does that starts while SSISDB cannot be reached.
    MasterWithoutSsisdb,
    /// What a connection attempt meets while no node holds the address.
    AbsentAddress,
    /// How long a quarantined node stays out.
    QuarantineDuration,
    /// How many restarts of a resource are tolerated where nobody has set `RestartThreshold`.
    RestartThreshold,
    /// For how long restarts count together where nobody has set `RestartPeriod`.
    RestartPeriod,
    /// How many missed heartbeats take a node out where nobody has set the thresholds.
    HeartbeatThresholds,
    /// When a network name registers in DNS that could not do so when it came online.
    DnsRegistration,
    /// Whether a node finds the cluster's network names without DNS.
    NamesWithoutDns,
    /// Whether a role that fails over is terminated or taken offline first.
    FailoverPath,
    /// What becomes of resources whose cluster service dies.
    Rundown,
    /// Which nodes that fall silent are isolated.
    ResiliencyLevel,
    /// Whether a network name comes online without a domain controller.
    NameWithoutDirectory,
    /// Which failures of a report on a task count for `HeartbeatErrorTollerance`.
    UnansweredReports,
    /// What becomes of a package on a worker when SQL Server stops.
    PackagesWithoutSql,
    /// What becomes of a package when its worker's service ends.
    PackagesWithoutWorker,
    /// How long a worker waits for an answer.
    RequestTimeout,
    /// Whether moves by an administrator count as failovers of a role.
    MovesCount,
    /// What a hung service does when the cluster stops it.
    HungServiceStop,
    /// When the other nodes notice that a cluster service died.
    ServiceDeathNoticed,
    /// Whether a machine that goes on after a freeze answers for addresses that it lost meanwhile.
    ThawedAddress,
    /// Whether `catalog.startup` marks executions of Scale Out as ended.
    CatalogStartup,
}

/// What stands behind an assumption: the question, its possible answers, and how a lab would settle it.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// The name by which scenarios, reports and command lines call it.
    pub id: &'static str,
    /// The question in one sentence.
    pub question: &'static str,
    /// The possible answers, the default first, each with what speaks for it.
    pub values: &'static [Value],
    /// The observation in a lab that would settle it.
    pub settled_by: &'static str,
}

/// A possible answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Value {
    /// The word for it.
    pub word: &'static str,
    /// What speaks for it: documented, observed or inferred, and by whom.
    pub source: &'static str,
}

impl Assumption {
    /// All assumptions, in the order of their numbers.
    pub const ALL: [Self; 23] = [
        Self::FirstSweep,
        Self::WorkerRetry,
        Self::MasterWithoutSsisdb,
        Self::AbsentAddress,
        Self::QuarantineDuration,
        Self::RestartThreshold,
        Self::RestartPeriod,
        Self::HeartbeatThresholds,
        Self::DnsRegistration,
        Self::NamesWithoutDns,
        Self::FailoverPath,
        Self::Rundown,
        Self::ResiliencyLevel,
        Self::NameWithoutDirectory,
        Self::UnansweredReports,
        Self::PackagesWithoutSql,
        Self::PackagesWithoutWorker,
        Self::RequestTimeout,
        Self::MovesCount,
        Self::HungServiceStop,
        Self::ServiceDeathNoticed,
        Self::ThawedAddress,
        Self::CatalogStartup,
    ];

    /// The question and its possible answers.
    pub const fn question(self) -> &'static Question {
        match self {
            Self::FirstSweep => &FIRST_SWEEP,
            Self::WorkerRetry => &WORKER_RETRY,
            Self::MasterWithoutSsisdb => &MASTER_WITHOUT_SSISDB,
            Self::AbsentAddress => &ABSENT_ADDRESS,
            Self::QuarantineDuration => &QUARANTINE_DURATION,
            Self::RestartThreshold => &RESTART_THRESHOLD,
            Self::RestartPeriod => &RESTART_PERIOD,
            Self::HeartbeatThresholds => &HEARTBEAT_THRESHOLDS,
            Self::DnsRegistration => &DNS_REGISTRATION,
            Self::NamesWithoutDns => &NAMES_WITHOUT_DNS,
            Self::FailoverPath => &FAILOVER_PATH,
            Self::Rundown => &RUNDOWN,
            Self::ResiliencyLevel => &RESILIENCY_LEVEL,
            Self::NameWithoutDirectory => &NAME_WITHOUT_DIRECTORY,
            Self::UnansweredReports => &UNANSWERED_REPORTS,
            Self::PackagesWithoutSql => &PACKAGES_WITHOUT_SQL,
            Self::PackagesWithoutWorker => &PACKAGES_WITHOUT_WORKER,
            Self::RequestTimeout => &REQUEST_TIMEOUT,
            Self::MovesCount => &MOVES_COUNT,
            Self::HungServiceStop => &HUNG_SERVICE_STOP,
            Self::ServiceDeathNoticed => &SERVICE_DEATH_NOTICED,
            Self::ThawedAddress => &THAWED_ADDRESS,
            Self::CatalogStartup => &CATALOG_STARTUP,
        }
    }

    /// The assumption with this name.
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assumption| assumption.question().id == id)
    }

    /// The number of the answer with this word.
    pub fn value_by_word(self, word: &str) -> Option<usize> {
        self.question().values.iter().position(|value| value.word == word)
    }
}

/// [`Assumption::FirstSweep`]: answer `before_serving`.
pub const SWEEP_BEFORE_SERVING: usize = 1;
/// [`Assumption::CatalogStartup`]: answer `marked`.
pub const EXECUTIONS_MARKED: usize = 0;
/// [`Assumption::MasterWithoutSsisdb`]: answer `stops`.
pub const MASTER_STOPS: usize = 1;
/// [`Assumption::AbsentAddress`]: answer `unreachable`.
pub const UNREACHABLE: usize = 1;
/// [`Assumption::NameWithoutDirectory`]: answer `comes_online`.
pub const ONLINE_WITHOUT_DIRECTORY: usize = 0;
/// [`Assumption::ResiliencyLevel`]: answer `always_isolate`.
pub const ALWAYS_ISOLATE: usize = 0;
/// [`Assumption::QuarantineDuration`]: answer `0s`.
pub const NO_QUARANTINE: usize = 1;
/// [`Assumption::RestartThreshold`]: answer `one`.
pub const ONE_RESTART: usize = 1;
/// [`Assumption::RestartPeriod`]: answer `90s`.
pub const NINETY_SECONDS: usize = 1;
/// [`Assumption::HeartbeatThresholds`]: answer `others`.
pub const OTHER_TABLES: usize = 1;
/// [`Assumption::DnsRegistration`]: answer `at_next_online`.
pub const REGISTERS_AT_NEXT_ONLINE: usize = 1;
/// [`Assumption::NamesWithoutDns`]: answer `found`.
pub const FOUND_WITHOUT_DNS: usize = 1;
/// [`Assumption::FailoverPath`]: answer `offline_first`.
pub const OFFLINE_FIRST: usize = 1;
/// [`Assumption::Rundown`]: answer `graceful`.
pub const GRACEFUL_RUNDOWN: usize = 1;

/// [`Assumption::UnansweredReports`]: answer `every_failure`.
pub const EVERY_FAILURE_COUNTS: usize = 1;
/// [`Assumption::PackagesWithoutSql`]: answer `end`.
pub const PACKAGES_END: usize = 1;
/// [`Assumption::PackagesWithoutWorker`]: answer `run_on`.
pub const PACKAGES_RUN_ON: usize = 1;
/// [`Assumption::RequestTimeout`]: answer `100s`.
pub const HTTP_TIMEOUT: usize = 1;
/// [`Assumption::MovesCount`]: answer `counted`.
pub const MOVES_ARE_FAILOVERS: usize = 1;
/// [`Assumption::HungServiceStop`]: answer `times_out`.
pub const HUNG_SERVICE_TIMES_OUT: usize = 1;
/// [`Assumption::ServiceDeathNoticed`]: answer `by_heartbeats`.
pub const NOTICED_BY_HEARTBEATS: usize = 1;
/// [`Assumption::ThawedAddress`]: answer `answers`.
pub const THAWED_ANSWERS: usize = 1;

const UNANSWERED_REPORTS: Question = Question {
    id: "unanswered_reports",
    question: "Which failures of a report on a task count for HeartbeatErrorTollerance?",
    values: &[
        Value {
            word: "error_answers",
            source: "documented: the page on the Scale Out Worker speaks of an error response that is received",
        },
        Value {
            word: "every_failure",
            source: "inferred: a call that throws is an error to whoever made it",
        },
    ],
    settled_by: "a task of half an hour while the role is offline for a quarter of one: its package on the worker",
};

const PACKAGES_WITHOUT_SQL: Question = Question {
    id: "packages_without_sql",
    question: "What becomes of a package that runs on a worker when SQL Server stops?",
    values: &[
        Value {
            word: "run_on",
            source: "inferred from log lines: a worker keeps those that it cannot send, and sends them later (documented)",
        },
        Value {
            word: "end",
            source: "documented, of packages in general: ISServerExec ends when SQL Server stops (SSIS catalog)",
        },
    ],
    settled_by: "a task that runs while the role moves: the process ISServerExec on its worker, and executed_count",
};

const PACKAGES_WITHOUT_WORKER: Question = Question {
    id: "packages_without_worker",
    question: "What becomes of a package when the service of its worker stops or dies?",
    values: &[
        Value {
            word: "end",
            source: "inferred: whoever starts processes for others ends them when it stops",
        },
        Value {
            word: "run_on",
            source: "documented, of Windows: a process outlives the one that started it",
        },
    ],
    settled_by: "a task that runs while SSISScaleOutWorker is stopped: the process ISServerExec on its worker",
};

const REQUEST_TIMEOUT: Question = Question {
    id: "request_timeout",
    question: "How long does a worker wait for an answer where the topology does not say?",
    values: &[
        Value { word: "60s", source: "documented: SendTimeout of WCF bindings" },
        Value { word: "100s", source: "documented: HttpWebRequest.Timeout, below WCF" },
    ],
    settled_by: "the worker's log while the master's process is suspended",
};

const MOVES_COUNT: Question = Question {
    id: "moves_count",
    question: "Does a move by an administrator count towards FailoverThreshold?",
    values: &[
        Value { word: "not_counted", source: "inferred: it is no failure" },
        Value {
            word: "counted",
            source: "inferred: the threshold is said of failovers, which the move is one of",
        },
    ],
    settled_by: "Get-ClusterGroup | Format-List Failover*, a move, then a failed resource: event 1254 or a failover",
};

const HUNG_SERVICE_STOP: Question = Question {
    id: "hung_service_stop",
    question: "What does a hung service do when the cluster takes its Generic Service offline?",
    values: &[
        Value {
            word: "ends",
            source: "inferred: its control handler has a thread of its own, which still answers",
        },
        Value {
            word: "times_out",
            source: "inferred: nobody answers the stop, and the resource is terminated after PendingTimeout",
        },
    ],
    settled_by: "a move while the master's process is suspended: resource transitions (event 1637) and their times",
};

const SERVICE_DEATH_NOTICED: Question = Question {
    id: "service_death_noticed",
    question: "When do the other nodes notice that a cluster service died?",
    values: &[
        Value { word: "at_once", source: "inferred: their TCP connections to it break" },
        Value { word: "by_heartbeats", source: "inferred: by missed heartbeats, as if the node were gone" },
    ],
    settled_by: "event 1135 after clussvc.exe was killed: how long after it",
};

const THAWED_ADDRESS: Question = Question {
    id: "thawed_address",
    question: "Does a machine that goes on after a freeze answer for an address that another node has by now?",
    values: &[
        Value { word: "silent", source: "inferred: its neighbours heard the new owner announce the address" },
        Value {
            word: "answers",
            source: "inferred: whoever asks by ARP then may hear it first, until it gives up",
        },
    ],
    settled_by: "failover probe against the network name while a suspended owner is resumed",
};

const CATALOG_STARTUP: Question = Question {
    id: "catalog_startup",
    question: "Does catalog.startup mark executions of Scale Out as ended although their tasks go on?",
    values: &[
        Value { word: "marked", source: "observed: the procedure as 2017 and 2019 shipped it" },
        Value { word: "spared", source: "inferred: a later cumulative update may look at the task" },
    ],
    settled_by: "catalog.executions right after a failover under running executions, at this version",
};

const FAILOVER_PATH: Question = Question {
    id: "failover_path",
    question: "Is a role that fails over since a resource failed terminated, or taken offline first?",
    values: &[
        Value { word: "terminate", source: "documented: the reason codes of the cluster API, Failover" },
        Value { word: "offline_first", source: "documented: the page on failover in the same API" },
    ],
    settled_by: "the cluster log of a failover: OfflineCallIssued or Terminate for each resource",
};

const RUNDOWN: Question = Question {
    id: "rundown",
    question: "What becomes of the resources of a node whose cluster service dies?",
    values: &[
        Value {
            word: "abrupt",
            source: "documented: reason Rundown, and the lease page of availability groups: the monitor dies with it",
        },
        Value {
            word: "graceful",
            source: "documented: an older page on the resource monitor, which shuts them down",
        },
    ],
    settled_by: "System log and SQL Server error log of a node after clussvc.exe was killed",
};

const NAMES_WITHOUT_DNS: Question = Question {
    id: "names_without_dns",
    question: "Does a node find a network name of its cluster while DNS is silent?",
    values: &[
        Value { word: "forgotten", source: "inferred: as long as its resolver cache has it, and no longer" },
        Value { word: "found", source: "inferred: by NetBIOS or LLMNR, which ask the neighbours" },
    ],
    settled_by: "the master's log after a move without DNS, and Resolve-DnsName -LlmnrNetbiosOnly on the owner node",
};

const DNS_REGISTRATION: Question = Question {
    id: "dns_registration",
    question: "When does a network name register in DNS that could not do so when it came online?",
    values: &[
        Value {
            word: "when_dns_returns",
            source: "inferred: the resource tries again by itself, and refreshes its record",
        },
        Value {
            word: "at_next_online",
            source: "inferred: it registers when it comes online, and on demand",
        },
    ],
    settled_by: "Resolve-DnsName -DnsOnly for the network name after a move without DNS, once DNS answers again",
};

const HEARTBEAT_THRESHOLDS: Question = Question {
    id: "heartbeat_thresholds",
    question: "How many missed heartbeats take a node out where nobody has set the thresholds?",
    values: &[
        Value {
            word: "best_practices",
            source: "documented: hadr-cluster-best-practices, 10 on 2016 and 20 on 2019, within and across subnets",
        },
        Value {
            word: "others",
            source: "documented: iaas-sql-failover-cluster-network-thresholds, 10 within a subnet on 2019; observed: 20 \
                     across subnets on 2016",
        },
    ],
    settled_by: "Get-Cluster | Format-List *SubnetThreshold",
};

const RESTART_THRESHOLD: Question = Question {
    id: "restart_threshold",
    question: "How many restarts of a resource are tolerated where nobody has set RestartThreshold?",
    values: &[
        Value { word: "three", source: "documented: the default in the API reference of RestartThreshold" },
        Value {
            word: "one",
            source: "inferred: what the user interface and the set-up of an FCI often write",
        },
    ],
    settled_by: "Get-ClusterResource | Format-List Name, RestartThreshold",
};

const RESTART_PERIOD: Question = Question {
    id: "restart_period",
    question: "For how long do restarts of a resource count together where nobody has set RestartPeriod?",
    values: &[
        Value { word: "15m", source: "documented: the table in the API reference of RestartPeriod" },
        Value { word: "90s", source: "documented: the text of the same page" },
    ],
    settled_by: "Get-ClusterResource | Format-List Name, RestartPeriod",
};

const NAME_WITHOUT_DIRECTORY: Question = Question {
    id: "name_without_directory",
    question: "Does a network name come online while no domain controller answers?",
    values: &[
        Value {
            word: "comes_online",
            source: "inferred: its computer object exists, and clients that need no Kerberos find it",
        },
        Value { word: "fails", source: "inferred: events 1211, 1212 and 1231 are errors of the resource" },
    ],
    settled_by: "a planned move while the nodes cannot reach a domain controller: Get-ClusterResource of the name",
};

const RESILIENCY_LEVEL: Question = Question {
    id: "resiliency_level",
    question: "Which nodes that fall silent are shown as isolated where nobody has set ResiliencyLevel?",
    values: &[
        Value { word: "always_isolate", source: "observed: level 2, a field report of the default" },
        Value {
            word: "isolate_on_special_heartbeat",
            source: "documented: level 1, the default in the API reference of ResiliencyLevel",
        },
    ],
    settled_by: "Get-Cluster | Format-List Resiliency*, and Get-ClusterNode | Format-Table Name, StatusInformation after a \
                 loss",
};

const QUARANTINE_DURATION: Question = Question {
    id: "quarantine_duration",
    question: "How long does a quarantined node stay out where nobody has set QuarantineDuration?",
    values: &[
        Value { word: "2h", source: "documented: the cluster team's page on virtual machine resiliency" },
        Value { word: "0s", source: "documented: the default in the API reference of QuarantineDuration" },
    ],
    settled_by: "Get-Cluster | Format-List Quarantine*, and event 1672 after three losses of a node within an hour",
};

const FIRST_SWEEP: Question = Question {
    id: "first_sweep",
    question: "When does a master that has just started sweep expired tasks for the first time?",
    values: &[
        Value { word: "after_one_interval", source: "inferred: a timer of DealWithExpiredTasksIntervalInMs" },
        Value { word: "before_serving", source: "inferred: recovery work at the start of a service" },
    ],
    settled_by: "a task that outlives its lease while the role moves: its executed_count after the move",
};

const WORKER_RETRY: Question = Question {
    id: "worker_retry",
    question: "How long does a worker wait before it connects again after a failed attempt?",
    values: &[
        Value {
            word: "10s",
            source: "inferred: the pace of TaskHeartbeatInterval, the shortest documented one",
        },
        Value { word: "1s", source: "inferred: a tight loop around the task request" },
        Value {
            word: "60s",
            source: "inferred: only the next agent heartbeat (AgentHeartbeatInterval) tries again",
        },
    ],
    settled_by: "the times of the worker's SYN packets, or of its log lines, while the role is offline",
};

const MASTER_WITHOUT_SSISDB: Question = Question {
    id: "master_without_ssisdb",
    question: "What does a master do that starts while SSISDB cannot be reached?",
    values: &[
        Value {
            word: "keeps_trying",
            source: "inferred: it has a connection time-out and a heartbeat timer",
        },
        Value { word: "stops", source: "inferred: a service that fails in its start routine ends" },
    ],
    settled_by: "the service's state while SSISDB is offline: Get-Service on the owner node",
};

const ABSENT_ADDRESS: Question = Question {
    id: "absent_address",
    question: "What does a new connection meet while no node holds the address?",
    values: &[
        Value { word: "silent", source: "inferred: the last hop has an ARP entry, so that packets vanish" },
        Value {
            word: "unreachable",
            source: "inferred: ARP finds nobody, and the client is told so at once",
        },
    ],
    settled_by: "failover probe against the network name during a planned move",
};

/// The value that a run takes for each assumption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumptions([u8; Assumption::ALL.len()]);

impl Assumptions {
    /// The number of the answer taken for `assumption`.
    pub const fn value(&self, assumption: Assumption) -> usize {
        self.0[assumption as usize] as usize
    }

    /// The word of the answer taken for `assumption`.
    pub fn word(&self, assumption: Assumption) -> &'static str {
        assumption.question().values.get(self.value(assumption)).map_or("?", |value| value.word)
    }

    /// The same assumptions with another answer to one of them.
    ///
    /// # Panics
    /// If the question has no answer with this number.
    #[must_use]
    pub fn with(mut self, assumption: Assumption, value: usize) -> Self {
        assert!(value < assumption.question().values.len(), "an answer to `{}`", assumption.question().id);
        self.0[assumption as usize] = value as u8;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_assumption_has_a_name_of_its_own_and_at_least_two_answers() {
        for (number, assumption) in Assumption::ALL.into_iter().enumerate() {
            assert_eq!(assumption as usize, number);
            let question = assumption.question();
            assert_eq!(Assumption::by_id(question.id), Some(assumption));
            assert!(question.values.len() >= 2, "{}", question.id);
            assert!(!question.settled_by.is_empty());
        }
    }

    #[test]
    fn the_numbers_used_in_code_are_the_words_they_claim() {
        assert_eq!(Assumption::FirstSweep.value_by_word("before_serving"), Some(SWEEP_BEFORE_SERVING));
        assert_eq!(Assumption::MasterWithoutSsisdb.value_by_word("stops"), Some(MASTER_STOPS));
        assert_eq!(Assumption::AbsentAddress.value_by_word("unreachable"), Some(UNREACHABLE));
    }
}
