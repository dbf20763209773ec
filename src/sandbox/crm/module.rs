//! A module and its records, ordered by id and by both of its times, so that a page costs what it shows and not what there is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use jiff::Timestamp;

use super::cell::Cell;
use super::field::Field;
use super::judge::{Check, Order, Test};
use super::schema::{self, CREATED, ID, MODIFIED};
use super::view::View;

/// A record: one cell per field of its module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub(super) Vec<Cell>);

impl Row {
    /// Its id.
    pub(crate) fn id(&self) -> u64 {
        match self.0.get(ID) {
            Some(Cell::Ref(id)) => *id,
            Some(_) | None => 0,
        }
    }

    /// What it holds at `position`.
    pub(super) fn cell(&self, position: usize) -> &Cell {
        self.0.get(position).unwrap_or(&Cell::Null)
    }

    /// What it holds in the field of that API name of its `module`; nothing where there is none.
    pub(super) fn cell_of(&self, module: &Module, api_name: &str) -> &Cell {
        module
            .position(api_name)
            .map_or(&Cell::Null, |position| self.cell(position))
    }

    /// `Created_Time` or `Modified_Time`.
    pub(super) fn time(&self, position: usize) -> Timestamp {
        match self.cell(position) {
            Cell::At(at) => *at,
            _ => Timestamp::UNIX_EPOCH,
        }
    }
}

/// A record that was deleted.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    pub(super) deleted_at: Timestamp,
    /// What is left of it while it lies in the recycle bin.
    pub(super) row: Option<Row>,
}

/// A module.
#[derive(Debug)]
pub(crate) struct Module {
    pub(super) id: u64,
    pub(super) api_name: String,
    /// The service's internal name, e.g. `CustomModule1`, `Potentials`.
    pub(super) internal_name: String,
    pub(super) singular: String,
    pub(super) plural: String,
    /// Whether the token's user may see it.
    pub(super) visible: bool,
    pub(super) api_supported: bool,
    pub(super) fields: Vec<Field>,
    pub(super) views: Vec<View>,
    /// How many views it ever had, by which they are numbered.
    views_made: u64,
    pub(super) rows: BTreeMap<u64, Row>,
    pub(super) gone: BTreeMap<u64, Gone>,
    positions: HashMap<String, usize>,
    created: BTreeSet<(Timestamp, u64)>,
    modified: BTreeSet<(Timestamp, u64)>,
}

/// What records are walked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Id,
    Created,
    Modified,
}

/// Which way records are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// Records between two places of an order; the time stays out of it where the order is by id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(super) low: Bound<(Timestamp, u64)>,
    pub(super) high: Bound<(Timestamp, u64)>,
}

impl Span {
    /// From the first to the last.
    pub(super) const ALL: Self = Self {
        low: Bound::Unbounded,
        high: Bound::Unbounded,
    };

    fn is_empty(&self) -> bool {
        match (self.low, self.high) {
            (Bound::Included(low), Bound::Included(high)) => low > high,
            (
                Bound::Included(low) | Bound::Excluded(low),
                Bound::Included(high) | Bound::Excluded(high),
            ) => low >= high,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        }
    }
}

/// Records on the way.
pub(super) type Walk<'a> = Box<dyn Iterator<Item = &'a Row> + 'a>;

impl Module {
    /// A module without records, its `fields` behind those every module has.
    pub(super) fn new(
        api_name: &str,
        internal_name: &str,
        singular: &str,
        own: Vec<Field>,
        views: Vec<View>,
    ) -> Self {
        let fields: Vec<Field> = schema::leading().into_iter().chain(own).collect();
        let names = fields.iter().map(|field| field.api_name.clone());
        let mut module = Self {
            id: schema::module_id(api_name),
            api_name: api_name.to_owned(),
            internal_name: internal_name.to_owned(),
            singular: singular.to_owned(),
            plural: format!("{singular}s"),
            visible: true,
            api_supported: true,
            positions: names.zip(0..).collect(),
            fields,
            views: Vec::new(),
            views_made: 0,
            rows: BTreeMap::new(),
            gone: BTreeMap::new(),
            created: BTreeSet::new(),
            modified: BTreeSet::new(),
        };
        views.into_iter().for_each(|view| module.add_view(view));
        module
    }

