//! `NO_PROXY`: the hosts that are connected to directly, as curl reads it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The hosts of a list.
///
/// An entry that cannot be read matches no host, so that a mistake never switches the proxy off:
/// `*` among others, `*.example`, a host with a port, `10.0.0.0/99`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exceptions {
    all: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// A domain and those below it, without the dots at its ends.
    Domain(String),
    /// The addresses that begin with the same bits.
    Network(IpAddr, u32),
}

impl Exceptions {
    /// Parses a list: `*` alone, or entries with commas or white space between them.
    pub(crate) fn parse(list: &str) -> Self {
        let separated = list.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let entries = separated.filter_map(Entry::parse);
        Self {
            all: list == "*",
            entries: entries.collect(),
        }
    }

    /// Whether a host, as it stands in a URL, is connected to directly.
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
                // In curl it is the one address, not all of them.
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

/// An address, an IPv6 one with brackets or without.
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

/// Whether two addresses begin with the same bits; there is at least one.
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

/// Whether a host is a domain or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some(start) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let (before, end) = (host.as_bytes()[..start].last(), &host.as_bytes()[start..]);
    end.eq_ignore_ascii_case(domain.as_bytes()) && matches!(before, None | Some(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same rows are put to curl in `conformance/tests/interop/no_proxy.rs`.
    const ROWS: &str = include_str!("../../../../fixtures/no-proxy.json");

    #[test]
    fn every_row_of_the_fixture_goes_where_it_says() {
        let rows: serde_json::Value = serde_json::from_str(ROWS).unwrap();
        let rows = rows.as_array().unwrap();
        assert!(rows.len() > 40);
        for row in rows {
            let list = row["list"].as_str().unwrap();
            let direct = row["direct"].as_bool().unwrap();
            let host = row["host"].as_str().unwrap();
            let found = Exceptions::parse(list).contain(host);
            assert_eq!(found, direct, "{list:?} and {host}");
        }
    }
}
