//! Inputs made of other inputs: the same ones every time.

/// Mutations of one change up to this many.
const CHANGES_MAX: usize = 6;
/// Longer inputs are cut: what is found is found in short ones, and they are many.
const BYTES_MAX: usize = 4096;
/// Bytes that readers treat in their own way.
const SPECIAL: &[u8] = b"\0\"'\\\n\r\t ,;:{}[]()=#@.-+0915e\x7f\x80\xc3\xa0\xe2\xf0\xff";

/// Mutations of some seeds, without an end.
pub(super) struct Mutations {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutations {
    /// Of these seeds, of which there is at least one.
    pub(super) fn of(seeds: Vec<Vec<u8>>) -> Self {
        Self { seeds, state: 1 }
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).expect("31 bits") % sides.max(1)
    }

    /// A stretch of an input of this length.
    fn stretch(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.roll(length + 1);
        let longest = match self.roll(3) {
            0 => 4,
            1 => 32,
            _ => length,
        };
        let end = start + self.roll(longest.min(length - start) + 1);
        start..end
    }

    fn piece_of_another(&mut self) -> Vec<u8> {
        let other = self.roll(self.seeds.len());
        let length = self.seeds[other].len();
        let stretch = self.stretch(length);
        self.seeds[other][stretch].to_vec()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let stretch = self.stretch(input.len());
        match self.roll(6) {
            0 if !input.is_empty() => {
                let place = self.roll(input.len());
                input[place] ^= 1 << self.roll(8);
            }
            1 => drop(input.drain(stretch)),
            2 => {
                let again = input[stretch.clone()].to_vec();
                input.splice(stretch.start..stretch.start, again);
            }
            3 => {
                let piece = self.piece_of_another();
                input.splice(stretch, piece);
            }
            4 => {
                let special = SPECIAL[self.roll(SPECIAL.len())];
                let times = 1 + self.roll(3) * self.roll(200);
                input.splice(stretch, vec![special; times]);
            }
            _ => {
                let byte = SPECIAL[self.roll(SPECIAL.len())];
                input.insert(stretch.start, byte);
            }
        }
    }
}

impl Iterator for Mutations {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let seed = self.roll(self.seeds.len());
        let mut input = self.seeds[seed].clone();
        for _ in 0..=self.roll(CHANGES_MAX) {
            self.change(&mut input);
        }
        input.truncate(BYTES_MAX);
        Some(input)
    }
}
