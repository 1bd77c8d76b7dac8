"""`python -m streams.cli`: the quaystream command."""

from streams.cli import main

main()
