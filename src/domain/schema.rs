//! What a path in a definition stands for: a field of the record, of a record it looks up, or of one of its deals.
//!
//! A path is resolved to a [`Column`], whose own path is the one that the service knows, so that two spellings of one
//! field (`Accounts.Industry`, `Account_Name.Industry`) are read once and compared as one. Which modules' fields have
//! to be known for that is found step by step, since only a lookup's metadata says where it leads.

use std::collections::BTreeMap;

use super::ids::{FieldPath, ModuleName};
use super::nearest::{did_you_mean, nearest_field};
use super::value::Field;

/// The module of the records that are a contact's business, and its older name.
const DEALS: [&str; 2] = ["Deals", "Potentials"];
/// The only module whose records have deals that criteria look at.
const CONTACTS: &str = "Contacts";
/// The module of companies, by which the record's account is named.
const ACCOUNTS: &str = "Accounts";
/// A contact's lookup of its account.
const ACCOUNT_NAME: &str = "Account_Name";
/// A deal's lookup of its contact.
pub const DEAL_CONTACT: &str = "Contact_Name";
/// The field that says who has opted out, in every organisation.
pub const OPT_OUT_FIELD: &str = "Email_Opt_Out";
/// The standard e-mail field.
pub const EMAIL_FIELD: &str = "Email";
/// What tells a converted lead, best first.
pub const CONVERTED_FIELDS: [&str; 2] = ["Converted__s", "Converted_Date_Time"];
/// Modules whose opt-outs count in every sync.
pub const CONSENT_MODULES: [&str; 2] = ["Leads", "Contacts"];

/// The fields of a module, and those of the modules that its paths lead to.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    module: ModuleName,
    modules: BTreeMap<ModuleName, Vec<Field>>,
}

/// A field that a path leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The path by which records carry it. That of a deal's field begins with `Deals.`.
    pub path: FieldPath,
    /// The field, under that path as its API name; of a field of a related record, the label says whose it is.
    pub field: Field,
}

impl Column {
    /// Whether it is a field of the record's deals.
    #[must_use]
    pub fn is_of_deals(&self) -> bool {
        is_of_deals(&self.path)
    }
}

/// Whether a path is one of the record's deals, as [`Column::path`] spells it.
#[must_use]
pub fn is_of_deals(path: &FieldPath) -> bool {
    within_deals(path).is_some()
}

/// The path within the deal of a path that is one of the record's deals.
#[must_use]
pub fn within_deals(path: &FieldPath) -> Option<FieldPath> {
    path.as_str().strip_prefix("Deals.")?.parse().ok()
}

/// The path of a deal's field as the deal's contact carries it; `None` where it would lead too far.
#[must_use]
pub fn of_deal(path: &FieldPath) -> Option<FieldPath> {
    format!("Deals.{path}").parse().ok()
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// The fields of this module have to be known first; see [`Schema::add`].
    Unknown(ModuleName),
    /// There is no such field.
    Missing {
        /// What is wrong.
        message: String,
        /// What to do about it, such as the nearest existing name.
        help: Option<String>,
    },
}

/// What is said, and advised, of a module on the way whose fields stay unknown.
#[must_use]
pub fn unreadable(module: &ModuleName) -> (String, String) {
    let message = format!("the CRM does not show module {module}, to which this leads");
    let help = "give the token's user the right to see it in the CRM".to_owned();
    (message, help)
}

impl Schema {
    /// The fields of `module`.
    #[must_use]
    pub fn new(module: ModuleName, fields: Vec<Field>) -> Self {
        Self {
            modules: BTreeMap::from([(module.clone(), fields)]),
            module,
        }
    }

    /// Makes the fields of another module known.
    pub fn add(&mut self, module: ModuleName, fields: Vec<Field>) {
        self.modules.insert(module, fields);
    }

    /// The module whose records are read.
    #[must_use]
    pub fn module(&self) -> &ModuleName {
        &self.module
    }

