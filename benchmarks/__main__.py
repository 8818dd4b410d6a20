"""Run every measurement, quickest first."""

from benchmarks import startup

for measurement in (startup,):
    print(f"\n== {measurement.__name__.removeprefix('benchmarks.')}: {measurement.__doc__}")
    measurement.main()
