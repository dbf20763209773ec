//! A list read page by page while it changes: how to know that nobody on it was missed.
//!
//! Rows are counted off, so whoever leaves a list moves everybody behind up by one, across the border of a page that was
//! read already: a page that begins where the last one ended would miss a row that was there all along. Pages therefore
//! overlap by one row. Where the first row of a page is the last one of the page before, as many rows came as went in
//! front of it, and everybody who was on the list throughout has been met. Who came onto a page that was read already
//! shows in the list's count at the end, unless as many went. A walk that does not end quietly is done again, until one
//! meets nobody who is new. One page is a snapshot, and costs one call.
//!
//! A page that is shorter than asked for is the last one, or the service gives fewer rows than it is asked for: where it
//! is long enough for that, the count tells.

use std::collections::HashSet;
use std::hash::Hash;

/// No service gives pages as short as this if it has more; the smallest that clients report is 20 (Campaigns reference,
/// section 5).
const PAGE_ROWS_MIN: usize = 20;
/// Walks after which a list is given up that never comes to rest.
const WALKS_MAX: u8 = 6;

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read the page that begins with this row; the first is 1.
    Page(u32),
    /// Ask for the list's count.
    Count,
    /// Everybody has been met.
    Done,
    /// The list does not come to rest.
    Restless,
}

/// The calls that a list of so many rows costs which stays as it is, in pages of `page_rows` (at least 2): its pages, and
/// the count where that is asked for. That a list is empty has to be confirmed by its count, too.
#[must_use]
pub fn calls(rows: u64, page_rows: u64) -> u64 {
    if rows > 0 && rows < page_rows.min(PAGE_ROWS_MIN as u64) {
        return 1;
    }
    let further = rows.saturating_sub(page_rows - 1);
    1 + further.div_ceil(page_rows - 1) + 1
}

/// Walks over one list; `T` is what a row is known by.
#[derive(Debug)]
pub struct Walks<T> {
    /// Met in this walk, and in the walks before.
    met: HashSet<T>,
    before: HashSet<T>,
    /// The last row of the page before.
    last: Option<T>,
    from: u32,
    is_quiet: bool,
    /// Whether the last page met anybody new.
    leads_on: bool,
    walks: u8,
}

impl<T: Clone + Eq + Hash> Walks<T> {
    /// Before the first page, which begins with row 1.
    #[must_use]
    pub fn new() -> Self {
        Self {
            met: HashSet::new(),
            before: HashSet::new(),
            last: None,
            from: 1,
            is_quiet: true,
            leads_on: false,
            walks: 1,
        }
    }

    /// Takes the page that was asked for; `is_short` where it has fewer rows than were asked for.
    pub fn page(&mut self, rows: Vec<T>, is_short: bool) -> Next {
        let is_first = self.last.is_none();
        if !is_first && rows.first() != self.last.as_ref() {
            self.is_quiet = false;
        }
        if is_first && is_short && self.walks == 1 && rows.len() < PAGE_ROWS_MIN {
            self.met.extend(rows);
            return Next::Done;
        }
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let met_before = self.met.len();
        self.last = rows.last().cloned().or(self.last.take());
        self.met.extend(rows);
        // A page of known rows only: the list moved by a page's length, or pages are not counted off at all.
        self.leads_on = self.met.len() > met_before;
        self.is_quiet &= self.leads_on || is_short;
        self.from = self.from.saturating_add(count.saturating_sub(1).max(1));
        match is_short || !self.leads_on {
            true => Next::Count,
            false => Next::Page(self.from),
        }
    }

    /// How many have been met, in the last walk.
    #[must_use]
    pub fn met(&self) -> usize {
        self.met.len()
    }

    /// Whether a row has been met, in any walk.
    #[must_use]
    pub fn has_met(&self, row: &T) -> bool {
        self.met.contains(row) || self.before.contains(row)
    }

    /// Takes the list's count, asked for after the last page.
    pub fn counted(&mut self, count: u64) -> Next {
        let met = u64::try_from(self.met.len()).unwrap_or(u64::MAX);
        if met < count && self.leads_on {
            // The page was short, and there is more.
            return Next::Page(self.from);
        }
        let is_whole = met == count;
        let nobody_new = self.walks > 1 && self.met.is_subset(&self.before);
        // Two of three: the pages joined, the count agrees, and a walk before has met the same people.
        let signs = [self.is_quiet, is_whole, nobody_new];
        if signs.iter().filter(|sign| **sign).count() >= 2 {
            return Next::Done;
        }
        if self.walks == WALKS_MAX {
            return Next::Restless;
        }
        self.walks += 1;
        self.before.extend(self.met.drain());
        (self.last, self.from) = (None, 1);
        (self.is_quiet, self.leads_on) = (true, false);
        Next::Page(1)
    }
}

