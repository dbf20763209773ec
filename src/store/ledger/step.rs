//! One step of a run: everything it puts into the ledger is there together, or not at all.

use std::cell::Cell;
use std::marker::PhantomData;

use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use super::keys;
use super::rows::{
    AddedRow, AddressKey, ApprovedRow, AuditRow, CandidateRow, ClaimRow, DealContactRow, DealRow,
    ErasedRow, ExpectedRow, HeldRow, IgnoredRow, IntentRow, KeptRow, LedgerRow, MemberRow,
    NumberRow, OptOutRow, PacingRow, RecordRow, ReplyRow, ResolvedRow, RevisitRow, RunRow,
    StagedRow, TriedRow, UntoldRow,
};
use crate::store::StoreError;
use crate::store::format::FormatError;
use crate::store::format::{Stored, decode, encode};

type Bytes = &'static [u8];

/// One table of the ledger within a step, typed by its rows.
pub(crate) struct Rows<'t, T> {
    name: &'static str,
    table: Table<'t, Bytes, Bytes>,
    wrote: &'t Cell<bool>,
    rows: PhantomData<T>,
}

impl<'t, T: Stored> Rows<'t, T> {
    fn open(
        txn: &'t WriteTransaction,
        wrote: &'t Cell<bool>,
        name: &'static str,
    ) -> Result<Self, StoreError> {
        let definition: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new(name);
        let table = txn.open_table(definition).map_err(StoreError::ledger)?;
        Ok(Self {
            name,
            table,
            wrote,
            rows: PhantomData,
        })
    }

    /// The row of this key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        match self.table.get(key).map_err(StoreError::ledger)? {
            Some(bytes) => self.decode(key, bytes.value()).map(Some),
            None => Ok(None),
        }
    }

    /// Puts a row, over the one that was there.
    pub(crate) fn put(&mut self, key: &[u8], row: &T) -> Result<(), StoreError> {
        let bytes = encode(row).map_err(|source| StoreError::value(self.name, key, source))?;
        self.wrote.set(true);
        self.table
            .insert(key, bytes.as_slice())
            .map_err(StoreError::ledger)?;
        Ok(())
    }

    /// Removes a row, if it is there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let removed = self.table.remove(key).map_err(StoreError::ledger)?;
        if removed.is_some() {
            self.wrote.set(true);
        }
        Ok(())
    }

    /// Up to `most` rows whose keys begin with `prefix`, in the order of their keys, after `after` if that is given.
    pub(crate) fn under(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, StoreError> {
        let mut rows = Vec::new();
        let start = after.unwrap_or(prefix);
        for entry in self.table.range(start..).map_err(StoreError::ledger)? {
            let (key, bytes) = entry.map_err(StoreError::ledger)?;
            let key = key.value();
            if rows.len() == most || !key.starts_with(prefix) {
                break;
            }
            if after != Some(key) {
                rows.push((key.to_vec(), self.decode(key, bytes.value())?));
            }
        }
        Ok(rows)
    }

    /// Whether any key begins with `prefix`.
    pub(crate) fn any(&self, prefix: &[u8]) -> Result<bool, StoreError> {
        match self
            .table
            .range(prefix..)
            .map_err(StoreError::ledger)?
            .next()
        {
            Some(entry) => Ok(entry
                .map_err(StoreError::ledger)?
                .0
                .value()
                .starts_with(prefix)),
            None => Ok(false),
        }
    }

    pub(super) fn table(&self) -> &Table<'t, Bytes, Bytes> {
        &self.table
    }

    pub(super) fn decode(&self, key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
        decode(bytes).map_err(|source| StoreError::value(self.name, key, source))
    }
}

