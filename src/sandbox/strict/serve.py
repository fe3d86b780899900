"""The local AWS: moto's server with what AWS refuses laid over it (see the patches beside this file).

    python serve.py --record FILE --version TEXT [--host H] [--port N] [--with-parent]

Binds a free port when none is given and writes FILE once it answers. `--with-parent` ends it when its standard input
is closed: whoever started it may be killed without leaving it behind. `--detach` makes it a session of its own, which
outlives the command and its terminal.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
import traceback
import uuid

for _name, _value in {
    # Without it the policies that AWS manages are absent.
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ACM_VALIDATION_WAIT": "1",
}.items():
    os.environ[_name] = _value
# One of these in the caller's environment would change what the sandbox is.
for _name in ("MOTO_ACCOUNT_ID", "MOTO_AMIS_PATH", "MOTO_PORT", "INITIAL_NO_AUTH_ACTION_COUNT", "AWS_PROFILE", "AWS_CONFIG_FILE"):
    os.environ.pop(_name, None)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

import errors  # noqa: E402


class QuietHandler(MotoRequestHandler):
    """One short line a request in the log, no colours, and answers that are not held back by Nagle's algorithm."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code="-", size="-"):
        target = self.headers.get("X-Amz-Target", "") if getattr(self, "headers", None) else ""
        print(f"{time.strftime('%H:%M:%S')} {code} {getattr(self, 'command', '-')} {getattr(self, 'path', '-')} {target}".rstrip(), flush=True)


class Sandbox:
    """Health and reset in front of moto; errors in AWS's shape behind it."""

    def __init__(self, moto, about):
        import trail

        self.moto, self.about, self.trail = moto, about, trail

    def __call__(self, environ, start_response):
        path, post = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD") == "POST"
        if path == "/_sandbox" or (post and path in ("/_sandbox/reset", "/_sandbox/stop")):
            if path == "/_sandbox/reset":
                b"".join(self.moto({**environ, "PATH_INFO": "/moto-api/reset"}, lambda *_: None))
                self.about["epoch"] = uuid.uuid4().hex
                self.trail.EVENTS.clear()
            if path == "/_sandbox/stop":
                # After the answer is out.
                threading.Timer(0.1, os._exit, [0]).start()
            body = json.dumps(self.about).encode()
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        return self.trail.watched(errors.in_aws_shape, self.moto, environ, start_response)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--with-parent", action="store_true")
    parser.add_argument("--detach", action="store_true")
    args = parser.parse_args()

    def stop(*_):
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if args.detach and hasattr(os, "setsid"):
        os.setsid()
        # What the command's caller had open, such as a lock it holds, is not to be held for as long as this runs.
        os.closerange(3, 65536)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if args.with_parent:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), stop()), daemon=True).start()

    import accounts  # noqa: F401
    import acm  # noqa: F401
    import cloudwatch_cbor
    import dlm
    import ec2_common  # noqa: F401
    import ec2_endpoints  # noqa: F401
    import ec2_instances  # noqa: F401
    import ec2_nat  # noqa: F401
    import ec2_network  # noqa: F401
    import ec2_storage  # noqa: F401
    import ecs  # noqa: F401
    import ec2_templates  # noqa: F401
    import ec2_vpc  # noqa: F401
    import elb  # noqa: F401
    import images  # noqa: F401
    import kms_keys  # noqa: F401
    import s3_buckets  # noqa: F401
    import scaling  # noqa: F401
    import services  # noqa: F401
    import stores  # noqa: F401

    about = {"pid": os.getpid(), "version": args.version, "started": int(time.time()), "epoch": uuid.uuid4().hex}
    server = make_server(args.host, args.port, None, threaded=True, request_handler=QuietHandler)
    server.daemon_threads = True
    server.app = Sandbox(dlm.Dlm(cloudwatch_cbor.CloudWatchCbor(DomainDispatcherApplication(create_backend_app))), about)
    about["endpoint"] = f"http://{args.host}:{server.server_port}"
    os.environ["MOTO_PORT"] = str(server.server_port)

    made = f"{args.record}.{os.getpid()}"
    with open(made, "w", encoding="utf-8") as file:
        json.dump(about, file)
    os.replace(made, args.record)
    print(f"listening on {about['endpoint']}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
