"""`python -m benchmarks.bench`."""

from benchmarks.bench.command import app

app(prog_name="studyhub bench")
