//! How the CRM behaves where its documentation is silent or says little, so that a client can be shown not to depend on it.

use serde::Deserialize;

use super::Crm;

/// Rows of one Bulk Read job. Source: "Bulk Read", limits, v8, 2026.
const PAGE_ROWS: usize = 200_000;
/// Status requests until a Bulk Read job is done: one for each state after the first.
const POLLS: u32 = 3;

/// What the organisation is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Whether COQL leaves converted leads out, which the documentation does not say.
    pub(super) coql_hides_converted: bool,
    /// Whether Bulk Read does.
    pub(super) bulk_hides_converted: bool,
    /// Whether Bulk Read leaves out records of which a dotted column is asked for whose lookup is empty: one project saw that.
    pub(super) bulk_omits_parentless: bool,
    /// Rows of one Bulk Read job.
    pub(super) bulk_page_rows: usize,
    /// Which status request finds a job completed, counted from 1.
    pub(super) bulk_polls: u32,
    /// How many of the next jobs fail.
    pub(super) bulk_failures: u32,
    /// Whether text and picklists are compared with case.
    pub(super) case_sensitive: bool,
    /// Whether negative conditions hold for an empty field.
    pub(super) nulls_match_negatives: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            coql_hides_converted: false,
            bulk_hides_converted: false,
            bulk_omits_parentless: false,
            bulk_page_rows: PAGE_ROWS,
            bulk_polls: POLLS,
            bulk_failures: 0,
            case_sensitive: false,
            nulls_match_negatives: false,
        }
    }
}

/// A change of the settings, and of whose CRM it is; what is left out stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsChange {
    /// COQL leaves converted leads out.
    pub(crate) coql_hides_converted: Option<bool>,
    /// Bulk Read leaves converted leads out.
    pub(crate) bulk_hides_converted: Option<bool>,
    /// Bulk Read leaves out records without the parent of a dotted column.
    pub(crate) bulk_omits_parentless: Option<bool>,
    /// Rows of one Bulk Read job, at most 200,000.
    pub(crate) bulk_page_rows: Option<usize>,
    /// Which status request finds a Bulk Read job completed.
    pub(crate) bulk_polls: Option<u32>,
    /// This many of the next Bulk Read jobs fail.
    pub(crate) bulk_failures: Option<u32>,
    /// Text and picklists are compared with case, in COQL, Bulk Read and views.
    pub(crate) case_sensitive: Option<bool>,
    /// `!=`, `not in`, `not like`, `not between` and their like hold for an empty field, in COQL, Bulk Read and views.
    pub(crate) nulls_match_negatives: Option<bool>,
    /// The `zgid` of the organisation.
    pub(crate) organisation: Option<String>,
}

impl Crm {
    /// Changes the settings; bounds are kept.
    pub(crate) fn change_settings(&mut self, change: SettingsChange) {
        let SettingsChange {
            coql_hides_converted,
            bulk_hides_converted,
            bulk_omits_parentless,
            bulk_page_rows,
            bulk_polls,
            bulk_failures,
            case_sensitive,
            nulls_match_negatives,
            organisation,
        } = change;
        let settings = &mut self.settings;
        put(&mut settings.coql_hides_converted, coql_hides_converted);
        put(&mut settings.bulk_hides_converted, bulk_hides_converted);
        put(&mut settings.bulk_omits_parentless, bulk_omits_parentless);
        let rows = bulk_page_rows.map(|rows| rows.clamp(1, PAGE_ROWS));
        put(&mut settings.bulk_page_rows, rows);
        put(
            &mut settings.bulk_polls,
            bulk_polls.map(|polls| polls.max(1)),
        );
        put(&mut settings.bulk_failures, bulk_failures);
        put(&mut settings.case_sensitive, case_sensitive);
        put(&mut settings.nulls_match_negatives, nulls_match_negatives);
        put(&mut self.organisation, organisation);
    }
}

fn put<T>(setting: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *setting = said;
    }
}
