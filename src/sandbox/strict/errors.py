"""Errors in the shape of the caller's protocol, where moto answers a page of HTML or breaks."""

import io
import json
import re
import threading
import traceback
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

# Not one of the statuses that SDKs try again.
NOT_IMPLEMENTED = 501

# moto's models are plain dictionaries: listing one while another thread puts something in breaks. Python runs one at a time anyway.
ONE_CALL = threading.Lock()


def shaped(environ, body, code, message):
    """The error as the protocol of the request writes it."""
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        from cloudwatch_cbor import cbor_map

        return "application/cbor", bytes(cbor_map({"__type": code, "message": message}))
    query = b"Action=" in body
    xml = query or re.search(r"/(s3|s3control|route53|cloudfront)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
    if environ.get("HTTP_X_AMZ_TARGET") or "json" in environ.get("CONTENT_TYPE", "") or not xml:
        return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    code, message = escape(code), escape(message)
    if query and b"Version=2016-11-15" in body:
        text = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>sandbox</RequestID></Response>"
    else:
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        if "/s3/" in environ.get("HTTP_AUTHORIZATION", ""):
            return "text/xml", b'<?xml version="1.0" encoding="UTF-8"?>\n' + error.encode()
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{error}<RequestId>sandbox</RequestId></ErrorResponse>"
    return "text/xml", b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()


def operation(environ, body):
    """What the caller asked for, as near as the request tells it."""
    service = re.search(r"Credential=[^/]+/[^/]*/[^/]*/([^/]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
    service = service.group(1) + " " if service else ""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return service + target.split(".")[-1]
    action = parse_qs(body.decode("latin-1")).get("Action") if b"Action=" in body else None
    return service + (action[0] if action else f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}")


def in_aws_shape(app, environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = b""
    if length and length < 1 << 20:
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
    held = []

    def hold(status, headers, exc_info=None):
        held[:] = [status, headers]
        return lambda _: None

    try:
        with ONE_CALL:
            answer = b"".join(app(environ, hold))
        status, headers = held
        # An answer to HEAD has no body to be in any shape.
        page = environ.get("REQUEST_METHOD") != "HEAD" and any(name.lower() == "content-type" and "text/html" in value for name, value in headers)
        known = not status.startswith(("4", "5")) or not page or environ.get("PATH_INFO", "").startswith("/moto-api")
        if known and not (status.startswith("404") and not answer and environ.get("REQUEST_METHOD") != "HEAD" and unnamed(environ)):
            start_response(status, headers)
            return [answer]
        code, message = "NotImplemented", f"the sandbox does not implement {operation(environ, body)}"
    except NotImplementedError:
        code, message = "NotImplemented", f"the sandbox does not implement {operation(environ, body)}"
    except Exception as error:
        if is_lookup_of_service(error):
            code, message = "NotImplemented", f"the sandbox does not implement {operation(environ, body)}"
        else:
            code, message = broke(environ, body, error)
    kind, text = shaped(environ, body, code, message)
    headers = [("Content-Type", kind), ("Content-Length", str(len(text))), ("X-Amzn-ErrorType", code)]
    if kind == "application/cbor":
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
    start_response(f"{NOT_IMPLEMENTED} Not Implemented", headers)
    return [text]


def unnamed(environ):
    """Whether the request is of a service whose 404 always has a body."""
    return "/s3/" not in environ.get("HTTP_AUTHORIZATION", "")


def is_lookup_of_service(error):
    """Whether moto broke where it looks for the module of the service: it has none."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and any(frame.name in ("get_backend", "get_application") for frame in frames[-3:])


def broke(environ, body, error):
    traceback.print_exception(error)
    return "SandboxFailure", f"the sandbox failed in {operation(environ, body)}: {type(error).__name__}: {error}"

