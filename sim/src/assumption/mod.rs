//! What do we not know about the product, and which values could it have?
//!
//! A behaviour that no source settles is never a silent guess: it stands here with its question, its possible values
//! and what each of them rests on. The first value is the one that a run takes unless told otherwise; `run` judges
//! again with each of the others.

mod questions;

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
            Self::FirstSweep => &questions::FIRST_SWEEP,
            Self::WorkerRetry => &questions::WORKER_RETRY,
            Self::MasterWithoutSsisdb => &questions::MASTER_WITHOUT_SSISDB,
            Self::AbsentAddress => &questions::ABSENT_ADDRESS,
            Self::QuarantineDuration => &questions::QUARANTINE_DURATION,
            Self::RestartThreshold => &questions::RESTART_THRESHOLD,
            Self::RestartPeriod => &questions::RESTART_PERIOD,
            Self::HeartbeatThresholds => &questions::HEARTBEAT_THRESHOLDS,
            Self::DnsRegistration => &questions::DNS_REGISTRATION,
            Self::NamesWithoutDns => &questions::NAMES_WITHOUT_DNS,
            Self::FailoverPath => &questions::FAILOVER_PATH,
            Self::Rundown => &questions::RUNDOWN,
            Self::ResiliencyLevel => &questions::RESILIENCY_LEVEL,
            Self::NameWithoutDirectory => &questions::NAME_WITHOUT_DIRECTORY,
            Self::UnansweredReports => &questions::UNANSWERED_REPORTS,
            Self::PackagesWithoutSql => &questions::PACKAGES_WITHOUT_SQL,
            Self::PackagesWithoutWorker => &questions::PACKAGES_WITHOUT_WORKER,
            Self::RequestTimeout => &questions::REQUEST_TIMEOUT,
            Self::MovesCount => &questions::MOVES_COUNT,
            Self::HungServiceStop => &questions::HUNG_SERVICE_STOP,
            Self::ServiceDeathNoticed => &questions::SERVICE_DEATH_NOTICED,
            Self::ThawedAddress => &questions::THAWED_ADDRESS,
            Self::CatalogStartup => &questions::CATALOG_STARTUP,
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
        let claims = [
            (Assumption::FirstSweep, "before_serving", SWEEP_BEFORE_SERVING),
            (Assumption::CatalogStartup, "marked", EXECUTIONS_MARKED),
            (Assumption::MasterWithoutSsisdb, "stops", MASTER_STOPS),
            (Assumption::AbsentAddress, "unreachable", UNREACHABLE),
            (Assumption::NameWithoutDirectory, "comes_online", ONLINE_WITHOUT_DIRECTORY),
            (Assumption::ResiliencyLevel, "always_isolate", ALWAYS_ISOLATE),
            (Assumption::QuarantineDuration, "0s", NO_QUARANTINE),
            (Assumption::RestartThreshold, "one", ONE_RESTART),
            (Assumption::RestartPeriod, "90s", NINETY_SECONDS),
            (Assumption::HeartbeatThresholds, "others", OTHER_TABLES),
            (Assumption::DnsRegistration, "at_next_online", REGISTERS_AT_NEXT_ONLINE),
            (Assumption::NamesWithoutDns, "found", FOUND_WITHOUT_DNS),
            (Assumption::FailoverPath, "offline_first", OFFLINE_FIRST),
            (Assumption::Rundown, "graceful", GRACEFUL_RUNDOWN),
            (Assumption::UnansweredReports, "every_failure", EVERY_FAILURE_COUNTS),
            (Assumption::PackagesWithoutSql, "end", PACKAGES_END),
            (Assumption::PackagesWithoutWorker, "run_on", PACKAGES_RUN_ON),
            (Assumption::RequestTimeout, "100s", HTTP_TIMEOUT),
            (Assumption::MovesCount, "counted", MOVES_ARE_FAILOVERS),
            (Assumption::HungServiceStop, "times_out", HUNG_SERVICE_TIMES_OUT),
            (Assumption::ServiceDeathNoticed, "by_heartbeats", NOTICED_BY_HEARTBEATS),
            (Assumption::ThawedAddress, "answers", THAWED_ANSWERS),
        ];
        for (assumption, word, number) in claims {
            assert_eq!(assumption.value_by_word(word), Some(number), "{assumption:?}: `{word}`");
        }
    }
}
