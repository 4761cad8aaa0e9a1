//! The generator behind `Random`: MT19937 (Matsumoto and Nishimura, 1998), with the ways in which Ruby 3.1 makes whole
//! numbers and fractions of its words, so that a seed gives the numbers that it gives there.

const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// The state of one sequence.
#[derive(Clone)]
pub(crate) struct Mersenne {
    words: Box<[u32; WORDS]>,
    at: usize,
}

impl Mersenne {
    /// The sequence of a seed, given as its absolute value in words of 32 bits, lowest first.
    pub(crate) fn new(seed: &[u32]) -> Self {
        // Ruby takes a last word of 1 for its own mark of where the seed ends.
        match seed {
            [] => Self::of_word(0),
            [only] | [only, 1] => Self::of_word(*only),
            [many @ .., 1] => Self::of_words(many),
            many => Self::of_words(many),
        }
    }

    fn of_word(seed: u32) -> Self {
        let mut words = Box::new([0; WORDS]);
        words[0] = seed;
        for at in 1..WORDS {
            let before: u32 = words[at - 1];
            words[at] = (before ^ before >> 30).wrapping_mul(1_812_433_253).wrapping_add(at as u32);
        }
        Self { words, at: WORDS }
    }

    fn of_words(seed: &[u32]) -> Self {
        let mut made = Self::of_word(19_650_218);
        let words = &mut made.words;
        let mut at = 1;
        for round in 0..WORDS.max(seed.len()) {
            let from = round % seed.len();
            words[at] = (words[at] ^ (words[at - 1] ^ words[at - 1] >> 30).wrapping_mul(1_664_525))
                .wrapping_add(seed[from])
                .wrapping_add(from as u32);
            at = next(words, at);
        }
        for _ in 1..WORDS {
            words[at] = (words[at] ^ (words[at - 1] ^ words[at - 1] >> 30).wrapping_mul(1_566_083_941))
                .wrapping_sub(at as u32);
            at = next(words, at);
        }
        words[0] = 0x8000_0000;
        made
    }

    /// Thirty-two random bits.
    pub(crate) fn word(&mut self) -> u32 {
        if self.at >= WORDS {
            for at in 0..WORDS {
                let joined = self.words[at] & 0x8000_0000 | self.words[(at + 1) % WORDS] & 0x7fff_ffff;
                let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.words[at] = self.words[(at + MIDDLE) % WORDS] ^ joined >> 1 ^ twist;
            }
            self.at = 0;
        }
        let mut word = self.words[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// A whole number from 0 to `limit`, that included.
    pub(crate) fn up_to(&mut self, limit: u64) -> u64 {
        if limit == 0 {
            return 0;
        }
        let mask = u64::MAX >> limit.leading_zeros();
        'again: loop {
            let mut value = 0;
            for shift in [32, 0] {
                if mask >> shift & 0xffff_ffff != 0 {
                    value |= u64::from(self.word()) << shift;
                    value &= mask;
                    if value > limit {
                        continue 'again;
                    }
                }
            }
            return value;
        }
    }

    /// A fraction of 53 bits from 0 to below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// A fraction from 0 to 1, that included.
    pub(crate) fn whole_fraction(&mut self) -> f64 {
        let bits = u128::from(self.word()) << 32 | u128::from(self.word());
        let scaled = (bits * ((1 << 53) | 1)) >> 64;
        scaled as f64 / 9_007_199_254_740_992.0
    }
}

/// The place after `at`; behind the last one comes the second, with the first as a copy of the last.
fn next(words: &mut [u32; WORDS], at: usize) -> usize {
    if at + 1 < WORDS {
        return at + 1;
    }
    words[0] = words[WORDS - 1];
    1
}
