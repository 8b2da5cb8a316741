//! What stands behind each assumption: which answers are possible, what speaks for them, and what would settle it?

use super::{Question, Value};

pub(super) const FIRST_SWEEP: Question = Question {
    id: "first_sweep",
    question: "When does a master that has just started sweep expired tasks for the first time?",
    values: &[
        Value { word: "after_one_interval", source: "inferred: a timer of DealWithExpiredTasksIntervalInMs" },
        Value { word: "before_serving", source: "inferred: recovery work at the start of a service" },
    ],
    settled_by: "a task that outlives its lease while the role moves: its executed_count after the move",
};

pub(super) const WORKER_RETRY: Question = Question {
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

pub(super) const MASTER_WITHOUT_SSISDB: Question = Question {
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

pub(super) const ABSENT_ADDRESS: Question = Question {
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

pub(super) const QUARANTINE_DURATION: Question = Question {
    id: "quarantine_duration",
    question: "How long does a quarantined node stay out where nobody has set QuarantineDuration?",
    values: &[
        Value { word: "2h", source: "documented: the cluster team's page on virtual machine resiliency" },
        Value { word: "0s", source: "documented: the default in the API reference of QuarantineDuration" },
    ],
    settled_by: "Get-Cluster | Format-List Quarantine*, and event 1672 after three losses of a node within an hour",
};

pub(super) const RESTART_THRESHOLD: Question = Question {
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

pub(super) const RESTART_PERIOD: Question = Question {
    id: "restart_period",
    question: "For how long do restarts of a resource count together where nobody has set RestartPeriod?",
    values: &[
        Value { word: "15m", source: "documented: the table in the API reference of RestartPeriod" },
        Value { word: "90s", source: "documented: the text of the same page" },
    ],
    settled_by: "Get-ClusterResource | Format-List Name, RestartPeriod",
};

pub(super) const HEARTBEAT_THRESHOLDS: Question = Question {
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

pub(super) const DNS_REGISTRATION: Question = Question {
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

pub(super) const NAMES_WITHOUT_DNS: Question = Question {
    id: "names_without_dns",
    question: "Does a node find a network name of its cluster while DNS is silent?",
    values: &[
        Value { word: "forgotten", source: "inferred: as long as its resolver cache has it, and no longer" },
        Value { word: "found", source: "inferred: by NetBIOS or LLMNR, which ask the neighbours" },
    ],
    settled_by: "the master's log after a move without DNS, and Resolve-DnsName -LlmnrNetbiosOnly on the owner node",
};

pub(super) const FAILOVER_PATH: Question = Question {
    id: "failover_path",
    question: "Is a role that fails over since a resource failed terminated, or taken offline first?",
    values: &[
        Value { word: "terminate", source: "documented: the reason codes of the cluster API, Failover" },
        Value { word: "offline_first", source: "documented: the page on failover in the same API" },
    ],
    settled_by: "the cluster log of a failover: OfflineCallIssued or Terminate for each resource",
};

pub(super) const RUNDOWN: Question = Question {
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

pub(super) const RESILIENCY_LEVEL: Question = Question {
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

pub(super) const NAME_WITHOUT_DIRECTORY: Question = Question {
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

pub(super) const UNANSWERED_REPORTS: Question = Question {
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

pub(super) const PACKAGES_WITHOUT_SQL: Question = Question {
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

pub(super) const PACKAGES_WITHOUT_WORKER: Question = Question {
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

pub(super) const REQUEST_TIMEOUT: Question = Question {
    id: "request_timeout",
    question: "How long does a worker wait for an answer where the topology does not say?",
    values: &[
        Value { word: "60s", source: "documented: SendTimeout of WCF bindings" },
        Value { word: "100s", source: "documented: HttpWebRequest.Timeout, below WCF" },
    ],
    settled_by: "the worker's log while the master's process is suspended",
};

pub(super) const MOVES_COUNT: Question = Question {
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

pub(super) const HUNG_SERVICE_STOP: Question = Question {
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

pub(super) const SERVICE_DEATH_NOTICED: Question = Question {
    id: "service_death_noticed",
    question: "When do the other nodes notice that a cluster service died?",
    values: &[
        Value { word: "at_once", source: "inferred: their TCP connections to it break" },
        Value { word: "by_heartbeats", source: "inferred: by missed heartbeats, as if the node were gone" },
    ],
    settled_by: "event 1135 after clussvc.exe was killed: how long after it",
};

pub(super) const THAWED_ADDRESS: Question = Question {
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

pub(super) const CATALOG_STARTUP: Question = Question {
    id: "catalog_startup",
    question: "Does catalog.startup mark executions of Scale Out as ended although their tasks go on?",
    values: &[
        Value { word: "marked", source: "observed: the procedure as 2017 and 2019 shipped it" },
        Value { word: "spared", source: "inferred: a later cumulative update may look at the task" },
    ],
    settled_by: "catalog.executions right after a failover under running executions, at this version",
};