    /// The module's own fields.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        self.fields_of(&self.module)
    }

    fn fields_of(&self, module: &ModuleName) -> &[Field] {
        self.modules.get(module).map_or(&[], Vec::as_slice)
    }

    /// The field that a path leads to.
    ///
    /// # Errors
    /// [`Unresolved`].
    pub fn resolve(&self, path: &FieldPath) -> Result<Column, Unresolved> {
        let names: Vec<&str> = path.as_str().split('.').collect();
        let deals: ModuleName = module(DEALS[0])?;
        match names.as_slice() {
            [first, rest @ ..]
                if !rest.is_empty()
                    && DEALS.contains(first)
                    && self.module.as_str() == CONTACTS
                    && find(self.fields(), first).is_none() =>
            {
                let column = self.follow(&deals, rest)?;
                labelled(&column, &format!("{}.{}", DEALS[0], column.path), "deal")
            }
            names => self.follow(&self.module, names),
        }
    }

    /// Follows the lookups that all names but the last are, from `module` on.
    fn follow(&self, module: &ModuleName, names: &[&str]) -> Result<Column, Unresolved> {
        let fields = self
            .modules
            .get(module)
            .ok_or_else(|| Unresolved::Unknown(module.clone()))?;
        match names {
            [] => Err(missing("a field is missing".to_owned(), None)),
            [name] => {
                let field = find(fields, name).ok_or_else(|| {
                    let message = format!("unknown field `{name}` of module {module}");
                    missing(message, did_you_mean(nearest_field(name, fields)))
                })?;
                Ok(Column {
                    path: path(&field.api_name)?,
                    field: field.clone(),
                })
            }
            [step, rest @ ..] => {
                let lookup = lookup(module, fields, step)?;
                let target = lookup.lookup.as_ref().ok_or_else(|| {
                    let name = &lookup.api_name;
                    let message = format!(
                        "`{name}` of module {module} is a {} field, which leads to no other record",
                        lookup.field_type.name()
                    );
                    missing(message, lookups(fields))
                })?;
                let column = self.follow(target, rest)?;
                let path = format!("{}.{}", lookup.api_name, column.path);
                labelled(&column, &path, &lookup.label)
            }
        }
    }
}

/// The field that a step of a path names: a lookup by its API name, or the record's account.
fn lookup<'f>(
    module: &ModuleName,
    fields: &'f [Field],
    step: &str,
) -> Result<&'f Field, Unresolved> {
    if let Some(field) = find(fields, step) {
        return Ok(field);
    }
    if step != ACCOUNTS {
        let known = fields.iter().filter(|field| field.lookup.is_some());
        let message = format!("module {module} has no lookup `{step}`");
        let help = did_you_mean(nearest_field(step, known)).or_else(|| lookups(fields));
        return Err(missing(message, help));
    }
    if let (CONTACTS, Some(field)) = (module.as_str(), find(fields, ACCOUNT_NAME)) {
        return Ok(field);
    }
    let to_accounts = |field: &&Field| {
        let target = field.lookup.as_ref();
        target.is_some_and(|target| target.as_str() == ACCOUNTS)
    };
    let found: Vec<&Field> = fields.iter().filter(to_accounts).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => {
            let message = format!("module {module} has no lookup to {ACCOUNTS}");
            Err(missing(message, lookups(fields)))
        }
        several => {
            let names = listed(several.iter().copied());
            let message = format!("module {module} has several lookups to {ACCOUNTS}: {names}");
            let help = format!("name one of them, such as `{}.…`", several[0].api_name);
            Err(missing(message, Some(help)))
        }
    }
}

fn labelled(column: &Column, as_path: &str, of: &str) -> Result<Column, Unresolved> {
    let field = Field {
        api_name: as_path.to_owned(),
        label: format!("{} of the {of}", column.field.label),
        ..column.field.clone()
    };
    Ok(Column {
        path: path(as_path)?,
        field,
    })
}

fn lookups(fields: &[Field]) -> Option<String> {
    let names = listed(fields.iter().filter(|field| field.lookup.is_some()));
    (!names.is_empty()).then(|| format!("its lookups are {names}"))
}

fn listed<'f>(fields: impl Iterator<Item = &'f Field>) -> String {
    let names: Vec<String> = fields
        .map(|field| format!("`{}`", field.api_name))
        .collect();
    names.join(", ")
}

fn find<'f>(fields: &'f [Field], name: &str) -> Option<&'f Field> {
    fields.iter().find(|field| field.api_name == name)
}

fn path(text: &str) -> Result<FieldPath, Unresolved> {
    text.parse()
        .map_err(|error| missing(format!("`{text}` cannot be asked for: {error}"), None))
}

fn module(name: &str) -> Result<ModuleName, Unresolved> {
    name.parse()
        .map_err(|error| missing(format!("`{name}` is no module: {error}"), None))
}

fn missing(message: String, help: Option<String>) -> Unresolved {
    Unresolved::Missing { message, help }
}

