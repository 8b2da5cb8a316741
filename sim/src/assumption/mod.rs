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
    pub const ALL: [Self; 14] = [
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
