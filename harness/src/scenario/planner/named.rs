//! Which part of the topology, or of the scenario, does a name mean?

use failover_sim::names::{CertificateId, LoadId, NodeId, ResourceId, RoleId, WorkerId};

use crate::plan::NodeWord;

use super::super::diagnostic::Fault;
use super::super::nearest;
use super::super::read::At;
use super::Planner;

impl Planner<'_> {
    /// The role of this name; that of the master where none is said.
    pub(super) fn role(&mut self, name: Option<&At<String>>) -> Option<RoleId> {
        let Some(name) = name else { return Some(self.topology.role) };
        let known = &self.topology.names.roles;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no role `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| RoleId(index as u8))
    }

    pub(super) fn worker(&mut self, name: &At<String>) -> Option<WorkerId> {
        let known = &self.topology.names.workers;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no worker `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| WorkerId(index as u32))
    }

    pub(super) fn resource(&mut self, name: &At<String>) -> Option<ResourceId> {
        let known = &self.topology.names.resources;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no resource `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| ResourceId(index as u16))
    }

    pub(super) fn node(&mut self, word: &At<String>) -> Option<NodeWord> {
        if let Some(any) = self.any.filter(|_| word.value == "any") {
            self.said_any = true;
            return Some(NodeWord::Named(any));
        }
        if let Some((_, reserved)) = NodeWord::RESERVED.iter().find(|(text, _)| *text == word.value) {
            return Some(*reserved);
        }
        let known = &self.topology.names.nodes;
        let found = known.iter().position(|name| *name == word.value);
        if found.is_none() {
            let reserved = NodeWord::RESERVED.iter().map(|(text, _)| *text);
            let words: Vec<&str> = known.iter().map(String::as_str).chain(reserved).collect();
            let mut fault = Fault::new(format!("there is no node `{}`", word.value), word.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&word.value, words.iter().copied())
                .or_else(|| Some(format!("a node is one of {}", nearest::list(words.iter().copied()))));
            self.fault(fault);
        }
        found.map(|index| NodeWord::Named(NodeId(index as u8)))
    }

    pub(super) fn certificate(&mut self, name: &At<String>) -> Option<CertificateId> {
        let known = &self.topology.names.certificates;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no certificate `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| CertificateId(index as u16))
    }

    pub(super) fn load_named(&mut self, name: &At<String>) -> Option<LoadId> {
        let found = self.load_names.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there are no executions `{}`", name.value), name.span)
                .with_label("not started before this step");
            fault.hint = nearest::hint(&name.value, self.load_names.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| LoadId(index as u16))
    }
}
