//! Which certificates and reservations does HTTP.SYS have?
//!
//! `netsh http show sslcert` and `show urlacl` print in the language of Windows. Labels are not read: the order of the
//! lines and the shape of the values are the same in all of them (observed in English; inferred for the others).

/// A certificate for an address and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The address and port: `0.0.0.0:8391`, `[::]:8391`.
    pub ip_port: String,
    /// The thumbprint of the certificate, in capitals.
    pub thumbprint: String,
    /// The store in LocalMachine that it is taken from; empty where none is named.
    pub store: String,
}

/// A right to listen at a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The URL: `https://+:8391/ClusterManagement/`.
    pub url: String,
    /// The accounts that have it.
    pub users: Vec<String>,
    /// Whether everybody has it.
    pub everybody: bool,
}

impl Binding {
    /// Its port.
    pub fn port(&self) -> Option<u16> {
        port_of(&self.ip_port)
    }
}

impl Reservation {
    /// Whether an account may listen there.
    pub fn is_for(&self, account: &str) -> bool {
        self.everybody || self.users.iter().any(|user| user.eq_ignore_ascii_case(account))
    }

    /// The port of its URL.
    pub fn port(&self) -> Option<u16> {
        let (_, rest) = self.url.split_once("://")?;
        port_of(rest.split('/').next()?)
    }

    /// The path of its URL: `/ClusterManagement/`.
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.find('/').map_or("/", |at| &rest[at..])
    }
}

fn port_of(text: &str) -> Option<u16> {
    text.rsplit_once(':')?.1.parse().ok()
}

/// What `netsh http show sslcert` tells.
pub fn bindings(text: &str) -> Vec<Binding> {
    let mut found: Vec<Binding> = Vec::new();
    // The store is the line after the application, which is a GUID in braces.
    let mut application_was_told = false;
    for value in values(text) {
        let is_hash = value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_ip_port(value) {
            let ip_port = value.to_owned();
            found.push(Binding { ip_port, thumbprint: String::new(), store: String::new() });
        } else if let Some(last) = found.last_mut() {
            if is_hash && last.thumbprint.is_empty() {
                last.thumbprint = value.to_ascii_uppercase();
            } else if application_was_told && last.store.is_empty() && value != "(null)" {
                last.store = value.to_owned();
            }
        }
        application_was_told = value.starts_with('{') && value.ends_with('}');
    }
    found
}

/// What `netsh http show urlacl` tells.
pub fn reservations(text: &str) -> Vec<Reservation> {
    let mut found: Vec<Reservation> = Vec::new();
    for value in values(text) {
        if value.starts_with("http://") || value.starts_with("https://") {
            found.push(Reservation { url: value.to_owned(), users: Vec::new(), everybody: false });
        } else if let Some(last) = found.last_mut() {
            // The first line is an account; others have a backslash, which no other value has.
            if last.users.is_empty() || value.contains('\\') {
                last.users.push(value.to_owned());
            }
            // Whatever Everyone is called, its SID is WD in the security descriptor.
            last.everybody |= value.starts_with("D:") && value.contains(";;;WD)");
        }
    }
    found
}

/// What stands behind the colon of each line; the colon has a space on each side, or one behind it.
fn values(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split_once(": ").map(|(_, value)| value.trim()))
}

fn is_ip_port(value: &str) -> bool {
    let Some((address, port)) = value.rsplit_once(':') else { return false };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    port.parse::<u16>().is_ok() && address.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "b375000000000000000000000000000000000fd0";

    fn german() -> String {
        format!(
            "\nSSL-Zertifikatbindungen:\n-------------------------\n\n    \
             IP:Port                      : 0.0.0.0:8391\n    Zertifikathash               : {HASH}\n    \
             Anwendungs-ID                : {{00000000-0000-0000-0000-000000000000}}\n    \
             Zertifikatspeichername       : Root\n    Clientzertifikatsperre ueberpruefen : Aktiviert\n\n    \
             IP:Port                      : [::]:8391\n    Zertifikathash               : {HASH}\n    \
             Anwendungs-ID                : {{00000000-0000-0000-0000-000000000000}}\n    \
             Zertifikatspeichername       : (null)\n"
        )
    }

    #[test]
    fn bindings_are_read_whatever_the_language() {
        let found = bindings(&german());
        let own = |ip_port: &str, store: &str| Binding {
            ip_port: ip_port.to_owned(),
            thumbprint: HASH.to_ascii_uppercase(),
            store: store.to_owned(),
        };
        assert_eq!(found, [own("0.0.0.0:8391", "Root"), own("[::]:8391", "")]);
        assert_eq!(found[1].port(), Some(8391));
        assert!(bindings("").is_empty());
    }

    #[test]
    fn reservations_are_read_whatever_the_language() {
        let text = "\nURL-Reservierungen:\n-------------------\n\n    Reservierte URL          : https://+:8391/ClusterManagement/\n        \
                    Benutzer: LAB\\svc-master\n            Lauschen: Yes\n            Delegieren: No\n";
        let found = reservations(text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].port(), found[0].users.as_slice()),
            (Some(8391), ["LAB\\svc-master".to_owned()].as_slice())
        );
        assert!(found[0].is_for("lab\\SVC-master") && !found[0].is_for("LAB\\other"));
    }

    #[test]
    fn a_reservation_may_be_for_several_or_for_everybody() {
        let text = "    Reserved URL            : https://+:8391/\n        User: LAB\\a\n            Listen: Yes\n            \
                    Delegate: No\n        User: LAB\\b\n            Listen: Yes\n            Delegate: No\n            \
                    SDDL: D:(A;;GX;;;S-1-5-21-1)\n    Reserved URL            : https://+:8392/\n        User: \\Jeder\n            \
                    Listen: Yes\n            Delegate: No\n            SDDL: D:(A;;GX;;;WD)\n";
        let found = reservations(text);
        assert_eq!(found[0].users, ["LAB\\a", "LAB\\b"]);
        assert!(found[0].is_for("LAB\\b") && !found[0].is_for("LAB\\c") && !found[0].everybody);
        assert!(found[1].is_for("LAB\\c"));
    }
}
