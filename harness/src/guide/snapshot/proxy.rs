//! Through which proxy does an account go, and for which hosts does it not?

use serde::{Deserialize, Serialize};

/// The proxy of an account, as its part of the registry has it under `Internet Settings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// `ProxyServer`, where `ProxyEnable` turns it on: one for everything, or `http=HOST:PORT;https=HOST:PORT`.
    pub server: Option<String>,
    /// The parts of `ProxyOverride`: hosts that are asked without it.
    pub bypass: Vec<String>,
    /// `AutoConfigURL`: a script that decides for each host, and goes before the server.
    pub script: Option<String>,
}

impl Proxy {
    /// Whether requests by HTTPS go to the server at all.
    pub fn takes_https(&self) -> bool {
        let Some(server) = &self.server else { return false };
        let mut parts = server.split([';', ' ']).filter(|part| !part.is_empty());
        // A list without https names proxies for other protocols only (Enabling Internet Functionality, documented).
        !server.contains('=') || parts.any(|part| part.trim().to_ascii_lowercase().starts_with("https="))
    }

    /// The exception that lets a host be asked without the server.
    pub fn exception(&self, host: &str) -> Option<&str> {
        self.bypass.iter().map(String::as_str).find(|one| covers(one, host))
    }
}

/// Whether an exception is for this host: with `*` for any letters, and `<local>` for every name without a dot (InternetOpen,
/// documented). A protocol in front and a port behind are left aside.
fn covers(exception: &str, host: &str) -> bool {
    let exception = exception.trim().to_ascii_lowercase();
    if exception == "<local>" {
        return !host.contains(['.', ':']);
    }
    let exception = exception.split_once("://").map_or(exception.as_str(), |(_, rest)| rest);
    let exception = match exception.rsplit_once(':') {
        Some((before, port)) if port.parse::<u16>().is_ok() && !before.contains(':') => before,
        Some(_) | None => exception,
    };
    matches(exception, &host.to_ascii_lowercase())
}

/// Whether a text is this pattern, in which `*` stands for any letters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(behind) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let Some(end) = parts.pop() else { return true };
    // Each part at its first place leaves the most for those behind it.
    let mut left = behind;
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::{Proxy, covers};

    #[test]
    fn an_exception_is_for_the_hosts_that_its_pattern_says() {
        for (exception, host, expected) in [
            ("SQLFCI", "sqlfci", true),
            ("SQLFCI", "sqlfci.example.com", false),
            ("*.example.com", "sqlfci.example.com", true),
            ("*.example.com", "sqlfci", false),
            ("sql*", "SQLFCI", true),
            ("s*l*i", "sqlfci", true),
            ("s*ci*ci", "sqlfci", false),
            ("*", "sqlfci", true),
            ("10.0.*", "10.0.0.100", true),
            ("<local>", "SQLFCI", true),
            ("<local>", "sqlfci.example.com", false),
            ("https://sqlfci:8391", "sqlfci", true),
            ("", "sqlfci", false),
            ("fd00::100", "fd00::100", true),
        ] {
            assert_eq!(covers(exception, host), expected, "{exception} for {host}");
        }
    }

    #[test]
    fn a_proxy_of_another_protocol_takes_no_https() {
        for (server, expected) in [
            ("proxy:3128", true),
            ("http=proxy:80;https=proxy:443", true),
            ("http=proxy:80;ftp=proxy:21", false),
        ] {
            let proxy = Proxy { server: Some(server.to_owned()), ..Proxy::default() };
            assert_eq!(proxy.takes_https(), expected, "{server}");
        }
        assert!(!Proxy::default().takes_https());
    }
}
