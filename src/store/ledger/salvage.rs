//! Rows of a file that may be damaged: all that can still be read, from both ends of what cannot.

use std::ops::Bound;

use redb::ReadableTable;

use super::step::Rows;
use crate::store::StoreError;
use crate::store::format::Stored;
use crate::store::quiet::caught;

/// Rows read at a time.
const CHUNK_ROWS: usize = 500;

/// What a stretch of a table has.
struct Stretch {
    /// Its rows, in the order they were read: keys and stored bytes.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether reading it came to an end by itself.
    whole: bool,
}

impl<T: Stored> Rows<'_, T> {
    /// Hands over every row that can be read, in no order; says whether that is all of them.
    ///
    /// # Errors
    /// What `each` returns. Damage is none.
    pub(crate) fn salvage(
        &self,
        mut each: impl FnMut(&[u8], T) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let mut whole = true;
        let mut hand_over = |rows: &[(Vec<u8>, Vec<u8>)]| {
            for (key, bytes) in rows {
                match self.decode(key, bytes) {
                    Ok(row) => each(key, row)?,
                    Err(_) => whole = false,
                }
            }
            Ok::<_, StoreError>(())
        };
        let mut last: Option<Vec<u8>> = None;
        let broke = loop {
            let after = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let stretch = self.stretch((after, Bound::Unbounded), false);
            hand_over(&stretch.rows)?;
            if let Some((key, _)) = stretch.rows.last() {
                last = Some(key.clone());
            }
            if !stretch.whole || stretch.rows.is_empty() {
                break !stretch.whole;
            }
        };
        if !broke {
            return Ok(whole);
        }
        let mut first: Option<Vec<u8>> = None;
        loop {
            let after = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let before = first.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let stretch = self.stretch((after, before), true);
            hand_over(&stretch.rows)?;
            if let Some((key, _)) = stretch.rows.last() {
                first = Some(key.clone());
            }
            if !stretch.whole || stretch.rows.is_empty() {
                return Ok(false);
            }
        }
    }

    fn stretch(&self, bounds: (Bound<&[u8]>, Bound<&[u8]>), from_its_end: bool) -> Stretch {
        let mut rows = Vec::new();
        let read = caught(|| {
            let range = self.table().range::<&[u8]>(bounds)?;
            let mut keep = |entry: Result<_, redb::StorageError>| {
                let (key, bytes): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>) =
                    entry?;
                rows.push((key.value().to_vec(), bytes.value().to_vec()));
                Ok::<_, redb::StorageError>(())
            };
            match from_its_end {
                true => range.rev().take(CHUNK_ROWS).try_for_each(&mut keep),
                false => range.take(CHUNK_ROWS).try_for_each(&mut keep),
            }
        });
        // A key that is out of its order would be met again and again.
        let in_bounds = rows.iter().all(|(key, _)| {
            let key = key.as_slice();
            let is_after = !matches!(bounds.0, Bound::Excluded(last) if key <= last);
            is_after && !matches!(bounds.1, Bound::Excluded(first) if key >= first)
        });
        let in_order = rows.windows(2).all(|pair| match from_its_end {
            true => pair[0].0 > pair[1].0,
            false => pair[0].0 < pair[1].0,
        });
        Stretch {
            whole: matches!(read, Some(Ok(()))) && in_order && in_bounds,
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::domain::changes::Membership;
    use crate::store::StoreError;
    use crate::store::ledger::rows::MemberRow;
    use crate::store::ledger::{Ledger, Step};

    const ROWS: u32 = 5000;
    const PAGE_BYTES: usize = 4096;

    fn address(number: u32) -> String {
        format!("person-{number:05}@example.com")
    }

    /// What can be read of a ledger with so many rows, once the page of the one in the middle is damaged; that row's text
    /// begins at the place that `damage` gets.
    fn salvaged(damage: impl Fn(&mut [u8], usize)) -> (bool, Vec<u32>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.redb");
        let ledger = Ledger::open(&path).unwrap();
        let fill = |step: &mut Step<'_>| {
            (0..ROWS).try_for_each(|number| {
                let row = MemberRow {
                    address: address(number),
                    state: Membership::Active,
                    ours: true,
                    since: 0,
                    seen: 0,
                };
                step.members.put(&number.to_be_bytes(), &row)
            })
        };
        ledger.step(fill).unwrap();
        drop(ledger);
        let mut bytes = fs::read(&path).unwrap();
        let middle = address(ROWS / 2).into_bytes();
        for page in bytes.chunks_exact_mut(PAGE_BYTES) {
            let at = page.windows(middle.len()).position(|text| text == middle);
            at.into_iter().for_each(|at| damage(page, at));
        }
        fs::write(&path, bytes).unwrap();
        assert!(Ledger::open(&path).is_err());
        let ledger = Ledger::open_damaged(&path).unwrap();
        let mut met = Vec::new();
        let whole = ledger.look(|step| {
            step.members.salvage(|key, row| {
                let number = u32::from_be_bytes(key.try_into().unwrap());
                assert_eq!(row.address, address(number));
                met.push(number);
                Ok(())
            })
        });
        met.sort();
        let whole = whole.unwrap_or_else(|error: StoreError| panic!("{error}"));
        (whole, met)
    }

    #[test]
    fn a_row_that_does_not_decode_is_left_out_alone() {
        let (whole, met) = salvaged(|page, at| page[at] ^= 1);
        assert!(!whole);
        let all_but_one: Vec<u32> = (0..ROWS).filter(|it| *it != ROWS / 2).collect();
        assert_eq!(met, all_but_one);
    }

    #[test]
    fn rows_before_and_behind_a_page_that_cannot_be_read_are_met_once() {
        // Where its rows begin and end.
        let (whole, met) = salvaged(|page, _| page[4..100].fill(0xff));
        assert!(!whole);
        assert!(met.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!((met[0], met[met.len() - 1]), (0, ROWS - 1));
        let lost = ROWS - u32::try_from(met.len()).unwrap();
        assert!((1..200).contains(&lost), "{lost}");
    }
}