/// The tables of the ledger, open for one step.
pub(crate) struct Step<'t> {
    /// Facts about the ledger itself, under the empty key.
    pub(crate) ledger: Rows<'t, LedgerRow>,
    /// Numbers of names.
    pub(crate) names: Rows<'t, NumberRow>,
    /// Runs that the journal may not have yet, by run.
    pub(crate) runs: Rows<'t, RunRow>,
    /// Records as last read, by sync and record.
    pub(crate) records: Rows<'t, RecordRow>,
    /// Records that may feed a contact, by sync, address and record.
    pub(crate) candidates: Rows<'t, CandidateRow>,
    /// Opt-outs in the CRM, by account, address, module and record.
    pub(crate) opt_outs: Rows<'t, OptOutRow>,
    /// Claims, by list, address and sync.
    pub(crate) claims: Rows<'t, ClaimRow>,
    /// Addresses on lists, by list and address.
    pub(crate) members: Rows<'t, MemberRow>,
    /// What waits for a decision, by sync, address and record.
    pub(crate) staged: Rows<'t, StagedRow>,
    /// What waits for the next run's decision, by sync, address and record 0.
    pub(crate) deferred: Rows<'t, StagedRow>,
    /// Calls decided, by sync and address.
    pub(crate) intents: Rows<'t, IntentRow>,
    /// Removals decided and not yet weighed against the safety bound, by sync and address.
    pub(crate) removals: Rows<'t, IntentRow>,
    /// Contacts added in the run under way, or in a failed one that did not audit them, by sync and address.
    pub(crate) added: Rows<'t, AddedRow>,
    /// Ignored records, by run and number.
    pub(crate) ignored: Rows<'t, IgnoredRow>,
    /// Removals that wait for a person, by sync and address.
    pub(crate) held: Rows<'t, HeldRow>,
    /// What names stand for at the services, by sync.
    pub(crate) resolved: Rows<'t, ResolvedRow>,
    /// Call budgets used, by account.
    pub(crate) pacing: Rows<'t, PacingRow>,
    /// Deals of contacts, by sync, contact and deal.
    pub(crate) deals: Rows<'t, DealRow>,
    /// Contacts of deals, by sync and deal.
    pub(crate) deal_contacts: Rows<'t, DealContactRow>,
    /// Records to be looked at again, by sync and record.
    pub(crate) revisits: Rows<'t, RevisitRow>,
    /// Rows that a read in full is expected to meet, by sync.
    pub(crate) expected: Rows<'t, ExpectedRow>,
    /// Alarms of the audit, by run.
    pub(crate) audits: Rows<'t, AuditRow>,
    /// Contacts kept though their records left, by sync, record and address.
    pub(crate) kept: Rows<'t, KeptRow>,
    /// What Campaigns last said of contacts, by list, address and sync.
    pub(crate) replies: Rows<'t, ReplyRow>,
    /// Contacts that may be on lists, by list and address.
    pub(crate) tried: Rows<'t, TriedRow>,
    /// Removals carried out of those that runs held, by run.
    pub(crate) approved: Rows<'t, ApprovedRow>,
    /// People who were erased, by address.
    pub(crate) erased: Rows<'t, ErasedRow>,
    /// Events that the journal may not have yet, by number.
    pub(crate) untold: Rows<'t, UntoldRow>,
}

