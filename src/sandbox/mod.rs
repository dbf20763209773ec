//! A local stand-in for Zoho Accounts, CRM v8 and Campaigns v1.1.

pub(crate) mod calls;
pub(crate) mod campaigns;
pub(crate) mod crm;
