"""What the page asks: a drawing and a Reynolds number."""

from typing import Annotated, Self

import pydantic
from pydantic import Field

from geodl.errors import OptionError

REYNOLDS = (5.0, 40.0)  # below, the wake hardly depends on it; above, it is no longer steady


class Query(pydantic.BaseModel):
    """Body of a request: ``columns`` and ``rows`` of the canvas, ``bits`` of the drawing, ``reynolds``."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    columns: int
    rows: int
    bits: str
    reynolds: Annotated[float, Field(ge=REYNOLDS[0], le=REYNOLDS[1])]

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The query that a body holds.

        Raises:
            OptionError: not JSON, a key too many or too few, a value of the wrong type or out of bounds.
        """
        try:
            return cls.model_validate_json(body)
        except pydantic.ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part)[:40] for part in first["loc"]) or "the body"
            raise OptionError(
                f"{where!r}: {first['msg'].lower()}. Send JSON with columns, rows, bits and reynolds "
                f"({REYNOLDS[0]:g} to {REYNOLDS[1]:g})."
            ) from None
