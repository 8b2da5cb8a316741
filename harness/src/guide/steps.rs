//! What does Microsoft's guide ask for, step by step?
//!
//! scale-out-failover-cluster-instance (documented); what each mistake looks like is inferred where the guide is silent.

/// The eight steps, in their order: what is done, and what is seen after a failover if it is not.
pub const STEPS: [(&str, &str); 8] = [
    (
        "set up a Windows failover cluster on all nodes",
        "without it nothing fails over: when the node is gone, the master is gone",
    ),
    (
        "set up a SQL Server failover cluster instance with the Database Engine, note its SQL network name, and add \
         every other node",
        "a node that is not a possible owner never gets the role",
    ),
    (
        "install Integration Services and the Scale Out Master on the first node, with the SQL network name among the \
         CNs of the master certificate",
        "workers that connect through the network name are refused: `trust_relationship`",
    ),
    (
        "install them on every other node with the first node's certificate and its private key in LocalMachine\\Root",
        "with another certificate workers are refused by that node: `trust_relationship`; without the private key: \
         `http_request`",
    ),
    (
        "set SqlServerName in MasterSettings.config of every node to the SQL network name",
        "a master that looks for SSISDB on one node loses it when the instance moves",
    ),
    (
        "add the Scale Out Master as a Generic Service to the role of SQL Server, and bring it online",
        "a master outside the role stays where it is: workers find nobody at the network name, `endpoint_not_found`",
    ),
    (
        "name the SQL network name as the host of MasterEndpoint on every worker",
        "workers that name a node lose the master when the role moves: `endpoint_not_found`",
    ),
    (
        "install every worker's certificate in LocalMachine\\Root of every node",
        "workers whose certificate a node does not have are refused there: `forbidden` (403)",
    ),
];
