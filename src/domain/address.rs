//! E-mail addresses: parsing, normal form, role addresses.
//!
//! What parses here is an address that ordinary mail can reach, and two spellings of one mailbox compare equal: the
//! domain in lower-case ASCII (IDNA), the local part without case. `Debug` and `Display` never show an address, so that
//! a log line cannot; [`EmailAddress::as_sent`] and [`EmailAddress::normal`] are the deliberate ways out.
//!
//! Stricter than the RFCs on purpose: Campaigns refuses quoted local parts, literals and letters beyond ASCII before the
//! `@`, and every refused address costs a call and reputation (Campaigns reference, section 8). Misspelled domains are
//! left alone: whether `gnail.com` is a mistake is not for a program to decide.

mod role;
mod spelling;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::{UnicodeNormalization, is_nfkc};

pub use role::RoleAddresses;
pub use spelling::spellings;

/// Longest address that fits SMTP's path of 256 with its angle brackets (RFC 3696, erratum 1690).
const ADDRESS_BYTES_MAX: usize = 254;
/// Longest local part (RFC 5321, 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;
/// Longest label of a domain (RFC 1035, 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// An address that mail can reach; shows itself masked, compares by its normal form.
#[derive(Clone)]
pub struct EmailAddress {
    sent: String,
    normal: String,
    /// Where the `@` is in `normal`.
    at: usize,
}

/// Why a text is not an address; `Display` is the detail of an ignored contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AddressProblem {
    /// Nothing but blanks.
    #[error("empty")]
    Empty,
    /// A control or an invisible character.
    #[error("a control or invisible character")]
    Control,
    /// The local part is in quotes.
    #[error("quotes before the `@`")]
    QuotedLocal,
    /// No `@`.
    #[error("no `@`")]
    NoAt,
    /// More than one `@`.
    #[error("more than one `@`")]
    SeveralAts,
    /// A blank inside.
    #[error("a space inside")]
    Space,
    /// Nothing before the `@`.
    #[error("nothing before the `@`")]
    NoLocal,
    /// Nothing after the `@`.
    #[error("nothing after the `@`")]
    NoDomain,
    /// A local part over 64 bytes.
    #[error("more than 64 characters before the `@`")]
    LocalTooLong,
    /// An address over 254 bytes.
    #[error("more than 254 characters")]
    TooLong,
    /// A letter beyond ASCII before the `@`.
    #[error("a character beyond ASCII before the `@`")]
    LocalNotAscii,
    /// A dot at either end of the local part, or two in a row.
    #[error("a leading, trailing or double dot before the `@`")]
    LocalDots,
    /// A character that no address has before the `@`.
    #[error("a character before the `@` that an address cannot have")]
    LocalCharacter,
    /// An IP address instead of a domain.
    #[error("an IP address instead of a domain")]
    IpLiteral,
    /// Full-width letters and the like.
    #[error("full-width or other look-alike characters in the domain")]
    LookAlike,
    /// A domain of one label.
    #[error("no dot in the domain")]
    NoDot,
    /// A dot at either end of the domain, or two in a row.
    #[error("a leading, trailing or double dot in the domain")]
    DomainDots,
    /// A label that begins or ends with `-`.
    #[error("a part of the domain begins or ends with `-`")]
    DomainHyphen,
    /// A label over 63 bytes.
    #[error("a part of the domain has more than 63 characters")]
    LabelTooLong,
    /// A top-level domain of digits.
    #[error("the domain ends in a number")]
    NumericTld,
    /// A character no domain has, or a label that IDNA refuses.
    #[error("a domain that cannot exist")]
    BadDomain,
}

impl EmailAddress {
    /// Reads one address, blanks around it aside.
    ///
    /// # Errors
    /// The first of the problems in the text, [`AddressProblem::Empty`] for one without anything but blanks.
    pub fn parse(text: &str) -> Result<Self, AddressProblem> {
        let text = text.trim();
        let (local, domain) = split(text)?;
        check_local(local)?;
        let ascii = ascii_domain(domain)?;
        let normal = format!("{}@{ascii}", local.to_ascii_lowercase());
        if normal.len() > ADDRESS_BYTES_MAX {
            return Err(AddressProblem::TooLong);
        }
        let sent = if domain.is_ascii() {
            text.to_owned()
        } else {
            format!("{local}@{ascii}")
        };
        let at = local.len();
        Ok(Self { sent, normal, at })
    }

    /// The address as it is sent: trimmed, spelled as the CRM has it, an international domain in ASCII.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        &self.sent
    }

    /// The address as it is compared: all in lower case, an international domain in ASCII.
    #[must_use]
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// The part before the `@`, in lower case.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.normal[..self.at]
    }

    /// The part after the `@`, in lower-case ASCII.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.normal[self.at + 1..]
    }
}

