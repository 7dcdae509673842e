"""Levels: which classes of one scheme lie in which of another, and shares summed from the finer to the coarser.

Two ways lead from scheme to scheme. Parents: each class names its class in the scheme of the coarser level, and so on.
CORINE codes: a class lies in another where all its codes do; of two rules the longer one counts (131 before 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import SchemeError
from geolabel.labels.clc import clc_names, code_numbers
from geolabel.labels.scheme_file import find_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme


def ancestors(scheme_from: Scheme, scheme_to: Scheme) -> NDArray[np.float32]:
    """Membership of m classes in n: (m, n), 1 where a class of `scheme_from` lies wholly in one of `scheme_to`, else 0.

    By parents where they lead from one to the other, else by CORINE codes; a class may lie in none. Raises SchemeError
    where the two schemes have no relation.
    """
    for level, membership in _way_up(scheme_from):
        if level.name == scheme_to.name:
            return membership @ _same(level.names, scheme_to.names)
    membership = _by_codes(scheme_from, scheme_to)
    if membership.any():
        return membership
    if (
        any(level.name == scheme_from.name for level, _ in _way_up(scheme_to))
        or _by_codes(scheme_to, scheme_from).any()
    ):
        raise SchemeError(
            f"the classes of {scheme_from.name!r} are wider than those of {scheme_to.name!r}; only the way from "
            f"{scheme_to.name!r} to {scheme_from.name!r} can be gone"
        )
    raise SchemeError(
        f"no class of {scheme_from.name!r} lies in one of {scheme_to.name!r}; give its classes a parent there, or the "
        "classes of both CORINE codes (clc = [131])"
    )


def regroup(shares: NDArray[np.float32], membership: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of the coarser classes: (n, m) summed by membership (m, k) to (n, k).

    A sum is NaN where one of its terms is, and where a coarser class has no term at all: unknown, not absent. Classes
    that lie in none are dropped; `left_out` names them.
    """
    unknown = np.isnan(shares)
    sums = np.where(unknown, 0.0, shares) @ membership.astype(np.float64)
    sums[(unknown @ membership) > 0] = np.nan
    sums[:, ~membership.any(axis=0)] = np.nan
    found: NDArray[np.float32] = sums.astype(np.float32)
    return found


def left_out(scheme_from: Scheme, membership: NDArray[np.float32]) -> tuple[str, ...]:
    """Names of the classes of `scheme_from` (m) that lie in no class by membership (m, k)."""
    return tuple(name for name, row in zip(scheme_from.names, membership, strict=True) if not row.any())


def children(scheme: Scheme, name: str) -> tuple[str, ...]:
    """The way down: names of the classes of `scheme` that lie in the class `name` of a coarser level, the nearest such.

    Raises SchemeError where no coarser level has that class.
    """
    levels = list(_way_up(scheme))[1:]
    for level, membership in levels:
        if name in level.names:
            inside = membership[:, level.names.index(name)] > 0
            return tuple(found for found, lies in zip(scheme.names, inside, strict=True) if lies)
    if not levels:
        raise SchemeError(f'scheme {scheme.name!r} has no coarser level; name one in it with parents = "SCHEME"')
    known = ", ".join(found for level, _ in levels for found in level.names)
    raise SchemeError(f"{name!r} is no class above those of {scheme.name!r}; there are {known}")


def _way_up(scheme: Scheme) -> Iterator[tuple[Scheme, NDArray[np.float32]]]:
    """The scheme itself and each coarser level, with the membership of the scheme's classes in it."""
    here, membership, seen = scheme, np.eye(len(scheme.names), dtype=np.float32), {scheme.name}
    yield here, membership
    while here.parents:
        coarse = find_scheme(here.parents)
        if coarse.name in seen:
            raise SchemeError(f"scheme {here.name!r}: its parents lead back to {coarse.name!r}; break the circle")
        parents = [found.parent for found in here.classes]
        strangers = [parent for parent in parents if parent and parent not in coarse.names]
        if strangers:
            raise SchemeError(
                f"scheme {here.name!r}: the parent {strangers[0]!r} is no class of {coarse.name!r}; "
                f"there are {', '.join(coarse.names)}"
            )
        here, membership = coarse, membership @ _same(parents, coarse.names)
        seen.add(here.name)
        yield here, membership


def _same(rows: tuple[str, ...] | list[str], columns: tuple[str, ...]) -> NDArray[np.float32]:
    """1 where the names of a row and of a column are the same: (rows, columns)."""
    return np.array([[row == column for column in columns] for row in rows], dtype=np.float32)


def _by_codes(scheme_from: Scheme, scheme_to: Scheme) -> NDArray[np.float32]:
    """Membership (m, n) by CORINE codes."""
    inner, outer = _leaves(scheme_from), _leaves(scheme_to)
    return np.array([[bool(one) and one <= other for other in outer] for one in inner], dtype=np.float32)


def _leaves(scheme: Scheme) -> list[set[int]]:
    """The codes of level 3 that each class has; those of the background belong to none."""
    found: list[set[int]] = [set() for _ in scheme.classes]
    if clc_names(scheme).any():
        for code, numbers in code_numbers(scheme).items():
            for number in numbers:
                if 1 <= number <= len(found):
                    found[number - 1].add(code)
    return found
