"""Run phraseloc from a checkout: ``python cli.py ...`` is ``phraseloc ...``."""

from phraseloc.__main__ import run

if __name__ == "__main__":
    run()
