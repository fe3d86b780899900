"""EC2 in general: idempotency tokens, pages, and the tags API's view of it."""

import base64
import hashlib
import json
import threading

from common import patched, refuse
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

# https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
TOKENS = [
    "run_instances",
    "create_volume",
    "create_route_table",
    "create_network_interface",
    "create_launch_template",
    "create_vpc_endpoint",
    "create_flow_logs",
]

# The call, and the member of its answer that is a list. moto answers all of it whatever MaxResults says.
PAGED = {
    "describe_security_groups": "SecurityGroups",
    "describe_security_group_rules": "SecurityGroupRules",
    "describe_volumes": "Volumes",
    "describe_snapshots": "Snapshots",
    "describe_vpcs": "Vpcs",
    "describe_subnets": "Subnets",
    "describe_route_tables": "RouteTables",
    "describe_internet_gateways": "InternetGateways",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_instance_types": "InstanceTypes",
    "describe_instance_status": "InstanceStatuses",
    "describe_launch_templates": "LaunchTemplates",
    "describe_tags": "Tags",
}


def plain(value):
    """The request's parameters as text that is the same for the same request."""
    return json.dumps(value, sort_keys=True, default=lambda v: v.decode("latin-1") if isinstance(v, bytes) else str(v))


def honour_token(method):
    guard = threading.Lock()

    @patched(EC2Response, method)
    def call(original, self):
        token = self._get_param("ClientToken")
        if not token:
            return original(self)
        params = {key: value for key, value in dict(self._get_params()).items() if key != "ClientToken"}
        print_ = hashlib.sha256(plain(params).encode()).hexdigest()
        with guard:
            seen = self.ec2_backend.__dict__.setdefault("tokens_seen", {})
            if (method, token) in seen:
                before, answer = seen[method, token]
                if before != print_:
                    refuse(
                        "IdempotentParameterMismatch",
                        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
                    )
                return answer
            answer = original(self)
            seen[method, token] = (print_, answer)
            return answer


def page(method, member):
    @patched(EC2Response, method)
    def call(original, self):
        limit, token = self._get_int_param("MaxResults"), self._get_param("NextToken")
        answer = original(self)
        if limit is None and token is None:
            return answer
        start = 0
        if token is not None:
            try:
                start = int(base64.urlsafe_b64decode(token).decode())
            except ValueError:
                refuse("InvalidNextToken", "The token is invalid")
        if limit is not None and method.startswith("describe_security_group") and not 5 <= limit <= 1000:
            refuse("InvalidParameterValue", f"Value ( {limit} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.")
        result = dict(answer.result)
        every = list(result[member])
        end = start + (limit or 1000)
        result[member] = every[start:end]
        result["NextToken"] = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(every) else None
        return ActionResult(result)


for _method in TOKENS:
    honour_token(_method)
for _method, _member in PAGED.items():
    page(_method, _member)
