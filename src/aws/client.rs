//! The clients of one configuration of the provider, and whose account they act on.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::config::{Config, Endpoints};
use super::rate::Rates;
use super::region;
use super::transport::{Watch, http_client};
use crate::words::drift::Deed;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::reads::Reads;
use crate::words::resource::{Cloud, Fut, Identity, Settings, Tags};

/// How long a look for credentials may take where no profile names a slower way, such as a program that asks for a code.
const CREDENTIALS: Duration = Duration::from_millis(1500);

/// What is made when it is first used.
pub type Lazy<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

/// The clients. They share one connection pool, and each is made when it is first used: a stack needs few of them, and to make
/// them all reads a good part of the program from disk.
#[derive(Debug)]
pub struct Aws {
    /// ACM.
    pub acm: Lazy<aws_sdk_acm::Client>,
    /// Application Auto Scaling.
    pub application_autoscaling: Lazy<aws_sdk_applicationautoscaling::Client>,
    /// EC2 Auto Scaling.
    pub autoscaling: Lazy<aws_sdk_autoscaling::Client>,
    /// CloudTrail.
    pub cloudtrail: Lazy<aws_sdk_cloudtrail::Client>,
    /// CloudWatch.
    pub cloudwatch: Lazy<aws_sdk_cloudwatch::Client>,
    /// Data Lifecycle Manager.
    pub dlm: Lazy<aws_sdk_dlm::Client>,
    /// EC2.
    pub ec2: Lazy<aws_sdk_ec2::Client>,
    /// ECR.
    pub ecr: Lazy<aws_sdk_ecr::Client>,
    /// ECS.
    pub ecs: Lazy<aws_sdk_ecs::Client>,
    /// Elastic Load Balancing: Application, Network and Gateway Load Balancers.
    pub elb: Lazy<aws_sdk_elasticloadbalancingv2::Client>,
    /// EventBridge.
    pub events: Lazy<aws_sdk_eventbridge::Client>,
    /// IAM; its calls go to the partition's one region.
    pub iam: Lazy<aws_sdk_iam::Client>,
    /// KMS.
    pub kms: Lazy<aws_sdk_kms::Client>,
    /// CloudWatch Logs.
    pub logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    /// Route 53; its calls go to the partition's one region.
    pub route53: Lazy<aws_sdk_route53::Client>,
    /// S3.
    pub s3: Lazy<aws_sdk_s3::Client>,
    /// Secrets Manager.
    pub secrets: Lazy<aws_sdk_secretsmanager::Client>,
    /// Service Quotas.
    pub quotas: Lazy<aws_sdk_servicequotas::Client>,
    /// SNS.
    pub sns: Lazy<aws_sdk_sns::Client>,
    /// SSM.
    pub ssm: Lazy<aws_sdk_ssm::Client>,
    /// STS.
    pub sts: Lazy<aws_sdk_sts::Client>,
    /// The tagging API: tags of many resources of any service in one call.
    pub tagging: Lazy<aws_sdk_resourcegroupstagging::Client>,
    /// The region of the configuration.
    pub region: String,
    /// Answers that never change, such as the name of a hosted zone, for as long as the clients live.
    pub kept: Reads,
    config: Config,
    default_tags: Tags,
    sdk: SdkConfig,
    identity: OnceCell<Identity>,
}

/// A client of each service: with the watch, and with the endpoint that the configuration names for it.
macro_rules! client {
    ($krate:ident, $sdk:expr, $watch:expr, $endpoint:expr $(, $method:ident($given:expr))*) => {{
        let (sdk, watch, endpoint) = ($sdk.clone(), $watch.clone(), $endpoint);
        let client: Box<dyn FnOnce() -> $krate::Client + Send> = Box::new(move || {
            let mut config = $krate::config::Builder::from(&sdk).interceptor(watch)$(.$method($given))*;
            if let Some(url) = endpoint {
                config.set_endpoint_url(Some(url));
            }
            $krate::Client::from_conf(config.build())
        });
        LazyLock::new(client)
    }};
}

