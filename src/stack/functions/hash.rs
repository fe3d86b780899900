//! Hashes and unique ids.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;

use super::{Args, Function, Gives, Got, Needs, Outcome, bad, f};
use crate::words::{Type, Value};

pub(super) const ALL: &[Function] = &[
    f("md5", &["string: string"], Gives::Text, |a| Ok(hex(&md5::Md5::digest(a.text(0)?.as_bytes())))),
    f("sha1", &["string: string"], Gives::Text, |a| Ok(hex(&sha1::Sha1::digest(a.text(0)?.as_bytes())))),
    f("sha256", &["string: string"], Gives::Text, |a| Ok(hex(&sha2::Sha256::digest(a.text(0)?.as_bytes())))),
    f("sha512", &["string: string"], Gives::Text, |a| Ok(hex(&sha2::Sha512::digest(a.text(0)?.as_bytes())))),
    f("base64sha256", &["string: string"], Gives::Text, |a| Ok(b64(&sha2::Sha256::digest(a.text(0)?.as_bytes())))),
    f("base64sha512", &["string: string"], Gives::Text, |a| Ok(b64(&sha2::Sha512::digest(a.text(0)?.as_bytes())))),
    f("filemd5", &["path: string"], Gives::Text, |a| Ok(hex(&md5::Md5::digest(bytes(a)?)))),
    f("filesha1", &["path: string"], Gives::Text, |a| Ok(hex(&sha1::Sha1::digest(bytes(a)?)))),
    f("filesha256", &["path: string"], Gives::Text, |a| Ok(hex(&sha2::Sha256::digest(bytes(a)?)))),
    f("filesha512", &["path: string"], Gives::Text, |a| Ok(hex(&sha2::Sha512::digest(bytes(a)?)))),
    f("filebase64sha256", &["path: string"], Gives::Text, |a| Ok(b64(&sha2::Sha256::digest(bytes(a)?)))),
    f("filebase64sha512", &["path: string"], Gives::Text, |a| Ok(b64(&sha2::Sha512::digest(bytes(a)?)))),
    f("uuid", &[], Gives::Text, |a| {
        // Another one each time: not to be known before it is used.
        Ok(if a.cx.scope.applies() { uuid::Uuid::new_v4().to_string().into() } else { Value::Unknown(Type::String.into()) })
    })
    .needs(Needs::Nothing),
    f("bcrypt", &["string: string", "cost: number?"], Gives::Text, hashed),
    f("uuidv5", &["namespace: string", "name: string"], Gives::Text, uuidv5),
];

fn hex(bytes: &[u8]) -> Value {
    use std::fmt::Write as _;
    let mut made = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(made, "{byte:02x}");
    }
    made.into()
}

fn b64(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

fn bytes(a: &Args<'_>) -> Got<std::sync::Arc<[u8]>> {
    Ok(a.cx.scope.files().read(&a.text(0)?)?)
}

/// Another one each time, as it is salted.
fn hashed(a: &Args<'_>) -> Outcome {
    let text = a.text(0)?;
    let cost = if a.len() > 1 { a.int(1)? } else { 10 };
    if text.len() > 72 {
        return a.bad(0, "at most 72 bytes are possible");
    }
    if !a.cx.scope.applies() {
        return Ok(Value::Unknown(Type::String.into()));
    }
    let Some(cost) = u32::try_from(cost).ok().filter(|cost| *cost <= 31) else { return a.bad(1, "a cost of 4 to 31 is possible") };
    let made = bcrypt::hash_with_result(text.as_bytes(), if cost < 4 { 10 } else { cost });
    made.map_or_else(|e| bad(e.to_string()), |parts| Ok(parts.format_for_version(bcrypt::Version::TwoA).into()))
}

fn uuidv5(a: &Args<'_>) -> Outcome {
    let space = a.text(0)?;
    let space = match &*space {
        "dns" => uuid::Uuid::NAMESPACE_DNS,
        "url" => uuid::Uuid::NAMESPACE_URL,
        "oid" => uuid::Uuid::NAMESPACE_OID,
        "x500" => uuid::Uuid::NAMESPACE_X500,
        other => uuid::Uuid::parse_str(other).or_else(|_| a.bad(0, "a UUID, or dns, url, oid or x500, is required"))?,
    };
    Ok(uuid::Uuid::new_v5(&space, a.text(1)?.as_bytes()).to_string().into())
}
