//! Does the firewall of every node let workers in?

use crate::guide::snapshot::{FirewallBlock, Node};

use super::fix::quoted;
use super::setup::Setup;
use super::{Fix, Judged, right, wrong};

pub(super) fn firewall_lets_workers_in(setup: &Setup<'_>, node: &Node) -> Judged {
    let port = setup.port_of(node)?;
    let firewall = node.firewall.seen()?;
    if firewall.on.is_empty() {
        return right("the firewall is off");
    }
    if firewall.open.is_empty() {
        return wrong(format!("no enabled rule lets TCP {port} in"), open(port, node).and_by_hand(RESTART));
    }
    let names: Vec<&str> = firewall.open.iter().map(|rule| rule.name.as_str()).collect();
    right(format!("TCP {port} is let in by {}", names.join(", ")))
}

pub(super) fn firewall_rule_fits_the_network(setup: &Setup<'_>, node: &Node) -> Judged {
    let port = setup.port_of(node)?;
    let firewall = node.firewall.seen()?;
    if firewall.open.is_empty() {
        return right("there is no rule that could fit only some profiles");
    }
    let is_open = |profile: &&String| {
        !firewall.on.contains(profile)
            || firewall
                .open
                .iter()
                .any(|rule| rule.profiles.iter().any(|own| own == "Any" || own == *profile))
    };
    // A node whose domain controller is out of reach while it boots finds itself in another profile: all must be open.
    let closed: Vec<&str> =
        firewall.on.iter().filter(|profile| !is_open(profile)).map(String::as_str).collect();
    if closed.is_empty() {
        return right(format!("open in every profile; connected: {}", firewall.connected.join(", ")));
    }
    wrong(
        format!(
            "TCP {port} is closed in {}; connected: {}",
            closed.join(", "),
            firewall.connected.join(", ")
        ),
        open(port, node),
    )
}

fn open(port: u16, node: &Node) -> Fix {
    Fix::on(
        &node.name,
        [format!(
            "New-NetFirewallRule -DisplayName 'SSIS Scale Out Master' -Direction Inbound -Protocol TCP -LocalPort {port} \
             -Action Allow -Profile Any"
        )],
    )
}

/// A rule that blocks wins over every rule that allows (Windows Firewall rules, documented).
pub(super) fn no_firewall_rule_blocks_workers(setup: &Setup<'_>, node: &Node) -> Judged {
    let port = setup.port_of(node)?;
    let (firewall, blocks) = (node.firewall.seen()?, node.firewall_blocks.seen()?);
    let is_on = |profile: &String| profile == "Any" || firewall.on.contains(profile);
    let counts = blocks.iter().filter(|block| !firewall.on.is_empty() && block.profiles.iter().any(is_on));
    let (everybody, some): (Vec<&FirewallBlock>, Vec<&FirewallBlock>) =
        counts.partition(|block| block.from.iter().any(|from| from == "Any"));
    if everybody.is_empty() {
        return match some.first() {
            Some(block) => Err(format!(
                "`{}` keeps TCP {port} out from {}: whether workers are among these was not looked at",
                block.name,
                block.from.join(", ")
            )),
            None => right(format!("no rule keeps TCP {port} out")),
        };
    }
    let told: Vec<String> =
        everybody.iter().map(|block| format!("`{}` ({})", block.name, block.profiles.join(", "))).collect();
    wrong(
        format!("TCP {port} is kept out by {}, whatever other rules allow", told.join(", ")),
        Fix::on(
            &node.name,
            everybody
                .iter()
                .map(|block| format!("Disable-NetFirewallRule -DisplayName {}", quoted(&block.name))),
        )
        .and_by_hand(format!("where a group policy sets the rule, it stays: change it there; {RESTART}")),
    )
}

/// Once the port is open (walkthrough-set-up-integration-services-scale-out, documented).
const RESTART: &str = "restart the service of every worker then: who was kept out need not come by itself";