impl<'t> Step<'t> {
    /// Gives the next number: to a run that begins, or to what no older ledger may be without.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn next_number(&mut self) -> Result<u32, StoreError> {
        let Some(ledger) = self.ledger.get(b"")? else {
            return Err(StoreError::value("ledger", b"", FormatError::Short));
        };
        let last_run = ledger.last_run + 1;
        self.ledger.put(b"", &LedgerRow { last_run, ..ledger })?;
        Ok(last_run)
    }

    /// Opens the tables; `wrote` is set as soon as something is put or removed.
    pub(super) fn open(
        txn: &'t WriteTransaction,
        wrote: &'t Cell<bool>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            ledger: Rows::open(txn, wrote, "ledger")?,
            names: Rows::open(txn, wrote, "names")?,
            runs: Rows::open(txn, wrote, "runs")?,
            records: Rows::open(txn, wrote, "records")?,
            candidates: Rows::open(txn, wrote, "candidates")?,
            opt_outs: Rows::open(txn, wrote, "opt_outs")?,
            claims: Rows::open(txn, wrote, "claims")?,
            members: Rows::open(txn, wrote, "members")?,
            staged: Rows::open(txn, wrote, "staged")?,
            deferred: Rows::open(txn, wrote, "deferred")?,
            intents: Rows::open(txn, wrote, "intents")?,
            removals: Rows::open(txn, wrote, "removals")?,
            added: Rows::open(txn, wrote, "added")?,
            ignored: Rows::open(txn, wrote, "ignored")?,
            held: Rows::open(txn, wrote, "held")?,
            resolved: Rows::open(txn, wrote, "resolved")?,
            pacing: Rows::open(txn, wrote, "pacing")?,
            deals: Rows::open(txn, wrote, "deals")?,
            deal_contacts: Rows::open(txn, wrote, "deal_contacts")?,
            revisits: Rows::open(txn, wrote, "revisits")?,
            expected: Rows::open(txn, wrote, "expected")?,
            audits: Rows::open(txn, wrote, "audits")?,
            kept: Rows::open(txn, wrote, "kept")?,
            replies: Rows::open(txn, wrote, "replies")?,
            tried: Rows::open(txn, wrote, "tried")?,
            approved: Rows::open(txn, wrote, "approved")?,
            erased: Rows::open(txn, wrote, "erased")?,
            untold: Rows::open(txn, wrote, "untold")?,
        })
    }

    /// Whether the person of an address was erased.
    pub(crate) fn is_erased(&self, address: &AddressKey) -> Result<bool, StoreError> {
        Ok(self.erased.get(address)?.is_some())
    }

    /// Notes that the address of an erased person was here for a while and is not any more: the file is to be written anew.
    pub(crate) fn blanked(&mut self, address: &AddressKey) -> Result<(), StoreError> {
        match self.erased.get(address)? {
            Some(row) => self.erased.put(
                address,
                &ErasedRow {
                    wiped: false,
                    ..row
                },
            ),
            None => Ok(()),
        }
    }

    /// An address as it may be kept under its key: as it is spelled, or not at all.
    pub(crate) fn spelled(&self, address: &AddressKey, text: &str) -> Result<String, StoreError> {
        Ok(match self.is_erased(address)? {
            true => String::new(),
            false => text.to_owned(),
        })
    }

    /// The number of a name, given on its first use: `kind` is one letter, `name` unique within it.
    pub(crate) fn number(&mut self, kind: char, name: &str) -> Result<u32, StoreError> {
        let key = format!("{kind}:{name}").into_bytes();
        if let Some(NumberRow(number)) = self.names.get(&key)? {
            return Ok(number);
        }
        let last = self.names.get(b"")?.map_or(0, |NumberRow(last)| last);
        let number = NumberRow(last + 1);
        self.names.put(b"", &number)?;
        self.names.put(&key, &number)?;
        Ok(number.0)
    }

    /// The names of a kind that begin with `prefix`, without it, and their numbers.
    pub(crate) fn named(&self, kind: char, prefix: &str) -> Result<Vec<(String, u32)>, StoreError> {
        let prefix = format!("{kind}:{prefix}").into_bytes();
        let rows = self.names.under(&prefix, None, usize::MAX)?;
        let name = |(key, NumberRow(number)): (Vec<u8>, NumberRow)| {
            (
                String::from_utf8_lossy(&key[prefix.len()..]).into_owned(),
                number,
            )
        };
        Ok(rows.into_iter().map(name).collect())
    }

    /// Makes a sync decide an address. A departure that is known already is kept unless a new one is given.
    pub(crate) fn touch(
        &mut self,
        sync: u32,
        address: &AddressKey,
        departed: Option<crate::domain::changes::Departed>,
    ) -> Result<(), StoreError> {
        let key = keys::under_address(sync, address, 0);
        let before = match self.staged.get(&key)? {
            Some(StagedRow::Touched(before)) => before,
            Some(StagedRow::Read { .. }) | None => None,
        };
        self.staged
            .put(&key, &StagedRow::Touched(departed.or(before)))
    }

    /// Leaves an address to the sync's next run.
    pub(crate) fn defer(
        &mut self,
        sync: u32,
        address: &AddressKey,
        departed: Option<crate::domain::changes::Departed>,
    ) -> Result<(), StoreError> {
        let key = keys::under_address(sync, address, 0);
        let before = match self.deferred.get(&key)? {
            Some(StagedRow::Touched(before)) => before,
            Some(StagedRow::Read { .. }) | None => None,
        };
        self.deferred
            .put(&key, &StagedRow::Touched(departed.or(before)))
    }

    /// Adds a row to a run's ignored records and counts it.
    pub(crate) fn ignore(&mut self, run: &mut RunRow, row: &IgnoredRow) -> Result<(), StoreError> {
        self.ignored
            .put(&keys::run_row(run.run, run.ignored_rows), row)?;
        run.ignored_rows += 1;
        Ok(())
    }

    /// Puts the run's own row: its counts, phase and cost become true with the rest of the step.
    pub(crate) fn save_run(&mut self, run: &RunRow) -> Result<(), StoreError> {
        self.runs.put(&keys::run(run.run), run)
    }
}
