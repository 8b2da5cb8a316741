//! Which machines are alike as far as trust is concerned?

use crate::names::{CertificateId, HostId};
use crate::step::Shared;
use crate::time::Time;

use super::{Certificate, Handshake, judge_handshake, judge_request};

/// What a worker's machine holds that decides about trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTrust {
    /// Certificates in LocalMachine\Root, in ascending order.
    pub root: Vec<CertificateId>,
    /// MasterHttpsCertThumbprint, as the certificate that it pins; `None` if it matches no known certificate.
    pub pin: Option<CertificateId>,
    /// WorkerHttpsCertThumbprint, as the certificate in its store; `None` if the store has no such certificate.
    pub own: Option<CertificateId>,
    /// Whether the service account can open the private key of its own certificate.
    pub key_readable: bool,
}

/// What a node holds that decides about trust while its master serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTrust {
    /// The certificate in the HTTP.SYS binding of the master's port, if there is a binding.
    pub binding: Option<CertificateId>,
    /// Whether the bound certificate is in LocalMachine\Root together with its private key.
    pub private_key: bool,
    /// Certificates in LocalMachine\Root, in ascending order: worker certificates among them.
    pub root: Vec<CertificateId>,
    /// Whether the store has self-signed certificates alone. With others among them Windows trusts no client certificate
    /// (troubleshooting-scale-out, documented).
    pub root_is_clean: bool,
}

/// A kind of worker machine, immutable; drift makes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientClass(u32);

/// A kind of node, immutable; drift makes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostClass(u32);

/// All certificates and all kinds of machines of a run.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    certificates: Shared<Vec<Certificate>>,
    clients: Vec<ClientTrust>,
    hosts: Vec<HostTrust>,
}

impl Trust {
    /// Knows these certificates, by their identifiers.
    pub const fn new(certificates: Shared<Vec<Certificate>>) -> Self {
        Self { certificates, clients: Vec::new(), hosts: Vec::new() }
    }

    /// The class of a worker machine that holds this.
    pub fn client(&mut self, trust: ClientTrust) -> ClientClass {
        ClientClass(intern(&mut self.clients, trust))
    }

    /// The class of a node that holds this.
    pub fn host(&mut self, trust: HostTrust) -> HostClass {
        HostClass(intern(&mut self.hosts, trust))
    }

    /// What a node of this class holds.
    pub fn host_trust(&self, class: HostClass) -> &HostTrust {
        &self.hosts[class.0 as usize]
    }

    /// What a worker machine of this class holds.
    pub fn client_trust(&self, class: ClientClass) -> &ClientTrust {
        &self.clients[class.0 as usize]
    }

    /// How the handshake ends between a worker that asked for `name` and a node; with the moment until which the same
    /// question has the same answer.
    pub fn handshake(
        &self,
        now: Time,
        client: ClientClass,
        host: HostClass,
        name: HostId,
    ) -> (Handshake, Time) {
        let secs = now.as_micros() / 1_000_000;
        let (client, host) = (self.client_trust(client), self.host_trust(host));
        let until = self.first_expiry_after(secs, client, host);
        (judge_handshake(&self.certificates, secs, client, host, name), until)
    }

    /// Whether a node lets in the request of a worker whose handshake it finished.
    pub fn admits(&self, client: ClientClass, host: HostClass) -> bool {
        judge_request(self.client_trust(client), self.host_trust(host))
    }

    fn first_expiry_after(&self, secs: u64, client: &ClientTrust, host: &HostTrust) -> Time {
        [host.binding, client.own]
            .into_iter()
            .flatten()
            .filter_map(|id| self.certificates[id.index()].expires_after_secs)
            .filter(|&end| end > secs)
            .min()
            .map_or(Time::NEVER, |end| Time::from_micros(end * 1_000_000))
    }
}

fn intern<T: PartialEq>(known: &mut Vec<T>, value: T) -> u32 {
    // The newest class is the likeliest: workers of one kind are made one after the other.
    let index = known.iter().rposition(|other| *other == value).unwrap_or_else(|| {
        known.push(value);
        known.len() - 1
    });
    u32::try_from(index).expect("fewer classes than workers, and workers have 32-bit numbers")
}
