//! Where are the hosts of a lab, and what may be done to them?
//!
//! `lab.yaml` says so. What it does not allow is not done: a scenario that needs more is skipped before it begins, and an
//! action is looked up once more at the moment when it would be done.

mod strangers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use failover_sim::action::{Action, ResolvedAction, Verb};
use failover_sim::assumption::Assumption;
use failover_sim::names::{Names, NodeId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::plan::{NodeWord, Plan};
use crate::scenario::answer::answer;
use crate::scenario::diagnostic::{Diagnostics, Fault};
use crate::scenario::read::{At, read, read_each};
use crate::scenario::sections::split;
use crate::scenario::tree::{Tree, Value, parse_one};
use crate::scenario::{nearest, schema_of};

use super::ABLE;
use super::guard::Tolerated;
use super::hooks::Hooks;
use super::protocol::PowerChange;
use super::transport::Transport;

/// What leads to the hosts of a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TransportWord {
    /// A twin: the simulator answers in place of the hosts.
    Twin,
    /// `powershell.exe` on the machine where the harness runs.
    Local,
    /// PSSessions over WinRM, with Kerberos.
    Winrm,
    /// The system's OpenSSH client.
    Ssh,
}

/// A file that says where a lab is and what may be done to it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema is made of it; a tree with places is what is read")]
struct LabDocument {
    /// The name of the cluster.
    cluster: String,
    /// The cluster's `Id`, as `(Get-Cluster).Id` shows it: no other cluster is touched. Needed for a real lab.
    id: Option<String>,
    /// What leads to its hosts.
    transport: TransportWord,
    /// The machine whose Hyper-V has the nodes: `localhost` where the harness runs. Without it and without hooks nobody
    /// controls the machines.
    hyper_v: Option<String>,
    /// Programs that control the machines where Hyper-V does not.
    hooks: Option<HooksDocument>,
    /// Addresses for names that the machine where the harness runs cannot resolve.
    resolve: Option<BTreeMap<String, IpAddr>>,
    /// By how much the `within` of every step is stretched: 1 to 20. No claim is.
    patience: Option<u32>,
    /// Names of the hosts on the network, by the names of nodes and workers in the topology; the same where it is not said.
    hosts: Option<BTreeMap<String, String>>,
    /// Whether a run may raise FailoverThreshold of the role and QuarantineThreshold of the cluster, and set them back at its
    /// end: then it may spend more than a cluster forgives by itself.
    raise_thresholds: Option<bool>,
    /// What of others a run may disturb: other_roles, executions, backups, updates. Anything else stops it before the first
    /// action.
    tolerate: Option<Vec<Tolerated>>,
    /// The build of Windows on the nodes, as `winver` shows it: what the lab teaches is kept with it.
    windows: Option<String>,
    /// The build of the SSIS Scale Out services, as the properties of their programs show it.
    ssis: Option<String>,
    /// How a twin is where nobody knows: answers by the names of the assumptions. It keeps them to itself, as Windows does.
    twin: Option<BTreeMap<String, String>>,
    /// What may be done to which nodes and workers. What is not here is not begun; what a run did, it takes back in any case:
    /// with `power_off` a node is given its power again too.
    allow: Option<BTreeMap<String, TargetsDocument>>,
}

/// Programs with their arguments; `{node}` in them stands for the name of the node.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HooksDocument {
    /// Prints `on`, `off` or `frozen`.
    power_state: Vec<String>,
    /// Takes a machine's power away.
    power_off: Vec<String>,
    /// Gives it back.
    power_on: Vec<String>,
    /// Lets a machine stand still, with all it knows.
    freeze: Option<Vec<String>>,
    /// Lets it go on. Needed with `freeze`.
    thaw: Option<Vec<String>>,
}