impl<T: Clone + Eq + Hash> Default for Walks<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = 25;

    /// Walks over a list that `change` may change before each call, numbered from 0; who was met, how, in how many calls.
    fn walk(
        list: &mut Vec<u32>,
        change: impl FnMut(usize, &mut Vec<u32>),
    ) -> (HashSet<u32>, Next, usize) {
        walk_by(PAGE, list, change)
    }

    /// The same, by a service that gives no more than so many rows of a page.
    fn walk_by(
        rows_max: usize,
        list: &mut Vec<u32>,
        mut change: impl FnMut(usize, &mut Vec<u32>),
    ) -> (HashSet<u32>, Next, usize) {
        let (mut walks, mut met, mut calls) = (Walks::new(), HashSet::new(), 0);
        let mut next = Next::Page(1);
        loop {
            change(calls, list);
            next = match next {
                Next::Page(from) => {
                    let skip = usize::try_from(from - 1).unwrap();
                    let rows: Vec<u32> = list.iter().skip(skip).take(rows_max).copied().collect();
                    met.extend(rows.clone());
                    let is_short = rows.len() < PAGE;
                    walks.page(rows, is_short)
                }
                Next::Count => walks.counted(u64::try_from(list.len()).unwrap()),
                end => return (met, end, calls),
            };
            calls += 1;
        }
    }

    #[test]
    fn a_list_at_rest_costs_its_pages_and_a_count_where_there_are_several() {
        for (rows, want) in [
            (0, 1),
            (1, 1),
            (19, 1),
            (20, 2),
            (24, 2),
            (25, 3),
            (48, 3),
            (49, 4),
            (73, 5),
        ] {
            let mut list: Vec<u32> = (0..rows).collect();
            let (met, end, calls) = walk(&mut list, |_, _| {});
            assert_eq!((met.len(), end), (list.len(), Next::Done), "{rows}");
            assert_eq!(calls, want, "{rows}");
            let empty = usize::from(rows == 0);
            let told = super::calls(u64::from(rows), u64::try_from(PAGE).unwrap());
            assert_eq!(told, u64::try_from(want + empty).unwrap(), "{rows}");
        }
    }

    #[test]
    fn whoever_moves_across_the_border_of_a_page_is_met_by_another_walk() {
        let mut list: Vec<u32> = (0..60).collect();
        let (met, end, _) = walk(&mut list, |call, list| {
            if call == 1 {
                list.remove(0);
            }
        });
        assert_eq!(end, Next::Done);
        assert!((0..60).all(|row| met.contains(&row)), "{met:?}");
    }

    #[test]
    fn whoever_comes_onto_a_page_that_was_read_is_met_by_another_walk() {
        for call in 1..4 {
            let mut list: Vec<u32> = (0..60).collect();
            let (met, end, _) = walk(&mut list, |now, list| {
                if now == call {
                    list.insert(0, 99);
                }
            });
            assert_eq!(end, Next::Done, "{call}");
            assert!(met.contains(&99), "{call}");
        }
    }

    #[test]
    fn a_service_that_gives_shorter_pages_than_asked_for_is_read_to_the_end() {
        for rows_max in [20, 24] {
            let mut list: Vec<u32> = (0..90).collect();
            let (met, end, _) = walk_by(rows_max, &mut list, |_, _| {});
            assert_eq!((met.len(), end), (90, Next::Done), "{rows_max}");
        }
    }

    #[test]
    fn a_count_that_is_always_off_costs_a_second_walk_and_no_more() {
        let mut walks = Walks::new();
        let page = |walks: &mut Walks<u32>| {
            assert_eq!(walks.page((0..25).collect(), false), Next::Page(25));
            assert_eq!(walks.page((24..30).collect(), true), Next::Count);
            assert_eq!(walks.counted(31), Next::Page(30), "perhaps there is more");
            assert_eq!(walks.page(vec![29], true), Next::Count);
        };
        page(&mut walks);
        assert_eq!(walks.counted(31), Next::Page(1));
        page(&mut walks);
        assert_eq!(walks.counted(31), Next::Done);
    }

    #[test]
    fn a_list_that_never_rests_or_never_ends_is_given_up() {
        let mut list: Vec<u32> = (0..60).collect();
        let (_, end, _) = walk(&mut list, |call, list| {
            list.insert(0, 100 + u32::try_from(call).unwrap());
        });
        assert_eq!(end, Next::Restless);
        // A service that gives the first page whatever is asked for.
        let mut walks = Walks::new();
        let mut next = Next::Page(1);
        for _ in 0..100 {
            next = match next {
                Next::Page(_) => walks.page((0..25).collect(), false),
                Next::Count => walks.counted(400),
                end => {
                    assert_eq!(end, Next::Restless);
                    return;
                }
            };
        }
        panic!("it goes on");
    }

    proptest! {
        // Before each call one may come and one may go, anywhere, until the tenth.
        #[test]
        fn nobody_who_was_on_the_list_throughout_is_missed(
            size in 0_u32..120,
            changes in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<prop::sample::Index>()), 0..10),
        ) {
            let mut list: Vec<u32> = (0..size).collect();
            let mut gone = HashSet::new();
            let (met, end, _) = walk(&mut list, |call, list| {
                let Some((comes, goes, place)) = changes.get(call) else {
                    return;
                };
                if comes % 3 == 0 {
                    let place = place.index(list.len() + 1);
                    list.insert(place, 1000 + u32::try_from(call).unwrap());
                }
                if goes % 3 == 0 && !list.is_empty() {
                    gone.insert(list.remove(place.index(list.len())));
                }
            });
            if end == Next::Done {
                for row in 0..size {
                    prop_assert!(met.contains(&row) || gone.contains(&row), "{}", row);
                }
            }
        }
    }
}
