#!/usr/bin/env python3
"""Plans and applies stacks in the sandbox with so much latency on every call, and says how long that took.

    cargo build --release && benches/calls.py [--latency 0.05]

Every run has an account of its own in the sandbox that `ferroform sandbox up` starts. The latency is a proxy's, in this process.
The critical path of an apply is what no tool could do without: it is told from the events of the run, the longest way through the
graph of what each resource needs, with the calls and waits of each.
"""

import argparse
import asyncio
import json
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from measure import best, run, table

ROOT = Path(__file__).resolve().parent.parent

MANY = """
[resource.aws_security_group.many]
count = 100
name = "many-${count.index}"
tags = { Number = "${count.index}" }

[resource.aws_cloudwatch_log_group.many]
count = 100
name = "/many/${count.index}"
tags = { Number = "${count.index}" }

[resource.aws_cloudwatch_metric_alarm.many]
count = 100
alarm_name = "many-${count.index}"
namespace = "AWS/EC2"
metric_name = "CPUUtilization"
statistic = "Average"
period = 300
evaluation_periods = 1
comparison_operator = "GreaterThanThreshold"
threshold = 80
tags = { Number = "${count.index}" }
"""


class Proxy:
    """Passes calls on and holds back each answer until `latency` seconds have passed since the call."""

    def __init__(self, upstream, latency):
        self.host, port = upstream.removeprefix("http://").rstrip("/").split(":")
        self.port, self.latency, self.calls, self.idle = int(port), latency, [], []
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        def serve():
            asyncio.set_event_loop(self.loop)
            server = self.loop.run_until_complete(asyncio.start_server(self.client, "127.0.0.1", 0, backlog=1024))
            self.endpoint = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()

        threading.Thread(target=serve, daemon=True).start()
        ready.wait()

    async def message(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        low = head.lower()
        if b"transfer-encoding: chunked" in low:
            body = b""
            while True:
                size = await reader.readline()
                part = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
                body += size + part
                if size.strip() == b"0":
                    return head, body
        length = re.search(rb"content-length: *(\d+)", low)
        return head, await reader.readexactly(int(length[1])) if length else b""

    async def client(self, reader, writer):
        try:
            while True:
                head, body = await self.message(reader)
                begun = time.monotonic()
                action = re.search(rb"Action=(\w+)", body) or re.search(rb"(?i)x-amz-target: *\S+\.(\w+)", head)
                self.calls.append((begun, action[1].decode() if action else head.split()[0].decode()))
                answer = await self.ask(head + body)
                await asyncio.sleep(max(0, self.latency - (time.monotonic() - begun)))
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def ask(self, call):
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(self.host, self.port)
        writer.write(call)
        head, body = await self.message(reader)
        if b"connection: close" in head.lower():
            writer.close()
        else:
            self.idle.append((reader, writer))
        return head + body


def account(proxy):
    key = "AKIASAND%012d" % random.randrange(10**11, 10**12)
    keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    return {**keys, "AWS_ENDPOINT_URL": proxy.endpoint, "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}


def critical_path(events, dot):
    """Seconds until the first step began, and those of the longest way through the graph, each resource with its own calls and waits."""
    begun, took = {}, {}
    for event in events:
        address = event.get("hook", {}).get("resource", {}).get("addr")
        if event["type"] == "apply_start":
            begun[address] = seconds(event["@timestamp"])
        elif event["type"] == "apply_complete":
            block = address.split("[")[0]
            took[block] = max(took.get(block, 0), seconds(event["@timestamp"]) - begun[address])
    needs = {}
    for user, need in re.findall(r'"([^"]+)" -> "([^"]+)"', dot):
        needs.setdefault(user, []).append(need)

    def way(block):
        return took.get(block, 0) + max(map(way, needs.get(block, [])), default=0)

    return min(begun.values()) - seconds(events[0]["@timestamp"]) + max(map(way, took))


def seconds(at):
    hours, minutes, rest = at.rstrip("Z").split("T")[1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def gateway_node(folder):
    shutil.copytree(ROOT / "stacks/gateway-node", folder / "stacks/gateway-node")
    return "stacks/gateway-node"


def many(folder):
    (folder / "stacks/many").mkdir(parents=True)
    (folder / "stacks/many/stack.toml").write_text(MANY)
    return "stacks/many"


def thousand(folder):
    (folder / "stacks/thousand").mkdir(parents=True)
    region = '[provider.aws]\nregion = "us-east-1"\n'
    (folder / "stacks/thousand/stack.toml").write_text(region + (ROOT / "benches/thousand.toml").read_text())
    return "stacks/thousand"


def tenants(folder):
    shutil.copytree(ROOT / "stacks/ecs-platform", folder / "stacks/ecs-platform")
    some = "".join(f"t{i:03} = {{ priority = {i + 1} }}\n" for i in range(500))
    (folder / "stacks/ecs-platform/vars.toml").write_text(f"several_load_balancers = true\n[tenants]\n{some}")
    return "stacks/ecs-platform"


STACKS = {"gateway-node": gateway_node, "many": many, "thousand": thousand, "tenants": tenants}


def measure(name, stack, args, proxy):
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        at = stack(folder)
        env = account(proxy)
        more = ["--var", f"private_key_path={folder}/key.pem"] if name == "gateway-node" else []
        go = lambda *words: [args.binary, *words, at, "--color", "never", *more]

        def phase(word, r, note=""):
            rows.append([name, word, f"{r.wall:.2f}", f"{r.cpu:.2f}", f"{r.mb:.0f}", len(proxy.calls), note])
            print(*rows[-1], dict(Counter(action for _, action in proxy.calls)), file=sys.stderr, flush=True)

        apply = run(go("apply", "--auto-approve", "--json"), folder, env)
        events = [json.loads(line) for line in apply.out.splitlines()]
        path = critical_path(events, run([args.binary, "graph", at], folder).out)
        phase("apply", apply, f"{apply.wall / path:.2f} times the critical path of {path:.2f} s")
        for _ in range(args.times):
            proxy.calls.clear()
            phase("plan", run(go("plan", "--detailed-exitcode"), folder, env))
        proxy.calls.clear()
        phase("drift", run(go("drift"), folder, env))
        proxy.calls.clear()
        phase("destroy", run(go("destroy", "--auto-approve"), folder, env))
        proxy.calls.clear()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/release/ferroform")
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--stacks", default="gateway-node,many", help=f"of {', '.join(STACKS)}")
    args = parser.parse_args()
    for name, argv in {"--version": ["--version"], "validate": ["validate", ROOT / "stacks/gateway-node"]}.items():
        r = best(10, [args.binary, *argv], ROOT)
        print(f"{name}: {r.cpu * 1000:.0f} ms of CPU", flush=True)
    up = run([args.binary, "sandbox", "up"], ROOT).out
    proxy = Proxy(re.search(r"http://\S+", up)[0], args.latency)
    rows = []
    for name in args.stacks.split(","):
        rows += measure(name, STACKS[name], args, proxy)
    table(["stack", "phase", "wall s", "CPU s", "MB", "calls", ""], rows)


if __name__ == "__main__":
    main()
