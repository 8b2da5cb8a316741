//! What is probed: which host, port and path, and where is it looked for?

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::ServerName;

/// An endpoint of a Scale Out master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host as it stands in the URL.
    pub host: String,
    /// The port; 8391 unless the URL says otherwise, which is what setup proposes (PortNumber, documented).
    pub port: u16,
    /// The path that is asked for; `/ClusterManagement/` unless the URL has one.
    pub path: String,
    /// Addresses to try in this order; empty if the resolver of this machine is asked at each attempt.
    pub addresses: Vec<IpAddr>,
}

/// What is wrong with the URL of an endpoint, or with `--resolve`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Another scheme, or none.
    #[error(
        "`{found}` is no HTTPS URL\nhint: write `https://NAME:8391`, as MasterEndpoint in WorkerSettings.config does"
    )]
    NotHttps {
        /// What was given.
        found: String,
    },
    /// No host, or one that cannot be one.
    #[error("`{found}` has no host name or address that a certificate could name")]
    NoHost {
        /// What was given.
        found: String,
    },
    /// Not a port.
    #[error("`{port}` in `{found}` is no port: expected a number from 1 to 65535")]
    NoPort {
        /// What was given.
        found: String,
        /// What stands in the place of the port.
        port: String,
    },
    /// An address for a name that is not asked for.
    #[error("`--resolve {name}=…` is of no use: the host of the endpoint is `{host}`")]
    OtherName {
        /// The name in `--resolve`.
        name: String,
        /// The host of the URL.
        host: String,
    },
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// If it is no HTTPS URL of a host.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let found = || url.to_owned();
        let scheme = url.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
        let rest =
            scheme.map(|_| &url[SCHEME.len()..]).ok_or_else(|| TargetError::NotHttps { found: found() })?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            // An IPv6 address stands in brackets.
            Some((host, after)) => (host, after.strip_prefix(':')),
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        let is_clean = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
        if ServerName::try_from(host).is_err() || !is_clean(path) {
            return Err(TargetError::NoHost { found: found() });
        }
        let port = match port {
            None => PORT,
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(TargetError::NoPort { found: found(), port: port.to_owned() }),
                Ok(port) => port,
            },
        };
        let path = if matches!(path, "" | "/") { PATH } else { path };
        Ok(Self { host: host.to_owned(), port, path: path.to_owned(), addresses: Vec::new() })
    }

    /// The same endpoint, looked for at these addresses and not by name resolution.
    ///
    /// # Errors
    /// If one of them is given for another name.
    pub fn at(mut self, resolved: &[(String, IpAddr)]) -> Result<Self, TargetError> {
        for (name, address) in resolved {
            if !name.eq_ignore_ascii_case(&self.host) {
                return Err(TargetError::OtherName { name: name.clone(), host: self.host });
            }
            self.addresses.push(*address);
        }
        Ok(self)
    }

    /// The host as TLS wants it.
    pub(super) fn server_name(&self) -> ServerName<'static> {
        ServerName::try_from(self.host.clone()).expect("a target was parsed from a host that is one")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path, .. } = self;
        if host.contains(':') {
            write!(f, "https://[{host}]:{port}{path}")
        } else {
            write!(f, "https://{host}:{port}{path}")
        }
    }
}

const SCHEME: &str = "https://";
const PORT: u16 = 8391;
/// The path of the master's service, as exception texts show it (troubleshooting-scale-out, documented).
const PATH: &str = "/ClusterManagement/";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<&str, &str>) {
        let found = Target::parse(url).map(|target| target.to_string()).map_err(|error| error.to_string());
        match expected {
            Ok(text) => assert_eq!(found.as_deref(), Ok(text)),
            Err(part) => assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{url}: {found:?}"),
        }
    }

    #[test]
    fn an_endpoint_is_a_host_a_port_and_a_path() {
        check("https://SQLFCI:8391", Ok("https://SQLFCI:8391/ClusterManagement/"));
        check("HTTPS://sqlfci.contoso.com", Ok("https://sqlfci.contoso.com:8391/ClusterManagement/"));
        check("https://[fd00::1]:8391/", Ok("https://[fd00::1]:8391/ClusterManagement/"));
        check("https://10.0.0.100:443/other", Ok("https://10.0.0.100:443/other"));
    }

    #[test]
    fn what_is_no_endpoint_is_named() {
        check("http://SQLFCI:8391", Err("no HTTPS URL"));
        check("SQLFCI:8391", Err("no HTTPS URL"));
        check("https://:8391", Err("no host name"));
        check("https://a b:8391", Err("no host name"));
        check("https://sqlfci/a\r\nb", Err("no host name"));
        check("https://SQLFCI:0", Err("`0` in `https://SQLFCI:0` is no port"));
        check("https://SQLFCI:port", Err("is no port"));
    }

    #[test]
    fn an_address_for_another_name_is_a_mistake() {
        let target = || Target::parse("https://SQLFCI:8391").expect("a target");
        let address = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(
            target().at(&[("sqlfci".into(), address)]).map(|target| target.addresses),
            Ok(vec![address])
        );
        let error = TargetError::OtherName { name: "sqlfc1".into(), host: "SQLFCI".into() };
        assert_eq!(target().at(&[("sqlfc1".into(), address)]), Err(error));
    }
}
