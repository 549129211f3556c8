//! The CRC-32 of numbered units, in a number of steps logarithmic in their count.
//!
//! The CRC of a unit is affine in the bits of its number, and appending bytes is linear. So the CRC
//! of a run of units that starts at a multiple of its length differs from that of the first such
//! run by a term that only depends on the start.

use crc32fast::Hasher;

/// The CRC of `count` consecutive units of `length` bytes each; `unit` returns the CRC of the unit
/// with a number.
pub(crate) fn of_units(unit: impl Fn(u64) -> u32, length: u64, count: u64) -> u32 {
    let first = unit(0);
    // The CRC of 2^k units from `start`, a multiple of 2^k, given that of the first 2^k.
    let run = |k: u32, of_first: u32, start: u64| {
        let mut term = unit(start) ^ first;
        for i in 0..k {
            term ^= followed_by_zeros(term, length << i);
        }
        of_first ^ term
    };
    let bits = u64::BITS - count.leading_zeros();
    let mut of_first = vec![first];
    for k in 1..bits {
        let half = of_first[of_first.len() - 1];
        let other_half = run(k - 1, half, 1 << (k - 1));
        of_first.push(followed_by_zeros(half, length << (k - 1)) ^ other_half);
    }
    let (mut crc, mut start) = (0, 0);
    for (k, of_first) in (0..bits).zip(of_first).rev() {
        if count >> k & 1 == 1 {
            crc = followed_by_zeros(crc, length << k) ^ run(k, of_first, start);
            start += 1 << k;
        }
    }
    crc
}

/// The term of a CRC after `length` further bytes.
fn followed_by_zeros(crc: u32, length: u64) -> u32 {
    let mut hasher = Hasher::new_with_initial(crc);
    hasher.combine(&Hasher::new_with_initial_len(0, length));
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_checksum_of_the_units_one_by_one() {
        let unit = |number: u64| [&number.to_le_bytes()[..], b"noise"].concat();
        for count in (0..70).chain([127, 128, 1000, 4097]) {
            let all: Vec<u8> = (0..count).flat_map(unit).collect();
            let seen = of_units(|number| crc32fast::hash(&unit(number)), 13, count);
            assert_eq!(seen, crc32fast::hash(&all), "{count}");
        }
    }
}
