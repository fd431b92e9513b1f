"""Request bodies of webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from api.schemas.bodies import Several
from api.schemas.queries import LabelFilter, Name
from models.messages import WebhookFaults
from models.specs.base import Spec
from models.states import DeviceClass, JobKind
from models.webhooks import MAX_URL, WebhookEvent, WebhookFormat


def _each_once(events: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
    if len(set(events)) != len(events):
        raise ValueError(WebhookFaults.event_twice())
    return events


Url = Annotated[str, Field(min_length=1, max_length=MAX_URL)]
Events = Annotated[
    list[Annotated[WebhookEvent, Field(strict=False)]],
    Field(min_length=1, max_length=len(WebhookEvent), json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]
_URL = (
    "Where messages go: an `https` address on the public internet, or for the format `email` `mailto:` and one mailbox."
)


class WebhookFilter(Spec):
    """Which jobs it tells of: filters of `GET /v1/jobs`, each a text or a list. Empty: all that the caller sees."""

    label: Several[LabelFilter] = Field(default_factory=list)
    kind: Several[Annotated[JobKind, Field(strict=False)]] = Field(default_factory=list)
    recipe: Several[Name] = Field(default_factory=list)
    queue: Several[Annotated[DeviceClass, Field(strict=False)]] = Field(default_factory=list)
    dataset: Several[Name] = Field(default_factory=list)
    project: Several[Name] = Field(default_factory=list)
    owner: Several[Name] = Field(default_factory=list, description="For an admin, whose webhook tells of all owners.")

    def given(self) -> dict[str, Any]:
        """Return the filters that ask for something, as they are stored."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value}


class NewWebhook(Spec):
    """A new webhook."""

    url: Url = Field(description=_URL)
    events: Events = Field(description="What to tell.")
    filter: WebhookFilter = Field(default_factory=WebhookFilter)
    format: Annotated[WebhookFormat, Field(strict=False)] = Field(
        WebhookFormat.standard,
        description="`standard`: JSON, signed as Standard Webhooks has it; `slack`: one sentence for Slack; `email`: "
        "one sentence by mail, where the operator has set a mail server.",
    )


class WebhookChanges(Spec):
    """Changes to a webhook. Omitted fields stay unchanged."""

    url: Url = Field("", validate_default=False, description=_URL)
    events: Events = Field(default_factory=list, validate_default=False, description="Replaces all events.")
    filter: WebhookFilter = Field(default_factory=WebhookFilter, description="Replaces the whole filter.")
    paused: bool = Field(False, description="true: send nothing and collect nothing; false: go on with what waits.")
    rotate_secret: bool = Field(
        False,
        description="true: replace the secret. The answer shows the new one, once; for 24 h messages carry the "
        "signatures of both.",
    )
