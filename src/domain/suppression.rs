//! The gate before a list: nobody who is suppressed, or might be, is added.
//!
//! The call that adds or updates a contact takes a [`Cleared`], and only [`Gate::clear`] makes one. It asks for a
//! snapshot of the list's suppressions that was read in full and is fresh, and for what the ledger knows of the
//! address; without either it refuses. Nothing here reads anything: the snapshot's age is judged against `now`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::address::EmailAddress;
use super::ids::ListKey;

/// A contact that may be added to or updated on a list, made only by the gate.
///
/// There is no other way to one, which the compiler checks here. Not by writing it down:
///
/// ```compile_fail,E0451
/// use rosterd::domain::{address::EmailAddress, suppression::Cleared};
/// let address = EmailAddress::parse("ann@example.com").unwrap();
/// Cleared { list: "3zlist".parse().unwrap(), address, fields: vec![] };
/// ```
///
/// Not by changing one that the gate has made, into another person's or another list's:
///
/// ```compile_fail,E0616
/// # use rosterd::domain::{address::EmailAddress, suppression::Cleared};
/// fn another(mut cleared: Cleared, address: EmailAddress) -> Cleared {
///     cleared.address = address;
///     cleared
/// }
/// ```
///
/// Not by taking one from nowhere:
///
/// ```compile_fail,E0277
/// # use rosterd::domain::suppression::Cleared;
/// fn made<T: Default>() -> T { T::default() }
/// fn empty() -> Cleared { made() }
/// ```
///
/// Not by reading it from anywhere:
///
/// ```compile_fail,E0277
/// # use rosterd::domain::suppression::Cleared;
/// serde_json::from_str::<Cleared>("{}").unwrap();
/// ```
///
/// Not by converting an address:
///
/// ```compile_fail,E0277
/// # use rosterd::domain::{address::EmailAddress, suppression::Cleared};
/// fn made<T: From<EmailAddress>>(address: EmailAddress) -> T { address.into() }
/// fn converted(address: EmailAddress) -> Cleared { made(address) }
/// ```
///
/// And not by copying one, to be kept beyond the snapshot that it rests on:
///
/// ```compile_fail,E0277
/// # use rosterd::domain::suppression::Cleared;
/// fn copied<T: Clone>(one: &T) -> T { one.clone() }
/// fn kept(cleared: &Cleared) -> Cleared { copied(cleared) }
/// ```
///
/// Only so:
///
/// ```
/// # use std::time::Duration;
/// use rosterd::domain::address::EmailAddress;
/// use rosterd::domain::suppression::{Gate, Standing};
/// let read_at = "2026-11-22T02:30:00Z".parse().unwrap();
/// let gate = Gate::open("3zlist".parse().unwrap(), read_at, Duration::from_secs(3600));
/// let address = EmailAddress::parse("ann@example.com").unwrap();
/// let cleared = gate.clear(&address, vec![], &Standing::default(), read_at).unwrap();
/// assert_eq!(cleared.address(), &address);
/// ```
#[derive(Debug)]
pub struct Cleared {
    list: ListKey,
    address: EmailAddress,
    fields: Vec<(String, String)>,
}

impl Cleared {
    /// The list it may go on.
    #[must_use]
    pub fn list(&self) -> &ListKey {
        &self.list
    }

    /// The address it may be added under.
    #[must_use]
    pub fn address(&self) -> &EmailAddress {
        &self.address
    }

    /// The other fields, by Campaigns label; without the address.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

/// Why an address may not be put on a list by rosterd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Suppression {
    /// The person unsubscribed, or was put on do-not-mail.
    DoNotMail,
    /// rosterd unsubscribed it because it had opted out in the CRM, and that is not to be undone.
    TakenOffOptedOut,
    /// Hard-bounced.
    Bounced,
    /// The person was erased, and is to stay so.
    Erased,
}

/// What the ledger knows against an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Some record of the account with this address has opted out in the CRM.
    pub opted_out: bool,
    /// Campaigns holds the address back.
    pub suppressed: Option<Suppression>,
}

impl Standing {
    /// Whether the gate lets nobody of this standing through, however fresh its snapshot is.
    #[must_use]
    pub fn is_barred(&self) -> bool {
        self.opted_out || self.suppressed.is_some()
    }
}

/// Why the gate did not let a contact through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No snapshot, or one that is too old: nobody passes until it is read again.
    NotCleared,
    /// The address has opted out in the CRM.
    OptedOut,
    /// Campaigns holds the address back.
    Suppressed(Suppression),
}

/// The gate of one list for one run.
#[derive(Debug, Clone)]
pub struct Gate {
    list: ListKey,
    read_at: Option<Timestamp>,
    max_age: Duration,
}