impl Aws {
    /// The clients for that configuration. Makes no call.
    pub async fn new(config: Config, settings: &Settings) -> Outcome<Self> {
        let rates = Arc::new(Rates::default());
        let sdk = sdk_config(&config, settings, rates.clone()).await?;
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let watch = Watch { calls: settings.calls.clone(), rates };
        let given = |pick: fn(&Endpoints) -> &Option<String>| match settings.sandbox {
            Some(_) => None,
            None => config.endpoints.iter().find_map(|e| pick(e).clone()),
        };
        // A local AWS has no host name for each bucket.
        let path_style = config.s3_use_path_style.unwrap_or(settings.sandbox.is_some());
        Ok(Self {
            acm: client!(aws_sdk_acm, sdk, watch, given(|e| &e.acm)),
            application_autoscaling: client!(aws_sdk_applicationautoscaling, sdk, watch, given(|e| &e.applicationautoscaling)),
            autoscaling: client!(aws_sdk_autoscaling, sdk, watch, given(|e| &e.autoscaling)),
            cloudtrail: client!(aws_sdk_cloudtrail, sdk, watch, given(|e| &e.cloudtrail)),
            cloudwatch: client!(aws_sdk_cloudwatch, sdk, watch, given(|e| &e.cloudwatch)),
            dlm: client!(aws_sdk_dlm, sdk, watch, given(|e| &e.dlm)),
            ec2: client!(aws_sdk_ec2, sdk, watch, given(|e| &e.ec2)),
            ecr: client!(aws_sdk_ecr, sdk, watch, given(|e| &e.ecr)),
            ecs: client!(aws_sdk_ecs, sdk, watch, given(|e| &e.ecs)),
            elb: client!(aws_sdk_elasticloadbalancingv2, sdk, watch, given(|e| &e.elbv2)),
            events: client!(aws_sdk_eventbridge, sdk, watch, given(|e| &e.eventbridge)),
            iam: client!(aws_sdk_iam, sdk, watch, given(|e| &e.iam)),
            kms: client!(aws_sdk_kms, sdk, watch, given(|e| &e.kms)),
            logs: client!(aws_sdk_cloudwatchlogs, sdk, watch, given(|e| &e.logs)),
            route53: client!(aws_sdk_route53, sdk, watch, given(|e| &e.route53)),
            s3: client!(aws_sdk_s3, sdk, watch, given(|e| &e.s3), force_path_style(path_style)),
            secrets: client!(aws_sdk_secretsmanager, sdk, watch, given(|e| &e.secretsmanager)),
            quotas: client!(aws_sdk_servicequotas, sdk, watch, given(|e| &e.servicequotas)),
            sns: client!(aws_sdk_sns, sdk, watch, given(|e| &e.sns)),
            ssm: client!(aws_sdk_ssm, sdk, watch, given(|e| &e.ssm)),
            sts: client!(aws_sdk_sts, sdk, watch, given(|e| &e.sts)),
            tagging: client!(aws_sdk_resourcegroupstagging, sdk, watch, given(|e| &e.resourcegroupstaggingapi)),
            region,
            kept: Reads::default(),
            default_tags: config.default_tags.as_ref().map(|d| d.tags.clone()).unwrap_or_default(),
            sdk,
            config,
            identity: OnceCell::new(),
        })
    }