/// Whether the metadata says that the field is computed, so that no change of the record announces a new value.
#[must_use]
pub fn is_computed(field: &Field) -> bool {
    matches!(field.data_type.as_str(), "formula" | "rollup_summary")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::value::FieldType;
    use super::super::value::tests::field;
    use super::*;

    fn to(api_name: &str, target: &str) -> Field {
        Field {
            lookup: Some(target.parse().unwrap()),
            ..field(api_name, FieldType::Lookup)
        }
    }

    /// Contacts with an account, its parent, and deals.
    pub(in super::super) fn contacts() -> Schema {
        let text = |name: &str| field(name, FieldType::Text);
        let own = vec![
            text("Email"),
            text("Last_Name"),
            to("Account_Name", "Accounts"),
            field("Owner", FieldType::Lookup),
        ];
        let mut schema = Schema::new("Contacts".parse().unwrap(), own);
        let accounts = vec![
            text("Industry"),
            field("Employees", FieldType::Number),
            to("Parent_Account", "Accounts"),
        ];
        let deals = vec![
            text("Stage"),
            field("Amount", FieldType::Number),
            to("Contact_Name", "Contacts"),
            to("Account_Name", "Accounts"),
        ];
        schema.add("Accounts".parse().unwrap(), accounts);
        schema.add("Deals".parse().unwrap(), deals);
        schema
    }

    fn told(schema: &Schema, path: &str) -> String {
        match schema.resolve(&path.parse().unwrap()) {
            Ok(column) => format!("{} = {}", column.path, column.field.label),
            Err(Unresolved::Unknown(module)) => format!("needs {module}"),
            Err(Unresolved::Missing { message, help }) => [Some(message), help]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("; "),
        }
    }

    #[test]
    fn a_path_leads_to_a_field_or_says_why_not() {
        let schema = contacts();
        for (path, want) in [
            ("Email", "Email = Email"),
            (
                "Accounts.Industry",
                "Account_Name.Industry = Industry of the Account Name",
            ),
            (
                "Account_Name.Industry",
                "Account_Name.Industry = Industry of the Account Name",
            ),
            (
                "Accounts.Parent_Account.Employees",
                "Account_Name.Parent_Account.Employees = Employees of the Parent Account of the Account Name",
            ),
            ("Deals.Stage", "Deals.Stage = Stage of the deal"),
            ("Potentials.Stage", "Deals.Stage = Stage of the deal"),
            (
                "Deals.Account_Name.Industry",
                "Deals.Account_Name.Industry = Industry of the Account Name of the deal",
            ),
            (
                "Mail",
                "unknown field `Mail` of module Contacts; did you mean `Email`?",
            ),
            (
                "Accounts.Industri",
                "unknown field `Industri` of module Accounts; did you mean `Industry`?",
            ),
            (
                "Deals.Stag",
                "unknown field `Stag` of module Deals; did you mean `Stage`?",
            ),
            (
                "Company.Industry",
                "module Contacts has no lookup `Company`; its lookups are `Account_Name`",
            ),
            (
                "Acount_Name.Industry",
                "module Contacts has no lookup `Acount_Name`; did you mean `Account_Name`?",
            ),
            (
                "Email.Industry",
                "`Email` of module Contacts is a text field, which leads to no other record; its lookups are `Account_Name`",
            ),
            (
                "Owner.Industry",
                "`Owner` of module Contacts is a lookup field, which leads to no other record; its lookups are `Account_Name`",
            ),
        ] {
            assert_eq!(told(&schema, path), want, "{path}");
        }
    }

    #[test]
    fn elsewhere_the_account_is_the_only_lookup_to_accounts() {
        let module = |lookups: &[&str]| {
            let fields = lookups.iter().map(|name| to(name, "Accounts")).collect();
            let mut schema = Schema::new("Guests".parse().unwrap(), fields);
            schema.add(
                "Accounts".parse().unwrap(),
                vec![field("City", FieldType::Text)],
            );
            schema
        };
        for (lookups, want) in [
            (&["Hotel"][..], "Hotel.City = City of the Hotel"),
            (&[], "module Guests has no lookup to Accounts"),
            (
                &["Hotel", "Agency"],
                "module Guests has several lookups to Accounts: `Hotel`, `Agency`; name one of them, such as `Hotel.…`",
            ),
        ] {
            assert_eq!(told(&module(lookups), "Accounts.City"), want);
        }
        assert_eq!(
            told(&module(&["Hotel"]), "Deals.Stage"),
            "module Guests has no lookup `Deals`; its lookups are `Hotel`"
        );
    }

    #[test]
    fn the_fields_of_a_module_on_the_way_have_to_be_known() {
        let own = vec![to("Account_Name", "Accounts")];
        let schema = Schema::new("Contacts".parse().unwrap(), own);
        assert_eq!(told(&schema, "Accounts.Industry"), "needs Accounts");
        assert_eq!(told(&schema, "Deals.Stage"), "needs Deals");
    }
}
