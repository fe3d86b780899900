"""Data Lifecycle Manager, which moto lacks: policies are kept, and nothing is ever made by them."""

import io
import json
import re
import secrets
from datetime import datetime, timezone
from urllib.parse import parse_qs, unquote

import botocore.session
from accounts import account_of
from botocore.validate import ParamValidator

SCOPE = re.compile(r"Credential=([^/]+)/[^/]*/([^/]+)/dlm/aws4_request")


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Dlm:
    """A WSGI application around moto's, which gets all that is not for DLM."""

    def __init__(self, app):
        self.app, self.policies = app, {}
        self.model = botocore.session.get_session().get_service_model("dlm")

    def __call__(self, environ, start_response):
        if environ.get("PATH_INFO") == "/moto-api/reset":
            self.policies.clear()
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if not scope:
            return self.app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length) or b"{}")
        environ["wsgi.input"] = io.BytesIO(b"")
        status, headers = "200 OK", [("Content-Type", "application/json")]
        try:
            answer = self.answer(environ, body, account_of(scope.group(1)), scope.group(2))
        except Refused as error:
            status, answer = error.status, {"Message": str(error), "Code": error.code}
            headers.append(("X-Amzn-ErrorType", error.code))
        text = json.dumps(answer).encode()
        start_response(status, [*headers, ("Content-Length", str(len(text)))])
        return [text]

    def answer(self, environ, body, account, region):
        method, query = environ["REQUEST_METHOD"], parse_qs(environ.get("QUERY_STRING", ""))
        kind, _, rest = environ["PATH_INFO"].strip("/").partition("/")
        mine = self.policies.setdefault((account, region), {})
        if kind == "tags":
            policy = self.one(mine, unquote(rest).rpartition("/")[2])
            if method == "POST":
                policy["Tags"].update(body["Tags"])
            elif method == "DELETE":
                for key in query.get("tagKeys", []):
                    policy["Tags"].pop(key, None)
            return {"Tags": policy["Tags"]} if method == "GET" else {}
        if method == "POST":
            self.check("CreateLifecyclePolicyRequest", body)
            id_ = f"policy-{secrets.token_hex(8)}0"
            arn = f"arn:aws:dlm:{region}:{account}:policy/{id_}"
            now = datetime.now(timezone.utc).isoformat()
            mine[id_] = {"PolicyId": id_, "PolicyArn": arn, "StatusMessage": f"{body['State']}", "DateCreated": now, "Tags": {}}
            self.put(mine[id_], body)
            return {"PolicyId": id_}
        if method == "GET" and not rest:
            wanted = query.get("policyIds")
            found = [policy for id_, policy in mine.items() if not wanted or id_ in wanted]
            return {"Policies": [{**policy, "PolicyType": policy["PolicyDetails"]["PolicyType"]} for policy in found]}
        policy = self.one(mine, rest)
        if method == "PATCH":
            self.check("UpdateLifecyclePolicyRequest", {**body, "PolicyId": rest})
            self.put(policy, body)
            return {}
        if method == "DELETE":
            del mine[rest]
            return {}
        return {"Policy": policy}

    @staticmethod
    def one(mine, id_):
        if id_ not in mine:
            raise Refused("404 Not Found", "ResourceNotFoundException", f"Policy {id_} does not exist.")
        return mine[id_]

    def check(self, shape, body):
        report = ParamValidator().validate(body, self.model.shape_for(shape))
        if report.has_errors():
            raise Refused("400 Bad Request", "InvalidRequestException", report.generate_report())
        for schedule in (body.get("PolicyDetails") or {}).get("Schedules", []):
            create, keep = schedule.get("CreateRule", {}), schedule.get("RetainRule", {})
            if ("CronExpression" in create) == ("Interval" in create) or ("Interval" in create) != ("IntervalUnit" in create):
                raise Refused("400 Bad Request", "InvalidRequestException", "A create rule has an interval or a cron expression.")
            if ("Count" in keep) == ("Interval" in keep):
                raise Refused("400 Bad Request", "InvalidRequestException", "A retain rule has a count or an interval.")

    @staticmethod
    def put(policy, body):
        """With what DLM chooses where the caller does not."""
        policy.update({key: value for key, value in body.items() if key != "PolicyId"})
        policy["DateModified"] = datetime.now(timezone.utc).isoformat()
        details = policy["PolicyDetails"]
        details.setdefault("PolicyType", "EBS_SNAPSHOT_MANAGEMENT")
        if details["PolicyType"] != "EVENT_BASED_POLICY":
            details.setdefault("ResourceLocations", ["CLOUD"])
        for schedule in details.get("Schedules", []):
            schedule.setdefault("CopyTags", False)
            if "Interval" in schedule["CreateRule"]:
                schedule["CreateRule"].setdefault("Times", ["09:00"])
