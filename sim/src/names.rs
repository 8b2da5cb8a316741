//! Which thing is meant, and what do people call it?
//!
//! The model works with small dense numbers; texts stand in [`Names`] alone and are used at the edges.

use std::fmt;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident($number:ty)),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);

        impl $name {
            /// The position in a vector that is ordered by this identifier.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

identifiers! {
    /// A node of the cluster, in the order of the topology. At most 64, as Windows allows.
    NodeId(u8),
    /// A Scale Out Worker.
    WorkerId(u32),
    /// A role of the cluster (the cmdlets say group). At most [`ROLES_MAX`].
    RoleId(u8),
    /// A network name of the cluster, in the order of the topology.
    NameId(u16),
    /// A resource of a role.
    ResourceId(u16),
    /// A certificate that the topology declares.
    CertificateId(u16),
    /// A host name or address as somebody writes it: in an endpoint, in a certificate, in a setting.
    HostId(u16),
    /// An IP address that the cluster moves between nodes.
    AddressId(u16),
    /// A set of executions that a scenario starts together (`as:`).
    LoadId(u16),
    /// An action of the plan, counted over `given` and `steps`.
    ActionNo(u16),
    /// A step of the plan.
    StepNo(u16),
    /// A task of SSISDB.
    TaskId(u32),
    /// An execution of SSISDB.
    ExecutionId(u32),
}

/// More roles than this are refused when a topology is read: a view of all roles travels as one value.
pub const ROLES_MAX: usize = 8;

/// More resources than this are refused when a topology is read: which of them an administrator has stopped travels with
/// the view of a role.
pub const RESOURCES_MAX: usize = 32;

/// More nodes than this are refused: the limit of a Windows failover cluster.
pub const NODES_MAX: usize = 64;

/// A set of nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeSet(u64);

impl NodeSet {
    /// No node.
    pub const EMPTY: Self = Self(0);

    /// The first `count` nodes of the topology.
    pub const fn first(count: usize) -> Self {
        if count >= NODES_MAX { Self(u64::MAX) } else { Self((1 << count) - 1) }
    }

    /// The set with this one node.
    pub const fn only(node: NodeId) -> Self {
        Self(1 << node.0)
    }

    /// Whether `node` is in the set.
    pub const fn contains(self, node: NodeId) -> bool {
        self.0 & (1 << node.0) != 0
    }

    /// Adds `node`.
    pub const fn insert(&mut self, node: NodeId) {
        self.0 |= 1 << node.0;
    }

    /// Removes `node`.
    pub const fn remove(&mut self, node: NodeId) {
        self.0 &= !(1 << node.0);
    }

    /// The set without `node`.
    pub const fn without(self, node: NodeId) -> Self {
        Self(self.0 & !(1 << node.0))
    }

    /// Nodes in both sets.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Nodes in either set.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Nodes of this set that are not in `other`.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// How many nodes are in the set.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no node is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The node with the lowest number.
    pub fn lowest(self) -> Option<NodeId> {
        self.iter().next()
    }

    /// The nodes from the lowest number to the highest.
    pub fn iter(self) -> impl Iterator<Item = NodeId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let lowest = rest.trailing_zeros() as u8;
            rest &= rest - 1;
            Some(NodeId(lowest))
        })
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        nodes.into_iter().fold(Self::EMPTY, |set, node| set.or(Self::only(node)))
    }
}

/// What people call each thing: the texts of a plan, by identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Node names, as Windows shows them.
    pub nodes: Vec<String>,
    /// Names of the workers.
    pub workers: Vec<String>,
    /// Names of the roles.
    pub roles: Vec<String>,
    /// Names of the resources.
    pub resources: Vec<String>,
    /// Names that the topology gives to certificates.
    pub certificates: Vec<String>,
    /// Host names and addresses, in lower case as DNS compares them, each once.
    pub hosts: Vec<String>,
    /// Names of the sets of executions.
    pub loads: Vec<String>,
}

impl Names {
    /// The text of a node.
    pub fn node(&self, node: NodeId) -> &str {
        text(&self.nodes, node.index())
    }

    /// The text of a worker.
    pub fn worker(&self, worker: WorkerId) -> &str {
        text(&self.workers, worker.index())
    }

    /// The text of a role.
    pub fn role(&self, role: RoleId) -> &str {
        text(&self.roles, role.index())
    }

    /// The text of a resource.
    pub fn resource(&self, resource: ResourceId) -> &str {
        text(&self.resources, resource.index())
    }

    /// The text of a certificate.
    pub fn certificate(&self, certificate: CertificateId) -> &str {
        text(&self.certificates, certificate.index())
    }

    /// The text of a host name or address.
    pub fn host(&self, host: HostId) -> &str {
        text(&self.hosts, host.index())
    }

    /// The text of a set of executions.
    pub fn load(&self, load: LoadId) -> &str {
        text(&self.loads, load.index())
    }

    /// The identifier of a host name, which is added if nobody has written it before. Case does not matter.
    ///
    /// # Panics
    /// If more than 65,535 different host names are written.
    pub fn intern_host(&mut self, name: &str) -> HostId {
        let name = name.to_ascii_lowercase();
        let index = self.hosts.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.hosts.push(name);
            self.hosts.len() - 1
        });
        HostId(u16::try_from(index).expect("a plan names fewer than 65,536 hosts"))
    }
}

fn text(texts: &[String], index: usize) -> &str {
    texts.get(index).map_or("?", String::as_str)
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.0 + 1)
    }
}