/// `any`, or names of nodes and workers.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the schema is made of it")]
enum TargetsDocument {
    Any(AnyWord),
    Hosts(Vec<String>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AnyWord {
    Any,
}

/// A lab, as its file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabFile {
    /// The name of the cluster.
    pub cluster: String,
    /// Its `Id`.
    pub id: Option<String>,
    /// What leads to its hosts; `None` for a twin.
    pub transport: Option<Transport>,
    /// Who controls the machines.
    pub control: Control,
    /// Addresses of names that are not resolved.
    pub resolve: BTreeMap<At<String>, IpAddr>,
    /// By how much the `within` of steps is stretched.
    pub patience: u32,
    /// Whether a run may raise the thresholds of the cluster.
    pub raise_thresholds: bool,
    /// What of others a run may disturb.
    pub tolerate: BTreeSet<Tolerated>,
    /// The build of Windows on the nodes, if it is said.
    pub windows: Option<String>,
    /// The build of the SSIS Scale Out services, if it is said.
    pub ssis: Option<String>,
    /// How a twin is where nobody knows.
    pub twin: Vec<(Assumption, usize)>,
    hosts: BTreeMap<String, String>,
    allow: BTreeMap<Verb, Targets>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Targets {
    Any,
    Hosts(Vec<At<String>>),
}

/// Who controls the machines of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Nobody: whether a machine has power is not known, and nothing is done to it.
    Nobody,
    /// The Hyper-V of this machine.
    HyperV(String),
    /// Programs.
    Hooks(Hooks),
}

/// The word in the `Description` of a cluster by which its owner says that it is a lab.
pub const MARK: &str = "failover-lab";

/// The JSON Schema of `lab.yaml`.
pub fn lab_schema() -> Json {
    let mut schema = schema_of::<LabDocument>();
    if let Some(allow) = schema.pointer_mut("/properties/allow") {
        // Every line of it may be commented out, and what nobody can do is a mistake.
        allow["type"] = json!(["object", "null"]);
        allow["propertyNames"] = json!({ "enum": ABLE.map(Verb::word).as_slice() });
    }
    schema
}

impl LabFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Every mistake in it, each with its place.
    pub fn read(file: &str, text: &str) -> Result<Self, Diagnostics> {
        let wrong = |faults| Diagnostics::new(file, text, faults);
        let tree = parse_one(text).map_err(wrong)?;
        let mut faults = Vec::new();
        let sections = split(&tree, PARTS, &mut faults);
        let cluster: Option<At<String>> = sections.require("cluster", &mut faults);
        let transport: Option<At<TransportWord>> = sections.require("transport", &mut faults);
        let hosts: Option<At<BTreeMap<String, String>>> = sections.read("hosts", &mut faults);
        let id: Option<At<String>> = sections.read("id", &mut faults);
        let hyper_v: Option<At<String>> = sections.read("hyper_v", &mut faults);
        let hooks: Option<At<HooksDocument>> = sections.read("hooks", &mut faults);
        let resolve: Option<At<BTreeMap<At<String>, IpAddr>>> = sections.read("resolve", &mut faults);
        let patience: Option<At<u32>> = sections.read("patience", &mut faults);
        let raise_thresholds: Option<At<bool>> = sections.read("raise_thresholds", &mut faults);
        let tolerate: Option<At<Vec<Tolerated>>> = sections.read("tolerate", &mut faults);
        if let Some(patience) = patience.as_ref().filter(|patience| !(1..=20).contains(&patience.value)) {
            let fault = Fault::new(format!("`patience` is {}", patience.value), patience.span);
            faults.push(fault.with_label("expected 1 to 20"));
        }
        if let (Some(hooks), Some(_)) = (&hooks, &hyper_v) {
            let fault = Fault::new("`hooks` beside `hyper_v`", hooks.span);
            faults.push(fault.with_label("one of them controls the machines"));
        }
        if let Some(hooks) = &hooks {
            let HooksDocument { power_state, power_off, power_on, freeze, thaw } = &hooks.value;
            let all = [
                ("power_state", Some(power_state)),
                ("power_off", Some(power_off)),
                ("power_on", Some(power_on)),
                ("freeze", freeze.as_ref()),
                ("thaw", thaw.as_ref()),
            ];
            if freeze.is_some() != thaw.is_some() {
                let fault = Fault::new("`freeze` and `thaw` go together", hooks.span);
                faults.push(fault.with_label("one of them is missing"));
            }
            for (name, hook) in all.into_iter().filter_map(|(name, hook)| Some((name, hook?))) {
                let fault = if hook.is_empty() {
                    Fault::new("a hook that names no program", hooks.span)
                } else if !hook.iter().any(|argument| argument.contains("{node}")) {
                    Fault::new(format!("`{name}` does not say which machine"), hooks.span)
                } else {
                    continue;
                };
                faults.push(fault.with_label("expected `[ PROGRAM, ARGUMENT, \"{node}\" ]`"));
            }
        }
        if let Some(transport) = transport.as_ref().filter(|transport| transport.value != TransportWord::Twin)
            && id.is_none()
        {
            let fault = Fault::new("a real lab needs `id`", transport.span);
            faults.push(fault.with_label("no twin").with_hint("`(Get-Cluster).Id` on a node shows it"));
        }
        let windows: Option<At<String>> = sections.read("windows", &mut faults);
        let ssis: Option<At<String>> = sections.read("ssis", &mut faults);
        let twin = sections.get("twin");
        if let (Some(twin), Some(transport)) = (&twin, &transport)
            && transport.value != TransportWord::Twin
        {
            let fault = Fault::new("`twin` in a real lab", twin.key.span);
            faults.push(fault.with_label("its hosts are as they are"));
        }
        let twin = twin.map(|section| answers(section.value, &mut faults));
        let allow = sections.get("allow").map(|section| allowed(section.value, &mut faults));
        match (cluster, transport) {
            (Some(cluster), Some(transport)) if faults.is_empty() => Ok(Self {
                cluster: cluster.value,
                id: id.map(|id| id.value),
                control: match (hyper_v, hooks) {
                    (Some(host), _) => Control::HyperV(host.value),
                    (None, Some(hooks)) => Control::Hooks(hooks.value.into()),
                    (None, None) => Control::Nobody,
                },
                resolve: resolve.map(|resolve| resolve.value).unwrap_or_default(),
                patience: patience.map_or(1, |patience| patience.value),
                windows: windows.map(|windows| windows.value),
                ssis: ssis.map(|ssis| ssis.value),
                twin: twin.unwrap_or_default(),
                transport: match transport.value {
                    TransportWord::Twin => None,
                    TransportWord::Local => Some(Transport::Local),
                    TransportWord::Winrm => Some(Transport::Winrm),
                    TransportWord::Ssh => Some(Transport::Ssh),
                },
                hosts: hosts.map(|hosts| hosts.value).unwrap_or_default(),
                raise_thresholds: raise_thresholds.is_some_and(|raise| raise.value),
                tolerate: tolerate.map(|list| list.value.into_iter().collect()).unwrap_or_default(),
                allow: allow.unwrap_or_default(),
            }),
            _ => Err(wrong(faults)),
        }
    }

