//! Zoho CRM: records, COQL, deleted records, metadata.