/// The text before and after its only `@`, in a text without blanks and invisible characters.
fn split(text: &str) -> Result<(&str, &str), AddressProblem> {
    if text.is_empty() {
        return Err(AddressProblem::Empty);
    }
    // An international domain may be shorter in ASCII, so it is measured there; this only bounds the work until then.
    let bytes_max = ADDRESS_BYTES_MAX * if text.is_ascii() { 1 } else { 4 };
    if text.len() > bytes_max {
        return Err(AddressProblem::TooLong);
    }
    if text.starts_with('"') {
        return Err(AddressProblem::QuotedLocal);
    }
    let (local, domain) = text.split_once('@').ok_or(AddressProblem::NoAt)?;
    if domain.contains('@') {
        return Err(AddressProblem::SeveralAts);
    }
    if text.contains(|c: char| c.is_control() || is_invisible(c)) || local.contains(is_joiner) {
        return Err(AddressProblem::Control);
    }
    if text.contains(char::is_whitespace) {
        return Err(AddressProblem::Space);
    }
    if local.is_empty() {
        return Err(AddressProblem::NoLocal);
    }
    if domain.is_empty() {
        return Err(AddressProblem::NoDomain);
    }
    Ok((local, domain))
}

/// What does not show, so that an address reads otherwise than it is written: what IDNA drops in silence, marks of
/// direction, letters that are blank.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Joiners show no more, but some scripts spell domains with them, where IDNA looks after them.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn check_local(local: &str) -> Result<(), AddressProblem> {
    if !local.is_ascii() {
        return Err(AddressProblem::LocalNotAscii);
    }
    if local.len() > LOCAL_BYTES_MAX {
        return Err(AddressProblem::LocalTooLong);
    }
    if has_bad_dots(local) {
        return Err(AddressProblem::LocalDots);
    }
    if !email_address::EmailAddress::is_valid_local_part(local) {
        return Err(AddressProblem::LocalCharacter);
    }
    Ok(())
}

fn has_bad_dots(part: &str) -> bool {
    part.split('.').any(str::is_empty)
}

/// The domain in lower-case ASCII.
fn ascii_domain(domain: &str) -> Result<String, AddressProblem> {
    if domain.starts_with('[') {
        return Err(AddressProblem::IpLiteral);
    }
    let composed: String = domain.nfc().collect();
    if !is_nfkc(&composed) {
        return Err(AddressProblem::LookAlike);
    }
    // The ideographic full stop separates labels as the dot does (UTS 46, section 2.3).
    let composed = composed.replace('\u{3002}', ".");
    check_labels(&composed)?;
    let ascii = idna::domain_to_ascii_strict(&composed).map_err(|_| refused(&composed))?;
    let numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    if ascii.rsplit('.').next().is_some_and(numeric) {
        return Err(if ascii.split('.').all(numeric) {
            AddressProblem::IpLiteral
        } else {
            AddressProblem::NumericTld
        });
    }
    Ok(ascii)
}

/// Why IDNA refuses a domain, as far as it can be known: a label may be too long in ASCII only.
fn refused(domain: &str) -> AddressProblem {
    let is_long = |ascii: &String| ascii.split('.').any(|label| label.len() > LABEL_BYTES_MAX);
    match idna::domain_to_ascii(domain).ok().filter(is_long) {
        Some(_) => AddressProblem::LabelTooLong,
        None => AddressProblem::BadDomain,
    }
}

/// What IDNA refuses too, but without saying why.
fn check_labels(domain: &str) -> Result<(), AddressProblem> {
    if has_bad_dots(domain) {
        return Err(AddressProblem::DomainDots);
    }
    if !domain.contains('.') {
        return Err(AddressProblem::NoDot);
    }
    for label in domain.split('.') {
        if label.starts_with('-') || label.ends_with('-') {
            return Err(AddressProblem::DomainHyphen);
        }
        if label.is_ascii() && label.len() > LABEL_BYTES_MAX {
            return Err(AddressProblem::LabelTooLong);
        }
    }
    Ok(())
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normal.hash(state);
    }
}

impl PartialOrd for EmailAddress {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EmailAddress {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normal.cmp(&other.normal)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…@…")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…@…)")
    }
}

/// What stands in a text as an address: all of it, or what is in brackets behind a name, as in `Ann Lee <ann@example.com>`.
#[must_use]
pub fn bare(text: &str) -> &str {
    let text = text.trim();
    let bracketed = text.strip_suffix('>').and_then(|it| it.rsplit_once('<'));
    bracketed.map_or(text, |(_, inner)| inner.trim())
}

/// Stands for an address in a text that is not to name it.
const LEFT_OUT: &str = "(an address)";

/// A text without an address, which stands in it as it is spelled or in another case.
#[must_use]
pub fn without(text: &str, address: &str) -> String {
    let (lower, sought) = (
        text.to_ascii_lowercase(),
        address.trim().to_ascii_lowercase(),
    );
    let (mut out, mut from) = (String::new(), 0);
    if sought.is_empty() {
        return text.to_owned();
    }
    // Lower case in ASCII moves no byte.
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find(&sought)) {
        out.push_str(text.get(from..from + at).unwrap_or_default());
        out.push_str(LEFT_OUT);
        from += at + sought.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
