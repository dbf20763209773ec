//! Names to invent people from, each with a plain spelling for addresses.

pub(super) const FIRST_NAMES: [(&str, &str); 24] = [
    ("Ada", "ada"),
    ("Bilal", "bilal"),
    ("Carmen", "carmen"),
    ("Dmitri", "dmitri"),
    ("Élodie", "elodie"),
    ("Femi", "femi"),
    ("Grace", "grace"),
    ("Hiroshi", "hiroshi"),
    ("Ingrid", "ingrid"),
    ("João", "joao"),
    ("Katarzyna", "katarzyna"),
    ("Łukasz", "lukasz"),
    ("Mei", "mei"),
    ("Noor", "noor"),
    ("Oisín", "oisin"),
    ("Priya", "priya"),
    ("Quentin", "quentin"),
    ("Rosa", "rosa"),
    ("Søren", "soren"),
    ("Tariq", "tariq"),
    ("Uma", "uma"),
    ("Vera", "vera"),
    ("Anne-Marie", "anne-marie"),
    ("明", "ming"),
];

pub(super) const LAST_NAMES: [(&str, &str); 24] = [
    ("Rossi", "rossi"),
    ("O'Brien", "obrien"),
    ("Łukasz", "lukasz"),
    ("李", "li"),
    ("Müller", "muller"),
    ("García Márquez", "garcia"),
    ("van der Berg", "vanderberg"),
    ("Smith", "smith"),
    ("Ng", "ng"),
    ("Okafor", "okafor"),
    ("D'Angelo", "dangelo"),
    ("Nowak", "nowak"),
    ("Ivanova", "ivanova"),
    ("Sørensen", "sorensen"),
    ("Patel", "patel"),
    ("Kowalski, Jr.", "kowalski"),
    ("Haddad", "haddad"),
    ("Tanaka", "tanaka"),
    ("Dupont", "dupont"),
    ("Costa \"Zé\"", "costa"),
    ("Lindqvist", "lindqvist"),
    ("Mbeki", "mbeki"),
    ("Brown & Sons", "brown"),
    ("Öztürk", "ozturk"),
];

pub(super) const COMPANIES: [&str; 12] = [
    "Orto Srl",
    "Northwind Press",
    "Grand Hotels",
    "Zylker",
    "Blue Harbour",
    "Papel & Tinta",
    "Kraków Digital",
    "O'Neill Catering",
    "Sunrise Media",
    "Lumen Schools",
    "Fjord Logistics",
    "明 Trading",
];

pub(super) const CITIES: [&str; 10] = [
    "Lisbon",
    "Kraków",
    "Milan",
    "Dublin",
    "Malmö",
    "Chennai",
    "Austin",
    "Lagos",
    "Osaka",
    "São Paulo",
];

/// Domains that are reserved for examples.
pub(super) const DOMAINS: [&str; 10] = [
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "staff.example.org",
    "orto.example",
    "northwind.example",
    "zylker.example",
    "blue-harbour.example",
    "fjord.example",
];

/// What people without an eye for detail type for a domain.
pub(super) const STUMPS: [&str; 4] = ["aol", "zylkercom", "gmail", "example"];

/// Mailboxes that stand for a group.
pub(super) const ROLES: [&str; 8] = [
    "info",
    "support",
    "administrator",
    "careers",
    "service",
    "sales",
    "office",
    "no-reply",
];
