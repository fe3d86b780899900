//! The calls to AWS that telling takes: a secret's value, and a message to a topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::secret::Secret;
use crate::aws::AwsProvider;
use crate::aws::client::Aws;
use crate::words::Value;
use crate::words::failure::Failure;
use crate::words::resource::{Cloud as Clients, Provider, Settings};

/// Clients by region, made when they are first needed, with the credentials of the environment.
pub struct Cloud {
    settings: Settings,
    regions: Mutex<BTreeMap<Option<String>, Arc<dyn Clients>>>,
}

impl Cloud {
    /// Nothing is called yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, regions: Mutex::default() }
    }

    /// The value of a secret.
    pub(super) async fn secret(&self, id: &str) -> Result<Secret, String> {
        let why = |failure: Failure| format!("the secret `{id}` can't be read: {}", told(&failure));
        let clients = self.of_region(region(id)).await.map_err(why)?;
        let answer = aws(&*clients)?.secrets.get_secret_value().secret_id(id).send().await.map_err(|e| why(e.into()))?;
        answer.secret_string.map(Secret::new).ok_or_else(|| format!("the secret `{id}` holds no text"))
    }

    /// Tells a topic.
    pub(super) async fn publish(&self, topic: &str, subject: &str, text: &str, delivery: &str) -> Result<(), String> {
        let clients = self.of_region(region(topic)).await.map_err(|e| told(&e))?;
        let call = aws(&*clients)?.sns.publish().topic_arn(topic).subject(subject).message(text);
        // A FIFO topic drops the second of two with the same id.
        let call = if topic.ends_with(".fifo") { call.message_group_id("ferroform").message_deduplication_id(delivery) } else { call };
        call.send().await.map_err(|e| told(&e.into()))?;
        Ok(())
    }

    async fn of_region(&self, region: Option<&str>) -> Result<Arc<dyn Clients>, Failure> {
        let mut regions = self.regions.lock().await;
        let region = region.map(str::to_owned);
        if let Some(known) = regions.get(&region) {
            return Ok(known.clone());
        }
        let config = region.iter().map(|region| ("region", Value::from(region.as_str())));
        let clients = AwsProvider.configure(&Value::object(config), &self.settings).await?;
        regions.insert(region, clients.clone());
        Ok(clients)
    }
}

fn aws(clients: &dyn Clients) -> Result<&Aws, String> {
    clients.as_any().downcast_ref::<Aws>().ok_or_else(|| "there are no clients of AWS".to_owned())
}

/// The region in an ARN.
fn region(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).filter(|region| !region.is_empty())
}

fn told(failure: &Failure) -> String {
    let code = if failure.code.is_empty() { String::new() } else { format!("{}: ", failure.code) };
    format!("{} {}: {code}{}", failure.service, failure.operation, failure.message).trim_start_matches([' ', ':']).to_owned()
}
