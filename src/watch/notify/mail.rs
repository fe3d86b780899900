//! Mail.

use lettre::message::{Message, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as Encryption, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde_json::Value as Json;

use super::{Email, PATIENCE, Secret, Tls, chain};
use crate::watch::history::Delivery;

/// Sends it; the id of the message is that of the delivery, so that a second one is known for the same.
pub(super) async fn send(email: &Email, password: Option<&Secret>, data: &Json, delivery: &Delivery) -> Result<(), String> {
    let domain = email.from.email.domain();
    let thread = format!("<{}@{domain}>", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, message_thread(delivery).as_bytes()));
    let mut message = Message::builder()
        .from(email.from.clone())
        .subject(email.text.line("subject", data)?)
        .message_id(Some(format!("<{}@{domain}>", delivery.id)))
        // Mails about one stack stand together.
        .references(thread);
    for to in &email.to {
        message = message.to(to.clone());
    }
    let body = MultiPart::alternative_plain_html(email.text.render("text", data)?, email.text.render("html", data)?);
    let message = message.multipart(body).map_err(|e| format!("the mail can't be written: {e}"))?;
    let encryption = || TlsParameters::new_rustls(email.host.clone()).map_err(|e| chain(&e));
    let tls = match email.tls {
        Tls::Upgraded => Encryption::Required(encryption()?),
        Tls::Wrapped => Encryption::Wrapper(encryption()?),
        Tls::Plain => Encryption::None,
    };
    let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.host).port(email.port).tls(tls).timeout(Some(PATIENCE));
    if let (Some((user, _)), Some(password)) = (&email.login, password) {
        server = server.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    server.build().send(message).await.map_err(|e| chain(&e))?;
    Ok(())
}

fn message_thread(delivery: &Delivery) -> String {
    format!("ferroform:drift:{}:{}", delivery.stack, delivery.workspace)
}
