//! What a listener or rule does with a request.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types::{
    Action as SdkAction, ActionTypeEnum, AuthenticateCognitoActionConditionalBehaviorEnum, AuthenticateCognitoActionConfig,
    AuthenticateOidcActionConditionalBehaviorEnum, AuthenticateOidcActionConfig, FixedResponseActionConfig, ForwardActionConfig,
    RedirectActionConfig, RedirectActionStatusCodeEnum, TargetGroupStickinessConfig, TargetGroupTuple,
};

use super::{int, some};
use crate::aws::types::Arn;
use crate::words::resource::Problem;
use crate::words::value::Value;

crate::blocks! {
    /// What becomes of a request.
    pub struct Action {
        /// Sign the user in with Cognito.
        authenticate_cognito: Option<Cognito>,
        /// Sign the user in with OpenID Connect.
        authenticate_oidc: Option<Oidc>,
        /// Answer it here.
        fixed_response: Option<FixedResponse>,
        /// Send it to one of several target groups.
        forward: Option<Forward>,
        /// Which action comes first.
        #[attr(chosen, within(1, 50000))]
        order: Option<i64>,
        /// Send the client elsewhere.
        redirect: Option<Redirect>,
        /// Send it to that target group.
        #[attr(refers("aws_lb_target_group.arn"))]
        target_group_arn: Option<Arn>,
        /// What is done.
        #[attr(one_of(&["forward", "redirect", "fixed-response", "authenticate-cognito", "authenticate-oidc"]))]
        r#type: String,
    }

    /// Signing in with Cognito.
    pub struct Cognito {
        /// What is sent along, at most ten.
        authentication_request_extra_params: BTreeMap<String, String>,
        /// What becomes of those who are not signed in.
        #[attr(chosen, one_of(&["deny", "allow", "authenticate"]))]
        on_unauthenticated_request: Option<String>,
        /// What is asked to know of the user.
        #[attr(chosen)]
        scope: Option<String>,
        /// The cookie that keeps the session.
        #[attr(chosen)]
        session_cookie_name: Option<String>,
        /// For how many seconds a session lasts.
        #[attr(chosen)]
        session_timeout: Option<i64>,
        /// The user pool.
        user_pool_arn: Arn,
        /// Its client.
        user_pool_client_id: String,
        /// Its domain, or the beginning of it.
        user_pool_domain: String,
    }

    /// Signing in with OpenID Connect.
    pub struct Oidc {
        /// What is sent along, at most ten.
        authentication_request_extra_params: BTreeMap<String, String>,
        /// Where users are sent to sign in.
        authorization_endpoint: String,
        /// Who asks.
        client_id: String,
        /// Its secret.
        #[attr(required, sensitive)]
        client_secret: Option<String>,
        /// Who vouches.
        issuer: String,
        /// What becomes of those who are not signed in.
        #[attr(chosen, one_of(&["deny", "allow", "authenticate"]))]
        on_unauthenticated_request: Option<String>,
        /// What is asked to know of the user.
        #[attr(chosen)]
        scope: Option<String>,
        /// The cookie that keeps the session.
        #[attr(chosen)]
        session_cookie_name: Option<String>,
        /// For how many seconds a session lasts.
        #[attr(chosen)]
        session_timeout: Option<i64>,
        /// Where tokens are had.
        token_endpoint: String,
        /// Where the user's data are had.
        user_info_endpoint: String,
    }

    /// An answer of the load balancer's own.
    pub struct FixedResponse {
        /// What it is.
        #[attr(one_of(&["text/plain", "text/css", "text/html", "application/javascript", "application/json"]))]
        content_type: String,
        /// The text.
        #[attr(within(0, 1024))]
        message_body: Option<String>,
        /// Its HTTP code: 2xx, 4xx or 5xx.
        #[attr(chosen)]
        status_code: Option<String>,
    }

    /// To which target groups.
    pub struct Forward {
        /// Whether a client stays with a group.
        stickiness: Option<Stickiness>,
        /// The groups.
        #[attr(required, max_items(5))]
        target_group: BTreeSet<Weighted>,
    }

    /// Whether a client stays with a group.
    pub struct Stickiness {
        /// For how many seconds.
        #[attr(within(1, 604_800))]
        duration: i64,
        /// Whether it does.
        #[attr(default_bool(false))]
        enabled: Option<bool>,
    }

    /// A target group and its share.
    pub struct Weighted {
        /// Its ARN.
        #[attr(refers("aws_lb_target_group.arn"))]
        arn: Arn,
        /// Its share, among those of the others.
        #[attr(default_int(1), within(0, 999))]
        weight: Option<i64>,
    }

    /// Where to.
    pub struct Redirect {
        /// The host.
        #[attr(default_text("#{host}"), within(1, 128))]
        host: Option<String>,
        /// The path, with `/` at its beginning.
        #[attr(default_text("/#{path}"), within(1, 128))]
        path: Option<String>,
        /// The port.
        #[attr(default_text("#{port}"))]
        port: Option<String>,
        /// `HTTP`, `HTTPS` or `#{protocol}`.
        #[attr(default_text("#{protocol}"), one_of(&["#{protocol}", "HTTP", "HTTPS"]))]
        protocol: Option<String>,
        /// The query, without `?`.
        #[attr(default_text("#{query}"), within(0, 128))]
        query: Option<String>,
        /// For good or for now.
        #[attr(one_of(&["HTTP_301", "HTTP_302"]))]
        status_code: String,
    }
}

