//! Zoho: one client, one token, one host table.

pub mod campaigns;
pub mod crm;
pub mod data_center;
pub mod http;
pub mod oauth;
