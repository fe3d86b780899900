//! `tls_self_signed_cert`.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::key::Key;
use super::x509::{PURPOSES, USES, Wish, part, self_signed};
use crate::local::{blocking, forgotten, made_here, not_imported, remembered};
use crate::words::Value;
use crate::words::error::nearest;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource};

crate::blocks! {
    /// Whom a certificate is for.
    pub struct Subject {
        /// The common name, once the host's name.
        #[attr(force_new)]
        common_name: Option<String>,
        /// The organization.
        #[attr(force_new)]
        organization: Option<String>,
        /// The part of the organization.
        #[attr(force_new)]
        organizational_unit: Option<String>,
        /// The street, line by line.
        #[attr(force_new)]
        street_address: Vec<String>,
        /// The town.
        #[attr(force_new)]
        locality: Option<String>,
        /// The province or state.
        #[attr(force_new)]
        province: Option<String>,
        /// The postal code.
        #[attr(force_new)]
        postal_code: Option<String>,
        /// The country, two letters.
        #[attr(force_new)]
        country: Option<String>,
        /// A number that tells the subject from others of the same name; not the certificate's own.
        #[attr(force_new)]
        serial_number: Option<String>,
        /// An address for mail.
        #[attr(force_new)]
        email_address: Option<String>,
    }

    /// A certificate that its own key signs: for tests, and for an authority of your own.
    pub struct TlsSelfSignedCert {
        /// The private key as PEM, of a certificate that is to be made; RSA, ECDSA or ED25519.
        #[attr(force_new, sensitive)]
        private_key_pem: String,
        /// For how many hours from now it is valid.
        #[attr(force_new, within(0, 70_000_000))]
        validity_period_hours: i64,
        /// What it may be used for: `any_extended`, `cert_signing`, `client_auth`, `code_signing`, `content_commitment`, `crl_signing`,
        /// `data_encipherment`, `decipher_only`, `digital_signature`, `email_protection`, `encipher_only`, `ipsec_end_system`,
        /// `ipsec_tunnel`, `ipsec_user`, `key_agreement`, `key_encipherment`, `microsoft_commercial_code_signing`,
        /// `microsoft_kernel_code_signing`, `microsoft_server_gated_crypto`, `netscape_server_gated_crypto`, `ocsp_signing`,
        /// `server_auth`, `timestamping`.
        #[attr(force_new, required)]
        allowed_uses: Vec<String>,
        /// Whom it is for.
        #[attr(force_new)]
        subject: Option<Subject>,
        /// The DNS names that it is for.
        #[attr(force_new)]
        dns_names: Vec<String>,
        /// The IP addresses that it is for.
        #[attr(force_new)]
        ip_addresses: Vec<String>,
        /// The URIs that it is for.
        #[attr(force_new)]
        uris: Vec<String>,
        /// How many hours before its end a plan replaces it. It takes a plan to see that: run one in time.
        #[attr(default_int(0), within(0, 70_000_000))]
        early_renewal_hours: Option<i64>,
        /// Whether it may sign other certificates.
        #[attr(force_new, default_bool(false))]
        is_ca_certificate: Option<bool>,
        /// How many authorities may stand between it and a certificate at the end; -1 for any number.
        #[attr(force_new, default_int(-1), within(-1, 255))]
        max_path_length: Option<i64>,
        /// Whether it holds a hash of its key; that of an authority always does.
        #[attr(force_new, default_bool(false))]
        set_subject_key_id: Option<bool>,
        /// Whether it holds a hash of its issuer's key, which here is its own.
        #[attr(force_new, default_bool(false))]
        set_authority_key_id: Option<bool>,
        /// The certificate as PEM.
        #[attr(computed)]
        cert_pem: Option<String>,
        /// The kind of key: `RSA`, `ECDSA` or `ED25519`.
        #[attr(computed)]
        key_algorithm: Option<String>,
        /// Whether it is about to end, or has ended.
        #[attr(computed)]
        ready_for_renewal: Option<bool>,
        /// When it began, as RFC 3339 has it.
        #[attr(computed)]
        validity_start_time: Option<String>,
        /// When it ends, as RFC 3339 has it.
        #[attr(computed)]
        validity_end_time: Option<String>,
    }
}

