"""`python -m geolabel`."""

from geolabel.cli.app import main

main()
