"""``python -m phraseloc`` is ``phraseloc``."""

from phraseloc.commands import main

if __name__ == "__main__":
    main()
