//! Which cluster do the nodes form?

use std::time::Duration;

use failover_sim::cluster::{ClusterConfig, NodeConfig, Profile, Witness};
use failover_sim::names::{RESOURCES_MAX, ROLES_MAX, RoleId};

use super::super::diagnostic::Fault;
use super::super::read::At;
use super::super::topology_document::{ClusterDocument, NodeDocument, RoleDocument, WitnessWord};
use super::Builder;
use super::properties::set_properties;

/// The subnets that a topology names, by number; the one without a name is the first.
#[derive(Default)]
pub(super) struct Subnets(Vec<String>);

impl Subnets {
    pub(super) fn number(&mut self, name: Option<&str>) -> u8 {
        let Some(name) = name else { return 0 };
        let known = self.0.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        u8::try_from(place + 1).expect("no more subnets than nodes")
    }

    pub(super) fn known(&self) -> Vec<String> {
        self.0.clone()
    }
}

impl Builder<'_> {
    pub(super) fn cluster(
        &mut self,
        profile: Profile,
        document: &ClusterDocument,
        nodes: &[At<NodeDocument>],
        roles: &[At<RoleDocument>],
    ) -> ClusterConfig {
        let mut properties = profile.properties();
        if let Some(set) = &document.properties {
            set_properties(&mut properties, set, self.faults);
        }
        let mut subnets = Subnets::default();
        let mut config = ClusterConfig {
            properties,
            nodes: nodes
                .iter()
                .map(|node| NodeConfig {
                    has_vote: self.has_vote(&node.value),
                    subnet: subnets.number(node.value.subnet.as_deref()),
                })
                .collect(),
            witness: match document.witness {
                WitnessWord::Disk => Some(Witness::Disk),
                WitnessWord::FileShare => Some(Witness::FileShare),
                WitnessWord::Cloud => Some(Witness::Cloud),
                WitnessWord::None => None,
            },
            begins_at: self.begins_at(document),
            roles: Vec::new(),
            resources: Vec::new(),
        };
        for (index, role) in roles.iter().enumerate() {
            if index >= ROLES_MAX {
                let message = format!("more than {ROLES_MAX} roles");
                self.faults.push(Fault::new(message, role.span).with_label("one too many"));
                break;
            }
            let room = RESOURCES_MAX - config.resources.len();
            if let Some(resource) = role.value.resources.get(room) {
                let message = format!("more than {RESOURCES_MAX} resources");
                self.faults.push(Fault::new(message, resource.name.span).with_label("one too many"));
                break;
            }
            self.role(RoleId(index as u8), &role.value, &mut subnets, &mut config);
        }
        config
    }

    fn has_vote(&mut self, document: &NodeDocument) -> bool {
        let Some(At { span, value }) = document.node_weight else { return true };
        if value > 1 {
            let fault = Fault::new("NodeWeight is out of its limits", span);
            self.faults.push(fault.with_label("expected 0 or 1"));
        }
        value > 0
    }

    fn begins_at(&mut self, document: &ClusterDocument) -> Duration {
        let Some(At { span, value }) = &document.begins_at else { return NOON };
        if value.0 >= DAY {
            let fault = Fault::new("`begins_at` is no time of the day", *span);
            self.faults.push(fault.with_label("expected less than 24h"));
        }
        value.0
    }
}

const NOON: Duration = Duration::from_secs(12 * 3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
