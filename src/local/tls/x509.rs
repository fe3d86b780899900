//! Certificates as RFC 5280 has them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use const_oid::{AssociatedOid, ObjectIdentifier};
use jiff::Timestamp;
use rand::RngCore;
use rand::rngs::OsRng;
use sha1::{Digest, Sha1};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::der::asn1::{BitString, GeneralizedTime, Ia5String, OctetString, PrintableStringRef, SetOfVec, UtcTime, Utf8StringRef};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::pem::{LineEnding, encode_string};
use x509_cert::der::{Any, DateTime, Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

use super::key::Key;
use crate::words::failure::{Failure, Outcome};

/// Uses of a key, by Terraform's names: bits of the extension `keyUsage`.
pub(super) const USES: &[(&str, KeyUsages)] = &[
    ("cert_signing", KeyUsages::KeyCertSign),
    ("content_commitment", KeyUsages::NonRepudiation),
    ("crl_signing", KeyUsages::CRLSign),
    ("data_encipherment", KeyUsages::DataEncipherment),
    ("decipher_only", KeyUsages::DecipherOnly),
    ("digital_signature", KeyUsages::DigitalSignature),
    ("encipher_only", KeyUsages::EncipherOnly),
    ("key_agreement", KeyUsages::KeyAgreement),
    ("key_encipherment", KeyUsages::KeyEncipherment),
];

/// Purposes of a certificate, by Terraform's names: members of the extension `extKeyUsage`.
pub(super) const PURPOSES: &[(&str, &str)] = &[
    ("any_extended", "2.5.29.37.0"),
    ("client_auth", "1.3.6.1.5.5.7.3.2"),
    ("code_signing", "1.3.6.1.5.5.7.3.3"),
    ("email_protection", "1.3.6.1.5.5.7.3.4"),
    ("ipsec_end_system", "1.3.6.1.5.5.7.3.5"),
    ("ipsec_tunnel", "1.3.6.1.5.5.7.3.6"),
    ("ipsec_user", "1.3.6.1.5.5.7.3.7"),
    ("microsoft_commercial_code_signing", "1.3.6.1.4.1.311.2.1.22"),
    ("microsoft_kernel_code_signing", "1.3.6.1.4.1.311.61.1.1"),
    ("microsoft_server_gated_crypto", "1.3.6.1.4.1.311.10.3.3"),
    ("netscape_server_gated_crypto", "2.16.840.1.113730.4.1"),
    ("ocsp_signing", "1.3.6.1.5.5.7.3.9"),
    ("server_auth", "1.3.6.1.5.5.7.3.1"),
    ("timestamping", "1.3.6.1.5.5.7.3.8"),
];

/// What a certificate says.
#[derive(Default)]
pub(super) struct Wish<'a> {
    /// The subject: the attribute's number and the values that stand together.
    pub(super) subject: Vec<(ObjectIdentifier, Vec<&'a str>)>,
    /// From when.
    pub(super) from: Timestamp,
    /// Until when.
    pub(super) until: Timestamp,
    /// Names in DNS.
    pub(super) dns: &'a [String],
    /// Addresses.
    pub(super) ips: &'a [String],
    /// URIs.
    pub(super) uris: &'a [String],
    /// Names out of [`USES`] and [`PURPOSES`].
    pub(super) uses: &'a [String],
    /// Whether it may sign certificates.
    pub(super) authority: bool,
    /// How many authorities may stand below it.
    pub(super) path: Option<u8>,
    /// Whether it holds a hash of its own key.
    pub(super) subject_key_id: bool,
    /// Whether it holds a hash of its issuer's key.
    pub(super) authority_key_id: bool,
}

/// The numbers of a subject's attributes, in the order in which they are written.
pub(super) mod part {
    pub(in crate::local::tls) use const_oid::db::rfc3280::EMAIL_ADDRESS;
    pub(in crate::local::tls) use const_oid::db::rfc4519::{
        C as COUNTRY, CN as COMMON_NAME, L as LOCALITY, O as ORGANIZATION, OU as UNIT, POSTAL_CODE, SERIAL_NUMBER, ST as PROVINCE, STREET,
    };
}

/// A signed certificate.
pub(super) struct Signed {
    /// As PEM.
    pub(super) pem: String,
    /// Its serial number.
    pub(super) serial: u128,
}

fn broken(e: impl std::fmt::Display) -> Failure {
    Failure::other(format!("the certificate cannot be made: {e}"))
}

/// A certificate that `key` signs for itself.
pub(super) fn self_signed(wish: &Wish<'_>, key: &Key) -> Outcome<Signed> {
    let name = name(&wish.subject)?;
    let spki = SubjectPublicKeyInfoOwned::from_der(&key.public_der()?).map_err(broken)?;
    let mut serial = [0; 16];
    OsRng.fill_bytes(&mut serial);
    // RFC 5280 wants a positive number.
    serial[15] |= u8::from(serial == [0; 16]);
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial).map_err(broken)?,
        signature: key.signature_algorithm(),
        issuer: name.clone(),
        validity: Validity { not_before: time(wish.from)?, not_after: time(wish.until)? },
        subject: name,
        extensions: Some(extensions(wish, &spki)?),
        subject_public_key_info: spki,
        issuer_unique_id: None,
        subject_unique_id: None,
    };
    let signature = key.sign(&tbs_certificate.to_der().map_err(broken)?)?;
    let signature = BitString::from_bytes(&signature).map_err(broken)?;
    let certificate = Certificate { tbs_certificate, signature_algorithm: key.signature_algorithm(), signature };
    let pem = encode_string("CERTIFICATE", LineEnding::LF, &certificate.to_der().map_err(broken)?).map_err(broken)?;
    Ok(Signed { pem, serial: u128::from_be_bytes(serial) })
}

