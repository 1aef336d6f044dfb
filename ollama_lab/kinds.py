"""What a value is, without importing the library that defines it.

A value can only be a DataFrame where pandas is loaded already; importing pandas to find out would
cost a second.
"""

from __future__ import annotations

import sys
from typing import Any


def is_a(value: Any, kind: str) -> bool:
    """Say whether a value is an instance of a class given by its full name.

    >>> from decimal import Decimal
    >>> is_a(Decimal(1), "decimal.Decimal"), is_a(1, "decimal.Decimal"), is_a(1, "nowhere.Thing")
    (True, False, False)
    """
    module, _, name = kind.rpartition(".")
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(value, found)
