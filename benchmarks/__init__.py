"""Speed, measured side by side with peers in one run: ``python -m benchmarks`` from the checkout.

A time alone says more about the machine than about the program. So every figure here is a ratio:
ours and the peer take turns, each turn gives one ratio, and the median of them is reported. A
noisy neighbour slows both sides of a turn, and falls out of the ratio.

- `benchmarks.process`: a whole ``phraseloc score`` process, against a standard-library script.
- `benchmarks.kernels`: overlaps of boxes, against the memory's speed and other packages.
- `benchmarks.reading`: prediction files, against ``json``.
- `benchmarks.scale`: files of 10^4 to 10^8 phrases, against DuckDB alone, and on several workers.

Peers are named in ``requirements.txt``; one that is not installed leaves a row that says so. The
results of a whole run are in ``RESULTS.md``; ``--write`` puts those of some groups there.
"""
