//! Which name stands for which?

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The names that were given so far. Capitals do not matter, as they do not in DNS and Windows.
#[derive(Debug, Default)]
pub(super) struct Names {
    labels: BTreeMap<String, String>,
    counts: BTreeMap<String, usize>,
}

impl Names {
    /// Another name of this kind, the same for the same text.
    pub(super) fn label(&mut self, kind: &str, text: &str) -> String {
        let key = format!("{kind} {}", text.to_ascii_lowercase());
        if let Some(known) = self.labels.get(&key) {
            return known.clone();
        }
        let count = self.counts.entry(kind.to_owned()).or_default();
        *count += 1;
        let label = format!("{kind}{count}");
        self.labels.insert(key, label.clone());
        label
    }

    /// Gives a machine a name of this kind.
    pub(super) fn machine(&mut self, kind: &str, name: &str) {
        let short = name.split('.').next().unwrap_or_default();
        let label = self.label(kind, short);
        self.labels.entry(format!("host {}", short.to_ascii_lowercase())).or_insert(label);
    }

    /// Another host name or address. A name with a domain stays one, and its first part is that of the short name.
    pub(super) fn host(&mut self, text: &str) -> String {
        if KEPT_HOSTS.iter().any(|kept| kept.eq_ignore_ascii_case(text)) || text.is_empty() {
            return text.to_ascii_lowercase();
        }
        match text.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() || address.is_loopback() => text.to_owned(),
            Ok(IpAddr::V4(_)) => {
                let number = self.number("v4", text);
                // A range for benchmarks: nobody routes it.
                format!("198.18.{}.{}", number / 250, number % 250 + 1)
            }
            Ok(IpAddr::V6(_)) => format!("fd00::{:x}", self.number("v6", text)),
            Err(_) => match text.split_once('.') {
                Some((short, domain)) => {
                    format!("{}.{}.test", self.label("host", short), self.label("domain", domain))
                }
                None => self.label("host", text),
            },
        }
    }

    /// Another account. Those that every Windows has keep their names.
    pub(super) fn account(&mut self, text: &str) -> String {
        let (domain, user) = match (text.split_once('\\'), text.split_once('@')) {
            (Some((domain, user)), _) => (domain, user),
            (None, Some((user, domain))) => {
                return format!("{}@{}.test", self.label("account", user), self.label("domain", domain));
            }
            // The second one is of the product: with it workers write their log.
            (None, None)
                if text.eq_ignore_ascii_case("LocalSystem") || text == "##MS_SSISLogDBWorkerAgentLogin##" =>
            {
                return text.to_owned();
            }
            (None, None) => return self.label("login", text),
        };
        let is = |known: &str| known.eq_ignore_ascii_case(domain);
        let is_of_the_product = user.to_ascii_lowercase().starts_with("ssisscaleout");
        if is("NT AUTHORITY") || is("BUILTIN") || (is("NT Service") && is_of_the_product) {
            return text.to_owned();
        }
        let domain =
            if is("NT Service") || is(".") { domain.to_owned() } else { self.label("netbios", domain) };
        format!("{domain}\\{}", self.label("account", user))
    }

    /// Another name of an instance; the default one has the same name everywhere.
    pub(super) fn instance(&mut self, text: &str) -> String {
        if text.eq_ignore_ascii_case("MSSQLSERVER") { text.to_owned() } else { self.label("instance", text) }
    }

    /// Another thumbprint of 40 digits; what copying brought along is gone.
    pub(super) fn thumbprint(&mut self, text: &str) -> String {
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        format!("{:040X}", self.number("thumbprint", &digits))
    }

    fn number(&mut self, kind: &str, text: &str) -> usize {
        let label = self.label(kind, text);
        label.strip_prefix(kind).and_then(|number| number.parse().ok()).unwrap_or_default()
    }
}

/// The file of a settings file; whoever moved it to another folder had reasons of his own.
pub(super) fn known_file(name: &str) -> String {
    match name {
        "MasterSettings.config" | "WorkerSettings.config" => name.to_owned(),
        _ => "a settings file".to_owned(),
    }
}

/// Names by which a machine calls itself.
const KEPT_HOSTS: [&str; 3] = ["localhost", ".", "(local)"];