    /// The name on the network of a node or worker of the topology.
    pub fn host<'n>(&'n self, name: &'n str) -> &'n str {
        let mut hosts = self.hosts.iter();
        hosts.find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or(name, |(_, host)| host)
    }

    /// The first name on the network that the file gives.
    pub fn first_host(&self) -> Option<&str> {
        self.hosts.values().next().map(String::as_str)
    }

    /// Whether this may be done.
    pub fn allows(&self, action: &ResolvedAction, names: &Names) -> bool {
        match (self.allow.get(&action.verb()), target(action, names)) {
            (Some(Targets::Any), _) => true,
            (Some(Targets::Hosts(allowed)), Some(target)) => {
                allowed.iter().any(|name| name.value.eq_ignore_ascii_case(target))
            }
            (Some(Targets::Hosts(_)), None) | (None, _) => false,
        }
    }

    /// Why nobody can do this to the machines of a real lab, if nobody can, and what to write so that somebody can.
    fn cannot_control(&self, verb: Verb) -> Option<(&'static str, &'static str)> {
        // A node that shuts down is started again by whoever controls the machines.
        let needed = [
            (Verb::PowerOff, PowerChange::Off),
            (Verb::PowerOn, PowerChange::On),
            (Verb::ShutDown, PowerChange::On),
            (Verb::Freeze, PowerChange::Freeze),
            (Verb::Thaw, PowerChange::Thaw),
        ];
        let (_, needed) = needed.into_iter().find(|(own, _)| *own == verb)?;
        match &self.control {
            Control::Nobody => self.transport.map(|_| {
                (
                    "it names neither hyper_v nor hooks",
                    "`hyper_v: HOST`, whose Hyper-V has the nodes, or `hooks:`",
                )
            }),
            Control::HyperV(_) => None,
            Control::Hooks(hooks) => hooks
                .of(needed)
                .is_none()
                .then_some(("it names no hook for that", "a program for it under `hooks:`")),
        }
    }

