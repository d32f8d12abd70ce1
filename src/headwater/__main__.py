"""`python -m headwater` is the same as `headwater`."""

from headwater.cli import main

main()