impl Subject {
    fn parts(&self) -> Vec<(const_oid::ObjectIdentifier, Vec<&str>)> {
        let street: Vec<&str> = self.street_address.iter().map(String::as_str).collect();
        let parts = [
            (part::COUNTRY, opt(&self.country)),
            (part::ORGANIZATION, opt(&self.organization)),
            (part::UNIT, opt(&self.organizational_unit)),
            (part::LOCALITY, opt(&self.locality)),
            (part::PROVINCE, opt(&self.province)),
            (part::STREET, street),
            (part::POSTAL_CODE, opt(&self.postal_code)),
            (part::COMMON_NAME, opt(&self.common_name)),
            (part::SERIAL_NUMBER, opt(&self.serial_number)),
            (part::EMAIL_ADDRESS, opt(&self.email_address)),
        ];
        parts.into_iter().filter(|(_, values)| !values.is_empty()).collect()
    }
}

fn opt(value: &Option<String>) -> Vec<&str> {
    value.as_deref().filter(|v| !v.is_empty()).into_iter().collect()
}

/// Whether a plan at `now` replaces what ends at `end`. What has no end that can be read is let be.
fn due(end: Option<&str>, early_hours: i64, now: Timestamp) -> bool {
    let Some(end) = end.and_then(|end| end.parse::<Timestamp>().ok()) else { return false };
    end.checked_sub(SignedDuration::from_hours(early_hours)).map_or(true, |from| from <= now)
}

impl TlsSelfSignedCert {
    /// Signed anew.
    fn issue(self, now: Timestamp) -> Outcome<Live<Self>> {
        let key = Key::parse(&self.private_key_pem)?;
        let far = |_| {
            Failure::other(format!("a certificate cannot be valid for {} hours: that ends after the year 9999", self.validity_period_hours))
        };
        // A certificate counts whole seconds.
        let from = Timestamp::from_second(now.as_second()).map_err(far)?;
        let until = from.checked_add(SignedDuration::from_hours(self.validity_period_hours)).map_err(far)?;
        let wish = Wish {
            subject: self.subject.as_ref().map(Subject::parts).unwrap_or_default(),
            from,
            until,
            dns: &self.dns_names,
            ips: &self.ip_addresses,
            uris: &self.uris,
            uses: &self.allowed_uses,
            authority: self.is_ca_certificate == Some(true),
            path: self.max_path_length.and_then(|n| u8::try_from(n).ok()),
            subject_key_id: self.set_subject_key_id == Some(true),
            authority_key_id: self.set_authority_key_id == Some(true),
        };
        let signed = self_signed(&wish, &key)?;
        let value = Self {
            cert_pem: Some(signed.pem),
            key_algorithm: Some(key.algorithm().into()),
            ready_for_renewal: Some(false),
            validity_start_time: Some(from.to_string()),
            validity_end_time: Some(until.to_string()),
            ..self
        };
        Ok(Live { id: signed.serial.to_string(), value })
    }

    /// As it is at `now`.
    fn at(self, now: Timestamp) -> Self {
        let ready = due(self.validity_end_time.as_deref(), self.early_renewal_hours.unwrap_or(0), now);
        Self { ready_for_renewal: Some(ready), ..self }
    }
}

/// What of a plan depends on the time.
fn plan_at(planned: &mut Planned<'_>, now: Timestamp) {
    let Some(prior) = planned.prior else { return };
    let early = planned.want.attr("early_renewal_hours").as_number().and_then(|n| n.as_i64()).unwrap_or(0);
    if due(prior.attr("validity_end_time").as_str(), early, now) {
        *planned.want = std::mem::take(planned.want).with("ready_for_renewal", false.into());
        planned.replace.push("ready_for_renewal".into());
    }
}

