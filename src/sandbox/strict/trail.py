"""CloudTrail's LookupEvents over the calls that were made here: moto keeps trails, and no events."""

import collections
import io
import json
import re
import threading
import time
import uuid
from urllib.parse import parse_qsl

import accounts

READS = re.compile(r"(Get|List|Describe|Head|Lookup|Search|Select|Simulate|Generate|BatchGet|AssumeRole|Decode)")
SCOPE = re.compile(r"Credential=([^/]+)/[^/]*/([^/]*)/([^/]+)/aws4_request")
IDS = re.compile(rb"arn:aws[\w-]*:[^<>\"\s]+|\b[a-z]{1,12}-[0-9a-f]{8,17}\b")
# S3 and Route 53 name what is done by method and path alone.
BUCKETS = {"publicAccessBlock": "PublicAccessBlock", "policy": "Policy", "versioning": "Versioning", "tagging": "Tagging", "acl": "Acl"}
BUCKETS |= {"encryption": "Encryption", "lifecycle": "Lifecycle", "ownershipControls": "OwnershipControls"}
EVENTS = collections.deque(maxlen=20_000)
LOCK = threading.Lock()


def texts(value):
    """All texts in a tree of parameters."""
    if isinstance(value, dict):
        return {text for item in value.values() for text in texts(item)}
    if isinstance(value, list):
        return {text for item in value for text in texts(item)}
    return {str(value)} if isinstance(value, (str, int)) else set()


def asked(environ, service, body):
    """What a call is named and whom it is about."""
    path = [part for part in environ.get("PATH_INFO", "").split("/") if part]
    method, query = environ.get("REQUEST_METHOD"), environ.get("QUERY_STRING", "")
    target = environ.get("HTTP_X_AMZ_TARGET")
    if service == "s3":
        about = next((word for key, word in BUCKETS.items() if key in query), "")
        verb = {"PUT": "Put" if about else "Create", "DELETE": "Delete", "POST": "Delete"}.get(method, "Get")
        return f"{verb}Bucket{about}", set(path[:1])
    if service == "route53":
        verb = {"GET": "Get", "DELETE": "Delete"}.get(method, "Change")
        return f"{verb}{'ResourceRecordSets' if path[-1:] == ['rrset'] else 'HostedZone'}", set(path)
    try:
        if target or body[:1] == b"{":
            return (target or "Call").split(".")[-1], texts(json.loads(body or b"{}"))
        form = dict(parse_qsl(body.decode("utf-8")))
        return form.get("Action", f"{method} {'/'.join(path)}"), set(form.values())
    except ValueError:
        return f"{method} {'/'.join(path)}", set(path)


def identity(key, account):
    """Whose access key it is, as CloudTrail writes it."""
    from moto.iam.models import iam_backends

    for backend in list(iam_backends[account].values()):
        for user in list(backend.users.values()):
            if any(known.access_key_id == key for known in user.access_keys):
                return {"type": "IAMUser", "userName": user.name, "arn": user.arn, "accountId": account}
    return {"type": "Root", "arn": f"arn:aws:iam::{account}:root", "accountId": account}


def lookup(account, region, body):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    given = json.loads(body or b"{}")
    names = {a["AttributeValue"] for a in given.get("LookupAttributes", []) if a["AttributeKey"] == "ResourceName"}
    since = given.get("StartTime", 0)
    with LOCK:
        found = [e for e in EVENTS if e["account"] == account and e["region"] == region and e["at"] >= since and names <= e["names"]]
    events = [event["told"] for event in reversed(found)][: given.get("MaxResults", 50)]
    return json.dumps({"Events": events}).encode()


def record(environ, service, region, key, body, answer):
    name, names = asked(environ, service, body)
    if READS.match(name):
        return
    account, at = accounts.account_of(key), int(time.time())
    who = identity(key, account)
    detail = {"eventName": name, "userIdentity": who, "userAgent": environ.get("HTTP_USER_AGENT", ""), "eventSource": f"{service}.amazonaws.com"}
    told = {
        "EventId": str(uuid.uuid4()), "EventName": name, "ReadOnly": "false", "EventTime": at, "EventSource": f"{service}.amazonaws.com",
        "Username": who.get("userName", "root"), "Resources": [], "CloudTrailEvent": json.dumps(detail),
    }  # fmt: skip
    names |= {text.decode("latin-1") for text in IDS.findall(answer[:65536])}
    with LOCK:
        EVENTS.append({"account": account, "region": region, "at": at, "names": names, "told": told})


def watched(app, moto, environ, start_response):
    """Answers LookupEvents, and passes on all else, which it remembers where it changes something."""
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not scope or length >= 1 << 20:
        return app(moto, environ, start_response)
    key, region, service = scope.groups()
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    if service == "cloudtrail" and environ.get("HTTP_X_AMZ_TARGET", "").endswith(".LookupEvents"):
        answer = lookup(accounts.account_of(key), region, body)
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(answer)))])
        return [answer]
    statuses = []

    def noted(status, headers, exc_info=None):
        statuses.append(status)
        return start_response(status, headers)

    answer = app(moto, environ, noted)
    if statuses and statuses[-1].startswith("2"):
        record(environ, service, region, key, body, b"".join(answer))
    return answer
