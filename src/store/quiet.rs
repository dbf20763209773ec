//! Panics of the stores' own code, which damaged files can cause: caught, told as errors, and not printed beside them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Does some work; `None` if it panicked, of which nothing is printed. Panics of other threads are printed as ever, those
/// that the work has begun included.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_CAUGHT.get() {
                print(panic);
            }
        }));
    });
    let before = IS_CAUGHT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(before);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_is_none_and_what_comes_after_is_not_caught_any_more() {
        assert_eq!(caught(|| 7), Some(7));
        let inner = caught(|| {
            assert_eq!(caught(|| -> u8 { panic!("within") }), None);
            assert!(IS_CAUGHT.get());
            8
        });
        assert_eq!(inner, Some(8));
        assert!(!IS_CAUGHT.get());
    }
}
