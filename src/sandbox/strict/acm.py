"""ACM: a certificate is issued when its domains are proved, and stays while somebody uses it."""

from common import patched, refuse
from moto.acm.models import AWSCertificateManagerBackend, CertBundle
from moto.acm.responses import AWSCertificateManagerResponse as Response
from moto.core.responses import EmptyResult
from moto.elbv2.models import elbv2_backends
from moto.route53.models import route53_backends

# How many answers come before the records that prove the domains are there.
ANSWERS_WITHOUT_PROOF = 1


def account_of(bundle):
    return bundle.arn.split(":")[4]


def record_of(bundle, name):
    """The name of the record that proves a domain: one for a domain and for all names in it."""
    return f"_d930b28be6c5927595552b219965053e.{name.removeprefix('*.')}"


def proved(bundle, name):
    for zone in route53_backends[account_of(bundle)]["aws"].zones.values():
        for record in zone.rrsets:
            if record.type == "CNAME" and record.name.rstrip(".").lower() == record_of(bundle, name).lower():
                return True
    return False


@patched(CertBundle)
def check(original, self):
    """Issued as soon as the records of all names are in a zone of the account. Nobody answers the mails."""
    asked = getattr(self, "asked", None)
    if asked is None or self.type != "AMAZON_ISSUED" or self.status != "PENDING_VALIDATION":
        if asked is None:
            original(self)
        return
    names = set(self.sans + [self.common_name])
    if asked["method"] == "DNS" and all(proved(self, name) for name in names):
        self.status = "ISSUED"


@patched(CertBundle)
def describe(original, self):
    answer = original(self)
    certificate = answer["Certificate"]
    certificate["SubjectAlternativeNames"] = sorted(set(self.sans + [self.common_name]) - {""})
    certificate["KeyAlgorithm"] = certificate["KeyAlgorithm"].replace("RSA_", "RSA-")
    users = elbv2_backends[account_of(self)][self.arn.split(":")[3]].load_balancers.values()
    certificate["InUseBy"] = [lb.arn for lb in users if any(self.arn in listener.certificates for listener in lb.listeners.values())]
    asked = getattr(self, "asked", None)
    if asked is None or self.type != "AMAZON_ISSUED":
        return answer
    if asked["key"]:
        certificate["KeyAlgorithm"] = asked["key"].replace("RSA_", "RSA-")
    for option in certificate["DomainValidationOptions"]:
        option["ValidationMethod"] = asked["method"]
        option["ValidationStatus"] = "SUCCESS" if self.status == "ISSUED" else "PENDING_VALIDATION"
        if asked["method"] == "EMAIL":
            domain = asked["to"].get(option["DomainName"], option["DomainName"]).removeprefix("*.")
            option["ValidationDomain"] = domain
            option["ValidationEmails"] = [f"{who}@{domain}" for who in ("admin", "hostmaster", "postmaster", "webmaster")]
        if asked["method"] == "EMAIL" or asked["seen"] <= ANSWERS_WITHOUT_PROOF:
            option.pop("ResourceRecord", None)
    if self.status != "ISSUED":
        for key in ("NotBefore", "NotAfter", "IssuedAt", "Serial"):
            certificate.pop(key, None)
    return answer


@patched(AWSCertificateManagerBackend)
def describe_certificate(original, self, arn):
    bundle = original(self, arn)
    if hasattr(bundle, "asked"):
        bundle.asked["seen"] += 1
    return bundle


@patched(AWSCertificateManagerBackend)
def list_certificates(original, self, statuses, includes):
    """Unless the request names kinds of keys, those with RSA 2048 alone."""
    includes = dict(includes or {})
    keys = [key.replace("_", "-") for key in includes.pop("keyTypes", None) or ["RSA_2048"]]
    found = list(original(self, statuses, includes))
    return [bundle for bundle in found if bundle.describe()["Certificate"]["KeyAlgorithm"].replace("_", "-") in keys]


@patched(Response, "request_certificate")
def request_certificate_call(original, self):
    name = self._get_param("DomainName")
    if name.endswith("."):
        refuse("ValidationException", f"Value '{name}' at 'domainName' failed to satisfy constraint")
    answer = original(self)
    bundle = self.acm_backend._certificates[answer.result["CertificateArn"]]
    if not hasattr(bundle, "asked"):
        to = {o["DomainName"]: o["ValidationDomain"] for o in self._get_param("DomainValidationOptions") or []}
        bundle.asked = {"method": self._get_param("ValidationMethod") or "EMAIL", "key": self._get_param("KeyAlgorithm"), "seen": 0, "to": to}
    return answer


@patched(Response)
def update_certificate_options(_original, self):
    bundle = self.acm_backend.get_certificate(self._get_param("CertificateArn"))
    bundle.cert_options.update(self._get_param("Options"))
    return EmptyResult()


@patched(AWSCertificateManagerBackend)
def import_certificate(original, self, certificate, private_key, chain, arn, tags):
    """One that is imported again keeps its tags, and takes none."""
    if arn and tags:
        refuse("ValidationException", "Cannot update tags on a re-import")
    held = self._certificates[arn].tags if arn in self._certificates else None
    made = original(self, certificate, private_key, chain, arn, tags)
    if held is not None:
        self._certificates[made].tags = held
    return made


@patched(AWSCertificateManagerBackend)
def delete_certificate(original, self, arn):
    bundle = self._certificates.get(arn)
    if bundle and bundle.describe()["Certificate"]["InUseBy"]:
        refuse("ResourceInUseException", f"Certificate {arn} is in use.")
    return original(self, arn)