impl Action {
    /// For a call, at that place. The client secret stays what it is where the one that is there has the same.
    fn sdk(&self, at: usize, old: Option<&Self>) -> SdkAction {
        let order = int(self.order).filter(|o| *o > 0).unwrap_or_else(|| i32::try_from(at + 1).unwrap_or(i32::MAX));
        let action = SdkAction::builder().r#type(ActionTypeEnum::from(self.r#type.as_str())).order(order);
        match self.r#type.as_str() {
            "forward" => match &self.forward {
                Some(forward) => action.forward_config(forward.sdk()),
                None => action.set_target_group_arn(self.target_group_arn.as_ref().map(|a| a.0.clone())),
            },
            "redirect" => action.set_redirect_config(self.redirect.as_ref().map(Redirect::sdk)),
            "fixed-response" => action.set_fixed_response_config(self.fixed_response.as_ref().map(FixedResponse::sdk)),
            "authenticate-cognito" => action.set_authenticate_cognito_config(self.authenticate_cognito.as_ref().map(Cognito::sdk)),
            "authenticate-oidc" => {
                let secret = old.and_then(|o| o.authenticate_oidc.as_ref()).and_then(|o| o.client_secret.as_ref());
                action.set_authenticate_oidc_config(self.authenticate_oidc.as_ref().map(|oidc| oidc.sdk(secret)))
            }
            _ => action,
        }
        .build()
    }
}

impl Forward {
    fn sdk(&self) -> ForwardActionConfig {
        let tuple = |g: &Weighted| TargetGroupTuple::builder().target_group_arn(&g.arn.0).set_weight(int(g.weight)).build();
        let sticky = self.stickiness.as_ref().map(|s| {
            let enabled = s.enabled.unwrap_or(false);
            TargetGroupStickinessConfig::builder().enabled(enabled).set_duration_seconds(int(Some(s.duration))).build()
        });
        let groups = self.target_group.iter().map(tuple).collect();
        ForwardActionConfig::builder().set_target_groups(Some(groups)).set_target_group_stickiness_config(sticky).build()
    }
}

impl Redirect {
    fn sdk(&self) -> RedirectActionConfig {
        let to = RedirectActionConfig::builder().set_host(self.host.clone()).set_path(self.path.clone()).set_port(self.port.clone());
        let to = to.set_protocol(self.protocol.clone()).set_query(self.query.clone());
        to.status_code(RedirectActionStatusCodeEnum::from(self.status_code.as_str())).build()
    }
}

impl FixedResponse {
    fn sdk(&self) -> FixedResponseActionConfig {
        let answer = FixedResponseActionConfig::builder().content_type(&self.content_type);
        answer.set_message_body(some(self.message_body.as_deref())).set_status_code(some(self.status_code.as_deref())).build()
    }
}

/// For a call; none rather than an empty map.
fn params(given: &BTreeMap<String, String>) -> Option<std::collections::HashMap<String, String>> {
    (!given.is_empty()).then(|| given.clone().into_iter().collect())
}

impl Cognito {
    fn sdk(&self) -> AuthenticateCognitoActionConfig {
        let otherwise = some(self.on_unauthenticated_request.as_deref());
        let config = AuthenticateCognitoActionConfig::builder().user_pool_arn(&self.user_pool_arn.0);
        let config = config.user_pool_client_id(&self.user_pool_client_id).user_pool_domain(&self.user_pool_domain);
        let config = config.set_scope(some(self.scope.as_deref())).set_session_cookie_name(some(self.session_cookie_name.as_deref()));
        let config = config.set_session_timeout(self.session_timeout.filter(|t| *t > 0));
        let config = config.set_authentication_request_extra_params(params(&self.authentication_request_extra_params));
        let otherwise = otherwise.as_deref().map(AuthenticateCognitoActionConditionalBehaviorEnum::from);
        config.set_on_unauthenticated_request(otherwise).build()
    }
}

