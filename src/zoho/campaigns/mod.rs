//! Zoho Campaigns: contacts, lists, suppressions.
