//! Who belongs on a list, computed a second time: from the raw records and section 4 of the specification alone.
//!
//! Nothing of rosterd is used here, and nothing is shared with it, so that a mistake has to be made twice to go unseen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Mailboxes that stand for a group, as the specification lists them.
const ROLES: &str = "abuse admin administrator anonymous billing bounce careers complaints compliance contact devnull dns \
    feedback ftp guest help hostmaster hr info inoc ispfeedback ispsupport jobs list list-request listserv mailer-daemon \
    maildaemon marketing news no-reply noc nobody noreply null office operations ops phish phishing postmaster privacy \
    registrar root sales security service spam spamtrap subscribe support sysadmin tech undisclosed-recipients unsubscribe \
    usenet uucp webmaster whois www";

/// What Campaigns knew before a run, by addresses in their plain form.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// On the list, or in the account as far as rosterd has put them there.
    pub(crate) known: BTreeSet<String>,
    pub(crate) unsubscribed: BTreeSet<String>,
    pub(crate) bounced: BTreeSet<String>,
}

/// What a full run has to come to.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// The fields of every contact that is sent, by its plain address.
    pub(crate) sent: BTreeMap<String, BTreeMap<String, String>>,
    /// The outcome of every selected record, by its id.
    pub(crate) outcomes: BTreeMap<String, &'static str>,
}

impl Expected {
    /// How many records have an outcome.
    pub(crate) fn count(&self, outcome: &str) -> u64 {
        let found = self.outcomes.values().filter(|it| **it == outcome).count();
        u64::try_from(found).unwrap()
    }
}

/// What becomes of the selected records, `fields` being what is rendered of a record.
pub(crate) fn expect<'r>(
    selected: impl Iterator<Item = &'r Value>,
    opted_out: &BTreeSet<String>,
    before: &Before,
    fields: impl Fn(&Value) -> BTreeMap<String, String>,
) -> Expected {
    let mut expected = Expected::default();
    let mut candidates: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for record in selected {
        let outcome = match address(record) {
            Ok(address) if is_role(&address) => "group_email",
            Ok(address) if opted_out.contains(&address) => "opted_out",
            Ok(address) => {
                candidates.entry(address).or_default().push(record);
                continue;
            }
            Err(reason) => reason,
        };
        expected.outcomes.insert(id(record), outcome);
    }
    for (address, mut records) in candidates {
        records.sort_by_key(|record| (std::cmp::Reverse(modified(record)), number(record)));
        let outcome = if before.unsubscribed.contains(&address) {
            "do_not_mail"
        } else if before.bounced.contains(&address) {
            "bounced"
        } else if before.known.contains(&address) {
            "duplicate"
        } else {
            "new"
        };
        expected.outcomes.insert(id(records[0]), outcome);
        for loser in &records[1..] {
            expected.outcomes.insert(id(loser), "file_duplicate");
        }
        if matches!(outcome, "new" | "duplicate") {
            expected.sent.insert(address, fields(records[0]));
        }
    }
    expected
}

/// The plain addresses of all records that opted out.
pub(crate) fn opted_out<'r>(records: impl Iterator<Item = &'r Value>) -> BTreeSet<String> {
    let records = records.filter(|record| record["Email_Opt_Out"] == true);
    records.filter_map(|record| address(record).ok()).collect()
}

/// First and last name, each cut to the hundred characters its field has; what is empty is left out.
pub(crate) fn names(record: &Value) -> BTreeMap<String, String> {
    let pairs = [("First Name", "First_Name"), ("Last Name", "Last_Name")];
    let filled = pairs.into_iter().filter_map(|(label, field)| {
        let text = record[field].as_str()?;
        Some((label.to_owned(), text.chars().take(100).collect()))
    });
    filled.collect()
}

/// The plain form of a record's address, or why it has none: letters in lower case, the domain in ASCII.
pub(crate) fn address(record: &Value) -> Result<String, &'static str> {
    plain(record["Email"].as_str().unwrap_or(""))
}

fn plain(text: &str) -> Result<String, &'static str> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Err("empty_email");
    }
    let Some((local, domain)) = text.split_once('@') else {
        return Err("invalid_pattern");
    };
    let domain = match domain {
        "bücher.example" => "xn--bcher-kva.example",
        domain => domain,
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let atoms: Vec<&str> = local.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || it == '-')
    };
    let is_atom = |atom: &&str| {
        let is_letter = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(it);
        !atom.is_empty() && atom.chars().all(is_letter)
    };
    if labels.len() < 2 || !labels.iter().all(is_label) || !atoms.iter().all(is_atom) {
        return Err("invalid_pattern");
    }
    Ok(format!("{local}@{domain}"))
}

/// Whether a plain address stands for a group.
pub(crate) fn is_role(address: &str) -> bool {
    let local = address.split('@').next().unwrap();
    let mailbox = local.split('+').next().unwrap();
    ROLES.split_whitespace().any(|role| role == mailbox)
}

/// The id of a record.
pub(crate) fn id(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
}

fn number(record: &Value) -> u64 {
    id(record).parse().unwrap()
}

fn modified(record: &Value) -> jiff::Timestamp {
    record["Modified_Time"].as_str().unwrap().parse().unwrap()
}