    /// `aws`, `aws-cn` or `aws-us-gov`, by the region.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        match self.region.split('-').next() {
            Some("cn") => "aws-cn",
            _ if self.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// The domain that the partition's hosts end with.
    #[must_use]
    pub fn dns_suffix(&self) -> &'static str {
        if self.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" }
    }

    /// The account's number.
    pub async fn account(&self) -> Outcome<String> {
        Ok(self.who().await?.account.clone())
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE` in this account and region.
    pub async fn arn(&self, service: &str, resource: &str) -> Outcome<String> {
        Ok(format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account().await?))
    }

    /// Whose account it is; asked once.
    pub async fn who(&self) -> Outcome<&Identity> {
        self.identity
            .get_or_try_init(|| async {
                self.look_for_credentials().await?;
                let answer = self.sts.get_caller_identity().send().await.map_err(|error| self.unanswered(error.into()))?;
                let account = answer.account.unwrap_or_default();
                self.may_touch(&account)?;
                Ok(Identity { account, caller: answer.arn.unwrap_or_default(), region: self.region.clone() })
            })
            .await
    }

    /// Why the first call of all may have had no answer: most often its host does not exist, or can't be reached.
    fn unanswered(&self, failure: Failure) -> Failure {
        if failure.cause != Cause::Lost || !failure.code.is_empty() {
            return failure;
        }
        let help = region::doubt(&self.region);
        failure.help(help.unwrap_or_else(|| "check the network, the proxy, and AWS_ENDPOINT_URL where it is set".into()))
    }

    /// Missing credentials are told at once and in words: the chain's own search takes seconds and its error is unreadable.
    async fn look_for_credentials(&self) -> Outcome<()> {
        let Some(provider) = self.sdk.credentials_provider() else { return Err(no_credentials("no source of credentials is configured")) };
        let slow = self.config.profile.is_some() || has_profile(&self.config).await;
        let limit = if slow { Duration::from_secs(120) } else { CREDENTIALS };
        match tokio::time::timeout(limit, provider.provide_credentials()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                Err(no_credentials(&self.nowhere(&why).await))
            }
            Err(_) => Err(no_credentials(&self.nowhere("nothing answered in time").await)),
        }
    }

    /// Why the chain has come to its end without credentials, in words that name what the user has set.
    async fn nowhere(&self, why: &str) -> String {
        match missing_profile(&self.config).await {
            Some(missing) => format!("no configuration file has the profile `{missing}`"),
            // The metadata service is asked last: it is where every search ends that found nothing.
            None if why.contains("IMDS") => {
                "neither the environment, nor a profile, nor the metadata service of an instance has any".into()
            }
            None => why.to_owned(),
        }
    }

    fn may_touch(&self, account: &str) -> Outcome<()> {
        let Config { allowed_account_ids: allowed, forbidden_account_ids: forbidden, .. } = &self.config;
        if forbidden.contains(account) || !(allowed.is_empty() || allowed.contains(account)) {
            return Err(Failure::other(format!("the credentials are those of account {account}, which this stack must not touch"))
                .because(Cause::Denied)
                .help("choose another profile, or change `allowed_account_ids` or `forbidden_account_ids` of `provider.aws`"));
        }
        Ok(())
    }
}

fn no_credentials(why: &str) -> Failure {
    Failure::other(format!("there are no AWS credentials: {why}")).because(Cause::Denied).help(
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`; with --sandbox a local AWS needs none",
    )
}

async fn profiles(config: &Config) -> Option<aws_config::profile::ProfileSet> {
    let (fs, env) = (aws_types::os_shim_internal::Fs::real(), aws_types::os_shim_internal::Env::real());
    aws_config::profile::load(&fs, &env, &files(config), config.profile.clone().map(Into::into)).await.ok()
}

async fn has_profile(config: &Config) -> bool {
    profiles(config).await.is_some_and(|profiles| profiles.get_profile(profiles.selected_profile()).is_some())
}

/// The profile that was chosen and that does not exist. `default` is chosen by nobody.
async fn missing_profile(config: &Config) -> Option<String> {
    let profiles = profiles(config).await?;
    let chosen = profiles.selected_profile();
    (chosen != "default" && profiles.get_profile(chosen).is_none()).then(|| chosen.to_owned())
}

fn files(config: &Config) -> EnvConfigFiles {
    if config.shared_config_files.is_empty() && config.shared_credentials_files.is_empty() {
        return EnvConfigFiles::default();
    }
    let mut files = EnvConfigFiles::builder();
    for path in &config.shared_config_files {
        files = files.with_file(EnvConfigFileKind::Config, path);
    }
    for path in &config.shared_credentials_files {
        files = files.with_file(EnvConfigFileKind::Credentials, path);
    }
    files.build()
}

