"""Run phraseloc from a checkout: ``python cli.py ...`` is ``phraseloc ...``."""

from phraseloc.commands import main

if __name__ == "__main__":
    main()