    /// What of a plan may not be done; nothing if all of it may.
    ///
    /// A word such as `owner` may come to stand for any node: every one of them must be allowed then.
    pub fn refusals(&self, plan: &Plan) -> Refusals {
        let (mut refused, mut missing) = (Vec::new(), Vec::new());
        for verb in plan.actions.iter().map(|planned| planned.action.verb()) {
            let Some((why, line)) = self.cannot_control(verb) else { continue };
            add(&mut refused, format!("{}: {why}", verb.word()));
            add(&mut missing, line.to_owned());
        }
        let mut lines: BTreeMap<Verb, Vec<String>> = BTreeMap::new();
        for planned in &plan.actions {
            for node in (0..plan.topology.nodes.len()).map(|node| NodeId(node as u8)) {
                let action = standing_for(planned.action, node);
                if self.allows(&action, &plan.names) {
                    continue;
                }
                let (verb, target) = (action.verb(), target(&action, &plan.names));
                let of = target.map(|name| format!(" of {name}")).unwrap_or_default();
                add(&mut refused, format!("{}{of}", verb.word()));
                let line = lines.entry(verb).or_insert_with(|| match self.allow.get(&verb) {
                    Some(Targets::Hosts(allowed)) => allowed.iter().map(|name| name.value.clone()).collect(),
                    Some(Targets::Any) | None => Vec::new(),
                });
                match target {
                    Some(name) => add(line, name.to_owned()),
                    None => line.clear(),
                }
            }
        }
        let lines = lines.into_iter().map(|(verb, hosts)| match hosts.as_slice() {
            [] => format!("`{}: any`", verb.word()),
            hosts => format!("`{}: [ {} ]`", verb.word(), hosts.join(", ")),
        });
        let lines: Vec<String> = lines.collect();
        if !lines.is_empty() {
            missing.push(format!("under `allow:` {}", lines.join(", ")));
        }
        Refusals { refused, missing }
    }
}

/// What of a plan `lab.yaml` does not allow, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// What may not be done.
    pub refused: Vec<String>,
    /// What to write there so that it may.
    pub missing: Vec<String>,
}

fn add(words: &mut Vec<String>, word: String) {
    if !words.contains(&word) {
        words.push(word);
    }
}

impl From<HooksDocument> for Hooks {
    fn from(document: HooksDocument) -> Self {
        let HooksDocument { power_state, power_off, power_on, freeze, thaw } = document;
        let (power_state, power_off, power_on) = (Some(power_state), Some(power_off), Some(power_on));
        Self { power_state, power_off, power_on, freeze, thaw }
    }
}

/// The keys of the file.
const PARTS: &[&str] = &[
    "cluster",
    "id",
    "transport",
    "hyper_v",
    "hooks",
    "resolve",
    "patience",
    "raise_thresholds",
    "tolerate",
    "hosts",
    "windows",
    "ssis",
    "twin",
    "allow",
];

/// The action, with `node` where it has a word that is not the name of a node.
pub(super) fn standing_for(action: Action<NodeWord>, node: NodeId) -> ResolvedAction {
    let named = |word| match word {
        NodeWord::Named(named) => named,
        NodeWord::Owner | NodeWord::Standby | NodeWord::FirstOwner | NodeWord::FirstStandby => node,
    };
    action
        .resolve(|word| Ok::<_, std::convert::Infallible>(named(word)))
        .unwrap_or_else(|never| match never {})
}