impl Oidc {
    fn sdk(&self, old_secret: Option<&String>) -> AuthenticateOidcActionConfig {
        let otherwise = some(self.on_unauthenticated_request.as_deref());
        let config = AuthenticateOidcActionConfig::builder().issuer(&self.issuer).client_id(&self.client_id);
        let config = config.authorization_endpoint(&self.authorization_endpoint).token_endpoint(&self.token_endpoint);
        let config = config.user_info_endpoint(&self.user_info_endpoint).set_scope(some(self.scope.as_deref()));
        let config = config.set_session_cookie_name(some(self.session_cookie_name.as_deref()));
        let config = config.set_session_timeout(self.session_timeout.filter(|t| *t > 0));
        let config = config.set_authentication_request_extra_params(params(&self.authentication_request_extra_params));
        let otherwise = otherwise.as_deref().map(AuthenticateOidcActionConditionalBehaviorEnum::from);
        let config = config.set_on_unauthenticated_request(otherwise);
        match &self.client_secret {
            secret if secret.as_ref() == old_secret => config.use_existing_client_secret(true),
            secret => config.set_client_secret(secret.clone()),
        }
        .build()
    }
}

/// For a call.
pub(super) fn sdk(actions: &[Action], old: &[Action]) -> Vec<SdkAction> {
    actions.iter().enumerate().map(|(at, action)| action.sdk(at, old.get(at))).collect()
}

/// What AWS answers, spelled as it was asked for: one target group alone is told in two ways, and no secret is.
pub(super) fn of_sdk(actions: &[SdkAction], prior: &[Action]) -> Vec<Action> {
    let mut actions: Vec<&SdkAction> = actions.iter().collect();
    actions.sort_by_key(|a| a.order().unwrap_or(0));
    actions.iter().enumerate().map(|(at, action)| one(action, at, prior.get(at))).collect()
}

fn one(action: &SdkAction, at: usize, prior: Option<&Action>) -> Action {
    let (target_group_arn, forward) = forward(action, prior.and_then(|p| p.forward.as_ref()));
    let order = action.order().filter(|o| *o > 0).map(i64::from);
    let kind = |t: Option<&ActionTypeEnum>| t.map(|t| t.as_str().to_owned()).unwrap_or_default();
    Action {
        authenticate_cognito: action.authenticate_cognito_config().map(cognito),
        authenticate_oidc: action.authenticate_oidc_config().map(|o| oidc(o, prior.and_then(|p| p.authenticate_oidc.as_ref()))),
        fixed_response: action.fixed_response_config().map(|f| FixedResponse {
            content_type: f.content_type().unwrap_or_default().to_owned(),
            message_body: some(f.message_body()),
            status_code: some(f.status_code()),
        }),
        forward,
        order: order.or_else(|| i64::try_from(at + 1).ok()),
        redirect: action.redirect_config().map(|r| Redirect {
            host: r.host().map(str::to_owned),
            path: r.path().map(str::to_owned),
            port: r.port().map(str::to_owned),
            protocol: r.protocol().map(str::to_owned),
            query: r.query().map(str::to_owned),
            status_code: r.status_code().map(|s| s.as_str().to_owned()).unwrap_or_default(),
        }),
        target_group_arn,
        r#type: kind(action.r#type()),
    }
}

fn forward(action: &SdkAction, prior: Option<&Forward>) -> (Option<Arn>, Option<Forward>) {
    let config = action.forward_config();
    let groups: BTreeSet<Weighted> = config
        .map(ForwardActionConfig::target_groups)
        .unwrap_or_default()
        .iter()
        .map(|g| Weighted { arn: Arn(g.target_group_arn().unwrap_or_default().to_owned()), weight: g.weight().map(i64::from).or(Some(1)) })
        .collect();
    let asked = prior.and_then(|p| p.stickiness.as_ref());
    let sticky = config.and_then(|c| c.target_group_stickiness_config());
    let enabled = sticky.and_then(|s| s.enabled()).unwrap_or(false);
    let duration = sticky.and_then(|s| s.duration_seconds()).map(i64::from).or_else(|| asked.map(|a| a.duration));
    // One that is off is as good as none.
    let stickiness = duration.filter(|_| enabled || asked.is_some()).map(|duration| Stickiness { duration, enabled: Some(enabled) });
    let only = match (groups.first(), groups.len()) {
        (Some(only), 1) => Some(only.arn.clone()),
        _ => None,
    };
    match only.or_else(|| some(action.target_group_arn()).map(Arn)) {
        Some(arn) if prior.is_none() && !enabled && groups.len() <= 1 => (Some(arn), None),
        Some(arn) if groups.is_empty() => {
            (None, Some(Forward { stickiness, target_group: BTreeSet::from([Weighted { arn, weight: Some(1) }]) }))
        }
        _ if groups.is_empty() => (None, None),
        _ => (None, Some(Forward { stickiness, target_group: groups })),
    }
}

fn map(given: Option<&std::collections::HashMap<String, String>>) -> BTreeMap<String, String> {
    given.map(|g| g.iter().map(|(k, v)| (k.clone(), v.clone())).collect()).unwrap_or_default()
}

