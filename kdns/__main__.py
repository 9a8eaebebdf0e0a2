"""`python -m kdns` is the command `kdns`."""

from kdns.cli.main import main

if __name__ == "__main__":
    main()
