//! Which integer stands for which state?
//!
//! Windows' own numbers: they are the same in every language of Windows. Cluster: FailoverClusterDsc stubs, documented.
//! Services: ServiceControllerStatus, documented. Sockets: MSFT_NetTCPConnection, documented. Machines: EnabledState of
//! Msvm_ComputerSystem, documented; that a lab's own hook answers with the same numbers is this protocol's rule.

use failover_sim::observe::{NodeState, NodeStatus, Power, ResourceState, RoleState};

use super::FieldError;

/// `ServiceControllerStatus.Stopped`.
pub const SERVICE_STOPPED: i64 = 1;
/// `ServiceControllerStatus.StartPending`.
pub const SERVICE_START_PENDING: i64 = 2;
/// `ServiceControllerStatus.Running`.
pub const SERVICE_RUNNING: i64 = 4;
/// `MSFT_NetTCPConnection.State`: the SYN is out.
pub const SOCKET_SYN_SENT: i64 = 3;
/// `MSFT_NetTCPConnection.State`: open.
pub const SOCKET_ESTABLISHED: i64 = 5;

/// A machine's state as its controller says it.
pub type MachineState = Option<Power>;

/// `ClusterNode.State`; `None` for Unknown.
///
/// # Errors
/// If no state has this number.
pub const fn node_state(number: i64) -> Result<Option<NodeState>, FieldError> {
    Ok(Some(match number {
        0 => NodeState::Up,
        1 => NodeState::Down,
        2 => NodeState::Paused,
        3 => NodeState::Joining,
        -1 => return Ok(None),
        number => return Err(FieldError::NotInTable { field: "node_states", number }),
    }))
}

/// The number of a node's state.
pub const fn node_state_number(state: NodeState) -> i64 {
    match state {
        NodeState::Up => 0,
        NodeState::Down => 1,
        NodeState::Paused => 2,
        NodeState::Joining => 3,
    }
}

/// What the flags of `ClusterNode.StatusInformation` say of a node's membership (FailoverClusterDsc stubs, documented); those
/// of a drain say nothing of it.
pub const fn node_status(flags: i64) -> NodeStatus {
    if flags & QUARANTINED != 0 {
        NodeStatus::Quarantined
    } else if flags & ISOLATED != 0 {
        NodeStatus::Isolated
    } else {
        NodeStatus::Normal
    }
}

/// The flags for a node's status.
pub const fn node_status_flags(status: NodeStatus) -> i64 {
    match status {
        NodeStatus::Normal => 0,
        NodeStatus::Isolated => ISOLATED,
        NodeStatus::Quarantined => QUARANTINED,
    }
}

const ISOLATED: i64 = 1;
const QUARANTINED: i64 = 2;

/// `ClusterResource.State`; `None` for what says neither that it is in use nor that it is not.
///
/// # Errors
/// If no state has this number.
pub const fn resource_state(number: i64) -> Result<Option<ResourceState>, FieldError> {
    Ok(Some(match number {
        2 => ResourceState::Online,
        3 => ResourceState::Offline,
        4 => ResourceState::Failed,
        129 => ResourceState::OnlinePending,
        130 => ResourceState::OfflinePending,
        // Unknown, Inherited, Initializing, Pending.
        -1 | 0 | 1 | 128 => return Ok(None),
        number => return Err(FieldError::NotInTable { field: "resource_states", number }),
    }))
}

/// The number of a resource's state.
pub const fn resource_state_number(state: ResourceState) -> i64 {
    match state {
        ResourceState::Online => 2,
        ResourceState::Offline => 3,
        ResourceState::Failed => 4,
        ResourceState::OnlinePending => 129,
        ResourceState::OfflinePending => 130,
    }
}

/// `ClusterGroup.State`; `None` for Unknown.
///
/// # Errors
/// If no state has this number.
pub const fn group_state(number: i64) -> Result<Option<RoleState>, FieldError> {
    Ok(Some(match number {
        0 => RoleState::Online,
        1 => RoleState::Offline,
        2 => RoleState::Failed,
        3 => RoleState::PartialOnline,
        4 => RoleState::Pending,
        -1 => return Ok(None),
        number => return Err(FieldError::NotInTable { field: "group_states", number }),
    }))
}

/// The number of a role's state.
pub const fn role_state_number(state: RoleState) -> i64 {
    match state {
        RoleState::Online => 0,
        RoleState::Offline => 1,
        RoleState::Failed => 2,
        RoleState::PartialOnline => 3,
        RoleState::Pending => 4,
    }
}

/// A machine's state; `None` while it is on its way from one to another.
///
/// # Errors
/// If no state has this number.
pub const fn machine_state(number: i64) -> Result<MachineState, FieldError> {
    Ok(Some(match number {
        2 => Power::On,
        3 => Power::Off,
        9 => Power::Frozen,
        4 | 10 => return Ok(None),
        number => return Err(FieldError::NotInTable { field: "node_powers", number }),
    }))
}

/// The number of a machine's state; 10 (starting) for one on its way.
pub(super) const fn machine_state_number(state: MachineState) -> i64 {
    match state {
        Some(Power::On) => 2,
        Some(Power::Off) => 3,
        Some(Power::Frozen) => 9,
        None => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_states_agree_both_ways() {
        for number in -1..=3 {
            assert!(
                node_state(number)
                    .is_ok_and(|state| { state.is_none_or(|state| node_state_number(state) == number) })
            );
        }
        for number in [-1, 0, 1, 2, 3, 4, 128, 129, 130] {
            assert!(
                resource_state(number)
                    .is_ok_and(|state| { state.is_none_or(|state| resource_state_number(state) == number) })
            );
        }
        for number in -1..=4 {
            assert!(
                group_state(number)
                    .is_ok_and(|state| { state.is_none_or(|state| role_state_number(state) == number) })
            );
        }
        assert!(node_state(7).is_err() && resource_state(5).is_err() && group_state(5).is_err());
        assert!(machine_state(1).is_err());
    }
}
