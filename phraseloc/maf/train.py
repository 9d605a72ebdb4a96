"""What torchrun runs: ``torchrun --nproc-per-node N -m phraseloc.maf.train GROUND_TRUTH …``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from phraseloc.commands import main

    main(["maf", "train", *sys.argv[1:]], prog_name="phraseloc")
