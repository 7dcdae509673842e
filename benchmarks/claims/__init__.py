"""Every claim of the documentation: what measures it, what it must hold to, and the page that tells whether it does.

python -m benchmarks.claims run [NAME …]   measure (all, or those named) and write the page; what fails is told there
python -m benchmarks.claims page [--check] docs/benchmarks.md from benchmarks/results/*.json, or: are they the same?
python -m benchmarks.claims peers          the environments of the programs that are compared with
python -m benchmarks.claims list           names, commands and their time
"""