impl Resource for TlsSelfSignedCert {
    const TYPE: &'static str = "tls_self_signed_cert";
    const EXAMPLE: &'static str = r#"
[resource.tls_private_key.example]
algorithm = "ED25519"

[resource.tls_self_signed_cert.example]
private_key_pem = "${tls_private_key.example.private_key_pem}"
validity_period_hours = 2160
early_renewal_hours = 720
allowed_uses = ["digital_signature", "key_encipherment", "server_auth"]
dns_names = ["gateway.example.com"]
ip_addresses = ["10.0.0.1"]
subject = { common_name = "gateway.example.com", organization = "Example" }
---
[resource.tls_private_key.example]
algorithm = "ED25519"

[resource.tls_self_signed_cert.example]
private_key_pem = "${tls_private_key.example.private_key_pem}"
validity_period_hours = 2160
early_renewal_hours = 168
allowed_uses = ["digital_signature", "key_encipherment", "server_auth"]
dns_names = ["gateway.example.com"]
ip_addresses = ["10.0.0.1"]
subject = { common_name = "gateway.example.com", organization = "Example" }
"#;

    made_here!();
    forgotten!();
    not_imported!();

    async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
        let want = self.clone();
        let Some(Live { id, value: have }) = have.cloned() else { return blocking(move || want.issue(Timestamp::now())).await };
        let value = Self {
            cert_pem: have.cert_pem,
            key_algorithm: have.key_algorithm,
            validity_start_time: have.validity_start_time,
            validity_end_time: have.validity_end_time,
            ..want
        };
        Ok(Live { id, value: value.at(Timestamp::now()) })
    }

    async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let now = Timestamp::now();
        Ok(remembered(known).into_iter().map(|live| Live { id: live.id, value: live.value.at(now) }).collect())
    }

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let names = || USES.iter().map(|(name, _)| *name).chain(PURPOSES.iter().map(|(name, _)| *name));
        for (i, used) in given.attr("allowed_uses").items().iter().enumerate() {
            let Some(used) = used.as_str().filter(|u| !names().any(|name| name == *u)) else { continue };
            let meant = nearest(used, names()).map_or_else(String::new, |near| format!("; `{near}` is"));
            problems.push(Problem::new(format!("allowed_uses.{i}"), format!("`{used}` is no use of a certificate{meant}")));
        }
        for (i, ip) in given.attr("ip_addresses").items().iter().enumerate() {
            if let Some(ip) = ip.as_str().filter(|ip| ip.parse::<IpAddr>().is_err()) {
                problems.push(Problem::new(format!("ip_addresses.{i}"), format!("`{ip}` is no IP address")));
            }
        }
        for list in ["dns_names", "uris"] {
            for (i, name) in given.attr(list).items().iter().enumerate() {
                if let Some(name) = name.as_str().filter(|name| !name.is_ascii()) {
                    problems.push(Problem::new(
                        format!("{list}.{i}"),
                        format!("`{name}` must be ASCII; write an international name as `xn--...`"),
                    ));
                }
            }
        }
        let (subject, on) = (given.attr("subject"), |name: &str| given.attr(name).as_bool() == Some(true));
        if on("is_ca_certificate") && subject.is_empty() && !subject.is_unknown() {
            problems.push(Problem::new("subject", "an authority needs a subject"));
        }
        let known = !given.attr("set_subject_key_id").is_unknown() && !given.attr("is_ca_certificate").is_unknown();
        if on("set_authority_key_id") && known && !on("set_subject_key_id") && !on("is_ca_certificate") {
            problems.push(Problem::new("set_authority_key_id", "there is no hash of the issuer's key unless set_subject_key_id is true"));
        }
        problems
    }

    fn plan(planned: &mut Planned<'_>) {
        plan_at(planned, Timestamp::now());
    }
}

#[cfg(test)]
mod tests {
    use const_oid::AssociatedOid;
    use x509_cert::Certificate;
    use x509_cert::der::{Decode, DecodePem, Encode};
    use x509_cert::ext::pkix::{
        AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier,
    };

    use super::*;
    use crate::local::tests::{made, read, with};
    use crate::words::schema::Field;

    fn words(all: &[&str]) -> Vec<String> {
        all.iter().map(|&word| word.to_owned()).collect()
    }

