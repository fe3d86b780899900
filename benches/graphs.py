#!/usr/bin/env python3
"""Plans, applies and destroys graphs of `terraform_data`, and says what that cost.

    cargo build --release && benches/graphs.py [--terraform] [--sizes 1000,10000] [--shapes chain]

With --terraform the same graphs are planned by the `terraform` on the path, from the state that Ferroform wrote: its own applies
take minutes (--terraform-apply runs those of up to 1,000 nodes too). Growth is the CPU time divided by that of the graph a tenth as
large; the exit code is 1 where it is above 12.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from measure import best, run, table

ROOT = Path(__file__).resolve().parent.parent
LAYERS = 10


def independent(n):
    return [[] for _ in range(n)]


def layers(n):
    """Ten layers; each node depends on two of the layer before."""
    wide = n // LAYERS
    return [[(i // wide - 1) * wide + (i + k) % wide for k in (0, 1)] if i >= wide else [] for i in range(n)]


def chain(n):
    return [[i - 1] if i else [] for i in range(n)]


SHAPES = {"independent": independent, "layers": layers, "chain": chain}


def given(i, needs):
    return ["${terraform_data.n%d.id}" % need for need in needs] or [f"value {i}"]


def write_ours(folder, nodes):
    with open(folder / "stack.toml", "w") as f:
        for i, needs in enumerate(nodes):
            f.write(f"[resource.terraform_data.n{i}]\ninput = {json.dumps(given(i, needs))}\n\n")


def write_theirs(folder, nodes):
    blocks = {f"n{i}": {"input": given(i, needs)} for i, needs in enumerate(nodes)}
    (folder / "main.tf.json").write_text(json.dumps({"resource": {"terraform_data": blocks}}))


def ours(binary, shape, n, times):
    """Each phase by name; the state is left in a file."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_ours(folder, SHAPES[shape](n))
        (folder / "ferroform.toml").touch()
        go = lambda *args: [binary, *args, "--color", "never"]
        runs = {"load": best(times, go("validate"), folder), "plan": best(times, go("plan"), folder)}
        runs["apply"] = run(go("apply", "--auto-approve"), folder)
        clean = best(times, go("plan", "--detailed-exitcode"), folder)
        state = next((folder / "state").glob("*.tfstate.json"))
        kept = state.read_bytes()
        runs["clean"] = clean
        runs["destroy"] = run(go("destroy", "--auto-approve"), folder)
        return runs, kept


def theirs(terraform, shape, n, kept, applies, limit):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_theirs(folder, SHAPES[shape](n))
        run([terraform, "init", "-no-color"], folder)
        runs = {}
        if applies:
            runs["apply"] = run([terraform, "apply", "-auto-approve", "-no-color"], folder, limit=limit)
        else:
            (folder / "terraform.tfstate").write_bytes(kept)
        runs["clean"] = run([terraform, "plan", "-no-color", "-detailed-exitcode"], folder, limit=limit)
        return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/release/ferroform")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--times", type=int, default=3, help="of each phase that changes nothing the best of so many counts")
    parser.add_argument("--terraform", action="store_true", help="compare with terraform, up to --terraform-most nodes")
    parser.add_argument("--terraform-apply", action="store_true", help="let it apply 1,000 nodes itself")
    parser.add_argument("--terraform-most", type=int, default=10_000)
    parser.add_argument("--limit", type=float, default=1800, help="seconds for one run of terraform")
    args = parser.parse_args()
    terraform = shutil.which("terraform") if args.terraform or args.terraform_apply else None
    sizes = sorted(int(size) for size in args.sizes.split(","))
    before, slow = {}, []
    costs, ratios = [], []
    for shape in args.shapes.split(","):
        for n in sizes:
            runs, kept = ours(args.binary, shape, n, args.times)
            for phase, r in runs.items():
                tenth = before.get((shape, n // 10, phase))
                growth = r.cpu / tenth if tenth else None
                if growth and growth > 12:
                    slow.append(f"{phase} of {n} {shape}: {growth:.1f} times the cost of a tenth")
                before[shape, n, phase] = r.cpu
                costs.append([shape, f"{n:,}", phase, f"{r.cpu:.2f}", f"{r.wall:.2f}", f"{r.mb:.0f}", f"{growth:.1f}" if growth else ""])
            costs.append([shape, f"{n:,}", "state", "", "", f"{len(kept) / 1e6:.1f} on disk", ""])
            print(*(" ".join(row) for row in costs[-6:]), sep="\n", file=sys.stderr, flush=True)
            if terraform and n <= args.terraform_most:
                try:
                    other = theirs(terraform, shape, n, kept, args.terraform_apply and n <= 1000, args.limit)
                except TimeoutError as why:
                    print(why, file=sys.stderr)
                    continue
                for phase, r in other.items():
                    mine = runs[phase]
                    row = [shape, f"{n:,}", phase, f"{r.cpu:.2f}", f"{mine.cpu:.2f}", f"{r.cpu / mine.cpu:.0f}", f"{r.mb:.0f}", f"{mine.mb:.0f}"]
                    ratios.append(row)
                    print(*row, file=sys.stderr, flush=True)
    print("\nCPU and wall seconds, peak memory in MB, growth from a tenth of the nodes. `clean` is the plan with nothing to do.\n")
    table(["graph", "nodes", "phase", "CPU s", "wall s", "MB", "growth"], costs)
    if ratios:
        print("Against Terraform:\n")
        table(["graph", "nodes", "phase", "Terraform CPU s", "Ferroform CPU s", "ratio", "Terraform MB", "Ferroform MB"], ratios)
    print(*slow, sep="\n")
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