impl Gate {
    /// A gate whose suppressions were read in full, the read having begun at `read_at`.
    #[must_use]
    pub fn open(list: ListKey, read_at: Timestamp, max_age: Duration) -> Self {
        Self {
            list,
            read_at: Some(read_at),
            max_age,
        }
    }

    /// A gate whose suppressions could not be read: it lets nobody through.
    #[must_use]
    pub fn closed(list: ListKey) -> Self {
        Self {
            list,
            read_at: None,
            max_age: Duration::ZERO,
        }
    }

    /// Whether the snapshot may still be relied on at `now`; one from the future may not.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.read_at.is_some() && !self.is_older_than(self.max_age, now)
    }

    /// Whether a read was complete but has grown too old by `now`.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.read_at.is_some() && !self.is_open(now)
    }

    /// Whether the snapshot was complete and more than this ago at `now`.
    #[must_use]
    pub fn is_older_than(&self, age: Duration, now: Timestamp) -> bool {
        self.read_at.is_some_and(|read_at| {
            let elapsed = now.duration_since(read_at);
            elapsed < SignedDuration::ZERO || elapsed.unsigned_abs() > age
        })
    }

    /// Lets a contact through, or says why not.
    ///
    /// # Errors
    /// [`Refusal`]: the snapshot is missing or stale, or something is known against the address.
    pub fn clear(
        &self,
        address: &EmailAddress,
        fields: Vec<(String, String)>,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<Cleared, Refusal> {
        if standing.opted_out {
            return Err(Refusal::OptedOut);
        }
        if let Some(suppression) = standing.suppressed {
            return Err(Refusal::Suppressed(suppression));
        }
        if !self.is_open(now) {
            return Err(Refusal::NotCleared);
        }
        Ok(Cleared {
            list: self.list.clone(),
            address: address.clone(),
            fields,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ask(gate: &Gate, standing: Standing, now: Timestamp) -> Result<Cleared, Refusal> {
        let address = EmailAddress::parse("ann@example.com").unwrap();
        gate.clear(&address, vec![], &standing, now)
    }

    #[test]
    fn only_a_fresh_and_complete_snapshot_lets_anyone_through() {
        let list: ListKey = "3zlist".parse().unwrap();
        let gate = Gate::open(list.clone(), at(10_000), HOUR);
        for (now, passes) in [
            (10_000, true),
            (13_600, true),
            (13_601, false),
            (9_999, false),
            (0, false),
        ] {
            assert_eq!(
                ask(&gate, Standing::default(), at(now)).is_ok(),
                passes,
                "{now}"
            );
        }
        let closed = Gate::closed(list);
        assert_eq!(
            ask(&closed, Standing::default(), at(0)).unwrap_err(),
            Refusal::NotCleared
        );
    }

    /// Whether a type has a trait, decided where the type is known: an inherent constant goes before a trait's.
    macro_rules! has {
        ($type:ty: $($bound:tt)+) => {{
            #[allow(dead_code, reason = "one of the two is meant to go unused")]
            trait Absent {
                const HAS: bool = false;
            }
            struct Probe<T>(std::marker::PhantomData<T>);
            impl<T> Absent for Probe<T> {}
            #[allow(dead_code, reason = "one of the two is meant to go unused")]
            impl<T: $($bound)+> Probe<T> {
                const HAS: bool = true;
            }
            Probe::<$type>::HAS
        }};
    }

    #[test]
    fn no_trait_makes_a_cleared_contact() {
        // The probe finds what is there.
        assert!(has!(String: Clone) && has!(String: Default) && has!(String: From<char>));
        assert!(has!(String: serde::de::DeserializeOwned) && has!(String: std::str::FromStr));
        assert!(!has!(Cleared: Clone));
        assert!(!has!(Cleared: Default));
        assert!(!has!(Cleared: serde::de::DeserializeOwned));
        assert!(!has!(Cleared: std::str::FromStr));
        assert!(!has!(Cleared: From<EmailAddress>));
        assert!(!has!(Cleared: From<(ListKey, EmailAddress)>));
        assert!(!has!(Cleared: From<Gate>));
    }

    #[test]
    fn whoever_is_suppressed_or_opted_out_never_passes() {
        let gate = Gate::open("3zlist".parse().unwrap(), at(0), HOUR);
        for suppression in [
            Suppression::DoNotMail,
            Suppression::TakenOffOptedOut,
            Suppression::Bounced,
            Suppression::Erased,
        ] {
            let standing = Standing {
                opted_out: false,
                suppressed: Some(suppression),
            };
            assert_eq!(
                ask(&gate, standing, at(1)).unwrap_err(),
                Refusal::Suppressed(suppression)
            );
        }
        let standing = Standing {
            opted_out: true,
            suppressed: None,
        };
        assert_eq!(ask(&gate, standing, at(1)).unwrap_err(), Refusal::OptedOut);
    }
}
