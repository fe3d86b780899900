"""One server, many accounts: an access key `AKIASANDnnnnnnnnnnnn` belongs to account nnnnnnnnnnnn, which is empty at first."""

import re

import moto.iam.models as iam

KEY = re.compile(r"AKIASAND(\d{12})")
ORIGINAL = iam.get_account_id_from


def account_of(access_key):
    match = KEY.fullmatch(access_key or "")
    return match.group(1) if match else ORIGINAL(access_key)


iam.get_account_id_from = account_of
