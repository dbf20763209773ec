//! Lines that are read in little room, whatever a file holds: one without an end is not taken into memory.

use std::io::{self, BufRead, Read};

/// No line that rosterd writes is longer: its texts are those of fields and answers, which are bounded themselves.
pub(super) const LINE_BYTES_MAX: usize = 16 << 20;

/// Bytes that are passed over at a time.
const PASSED_BYTES: u64 = 1 << 16;

/// Reads on to the end of a line, and adds what stands before its newline to `line`; answers whether the newline was
/// met, or else the file ends for now. Of a line that [is too long](is_too_long) the rest is passed over.
pub(super) fn read_on(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    // One byte too many is what tells that it is too long.
    let room = (LINE_BYTES_MAX + 1).saturating_sub(line.len());
    let room = u64::try_from(room).unwrap_or(u64::MAX);
    input.take(room).read_until(b'\n', line)?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(true);
    }
    match is_too_long(line) {
        true => pass_over(input),
        false => Ok(false),
    }
}

/// Passes over what is left of a line; answers whether its newline was met.
fn pass_over(input: &mut impl BufRead) -> io::Result<bool> {
    let mut passed = Vec::new();
    loop {
        passed.clear();
        if input.take(PASSED_BYTES).read_until(b'\n', &mut passed)? == 0 {
            return Ok(false);
        }
        if passed.ends_with(b"\n") {
            return Ok(true);
        }
    }
}

/// Whether a line that was read is not whole, as it is longer than any that rosterd writes.
pub(super) fn is_too_long(line: &[u8]) -> bool {
    line.len() > LINE_BYTES_MAX
}

/// The lines of a file, without their newlines; the last one may lack it.
pub(super) fn lines(mut input: impl BufRead) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    let mut has_ended = false;
    std::iter::from_fn(move || {
        if has_ended {
            return None;
        }
        let mut line = Vec::new();
        match read_on(&mut input, &mut line) {
            Ok(true) => Some(Ok(line)),
            Ok(false) => {
                has_ended = true;
                (!line.is_empty()).then_some(Ok(line))
            }
            Err(error) => {
                has_ended = true;
                Some(Err(error))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn a_line_without_an_end_is_passed_over_and_the_next_one_is_whole() {
        let long = u64::try_from(LINE_BYTES_MAX).unwrap() + (1 << 20);
        let input = io::repeat(b'x').take(long);
        let input = b"one\n".chain(input).chain(&b"\n\ntwo\nthr"[..]);
        let met: Vec<Vec<u8>> = lines(BufReader::new(input)).map(Result::unwrap).collect();
        let lengths: Vec<usize> = met.iter().map(Vec::len).collect();
        assert_eq!(lengths, [3, LINE_BYTES_MAX + 1, 0, 3, 3]);
        assert!(is_too_long(&met[1]) && !is_too_long(&met[1][1..]));
        assert_eq!(met[4], b"thr");
    }

    #[test]
    fn a_line_that_comes_in_parts_is_read_on() {
        let mut line = Vec::new();
        assert!(!read_on(&mut &b"on"[..], &mut line).unwrap());
        assert!(read_on(&mut &b"e\ntwo"[..], &mut line).unwrap());
        assert_eq!(line, b"one");
    }
}
