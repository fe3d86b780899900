"""CloudWatch's newer protocol.

The Rust SDK speaks `rpc-v2-cbor` to CloudWatch (POST /service/GraniteServiceVersion20100801/operation/OPERATION); moto knows only
the query protocol. This turns one into the other, both ways, by botocore's model of the service.
"""

import io
from urllib.parse import urlencode

import botocore.session
from botocore.parsers import QueryParser, RpcV2CBORParser
from botocore.serialize import QuerySerializer, RpcV2CBORSerializer

PREFIX = "/service/GraniteServiceVersion20100801/operation/"


class CloudWatchCbor:
    """A WSGI application around moto's."""

    def __init__(self, app):
        self.app = app
        self.model = botocore.session.get_session().get_service_model("cloudwatch")

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self.app(environ, start_response)
        operation = self.model.operation_model(path[len(PREFIX):])
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        given = RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body))) if body else {}
        encoded = urlencode(QuerySerializer().serialize_to_request(given, operation)["body"]).encode()
        environ = dict(environ)
        environ.update({
            "PATH_INFO": "/",
            "REQUEST_URI": "/",
            "RAW_URI": "/",
            "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
            "CONTENT_LENGTH": str(len(encoded)),
            "wsgi.input": io.BytesIO(encoded),
        })
        for header in ("HTTP_SMITHY_PROTOCOL", "HTTP_X_AMZN_QUERY_MODE", "HTTP_ACCEPT"):
            environ.pop(header, None)
        answer = {}

        def started(status, headers, exc_info=None):
            answer["status"], answer["headers"] = status, headers

        xml = b"".join(self.app(environ, started))
        status = int(answer["status"].split()[0])
        parsed = QueryParser().parse({"status_code": status, "headers": dict(answer["headers"]), "body": xml}, operation.output_shape)
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        if status >= 400:
            error = parsed.get("Error", {})
            code = error.get("Code") or "InternalFailure"
            shape = next((s.name for s in self.model.error_shapes if s.error_code == code), code)
            out = cbor_map({"__type": shape, "message": error.get("Message") or ""})
            headers.append(("x-amzn-query-error", f"{code};{error.get('Type', 'Sender')}"))
            text = answer["status"]
        else:
            parsed.pop("ResponseMetadata", None)
            out = bytearray()
            if operation.output_shape is None:
                out = cbor_map({})
            else:
                RpcV2CBORSerializer()._serialize_data_item(out, parsed, operation.output_shape)
            text = "200 OK"
        headers.append(("Content-Length", str(len(out))))
        start_response(text, headers)
        return [bytes(out)]


def cbor_map(texts):
    """A CBOR map of texts."""

    def head(major, n):
        if n < 24:
            return bytes([major << 5 | n])
        return bytes([major << 5 | 25]) + n.to_bytes(2, "big")

    out = head(5, len(texts))
    for pair in texts.items():
        for text in pair:
            raw = text.encode()[:65000]
            out += head(3, len(raw)) + raw
    return out