    fn cert(key: &Key) -> TlsSelfSignedCert {
        TlsSelfSignedCert {
            private_key_pem: key.private_pem().unwrap(),
            validity_period_hours: 24,
            allowed_uses: words(&["key_encipherment", "digital_signature", "server_auth"]),
            subject: Some(Subject {
                common_name: Some("gateway.example.com".into()),
                organization: Some("Exämple".into()),
                organizational_unit: None,
                street_address: words(&["1 Long Road", "Back door"]),
                locality: None,
                province: None,
                postal_code: Some("12345".into()),
                country: Some("DE".into()),
                serial_number: None,
                email_address: Some("it@example.com".into()),
            }),
            dns_names: words(&["gateway.example.com"]),
            ip_addresses: words(&["10.0.0.1", "2001:db8::1"]),
            uris: words(&["spiffe://example/gateway"]),
            early_renewal_hours: Some(4),
            is_ca_certificate: Some(false),
            max_path_length: Some(-1),
            set_subject_key_id: Some(false),
            set_authority_key_id: Some(false),
            cert_pem: None,
            key_algorithm: None,
            ready_for_renewal: None,
            validity_start_time: None,
            validity_end_time: None,
        }
    }

    fn parsed(live: &Live<TlsSelfSignedCert>) -> Certificate {
        let pem = live.value.cert_pem.as_ref().unwrap();
        assert!(pem.ends_with("-----END CERTIFICATE-----\n"));
        Certificate::from_pem(pem).unwrap()
    }

    fn extension<E: AssociatedOid + for<'a> Decode<'a>>(cert: &Certificate) -> Option<(bool, E)> {
        let all = cert.tbs_certificate.extensions.as_ref().unwrap();
        let found = all.iter().find(|e| e.extn_id == E::OID)?;
        Some((found.critical, E::from_der(found.extn_value.as_bytes()).unwrap()))
    }

    #[tokio::test]
    async fn a_certificate_says_what_was_asked_for() {
        let live = made(cert(&Key::ecdsa("P256").unwrap())).await;
        let cert = parsed(&live);
        let tbs = &cert.tbs_certificate;
        let name = tbs.subject.to_string();
        for part in ["CN=gateway.example.com", "C=DE", "POSTALCODE=12345", "1 Long Road"] {
            assert!(name.contains(part), "{part} in {name}");
        }
        assert_eq!(tbs.issuer, tbs.subject);
        let serial = tbs.serial_number.as_bytes().iter().fold(0_u128, |n, byte| n << 8 | u128::from(*byte));
        assert_eq!(live.id, serial.to_string());
        let (critical, uses) = extension::<KeyUsage>(&cert).unwrap();
        assert!(critical && uses.digital_signature() && uses.key_encipherment() && !uses.key_cert_sign());
        assert_eq!(extension::<ExtendedKeyUsage>(&cert).unwrap().1.0.len(), 1);
        assert_eq!(extension::<SubjectAltName>(&cert).unwrap().1.0.len(), 4);
        assert_eq!(extension::<BasicConstraints>(&cert).unwrap(), (true, BasicConstraints { ca: false, path_len_constraint: None }));
        assert!(extension::<SubjectKeyIdentifier>(&cert).is_none() && extension::<AuthorityKeyIdentifier>(&cert).is_none());
        let hours = |t: &Option<String>| t.as_ref().unwrap().parse::<Timestamp>().unwrap().as_second() / 3600;
        assert_eq!(hours(&live.value.validity_end_time) - hours(&live.value.validity_start_time), 24);
        assert_eq!(live.value.key_algorithm.as_deref(), Some("ECDSA"));
    }

