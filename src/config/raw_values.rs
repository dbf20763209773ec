//! Values that may be written in more than one way: a number or its text, one value or a list of them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The key under which a date or time comes through figment, which has no type for them.
pub(super) const MOMENT: &str = "\u{0}moment";

/// A single value of a definition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Whole(i128),
    Decimal(f64),
    Flag(bool),
    /// A TOML date, time or both.
    Moment(String),
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Literals {
    pub(super) values: Vec<Literal>,
    pub(super) is_list: bool,
}

/// A whole number, or a text to be looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Whole(i128),
    Text(String),
}

/// A boolean, also as its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

/// A list of texts, also as one text with commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Texts(pub(super) Vec<String>);

/// A text, or a table in its place. No `Debug`: the text may be a secret.
pub(super) enum TextOr<T> {
    Text(String),
    Table(T),
}

struct LiteralVisitor;

impl<'de> Visitor<'de> for LiteralVisitor {
    type Value = Literal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, number, boolean or date")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Literal, E> {
        Ok(Literal::Text(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Literal, E> {
        Ok(Literal::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Literal, E> {
        Ok(Literal::Whole(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Literal, E> {
        Ok(Literal::Whole(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Literal, E> {
        Ok(Literal::Decimal(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Literal, A::Error> {
        match map.next_key::<String>()? {
            Some(key) if key == MOMENT => map.next_value().map(Literal::Moment),
            Some(_) | None => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiteralVisitor)
    }
}

struct LiteralsVisitor;

impl LiteralsVisitor {
    fn one<E>(literal: Result<Literal, E>) -> Result<Literals, E> {
        literal.map(|literal| Literals {
            values: vec![literal],
            is_list: false,
        })
    }
}

impl<'de> Visitor<'de> for LiteralsVisitor {
    type Value = Literals;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, number, boolean or date, or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Literals, E> {
        Self::one(LiteralVisitor.visit_str(text))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Literals, E> {
        Self::one(LiteralVisitor.visit_bool(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Literals, E> {
        Self::one(LiteralVisitor.visit_i64(number))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Literals, E> {
        Self::one(LiteralVisitor.visit_i128(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Literals, E> {
        Self::one(LiteralVisitor.visit_f64(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Literals, A::Error> {
        Self::one(LiteralVisitor.visit_map(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Literals, A::Error> {
        let mut values = Vec::new();
        while let Some(item) = items.next_element()? {
            values.push(item);
        }
        Ok(Literals {
            values,
            is_list: true,
        })
    }
}

impl<'de> Deserialize<'de> for Literals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiteralsVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number::Whole(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Number, E> {
        Ok(Number::Whole(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        let text = text.trim();
        let number = text.parse::<i128>().ok().map(Number::Whole);
        Ok(number.unwrap_or_else(|| Number::Text(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Flag, E> {
        Ok(Flag(flag))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Flag, E> {
        let flag = text.trim().parse();
        flag.map(Flag)
            .map_err(|_| E::invalid_type(de::Unexpected::Str(""), &self))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        Ok(Texts(parts.map(str::to_owned).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(item) = items.next_element()? {
            texts.push(item);
        }
        Ok(Texts(texts))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextOrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TextOrVisitor<T> {
    type Value = TextOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a table")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TextOr<T>, E> {
        Ok(TextOr::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextOr<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Table)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrVisitor(PhantomData))
    }
}