    /// The view with `id`.
    pub(super) fn view(&self, id: u64) -> Option<&View> {
        self.views.iter().find(|view| view.id == id)
    }

    /// Adds a view, under an id that no other one ever had.
    pub(super) fn add_view(&mut self, view: View) {
        let id = self.id + 5000 + self.views_made;
        self.views_made += 1;
        self.views.push(View { id, ..view });
    }

    /// Whether it was made by the organisation.
    pub(super) fn is_custom(&self) -> bool {
        self.internal_name.starts_with("CustomModule")
    }

    /// Its segment in scopes: all custom modules share one.
    pub(super) fn scope(&self) -> String {
        let segment = if self.is_custom() {
            "custom".to_owned()
        } else {
            self.api_name.to_lowercase()
        };
        format!("ZohoCRM.modules.{segment}.READ")
    }

    /// Where the field of that API name stands, if people may see it.
    pub(super) fn visible_position(&self, api_name: &str) -> Option<usize> {
        let position = self.position(api_name)?;
        self.fields[position].visible.then_some(position)
    }

    /// Where the field of that API name stands.
    pub(super) fn position(&self, api_name: &str) -> Option<usize> {
        self.positions.get(api_name).copied()
    }

    /// The test that leaves converted leads out; `None` for a module whose records are not converted.
    pub(super) fn unconverted(&self) -> Option<Test> {
        let position = self.position("Converted__s")?;
        let check = Check::Order(Order::Equal, Cell::Bool(false));
        Some(Test::own(position, check))
    }

    /// Where the name by which lookups show a record stands.
    pub(super) fn name_position(&self) -> usize {
        ["Full_Name", "Account_Name", "Deal_Name", "Name"]
            .iter()
            .filter(|name| self.api_name != "Deals" || **name != "Account_Name")
            .find_map(|name| self.position(name))
            .unwrap_or(ID)
    }

    /// Names a field anew; the old API name is gone.
    pub(super) fn rename_field(&mut self, position: usize, api_name: &str) {
        self.positions.remove(&self.fields[position].api_name);
        self.positions.insert(api_name.to_owned(), position);
        api_name.clone_into(&mut self.fields[position].api_name);
    }

    /// Puts a record in place of what had its id.
    pub(super) fn put(&mut self, row: Row) {
        let id = row.id();
        self.take(id);
        self.created.insert((row.time(CREATED), id));
        self.modified.insert((row.time(MODIFIED), id));
        self.rows.insert(id, row);
    }

    /// Takes a record out.
    pub(super) fn take(&mut self, id: u64) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        self.created.remove(&(row.time(CREATED), id));
        self.modified.remove(&(row.time(MODIFIED), id));
        Some(row)
    }

    /// Forgets all records, deleted ones included.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.gone.clear();
        self.created.clear();
        self.modified.clear();
    }

    /// The records of `span` in the order of `key`; those of one time by id.
    pub(super) fn walk(&self, key: Key, way: Way, span: Span) -> Walk<'_> {
        if span.is_empty() {
            return Box::new(std::iter::empty());
        }
        let index = match key {
            Key::Id => {
                let range = (span.low.map(|(_, id)| id), span.high.map(|(_, id)| id));
                let rows = self.rows.range(range).map(|(_, row)| row);
                return match way {
                    Way::Up => Box::new(rows),
                    Way::Down => Box::new(rows.rev()),
                };
            }
            Key::Created => &self.created,
            Key::Modified => &self.modified,
        };
        let range = index.range((span.low, span.high));
        let row = |(_, id): &(Timestamp, u64)| self.rows.get(id);
        match way {
            Way::Up => Box::new(range.filter_map(row)),
            Way::Down => Box::new(range.rev().filter_map(row)),
        }
    }

    /// The place of `row` in the order of `key`.
    pub(super) fn place(row: &Row, key: Key) -> (Timestamp, u64) {
        let at = match key {
            Key::Id => Timestamp::UNIX_EPOCH,
            Key::Created => row.time(CREATED),
            Key::Modified => row.time(MODIFIED),
        };
        (at, row.id())
    }
}
