//! What a call is, in whichever protocol it came, and errors in the same.

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

/// A call as it came in.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// As signed for: `ec2`, `iam`, `logs`.
    pub service: String,
    /// Such as `RunInstances`; of the REST services that are not known here, the method and path.
    pub action: String,
    /// The access key that signed it, which stands for the account.
    pub account: String,
    /// The parameters of a query call, in order; of others none.
    pub form: Vec<(String, String)>,
    /// Whether it speaks CBOR.
    pub cbor: bool,
    /// The body of a JSON call.
    pub json: serde_json::Value,
    /// The status of the answer, the code of a refusal made here, or how it was cut; empty while it runs.
    pub outcome: String,
}

impl Call {
    pub(super) fn of(head: &Parts, body: &Bytes) -> Self {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let scope: Vec<&str> = header("authorization").split("Credential=").nth(1).unwrap_or_default().split('/').collect();
        let text = std::str::from_utf8(body).unwrap_or_default();
        let query = header("content-type").starts_with("application/x-www-form-urlencoded");
        let form = if query { parse_form(text) } else { vec![] };
        let named = form.iter().find(|(key, _)| key == "Action").map(|(_, value)| value.clone());
        let target = header("x-amz-target").rsplit('.').next().filter(|name| !name.is_empty()).map(str::to_owned);
        let action = named.or(target).unwrap_or_else(|| of_path(head.method.as_str(), head.uri.path()));
        Self {
            service: (*scope.get(3).unwrap_or(&"")).to_owned(),
            account: (*scope.first().unwrap_or(&"")).to_owned(),
            action,
            form,
            cbor: head.uri.path().contains("/operation/"),
            json: serde_json::from_str(text).unwrap_or_default(),
            outcome: String::new(),
        }
    }

    /// Whether it changes nothing.
    pub fn reads(&self) -> bool {
        ["Describe", "Get", "List"].iter().any(|verb| self.action.starts_with(verb))
    }

    /// The parameter of a query call.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn parse_form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (decode(key), decode(value))).collect()
}

/// Names of REST calls, as far as the stacks make them.
fn of_path(method: &str, path: &str) -> String {
    // RPC over CBOR: /service/NAME/operation/ACTION
    if let Some((_, action)) = path.split_once("/operation/") {
        return action.to_owned();
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
    let name = match (method, parts.as_slice()) {
        ("POST", ["hostedzone"]) => "CreateHostedZone",
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("POST", ["hostedzone", _]) => "UpdateHostedZoneComment",
        ("DELETE", ["hostedzone", _]) => "DeleteHostedZone",
        ("POST", ["hostedzone", _, "rrset"]) => "ChangeResourceRecordSets",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("GET", ["change", _]) => "GetChange",
        ("GET", ["tags", "hostedzone", _]) => "ListTagsForResource",
        ("POST", ["tags", "hostedzone"]) => "ListTagsForResources",
        ("POST", ["tags", "hostedzone", _]) => "ChangeTagsForResource",
        _ => return format!("{method} {path}"),
    };
    name.to_owned()
}

/// Whether the action is the one meant: itself, `Begin*`, or `*`.
pub(super) fn matches(pattern: &str, action: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == action, |begin| action.starts_with(begin))
}

/// Actions that answer in pages, and the parameter that bounds a page. Each service may answer fewer than was asked for at any time.
const PAGES: &[(&str, &str, u32)] = &[
    ("DescribeInstances", "MaxResults", 5),
    ("DescribeSecurityGroups", "MaxResults", 5),
    ("DescribeSecurityGroupRules", "MaxResults", 5),
    ("DescribeVolumes", "MaxResults", 5),
    ("DescribeVpcs", "MaxResults", 5),
    ("DescribeSubnets", "MaxResults", 5),
    ("ListAttachedRolePolicies", "MaxItems", 1),
    ("ListRolePolicies", "MaxItems", 1),
    ("ListRoles", "MaxItems", 1),
    ("ListInstanceProfiles", "MaxItems", 1),
    ("ListPolicies", "MaxItems", 1),
    ("DescribeAlarms", "MaxRecords", 1),
    ("DescribeLogGroups", "limit", 1),
    ("GetResources", "ResourcesPerPage", 1),
];

/// The request with a bound on the page, where it has none and may have one.
pub(super) fn in_pages(call: &Call, body: Bytes, size: u32) -> Bytes {
    let Some((_, name, least)) = PAGES.iter().find(|(action, _, _)| *action == call.action) else { return body };
    let size = size.max(*least);
    if !call.form.is_empty() {
        // A list of ids takes no bound.
        let ids = call.form.iter().any(|(key, _)| key == name || key.ends_with("Id.1"));
        return if ids { body } else { Bytes::from([&body[..], format!("&{name}={size}").as_bytes()].concat()) };
    }
    let mut json = call.json.clone();
    match json.as_object_mut() {
        Some(object) if !object.contains_key(*name) && !object.contains_key("ResourceARNList") => {
            object.insert((*name).to_owned(), size.into());
            Bytes::from(json.to_string())
        }
        _ => body,
    }
}

/// A text in CBOR, of less than 256 bytes.
fn text(text: &str) -> Vec<u8> {
    [&[0x78, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}

/// An error that the proxy gives itself.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    pub(super) fn throttled(call: &Call) -> Self {
        match call.service.as_str() {
            "ec2" => Self::new(503, "RequestLimitExceeded", "Request limit exceeded."),
            "s3" => Self::new(503, "SlowDown", "Please reduce your request rate."),
            _ if call.cbor || (call.form.is_empty() && !call.json.is_null()) => Self::new(400, "ThrottlingException", "Rate exceeded"),
            _ => Self::new(400, "Throttling", "Rate exceeded"),
        }
    }

    pub(super) fn denied(call: &Call) -> Self {
        let code = match call.service.as_str() {
            "ec2" => "UnauthorizedOperation",
            _ if call.form.is_empty() => "AccessDeniedException",
            _ => "AccessDenied",
        };
        Self::new(403, code, &format!("User is not authorized to perform: {}:{}", call.service, call.action))
    }

    pub(super) fn broken(status: u16) -> Self {
        let code = if status == 503 { "ServiceUnavailable" } else { "InternalError" };
        Self::new(status, code, "An internal error has occurred")
    }

    pub(super) fn response(&self, call: &Call) -> Response<Full<Bytes>> {
        let Self { status, code, message } = self;
        if call.cbor {
            let body: Vec<u8> = [&[0xa2][..], &text("__type"), &text(code), &text("message"), &text(message)].concat();
            let response = Response::builder().status(*status).header("smithy-protocol", "rpc-v2-cbor");
            return response.header("content-type", "application/cbor").body(Full::new(Bytes::from(body))).unwrap();
        }
        let (kind, text) = if call.service == "ec2" {
            let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            ("text/xml", format!("<Response><Errors>{error}</Errors><RequestID>proxy</RequestID></Response>"))
        } else if call.service == "s3" {
            ("application/xml", format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>proxy</RequestId></Error>"))
        } else if !call.form.is_empty() || call.service == "route53" {
            let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
            ("text/xml", format!("<ErrorResponse>{error}<RequestId>proxy</RequestId></ErrorResponse>"))
        } else {
            ("application/x-amz-json-1.1", serde_json::json!({ "__type": code, "message": message }).to_string())
        };
        let response = Response::builder().status(*status).header("content-type", kind).header("x-amzn-errortype", code.as_str());
        response.body(Full::new(Bytes::from(text))).unwrap()
    }
}
