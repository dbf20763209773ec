//! Addresses that mail can reach, each with the reason why it is taken.

/// Why, and texts that are sent as they are and compare as they are.
pub(super) const PLAIN: &[(&str, &[&str])] = &[
    (
        "an ordinary address",
        &["jane@example.com", "info@example.com", "j@e.co", "1@2.com"],
    ),
    (
        "a tag after a plus is part of the mailbox's name",
        &[
            "jane+crm@example.com",
            "jane+crm+2026@example.com",
            "jane+@example.com",
            "++jane@example.com",
            "+@example.com",
        ],
    ),
    (
        "all that an atom may have before the @ (RFC 5322, 3.2.3)",
        &[
            "o'brien@example.ie",
            "'jane'@example.com",
            "-jane-@example.com",
            "_jane_@example.com",
            "--@example.com",
            "12345@example.com",
            "a!b#c$d%e&f@example.com",
            "a*b/c=d?e^f@example.com",
            "a`b{c|d}e~f@example.com",
            "jane%example.com@relay.example",
            "host!jane@example.com",
            "/o=org/cn=jane@example.com",
        ],
    ),
    (
        "digits and hyphens within a domain, and digits alone below its end",
        &[
            "jane-doe@ex-ample.com",
            "jane@3com.com",
            "jane@123.com",
            "jane@1.2.3.4.com",
            "jane@a--b.com",
            "jane@example.x1",
        ],
    ),
    (
        "whether a domain exists, or is misspelled, is not a matter of its pattern",
        &[
            "jane@gnail.com",
            "jane@example.con",
            "jane@example.c",
            "jane@example.museum",
            "jane@example.invalid",
            "jane@localhost.localdomain",
        ],
    ),
    (
        "as many dots as there are names between them",
        &[
            "jane.a.b.c.d@example.com",
            "jane_doe@mail.sub.example.co.uk",
            "jane@a.b.c.d.e.f.g.h.example.com",
        ],
    ),
    (
        "a label that is encoded already",
        &[
            "jane@xn--bcher-kva.de",
            "jane@xn--e1afmkfd.xn--p1ai",
            "jane@mail.xn--bcher-kva.de",
        ],
    ),
];

/// A text, what is sent, and what it compares as.
type Respelled = (&'static str, &'static str, &'static str);

/// Why, and a text with what is sent and what it compares as.
pub(super) const RESPELLED: &[(&str, &[Respelled])] = &[
    (
        "upper case is kept for sending and means nothing in comparing",
        &[
            (
                "Jane.Doe@Example.COM",
                "Jane.Doe@Example.COM",
                "jane.doe@example.com",
            ),
            (
                "O'Brien@example.ie",
                "O'Brien@example.ie",
                "o'brien@example.ie",
            ),
            (
                "JANE+CRM@EXAMPLE.COM",
                "JANE+CRM@EXAMPLE.COM",
                "jane+crm@example.com",
            ),
            (
                "jane@XN--BCHER-KVA.de",
                "jane@XN--BCHER-KVA.de",
                "jane@xn--bcher-kva.de",
            ),
        ],
    ),
    (
        "blanks around it, of whatever kind, are not part of it",
        &[
            (
                "  jane@example.com ",
                "jane@example.com",
                "jane@example.com",
            ),
            (
                "\tjane@example.com\r\n",
                "jane@example.com",
                "jane@example.com",
            ),
            (
                "\u{a0}jane@example.com\u{3000}",
                "jane@example.com",
                "jane@example.com",
            ),
            (
                "\u{2003}\u{202f}jane@example.com\u{2028}",
                "jane@example.com",
                "jane@example.com",
            ),
        ],
    ),
    (
        "an international domain goes in ASCII, whatever form its letters have",
        &[
            (
                "jane@bücher.de",
                "jane@xn--bcher-kva.de",
                "jane@xn--bcher-kva.de",
            ),
            (
                "Jane@BÜCHER.de",
                "Jane@xn--bcher-kva.de",
                "jane@xn--bcher-kva.de",
            ),
            (
                "jane@bu\u{308}cher.de",
                "jane@xn--bcher-kva.de",
                "jane@xn--bcher-kva.de",
            ),
            (
                "jane@BU\u{308}CHER.DE",
                "jane@xn--bcher-kva.de",
                "jane@xn--bcher-kva.de",
            ),
            (
                "jane@straße.de",
                "jane@xn--strae-oqa.de",
                "jane@xn--strae-oqa.de",
            ),
            (
                "jane@łódź.pl",
                "jane@xn--d-uga0v4h.pl",
                "jane@xn--d-uga0v4h.pl",
            ),
            (
                "jane@пример.рф",
                "jane@xn--e1afmkfd.xn--p1ai",
                "jane@xn--e1afmkfd.xn--p1ai",
            ),
            (
                "jane@παράδειγμα.ελ",
                "jane@xn--hxajbheg2az3al.xn--qxam",
                "jane@xn--hxajbheg2az3al.xn--qxam",
            ),
            (
                "jane@مثال.إختبار",
                "jane@xn--mgbh0fb.xn--kgbechtv",
                "jane@xn--mgbh0fb.xn--kgbechtv",
            ),
            ("jane@例え.jp", "jane@xn--r8jz45g.jp", "jane@xn--r8jz45g.jp"),
            (
                "jane@例え。jp",
                "jane@xn--r8jz45g.jp",
                "jane@xn--r8jz45g.jp",
            ),
            (
                "jane@mail.bücher.example.de",
                "jane@mail.xn--bcher-kva.example.de",
                "jane@mail.xn--bcher-kva.example.de",
            ),
        ],
    ),
    (
        "a heart is a letter to IDNA, and such domains get mail",
        &[("jane@i❤.ws", "jane@xn--i-7iq.ws", "jane@xn--i-7iq.ws")],
    ),
    (
        "a look-alike in another script is another domain, and none of our business",
        &[(
            "jane@\u{430}pple.com",
            "jane@xn--pple-43d.com",
            "jane@xn--pple-43d.com",
        )],
    ),
    (
        "the Kelvin sign is the letter K by canonical equivalence",
        &[(
            "jane@\u{212a}elvin.com",
            "jane@kelvin.com",
            "jane@kelvin.com",
        )],
    ),
];
