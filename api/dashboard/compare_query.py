"""The address of a comparison: which jobs, and what is shown of them. It can be kept and sent to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field, field_validator, model_validator

from api.dashboard.compare_columns import FIELDS, RESULTS, SETTINGS, Use, fits
from api.schemas.queries import Name, Query, Repeated
from models.messages import RequestFaults

PATH = "/dashboard/compare"


class CompareQuery(Query):
    """The jobs to compare, and what is shown of them. An empty parameter, as a form sends it, means the usual."""

    job: Repeated[str] = Field(default_factory=list)
    jobs: Repeated[str] = Field(default_factory=list)  # the same; each is one id, or several separated by commas
    columns: Repeated[Name] = Field(default_factory=list)
    sort: Name = ""  # a column; `-` for falling
    group: Name = ""
    axis: Literal["images", "time", "steps"] = "images"  # of the curves
    spread: Literal["std", "range"] = "std"
    x: Name = ""  # of the scatter plot, as `y`
    y: Name = ""

    @model_validator(mode="before")
    @classmethod
    def _axis_of_old_links(cls, values: Any) -> Any:
        """Read `x` as the axis of the curves, which it was before there was a scatter plot."""
        if not isinstance(values, dict):
            return values
        x, old = values.get("x"), "axis" not in values and "y" not in values
        if x in ("time", "steps") or (x == "images" and old):
            return {"axis": x, **{name: value for name, value in values.items() if name != "x"}}
        return values

    @field_validator("columns")
    @classmethod
    def _columns(cls, names: list[str]) -> list[str]:
        # The name of a label may hold a comma.
        parts = [[name] if name.startswith("label:") else name.split(",") for name in names]
        return list(dict.fromkeys(cls._checked("column", name) for some in parts for name in some if name))

    @field_validator("sort", "x")
    @classmethod
    def _column(cls, name: str) -> str:
        bare = name.removeprefix("-")
        return name and name[: len(name) - len(bare)] + cls._checked("column", bare)

    @field_validator("group")
    @classmethod
    def _group(cls, name: str) -> str:
        return name and cls._checked("group", name)

    @field_validator("y")
    @classmethod
    def _result(cls, name: str) -> str:
        return name and cls._checked("result", name)

    @staticmethod
    def _checked(use: Use, name: str) -> str:
        # As in queries of the list: best.fd_ratio.
        name = name.removeprefix("best.")
        if not fits(use, name):
            refusals = {
                "column": RequestFaults.no_such_column(fields=FIELDS),
                "group": RequestFaults.no_groups_by(fields=SETTINGS),
                "result": RequestFaults.no_such_result(fields=RESULTS),
            }
            raise ValueError(refusals[use])
        return name

    def ids(self) -> list[str]:
        """Return the ids without duplicates."""
        given = [job_id.strip() for entry in (*self.job, *self.jobs) for job_id in entry.split(",")]
        return list(dict.fromkeys(job_id for job_id in given if job_id))

    def address(self, ids: Sequence[str], **changes: str) -> str:
        """Return the address that compares these jobs and shows the same of them, but for these changes."""
        usual = {name: one.default for name, one in type(self).model_fields.items()}
        single = {name: getattr(self, name) for name in ("sort", "group", "axis", "spread", "x", "y")} | changes
        chosen = [("columns", name) for name in self.columns]
        chosen += [(name, value) for name, value in single.items() if value != usual[name]]
        return f"{PATH}?jobs={','.join(ids)}{'&' if chosen else ''}{urlencode(chosen, safe=':')}"
