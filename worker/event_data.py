"""What trainers say, as the data of the job's events."""

from __future__ import annotations

from collections.abc import Mapping

from models import wire
from models.messages import Alerts
from models.states import EventType
from worker.stalls import Stall

Event = tuple[EventType, dict[str, object]]


def of_progress(message: wire.Metric | wire.Epoch | wire.ProgressUpdate) -> list[Event]:
    """Return the event of a metric or an epoch; progress alone has none."""
    match message:
        case wire.Metric(epoch, steps, values):
            return [(EventType.metric, {"epoch": epoch, "steps": steps, "values": values})]
        case wire.Epoch():
            # The event has the mean of each metric beside the epoch's other values.
            figures = {name: value for name, value in vars(message).items() if name not in ("means", "progress")}
            return [(EventType.epoch, {**figures, **message.means})]
        case wire.ProgressUpdate():
            return []


def of_log(message: wire.Log) -> Event:
    """Return the event of a line for people."""
    return EventType.log, {"level": message.level, "message": message.message, **_text(message.text)}


def of_alert(alert: wire.Alert) -> Event:
    """Return the event of a trainer's alert, with its numbers beside the text."""
    data: dict[str, object] = {
        "code": alert.code,
        "detail": alert.detail,
        "step": alert.step,
        **alert.params,
        **_text(alert.text),
    }
    if alert.action is not None:
        data["action"] = alert.action
    if alert.back_to is not None:
        data["back_to"] = alert.back_to
    return EventType.alert, data


def of_stall(stall: Stall) -> Event:
    """Return the event of a trainer that makes no progress."""
    message = Alerts.stalled(seconds=round(stall.seconds), phase=stall.doing, limit=round(stall.limit))
    numbers = {"seconds": round(stall.seconds, 1), "limit": round(stall.limit, 1), "phase": stall.phase}
    step = {} if stall.step is None else {"step": stall.step}
    return EventType.alert, {"code": message.code, "detail": str(message), **step, **numbers, "text": message.as_json()}


def _text(text: wire.Text | None) -> dict[str, object]:
    """Return code and parameters as event data."""
    return {} if text is None else {"text": vars(text)}


def of_readings(message: wire.Metric, readings: Mapping[str, float]) -> list[Event]:
    """Return the event of readings at the last step of a message: the machine's, and the trainer's wait for data.

    It is one of its own: these are known for one step, the trainer's metrics for each. None without readings.
    """
    values = {name: [value] for name, value in readings.items()}
    if message.data_wait_pct is not None:
        values["data_wait_pct"] = [message.data_wait_pct]
    if not values:
        return []
    return [(EventType.metric, {"epoch": message.epoch, "steps": message.steps[-1:], "values": values})]
