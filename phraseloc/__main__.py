"""The program, also as ``python -m phraseloc``: settings of the process, then the commands."""

import atexit
import gc
import os


def run() -> None:
    """Run the command line in a process of its own."""
    # A score multiplies small matrices: starting BLAS threads costs more than they save.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Records come by the million and hold no cycles: the collector would only walk them,
    # and at the end once more.
    gc.disable()
    atexit.register(gc.freeze)
    from phraseloc.commands import main

    main()


if __name__ == "__main__":
    run()
