"""``python -m stockade_verify``."""

from stockade_verify.command import main

raise SystemExit(main())
