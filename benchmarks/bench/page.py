"""A report as one HTML page: tables and plots, no scripts, nothing from elsewhere. Pure."""

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.bench import svg
from benchmarks.bench.report import Report
from benchmarks.bench.tables import rows

_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>StudyHub benchmarks</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 75rem; margin: 2rem auto; color: #111; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left }
.plots { display: flex; flex-wrap: wrap; gap: 1rem }
.failed { color: #b91c1c }
</style>
<h1>StudyHub benchmarks</h1>
"""

_PLOTTED = (
    *("server CPU s per 1000 edits", "edit p50 ms", "edit p99 ms", "durable p99 ms", "applied p99 ms"),
    *(
        "deliveries per server CPU s",
        "people in one room",
        "most edits/s",
        "join p50 ms",
        "first join p50 ms",
    ),
    *("converged ms", "KB per connection, one document", "KB per connection, a document each"),
)
_QUANTILES = [1 - 10 ** -(step / 10) for step in range(41)]  # up to 99.99 %


def page(report: Report) -> str:
    """The page."""
    return _HEAD + "".join(_body(report))


def model_page(lines: Sequence[str], plots: str) -> str:
    """The page of the cost model."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'{_HEAD}<h2>What a student costs</h2><ul>{items}</ul><div class="plots">{plots}</div>'


def _body(report: Report) -> Iterator[str]:
    facts = {"command": report.command, "date": report.date, "profile": report.profile, **report.machine}
    facts["versions"] = ", ".join(f"{name} {value}" for name, value in report.versions.items())
    yield "<table>"
    for name, value in facts.items():
        yield f'<tr><td>{escape(name)}</td><td style="text-align: left">{escape(value)}</td></tr>'
    yield "</table>"
    for scenario in report.scenarios:
        yield f"<h2>{escape(scenario)}</h2>"
        yield from _table(report, scenario)
        yield '<div class="plots">'
        yield from _plots(report, scenario)
        yield "</div>"


def _table(report: Report, scenario: str) -> Iterator[str]:
    yield "<table>"
    for number, row in enumerate(rows(report, scenario)):
        tag = "td" if number else "th"
        yield "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in row) + "</tr>"
    yield "</table>"
    for server in report.servers(scenario):
        for failure in dict.fromkeys(report.failures(scenario, server)):
            yield f'<p class="failed">{escape(server)}: {escape(failure)}</p>'


def _plots(report: Report, scenario: str) -> Iterator[str]:
    servers = report.servers(scenario)
    for figure in report.figures(scenario):
        values = {server: report.values(scenario, server, figure) for server in servers}
        spans = {
            server: (report.median(scenario, server, figure) or 0.0, min(taken), max(taken))
            for server, taken in values.items()
            if taken
        }
        if figure in _PLOTTED:
            yield svg.bars(figure, spans)
    for name in ("edit", "durable", "applied", "join", "first join"):
        found = {server: report.latencies(scenario, server, name) for server in servers}
        lines = {
            server: [(1 / (1 - part), taken.quantile(part)) for part in _QUANTILES]
            for server, taken in found.items()
            if taken
        }
        yield svg.curves(f"{name}, ms", "one in so many", "ms", lines, logarithmic=True)
