//! Stored bytes: kind, schema, payload, checksum. Nothing else in rosterd knows how a value is laid out on disk.
//!
//! A stored value is `kind: u8`, `schema: u8`, the payload as bincode writes it (variable-length integers, little
//! endian, trailing bytes refused), and the CRC-32 of all that, big endian. A released payload type is frozen: its
//! field order is its format. A change makes a new schema number, and `upgrade` reads the old ones.

use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};

/// A value larger than this is a defect, not data.
const PAYLOAD_BYTES_MAX: u64 = 1 << 20;

/// A type with a place in the stores.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    /// Tells this type's values from all others'. Never reused.
    const KIND: u8;
    /// The schema that is written; every earlier one is read by `upgrade`.
    const SCHEMA: u8;

    /// Reads the payload of an older schema.
    fn upgrade(schema: u8, _payload: &[u8]) -> Result<Self, FormatError> {
        Err(FormatError::UnknownSchema(schema))
    }
}

/// Why stored bytes do not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Fewer bytes than any value has.
    #[error("the value is cut short")]
    Short,
    /// The checksum does not match: the bytes are damaged.
    #[error("the value is damaged: its checksum does not match")]
    Checksum,
    /// A value of another type.
    #[error("the value is of kind {0}, which does not belong here")]
    WrongKind(u8),
    /// Written by a newer rosterd.
    #[error("the value has schema {0}, which a newer rosterd wrote: install that version again")]
    FromTheFuture(u8),
    /// An old schema that is not known.
    #[error("the value has schema {0}, which this rosterd cannot read")]
    UnknownSchema(u8),
    /// The payload does not fit the type.
    #[error("the value's payload does not decode")]
    Payload,
}

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_limit(PAYLOAD_BYTES_MAX)
}

/// The stored form of a value.
///
/// # Errors
/// [`FormatError::Payload`] for a value of more than 1 MiB.
pub(crate) fn encode<T: Stored>(value: &T) -> Result<Vec<u8>, FormatError> {
    let mut bytes = vec![T::KIND, T::SCHEMA];
    options()
        .serialize_into(&mut bytes, value)
        .map_err(|_| FormatError::Payload)?;
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    Ok(bytes)
}

/// The value of a stored form.
///
/// # Errors
/// [`FormatError`] by what is wrong with the bytes.
pub(crate) fn decode<T: Stored>(bytes: &[u8]) -> Result<T, FormatError> {
    let (body, checksum) = bytes.split_last_chunk::<4>().ok_or(FormatError::Short)?;
    let [kind, schema, payload @ ..] = body else {
        return Err(FormatError::Short);
    };
    if crc32fast::hash(body) != u32::from_be_bytes(*checksum) {
        return Err(FormatError::Checksum);
    }
    if *kind != T::KIND {
        return Err(FormatError::WrongKind(*kind));
    }
    match schema.cmp(&T::SCHEMA) {
        std::cmp::Ordering::Equal => payload_of(payload),
        std::cmp::Ordering::Less => T::upgrade(*schema, payload),
        std::cmp::Ordering::Greater => Err(FormatError::FromTheFuture(*schema)),
    }
}

/// A payload read as the type it was written from, for `upgrade`.
///
/// # Errors
/// [`FormatError::Payload`].
pub(crate) fn payload_of<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FormatError> {
    options()
        .deserialize(payload)
        .map_err(|_| FormatError::Payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Sample {
        number: u64,
        text: String,
    }

    impl Stored for Sample {
        const KIND: u8 = 250;
        const SCHEMA: u8 = 2;
    }

    fn sample() -> Vec<u8> {
        encode(&Sample {
            number: 300,
            text: "Ann".to_owned(),
        })
        .unwrap()
    }

    #[test]
    fn the_layout_is_pinned() {
        let hex: String = sample().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "fa02fb2c0103416e6e".to_owned() + &hex[18..]);
        assert_eq!(hex.len(), 26);
    }

    #[test]
    fn damage_and_strangers_are_told_apart() {
        let seal = |body: &[u8]| [body, &crc32fast::hash(body).to_be_bytes()].concat();
        assert_eq!(decode::<Sample>(&[]), Err(FormatError::Short));
        assert_eq!(decode::<Sample>(&[250, 2, 0]), Err(FormatError::Short));
        assert_eq!(
            decode::<Sample>(&seal(&[9, 2, 0, 0])),
            Err(FormatError::WrongKind(9))
        );
        assert_eq!(
            decode::<Sample>(&seal(&[250, 3])),
            Err(FormatError::FromTheFuture(3))
        );
        assert_eq!(
            decode::<Sample>(&seal(&[250, 1])),
            Err(FormatError::UnknownSchema(1))
        );
        assert_eq!(
            decode::<Sample>(&seal(&[250, 2, 1, 0, 7])),
            Err(FormatError::Payload)
        );
        for at in 0..sample().len() {
            let mut bytes = sample();
            bytes[at] ^= 0x10;
            assert_eq!(
                decode::<Sample>(&bytes),
                Err(FormatError::Checksum),
                "byte {at}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(number: u64, text in ".{0,40}") {
            let value = Sample { number, text };
            prop_assert_eq!(decode::<Sample>(&encode(&value).unwrap()).unwrap(), value);
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _refused = decode::<Sample>(&bytes);
        }
    }
}