async fn region(config: &Config, settings: &Settings) -> Outcome<Region> {
    if let Some(region) = &config.region {
        return Ok(Region::new(region.clone()));
    }
    let mut profile = ProfileFileRegionProvider::builder().profile_files(files(config));
    if let Some(name) = &config.profile {
        profile = profile.profile_name(name);
    }
    let found = match EnvironmentVariableRegionProvider::new().region().await {
        Some(region) => Some(region),
        None => profile.build().region().await,
    };
    // A newcomer's first command needs no configuration at all.
    let found = found.or_else(|| settings.sandbox.as_ref().map(|_| Region::from_static("us-east-1")));
    found.ok_or_else(|| {
        Failure::other("no AWS region is set").help("set `region` in `provider.aws`, AWS_REGION, or `region` in the profile")
    })
}

async fn sdk_config(config: &Config, settings: &Settings, rates: Arc<Rates>) -> Outcome<SdkConfig> {
    let retries = u32::try_from(config.max_retries.unwrap_or(25)).unwrap_or(25);
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(5)).read_timeout(Duration::from_secs(60)).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(rates))
        .region(region(config, settings).await?)
        .profile_files(files(config))
        .retry_config(RetryConfig::standard().with_max_attempts(retries + 1).with_max_backoff(Duration::from_secs(10)))
        .timeout_config(timeouts);
    if let Some(profile) = &config.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(yes) = config.use_fips_endpoint {
        loader = loader.use_fips(yes);
    }
    if let Some(yes) = config.use_dualstack_endpoint {
        loader = loader.use_dual_stack(yes);
    }
    if let Some(url) = &settings.sandbox {
        return Ok(loader
            .endpoint_url(url)
            .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "sandbox"))
            .load()
            .await);
    }
    if let (Some(key), Some(secret)) = (&config.access_key, &config.secret_key) {
        loader = loader.credentials_provider(Credentials::new(key, secret, config.token.clone(), None, "provider.aws"));
    }
    let sdk = loader.load().await;
    match &config.assume_role {
        Some(role) => assume(sdk, role).await,
        None => Ok(sdk),
    }
}

async fn assume(sdk: SdkConfig, role: &super::config::AssumeRole) -> Outcome<SdkConfig> {
    let Some(arn) = &role.role_arn else { return Err(Failure::other("`assume_role` needs a `role_arn`")) };
    let mut provider = aws_config::sts::AssumeRoleProvider::builder(arn).configure(&sdk);
    provider = provider.session_name(role.session_name.as_deref().unwrap_or("ferroform"));
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    if let Some(policy) = &role.policy {
        provider = provider.policy(policy);
    }
    if !role.policy_arns.is_empty() {
        provider = provider.policy_arns(role.policy_arns.iter().cloned().collect());
    }
    if let Some(text) = &role.duration {
        let span: jiff::SignedDuration =
            text.parse().map_err(|_| Failure::other(format!("`duration` should be like `1h`, not `{text}`")))?;
        provider = provider.session_length(Duration::from_secs(u64::try_from(span.as_secs()).unwrap_or(3600)));
    }
    let provider = provider.build().await;
    Ok(sdk.into_builder().credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(provider)).build())
}

impl Cloud for Aws {
    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
    fn identity(&self) -> Fut<'_, Outcome<Option<Identity>>> {
        Box::pin(async { self.who().await.cloned().map(Some) })
    }
    fn deed<'a>(&'a self, kind: &'a str, names: &'a [String], since: Option<Timestamp>) -> Fut<'a, Outcome<Option<Deed>>> {
        Box::pin(super::trail::deed(self, kind, names, since))
    }
    fn default_tags(&self) -> &Tags {
        &self.default_tags
    }
    fn ignores_tag(&self, key: &str) -> bool {
        let ignored = self.config.ignore_tags.as_ref();
        key.starts_with("aws:")
            || ignored.is_some_and(|i| i.keys.contains(key) || i.key_prefixes.iter().any(|p| key.starts_with(p.as_str())))
    }
}