/// The node or worker that an action is about, if it is about one.
fn target<'n>(action: &ResolvedAction, names: &'n Names) -> Option<&'n str> {
    if let ResolvedAction::WorkerService { worker, .. } | ResolvedAction::WorkerAgent { worker, .. } = action
    {
        return Some(names.worker(*worker));
    }
    action.node().map(|node| names.node(node))
}

/// The answers of a twin.
fn answers(tree: &Tree, faults: &mut Vec<Fault>) -> Vec<(Assumption, usize)> {
    let read: BTreeMap<At<String>, At<String>> = match read(tree) {
        Ok(read) => read,
        Err(found) => {
            faults.extend(found);
            return Vec::new();
        }
    };
    let found = read.iter().map(|(id, word)| answer(&id.value, &word.value, (id.span, word.span)));
    found.filter_map(|found| found.map_err(|fault| faults.push(fault)).ok()).collect()
}

fn allowed(tree: &Tree, faults: &mut Vec<Fault>) -> BTreeMap<Verb, Targets> {
    let mut allowed = BTreeMap::new();
    // Every line of it may be commented out.
    if matches!(tree.value, Value::Null) {
        return allowed;
    }
    let Value::Mapping(entries) = &tree.value else {
        faults.push(Fault::new("`allow` is no mapping", tree.span).with_label("expected `VERB: [ HOST ]`"));
        return allowed;
    };
    for (key, value) in entries {
        let name = key.name().unwrap_or_default();
        let Some(verb) = ABLE.into_iter().find(|verb| verb.word() == name) else {
            let mut fault = Fault::new(format!("`{name}` cannot be allowed"), key.span)
                .with_label("no lab can be told to do this");
            fault.hint = nearest::hint(&name, ABLE.map(Verb::word));
            faults.push(fault);
            continue;
        };
        let targets = match &value.value {
            Value::Sequence(_) => Targets::Hosts(read_each(value, faults)),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Mapping(_) => match read::<AnyWord>(value) {
                Ok(AnyWord::Any) => Targets::Any,
                Err(_) => {
                    let fault = Fault::new(format!("`{name}` is allowed to nobody"), value.span);
                    faults.push(fault.with_label("expected `any`, or a list of nodes or workers"));
                    continue;
                }
            },
        };
        if allowed.insert(verb, targets).is_some() {
            faults.push(Fault::new(format!("`{name}` is there twice"), key.span).with_label("the second"));
        }
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::diagnostic::Paint;

    #[test]
    fn all_mistakes_of_a_part_are_told_at_once() {
        let text = "\
cluster: lab
transport: twin
hooks: { power_state: state, power_of: [ off ], freeze: [ 5, 6 ] }
resolve: { SQLFCI: nowhere, NODE1: 10.0.0.11, NODE2: 10.0.0 }
twin: { first_sweep: 5, second_sweep: [] }
allow: {}
";
        let shown = LabFile::read("lab.yaml", text).expect_err("much is wrong").render(Paint::Plain);
        for told in [
            "lab.yaml:3:23",
            "unknown field `power_of`",
            "`hooks` needs the field `power_on`",
            "lab.yaml:3:59",
            "lab.yaml:3:62",
            "lab.yaml:4:20",
            "lab.yaml:4:54",
            "lab.yaml:5:22",
            "lab.yaml:5:39",
        ] {
            assert!(shown.contains(told), "{told}\n{shown}");
        }
        assert!(!shown.contains("needs the field `power_off`"), "`power_of` explains it\n{shown}");
    }

    #[test]
    fn a_hook_that_is_the_same_for_every_machine_is_refused() {
        let with = |off: &str| {
            let hooks =
                format!("power_state: [ s, \"{{node}}\" ], power_off: {off}, power_on: [ \"on{{node}}\" ]");
            LabFile::read(
                "lab.yaml",
                &format!("cluster: lab\ntransport: twin\nhooks: {{ {hooks} }}\nallow: {{}}\n"),
            )
        };
        assert!(with("[ destroy, \"{node}\" ]").is_ok());
        for other in ["[ destroy ]", "[ destroy, \"{nod}\" ]"] {
            let shown = with(other).expect_err("it names no machine").render(Paint::Plain);
            assert!(shown.contains("`power_off` does not say which machine"), "{shown}");
        }
    }
}
