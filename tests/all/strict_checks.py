"""What the checks of the sandbox's strict layer share: an account of its own for each, and how they are run."""

import random
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
# Scripts share a server, so that numbers which follow one another would meet.
ACCOUNTS = iter(random.sample(range(10**11, 10**12), 1000))
CHECKS = []


class Cloud:
    """An account of its own for each check."""

    def __init__(self):
        self.account = f"{next(ACCOUNTS):012d}"

    def __getattr__(self, service):
        return self.client(service.replace("_", "-"))

    def client(self, service, region="us-east-1"):
        return boto3.client(
            service,
            endpoint_url=ENDPOINT,
            region_name=region,
            aws_access_key_id="AKIASAND" + self.account,
            aws_secret_access_key="none",
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )


def check(function):
    CHECKS.append(function)
    return function


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, f"expected {code}, got {error}"
        return error.response
    raise AssertionError(f"expected {code}, but the call went through")


def run():
    """Runs those whose name contains the second argument, if there is one."""
    failed = 0
    for one_check in CHECKS:
        name = one_check.__name__
        if len(sys.argv) > 2 and sys.argv[2] not in name:
            continue
        try:
            one_check()
            print(f"ok   {name}")
        except Exception as error:
            failed += 1
            line = error.__traceback__
            while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == one_check.__code__.co_filename:
                line = line.tb_next
            print(f"FAIL {name}, line {line.tb_lineno}: {type(error).__name__}: {error}")
    sys.exit(1 if failed else 0)
