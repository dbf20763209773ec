//! The syncs of a walk: two on one list, and one of addresses only on another.

use crate::rig::{HOSPITALITY, NEWSLETTER};

/// The lists, by their numbers in a walk.
pub(super) const LISTS: [&str; 2] = [NEWSLETTER, HOSPITALITY];

/// A sync and its definition as it stands.
#[derive(Debug, Clone)]
pub(super) struct Sync {
    pub(super) id: &'static str,
    pub(super) module: &'static str,
    pub(super) list: usize,
    /// Records with this last name are not selected.
    pub(super) hidden: &'static str,
    pub(super) deleted: &'static str,
    pub(super) left: &'static str,
    pub(super) opted_out: &'static str,
    pub(super) opted_in_again: &'static str,
    /// Only leads can be converted.
    pub(super) excludes_converted: bool,
}

/// The syncs as every walk begins.
pub(super) fn all() -> Vec<Sync> {
    let sync = |id, module, list| Sync {
        id,
        module,
        list,
        hidden: "Left",
        deleted: "unsubscribe",
        left: "unsubscribe",
        opted_out: "unsubscribe",
        opted_in_again: "add",
        excludes_converted: module == "Leads",
    };
    vec![
        sync("news", "Contacts", 0),
        sync("leads", "Leads", 0),
        sync("guests", "Contacts", 1),
    ]
}

const WAYS: [&str; 3] = ["keep", "unsubscribe", "remove"];

impl Sync {
    /// Gives one of the six rules another value.
    pub(super) fn edit(&mut self, rule: usize, value: usize) {
        match rule {
            0 => self.hidden = ["Left", "Gone"][value % 2],
            1 => self.deleted = WAYS[value % 3],
            2 => self.left = WAYS[value % 3],
            3 => self.opted_out = WAYS[1 + value % 2],
            4 => self.opted_in_again = ["add", "ignore"][value % 2],
            _ => self.excludes_converted = self.module == "Leads" && value.is_multiple_of(2),
        }
    }

    /// Whether it maps nothing but the address, and so adds with the bulk call.
    pub(super) fn is_bulk(&self) -> bool {
        self.list == 1
    }

    /// The definition file.
    pub(super) fn text(&self) -> String {
        let map = match self.is_bulk() {
            true => "[map]\n\"First Name\" = \"\"\n\"Last Name\" = \"\"\n",
            false => "",
        };
        let converted = match self.excludes_converted {
            true => "exclude_converted = true\n",
            false => "",
        };
        format!(
            "name = \"{}\"\nmodule = \"{}\"\nlist = \"{}\"\nschedule = {{ every = \"hour\" }}\n\
             [[select.criteria]]\nfield = \"Last_Name\"\noperator = \"is_not\"\nvalue = \"{}\"\n{map}\
             [advanced]\ndeleted = \"{}\"\nleft = \"{}\"\nopted_out = \"{}\"\nopted_in_again = \"{}\"\n{converted}",
            self.id,
            self.module,
            LISTS[self.list],
            self.hidden,
            self.deleted,
            self.left,
            self.opted_out,
            self.opted_in_again,
        )
    }
}
