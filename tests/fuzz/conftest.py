"""The whole way over a little region, which the tests of the command line go, too."""

from tests.cli.conftest import cli, way

__all__ = ["cli", "way"]
