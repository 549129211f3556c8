//! Makes identifiers that look random and depend only on their place.

use std::fmt::Write as _;

/// Returns up to 64 lowercase hexadecimal digits for a place.
pub(crate) fn hex(place: &str, digits: usize) -> String {
    let mut text = String::with_capacity(digits + 16);
    let mut state = fnv(place);
    while text.len() < digits {
        state = mixed(state);
        let _ = write!(text, "{state:016x}");
    }
    text.truncate(digits);
    text
}

/// Returns a UUID of version 4 for a place.
pub(crate) fn uuid(place: &str) -> String {
    let digits = hex(place, 32);
    let (first, rest) = digits.split_at(8);
    let (second, rest) = rest.split_at(4);
    format!(
        "{first}-{second}-4{}-8{}-{}",
        &rest[1..4],
        &rest[5..8],
        &rest[8..]
    )
}

/// Returns the FNV-1a hash.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns the next state of `SplitMix64`.
fn mixed(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_always_has_the_same_digits_and_another_place_others() {
        assert_eq!(hex("getGroup/id", 24), hex("getGroup/id", 24));
        assert_ne!(hex("getGroup/id", 24), hex("getOrg/id", 24));
        assert_eq!(hex("a", 64).len(), 64);
        assert_eq!(hex("", 24), "c3817c016ba4ff3021fa69a5");
    }

    #[test]
    fn a_uuid_has_its_version_and_its_variant() {
        let uuid = uuid("getGroup/id");
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert_eq!(&uuid[19..20], "8");
    }
}
