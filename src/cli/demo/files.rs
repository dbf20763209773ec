//! The files of the demo: `rosterd.toml` and three definitions, written and read as those of any installation.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};

/// A definition, and the list it fills.
pub(super) struct Definition {
    /// Its id, and its file's stem.
    pub(super) id: &'static str,
    /// The list's name; the sandbox has it, empty.
    pub(super) list: &'static str,
    /// The file.
    pub(super) text: &'static str,
}

/// Everybody in Contacts.
pub(super) const NEWSLETTER: Definition = Definition {
    id: "newsletter",
    list: "Newsletter",
    text: r#"name   = "Newsletter, all contacts"
module = "Contacts"
list   = { name = "Newsletter" }

[select]
all = true

[map]
"City" = "Mailing_City"

[schedule]
every = "hour"

[advanced]
deleted = "unsubscribe"
"#,
};

/// Leads of hospitality businesses of some size.
pub(super) const HOSPITALITY: Definition = Definition {
    id: "hospitality",
    list: "Hospitality",
    text: r#"name   = "Hospitality, converted"
module = "Leads"
list   = { name = "Hospitality" }

[select]
pattern  = "((1 and 2) and (3 or 4))"
criteria = [
  { field = "Industry",        operator = "is", value = "Hospitality" },
  { field = "Lead_Status",     operator = "is", value = "Converted" },
  { field = "Annual_Revenue",  operator = ">",  value = 5000000 },
  { field = "No_of_Employees", operator = ">",  value = 2000 },
]

[map]
"Company Name" = "Company"

[schedule]
every = "day"
at    = "02:30"
"#,
};

/// A custom module.
pub(super) const EVENT_GUESTS: Definition = Definition {
    id: "event-guests",
    list: "Event guests",
    text: r#"name   = "Guests of our events"
module = "Event_Guests"
list   = { name = "Event guests" }

[select]
all = true

[map]
"Company Name" = "Company"

[schedule]
every = "week"
on    = "monday"
at    = "07:00"
"#,
};

/// All of them, in the order in which they run.
pub(super) const DEFINITIONS: [Definition; 3] = [NEWSLETTER, HOSPITALITY, EVENT_GUESTS];

/// Where a definition stands, from the folder.
pub(super) fn place(definition: &Definition) -> String {
    format!("syncs.d/{}.toml", definition.id)
}

/// Writes all files for the sandbox at `url`; returns the path of `rosterd.toml`.
pub(super) fn write(folder: &Path, url: &str) -> io::Result<PathBuf> {
    fs::create_dir(folder.join("syncs.d"))?;
    for definition in &DEFINITIONS {
        fs::write(folder.join(place(definition)), definition.text)?;
    }
    let path = folder.join("rosterd.toml");
    // Readable by its owner alone, for its secrets.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(settings(url).as_bytes())?;
    Ok(path)
}

/// The stand-in for Campaigns is not worth sparing, so calls are not paced.
fn settings(url: &str) -> String {
    format!(
        r#"state_dir   = "state"
history_dir = "history"

[accounts.main]
client_id     = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
refresh_token = "{REFRESH_TOKEN}"
accounts_url  = "{url}"
crm_url       = "{url}"
campaigns_url = "{url}"
pace          = "off"
"#
    )
}