    #[tokio::test]
    async fn every_kind_of_key_signs() {
        use p256::ecdsa::signature::hazmat::PrehashVerifier;
        use sha2::Digest;
        for key in
            [Key::rsa(2048).unwrap(), Key::ecdsa("P384").unwrap(), Key::ecdsa("P521").unwrap(), Key::ecdsa("P224").unwrap(), Key::ed25519()]
        {
            let cert = parsed(&made(cert(&key)).await);
            let (tbs, signature) = (cert.tbs_certificate.to_der().unwrap(), cert.signature.raw_bytes());
            match &key {
                Key::Rsa(key) => {
                    let scheme = rsa::Pkcs1v15Sign::new::<sha2::Sha256>();
                    key.to_public_key().verify(scheme, &sha2::Sha256::digest(&tbs), signature).unwrap();
                }
                Key::P384(key) => {
                    let signature = p384::ecdsa::Signature::from_der(signature).unwrap();
                    let key = p384::ecdsa::VerifyingKey::from(key.public_key());
                    key.verify_prehash(&sha2::Sha384::digest(&tbs), &signature).unwrap();
                }
                Key::Ed25519(key) => {
                    let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
                    key.verifying_key().verify_strict(&tbs, &signature).unwrap();
                }
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn an_authority_is_marked_as_one() {
        let want = TlsSelfSignedCert {
            is_ca_certificate: Some(true),
            max_path_length: Some(0),
            set_authority_key_id: Some(true),
            allowed_uses: words(&["cert_signing", "crl_signing", "decipher_only"]),
            ..cert(&Key::ed25519())
        };
        let cert = parsed(&made(want).await);
        assert_eq!(extension::<BasicConstraints>(&cert).unwrap(), (true, BasicConstraints { ca: true, path_len_constraint: Some(0) }));
        let own = extension::<SubjectKeyIdentifier>(&cert).unwrap().1.0;
        assert_eq!(extension::<AuthorityKeyIdentifier>(&cert).unwrap().1.key_identifier, Some(own));
        assert!(extension::<KeyUsage>(&cert).unwrap().1.decipher_only());
        assert!(extension::<ExtendedKeyUsage>(&cert).is_none());
    }

    #[tokio::test]
    async fn without_a_subject_the_other_names_must_be_understood() {
        let cert = parsed(&made(TlsSelfSignedCert { subject: None, ..cert(&Key::ed25519()) }).await);
        assert!(cert.tbs_certificate.subject.0.is_empty() && extension::<SubjectAltName>(&cert).unwrap().0);
    }

    #[tokio::test]
    async fn near_its_end_it_is_replaced() {
        let live = made(cert(&Key::ed25519())).await;
        let value = live.value.give();
        let reasons = |hours: i64| {
            let mut want = value.clone();
            let mut planned = Planned::new(Some(&value), &mut want, &[]);
            plan_at(&mut planned, Timestamp::now() + SignedDuration::from_hours(hours));
            planned.replace
        };
        assert!(reasons(19).is_empty());
        assert_eq!(reasons(20), ["ready_for_renewal"]);
        let early = TlsSelfSignedCert { early_renewal_hours: Some(30), ..live.value.clone() };
        let sooner = with(async |cx| early.generate(cx, Some(&live)).await.unwrap()).await;
        assert_eq!((&sooner.value.cert_pem, sooner.value.ready_for_renewal), (&live.value.cert_pem, Some(true)));
        assert_eq!(read(&sooner).await.unwrap().value.ready_for_renewal, Some(true));
    }

    #[tokio::test]
    async fn an_end_beyond_the_calendar_is_told() {
        let want = TlsSelfSignedCert { validity_period_hours: 70_000_000, ..cert(&Key::ed25519()) };
        let failure = with(async |cx| want.generate(cx, None).await.unwrap_err()).await;
        assert!(failure.message.contains("after the year 9999"), "{failure}");
        let long = parsed(&made(TlsSelfSignedCert { validity_period_hours: 24 * 365 * 60, ..cert(&Key::ed25519()) }).await);
        assert!(matches!(long.tbs_certificate.validity.not_after, x509_cert::time::Time::GeneralTime(_)));
    }

    #[test]
    fn what_cannot_be_signed_is_told_before() {
        let given = Value::object([
            ("allowed_uses", Value::list([Value::from("sever_auth"), Value::unknown()])),
            ("ip_addresses", Value::list([Value::from("10.0.0.256")])),
            ("dns_names", Value::list([Value::from("münchen.de")])),
            ("is_ca_certificate", Value::from(true)),
        ]);
        let problems = TlsSelfSignedCert::check(&given);
        let paths: Vec<_> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(paths, ["allowed_uses.0", "ip_addresses.0", "dns_names.0", "subject"]);
        assert_eq!(problems[0].message, "`sever_auth` is no use of a certificate; `server_auth` is");
    }
}
