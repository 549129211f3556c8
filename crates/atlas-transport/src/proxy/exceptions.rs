//! `NO_PROXY`: the hosts to connect to directly, by the rules of curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A list of hosts.
///
/// An invalid entry matches no host, so that a mistake never disables the proxy: `*` with other entries,
/// `*.example`, a host with a port, `10.0.0.0/99`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exceptions {
    all: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// A domain and its subdomains, without dots at the ends.
    Domain(String),
    /// The addresses with the same leading bits.
    Network(IpAddr, u32),
}

impl Exceptions {
    /// Parses a list: `*` alone, or entries separated by commas or white space.
    pub(crate) fn parse(list: &str) -> Self {
        let separated = list.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let entries = separated.filter_map(Entry::parse);
        Self {
            all: list == "*",
            entries: entries.collect(),
        }
    }

    /// Returns whether to connect directly to a host, as written in a URL.
    pub(crate) fn contain(&self, host: &str) -> bool {
        if self.all {
            return true;
        }
        let is_in = |entry: &Entry| match (entry, address(host)) {
            (Entry::Network(network, bits), Some(host)) => is_below(host, *network, *bits),
            (Entry::Domain(domain), None) => is_within(host, domain),
            _ => false,
        };
        self.entries.iter().any(is_in)
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(address) = address(text) {
            return Some(Self::Network(address, whole(address)));
        }
        if let Some((network, bits)) = text.split_once('/') {
            let network = address(network)?;
            let digits = bits.bytes().all(|byte| byte.is_ascii_digit());
            let bits = bits.parse().ok().filter(|_| digits)?;
            let bits = match bits {
                // In curl, this matches the one address, not all of them.
                0 => whole(network),
                bits if bits <= whole(network) => bits,
                _ => return None,
            };
            return Some(Self::Network(network, bits));
        }
        let domain = text.strip_suffix('.').unwrap_or(text);
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        (!domain.is_empty()).then(|| Self::Domain(domain.to_owned()))
    }
}

/// Parses an address, IPv6 with brackets or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn whole(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS,
        IpAddr::V6(_) => Ipv6Addr::BITS,
    }
}

/// Returns whether two addresses have the same leading bits; `bits` is at least 1.
fn is_below(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

/// Returns whether a host is a domain or a subdomain of it.
fn is_within(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some(start) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let (before, end) = (host.as_bytes()[..start].last(), &host.as_bytes()[start..]);
    end.eq_ignore_ascii_case(domain.as_bytes()) && matches!(before, None | Some(b'.'))
}