fn cognito(config: &AuthenticateCognitoActionConfig) -> Cognito {
    Cognito {
        authentication_request_extra_params: map(config.authentication_request_extra_params()),
        on_unauthenticated_request: some(config.on_unauthenticated_request().map(|o| o.as_str())),
        scope: some(config.scope()),
        session_cookie_name: some(config.session_cookie_name()),
        session_timeout: config.session_timeout(),
        user_pool_arn: Arn(config.user_pool_arn().unwrap_or_default().to_owned()),
        user_pool_client_id: config.user_pool_client_id().unwrap_or_default().to_owned(),
        user_pool_domain: config.user_pool_domain().unwrap_or_default().to_owned(),
    }
}

fn oidc(config: &AuthenticateOidcActionConfig, prior: Option<&Oidc>) -> Oidc {
    let text = |t: Option<&str>| t.unwrap_or_default().to_owned();
    Oidc {
        authentication_request_extra_params: map(config.authentication_request_extra_params()),
        authorization_endpoint: text(config.authorization_endpoint()),
        client_id: text(config.client_id()),
        client_secret: prior.and_then(|p| p.client_secret.clone()),
        issuer: text(config.issuer()),
        on_unauthenticated_request: some(config.on_unauthenticated_request().map(|o| o.as_str())),
        scope: some(config.scope()),
        session_cookie_name: some(config.session_cookie_name()),
        session_timeout: config.session_timeout(),
        token_endpoint: text(config.token_endpoint()),
        user_info_endpoint: text(config.user_info_endpoint()),
    }
}

/// What was read of an import, spelled as the configuration spells it.
pub(super) fn adopt(live: &Value, given: &Value) -> Value {
    let actions = live.items().iter().enumerate().map(|(at, live)| {
        let Some(given) = given.items().get(at) else { return live.clone() };
        let mut live = live.clone();
        if !given.attr("forward").is_empty() && live.attr("forward").is_empty() && !live.attr("target_group_arn").is_empty() {
            let group = Value::object([("arn", live.attr("target_group_arn").clone()), ("weight", Value::from(1_i64))]);
            let forward = Value::object([("stickiness", Value::list([])), ("target_group", Value::set([group]))]);
            live = live.with("target_group_arn", Value::Null).with("forward", Value::list([forward]));
        }
        // AWS tells no secret; that it is another shows when it is used.
        let secret = given.attr("authenticate_oidc").items().first().map(|o| o.attr("client_secret").clone());
        if let (Some(secret), Some(oidc)) = (secret, live.attr("authenticate_oidc").items().first().cloned()) {
            live = live.with("authenticate_oidc", Value::list([oidc.with("client_secret", secret)]));
        }
        live
    });
    Value::list(actions)
}

/// What is wrong with actions: each has its own block, and no other's, and the last one ends it.
pub(super) fn check(actions: &Value, name: &str) -> Vec<Problem> {
    let mut problems = vec![];
    for (at, action) in actions.items().iter().enumerate() {
        let Some(kind) = action.attr("type").as_str() else { continue };
        let block = kind.replace('-', "_");
        for other in ["authenticate_cognito", "authenticate_oidc", "fixed_response", "forward", "redirect"] {
            if other != block && !action.attr(other).is_empty() && !action.attr(other).is_unknown() {
                problems.push(Problem::new(
                    format!("{name}.{at}.{other}"),
                    format!("belongs to actions of the type `{}`", other.replace('_', "-")),
                ));
            }
        }
        let has = |name: &str| !action.attr(name).is_empty() || action.attr(name).is_unknown();
        if kind != "forward" && !has(&block) {
            problems.push(Problem::new(format!("{name}.{at}.type"), format!("an action of the type `{kind}` needs a block `{block}`")));
        }
        if kind == "forward" {
            match (has("target_group_arn"), has("forward")) {
                (false, false) => problems.push(Problem::new(
                    format!("{name}.{at}.type"),
                    "an action of the type `forward` needs a `target_group_arn` or a block `forward`",
                )),
                (true, true) if action.attr("forward").is_known() => problems.push(Problem::new(
                    format!("{name}.{at}.target_group_arn"),
                    "the target group stands in `target_group_arn` or in a block `forward`, not in both",
                )),
                _ => {}
            }
        }
        if let Some(answer) = action.attr("fixed_response").items().first()
            && let Some(code) = answer.attr("status_code").as_str()
            && !(code.len() == 3 && code.starts_with(['2', '4', '5']) && code.bytes().all(|b| b.is_ascii_digit()))
        {
            problems.push(Problem::new(format!("{name}.{at}.fixed_response.0.status_code"), "should be an HTTP code 2xx, 4xx or 5xx"));
        }
    }
    problems
}
