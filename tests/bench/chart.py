"""The report as a chart: for each figure how many times the first server's the others' are, drawn as SVG bars."""

import math
from html import escape

from tests.bench.figures import short
from tests.bench.report import Report

WIDTH, LABELS, BAR, GAP = 980, 400, 16, 12
COLOURS = ("#1f6f8b", "#d9822b", "#7b8794", "#8e5ea2", "#3c9d5d")
_TEXT = 'font-family="sans-serif" font-size="12"'


def draw(report: Report) -> str:
    """An SVG document. Bars are on a scale of logarithms; the line is where a server equals the first one."""
    servers = list(report.servers)
    first = servers[0]
    bars = [(line, [(server, line.ratio(first, server)) for server in servers[1:]]) for line in report.lines]
    ratios = [ratio for _, each in bars for _, ratio in each if ratio]
    low, high = min([0.5, *ratios]), max([2.0, *ratios])
    scale = (WIDTH - LABELS - 120) / math.log(high / low)
    parts, y = [], 44.0
    for line, each in bars:
        figure = line.figure(first)
        shown = f"{line.title} ({short(figure.middle)} {line.unit})" if figure else line.title
        parts.append(f'<text x="{LABELS - 10}" y="{y + 12}" text-anchor="end" {_TEXT}>{escape(shown)}</text>')
        for server, ratio in each:
            if ratio:
                length = max(1.0, math.log(ratio / low) * scale)
                colour = COLOURS[servers.index(server) % len(COLOURS)]
                parts.append(f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>')
                label = f"{ratio:.1f} x"
                parts.append(f'<text x="{LABELS + length + 6:.1f}" y="{y + 12}" {_TEXT}>{label}</text>')
                y += BAR + 2
        y += GAP
    one = LABELS + math.log(1 / low) * scale
    rule = f'<line x1="{one:.1f}" y1="36" x2="{one:.1f}" y2="{y:.0f}" stroke="#333" stroke-dasharray="3 3"/>'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10:.0f}">',
            '<rect width="100%" height="100%" fill="white"/>',
            _legend(servers),
            *parts,
            rule,
            "</svg>\n",
        )
    )


def _legend(servers: list[str]) -> str:
    parts = [f'<text x="10" y="22" {_TEXT} font-weight="bold">times the cost of {escape(servers[0])}</text>']
    for number, server in enumerate(servers[1:]):
        x = LABELS + number * 140
        parts.append(f'<rect x="{x}" y="11" width="12" height="12" fill="{COLOURS[(number + 1) % len(COLOURS)]}"/>')
        parts.append(f'<text x="{x + 18}" y="22" {_TEXT}>{escape(server)}</text>')
    return "\n".join(parts)
