#!/usr/bin/env python3
"""Recall against queries per second: measured by the shared benchmark, drawn as SVG.

    python benches/recall_curves.py measure --bench .../bench.py --dsn DSN --data sift-100000 --out redkite.json
    python benches/recall_curves.py draw --clients 1 --out curves.svg pgvector=pgvector.json redkite=redkite.json

`measure` is for the index kinds that `bench.py query` has no knob for: it asks for one recall target after the
other (`redkite.recall_target`) and writes what `bench.py query` finds for each in its own format. `draw` reads
that and what `bench.py query --out` writes, so that all curves come from one client.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

COLORS = ["#c0392b", "#2471a3", "#1e8449", "#7d3c98", "#b9770e"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 70, 150, 20, 45


def measure(a):
    curve = []
    for target in a.targets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "found.json")
            command = [sys.executable, a.bench, "query", "--dsn", a.dsn, "--data", a.data, "--out", out,
                       "--set", "SET redkite.recall_target = " + target, "--ef", "40", "--clients", a.clients,
                       "--seconds", a.seconds]
            subprocess.run(command, check=True)
            found = json.load(open(out))["query"]
        point = next(iter(found.values()))["curve"][0]
        curve.append({**point, "setting": float(target)})
    with open(a.out, "w") as f:
        json.dump({"query": {"recall_target": {"curve": curve}}}, f, indent=1)
    clients = ["qps_" + n for n in a.clients.split(",")]
    for point in curve:
        print(point["setting"], point["recall"], *(round(point[n]) for n in clients), sep="\t")


def curves(a):
    for source in a.sources:
        name, path = source.split("=", 1)
        for found in json.load(open(path))["query"].values():
            points = [(p["recall"], p["qps_" + a.clients]) for p in found["curve"]]
            yield name, sorted(p for p in points if p[0] >= a.least)


def draw(a):
    drawn = list(curves(a))
    rates = [rate for _, points in drawn for _, rate in points]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))

    def x(recall):
        return LEFT + (recall - a.least) / (1 - a.least) * (WIDTH - LEFT - RIGHT)

    def y(rate):
        return HEIGHT - BOTTOM - (math.log10(rate) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">'
           % (WIDTH, HEIGHT), '<rect width="100%" height="100%" fill="white"/>']
    for step in range(5 + 1):
        recall = a.least + (1 - a.least) * step / 5
        out.append('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#ddd"/>' % (x(recall), x(recall), TOP, HEIGHT - BOTTOM))
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%.2f</text>' % (x(recall), HEIGHT - BOTTOM + 16, recall))
    for power in range(low, high + 1):
        for times in (1, 2, 5):
            rate = times * 10 ** power
            if rate > 10 ** high:
                continue
            out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>' % (LEFT, WIDTH - RIGHT, y(rate), y(rate)))
            out.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LEFT - 6, y(rate) + 4, format(rate, ",")))
    for (name, points), color in zip(drawn, COLORS):
        path = " ".join("%.1f,%.1f" % (x(recall), y(rate)) for recall, rate in points)
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, color))
        out += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x(recall), y(rate), color) for recall, rate in points]
    for at, ((name, _), color) in enumerate(zip(drawn, COLORS)):
        out.append('<text x="%d" y="%d" fill="%s">%s</text>' % (WIDTH - RIGHT + 10, TOP + 16 + at * 18, color, name))
    plural = "s" if a.clients != "1" else ""
    out.append('<text x="%d" y="%d" text-anchor="middle">recall of the ten nearest</text>'
               % ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10))
    out.append('<text x="%d" y="%d">queries per second, %s client%s</text>' % (LEFT, TOP - 6, a.clients, plural))
    out.append("</svg>")
    with open(a.out, "w") as f:
        f.write("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    p = parts.add_parser("measure")
    p.add_argument("--bench", required=True, help="the shared benchmark's bench.py")
    p.add_argument("--dsn", required=True)
    p.add_argument("--data", default="sift-100000")
    p.add_argument("--targets", default="0.8,0.9,0.95,0.98,0.99,0.995")
    p.add_argument("--clients", default="1,8")
    p.add_argument("--seconds", default="5")
    p.add_argument("--out", required=True)
    p = parts.add_parser("draw")
    p.add_argument("--clients", default="1")
    p.add_argument("--least", type=float, default=0.8, help="the lowest recall that is shown")
    p.add_argument("--out", required=True)
    p.add_argument("sources", nargs="+", help="NAME=FILE.json")
    a = parser.parse_args()
    {"measure": measure, "draw": draw}[a.part](a)


if __name__ == "__main__":
    main()
