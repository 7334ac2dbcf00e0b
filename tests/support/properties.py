"""How many examples a property is given."""

from hypothesis import settings


def examples(per_hundred: int) -> settings:
    """So many where the profile of the run gives a property 100; always one at least."""
    return settings(max_examples=max(1, per_hundred * settings().max_examples // 100))