fn name(subject: &[(ObjectIdentifier, Vec<&str>)]) -> Outcome<RdnSequence> {
    let group = |(oid, values): &(ObjectIdentifier, Vec<&str>)| {
        // A set holds nothing twice.
        let values =
            values.iter().collect::<BTreeSet<_>>().into_iter().map(|v| Ok(AttributeTypeAndValue { oid: *oid, value: text(*oid, v)? }));
        let values = values.collect::<Outcome<Vec<_>>>()?;
        Ok(RelativeDistinguishedName(SetOfVec::try_from(values).map_err(broken)?))
    };
    Ok(RdnSequence(subject.iter().filter(|(_, values)| !values.is_empty()).map(group).collect::<Outcome<_>>()?))
}

/// Printable where it can be, which the oldest readers know.
fn text(oid: ObjectIdentifier, value: &str) -> Outcome<Any> {
    if oid == part::EMAIL_ADDRESS {
        return Any::encode_from(&Ia5String::new(value).map_err(|_| broken("email_address must be ASCII"))?).map_err(broken);
    }
    match PrintableStringRef::new(value) {
        Ok(printable) => Any::encode_from(&printable),
        Err(_) => Utf8StringRef::new(value).and_then(|utf8| Any::encode_from(&utf8)),
    }
    .map_err(broken)
}

/// In two digits of the year until 2049, as RFC 5280 asks.
fn time(at: Timestamp) -> Outcome<Time> {
    let seconds = u64::try_from(at.as_second()).map_err(broken)?;
    let date = DateTime::from_unix_duration(Duration::from_secs(seconds)).map_err(broken)?;
    Ok(match UtcTime::from_date_time(date) {
        Ok(short) => Time::UtcTime(short),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_date_time(date)),
    })
}

fn extensions(wish: &Wish<'_>, spki: &SubjectPublicKeyInfoOwned) -> Outcome<Vec<Extension>> {
    let mut extensions = vec![];
    let mut uses = FlagSet::default();
    for (_, bit) in USES.iter().filter(|(name, _)| wish.uses.iter().any(|u| u == name)) {
        uses |= *bit;
    }
    if !uses.is_empty() {
        extensions.push(extension(true, &KeyUsage(uses))?);
    }
    let purpose = |given: &String| PURPOSES.iter().find(|(name, _)| name == given).map(|(_, oid)| ObjectIdentifier::new_unwrap(oid));
    let purposes: Vec<_> = wish.uses.iter().filter_map(purpose).collect();
    if !purposes.is_empty() {
        extensions.push(extension(false, &ExtendedKeyUsage(purposes))?);
    }
    let path_len_constraint = wish.path.filter(|_| wish.authority);
    extensions.push(extension(true, &BasicConstraints { ca: wish.authority, path_len_constraint })?);
    let hash = OctetString::new(Sha1::digest(spki.subject_public_key.raw_bytes()).to_vec()).map_err(broken)?;
    if wish.subject_key_id || wish.authority {
        extensions.push(extension(false, &SubjectKeyIdentifier(hash.clone()))?);
    }
    if wish.authority_key_id {
        let id = AuthorityKeyIdentifier { key_identifier: Some(hash), authority_cert_issuer: None, authority_cert_serial_number: None };
        extensions.push(extension(false, &id)?);
    }
    let names = names(wish)?;
    if !names.is_empty() {
        // The only name there is must be understood.
        extensions.push(extension(wish.subject.is_empty(), &SubjectAltName(names))?);
    }
    Ok(extensions)
}

fn extension<E: AssociatedOid + Encode>(critical: bool, value: &E) -> Outcome<Extension> {
    let extn_value = OctetString::new(value.to_der().map_err(broken)?).map_err(broken)?;
    Ok(Extension { extn_id: E::OID, critical, extn_value })
}

fn names(wish: &Wish<'_>) -> Outcome<Vec<GeneralName>> {
    let ascii = |text: &String| Ia5String::new(text).map_err(|_| broken(format_args!("`{text}` must be ASCII")));
    let dns = wish.dns.iter().map(|name| Ok(GeneralName::DnsName(ascii(name)?)));
    let ips = wish.ips.iter().map(|ip| {
        let ip: IpAddr = ip.parse().map_err(|_| broken(format_args!("`{ip}` is no IP address")))?;
        Ok(GeneralName::from(ip))
    });
    let uris = wish.uris.iter().map(|uri| Ok(GeneralName::UniformResourceIdentifier(ascii(uri)?)));
    dns.chain(ips).chain(uris).collect()
}
