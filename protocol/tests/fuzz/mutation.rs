//! Bytes made from bytes: what a broken, cut, hostile or merely newer peer might send instead.
//!
//! Only the generator decides, so a seed makes the same inputs for ever.

/// Longest input that is made, in bytes.
pub const INPUT_BYTES_MAX: usize = 32 * 1024;
/// Mutations on top of each other.
const DEPTH_MAX: u64 = 6;
/// Numbers around which lengths and counts go wrong.
const LENGTHS: [u32; 14] =
    [0, 1, 3, 4, 5, 127, 255, 256, 65_535, 65_536, 1 << 20, 7 << 20, i32::MAX as u32, u32::MAX];
/// What readers of text trip over.
const TOKENS: [&[u8]; 22] = [
    b"\0",
    b"\r\n",
    b"\n",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\\u0000",
    b"\\ud800",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"//",
    b"%2f",
];

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).unwrap()
    }

    pub fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}

/// An input from one or two of `pool`, which is not empty.
pub fn mutated(pool: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = pool[random.below(pool.len())].clone();
    for _ in 0..=random.below(usize::try_from(DEPTH_MAX).unwrap()) {
        let other = random.below(pool.len());
        once(&mut input, &pool[other], random);
        input.truncate(INPUT_BYTES_MAX);
    }
    input
}

fn once(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = at + random.below(input.len() - at + 1);
    let byte = u8::try_from(random.below(256)).unwrap();
    match random.below(11) {
        0 => flip(input, at, 1 << (byte & 7)),
        1 => flip(input, at, byte | 1),
        2 => input.truncate(at),
        3 => drop(input.drain(at..end)),
        4 => insert(input, at, &[byte]),
        5 => insert(input, at, random.one_of(&TOKENS)),
        6 => overwrite(input, at, &LENGTHS[random.below(LENGTHS.len())].to_be_bytes()),
        // A length that is nearly right.
        7 => overwrite(input, at & !3, &u32::try_from(end).unwrap().to_be_bytes()),
        8 => {
            let again = input[at..end].repeat(1 + random.below(4));
            insert(input, at, &again);
        }
        9 => {
            let number = LENGTHS[random.below(LENGTHS.len())].to_string();
            replace_number(input, at, number.as_bytes());
        }
        _ => {
            // The start of one and the end of another.
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}

fn flip(input: &mut [u8], at: usize, bits: u8) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= bits;
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    drop(input.splice(at..at, bytes.iter().copied()));
}

fn overwrite(input: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in input.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}

/// The first number written out in digits from `at` on becomes another.
fn replace_number(input: &mut Vec<u8>, at: usize, number: &[u8]) {
    let Some(start) = input[at..].iter().position(u8::is_ascii_digit) else { return };
    let start = at + start;
    let length = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    drop(input.splice(start..start + length, number.iter().copied()));
}
